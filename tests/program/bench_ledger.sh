#!/usr/bin/env bash
# `bcemr bench ledger --quick`: the shape of its document and its tables; never its speed.
set -uo pipefail
bin=$BCEMR_BIN/bcemr
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/databases"
failed=0
fault() {
    echo "bcemr bench ledger: $*" >&2
    failed=1
}

"$bin" bench ledger --quick --json --dir "$work/databases" >"$work/json" 2>"$work/err" || fault "ended with $?"
[ -z "$(ls -A "$work/databases")" ] || fault "it leaves files behind"
/usr/bin/python3 - "$work/json" <<'END' || fault "its document is not as described"
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)


def numbers(where, *keys):
    for key in keys:
        value = where[key]
        assert isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0, (key, value)


assert set(document) == {"machine", "versions", "quick", "load", "durable", "durable_ratio", "replay", "replay_ratio",
                         "open_seconds", "open_rss_kib", "proofs", "proof_us", "bytes_per_entry", "missed"}, set(document)
assert document["quick"] is True and isinstance(document["missed"], int)
numbers(document, "durable_ratio", "replay_ratio", "open_seconds", "open_rss_kib", "proof_us", "bytes_per_entry")
load, durable, replay = document["load"], document["durable"], document["replay"]
numbers(load, "entries", "visits", "signs", "doctors")
assert load["entries"] == load["doctors"] + load["visits"] + load["signs"]
numbers(durable, "in_flight", "seconds", "per_second", "batch_seconds", "batch_per_second", "ratio")
assert durable["signs"] == load["signs"] and durable["verifying_threads"] == replay["verifying_threads"] == 1
assert abs(durable["batch_seconds"] / durable["seconds"] - durable["ratio"]) < 0.1, durable
assert durable["ratio"] == document["durable_ratio"] and replay["ratio"] == document["replay_ratio"]
blocks = durable["blocks"]
assert 1 <= blocks["least"] <= blocks["median"] <= blocks["most"] <= durable["in_flight"]
assert sum(size["blocks"] for size in blocks["sizes"]) == blocks["count"]
least = sum(size["blocks"] * size["from"] for size in blocks["sizes"])
most = sum(size["blocks"] * size["to"] for size in blocks["sizes"])
assert least <= durable["signs"] <= most, blocks
numbers(replay, "seconds", "per_second", "batch_seconds", "batch_per_second", "batch", "ratio")
# Every entry of the load; each Sign has one signature, every Admit three, every Enrol some.
assert replay["entries"] == load["entries"]
assert replay["statements"] >= load["signs"] + 3 * load["visits"] + load["doctors"]
assert [proof["leaves"] for proof in document["proofs"]] == [100, 200, 400, 800]
for proof in document["proofs"]:
    numbers(proof, "us", "slowest_us", "bytes")
# Twice the leaves, one hash more.
sizes = [proof["bytes"] for proof in document["proofs"]]
assert all(0 < b - a <= 80 for a, b in zip(sizes, sizes[1:])), sizes
END

"$bin" bench ledger --quick >"$work/out" 2>"$work/err" || fault "the tables: ended with $?"
grep -q '^ *Sign, durable ' "$work/out" || fault "no table"
[ "$(grep -c '[0-9] due$' "$work/out")" = 5 ] || fault "not every figure due is there"
"$bin" bench ledger --quick --check >"$work/out" 2>"$work/err"
code=$?
[ $code = 0 ] && grep -q '✗\|^ *x ' "$work/out" && fault "--check ends with 0 though a figure is missed"
[ $code -le 1 ] || fault "--check ended with $code"
"$bin" bench ledger --quick --dir "$work/none" >"$work/out" 2>"$work/err" && fault "a folder nowhere is not noticed"
grep -q -- '--dir' "$work/err" || fault "a folder nowhere is not said"
"$bin" bench ledger --open "$work/none.db" >"$work/out" 2>"$work/err" && fault "a missing database opens"
[ -e "$work/none.db" ] && fault "a missing database is made"
exit $failed

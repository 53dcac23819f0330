#!/usr/bin/env bash
# `bcemr bench core --quick`: the shape of its document, its table and plot; never its speed.
set -uo pipefail
bin=$BCEMR_BIN/bcemr
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fault() {
    echo "bcemr bench core: $*" >&2
    failed=1
}

"$bin" bench core --quick --json --plot "$work/plot.svg" >"$work/json" 2>"$work/err" || fault "ended with $?"
/usr/bin/python3 - "$work/json" "$work/plot.svg" <<'END' || fault "its document or plot is not as described"
import json
import sys
import xml.dom.minidom

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)


def numbers(where, *keys):
    for key in keys:
        value = where[key]
        assert isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0, (key, value)


assert set(document) == {"machine", "versions", "quick", "operations", "batch", "path_us", "path", "grant",
                         "payload", "missed"}, set(document)
assert document["quick"] is True and isinstance(document["missed"], int)
assert document["machine"]["processor"] and document["machine"]["processors"] >= 1
assert all(document["versions"][key] for key in ("bcemr", "blst", "libsodium", "compiler"))
names = [operation["name"] for operation in document["operations"]]
assert len(names) == len(set(names)) == 13, names
for operation in document["operations"]:
    numbers(operation, "rounds", "min_us", "median_us", "floor_us", "ratio", "row_floor_us", "row_ratio")
    assert operation["min_us"] <= operation["median_us"] and operation["row_floor_us"] <= operation["floor_us"]
    total = sum(part["count"] * part["us"] for part in operation["floor"])
    assert abs(total - operation["floor_us"]) < 0.01 * operation["floor_us"] + 0.1, operation
    assert abs(operation["min_us"] / operation["floor_us"] - operation["ratio"]) < 0.01, operation
    assert isinstance(operation["met"], bool)
assert len(document["batch"]) == 2
for batch in document["batch"]:
    numbers(batch, "entries", "doctors", "one_by_one_us", "batch_us", "speedup", "two_core_us", "two_core_speedup")
numbers(document, "path_us")
numbers(document["path"], "seal_us", "keys_us", "check_us", "reencrypt_us", "open_us", "g1_multiply_us", "ratio")
numbers(document["grant"], "visits", "grant_us", "floor_us", "ratio")
numbers(document["payload"], "bytes", "seal_ratio", "open_ratio", "two_core_ratio", "max_rss_kib")
plot = xml.dom.minidom.parse(sys.argv[2])
assert len(plot.getElementsByTagName("rect")) == 1 + 2 * len(names)
END

"$bin" bench core --quick >"$work/out" 2>"$work/err" || fault "the table: ended with $?"
grep -q '^ *doctor opens ' "$work/out" || fault "no table"
[ "$(grep -c '[0-9] due$' "$work/out")" = 23 ] || fault "not every figure due is there"
"$bin" bench core --quick --plot "$work/none/plot.svg" >"$work/out" 2>"$work/err" && fault "a plot nowhere is not noticed"
grep -q 'plot' "$work/err" || fault "a plot nowhere is not said"
"$bin" bench core --quick --check >"$work/out" 2>"$work/err"
code=$?
[ $code = 0 ] && grep -q '✗\|^ *x ' "$work/out" && fault "--check ends with 0 though a figure is missed"
[ $code -le 1 ] || fault "--check ended with $code"
exit $failed

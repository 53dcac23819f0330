#!/usr/bin/env bash
# The second verifier (docs/vectors.md) on all vectors and on a fresh demo: everything holds, and a change of any
# field is noticed. Skipped only where its packages could not be fetched; never in the gates.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages=$BCEMR_DEPS/verifier
if [ ! -d "$packages/node_modules/@noble/curves" ] || ! command -v node >/dev/null; then
    echo "skipped: node or the verifier's packages are not here (scripts/setup test fetches them through npm)" >&2
    [ -n "${BCEMR_GATE:-}" ] && exit 1
    exit 77
fi
cmp -s "$here/package-lock.json" "$packages/package-lock.json" ||
    { echo "the packages fetched are of another lock file: run scripts/setup test" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/*.mjs "$here/package.json" "$work/"
ln -s "$packages/node_modules" "$work/node_modules"
BCEMR_DATA=$BCEMR_TEST_DATA "$BCEMR_BIN/bcemr" demo --keep "$work/kept" --seed verifier >"$work/demo" 2>&1 ||
    { cat "$work/demo" >&2; exit 1; }
"$BCEMR_BIN/bcemr" ledger export --db "$work/kept/ledger.db" --out "$work/kept/ledger.export" >"$work/export" ||
    { cat "$work/export" >&2; exit 1; }
node "$work/verify.mjs" --flips "$BCEMR_SOURCE_DIR/docs/wire.json" "$BCEMR_SOURCE_DIR/tests/vectors" "$work/kept" || exit 1

# It must also say so when it is run as anybody would, on files that were changed.
sed '0,/"out": "./s//"out": "x/' "$BCEMR_SOURCE_DIR/tests/vectors/kdf.json" >"$work/kdf.json"
mkdir "$work/changed"
cp "$BCEMR_SOURCE_DIR"/tests/vectors/*.json "$work/changed/"
mv "$work/kdf.json" "$work/changed/"
node "$work/verify.mjs" "$BCEMR_SOURCE_DIR/docs/wire.json" "$work/changed" >/dev/null 2>"$work/err" &&
    { echo "a changed vector file passes" >&2; exit 1; }
grep -q '^kdf.json, vector 0' "$work/err" || { cat "$work/err" >&2; exit 1; }
printf 'x' | dd of="$work/kept/record.payload" bs=1 seek=70000 conv=notrunc status=none
node "$work/verify.mjs" "$BCEMR_SOURCE_DIR/docs/wire.json" "$BCEMR_SOURCE_DIR/tests/vectors" "$work/kept" >/dev/null 2>"$work/err" &&
    { echo "a changed payload passes" >&2; exit 1; }
grep -q 'the root over the payload' "$work/err" || { cat "$work/err" >&2; exit 1; }

# Vectors that it does not know, or none at all, are no success.
mkdir "$work/unknown"
printf '{"about": "", "vectors": [{"op": "news", "name": ""}]}\n' >"$work/unknown/news.json"
printf '{"about": ""}\n' >"$work/unknown/nothing.json"
node "$work/verify.mjs" "$BCEMR_SOURCE_DIR/docs/wire.json" "$work/unknown" >/dev/null 2>"$work/err" &&
    { echo "unknown vectors pass" >&2; exit 1; }
grep -q '^news.json, vector 0.*no such op' "$work/err" && grep -q '^nothing.json: no vectors' "$work/err" ||
    { cat "$work/err" >&2; exit 1; }

# A case file beside the genesis alone; and the first verifier gives what was changed the same name.
mkdir "$work/alone"
cp "$work/kept/genesis" "$work/kept/case.bcemr" "$work/alone/"
node "$work/verify.mjs" --case "$BCEMR_SOURCE_DIR/docs/wire.json" "$work/alone/genesis" "$work/alone/case.bcemr" \
    >"$work/out" || { cat "$work/out" >&2; exit 1; }
grep -q '^HOLDS VALID: ' "$work/out" || { cat "$work/out" >&2; exit 1; }
size=$(wc -c <"$work/alone/case.bcemr")
mkdir "$work/bytes"
for at in 0 7 60 $(seq 100 $((size / 25)) $((size - 1))); do
    changed="$work/bytes/$(printf '%06d' "$at")"
    cp "$work/alone/case.bcemr" "$changed"
    printf '\377' | dd of="$changed" bs=1 seek="$at" conv=notrunc status=none
    cmp -s "$work/alone/case.bcemr" "$changed" && rm "$changed" && continue
    "$BCEMR_BIN/bcemr" verify "$changed" --genesis "$work/alone/genesis" --json | /usr/bin/python3 -c '
import json, sys
first = json.load(sys.stdin)
print(first["checks"][-1]["name"], first["error"].get("verdict", first["error"]["status"]))' >>"$work/first"
done
node "$work/verify.mjs" --case "$BCEMR_SOURCE_DIR/docs/wire.json" "$work/alone/genesis" "$work"/bytes/* >"$work/out" &&
    { echo "changed case files pass" >&2; exit 1; }
sed 's/:.*//' "$work/out" >"$work/second"
[ "$(wc -l <"$work/second")" -ge 25 ] && diff "$work/first" "$work/second" >&2 ||
    { echo "the verifiers give changed case files other names" >&2; exit 1; }

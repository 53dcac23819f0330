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

#!/usr/bin/env bash
# Roots and proofs of a ledger's log hold by a transparency-log library from elsewhere (merkle.go), and spoilt ones do
# not. Skipped only where it could not be fetched; never in the gates.
set -eu
checker=$BCEMR_DEPS/outside/merkle
if [ ! -x "$checker" ]; then
    echo "skipped: the outside verifier of Merkle proofs is not here (scripts/setup test builds it with go)" >&2
    [ -n "${BCEMR_GATE:-}" ] && exit 1
    exit 77
fi
cd "$BCEMR_SOURCE_DIR/tests/outside"
cat go.mod go.sum merkle.go | cmp -s - "$checker.made-from" ||
    { echo "the outside verifier was built from other sources: run scripts/setup test" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$BCEMR_BINARY_DIR/tests/ledger/test_proofs" "$work/proofs" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
"$checker" <"$work/proofs"

# It must also say so when something is wrong from the start: the first bit of a node, of a leaf, of a root.
for kind in inclusion consistency leaf root; do
    awk -v kind="$kind" '$1 == kind && ++n == 100 { c = substr($NF, 1, 1); $NF = (c == "0" ? "8" : "0") substr($NF, 2) } 1' \
        "$work/proofs" >"$work/spoilt"
    ! cmp -s "$work/proofs" "$work/spoilt" || { echo "no line of $kind was changed" >&2; exit 1; }
    if "$checker" <"$work/spoilt" >/dev/null 2>&1; then
        echo "a changed $kind passes" >&2
        exit 1
    fi
done

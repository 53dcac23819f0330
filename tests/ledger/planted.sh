#!/usr/bin/env bash
# Without one of the checks that the model leaves to another suite (test_model.c, ELSEWHERE) that suite fails; with
# it, it passes.
set -eu
cd "$BCEMR_BINARY_DIR"
missed=0 count=0
while read -r reason suite; do
    count=$((count + 1))
    if ! "tests/ledger/test_$suite" >/dev/null 2>&1; then
        echo "$suite fails with every check on"
        missed=1
    fi
    if (BCEMR_WITHOUT=$reason exec "tests/ledger/test_$suite") >/dev/null 2>&1; then
        echo "$suite does not notice that $reason is off"
        missed=1
    fi
done < <(sed -n 's/^    X(\([A-Z_]*\), \([a-z_]*\)).*/\1 \2/p' "$BCEMR_SOURCE_DIR/tests/ledger/test_model.c")
[ "$count" -ge 4 ] || { echo "only $count checks were found"; exit 1; }
exit $missed

#!/usr/bin/env bash
# Every reason of the ledger's rules is provoked by a test, which names it. (test_model.c provokes what chance brings,
# and says itself when a reason never came.)
set -eu
cd "$BCEMR_SOURCE_DIR"
missing=$(sed -n 's/^X(\([A-Z_]*\), [0-9]*, .*/\1/p' src/ledger/rules/reasons.def | while read -r name; do
    grep -q -E "(REFUSED\(w, $name,|LEDGER_R_$name\b)" $(ls tests/ledger/test_*.c | grep -v test_model.c) || echo "$name"
done)
[ -z "$missing" ] || { echo "no test provokes: $missing"; exit 1; }

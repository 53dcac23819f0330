#!/usr/bin/env bash
# Every reason of the ledger's rules is provoked by a test, which names it.
set -eu
cd "$BCEMR_SOURCE_DIR"
missing=$(sed -n 's/^X(\([A-Z_]*\), [0-9]*, .*/\1/p' src/ledger/rules/reasons.def | while read -r name; do
    grep -q -E "(REFUSED\(w, $name,|LEDGER_R_$name\b)" tests/ledger/test_*.c || echo "$name"
done)
[ -z "$missing" ] || { echo "no test provokes: $missing"; exit 1; }

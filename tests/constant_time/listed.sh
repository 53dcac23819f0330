#!/usr/bin/env bash
# docs/constant-time.md names every declassification by its reason and every function that is suppressed.
set -euo pipefail
cd "${BCEMR_SOURCE_DIR:-.}"
missed=0
must_name() {
    while IFS= read -r what; do
        grep -q -F -- "$what" docs/constant-time.md || {
            echo "docs/constant-time.md does not name: $what" >&2
            missed=1
        }
    done
}
reasons=$(cat src/*/*.c tests/constant_time/*.c | tr '\n' ' ' | grep -o 'DECLASSIFY( *"[^"]*"' | sed 's/^[^"]*"//; s/"$//' | sort -u)
functions=$(sed -n 's/^ *fun://p' tests/constant_time/blst.supp | sort -u)
[ "$(wc -l <<<"$reasons")" -gt 20 ] && [ "$(wc -l <<<"$functions")" -gt 5 ] || {
    echo "this script no longer finds what it should compare" >&2
    exit 1
}
must_name <<<"$reasons"
must_name <<<"$functions"
exit $missed

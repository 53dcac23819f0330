#!/usr/bin/env bash
# Faults that must be found: in copies of core's sources, and in what blst.supp lets pass.
. "$(dirname "$0")/run"
missed=0

# finds WHAT PATTERN PROGRAM CASE: valgrind finds something, in that function
finds() {
    local what=$1 pattern=$2 status=0
    shift 2
    under_valgrind "$@" || status=$?
    if [ $status = 9 ] && grep -q "$pattern" "$log"; then
        echo "found: $what"
    else
        tail -n 40 "$log"
        echo "NOT found ($status): $what" >&2
        missed=1
    fi
}
finds "an index on a digit of a secret" 'select_power\|core_z_power' fault_index capsule
finds "a comparison of MACs that ends early" bcemr_hash_equal fault_compare group-run
finds "a bucket that is skipped for a digit of zero" 'drop (' fault_skip grant-keys-many
SUPPRESS=/dev/null finds "blst's own branches, were they not let pass" blst_p1_mult portable g1-from-secret

# And a case whose secret never got in says so.
if "$programs/portable" >"$log" 2>&1; then
    echo "runs without valgrind" >&2
    missed=1
fi
exit $missed

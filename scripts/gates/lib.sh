# shellcheck shell=bash
# Common to the gates; sourced. A gate is a script of this folder that exits 0 when the tree passes. They
# take the tree as it is found (TREE), build under CI_BUILD, and can be narrowed for the planted faults:
# GATE_TARGETS (what to build) and GATE_TESTS (which suites to run).
set -euo pipefail
TREE=${TREE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$TREE"
JOBS=${JOBS:-2}
CI_BUILD=${CI_BUILD:-$TREE/build/ci}
export DEPS DATA BCEMR_GATE=1 # a suite that lacks what set-up brings fails in a gate
DEPS=$(realpath -m "${DEPS:-build/deps}") DATA=$(realpath -m "${DATA:-build/data}")

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# quietly COMMAND...: its output only if it fails
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [ $status = 0 ] || tail -n "${LOG_LINES:-60}" "$log" >&2
    rm -f "$log"
    return $status
}

# configure NAME CMAKE-ARGUMENT...: into CI_BUILD/NAME
configure() {
    local name=$1
    shift
    quietly cmake -S "$TREE" -B "$CI_BUILD/$name" -DBCEMR_DEPS="$DEPS" -DBCEMR_DATA="$DATA" "$@"
}

build() {
    # shellcheck disable=SC2086 # GATE_TARGETS is a list
    quietly cmake --build "$CI_BUILD/$1" --parallel "$JOBS" ${GATE_TARGETS:+--target $GATE_TARGETS}
}

c_files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done; }

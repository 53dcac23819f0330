#!/usr/bin/env bash
# What the program says and how it ends: help, versions, wrong use, output that cannot be written.
set -uo pipefail
bin=$BCEMR_BIN/bcemr
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# expect CODE STREAM PATTERN ARGUMENT...: ends so, says that (a grep pattern) on out or err, and on wrong use
# nothing on out
expect() {
    local code=$1 stream=$2 pattern=$3 got=0
    shift 3
    "$bin" "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
    if [ $got != "$code" ]; then
        echo "bcemr $*: ended with $got, not $code" >&2
        failed=1
    elif ! grep -q -e "$pattern" "$work/$stream"; then
        echo "bcemr $*: no \"$pattern\" on $stream:" >&2
        cat "$work/$stream" >&2
        failed=1
    elif [ "$code" = 2 ] && { [ -s "$work/out" ] || [ "$(wc -l <"$work/err")" != 1 ]; }; then
        echo "bcemr $*: wrong use is one line on standard error" >&2
        failed=1
    fi
}

expect 0 out '^usage: bcemr COMMAND' --help
expect 0 out '^usage: bcemr COMMAND' -h
expect 0 out '^usage: bcemr COMMAND' help
expect 0 out '^bcemr [0-9]*\.[0-9]*\.[0-9]*$' --version

# every command of the list has help with options, examples, and works under "help" too
"$bin" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\( [a-z][a-z]*\)*\)  .*/\1/p' >"$work/commands"
grep -qx demo "$work/commands" && grep -qx wire "$work/commands" || { echo "no list of commands" >&2; failed=1; }
while read -r command; do
    for words in "$command --help" "help $command" "$command -h"; do
        # shellcheck disable=SC2086
        expect 0 out "^usage: bcemr $command" $words
        grep -q '^examples:' "$work/out" && grep -q "^  bcemr $command" "$work/out" &&
            grep -q -e '^  --json' "$work/out" || { echo "help of $command lacks something" >&2; failed=1; }
    done
    # shellcheck disable=SC2086
    {
        expect 2 err 'unknown option "--jsn", did you mean "--json"' $command --jsn
        expect 2 err 'takes no value' $command --json=1
        # where a file is the operand, one word is it and the second is too many
        # (one in brackets need not be given)
        operand=$("$bin" $command --help | sed -n "s/^usage: bcemr $command \([A-Z]*\) .*/\1/p")
        may=$("$bin" $command --help | sed -n "s/^usage: bcemr $command \[\([A-Z]*\)\] .*/\1/p")
        expect 2 err 'unexpected "word"' $command ${operand:+bash} ${may:+bash} word
        [ -z "$operand" ] || expect 2 err "$operand is missing" $command
    }
done <"$work/commands"

expect 2 err '"keys" needs one more word: new, show,' keys
expect 2 err '"keys" needs one more word' keys nwe
expect 0 out '^  keys new ' keys --help
expect 0 out '^  keys words ' help keys
expect 2 err 'role ROLE is missing' keys new --out x
expect 2 err 'which command'
expect 2 err 'unknown command "dmeo", did you mean "demo"' dmeo
expect 2 err 'unknown command "xyzzy";' xyzzy
expect 2 err 'unknown option "--verbose"' --verbose
expect 2 err 'unknown command' "$(printf 'de\033[31mmo')"
grep -q "$(printf '\033')" "$work/err" && { echo "an argument reached the terminal raw" >&2; failed=1; }
expect 2 err 'unknown option "--docters", did you mean "--doctors"' demo --docters 4
expect 2 err 'unknown option' demo "--$(printf 'x%.0s' {1..500})"
for value in 2 65 -1 3x '' 18446744073709551619 0x4 ' 4'; do
    expect 2 err 'doctors' demo --doctors "$value"
done
expect 2 err 'needs a value' demo --doctors
expect 2 err 'needs a value' demo --seed --json
expect 2 err 'needs a value' demo --keep=
expect 2 err 'needs a value' demo --record --json
expect 2 err 'takes one of markdown, json, dictionary' wire --format xml
expect 2 err 'unknown option' demo --

expect 0 out '^# ' wire
expect 0 out '^# ' wire --format=markdown
expect 0 out '^{' wire --json
/usr/bin/python3 -m json.tool "$work/out" >/dev/null 2>&1 || { echo "wire --json is not JSON" >&2; failed=1; }
expect 0 out 'visit' wire --format dictionary

# what cannot be written in full is a failure
for words in '--help' '--version' 'wire' 'demo --help'; do
    # shellcheck disable=SC2086
    "$bin" $words >/dev/full 2>"$work/err" && { echo "bcemr $words: a full disk is not noticed" >&2; failed=1; }
    grep -q . "$work/err" || { echo "bcemr $words: a full disk is not said" >&2; failed=1; }
done
# closed standard streams
"$bin" --version <&- >&- 2>&- || true

exit $failed

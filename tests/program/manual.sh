#!/usr/bin/env bash
# Manual page and shell completion against the help of every command: the same commands, options and choices;
# the page is clean; bash completes what the table says.
set -uo pipefail
bin=$BCEMR_BIN/bcemr
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
say() {
    echo "$*" >&2
    failed=1
}
"$bin" manual >"$work/bcemr.1" && "$bin" completion bash >"$work/bash" && "$bin" completion zsh >"$work/zsh" || exit 1
for made in bcemr.1:bcemr.1 bcemr.bash:bash _bcemr:zsh; do
    cmp -s "$BCEMR_BINARY_DIR/made/${made%:*}" "$work/${made#*:}" || say "what is installed as ${made%:*} is stale"
done

# the page by itself
if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$work/bcemr.1" >"$work/lint" 2>&1 || { cat "$work/lint" >&2; failed=1; }
elif command -v groff >/dev/null; then
    groff -mandoc -ww -Tutf8 -z "$work/bcemr.1" >"$work/lint" 2>&1
    [ ! -s "$work/lint" ] || { cat "$work/lint" >&2; failed=1; }
fi
bash -n "$work/bash" || failed=1
! command -v zsh >/dev/null || zsh -n "$work/zsh" || failed=1

# completes WORD...: what bash offers for the last word, one a line, sorted
completes() {
    bash -c '. "$1"; shift; COMP_WORDS=(bcemr "$@"); COMP_CWORD=$#; _bcemr 2>/dev/null; printf "%s\n" "${COMPREPLY[@]}"' \
        completes "$work/bash" "$@" | sed 's/ $//' | sed '/^$/d' | sort
}
# the same asked of zsh, where it is: compadd says what it is given
completes_zsh() {
    zsh -f -c 'compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { ls -1; }
        . "$1"; shift; words=(bcemr "$@"); CURRENT=$(($# + 1)); _bcemr' completes "$work/zsh" "$@" |
        sed '/^$/d' | sort
}
# same A B WHAT
same() { diff "$1" "$2" >"$work/diff" || say "$3: $(cat "$work/diff")"; }

# every command, from the list in the help, and nothing else
"$bin" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\( [a-z][a-z]*\)*\)  .*/\1/p' | sort >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 15 ] || say "no list of commands"
sed -n 's/^\.Ss bcemr \\&\(.*\)/\1/p' "$work/bcemr.1" | sort >"$work/there"
same "$work/commands" "$work/there" "commands of the page"
{ sed 's/ .*//' "$work/commands"; printf -- 'help\n--help\n--version\n'; } | sort -u >"$work/first"
completes '' >"$work/there"
same "$work/first" "$work/there" "first words"
cd "$work" && mkdir -p empty && cd empty || exit 1
: >afile.key

while read -r command; do
    "$bin" $command --help >"$work/help"
    sed -n '/^options:/,/^$/s/^  --\([a-z-]*\).*/\1/p' "$work/help" | sort >"$work/options"
    # the page: this command's section, and the common options that stand once
    { sed -n "/^\.Ss bcemr \\\\&$command\$/,/^\.S[sh] /p" "$work/bcemr.1" | sed -n 's/^\.It Fl \\-\\&\([a-z\\-]*\).*/\1/p' |
        sed 's/\\-/-/g'; printf 'json\nhelp\n'; } | sort >"$work/there"
    same "$work/options" "$work/there" "options of $command in the page"
    sed 's/^/--/' "$work/options" >"$work/dashed"
    # shellcheck disable=SC2086
    completes $command -- >"$work/there"
    same "$work/dashed" "$work/there" "options of $command in bash"
    if command -v zsh >/dev/null; then
        # shellcheck disable=SC2086
        completes_zsh $command -- >"$work/there"
        same "$work/dashed" "$work/there" "options of $command in zsh"
    fi
    # an option with a file completes files
    # shellcheck disable=SC2086
    for option in $(sed -n 's/^  --\([a-z-]*\) FILE.*/\1/p' "$work/help"); do
        [ "$(completes $command "--$option" a)" = afile.key ] || say "$command --$option completes no file"
    done
done <"$work/commands"

# what stands where
[ "$(completes keys s)" = show ] || say "keys s"
[ "$(completes keys show a)" = afile.key ] || say "keys show takes no file"
[ "$(completes keys show afile.key | head -n 1)" = "" ] || [ "$(completes keys show afile.key '')" != afile.key ] ||
    say "a second operand"
[ "$(completes keys new --role h)" = hospital ] || say "keys new --role h"
[ "$(completes sign visit --waive r)" = remote-reading ] || say "sign --waive r"
[ "$(completes sign visit --document x a)" = afile.key ] || say "a second document"
[ "$(completes completion b)" = bash ] || say "completion b"
[ "$(completes grant visit --days 3 --pu)" = --purpose ] || say "grant --days 3 --pu"
[ -z "$(completes grant visit --days '')" ] || say "grant --days completes a number"
[ "$(completes nothing --)" = "" ] || say "an unknown command has options"

exit $failed

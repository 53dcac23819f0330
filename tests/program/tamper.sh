#!/usr/bin/env bash
# Every attack is caught by who should catch it and for the reason that should be given; in the test build
# every one succeeds once the checks are off; the shipped program has no way to turn one off.
set -uo pipefail
bin=$BCEMR_BIN/bcemr
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
failed=0

complain() {
    echo "$*" >&2
    failed=1
}

# attack, status, who caught it
cat >"$work/table" <<'TABLE'
credential-forged|BAD_CREDENTIAL|Lindenhof Hospital
credential-swap|SUPERNODE_SIGNATURE|ledger
ticket|BAD_TICKET_SIGNATURE|patient
acceptance|BAD_ACCEPTANCE|Lindenhof Hospital
presence|BAD_PRESENCE|Dr Amara Okafor
amendment|AMEND_PREVIOUS|ledger
order|SIGN_PLACE|ledger
diagnosis|BAD_SEALED_MESSAGE|Lindenhof Hospital
signature|SIGN_DELTA|ledger
cancel|SIGN_DELTA|ledger
reissue|REISSUE_LIMIT|Dr Jonas Keller
two-keys|BAD_KEY_COMMITMENT|Lindenhof Hospital
seal-garbage|BAD_DOCUMENT|Lindenhof Hospital
seal-identity|BAD_PSEUDONYM|Lindenhof Hospital
capsule|BAD_SEAL_SIGNATURE|Cloud North
confirmations|BAD_CONFIRMATION|Lindenhof Hospital
payload|BAD_CHUNK|Dr Lucia Ferrari
tags|HEADER_NOT_CASE|Dr Lucia Ferrari
grant|BAD_CONSENT_POST|Cloud North
reencryption-key|BAD_GRANT_KEY|Cloud North
consent-cloud|BAD_TERMS|Cloud South
consent-revoker|BAD_CONSENT|Dr Lucia Ferrari
consent-revoked|GRANT_REVOKED|Cloud North
replay|REQUEST_REPLAYED|Cloud North
access-old|BAD_ACCESS|Dr Lucia Ferrari
access-hidden|ACCESS_HIDDEN|Dr Lucia Ferrari
TABLE
count=$(grep -c . "$work/table")

# rows FILE: the results of a JSON document as lines of the table, and whether each was caught
rows() {
    /usr/bin/python3 -c '
import json, sys
j = json.load(open(sys.argv[1]))
for t in j.get("tampers", [j]):
    assert isinstance(t["caught"], bool)
    print("%s|%s|%s" % (t["tamper"], t["status"], t["by"]) + ("" if t["caught"] else " NOT CAUGHT"))
' "$1"
}

# ---- all at once, and listed ----
"$bin" demo --tamper all --json >"$work/all" 2>"$work/err" </dev/null || complain "--tamper all: ended with $?"
rows "$work/all" >"$work/rows"
diff "$work/table" "$work/rows" >&2 || complain "not caught as they should be"
/usr/bin/python3 -c '
import json, sys
j = json.load(open(sys.argv[1]))
assert (j["tamper"], j["caught"], j["status"], j["by"]) == ("all", True, "ALL_CAUGHT", "see tampers"), j
' "$work/all" || complain "what --tamper all says of all"
"$bin" demo --tamper list --json >"$work/out" </dev/null || complain "--tamper list"
/usr/bin/python3 -c '
import json, sys
for t in json.load(open(sys.argv[1]))["tampers"]:
    assert t["text"]
    print(t["tamper"])
' "$work/out" | diff <(cut -d'|' -f1 "$work/table") - >&2 || complain "the list is not what is played"
"$bin" demo --tamper list >"$work/out" </dev/null || complain "--tamper list as text"
while IFS='|' read -r name _; do
    grep -q "^ *$name " "$work/out" || complain "not listed: $name"
done <"$work/table"
"$bin" demo --tamper all >"$work/out" 2>&1 </dev/null || complain "--tamper all as text: ended with $?"
grep -q "$count of $count attacks caught" "$work/out" || complain "no count at the end"
grep -qi 'control' "$work/out" && complain "the shipped program speaks of controls"

# ---- each by its name, and groups of them ----
while IFS='|' read -r name status by; do
    "$bin" demo --tamper "$name" --json >"$work/out" 2>"$work/err" </dev/null || complain "$name: ended with $?"
    [ "$(rows "$work/out")" = "$name|$status|$by" ] || complain "$name alone: $(rows "$work/out")"
done <"$work/table"
for group in credential seal consent access; do
    "$bin" demo --tamper $group --json >"$work/out" 2>"$work/err" </dev/null || complain "$group: ended with $?"
    rows "$work/out" | diff <(grep "^$group-" "$work/table") - >&2 || complain "the group $group"
done
for name in nonsense pay payload- -payload 'all '; do
    code=0
    "$bin" demo --tamper="$name" >"$work/out" 2>"$work/err" </dev/null || code=$?
    [ $code = 2 ] || complain "--tamper $name: ended with $code, not 2"
    [ ! -s "$work/out" ] || complain "--tamper $name: speaks on standard output"
    grep -q 'tamper list' "$work/err" || complain "--tamper $name: no hint at the list"
done

# ---- the controls: every attack is real ----
"$bin-control" demo --tamper all >"$work/out" 2>"$work/err" </dev/null || complain "controls: ended with $?"
while IFS='|' read -r name status by; do
    grep -q "control $name: with these checks off the attack succeeds" "$work/out" || complain "no control: $name"
    sed -n "/^$name: /,/control $name:/p" "$work/out" >"$work/one"
    grep -q "caught by $by: $status " "$work/one" || complain "$name is caught otherwise with switches"
    grep -q "^ *1\. $by: $status$" "$work/one" || complain "$name: another check comes first"
done <"$work/table"
# depth: checks of several parties stand behind these
for deep in ticket acceptance capsule tags payload consent-cloud; do
    sed -n "/^$deep: /,/control $deep:/p" "$work/out" | grep -q '^ *2\. ' || complain "one check alone: $deep"
done

# ---- the shipped program has no switch ----
for word in bcemr_switch 'with these checks off'; do
    grep -qa "$word" "$bin" && complain "in the shipped program: $word"
    grep -qa "$word" "$bin-control" || complain "not in the control program, so this looks in vain: $word"
done

[ -z "$(ls -A "$TMPDIR")" ] || complain "left behind: $(ls -A "$TMPDIR")"
exit $failed

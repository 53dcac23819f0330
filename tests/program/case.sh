#!/usr/bin/env bash
# Case files on the command line: the demo's verify elsewhere with the genesis alone; `case export` makes the same
# from the database that the demo keeps; what was opened comes out byte for byte, and only when all holds; what does
# not hold is named, ends with 1 and leaves nothing.
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
bcemr() { "$BCEMR_BIN/bcemr" "$@"; }
complain() {
    echo "$*" >&2
    failed=1
}
# refused CODE TEXT COMMAND...: it ends with CODE and says TEXT
refused() {
    local code=$1 text=$2
    shift 2
    "$@" >out 2>&1
    local got=$?
    [ "$got" = "$code" ] || complain "ended with $got, not $code: $*: $(cat out)"
    grep -q -- "$text" out || complain "does not say $text: $*: $(cat out)"
}
cd "$work" || exit 1

head -c 3000000 /dev/zero >large.bin
bcemr demo --keep kept --seed cases --record large.bin --json >demo.json 2>err || complain "demo: $(cat err)"
vid=$(/usr/bin/python3 -c 'import json; print(json.load(open("demo.json"))["vid"])')

# ---- elsewhere: two files in a folder of their own, nothing else ----
mkdir elsewhere
cp kept/genesis kept/case.bcemr kept/case-opened.bcemr elsewhere/
mv kept kept.away
cd elsewhere || exit 1
bcemr verify case.bcemr --genesis genesis >said || complain "case.bcemr does not verify"
for line in 'all of it holds' '1. Dr .* signed at' '2. Dr .* signed at' '3. Dr .* signed at' 'confirmed the record' \
    'stand for what no file can show'; do
    grep -q "$line" said || complain "verify does not say: $line"
done
bcemr verify case-opened.bcemr --genesis genesis --documents opened >said || complain "case-opened.bcemr does not verify"
grep -q 'the patient was there\|presence waived' said || complain "presence is not told"
(ulimit -Sn 5 && exec "$BCEMR_BIN/bcemr" verify case-opened.bcemr --genesis genesis --documents few) >few.said 2>&1 ||
    complain "documents need more open files than a process usually may have: $(cat few.said)"
cmp -s ../large.bin opened/1/large.bin || complain "the opened document is not the one that went in"
bcemr verify case-opened.bcemr --genesis genesis --json >said.json || complain "--json fails"
/usr/bin/python3 - said.json "$vid" <<'PYTHON' || complain "the JSON document is not as it should be"
import json, sys
j = json.load(open(sys.argv[1]))
assert j["kind"] == "case-file" and j["holds"] is True and j["vid"] == sys.argv[2]
assert len(j["checks"]) == 13 and all(c["holds"] for c in j["checks"])
assert [d["place"] for d in j["doctors"]] == [1, 2, 3] and all(d["opened"] for d in j["doctors"])
assert [d["time"] for d in j["doctors"]] == sorted(d["time"] for d in j["doctors"])
assert j["doctors"][0]["documents"][0]["name"] == "large.bin"
assert len(j["confirmed_by"]) == 3 and len(j["checkpoint"]["signers"]) == 4
assert len(j["rests_on_cosigners"]) == 3
PYTHON
# Documents come through in windows: memory does not grow with them.
if [ "${BCEMR_SANITIZED:-0}" != 1 ]; then
    (
        ulimit -v 65536
        bcemr verify case-opened.bcemr --genesis genesis >said
    ) || complain "verifying takes more than 64 MiB of address space"
fi

# ---- what does not hold ----
size=$(stat -c %s case-opened.bcemr)
cp case-opened.bcemr changed
printf 'x' | dd of=changed bs=1 seek=$((size - 1000)) conv=notrunc 2>dd
refused 1 BAD_DOCUMENT bcemr verify changed --genesis genesis --documents nowhere
[ ! -e nowhere ] || complain "documents of a file that does not hold were left"
grep -q 'NOTHING in' out || complain "it is not said that nothing may be believed"
! grep -q 'signed at' out || complain "a file that does not hold is told as if it did"
refused 1 BAD_DOCUMENT bcemr verify changed --genesis genesis --json
/usr/bin/python3 - out <<'PYTHON' || complain "the JSON document of a refusal is not as it should be"
import json, sys
j = json.load(open(sys.argv[1]))
assert j["holds"] is False and "doctors" not in j
assert j["checks"][-1] == {"name": "DOCUMENTS", "what": j["checks"][-1]["what"], "holds": False}
assert j["error"]["verdict"] == "BAD_DOCUMENT" and j["error"]["index"] >= 0
PYTHON
head -c $((size - 1)) case-opened.bcemr >cut
refused 1 BAD_DOCUMENT bcemr verify cut --genesis genesis
(cat case.bcemr && printf x) >longer
refused 1 BAD_CASE_FILE bcemr verify longer --genesis genesis
cp case.bcemr changed
printf '\377' | dd of=changed bs=1 seek=1500 conv=notrunc 2>dd
refused 1 '✗' bcemr verify changed --genesis genesis
(cd .. && bcemr demo --keep other --seed others >/dev/null 2>&1)
refused 1 WRONG_LEDGER bcemr verify case.bcemr --genesis ../other/genesis
head -c 100 genesis >part
refused 1 'E_TRUNCATED' bcemr verify case.bcemr --genesis part
grep -q '✗ the genesis holds together' out || complain "it is not said that the genesis is at fault"
refused 1 E_NOT_FOUND bcemr verify case.bcemr --genesis nowhere
refused 1 E_NOT_FOUND bcemr verify nowhere --genesis genesis
refused 1 E_EXISTS bcemr verify case-opened.bcemr --genesis genesis --documents opened
bcemr verify case-opened.bcemr --genesis genesis --documents opened --replace >/dev/null || complain "--replace fails"
refused 2 'genesis is missing' bcemr verify case.bcemr
refused 2 'hospital' bcemr verify case.bcemr --genesis genesis --hospital genesis
refused 1 E_UNKNOWN_KIND bcemr verify genesis
cd .. || exit 1

# ---- from the database ----
mv kept.away kept
rm kept/case.bcemr kept/case-opened.bcemr
bcemr case export --db kept/ledger.db --visit "$vid" --out made.bcemr >said || complain "case export fails"
cmp -s made.bcemr elsewhere/case.bcemr || complain "case export makes another file than the demo"
bcemr case export --db kept/ledger.db --visit "$vid" --content kept/content --out opened.bcemr --json >said.json ||
    complain "case export --content fails"
cmp -s opened.bcemr elsewhere/case-opened.bcemr || complain "case export makes another opened file than the demo"
bcemr case export --db kept/ledger.db --visit "$vid" --content kept/content --open 2 3 --out two.bcemr >said ||
    complain "case export --open fails"
bcemr verify two.bcemr --genesis kept/genesis --documents two >said || complain "what --open makes does not verify"
grep -q 'not opened in this file' said || complain "it is not told that one is not opened"
[ -d two/2 ] && [ ! -e two/1 ] || complain "--open 2 3 opened something else"
refused 1 E_EXISTS bcemr case export --db kept/ledger.db --visit "$vid" --out made.bcemr
bcemr case export --db kept/ledger.db --visit "$vid" --out made.bcemr --replace >said || complain "--replace fails"
refused 1 NOT_ADMITTED bcemr case export --db kept/ledger.db --visit "$(printf '0%.0s' {1..64})" --out none
refused 2 hexadecimal bcemr case export --db kept/ledger.db --visit abc --out none
refused 2 hexadecimal bcemr case export --db kept/ledger.db --visit "${vid}0" --out none
refused 2 content bcemr case export --db kept/ledger.db --visit "$vid" --open 1 --out none
refused 2 places bcemr case export --db kept/ledger.db --visit "$vid" --content kept/content --open x --out none
refused 1 places bcemr case export --db kept/ledger.db --visit "$vid" --content kept/content --open 4 --out none
refused 1 CONTENT_NOT_CASE bcemr case export --db kept/ledger.db --visit "$vid" --content other/content --out none
refused 1 E_NOT_FOUND bcemr case export --db nowhere --visit "$vid" --out none
refused 1 E_NOT_A_LEDGER bcemr case export --db large.bin --visit "$vid" --out none
[ ! -e none ] || complain "a refused export left a file"
exit $failed

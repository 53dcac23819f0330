#!/usr/bin/env bash
# bcemr ledger on the ledger of a demo: what each command says, proofs and exports that come back, and what
# must be refused, by which name and with nothing left behind.
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH=$BCEMR_BIN:$PATH TMPDIR=$work/tmp
failed=0
cd "$work" || exit 1
umask 077
mkdir tmp

bad() {
    echo "$1" >&2
    cat out err >&2
    failed=1
}
# says TEXT COMMAND...: it ends with 0, and standard output has a line with TEXT
says() {
    local text=$1
    shift
    "$@" >out 2>err </dev/null || { bad "fails: $*"; return; }
    grep -q -- "$text" out || bad "does not say \"$text\": $*"
}
# refuses CODE TEXT COMMAND...: it ends with CODE, TEXT on standard error or output, nothing new in the folder
refuses() {
    local code=$1 text=$2 before
    shift 2
    before=$(ls -A . tmp)
    "$@" >out 2>err </dev/null
    local was=$?
    [ $was = "$code" ] || bad "ends with $was instead of $code: $*"
    cat err out | grep -q -- "$text" || bad "does not say \"$text\": $*"
    [ "$(ls -A . tmp)" = "$before" ] || { bad "leaves something behind: $*"; ls -A . tmp >&2; }
}
field() { # FILE EXPRESSION over the document d
    /usr/bin/python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}
# flip FILE BYTE
flip() {
    /usr/bin/python3 -c '
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); b = f.read(1)[0]; f.seek(int(sys.argv[2])); f.write(bytes([b ^ 1]))' "$1" "$2"
}

touch out err
bcemr demo --keep kept --seed ledger >out 2>err </dev/null || { bad "the demo fails"; exit 1; }
cp kept/ledger.db ledger.db
genesis=kept/genesis
# what is made beside a database that is read
says . bcemr ledger head --db ledger.db

# ---- looking ----

bcemr ledger head --db ledger.db --json >head.json || bad "head fails"
ledger=$(field head.json 'd["ledger"]') root=$(field head.json 'd["root"]') size=$(field head.json 'd["size"]')
[ "$size" -gt 10 ] || bad "the demo's ledger has $size entries"
[ "$(field head.json 'd["set"]["needed"], d["set"]["may_fail"], len(d["checkpoint"]["signers"])')" = "(3, 1, 4)" ] ||
    bad "head says other numbers of supernodes"
says "^root *$root$" bcemr ledger head --db ledger.db --genesis $genesis
says "may fail" bcemr ledger head --db ledger.db
says "^clock " bcemr ledger head --db ledger.db

says "signed as doctor 3, the last, of visit" bcemr ledger list --db ledger.db
[ "$(wc -l <out)" = "$size" ] || bad "list has another number of lines"
bcemr ledger list --db ledger.db --json >list.json || bad "list fails"
[ "$(field list.json 'len(d["entries"])')" = "$size" ] || bad "the document has another number of entries"
vid=$(field list.json '[e["visit"] for e in d["entries"] if e["kind"] == "Seal"][0]')
seal=$(field list.json '[e["number"] for e in d["entries"] if e["kind"] == "Seal"][0]')
hash=$(field list.json '[e["entry"] for e in d["entries"] if e["kind"] == "Seal"][0]')
bcemr ledger list --db ledger.db --kind Sign --json >signs.json
[ "$(field signs.json '[e["kind"] for e in d["entries"]]')" = "['Sign', 'Sign', 'Sign']" ] || bad "list --kind"
bcemr ledger list --db ledger.db --visit "${vid:0:8}" --json >visit.json
[ "$(field visit.json '{e.get("visit") for e in d["entries"]}')" = "{'$vid'}" ] || bad "list --visit"
bcemr ledger list --db ledger.db --from 2 --to 3 --json >some.json
[ "$(field some.json '[e["number"] for e in d["entries"]]')" = "[2, 3]" ] || bad "list --from --to"
bcemr ledger list --db ledger.db --from 5000 --json >none.json
[ "$(field none.json 'd["entries"]')" = "[]" ] || bad "list beyond the end"

bcemr ledger show "$seal" --db ledger.db >out || bad "show fails"
cp out shown
for word in "$hash" "${hash:0:8}"; do
    bcemr ledger show "$word" --db ledger.db >out || bad "show $word fails"
    cmp -s out shown || bad "show $word shows another entry than show $seal"
done
says "vid: $vid" bcemr ledger show "$seal" --db ledger.db
says "its case is sealed; 3 of 3 doctors" bcemr ledger show "$vid" --db ledger.db
says "signed by .*Hospital (hospital)" bcemr ledger show 1 --db ledger.db
grep -q '"text":"Dr [^"]* signed as doctor 1 of visit' signs.json || bad "list does not name who signed"
for n in $(seq 0 $((size - 1))); do
    bcemr ledger show "$n" --db ledger.db --json >out 2>err || bad "show $n fails"
    [ "$(field out 'd["number"]')" = "$n" ] || bad "show $n shows another"
    [ "$(field out 'd["text"]')" = "$(field list.json "d['entries'][$n]['text']")" ] ||
        bad "list says another thing of entry $n than show"
done
bcemr ledger show "$vid" --db ledger.db --json >out || bad "show of a visit fails"
[ "$(field out 'd["status"], d["signed"], len(d["entries"]) > 4')" = "('SEALED', 3, True)" ] || bad "show of a visit"

# ---- proofs ----

says "entry $seal of the ledger is (Seal" bcemr ledger prove "$seal" --db ledger.db --out seal.proof
says "it holds" bcemr verify seal.proof --genesis $genesis
says "signed\|its beginning" bcemr ledger prove --consistency 5 --db ledger.db --out five.proof
says "it holds" bcemr verify five.proof --genesis $genesis
bcemr ledger prove 3 --size 8 --consistency 2 --db ledger.db --out eight.proof --json >out || bad "prove fails"
eight=$(field out 'd["root"]')
[ "$(field out 'd["cosigned"], d["older"]["size"], d["entry"]["number"]')" = "(False, 2, 3)" ] || bad "prove --size"
says "it holds" bcemr verify eight.proof --genesis $genesis --root "$eight"
refuses 1 "nothing vouches for its root" bcemr verify eight.proof --genesis $genesis
refuses 1 BAD_CHECKPOINT bcemr verify eight.proof --genesis $genesis --root "$root"
refuses 2 "64 hexadecimal digits" bcemr verify eight.proof --genesis $genesis --root abc
refuses 2 "genesis is missing" bcemr verify eight.proof
refuses 1 E_EXISTS bcemr ledger prove "$seal" --db ledger.db --out seal.proof
refuses 1 E_NOT_FOUND bcemr ledger prove 5000 --db ledger.db --out p
refuses 1 "no block ends" bcemr ledger prove 3 --size $((seal + 1)) --db ledger.db --out p
refuses 1 E_NOT_FOUND bcemr ledger prove --consistency 5000 --db ledger.db --out p
refuses 2 "say which entry" bcemr ledger prove --db ledger.db --out p
# every byte of a proof counts; a sample of them
length=$(stat -c %s seal.proof)
for at in $(seq 3 97 $((length - 1))); do
    cp seal.proof p
    flip p "$at"
    bcemr verify p --genesis $genesis >out 2>err </dev/null && bad "byte $at of a proof does not count"
    [ $? -le 1 ] || bad "a changed proof is wrong use"
    cat out err | grep -q '[A-Z]_[A-Z_0-9]*: ' || bad "a changed proof is refused without a name"
done
head -c $((length - 1)) seal.proof >p
refuses 1 E_TRUNCATED bcemr verify p --genesis $genesis

# ---- the whole database ----

says "all of it holds" bcemr ledger verify --db ledger.db --genesis $genesis
says "all of it holds" bcemr ledger verify --db ledger.db --quick
bcemr ledger verify --db ledger.db --threads 1 --json >out || bad "verify fails"
[ "$(field out 'd["holds"], d["size"], d["root"], d["signers"]')" = "(True, $size, '$root', 4)" ] || bad "verify --json"

# ---- export and import ----

says "exported $size entries" bcemr ledger export --db ledger.db --out ledger.export
says "imported $size entries" bcemr ledger import ledger.export --db copy.db --genesis $genesis
bcemr ledger head --db copy.db --json >copy.json
[ "$(field copy.json 'd["root"], d["checkpoint"]["size"]')" = "$(field head.json 'd["root"], d["checkpoint"]["size"]')" ] ||
    bad "the copy has another root"
says "all of it holds" bcemr ledger verify --db copy.db --genesis $genesis
says "exported" bcemr ledger export --db copy.db --out again.export
cmp ledger.export again.export || bad "an export does not come back"
says "^ *0 .*genesis" bcemr ledger list --db copy.db
refuses 1 E_EXISTS bcemr ledger import ledger.export --db copy.db
refuses 1 E_EXISTS bcemr ledger export --db ledger.db --out ledger.export

# what is cut, changed or another's is not imported
length=$(stat -c %s ledger.export)
for n in 0 7 8 40 $((length / 2)) $((length - 1)); do
    head -c "$n" ledger.export >short
    refuses 1 E_TRUNCATED bcemr ledger import short --db new.db
done
{ cat ledger.export; echo; } >long
refuses 1 E_TRAILING bcemr ledger import long --db new.db
for at in $(seq 5 331 $((length - 1))); do
    cp ledger.export changed
    flip changed "$at"
    refuses 1 ': [A-Z_0-9]*: ' bcemr ledger import changed --db new.db
done
bcemr demo --keep other --seed other >out 2>err </dev/null || bad "the demo fails"
refuses 1 WRONG_LEDGER bcemr ledger import ledger.export --db new.db --genesis other/genesis
refuses 1 E_UNKNOWN_KIND bcemr ledger import kept/case.bcemr --db new.db

# ---- beginning ----

says "began $ledger" bcemr ledger init --genesis $genesis --db new.db
bcemr ledger head --db new.db --json >out
[ "$(field out 'd["ledger"], d["size"]')" = "('$ledger', 1)" ] || bad "init begins another ledger"
says "all of it holds" bcemr ledger verify --db new.db --genesis $genesis
refuses 1 E_EXISTS bcemr ledger init --genesis $genesis --db new.db
refuses 1 E_NOT_FOUND bcemr ledger init --genesis nothing --db newer.db
refuses 1 E_UNKNOWN_KIND bcemr ledger init --genesis ledger.export --db newer.db
cp $genesis changed
flip changed $(($(stat -c %s changed) - 1))
refuses 1 BAD_POP bcemr ledger init --genesis changed --db newer.db
refuses 1 "cannot" bcemr ledger init --genesis $genesis --db nowhere/newer.db

# ---- what is no ledger, or another ----

for command in head list verify "show 1" "prove 1 --out p2" "export --out e2"; do
    # shellcheck disable=SC2086
    refuses 1 E_NOT_FOUND bcemr ledger $command --db nothing.db
    # shellcheck disable=SC2086
    refuses 1 E_NOT_A_LEDGER bcemr ledger $command --db ledger.export
done
for command in head verify "prove 1 --out p2"; do
    # shellcheck disable=SC2086
    refuses 1 WRONG_LEDGER bcemr ledger $command --db ledger.db --genesis other/genesis
done
refuses 1 E_NOT_FOUND bcemr ledger show 5000 --db ledger.db
refuses 1 E_NOT_FOUND bcemr ledger show abcdef0123456789 --db ledger.db
refuses 1 E_NOT_FOUND bcemr ledger list --visit abcdef0123456789 --db ledger.db
refuses 2 "takes one of" bcemr ledger list --kind Sing --db ledger.db
refuses 2 "comes after" bcemr ledger list --from 3 --to 2 --db ledger.db

# ---- a row that is not what the log gives ----

cp ledger.db wrong.db
/usr/bin/python3 - <<'EOF'
import sqlite3
db = sqlite3.connect("wrong.db")
k, v = db.execute("SELECT k, v FROM ENROLMENTS").fetchone()
db.execute("UPDATE ENROLMENTS SET v = ? WHERE k = ?", (v[:-1] + bytes([v[-1] ^ 1]), k))
db.commit()
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
EOF
bcemr ledger verify --db wrong.db --json >out 2>err && bad "a changed row is not found"
[ "$(field out 'd["holds"], d["bad"]["name"], d["bad"]["row"].split()[0], len(d["bad"]["pages"]) > 0')" = \
    "(False, 'BAD_DATABASE', 'ENROLMENTS', True)" ] || bad "verify names something else"
bcemr ledger verify --db wrong.db >out 2>err && bad "a changed row is not found"
grep -q "in page.* of wrong.db" out || bad "verify does not name the page"

# ---- files that somebody else made ----

# hostile SQL: a copy with that done to it, in hostile.db
hostile() {
    rm -f hostile.db*
    cp ledger.db hostile.db
    /usr/bin/python3 - "$1" <<'EOF'
import sqlite3, sys
db = sqlite3.connect("hostile.db", isolation_level=None)
db.executescript(sys.argv[1])
EOF
    bcemr ledger head --db hostile.db >out 2>err </dev/null # makes what is made beside it
}
# rows that sort before all that are asked for
for sql in "INSERT INTO KEYS VALUES(7, x'00')" "INSERT INTO STOPPED VALUES('text', x'00')" \
    "INSERT INTO LEAVES VALUES(-5, x'00')"; do
    hostile "$sql"
    refuses 1 "with a key that no ledger gives" bcemr ledger verify --db hostile.db
    refuses 1 "with a key that no ledger gives" bcemr ledger verify --db hostile.db --quick
    grep -q "in page" out || bad "verify names no page: $sql"
done
hostile "UPDATE LEAVES SET v=zeroblob(70000000) WHERE k=5"
refuses 1 "LEAVES 0000000000000005" bcemr ledger verify --db hostile.db
refuses 1 E_DAMAGED bcemr ledger show 5 --db hostile.db
# a name is anybody's: nothing in it reaches a terminal
name=$(printf 'x\033[31m.db')
touch "$name" "$name.lock"
for command in head verify "follow --from ledger.db"; do
    # shellcheck disable=SC2086
    refuses 1 E_NOT_A_LEDGER bcemr ledger $command --genesis $genesis --db "$name"
    grep -q "$(printf '\033')" out err && bad "$command prints a name as it is"
done
rm -f "$name" "$name.lock"

exit $failed

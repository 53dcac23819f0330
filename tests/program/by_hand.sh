#!/usr/bin/env bash
# The commands of docs/by-hand.md, run in an empty folder as they stand there; then what must be refused, and
# by which name.
set -uo pipefail
doc=$BCEMR_SOURCE_DIR/docs/by-hand.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH=$BCEMR_BIN:$PATH
failed=0
cd "$work" || exit 1

# ---- the walk-through ----

sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$doc" >walk
grep -c '^bcemr ' walk | grep -qx '2[0-9]' || { echo "the walk-through has lost its commands" >&2; exit 1; }
for verb in 'keys new' 'keys show' 'keys words' 'keys restore' ticket sign verify seal open grant reencrypt; do
    grep -q "^bcemr $verb " walk || { echo "the walk-through has no bcemr $verb" >&2; exit 1; }
done
mkdir visit && cd visit || exit 1
while read -r line; do
    if ! bash -c "umask 077; $line" >../out 2>../err </dev/null; then
        echo "the walk-through fails at: $line" >&2
        cat ../out ../err >&2
        exit 1
    fi
    [ ! -s ../err ] || [[ $line == "bcemr keys words"* ]] || { echo "said on standard error: $line" >&2; failed=1; }
    case $line in
    "bcemr verify"*) grep -q '^all of it holds' ../out || { echo "does not say that it holds: $line" >&2; failed=1; } ;;&
    "bcemr "[tsvogr]*) grep -q '^not checked, for want of a ledger: ' ../out || {
        echo "does not say what was not checked: $line" >&2
        failed=1
    } ;;
    esac
done < <(grep -v '^umask' ../walk)
umask 077

# what came out: the documents byte for byte, everywhere; nothing that others may read; the one-time key gone
for folder in opened elsewhere; do
    cmp note.txt $folder/1/note.txt && cmp scan.txt $folder/2/scan.txt || failed=1
    [ "$(find $folder -type f | wc -l)" = 2 ] || { echo "$folder holds something else" >&2; failed=1; }
done
[ ! -e visit.2.seal-key ] || { echo "the one-time key is still there" >&2; failed=1; }
[ -z "$(find . -mindepth 1 -perm /077)" ] || { echo "others may read: $(find . -mindepth 1 -perm /077)" >&2; failed=1; }

# ---- what is refused ----

# refused CODE NAME COMMAND...: ends so, names it so, and leaves no file that was not there
refused() {
    local code=$1 name=$2 got=0 before after
    shift 2
    before=$(find . | sort)
    "$@" >../out 2>../err </dev/null || got=$?
    after=$(find . | sort)
    if [ $got != "$code" ]; then
        echo "$*: ended with $got, not $code" >&2
        cat ../out ../err >&2
        failed=1
    elif ! grep -q -e "$name" ../err ../out; then
        echo "$*: no \"$name\"" >&2
        cat ../out ../err >&2
        failed=1
    elif [ "$before" != "$after" ]; then
        echo "$*: left something behind: $(diff <(echo "$before") <(echo "$after"))" >&2
        failed=1
    fi
}
# changed FILE BYTE: a copy named changed whose byte is another one; from the end where BYTE is negative
changed() {
    /usr/bin/python3 - "$1" "$2" <<'EOF'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[2])] ^= 1
open("changed", "wb").write(data)
EOF
}
secret=(--passphrase-file pass)
at=(--hospital north.public --header record.header)
mine=(bcemr open visit.2 --keys rosa.key "${secret[@]}" --out nothing)
hers=(bcemr open visit.2 --keys cleo.key "${secret[@]}" --out nothing)
ours=(--offer grant.offer --capsule capsule)
touch changed cut swapped other.pass
# The content that a case file can be made with: length of head, head, the documents as they were opened.
bcemr open visit.2 --keys rosa.key "${secret[@]}" "${at[@]}" --payload record.payload --out kept --content content >../out 2>&1 ||
    { echo "open --content: $(cat ../out)" >&2; failed=1; }
/usr/bin/python3 - <<'EOF' || { echo "the content is not head and documents" >&2; failed=1; }
import glob
content = open("content", "rb").read()
head = int.from_bytes(content[:8], "little")
assert content[16:23] == b"content"
rest = content[8 + head:]
documents = [open(name, "rb").read() for name in glob.glob("kept/*/*")]
assert len(documents) > 1 and sum(map(len, documents)) == len(rest)
assert all(document in rest for document in documents)
EOF
refused 1 'E_EXISTS' bcemr open visit.2 --keys rosa.key "${secret[@]}" "${at[@]}" --payload record.payload --out kept
rm -r kept content
echo "a passphrase that is another" >other.pass

# the record
for byte in 0 70000 -1; do
    changed record.payload $byte
    refused 1 'BAD_CHUNK' "${mine[@]}" "${at[@]}" --payload changed
    refused 1 'BAD_CHUNK' "${hers[@]}" "${at[@]}" --payload changed "${ours[@]}"
    refused 1 'BAD_ROOT' bcemr verify visit.2 "${at[@]}" --payload changed
done
head -c 100000 record.payload >cut
refused 1 'BAD_' "${mine[@]}" "${at[@]}" --payload cut
refused 1 'BAD_LENGTH' bcemr verify visit.2 "${at[@]}" --payload cut
changed record.header -1
refused 1 'BAD_SEAL_SIGNATURE' "${mine[@]}" --hospital north.public --header changed --payload record.payload
head -c 300 record.header >cut
refused 1 'E_TRUNCATED' "${mine[@]}" --hospital north.public --header cut --payload record.payload

# the visit: a byte of the ticket's signature or of a doctor's, a cut, the doctors the other way round
/usr/bin/python3 - <<'EOF'
import struct
def parts(data):
    out, at = [], 0
    while at < len(data):
        n, = struct.unpack_from("<Q", data, at)
        out.append(data[at + 8:at + 8 + n])
        at += 8 + n
    return out
def join(items):
    return b"".join(struct.pack("<Q", len(i)) + i for i in items)
data = open("visit.2", "rb").read()
head, *leaves = parts(data)[0], *parts(data)[2:]
assert head == b"list" and len(leaves) == 3
count = struct.pack("<Q", 3)
open("swapped", "wb").write(join([head, count, leaves[0], leaves[2], leaves[1]]))
EOF
refused 1 'NOT_IN_ORDER' bcemr verify swapped --hospital north.public
head -c 1000 visit.2 >cut
refused 1 'E_TRUNCATED' bcemr verify cut --hospital north.public
bcemr keys new --role hospital --id north --out other.key "${secret[@]}" >/dev/null &&
    bcemr keys show other.key "${secret[@]}" --out other.public >/dev/null || failed=1
refused 1 'BAD_TICKET_SIGNATURE' bcemr verify visit.2 --hospital other.public
refused 1 'BAD_TICKET_SIGNATURE' "${mine[@]}" --hospital other.public --header record.header --payload record.payload
/usr/bin/python3 - <<'EOF'
data = bytearray(open("visit.2", "rb").read())
# delta of the first doctor is the 48 bytes after the length of 48, in the second leaf
at = data.index((48).to_bytes(8, "little"), len(open("visit", "rb").read()) - 100) + 8
data[at + 20] ^= 1
open("changed", "wb").write(data)
EOF
refused 1 'BAD_DIAGNOSIS_SIGNATURE' bcemr verify changed --hospital north.public

# contributions: changed, of another place, too few
changed visit.1.contribution -1
refused 1 'BAD_DOCUMENT' bcemr verify visit.2 --hospital north.public --contribution changed visit.2.contribution
changed visit.1.contribution 100
again=(bcemr sign visit.1 --keys ben.key "${secret[@]}" --hospital north.public --intake visit.intake --document note.txt --waive no-device)
refused 1 'BAD_\|E_' "${again[@]}" --contribution changed --out nothing
refused 1 'BAD_CONTENT' bcemr verify visit.2 --hospital north.public --contribution visit.2.contribution visit.1.contribution
refused 2 'takes theirs, in order' "${again[@]}" --out nothing
refused 1 'E_EXISTS' "${again[@]}" --contribution visit.1.contribution --out visit.2

cp note.txt .note.txt
refused 1 'begins with a dot' bcemr sign visit --keys ada.key "${secret[@]}" --hospital north.public \
    --intake visit.intake --document .note.txt --waive no-device --out nothing
refused 1 'E_REPEATED' bcemr sign visit --keys ada.key "${secret[@]}" --hospital north.public --intake visit.intake \
    --document note.txt ./note.txt --waive no-device --out nothing
refused 1 'E_EXISTS' "${mine[@]:0:7}" --out opened "${at[@]}" --payload record.payload

# whose turn, whose keys, who is there
refused 1 'NOT_IN_ORDER' bcemr sign visit --keys ben.key "${secret[@]}" --hospital north.public --intake visit.intake \
    --document note.txt --waive no-device --out nothing
refused 1 'NOT_IN_ORDER' bcemr sign visit --keys cleo.key "${secret[@]}" --hospital north.public --intake visit.intake \
    --document note.txt --waive no-device --out nothing
bcemr keys new --role patient --out else.key "${secret[@]}" >/dev/null || failed=1
refused 1 'E_KEY_MISMATCH' bcemr sign visit --keys ada.key "${secret[@]}" --hospital north.public --intake visit.intake \
    --document note.txt --patient else.key --patient-passphrase-file pass --out nothing
refused 2 'either --patient FILE or --waive' bcemr sign visit --keys ada.key "${secret[@]}" --hospital north.public \
    --intake visit.intake --document note.txt --out nothing
refused 1 'E_KEY_MISMATCH' bcemr open visit.2 --keys else.key "${secret[@]}" --out nothing "${at[@]}" --payload record.payload
refused 1 'E_ROLE' bcemr open visit.2 --keys ada.key "${secret[@]}" --out nothing "${at[@]}" --payload record.payload
refused 1 'E_ROLE' bcemr sign visit --keys rosa.key "${secret[@]}" --hospital north.public --intake visit.intake \
    --document note.txt --waive no-device --out nothing
refused 1 'E_ROLE' bcemr verify visit.2 --hospital ada.public
refused 1 'E_UNKNOWN_KIND' bcemr verify visit.2 --hospital rosa.key

# key files: passphrase, permissions, cut, never written over
refused 1 'E_PASSPHRASE' bcemr keys show rosa.key --passphrase-file other.pass
refused 1 'E_PASSPHRASE' "${mine[@]:0:5}" --passphrase-file other.pass --out nothing "${at[@]}" --payload record.payload
cp rosa.key loose.key && chmod 644 loose.key
refused 1 'E_PERMISSIONS' bcemr keys show loose.key "${secret[@]}"
cp pass loose.pass && chmod 640 loose.pass
refused 1 'E_PERMISSIONS' bcemr keys show rosa.key --passphrase-file loose.pass
head -c 100 rosa.key >cut
refused 1 'E_TRUNCATED' bcemr keys show cut "${secret[@]}"
refused 1 'E_EXISTS' bcemr keys new --role patient --out rosa.key "${secret[@]}"
refused 1 'E_NOT_FOUND' bcemr keys show none.key "${secret[@]}"
echo short >short.pass
refused 1 'E_TOO_SHORT' bcemr keys new --role patient --out nothing --passphrase-file short.pass
refused 2 'has a name' bcemr keys new --role doctor --out nothing "${secret[@]}"
refused 2 'has no name' bcemr keys new --role patient --id rosa --out nothing "${secret[@]}"
refused 1 'E_TEXT' bcemr keys new --role doctor --id "$(printf 'a\nb')" --out nothing "${secret[@]}"

# words: none where no terminal is, only of a seed, checked when they come back
refused 2 'this is no terminal' bcemr keys words rosa.key "${secret[@]}"
refused 1 'E_ROLE' bcemr keys words north.key "${secret[@]}" --yes
sed 's/^[a-z]*/zebra/' words.txt >bad.words
refused 1 'E_CHECKSUM' bcemr keys restore --role patient --words-file bad.words --out nothing "${secret[@]}"
sed 's/^[a-z]*/xyzzy/' words.txt >bad.words
refused 1 'number 1 is none of the list' bcemr keys restore --role patient --words-file bad.words --out nothing "${secret[@]}"

# grants: another doctor's, another cloud's key, a changed byte
refused 1 'BAD_TERMS' bcemr open visit.2 --keys ada.key "${secret[@]}" --out nothing "${at[@]}" --payload record.payload "${ours[@]}"
refused 2 'go together' "${hers[@]}" "${at[@]}" --payload record.payload --offer grant.offer
bcemr keys new --role cloud --id beta --out beta.key "${secret[@]}" >/dev/null &&
    bcemr keys show beta.key "${secret[@]}" --out beta.public >/dev/null || failed=1
refused 1 'NOT_A_CLOUD_OF_VISIT' bcemr grant visit.2 --keys rosa.key "${secret[@]}" --hospital north.public \
    --doctor cleo.public --cloud beta.public --out nothing
refused 1 'NOT_ALL_SIGNED' bcemr grant visit.1 --keys rosa.key "${secret[@]}" --hospital north.public \
    --doctor cleo.public --cloud alpha.public --out nothing
changed grant.offer -1
refused 1 'BAD_WRAPPED' "${hers[@]}" "${at[@]}" --payload record.payload --offer changed --capsule capsule
changed grant.post -1
refused 1 'BAD_CONSENT_POST' bcemr reencrypt visit.2 "${at[@]}" --post changed --out nothing
chmod 644 grant.post
refused 1 'E_PERMISSIONS' bcemr reencrypt visit.2 "${at[@]}" --post grant.post --out nothing
chmod 600 grant.post
# a capsule of another grant: right for its own offer, refused under this one
bcemr grant visit.2 --keys rosa.key "${secret[@]}" --hospital north.public --doctor ada.public --cloud alpha.public \
    --number 1 --out second >/dev/null &&
    bcemr reencrypt visit.2 "${at[@]}" --post second.post --out second >/dev/null || failed=1
refused 1 'BAD_REENCRYPTION' "${hers[@]}" "${at[@]}" --payload record.payload --offer grant.offer --capsule second
/usr/bin/python3 - <<'EOF'
mine, other = open("capsule", "rb").read(), open("second", "rb").read()
open("changed", "wb").write(mine[:-48] + other[-48:])
EOF
refused 1 'BAD_REENCRYPTION' "${hers[@]}" "${at[@]}" --payload record.payload --offer grant.offer --capsule changed

# ---- a passphrase changed; --replace; JSON ----

bcemr keys passphrase rosa-again.key "${secret[@]}" --new-passphrase-file other.pass >/dev/null || failed=1
bcemr keys show rosa-again.key --passphrase-file other.pass >/dev/null || { echo "the new passphrase does not open" >&2; failed=1; }
refused 1 'E_PASSPHRASE' bcemr keys show rosa-again.key "${secret[@]}"
[ "$(stat -c %a rosa-again.key)" = 600 ] || { echo "the changed key file is not 0600" >&2; failed=1; }
bcemr reencrypt visit.2 "${at[@]}" --post grant.post --out capsule --replace >/dev/null || { echo "no --replace" >&2; failed=1; }
for command in "keys show ada.public" "keys words rosa.key --passphrase-file pass --yes" \
    "verify visit.2 --hospital north.public --contribution visit.1.contribution visit.2.contribution" \
    "verify changed --hospital north.public" "verify visit.2 --hospital other.public"; do
    # shellcheck disable=SC2086
    bcemr $command --json >../out 2>/dev/null
    /usr/bin/python3 -m json.tool ../out >/dev/null ||
        { echo "bcemr $command --json is not JSON" >&2; failed=1; }
done

exit $failed

#!/usr/bin/env bash
# The demo from outside: what went in comes out, on the fetched files, on our own, on a user's; what it says
# as JSON is so; what it is told to keep, to repeat, to refuse; what it leaves behind; how much it holds.
set -uo pipefail
bin=$BCEMR_BIN/bcemr
work=$(mktemp -d)
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
export TMPDIR=$work/tmp
mkdir "$TMPDIR" "$work/none"
failed=0

complain() {
    echo "$*" >&2
    failed=1
}

# demo CODE ARGUMENT...: ends so; out and err are kept
demo() {
    local code=$1 got=0
    shift
    "$bin" demo "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ $got = "$code" ] || complain "demo $*: ended with $got, not $code: $(tail -n 3 "$work/err")"
}

# holds INPUTS: the JSON of the last run says that it went well, with so many inputs, and the files say so too
holds() {
    /usr/bin/python3 - "$work/out" "$1" <<'PYTHON' || complain "the JSON of the last run does not hold"
import hashlib, json, os, sys
j = json.load(open(sys.argv[1]))
bad = []
def need(condition, what):
    if not condition:
        bad.append(what)
need(j["identical"] is True, "identical")
names = [p["name"] for p in j["phases"]]
need(names == ["Initialisation", "Registration", "Diagnosis", "Storage", "Sharing"], "phases %s" % names)
for p in j["phases"]:
    need(0 < p["seconds"] < 600 and p["bytes"] > 0, "phase %s" % p)
need(len(j["inputs"]) == int(sys.argv[2]), "%u inputs" % len(j["inputs"]))
need(len(j["inputs"]) == len(j["opened"]), "%u opened" % len(j["opened"]))
for one, other in zip(j["inputs"], j["opened"]):
    need(one["path"] != other["path"], "one path for both: %s" % one["path"])
    need((one["bytes"], one["sha256"]) == (other["bytes"], other["sha256"]), "%s" % other["path"])
    for f in (one, other):
        data = open(f["path"], "rb").read()
        need(len(data) == f["bytes"], "length of %s" % f["path"])
        need(hashlib.sha256(data).hexdigest() == f["sha256"], "hash of %s" % f["path"])
    beside = os.path.join(j["folder"], "input", os.path.basename(other["path"]))
    need(open(beside, "rb").read() == open(other["path"], "rb").read(), "not beside it: %s" % beside)
need(len(os.listdir(os.path.join(j["folder"], "opened"))) == len(j["opened"]), "more in opened/")
need(len(set(f["path"] for f in j["opened"])) == len(j["opened"]), "a path twice")
for line in bad:
    print(line, file=sys.stderr)
sys.exit(bool(bad))
PYTHON
}

field() { /usr/bin/python3 -c 'import json, sys; print(eval("json.load(open(sys.argv[1]))" + sys.argv[2]))' "$work/out" "$1"; }

# gone: the run left nothing but the folder that it announced, which goes now
gone() {
    local folder
    folder=$(field '["folder"]')
    [ "$(ls -A "$TMPDIR")" = "$(basename "$folder")" ] || complain "in TMPDIR after a run: $(ls -A "$TMPDIR")"
    [ "$(cd "$folder" && echo .[!.]* ./*)" = ".[!.]* ./input ./opened" ] || complain "in $folder: $(ls -A "$folder")"
    rm -rf "${TMPDIR:?}"/*
}

# ---- the fetched files, and none ----
# What set-up could not fetch (FHIR needs npm) is said to be missing; the rest is played.
manifest="$BCEMR_TEST_DATA/MANIFEST.txt"
[ -f "$manifest" ] || manifest=/dev/null
roles=$(awk 'NF { print $1 }' "$manifest" | sort -u | wc -l)
files=$(awk 'NF' "$manifest" | wc -l)
demo 0 --json --data "$BCEMR_TEST_DATA"
[ "$(field '["missing"].__len__()')" = $((6 - roles)) ] || complain "fetched $roles roles, missing $(field '["missing"]')"
holds $((4 + files))
gone
demo 0 --json --data "$work/none"
[ "$(field '["missing"].__len__()')" = 6 ] || complain "without fetched files: missing $(field '["missing"]')"
[ "$(grep -c 'it was not fetched' "$work/err")" = 6 ] || complain "it does not say what is missing"
grep -q 'make setup' "$work/err" || complain "it does not say how to get it"
holds 4
gone
BCEMR_DATA=$work/none demo 0 --json
holds 4
gone
demo 0 --data "$work/none"
grep -q '4 documents opened elsewhere, byte for byte what went in' "$work/out" || complain "no last line"
grep -q 'added 1 document, signed' "$work/out" || complain "one document is not one"
folder=$(sed -n 's:^ *\(.*\)/opened, beside \(.*\)/input$:\1:p' "$work/out")
[ -d "$folder/opened" ] || complain "the folder that it names is not there: $folder"
rm -rf "${TMPDIR:?}"/*

# ---- a user's files ----
mkdir -p "$work/in/other"
: >"$work/in/empty"
printf 'blanks' >"$work/in/a b  c.txt"
printf 'umlauts' >"$work/in/"$'R\303\266ntgen \303\204.dcm'
printf 'one' >"$work/in/same.txt"
printf 'another' >"$work/in/other/same.txt"
head -c 70000 /dev/zero >"$work/in/-dash"
demo 0 --json --record "$work/in/empty" "$work/in/a b  c.txt" "$work/in/R"*.dcm "$work/in/same.txt" \
    "$work/in/other/same.txt" "$work/in/-dash"
holds 6
for name in empty 'a b  c.txt' $'R\303\266ntgen \303\204.dcm' same.txt same-2.txt dash; do
    [ -f "$(field '["folder"]')/opened/$name" ] || complain "not among the opened: $name"
done
gone
demo 0 --json --record "$work/in/empty" # two doctors have nothing
holds 3
[ "$(grep -c . "$(field '["folder"]')/opened/consultation-note-2.txt")" -gt 2 ] || complain "no note of the second doctor"
gone
printf 'mine' >"$work/in/consultation-note-3.txt"
demo 0 --json --record "$work/in/consultation-note-3.txt" "$work/in/empty"
holds 3
gone
demo 1 --record "$work/in/same.txt" "$work/in/not-there"
grep -q 'not-there' "$work/err" || complain "it does not name the file that is not there"
demo 1 --record "$work/in"
[ -z "$(ls -A "$TMPDIR")" ] || complain "left after a refusal: $(ls -A "$TMPDIR")"

# ---- keeping and repeating ----
demo 0 --json --data "$work/none" --keep "$work/kept" --seed one
holds 4
[ -z "$(ls -A "$TMPDIR")" ] || complain "left beside the kept folder: $(ls -A "$TMPDIR")"
(cd "$work/kept" && find . -type f -exec sha256sum {} + | sort) >"$work/before"
demo 1 --data "$work/none" --keep "$work/kept" --seed two
grep -q 'earlier run' "$work/err" || complain "it does not say why it refuses the folder"
(cd "$work/kept" && find . -type f -exec sha256sum {} + | sort) >"$work/after"
cmp -s "$work/before" "$work/after" || complain "an earlier run was overwritten"
files="case-opened.bcemr case.bcemr content genesis grant.consent grant.signatures grant.terms ledger.db record.header record.payload"
for name in $files; do
    [ -s "$work/kept/$name" ] || complain "not kept: $name"
done
more=$(find "$work/kept" -mindepth 1 -maxdepth 1 ! -name input ! -name opened ! -name ledger.db.lock | wc -l)
[ "$more" = "$(echo "$files" | wc -w)" ] || complain "kept: $(ls "$work/kept")"
demo 0 --data "$work/none" --keep "$work/again" --seed one
diff -r "$work/kept" "$work/again" >&2 || complain "two runs with one seed differ"
demo 0 --data "$work/none" --keep "$work/other" --seed two
for name in $files; do
    cmp -s "$work/kept/$name" "$work/other/$name" && complain "the same under another seed: $name"
done
diff -r "$work/kept/opened" "$work/other/opened" >&2 || complain "the documents hang on the seed"
touch "$work/file"
demo 1 --data "$work/none" --keep "$work/file"
mkdir "$work/closed"
chmod a-w "$work/closed"
if [ "$(id -u)" != 0 ]; then demo 1 --data "$work/none" --keep "$work/closed/kept"; fi

# ---- the team ----
for doctors in 3 4 64; do
    demo 0 --json --data "$work/none" --doctors $doctors
    holds $((doctors > 3 ? doctors + 1 : 4))
    gone
done
demo 2 --doctors 2
demo 2 --doctors 65

# ---- a large record, in little memory; stopped half-way it leaves no half of a file ----
truncate -s 268435456 "$work/large"
printf 'not only zeros' | dd of="$work/large" bs=1 seek=200000000 conv=notrunc status=none
/usr/bin/python3 - "$bin" "$work/large" "$work/out" <<'PYTHON' || complain "the large record"
import os, resource, subprocess, sys
# A sanitizer keeps what was freed and shadows the rest: its bound only says that nothing grows with the record.
limit = 32 if os.environ.get("BCEMR_SANITIZED", "0") != "1" else 200
code = subprocess.call([sys.argv[1], "demo", "--json", "--record", sys.argv[2]],
                       stdout=open(sys.argv[3], "w"), stdin=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
if code != 0 or peak >= limit * 1024:
    sys.exit("ended with %d, %d KiB resident" % (code, peak))
PYTHON
holds 3
gone
truncate -s 67108864 "$work/large"
"$bin" demo --record "$work/large" --keep "$work/stopped" >/dev/null 2>&1 </dev/null &
pid=$!
until [ -d "$work/stopped/opened" ] || ! kill -0 $pid 2>/dev/null; do :; done
kill -INT $pid 2>/dev/null
wait $pid
[ -d "$work/stopped/opened" ] || complain "stopped before it opened anything"
for file in "$work/stopped/opened"/* "$work/stopped/opened"/.[!.]*; do
    [ -e "$file" ] || continue
    cmp -s "$file" "$work/large" || [ "$(stat -c %s "$file")" -lt 1000 ] || complain "half a file: $file"
done

exit $failed

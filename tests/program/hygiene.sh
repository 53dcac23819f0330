#!/usr/bin/env bash
# What a process with secrets does: no core dump, memory that others of the same user cannot read.
set -uo pipefail
bin=$BCEMR_BIN/bcemr
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A program that waits: its output goes into a pipe that nobody reads.
mkfifo "$work/pipe"
# Of a process that is not dumpable, /proc belongs to root, whoever runs it: so as root run as somebody else.
as=()
somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if [ "$(id -u)" = 0 ] && "${somebody[@]}" "$bin" --version >/dev/null 2>&1; then as=("${somebody[@]}"); fi
chmod 755 "$work"
chmod 666 "$work/pipe"
"${as[@]}" "$bin" wire --format json >"$work/pipe" &
pid=$!
exec 3<"$work/pipe"
limit=
for _ in $(seq 200); do
    limit=$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$pid/limits" 2>/dev/null)
    [ "$limit" = "0 0" ] && break
    sleep 0.02
done
owner=$(stat -c %u "/proc/$pid/mem" 2>/dev/null)
exec 3<&-
wait $pid 2>/dev/null
[ "$limit" = "0 0" ] || { echo "core dumps are not off: $limit" >&2; exit 1; }
[ "$owner" = 0 ] || { echo "the process can be read by its user" >&2; exit 1; }

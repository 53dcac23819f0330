#!/bin/sh
# one-object.sh ARCHIVE LD OBJCOPY AR OBJECT-OR-ARCHIVE...
# Joins the objects into one whose only global definitions are bcemr_*, and puts it into ARCHIVE.
set -eu
archive=$1 ld=$2 objcopy=$3 ar=$4
shift 4
mkdir -p "$(dirname "$archive")"
joined=${archive%.a}.o
"$ld" -r -o "$joined" "$@"
"$objcopy" --wildcard --keep-global-symbol='bcemr_*' "$joined"
rm -f "$archive"
"$ar" rcs "$archive" "$joined"
rm -f "$joined"

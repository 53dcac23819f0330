#!/usr/bin/env bash
# Every case over blst as it ships; valgrind hides ADX and SHA-NI, so it takes the code without them.
. "$(dirname "$0")/run"
every_case portable

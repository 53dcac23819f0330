#!/usr/bin/env bash
# Every case over blst built for ADX alone, so that valgrind sees that code too.
. "$(dirname "$0")/run"
every_case adx

#!/bin/bash
# clang-tidy over every .c file, as many at once as there are processors: tidy.sh [ROOT]
# What is checked, and what not and why: .clang-tidy
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
packages=(libcrypto libzstd libarchive json-c yaml-0.1)
TIDY_FLAGS="$(pkg-config --cflags "${packages[@]}") -std=c11 -D_GNU_SOURCE -I."
export TIDY_FLAGS="$TIDY_FLAGS -DSEALPOINT_VERSION=\"0\" -DWT_SNAPPY=\"snappy.so\""

# The warnings are on standard output; standard error only counts them.
find . -name '*.c' -not -path './build*' -print0 | xargs -0 -n 1 -P "$(nproc)" bash -c '
    log=$(mktemp)
    model="-include tests/lint/model.h"
    [ "$1" != ./core/base/err.c ] || model=
    if clang-tidy --quiet "$1" -- $TIDY_FLAGS $model >"$log" 2>"$log.err"; then
        status=0
    else
        status=1
        # Without a warning it did not even parse the file: then the reason is in the other one.
        [ -s "$log" ] || cat "$log.err"
    fi
    cat "$log"
    rm -f "$log" "$log.err"
    exit $status
' tidy

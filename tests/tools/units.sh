#!/bin/bash
# Run unit tests, as many at once as told, a line for each: units.sh JOBS [WRAPPER…] -- TEST…
# What a test said is shown when it failed; all are run, whatever others found.
set -euo pipefail
jobs=$1
shift
wrapper=()
while [ "$1" != -- ]; do
    wrapper+=("$1")
    shift
done
shift

one() {
    local test=$1 log=$1.log count skipped
    shift
    # Ten minutes: a test that hangs is a test that fails.
    if timeout 600 "$@" "$test" >"$log" 2>&1; then
        count=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log")
        skipped=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test.*/, \1 skipped/p' "$log")
        echo "ok      ${test#*/tests/unit/}: ${count:-no} tests$skipped"
    else
        echo "FAILED  ${test#*/tests/unit/}:"
        cat "$log"
        return 1
    fi
}
export -f one
printf '%s\0' "$@" | xargs -0 -P "$jobs" -I '{}' bash -c 'one "$@"' one '{}' "${wrapper[@]}"

#!/bin/bash
# Run the fuzzers that were built below BUILD: run.sh BUILD SECONDS [WRAPPER…]
# SECONDS 0 replays: every corpus file once. Else each fuzzer looks for new inputs that long; it keeps
# them in BUILD/corpus/NAME, and leaves what crashed in BUILD/crash-….
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1 seconds=$2
shift 2

for source in tests/fuzz/fuzz_*.c; do
    [ -e "$source" ] || { echo "no fuzzers"; exit 0; }
    name=$(basename "$source" .c)
    corpus=tests/fuzz/corpus/${name#fuzz_}
    # A fuzzer without a corpus would be replayed over nothing and look well.
    [ -n "$(ls -A "$corpus" 2>/dev/null)" ] || { echo "$corpus: no inputs" >&2; exit 1; }
    if [ "$seconds" = 0 ]; then
        log=$build/$name.log
        "$@" "$build/tests/fuzz/$name" "$corpus"/* >"$log" 2>&1 || { cat "$log"; exit 1; }
        echo "$name: $(ls -A "$corpus" | wc -l) inputs"
    else
        mkdir -p "$build/corpus/$name"
        echo "$name: $seconds s"
        "$@" "$build/tests/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
            -verbosity=0 -print_final_stats=1 -artifact_prefix="$build/crash-$name-" \
            "$build/corpus/$name" "$corpus"
    fi
done

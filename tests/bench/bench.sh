#!/bin/bash
# usage: bench.sh BUILD-DIRECTORY speed|memory   (`make bench`, `make bench-memory`)
# Variables: SIZE_MB, UPDATES, ROUNDS, PEERS (names, or "" for none), BENCH_DIR (a scratch directory on
# the file system to measure; needs about fifteen times SIZE_MB), BENCH_DATABASE (one that wtmake made
# before, instead of a fresh one of SIZE_MB).
set -euo pipefail

build=$1 mode=$2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/var/tmp}}/sealpoint-bench-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
PATH=$PATH:$HOME/.cargo/bin

# Not in Debian; where cargo is, they can be built (minutes): build_peer PROGRAM CRATE@VERSION [OPTION…]
build_peer() {
    [ "$mode" = speed ] && [[ " ${PEERS-$1} " == *" $1 "* ]] || return 0
    ! command -v "$1" >/dev/null && command -v cargo >/dev/null || return 0
    local program=$1
    shift
    echo "building $1 with cargo" >&2
    cargo install --quiet --locked --root "$scratch/cargo" "$@" >&2 ||
        echo "$program cannot be built here: it is left out" >&2
}
build_peer bupstash bupstash@0.12.0
build_peer rustic rustic-rs@0.11.4 --no-default-features
PATH=$PATH:$scratch/cargo/bin

PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/bench.py" "$build" "$scratch" "$mode"

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

# bupstash is no Debian package; where cargo is, it can be built (some minutes).
if [ "$mode" = speed ] && [[ " ${PEERS-bupstash} " == *" bupstash "* ]] &&
    ! command -v bupstash >/dev/null && command -v cargo >/dev/null; then
    echo "building bupstash 0.12.0 with cargo" >&2
    cargo install --quiet --locked --root "$scratch/cargo" bupstash@0.12.0 >&2 ||
        echo "bupstash cannot be built here: it is left out" >&2
    PATH=$PATH:$scratch/cargo/bin
fi

PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/bench.py" "$build" "$scratch" "$mode"

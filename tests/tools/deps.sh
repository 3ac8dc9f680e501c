#!/bin/bash
# Install the Debian 12 packages of the named sets that are missing: deps.sh build real check bench
# With sudo when not root; asks apt nothing when all are there.
set -euo pipefail

declare -A sets=(
    [build]="gcc libc6-dev make pkg-config libssl-dev libzstd-dev libarchive-dev libjson-c-dev
             libyaml-dev"
    # A real database, and what looks into it.
    [real]="libwiredtiger-dev wiredtiger jq"
    # What the tests drive and what checks the code. libclang-rt holds the sanitizers of clang.
    [check]="clang clang-format clang-tidy libclang-rt-14-dev llvm libcmocka-dev gcovr
             python3 python3-pytest python3-pytest-xdist python3-cryptography python3-zstandard mandoc strace acl attr
             faketime zstd zsh fish btrfs-progs exfatprogs exfat-fuse"
    [bench]="python3 restic borgbackup age zstd libsodium-dev"
)

missing=()
for set in "$@"; do
    for package in ${sets[$set]}; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=none
        [ "$status" = installed ] || missing+=("$package")
    done
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null

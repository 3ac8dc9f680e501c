#!/bin/bash
# The whole life of a backup in one scratch directory, each command shown before it runs.
# usage: quickstart.sh BUILD-DIRECTORY   (`make quickstart` installs, builds and calls this)
set -euo pipefail

build=$1
PATH=$build:$build/tests/tools:$PATH
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sealpoint-quickstart-XXXXXX")
cd "$scratch"
# So that the commands below need no options: what a configuration file would say.
export SEALPOINT_REPOSITORY=$scratch/repository SEALPOINT_STATE_DIR=$scratch/state
export SEALPOINT_KEYRING=$scratch/keys/keyring.json SEALPOINT_PASSPHRASE_FILE=$scratch/keys/passphrase

title() {
    printf '\n# %s\n' "$1"
}

# Show a command as one would type it, then run it.
run() {
    local word line=
    for word in "$@"; do
        [[ $word =~ ^[A-Za-z0-9_./=:%+-]+$ ]] || word="'$word'"
        line+=" $word"
    done
    printf '$%s\n' "$line"
    "$@"
}

# A command that must end with this status.
refused() {
    local want=$1 got=0
    shift
    run "$@" || got=$?
    echo "(exit status $got)"
    if [ "$got" != "$want" ]; then
        echo "quickstart: the status should have been $want" >&2
        exit 1
    fi
}

newest() {
    sealpoint snapshots --json | jq -r '.results[-1].id'
}

# Every table of both databases, as WiredTiger itself reads it, is sound and the same.
same_database() {
    local table tables
    wt -h "$1" -C readonly=true list | grep '^table:' >tables.source
    wt -h "$2" -C readonly=true list | grep '^table:' >tables.restored
    cmp tables.source tables.restored
    mapfile -t tables <tables.source
    for table in "${tables[@]}"; do
        wt -h "$2" -C readonly=true verify "$table" >verify.log
        wt -h "$1" -C readonly=true dump -x "$table" >dump.source
        wt -h "$2" -C readonly=true dump -x "$table" >dump.restored
        cmp dump.source dump.restored
    done
    echo "wt verify: all ${#tables[@]} tables are sound; wt dump: all equal the source"
    rm -f tables.* dump.* verify.log
}

title "A real WiredTiger database, as a stopped mongod leaves it"
run wtmake create db 20
run ls db

title "A passphrase for the keyring, and a repository"
run mkdir -m 700 keys
echo "$ export SEALPOINT_REPOSITORY=$SEALPOINT_REPOSITORY"
echo "$ export SEALPOINT_STATE_DIR=$SEALPOINT_STATE_DIR"
echo "$ export SEALPOINT_KEYRING=$SEALPOINT_KEYRING"
echo "$ export SEALPOINT_PASSPHRASE_FILE=$SEALPOINT_PASSPHRASE_FILE"
run sealpoint init --generate-passphrase "$SEALPOINT_PASSPHRASE_FILE"

title "Tonight's snapshot: a full base, sealed with version 1 of the master key"
run sealpoint backup db --description 'first night'
first=$(newest)

title "The database lives on; the next snapshot stores only what changed"
run wtmake update db 200
run sealpoint backup db
run sealpoint snapshots

title "An auditor checks everything, without any key"
run env -u SEALPOINT_KEYRING -u SEALPOINT_PASSPHRASE_FILE sealpoint verify --read-data

title "A new version of the master key: the next snapshot is a full base under it"
run sealpoint key rotate
run wtmake update db 200
run sealpoint backup db
run sealpoint key status

title "The machine is lost: restore, and ask WiredTiger whether it is the same database"
run sealpoint restore latest --to restored
same_database db restored

title "Version 1 is disabled: what depends on it is not restored, and says why"
run sealpoint key impact 1
run sealpoint key disable 1 --yes
refused 3 sealpoint restore "$first" --to refused
[ ! -e refused ]

title "Enabled again, nothing was lost"
run sealpoint key enable 1
run sealpoint restore "$first" --to again

title "Done. Everything is in $scratch"
echo "(remove it with: rm -r $scratch)"

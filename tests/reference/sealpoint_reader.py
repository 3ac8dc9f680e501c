#!/usr/bin/python3
"""A second reader of sealpoint repositories, written from docs/FORMAT.md alone.

Checks the ledger and lists the snapshots; with a keyring it opens them (all, or the one that
--snapshot names by its id, a beginning of it, or "latest") and reads every byte of their files.
Exit status as sealpoint's: 0 good, 2 usage, 3 key invalid, 4 key unreachable, 5 not found,
6 corrupt or tampered with.
"""

import argparse
import base64
import hashlib
import json
import os
import sys

import index
from extract import extract
from file_keyring import Keyring
from ledger import Ledger, snapshot_id
from manifest import Manifest
from refusal import NotFound, Refusal, Usage, require
from snapshot import Snapshot
from store import Store

TYPES = {index.FILE: "file", index.DIRECTORY: "directory", index.SYMLINK: "symlink", index.FIFO: "fifo"}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("repository")
    parser.add_argument("--keyring")
    parser.add_argument("--passphrase-file")
    parser.add_argument("--fingerprint", help="what the repository's must be")
    parser.add_argument("--snapshot", metavar="ID")
    parser.add_argument("--list", action="store_true", help="the files, one JSON object a line")
    parser.add_argument("--extract", metavar="DIR", help="write the files into a new directory")
    return parser.parse_args()


def choose(records, damaged, wanted):
    if wanted is None:
        return records
    for record in damaged:
        require(not (snapshot_id(record) or "").startswith(wanted), f"{record}: damaged")
    found = [r for r in records if snapshot_id(r).startswith(wanted)]
    found = records[-1:] if wanted == "latest" else found
    if len(found) != 1:
        raise NotFound(f"snapshot {wanted}: {len(found)} of that name")
    return found


def describe(snapshot, entry):
    """One line of a listing."""
    is_link = bool(entry.flags & index.HARD_LINK)
    row = {
        "path": os.fsdecode(entry.path),
        "type": "hardlink" if is_link else TYPES[entry.type],
        "mode": f"{entry.mode:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "mtimeNs": entry.mtime_ns,
    }
    if entry.link:
        row["link"] = os.fsdecode(entry.link)
    if entry.type == index.FILE:
        digest, size = hashlib.sha256(), 0
        for block in snapshot.content(entry):
            digest.update(block)
            size += len(block)
        row["size"], row["sha256"] = size, digest.hexdigest()
    if entry.xattrs:
        row["xattrs"] = {
            os.fsdecode(name): base64.b64encode(value).decode() for name, value in entry.xattrs
        }
    return row


def look_at(args, store, ledger, record, keyring):
    name = record.payload.object("masterKey")
    key = " ".join(name.text(part, 511) for part in ("provider", "keyId", "keyVersion"))
    if not args.list:
        print(f"snapshot {snapshot_id(record)}, master key {key}")
    if keyring is None:
        manifest = Manifest(store, ledger, record)
        for item in [manifest.index, *manifest.objects]:
            manifest.raw(store, item)
        return
    snapshot = Snapshot(store, ledger, record, keyring)
    snapshot.check_objects()
    for entry in snapshot.index.entries:
        row = describe(snapshot, entry)
        if args.list:
            print(json.dumps(row))
    if args.extract:
        extract(snapshot, args.extract)


def run(args):
    if (args.list or args.extract) and not args.keyring:
        raise Usage("to open a snapshot a keyring is needed: --keyring")
    if (args.list or args.extract) and args.snapshot is None:
        args.snapshot = "latest"
    store = Store(args.repository)
    ledger = Ledger(store, args.fingerprint)
    keyring = Keyring(args.keyring, args.passphrase_file) if args.keyring else None
    if not args.list:
        print(f"fingerprint {ledger.fingerprint}, {len(ledger.records)} records")
    records, damaged = ledger.snapshots()
    for record in choose(records, damaged, args.snapshot):
        look_at(args, store, ledger, record, keyring)
    require(args.snapshot or not damaged, f"damaged: {', '.join(map(str, damaged))}")


def main():
    try:
        run(arguments())
    except Refusal as problem:
        print(f"sealpoint_reader: {problem}", file=sys.stderr)
        return problem.status
    except OSError as problem:
        print(f"sealpoint_reader: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

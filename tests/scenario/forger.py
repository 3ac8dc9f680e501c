"""A writer that has all the keys and breaks the rules: seals and signs a changed snapshot, so that
only the program's own checks of what is inside can refuse it.

Written against docs/FORMAT.md with the modules of tests/reference.
"""

import hashlib
import json
import os
import struct

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import reader  # noqa: F401  (puts tests/reference on the path)

import index
import sealed
import subkeys
from file_keyring import Keyring
from ledger import Ledger
from snapshot import Snapshot
from store import Store


def seal(key, identity, plain):
    """A sealed object (docs/FORMAT.md, 3)."""
    head = sealed.header(identity, os.urandom(16))
    params = bytes.fromhex("0000" "00100020" "00000020")
    iv = os.urandom(32)

    def derive(from_key, purpose, length):
        return subkeys.expand(from_key, params + iv + purpose + head, length)

    message_key = derive(key, b"MESSAGE_KEY:", 48)
    segment_key = derive(message_key, b"DEK:" + bytes(8), 32)
    out = head + params + iv + derive(key, b"HEADER_TAG:", 32)
    pieces = [plain[at : at + 2**20] for at in range(0, len(plain), 2**20)] or [b""]
    for position, piece in enumerate(pieces):
        final = position == len(pieces) - 1
        nonce = os.urandom(12)
        box = AESGCM(segment_key).encrypt(
            nonce, piece, position.to_bytes(8, "big") + bytes([final])
        )
        length = 4 + 12 + len(box) if final else 0xFFFFFFFF
        out += length.to_bytes(4, "big") + nonce + box
    return out


def encode_entry(**changed):
    """An entry of the index; what is not given is that of an empty file."""
    e = {"type": index.FILE, "flags": 0, "block_log2": 0, "zero": 0, "mode": 0o644, "uid": 0,
         "gid": 0, "mtime": 0, "mtime_ns": 0, "ctime": 0, "ctime_ns": 0, "inode": 0, "size": 0,
         "first_block": 0, "path": b"file", "link": b"", "user": b"", "group": b"", "xattrs": b"",
         "xattr_count": 0, "acl": b"", "extents": b"", **changed}
    rest = (e["path"] + e["link"] + e["user"] + e["group"] + e["xattrs"] + e["acl"]
            + e["extents"])
    fixed = [e[name] for name in ("type", "flags", "block_log2", "zero", "mode", "uid", "gid",
                                  "mtime", "mtime_ns", "ctime", "ctime_ns", "inode", "size",
                                  "first_block")]
    counts = [len(e["path"]), len(e["link"]), len(e["user"]), len(e["group"]), e["xattr_count"],
              len(e["acl"]), len(e["extents"]) // 16]
    return index.FIXED.pack(index.FIXED.size + len(rest), *fixed, *counts) + rest


def encode_row(content, number, offset, stored=None, codec=index.RAW):
    stored = len(content) if stored is None else stored
    digest = hashlib.sha256(content).digest()
    return index.ROW.pack(digest, number, offset, stored.to_bytes(3, "big"), codec)


def encode_image(snapshot_id, objects, files, rows, **changed):
    encoded, rows = b"".join(files), list(rows)
    head = {"magic": b"SPIX", "version": 1, "zero": 0, "snapshot": snapshot_id,
            "object_count": len(objects), "entry_count": len(files), "length": len(encoded),
            "row_count": len(rows), "zeros": bytes(16), **changed}
    return index.HEADER.pack(*head.values()) + b"".join(objects) + encoded + b"".join(rows)


def entry_starts(image):
    """Where in the image each entry begins, as far as their lengths lead."""
    at = index.HEADER.size + 16 * int.from_bytes(image[20:24], "big")
    end = min(at + int.from_bytes(image[32:40], "big"), len(image))
    while at < end:
        yield at
        at += max(int.from_bytes(image[at : at + 4], "big"), index.FIXED.size)


def in_frames(image):
    """As a sealed index has it: frames, and a directory that fits the entries (6.1)."""
    frame = index.FRAME
    starts = list(entry_starts(image))
    frames = [zstandard.compress(image[at : at + frame]) for at in range(0, len(image), frame)]
    rows = b""
    for i, packed in enumerate(frames):
        here = [at % frame for at in starts if at // frame == i]
        before = sum(at // frame < i for at in starts)
        rows += struct.pack(">IIQ", len(packed), here[0] if here else frame, before)
    return b"".join(frames) + rows


class Forger:
    """Of the newest snapshot of a scratch repository, whose record must be its newest."""

    def __init__(self, repo):
        self.repo = repo
        passphrase = None if repo.unencrypted else str(repo.passphrase)
        store = Store(str(repo.repository))
        ledger = Ledger(store)
        keyring = Keyring(str(repo.keyring), passphrase)
        self.record = ledger.records[-1]
        self.payload = json.loads(self.record.raw.split(b"\n")[0])
        self.snapshot = Snapshot(store, ledger, self.record, keyring)
        self.id = self.snapshot.manifest.id
        self.manifest = json.loads(self._manifest_path().read_bytes())
        self.keys = {
            scope: keyring.open_data_key(key)
            for scope, key in self.snapshot.manifest.keys.items()
        }
        self.signing_key = repo.signing_key()

    def _manifest_path(self):
        return self.repo.repository / "manifests" / f"{self.id.hex()}.json"

    def put_object(self, row, plain, purpose):
        """Seal it anew under its old name; `row` is its row in the manifest."""
        scope, name = bytes.fromhex(row["scope"]), bytes.fromhex(row["id"])
        repository = self.snapshot.manifest.repository
        kind = sealed.PACK if row["type"] == "pack" else sealed.INDEX
        key = subkeys.derive(self.keys[scope], purpose, subkeys.context(repository, scope))
        identity = sealed.Identity(kind, repository, scope, name, row["ordinal"])
        raw = seal(key, identity, plain)
        row["size"], row["sha256"] = len(raw), hashlib.sha256(raw).hexdigest()
        self.repo.object_path(row["id"]).write_bytes(raw)

    def put_image(self, image, compressed=None):
        row = self.manifest["index"]
        row["plainSize"] = len(image)
        self.put_object(row, compressed or in_frames(image), "meta")

    def put_files(self, entries, rows=(), packs=(), **changed):
        """A snapshot of these encoded entries, and, if given, of these packs."""
        objects = self.manifest["objects"]
        for row, plain in zip(objects, packs):
            self.put_object(row, plain, "data")
        image = encode_image(self.id, [bytes.fromhex(o["id"]) for o in objects], entries, rows,
                             **changed)
        self.put_image(image)
        self.commit()

    def commit(self):
        """Manifest and record, signed."""
        raw = json.dumps(self.manifest).encode() + b"\n"
        self._manifest_path().write_bytes(raw)
        self.payload["manifest"] = {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        self.put_record(self.payload)

    def put_record(self, payload):
        self.signing_key.put(self.repo.repository, payload)

    def next_payload(self, **changed):
        """Of a further record behind the newest."""
        line = (self.repo.repository / str(self.record)).read_bytes().split(b"\n")[0]
        return {**self.payload, "seq": self.payload["seq"] + 1,
                "prev": hashlib.sha256(line).hexdigest(), **changed}

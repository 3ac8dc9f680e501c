"""A writer gone bad: it holds every key, so what it signs and seals is genuine, but the index of
its newest snapshot says what no index may say."""

import hashlib
import json
import os
import pathlib
import sys

from forger import in_frames
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

sys.path.append(str(pathlib.Path(__file__).parent.parent / "reference"))

import floe  # noqa: E402
import sealed  # noqa: E402
import subkeys  # noqa: E402
from file_keyring import Keyring  # noqa: E402
from ledger import Ledger  # noqa: E402
from snapshot import Snapshot  # noqa: E402
from store import Store  # noqa: E402


def seal(key, aad, plain):
    """A FLOE message of one segment."""
    params = bytes([0, 0]) + sealed.FULL_LEN.to_bytes(4, "big") + bytes([0, 0, 0, floe.IV_LEN])
    iv, nonce = os.urandom(floe.IV_LEN), os.urandom(12)

    def fkdf(from_key, purpose, length):
        return subkeys.expand(from_key, params + iv + purpose + aad, length)

    segment_key = fkdf(fkdf(key, b"MESSAGE_KEY:", 48), b"DEK:" + bytes(8), 32)
    body = nonce + AESGCM(segment_key).encrypt(nonce, plain, bytes(8) + b"\x01")
    header_tag = fkdf(key, b"HEADER_TAG:", floe.HEADER_TAG_LEN)
    return params + iv + header_tag + (len(body) + 4).to_bytes(4, "big") + body


def one_line(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def open_newest(repo):
    store = Store(repo.repository)
    ledger = Ledger(store)
    record = ledger.snapshots()[0][-1]
    opened = Snapshot(store, ledger, record, Keyring(repo.keyring))
    item = opened.manifest.index
    key = Keyring(repo.keyring).open_data_key(opened.manifest.keys[item.scope])
    opened.k_meta = subkeys.derive(
        key, "meta", subkeys.context(opened.manifest.repository, item.scope))
    return opened


def seal_index(opened, image):
    """The index anew, under its old name: returns its size, SHA-256 and length when opened."""
    item = opened.manifest.index
    identity = sealed.Identity(sealed.INDEX, opened.manifest.repository, item.scope, item.id,
                               item.ordinal)
    header = sealed.header(identity, bytes(16))
    raw = header + seal(opened.k_meta, header, in_frames(image))
    return raw, {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest(),
                 "plainSize": len(image)}


def sign(repo, path, payload):
    line = one_line(payload)
    path.write_bytes(line + b"\n" + repo.signing_key().line_2(line) + b"\n")


def forge_index(repo, changes):
    """In the newest snapshot's index each of `changes` (bytes to bytes of the same length) is
    made; everything around it is made to fit. The last record must be that snapshot's. To those
    who know the old record, a new one in its place is an alarm: call repo.forget()."""
    opened = open_newest(repo)
    image = opened.index.raw
    for before, after in changes.items():
        assert image.count(before) >= 1 and len(before) == len(after)
        image = image.replace(before, after)
    raw, facts = seal_index(opened, image)
    manifest_path = repo.repository / "manifests" / f"{opened.manifest.id.hex()}.json"
    manifest = json.loads(manifest_path.read_bytes())
    manifest["index"].update(facts)
    text = one_line(manifest) + b"\n"
    record_path = repo.records()[-1]
    payload = json.loads(record_path.read_bytes().partition(b"\n")[0])
    assert payload["type"] == "snapshot"
    payload["manifest"] = {"size": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    repo.object_path(manifest["index"]["id"]).write_bytes(raw)
    manifest_path.write_bytes(text)
    sign(repo, record_path, payload)

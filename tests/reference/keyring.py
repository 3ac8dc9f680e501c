#!/usr/bin/env python3
"""Open a file keyring and the envelopes by it, independently of the C code (docs/FORMAT.md).

    keyring.py DIR...

For every NAME.keyring in the directories, opened with the passphrase in DIR/NAME.passphrase, the data key
of NAME.data-key.json is unwrapped and compared with NAME.expected; prints the name and ok or FAIL.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys

from floe import Refused, open_message
from subkeys import context, derive, expand

ENC_SEG_LEN = 0x00100020
HEADER_LEN = 96
KEY_WRAP = 4
NO_SCOPE = bytes(16)


def open_wrap(key, sealed, repository, scope, version):
    """The 32 bytes in a sealed object of type 4; its object id is found in no other place."""
    header = sealed[:HEADER_LEN]
    due = b"SPO1" + bytes([KEY_WRAP, 0, 0, 1]) + repository + scope
    if header[:40] != due or header[56:64] != version.to_bytes(8, "big") or any(header[80:]):
        raise Refused("header")
    plain = open_message(key, header, sealed[HEADER_LEN:], ENC_SEG_LEN)
    if len(plain) != 32:
        raise Refused("length")
    return plain


def committed(keyring_id, entry, key):
    """The key, when it is the one that its public commitment names."""
    info = b"sealpoint/v1/master\0" + keyring_id + entry["version"].to_bytes(8, "big")
    if expand(key, info, 32).hex() != entry["commitment"]:
        raise Refused("commitment of a master key")
    return key


def derive_kek(protection, passphrase):
    """The form of the passphrase must be that of the protection."""
    is_generated = passphrase.startswith(b"sealpoint-secret-1:") and len(passphrase) == 63
    if is_generated != (protection["kdf"] == "hkdf"):
        raise Refused("the passphrase is of the other form")
    if protection["kdf"] == "hkdf":
        secret = base64.b64decode(passphrase.removeprefix(b"sealpoint-secret-1:"), validate=True)
        if passphrase != b"sealpoint-secret-1:" + base64.b64encode(secret) or len(secret) != 32:
            raise Refused("not a generated secret")
        salt = bytes.fromhex(protection["salt"])
        return expand(secret, b"sealpoint/v1/keyring-secret\0" + salt, 32)
    return hashlib.scrypt(
        passphrase,
        salt=bytes.fromhex(protection["salt"]),
        n=protection["n"],
        r=protection["r"],
        p=protection["p"],
        dklen=32,
        maxmem=1 << 28,
    )


def read_keyring(stored, passphrase):
    """The keyring id and {version: master key} of a keyring file, after its check line."""
    first, second, rest = stored.split(b"\n")
    digest = hashlib.sha256(first).digest()
    document = json.loads(first)
    keyring_id = bytes.fromhex(document["keyringId"])
    protection = document["protection"]
    if protection["kdf"] == "none":
        if rest or second != b'{"sha256":"%s"}' % digest.hex().encode():
            raise Refused("digest")
        return document["keyringId"], {
            v["version"]: committed(keyring_id, v, base64.b64decode(v["key"]))
            for v in document["versions"] if v["key"]
        }
    kek = derive_kek(protection, passphrase)
    mac = expand(kek, b"sealpoint/v1/keyring\0" + digest, 32).hex().encode()
    if rest or not hmac.compare_digest(second, b'{"mac":"%s"}' % mac):
        raise Refused("mac: another passphrase, or changed")
    masters = {}
    for entry in document["versions"]:
        if entry["key"] is not None:
            number = entry["version"]
            info = b"sealpoint/v1/keyring-entry\0" + keyring_id + number.to_bytes(8, "big")
            sealed = base64.b64decode(entry["key"])
            key = open_wrap(expand(kek, info, 32), sealed, keyring_id, NO_SCOPE, number)
            masters[number] = committed(keyring_id, entry, key)
    return document["keyringId"], masters


def open_data_key(data_key, repository, keyring_id, masters):
    """The data key in the first envelope of a record's or manifest's dataKey, commitment checked."""
    envelope = data_key["envelopes"][0]
    if (envelope["provider"], envelope["keyId"]) != ("file", keyring_id):
        raise Refused("another keyring")
    if envelope["wrapAlgorithm"] != "sealpoint-file-v1":
        raise Refused("algorithm")
    scope = bytes.fromhex(data_key["scope"])
    version = int(envelope["keyVersion"])
    ctx = context(repository, scope)
    wrapping_key = derive(masters[version], "wrap", ctx)
    sealed = base64.b64decode(envelope["wrappedKey"])
    key = open_wrap(wrapping_key, sealed, repository, scope, version)
    if derive(key, "commit", ctx).hex() != data_key["commitment"]:
        raise Refused("commitment")
    return key


def check(path):
    source = path.with_suffix(".passphrase")
    passphrase = source.read_bytes().removesuffix(b"\n") if source.exists() else b""
    data_key = json.loads(path.with_suffix(".data-key.json").read_bytes())
    expected = path.with_suffix(".expected").read_text(encoding="ascii").strip()
    repository = bytes.fromhex(data_key["envelopes"][0]["context"]["repositoryId"])
    try:
        keyring_id, masters = read_keyring(path.read_bytes(), passphrase)
        return open_data_key(data_key, repository, keyring_id, masters).hex() == expected
    except Refused as why:
        print(f"{path.name}: {why}", file=sys.stderr)
        return False


def main(directories):
    if not directories:
        print(__doc__, file=sys.stderr)
        return 2
    results = {p: check(p) for directory in directories for p in sorted(pathlib.Path(directory).glob("*.keyring"))}
    for path, ok in results.items():
        print(path.stem, "ok" if ok else "FAIL")
    if not results:
        print("no *.keyring found", file=sys.stderr)
    return 0 if results and all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Recompute tests/golden/subkeys.txt from docs/FORMAT.md with nothing but hmac and hashlib."""

import hashlib
import hmac
import pathlib
import sys

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "subkeys.txt"
SUITE = 1


def expand(key, info, length):
    """HKDF-Expand with SHA-384 (RFC 5869, 2.3)."""
    out, block, number = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([number]), hashlib.sha384).digest()
        out += block
        number += 1
    return out[:length]


def context(repository, scope):
    return SUITE.to_bytes(2, "big") + repository + scope


def derive(key, purpose, ctx):
    return expand(key, b"sealpoint/v1/" + purpose.encode() + b"\0" + ctx, 32)


def main():
    data_key = bytes(range(0x00, 0x20))
    ctx = context(bytes(range(0x10, 0x20)), bytes(range(0x40, 0x50)))
    wrong = 0
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, value = line.split()
        ok = (ctx if name == "ctx" else derive(data_key, name, ctx)).hex() == value
        wrong += not ok
        print(name, "ok" if ok else "FAIL")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Sealed objects: the 96-byte header and what comes behind it (docs/FORMAT.md, 3)."""

import collections

import floe
from refusal import Corrupt, require

PACK, INDEX, KEY_WRAP = 1, 2, 4
SUITE = 1
HEADER_LEN = 96
SEGMENT_LEN = 2**20
FULL_LEN = SEGMENT_LEN + 32
SEGMENTS_MAX = 2**20
START_LEN = HEADER_LEN + 74
HEDGE = slice(64, 80)

Identity = collections.namedtuple("Identity", "type repository scope id ordinal")


def plain_size(size):
    """The plaintext's size; raises Corrupt for a size that no object has."""
    require(size >= START_LEN + 32, f"{size} bytes are too few for a sealed object")
    full, rest = divmod(size - START_LEN, FULL_LEN)
    require(full + (rest > 0) <= SEGMENTS_MAX, f"{size} bytes are too many for a sealed object")
    require(rest == 0 or rest > 32 or (rest == 32 and full == 0), f"no object has {size} bytes")
    return full * SEGMENT_LEN + max(0, rest - 32)


def header(identity, hedge):
    return (
        b"SPO1"
        + bytes([identity.type, 0])
        + SUITE.to_bytes(2, "big")
        + identity.repository
        + identity.scope
        + identity.id
        + identity.ordinal.to_bytes(8, "big")
        + hedge
        + bytes(16)
    )


def open_object(key, identity, size, raw):
    """The plaintext of a whole object; `size` is the signed one."""
    name = f"object {identity.id.hex()}"
    require(len(raw) == size, f"{name}: {len(raw)} bytes, not {size}")
    plain_size(size)
    found = raw[:HEADER_LEN]
    require(found == header(identity, found[HEDGE]), f"{name}: its header is not the due one")
    try:
        return floe.open_message(key, found, raw[HEADER_LEN:], FULL_LEN)
    except floe.Refused as problem:
        raise Corrupt(f"{name}: {problem} (wrong key or damaged data)") from None


def open_wrap(key, repository, scope, ordinal, raw):
    """The 32 bytes in a key wrap, whose object id stands in its own header only."""
    identity = Identity(KEY_WRAP, repository, scope, raw[40:56], ordinal)
    require(len(raw) == START_LEN + 32 + 32, f"a wrapped key of {len(raw)} bytes")
    return open_object(key, identity, len(raw), raw)

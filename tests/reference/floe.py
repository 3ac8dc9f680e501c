#!/usr/bin/env python3
"""Open FLOE messages independently of the C code (docs/FORMAT.md, 3).

    floe.py DIR...

Every NAME_ct.txt (hex) in the directories is opened with 32 zero bytes as key and the AAD
"This is AAD" and compared with NAME_pt.txt; prints the name and ok or FAIL.
"""

import hmac
import pathlib
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from subkeys import expand

PARAMS_LEN, IV_LEN, HEADER_TAG_LEN = 10, 32, 32
HEADER_LEN = PARAMS_LEN + IV_LEN + HEADER_TAG_LEN
OVERHEAD = 4 + 12 + 16
NOT_FINAL = 0xFFFFFFFF
ROTATION_BITS = 20


class Refused(Exception):
    """The message is not what the key, the AAD and the format say."""


def open_message(key, aad, message, segment_len, rotation_bits=ROTATION_BITS):
    """The plaintext of a whole message; `segment_len` is ENC_SEG_LEN."""
    header, body = message[:HEADER_LEN], message[HEADER_LEN:]
    params = bytes([0, 0]) + segment_len.to_bytes(4, "big") + IV_LEN.to_bytes(4, "big")
    if len(header) < HEADER_LEN or header[:PARAMS_LEN] != params:
        raise Refused("parameters")
    iv = header[PARAMS_LEN : PARAMS_LEN + IV_LEN]

    def fkdf(from_key, purpose, length):
        return expand(from_key, params + iv + purpose + aad, length)

    tag = fkdf(key, b"HEADER_TAG:", HEADER_TAG_LEN)
    if not hmac.compare_digest(tag, header[PARAMS_LEN + IV_LEN :]):
        raise Refused("header tag")
    message_key = fkdf(key, b"MESSAGE_KEY:", 48)

    plain = []
    count = max(1, -(-len(body) // segment_len))
    for position in range(count):
        segment = body[position * segment_len : (position + 1) * segment_len]
        final = position == count - 1
        if len(segment) < OVERHEAD or (len(segment) == OVERHEAD and count > 1):
            raise Refused(f"segment {position}: too short")
        if int.from_bytes(segment[:4], "big") != (len(segment) if final else NOT_FINAL):
            raise Refused(f"segment {position}: length field")
        run = position >> rotation_bits << rotation_bits
        segment_key = fkdf(message_key, b"DEK:" + run.to_bytes(8, "big"), 32)
        segment_aad = position.to_bytes(8, "big") + bytes([final])
        try:
            plain.append(AESGCM(segment_key).decrypt(segment[4:16], segment[16:], segment_aad))
        except InvalidTag:
            raise Refused(f"segment {position}: tag") from None
    return b"".join(plain)


def opens_as(message, plain):
    """Vectors may change the segment key sooner than every 2^20 segments and do not say when."""
    segment_len = int.from_bytes(message[2:6], "big")
    for bits in (ROTATION_BITS, *range(1, ROTATION_BITS)):
        try:
            return open_message(bytes(32), b"This is AAD", message, segment_len, bits) == plain
        except Refused:
            continue
    return False


def main(directories):
    if not directories:
        print(__doc__, file=sys.stderr)
        return 2
    seen = wrong = 0
    for directory in directories:
        for sealed in sorted(pathlib.Path(directory).glob("*_ct.txt")):
            clear = sealed.with_name(sealed.name[: -len("_ct.txt")] + "_pt.txt")
            message = bytes.fromhex(sealed.read_text(encoding="ascii"))
            ok = opens_as(message, bytes.fromhex(clear.read_text(encoding="ascii")))
            seen += 1
            wrong += not ok
            print(sealed.name[: -len("_ct.txt")], "ok" if ok else "FAIL")
    if seen == 0:
        print("no *_ct.txt found", file=sys.stderr)
    return 1 if wrong or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""One zstd frame, bounded."""

import zstandard

from refusal import Corrupt, require

STEP = 4096  # compressed bytes at a time: what they can become stays small


def one_frame(raw, most, window_max=0):
    """At most `most` bytes, from a frame that ends where `raw` ends."""
    frame = zstandard.ZstdDecompressor(max_window_size=window_max).decompressobj()
    plain = bytearray()
    try:
        for at in range(0, len(raw), STEP):
            require(not frame.eof, "bytes are left over behind a zstd frame")
            plain += frame.decompress(raw[at : at + STEP])
            require(len(plain) <= most, "a zstd frame is longer than it should be")
    except zstandard.ZstdError as problem:
        raise Corrupt(f"does not decompress: {problem}") from None
    require(frame.eof and not frame.unused_data, "a zstd frame ends early or too late")
    return bytes(plain)

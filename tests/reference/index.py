"""The index: files and where their content lies (docs/FORMAT.md, 6)."""

import collections
import struct

from acl import read_acl
from refusal import require
from unzstd import one_frame

MARK = struct.Struct(">IIQ")
FRAME = 2**18
FRAME_STORED_MAX = 2**18 + 2**12
IMAGE_MAX = 2**36
OBJECTS_MAX = 65_536
ENTRIES_MAX = 100_000_000
HEADER = struct.Struct(">4sHH12sIQQQ16s")
FIXED = struct.Struct(">IBBBBIIIqIqIQQQHHBBHII")
ROW = struct.Struct(">32sIQ3sB")
FILE, DIRECTORY, SYMLINK, FIFO = 1, 2, 3, 4
CHANGED, HARD_LINK = 1, 2
RAW, ZSTD, ZERO = 0, 1, 2
ENTRY_MAX = 2**21
BLOCK_MAX = 2**20
ROOT = b"."

Entry = collections.namedtuple(
    "Entry",
    "type flags block_log2 mode uid gid mtime_ns size first_block"
    " path link user group xattrs acl extents",
)
Block = collections.namedtuple("Block", "sha256 object offset stored codec")


class Cursor:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, length):
        require(length <= len(self.raw) - self.at, "an entry ends early")
        self.at += length
        return self.raw[self.at - length : self.at]

    def name(self, length):
        taken = self.take(length)
        require(b"\0" not in taken, "a name has a NUL within")
        return taken


def path_is_safe(path):
    if len(path) > 4095 or b"\0" in path:
        return False
    parts = path.split(b"/")
    return not any(part in (b"", b".", b"..") or len(part) > 255 for part in parts)


def path_order(path):
    """Sorts bytewise with '/' before every other byte; the root is in front of all."""
    return b"" if path == ROOT else bytes(1) + path.replace(b"/", b"\0")


def _xattrs(cursor, count):
    found, start = [], cursor.at
    for _ in range(count):
        name_len, value_len = struct.unpack(">BI", cursor.take(5))
        require(name_len > 0, "an extended attribute has no name")
        found.append((cursor.name(name_len), cursor.take(value_len)))
    require(cursor.at - start <= 512 * 1024, "too many extended attributes")
    return found


def _extents(raw, size):
    found = [struct.unpack_from(">QQ", raw, at) for at in range(0, len(raw), 16)]
    end = 0
    for offset, length in found:
        require(end <= offset and offset + length <= size, "extents are out of order")
        end = offset + length
    return found


def read_entry(raw):
    cursor = Cursor(raw)
    (length, kind, flags, block_log2, zero, mode, uid, gid, mtime, mtime_ns, _, ctime_ns, _, size,
     first_block, path_len, link_len, user_len, group_len, xattr_count, acl_len,
     extent_count) = FIXED.unpack(cursor.take(FIXED.size))
    is_link = bool(flags & HARD_LINK)
    has_blocks = kind == FILE and size > 0
    require(length == len(raw), "an entry has another length than it says")
    require(FILE <= kind <= FIFO and zero == 0 and flags < 8, "an entry of an unknown kind")
    require(mode <= 0o7777 and max(mtime_ns, ctime_ns) < 10**9, "an impossible mode or time")
    require(size <= (2**56 if kind == FILE and not is_link else 0), "an impossible size")
    require(12 <= block_log2 <= 20 if has_blocks else block_log2 == 0, "an impossible block size")
    require(extent_count <= (65_536 if has_blocks else 0), "impossible extents")
    require((link_len > 0) == (kind == SYMLINK or is_link), "a link target too many or too few")
    require(kind == FILE or not is_link, "a hard link that is no file")
    require(link_len <= 4095 and acl_len < 2**18, "a link target or ACL is too long")
    path, link = cursor.name(path_len), cursor.name(link_len)
    user, group = cursor.name(user_len), cursor.name(group_len)
    xattrs = _xattrs(cursor, xattr_count)
    acl = cursor.take(acl_len)
    require(kind != SYMLINK or not acl, "an ACL of a symbolic link")
    read_acl(acl, kind == DIRECTORY)
    extents = _extents(cursor.take(16 * extent_count), size)
    require(cursor.at == len(raw), "bytes are left over behind an entry")
    require(path == ROOT or path_is_safe(path), f"an unsafe path: {path!r}")
    require(not is_link or path_is_safe(link), f"an unsafe hard link: {link!r}")
    return Entry(kind, flags, block_log2, mode, uid, gid, mtime * 10**9 + mtime_ns, size,
                 first_block, path, link, user, group, xattrs, acl, extents)


def block_count(entry):
    return -(-entry.size >> entry.block_log2) if entry.size else 0


class Frames:
    """The sealed plaintext: frames of the image, and a directory behind them (6.1)."""

    def __init__(self, plain, image_size):
        require(HEADER.size <= image_size <= IMAGE_MAX, "an index of an impossible size")
        self.count = -(-image_size // FRAME)
        self.image_size = image_size
        end = len(plain) - MARK.size * self.count
        require(end >= 0, "an index without room for its directory")
        self.marks = [MARK.unpack_from(plain, end + MARK.size * i) for i in range(self.count)]
        self.stored, at = [], 0
        for length, first_at, _ in self.marks:
            fits = 0 < length <= min(FRAME_STORED_MAX, end - at) and first_at <= FRAME
            require(fits, "an impossible row in an index's directory")
            self.stored.append(plain[at : at + length])
            at += length
        require(at == end, "an index's directory does not name all frames")

    def frame(self, i):
        length = min(FRAME, self.image_size - i * FRAME)
        plain = one_frame(self.stored[i], length)
        require(len(plain) == length, "a frame of an index has another length")
        return plain

    def image(self):
        return b"".join(self.frame(i) for i in range(self.count))

    def check(self, starts):
        """`starts`: where in the image each entry begins."""
        first, number = {}, [0] * (self.count + 1)
        for at in starts:
            first.setdefault(at // FRAME, at % FRAME)
            number[at // FRAME + 1] += 1
        for i, (_, first_at, first_number) in enumerate(self.marks):
            number[i + 1] += number[i]
            fits = first_at == first.get(i, FRAME) and first_number == number[i]
            require(fits, "an index's directory does not fit its entries")


class Index:
    def __init__(self, plain, plain_size, snapshot_id, objects):
        """`objects`: the ids of the manifest's."""
        frames = Frames(plain, plain_size)
        raw = frames.image()
        head = HEADER.unpack_from(raw)
        magic, version, zero, snapshot, object_count, self.count, length, self.rows, zeros = head
        require(magic == b"SPIX" and version == 1 and zero == 0, "not an index of this version")
        require(zeros == bytes(16), "not an index of this version")
        require(snapshot == snapshot_id, "the index of another snapshot")
        start = HEADER.size + 16 * object_count
        self.rows_at = start + length
        require(self.rows_at + 48 * self.rows == len(raw), "the index's counts do not fit")
        ids = [raw[at : at + 16] for at in range(HEADER.size, start, 16)]
        require(ids == objects, "index and manifest name different objects")
        fits = object_count <= OBJECTS_MAX and self.count <= ENTRIES_MAX
        require(fits, "an index of impossible counts")
        self.raw = raw
        self.object_count = object_count
        self.starts = []
        self.entries = list(self._entries(start))
        frames.check(self.starts)
        self._check_links()
        for i in range(self.rows):
            self.block(i)

    def _entries(self, at):
        directories, before = {ROOT}, None
        for i in range(self.count):
            require(at + FIXED.size <= self.rows_at, "the file table ends early")
            length = int.from_bytes(self.raw[at : at + 4], "big")
            fits = FIXED.size <= length <= min(ENTRY_MAX, self.rows_at - at)
            require(fits, "an entry has an impossible length")
            entry = read_entry(self.raw[at : at + length])
            self.starts.append(at)
            at += length
            require(before is None or before < path_order(entry.path), "paths are out of order")
            before = path_order(entry.path)
            is_root = entry.path == ROOT
            require(not is_root or (i == 0 and entry.type == DIRECTORY), "the root is no directory")
            parent = entry.path.rpartition(b"/")[0] or ROOT
            require(is_root or parent in directories, f"{entry.path!r} lies in no directory")
            if entry.type == DIRECTORY:
                directories.add(entry.path)
            fits = entry.first_block + block_count(entry) <= self.rows
            require(fits or block_count(entry) == 0, f"{entry.path!r}: no such blocks")
            yield entry
        require(at == self.rows_at, "bytes are left over after the file table")

    def _check_links(self):
        self.by_path = {entry.path: entry for entry in self.entries}
        for entry in self.entries:
            if entry.flags & HARD_LINK:
                first = self.by_path.get(entry.link)
                good = first and first.type == FILE and not first.flags & HARD_LINK
                require(good, f"{entry.path!r} is a hard link to nothing")

    def block(self, i):
        row = self.raw[self.rows_at + 48 * i : self.rows_at + 48 * (i + 1)]
        sha256, number, offset, stored, codec = ROW.unpack(row)
        stored = int.from_bytes(stored, "big")
        require(codec <= ZERO, f"the codec {codec} is not known")
        if codec == ZERO:
            require(row[:-1] == bytes(47), "a block of zeros names a place")
        else:
            require(0 < stored <= BLOCK_MAX, "an impossible stored length")
            require(number < self.object_count, "a block in an object that is not named")
        return Block(sha256, number, offset, stored, codec)

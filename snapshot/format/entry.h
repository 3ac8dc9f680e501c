/*
 * An entry: one file of a snapshot, everything but its content (docs/FORMAT.md, 6.3).
 *
 * Entries are reused: entry_reset() empties one and keeps its memory.
 * Uses: core/base, core/fs.
 */
#ifndef SNAPSHOT_FORMAT_ENTRY_H
#define SNAPSHOT_FORMAT_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum entry_type { ENTRY_FILE = 1, ENTRY_DIR = 2, ENTRY_SYMLINK = 3, ENTRY_FIFO = 4 };

#define ENTRY_CHANGED 1   /* was being written while it was read */
#define ENTRY_HARD_LINK 2 /* `link` is the path of its first name, which has the content */
#define ENTRY_SETTLED                                                                              \
    4 /* read when its source's clock was past its ctime: who finds the same                       \
       * times later has the same content */
#define ENTRY_FLAGS_KNOWN (ENTRY_CHANGED | ENTRY_HARD_LINK | ENTRY_SETTLED)

/* An encoded entry is never longer, and has a fixed part of this size in front. */
#define ENTRY_LEN_MAX (2 * MIB)
#define ENTRY_FIXED_LEN 84
#define ENTRY_EXTENTS_MAX 65536
#define ENTRY_SIZE_MAX (UINT64_C(1) << 56)
#define ENTRY_BLOCK_LOG2_MIN 12
#define ENTRY_BLOCK_LOG2_MAX 20

struct entry {
    enum entry_type type;
    uint8_t flags;
    uint8_t block_log2; /* blocks are 2^this bytes; 0 when there are none */
    uint32_t mode;      /* permission bits, 07777 */
    uint32_t uid, gid;
    int64_t mtime_s, ctime_s;
    uint32_t mtime_ns, ctime_ns;
    uint64_t inode;
    uint64_t size;        /* bytes of content; 0 but for files */
    uint64_t first_block; /* its first row in the block map */
    struct buf path;      /* relative to the snapshot's root; the root itself is "." */
    struct buf link;      /* target of a symlink or first name of a hard link */
    struct buf user, group;
    struct buf xattrs; /* encoded rows: u8 name length, u32 value length, name, value */
    uint32_t xattr_count;
    struct buf acl;     /* text (acl.h); "" for none */
    struct buf extents; /* encoded rows: u64 offset, u64 length, of data in a sparse file */
};

void entry_init(struct entry *e);
void entry_reset(struct entry *e);
void entry_clear(struct entry *e);

/* The number of blocks its content takes, and the length of block `i`. */
uint64_t entry_blocks(const struct entry *e);
size_t entry_block_len(const struct entry *e, uint64_t i);

/* Blocks are cut at fixed offsets: 64 KiB in files < 64 MiB, 256 KiB < 4 GiB, else 1 MiB. */
uint8_t entry_block_log2_for(uint64_t size);

MUST_CHECK enum err entry_encode(const struct entry *e, struct buf *to);

/* Decode exactly all of `from`. ERR_CORRUPT: breaks a limit, an unsafe path, or has bytes over. */
MUST_CHECK enum err entry_decode(struct bytes from, struct entry *out);

/* For those who move encoded entries as they are: the first ENTRY_HEAD_LEN bytes of one say how
 * long it is, and can be marked with a further flag. */
#define ENTRY_HEAD_LEN 8
uint32_t entry_head_len(const uint8_t head[ENTRY_HEAD_LEN]);
void entry_head_mark(uint8_t head[ENTRY_HEAD_LEN], uint8_t flag);

/* Rows of the encoded lists, from the front. */
MUST_CHECK enum err entry_add_xattr(struct entry *e, struct bytes name, struct bytes value);
MUST_CHECK enum err entry_take_xattr(struct cursor *c, struct bytes *name, struct bytes *value);
/* In ascending order. Where there are ENTRY_EXTENTS_MAX already, each two neighbours become one
 * first: the hole between them is data then, and the larger ones stay holes. */
MUST_CHECK enum err entry_add_extent(struct entry *e, uint64_t offset, uint64_t len);

/* The extents: [offset, offset + len) is data, the rest of the file is holes. None: all is data; a
 * file that is all holes has one of length 0. */
struct extent {
    uint64_t offset, len;
};
size_t entry_extent_count(const struct entry *e);
struct extent entry_extent(const struct entry *e, size_t i);
/* How much of the content is data. */
uint64_t entry_data_len(const struct entry *e);

/* True when any byte of [offset, offset + len) may be data: files without extents always. */
bool entry_has_data(const struct entry *e, uint64_t offset, uint64_t len);

/* The root of the snapshot, ".": in front of all other paths. */
bool entry_is_root(const struct entry *e);
bool entry_path_is_root(struct bytes path);

/* The path as a C string for messages and system calls (it has no NUL inside). Borrowed. */
const char *entry_path(const struct entry *e);

#endif

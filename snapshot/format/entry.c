#include "snapshot/format/entry.h"

#include <string.h>

#include "core/fs/path.h"
#include "snapshot/format/acl.h"

#define NAME_MAX_LEN 255
#define EXTENT_ROW_LEN 16 /* u64 offset, u64 length */
#define FLAGS_AT 5        /* behind u32 length, u8 type */

void entry_init(struct entry *e)
{
    *e = (struct entry){
        .path = {.max = PATH_LEN_MAX + 1},
        .link = {.max = PATH_LEN_MAX + 1},
        .user = {.max = NAME_MAX_LEN + 1},
        .group = {.max = NAME_MAX_LEN + 1},
        .xattrs = {.max = 512 * KIB},
        .acl = {.max = 256 * KIB},
        .extents = {.max = ENTRY_EXTENTS_MAX * EXTENT_ROW_LEN},
    };
}

void entry_reset(struct entry *e)
{
    struct entry kept = *e;

    *e = (struct entry){.path = kept.path,
                        .link = kept.link,
                        .user = kept.user,
                        .group = kept.group,
                        .xattrs = kept.xattrs,
                        .acl = kept.acl,
                        .extents = kept.extents};
    e->path.len = e->link.len = e->user.len = e->group.len = 0;
    e->xattrs.len = e->acl.len = e->extents.len = 0;
}

void entry_clear(struct entry *e)
{
    buf_clear(&e->path);
    buf_clear(&e->link);
    buf_clear(&e->user);
    buf_clear(&e->group);
    buf_clear(&e->xattrs);
    buf_clear(&e->acl);
    buf_clear(&e->extents);
}

uint64_t entry_blocks(const struct entry *e)
{
    if (e->type != ENTRY_FILE || e->size == 0)
        return 0;
    return ((e->size - 1) >> e->block_log2) + 1;
}

size_t entry_block_len(const struct entry *e, uint64_t i)
{
    uint64_t from = i << e->block_log2;
    uint64_t left = e->size - from;
    uint64_t full = UINT64_C(1) << e->block_log2;

    return (size_t)(left < full ? left : full);
}

uint8_t entry_block_log2_for(uint64_t size)
{
    if (size < 64 * MIB)
        return 16;
    return size < 4096 * (uint64_t)MIB ? 18 : 20;
}

enum err entry_add_xattr(struct entry *e, struct bytes name, struct bytes value)
{
    enum err rc;

    if (name.len == 0 || name.len > NAME_MAX_LEN)
        FAIL(ERR_FAILED, "an extended attribute's name of %zu bytes is not possible", name.len);
    TRY(buf_add_u(&e->xattrs, name.len, 1));
    TRY(buf_add_u(&e->xattrs, value.len, 4));
    TRY(buf_add(&e->xattrs, name));
    TRY(buf_add(&e->xattrs, value));
    e->xattr_count++;
out:
    return rc;
}

enum err entry_take_xattr(struct cursor *c, struct bytes *name, struct bytes *value)
{
    uint8_t name_len = 0;
    uint32_t value_len = 0;
    enum err rc;

    TRY(cursor_u8(c, &name_len));
    TRY(cursor_u32(c, &value_len));
    TRY(cursor_take(c, name_len, name));
    TRY(cursor_take(c, value_len, value));
    if (name->len == 0 || memchr(name->data, '\0', name->len) != NULL)
        FAIL(ERR_CORRUPT, "an extended attribute's name is empty or has a NUL");
out:
    return rc;
}

static void set_extent(struct entry *e, size_t i, const struct extent *data)
{
    be_put(e->extents.data + i * EXTENT_ROW_LEN, data->offset, 8);
    be_put(e->extents.data + i * EXTENT_ROW_LEN + 8, data->len, 8);
}

/* Half as many: each covers two that were neighbours, and the hole between them. */
static void merge_extents(struct entry *e)
{
    size_t count = entry_extent_count(e) / 2;

    for (size_t i = 0; i < count; i++) {
        struct extent data = entry_extent(e, 2 * i);
        struct extent next = entry_extent(e, 2 * i + 1);

        if (next.offset >= data.offset) /* others are refused when they are read */
            data.len = next.offset - data.offset + next.len;
        set_extent(e, i, &data);
    }
    e->extents.len = count * EXTENT_ROW_LEN;
}

enum err entry_add_extent(struct entry *e, uint64_t offset, uint64_t len)
{
    enum err rc;

    if (entry_extent_count(e) == ENTRY_EXTENTS_MAX)
        merge_extents(e);
    TRY(buf_add_u(&e->extents, offset, 8));
    TRY(buf_add_u(&e->extents, len, 8));
out:
    return rc;
}

size_t entry_extent_count(const struct entry *e)
{
    return e->extents.len / EXTENT_ROW_LEN;
}

struct extent entry_extent(const struct entry *e, size_t i)
{
    const uint8_t *row = e->extents.data + i * EXTENT_ROW_LEN;

    return (struct extent){.offset = be_get(row, 8), .len = be_get(row + 8, 8)};
}

uint64_t entry_data_len(const struct entry *e)
{
    size_t count = entry_extent_count(e);
    uint64_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += entry_extent(e, i).len;
    return count > 0 ? len : e->size;
}

uint32_t entry_head_len(const uint8_t head[ENTRY_HEAD_LEN])
{
    return (uint32_t)be_get(head, 4);
}

void entry_head_mark(uint8_t head[ENTRY_HEAD_LEN], uint8_t flag)
{
    head[FLAGS_AT] |= flag;
}

/* They are in order: the first that ends behind `offset` is the only one to ask. */
bool entry_has_data(const struct entry *e, uint64_t offset, uint64_t len)
{
    size_t count = entry_extent_count(e);
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct extent data = entry_extent(e, middle);

        if (data.offset + data.len <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return count == 0 || (low < count && entry_extent(e, low).offset < offset + len);
}

const char *entry_path(const struct entry *e)
{
    return (const char *)e->path.data;
}

/* Adds the bytes and, not counted in len, a NUL: the buffers serve as C strings too. */
static enum err set_text(struct buf *to, struct bytes from)
{
    enum err rc;

    to->len = 0;
    TRY(buf_reserve(to, from.len + 1));
    if (from.len > 0)
        memcpy(to->data, from.data, from.len);
    to->data[from.len] = '\0';
    to->len = from.len;
out:
    return rc;
}

enum err entry_encode(const struct entry *e, struct buf *to)
{
    const struct buf *const parts[] = {&e->path,   &e->link, &e->user,   &e->group,
                                       &e->xattrs, &e->acl,  &e->extents};
    size_t len = ENTRY_FIXED_LEN;
    enum err rc;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        len += parts[i]->len;
    if (len > ENTRY_LEN_MAX || e->xattr_count > UINT16_MAX)
        FAIL(ERR_FAILED, "%s: the metadata is longer than %zu bytes", entry_path(e), ENTRY_LEN_MAX);
    TRY(buf_reserve(to, len));
    TRY(buf_add_u(to, len, 4));
    TRY(buf_add_u(to, (uint64_t)e->type, 1));
    TRY(buf_add_u(to, e->flags, 1));
    TRY(buf_add_u(to, e->block_log2, 1));
    TRY(buf_add_u(to, 0, 1));
    TRY(buf_add_u(to, e->mode, 4));
    TRY(buf_add_u(to, e->uid, 4));
    TRY(buf_add_u(to, e->gid, 4));
    TRY(buf_add_u(to, (uint64_t)e->mtime_s, 8));
    TRY(buf_add_u(to, e->mtime_ns, 4));
    TRY(buf_add_u(to, (uint64_t)e->ctime_s, 8));
    TRY(buf_add_u(to, e->ctime_ns, 4));
    TRY(buf_add_u(to, e->inode, 8));
    TRY(buf_add_u(to, e->size, 8));
    TRY(buf_add_u(to, e->first_block, 8));
    TRY(buf_add_u(to, e->path.len, 2));
    TRY(buf_add_u(to, e->link.len, 2));
    TRY(buf_add_u(to, e->user.len, 1));
    TRY(buf_add_u(to, e->group.len, 1));
    TRY(buf_add_u(to, e->xattr_count, 2));
    TRY(buf_add_u(to, e->acl.len, 4));
    TRY(buf_add_u(to, entry_extent_count(e), 4));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        TRY(buf_add(to, buf_bytes(parts[i])));
out:
    return rc;
}

/* The fixed part behind the length, in the order of the table in docs/FORMAT.md. */
struct fixed {
    uint8_t type, zero, user_len, group_len;
    uint16_t path_len, link_len, xattr_count;
    uint32_t acl_len, extent_count;
};

static enum err take_fixed(struct cursor *c, struct entry *e, struct fixed *f)
{
    uint64_t mtime_s = 0;
    uint64_t ctime_s = 0;
    enum err rc;

    TRY(cursor_u8(c, &f->type));
    TRY(cursor_u8(c, &e->flags));
    TRY(cursor_u8(c, &e->block_log2));
    TRY(cursor_u8(c, &f->zero));
    TRY(cursor_u32(c, &e->mode));
    TRY(cursor_u32(c, &e->uid));
    TRY(cursor_u32(c, &e->gid));
    TRY(cursor_u(c, 8, &mtime_s));
    TRY(cursor_u32(c, &e->mtime_ns));
    TRY(cursor_u(c, 8, &ctime_s));
    TRY(cursor_u32(c, &e->ctime_ns));
    TRY(cursor_u(c, 8, &e->inode));
    TRY(cursor_u(c, 8, &e->size));
    TRY(cursor_u(c, 8, &e->first_block));
    TRY(cursor_u16(c, &f->path_len));
    TRY(cursor_u16(c, &f->link_len));
    TRY(cursor_u8(c, &f->user_len));
    TRY(cursor_u8(c, &f->group_len));
    TRY(cursor_u16(c, &f->xattr_count));
    TRY(cursor_u32(c, &f->acl_len));
    TRY(cursor_u32(c, &f->extent_count));
    e->mtime_s = (int64_t)mtime_s;
    e->ctime_s = (int64_t)ctime_s;
    e->xattr_count = f->xattr_count;
out:
    return rc;
}

/* What the numbers may be, before anything is done with them. */
static enum err check_fixed(const struct entry *e, const struct fixed *f)
{
    bool is_file = f->type == ENTRY_FILE;
    bool is_link = (e->flags & ENTRY_HARD_LINK) != 0;
    bool has_blocks = is_file && e->size > 0;
    enum err rc = ERR_OK;

    if (f->type < ENTRY_FILE || f->type > ENTRY_FIFO || f->zero != 0 ||
        (e->flags & ~ENTRY_FLAGS_KNOWN) != 0)
        FAIL(ERR_UNSUPPORTED, "a file entry of type %u with flags %u is not known", f->type,
             e->flags);
    if (e->mode > 07777 || e->mtime_ns > 999999999 || e->ctime_ns > 999999999)
        FAIL(ERR_CORRUPT, "a file entry has an impossible mode or time");
    if (e->size > (is_file && !is_link ? ENTRY_SIZE_MAX : 0))
        FAIL(ERR_CORRUPT, "a file entry has an impossible size");
    if (has_blocks ? e->block_log2 < ENTRY_BLOCK_LOG2_MIN || e->block_log2 > ENTRY_BLOCK_LOG2_MAX
                   : e->block_log2 != 0)
        FAIL(ERR_CORRUPT, "a file entry has an impossible block size");
    if (!has_blocks && e->first_block != 0)
        FAIL(ERR_CORRUPT, "a file entry without blocks says where they are");
    if (f->extent_count > ENTRY_EXTENTS_MAX || (f->extent_count > 0 && !has_blocks))
        FAIL(ERR_CORRUPT, "a file entry has impossible extents");
    if ((f->link_len > 0) != (f->type == ENTRY_SYMLINK || is_link) || (is_link && !is_file))
        FAIL(ERR_CORRUPT, "a file entry has a link target where none can be, or lacks one");
out:
    return rc;
}

static enum err check_lists(const struct entry *e)
{
    struct cursor rows = cursor_of(buf_bytes(&e->xattrs));
    struct bytes name = {NULL, 0};
    struct bytes value = {NULL, 0};
    uint64_t end = 0;
    enum err rc;

    for (uint32_t i = 0; i < e->xattr_count; i++)
        TRY(entry_take_xattr(&rows, &name, &value));
    TRY(cursor_end(&rows));
    for (size_t i = 0; i < entry_extent_count(e); i++) {
        struct extent data = entry_extent(e, i);

        if (data.offset < end || data.offset > e->size || data.len > e->size - data.offset)
            FAIL(ERR_CORRUPT, "the extents of a sparse file are out of order");
        end = data.offset + data.len;
    }
    if (e->type == ENTRY_SYMLINK && e->acl.len > 0)
        FAIL(ERR_CORRUPT, "an ACL of a symbolic link");
    TRY(acl_check(buf_bytes(&e->acl), e->type == ENTRY_DIR));
out:
    return rc;
}

bool entry_path_is_root(struct bytes path)
{
    return path.len == 1 && path.data[0] == '.';
}

bool entry_is_root(const struct entry *e)
{
    return entry_path_is_root(buf_bytes(&e->path));
}

static enum err take_text(struct cursor *c, size_t len, struct buf *to)
{
    struct bytes part = {NULL, 0};
    enum err rc;

    if (len >= to->max) /* one byte of it is the NUL's */
        FAIL(ERR_CORRUPT, "a name or list of %zu bytes is over the limit of %zu", len, to->max - 1);
    TRY(cursor_take(c, len, &part));
    if (len > 0 && memchr(part.data, '\0', len) != NULL)
        FAIL(ERR_CORRUPT, "a name has a NUL inside");
    TRY(set_text(to, part));
out:
    return rc;
}

/* Xattr rows have no length of their own in front: count them off. */
static enum err take_xattr_rows(struct cursor *c, struct entry *e)
{
    const uint8_t *from = c->data;
    struct bytes name = {NULL, 0};
    struct bytes value = {NULL, 0};
    size_t len;
    enum err rc = ERR_OK;

    for (uint32_t i = 0; i < e->xattr_count; i++)
        TRY(entry_take_xattr(c, &name, &value));
    len = (size_t)(c->data - from);
    if (len > e->xattrs.max)
        FAIL(ERR_CORRUPT, "extended attributes of %zu bytes are over the limit of %zu", len,
             e->xattrs.max);
    e->xattrs.len = 0;
    if (len > 0)
        TRY(buf_add(&e->xattrs, bytes_of(from, len)));
out:
    return rc;
}

enum err entry_decode(struct bytes from, struct entry *out)
{
    struct cursor c = cursor_of(from);
    struct fixed f = {0};
    struct bytes extents = {NULL, 0};
    uint32_t len = 0;
    enum err rc;

    entry_reset(out);
    TRY(cursor_u32(&c, &len));
    if (len != from.len)
        FAIL(ERR_CORRUPT, "its length is %zu, not the %u it says", from.len, len);
    TRY(take_fixed(&c, out, &f));
    TRY(check_fixed(out, &f));
    out->type = (enum entry_type)f.type;
    TRY(take_text(&c, f.path_len, &out->path));
    TRY(take_text(&c, f.link_len, &out->link));
    TRY(take_text(&c, f.user_len, &out->user));
    TRY(take_text(&c, f.group_len, &out->group));
    TRY(take_xattr_rows(&c, out));
    TRY(take_text(&c, f.acl_len, &out->acl));
    TRY(cursor_take(&c, (size_t)f.extent_count * EXTENT_ROW_LEN, &extents));
    out->extents.len = 0;
    TRY(buf_add(&out->extents, extents));
    TRY(cursor_end(&c));
    TRY(check_lists(out));
    if (!entry_is_root(out))
        TRY(path_check(buf_bytes(&out->path)));
    if ((out->flags & ENTRY_HARD_LINK) != 0)
        TRY(path_check(buf_bytes(&out->link)));
out:
    if (rc != ERR_OK)
        err_note("a file entry of the index");
    return rc;
}

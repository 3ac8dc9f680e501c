#include "snapshot/format/index.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/fs/path.h"
#include "core/repository/sealed_get.h"
#include "snapshot/format/codec.h"

#define SCAN_ROWS 1024

struct index {
    int fd; /* owned */
    struct index_header header;
    uint8_t *objects; /* owned: ids */
    uint64_t *starts; /* owned: where each entry begins in the image, and where the last one ends */
};

void index_header_encode(const struct index_header *h, uint8_t out[INDEX_HEADER_LEN])
{
    memset(out, 0, INDEX_HEADER_LEN);
    memcpy(out, INDEX_MAGIC, 4);
    be_put(out + 4, INDEX_VERSION, 2);
    memcpy(out + 8, h->snapshot, SNAPSHOT_ID_LEN);
    be_put(out + 20, h->object_count, 4);
    be_put(out + 24, h->file_count, 8);
    be_put(out + 32, h->files_len, 8);
    be_put(out + 40, h->block_count, 8);
}

static enum err header_decode(const uint8_t from[INDEX_HEADER_LEN], struct index_header *h)
{
    if (memcmp(from, INDEX_MAGIC, 4) != 0)
        return err_set(ERR_CORRUPT, "not an index");
    if (be_get(from + 4, 2) != INDEX_VERSION || be_get(from + 6, 2) != 0 ||
        !bytes_are_zero(bytes_of(from + 48, 16)))
        return err_set(ERR_UNSUPPORTED, "an index of version %u is not known",
                       (unsigned)be_get(from + 4, 2));
    memcpy(h->snapshot, from + 8, SNAPSHOT_ID_LEN);
    h->object_count = (uint32_t)be_get(from + 20, 4);
    h->file_count = be_get(from + 24, 8);
    h->files_len = be_get(from + 32, 8);
    h->block_count = be_get(from + 40, 8);
    if (h->object_count > INDEX_OBJECTS_MAX || h->file_count > INDEX_FILES_MAX ||
        h->files_len > INDEX_LEN_MAX || h->block_count > INDEX_LEN_MAX / BLOCK_ROW_LEN)
        return err_set(ERR_CORRUPT, "the index's counts are not possible");
    return ERR_OK;
}

static uint64_t files_start(const struct index_header *h)
{
    return INDEX_HEADER_LEN + (uint64_t)h->object_count * SEAL_ID_LEN;
}

static uint64_t rows_start(const struct index_header *h)
{
    return files_start(h) + h->files_len;
}

uint64_t index_image_len(const struct index_header *h)
{
    return rows_start(h) + h->block_count * BLOCK_ROW_LEN;
}

static enum err read_exactly(const struct index *x, uint64_t offset, void *to, size_t len)
{
    size_t got = 0;
    enum err rc;

    TRY(file_read_at(x->fd, to, len, offset, &got));
    if (got != len)
        FAIL(ERR_CORRUPT, "the index ends early");
out:
    return rc;
}

static enum err note_start(struct index *x, uint64_t i, uint64_t offset)
{
    enum err rc = ERR_OK;

    /* Grown as entries are seen, not by the count that the header claims. */
    if ((i & (i - 1)) == 0)
        TRY(mem_resize(i < 8 ? 16 : 2 * i, sizeof *x->starts, &x->starts));
    x->starts[i] = offset;
out:
    return rc;
}

static enum err find_entries(struct index *x)
{
    const struct index_header *h = &x->header;
    uint64_t offset = files_start(h);
    uint8_t len_be[4];
    enum err rc = ERR_OK;

    for (uint64_t i = 0; i < h->file_count; i++) {
        uint64_t left = rows_start(h) - offset;
        uint64_t len;

        if (left < ENTRY_FIXED_LEN)
            FAIL(ERR_CORRUPT, "the file table of the index ends early");
        TRY(read_exactly(x, offset, len_be, sizeof len_be));
        len = be_get(len_be, 4);
        if (len < ENTRY_FIXED_LEN || len > ENTRY_LEN_MAX || len > left)
            FAIL(ERR_CORRUPT, "an entry of the index has an impossible length");
        TRY(note_start(x, i, offset));
        offset += len;
    }
    if (offset != rows_start(h))
        FAIL(ERR_CORRUPT, "bytes are left over after the file table of the index");
    TRY(note_start(x, h->file_count, offset));
out:
    return rc;
}

/* In a sorted walk, the parent of each path is the last directory seen or above it. */
static bool parent_was_seen(struct bytes path, struct bytes last_dir)
{
    size_t len = path.len;

    while (len > 0 && path.data[len - 1] != '/')
        len--;
    return len == 0 || path_is_within(last_dir, bytes_of(path.data, len - 1));
}

static enum err check_entry(const struct index *x, uint64_t i, const struct entry *e,
                            const struct buf *before, struct buf *last_dir)
{
    struct bytes path = buf_bytes(&e->path);
    uint64_t blocks = entry_blocks(e);
    enum err rc = ERR_OK;

    if (entry_is_root(e) ? i != 0 || e->type != ENTRY_DIR
                         : before->len > 0 && path_compare(buf_bytes(before), path) >= 0)
        FAIL(ERR_CORRUPT, "the files of the index are not in order");
    if (!entry_is_root(e) && !parent_was_seen(path, buf_bytes(last_dir)))
        FAIL(ERR_CORRUPT, "a file of the index lies in no directory of it");
    if (blocks > 0 &&
        (e->first_block > x->header.block_count || blocks > x->header.block_count - e->first_block))
        FAIL(ERR_CORRUPT, "a file of the index has blocks that it does not hold");
    if (e->type == ENTRY_DIR && !entry_is_root(e)) {
        last_dir->len = 0;
        TRY(buf_add(last_dir, path));
    }
out:
    return rc;
}

static enum err check_entries(struct index *x)
{
    struct buf before = {.max = PATH_LEN_MAX};
    struct buf last_dir = {.max = PATH_LEN_MAX};
    struct entry e;
    enum err rc = ERR_OK;

    entry_init(&e);
    for (uint64_t i = 0; i < x->header.file_count; i++) {
        TRY(index_entry(x, i, &e));
        TRY(check_entry(x, i, &e, &before, &last_dir));
        before.len = 0;
        if (!entry_is_root(&e))
            TRY(buf_add(&before, buf_bytes(&e.path)));
    }
out:
    entry_clear(&e);
    buf_clear(&before);
    buf_clear(&last_dir);
    return rc;
}

static enum err check_rows(struct index *x)
{
    uint8_t *rows = NULL;
    struct block b = {0};
    enum err rc;

    TRY(mem_new(SCAN_ROWS, BLOCK_ROW_LEN, &rows));
    for (uint64_t i = 0; i < x->header.block_count; i += SCAN_ROWS) {
        uint64_t left = x->header.block_count - i;
        size_t count = left < SCAN_ROWS ? (size_t)left : SCAN_ROWS;

        TRY(index_rows(x, i, count, rows));
        for (size_t k = 0; k < count; k++) {
            TRY(block_decode(rows + k * BLOCK_ROW_LEN, &b));
            if (b.codec != BLOCK_ZERO && b.object >= x->header.object_count)
                FAIL(ERR_CORRUPT, "a block of the index lies in an object it does not name");
        }
    }
out:
    mem_free(rows);
    return rc;
}

/* A hard link leads to a file of this index that has content of its own. */
static enum err check_links(struct index *x)
{
    struct entry link;
    struct entry first;
    uint64_t offset = 0;
    enum err rc = ERR_OK;

    entry_init(&link);
    entry_init(&first);
    for (uint64_t i = 0; i < x->header.file_count; i++) {
        TRY(index_entry(x, i, &link));
        if ((link.flags & ENTRY_HARD_LINK) == 0)
            continue;
        rc = index_find(x, buf_bytes(&link.link), &offset);
        if (rc == ERR_NOT_FOUND)
            FAIL(ERR_CORRUPT, "a hard link of the index leads to nothing");
        TRY(rc);
        TRY(index_entry(x, offset, &first));
        if (first.type != ENTRY_FILE || (first.flags & ENTRY_HARD_LINK) != 0)
            FAIL(ERR_CORRUPT,
                 "a hard link of the index leads to something that is not a regular file");
    }
out:
    entry_clear(&link);
    entry_clear(&first);
    return rc;
}

enum err index_open(int fd, uint64_t len, struct index **out)
{
    struct index *x = NULL;
    uint8_t head[INDEX_HEADER_LEN];
    enum err rc;

    TRY(mem_new(1, sizeof *x, &x));
    x->fd = fd;
    fd = -1;
    TRY(read_exactly(x, 0, head, sizeof head));
    TRY(header_decode(head, &x->header));
    if (index_image_len(&x->header) != len)
        FAIL(ERR_CORRUPT, "the index is %" PRIu64 " bytes long, not the %" PRIu64 " it says", len,
             index_image_len(&x->header));
    TRY(mem_new(x->header.object_count, SEAL_ID_LEN, &x->objects));
    TRY(read_exactly(x, INDEX_HEADER_LEN, x->objects,
                     (size_t)x->header.object_count * SEAL_ID_LEN));
    TRY(find_entries(x));
    TRY(check_entries(x));
    TRY(check_links(x));
    TRY(check_rows(x));
    *out = x;
    x = NULL; /* the caller's now */
out:
    if (fd >= 0)
        close(fd);
    index_free(x);
    return rc;
}

void index_free(struct index *x)
{
    if (x == NULL)
        return;
    if (x->fd >= 0)
        close(x->fd);
    mem_free(x->objects);
    mem_free(x->starts);
    mem_free(x);
}

const struct index_header *index_header(const struct index *x)
{
    return &x->header;
}

const uint8_t *index_object(const struct index *x, uint32_t i)
{
    return x->objects + (size_t)i * SEAL_ID_LEN;
}

enum err index_entry(const struct index *x, uint64_t i, struct entry *out)
{
    uint8_t small[1024];
    uint8_t *raw = small;
    size_t len = (size_t)(x->starts[i + 1] - x->starts[i]);
    enum err rc;

    if (len > sizeof small)
        TRY(mem_new(len, 1, &raw));
    TRY(read_exactly(x, x->starts[i], raw, len));
    TRY(entry_decode(bytes_of(raw, len), out));
out:
    if (raw != small)
        mem_free(raw);
    return rc;
}

/* Where the root "." is, the search begins behind it, for it is in front of all names. */
enum err index_find(const struct index *x, struct bytes path, uint64_t *i)
{
    uint64_t low = 0;
    uint64_t high = x->header.file_count;
    struct entry e;
    enum err rc = ERR_OK;

    entry_init(&e);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int order;

        TRY(index_entry(x, middle, &e));
        if (entry_is_root(&e))
            order = entry_path_is_root(path) ? 0 : -1;
        else
            order = entry_path_is_root(path) ? 1 : path_compare(buf_bytes(&e.path), path);
        if (order == 0) {
            *i = middle;
            goto out;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    FAIL(ERR_NOT_FOUND, "no such file in the snapshot: %.*s", (int)path.len,
         (const char *)path.data);
out:
    entry_clear(&e);
    return rc;
}

enum err index_rows(const struct index *x, uint64_t first, size_t count, uint8_t *rows)
{
    return read_exactly(x, rows_start(&x->header) + first * BLOCK_ROW_LEN, rows,
                        count * BLOCK_ROW_LEN);
}

/* Unsealing: the object's plaintext, segment by segment, through zstd, into the temporary. */
struct unseal {
    int fd;
    uint64_t len;
    uint64_t max;
};

static enum err keep_plain(void *arg, struct bytes piece)
{
    struct unseal *u = arg;
    enum err rc;

    if (piece.len > u->max - u->len)
        FAIL(ERR_CORRUPT, "the index is longer than its manifest says");
    TRY(file_write_at(u->fd, piece, u->len));
    u->len += piece.len;
out:
    return rc;
}

static enum err unseal_into(struct unseal *u, struct sealed_get *sealed)
{
    struct codec_stream *inflate = NULL;
    uint8_t *piece = NULL;
    uint64_t size = sealed_get_size(sealed);
    enum err rc;

    TRY(mem_new(OBJECT_SEGMENT_LEN, 1, &piece));
    TRY(codec_inflate_new(keep_plain, u, &inflate));
    for (uint64_t offset = 0; offset < size; offset += OBJECT_SEGMENT_LEN) {
        size_t len =
            size - offset < OBJECT_SEGMENT_LEN ? (size_t)(size - offset) : OBJECT_SEGMENT_LEN;

        TRY(sealed_get_read(sealed, offset, piece, len));
        TRY(codec_stream_add(inflate, bytes_of(piece, len)));
    }
    TRY(codec_stream_end(inflate));
    if (u->len != u->max)
        FAIL(ERR_CORRUPT, "the index is shorter than its manifest says");
out:
    codec_stream_free(inflate);
    mem_free(piece);
    return rc;
}

enum err index_unseal(const struct repository *repository, const struct secret *k_meta,
                      const struct object_identity *identity, uint64_t sealed_size,
                      uint64_t plain_len, struct index **out)
{
    struct unseal u = {.fd = -1, .max = plain_len};
    struct sealed_get *sealed = NULL;
    char name[OBJECT_NAME_LEN + 1];
    enum err rc;

    object_name(identity->id, name);
    TRY(sealed_get_open(repository_store(repository), k_meta, identity, sealed_size, &sealed));
    TRY(repository_temporary(repository, &u.fd));
    TRY(unseal_into(&u, sealed));
    rc = index_open(u.fd, u.len, out);
    u.fd = -1; /* the index's now, or closed */
out:
    if (rc != ERR_OK)
        err_note("reading the index %s", name);
    sealed_get_free(sealed);
    if (u.fd >= 0)
        close(u.fd);
    return rc;
}

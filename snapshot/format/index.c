#include "snapshot/format/index.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/fs/path.h"
#include "keyring/catalogue/object_list.h"
#include "snapshot/format/index_table.h"

/* What is read at a time where an entry is expected: most are shorter, and the ones before it. */
#define ENTRY_FETCH_LEN 4096

struct index {
    struct index_image *image; /* owned, as all here */
    struct index_table *table;
    struct index_header header;
    uint8_t *objects; /* ids */
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
    if (h->object_count > OBJECT_LIST_MAX || h->file_count > INDEX_FILES_MAX ||
        h->files_len > INDEX_LEN_MAX || h->block_count > INDEX_ROWS_MAX)
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

/* ---- opening ---- */

static enum err read_head(struct index *x)
{
    uint8_t head[INDEX_HEADER_LEN];
    enum err rc;

    TRY(index_image_read(x->image, 0, head, sizeof head));
    TRY(header_decode(head, &x->header));
    if (index_image_len(&x->header) != index_image_size(x->image))
        FAIL(ERR_CORRUPT, "the index is %" PRIu64 " bytes long, not the %" PRIu64 " it says",
             index_image_size(x->image), index_image_len(&x->header));
    TRY(mem_new(x->header.object_count, SEAL_ID_LEN, &x->objects));
    TRY(index_image_read(x->image, INDEX_HEADER_LEN, x->objects,
                         (size_t)x->header.object_count * SEAL_ID_LEN));
out:
    return rc;
}

/* Takes over the image, on failure too. */
static enum err open_image(struct index_image *image, struct index **out)
{
    struct index_span span;
    struct index *x = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *x, &x));
    x->image = image;
    image = NULL; /* the index's now */
    TRY(read_head(x));
    span =
        (struct index_span){files_start(&x->header), rows_start(&x->header), x->header.file_count};
    TRY(index_table_new(x->image, &span, &x->table));
    *out = x;
    x = NULL; /* the caller's now */
out:
    index_image_free(image);
    index_free(x);
    return rc;
}

enum err index_open(int fd, uint64_t len, struct index **out)
{
    struct index_image *image = NULL;
    struct index *x = NULL;
    enum err rc;

    TRY(index_image_of_file(fd, len, &image));
    TRY(open_image(image, &x));
    TRY(index_check(x));
    *out = x;
    x = NULL; /* the caller's now */
out:
    index_free(x);
    return rc;
}

enum err index_unseal(const struct repository *repository, const struct secret *k_meta,
                      const struct object_identity *identity, uint64_t sealed_size,
                      uint64_t plain_len, struct index **out)
{
    struct index_image *image = NULL;
    char name[OBJECT_NAME_LEN + 1];
    enum err rc;

    TRY(index_image_unseal(repository, k_meta, identity, sealed_size, plain_len, &image));
    rc = open_image(image, out);
    object_name(identity->id, name);
    if (rc != ERR_OK && strstr(err_text(), name) == NULL)
        err_note("reading the index %s", name);
out:
    return rc;
}

void index_free(struct index *x)
{
    if (x == NULL)
        return;
    index_table_free(x->table);
    index_image_free(x->image);
    mem_free(x->objects);
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

void index_mark(const struct index *x, uint32_t frame, struct index_mark *out)
{
    index_table_mark(x->table, frame, out);
}

uint32_t index_opened(const struct index *x)
{
    return index_image_opened(x->image);
}

const char *index_name(const struct index *x)
{
    return index_image_name(x->image);
}

/* ---- entries ---- */

/* What stands in the file table from `offset` on: up to ENTRY_FETCH_LEN bytes. */
static enum err fetch(const struct index *x, uint64_t offset, uint8_t *to, size_t *len)
{
    uint64_t left = rows_start(&x->header) - offset;

    *len = left < ENTRY_FETCH_LEN ? (size_t)left : ENTRY_FETCH_LEN;
    return index_image_read(x->image, offset, to, *len);
}

/* Blocks that are not there: whoever reads the entry would read behind the block map. */
static enum err check_blocks(const struct index *x, const struct entry *e)
{
    uint64_t blocks = entry_blocks(e);

    if (blocks > 0 &&
        (e->first_block > x->header.block_count || blocks > x->header.block_count - e->first_block))
        return err_set(ERR_CORRUPT, "a file of the index has blocks that it does not hold");
    return ERR_OK;
}

enum err index_entry(const struct index *x, uint64_t i, struct entry *out)
{
    uint8_t small[ENTRY_FETCH_LEN];
    uint8_t *large = NULL;
    uint64_t offset = 0;
    uint32_t skip = 0;
    size_t have = 0;
    size_t at = 0;
    size_t len;
    enum err rc;

    TRY(index_table_find(x->table, i, &offset, &skip));
    TRY(fetch(x, offset, small, &have));
    for (; skip > 0; skip--) { /* the table saw to it that these lengths are possible */
        at += be_get(small + at, 4);
        if (at + ENTRY_FIXED_LEN <= have)
            continue;
        offset += at;
        at = 0;
        TRY(fetch(x, offset, small, &have));
    }
    len = be_get(small + at, 4);
    if (len > have - at) {
        TRY(mem_new(len, 1, &large));
        TRY(index_image_read(x->image, offset + at, large, len));
    }
    TRY(entry_decode(bytes_of(large != NULL ? large : small + at, len), out));
    TRY(check_blocks(x, out));
out:
    mem_free(large);
    return rc;
}

/* The root "." is in front of all names. */
static int compare_with(const struct entry *e, struct bytes path)
{
    if (entry_is_root(e))
        return entry_path_is_root(path) ? 0 : -1;
    return entry_path_is_root(path) ? 1 : path_compare(buf_bytes(&e->path), path);
}

static enum err search(const struct index *x, struct bytes path, uint64_t *i, bool *found)
{
    uint64_t low = 0;
    uint64_t high = x->header.file_count;
    struct entry e;
    enum err rc = ERR_OK;

    *found = false;
    entry_init(&e);
    while (low < high && !*found) {
        uint64_t middle = low + (high - low) / 2;
        int order;

        TRY(index_entry(x, middle, &e));
        order = compare_with(&e, path);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
        if (order == 0) {
            *found = true;
            low = middle;
        }
    }
    *i = low;
out:
    entry_clear(&e);
    return rc;
}

enum err index_seek(const struct index *x, struct bytes path, uint64_t *i)
{
    bool found;

    return search(x, path, i, &found);
}

enum err index_find(const struct index *x, struct bytes path, uint64_t *i)
{
    uint64_t place = 0;
    bool found = false;
    enum err rc;

    TRY(search(x, path, &place, &found));
    if (!found)
        FAIL(ERR_NOT_FOUND, "no such file in the snapshot: %.*s", (int)path.len,
             (const char *)path.data);
    *i = place;
out:
    return rc;
}

/* ---- rows ---- */

enum err index_rows(const struct index *x, uint64_t first, size_t count, uint8_t *rows)
{
    enum err rc;

    TRY(index_image_read(x->image, rows_start(&x->header) + first * BLOCK_ROW_LEN, rows,
                         count * BLOCK_ROW_LEN));
    for (size_t k = 0; k < count; k++)
        if (!block_row_is_zero(rows + k * BLOCK_ROW_LEN) &&
            block_row_object(rows + k * BLOCK_ROW_LEN) >= x->header.object_count)
            FAIL(ERR_CORRUPT, "a block of the index lies in an object it does not name");
out:
    return rc;
}

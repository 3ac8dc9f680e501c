#include "snapshot/backup/image.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/fs/path.h"
#include "snapshot/backup/order.h"
#include "snapshot/format/block.h"

#define SCAN_ROWS 1024
#define COPY_LEN (64 * KIB)
#define UNUSED UINT32_MAX

void image_clear(struct image *i)
{
    mem_free(i->objects);
    mem_free(i->numbers);
    *i = (struct image){0};
}

static const struct manifest_object *object_at(const struct image_options *o, size_t number)
{
    return number < o->inherited_count ? &o->inherited[number]
                                       : &o->packs[number - o->inherited_count];
}

/* Go through all rows in pieces; `each` may change them. */
typedef enum err rows_each(void *arg, uint8_t *rows, size_t count);
static enum err scan_rows(const struct image_options *o, rows_each *each, void *arg)
{
    uint8_t *rows = NULL;
    enum err rc;

    TRY(mem_new(SCAN_ROWS, BLOCK_ROW_LEN, &rows));
    for (uint64_t i = 0; i < o->row_count; i += SCAN_ROWS) {
        uint64_t left = o->row_count - i;
        size_t count = left < SCAN_ROWS ? (size_t)left : SCAN_ROWS;

        TRY(spool_get_rows(o->spool, i, rows, count));
        TRY(each(arg, rows, count));
    }
out:
    mem_free(rows);
    return rc;
}

struct marking {
    const struct image_options *options;
    struct image *image;
};

static enum err mark_used(void *arg, uint8_t *rows, size_t count)
{
    struct marking *m = arg;
    size_t objects = m->options->inherited_count + m->options->pack_count;
    struct block b = {0};
    enum err rc = ERR_OK;

    for (size_t i = 0; i < count; i++) {
        TRY(block_decode(rows + i * BLOCK_ROW_LEN, &b));
        if (b.codec == BLOCK_ZERO)
            continue;
        if (b.object >= objects)
            FAIL(ERR_FAILED, "a block was put into object %u of %zu", b.object, objects);
        m->image->numbers[b.object] = 0;
        m->image->needed_len += b.stored_len;
    }
out:
    return rc;
}

enum err image_plan(const struct image_options *o, struct image *out)
{
    size_t objects = o->inherited_count + o->pack_count;
    struct image image = {0};
    struct marking marking = {.options = o, .image = &image};
    enum err rc;

    TRY(mem_new(objects, sizeof *image.numbers, &image.numbers));
    TRY(mem_new(objects, sizeof *image.objects, &image.objects));
    for (size_t i = 0; i < objects; i++)
        image.numbers[i] = UNUSED;
    TRY(scan_rows(o, mark_used, &marking));
    for (size_t i = 0; i < objects; i++) {
        if (image.numbers[i] == UNUSED)
            continue;
        image.numbers[i] = (uint32_t)image.object_count;
        image.objects[image.object_count++] = *object_at(o, i);
    }
    memcpy(image.header.snapshot, o->snapshot_id, SNAPSHOT_ID_LEN);
    image.header.object_count = (uint32_t)image.object_count;
    image.header.file_count = spool_entry_count(o->spool);
    image.header.files_len = spool_entries_len(o->spool);
    image.header.block_count = o->row_count;
    if (!o->is_sorted)
        TRY(order_measure(o->spool, &image.header.file_count, &image.header.files_len));
    *out = image;
    image = (struct image){0}; /* the caller's now */
out:
    image_clear(&image);
    return rc;
}

static enum err copy_entries(const struct image_options *o, image_sink *sink, void *arg)
{
    uint64_t len = spool_entries_len(o->spool);
    uint8_t *piece = NULL;
    enum err rc;

    TRY(mem_new(COPY_LEN, 1, &piece));
    for (uint64_t at = 0; at < len; at += COPY_LEN) {
        size_t some = len - at < COPY_LEN ? (size_t)(len - at) : COPY_LEN;

        TRY(spool_read(o->spool, at, piece, some));
        TRY(sink(arg, bytes_of(piece, some)));
    }
out:
    mem_free(piece);
    return rc;
}

struct renumbering {
    const struct image *image;
    image_sink *sink;
    void *arg;
};

static enum err write_renumbered(void *arg, uint8_t *rows, size_t count)
{
    struct renumbering *r = arg;

    for (size_t i = 0; i < count; i++) {
        uint8_t *row = rows + i * BLOCK_ROW_LEN;

        if (row[BLOCK_ROW_LEN - 1] != BLOCK_ZERO)
            be_put(row + HASH_LEN, r->image->numbers[be_get(row + HASH_LEN, 4)], 4);
    }
    return r->sink(r->arg, bytes_of(rows, count * BLOCK_ROW_LEN));
}

enum err image_write(const struct image_options *o, const struct image *image, image_sink *sink,
                     void *arg)
{
    struct renumbering renumbering = {.image = image, .sink = sink, .arg = arg};
    uint8_t head[INDEX_HEADER_LEN];
    enum err rc;

    index_header_encode(&image->header, head);
    TRY(sink(arg, bytes_of(head, sizeof head)));
    for (size_t i = 0; i < image->object_count; i++)
        TRY(sink(arg, bytes_of(image->objects[i].id, SEAL_ID_LEN)));
    if (o->is_sorted)
        TRY(copy_entries(o, sink, arg));
    else
        TRY(order_write(o->spool, sink, arg));
    TRY(scan_rows(o, write_renumbered, &renumbering));
out:
    return rc;
}

#include "snapshot/backup/index_build.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/fs/path.h"
#include "snapshot/backup/entry_sort.h"
#include "snapshot/format/block.h"

#define SCAN_ROWS 1024
#define COPY_LEN (64 * KIB)
#define UNUSED UINT32_MAX

void index_build_clear(struct index_build *i)
{
    mem_free(i->objects);
    mem_free(i->numbers);
    *i = (struct index_build){0};
}

static const struct manifest_object *object_at(const struct index_build_options *o, size_t number)
{
    return number < o->inherited_count ? &o->inherited[number]
                                       : &o->packs[number - o->inherited_count];
}

/* Go through all rows in pieces; `each` may change them. */
typedef enum err rows_each(void *arg, uint8_t *rows, size_t count);
static enum err scan_rows(const struct index_build_options *o, rows_each *each, void *arg)
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
    const struct index_build_options *options;
    struct index_build *build;
};

static enum err mark_objects_used(void *arg, uint8_t *rows, size_t count)
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
        m->build->numbers[b.object] = 0;
        m->build->needed_len += b.stored_len;
    }
out:
    return rc;
}

enum err index_build_plan(const struct index_build_options *o, struct index_build *out)
{
    size_t objects = o->inherited_count + o->pack_count;
    struct index_build build = {0};
    struct marking marking = {.options = o, .build = &build};
    enum err rc;

    TRY(mem_new(objects, sizeof *build.numbers, &build.numbers));
    TRY(mem_new(objects, sizeof *build.objects, &build.objects));
    for (size_t i = 0; i < objects; i++)
        build.numbers[i] = UNUSED;
    TRY(scan_rows(o, mark_objects_used, &marking));
    for (size_t i = 0; i < objects; i++) {
        if (build.numbers[i] == UNUSED)
            continue;
        build.numbers[i] = (uint32_t)build.object_count;
        build.objects[build.object_count++] = *object_at(o, i);
    }
    memcpy(build.header.snapshot, o->snapshot_id, SNAPSHOT_ID_LEN);
    build.header.object_count = (uint32_t)build.object_count;
    build.header.file_count = spool_entry_count(o->spool);
    build.header.files_len = spool_entries_len(o->spool);
    build.header.block_count = o->row_count;
    if (!o->is_sorted)
        TRY(entry_sort_measure(o->spool, &build.header.file_count, &build.header.files_len));
    *out = build;
    build = (struct index_build){0}; /* the caller's now */
out:
    index_build_clear(&build);
    return rc;
}

static enum err copy_entries(const struct index_build_options *o, index_build_sink *sink, void *arg)
{
    uint64_t len = spool_entries_len(o->spool);
    uint8_t *piece = NULL;
    enum err rc;

    TRY(mem_new(COPY_LEN, 1, &piece));
    for (uint64_t offset = 0; offset < len; offset += COPY_LEN) {
        size_t some = len - offset < COPY_LEN ? (size_t)(len - offset) : COPY_LEN;

        TRY(spool_read(o->spool, offset, piece, some));
        TRY(sink(arg, bytes_of(piece, some)));
    }
out:
    mem_free(piece);
    return rc;
}

struct renumbering {
    const struct index_build *build;
    index_build_sink *sink;
    void *arg;
};

static enum err write_renumbered(void *arg, uint8_t *rows, size_t count)
{
    struct renumbering *r = arg;

    for (size_t i = 0; i < count; i++) {
        uint8_t *row = rows + i * BLOCK_ROW_LEN;

        if (!block_row_is_zero(row))
            block_row_set_object(row, r->build->numbers[block_row_object(row)]);
    }
    return r->sink(r->arg, bytes_of(rows, count * BLOCK_ROW_LEN));
}

enum err index_build_write(const struct index_build_options *o, const struct index_build *build,
                           index_build_sink *sink, void *arg)
{
    struct renumbering renumbering = {.build = build, .sink = sink, .arg = arg};
    uint8_t head[INDEX_HEADER_LEN];
    enum err rc;

    index_header_encode(&build->header, head);
    TRY(sink(arg, bytes_of(head, sizeof head)));
    for (size_t i = 0; i < build->object_count; i++)
        TRY(sink(arg, bytes_of(build->objects[i].id, SEAL_ID_LEN)));
    if (o->is_sorted)
        TRY(copy_entries(o, sink, arg));
    else
        TRY(entry_sort_write(o->spool, sink, arg));
    TRY(scan_rows(o, write_renumbered, &renumbering));
out:
    return rc;
}

#include "snapshot/backup/index_build.h"

#include <stdio.h>

#include "core/base/mem.h"
#include "tests/unit/snapshot/index_samples.h"

#define PIECE_ROWS 1024 /* rows are renumbered in pieces of this many */

/* A spool, and an index_build made of it. */
struct picture {
    struct spool *spool;
    struct index_build_options options;
    struct manifest_object inherited[3];
    struct manifest_object packs[3];
    uint64_t row_count;
};

static void begin_picture(void **state, struct picture *p)
{
    *p = (struct picture){.spool = NULL};
    assert_done(spool_new(in(state, ""), &p->spool));
    for (int i = 0; i < 3; i++) {
        p->inherited[i].id[0] = (uint8_t)(0xa0 + i);
        p->packs[i].id[0] = (uint8_t)(0xb0 + i);
    }
    p->options = (struct index_build_options){.spool = p->spool,
                                              .is_sorted = true,
                                              .snapshot_id = (const uint8_t *)"snapshot-id!",
                                              .inherited = p->inherited,
                                              .inherited_count = 3,
                                              .packs = p->packs,
                                              .pack_count = 3};
}

static void spool_block(struct picture *p, uint32_t object, enum block_codec codec)
{
    struct block b = {.codec = BLOCK_ZERO};
    uint8_t row[BLOCK_ROW_LEN];

    if (codec != BLOCK_ZERO)
        b = (struct block){.sha256 = {1, 2, 3},
                           .object = object,
                           .offset = p->row_count,
                           .stored_len = 100,
                           .codec = codec};
    block_encode(&b, row);
    assert_done(spool_put_rows(p->spool, p->row_count, row, 1));
    p->options.row_count = ++p->row_count;
}

static void spool_file(struct picture *p, const char *path, uint64_t size, uint64_t first)
{
    struct entry e = entry_at(ENTRY_FILE, path);
    uint64_t offset = 0;

    e.size = size;
    e.block_log2 = size > 0 ? 16 : 0;
    e.first_block = first;
    assert_done(spool_add(p->spool, &e, &offset));
    entry_clear(&e);
}

static enum err into_buf(void *arg, struct bytes piece)
{
    return buf_add(arg, piece);
}

/* Written, and opened as every reader does. */
static struct index *develop(struct picture *p, struct index_build *build)
{
    struct buf bytes = {.max = 8 * MIB};
    struct index *x = NULL;

    assert_done(index_build_plan(&p->options, build));
    assert_done(index_build_write(&p->options, build, into_buf, &bytes));
    assert_done(open_image(buf_bytes(&bytes), &x));
    buf_clear(&bytes);
    return x;
}

static struct block row_of(const struct index *x, uint64_t i)
{
    uint8_t row[BLOCK_ROW_LEN];
    struct block b = {0};

    assert_done(index_rows(x, i, 1, row));
    assert_done(block_decode(row, &b));
    return b;
}

static void objects_that_no_block_needs_are_left_out_and_the_rest_keep_their_order(void **state)
{
    struct picture p;
    struct index_build build = {0};
    struct index *x;

    begin_picture(state, &p);
    spool_block(&p, 5, BLOCK_ZSTD); /* the last pack, then inherited ones */
    spool_block(&p, 0, BLOCK_RAW);
    spool_block(&p, 0, BLOCK_ZERO); /* needs none, whatever stands in its place */
    spool_block(&p, 2, BLOCK_ZSTD);
    spool_block(&p, 5, BLOCK_RAW);
    spool_file(&p, "f", 5 * 65536, 0);
    x = develop(&p, &build);
    assert_int_equal(build.object_count, 3);
    assert_int_equal(build.objects[0].id[0], 0xa0);
    assert_int_equal(build.objects[1].id[0], 0xa2);
    assert_int_equal(build.objects[2].id[0], 0xb2);
    assert_int_equal(build.needed_len, 400);
    assert_int_equal(index_header(x)->object_count, 3);
    assert_int_equal(index_object(x, 2)[0], 0xb2);
    assert_memory_equal(index_header(x)->snapshot, "snapshot-id!", SNAPSHOT_ID_LEN);
    assert_int_equal(row_of(x, 0).object, 2);
    assert_int_equal(row_of(x, 1).object, 0);
    assert_int_equal(row_of(x, 2).codec, BLOCK_ZERO);
    assert_int_equal(row_of(x, 3).object, 1);
    assert_int_equal(row_of(x, 4).object, 2);
    assert_int_equal(row_of(x, 4).offset, 4);
    index_free(x);
    index_build_clear(&build);
    spool_free(p.spool);
}

static void every_row_is_renumbered_on_both_sides_of_a_piece(void **state)
{
    static const uint64_t counts[] = {PIECE_ROWS - 1, PIECE_ROWS, PIECE_ROWS + 1, 2 * PIECE_ROWS};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct picture p;
        struct index_build build = {0};
        struct index *x;

        begin_picture(state, &p);
        for (uint64_t k = 0; k < counts[i]; k++)
            spool_block(&p, k + 1 == counts[i] ? 4 : 1, BLOCK_RAW);
        spool_file(&p, "f", counts[i] * 65536, 0);
        x = develop(&p, &build);
        assert_int_equal(build.object_count, 2);
        assert_int_equal(index_header(x)->block_count, counts[i]);
        for (uint64_t k = 0; k < counts[i]; k++) {
            assert_int_equal(row_of(x, k).object, k + 1 == counts[i] ? 1 : 0);
            assert_int_equal(row_of(x, k).offset, k);
        }
        index_free(x);
        index_build_clear(&build);
        spool_free(p.spool);
    }
}

static void a_snapshot_of_nothing_has_an_index(void **state)
{
    struct picture p;
    struct index_build build = {0};
    struct index *x;

    begin_picture(state, &p);
    p.options.inherited_count = p.options.pack_count = 0;
    x = develop(&p, &build);
    assert_int_equal(index_header(x)->file_count, 0);
    assert_int_equal(build.object_count, 0);
    index_free(x);
    index_build_clear(&build);
    spool_free(p.spool);
}

/* More than is copied at once, and in the end a part of a piece. */
static void a_file_table_of_many_pieces_is_copied_whole(void **state)
{
    struct picture p;
    struct index_build build = {0};
    struct index *x;
    struct entry e;
    char name[16];

    entry_init(&e);
    begin_picture(state, &p);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "%06d", i);
        spool_file(&p, name, 0, 0);
    }
    assert_true(spool_entries_len(p.spool) > 2 * 65536);
    x = develop(&p, &build);
    assert_int_equal(index_header(x)->file_count, 2000);
    for (uint64_t i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "%06d", (int)i);
        assert_done(index_entry(x, i, &e));
        assert_string_equal(entry_path(&e), name);
    }
    entry_clear(&e);
    index_free(x);
    index_build_clear(&build);
    spool_free(p.spool);
}

static void what_came_in_no_order_is_sorted(void **state)
{
    struct picture p;
    struct index_build build = {0};
    struct index *x;
    uint64_t offset = 9;

    begin_picture(state, &p);
    p.options.is_sorted = false;
    spool_file(&p, "b", 0, 0);
    spool_file(&p, "a/c", 0, 0); /* its directory is taken for granted */
    spool_file(&p, "b", 0, 0);
    x = develop(&p, &build);
    assert_int_equal(index_header(x)->file_count, 3);
    assert_done(index_find(x, bytes_of_text("a"), &offset));
    assert_int_equal(offset, 0);
    index_free(x);
    index_build_clear(&build);
    spool_free(p.spool);
}

static void a_block_in_an_object_that_nobody_made_is_refused(void **state)
{
    struct picture p;
    struct index_build build = {0};

    begin_picture(state, &p);
    spool_block(&p, 5, BLOCK_RAW);
    spool_block(&p, 6, BLOCK_RAW);
    assert_refused(index_build_plan(&p.options, &build), ERR_FAILED,
                   "a block was put into object 6 of 6");
    assert_null(build.objects);
    spool_free(p.spool);
}

struct leak {
    size_t pieces, offset;
};

static enum err fail_at(void *arg, struct bytes piece)
{
    struct leak *l = arg;

    (void)piece;
    return ++l->pieces == l->offset ? err_set(ERR_STORAGE, "no room") : ERR_OK;
}

static void the_objects_can_be_taken_once(void **state)
{
    struct picture p;
    struct index_build build = {0};
    struct manifest_object *objects = NULL;
    size_t count = 0;

    begin_picture(state, &p);
    spool_block(&p, 1, BLOCK_RAW);
    spool_file(&p, "f", 1, 0);
    assert_done(index_build_plan(&p.options, &build));
    index_build_take_objects(&build, &objects, &count);
    assert_int_equal(count, 1);
    assert_non_null(objects);
    index_build_clear(&build); /* leaves them alone */
    assert_memory_equal(objects[0].id, p.inherited[1].id, SEAL_ID_LEN);
    mem_free(objects);
    spool_free(p.spool);
}

static void a_sink_that_fails_at_any_piece_ends_the_writing(void **state)
{
    struct picture p;
    struct index_build build = {0};
    struct leak l = {0, 0};

    begin_picture(state, &p);
    spool_block(&p, 1, BLOCK_RAW);
    spool_block(&p, 4, BLOCK_RAW);
    spool_file(&p, "f", 65537, 0);
    assert_done(index_build_plan(&p.options, &build));
    for (l.offset = 1; l.offset <= 5; l.offset++) { /* header, two objects, entries, rows */
        l.pieces = 0;
        assert_refused(index_build_write(&p.options, &build, fail_at, &l), ERR_STORAGE, "no room");
        assert_int_equal(l.pieces, l.offset);
    }
    l.pieces = 0;
    assert_done(index_build_write(&p.options, &build, fail_at, &l));
    index_build_clear(&build);
    spool_free(p.spool);
}

static enum err develop_once(void *arg)
{
    struct picture *p = arg;
    struct leak nowhere = {0, 0};
    struct index_build build = {0};
    enum err rc;

    TRY(index_build_plan(&p->options, &build));
    TRY(index_build_write(&p->options, &build, fail_at, &nowhere));
out:
    index_build_clear(&build);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct picture p;

    begin_picture(state, &p);
    spool_block(&p, 1, BLOCK_RAW);
    spool_file(&p, "f", 1, 0);
    assert_true(sweep_allocations(develop_once, &p) >= 4);
    spool_free(p.spool);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(objects_that_no_block_needs_are_left_out_and_the_rest_keep_their_order),
    IN_DIRECTORY(every_row_is_renumbered_on_both_sides_of_a_piece),
    IN_DIRECTORY(a_snapshot_of_nothing_has_an_index),
    IN_DIRECTORY(a_file_table_of_many_pieces_is_copied_whole),
    IN_DIRECTORY(what_came_in_no_order_is_sorted),
    IN_DIRECTORY(a_block_in_an_object_that_nobody_made_is_refused),
    IN_DIRECTORY(the_objects_can_be_taken_once),
    IN_DIRECTORY(a_sink_that_fails_at_any_piece_ends_the_writing),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

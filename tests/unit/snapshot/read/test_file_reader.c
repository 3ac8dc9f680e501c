#include "snapshot/read/file_reader.h"

#include "tests/unit/snapshot/handmade.h"

#define BLOCK_LEN (64 * KIB)
#define FILE_LEN (3 * BLOCK_LEN + 1)

static uint8_t plain[FILE_LEN];

/* "f" of `size` bytes, its blocks one behind the other in a pack, and "hard" that is linked to it.
 */
static void make_file(void **state, struct handmade *h, size_t size)
{
    struct entry hard = entry_at(ENTRY_FILE, "hard");

    handmade_begin(state, h);
    fill_pattern(plain, FILE_LEN, 1);
    add_pack(h, bytes_of(plain, FILE_LEN));
    for (size_t offset = 0; offset < size; offset += BLOCK_LEN) {
        size_t len = size - offset < BLOCK_LEN ? size - offset : BLOCK_LEN;

        add_piece(h, 0, offset, bytes_of(plain + offset, len));
    }
    add_sized(&h->parts, "f", size, 0);
    hard.flags = ENTRY_HARD_LINK;
    assert_done(buf_add_text(&hard.link, "f"));
    add_entry(&h->parts, &hard);
    entry_clear(&hard);
    handmade_index(h);
}

struct gathered {
    struct buf bytes;
    size_t pieces;
    size_t full_after; /* this many pieces; 0: never */
};

static enum err collect(void *arg, struct bytes piece)
{
    struct gathered *g = arg;

    g->pieces++;
    if (g->full_after > 0 && g->pieces > g->full_after)
        return err_set(ERR_STORAGE, "no room");
    return buf_add(&g->bytes, piece);
}

static void a_file_comes_whole_wherever_its_last_block_ends(void **state)
{
    static const size_t sizes[] = {1,
                                   BLOCK_LEN - 1,
                                   BLOCK_LEN,
                                   BLOCK_LEN + 1,
                                   3 * BLOCK_LEN - 1,
                                   3 * BLOCK_LEN,
                                   3 * BLOCK_LEN + 1};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct gathered g = {.bytes = {.max = FILE_LEN}};
        struct file_reader *c = NULL;
        struct handmade h;
        struct entry e;

        entry_init(&e);
        make_file(state, &h, sizes[i]);
        assert_done(file_reader_new(&h.opened, &c));
        assert_done(file_reader_find(c, bytes_of_text("f"), &e));
        assert_done(file_reader_read(c, &e, collect, &g));
        assert_int_equal(g.bytes.len, sizes[i]);
        assert_memory_equal(g.bytes.data, plain, sizes[i]);
        assert_int_equal(g.pieces, (sizes[i] + BLOCK_LEN - 1) / BLOCK_LEN);
        file_reader_free(c);
        buf_clear(&g.bytes);
        entry_clear(&e);
        handmade_clear(&h);
        assert_int_equal(unlink(in(state, "repository/data/01/01000000000000000000000000000000")),
                         0);
    }
}

static void a_hard_link_is_found_as_the_name_that_has_the_content(void **state)
{
    struct file_reader *c = NULL;
    struct handmade h;
    struct entry e;

    entry_init(&e);
    make_file(state, &h, 10);
    assert_done(file_reader_new(&h.opened, &c));
    assert_done(file_reader_find(c, bytes_of_text("hard"), &e));
    assert_string_equal(entry_path(&e), "f");
    assert_int_equal(e.size, 10);
    assert_refused(file_reader_find(c, bytes_of_text("har"), &e), ERR_NOT_FOUND,
                   "no such file in the snapshot: har");
    file_reader_free(c);
    entry_clear(&e);
    handmade_clear(&h);
}

static void a_sink_that_is_full_ends_the_reading(void **state)
{
    struct gathered g = {.bytes = {.max = FILE_LEN}, .full_after = 1};
    struct file_reader *c = NULL;
    struct handmade h;
    struct entry e;

    entry_init(&e);
    make_file(state, &h, FILE_LEN);
    assert_done(file_reader_new(&h.opened, &c));
    assert_done(file_reader_find(c, bytes_of_text("f"), &e));
    assert_refused(file_reader_read(c, &e, collect, &g), ERR_STORAGE, "f: no room");
    assert_int_equal(g.pieces, 2);
    file_reader_free(c);
    buf_clear(&g.bytes);
    entry_clear(&e);
    handmade_clear(&h);
}

static void nothing_of_a_wrong_block_reaches_the_sink_and_the_file_is_named(void **state)
{
    struct gathered g = {.bytes = {.max = FILE_LEN}};
    struct file_reader *c = NULL;
    struct handmade h;
    struct entry e;
    char message[512];

    entry_init(&e);
    handmade_begin(state, &h);
    fill_pattern(plain, FILE_LEN, 1);
    add_pack(&h, bytes_of(plain, FILE_LEN));
    add_piece(&h, 0, 0, bytes_of(plain, BLOCK_LEN));
    add_piece(&h, 0, 0, bytes_of(plain, BLOCK_LEN)); /* its digest is of the first block … */
    be_put(h.parts.rows.data + BLOCK_ROW_LEN + HASH_LEN + 4, BLOCK_LEN, 8); /* … its place is not */
    add_sized(&h.parts, "f", 2 * BLOCK_LEN, 0);
    handmade_index(&h);
    assert_done(file_reader_new(&h.opened, &c));
    assert_done(file_reader_find(c, bytes_of_text("f"), &e));
    snprintf(message, sizeof message, "f: %s",
             block_message(1, BLOCK_LEN, "the block's SHA-256 is not that of the index"));
    assert_refused(file_reader_read(c, &e, collect, &g), ERR_CORRUPT, message);
    assert_int_equal(g.bytes.len, BLOCK_LEN);
    file_reader_free(c);
    buf_clear(&g.bytes);
    entry_clear(&e);
    handmade_clear(&h);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_file_comes_whole_wherever_its_last_block_ends),
    IN_DIRECTORY(a_hard_link_is_found_as_the_name_that_has_the_content),
    IN_DIRECTORY(a_sink_that_is_full_ends_the_reading),
    IN_DIRECTORY(nothing_of_a_wrong_block_reaches_the_sink_and_the_file_is_named),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "snapshot/backup/spool.h"

#include "snapshot/format/block.h"
#include "tests/unit/snapshot/index_samples.h"

static void entries_are_read_back_in_their_order(void **state)
{
    struct spool *s = NULL;
    uint64_t offsets[300];
    struct entry e;

    entry_init(&e);
    assert_done(spool_new(in(state, ""), &s));
    for (uint64_t i = 0; i < 300; i++) { /* more than is kept unwritten */
        struct entry put = entry_at(ENTRY_FILE, "name");

        put.inode = i;
        assert_done(buf_add_text(&put.acl, "user::rwx\n"));
        for (int n = 0; n < 40; n++)
            assert_done(buf_add_text(&put.acl, "user::r--:1\n"));
        assert_done(buf_add_text(&put.acl, "group::r-x\nmask::r--\nother::---\n"));
        assert_done(spool_add(s, &put, &offsets[i]));
        entry_clear(&put);
    }
    assert_int_equal(spool_entry_count(s), 300);
    for (uint64_t i = 300; i-- > 0;) {
        uint64_t next = i == 299 ? spool_entries_len(s) : offsets[i + 1];
        size_t len = (size_t)(next - offsets[i]);
        uint8_t raw[1024];

        assert_true(len <= sizeof raw);
        assert_done(spool_read(s, offsets[i], raw, len));
        assert_done(entry_decode(bytes_of(raw, len), &e));
        assert_int_equal(e.inode, i);
    }
    entry_clear(&e);
    spool_free(s);
}

static void an_entry_is_marked_as_changed_wherever_it_lies(void **state)
{
    struct spool *s = NULL;
    struct entry put = entry_at(ENTRY_FILE, "name");
    struct entry e;
    uint64_t offsets[3];
    uint8_t raw[256];

    entry_init(&e);
    assert_done(spool_new(in(state, ""), &s));
    for (int i = 0; i < 3; i++)
        assert_done(spool_add(s, &put, &offsets[i]));
    assert_done(spool_mark(s, offsets[1], ENTRY_CHANGED)); /* not written yet */
    assert_done(spool_mark(s, offsets[1], ENTRY_CHANGED));
    assert_done(spool_mark(s, offsets[2], ENTRY_CHANGED)); /* written */
    for (int i = 0; i < 3; i++) {
        assert_done(spool_read(s, offsets[i], raw, (size_t)offsets[1]));
        assert_done(entry_decode(bytes_of(raw, (size_t)offsets[1]), &e));
        assert_int_equal(e.flags, i == 0 ? 0 : ENTRY_CHANGED);
    }
    entry_clear(&put);
    entry_clear(&e);
    spool_free(s);
}

static void rows_are_put_in_any_order(void **state)
{
    struct spool *s = NULL;
    uint8_t rows[4 * BLOCK_ROW_LEN];
    uint8_t got[6 * BLOCK_ROW_LEN];

    assert_done(spool_new(in(state, ""), &s));
    fill_pattern(rows, sizeof rows, 1);
    assert_done(spool_put_rows(s, 4, rows, 2));
    assert_done(spool_put_rows(s, 0, rows + 2 * BLOCK_ROW_LEN, 2));
    assert_done(spool_get_rows(s, 0, got, 6));
    assert_memory_equal(got, rows + 2 * BLOCK_ROW_LEN, 2 * BLOCK_ROW_LEN);
    assert_memory_equal(got + 4 * BLOCK_ROW_LEN, rows, 2 * BLOCK_ROW_LEN);
    assert_true(bytes_are_zero(bytes_of(got + 2 * BLOCK_ROW_LEN, 2 * BLOCK_ROW_LEN)));
    assert_refused(spool_get_rows(s, 1, got, 6), ERR_FAILED, "the temporary block map ends early");
    spool_free(s);
}

static void reading_past_the_end_is_said(void **state)
{
    struct spool *s = NULL;
    uint8_t byte;

    assert_done(spool_new(in(state, ""), &s));
    assert_refused(spool_read(s, 0, &byte, 1), ERR_FAILED, "the temporary file table ends early");
    spool_free(s);
}

static void it_leaves_no_name_behind(void **state)
{
    struct spool *s = NULL;

    assert_done(spool_new(in(state, ""), &s));
    assert_int_equal(count_names(in(state, "")), 0);
    spool_free(s);
    assert_refused(spool_new(in(state, "none"), &s), ERR_FAILED, NULL);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(entries_are_read_back_in_their_order),
    IN_DIRECTORY(an_entry_is_marked_as_changed_wherever_it_lies),
    IN_DIRECTORY(rows_are_put_in_any_order),
    IN_DIRECTORY(reading_past_the_end_is_said),
    IN_DIRECTORY(it_leaves_no_name_behind),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "snapshot/format/index.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/fs/path.h"
#include "core/store/store.h"
#include "tests/unit/snapshot/index_samples.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void refuse_parts(struct parts *p, const char *message)
{
    struct index *x = NULL;

    assert_refused(open_parts(p, &x), ERR_CORRUPT, message);
    assert_null(x);
    parts_clear(p);
}

static void what_was_put_in_is_read_back(void **state)
{
    struct parts p = parts_of_all();
    struct index *x = NULL;
    struct entry e;
    struct block b = {0};
    uint8_t rows[3 * BLOCK_ROW_LEN];
    uint64_t i = 0;

    (void)state;
    entry_init(&e);
    assert_done(open_parts(&p, &x));
    assert_int_equal(index_header(x)->file_count, 7);
    assert_int_equal(index_header(x)->block_count, 3);
    assert_memory_equal(index_header(x)->snapshot, "snapshot-id!", SNAPSHOT_ID_LEN);
    assert_int_equal(index_object(x, 1)[0], 0xa2);
    assert_done(index_find(x, bytes_of_text("d/f"), &i));
    assert_int_equal(i, 2);
    assert_done(index_entry(x, i, &e));
    assert_string_equal(entry_path(&e), "d/f");
    assert_int_equal(entry_blocks(&e), 2);
    assert_int_equal(entry_block_len(&e, 0), 65536);
    assert_int_equal(entry_block_len(&e, 1), 5);
    assert_string_equal((const char *)e.user.data, "mongod");
    assert_false(entry_has_data(&e, 0, 65536));
    assert_true(entry_has_data(&e, 65536, 5));
    assert_done(index_rows(x, 0, 3, rows));
    assert_done(block_decode(rows, &b));
    assert_int_equal(b.codec, BLOCK_ZERO);
    assert_done(block_decode(rows + BLOCK_ROW_LEN, &b));
    assert_int_equal(b.codec, BLOCK_RAW);
    assert_int_equal(b.object, 1);
    assert_int_equal(b.offset, 7);
    use_index(x);
    index_free(x);
    entry_clear(&e);
    parts_clear(&p);
}

static void a_name_is_found_with_and_without_the_root(void **state)
{
    static const char *const names[] = {".", "a", "a/b", "a/b/c", "a.b", "b"};

    (void)state;
    for (size_t from = 0; from < 2; from++) {
        struct parts p = parts_of_nothing();
        struct index *x = NULL;
        uint64_t i = 99;

        for (size_t n = from; n < COUNT(names); n++)
            add_named(&p, ENTRY_DIR, names[n]);
        assert_done(open_parts(&p, &x));
        for (size_t n = from; n < COUNT(names); n++) {
            assert_done(index_find(x, bytes_of_text(names[n]), &i));
            assert_int_equal(i, n - from);
        }
        assert_refused(index_find(x, bytes_of_text("a/a"), &i), ERR_NOT_FOUND,
                       "no such file in the snapshot: a/a");
        assert_refused(index_find(x, bytes_of_text("../a"), &i), ERR_NOT_FOUND, NULL);
        if (from == 1)
            assert_refused(index_find(x, bytes_of_text("."), &i), ERR_NOT_FOUND, NULL);
        index_free(x);
        parts_clear(&p);
    }
}

static void an_empty_one_opens(void **state)
{
    struct parts p = parts_of_nothing();
    struct index *x = NULL;
    uint64_t i = 0;

    (void)state;
    assert_done(open_parts(&p, &x));
    assert_refused(index_find(x, bytes_of_text("a"), &i), ERR_NOT_FOUND, NULL);
    index_free(x);
    parts_clear(&p);
}

/* Two names, one behind the other, that no index may have. */
static void names_out_of_order_are_refused(void **state)
{
    static const char *const pairs[][2] = {
        {"b", "a"},     {"a", "a"},   {".", "."},         {"a", "."},
        {"a.b", "a/b"}, {"a/b", "a"}, {"a\xff", "a\xfe"}, {"ab", "a"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct parts p = parts_of_nothing();

        if (strcmp(pairs[i][0], "a/b") == 0 || strcmp(pairs[i][1], "a/b") == 0)
            add_named(&p, ENTRY_DIR, "a");
        add_named(&p, ENTRY_DIR, pairs[i][0]);
        add_named(&p, ENTRY_DIR, pairs[i][1]);
        refuse_parts(&p, "the files of the index are not in order");
    }
}

static void a_root_that_is_no_directory_is_refused(void **state)
{
    struct parts p = parts_of_nothing();

    (void)state;
    add_named(&p, ENTRY_FIFO, ".");
    refuse_parts(&p, "the files of the index are not in order");
}

static void an_unsafe_path_is_refused(void **state)
{
    static const char *const paths[] = {"..",  "../x", "a/../b", "/etc", "a//b",  "a/",   "./a",
                                        "a/.", "/",    "a/..",   "",     "../..", "./..", "a/./b"};

    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct parts p = parts_of_nothing();

        add_named(&p, ENTRY_DIR, "a");
        add_named(&p, ENTRY_FILE, paths[i]);
        refuse_parts(&p, *paths[i] == '\0'
                             ? "a file entry of the index: a path is empty"
                             : "a file entry of the index: a path is absolute, or has an empty, "
                               "\".\" or \"..\" part");
    }
}

static void a_path_with_a_nul_is_refused(void **state)
{
    struct parts p = parts_of_nothing();
    struct entry e = entry_at(ENTRY_FILE, "a");

    (void)state;
    assert_done(buf_add(&e.path, bytes_of("\0b", 2)));
    add_entry(&p, &e);
    entry_clear(&e);
    refuse_parts(&p, "a file entry of the index: a name has a NUL inside");
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    struct parts p = parts_of_nothing();
    struct entry e = entry_at(ENTRY_FILE, "a");

    (void)state;
    e.path.max = 2 * PATH_LEN_MAX;
    while (e.path.len <= PATH_LEN_MAX)
        assert_done(buf_add_text(&e.path, "x"));
    add_entry(&p, &e);
    entry_clear(&e);
    refuse_parts(&p, "a file entry of the index: a name or list of 4096 bytes is over the limit of "
                     "4095");
}

/* What stands where the directory of a file would have to. */
static void a_file_in_no_directory_is_refused(void **state)
{
    static const char message[] = "a file of the index lies in no directory of it";

    (void)state;
    for (int kind = 0; kind <= ENTRY_FIFO; kind++) {
        struct parts p = parts_of_nothing();

        if (kind == ENTRY_DIR)
            continue;
        add_named(&p, ENTRY_DIR, ".");
        if (kind != 0)
            add_named(&p, (enum entry_type)kind, "a");
        add_named(&p, ENTRY_FILE, "a/b");
        refuse_parts(&p, message);
    }
}

static void a_file_in_a_directory_of_a_like_name_is_refused(void **state)
{
    static const char *const directories[][2] = {
        {"a", "ab/c"}, {"ab", "a/c"}, {"a/b", "a/bc/d"}, {"a", "a/b/c"}};

    (void)state;
    for (size_t i = 0; i < COUNT(directories); i++) {
        struct parts p = parts_of_nothing();
        struct index *x = NULL;

        if (strchr(directories[i][0], '/') != NULL)
            add_named(&p, ENTRY_DIR, "a");
        add_named(&p, ENTRY_DIR, directories[i][0]);
        add_named(&p, ENTRY_FILE, directories[i][1]);
        assert_refused(open_parts(&p, &x), ERR_CORRUPT, NULL);
        parts_clear(&p);
    }
}

static void a_directory_that_was_left_can_be_gone_back_above(void **state)
{
    static const char *const directories[] = {"a", "a/b", "a/b/c", "a/x", "a/x/y", "b"};
    struct parts p = parts_of_nothing();
    struct index *x = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(directories); i++)
        add_named(&p, ENTRY_DIR, directories[i]);
    assert_done(open_parts(&p, &x));
    use_index(x);
    index_free(x);
    parts_clear(&p);
}

static void blocks_that_the_map_does_not_have_are_refused(void **state)
{
    static const struct {
        uint64_t size, first;
    } rows[] = {
        {65536 * 2 + 1, 0},  /* three of two */
        {1, 2},              /* behind the last */
        {65536 * 2, 1},      /* over the end */
        {1, UINT64_MAX},     /* would wrap around */
        {ENTRY_SIZE_MAX, 0}, /* more than anything */
        {65536 * 2, UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct parts p = parts_of_nothing();

        add_object(&p, 1);
        add_sized(&p, "f", rows[i].size, rows[i].first);
        add_block(&p, 0, 0);
        add_block(&p, 0, 100);
        refuse_parts(&p, "a file of the index has blocks that it does not hold");
    }
}

static void a_block_in_an_object_that_is_not_named_is_refused(void **state)
{
    struct parts p = parts_of_nothing();

    (void)state;
    add_object(&p, 1);
    add_block(&p, 1, 0);
    refuse_parts(&p, "a block of the index lies in an object it does not name");
}

static void a_bad_row_beyond_the_first_piece_is_seen(void **state)
{
    struct parts p = parts_of_nothing();

    (void)state;
    add_object(&p, 1);
    for (int i = 0; i < 1030; i++)
        add_block(&p, i == 1029, 0);
    refuse_parts(&p, "a block of the index lies in an object it does not name");
}

static void rows_of_no_known_codec_are_refused(void **state)
{
    struct parts p = parts_of_nothing();
    struct index *x = NULL;

    (void)state;
    add_object(&p, 1);
    add_block(&p, 0, 0);
    p.rows.data[BLOCK_ROW_LEN - 1] = 3;
    assert_refused(open_parts(&p, &x), ERR_UNSUPPORTED, "a block's codec 3 is not known");
    parts_clear(&p);
}

/* A header that counts otherwise than what follows it. */
typedef void change_header(struct index_header *h);
static void one_object_more(struct index_header *h)
{
    h->object_count++;
}
static void one_file_more(struct index_header *h)
{
    h->file_count++;
}
static void one_file_less(struct index_header *h)
{
    h->file_count--;
}
static void one_row_more(struct index_header *h)
{
    h->block_count++;
}
static void more_files_than_fit(struct index_header *h)
{
    h->file_count = INDEX_FILES_MAX;
}
static void too_many_files(struct index_header *h)
{
    h->file_count = UINT64_MAX;
}
static void too_many_objects(struct index_header *h)
{
    h->object_count = UINT32_MAX;
}
static void too_long_files(struct index_header *h)
{
    h->files_len = UINT64_MAX;
}
static void too_many_rows(struct index_header *h)
{
    h->block_count = UINT64_MAX / BLOCK_ROW_LEN;
}
static void rows_for_files(struct index_header *h)
{
    h->files_len += BLOCK_ROW_LEN; /* the length is right again, the split is wrong */
    h->block_count--;
}
static void files_for_rows(struct index_header *h)
{
    h->files_len -= BLOCK_ROW_LEN;
    h->block_count++;
}
static void an_object_for_files(struct index_header *h)
{
    h->object_count--;
    h->files_len += SEAL_ID_LEN;
}

static void counts_that_lie_are_refused(void **state)
{
    static const struct {
        change_header *change;
        const char *message;
    } rows[] = {
        {one_object_more, NULL},
        {one_file_more, "the file table of the index ends early"},
        {one_file_less, "bytes are left over after the file table of the index"},
        {one_row_more, NULL},
        {more_files_than_fit, "the file table of the index ends early"},
        {too_many_files, "the index's counts are not possible"},
        {too_many_objects, "the index's counts are not possible"},
        {too_long_files, "the index's counts are not possible"},
        {too_many_rows, "the index's counts are not possible"},
        {rows_for_files, "bytes are left over after the file table of the index"},
        {files_for_rows, NULL},
        {an_object_for_files, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct parts p = parts_of_all();

        rows[i].change(&p.header);
        refuse_parts(&p, rows[i].message);
    }
}

static void an_entry_of_an_impossible_length_is_refused(void **state)
{
    static const uint64_t lengths[] = {0, 4, ENTRY_FIXED_LEN - 1, ENTRY_LEN_MAX + 1, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct parts p = parts_of_all();

        be_put(p.entries.data, lengths[i], 4);
        refuse_parts(&p, "an entry of the index has an impossible length");
    }
}

/* There would be room for it, and an entry behind it. */
static void an_entry_longer_than_any_is_refused(void **state)
{
    struct parts p = parts_of_nothing();
    size_t one = 1;
    char name[256];

    (void)state;
    for (int i = 0; p.entries.len < ENTRY_LEN_MAX + KIB; i++) {
        snprintf(name, sizeof name, "%08d%0*d", i, 240, 0);
        add_named(&p, ENTRY_DIR, name);
        one = i == 0 ? p.entries.len : one;
    }
    be_put(p.entries.data, (ENTRY_LEN_MAX / one + 1) * one, 4);
    refuse_parts(&p, "an entry of the index has an impossible length");
}

static void an_entry_that_reaches_into_the_block_map_is_refused(void **state)
{
    struct parts p = parts_of_nothing();

    (void)state;
    add_object(&p, 1);
    add_sized(&p, "f", 1, 0);
    add_block(&p, 0, 0);
    be_put(p.entries.data, p.entries.len + 1, 4);
    refuse_parts(&p, "an entry of the index has an impossible length");
}

static void add_hard(struct parts *p, const char *path, const char *first)
{
    struct entry e = entry_at(ENTRY_FILE, path);

    e.flags = ENTRY_HARD_LINK;
    assert_done(buf_add_text(&e.link, first));
    add_entry(p, &e);
    entry_clear(&e);
}

static void a_hard_link_leads_to_a_file_with_content_of_its_own(void **state)
{
    static const struct {
        const char *first, *message;
    } rows[] = {
        {"a/none", "a hard link of the index leads to nothing"},
        {"z", "a hard link of the index leads to nothing"},
        {"a", "a hard link of the index leads to something that is not a regular file"},
        {"c", "a hard link of the index leads to something that is not a regular file"},
        {"d",
         "a hard link of the index leads to something that is not a regular file"}, /* itself */
        {"e", "a hard link of the index leads to something that is not a regular file"},
    };
    struct index *x = NULL;

    (void)state;
    for (size_t i = 0; i <= COUNT(rows); i++) {
        struct parts p = parts_of_nothing();

        add_named(&p, ENTRY_DIR, "a");
        add_named(&p, ENTRY_FILE, "b");
        add_named(&p, ENTRY_SYMLINK, "c");
        add_hard(&p, "d", i < COUNT(rows) ? rows[i].first : "b");
        add_hard(&p, "e", "b");
        if (i < COUNT(rows)) {
            refuse_parts(&p, rows[i].message);
        } else {
            assert_done(open_parts(&p, &x));
            index_free(x);
            parts_clear(&p);
        }
    }
}

static void what_is_no_index_is_refused(void **state)
{
    struct parts p = parts_of_all();
    struct buf image = image_of(&p);
    struct index *x = NULL;

    (void)state;
    image.data[0] ^= 1;
    assert_refused(open_image(buf_bytes(&image), &x), ERR_CORRUPT, "not an index");
    image.data[0] ^= 1;
    image.data[5] = 2;
    assert_refused(open_image(buf_bytes(&image), &x), ERR_UNSUPPORTED,
                   "an index of version 2 is not known");
    image.data[5] = 1;
    image.data[7] = 1;
    assert_refused(open_image(buf_bytes(&image), &x), ERR_UNSUPPORTED, NULL);
    image.data[7] = 0;
    image.data[63] = 1;
    assert_refused(open_image(buf_bytes(&image), &x), ERR_UNSUPPORTED, NULL);
    buf_clear(&image);
    parts_clear(&p);
}

static void a_file_shorter_than_it_is_said_to_be_is_refused(void **state)
{
    struct parts p = parts_of_all();
    struct buf image = image_of(&p);
    struct index *x = NULL;

    (void)state;
    for (size_t len = 0; len < image.len; len++)
        assert_refused(index_open(file_of(bytes_of(image.data, len)), image.len, &x), ERR_CORRUPT,
                       "the index ends early");
    buf_clear(&image);
    parts_clear(&p);
}

static enum err refused_or_safe(void *arg, struct bytes changed)
{
    struct index *x = NULL;
    enum err rc = open_image(changed, &x);

    (void)arg;
    if (rc == ERR_OK) {
        use_index(x);
        index_free(x);
        return err_set(ERR_CORRUPT, "harmless"); /* the digest of the sealed object sees it */
    }
    assert_null(x);
    assert_true(rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
    return rc;
}

static enum err refused(void *arg, struct bytes changed)
{
    struct index *x = NULL;
    enum err rc = open_image(changed, &x);

    (void)arg;
    assert_true(rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
    return rc;
}

static void every_changed_byte_is_refused_or_safe(void **state)
{
    struct parts p = parts_of_all();
    struct buf image = image_of(&p);

    (void)state;
    sweep_flips(buf_bytes(&image), refused_or_safe, NULL);
    sweep_swaps(buf_bytes(&image), 1, refused_or_safe, NULL);
    sweep_swaps(buf_bytes(&image), 16, refused_or_safe, NULL);
    for (size_t i = 0; i < image.len; i++) { /* and each byte once as all ones */
        uint8_t kept = image.data[i];

        image.data[i] = 0xff;
        (void)refused_or_safe(NULL, buf_bytes(&image));
        image.data[i] = kept;
    }
    sweep_cuts(buf_bytes(&image), refused, NULL);
    buf_clear(&image);
    parts_clear(&p);
}

static enum err open_once(void *arg)
{
    struct index *x = NULL;
    enum err rc = open_image(*(struct bytes *)arg, &x);

    index_free(x);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct parts p = parts_of_all();
    struct buf image = image_of(&p);
    struct bytes bytes = buf_bytes(&image);

    (void)state;
    assert_true(sweep_allocations(open_once, &bytes) > 3);
    buf_clear(&image);
    parts_clear(&p);
}

static void a_descriptor_is_closed_whatever_happens(void **state)
{
    struct parts p = parts_of_all();
    struct buf image = image_of(&p);
    struct index *x = NULL;
    int fd = file_of(buf_bytes(&image));

    (void)state;
    assert_refused(index_open(fd, image.len + 1, &x), ERR_CORRUPT, NULL);
    assert_int_equal(close(fd), -1);
    fd = file_of(buf_bytes(&image));
    assert_done(index_open(fd, image.len, &x));
    index_free(x);
    assert_int_equal(close(fd), -1);
    buf_clear(&image);
    parts_clear(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_put_in_is_read_back),
    cmocka_unit_test(a_name_is_found_with_and_without_the_root),
    cmocka_unit_test(an_empty_one_opens),
    cmocka_unit_test(names_out_of_order_are_refused),
    cmocka_unit_test(a_root_that_is_no_directory_is_refused),
    cmocka_unit_test(an_unsafe_path_is_refused),
    cmocka_unit_test(a_path_with_a_nul_is_refused),
    cmocka_unit_test(a_path_that_is_too_long_is_refused),
    cmocka_unit_test(a_file_in_no_directory_is_refused),
    cmocka_unit_test(a_file_in_a_directory_of_a_like_name_is_refused),
    cmocka_unit_test(a_directory_that_was_left_can_be_gone_back_above),
    cmocka_unit_test(blocks_that_the_map_does_not_have_are_refused),
    cmocka_unit_test(a_block_in_an_object_that_is_not_named_is_refused),
    cmocka_unit_test(a_bad_row_beyond_the_first_piece_is_seen),
    cmocka_unit_test(rows_of_no_known_codec_are_refused),
    cmocka_unit_test(counts_that_lie_are_refused),
    cmocka_unit_test(an_entry_of_an_impossible_length_is_refused),
    cmocka_unit_test(an_entry_longer_than_any_is_refused),
    cmocka_unit_test(an_entry_that_reaches_into_the_block_map_is_refused),
    cmocka_unit_test(a_hard_link_leads_to_a_file_with_content_of_its_own),
    cmocka_unit_test(what_is_no_index_is_refused),
    cmocka_unit_test(a_file_shorter_than_it_is_said_to_be_is_refused),
    cmocka_unit_test(every_changed_byte_is_refused_or_safe),
    cmocka_unit_test(no_memory_is_said),
    cmocka_unit_test(a_descriptor_is_closed_whatever_happens),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

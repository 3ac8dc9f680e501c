#include "snapshot/format/entry.h"

#include <stdio.h>

#include "core/fs/path.h"
#include "tests/unit/snapshot/index_samples.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where the fixed part has what (docs/FORMAT.md, 6.2). */
#define AT_TYPE 4
#define AT_FLAGS 5
#define AT_BLOCK_LOG2 6
#define AT_ZERO 7
#define AT_MODE 8
#define AT_MTIME_NS 28
#define AT_CTIME_NS 40
#define AT_SIZE 52
#define AT_PATH_LEN 68
#define AT_LINK_LEN 70
#define AT_USER_LEN 72
#define AT_XATTR_COUNT 74
#define AT_ACL_LEN 76
#define AT_EXTENTS 80

static struct buf encode(const struct entry *e)
{
    struct buf raw = {.max = 2 * ENTRY_LEN_MAX};

    assert_done(entry_encode(e, &raw));
    return raw;
}

static enum err decode(void *arg, struct bytes from)
{
    struct entry e;
    enum err rc;

    (void)arg;
    entry_init(&e);
    rc = entry_decode(from, &e);
    entry_clear(&e);
    return rc;
}

/* A file with all there can be. */
static struct entry full_entry(void)
{
    struct entry e = entry_at(ENTRY_FILE, "db/collection-7.wt");

    e.flags = ENTRY_CHANGED;
    e.mode = 06751;
    e.uid = 999;
    e.gid = UINT32_MAX;
    e.mtime_s = -5;
    e.mtime_ns = 999999999;
    e.ctime_s = INT64_MAX;
    e.ctime_ns = 1;
    e.inode = UINT64_MAX;
    e.size = 3 * 65536 + 1;
    e.block_log2 = 16;
    e.first_block = 77;
    assert_done(buf_add_text(&e.user, "mongod"));
    assert_done(buf_add_text(&e.group, "database"));
    assert_done(entry_add_xattr(&e, bytes_of_text("user.one"), bytes_of("\0binary\xff", 8)));
    assert_done(entry_add_xattr(&e, bytes_of_text("user.two"), bytes_of("", 0)));
    assert_done(
        buf_add_text(&e.acl, "user::rwx\nuser::r--:7\ngroup::r--\nmask::r--\nother::---\n"));
    assert_done(entry_add_extent(&e, 0, 4096));
    assert_done(entry_add_extent(&e, 65536, 2 * 65536 + 1));
    return e;
}

static void all_of_an_entry_round_trips(void **state)
{
    struct entry e = full_entry();
    struct buf raw = encode(&e);
    struct buf again;
    struct entry back;

    (void)state;
    entry_init(&back);
    assert_done(entry_decode(buf_bytes(&raw), &back));
    assert_string_equal(entry_path(&back), "db/collection-7.wt");
    assert_true(back.mtime_s == -5 && back.ctime_s == INT64_MAX && back.inode == UINT64_MAX);
    assert_int_equal(back.mode, 06751);
    assert_int_equal(back.xattr_count, 2);
    assert_int_equal(back.extents.len, 32);
    again = encode(&back);
    assert_true(bytes_equal(buf_bytes(&raw), buf_bytes(&again)));
    buf_clear(&raw);
    buf_clear(&again);
    entry_clear(&e);
    entry_clear(&back);
}

static void what_was_there_before_does_not_show_through(void **state)
{
    struct entry full = full_entry();
    struct entry unencrypted = entry_at(ENTRY_FIFO, "p");
    struct buf raw = encode(&full);
    struct buf small = encode(&unencrypted);
    struct entry e;

    (void)state;
    entry_init(&e);
    assert_done(entry_decode(buf_bytes(&raw), &e));
    assert_done(entry_decode(buf_bytes(&small), &e));
    assert_string_equal(entry_path(&e), "p");
    assert_int_equal(e.user.len + e.group.len + e.xattrs.len + e.acl.len + e.extents.len, 0);
    assert_int_equal(e.link.len, 0);
    assert_int_equal(e.size + e.flags + e.xattr_count, 0);
    entry_clear(&e);
    entry_clear(&full);
    entry_clear(&unencrypted);
    buf_clear(&raw);
    buf_clear(&small);
}

static void xattrs_are_taken_in_their_order(void **state)
{
    struct entry e = full_entry();
    struct cursor c = cursor_of(buf_bytes(&e.xattrs));
    struct bytes name = {NULL, 0};
    struct bytes value = {NULL, 0};

    (void)state;
    assert_done(entry_take_xattr(&c, &name, &value));
    assert_true(bytes_equal(name, bytes_of_text("user.one")));
    assert_true(bytes_equal(value, bytes_of("\0binary\xff", 8)));
    assert_done(entry_take_xattr(&c, &name, &value));
    assert_true(bytes_equal(name, bytes_of_text("user.two")));
    assert_int_equal(value.len, 0);
    assert_done(cursor_end(&c));
    entry_clear(&e);
}

static void blocks_are_counted_and_cut(void **state)
{
    static const struct {
        uint64_t size;
        uint8_t log2;
        uint64_t blocks;
        size_t last;
    } rows[] = {
        {0, 0, 0, 0},
        {1, 16, 1, 1},
        {65535, 16, 1, 65535},
        {65536, 16, 1, 65536},
        {65537, 16, 2, 1},
        {4096, 12, 1, 4096},
        {4097, 12, 2, 1},
        {3 * MIB, 20, 3, MIB},
        {ENTRY_SIZE_MAX, 20, ENTRY_SIZE_MAX >> 20, MIB},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry e = {.type = ENTRY_FILE, .size = rows[i].size, .block_log2 = rows[i].log2};

        assert_true(entry_blocks(&e) == rows[i].blocks);
        if (rows[i].blocks > 0)
            assert_int_equal(entry_block_len(&e, rows[i].blocks - 1), rows[i].last);
        if (rows[i].blocks > 1)
            assert_int_equal(entry_block_len(&e, 0), (size_t)1 << rows[i].log2);
        e.type = ENTRY_DIR;
        assert_int_equal(entry_blocks(&e), 0);
    }
}

static void larger_files_have_larger_blocks(void **state)
{
    (void)state;
    assert_int_equal(entry_block_log2_for(1), 16);
    assert_int_equal(entry_block_log2_for(64 * MIB - 1), 16);
    assert_int_equal(entry_block_log2_for(64 * MIB), 18);
    assert_int_equal(entry_block_log2_for(4096 * (uint64_t)MIB - 1), 18);
    assert_int_equal(entry_block_log2_for(4096 * (uint64_t)MIB), 20);
    assert_int_equal(entry_block_log2_for(ENTRY_SIZE_MAX), 20);
}

static void a_range_in_a_hole_has_no_data(void **state)
{
    struct entry e = entry_at(ENTRY_FILE, "sparse");

    (void)state;
    assert_true(entry_has_data(&e, 0, 1)); /* without extents all is data */
    assert_done(entry_add_extent(&e, 100, 50));
    assert_done(entry_add_extent(&e, 300, 1));
    assert_false(entry_has_data(&e, 0, 100));
    assert_true(entry_has_data(&e, 0, 101));
    assert_true(entry_has_data(&e, 149, 1));
    assert_false(entry_has_data(&e, 150, 150));
    assert_true(entry_has_data(&e, 150, 151));
    assert_true(entry_has_data(&e, 120, 1));
    assert_false(entry_has_data(&e, 301, 1000));
    entry_clear(&e);
}

/* A number of the fixed part, set to what it must not be. */
static void every_number_has_its_limits(void **state)
{
    static const struct {
        size_t offset;
        unsigned width;
        uint64_t value;
        enum err code;
    } rows[] = {
        {AT_TYPE, 1, 0, ERR_UNSUPPORTED},
        {AT_TYPE, 1, 5, ERR_UNSUPPORTED},
        {AT_FLAGS, 1, 8, ERR_UNSUPPORTED},
        {AT_FLAGS, 1, 0x80, ERR_UNSUPPORTED},
        {AT_ZERO, 1, 1, ERR_UNSUPPORTED},
        {AT_BLOCK_LOG2, 1, 0, ERR_CORRUPT},
        {AT_BLOCK_LOG2, 1, 11, ERR_CORRUPT},
        {AT_BLOCK_LOG2, 1, 21, ERR_CORRUPT},
        {AT_BLOCK_LOG2, 1, 64, ERR_CORRUPT},
        {AT_MODE, 4, 010000, ERR_CORRUPT},
        {AT_MTIME_NS, 4, 1000000000, ERR_CORRUPT},
        {AT_CTIME_NS, 4, UINT32_MAX, ERR_CORRUPT},
        {AT_SIZE, 8, ENTRY_SIZE_MAX + 1, ERR_CORRUPT},
        {AT_SIZE, 8, 0, ERR_CORRUPT},
        {AT_PATH_LEN, 2, 0, ERR_CORRUPT},
        {AT_PATH_LEN, 2, UINT16_MAX, ERR_CORRUPT},
        {AT_LINK_LEN, 2, 1, ERR_CORRUPT},
        {AT_USER_LEN, 1, 255, ERR_CORRUPT},
        {AT_XATTR_COUNT, 2, 3, ERR_CORRUPT},
        {AT_XATTR_COUNT, 2, UINT16_MAX, ERR_CORRUPT},
        {AT_ACL_LEN, 4, UINT32_MAX, ERR_CORRUPT},
        {AT_EXTENTS, 4, ENTRY_EXTENTS_MAX + 1, ERR_CORRUPT},
        {AT_EXTENTS, 4, UINT32_MAX, ERR_CORRUPT},
        {AT_EXTENTS, 4, 1, ERR_CORRUPT},
        {AT_EXTENTS, 4, 3, ERR_CORRUPT},
    };
    struct entry e = full_entry();

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf raw = encode(&e);
        enum err rc;

        be_put(raw.data + rows[i].offset, rows[i].value, rows[i].width);
        rc = decode(NULL, buf_bytes(&raw));
        if (rc != rows[i].code)
            fail_msg("row %zu gave %d", i, (int)rc);
        assert_memory_equal(err_text(), "a file entry of the index: ", 27);
        buf_clear(&raw);
    }
    entry_clear(&e);
}

/* Entries that are well-formed and say what cannot be. */
typedef void change_entry(struct entry *e);
static void directory_with_content(struct entry *e)
{
    e->type = ENTRY_DIR;
}
static void link_flag_on_a_directory(struct entry *e)
{
    e->type = ENTRY_DIR;
    e->flags = ENTRY_HARD_LINK;
    e->size = e->block_log2 = 0;
    e->first_block = 0;
    e->extents.len = 0;
    assert_done(buf_add_text(&e->link, "a"));
}
static void hard_link_with_content(struct entry *e)
{
    e->flags = ENTRY_HARD_LINK;
    assert_done(buf_add_text(&e->link, "a"));
}
static void hard_link_to_nowhere(struct entry *e)
{
    e->flags = ENTRY_HARD_LINK;
    e->size = e->block_log2 = 0;
    e->first_block = 0;
    e->extents.len = 0;
}
static void hard_link_upwards(struct entry *e)
{
    hard_link_to_nowhere(e);
    assert_done(buf_add_text(&e->link, "../../etc/passwd"));
}
static void symlink_to_nothing(struct entry *e)
{
    e->type = ENTRY_SYMLINK;
    e->size = e->block_log2 = 0;
    e->first_block = 0;
    e->extents.len = 0;
}
static void extents_without_content(struct entry *e)
{
    e->size = e->block_log2 = 0;
    e->first_block = 0;
}
static void blocks_without_content(struct entry *e)
{
    e->size = e->first_block = 0;
    e->extents.len = 0;
}
static void a_place_without_content(struct entry *e)
{
    e->size = e->block_log2 = 0;
    e->first_block = 7;
    e->extents.len = 0;
}
static void more_extents_than_an_entry_holds(struct entry *e)
{
    e->extents.len = 0;
    e->extents.max = 2 * MIB;
    for (uint64_t i = 0; i <= ENTRY_EXTENTS_MAX; i++) {
        assert_done(buf_add_u(&e->extents, i, 8));
        assert_done(buf_add_u(&e->extents, 1, 8));
    }
}
static void extent_of_nothing_behind_the_end(struct entry *e)
{
    e->extents.len = 0;
    assert_done(entry_add_extent(e, e->size + 1, 0));
}
static void xattr_without_a_name(struct entry *e)
{
    assert_done(buf_add_u(&e->xattrs, 0, 1));
    assert_done(buf_add_u(&e->xattrs, 0, 4));
    e->xattr_count++;
}
static void extents_backwards(struct entry *e)
{
    e->extents.len = 0;
    assert_done(entry_add_extent(e, 100, 10));
    assert_done(entry_add_extent(e, 0, 10));
}
static void extents_that_overlap(struct entry *e)
{
    e->extents.len = 0;
    assert_done(entry_add_extent(e, 0, 10));
    assert_done(entry_add_extent(e, 9, 10));
}
static void extent_behind_the_end(struct entry *e)
{
    e->extents.len = 0;
    assert_done(entry_add_extent(e, e->size, 1));
}
static void extent_that_wraps(struct entry *e)
{
    e->extents.len = 0;
    assert_done(entry_add_extent(e, 10, UINT64_MAX - 5));
}
static void xattr_name_with_a_nul(struct entry *e)
{
    assert_done(entry_add_xattr(e, bytes_of("a\0b", 3), bytes_of("", 0)));
}

static void what_cannot_be_is_refused(void **state)
{
    static const struct {
        change_entry *change;
        const char *message;
    } rows[] = {
        {directory_with_content, "a file entry has an impossible size"},
        {link_flag_on_a_directory,
         "a file entry has a link target where none can be, or lacks one"},
        {hard_link_with_content, "a file entry has an impossible size"},
        {hard_link_to_nowhere, "a file entry has a link target where none can be, or lacks one"},
        {hard_link_upwards, "a path is absolute, or has an empty, \".\" or \"..\" part"},
        {symlink_to_nothing, "a file entry has a link target where none can be, or lacks one"},
        {extents_without_content, "a file entry has impossible extents"},
        {blocks_without_content, "a file entry has an impossible block size"},
        {a_place_without_content, "a file entry without blocks says where they are"},
        {more_extents_than_an_entry_holds, "a file entry has impossible extents"},
        {extent_of_nothing_behind_the_end, "the extents of a sparse file are out of order"},
        {xattr_without_a_name, "an extended attribute's name is empty or has a NUL"},
        {extents_backwards, "the extents of a sparse file are out of order"},
        {extents_that_overlap, "the extents of a sparse file are out of order"},
        {extent_behind_the_end, "the extents of a sparse file are out of order"},
        {extent_that_wraps, "the extents of a sparse file are out of order"},
        {xattr_name_with_a_nul, "an extended attribute's name is empty or has a NUL"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry e = full_entry();
        struct buf raw;
        char message[200];

        rows[i].change(&e);
        raw = encode(&e);
        snprintf(message, sizeof message, "a file entry of the index: %s", rows[i].message);
        assert_refused(decode(NULL, buf_bytes(&raw)), ERR_CORRUPT, message);
        buf_clear(&raw);
        entry_clear(&e);
    }
}

/* The longest that fits, and one byte more; by the buffers' limits, which decoding shares. */
static void texts_have_their_limits(void **state)
{
    static const struct {
        size_t offset, longest;
        bool is_path;
    } rows[] = {
        {offsetof(struct entry, path), PATH_LEN_MAX, true},
        {offsetof(struct entry, user), 255, false},
        {offsetof(struct entry, group), 255, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry e = entry_at(ENTRY_FIFO, rows[i].is_path ? "" : "p");
        struct buf *text = (struct buf *)(void *)((char *)&e + rows[i].offset);
        struct buf raw;

        text->max = MIB;
        while (text->len < rows[i].longest)
            assert_done(buf_add_text(text, text->len % 256 == 255 ? "/" : "x"));
        raw = encode(&e);
        assert_done(decode(NULL, buf_bytes(&raw)));
        buf_clear(&raw);
        if (rows[i].longest > 255) { /* a length of one byte can say no more */
            assert_done(buf_add_text(text, "x"));
            raw = encode(&e);
            assert_refused(decode(NULL, buf_bytes(&raw)), ERR_CORRUPT, NULL);
            buf_clear(&raw);
        }
        entry_clear(&e);
    }
}

static void extended_attributes_have_their_limit(void **state)
{
    struct entry e = entry_at(ENTRY_FIFO, "p");
    uint8_t *value = calloc(1, 300 * KIB);
    struct buf raw;

    (void)state;
    assert_non_null(value);
    assert_done(entry_add_xattr(&e, bytes_of_text("a"), bytes_of(value, 300 * KIB)));
    raw = encode(&e);
    assert_done(decode(NULL, buf_bytes(&raw)));
    buf_clear(&raw);
    assert_refused(entry_add_xattr(&e, bytes_of_text("b"), bytes_of(value, 300 * KIB)), ERR_FAILED,
                   NULL);
    e.xattrs.max = MIB;
    e.xattrs.len = e.xattr_count = 0;
    for (int i = 0; i < 2; i++)
        assert_done(entry_add_xattr(&e, bytes_of_text("b"), bytes_of(value, 300 * KIB)));
    raw = encode(&e);
    assert_refused(decode(NULL, buf_bytes(&raw)), ERR_CORRUPT, NULL);
    buf_clear(&raw);
    assert_refused(entry_add_xattr(&e, bytes_of_text(""), bytes_of(value, 1)), ERR_FAILED,
                   "an extended attribute's name of 0 bytes is not possible");
    e.xattrs.len = 0;
    assert_done(entry_add_xattr(&e, bytes_of(value, 255), bytes_of(value, 1)));
    assert_refused(entry_add_xattr(&e, bytes_of(value, 256), bytes_of(value, 1)), ERR_FAILED,
                   "an extended attribute's name of 256 bytes is not possible");
    free(value);
    entry_clear(&e);
}

static void more_metadata_than_an_entry_holds_is_not_encoded(void **state)
{
    struct entry e = entry_at(ENTRY_FIFO, "p");
    struct buf raw = {.max = 2 * ENTRY_LEN_MAX};

    (void)state;
    e.acl.max = 2 * ENTRY_LEN_MAX;
    assert_done(buf_reserve(&e.acl, ENTRY_LEN_MAX));
    memset(e.acl.data, 'x', ENTRY_LEN_MAX);
    e.acl.len = ENTRY_LEN_MAX;
    assert_refused(entry_encode(&e, &raw), ERR_FAILED,
                   "p: the metadata is longer than 2097152 bytes");
    assert_int_equal(raw.len, 0);
    buf_clear(&raw);
    entry_clear(&e);
}

/* A changed byte is refused, or is another value of the same field; it never breaks a promise. */
static enum err refused_or_within_limits(void *arg, struct bytes changed)
{
    struct entry e;
    struct buf again = {.max = 2 * ENTRY_LEN_MAX};
    enum err rc;

    (void)arg;
    entry_init(&e);
    rc = entry_decode(changed, &e);
    if (rc == ERR_OK) {
        assert_done(entry_encode(&e, &again));
        assert_true(bytes_equal(changed, buf_bytes(&again)));
        assert_int_equal(strlen(entry_path(&e)), e.path.len);
        rc = err_set(ERR_CORRUPT, "harmless");
    }
    assert_true(rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
    entry_clear(&e);
    buf_clear(&again);
    return rc;
}

static void every_changed_byte_is_refused_or_within_limits(void **state)
{
    struct entry e = full_entry();
    struct buf raw = encode(&e);

    (void)state;
    sweep_flips(buf_bytes(&raw), refused_or_within_limits, NULL);
    sweep_swaps(buf_bytes(&raw), 1, refused_or_within_limits, NULL);
    sweep_swaps(buf_bytes(&raw), 16, refused_or_within_limits, NULL);
    sweep_cuts(buf_bytes(&raw), decode, NULL);
    for (size_t len = 0; len < raw.len; len++) { /* cut, and saying so */
        be_put(raw.data, len, 4);
        if (decode(NULL, bytes_of(raw.data, len)) == ERR_OK)
            fail_msg("cut to %zu bytes it is taken", len);
    }
    buf_clear(&raw);
    entry_clear(&e);
}

static enum err decode_once(void *arg)
{
    return decode(NULL, *(struct bytes *)arg);
}

static void no_memory_is_said(void **state)
{
    struct entry e = full_entry();
    struct buf raw = encode(&e);
    struct bytes bytes = buf_bytes(&raw);

    (void)state;
    assert_true(sweep_allocations(decode_once, &bytes) >= 6);
    buf_clear(&raw);
    entry_clear(&e);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_of_an_entry_round_trips),
    cmocka_unit_test(what_was_there_before_does_not_show_through),
    cmocka_unit_test(xattrs_are_taken_in_their_order),
    cmocka_unit_test(blocks_are_counted_and_cut),
    cmocka_unit_test(larger_files_have_larger_blocks),
    cmocka_unit_test(a_range_in_a_hole_has_no_data),
    cmocka_unit_test(every_number_has_its_limits),
    cmocka_unit_test(what_cannot_be_is_refused),
    cmocka_unit_test(texts_have_their_limits),
    cmocka_unit_test(extended_attributes_have_their_limit),
    cmocka_unit_test(more_metadata_than_an_entry_holds_is_not_encoded),
    cmocka_unit_test(every_changed_byte_is_refused_or_within_limits),
    cmocka_unit_test(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

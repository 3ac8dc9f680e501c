#include "snapshot/read/block_reader.h"

#include "snapshot/format/codec.h"
#include "tests/unit/snapshot/handmade.h"

#define PACK_LEN (MIB + 100) /* one full segment and the beginning of the next */

static uint8_t content[PACK_LEN];
static uint8_t back[MIB];

/* A snapshot of one pack, and a reader of it. */
static void make_reading(void **state, struct handmade *h, struct block_reader **r)
{
    handmade_begin(state, h);
    fill_pattern(content, PACK_LEN, 1);
    add_pack(h, bytes_of(content, PACK_LEN));
    assert_done(block_reader_new(&h->opened, r));
}

static void end_reading(struct handmade *h, struct block_reader *r)
{
    block_reader_free(r);
    handmade_clear(h);
}

static void a_block_is_read_wherever_it_lies_in_its_object(void **state)
{
    static const struct {
        size_t offset, len;
    } rows[] = {{0, 1},        {0, MIB},          {PACK_LEN - 1, 1}, {PACK_LEN - MIB, MIB},
                {MIB - 1, 1},  {MIB, 1},          {MIB - 5, 10},     {MIB, PACK_LEN - MIB},
                {99, MIB - 2}, {MIB - 4096, 4096}};
    struct handmade h;
    struct block_reader *r = NULL;

    make_reading(state, &h, &r);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes plain = bytes_of(content + rows[i].offset, rows[i].len);
        struct block b = block_at(0, rows[i].offset, plain);
        size_t len = 0;

        memset(back, 0, sizeof back);
        assert_done(block_reader_read(r, &b, back, plain.len));
        assert_memory_equal(back, plain.data, plain.len);
        assert_done(block_reader_check(r, &b, &len));
        assert_int_equal(len, plain.len);
    }
    end_reading(&h, r);
}

static void a_block_that_ends_one_byte_behind_its_object_is_refused(void **state)
{
    static const struct {
        uint64_t offset;
        uint32_t len;
    } rows[] = {{PACK_LEN - 9, 10},        {PACK_LEN, 1},        {PACK_LEN + 1, 1},
                {PACK_LEN - MIB + 1, MIB}, {UINT64_MAX - 9, 10}, {UINT64_MAX, 1},
                {UINT64_MAX - 99, 200}};
    struct handmade h;
    struct block_reader *r = NULL;

    make_reading(state, &h, &r);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct block b = {.offset = rows[i].offset, .stored_len = rows[i].len, .codec = BLOCK_RAW};
        const char *message = block_message(1, rows[i].offset, "the index points behind its end");
        size_t len = 0;

        assert_refused(block_reader_read(r, &b, back, rows[i].len), ERR_CORRUPT, message);
        assert_refused(block_reader_check(r, &b, &len), ERR_CORRUPT, message);
    }
    end_reading(&h, r);
}

/* The index and the pack are both genuine, and do not belong together. */
static void a_block_whose_sha256_is_another_is_refused_and_the_next_is_read(void **state)
{
    struct handmade h;
    struct block_reader *r = NULL;
    struct block good;
    size_t len = 0;

    make_reading(state, &h, &r);
    good = block_at(0, 10, bytes_of(content + 10, 1000));
    for (size_t i = 0; i < HASH_LEN; i++) {
        struct block b = good;
        const char *message = block_message(1, 10, "the block's SHA-256 is not that of the index");

        b.sha256[i] ^= 1;
        assert_refused(block_reader_read(r, &b, back, 1000), ERR_CORRUPT, message);
        assert_refused(block_reader_check(r, &b, &len), ERR_CORRUPT, message);
        assert_done(block_reader_read(r, &good, back, 1000));
    }
    assert_memory_equal(back, content + 10, 1000);
    end_reading(&h, r);
}

static void a_raw_block_is_exactly_as_long_as_its_file_says(void **state)
{
    struct handmade h;
    struct block_reader *r = NULL;
    struct block b;

    make_reading(state, &h, &r);
    b = block_at(0, 0, bytes_of(content, 1000));
    assert_refused(block_reader_read(r, &b, back, 1001), ERR_CORRUPT,
                   block_message(1, 0, "a block gives 1000 bytes, not 1001"));
    assert_refused(block_reader_read(r, &b, back, 999), ERR_CORRUPT,
                   block_message(1, 0, "a block is longer than 999 bytes"));
    end_reading(&h, r);
}

static void a_compressed_block_is_exactly_as_long_as_its_file_says(void **state)
{
    struct handmade h;
    struct block_reader *r = NULL;
    struct codec *codec = NULL;
    struct block b = {.codec = BLOCK_ZSTD};
    struct bytes stored = {NULL, 0};
    size_t len = 0;

    handmade_begin(state, &h);
    memset(content, 'x', 1000);
    assert_done(codec_new(&codec));
    assert_done(codec_compress(codec, bytes_of(content, 1000), &stored, &b.codec));
    assert_int_equal(b.codec, BLOCK_ZSTD);
    b.stored_len = (uint32_t)stored.len;
    assert_done(hash_of(bytes_of(content, 1000), b.sha256));
    add_pack(&h, stored);
    assert_done(block_reader_new(&h.opened, &r));
    assert_done(block_reader_read(r, &b, back, 1000));
    assert_memory_equal(back, content, 1000);
    assert_done(block_reader_check(r, &b, &len));
    assert_int_equal(len, 1000);
    assert_refused(block_reader_read(r, &b, back, 1001), ERR_CORRUPT,
                   block_message(1, 0, "a block gives 1000 bytes, not 1001"));
    back[999] = 7;
    assert_refused(block_reader_read(r, &b, back, 999), ERR_CORRUPT, NULL);
    assert_int_equal(back[999], 7); /* not a byte more was written */
    codec_free(codec);
    end_reading(&h, r);
}

static void zeros_come_without_a_look_at_any_object(void **state)
{
    struct handmade h;
    struct block_reader *r = NULL;
    struct block b = {.codec = BLOCK_ZERO};

    make_reading(state, &h, &r);
    memset(back, 7, sizeof back);
    assert_done(block_reader_read(r, &b, back, MIB - 1));
    assert_true(bytes_are_zero(bytes_of(back, MIB - 1)));
    assert_int_equal(back[MIB - 1], 7);
    assert_int_equal(atomic_load(&h.faulty.count), 0);
    end_reading(&h, r);
}

/* ---- which object, which key ---- */

static void each_object_opens_with_the_key_of_its_own_scope(void **state)
{
    struct handmade h;
    struct block_reader *r = NULL;
    struct block b;

    handmade_begin(state, &h);
    add_key(&h, 0xb1);
    for (uint32_t i = 0; i < 4; i++) {
        memset(content, (int)i + 1, 100);
        assert_int_equal(add_pack_of_key(&h, i % 2, bytes_of(content, 100)), i);
    }
    assert_done(block_reader_new(&h.opened, &r));
    for (uint32_t i = 0; i < 4; i++) {
        memset(content, (int)i + 1, 100);
        b = block_at(i, 0, bytes_of(content, 100));
        assert_done(block_reader_read(r, &b, back, 100));
        assert_memory_equal(back, content, 100);
    }
    block_reader_free(r);
    /* The manifest gives the second pack to the first data key. */
    memset(h.opened.manifest.objects[1].scope, 0xb0, SEAL_ID_LEN);
    assert_done(block_reader_new(&h.opened, &r));
    b.object = 1;
    assert_refused(block_reader_read(r, &b, back, 100), ERR_CORRUPT, NULL);
    assert_non_null(strstr(err_text(), "scope id is b1b1b1"));
    end_reading(&h, r);
}

static void another_object_under_the_name_is_refused(void **state)
{
    struct handmade h;
    struct block_reader *r = NULL;
    struct block b;
    char other[OBJECT_NAME_LEN + 1];

    make_reading(state, &h, &r);
    add_pack(&h, bytes_of(content, PACK_LEN)); /* of the same key, size and content */
    object_name(h.opened.manifest.objects[1].id, other);
    h.faulty.other = other;
    set_fault(&h, FAULT_SWAP, 1, FAULTY_BLOB_OPEN);
    b = block_at(0, 0, bytes_of(content, 10));
    assert_refused(block_reader_read(r, &b, back, 10), ERR_CORRUPT, NULL);
    assert_non_null(strstr(err_text(), "object id is 02000000"));
    assert_done(block_reader_read(r, &b, back, 10)); /* nothing of it was kept open */
    assert_memory_equal(back, content, 10);
    end_reading(&h, r);
}

static unsigned long opens_for(struct handmade *h, struct block_reader *r, const uint32_t *objects,
                               size_t count)
{
    set_fault(h, FAULT_NONE, 0, FAULTY_BLOB_OPEN);
    for (size_t i = 0; i < count; i++) {
        uint8_t plain[100];
        struct block b;

        memset(plain, (int)objects[i] + 1, sizeof plain);
        b = block_at(objects[i], 0, bytes_of(plain, sizeof plain));
        assert_done(block_reader_read(r, &b, back, sizeof plain));
        assert_memory_equal(back, plain, sizeof plain);
    }
    return atomic_load(&h->faulty.count);
}

static void four_objects_stay_open_and_the_one_used_longest_ago_gives_way(void **state)
{
    static const uint32_t fresh[] = {0, 1, 2, 3};
    static const uint32_t again[] = {3, 0, 2, 1, 0, 3, 1, 2};
    static const uint32_t fifth[] = {4, 3, 1, 2, 4}; /* 0 was used longest ago */
    static const uint32_t back_again[] = {0};
    struct handmade h;
    struct block_reader *r = NULL;

    handmade_begin(state, &h);
    for (int i = 0; i < 5; i++) {
        memset(content, i + 1, 100);
        add_pack(&h, bytes_of(content, 100));
    }
    assert_done(block_reader_new(&h.opened, &r));
    assert_int_equal(opens_for(&h, r, fresh, 4), 4);
    assert_int_equal(opens_for(&h, r, again, 8), 0);
    assert_int_equal(opens_for(&h, r, fifth, 5), 1);
    assert_int_equal(opens_for(&h, r, back_again, 1), 1);
    end_reading(&h, r);
}

/* ---- a store that fails ---- */

static void a_store_that_fails_at_any_operation_says_so_and_can_be_asked_again(void **state)
{
    struct handmade h;
    struct block_reader *r = NULL;
    struct block b;
    bool came = true;

    handmade_begin(state, &h);
    fill_pattern(content, PACK_LEN, 1);
    add_pack(&h, bytes_of(content, PACK_LEN));
    b = block_at(0, MIB - 5, bytes_of(content + MIB - 5, 10)); /* of both segments */
    for (unsigned long nth = 1; came; nth++) {
        enum err rc;

        assert_done(block_reader_new(&h.opened, &r));
        set_fault(&h, FAULT_FAIL, nth, 0);
        rc = block_reader_read(r, &b, back, 10);
        came = atomic_load(&h.faulty.count) >= nth;
        assert_int_equal(rc, came ? ERR_STORAGE : ERR_OK);
        set_fault(&h, FAULT_NONE, 0, 0);
        assert_done(block_reader_read(r, &b, back, 10));
        assert_memory_equal(back, content + MIB - 5, 10);
        block_reader_free(r);
        assert_true(nth < 10);
    }
    handmade_clear(&h);
}

static enum err read_once(void *arg)
{
    struct handmade *h = arg;
    struct block b = block_at(0, 10, bytes_of(content + 10, 100));
    struct block_reader *r = NULL;
    size_t len = 0;
    enum err rc;

    TRY(block_reader_new(&h->opened, &r));
    TRY(block_reader_read(r, &b, back, 100));
    TRY(block_reader_check(r, &b, &len));
out:
    block_reader_free(r);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct handmade h;
    struct block_reader *r = NULL;

    make_reading(state, &h, &r);
    assert_true(sweep_allocations(read_once, &h) > 5);
    end_reading(&h, r);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_block_is_read_wherever_it_lies_in_its_object),
    IN_DIRECTORY(a_block_that_ends_one_byte_behind_its_object_is_refused),
    IN_DIRECTORY(a_block_whose_sha256_is_another_is_refused_and_the_next_is_read),
    IN_DIRECTORY(a_raw_block_is_exactly_as_long_as_its_file_says),
    IN_DIRECTORY(a_compressed_block_is_exactly_as_long_as_its_file_says),
    IN_DIRECTORY(zeros_come_without_a_look_at_any_object),
    IN_DIRECTORY(each_object_opens_with_the_key_of_its_own_scope),
    IN_DIRECTORY(another_object_under_the_name_is_refused),
    IN_DIRECTORY(four_objects_stay_open_and_the_one_used_longest_ago_gives_way),
    IN_DIRECTORY(a_store_that_fails_at_any_operation_says_so_and_can_be_asked_again),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/base/mem.h"
#include "tests/unit/core/seal/sealed.h"

#define START 170
#define FULL (MIB + 32)

static struct secret *key;

/* Read back through the reader and compare. */
static void check_content(struct sealed *s, struct bytes due)
{
    struct object_identity identity = sealed_identity();
    struct object_reader *r = NULL;
    struct buf back = {.max = SEALED_MAX};

    assert_done(object_reader_new(key, &identity, s->size, sealed_fetch, s, &r));
    assert_int_equal(object_reader_size(r), due.len);
    assert_done(buf_reserve(&back, due.len + 1));
    assert_done(object_reader_read(r, 0, back.data, due.len));
    assert_true(due.len == 0 || memcmp(back.data, due.data, due.len) == 0);
    buf_clear(&back);
    object_reader_free(r);
}

static void check_length(void *arg, size_t len)
{
    static const size_t pieces[] = {MIB, 4 * MIB, 300001};
    struct object_identity identity = sealed_identity();
    struct buf noise = sealed_noise(len);
    uint8_t digest[HASH_LEN];

    (void)arg;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct sealed s = sealed_make(key, &identity, buf_bytes(&noise), pieces[i]);

        assert_int_equal(s.bytes.len, object_sealed_size(len));
        assert_int_equal(s.size, s.bytes.len);
        assert_done(hash_of(buf_bytes(&s.bytes), digest));
        assert_memory_equal(s.digest, digest, HASH_LEN);
        check_content(&s, buf_bytes(&noise));
        buf_clear(&s.bytes);
    }
    buf_clear(&noise);
}

static void lengths_from_nothing_to_three_segments_and_one_come_back(void **state)
{
    (void)state;
    sweep_lengths(OBJECT_SEGMENT_LEN, check_length, NULL);
}

static void short_lengths_come_back_byte_by_byte(void **state)
{
    struct object_identity identity = sealed_identity();

    (void)state;
    for (size_t len = 0; len < 70; len++) {
        struct buf noise = sealed_noise(len);
        struct sealed s = sealed_make(key, &identity, buf_bytes(&noise), 1);

        check_content(&s, buf_bytes(&noise));
        buf_clear(&s.bytes);
        buf_clear(&noise);
    }
}

static void a_full_segment_waits_for_the_byte_after_it(void **state)
{
    struct object_identity identity = sealed_identity();
    struct buf noise = sealed_noise(MIB + 1);
    struct sealed s = {.bytes = {.max = SEALED_MAX}};
    struct object_writer *w = NULL;

    (void)state;
    assert_done(object_writer_new(key, &identity, sealed_sink, &s, &w));
    assert_int_equal(s.bytes.len, START);
    assert_done(object_writer_add(w, bytes_of(noise.data, MIB)));
    assert_done(object_writer_add(w, bytes_of(noise.data, 0)));
    assert_int_equal(s.bytes.len, START);
    assert_done(object_writer_add(w, bytes_of(noise.data + MIB, 1)));
    assert_int_equal(s.bytes.len, START + FULL);
    assert_int_equal(object_writer_offset(w), MIB + 1);
    assert_done(object_writer_finish(w, &s.size, s.digest));
    assert_int_equal(s.size, START + FULL + 33);
    object_writer_free(w);
    check_content(&s, buf_bytes(&noise));
    buf_clear(&s.bytes);
    buf_clear(&noise);
}

static void two_objects_of_the_same_bytes_share_no_sealed_byte_run(void **state)
{
    struct object_identity identity = sealed_identity();
    struct buf noise = sealed_noise(1000);
    struct sealed one = sealed_make(key, &identity, buf_bytes(&noise), 1000);
    struct sealed two = sealed_make(key, &identity, buf_bytes(&noise), 1000);

    (void)state;
    for (size_t i = OBJECT_HEADER_LEN + 10; i + 16 <= one.bytes.len; i++)
        if (i != START - 12) /* there the length field stands in both */
            assert_memory_not_equal(one.bytes.data + i, two.bytes.data + i, 16);
    assert_memory_not_equal(one.digest, two.digest, HASH_LEN);
    buf_clear(&one.bytes);
    buf_clear(&two.bytes);
    buf_clear(&noise);
}

/* The sink is full at the header, in the middle, at the last segment. */
static void a_failing_sink_stops_the_writer(void **state)
{
    static const size_t rooms[] = {START - 1, START + FULL - 1, START + FULL + FULL - 1};
    struct object_identity identity = sealed_identity();
    struct buf noise = sealed_noise(2 * MIB);

    (void)state;
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        struct sealed s = {.bytes = {.max = SEALED_MAX}, .cap = rooms[i]};
        struct object_writer *w = NULL;
        enum err rc;

        TRY(object_writer_new(key, &identity, sealed_sink, &s, &w));
        TRY(object_writer_add(w, buf_bytes(&noise)));
        TRY(object_writer_finish(w, &s.size, s.digest));
    out:
        assert_refused(rc, ERR_STORAGE, "object " SEALED_ID_TEXT ": no room");
        assert_int_equal(s.size, 0);
        object_writer_free(w);
        buf_clear(&s.bytes);
    }
    buf_clear(&noise);
}

static void a_key_of_another_length_is_refused(void **state)
{
    struct object_identity identity = sealed_identity();
    struct sealed s = {.bytes = {.max = SEALED_MAX}};
    struct secret *short_key = NULL;
    struct object_writer *w = NULL;

    (void)state;
    assert_done(secret_new(16, &short_key));
    assert_refused(object_writer_new(short_key, &identity, sealed_sink, &s, &w), ERR_CORRUPT,
                   "object " SEALED_ID_TEXT ": a key of 16 bytes where 32 are expected");
    assert_null(w);
    assert_int_equal(s.bytes.len, 0);
    secret_free(short_key);
}

static enum err swallow(void *arg, struct bytes sealed)
{
    (void)arg;
    (void)sealed;
    return ERR_OK;
}

static enum err write_one(void *arg)
{
    struct object_identity identity = sealed_identity();
    struct object_writer *w = NULL;
    uint8_t digest[HASH_LEN];
    uint64_t size = 0;
    enum err rc;

    (void)arg;
    TRY(object_writer_new(key, &identity, swallow, NULL, &w));
    TRY(object_writer_add(w, bytes_of_text("x")));
    TRY(object_writer_finish(w, &size, digest));
out:
    object_writer_free(w);
    return rc;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_allocations(write_one, NULL) > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_from_nothing_to_three_segments_and_one_come_back),
        cmocka_unit_test(short_lengths_come_back_byte_by_byte),
        cmocka_unit_test(a_full_segment_waits_for_the_byte_after_it),
        cmocka_unit_test(two_objects_of_the_same_bytes_share_no_sealed_byte_run),
        cmocka_unit_test(a_failing_sink_stops_the_writer),
        cmocka_unit_test(a_key_of_another_length_is_refused),
        cmocka_unit_test(any_allocation_may_fail),
    };
    int failed;

    key = sealed_key(1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    secret_free(key);
    return failed;
}

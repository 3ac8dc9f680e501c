#include "core/base/mem.h"
#include "tests/unit/core/seal/sealed.h"

#define START 170
#define FULL (MIB + 32)
#define OBJECT "object " SEALED_ID_TEXT ": "
#define TAG "tag does not match (wrong key or damaged data)"
#define LENGTH "the length field does not match (damaged data)"

static struct secret *key;
static struct buf noise; /* three segments and one byte */

static struct sealed make(size_t len)
{
    struct object_identity identity = sealed_identity();

    return sealed_make(key, &identity, bytes_of(noise.data, len), MIB);
}

static enum err take_up(struct sealed *s, uint64_t size, struct object_reader **r)
{
    struct object_identity identity = sealed_identity();

    return object_reader_new(key, &identity, size, sealed_fetch, s, r);
}

/* Reads all of it in one go. */
static enum err read_all(struct sealed *s, uint64_t size)
{
    struct object_reader *r = NULL;
    struct buf back = {.max = SEALED_MAX};
    enum err rc;

    TRY(take_up(s, size, &r));
    TRY(buf_reserve(&back, object_reader_size(r) + 1));
    TRY(object_reader_read(r, 0, back.data, object_reader_size(r)));
    assert_memory_equal(back.data, noise.data, object_reader_size(r));
out:
    buf_clear(&back);
    object_reader_free(r);
    return rc;
}

static void any_range_can_be_read(void **state)
{
    static const struct {
        uint64_t offset;
        size_t len;
    } ranges[] = {
        {0, 1},       {MIB - 1, 1},           {MIB, 1},       {MIB - 1, 2},
        {3 * MIB, 1}, {3 * MIB + 1, 0},       {0, 0},         {5, 2 * MIB},
        {MIB / 2, 9}, {MIB - 7, 2 * MIB + 8}, {2 * MIB, MIB}, {17, 100},
    };
    struct sealed s = make(3 * MIB + 1);
    struct object_reader *r = NULL;
    struct buf back = sealed_noise(noise.len);

    (void)state;
    assert_done(take_up(&s, s.size, &r));
    assert_int_equal(object_reader_size(r), 3 * MIB + 1);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        memset(back.data, 0, back.len);
        assert_done(object_reader_read(r, ranges[i].offset, back.data, ranges[i].len));
        assert_memory_equal(back.data, noise.data + ranges[i].offset, ranges[i].len);
        assert_true(bytes_are_zero(bytes_of(back.data + ranges[i].len, 100)));
    }
    object_reader_free(r);
    buf_clear(&back);
    buf_clear(&s.bytes);
}

static void reading_forward_fetches_each_segment_once(void **state)
{
    struct sealed s = make(3 * MIB + 1);
    struct object_reader *r = NULL;
    uint8_t piece[64 * 1024];

    (void)state;
    assert_done(take_up(&s, s.size, &r));
    for (uint64_t offset = 0; offset + sizeof piece <= 3 * MIB; offset += sizeof piece / 2)
        assert_done(object_reader_read(r, offset, piece, sizeof piece));
    assert_int_equal(s.fetches, 1 + 3); /* the start of the object, three segments */
    object_reader_free(r);
    buf_clear(&s.bytes);
}

static void a_range_that_reaches_beyond_the_end_is_refused(void **state)
{
    struct sealed s = make(100);
    struct object_reader *r = NULL;
    uint8_t to[101];

    (void)state;
    assert_done(take_up(&s, s.size, &r));
    assert_refused(object_reader_read(r, 0, to, 101), ERR_CORRUPT,
                   OBJECT "101 bytes at 0 are wanted, and it holds 100");
    assert_refused(object_reader_read(r, 100, to, 1), ERR_CORRUPT,
                   OBJECT "1 bytes at 100 are wanted, and it holds 100");
    assert_refused(object_reader_read(r, UINT64_MAX, to, 2), ERR_CORRUPT,
                   OBJECT "2 bytes at 18446744073709551615 are wanted, and it holds 100");
    assert_done(object_reader_read(r, 0, to, 100));
    object_reader_free(r);
    buf_clear(&s.bytes);
}

static void a_dropped_final_segment_is_refused(void **state)
{
    struct sealed s = make(MIB + 1);

    (void)state;
    s.bytes.len = START + FULL;
    assert_refused(read_all(&s, s.size), ERR_CORRUPT, OBJECT "is shorter than it should be");
    /* Even if the signed size said so. */
    assert_refused(read_all(&s, START + FULL), ERR_CORRUPT, OBJECT "segment 0: " LENGTH);
    be_put(s.bytes.data + START, FULL, 4);
    assert_refused(read_all(&s, START + FULL), ERR_CORRUPT, OBJECT "segment 0: " TAG);
    buf_clear(&s.bytes);
}

static void an_added_segment_is_refused(void **state)
{
    struct sealed s = make(MIB);

    (void)state;
    assert_done(buf_reserve(&s.bytes, FULL));
    assert_done(buf_add(&s.bytes, bytes_of(s.bytes.data + START, FULL)));
    assert_done(read_all(&s, s.size)); /* beyond the signed size nobody looks */
    assert_refused(read_all(&s, s.bytes.len), ERR_CORRUPT, OBJECT "segment 0: " LENGTH);
    be_put(s.bytes.data + START, UINT32_MAX, 4);
    assert_refused(read_all(&s, s.bytes.len), ERR_CORRUPT, OBJECT "segment 0: " TAG);
    buf_clear(&s.bytes);
}

static void segments_that_trade_places_are_refused(void **state)
{
    struct sealed s = make(3 * MIB);
    struct buf kept = {.max = SEALED_MAX};
    struct object_reader *r = NULL;
    uint8_t byte = 0;

    (void)state;
    assert_done(buf_add(&kept, bytes_of(s.bytes.data + START, FULL)));
    memcpy(s.bytes.data + START, s.bytes.data + START + FULL, FULL);
    memcpy(s.bytes.data + START + FULL, kept.data, FULL);
    assert_done(take_up(&s, s.size, &r));
    assert_refused(object_reader_read(r, 0, &byte, 1), ERR_CORRUPT, OBJECT "segment 0: " TAG);
    assert_refused(object_reader_read(r, MIB, &byte, 1), ERR_CORRUPT, OBJECT "segment 1: " TAG);
    assert_int_equal(byte, 0);
    assert_done(object_reader_read(r, 2 * MIB, &byte, 1));
    assert_int_equal(byte, noise.data[2 * MIB]);
    object_reader_free(r);
    buf_clear(&kept);
    buf_clear(&s.bytes);
}

static void a_segment_of_another_object_is_refused(void **state)
{
    struct sealed s = make(2 * MIB);
    struct sealed other = make(2 * MIB); /* same key, identity, position and plaintext */

    (void)state;
    memcpy(s.bytes.data + START + FULL, other.bytes.data + START + FULL, FULL);
    assert_refused(read_all(&s, s.size), ERR_CORRUPT, OBJECT "segment 1: " TAG);
    assert_done(read_all(&other, other.size));
    buf_clear(&other.bytes);
    buf_clear(&s.bytes);
}

static void another_object_under_this_name_is_refused(void **state)
{
    struct object_identity other = sealed_identity();
    struct object_reader *r = NULL;
    struct sealed s;

    (void)state;
    other.id[0] = 0xc4;
    s = sealed_make(key, &other, bytes_of(noise.data, 10), 10);
    assert_refused(take_up(&s, s.size, &r), ERR_CORRUPT,
                   OBJECT "object id is c4c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3, not " SEALED_ID_TEXT
                          " (another object's bytes, or damaged)");
    /* Its header doctored to say what is due: the tag binds all of it. */
    s.bytes.data[40] = 0xc3;
    assert_refused(take_up(&s, s.size, &r), ERR_CORRUPT,
                   OBJECT "the header's tag does not match (wrong key or damaged data)");
    assert_null(r);
    buf_clear(&s.bytes);
}

static void a_wrong_key_is_refused(void **state)
{
    struct object_identity identity = sealed_identity();
    struct secret *other = sealed_key(2);
    struct object_reader *r = NULL;
    struct sealed s = make(10);

    (void)state;
    assert_refused(object_reader_new(other, &identity, s.size, sealed_fetch, &s, &r), ERR_CORRUPT,
                   OBJECT "the header's tag does not match (wrong key or damaged data)");
    assert_null(r);
    secret_free(other);
    buf_clear(&s.bytes);
}

static void a_size_that_no_object_has_is_refused_before_anything_is_fetched(void **state)
{
    struct object_reader *r = NULL;
    struct sealed s = make(10);

    (void)state;
    assert_refused(take_up(&s, 100, &r), ERR_CORRUPT,
                   OBJECT "100 bytes are too few for a sealed object");
    assert_refused(take_up(&s, START + FULL + 1, &r), ERR_CORRUPT,
                   OBJECT "no sealed object has 1048779 bytes");
    assert_int_equal(s.fetches, 0);
    buf_clear(&s.bytes);
}

static enum err read_changed(void *arg, struct bytes changed)
{
    struct sealed s = {.bytes = {.max = SEALED_MAX}};
    enum err rc;

    (void)arg;
    assert_done(buf_add(&s.bytes, changed));
    rc = read_all(&s, changed.len);
    assert_true(rc == ERR_OK || rc == ERR_CORRUPT);
    buf_clear(&s.bytes);
    return rc;
}

static void every_byte_flipped_cut_or_swapped_is_refused(void **state)
{
    struct sealed s = make(40);
    struct sealed nothing = make(0);

    (void)state;
    sweep_changes(buf_bytes(&s.bytes), read_changed, NULL);
    sweep_changes(buf_bytes(&nothing.bytes), read_changed, NULL);
    buf_clear(&nothing.bytes);
    buf_clear(&s.bytes);
}

static void a_damaged_segment_gives_nothing_and_harms_no_other(void **state)
{
    static const size_t places[] = {0, 3, 4, 15, 16, 500000, FULL - 17, FULL - 16, FULL - 1};
    static const uint8_t untouched[16] = {0};
    struct sealed s = make(3 * MIB);
    struct object_reader *r = NULL;
    uint8_t to[16] = {0};

    (void)state;
    assert_done(take_up(&s, s.size, &r));
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        uint8_t *data = s.bytes.data + START + FULL + places[i];

        *data ^= 0x10;
        assert_refused(object_reader_read(r, MIB, to, sizeof to), ERR_CORRUPT,
                       places[i] < 4 ? OBJECT "segment 1: " LENGTH : OBJECT "segment 1: " TAG);
        assert_memory_equal(to, untouched, sizeof to);
        /* The one held before is not taken for still being there. */
        assert_done(object_reader_read(r, 0, to, sizeof to));
        assert_memory_equal(to, noise.data, sizeof to);
        assert_done(object_reader_read(r, 2 * MIB, to, sizeof to));
        assert_memory_equal(to, noise.data + 2 * MIB, sizeof to);
        *data ^= 0x10;
        assert_done(object_reader_read(r, MIB + 5, to, sizeof to));
        assert_memory_equal(to, noise.data + MIB + 5, sizeof to);
        assert_done(object_reader_read(r, 0, to, sizeof to));
        memset(to, 0, sizeof to);
    }
    object_reader_free(r);
    buf_clear(&s.bytes);
}

static enum err read_one(void *sealed)
{
    struct sealed *s = sealed;
    struct object_reader *r = NULL;
    uint8_t to[10];
    enum err rc;

    TRY(take_up(s, s->size, &r));
    TRY(object_reader_read(r, 0, to, sizeof to));
out:
    object_reader_free(r);
    return rc;
}

static void any_allocation_may_fail(void **state)
{
    struct sealed s = make(10);

    (void)state;
    assert_true(sweep_allocations(read_one, &s) > 4);
    buf_clear(&s.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_range_can_be_read),
        cmocka_unit_test(reading_forward_fetches_each_segment_once),
        cmocka_unit_test(a_range_that_reaches_beyond_the_end_is_refused),
        cmocka_unit_test(a_dropped_final_segment_is_refused),
        cmocka_unit_test(an_added_segment_is_refused),
        cmocka_unit_test(segments_that_trade_places_are_refused),
        cmocka_unit_test(a_segment_of_another_object_is_refused),
        cmocka_unit_test(another_object_under_this_name_is_refused),
        cmocka_unit_test(a_wrong_key_is_refused),
        cmocka_unit_test(a_size_that_no_object_has_is_refused_before_anything_is_fetched),
        cmocka_unit_test(every_byte_flipped_cut_or_swapped_is_refused),
        cmocka_unit_test(a_damaged_segment_gives_nothing_and_harms_no_other),
        cmocka_unit_test(any_allocation_may_fail),
    };
    int failed;

    key = sealed_key(1);
    noise = sealed_noise(3 * MIB + 1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_clear(&noise);
    secret_free(key);
    return failed;
}

#include "core/seal/object.h"

#include <string.h>

#include "core/base/mem.h"
#include "tests/unit/core/seal/sealed.h"

#define START 170 /* 96 bytes of header, 74 of FLOE's */
#define FULL (MIB + 32)
#define SHORT_TEXT "a data key, say"

static struct secret *key;

/* ---- sizes ---- */

static void sizes_are_those_of_the_format(void **state)
{
    static const struct {
        uint64_t plain, sealed;
    } sizes[] = {
        {0, START + 32},
        {1, START + 33},
        {MIB - 1, START + FULL - 1},
        {MIB, START + FULL},
        {MIB + 1, START + FULL + 33},
        {2 * MIB, START + 2 * FULL},
        {(uint64_t)MIB << 20, START + ((uint64_t)FULL << 20)},
    };
    uint64_t plain = 0;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(object_sealed_size(sizes[i].plain), sizes[i].sealed);
        assert_done(object_plain_size(sizes[i].sealed, &plain));
        assert_int_equal(plain, sizes[i].plain);
    }
}

/* Around every edge: a sealed size is taken exactly when some plaintext has it. */
static void a_size_that_no_object_has_is_refused(void **state)
{
    (void)state;
    for (uint64_t edge = 0; edge <= 3; edge++)
        for (uint64_t sealed = edge * FULL; sealed <= edge * FULL + START + 100; sealed++) {
            uint64_t plain = 0;

            if (object_plain_size(sealed, &plain) == ERR_OK) {
                assert_int_equal(object_sealed_size(plain), sealed);
                continue;
            }
            for (plain = edge > 0 ? (edge - 1) * MIB : 0; plain <= edge * MIB + 300;)
                if (plain % MIB > 400 && plain % MIB < MIB - 400)
                    plain = (plain / MIB + 1) * MIB - 400;
                else
                    assert_int_not_equal(object_sealed_size(plain++), sealed);
        }
}

static void a_refused_size_is_named(void **state)
{
    uint64_t plain = 0;

    (void)state;
    assert_refused(object_plain_size(0, &plain), ERR_CORRUPT,
                   "0 bytes are too few for a sealed object");
    assert_refused(object_plain_size(START + 31, &plain), ERR_CORRUPT,
                   "201 bytes are too few for a sealed object");
    assert_refused(object_plain_size(START + FULL + 32, &plain), ERR_CORRUPT,
                   "no sealed object has 1048810 bytes");
    assert_refused(object_plain_size(START + ((uint64_t)FULL << 20) + 33, &plain), ERR_CORRUPT,
                   "1099545182411 bytes are too many for a sealed object");
    assert_refused(object_plain_size(UINT64_MAX, &plain), ERR_CORRUPT,
                   "18446744073709551615 bytes are too many for a sealed object");
    assert_int_equal(plain, 0);
}

static void the_name_starts_with_the_directory_of_its_first_two_digits(void **state)
{
    uint8_t id[SEAL_ID_LEN] = {0xab, 0x01, [15] = 0xff};
    char name[OBJECT_NAME_LEN + 1];

    (void)state;
    object_name(id, name);
    assert_string_equal(name, "data/ab/ab0100000000000000000000000000ff");
}

/* ---- small things in one go ---- */

static struct buf seal_text(const char *text)
{
    struct object_identity identity = sealed_identity();
    struct buf to = {.max = SEALED_MAX};

    assert_done(object_seal(key, &identity, bytes_of_text(text), &to));
    return to;
}

static enum err open_as(struct bytes sealed, const struct object_identity *identity)
{
    struct secret *plain = NULL;
    enum err rc = object_open(key, identity, sealed, &plain);

    if (rc != ERR_OK)
        assert_null(plain);
    secret_free(plain);
    return rc;
}

static void what_was_sealed_in_one_go_comes_back(void **state)
{
    struct object_identity identity = sealed_identity();
    struct buf noise = sealed_noise(SECRET_LEN_MAX);
    struct buf sealed = {.max = SEALED_MAX};

    (void)state;
    for (size_t len = 1; len <= noise.len; len += len < 70 ? 1 : 61) {
        struct secret *plain = NULL;

        sealed.len = 0;
        assert_done(object_seal(key, &identity, bytes_of(noise.data, len), &sealed));
        assert_int_equal(sealed.len, object_sealed_size(len));
        assert_done(object_open(key, &identity, buf_bytes(&sealed), &plain));
        assert_true(bytes_equal(secret_bytes(plain), bytes_of(noise.data, len)));
        secret_free(plain);
    }
    buf_clear(&sealed);
    buf_clear(&noise);
}

static void sealing_adds_behind_what_the_buffer_holds(void **state)
{
    struct object_identity identity = sealed_identity();
    struct buf to = {.max = SEALED_MAX};

    (void)state;
    assert_done(buf_add_text(&to, "before"));
    assert_done(object_seal(key, &identity, bytes_of_text(SHORT_TEXT), &to));
    assert_memory_equal(to.data, "before", 6);
    assert_done(open_as(bytes_of(to.data + 6, to.len - 6), &identity));
    buf_clear(&to);
}

static void two_seals_of_the_same_bytes_have_no_block_in_common(void **state)
{
    struct buf one = seal_text(SHORT_TEXT);
    struct buf two = seal_text(SHORT_TEXT);

    (void)state;
    assert_memory_equal(one.data, two.data, 64); /* magic to ordinal */
    for (size_t i = 0; i + 16 <= one.len; i++)
        for (size_t j = OBJECT_HEADER_LEN + 10; j + 16 <= two.len; j++)
            assert_memory_not_equal(one.data + i, two.data + j, 16);
    assert_memory_not_equal(one.data + 64, two.data + 64, 16); /* the hedge */
    buf_clear(&two);
    buf_clear(&one);
}

static enum err is_corrupt(void *arg, struct bytes changed)
{
    struct object_identity identity = sealed_identity();
    enum err rc = open_as(changed, &identity);

    (void)arg;
    assert_true(rc == ERR_OK || rc == ERR_CORRUPT);
    return rc;
}

static void every_byte_flipped_cut_or_swapped_is_refused(void **state)
{
    struct buf sealed = seal_text(SHORT_TEXT);

    (void)state;
    sweep_changes(buf_bytes(&sealed), is_corrupt, NULL);
    buf_clear(&sealed);
}

static void a_wrong_key_is_refused(void **state)
{
    struct object_identity identity = sealed_identity();
    struct buf sealed = seal_text(SHORT_TEXT);
    struct secret *other = sealed_key(2);
    struct secret *plain = NULL;

    (void)state;
    assert_refused(object_open(other, &identity, buf_bytes(&sealed), &plain), ERR_CORRUPT,
                   "object " SEALED_ID_TEXT
                   ": the header's tag does not match (wrong key or damaged data)");
    assert_null(plain);
    secret_free(other);
    buf_clear(&sealed);
}

/* Sealed under the same key, whole, and for something else. */
static void another_object_is_refused(void **state)
{
    struct buf sealed = seal_text(SHORT_TEXT);
    struct object_identity due = sealed_identity();

    (void)state;
    due.type = OBJECT_KEY_WRAP;
    assert_refused(open_as(buf_bytes(&sealed), &due), ERR_CORRUPT,
                   "object " SEALED_ID_TEXT
                   ": type is 1, not 4 (another object's bytes, or damaged)");
    due = sealed_identity();
    due.ordinal = 8;
    assert_refused(open_as(buf_bytes(&sealed), &due), ERR_CORRUPT,
                   "object " SEALED_ID_TEXT
                   ": ordinal is 7, not 8 (another object's bytes, or damaged)");
    buf_clear(&sealed);
}

static void what_cannot_be_key_material_is_refused(void **state)
{
    struct object_identity identity = sealed_identity();
    struct buf noise = sealed_noise(MIB + 1);
    struct buf sealed = {.max = SEALED_MAX};

    (void)state;
    assert_done(object_seal(key, &identity, bytes_of(noise.data, 0), &sealed));
    assert_refused(open_as(buf_bytes(&sealed), &identity), ERR_CORRUPT,
                   "object " SEALED_ID_TEXT ": 0 bytes cannot be key material");
    sealed.len = 0;
    assert_done(object_seal(key, &identity, bytes_of(noise.data, SECRET_LEN_MAX + 1), &sealed));
    assert_refused(open_as(buf_bytes(&sealed), &identity), ERR_CORRUPT,
                   "object " SEALED_ID_TEXT ": 4097 bytes cannot be key material");
    assert_refused(object_seal(key, &identity, buf_bytes(&noise), &sealed), ERR_FAILED,
                   "object " SEALED_ID_TEXT ": 1048577 bytes are more than one segment holds");
    buf_clear(&sealed);
    buf_clear(&noise);
}

static enum err seal_and_open(void *arg)
{
    struct object_identity identity = sealed_identity();
    struct buf sealed = {.max = SEALED_MAX};
    struct secret *plain = NULL;
    enum err rc;

    (void)arg;
    TRY(object_seal(key, &identity, bytes_of_text(SHORT_TEXT), &sealed));
    TRY(object_open(key, &identity, buf_bytes(&sealed), &plain));
out:
    secret_free(plain);
    buf_clear(&sealed);
    return rc;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_allocations(seal_and_open, NULL) > 5);
}

static void a_whole_segment_is_sealed_in_one_go(void **state)
{
    struct object_identity identity = sealed_identity();
    struct buf noise = sealed_noise(MIB);
    struct buf sealed = {.max = SEALED_MAX};

    (void)state;
    assert_done(object_seal(key, &identity, buf_bytes(&noise), &sealed));
    assert_int_equal(sealed.len, START + FULL);
    buf_clear(&sealed);
    buf_clear(&noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_the_format),
        cmocka_unit_test(a_size_that_no_object_has_is_refused),
        cmocka_unit_test(a_refused_size_is_named),
        cmocka_unit_test(the_name_starts_with_the_directory_of_its_first_two_digits),
        cmocka_unit_test(what_was_sealed_in_one_go_comes_back),
        cmocka_unit_test(sealing_adds_behind_what_the_buffer_holds),
        cmocka_unit_test(two_seals_of_the_same_bytes_have_no_block_in_common),
        cmocka_unit_test(every_byte_flipped_cut_or_swapped_is_refused),
        cmocka_unit_test(a_wrong_key_is_refused),
        cmocka_unit_test(another_object_is_refused),
        cmocka_unit_test(what_cannot_be_key_material_is_refused),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(a_whole_segment_is_sealed_in_one_go),
    };
    int failed;

    key = sealed_key(1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    secret_free(key);
    return failed;
}

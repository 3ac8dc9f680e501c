#include "snapshot/format/codec.h"

#include <zstd.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/rand.h"
#include "tests/unit/helpers.h"

static struct codec *new_codec(void)
{
    struct codec *c = NULL;

    assert_done(codec_new(&c));
    return c;
}

/* Text-like bytes: few values, much repetition. */
static uint8_t *make_plain(size_t len)
{
    uint8_t *plain = malloc(len > 0 ? len : 1);

    assert_non_null(plain);
    for (size_t i = 0; i < len; i++)
        plain[i] = (uint8_t)('a' + i / 7 % 13);
    return plain;
}

static void round_trip(struct codec *c, struct bytes plain, enum block_codec want)
{
    struct bytes stored = {NULL, 0};
    enum block_codec which = BLOCK_ZERO;
    uint8_t *kept;
    uint8_t *back = malloc(BLOCK_LEN_MAX);
    size_t len = 0;

    assert_non_null(back);
    assert_done(codec_compress(c, plain, &stored, &which));
    assert_int_equal(which, want);
    if (which == BLOCK_RAW)
        assert_ptr_equal(stored.data, plain.data);
    else
        assert_true(stored.len < plain.len);
    kept = malloc(stored.len);
    assert_non_null(kept);
    memcpy(kept, stored.data, stored.len);
    stored.data = kept;
    assert_done(codec_decompress(c, which, stored, back, plain.len));
    assert_memory_equal(back, plain.data, plain.len);
    memset(back, 0, plain.len);
    assert_done(codec_decompress_any(c, which, stored, back, &len));
    assert_int_equal(len, plain.len);
    assert_memory_equal(back, plain.data, plain.len);
    assert_refused(codec_decompress(c, which, stored, back, plain.len - 1), ERR_CORRUPT, NULL);
    if (plain.len < BLOCK_LEN_MAX)
        assert_refused(codec_decompress(c, which, stored, back, plain.len + 1), ERR_CORRUPT, NULL);
    free(kept);
    free(back);
}

static void every_length_class_round_trips(void **state)
{
    static const size_t lengths[] = {300, 4095, 4096, 65535, 65536, 262144, MIB - 1, MIB};
    struct codec *c = new_codec();

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t *plain = make_plain(lengths[i]);

        round_trip(c, bytes_of(plain, lengths[i]), BLOCK_ZSTD);
        free(plain);
    }
    codec_free(c);
}

static void what_does_not_shrink_is_stored_as_it_is(void **state)
{
    static const size_t lengths[] = {1, 2, 15, 64, 4096, 65536, MIB};
    struct codec *c = new_codec();
    uint8_t *plain = malloc(MIB);

    (void)state;
    assert_non_null(plain);
    fill_pattern(plain, MIB, 7);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        round_trip(c, bytes_of(plain, lengths[i]), BLOCK_RAW);
    free(plain);
    codec_free(c);
}

static void after_dense_blocks_all_still_round_trips(void **state)
{
    struct codec *c = new_codec();
    uint8_t *dense = malloc(65536);
    uint8_t *plain = make_plain(65536);

    (void)state;
    assert_non_null(dense);
    fill_pattern(dense, 65536, 3);
    memset(dense, 'x', 65536 / 5); /* shrinks a little: dense, and still worth it */
    for (int i = 0; i < 3; i++) {
        round_trip(c, bytes_of(dense, 65536), BLOCK_ZSTD);
        round_trip(c, bytes_of(dense, 65536), BLOCK_ZSTD);
        round_trip(c, bytes_of(plain, 65536), BLOCK_ZSTD);
    }
    free(dense);
    free(plain);
    codec_free(c);
}

static void zeros_come_from_nothing(void **state)
{
    struct codec *c = new_codec();
    uint8_t to[100];

    (void)state;
    memset(to, 1, sizeof to);
    assert_done(codec_decompress(c, BLOCK_ZERO, bytes_of(NULL, 0), to, sizeof to));
    assert_true(bytes_are_zero(bytes_of(to, sizeof to)));
    codec_free(c);
}

static enum err decompress_changed(void *arg, struct bytes changed)
{
    static uint8_t to[BLOCK_LEN_MAX];
    size_t len = 0;
    enum err rc = codec_decompress_any(arg, BLOCK_ZSTD, changed, to, &len);

    if (rc == ERR_OK) {
        assert_true(len <= BLOCK_LEN_MAX);
        return err_set(ERR_CORRUPT, "another block: its digest tells");
    }
    assert_int_equal(rc, ERR_CORRUPT);
    return rc;
}

static enum err decompress_cut(void *arg, struct bytes changed)
{
    static uint8_t to[300];

    return codec_decompress(arg, BLOCK_ZSTD, changed, to, sizeof to);
}

static void a_hostile_frame_is_refused_or_bounded(void **state)
{
    struct codec *c = new_codec();
    uint8_t *plain = make_plain(300);
    struct bytes stored = {NULL, 0};
    enum block_codec which = BLOCK_RAW;
    uint8_t frame[300];

    (void)state;
    assert_done(codec_compress(c, bytes_of(plain, 300), &stored, &which));
    assert_int_equal(which, BLOCK_ZSTD);
    memcpy(frame, stored.data, stored.len);
    sweep_flips(bytes_of(frame, stored.len), decompress_changed, c);
    sweep_swaps(bytes_of(frame, stored.len), 1, decompress_changed, c);
    sweep_cuts(bytes_of(frame, stored.len), decompress_cut, c);
    free(plain);
    codec_free(c);
}

static void a_frame_that_grows_beyond_a_block_is_refused(void **state)
{
    struct codec *c = new_codec();
    uint8_t frame[KIB];
    size_t frame_len;
    uint8_t *to = malloc(BLOCK_LEN_MAX);
    uint8_t *plain = calloc(1, BLOCK_LEN_MAX + 1);
    size_t len = 0;

    (void)state;
    assert_non_null(to);
    assert_non_null(plain);
    frame_len = ZSTD_compress(frame, sizeof frame, plain, BLOCK_LEN_MAX + 1, 1);
    assert_false(ZSTD_isError(frame_len));
    assert_refused(codec_decompress_any(c, BLOCK_ZSTD, bytes_of(frame, frame_len), to, &len),
                   ERR_CORRUPT, NULL);
    assert_refused(codec_decompress(c, BLOCK_ZSTD, bytes_of(frame, frame_len), to, 1), ERR_CORRUPT,
                   NULL);
    free(to);
    free(plain);
    codec_free(c);
}

/* zstd itself would decompress both, one behind the other. */
static void a_block_is_one_frame_and_nothing_behind_it(void **state)
{
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
    struct codec *c = new_codec();
    uint8_t *plain = make_plain(300);
    struct bytes stored = {NULL, 0};
    enum block_codec which = BLOCK_RAW;
    uint8_t frame[600];
    uint8_t to[300];

    (void)state;
    assert_done(codec_compress(c, bytes_of(plain, 300), &stored, &which));
    assert_int_equal(which, BLOCK_ZSTD);
    memcpy(frame, stored.data, stored.len);
    memcpy(frame + stored.len, skippable, sizeof skippable);
    assert_done(codec_decompress(c, which, bytes_of(frame, stored.len), to, 300));
    assert_refused(
        codec_decompress(c, which, bytes_of(frame, stored.len + sizeof skippable), to, 300),
        ERR_CORRUPT, "a block does not decompress: it is not one zstd frame");
    free(plain);
    codec_free(c);
}

static void a_raw_block_is_never_longer_than_a_block(void **state)
{
    struct codec *c = new_codec();
    uint8_t *plain = calloc(1, BLOCK_LEN_MAX + 1);
    uint8_t *to = malloc(BLOCK_LEN_MAX);
    size_t len = 0;

    (void)state;
    assert_non_null(to);
    assert_non_null(plain);
    assert_refused(codec_decompress_any(c, BLOCK_RAW, bytes_of(plain, BLOCK_LEN_MAX + 1), to, &len),
                   ERR_CORRUPT, "a block is longer than 1048576 bytes");
    free(plain);
    free(to);
    codec_free(c);
}

/* Of the index: also what does not shrink. */
static void a_frame_is_always_zstd(void **state)
{
    static const size_t lengths[] = {1, 48, 256 * KIB, BLOCK_LEN_MAX};
    struct codec *c = new_codec();
    uint8_t *back = malloc(BLOCK_LEN_MAX);
    struct bytes stored = {NULL, 0};

    (void)state;
    assert_non_null(back);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (int noise = 0; noise < 2; noise++) {
            uint8_t *plain = make_plain(lengths[i]);

            if (noise != 0)
                assert_done(rand_fill(plain, lengths[i]));
            assert_done(codec_compress_frame(c, bytes_of(plain, lengths[i]), &stored));
            assert_true(stored.len <= lengths[i] + 4 * KIB);
            assert_done(codec_decompress(c, BLOCK_ZSTD, stored, back, lengths[i]));
            assert_memory_equal(back, plain, lengths[i]);
            free(plain);
        }
    free(back);
    codec_free(c);
}

static enum err use_all(void *arg)
{
    struct codec *c = NULL;
    enum err rc;

    (void)arg;
    TRY(codec_new(&c));
out:
    codec_free(c);
    return rc;
}

static void no_memory_is_said(void **state)
{
    (void)state;
    assert_int_equal(sweep_allocations(use_all, NULL), 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_length_class_round_trips),
    cmocka_unit_test(what_does_not_shrink_is_stored_as_it_is),
    cmocka_unit_test(after_dense_blocks_all_still_round_trips),
    cmocka_unit_test(zeros_come_from_nothing),
    cmocka_unit_test(a_hostile_frame_is_refused_or_bounded),
    cmocka_unit_test(a_frame_that_grows_beyond_a_block_is_refused),
    cmocka_unit_test(a_block_is_one_frame_and_nothing_behind_it),
    cmocka_unit_test(a_raw_block_is_never_longer_than_a_block),
    cmocka_unit_test(a_frame_is_always_zstd),
    cmocka_unit_test(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

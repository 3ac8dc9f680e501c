#include "snapshot/format/codec.h"

#include <zstd.h>

#include <stdlib.h>
#include <string.h>

#include "tests/unit/helpers.h"

static enum err collect(void *arg, struct bytes piece)
{
    return buf_add(arg, piece);
}

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
    struct codec_stream *s = NULL;
    struct buf frame = {.max = MIB};
    uint8_t *to = malloc(BLOCK_LEN_MAX);
    uint8_t *plain = calloc(1, BLOCK_LEN_MAX);
    size_t len = 0;

    (void)state;
    assert_non_null(to);
    assert_non_null(plain);
    assert_done(codec_deflate_new(collect, &frame, &s));
    assert_done(codec_stream_add(s, bytes_of(plain, BLOCK_LEN_MAX)));
    assert_done(codec_stream_add(s, bytes_of(plain, 1)));
    assert_done(codec_stream_end(s));
    assert_refused(codec_decompress_any(c, BLOCK_ZSTD, buf_bytes(&frame), to, &len), ERR_CORRUPT,
                   NULL);
    assert_refused(codec_decompress(c, BLOCK_ZSTD, buf_bytes(&frame), to, 1), ERR_CORRUPT, NULL);
    codec_stream_free(s);
    buf_clear(&frame);
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

/* A few bytes that ask for 16 MiB of memory. */
static void a_stream_that_asks_for_a_larger_window_than_ours_is_refused(void **state)
{
    for (int log = 23; log <= 24; log++) {
        ZSTD_CCtx *ctx = ZSTD_createCCtx();
        uint8_t frame[1024];
        ZSTD_inBuffer in = {.src = "hello", .size = 5};
        ZSTD_outBuffer out = {.dst = frame, .size = sizeof frame};
        struct codec_stream *s = NULL;
        struct buf to = {.max = MIB};
        enum err rc;

        (void)state;
        assert_non_null(ctx);
        assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, log)));
        /* Its size is not known when it begins, or it would be the window. */
        assert_false(ZSTD_isError(ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_flush)));
        assert_int_equal(ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_end), 0);
        assert_done(codec_inflate_new(collect, &to, &s));
        rc = codec_stream_add(s, bytes_of(frame, out.pos));
        assert_int_equal(rc, log == 23 ? ERR_OK : ERR_CORRUPT);
        codec_stream_free(s);
        buf_clear(&to);
        ZSTD_freeCCtx(ctx);
    }
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

/* ---- streams ---- */

static struct buf deflate(struct bytes plain, size_t piece)
{
    struct buf frame = {.max = 8 * MIB};
    struct codec_stream *s = NULL;

    assert_done(codec_deflate_new(collect, &frame, &s));
    for (size_t offset = 0; offset < plain.len; offset += piece)
        assert_done(
            codec_stream_add(s, bytes_of(plain.data + offset,
                                         plain.len - offset < piece ? plain.len - offset : piece)));
    assert_done(codec_stream_end(s));
    codec_stream_free(s);
    return frame;
}

static enum err inflate(struct bytes frame, size_t piece, struct buf *to)
{
    struct codec_stream *s = NULL;
    enum err rc;

    TRY(codec_inflate_new(collect, to, &s));
    for (size_t offset = 0; offset < frame.len; offset += piece)
        TRY(codec_stream_add(s, bytes_of(frame.data + offset,
                                         frame.len - offset < piece ? frame.len - offset : piece)));
    TRY(codec_stream_end(s));
out:
    codec_stream_free(s);
    return rc;
}

static void a_stream_round_trips_in_pieces_of_any_length(void **state)
{
    static const size_t lengths[] = {0, 1, 1000, 128 * KIB, 128 * KIB + 1, 3 * MIB};
    static const size_t pieces[] = {1, 1000, 131072, 4 * MIB};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            uint8_t *plain = make_plain(lengths[i]);
            struct buf frame = deflate(bytes_of(plain, lengths[i]), pieces[k] * 3);
            struct buf back = {.max = 8 * MIB};

            assert_done(inflate(buf_bytes(&frame), pieces[k], &back));
            assert_true(bytes_equal(buf_bytes(&back), bytes_of(plain, lengths[i])));
            buf_clear(&frame);
            buf_clear(&back);
            free(plain);
        }
}

static enum err inflate_changed(void *arg, struct bytes changed)
{
    struct buf to = {.max = MIB};
    enum err rc = inflate(changed, *(size_t *)arg, &to);

    buf_clear(&to);
    return rc;
}

static void a_stream_that_is_cut_or_goes_on_is_refused(void **state)
{
    uint8_t *plain = make_plain(5000);
    struct buf frame = deflate(bytes_of(plain, 5000), 5000);
    struct buf back = {.max = MIB};
    size_t piece;

    (void)state;
    for (piece = 1; piece < 10000; piece *= 100)
        sweep_cuts(buf_bytes(&frame), inflate_changed, &piece);
    assert_refused(inflate(bytes_of(frame.data, frame.len - 1), 7, &back), ERR_CORRUPT,
                   "the compressed index ends early");
    back.len = 0;
    assert_done(buf_add(&frame, bytes_of("x", 1)));
    assert_refused(inflate(buf_bytes(&frame), 5000, &back), ERR_CORRUPT,
                   "bytes are left over after the compressed index");
    frame.len--;
    assert_done(buf_reserve(&frame, frame.len));
    assert_done(buf_add(&frame, buf_bytes(&frame))); /* a whole second frame */
    back.len = 0;
    assert_refused(inflate(buf_bytes(&frame), 100, &back), ERR_CORRUPT,
                   "bytes are left over after the compressed index");
    buf_clear(&frame);
    buf_clear(&back);
    free(plain);
}

static void what_is_no_stream_is_refused(void **state)
{
    struct buf back = {.max = MIB};

    (void)state;
    assert_refused(inflate(bytes_of_text("this is no zstd frame"), 100, &back), ERR_CORRUPT, NULL);
    assert_refused(inflate(bytes_of(NULL, 0), 100, &back), ERR_CORRUPT,
                   "the compressed index ends early");
    /* A skippable frame is nothing, and nothing may follow it. */
    assert_done(inflate(bytes_of("\x50\x2a\x4d\x18\x01\x00\x00\x00x", 9), 100, &back));
    assert_int_equal(back.len, 0);
    /* A frame with a window of 2 GiB. */
    assert_refused(inflate(bytes_of("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9), 100, &back),
                   ERR_CORRUPT, NULL);
    buf_clear(&back);
}

static enum err refuse_piece(void *arg, struct bytes piece)
{
    (void)arg;
    (void)piece;
    return err_set(ERR_STORAGE, "full");
}

static void a_failing_sink_is_passed_on(void **state)
{
    uint8_t *plain = make_plain(5000);
    struct buf frame = deflate(bytes_of(plain, 5000), 5000);
    struct codec_stream *s = NULL;

    (void)state;
    assert_done(codec_inflate_new(refuse_piece, NULL, &s));
    assert_refused(codec_stream_add(s, buf_bytes(&frame)), ERR_STORAGE, "full");
    codec_stream_free(s);
    assert_done(codec_deflate_new(refuse_piece, NULL, &s));
    assert_done(codec_stream_add(s, bytes_of(plain, 5000)));
    assert_refused(codec_stream_end(s), ERR_STORAGE, "full");
    codec_stream_free(s);
    buf_clear(&frame);
    free(plain);
}

static enum err use_all(void *arg)
{
    struct codec *c = NULL;
    struct codec_stream *in = NULL;
    struct codec_stream *out = NULL;
    struct buf to = {.max = MIB};
    enum err rc;

    (void)arg;
    TRY(codec_new(&c));
    TRY(codec_deflate_new(collect, &to, &in));
    TRY(codec_inflate_new(collect, &to, &out));
out:
    codec_free(c);
    codec_stream_free(in);
    codec_stream_free(out);
    buf_clear(&to);
    return rc;
}

static void no_memory_is_said(void **state)
{
    (void)state;
    assert_int_equal(sweep_allocations(use_all, NULL), 6);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_length_class_round_trips),
    cmocka_unit_test(what_does_not_shrink_is_stored_as_it_is),
    cmocka_unit_test(after_dense_blocks_all_still_round_trips),
    cmocka_unit_test(zeros_come_from_nothing),
    cmocka_unit_test(a_hostile_frame_is_refused_or_bounded),
    cmocka_unit_test(a_frame_that_grows_beyond_a_block_is_refused),
    cmocka_unit_test(a_block_is_one_frame_and_nothing_behind_it),
    cmocka_unit_test(a_stream_that_asks_for_a_larger_window_than_ours_is_refused),
    cmocka_unit_test(a_raw_block_is_never_longer_than_a_block),
    cmocka_unit_test(a_stream_round_trips_in_pieces_of_any_length),
    cmocka_unit_test(a_stream_that_is_cut_or_goes_on_is_refused),
    cmocka_unit_test(what_is_no_stream_is_refused),
    cmocka_unit_test(a_failing_sink_is_passed_on),
    cmocka_unit_test(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

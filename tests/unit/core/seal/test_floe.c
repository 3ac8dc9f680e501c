/*
 * FLOE: known answers, and what the position-by-position functions must refuse.
 *
 * Known answers are pairs NAME_ct.txt and NAME_pt.txt (hex) under $SEALPOINT_FIXTURES/floe (default
 * ../shared/fixtures; skipped when it is not there) and under tests/golden/floe, whose are ours.
 * Key: 32 zero bytes; AAD: "This is AAD".
 *     test_floe --write DIR     seals our own vectors into DIR
 */
#include "core/seal/floe.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "tests/unit/core/seal/sealed.h"

#define AAD "This is AAD"
#define CT "_ct.txt"
#define PT "_pt.txt"
#define VECTOR_MAX (64 * KIB)
#define NAME_MAX_LEN 200
#define FLIP_ALL_BELOW 1024 /* longer messages get one flip a byte */
#define PRODUCTION_BITS 20

static struct secret *zero_key;

static enum err seal_message(struct floe_params params, const struct secret *key,
                             struct bytes plain, struct buf *to)
{
    const size_t full = params.segment_len - FLOE_OVERHEAD;
    uint8_t *segment = malloc(params.segment_len);
    uint8_t header[FLOE_HEADER_LEN] = {0};
    struct floe *f = NULL;
    bool final = false;
    enum err rc;

    TRY(floe_seal_new(params, key, bytes_of_text(AAD), header, &f));
    TRY(buf_add(to, bytes_of(header, sizeof header)));
    for (uint64_t position = 0; !final; position++) {
        size_t len = plain.len < full ? plain.len : full;

        final = len == plain.len;
        TRY(floe_seal_segment(f, position, final, bytes_of(plain.data, len), segment));
        TRY(buf_add(to, bytes_of(segment, len + FLOE_OVERHEAD)));
        plain = bytes_of(plain.data + len, plain.len - len);
    }
out:
    floe_free(f);
    free(segment);
    return rc;
}

/* As the object reader does: the number of segments comes from the length. */
static enum err open_message(struct floe_params params, const struct secret *key,
                             struct bytes message, struct buf *plain)
{
    struct floe *f = NULL;
    struct bytes body;
    bool final = false;
    enum err rc = ERR_OK;

    plain->len = 0;
    if (message.len < FLOE_HEADER_LEN + FLOE_OVERHEAD)
        FAIL(ERR_CORRUPT, "too short");
    TRY(floe_open_new(params, key, bytes_of_text(AAD), message.data, &f));
    body = bytes_of(message.data + FLOE_HEADER_LEN, message.len - FLOE_HEADER_LEN);
    for (uint64_t position = 0; !final; position++) {
        size_t len = body.len < params.segment_len ? body.len : params.segment_len;

        final = len == body.len;
        TRY(buf_reserve(plain, len));
        TRY(floe_open_segment(f, position, final, bytes_of(body.data, len),
                              plain->data + plain->len));
        plain->len += len - FLOE_OVERHEAD;
        body = bytes_of(body.data + len, body.len - len);
    }
out:
    floe_free(f);
    return rc;
}

/* ---- known answers ---- */

static struct buf read_hex(const char *directory, const char *stem, const char *ending)
{
    char path[1024];
    struct buf out = {.max = VECTOR_MAX};
    FILE *file;
    int high, low;

    snprintf(path, sizeof path, "%s/%s%s", directory, stem, ending);
    file = fopen(path, "re");
    assert_non_null(file);
    while ((high = fgetc(file)) != EOF) {
        char pair[3] = {0};
        uint8_t byte = 0;

        if (isspace(high))
            continue;
        low = fgetc(file);
        pair[0] = (char)tolower(high);
        pair[1] = (char)tolower(low);
        assert_done(text_unhex(pair, &byte, 1));
        assert_done(buf_add_u(&out, byte, 1));
    }
    fclose(file);
    return out;
}

/* ENC_SEG_LEN stands in the message. How often the key changes does not: vectors that change it
 * sooner than every 2^20 segments are found by trying. */
static struct floe_params find_params(struct bytes message, struct buf *plain)
{
    struct floe_params params = {.rotation_bits = PRODUCTION_BITS};

    assert_true(message.len >= FLOE_HEADER_LEN);
    params.segment_len = (uint32_t)be_get(message.data + 2, 4);
    while (open_message(params, zero_key, message, plain) != ERR_OK) {
        params.rotation_bits--;
        assert_int_not_equal(0, params.rotation_bits);
    }
    return params;
}

static void refuses_every_flip(struct floe_params params, struct buf *message)
{
    struct buf plain = {.max = VECTOR_MAX};
    const size_t step = message->len <= FLIP_ALL_BELOW ? 1 : 9; /* 9: each byte, another bit */

    for (size_t bit = 0; bit < 8 * message->len; bit += step) {
        message->data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_refused(open_message(params, zero_key, buf_bytes(message), &plain), ERR_CORRUPT,
                       NULL);
        message->data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    buf_clear(&plain);
}

static void check_vector(const char *directory, const char *stem)
{
    struct buf message = read_hex(directory, stem, CT);
    struct buf due = read_hex(directory, stem, PT);
    struct buf plain = {.max = VECTOR_MAX};
    struct floe_params params = find_params(buf_bytes(&message), &plain);

    print_message("known answer %s/%s (segments of %u, key changes every 2^%u)\n", directory, stem,
                  params.segment_len, params.rotation_bits);
    assert_true(bytes_equal(buf_bytes(&due), buf_bytes(&plain)));
    refuses_every_flip(params, &message);
    buf_clear(&plain);
    buf_clear(&due);
    buf_clear(&message);
}

static int ends_in_ct(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > strlen(CT) && strcmp(entry->d_name + len - strlen(CT), CT) == 0;
}

/* How many pairs `directory` holds; −1: there is no such directory. */
static int check_directory(const char *directory)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, ends_in_ct, alphasort);

    for (int i = 0; i < count; i++) {
        char stem[NAME_MAX_LEN];

        snprintf(stem, sizeof stem, "%.*s", (int)(strlen(entries[i]->d_name) - strlen(CT)),
                 entries[i]->d_name);
        check_vector(directory, stem);
        free(entries[i]);
    }
    free(entries);
    return count;
}

static void messages_of_other_implementations_open(void **state)
{
    const char *fixtures = getenv("SEALPOINT_FIXTURES");
    char directory[1024];
    int count;

    (void)state;
    snprintf(directory, sizeof directory, "%s/floe",
             fixtures != NULL ? fixtures : "../shared/fixtures");
    count = check_directory(directory);
    if (count < 0) {
        print_message("known answers skipped: there is no directory %s\n", directory);
        skip();
    }
    assert_true(count > 0);
}

static void our_own_messages_of_the_past_open(void **state)
{
    (void)state;
    assert_true(check_directory("tests/golden/floe") > 0);
}

/* ---- our own messages ---- */

static void every_length_from_nothing_to_three_segments_and_one_comes_back(void **state)
{
    const struct floe_params params = {.segment_len = 64, .rotation_bits = 1};
    struct buf noise = sealed_noise(3 * 32 + 1);
    struct buf message = {.max = VECTOR_MAX};
    struct buf plain = {.max = VECTOR_MAX};

    (void)state;
    for (size_t len = 0; len <= noise.len; len++) {
        size_t segments = len == 0 ? 1 : (len + 31) / 32;

        message.len = 0;
        assert_done(seal_message(params, zero_key, bytes_of(noise.data, len), &message));
        assert_int_equal(FLOE_HEADER_LEN + len + segments * FLOE_OVERHEAD, message.len);
        assert_done(open_message(params, zero_key, buf_bytes(&message), &plain));
        assert_true(bytes_equal(bytes_of(noise.data, len), buf_bytes(&plain)));
    }
    buf_clear(&plain);
    buf_clear(&message);
    buf_clear(&noise);
}

static void a_message_cut_anywhere_or_lengthened_is_refused(void **state)
{
    const struct floe_params params = {.segment_len = 64, .rotation_bits = PRODUCTION_BITS};
    struct buf noise = sealed_noise(70);
    struct buf message = {.max = VECTOR_MAX};
    struct buf plain = {.max = VECTOR_MAX};
    size_t whole;

    (void)state;
    assert_done(seal_message(params, zero_key, buf_bytes(&noise), &message));
    whole = message.len;
    for (size_t len = 0; len < whole; len++)
        assert_refused(open_message(params, zero_key, bytes_of(message.data, len), &plain),
                       ERR_CORRUPT, NULL);
    for (size_t more = 1; more < 100; more++) {
        assert_done(buf_add_u(&message, more & 1 ? 0 : 0xff, 1));
        assert_refused(open_message(params, zero_key, buf_bytes(&message), &plain), ERR_CORRUPT,
                       NULL);
    }
    buf_clear(&plain);
    buf_clear(&message);
    buf_clear(&noise);
}

/* The length field agrees with the length: it is the length that cannot be. */
static void a_segment_of_an_impossible_length_is_refused_whatever_it_says_of_itself(void **state)
{
    static const struct {
        size_t len;
        bool final;
    } rows[] = {{4, true},   {FLOE_OVERHEAD - 1, true}, {65, true},
                {200, true}, {FLOE_OVERHEAD, false},    {63, false},
                {65, false}};
    const struct floe_params params = {.segment_len = 64, .rotation_bits = PRODUCTION_BITS};
    uint8_t header[FLOE_HEADER_LEN];
    uint8_t plain[256];
    uint8_t sealed[256] = {0};
    struct floe *f = NULL;
    char message[64];

    (void)state;
    assert_done(floe_seal_new(params, zero_key, bytes_of_text(AAD), header, &f));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        be_put(sealed, rows[i].final ? rows[i].len : UINT32_MAX, 4);
        snprintf(message, sizeof message, "%zu bytes are not a segment", rows[i].len);
        assert_refused(floe_open_segment(f, 0, rows[i].final, bytes_of(sealed, rows[i].len), plain),
                       ERR_CORRUPT, message);
    }
    floe_free(f);
}

static void segments_that_trade_places_are_refused(void **state)
{
    const struct floe_params params = {.segment_len = 64, .rotation_bits = PRODUCTION_BITS};
    struct buf noise = sealed_noise(3 * 32);
    struct buf message = {.max = VECTOR_MAX};
    struct buf plain = {.max = VECTOR_MAX};
    uint8_t first[64];

    (void)state;
    assert_done(seal_message(params, zero_key, buf_bytes(&noise), &message));
    memcpy(first, message.data + FLOE_HEADER_LEN, sizeof first);
    memcpy(message.data + FLOE_HEADER_LEN, message.data + FLOE_HEADER_LEN + 64, 64);
    memcpy(message.data + FLOE_HEADER_LEN + 64, first, sizeof first);
    assert_refused(open_message(params, zero_key, buf_bytes(&message), &plain), ERR_CORRUPT,
                   "tag does not match (wrong key or damaged data)");
    buf_clear(&plain);
    buf_clear(&message);
    buf_clear(&noise);
}

static void no_two_segments_ever_share_an_iv(void **state)
{
    enum { COUNT = 200 };
    const struct floe_params params = {.segment_len = 64, .rotation_bits = PRODUCTION_BITS};
    static uint8_t ivs[COUNT][FLOE_SEGMENT_IV_LEN];
    uint8_t header[FLOE_HEADER_LEN];
    uint8_t segment[64];
    const uint8_t plain[32] = {0};
    struct floe *f = NULL;

    (void)state;
    assert_done(floe_seal_new(params, zero_key, bytes_of_text(AAD), header, &f));
    for (size_t i = 0; i < COUNT; i++) {
        assert_done(floe_seal_segment(f, i, false, bytes_of(plain, sizeof plain), segment));
        memcpy(ivs[i], segment + FLOE_LENGTH_LEN, FLOE_SEGMENT_IV_LEN);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(ivs[j], ivs[i], FLOE_SEGMENT_IV_LEN);
    }
    floe_free(f);
}

static void plaintext_of_a_segment_whose_tag_is_wrong_is_wiped(void **state)
{
    static const uint8_t zeros[32];
    const struct floe_params params = {.segment_len = 64, .rotation_bits = PRODUCTION_BITS};
    struct buf noise = sealed_noise(32);
    struct buf message = {.max = VECTOR_MAX};
    uint8_t to[32];
    struct floe *f = NULL;

    (void)state;
    assert_done(seal_message(params, zero_key, buf_bytes(&noise), &message));
    message.data[message.len - 1] ^= 1;
    memset(to, 0x55, sizeof to);
    assert_done(floe_open_new(params, zero_key, bytes_of_text(AAD), message.data, &f));
    assert_refused(floe_open_segment(f, 0, true, bytes_of(message.data + FLOE_HEADER_LEN, 64), to),
                   ERR_CORRUPT, NULL);
    assert_memory_equal(zeros, to, sizeof to);
    floe_free(f);
    buf_clear(&message);
    buf_clear(&noise);
}

static void another_key_other_aad_and_other_parameters_are_refused(void **state)
{
    struct floe_params params = {.segment_len = 64, .rotation_bits = PRODUCTION_BITS};
    struct secret *other = sealed_key(1);
    struct secret *short_key = NULL;
    uint8_t header[FLOE_HEADER_LEN];
    struct floe *f = NULL;

    (void)state;
    assert_done(floe_seal_new(params, zero_key, bytes_of_text(AAD), header, &f));
    floe_free(f);
    f = NULL;
    assert_refused(floe_open_new(params, other, bytes_of_text(AAD), header, &f), ERR_CORRUPT,
                   "the header's tag does not match (wrong key or damaged data)");
    assert_refused(floe_open_new(params, zero_key, bytes_of_text("this is AAD"), header, &f),
                   ERR_CORRUPT, NULL);
    assert_refused(floe_open_new(params, zero_key, bytes_of_text(""), header, &f), ERR_CORRUPT,
                   NULL);
    params.segment_len = 65;
    assert_refused(floe_open_new(params, zero_key, bytes_of_text(AAD), header, &f), ERR_CORRUPT,
                   "the sealing parameters are not those of this format");
    assert_done(secret_new(16, &short_key));
    assert_refused(floe_open_new(params, short_key, bytes_of_text(AAD), header, &f), ERR_CORRUPT,
                   "a key of 16 bytes where 32 are expected");
    assert_null(f);
    secret_free(short_key);
    secret_free(other);
}

/* ---- writing vectors ---- */

static void write_hex(const char *directory, const char *stem, const char *ending,
                      struct bytes what)
{
    char path[1024];
    char byte[3];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s%s", directory, stem, ending);
    file = fopen(path, "wxe");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    for (size_t i = 0; i < what.len; i++) {
        text_hex(bytes_of(what.data + i, 1), byte);
        fputs(byte, file);
    }
    fclose(file);
}

static void write_vectors(const char *directory)
{
    static const struct {
        const char *stem;
        struct floe_params params;
        const char *plain;
    } vectors[] = {
        {"c_64_empty", {64, PRODUCTION_BITS}, ""},
        {"c_64_one_byte", {64, PRODUCTION_BITS}, "s"},
        {"c_64_one_full", {64, PRODUCTION_BITS}, "exactly thirty-two bytes of text"},
        {"c_64_three",
         {64, PRODUCTION_BITS},
         "Seal tonight's backup, lose the machine, and get it back tomorrow."},
        {"c_40_rotation", {40, 2}, "The key changes every four segments of eight bytes each."},
        {"c_1MiB_short", {MIB + FLOE_OVERHEAD, PRODUCTION_BITS}, "one short final segment"},
    };

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf message = {.max = VECTOR_MAX};
        struct bytes plain = bytes_of_text(vectors[i].plain);

        assert_done(seal_message(vectors[i].params, zero_key, plain, &message));
        write_hex(directory, vectors[i].stem, CT, buf_bytes(&message));
        write_hex(directory, vectors[i].stem, PT, plain);
        buf_clear(&message);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_other_implementations_open),
        cmocka_unit_test(our_own_messages_of_the_past_open),
        cmocka_unit_test(every_length_from_nothing_to_three_segments_and_one_comes_back),
        cmocka_unit_test(a_message_cut_anywhere_or_lengthened_is_refused),
        cmocka_unit_test(a_segment_of_an_impossible_length_is_refused_whatever_it_says_of_itself),
        cmocka_unit_test(segments_that_trade_places_are_refused),
        cmocka_unit_test(no_two_segments_ever_share_an_iv),
        cmocka_unit_test(plaintext_of_a_segment_whose_tag_is_wrong_is_wiped),
        cmocka_unit_test(another_key_other_aad_and_other_parameters_are_refused),
    };
    int failed = 0;

    zero_key = sealed_key(0);
    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        write_vectors(argv[2]);
    else
        failed = cmocka_run_group_tests(tests, NULL, NULL);
    secret_free(zero_key);
    return failed;
}

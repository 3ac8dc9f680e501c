#include "keyring/file/file_model.h"

#include "core/base/text.h"
#include "tests/unit/keyring/rings.h"

#define CREATED INT64_C(1795500000000)

static struct secret *kek;

static const struct file_protection known = {
    .kdf = FILE_KDF_SCRYPT, .n = FILE_SCRYPT_N, .p = FILE_SCRYPT_P, .salt = {9, 8, 7}};

/* A keyring with a version in every state; the entries are sealed under `kek` when protected. */
static struct file_keyring sample(bool is_protected)
{
    struct file_keyring k = {.created_ms = CREATED, .generation = 7, .repository_count = 2};
    struct secret *master = NULL;
    struct file_version *v = NULL;

    if (kek == NULL)
        assert_done(secret_random(SEAL_KEY_LEN, &kek));
    memset(k.id, 0x5a, sizeof k.id);
    if (is_protected)
        k.protection = known;
    memset(k.repositories[0], 0xf1, HASH_LEN);
    memset(k.repositories[1], 0xf2, HASH_LEN);
    assert_done(secret_random(SEAL_KEY_LEN, &master));
    for (size_t i = 0; i < 4; i++) {
        assert_done(file_add(&k, CREATED + (int64_t)i, &v));
        assert_done(file_seal_store(&k, is_protected ? kek : NULL, master, v));
        v->state = (enum file_key_state)i;
    }
    k.versions[FILE_KEY_PENDING].deletion_ms = CREATED + CLOCK_DAY_MS;
    k.versions[FILE_KEY_DESTROYED].deletion_ms = CREATED + 1;
    k.versions[FILE_KEY_DESTROYED].stored_len = 0;
    k.active = 2;
    secret_free(master);
    return k;
}

static struct buf bytes_of_sample(bool is_protected)
{
    struct file_keyring k = sample(is_protected);
    struct buf b = {.max = FILE_KEYRING_LEN_MAX};

    assert_done(file_keyring_encode(&k, is_protected ? kek : NULL, &b));
    file_keyring_clear(&k);
    return b;
}

static void check_round_trip(bool is_protected)
{
    struct file_keyring k = sample(is_protected);
    struct file_keyring back = {.count = 0};
    struct buf b = {.max = FILE_KEYRING_LEN_MAX};

    assert_done(file_keyring_encode(&k, is_protected ? kek : NULL, &b));
    assert_done(file_keyring_decode(buf_bytes(&b), &back));
    assert_memory_equal(back.id, k.id, SEAL_ID_LEN);
    assert_int_equal(back.created_ms, k.created_ms);
    assert_int_equal(file_is_protected(&back), is_protected);
    assert_true(file_protection_equal(&back.protection, &k.protection));
    assert_int_equal(back.generation, 7);
    assert_int_equal(back.repository_count, 2);
    assert_memory_equal(back.repositories, k.repositories, 2 * (size_t)HASH_LEN);
    assert_int_equal(back.active, 2);
    assert_int_equal(back.count, 4);
    assert_memory_equal(back.versions[0].stored, k.versions[0].stored, k.versions[0].stored_len);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(back.versions[i].number, i + 1);
        assert_int_equal(back.versions[i].state, k.versions[i].state);
        assert_int_equal(back.versions[i].created_ms, k.versions[i].created_ms);
        assert_int_equal(back.versions[i].changed_ms, k.versions[i].changed_ms);
        assert_int_equal(back.versions[i].deletion_ms, k.versions[i].deletion_ms);
        assert_int_equal(back.versions[i].stored_len, k.versions[i].stored_len);
        assert_memory_equal(back.versions[i].commitment, k.versions[i].commitment,
                            SEAL_COMMITMENT_LEN);
    }
    assert_done(file_seal_check(&back, is_protected ? kek : NULL));
    file_keyring_clear(&k);
    file_keyring_clear(&back);
    buf_clear(&b);
}

static void a_keyring_is_read_as_it_was_written(void **state)
{
    (void)state;
    check_round_trip(true);
    check_round_trip(false);
}

/* The text of an unencrypted keyring whose keys are all zero, byte for byte. */
static void the_bytes_are_those_of_the_format_page(void **state)
{
    static const char expected[] =
        "{\"format\":1,\"type\":\"keyring\",\"keyringId\":\"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\","
        "\"createdAt\":\"2026-11-24T06:00:00.000Z\",\"generation\":3,\"protection\":{\"kdf\":"
        "\"none\"},\"repositories\":"
        "[\"f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1\"],\"active\":1,"
        "\"versions\":[{\"version\":1,\"state\":\"enabled\",\"createdAt\":"
        "\"2026-11-24T06:00:00.000Z\",\"stateChangedAt\":\"2026-11-24T06:00:00.000Z\","
        "\"deletionDate\":null,\"commitment\":"
        "\"c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0\",\"key\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}]}\n"
        "{\"sha256\":\"";
    struct file_version v = {
        .number = 1, .created_ms = CREATED, .changed_ms = CREATED, .stored_len = SEAL_KEY_LEN};
    struct file_keyring k = {.created_ms = CREATED,
                             .generation = 3,
                             .repository_count = 1,
                             .active = 1,
                             .versions = &v,
                             .count = 1};
    struct buf b = {.max = FILE_KEYRING_LEN_MAX};

    (void)state;
    memset(k.id, 0x5a, sizeof k.id);
    memset(k.repositories[0], 0xf1, HASH_LEN);
    memset(v.commitment, 0xc0, sizeof v.commitment);
    assert_done(file_keyring_encode(&k, NULL, &b));
    assert_int_equal(b.len, sizeof expected - 1 + 64 + 3);
    assert_memory_equal(b.data, expected, sizeof expected - 1);
    assert_memory_equal(b.data + b.len - 3, "\"}\n", 3);
    buf_clear(&b);
}

/* What a reader with the right passphrase makes of changed bytes. Other scrypt parameters give
 * another kek, and so are refused as the wrong passphrase. */
static enum err read_changed(void *arg, struct bytes changed)
{
    const bool *is_protected = arg;
    struct file_keyring k = {.count = 0};
    enum err rc;

    TRY(file_keyring_decode(changed, &k));
    if (*is_protected != file_is_protected(&k) ||
        (*is_protected && !file_protection_equal(&known, &k.protection)))
        FAIL(ERR_KEY_INVALID, "other parameters");
    TRY(file_seal_check(&k, file_is_protected(&k) ? kek : NULL));
out:
    file_keyring_clear(&k);
    return rc;
}

static void every_byte_of_a_keyring_matters(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        bool is_protected = i == 1;
        struct buf b = bytes_of_sample(is_protected);

        sweep_flips(buf_bytes(&b), read_changed, &is_protected);
        sweep_cuts(buf_bytes(&b), read_changed, &is_protected);
        sweep_swaps(buf_bytes(&b), 1, read_changed, &is_protected);
        buf_clear(&b);
    }
}

/* A keyring text put together by hand: line 1 with its right digest behind it. */
static enum err decode_line(const char *line)
{
    struct file_keyring k = {.count = 0};
    struct buf b = {.max = FILE_KEYRING_LEN_MAX};
    uint8_t digest[HASH_LEN];
    char hex[2 * HASH_LEN + 1];
    enum err rc;

    TRY(hash_of(bytes_of_text(line), digest));
    text_hex(bytes_of(digest, sizeof digest), hex);
    TRY(buf_add_format(&b, "%s\n{\"sha256\":\"%s\"}\n", line, hex));
    TRY(file_keyring_decode(buf_bytes(&b), &k));
out:
    file_keyring_clear(&k);
    buf_clear(&b);
    return rc;
}

#define HEAD                                                                                       \
    "{\"format\":1,\"type\":\"keyring\",\"keyringId\":\"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\","
#define TIME "\"2026-11-24T06:00:00.000Z\""
#define STAMP "\"createdAt\":" TIME ","
#define AT STAMP "\"generation\":1,\"repositories\":[],"
#define UNENCRYPTED "\"protection\":{\"kdf\":\"none\"},"
#define FINGERPRINT "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\""
#define COMMITMENT "\"commitment\":" FINGERPRINT ","
#define KEY "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""
#define ENTRY(number, state, date, key)                                                            \
    "{\"version\":" number ",\"state\":\"" state "\"," STAMP COMMITMENT "\"stateChangedAt\":" TIME \
    ",\"deletionDate\":" date ",\"key\":" key "}"
#define GOOD ENTRY("1", "enabled", "null", KEY)
#define WITH(entries) HEAD AT UNENCRYPTED "\"active\":1,\"versions\":[" entries "]}"
#define SCRYPT(n, r, p)                                                                            \
    HEAD AT "\"protection\":{\"kdf\":\"scrypt\",\"n\":" n ",\"r\":" r ",\"p\":" p                  \
            ",\"salt\":\"00112233445566778899aabbccddeeff\"},\"active\":1,\"versions\":[" GOOD     \
            "]}"

struct hostile {
    const char *line;
    enum err rc;
    const char *message;
};

static const struct hostile hostiles[] = {
    {"{\"format\":1,\"type\":\"snapshot\"}", ERR_CORRUPT, "it is a snapshot, not a keyring"},
    {"{\"format\":2,\"type\":\"keyring\"}", ERR_UNSUPPORTED, "format 2; this release knows 1"},
    {HEAD "\"!x\":1}", ERR_UNSUPPORTED, NULL},
    {HEAD AT "\"protection\":{\"kdf\":\"argon2id\"}}", ERR_UNSUPPORTED,
     "this release does not know the protection \"argon2id\""},
    {SCRYPT("8192", "8", "1"), ERR_CORRUPT, "scrypt with n 8192, r 8, p 1 is not allowed"},
    {SCRYPT("0", "8", "1"), ERR_CORRUPT, NULL},
    {SCRYPT("24576", "8", "1"), ERR_CORRUPT, "scrypt with n 24576, r 8, p 1 is not allowed"},
    {SCRYPT("2097152", "8", "1"), ERR_CORRUPT, "member \"n\" is over 1048576"},
    {SCRYPT("16384", "8", "1"), ERR_CORRUPT, "scrypt with n 16384, r 8, p 1 is not allowed"},
    {HEAD AT "\"protection\":{\"kdf\":\"hkdf\"}}", ERR_CORRUPT, NULL},
    {HEAD STAMP "\"generation\":0,\"repositories\":[]," UNENCRYPTED
                "\"active\":1,\"versions\":[" GOOD "]}",
     ERR_CORRUPT, "a keyring of generation 0"},
    {HEAD STAMP "\"generation\":9007199254740992,\"repositories\":[]," UNENCRYPTED
                "\"active\":1,\"versions\":[" GOOD "]}",
     ERR_CORRUPT, "member \"generation\" is over 9007199254740991"},
    {HEAD STAMP "\"generation\":1,\"repositories\":[\"00\"]," UNENCRYPTED
                "\"active\":1,\"versions\":[" GOOD "]}",
     ERR_CORRUPT, NULL},
    {HEAD STAMP "\"generation\":1," UNENCRYPTED "\"active\":1,\"versions\":[" GOOD "]}",
     ERR_CORRUPT, NULL},
    {WITH("{\"version\":1,\"state\":\"enabled\"," STAMP "\"stateChangedAt\":" TIME ",\"key\":" KEY
          "}"),
     ERR_CORRUPT, NULL},
    {SCRYPT("18446744073709551615", "8", "1"), ERR_CORRUPT, NULL},
    {SCRYPT("32768", "7", "1"), ERR_CORRUPT, "scrypt with n 32768, r 7, p 1 is not allowed"},
    {SCRYPT("32768", "1073741824", "1"), ERR_CORRUPT, "member \"r\" is over 8"},
    {SCRYPT("32768", "8", "0"), ERR_CORRUPT, "scrypt with n 32768, r 8, p 0 is not allowed"},
    {SCRYPT("32768", "8", "5"), ERR_CORRUPT, "member \"p\" is over 4"},
    {SCRYPT("32768.0", "8", "1"), ERR_CORRUPT, "member \"n\" is not int"},
    {WITH(""), ERR_CORRUPT, "a keyring without a key version"},
    {WITH(ENTRY("2", "enabled", "null", KEY)), ERR_CORRUPT, "key version 1: its number is 2"},
    {WITH(GOOD "," GOOD), ERR_CORRUPT, "key version 2: its number is 1"},
    {WITH(ENTRY("1", "Enabled", "null", KEY)), ERR_CORRUPT,
     "key version 1: \"Enabled\" is not the state of a key version"},
    {WITH(ENTRY("1", "enabled", TIME, KEY)), ERR_CORRUPT,
     "key version 1: enabled and deletionDate do not go together"},
    {WITH(ENTRY("1", "pendingDeletion", "null", KEY)), ERR_CORRUPT,
     "key version 1: pendingDeletion and deletionDate do not go together"},
    {WITH(ENTRY("1", "destroyed", TIME, KEY)), ERR_CORRUPT,
     "key version 1: destroyed and key do not go together"},
    {WITH(ENTRY("1", "disabled", "null", "null")), ERR_CORRUPT,
     "key version 1: disabled and key do not go together"},
    {WITH(ENTRY("1", "enabled", "null", "\"AAAA\"")), ERR_CORRUPT,
     "key version 1: an unencrypted key of 3 bytes"},
    {WITH(ENTRY("1", "enabled", "null", "\"AAA*\"")), ERR_CORRUPT, NULL},
    {HEAD AT UNENCRYPTED "\"active\":0,\"versions\":[" GOOD "]}", ERR_CORRUPT,
     "no key version is active"},
    {HEAD AT UNENCRYPTED "\"active\":2,\"versions\":[" GOOD "]}", ERR_CORRUPT,
     "member \"active\" is over 1"},
    {HEAD AT UNENCRYPTED "\"active\":1,\"active\":1,\"versions\":[" GOOD "]}", ERR_CORRUPT,
     "a member name occurs twice in one object"},
    {HEAD
     "\"createdAt\":\"2026-02-31T06:00:00.000Z\",\"generation\":1,\"repositories\":[]," UNENCRYPTED
     "\"active\":1,\"versions\":[" GOOD "]}",
     ERR_CORRUPT, NULL},
};

static void a_keyring_that_breaks_a_rule_is_refused_even_with_a_good_digest(void **state)
{
    (void)state;
    assert_done(decode_line(WITH(GOOD)));
    assert_done(decode_line(HEAD STAMP "\"generation\":9007199254740991,\"repositories\":"
                                       "[" FINGERPRINT "]," UNENCRYPTED
                                       "\"active\":1,\"versions\":[" GOOD "]}"));
    for (size_t i = 0; i < sizeof hostiles / sizeof hostiles[0]; i++)
        assert_refused(decode_line(hostiles[i].line), hostiles[i].rc, hostiles[i].message);
}

static void members_that_are_not_named_are_ignored(void **state)
{
    (void)state;
    assert_done(
        decode_line(HEAD AT UNENCRYPTED "\"note\":\"x\",\"active\":1,\"versions\":[" GOOD "]}"));
}

static void a_keyring_longer_than_the_cap_is_refused(void **state)
{
    struct buf b = {.max = 2 * FILE_KEYRING_LEN_MAX};
    struct file_keyring k = {.count = 0};

    (void)state;
    assert_done(buf_reserve(&b, FILE_KEYRING_LEN_MAX + 1));
    memset(b.data, ' ', FILE_KEYRING_LEN_MAX + 1);
    b.len = FILE_KEYRING_LEN_MAX + 1;
    assert_refused(file_keyring_decode(buf_bytes(&b), &k), ERR_CORRUPT,
                   "longer than a keyring can be");
    buf_clear(&b);
}

static void a_thousand_versions_fit(void **state)
{
    struct file_keyring k = {.protection = known, .generation = 1, .created_ms = CREATED};
    struct file_keyring back = {.count = 0};
    struct buf b = {.max = FILE_KEYRING_LEN_MAX};
    struct file_version *v = NULL;

    (void)state;
    if (kek == NULL)
        assert_done(secret_random(SEAL_KEY_LEN, &kek));
    for (size_t i = 0; i < FILE_KEYRING_VERSIONS_MAX; i++) {
        assert_done(file_add(&k, CREATED, &v));
        v->stored_len = 234;
    }
    assert_done(file_keyring_encode(&k, kek, &b));
    assert_done(file_keyring_decode(buf_bytes(&b), &back));
    assert_int_equal(back.count, FILE_KEYRING_VERSIONS_MAX);
    file_keyring_clear(&k);
    file_keyring_clear(&back);
    buf_clear(&b);
}

static enum err encode_and_decode(void *arg)
{
    const struct file_keyring *k = arg;
    struct file_keyring back = {.count = 0};
    struct buf b = {.max = FILE_KEYRING_LEN_MAX};
    enum err rc;

    TRY(file_keyring_encode(k, kek, &b));
    TRY(file_keyring_decode(buf_bytes(&b), &back));
    TRY(file_seal_check(&back, kek));
out:
    file_keyring_clear(&back);
    buf_clear(&b);
    return rc;
}

static void an_allocation_that_fails_is_an_error(void **state)
{
    struct file_keyring k = sample(true);

    (void)state;
    assert_true(sweep_allocations(encode_and_decode, &k) > 3);
    file_keyring_clear(&k);
}

static int clear_kek(void **state)
{
    (void)state;
    secret_free(kek);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keyring_is_read_as_it_was_written),
        cmocka_unit_test(the_bytes_are_those_of_the_format_page),
        cmocka_unit_test(every_byte_of_a_keyring_matters),
        cmocka_unit_test(a_keyring_that_breaks_a_rule_is_refused_even_with_a_good_digest),
        cmocka_unit_test(members_that_are_not_named_are_ignored),
        cmocka_unit_test(a_keyring_longer_than_the_cap_is_refused),
        cmocka_unit_test(a_thousand_versions_fit),
        cmocka_unit_test(an_allocation_that_fails_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, clear_kek);
}

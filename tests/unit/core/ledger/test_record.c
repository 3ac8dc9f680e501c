#include "core/ledger/record.h"

#include "tests/unit/core/ledger/forge.h"

#define REPOSITORY "00112233445566778899aabbccddeeff"
#define COMMON(type, seq, prev)                                                                    \
    "\"format\":1,\"type\":\"" type "\",\"repositoryId\":\"" REPOSITORY                            \
    "\",\"writerId\":\"" ROOT_ID "\",\"seq\":" seq ",\"prev\":" prev                               \
    ",\"createdAt\":\"2026-11-24T06:10:00.000Z\""
#define SIGNATURE_TEXT                                                                             \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define SIGNATURE                                                                                  \
    "{\"alg\":\"ed25519\",\"writerId\":\"" ROOT_ID "\",\"sig\":\"" SIGNATURE_TEXT "\"}"
#define SIGNED "{\"signatures\":[" SIGNATURE "]}\n"
#define GOOD COMMON("snapshot", "0", "null")

static struct record *make(void **state, const char *body)
{
    struct signer *s = forge_key(state, "key", ROOT_KEY_FILE);
    struct record_place place = {.seq = 0, .created_ms = INT64_C(1795500600000)};
    struct jdoc *doc = NULL;
    struct record *r = NULL;

    assert_done(text_unhex(REPOSITORY, place.repository, SEAL_ID_LEN));
    assert_done(jdoc_parse(bytes_of_text(body), &doc));
    assert_done(record_make(RECORD_SNAPSHOT, &place, doc, s, &r));
    jdoc_free(doc);
    signer_free(s);
    return r;
}

static void a_record_is_two_lines_that_anyone_can_read(void **state)
{
    struct record *r = make(state, "{\"id\":\"abc\",\"n\":{\"x\":[1,2]}}");
    const char *line =
        "{\"format\":1,\"type\":\"snapshot\",\"repositoryId\":\"" REPOSITORY
        "\",\"writerId\":\"" ROOT_ID
        "\",\"seq\":0,\"prev\":null,\"createdAt\":\"2026-11-24T06:10:00.000Z\",\"id\":\"abc\","
        "\"n\":{\"x\":[1,2]}}\n{\"signatures\":[{\"alg\":\"ed25519\",\"writerId\":\"" ROOT_ID
        "\",\"sig\":\"";

    assert_true(r->raw.len > strlen(line));
    assert_memory_equal(r->raw.data, line, strlen(line));
    assert_int_equal(r->raw.len, strlen(line) + strlen(SIGNATURE_TEXT) + strlen("\"}]}\n"));
    record_free(r);
}

static void what_was_made_is_read_back(void **state)
{
    struct record *r = make(state, "{}");
    struct record *again = NULL;
    struct signer *root = forge_key(state, "root", ROOT_KEY_FILE);
    struct signer *other = forge_key(state, "other", OTHER_KEY_FILE);
    const char *end = memchr(r->raw.data, '\n', r->raw.len);
    uint8_t id[RECORD_ID_LEN];

    assert_done(record_parse(buf_bytes(&r->raw), &again));
    assert_int_equal(again->type, RECORD_SNAPSHOT);
    assert_int_equal(again->seq, 0);
    assert_false(again->has_prev);
    assert_int_equal(again->created_ms, INT64_C(1795500600000));
    assert_memory_equal(again->id, r->id, RECORD_ID_LEN);
    assert_done(hash_of(bytes_of(r->raw.data, (size_t)(end - (const char *)r->raw.data)), id));
    assert_memory_equal(again->id, id, RECORD_ID_LEN);
    assert_done(record_check(again, signer_public(root)));
    assert_refused(record_check(again, signer_public(other)), ERR_CORRUPT,
                   "the record is not signed by the key of its writer");
    signer_free(other);
    signer_free(root);
    record_free(again);
    record_free(r);
}

#define NEWER                                                                                      \
    "\n  nothing is wrong with the repository: use the version that wrote it, or a newer one"

static void what_is_no_record_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err code;
        const char *why;
    } rows[] = {
        {"", ERR_CORRUPT, "not two whole lines"},
        {"{}", ERR_CORRUPT, "not two whole lines"},
        {"{}\n", ERR_CORRUPT, "not two whole lines"},
        {"{}\n{}", ERR_CORRUPT, "not two whole lines"},
        {"\n\n", ERR_CORRUPT, "a line is not one JSON object"},
        {"{" GOOD "} \n" SIGNED, ERR_CORRUPT, "a line is not one JSON object"},
        {"{" GOOD "}\r\n" SIGNED, ERR_CORRUPT, "a line is not one JSON object"},
        {" {" GOOD "}\n" SIGNED, ERR_CORRUPT, "a line is not one JSON object"},
        {"{" GOOD "}{}\n" SIGNED, ERR_CORRUPT, "not JSON: unexpected character at byte 169"},
        {"{" GOOD "}\n" SIGNED "x", ERR_CORRUPT, "1 bytes are left over after the two lines"},
        {"{" GOOD "}\n" SIGNED "\n", ERR_CORRUPT, "1 bytes are left over after the two lines"},
        {"{" GOOD ",\"type\":\"genesis\"}\n" SIGNED, ERR_CORRUPT,
         "a member name occurs twice in one object"},
        {"{" GOOD ",\"a\":{\"b\":1,\"b\":1}}\n" SIGNED, ERR_CORRUPT,
         "a member name occurs twice in one object"},
        {"{" GOOD ",\"\\u0074ype\":\"genesis\"}\n" SIGNED, ERR_CORRUPT,
         "a member name occurs twice in one object"},
        {"{\"format\":2}\n" SIGNED, ERR_UNSUPPORTED,
         "a record of format 2 needs a newer version of sealpoint" NEWER},
        {"{\"format\":\"1\"}\n" SIGNED, ERR_CORRUPT, "member \"format\" is not int"},
        {"{\"format\":1.0}\n" SIGNED, ERR_CORRUPT, "member \"format\" is not int"},
        {"{" COMMON("backup", "0", "null") "}\n" SIGNED, ERR_UNSUPPORTED,
         "a record of type \"backup\" needs a newer version of sealpoint" NEWER},
        {"{" COMMON("undelete", "0", "null") "}\n" SIGNED, ERR_UNSUPPORTED,
         "a record of type \"undelete\" needs a newer version of sealpoint" NEWER},
        {"{" COMMON("undelete", "0", "null") ",\"needs\":\"0.4\"}\n" SIGNED, ERR_UNSUPPORTED,
         "a record of type \"undelete\" needs sealpoint 0.4 or newer" NEWER},
        {"{" COMMON("oplogBatch", "0", "null") ",\"needs\":7}\n" SIGNED, ERR_UNSUPPORTED,
         "a record of type \"oplogBatch\" needs a newer version of sealpoint" NEWER},
        {"{" GOOD ",\"!new\":1}\n" SIGNED, ERR_UNSUPPORTED,
         "member \"!new\" must be understood, and this release does not know it"},
        {"{" GOOD ",\"a\":[{\"!new\":1}]}\n" SIGNED, ERR_UNSUPPORTED,
         "member \"!new\" must be understood, and this release does not know it"},
        {"{" COMMON("snapshot", "-1", "null") "}\n" SIGNED, ERR_CORRUPT,
         "member \"seq\" is negative"},
        {"{" COMMON("snapshot", "9007199254740992", "null") "}\n" SIGNED, ERR_CORRUPT,
         "member \"seq\" is over 9007199254740991"},
        {"{" COMMON("snapshot", "1", "null") "}\n" SIGNED, ERR_CORRUPT,
         "member \"prev\" must be null at seq 0 and only there"},
        {"{" COMMON("snapshot", "0", "\"00\"") "}\n" SIGNED, ERR_CORRUPT,
         "member \"prev\" must be null at seq 0 and only there"},
        {"{" GOOD "}\n{}\n", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
        {"{" GOOD "}\n{\"signatures\":[]}\n", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
        {"{" GOOD "}\n{\"signatures\":[1]}\n", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
        {"{" GOOD "}\n{\"signatures\":[{\"alg\":\"ed25519\",\"writerId\":\"" ROOT_ID
         "\",\"sig\":\"AAAA\"}]}\n",
         ERR_CORRUPT, "its line of signatures is not in the one form that there is"},
        {"{" GOOD "}\n{\"signatures\":[" SIGNATURE "],\"!x\":1}\n", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
        {"{" GOOD "}\n{\"signatures\":[{},{},{},{},{},{},{},{},{}]}\n", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
    };
    struct record *r = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_refused(record_parse(bytes_of_text(rows[i].text), &r), rows[i].code, rows[i].why);
        assert_null(r);
    }
}

/* No digest covers line 2: whoever writes the store could say things there that tools believe. */
static void line_2_has_one_form(void **state)
{
    static const struct {
        const char *line;
        enum err code;
        const char *why;
    } rows[] = {
        {"{\"signatures\":[" SIGNATURE "],\"masterKey\":{}}", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
        {"{\"masterKey\":{},\"signatures\":[" SIGNATURE "]}", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
        {"{\"signatures\": [" SIGNATURE "]}", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
        {"{\"signatures\":[" SIGNATURE "] }", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
        {"{\"signatures\":[" SIGNATURE "," SIGNATURE "]}", ERR_CORRUPT,
         "its line of signatures is not in the one form that there is"},
        {"{\"signatures\":[{\"alg\":\"ed25519\",\"sig\":\"" SIGNATURE_TEXT
         "\",\"writerId\":\"" ROOT_ID "\"}]}",
         ERR_CORRUPT, "its line of signatures is not in the one form that there is"},
        {"{\"signatures\":[{\"alg\":\"\\u0065d25519\",\"writerId\":\"" ROOT_ID
         "\",\"sig\":\"" SIGNATURE_TEXT "\"}]}",
         ERR_CORRUPT, "its line of signatures is not in the one form that there is"},
        {"{\"signatures\":[{\"alg\":\"ed25519\",\"writerId\":\"" OTHER_ID
         "\",\"sig\":\"" SIGNATURE_TEXT "\"}]}",
         ERR_CORRUPT, "the record is not signed by the key of its writer"},
        {"{\"signatures\":[{\"alg\":\"ml-dsa-87\",\"anything\":{}}," SIGNATURE "]}",
         ERR_UNSUPPORTED, "a signature by \"ml-dsa-87\" is not known to this release"},
        {"{\"signatures\":[" SIGNATURE ",{\"alg\":\"ml-dsa-87\",\"anything\":{}}]}",
         ERR_UNSUPPORTED, "a signature by \"ml-dsa-87\" is not known to this release"},
    };
    struct record *r = NULL;
    char text[2048];

    (void)state;
    assert_done(record_parse(bytes_of_text("{" GOOD "}\n" SIGNED), &r));
    record_free(r);
    r = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "{" GOOD "}\n%s\n", rows[i].line);
        assert_refused(record_parse(bytes_of_text(text), &r), rows[i].code, rows[i].why);
        assert_null(r);
    }
}

/* Line 1 of exactly `len` bytes with both lines, by a long description. */
static struct buf of_length(size_t len)
{
    struct buf raw = {.max = RECORD_LEN_MAX + 10};
    const char *front = "{" GOOD ",\"d\":\"";
    const char *end = "\"}\n" SIGNED;

    assert_done(buf_add_text(&raw, front));
    while (raw.len + strlen(end) < len)
        assert_done(buf_add_text(&raw, "x"));
    assert_done(buf_add_text(&raw, end));
    return raw;
}

static void a_record_of_64_kib_is_read_and_one_byte_more_is_not(void **state)
{
    struct buf raw = of_length(RECORD_LEN_MAX);
    struct record *r = NULL;

    (void)state;
    assert_done(record_parse(buf_bytes(&raw), &r));
    record_free(r);
    r = NULL;
    buf_clear(&raw);
    raw = of_length(RECORD_LEN_MAX + 1);
    assert_refused(record_parse(buf_bytes(&raw), &r), ERR_CORRUPT,
                   "a record of 65537 bytes is over the limit of 65536");
    buf_clear(&raw);
}

static void a_record_that_would_be_too_long_is_not_made(void **state)
{
    struct signer *s = forge_key(state, "key", ROOT_KEY_FILE);
    struct record_place place = {.created_ms = 0};
    struct jdoc *body = NULL;
    struct record *r = NULL;
    char *text = test_malloc(RECORD_LEN_MAX + 1);

    memset(text, 'x', RECORD_LEN_MAX);
    text[RECORD_LEN_MAX] = '\0';
    assert_done(jdoc_object(&body));
    assert_done(jdoc_set_text(body, "d", text));
    assert_refused(record_make(RECORD_SNAPSHOT, &place, body, s, &r), ERR_FAILED,
                   "making a snapshot record: a buffer would grow past its limit of 65536 bytes");
    test_free(text);
    jdoc_free(body);
    signer_free(s);
}

static void a_body_cannot_replace_a_common_member(void **state)
{
    struct signer *s = forge_key(state, "key", ROOT_KEY_FILE);
    struct record_place place = {.created_ms = 0};
    struct jdoc *body = NULL;
    struct record *r = NULL;

    assert_done(jdoc_parse(bytes_of_text("{\"seq\":7}"), &body));
    assert_refused(record_make(RECORD_SNAPSHOT, &place, body, s, &r), ERR_CORRUPT,
                   "making a snapshot record: a member name occurs twice in one object");
    jdoc_free(body);
    signer_free(s);
}

static enum err parse_and_check(void *arg, struct bytes changed)
{
    struct record *r = NULL;
    enum err rc = record_parse(changed, &r);

    if (rc == ERR_OK)
        rc = record_check(r, signer_public(arg));
    record_free(r);
    assert_true(rc == ERR_OK || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
    return rc;
}

static void every_changed_byte_is_noticed(void **state)
{
    struct record *r = make(state, "{\"id\":\"abc\"}");
    struct signer *root = forge_key(state, "root", ROOT_KEY_FILE);

    sweep_changes(buf_bytes(&r->raw), parse_and_check, root);
    signer_free(root);
    record_free(r);
}

static void names_are_read_strictly(void **state)
{
    static const char *const bad[] = {
        "",
        "ledger",
        "ledger/21fe31dfa154a261/0000000000000001.jsom",
        "ledgerx21fe31dfa154a261/0000000000000001.json",
        "ledger/21fe31dfa154a261x0000000000000001.json",
        "ledger/21FE31dfa154a261/0000000000000001.json",
        "ledger/21fe31dfa154a26g/0000000000000001.json",
        "ledger/21fe31dfa154a261/000000000000000g.json",
        "ledger/21fe31dfa154a261/000000000000001.json",
        "ledger/21fe31dfa154a261/00000000000000001.json",
        "ledger/21fe31dfa154a261/0020000000000000.json",
    };
    char expected[200];
    char name[RECORD_NAME_LEN + 1];
    uint8_t writer[SIGNER_ID_LEN];
    uint64_t seq = 0;

    (void)state;
    assert_done(record_name_parse("ledger/21fe31dfa154a261/00000000000012ab.json", writer, &seq));
    assert_int_equal(seq, 0x12ab);
    record_name(writer, seq, name);
    assert_string_equal(name, "ledger/21fe31dfa154a261/00000000000012ab.json");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(expected, sizeof expected, "\"%s\" is not the name of a record", bad[i]);
        assert_refused(record_name_parse(bad[i], writer, &seq), ERR_CORRUPT, expected);
    }
}

/* DESIGN: backup makes, retention ends what has expired, keys rewraps; all else is root's. */
static void each_type_has_its_role(void **state)
{
    static const enum record_role roles[RECORD_TYPE_COUNT] = {
        [RECORD_GENESIS] = ROLE_ROOT,
        [RECORD_WRITER] = ROLE_ROOT,
        [RECORD_SNAPSHOT] = ROLE_BACKUP,
        [RECORD_OPLOG_SEGMENT] = ROLE_BACKUP,
        [RECORD_OPLOG_BATCH] = ROLE_BACKUP,
        [RECORD_OPLOG_EVENT] = ROLE_BACKUP,
        [RECORD_DRILL] = ROLE_BACKUP,
        [RECORD_KEY_STATE] = ROLE_BACKUP,
        [RECORD_REWRAP] = ROLE_KEYS,
        [RECORD_TOMBSTONE] = ROLE_RETENTION,
        [RECORD_CHECKPOINT] = ROLE_RETENTION,
        [RECORD_HOLD] = ROLE_RETENTION,
        [RECORD_RELEASE] = ROLE_RETENTION,
        [RECORD_UNDELETE] = ROLE_RETENTION,
        [RECORD_GARBAGE_PASS] = ROLE_RETENTION,
        [RECORD_LEASE] = ROLE_BACKUP,
        [RECORD_VERIFICATION] = ROLE_BACKUP,
        [RECORD_KEYRING_HALF] = ROLE_KEYS,
    };

    (void)state;
    for (size_t i = 0; i < RECORD_TYPE_COUNT; i++)
        assert_int_equal(record_type_role((enum record_type)i), roles[i]);
    assert_string_equal(record_type_name(RECORD_OPLOG_SEGMENT), "oplogSegment");
    assert_string_equal(record_role_name(ROLE_KEYS), "keys");
}

static enum err make_again(void *arg)
{
    const struct record_place place = {.created_ms = 0};
    struct signer *s = NULL;
    struct jdoc *body = NULL;
    struct record *r = NULL;
    enum err rc;

    TRY(signer_load(in(arg, "key"), &s));
    TRY(jdoc_parse(bytes_of_text("{\"id\":\"abc\"}"), &body));
    TRY(record_make(RECORD_SNAPSHOT, &place, body, s, &r));
out:
    record_free(r);
    jdoc_free(body);
    signer_free(s);
    return rc;
}

static void no_allocation_is_missed(void **state)
{
    struct signer *s = forge_key(state, "key", ROOT_KEY_FILE);

    signer_free(s);
    assert_true(sweep_allocations(make_again, state) > 5);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_record_is_two_lines_that_anyone_can_read),
        IN_DIRECTORY(what_was_made_is_read_back),
        IN_DIRECTORY(what_is_no_record_is_refused),
        IN_DIRECTORY(line_2_has_one_form),
        IN_DIRECTORY(a_record_of_64_kib_is_read_and_one_byte_more_is_not),
        IN_DIRECTORY(a_record_that_would_be_too_long_is_not_made),
        IN_DIRECTORY(a_body_cannot_replace_a_common_member),
        IN_DIRECTORY(every_changed_byte_is_noticed),
        IN_DIRECTORY(names_are_read_strictly),
        IN_DIRECTORY(each_type_has_its_role),
        IN_DIRECTORY(no_allocation_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

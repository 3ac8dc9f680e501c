#include <assert.h>

#include "core/base/mem.h"
#include "keyring/envelope.h"
#include "tests/unit/keyring/rings.h"

/* A data key with two envelopes, without any cryptography. */
static struct data_key sample(void)
{
    struct data_key d = {.envelope_count = 2};

    memcpy(d.context.repository, test_repository, SEAL_ID_LEN);
    memset(d.context.scope, 0x5c, SEAL_ID_LEN);
    memset(d.commitment, 0xc0, sizeof d.commitment);
    assert_done(mem_new(2, sizeof *d.envelopes, &d.envelopes));
    d.envelopes[0].key = (struct key_name){"file", "abcd", "1", ""};
    d.envelopes[1].key = (struct key_name){"aws", "arn:aws:kms:x", "\xc3\xa9-2", ""};
    for (size_t i = 0; i < 2; i++) {
        snprintf(d.envelopes[i].algorithm, sizeof d.envelopes[i].algorithm, "algorithm-%zu", i);
        d.envelopes[i].wrapped_len = 5 + i;
        memset(d.envelopes[i].wrapped, (int)i + 1, 5 + i);
    }
    return d;
}

static struct buf text_of(const struct data_key *d)
{
    struct buf b = {.max = 64 * KIB};
    struct jdoc *o = NULL;

    assert_done(data_key_write(d, &o));
    assert_done(jdoc_write(o, &b));
    jdoc_free(o);
    return b;
}

#define CONTEXT                                                                                    \
    "\"context\":{\"sealpoint\":\"1\",\"repositoryId\":\"aa010203000000000000000000000000\","      \
    "\"scope\":\"5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c\"}"
#define FIRST                                                                                      \
    "{\"provider\":\"file\",\"keyId\":\"abcd\",\"keyVersion\":\"1\",\"wrapAlgorithm\":"            \
    "\"algorithm-0\",\"wrappedKey\":\"AQEBAQE=\"," CONTEXT "}"
#define SECOND                                                                                     \
    "{\"provider\":\"aws\",\"keyId\":\"arn:aws:kms:x\",\"keyVersion\":\"\xc3\xa9-2\","             \
    "\"wrapAlgorithm\":\"algorithm-1\",\"wrappedKey\":\"AgICAgIC\"," CONTEXT "}"
#define HEAD                                                                                       \
    "{\"scope\":\"5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c\",\"commitment\":"                              \
    "\"c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0\",\"envelopes\":["

static void the_text_is_that_of_the_format_page(void **state)
{
    struct data_key d = sample();
    struct buf b = text_of(&d);

    (void)state;
    assert_true(bytes_equal(buf_bytes(&b), bytes_of_text(HEAD FIRST "," SECOND "]}")));
    buf_clear(&b);
    data_key_clear(&d);
}

static enum err read_text(const char *text, struct data_key *out)
{
    struct jdoc *o = NULL;
    enum err rc;

    TRY(jdoc_parse(bytes_of_text(text), &o));
    TRY(data_key_read(o, test_repository, out));
out:
    jdoc_free(o);
    return rc;
}

static void a_data_key_is_read_as_it_was_written(void **state)
{
    struct data_key d = sample();
    struct data_key back = {.envelope_count = 0};
    struct data_key copy = {.envelope_count = 0};

    (void)state;
    assert_done(read_text(HEAD FIRST "," SECOND "]}", &back));
    assert_memory_equal(&back.context, &d.context, sizeof d.context);
    assert_memory_equal(back.commitment, d.commitment, sizeof d.commitment);
    assert_int_equal(back.envelope_count, 2);
    assert(back.envelopes != NULL && d.envelopes != NULL);
    for (size_t i = 0; i < 2; i++) {
        assert_true(key_name_equal(&back.envelopes[i].key, &d.envelopes[i].key));
        assert_string_equal(back.envelopes[i].algorithm, d.envelopes[i].algorithm);
        assert_int_equal(back.envelopes[i].wrapped_len, d.envelopes[i].wrapped_len);
        assert_memory_equal(back.envelopes[i].wrapped, d.envelopes[i].wrapped, 5 + i);
    }
    assert_done(data_key_copy(&back, &copy));
    data_key_clear(&back);
    assert_true(key_name_equal(&copy.envelopes[1].key, &d.envelopes[1].key));
    data_key_clear(&copy);
    data_key_clear(&d);
}

struct bad {
    const char *text;
    enum err rc;
    const char *message;
};

#define LONG100                                                                                    \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxx"

static const struct bad bads[] = {
    {HEAD "]}", ERR_CORRUPT, "a data key without an envelope"},
    {HEAD FIRST "," FIRST "," FIRST "," FIRST "," FIRST "," FIRST "," FIRST "," FIRST "," FIRST
                "]}",
     ERR_CORRUPT, "list \"envelopes\" has more than 8 items"},
    {HEAD "7]}", ERR_CORRUPT, "item 0 of a list is not an object"},
    {HEAD FIRST ",{}]}", ERR_CORRUPT, "envelope 1: member \"provider\" is missing"},
    {HEAD "{\"provider\":\"\",\"keyId\":\"a\",\"keyVersion\":\"1\"}]}", ERR_CORRUPT,
     "envelope 0: member \"provider\" is empty"},
    {HEAD "{\"provider\":\"" LONG100 "\"}]}", ERR_CORRUPT,
     "envelope 0: member \"provider\" is longer than 15 bytes"},
    {HEAD "{\"provider\":\"file\",\"keyId\":\"a\\u0007b\",\"keyVersion\":\"1\"}]}", ERR_CORRUPT,
     "envelope 0: member \"keyId\" has control characters"},
    {HEAD "{\"provider\":\"file\",\"keyId\":\"a\",\"keyVersion\":\"1\",\"wrapAlgorithm\":\"" LONG100
          "\"}]}",
     ERR_CORRUPT, "envelope 0: member \"wrapAlgorithm\" is longer than 31 bytes"},
    {HEAD "{\"provider\":\"file\",\"keyId\":\"a\",\"keyVersion\":\"1\",\"wrapAlgorithm\":\"x\","
          "\"wrappedKey\":\"\"}]}",
     ERR_CORRUPT, "envelope 0: member \"wrappedKey\" is empty"},
};

static void what_breaks_a_rule_is_refused(void **state)
{
    struct data_key d = {.envelope_count = 0};

    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++)
        assert_refused(read_text(bads[i].text, &d), bads[i].rc, bads[i].message);
    assert_null(d.envelopes);
}

static void an_envelope_of_another_place_is_refused(void **state)
{
    struct data_key d = sample();
    struct data_key back = {.envelope_count = 0};
    struct jdoc *o = NULL;
    struct jdoc *part = NULL;
    struct envelope e;
    struct seal_context other = d.context;
    uint8_t elsewhere[SEAL_ID_LEN] = {0};

    (void)state;
    assert_done(data_key_write(&d, &o));
    assert_refused(data_key_read(o, elsewhere, &back), ERR_CORRUPT,
                   "envelope 0: the envelope belongs to another repository");
    jdoc_free(o);
    assert_done(envelope_write(&d.envelopes[0], &d.context, &part));
    other.scope[0] ^= 1;
    assert_refused(envelope_read(part, &other, &e), ERR_CORRUPT,
                   "the envelope belongs to another scope");
    jdoc_free(part);
    data_key_clear(&d);
}

/* What a later release may mean by another context is not ours to guess. */
static void an_envelope_whose_context_has_another_version_is_not_known(void **state)
{
    struct data_key d = sample();
    struct jdoc *part = NULL;
    struct buf text = {.max = MIB};
    struct envelope e;
    char *cursor;

    (void)state;
    assert_done(envelope_write(&d.envelopes[0], &d.context, &part));
    assert_done(jdoc_write(part, &text));
    assert_done(buf_add(&text, bytes_of("", 1)));
    jdoc_free(part);
    cursor = strstr((char *)text.data, "\"sealpoint\":\"1\"");
    assert_non_null(cursor);
    cursor[strlen("\"sealpoint\":\"")] = '2';
    assert_done(jdoc_parse(bytes_of(text.data, text.len - 1), &part));
    assert_refused(envelope_read(part, &d.context, &e), ERR_UNSUPPORTED,
                   "an envelope's context has version 2, known is 1");
    jdoc_free(part);
    buf_clear(&text);
    data_key_clear(&d);
}

static enum err there_and_back(void *arg)
{
    struct data_key *d = arg;
    struct data_key back = {.envelope_count = 0};
    struct data_key copy = {.envelope_count = 0};
    struct jdoc *o = NULL;
    enum err rc;

    TRY(data_key_write(d, &o));
    TRY(data_key_read(o, test_repository, &back));
    TRY(data_key_copy(&back, &copy));
out:
    jdoc_free(o);
    data_key_clear(&back);
    data_key_clear(&copy);
    return rc;
}

static void no_allocation_that_fails_leaks_or_crashes(void **state)
{
    struct data_key d = sample();

    (void)state;
    assert_true(sweep_allocations(there_and_back, &d) >= 4);
    data_key_clear(&d);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_that_of_the_format_page),
        cmocka_unit_test(a_data_key_is_read_as_it_was_written),
        cmocka_unit_test(what_breaks_a_rule_is_refused),
        cmocka_unit_test(an_envelope_of_another_place_is_refused),
        cmocka_unit_test(an_envelope_whose_context_has_another_version_is_not_known),
        cmocka_unit_test(no_allocation_that_fails_leaks_or_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

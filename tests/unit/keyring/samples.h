/*
 * A data key without any cryptography, and records and documents made of texts.
 *
 * Uses: helpers, rings.
 */
#ifndef TESTS_UNIT_KEYRING_SAMPLES_H
#define TESTS_UNIT_KEYRING_SAMPLES_H

#include "core/base/jdoc.h"
#include "core/base/mem.h"
#include "core/ledger/record.h"
#include "core/ledger/record_message.h"
#include "tests/unit/keyring/rings.h"

/* One of test_repository, with envelopes by file abcd 1 and file efgh 2. */
static inline struct data_key sample_key(void)
{
    struct data_key d = {.envelope_count = 2};

    memcpy(d.context.repository, test_repository, SEAL_ID_LEN);
    memset(d.context.scope, 0x5c, SEAL_ID_LEN);
    memset(d.commitment, 0xc0, sizeof d.commitment);
    assert_done(mem_new(2, sizeof *d.envelopes, &d.envelopes));
    d.envelopes[0].key = (struct key_name){"file", "abcd", "1", ""};
    d.envelopes[1].key = (struct key_name){"file", "efgh", "2", ""};
    for (size_t i = 0; i < 2; i++) {
        snprintf(d.envelopes[i].algorithm, sizeof d.envelopes[i].algorithm, "none");
        d.envelopes[i].wrapped_len = 3;
    }
    return d;
}

/* What `sample_key()` is as JSON. */
#define SAMPLE_CONTEXT                                                                             \
    "\"context\":{\"sealpoint\":\"1\",\"repositoryId\":\"aa010203000000000000000000000000\","      \
    "\"scope\":\"5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c\"}"
#define SAMPLE_FIRST_NAME "{\"provider\":\"file\",\"keyId\":\"abcd\",\"keyVersion\":\"1\"}"
#define SAMPLE_DATA_KEY                                                                            \
    "{\"scope\":\"5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c\",\"commitment\":"                              \
    "\"c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0\",\"envelopes\":["         \
    "{\"provider\":\"file\",\"keyId\":\"abcd\",\"keyVersion\":\"1\",\"wrapAlgorithm\":\"none\","   \
    "\"wrappedKey\":\"AAAA\"," SAMPLE_CONTEXT "},"                                                 \
    "{\"provider\":\"file\",\"keyId\":\"efgh\",\"keyVersion\":\"2\",\"wrapAlgorithm\":\"none\","   \
    "\"wrappedKey\":\"AAAA\"," SAMPLE_CONTEXT "}]}"

/* The document is exactly this text. */
static inline void assert_text(const struct jdoc *o, const char *due)
{
    struct buf text = {.max = MIB};

    assert_done(jdoc_write(o, &text));
    assert_done(buf_add(&text, bytes_of("", 1)));
    assert_string_equal((const char *)text.data, due);
    buf_clear(&text);
}

/* A record with these members and facts; clear its `raw`. */
static inline struct record record_of(const char *text)
{
    struct record r = {.seq = 0, .raw = {.max = MIB}};

    memcpy(r.repository, test_repository, SEAL_ID_LEN);
    assert_done(buf_add_text(&r.raw, text));
    (void)record_scan(buf_bytes(&r.raw), &r);
    r.seq = 7;
    return r;
}

/* The same; frees the document. */
static inline struct record record_of_doc(struct jdoc *doc)
{
    struct buf text = {.max = MIB};
    struct record r;

    assert_done(jdoc_write(doc, &text));
    assert_done(buf_add(&text, bytes_of("", 1)));
    r = record_of((const char *)text.data);
    buf_clear(&text);
    jdoc_free(doc);
    return r;
}

#endif

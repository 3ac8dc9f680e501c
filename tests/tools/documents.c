#include "tests/tools/documents.h"

#include <stdio.h>
#include <string.h>

/* share: how many of 100 documents are of this kind. */
static const struct {
    const char *ns;
    const char *field;
    unsigned share;
} kinds[KINDS] = {
    [ARTICLES] = {"shop.articles", "slug", 36},
    [CUSTOMERS] = {"shop.customers", "email", 31},
    [ORDERS] = {"shop.orders", "customer", 31},
    [CHUNKS] = {"shop.files.chunks", "files_id", 2},
};

const char *kind_namespace(enum kind kind)
{
    return kinds[kind].ns;
}

const char *kind_field(enum kind kind)
{
    return kinds[kind].field;
}

enum kind kind_any(struct chance *c)
{
    unsigned at = (unsigned)chance_below(c, 100);

    for (int k = 0; k < KINDS; k++) {
        if (at < kinds[k].share)
            return (enum kind)k;
        at -= kinds[k].share;
    }
    return CHUNKS;
}

void document_id(enum kind kind, int64_t record, uint8_t out[DOCUMENT_ID_LEN])
{
    static const uint8_t process[5] = {0x5e, 0x1d, 0x09, 0xc4, 0x7a};
    uint32_t seconds = 1700000000U + (uint32_t)(record / 7);

    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(seconds >> (24 - 8 * i));
    memcpy(out + 4, process, sizeof process);
    out[4] = (uint8_t)kind;
    for (int i = 0; i < 3; i++)
        out[9 + i] = (uint8_t)((uint64_t)record >> (16 - 8 * i));
}

void document_field(const struct words *words, enum kind kind, int64_t record,
                    char out[DOCUMENT_FIELD_ROOM])
{
    struct chance fixed = chance_of((uint64_t)kind + 101, (uint64_t)record, 0);
    const char *first = words_any(words, &fixed);
    const char *last = words_any(words, &fixed);

    (void)snprintf(out, DOCUMENT_FIELD_ROOM,
                   kind == CUSTOMERS ? "%.20s.%.20s%lld@example.org" : "%.20s-%.20s-%lld", first,
                   last, (long long)(kind == ORDERS ? record / 5 : record));
}

/* Tokens and checksums in digits: a good part of what real documents are made of. */
static void put_digits(struct bson *b, const char *name, struct chance *c, const char *digits,
                       unsigned count)
{
    char text[129];

    for (unsigned i = 0; i < count; i++)
        text[i] = digits[chance_below(c, strlen(digits))];
    text[count] = '\0';
    bson_text(b, name, text);
}

static void put_article(struct bson *b, struct chance *c, const struct words *words)
{
    char text[6000];

    bson_text(b, "title", words_sentence(words, c, 6, text, sizeof text));
    bson_text(b, "body",
              words_paragraph(words, c, 60 + (unsigned)chance_below(c, 180), text, sizeof text));
    bson_begin(b, BSON_ARRAY, "tags");
    for (unsigned i = 0; i < 3; i++)
        bson_text(b, bson_digit(i), words_any(words, c));
    bson_end(b);
    put_digits(b, "barcode", c, "0123456789", 13);
    put_digits(b, "etag", c, "0123456789abcdef", 64);
    bson_double(b, "score", (double)chance_below(c, 100000) / 1000);
    bson_i32(b, "views", (int32_t)chance_below(c, 50000));
    bson_bool(b, "published", chance_below(c, 10) > 1);
}

static void put_customer(struct bson *b, struct chance *c, const struct words *words)
{
    char text[600];
    uint8_t token[16];

    bson_text(b, "name", words_sentence(words, c, 2, text, sizeof text));
    bson_begin(b, BSON_DOCUMENT, "address");
    bson_text(b, "street", words_sentence(words, c, 2, text, sizeof text));
    bson_i32(b, "number", (int32_t)chance_below(c, 300));
    bson_text(b, "city", words_any(words, c));
    bson_text(b, "country", words_any(words, c));
    bson_end(b);
    bson_text(b, "note",
              words_paragraph(words, c, 8 + (unsigned)chance_below(c, 40), text, sizeof text));
    put_digits(b, "phone", c, "0123456789", 12);
    put_digits(b, "session", c, "0123456789abcdef", 64);
    chance_fill(c, token, sizeof token);
    bson_binary(b, "token", token, sizeof token);
    bson_i64(b, "points", (int64_t)chance_below(c, 1000000000));
    bson_date(b, "lastSeen", 1700000000000 + (int64_t)chance_below(c, 30000000000));
}

static void put_order(struct bson *b, struct chance *c, const struct words *words)
{
    char text[200];
    unsigned count = 1 + (unsigned)chance_below(c, 8);
    uint8_t id[DOCUMENT_ID_LEN];

    bson_begin(b, BSON_ARRAY, "items");
    for (unsigned i = 0; i < count; i++) {
        bson_begin(b, BSON_DOCUMENT, bson_digit(i));
        document_id(ARTICLES, 1 + (int64_t)chance_below(c, 1000000), id);
        bson_object_id(b, "article", id);
        bson_text(b, "name", words_sentence(words, c, 3, text, sizeof text));
        bson_i32(b, "count", 1 + (int32_t)chance_below(c, 9));
        bson_double(b, "price", (double)chance_below(c, 400) + 0.99);
        bson_end(b);
    }
    bson_end(b);
    put_digits(b, "tracking", c, "0123456789", 20);
    put_digits(b, "payment", c, "0123456789abcdef", 32);
    bson_text(b, "state", chance_below(c, 3) == 0 ? "open" : "delivered");
    bson_date(b, "at", 1700000000000 + (int64_t)chance_below(c, 30000000000));
    bson_double(b, "total", (double)chance_below(c, 4000) + 0.99);
}

static void put_chunk(struct bson *b, struct chance *c)
{
    static uint8_t data[16 * 1024];
    size_t len = 1024 + chance_below(c, 4 * 1024);

    bson_i32(b, "n", (int32_t)chance_below(c, 40));
    chance_fill(c, data, len);
    put_digits(b, "sha256", c, "0123456789abcdef", 64);
    bson_binary(b, "data", data, len);
}

void document_make(const struct words *words, enum kind kind, int64_t record, uint64_t revision,
                   struct bson *b)
{
    struct chance c = chance_of((uint64_t)kind + 201, (uint64_t)record, revision);
    char field[DOCUMENT_FIELD_ROOM];
    uint8_t id[DOCUMENT_ID_LEN];

    document_id(kind, record, id);
    document_field(words, kind, record, field);
    bson_start(b);
    bson_object_id(b, "_id", id);
    bson_text(b, kinds[kind].field, field);
    bson_i64(b, "revision", (int64_t)revision);
    switch (kind) {
    case ARTICLES:
        put_article(b, &c, words);
        break;
    case CUSTOMERS:
        put_customer(b, &c, words);
        break;
    case ORDERS:
        put_order(b, &c, words);
        break;
    case CHUNKS:
    case KINDS:
    default:
        put_chunk(b, &c);
        break;
    }
    bson_finish(b);
}

#include "tests/tools/bson.h"

#include <assert.h>
#include <string.h>

static void put(struct bson *b, const void *at, size_t len)
{
    assert(len <= b->room - b->len);
    memcpy(b->at + b->len, at, len);
    b->len += len;
}

static void put_little(struct bson *b, uint64_t value, unsigned width)
{
    uint8_t out[8];

    for (unsigned i = 0; i < width; i++)
        out[i] = (uint8_t)(value >> (8 * i));
    put(b, out, width);
}

static void put_name(struct bson *b, uint8_t type, const char *name)
{
    put(b, &type, 1);
    put(b, name, strlen(name) + 1);
}

static void open_here(struct bson *b)
{
    assert(b->depth < BSON_DEPTH_MAX);
    b->open[b->depth++] = b->len;
    put_little(b, 0, 4);
}

static void close_here(struct bson *b)
{
    size_t start, end;

    assert(b->depth > 0);
    put_little(b, 0, 1);
    start = b->open[--b->depth];
    end = b->len;
    b->len = start;
    put_little(b, end - start, 4);
    b->len = end;
}

void bson_start(struct bson *b)
{
    b->len = 0;
    b->depth = 0;
    open_here(b);
}

void bson_finish(struct bson *b)
{
    assert(b->depth == 1);
    close_here(b);
}

void bson_begin(struct bson *b, enum bson_nest type, const char *name)
{
    put_name(b, (uint8_t)type, name);
    open_here(b);
}

void bson_end(struct bson *b)
{
    assert(b->depth > 1);
    close_here(b);
}

void bson_text(struct bson *b, const char *name, const char *text)
{
    size_t len = strlen(text) + 1;

    put_name(b, 0x02, name);
    put_little(b, len, 4);
    put(b, text, len);
}

void bson_double(struct bson *b, const char *name, double value)
{
    uint64_t bits;

    static_assert(sizeof bits == sizeof value, "a double has 8 bytes");
    memcpy(&bits, &value, sizeof bits);
    put_name(b, 0x01, name);
    put_little(b, bits, 8);
}

void bson_bool(struct bson *b, const char *name, bool value)
{
    put_name(b, 0x08, name);
    put_little(b, value ? 1 : 0, 1);
}

void bson_i32(struct bson *b, const char *name, int32_t value)
{
    put_name(b, 0x10, name);
    put_little(b, (uint32_t)value, 4);
}

void bson_i64(struct bson *b, const char *name, int64_t value)
{
    put_name(b, 0x12, name);
    put_little(b, (uint64_t)value, 8);
}

void bson_date(struct bson *b, const char *name, int64_t ms)
{
    put_name(b, 0x09, name);
    put_little(b, (uint64_t)ms, 8);
}

void bson_timestamp(struct bson *b, const char *name, uint32_t seconds, uint32_t ordinal)
{
    put_name(b, 0x11, name);
    put_little(b, ordinal, 4);
    put_little(b, seconds, 4);
}

void bson_object_id(struct bson *b, const char *name, const uint8_t id[12])
{
    put_name(b, 0x07, name);
    put(b, id, 12);
}

void bson_binary(struct bson *b, const char *name, const uint8_t *at, size_t len)
{
    put_name(b, 0x05, name);
    put_little(b, len, 4);
    put_little(b, 0, 1);
    put(b, at, len);
}

void bson_raw(struct bson *b, const char *name, const uint8_t *document, size_t len)
{
    put_name(b, 0x03, name);
    put(b, document, len);
}

const char *bson_digit(unsigned i)
{
    static const char names[10][2] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

    assert(i < 10);
    return names[i];
}

/*
 * Just enough BSON to write documents as mongod stores them, into room that the caller holds.
 *
 * Overflow and unbalanced nesting are mistakes of the caller and end the program.
 * Uses: nothing.
 */
#ifndef TESTS_TOOLS_BSON_H
#define TESTS_TOOLS_BSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BSON_DEPTH_MAX 8

enum bson_nest { BSON_DOCUMENT = 0x03, BSON_ARRAY = 0x04 };

struct bson {
    uint8_t *at; /* borrowed */
    size_t room;
    size_t len;
    size_t open[BSON_DEPTH_MAX]; /* where the length of each open document stands */
    unsigned depth;
};

void bson_start(struct bson *b);
void bson_finish(struct bson *b);
void bson_begin(struct bson *b, enum bson_nest type, const char *name);
void bson_end(struct bson *b);

void bson_text(struct bson *b, const char *name, const char *text);
void bson_double(struct bson *b, const char *name, double value);
void bson_bool(struct bson *b, const char *name, bool value);
void bson_i32(struct bson *b, const char *name, int32_t value);
void bson_i64(struct bson *b, const char *name, int64_t value);
void bson_date(struct bson *b, const char *name, int64_t ms);
void bson_timestamp(struct bson *b, const char *name, uint32_t seconds, uint32_t ordinal);
void bson_object_id(struct bson *b, const char *name, const uint8_t id[12]);
void bson_binary(struct bson *b, const char *name, const uint8_t *at, size_t len);
void bson_raw(struct bson *b, const char *name, const uint8_t *document, size_t len);

/* The name of an array's item: "0" to "9". */
const char *bson_digit(unsigned i);

#endif

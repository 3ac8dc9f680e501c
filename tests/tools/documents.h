/*
 * The documents of the made-up shop: what is in one follows from its kind, number and revision.
 *
 * Uses: bson, words.
 */
#ifndef TESTS_TOOLS_DOCUMENTS_H
#define TESTS_TOOLS_DOCUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "tests/tools/bson.h"
#include "tests/tools/words.h"

#define DOCUMENT_MAX ((size_t)64 * 1024)
#define DOCUMENT_ID_LEN 12
#define DOCUMENT_FIELD_ROOM 64

enum kind { ARTICLES, CUSTOMERS, ORDERS, CHUNKS, KINDS };

/* Its namespace, and the field of its second index. */
const char *kind_namespace(enum kind kind);
const char *kind_field(enum kind kind);

/* Kinds in their shares. */
enum kind kind_any(struct chance *c);

/* The whole document into `b`; needs DOCUMENT_MAX of room at most. */
void document_make(const struct words *words, enum kind kind, int64_t record, uint64_t revision,
                   struct bson *b);

/* The indexed values; no revision changes them, so an update leaves the indexes alone. */
void document_id(enum kind kind, int64_t record, uint8_t out[DOCUMENT_ID_LEN]);
void document_field(const struct words *words, enum kind kind, int64_t record,
                    char out[DOCUMENT_FIELD_ROOM]);

#endif

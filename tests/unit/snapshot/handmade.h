/*
 * An opened snapshot put together by hand: packs of known content in a store, and an index over
 * them that says what the test likes, right or wrong.
 *
 *     struct handmade h;
 *
 *     handmade_begin(state, &h);
 *     pack = add_pack(&h, content);
 *     add_piece(&h, pack, 0, file_reader, BLOCK_RAW);       (a row of the block map)
 *     add_sized(&h.parts, "f", content.len, 0);         (the file it belongs to)
 *     handmade_index(&h);
 *     … h.opened …
 *     handmade_clear(&h);
 *
 * Uses: index_samples, faulty, snapshot/read/snapshot_reader.
 */
#ifndef TESTS_UNIT_SNAPSHOT_HANDMADE_H
#define TESTS_UNIT_SNAPSHOT_HANDMADE_H

#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "snapshot/read/snapshot_reader.h"
#include "tests/unit/faulty.h"
#include "tests/unit/snapshot/index_samples.h"

struct handmade {
    void **state;
    struct store *real;
    struct faulty faulty;          /* counts, unless a test sets a fault */
    struct snapshot_reader opened; /* its store is the faulty one */
    struct parts parts;
};

/* One more data key; its scope is all `fill`. */
void add_key(struct handmade *h, uint8_t fill);

void handmade_begin(void **state, struct handmade *h);

void handmade_clear(struct handmade *h);

/* From now on the `at`th operation of these kinds is like that; what was counted is forgotten. */
void set_fault(struct handmade *h, enum fault fault, unsigned long nth, unsigned ops);

/* A pack of this plaintext, sealed under data key `key`. Its number. */
uint32_t add_pack_of_key(struct handmade *h, size_t key, struct bytes plain);

uint32_t add_pack(struct handmade *h, struct bytes plain);

/* The block of this content that lies as it is at `offset` of pack `object`. */
struct block block_at(uint32_t object, uint64_t offset, struct bytes plain);

/* The same as the next row of the block map. */
void add_piece(struct handmade *h, uint32_t object, uint64_t offset, struct bytes plain);

void add_zeros(struct handmade *h);

void handmade_index(struct handmade *h);

/* "object data/…, block at N: <rest>", as a reader says it. */
const char *block_message(uint8_t id, uint64_t offset, const char *rest);

#endif

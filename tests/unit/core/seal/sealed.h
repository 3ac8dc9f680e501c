/*
 * A sealed object in memory, for the tests of this room: sink, fetch, and a maker.
 *
 * Uses: core/seal, helpers.
 */
#ifndef TESTS_UNIT_CORE_SEAL_SEALED_H
#define TESTS_UNIT_CORE_SEAL_SEALED_H

#include <string.h>

#include "core/base/hash.h"
#include "core/base/secret.h"
#include "core/seal/object.h"
#include "tests/unit/helpers.h"

#define SEALED_MAX (16 * MIB)

struct sealed {
    struct buf bytes;
    size_t cap;     /* the sink is full beyond this; 0: never */
    size_t fetches; /* calls of sealed_fetch */
    uint64_t size;  /* as object_writer_finish told it, and the digest */
    uint8_t digest[HASH_LEN];
};

enum err sealed_sink(void *sealed, struct bytes more);

enum err sealed_fetch(void *sealed, uint64_t offset, void *to, size_t len);

/* `plain` sealed, handed over in pieces of `piece` bytes. */
struct sealed sealed_make(const struct secret *key, const struct object_identity *identity,
                          struct bytes plain, size_t piece);

/* A key of 32 bytes `fill`. */
struct secret *sealed_key(uint8_t fill);

/* An identity whose fields are all different. */
struct object_identity sealed_identity(void);

#define SEALED_ID_TEXT "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"

struct buf sealed_noise(size_t len);

#endif

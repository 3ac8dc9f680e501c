/*
 * A sealed object on its way into a repository: its name is noted in the journal, then plaintext is
 * sealed and put piece by piece.
 *
 * Uses: core/seal, core/store, journal.
 */
#ifndef CORE_REPOSITORY_SEALED_PUT_H
#define CORE_REPOSITORY_SEALED_PUT_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/secret.h"
#include "core/repository/journal.h"
#include "core/seal/object.h"
#include "core/store/store.h"

/* One thread each. */
struct sealed_put;

/* Begin an object with a fresh random id, which is filled into `identity`; all else there is the
 * caller's. The journal and the key are borrowed for this call only, the store until the end.
 */
MUST_CHECK enum err sealed_put_begin(struct store *store, struct journal *journal,
                                     const struct secret *key, struct object_identity *identity,
                                     struct sealed_put **out);

/* Plaintext so far: the offset that the next byte will have. */
uint64_t sealed_put_offset(const struct sealed_put *p);
MUST_CHECK enum err sealed_put_add(struct sealed_put *p, struct bytes plain);

/* Seal the last segment; the object is durable when this returns ERR_OK. *size and the digest are
 * those of all sealed bytes. Once; whatever it returns, sealed_put_free() follows. */
MUST_CHECK enum err sealed_put_commit(struct sealed_put *p, uint64_t *size,
                                      uint8_t sha256[HASH_LEN]);

/* What was not committed leaves nothing in the store; the journal keeps the name. */
void sealed_put_free(struct sealed_put *p);

#endif

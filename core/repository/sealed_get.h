/*
 * A sealed object of a repository, open for reading ranges of its plaintext.
 *
 * Uses: core/seal, core/store.
 */
#ifndef CORE_REPOSITORY_SEALED_GET_H
#define CORE_REPOSITORY_SEALED_GET_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/secret.h"
#include "core/seal/object.h"
#include "core/store/store.h"

/* One thread each. */
struct sealed_get;

/*
 * Identity and size are what the signed record or the manifest says of the object; its header is
 * checked against them. The key is borrowed for this call only, the store until the end.
 * ERR_NOT_FOUND: no such object. ERR_CORRUPT: another one stands there, it is cut, or the key is
 * not its key.
 */
MUST_CHECK enum err sealed_get_open(struct store *store, const struct secret *key,
                                    const struct object_identity *identity, uint64_t sealed_size,
                                    struct sealed_get **out);
uint64_t sealed_get_size(const struct sealed_get *g); /* of the plaintext */

/* Exactly `len` plaintext bytes at `offset`, as of object_reader_read(). */
MUST_CHECK enum err sealed_get_read(struct sealed_get *g, uint64_t offset, void *to, size_t len);
void sealed_get_free(struct sealed_get *g);

#endif

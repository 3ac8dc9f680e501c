/*
 * SHA-256, in one go and in pieces.
 *
 * Uses: bytes, err.
 */
#ifndef CORE_BASE_HASH_H
#define CORE_BASE_HASH_H

#include "core/base/bytes.h"
#include "core/base/err.h"

#define HASH_LEN 32

struct hash; /* a running SHA-256; one thread at a time */

/* Of the functions below each fails with ERR_FAILED only: OpenSSL could not, or there is no memory.
 */
MUST_CHECK enum err hash_of(struct bytes of, uint8_t out[HASH_LEN]);

/* hash_new() gives a hash that is ready for hash_add(); hash_end() writes the digest and makes it
 * ready for the next message. Hot loops keep one per thread. */
MUST_CHECK enum err hash_new(struct hash **out);
MUST_CHECK enum err hash_add(struct hash *h, struct bytes more);
MUST_CHECK enum err hash_end(struct hash *h, uint8_t out[HASH_LEN]);
void hash_free(struct hash *h);

#endif

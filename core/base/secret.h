/*
 * Key material: on OpenSSL's secure heap (locked, not dumped, guarded), wiped when freed.
 *
 * A secret is never logged, never in argv, the environment, an error text or a file in the clear.
 * Uses: err, bytes.
 */
#ifndef CORE_BASE_SECRET_H
#define CORE_BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

struct secret;

#define SECRET_LEN_MAX 4096

/* Once, before the first thread: secure heap on, core dumps off, not traceable by other users'
 * processes. ERR_FAILED: the system refuses the secure heap altogether. */
MUST_CHECK enum err secret_setup(void);

/* `len` zero bytes, random bytes, or a copy of `from`; release with secret_free(), which wipes. */
MUST_CHECK enum err secret_new(size_t len, struct secret **out);
MUST_CHECK enum err secret_random(size_t len, struct secret **out);
MUST_CHECK enum err secret_copy(struct bytes from, struct secret **out);
void secret_free(struct secret *s);

/* The material; borrowed. secret_at() is for filling it. */
struct bytes secret_bytes(const struct secret *s);
uint8_t *secret_at(struct secret *s);

/* Wipe memory that held key material for a moment (stack buffers, decoded base64). */
void secret_wipe(void *data, size_t len);

/* Constant time in the content. */
bool secret_equal(struct bytes a, struct bytes b);

#endif

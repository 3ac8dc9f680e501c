/*
 * Key material: on OpenSSL's secure heap (locked, not dumped, guard pages), wiped when freed.
 *
 * A secret never appears in a log, in argv, in the environment, in an error message, or unencrypted
 * in a file.
 * Uses: bytes, err.
 */
#ifndef CORE_BASE_SECRET_H
#define CORE_BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

struct secret;

#define SECRET_LEN_MAX 4096

/* Call once, before the first thread starts and before OpenSSL is used: sets up the secure heap,
 * turns core dumps off, and makes the process untraceable. ERR_FAILED: the system refuses one of
 * these; a heap that cannot be locked is no failure. */
MUST_CHECK enum err secret_setup(void);

/* `len` zero bytes, random bytes, or a copy of `from`; release with secret_free(), which wipes.
 * ERR_FAILED: a length of 0 or over SECRET_LEN_MAX, the secure heap is full, or no entropy. */
MUST_CHECK enum err secret_new(size_t len, struct secret **out);
MUST_CHECK enum err secret_random(size_t len, struct secret **out);
MUST_CHECK enum err secret_copy(struct bytes from, struct secret **out);
void secret_free(struct secret *s);

/* The material; borrowed. secret_at() is for filling it. */
struct bytes secret_bytes(const struct secret *s);
uint8_t *secret_at(struct secret *s);

/* Wipe memory that held key material for a moment (stack buffers, decoded base64). */
void secret_wipe(void *data, size_t len);

/* Takes the same time whatever the bytes are; the lengths are not secret. */
bool secret_equal(struct bytes a, struct bytes b);

#endif

/*
 * Bytes as pointer and length; buffers that grow under a cap; big-endian reading and writing.
 *
 * Uses: err.
 */
#ifndef CORE_BASE_BYTES_H
#define CORE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)

/* Borrowed bytes. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

/* bytes_of_text() leaves out the NUL. */
struct bytes bytes_of(const void *data, size_t len);
struct bytes bytes_of_text(const char *text);
bool bytes_equal(struct bytes a, struct bytes b);
/* True for empty bytes. */
bool bytes_are_zero(struct bytes of);

/* Owned bytes that grow, but never beyond `max`. Ready for use when zero-initialised with a max;
 * release with buf_clear(). */
struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max;
};

/* Make room for `more` bytes after len. ERR_FAILED: the limit `max` would be exceeded, or there is
 * no memory; the content stays as it was. The same holds for all buf_add functions. */
MUST_CHECK enum err buf_reserve(struct buf *b, size_t more);
MUST_CHECK enum err buf_add(struct buf *b, struct bytes more);
MUST_CHECK enum err buf_add_text(struct buf *b, const char *text);
MUST_CHECK enum err buf_add_format(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
MUST_CHECK enum err buf_add_u(struct buf *b, uint64_t value,
                              unsigned width); /* big-endian; 1 to 8 bytes */
/* Borrowed until the next call that adds or clears. */
struct bytes buf_bytes(const struct buf *b);
void buf_clear(struct buf *b); /* frees; max stays */

/* Big-endian integers of 1 to 8 bytes in place. */
void be_put(uint8_t *data, uint64_t value, unsigned width);
uint64_t be_get(const uint8_t *data, unsigned width);

/* Reads from the front; each call advances. ERR_CORRUPT: fewer bytes are left than asked for; then
 * the cursor has not moved. */
struct cursor {
    const uint8_t *data;
    size_t left;
};
struct cursor cursor_of(struct bytes from);
MUST_CHECK enum err cursor_take(struct cursor *c, size_t len, struct bytes *out);
MUST_CHECK enum err cursor_u(struct cursor *c, unsigned width, uint64_t *out);
MUST_CHECK enum err cursor_u8(struct cursor *c, uint8_t *out);
MUST_CHECK enum err cursor_u16(struct cursor *c, uint16_t *out);
MUST_CHECK enum err cursor_u32(struct cursor *c, uint32_t *out);
MUST_CHECK enum err cursor_end(const struct cursor *c); /* ERR_CORRUPT when bytes are left over */

#endif

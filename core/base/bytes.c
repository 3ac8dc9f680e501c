#include "core/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){.data = data, .len = len};
}

struct bytes bytes_of_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    /* memcmp() must not be given the NULL of empty bytes. */
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* All bytes are zero when the first is and every byte equals the one before it: one memcmp() of the
 * bytes with themselves, which is vectorised, instead of a loop. */
bool bytes_are_zero(struct bytes of)
{
    return of.len == 0 || (of.data[0] == 0 && memcmp(of.data, of.data + 1, of.len - 1) == 0);
}

/* The capacity doubles, so that adding byte by byte copies each byte a constant number of times. */
enum err buf_reserve(struct buf *b, size_t more)
{
    size_t cap = b->cap > 0 ? b->cap : 256;
    enum err rc = ERR_OK;

    /* Subtracted, not added: `more` may come from outside, and a sum could wrap around. */
    if (more > b->max || b->len > b->max - more)
        FAIL(ERR_FAILED, "a buffer would grow past its limit of %zu bytes", b->max);
    if (b->len + more <= b->cap)
        goto out;
    /* The comparison with max / 2 keeps the doubling itself from wrapping around. */
    while (cap < b->len + more)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max)
        cap = b->max;
    TRY(mem_resize(cap, 1, &b->data));
    b->cap = cap;
out:
    return rc;
}

enum err buf_add(struct buf *b, struct bytes more)
{
    enum err rc;

    TRY(buf_reserve(b, more.len));
    if (more.len > 0)
        memcpy(b->data + b->len, more.data, more.len);
    b->len += more.len;
out:
    return rc;
}

enum err buf_add_text(struct buf *b, const char *text)
{
    return buf_add(b, bytes_of_text(text));
}

/* The text is measured first, then written in place. vsnprintf() adds a NUL, so room is made for
 * it, but it is not counted as content. */
enum err buf_add_format(struct buf *b, const char *fmt, ...)
{
    va_list args;
    int len;
    enum err rc;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    TRY(buf_reserve(b, (size_t)len + 1));
    va_start(args, fmt);
    vsnprintf((char *)b->data + b->len, (size_t)len + 1, fmt, args);
    va_end(args);
    b->len += (size_t)len;
out:
    return rc;
}

/* Goes through a small array, so that the bounds check of buf_add() is the only one. */
enum err buf_add_u(struct buf *b, uint64_t value, unsigned width)
{
    uint8_t be[8];

    be_put(be, value, width);
    return buf_add(b, bytes_of(be, width));
}

struct bytes buf_bytes(const struct buf *b)
{
    return bytes_of(b->data, b->len);
}

void buf_clear(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){.max = b->max};
}

/* Byte by byte: neither the alignment of `data` nor the byte order of the machine matters. */
void be_put(uint8_t *data, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        data[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
}

uint64_t be_get(const uint8_t *data, unsigned width)
{
    uint64_t value = 0;

    while (width-- > 0)
        value = value << 8 | *data++;
    return value;
}

struct cursor cursor_of(struct bytes from)
{
    return (struct cursor){.data = from.data, .left = from.len};
}

enum err cursor_take(struct cursor *c, size_t len, struct bytes *out)
{
    /* A length read from a file is compared before the pointer moves; on failure nothing moves. */
    if (len > c->left)
        return err_set(ERR_CORRUPT, "ends early: %zu bytes wanted, %zu are left", len, c->left);
    *out = bytes_of(c->data, len);
    c->data += len;
    c->left -= len;
    return ERR_OK;
}

enum err cursor_u(struct cursor *c, unsigned width, uint64_t *out)
{
    struct bytes raw = {NULL, 0};
    enum err rc;

    TRY(cursor_take(c, width, &raw));
    /* A cursor over empty bytes has no data to point to; only a width of 0 gets this far there. */
    *out = raw.data != NULL ? be_get(raw.data, width) : 0;
out:
    return rc;
}

/* Typed forms of cursor_u(): callers need no casts, and the width cannot differ from the type. */
enum err cursor_u8(struct cursor *c, uint8_t *out)
{
    uint64_t value = 0;
    enum err rc = cursor_u(c, 1, &value);

    if (rc == ERR_OK)
        *out = (uint8_t)value;
    return rc;
}

enum err cursor_u16(struct cursor *c, uint16_t *out)
{
    uint64_t value = 0;
    enum err rc = cursor_u(c, 2, &value);

    if (rc == ERR_OK)
        *out = (uint16_t)value;
    return rc;
}

enum err cursor_u32(struct cursor *c, uint32_t *out)
{
    uint64_t value = 0;
    enum err rc = cursor_u(c, 4, &value);

    if (rc == ERR_OK)
        *out = (uint32_t)value;
    return rc;
}

/* Every decoder ends with this: bytes that nobody reads could carry a second meaning. */
enum err cursor_end(const struct cursor *c)
{
    if (c->left > 0)
        return err_set(ERR_CORRUPT, "%zu bytes are left over at the end", c->left);
    return ERR_OK;
}

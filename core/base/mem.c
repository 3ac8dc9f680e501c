#include "core/base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROW_LEAST 16 /* items */

static atomic_ulong fail_countdown;

/* Counts down to the one allocation that a test wants to fail. Threads allocate at the same time,
 * so the count is taken with compare-and-swap: exactly one of them sees it reach zero. */
static bool told_to_fail(void)
{
    unsigned long left = atomic_load(&fail_countdown);

    while (left > 0)
        if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
            return left == 1;
    return false;
}

/* Computes count × size with the limit checked by division, so that the product cannot wrap around.
 * Zero items get the room of one: malloc(0) may return NULL, which means "no memory" here. */
static enum err size_of(size_t count, size_t size, size_t *bytes)
{
    if (size == 0 || count > MEM_MAX / size)
        return err_set(ERR_FAILED,
                       "out of memory: %zu items of %zu bytes are over the limit of "
                       "one allocation",
                       count, size);
    if (told_to_fail())
        return err_set(ERR_FAILED, "out of memory");
    *bytes = count > 0 ? count * size : size;
    return ERR_OK;
}

enum err mem_new(size_t count, size_t size, void *out)
{
    size_t bytes = 0;
    void *ptr = NULL;
    enum err rc;

    TRY(size_of(count, size, &bytes));
    ptr = calloc(1, bytes); /* the count is in `bytes` already */
    if (ptr == NULL)
        FAIL(ERR_FAILED, "out of memory: %zu bytes", bytes);
    memcpy(out, &ptr, sizeof ptr); /* *out may be a pointer to any type: a cast would alias it */
out:
    return rc;
}

enum err mem_resize(size_t count, size_t size, void *ptr)
{
    size_t bytes = 0;
    void *old;
    void *grown;
    enum err rc;

    TRY(size_of(count, size, &bytes));
    memcpy(&old, ptr, sizeof old);
    grown = realloc(old, bytes);
    if (grown == NULL)
        FAIL(ERR_FAILED, "out of memory: %zu bytes", bytes);
    memcpy(ptr, &grown, sizeof grown);
out:
    return rc;
}

enum err mem_grow(size_t count, size_t size, size_t *cap, void *ptr)
{
    size_t more = *cap > 0 ? 2 * *cap : GROW_LEAST;
    enum err rc = ERR_OK;

    if (count < *cap)
        goto out;
    TRY(mem_resize(more, size, ptr));
    *cap = more;
out:
    return rc;
}

enum err mem_text_n(const char *text, size_t len, char **out)
{
    char *copy = NULL;
    enum err rc;

    TRY(mem_new(len + 1, 1, &copy));
    memcpy(copy, text, len);
    *out = copy;
out:
    return rc;
}

enum err mem_text(const char *text, char **out)
{
    return mem_text_n(text, strlen(text), out);
}

/* Measured first, then written into exactly as much room. */
enum err mem_format(char **out, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int len;
    enum err rc;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    TRY(mem_new((size_t)len + 1, 1, &text));
    va_start(args, fmt);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    *out = text;
out:
    return rc;
}

void mem_free(void *ptr)
{
    free(ptr);
}

void mem_fail_at(unsigned long nth)
{
    atomic_store(&fail_countdown, nth);
}

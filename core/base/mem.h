/*
 * Heap memory whose allocation fails with an error instead of NULL.
 *
 * Everything on the heap comes from here, so that a test can make each allocation fail once.
 * Uses: err.
 */
#ifndef CORE_BASE_MEM_H
#define CORE_BASE_MEM_H

#include <stddef.h>

#include "core/base/err.h"

/* The limit of one allocation: a length read from a file must not become a gigabyte. */
#define MEM_MAX ((size_t)256 * 1024 * 1024)

/* Allocate `count` zeroed items of `size` bytes. `out` is the address of a pointer of any type;
 * release what it gets with mem_free(). ERR_FAILED: no memory, or over MEM_MAX; *out is untouched
 * then. */
MUST_CHECK enum err mem_new(size_t count, size_t size, void *out);

/* Make *ptr hold `count` items of `size` bytes, keeping the content; what is new is not zeroed. On
 * failure the old block stays. */
MUST_CHECK enum err mem_resize(size_t count, size_t size, void *ptr);

/*
 * Make sure that *ptr, an array of *cap items of `size` bytes of which `count` are in use, can take
 * one more: the capacity of a full one is doubled. What is new is not zeroed. On failure nothing
 * has changed.
 */
MUST_CHECK enum err mem_grow(size_t count, size_t size, size_t *cap, void *ptr);

/* A copy of `text` (and of `len` bytes of it, with a NUL added). */
MUST_CHECK enum err mem_text(const char *text, char **out);
MUST_CHECK enum err mem_text_n(const char *text, size_t len, char **out);

/* printf into a fresh string. */
MUST_CHECK enum err mem_format(char **out, const char *fmt, ...) PRINTF_LIKE(2, 3);

void mem_free(void *ptr);

/* For tests: the `nth` allocation from now (1 is the next) fails once; 0 turns it off. */
void mem_fail_at(unsigned long nth);

#endif

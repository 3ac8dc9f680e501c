/*
 * What json-c forgives and a signed text must not have: a filter in front of its parser.
 *
 * Uses: err, bytes.
 */
#ifndef CORE_BASE_JSCAN_H
#define CORE_BASE_JSCAN_H

#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* An integer with more digits would be cut to the largest that fits. */
#define JSCAN_DIGITS_MAX 19

/*
 * Look at the tokens of `from`; whether they make a document is json-c's to say. *members: how
 * many names there are. ERR_CORRUPT: control characters or NUL in a string, half a surrogate pair,
 * single quotes, NaN, Infinity, numbers with a dot and no digits, or over JSCAN_DIGITS_MAX.
 */
MUST_CHECK enum err jscan_check(struct bytes from, size_t *members);

#endif

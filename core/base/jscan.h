/*
 * A check in front of json-c's parser, for what json-c tolerates and a signed text must not
 * contain.
 *
 * Uses: bytes, err.
 */
#ifndef CORE_BASE_JSCAN_H
#define CORE_BASE_JSCAN_H

#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* json-c silently replaces an integer with more digits by the largest one that fits. */
#define JSCAN_DIGITS_MAX 19

/*
 * Check the tokens of `from`; whether they form a document is left to json-c. *members is the
 * number of member names. ERR_CORRUPT: control characters or NUL in a string, half a surrogate
 * pair, single quotes, NaN, Infinity, numbers with a dot and no digits, or over JSCAN_DIGITS_MAX.
 */
MUST_CHECK enum err jscan_check(struct bytes from, size_t *members);

#endif

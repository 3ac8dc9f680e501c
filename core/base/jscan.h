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

/* Objects and lists within one another; json-c would let the innermost pass if it is empty. */
#define JSCAN_DEPTH_MAX 11

/* What a tree of it may cost: 8 for each object or list, 1 for each further item or member. json-c
 * takes a thousand times the text for some; this is 5 MB at most, and three times what the largest
 * document of ours needs (a keyring of 1,000 versions). */
#define JSCAN_COST_MAX 32768

/*
 * Check the tokens of `from`; whether they form a document is left to json-c. *members is the
 * number of member names. ERR_CORRUPT: control characters or NUL in a string, half a surrogate
 * pair, single quotes, NaN, Infinity, numbers with a dot and no digits, or over JSCAN_DIGITS_MAX;
 * or the text costs more than JSCAN_COST_MAX.
 */
MUST_CHECK enum err jscan_check(struct bytes from, size_t *members);

#endif

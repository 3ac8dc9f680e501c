/*
 * The members of a JSON object in a text that a strict parser has accepted before: found by
 * walking the bytes, without a tree. For facts of which thousands are wanted at once; what is read
 * for the first time goes through jdoc_parse().
 *
 * Uses: bytes, text.
 */
#ifndef CORE_BASE_JMEMBER_H
#define CORE_BASE_JMEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

/* Both as they stand in the text: the name without its quotes, the value with them. */
struct jmember {
    struct bytes name;
    struct bytes value;
};

/* The next member of `object` at *at, which begins at 0. False: there is none, or the text is no
 * object; never a byte outside of `object` is read, whatever it is. */
bool jmember_next(struct bytes object, size_t *at, struct jmember *out);
bool jmember_is(const struct jmember *m, const char *name);

/* The value, if it is of that kind and within the limit. A text with an escape in it is not taken:
 * whoever wants one parses it. `out` has room for max + 1. */
bool jmember_text(struct bytes value, size_t max, char *out);
bool jmember_number(struct bytes value, uint64_t max, uint64_t *out);
bool jmember_is_null(struct bytes value);

#endif

/*
 * One JSON object that may be too long for a tree: its long lists are handed over item by item,
 * and what is left is a small document of its own.
 *
 *   {"a":1,"list":[{...},{...}],"b":2}    each {...} in turn; then {"a":1,"list":[],"b":2}
 *
 * Uses: jdoc.
 */
#ifndef CORE_BASE_JSPLIT_H
#define CORE_BASE_JSPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/jdoc.h"

/* An item, and what is left, are at most this long. */
#define JSPLIT_PART_MAX (64 * KIB)

/* Where the text comes from: exactly `len` bytes at `offset`. */
struct jsplit_source {
    enum err (*read)(void *arg, uint64_t offset, void *to, size_t len);
    void *arg;
    uint64_t len;
};

/* A member that is a list of objects. `each` may end the reading by returning an error, which is
 * passed on; `item` is borrowed for the call. NULL: whatever stands there is passed over, of any
 * kind and length. What
 * items gave is good only when jsplit_parse() has returned ERR_OK: until then the text may turn out
 * to be no JSON. */
struct jsplit_list {
    const char *name;
    size_t max; /* items */
    enum err (*each)(void *arg, const struct jdoc *item);
    void *arg;
};

/* Exactly one object: the text begins with "{" and ends with "}" and a newline. Items and what is
 * left obey the rules of jdoc_parse(), the whole its depth. `lists` ends with a row without a name.
 * ERR_CORRUPT; what `each` or the source returned. Release *rest with jdoc_free(). */
MUST_CHECK enum err jsplit_parse(const struct jsplit_source *source,
                                 const struct jsplit_list *lists, struct jdoc **rest);

/* The same of a text that is in memory. */
MUST_CHECK enum err jsplit_parse_bytes(struct bytes from, const struct jsplit_list *lists,
                                       struct jdoc **rest);

#endif

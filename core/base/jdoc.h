/*
 * JSON documents: read strictly, written on one line.
 *
 * The only user of json-c. Bytes that are signed or digested are checked as stored, before they
 * come here; nothing is re-serialised to be checked.
 * Uses: bytes, err.
 */
#ifndef CORE_BASE_JDOC_H
#define CORE_BASE_JDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

struct jdoc; /* an object or an array; a root is owned, a part is borrowed from its root */

#define JDOC_DEPTH_MAX 12

/* One JSON object and nothing after it; release with jdoc_free(). ERR_CORRUPT: it is not, or has
 * invalid UTF-8, more than JDOC_DEPTH_MAX levels, a member name twice, or something that other
 * readers may read differently (jscan.h). */
MUST_CHECK enum err jdoc_parse(struct bytes from, struct jdoc **out);
/* An empty object or array. ERR_FAILED: no memory. */
MUST_CHECK enum err jdoc_object(struct jdoc **out);
MUST_CHECK enum err jdoc_array(struct jdoc **out);
void jdoc_free(struct jdoc *root);

/* Append as text: on one line without blanks, or indented for people. ERR_FAILED: no memory, or
 * over to->max. */
MUST_CHECK enum err jdoc_write(const struct jdoc *from, struct buf *to);
MUST_CHECK enum err jdoc_write_pretty(const struct jdoc *from, struct buf *to);

/* Setting a member; the name must be new. jdoc_set and jdoc_push take *child and set it to NULL,
 * on failure too. NULL text gives null. ERR_USAGE: text that is not clean (text_is_clean), which
 * no reader would accept. ERR_FAILED: no memory. Numbers above 2^53 lose precision in other
 * readers; our sizes stay below. */
MUST_CHECK enum err jdoc_set(struct jdoc *object, const char *name, struct jdoc **child);
MUST_CHECK enum err jdoc_set_text(struct jdoc *object, const char *name, const char *text);
MUST_CHECK enum err jdoc_set_number(struct jdoc *object, const char *name, uint64_t value);
MUST_CHECK enum err jdoc_set_bool(struct jdoc *object, const char *name, bool value);
MUST_CHECK enum err jdoc_set_null(struct jdoc *object, const char *name);
MUST_CHECK enum err jdoc_set_hex(struct jdoc *object, const char *name, struct bytes value);
MUST_CHECK enum err jdoc_set_base64(struct jdoc *object, const char *name, struct bytes value);
MUST_CHECK enum err jdoc_set_time(struct jdoc *object, const char *name, int64_t ms);
/* A deep copy of `from` as a member. */
MUST_CHECK enum err jdoc_set_copy(struct jdoc *object, const char *name, const struct jdoc *from);
MUST_CHECK enum err jdoc_push(struct jdoc *array, struct jdoc **child);
MUST_CHECK enum err jdoc_push_text(struct jdoc *array, const char *text);

/* Getting a member. ERR_CORRUPT naming it: not there, another type, or over its cap.
 * Text is clean (text_is_clean) and at most `max` bytes. What is returned is borrowed. */
bool jdoc_has(const struct jdoc *object, const char *name);        /* there and not null */
bool jdoc_has_member(const struct jdoc *object, const char *name); /* there, perhaps null */
MUST_CHECK enum err jdoc_text(const struct jdoc *object, const char *name, size_t max,
                              const char **out);
MUST_CHECK enum err jdoc_number(const struct jdoc *object, const char *name, uint64_t max,
                                uint64_t *out);
MUST_CHECK enum err jdoc_hex(const struct jdoc *object, const char *name, uint8_t *out, size_t len);
MUST_CHECK enum err jdoc_base64(const struct jdoc *object, const char *name, uint8_t *out,
                                size_t max, size_t *len);
MUST_CHECK enum err jdoc_time(const struct jdoc *object, const char *name, int64_t *ms);
MUST_CHECK enum err jdoc_child(const struct jdoc *object, const char *name, struct jdoc **out);
MUST_CHECK enum err jdoc_list(const struct jdoc *object, const char *name, size_t max,
                              struct jdoc **out, size_t *count);
/* Item `i` of an array: an object, a text, or a number. */
MUST_CHECK enum err jdoc_item(const struct jdoc *array, size_t i, struct jdoc **out);
MUST_CHECK enum err jdoc_item_text(const struct jdoc *array, size_t i, size_t max,
                                   const char **out);
MUST_CHECK enum err jdoc_item_number(const struct jdoc *array, size_t i, uint64_t max,
                                     uint64_t *out);

/* True when `whole` has every member of `part` with an equal value. */
bool jdoc_covers(const struct jdoc *whole, const struct jdoc *part);

/* Members named with a "!" in front must be understood: ERR_UNSUPPORTED for one that is not in
 * `known` (NULL-terminated), at any depth of `root`. */
MUST_CHECK enum err jdoc_check_critical(const struct jdoc *root, const char *const *known);

#endif

/*
 * The first 96 bytes of a sealed object, in the clear (docs/FORMAT.md, 3), and the
 * constants that the object*.c files share.
 *
 * Uses: floe, object.
 */
#ifndef CORE_SEAL_OBJECT_HEADER_H
#define CORE_SEAL_OBJECT_HEADER_H

#include "core/seal/floe.h"
#include "core/seal/object.h"

/* What comes before the first segment. */
#define OBJECT_START_LEN (OBJECT_HEADER_LEN + FLOE_HEADER_LEN)
#define OBJECT_FULL_LEN (OBJECT_SEGMENT_LEN + FLOE_OVERHEAD) /* sealed bytes of a full segment */
#define OBJECT_SEGMENTS_MAX (UINT64_C(1) << 20)              /* one segment key an object */

/* Suite 0001. */
extern const struct floe_params object_params;

/* A header for a new object; its hedge is unique on this machine. */
void object_header_make(const struct object_identity *identity, uint8_t out[OBJECT_HEADER_LEN]);

/* ERR_CORRUPT naming the first field that is not what `identity` says. The hedge may be anything.
 */
MUST_CHECK enum err object_header_check(const struct object_identity *identity,
                                        const uint8_t header[OBJECT_HEADER_LEN]);

/* The id that a header says it has, where nothing else names it: what is taken from here is not
 * checked. `header` is OBJECT_HEADER_LEN bytes. */
void object_header_id(const uint8_t *header, uint8_t id[SEAL_ID_LEN]);

/* err_note with "object <id>". */
void object_note(const uint8_t id[SEAL_ID_LEN]);

#endif

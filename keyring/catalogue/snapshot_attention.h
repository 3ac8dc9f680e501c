/*
 * What a snapshot is not: whole, as far as its backup noticed. Signed with it, so it is said for
 * ever.
 *
 * Uses: core/base.
 */
#ifndef KEYRING_CATALOGUE_SNAPSHOT_ATTENTION_H
#define KEYRING_CATALOGUE_SNAPSHOT_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/jdoc.h"

struct snapshot_attention {
    uint64_t changed;  /* files that changed while they were read: old and new content, mixed */
    uint64_t vanished; /* files that were listed, and gone before they were read */
    uint64_t left_out; /* what no snapshot can hold: devices */
    uint64_t warnings; /* a dbpath that looked wrong, attributes that could not be read */
};

uint64_t snapshot_attention_count(const struct snapshot_attention *a);
/* Files are not as they were at any one moment. */
bool snapshot_attention_is_torn(const struct snapshot_attention *a);

/* "2 files changed while they were read, 1 file vanished before it was read, …" */
#define SNAPSHOT_ATTENTION_TEXT_MAX 256
void snapshot_attention_text(const struct snapshot_attention *a,
                             char out[SNAPSHOT_ATTENTION_TEXT_MAX]);

/* The member "attention" of `to`; null when there is none. */
MUST_CHECK enum err snapshot_attention_write(const struct snapshot_attention *a, struct jdoc *to);
/* ERR_CORRUPT: not as docs/FORMAT.md, 4.3, has it. */
MUST_CHECK enum err snapshot_attention_read(const struct jdoc *from, struct snapshot_attention *a);

#endif

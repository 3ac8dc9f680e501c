/*
 * What of a snapshot's content was found lost or damaged, and so which of its files.
 *
 * Damage is local: an object that is gone takes the files with it that have a block in it, a block
 * that does not open takes the files that have that block.
 * Uses: core, index, snapshot_reader, selection, path_list.
 */
#ifndef SNAPSHOT_READ_SOUNDNESS_H
#define SNAPSHOT_READ_SOUNDNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "snapshot/read/path_list.h"
#include "snapshot/read/selection.h"
#include "snapshot/read/snapshot_reader.h"

struct soundness;

/* Nothing is lost yet. `reader` is borrowed. ERR_FAILED: no memory. */
MUST_CHECK enum err soundness_new(const struct snapshot_reader *reader, struct soundness **out);
void soundness_free(struct soundness *s);

/* Object `number` of the manifest, or a row of the block map, cannot be read. Any thread.
 * Of a row, ERR_FAILED: no memory. */
void soundness_lose_object(struct soundness *s, uint32_t number);
MUST_CHECK enum err soundness_lose_row(struct soundness *s, uint64_t row);

/* From here on no other thread may lose anything any more. */
bool soundness_is_whole(const struct soundness *s);
bool soundness_has_object(const struct soundness *s, uint32_t number); /* it is not lost */

/* Append the regular files of a selection whose content is not whole, hard links too, and count all
 * its regular files. ERR_CORRUPT, ERR_FAILED: the index cannot be read, no memory. */
MUST_CHECK enum err soundness_list(const struct soundness *s, const struct selection *of,
                                   struct path_list *damaged, uint64_t *files);

#endif

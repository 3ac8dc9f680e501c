/*
 * Packs: sealed objects that hold compressed blocks one behind the other.
 *
 * Each worker appends to its own open pack, so that none waits for another; the list of what was
 * finished is shared. Blocks inside one pack lie in the order in which they were claimed.
 * Uses: core, manifest.
 */
#ifndef SNAPSHOT_BACKUP_PACK_H
#define SNAPSHOT_BACKUP_PACK_H

#include "core/base/err.h"
#include "core/base/secret.h"
#include "core/repository/sealed_put.h"
#include "snapshot/format/manifest.h"

/* Packs close near this size, and larger in a large snapshot, so that it never has more than
 * PACK_COUNT_MAX of its own. */
#define PACK_LEN_LEAST (64 * MIB)
#define PACK_COUNT_MAX 16384

/* How long pack `number` (from 0) of a source of `source_len` bytes (0: not known) gets before it
 * is closed. Packs of a known source are equal until there are three quarters of PACK_COUNT_MAX of
 * them: more come only when it grows meanwhile, and then double every 256. A stream's double every
 * 1,024 from the first on. */
uint64_t pack_len_for(uint64_t source_len, uint32_t number);

/* The finished packs of one backup, and what every writer needs. */
struct packs;
struct packs_options {
    struct store *store; /* borrowed, as all here */
    struct journal *journal;
    const struct secret *k_data;
    struct seal_context context;
    uint64_t source_len;   /* bytes of the whole source, 0 when not known */
    uint32_t first_number; /* object numbers begin here; those below are the parent's */
};
MUST_CHECK enum err packs_new(const struct packs_options *options, struct packs **out);
void packs_free(struct packs *p);
/* When all writers have finished: packs by number, from first_number on. */
uint32_t packs_count(const struct packs *p);
const struct manifest_object *packs_at(const struct packs *p, uint32_t i);

/* One worker's open pack. */
struct pack_writer;
MUST_CHECK enum err pack_writer_new(struct packs *p, struct pack_writer **out);
/* Where the bytes went: object number and offset in its plaintext. */
MUST_CHECK enum err pack_writer_add(struct pack_writer *w, struct bytes stored, uint32_t *object,
                                    uint64_t *offset);
/* Close the open pack, if there is one; it is durable then. */
MUST_CHECK enum err pack_writer_finish(struct pack_writer *w);
void pack_writer_free(struct pack_writer *w);

#endif

/*
 * One backup worker's way from ranges to packs: hash, compare with the parent, compress, append.
 *
 * Uses: core, read_queue, pack, codec.
 */
#ifndef SNAPSHOT_BACKUP_BLOCK_WRITER_H
#define SNAPSHOT_BACKUP_BLOCK_WRITER_H

#include <stdatomic.h>

#include "core/base/err.h"
#include "snapshot/backup/pack.h"
#include "snapshot/backup/read_queue.h"

struct block_writers {
    struct read_queue *queue; /* borrowed, as all here */
    struct spool *spool;
    struct packs *packs;
    atomic_ullong new_bytes; /* plaintext that went into packs */
};

/* A pool_work: `shared` is a struct block_writers. */
enum err block_writer_work(void *shared, size_t worker, const atomic_bool *stop);

#endif

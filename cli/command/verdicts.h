/*
 * What verify found, kept until all is known: of each snapshot whether it can be restored whole,
 * and of each damage which snapshots it touches.
 *
 * Uses: cli, snapshot/verify.
 */
#ifndef CLI_COMMAND_VERDICTS_H
#define CLI_COMMAND_VERDICTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "snapshot/verify/verify.h"

struct verdicts {
    struct jdoc *json;                 /* owned; an array, one item a snapshot */
    struct buf text;                   /* of those that are not sound, for people */
    void *damage;                      /* owned; a tree of what is damaged, by name */
    uint64_t damaged;                  /* how many snapshots are not sound */
    char newest[SNAPSHOT_ID_TEXT + 1]; /* sound one; "" when there is none */
    int64_t newest_ms;
    const struct snapshot *locked; /* the first that was not decrypted; borrowed; NULL: all were */
};

/* verdicts_clear() may follow either way. ERR_FAILED: no memory. */
MUST_CHECK enum err verdicts_init(struct verdicts *v);
void verdicts_clear(struct verdicts *v);

/* A verify_each and a verify_touch; `arg` is the verdicts. */
MUST_CHECK enum err verdicts_keep(void *arg, const struct verify_verdict *verdict);
MUST_CHECK enum err verdicts_touch(void *arg, const struct verify_damage *damage);

/* The snapshots whose record is damaged: verify has nothing to look into there. */
MUST_CHECK enum err verdicts_keep_damaged(struct verdicts *v, const struct snapshot_list *list);

/* Members "snapshots" ("id", "recordId", "createdAt", "verdict", "reason", and of those with damage
 * "objects", "damagedObjects", "files", "damagedFiles", "paths") and "damage" ("name", "verdict",
 * "reason", "snapshots"). Leaves the verdicts without the first. */
MUST_CHECK enum err verdicts_write(struct verdicts *v, struct jdoc *to);

/* Prints nothing when all are sound. `sound`: how many are; `all_read`: every block of theirs was
 * read, so that it is sure. */
void verdicts_print(const struct verdicts *v, uint64_t sound, bool all_read);

#endif

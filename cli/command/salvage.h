/*
 * One snapshot by its record alone, when the ledger does not open (restore --record).
 *
 * Uses: session and the rooms below.
 */
#ifndef CLI_COMMAND_SALVAGE_H
#define CLI_COMMAND_SALVAGE_H

#include <stdbool.h>

#include "cli/session.h"
#include "core/ledger/record.h"
#include "keyring/catalogue/snapshot_record.h"

struct salvage {
    struct record *record;    /* owned */
    struct snapshot snapshot; /* borrows from it */
    bool is_unsigned;         /* nobody can tell whether its signature is a writer's */
};

/*
 * Open the session's repository without its ledger, and read the record from the file `path`. What
 * is not checked is said by log_say. ERR_CORRUPT: the record is damaged or forged, is of another
 * repository, or the repository is not the one that is expected there; ERR_USAGE: it is no record
 * of a snapshot; ERR_NOT_FOUND: there is no such file.
 */
MUST_CHECK enum err salvage_open(struct session *session, const char *path, struct salvage *out);
void salvage_clear(struct salvage *s);

#endif

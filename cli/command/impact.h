/*
 * What depends on a master-key version, for the commands that show it and those that warn of it.
 *
 * Uses: session, keyring/catalogue/impact.h.
 */
#ifndef CLI_COMMAND_IMPACT_H
#define CLI_COMMAND_IMPACT_H

#include "cli/session.h"
#include "keyring/admin.h"
#include "keyring/catalogue/impact.h"

/* The master key that --key names. ERR_USAGE: there are not so many. */
MUST_CHECK enum err impact_choose_key(const struct session *session, size_t *out);

/* The full name of `version` of master key `i`. ERR_NOT_FOUND lists the versions there are. */
MUST_CHECK enum err impact_name(struct session *session, size_t i, const char *version,
                                struct key_name *out);

/* The snapshot of an impact's record, NULL when it is of another type. */
const struct snapshot *impact_snapshot(const struct session *session,
                                       const struct impact_item *item);

/* Say as warnings which snapshots could not be restored without `key`, at most a few by name. */
MUST_CHECK enum err impact_warn(struct session *session, const struct key_name *key);

#endif

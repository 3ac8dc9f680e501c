/*
 * When a chain of incrementals ends: a pure function of what the catalogue says.
 *
 * Uses: catalogue.  Used by: backup.
 */
#ifndef SNAPSHOT_CHAIN_H
#define SNAPSHOT_CHAIN_H

#include "snapshot/catalogue.h"

struct chain_limits {
    int64_t age_ms;  /* a base this old is not built upon */
    uint64_t length; /* snapshots after the base */
};

/* The snapshot to build upon, or NULL for a full base; *why says why. `active` is the version that
 * wraps new data keys. */
const struct snapshot *chain_parent(const struct catalogue *c, const struct key_name *active,
                                    const struct chain_limits *limits, int64_t now_ms,
                                    const char **why);

#endif

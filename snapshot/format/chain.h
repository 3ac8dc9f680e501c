/*
 * When a chain of incrementals ends: pure functions of what the list of snapshots and the envelopes
 * say.
 *
 * Uses: keyring, catalogue.
 */
#ifndef SNAPSHOT_FORMAT_CHAIN_H
#define SNAPSHOT_FORMAT_CHAIN_H

#include "snapshot/format/snapshot_list.h"

struct chain_limits {
    int64_t age_ms;        /* a base this old is not built upon */
    uint64_t length;       /* snapshots after the base */
    const uint8_t *writer; /* SIGNER_ID_LEN bytes: whose chain it is; NULL: of whoever */
};

/* The snapshot to build upon, the newest of that writer: what another machine took is of other
 * files, which may only look the same. NULL for a full base; *why says why. `active` is the version
 * that wraps new data keys. */
const struct snapshot *chain_parent(const struct snapshot_list *list, const struct key_name *active,
                                    const struct chain_limits *limits, int64_t now_ms,
                                    const char **why);

/* Why a snapshot whose data key is `fresh` must not read from the scopes of these data keys (with
 * the envelopes that count), or NULL: they do not all have envelopes of the same master keys, in
 * the same order, the first of the same version. Then no one envelope number would open all. */
const char *chain_key_change(const struct data_key *keys, size_t count,
                             const struct data_key *fresh);

/* Why nothing more can be built upon a snapshot that needs so many objects and these data keys, or
 * NULL: the next one's manifest must have room for `more` objects, and for a data key. */
const char *chain_overflow(size_t object_count, const struct data_key *keys, size_t key_count,
                           size_t more);

#endif

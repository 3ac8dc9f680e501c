/*
 * What is known about one master-key version right now: one of three verdicts.
 *
 * Uses: core/base.
 */
#ifndef KEYRING_VERDICT_H
#define KEYRING_VERDICT_H

#include <stdint.h>

#include "core/base/err.h"

enum verdict {
    KEY_VALID,      /* the provider can encrypt and decrypt with it now */
    KEY_INVALID,    /* the provider refuses it: disabled, pendingDeletion, destroyed, notFound,
                     * anotherKey (of the same number), credentialsRejected
                     */
    KEY_UNREACHABLE /* cannot tell; never counts as invalid */
};

#define KEY_REASON_MAX 200

struct key_state {
    enum verdict verdict;
    char reason[KEY_REASON_MAX]; /* one word for records ("disabled"); "" when valid */
    char detail[KEY_REASON_MAX]; /* for people: which file, what happened */
    int64_t since_ms;            /* when the provider says it changed; 0 unknown */
    int64_t deletion_ms;         /* pendingDeletion: when the key is removed; else 0 */
    uint64_t generation;         /* of the keyring that says so; 0: it has none */
};

const char *verdict_name(enum verdict v); /* "VALID", "INVALID", "UNREACHABLE" */
/* ERR_CORRUPT: none of the three. */
MUST_CHECK enum err verdict_parse(const char *name, enum verdict *out);

#endif

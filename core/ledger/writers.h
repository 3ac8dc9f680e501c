/*
 * Who may sign what: the root key of the genesis record, and the writers root enrolled or revoked.
 *
 * Uses: core/base, record.
 */
#ifndef CORE_LEDGER_WRITERS_H
#define CORE_LEDGER_WRITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/record.h"

#define WRITERS_MAX 256
#define WRITER_ROLES_MAX 8
#define WRITER_ROLE "writer"

struct writer {
    uint8_t id[SIGNER_ID_LEN];
    uint8_t key[SIGNER_PUBLIC_LEN];
    bool may_write; /* its roles have "writer" */
    bool revoked;
    int64_t revoked_ms; /* createdAt of the revocation */
    bool has_last;      /* the revocation says which record is its last good one */
    uint64_t last_seq;
};

/* Zero-initialised it is empty. */
struct writers {
    bool founded;
    uint8_t repository[SEAL_ID_LEN];
    uint8_t root[SIGNER_ID_LEN];
    uint8_t root_key[SIGNER_PUBLIC_LEN];
    struct writer *items; /* owned */
    size_t count;
};

void writers_clear(struct writers *writers);
MUST_CHECK enum err writers_copy(const struct writers *from, struct writers *out);

/* The genesis record: it says whose key it is, and is signed by that key. ERR_CORRUPT;
 * ERR_UNSUPPORTED: it allows suites this release does not know. */
MUST_CHECK enum err writers_found(struct writers *writers, const struct record *genesis);

/*
 * Everything a record's signer must fulfil: the repository, an enrolled key whose signature fits
 * (left out when `signature_known`: it was checked before), a type that key may sign, and no
 * revocation before it. ERR_CORRUPT. Records of root's chain come in their order, each followed by
 * its writers_apply(), and before those of all others.
 */
MUST_CHECK enum err writers_check(const struct writers *writers, const struct record *record,
                                  bool signature_known);

/* The signature alone, if the writer's key is known here; if not, ERR_OK. ERR_CORRUPT has a hint.
 */
MUST_CHECK enum err writers_check_signature(const struct writers *writers,
                                            const struct record *record);

/*
 * Apply a checked writer record; other types change nothing. Members beside the common ones:
 *   {"action": "enrol", "subject": <writer id>, "publicKey": <base64>, "roles": ["writer"]}
 *   {"action": "revoke", "subject": <writer id>, "lastSeq": <its last good record, may be missing>}
 * ERR_CORRUPT: malformed, or it contradicts the list; ERR_UNSUPPORTED: another action.
 */
MUST_CHECK enum err writers_apply(struct writers *writers, const struct record *record);

/* May this key append a record of that type now? */
bool writers_allow(const struct writers *writers, const uint8_t writer[SIGNER_ID_LEN],
                   enum record_type type);

#endif

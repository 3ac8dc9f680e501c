/*
 * Who may sign what: the root key of the genesis record, and the writers root enrolled or revoked.
 *
 * Uses: core/base, record.  Used by: ledger.
 */
#ifndef CORE_LEDGER_ROSTER_H
#define CORE_LEDGER_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/record.h"

#define ROSTER_WRITERS_MAX 256
#define ROSTER_ROLES_MAX 8
#define ROSTER_ROLE_WRITER "writer"

struct roster_writer {
    uint8_t id[SIGNER_ID_LEN];
    uint8_t key[SIGNER_PUBLIC_LEN];
    bool may_write; /* its roles have "writer" */
    bool revoked;
    int64_t revoked_ms; /* createdAt of the revocation */
    bool has_last;      /* the revocation says which record is its last good one */
    uint64_t last_seq;
};

/* Zero-initialised it is empty. */
struct roster {
    bool founded;
    uint8_t repository[SEAL_ID_LEN];
    uint8_t root[SIGNER_ID_LEN];
    uint8_t root_key[SIGNER_PUBLIC_LEN];
    struct roster_writer *at; /* owned */
    size_t count;
};

void roster_clear(struct roster *r);
MUST_CHECK enum err roster_copy(const struct roster *from, struct roster *out);

/* The genesis record: it says whose key it is, and is signed by that key. ERR_CORRUPT;
 * ERR_UNSUPPORTED: it allows suites this release does not know. */
MUST_CHECK enum err roster_found(struct roster *r, const struct record *genesis);

/*
 * Everything a record's signer must fulfil: the repository, an enrolled key whose signature fits
 * (left out when `signature_known`: it was checked before), a type that key may sign, and no
 * revocation before it. ERR_CORRUPT. Records of root's chain come in their order, each followed by
 * its roster_apply(), and before those of all others.
 */
MUST_CHECK enum err roster_check(const struct roster *r, const struct record *record,
                                 bool signature_known);

/* Of that the signature alone, by a key that is known here: ERR_OK also when it is not. ERR_CORRUPT
 * says what can be done. */
MUST_CHECK enum err roster_check_signature(const struct roster *r, const struct record *record);

/*
 * What a checked writer record changes; other types change nothing. Members beside the common ones:
 *   {"action": "enrol", "subject": <writer id>, "publicKey": <base64>, "roles": ["writer"]}
 *   {"action": "revoke", "subject": <writer id>, "lastSeq": <its last good record, may be missing>}
 * ERR_CORRUPT: malformed, or it fits nothing; ERR_UNSUPPORTED: another action.
 */
MUST_CHECK enum err roster_apply(struct roster *r, const struct record *record);

/* May this key append a record of that type now? */
bool roster_allows(const struct roster *r, const uint8_t writer[SIGNER_ID_LEN],
                   enum record_type type);

#endif

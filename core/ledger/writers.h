/*
 * Who may sign what: the root key of the genesis record, and the writers root enrolled or revoked.
 *
 * Root signs genesis, writer records and tombstones of anything. Each other type takes a role that
 * root gave the writer at its enrolment (record.h). Root itself is no writer.
 * Uses: core/base, record, writer_change.
 */
#ifndef CORE_LEDGER_WRITERS_H
#define CORE_LEDGER_WRITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/record.h"

#define WRITERS_MAX 256

struct writer {
    uint8_t id[SIGNER_ID_LEN];
    uint8_t key[SIGNER_PUBLIC_LEN];
    unsigned roles;     /* bits: ROLE_BIT() */
    int64_t created_ms; /* createdAt of its enrolment */
    bool revoked;
    int64_t revoked_ms; /* createdAt of the revocation */
    bool has_last;      /* of a revoked one: some of its records count */
    uint64_t last_seq;  /* the last that does */
    uint8_t last_id[RECORD_ID_LEN];
};

/* Zero-initialised it is empty. */
struct writers {
    bool founded;
    uint8_t repository[SEAL_ID_LEN];
    uint8_t root[SIGNER_ID_LEN];
    uint8_t root_key[SIGNER_PUBLIC_LEN];
    struct writer *items; /* owned, in the order of their enrolment */
    size_t count;
};

void writers_clear(struct writers *writers);
MUST_CHECK enum err writers_copy(const struct writers *from, struct writers *out);

/* The genesis record: it says whose key it is, is signed by that key, and its repositoryId is
 * derived from that key. ERR_CORRUPT; ERR_UNSUPPORTED: it allows suites, or asks for signatures,
 * that this release does not know. */
MUST_CHECK enum err writers_found(struct writers *writers, const struct record *genesis);

/*
 * Everything a record's signer must fulfil: an enrolled key whose signature fits
 * (left out when `signature_known`: it was checked before), the repository, a type that key may
 * sign, and a place that its revocation left it. ERR_CORRUPT. Records of root's chain come in their
 * order, each followed by its writers_apply(), and before those of all others.
 */
MUST_CHECK enum err writers_check(const struct writers *writers, const struct record *record,
                                  bool signature_known);

/*
 * The way in for a record that was only taken: its signature fits the enrolled key of its writer;
 * only then is it decoded. One that is decoded already is known. ERR_CORRUPT; ERR_UNSUPPORTED as of
 * record_decode().
 */
MUST_CHECK enum err writers_admit(const struct writers *writers, struct record *record);

/* The signature alone, if the writer's key is known here; if not, ERR_OK. ERR_CORRUPT has a hint.
 */
MUST_CHECK enum err writers_check_signature(const struct writers *writers,
                                            const struct record *record);

/* Apply a checked writer record; other types change nothing. ERR_CORRUPT: malformed, or it
 * contradicts the list; ERR_UNSUPPORTED as of writer_change_read(). */
MUST_CHECK enum err writers_apply(struct writers *writers, const struct record *record);

bool writers_is_root(const struct writers *writers, const uint8_t id[SIGNER_ID_LEN]);
/* NULL: nobody enrolled it. */
const struct writer *writers_find(const struct writers *writers, const uint8_t id[SIGNER_ID_LEN]);

/* May this key append a record of that type now? */
bool writers_allow(const struct writers *writers, const uint8_t writer[SIGNER_ID_LEN],
                   enum record_type type);

/* Does a record at that place of that chain count, as far as revocations say? */
bool writers_count_place(const struct writers *writers, const uint8_t writer[SIGNER_ID_LEN],
                         uint64_t seq);

#endif

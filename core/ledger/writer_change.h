/*
 * What a writer record says: root enrols a writer, or revokes one. Members beside the common ones:
 *   {"action": "enrol", "subject": <writer id>, "publicKey": <base64>, "algorithms": ["ed25519"],
 *    "roles": ["backup" | "retention" | "keys", …]}
 *   {"action": "revoke", "subject": <writer id>, "lastSeq": <number or null>,
 *    "lastRecordId": <hex or null>}: the last record of its chain that counts; null: none does
 *
 * Uses: core/base, record.
 */
#ifndef CORE_LEDGER_WRITER_CHANGE_H
#define CORE_LEDGER_WRITER_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/record.h"

struct writer_change {
    bool is_revocation;
    uint8_t subject[SIGNER_ID_LEN];
    uint8_t key[SIGNER_PUBLIC_LEN]; /* of an enrolment */
    unsigned roles;                 /* bits, of an enrolment */
    bool has_last;                  /* of a revocation, as are those below */
    uint64_t last_seq;
    uint8_t last_id[RECORD_ID_LEN];
};

/* ERR_CORRUPT: malformed; ERR_UNSUPPORTED: another action, or other algorithms. Roles that are not
 * known here mean nothing. */
MUST_CHECK enum err writer_change_read(const struct record *record, struct writer_change *out);

/* The body of such a record; `subject` of an enrolment is left out: it is its key's. */
MUST_CHECK enum err writer_change_write(const struct writer_change *from, struct jdoc **out);

/* "algorithms" of an enrolment or of genesis: which signatures a record must have, each of them.
 * ERR_UNSUPPORTED: others than this release knows. */
MUST_CHECK enum err writer_algorithms_check(const struct jdoc *from);
MUST_CHECK enum err writer_algorithms_write(struct jdoc *to);

/* The key under that name, and its id. ERR_CORRUPT: it is not SIGNER_PUBLIC_LEN bytes. */
MUST_CHECK enum err writer_key_read(const struct jdoc *from, const char *name,
                                    uint8_t key[SIGNER_PUBLIC_LEN], uint8_t id[SIGNER_ID_LEN]);

/* "roles": those of these bits. */
MUST_CHECK enum err writer_roles_write(unsigned roles, struct jdoc *to);

/* A role that a writer may be given, by its name: ERR_USAGE for another. */
MUST_CHECK enum err writer_role_find(const char *name, enum record_role *out);

#endif

/*
 * A ledger record: one line of JSON and one line of signatures (docs/FORMAT.md, 4).
 *
 * record_id = SHA-256 of line 1 without its newline; signed is "sealpoint/v1/record" ‖ 00 ‖
 * record_id. The bytes as stored are what is signed.
 * Uses: core/base, core/seal, core/store, signer.
 */
#ifndef CORE_LEDGER_RECORD_H
#define CORE_LEDGER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/jdoc.h"
#include "core/ledger/signer.h"
#include "core/seal/subkey.h"
#include "core/store/store.h"

#define RECORD_LEN_MAX (64 * KIB)
#define RECORD_ID_LEN HASH_LEN

/* What a writer may sign: a name in "roles", and a bit of writer.roles. Root has no role: it signs
 * what its own types are, and every tombstone. */
enum record_role { ROLE_ROOT, ROLE_BACKUP, ROLE_RETENTION, ROLE_KEYS };
#define ROLE_COUNT (ROLE_KEYS + 1)
#define ROLE_BIT(role) (1U << (role))
#define ROLES_ALL (ROLE_BIT(ROLE_BACKUP) | ROLE_BIT(ROLE_RETENTION) | ROLE_BIT(ROLE_KEYS))
const char *record_role_name(enum record_role role);

/* What a reader does with a type: it knows it; it is kept for later and says nothing that a reader
 * has to know, so it is passed over; or who does not know it must stop. */
enum record_grade { GRADE_KNOWN, GRADE_PASSED_OVER, GRADE_STOPS };

/* name in "type", the role it takes to sign it, what this release does with it: all that format 1
 * ever has (docs/FORMAT.md, 4.3) */
#define RECORD_TYPES(X)                                                                            \
    X(RECORD_GENESIS, "genesis", ROLE_ROOT, GRADE_KNOWN)                                           \
    X(RECORD_WRITER, "writer", ROLE_ROOT, GRADE_KNOWN)                                             \
    X(RECORD_SNAPSHOT, "snapshot", ROLE_BACKUP, GRADE_KNOWN)                                       \
    X(RECORD_OPLOG_SEGMENT, "oplogSegment", ROLE_BACKUP, GRADE_PASSED_OVER)                        \
    X(RECORD_OPLOG_BATCH, "oplogBatch", ROLE_BACKUP, GRADE_STOPS)                                  \
    X(RECORD_OPLOG_EVENT, "oplogEvent", ROLE_BACKUP, GRADE_PASSED_OVER)                            \
    X(RECORD_DRILL, "drill", ROLE_BACKUP, GRADE_PASSED_OVER)                                       \
    X(RECORD_VERIFICATION, "verification", ROLE_BACKUP, GRADE_PASSED_OVER)                         \
    X(RECORD_LEASE, "lease", ROLE_BACKUP, GRADE_PASSED_OVER)                                       \
    X(RECORD_REWRAP, "rewrap", ROLE_KEYS, GRADE_KNOWN)                                             \
    X(RECORD_KEYRING_HALF, "keyringHalf", ROLE_KEYS, GRADE_PASSED_OVER)                            \
    X(RECORD_KEY_STATE, "keyState", ROLE_BACKUP, GRADE_KNOWN)                                      \
    X(RECORD_HOLD, "hold", ROLE_RETENTION, GRADE_PASSED_OVER)                                      \
    X(RECORD_RELEASE, "release", ROLE_RETENTION, GRADE_PASSED_OVER)                                \
    X(RECORD_UNDELETE, "undelete", ROLE_RETENTION, GRADE_STOPS)                                    \
    X(RECORD_GARBAGE_PASS, "garbagePass", ROLE_RETENTION, GRADE_PASSED_OVER)                       \
    X(RECORD_TOMBSTONE, "tombstone", ROLE_RETENTION, GRADE_KNOWN)                                  \
    X(RECORD_CHECKPOINT, "checkpoint", ROLE_RETENTION, GRADE_KNOWN)

enum record_type {
#define RECORD_ENUM(name, text, role, grade) name,
    RECORD_TYPES(RECORD_ENUM)
#undef RECORD_ENUM
};
#define RECORD_TYPE_COUNT (RECORD_CHECKPOINT + 1)

/* Numbers above this lose precision in other readers of JSON. */
#define RECORD_SEQ_MAX ((UINT64_C(1) << 53) - 1)
#define RECORD_SIGNATURES_MAX 8

/* The longest id of something that a record makes, or that a tombstone ends. */
#define RECORD_SUBJECT_MAX 64

/* What the folds over a ledger ask of every record. A text that is not there, that is too long or
 * not clean is "". */
struct record_facts {
    char id[RECORD_SUBJECT_MAX + 1];      /* "id": of a snapshot, segment or batch */
    char subject[RECORD_SUBJECT_MAX + 1]; /* what a tombstone ends */
    char parent[RECORD_SUBJECT_MAX + 1];  /* of a snapshot */
    char base[RECORD_SUBJECT_MAX + 1];    /* "chain": the snapshot that it begins with */
    uint64_t position;                    /* in that chain; 0: a base, or not known */
    bool has_scope;                       /* of "dataKey" */
    uint8_t scope[SEAL_ID_LEN];           /* whose key it has; a rewrap: whose key it renews */
    bool has_expiry;                      /* "expiresAt" is there, and not null */
    bool expiry_known;                    /* and is a time */
    int64_t expires_ms;
};

/* Where the lines of checked records lie, so that they need not be in memory: the cache of this
 * machine, and the store behind it. */
struct record_home {
    int fd; /* of the cache, only appended to; -1: there is none. Owned by whoever has the home */
    struct store *store; /* borrowed; NULL: what the cache does not give is gone */
};
#define RECORD_HOME_NONE                                                                           \
    ((struct record_home){                                                                         \
        .fd = -1,                                                                                  \
    })

/*
 * A record: who signed it and what the folds over the ledger need of it, in fixed size; an open
 * ledger holds thousands. The payload is read and parsed when it is asked for, and belongs to
 * whoever asked. Until it is decoded, only id, writer and signature are known, and nothing of it is
 * believed.
 */
struct record {
    uint8_t id[RECORD_ID_LEN];
    uint8_t writer[SIGNER_ID_LEN];           /* of line 2; once decoded, of line 1 too */
    uint8_t signature[SIGNER_SIGNATURE_LEN]; /* by the writer's key, it is claimed */
    bool decoded;                            /* from here on, valid only then */
    bool has_prev;                           /* false only at seq 0 */
    enum record_type type;
    uint64_t seq;
    uint8_t repository[SEAL_ID_LEN];
    uint8_t prev[RECORD_ID_LEN];
    int64_t created_ms;
    struct record_facts facts;

    struct buf raw;                 /* owned; both lines as stored; empty when they are at home */
    const struct record_home *home; /* borrowed; NULL: in `raw` */
    uint64_t offset;                /* there */
    size_t len;                     /* of both lines, wherever they are */
};

/*
 * The way of a record from outside: take, check, decode. record_take() looks at the length, at the
 * two lines, hashes the first and reads the second by its one form; no JSON is read. ERR_CORRUPT;
 * ERR_UNSUPPORTED: a signature this release does not know.
 */
MUST_CHECK enum err record_take(struct bytes raw, struct record **out);
/* Parse line 1 strictly, once its signature fits. ERR_CORRUPT; ERR_UNSUPPORTED: a format, type or
 * "!" member this release does not know. */
MUST_CHECK enum err record_decode(struct record *r);
/* Both, for what this machine has made. */
MUST_CHECK enum err record_parse(struct bytes raw, struct record **out);
/* Take one that was decoded here before and lies at `offset` of `home`: its facts are found without
 * parsing, and its lines stay there. ERR_CORRUPT: it is damaged. */
MUST_CHECK enum err record_recall(struct bytes raw, const struct record_home *home, uint64_t offset,
                                  struct record **out);
void record_free(struct record *r);

/* Its lines are now at that place, and no longer in memory. */
void record_move_home(struct record *r, const struct record_home *home, uint64_t offset);

/* Append both lines. ERR_CORRUPT: neither cache nor store have it any more. */
MUST_CHECK enum err record_raw(const struct record *r, struct buf *to);
/* All members, the common ones too; free it with jdoc_free(). Errors as record_raw(), and of
 * jdoc_parse(). */
MUST_CHECK enum err record_payload(const struct record *r, struct jdoc **out);

/* ERR_CORRUPT unless its signature is by this key and fits. */
MUST_CHECK enum err record_check(const struct record *r,
                                 const uint8_t public_key[SIGNER_PUBLIC_LEN]);

/* After a failure of one of these with ERR_CORRUPT: adds to the message that the record is damaged
 * or tampered with, and what can be done. The hint alone for a message of one's own. */
void record_note_damage(void);
void record_hint_damage(void);

/* The order of the ledger: by createdAt, then writer, then seq; less than, equal to or greater than
 * 0. */
int record_compare(const struct record *a, const struct record *b);
/* The same for qsort() of pointers to records. */
int record_compare_places(const void *left, const void *right);

/* The members every record has. */
struct record_place {
    uint8_t repository[SEAL_ID_LEN];
    uint64_t seq;
    const uint8_t *prev; /* NULL at seq 0 */
    int64_t created_ms;
};

/* Put the common members in front of `body`'s, sign, and parse the result back. `body` is
 * borrowed. ERR_FAILED: longer than RECORD_LEN_MAX. */
MUST_CHECK enum err record_make(enum record_type type, const struct record_place *place,
                                const struct jdoc *body, const struct signer *signer,
                                struct record **out);

#define RECORD_TYPE_TEXT_MAX 32
const char *record_type_name(enum record_type type);
/* False: there is none that this release goes on with. */
bool record_type_find(const char *name, enum record_type *out);
enum record_role record_type_role(enum record_type type);
enum record_grade record_type_grade(enum record_type type);

#define RECORD_DIRECTORY "ledger" /* in the store; below it are records and nothing else */
/* "ledger/<writer 16 hex>/<seq 16 hex>.json" */
#define RECORD_NAME_LEN (7 + 16 + 1 + 16 + 5)
void record_name(const uint8_t writer[SIGNER_ID_LEN], uint64_t seq, char out[RECORD_NAME_LEN + 1]);
/* Puts the record's name in front of the message. */
void record_note_name(const uint8_t writer[SIGNER_ID_LEN], uint64_t seq);
/* ERR_CORRUPT: not such a name. */
MUST_CHECK enum err record_name_parse(const char *name, uint8_t writer[SIGNER_ID_LEN],
                                      uint64_t *seq);

#endif

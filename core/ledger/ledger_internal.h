/*
 * What the ledger's own files share.
 *
 * Uses: ledger and everything below it in this room.  Used by: ledger*.c, fold.c.
 */
#ifndef CORE_LEDGER_LEDGER_INTERNAL_H
#define CORE_LEDGER_LEDGER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/ledger/checkpoint.h"
#include "core/ledger/heads.h"
#include "core/ledger/ledger.h"
#include "core/ledger/lookup.h"
#include "core/ledger/roster.h"
#include "core/ledger/shelf.h"
#include "core/ledger/trust.h"

#define LEDGER_KEY_FILE "signing-key.json"

struct ledger {
    struct store *store; /* borrowed */
    char *state_dir;
    char *trust_path;
    char *cache_path;
    struct signer *signer;      /* NULL: not here */
    uint8_t own[SIGNER_ID_LEN]; /* of the signer */
    struct roster roster;
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    bool first_contact;
    struct record **records; /* owned, in the ledger's order */
    size_t count;
    size_t room;
    struct lookup lookup; /* of `records` */
    struct heads heads;
    struct trust seen; /* what the trust file says */
};

enum ledger_cache {
    LEDGER_CACHE_USE,
    LEDGER_CACHE_RENEW, /* read all from the store, write it anew */
    LEDGER_CACHE_LEAVE
};

/* Paths, trust state and signing key; nothing of the store yet. */
MUST_CHECK enum err ledger_begin(const struct ledger_options *options, struct ledger **out);

/* Read, check and take over all records. *cached says whether the cache had part in it. */
MUST_CHECK enum err ledger_load(struct ledger *l, const struct ledger_options *options,
                                enum ledger_cache use, bool *cached);

/* Take a record over at its place; l->room and the index have room for it. */
void ledger_place(struct ledger *l, struct record *r);
MUST_CHECK enum err ledger_reserve(struct ledger *l, const struct record *r);

/* Bring the trust file to the ledger's heads, unless it is there already. A failure is said as a
 * warning: what the store holds is true all the same. */
void ledger_save_trust(struct ledger *l);

/* ERR_FAILED unless this machine's key may append a record of that type. */
MUST_CHECK enum err ledger_may_append(const struct ledger *l, enum record_type type);

/* The seq of the next record here. */
uint64_t ledger_next_seq(const struct ledger *l);

#endif

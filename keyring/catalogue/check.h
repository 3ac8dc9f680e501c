/*
 * `key check`: what is true now of every master-key version that matters, and a ledger record when
 * that changed.
 *
 * Uses: keyring.h, impact, key_opener, key_query, key_state_record, live_scopes.
 */
#ifndef KEYRING_CATALOGUE_CHECK_H
#define KEYRING_CATALOGUE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/ledger/ledger.h"
#include "keyring/keyring.h"

struct check_item {
    struct key_name key;
    struct key_state state;
    bool is_active; /* the active version of a configured master key */
    size_t scopes;  /* live data keys whose first envelope is by it */
    size_t damaged; /* of these, those whose envelope does not open, though the version is valid */
    size_t lost;    /* of the damaged, those that no other copy opens either */
    bool changed;   /* another verdict or reason than the ledger knew */
    bool recorded;  /* a keyState record says so now */
};

struct check {
    struct check_item *items; /* active ones first, in configured order; owned */
    size_t count;
};

/*
 * Ask for the state, with a canary round trip, of the active version of every master key and of
 * every version that something live needs; with `open` also open the recorded envelopes by those
 * that are valid, for a canary of today says nothing of them (what does not open is said by
 * log_say). Append keyState records for what changed when the signing key is here. Not being valid
 * is a finding and no error: see check_verdict(). A version of a master key that is not configured
 * is UNREACHABLE, "notConfigured". `ledger` may be NULL: then only the active versions.
 */
MUST_CHECK enum err check_run(struct keyring *k, struct ledger *ledger, bool open,
                              struct check *out);
void check_clear(struct check *c);

/* ERR_KEY_INVALID when one is, else ERR_KEY_UNREACHABLE when one is, with the message of the
 * first of them; else ERR_CORRUPT when a data key is lost, ERR_ATTENTION when an envelope is
 * damaged; else ERR_OK. */
MUST_CHECK enum err check_verdict(const struct check *c);

#endif

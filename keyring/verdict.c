#include "keyring/verdict.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "keyring/keyring.h"

static const char *const names[] = {
    [KEY_VALID] = "VALID", [KEY_INVALID] = "INVALID", [KEY_UNREACHABLE] = "UNREACHABLE"};

const char *verdict_name(enum verdict v)
{
    return names[v];
}

enum err verdict_parse(const char *name, enum verdict *out)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum verdict)i;
            return ERR_OK;
        }
    return err_set(ERR_CORRUPT, "\"%s\" is no verdict on a key", name);
}

/* What a reason means, and what can be done: `first`, the version, `then`. */
struct reason_row {
    const char *reason;
    const char *is; /* "… version 1 <is> since T" */
    const char *first;
    const char *then;
    bool is_withdrawn; /* somebody can enable it again, or rotate instead */
};

static const struct reason_row rows[] = {
    {"disabled", "is disabled", "enable it again with `sealpoint key enable ",
     "`, or use a snapshot of another version", true},
    {"pendingDeletion", "is pending deletion", "keep it with `sealpoint key cancel-deletion ",
     "` and enable it, or use a snapshot of another version", true},
    {"destroyed", "is destroyed", "what only version ",
     " can open is lost; use a snapshot of another version, or another envelope (--envelope)",
     false},
    {"notFound", "does not exist", "bring back the keyring that has version ",
     ": an older copy lacks the newer versions", false},
    {"anotherKey", "is another key than the one of that number in the keyring",
     "bring back the keyring that had version ", " when this was sealed", false},
    {"credentialsRejected", "cannot be used, the credentials are rejected", "version ",
     " itself may be fine: check the passphrase or the credentials, and try again", false},
};

static const struct reason_row *row_of(const char *reason)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].reason, reason) == 0)
            return &rows[i];
    return NULL;
}

/* Both dates as text, as far as they are known; `out` has room for both. */
#define DATES_TEXT_MAX 100

static void dates_text(const struct key_state *state, char out[DATES_TEXT_MAX])
{
    char time[CLOCK_TEXT_LEN + 1];
    size_t used = 0;

    out[0] = '\0';
    if (state->since_ms != 0) {
        clock_text(state->since_ms, time);
        used = (size_t)snprintf(out, DATES_TEXT_MAX, " since %s", time);
    }
    if (state->deletion_ms != 0) {
        clock_text(state->deletion_ms, time);
        snprintf(out + used, DATES_TEXT_MAX - used, ", its key material is destroyed at %s", time);
    }
}

enum purpose { TO_UNWRAP, TO_WRAP };

static enum err refuse_invalid(const struct key_name *key, const struct key_state *state,
                               enum purpose purpose)
{
    const struct reason_row *row = row_of(state->reason);
    char dates[DATES_TEXT_MAX];
    enum err rc;

    dates_text(state, dates);
    rc = err_set(ERR_KEY_INVALID, "master key %s %s version %s %s%s%s (%s)", key->provider,
                 key->key_id, key->version,
                 row != NULL ? row->is : "may not be used: ", row != NULL ? "" : state->reason,
                 dates, state->detail);
    if (row != NULL && purpose == TO_WRAP && row->is_withdrawn)
        err_hint("%s%s`, or make a new version active with `sealpoint key rotate`", row->first,
                 key->version);
    else if (row != NULL)
        err_hint("%s%s%s", row->first, key->version, row->then);
    return rc;
}

static enum err require_valid(const struct key_name *key, const struct key_state *state,
                              enum purpose purpose)
{
    if (state->verdict == KEY_VALID)
        return ERR_OK;
    if (state->verdict == KEY_INVALID)
        return refuse_invalid(key, state, purpose);
    err_set(ERR_KEY_UNREACHABLE, "cannot tell whether master key %s %s version %s may be used: %s",
            key->provider, key->key_id, key->version, state->detail);
    err_hint("nothing was changed; make the master key reachable and try again");
    return ERR_KEY_UNREACHABLE;
}

enum err key_state_require(const struct key_name *key, const struct key_state *state)
{
    return require_valid(key, state, TO_UNWRAP);
}

enum err key_state_require_active(const struct key_name *key, const struct key_state *state)
{
    return require_valid(key, state, TO_WRAP);
}

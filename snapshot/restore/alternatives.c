#include "snapshot/restore/alternatives.h"

#include <string.h>

#include "core/base/clock.h"
#include "snapshot/format/manifest.h"

/* By a real round trip: what a wrong passphrase cannot open is no alternative. */
static bool key_is_valid(struct keyring *keyring, const struct key_name *key)
{
    struct key_state state;

    return keyring_state(keyring, key, true, &state) == ERR_OK && state.verdict == KEY_VALID;
}

/* Every scope counts: after half a rewrap they may differ. */
static bool has_valid_keys(const struct repository *repository, struct keyring *keyring,
                           const struct snapshot *s)
{
    struct manifest m = {0};
    bool can = manifest_load(repository, s, &m) == ERR_OK &&
               manifest_apply_rewraps(repository, &m) == ERR_OK;

    for (size_t i = 0; i < m.key_count && can; i++)
        can = key_is_valid(keyring, &m.keys[i].envelopes[0].key);
    manifest_clear(&m);
    return can;
}

/* A passphrase that does not open this key opens no other of its keyring; to try them all would ask
 * for it again and again. */
static bool passphrase_was_rejected(struct keyring *keyring, const struct snapshot *refused)
{
    struct key_state state;

    return keyring_state(keyring, &refused->effective_key, true, &state) == ERR_OK &&
           state.verdict == KEY_INVALID && strcmp(state.reason, "credentialsRejected") == 0;
}

static const struct snapshot *find_nearest(const struct repository *repository,
                                           struct keyring *keyring,
                                           const struct snapshot_list *list, size_t from, int step)
{
    const struct snapshot *refused = NULL;

    for (size_t i = from + (size_t)step; i < list->count; i += (size_t)step) {
        const struct snapshot *s = &list->items[i];

        /* Neighbours often share a key that was refused already: do not ask for it again. */
        if (refused != NULL && key_name_equal(&refused->effective_key, &s->effective_key))
            continue;
        if (!key_is_valid(keyring, &s->effective_key))
            refused = s;
        else if (has_valid_keys(repository, keyring, s))
            return s;
    }
    return NULL;
}

static void hint_at(const char *which, const struct snapshot *s)
{
    char when[CLOCK_TEXT_LEN + 1];

    clock_text(s->created_ms, when);
    err_hint("the nearest %s snapshot that can be restored is %s of %s (key version %s)", which,
             s->id, when, s->effective_key.version);
}

void alternatives_hint(const struct repository *repository, struct keyring *keyring,
                       const struct snapshot_list *list, const struct snapshot *refused)
{
    size_t position = (size_t)(refused - list->items);
    const struct snapshot *newer;
    const struct snapshot *older;
    struct err_record failure;

    err_take(ERR_KEY_INVALID, &failure);
    if (passphrase_was_rejected(keyring, refused)) {
        err_give(&failure);
        return;
    }
    newer = find_nearest(repository, keyring, list, position, 1);
    older = find_nearest(repository, keyring, list, position,
                         -1); /* wraps below zero and ends the loop */
    err_give(&failure);
    if (newer != NULL)
        hint_at("newer", newer);
    if (older != NULL)
        hint_at("older", older);
    if (newer == NULL && older == NULL)
        err_hint("no other snapshot can be restored with the keys as they are now");
}

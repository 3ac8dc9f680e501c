#include "snapshot/format/chain.h"

#include <string.h>

#include "keyring/catalogue/key_list.h"
#include "keyring/catalogue/object_list.h"

#define VERSION_CHANGED "the active master-key version changed"
#define KEYS_CHANGED "the configured master keys changed"

static const struct snapshot *find_snapshot(const struct snapshot_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].id, id) == 0)
            return &list->items[i];
    return NULL;
}

static const struct snapshot *find_newest(const struct snapshot_list *list, const uint8_t *writer)
{
    for (size_t i = list->count; i > 0; i--) {
        const struct snapshot *s = &list->items[i - 1];

        if (writer == NULL || memcmp(s->record->writer, writer, SIGNER_ID_LEN) == 0)
            return s;
    }
    return NULL;
}

const struct snapshot *chain_parent(const struct snapshot_list *list, const struct key_name *active,
                                    const struct chain_limits *limits, int64_t now_ms,
                                    const char **why)
{
    const struct snapshot *newest = find_newest(list, limits->writer);
    const struct snapshot *base = newest != NULL ? find_snapshot(list, newest->base) : NULL;
    int64_t age_ms = base != NULL ? now_ms - base->started_ms : 0;

    *why = "";
    if (newest == NULL)
        *why = list->count == 0 ? "it is the first snapshot" : "it is the first of this machine";
    else if (!key_name_equal(&newest->effective_key, active))
        *why = VERSION_CHANGED;
    else if (base == NULL)
        *why = "the chain's base is gone";
    else if (age_ms >= limits->age_ms || -age_ms >= limits->age_ms) /* a clock was ahead */
        *why = "the chain's base has reached its maximum age";
    else if (newest->chain_position >= limits->length)
        *why = "the chain has reached its maximum length";
    else if (newest->chain_needed_bytes * 2 < newest->chain_stored_bytes)
        *why = "the newest snapshot needs less than half of what the chain stores";
    else
        return newest;
    return NULL;
}

/* Of which version they are does not matter: older ones of a further key stay valid, too. */
static bool have_same_keys(const struct data_key *a, const struct data_key *b)
{
    if (a->envelope_count != b->envelope_count)
        return false;
    for (size_t i = 0; i < a->envelope_count; i++)
        if (strcmp(a->envelopes[i].key.provider, b->envelopes[i].key.provider) != 0 ||
            strcmp(a->envelopes[i].key.key_id, b->envelopes[i].key.key_id) != 0)
            return false;
    return true;
}

const char *chain_key_change(const struct data_key *keys, size_t count,
                             const struct data_key *fresh)
{
    for (size_t i = 0; i < count; i++) {
        if (!have_same_keys(&keys[i], fresh))
            return KEYS_CHANGED;
        if (!key_name_equal(&keys[i].envelopes[0].key, &fresh->envelopes[0].key))
            return VERSION_CHANGED;
    }
    return NULL;
}

const char *chain_overflow(size_t object_count, const struct data_key *keys, size_t key_count,
                           size_t more)
{
    if (object_count + more > OBJECT_LIST_MAX)
        return "the chain has almost as many objects as a manifest can name";
    if (key_count + 1 > KEY_LIST_MAX ||
        key_list_envelopes(keys, key_count) + KEYRING_KEYS_MAX > KEY_LIST_ENVELOPES_MAX)
        return "the chain has almost as many data keys as a manifest can hold";
    return NULL;
}

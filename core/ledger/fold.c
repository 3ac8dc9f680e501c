#include "core/ledger/fold.h"

#include <string.h>

#include "core/ledger/ledger_internal.h"

#define NAME_MAX_LEN 1024 /* of a key; longer ones are nobody's */

bool fold_is_live(const struct ledger *l, const struct record *r)
{
    const char *id = NULL;

    if (r->type != RECORD_SNAPSHOT)
        return true;
    /* One without an id cannot be named by a tombstone; whoever decodes it will complain. */
    if (jdoc_text(r->payload, "id", LOOKUP_SUBJECT_MAX, &id) != ERR_OK)
        return true;
    return !lookup_is_dead(&l->lookup, id);
}

static bool is_of_scope(const struct record *r, const uint8_t scope[SEAL_ID_LEN])
{
    struct jdoc *key = NULL;
    uint8_t have[SEAL_ID_LEN];

    return jdoc_child(r->payload, "dataKey", &key) == ERR_OK &&
           jdoc_hex(key, "scope", have, SEAL_ID_LEN) == ERR_OK &&
           memcmp(have, scope, SEAL_ID_LEN) == 0;
}

const struct record *fold_rewrap(const struct ledger *l, const uint8_t scope[SEAL_ID_LEN])
{
    const struct lookup_list *list = &l->lookup.by_type[RECORD_REWRAP];

    for (size_t i = list->count; i > 0; i--)
        if (is_of_scope(list->at[i - 1], scope))
            return list->at[i - 1];
    return NULL;
}

static bool has_text(const struct jdoc *from, const char *name, const char *text)
{
    const char *have = NULL;

    return jdoc_text(from, name, NAME_MAX_LEN, &have) == ERR_OK && strcmp(have, text) == 0;
}

const struct record *fold_key_state(const struct ledger *l, const char *provider,
                                    const char *key_id, const char *version)
{
    const struct lookup_list *list = &l->lookup.by_type[RECORD_KEY_STATE];
    struct jdoc *key = NULL;

    for (size_t i = list->count; i > 0; i--) {
        const struct record *r = list->at[i - 1];

        if (jdoc_child(r->payload, "masterKey", &key) == ERR_OK &&
            has_text(key, "provider", provider) && has_text(key, "keyId", key_id) &&
            has_text(key, "keyVersion", version))
            return r;
    }
    return NULL;
}

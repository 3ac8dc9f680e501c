#include "keyring/catalogue/key_list.h"

#include <string.h>

#include "core/base/mem.h"
#include "keyring/catalogue/rewrap_record.h"

size_t key_list_envelopes(const struct data_key *keys, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += keys[i].envelope_count;
    return sum;
}

enum err key_list_add(const struct jdoc *from, const uint8_t repository[SEAL_ID_LEN],
                      struct data_key **keys, size_t *count)
{
    struct data_key fresh = {0};
    enum err rc;

    if (*count == KEY_LIST_MAX)
        FAIL(ERR_CORRUPT, "there are more than %d data keys", KEY_LIST_MAX);
    TRY(data_key_read(from, repository, &fresh));
    if (key_list_find(*keys, *count, fresh.context.scope) != NULL)
        FAIL(ERR_CORRUPT, "a scope has two data keys");
    if (key_list_envelopes(*keys, *count) + fresh.envelope_count > KEY_LIST_ENVELOPES_MAX)
        FAIL(ERR_CORRUPT, "the data keys have more than %d envelopes", KEY_LIST_ENVELOPES_MAX);
    TRY(mem_resize(*count + 1, sizeof **keys, keys));
    (*keys)[(*count)++] = fresh;
    fresh = (struct data_key){0}; /* the list's now */
out:
    data_key_clear(&fresh);
    return rc;
}

void key_list_free(struct data_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        data_key_clear(&keys[i]);
    mem_free(keys);
}

const struct data_key *key_list_find(const struct data_key *keys, size_t count,
                                     const uint8_t scope[SEAL_ID_LEN])
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(keys[i].context.scope, scope, SEAL_ID_LEN) == 0)
            return &keys[i];
    return NULL;
}

static enum err apply_rewrap(const struct ledger *ledger, struct data_key *key)
{
    const struct record *r = NULL;
    struct data_key fresh = {0};
    enum err rc;

    TRY(rewrap_record_find(ledger, key, NULL, &r, &fresh));
    if (r == NULL)
        goto out;
    data_key_clear(key);
    *key = fresh; /* the list's now */
out:
    return rc;
}

enum err key_list_apply_rewraps(const struct ledger *ledger, struct data_key *keys, size_t count)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < count; i++)
        TRY(apply_rewrap(ledger, &keys[i]));
out:
    return rc;
}

#include "keyring/catalogue/key_list.h"

#include <string.h>

#include "core/base/mem.h"
#include "keyring/catalogue/key_query.h"
#include "keyring/catalogue/rewrap_record.h"

enum err key_list_write(const struct data_key *keys, size_t count, struct jdoc *to)
{
    struct jdoc *list = NULL;
    struct jdoc *row = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    for (size_t i = 0; i < count; i++) {
        TRY(data_key_write(&keys[i], &row));
        TRY(jdoc_push(list, &row));
    }
    TRY(jdoc_set(to, "dataKeys", &list));
out:
    jdoc_free(list);
    return rc;
}

static enum err check_scopes_once(const struct data_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (key_list_find(keys, i, keys[i].context.scope) != NULL)
            return err_set(ERR_CORRUPT, "a scope has two data keys");
    return ERR_OK;
}

enum err key_list_read(const struct jdoc *from, const uint8_t repository[SEAL_ID_LEN],
                       struct data_key **out, size_t *count)
{
    struct data_key *keys = NULL;
    struct jdoc *list = NULL;
    struct jdoc *row = NULL;
    size_t wanted = 0;
    size_t done = 0;
    enum err rc;

    TRY(jdoc_list(from, "dataKeys", KEY_LIST_MAX, &list, &wanted));
    TRY(mem_new(wanted, sizeof *keys, &keys));
    for (; done < wanted; done++) {
        TRY(jdoc_item(list, done, &row));
        TRY(data_key_read(row, repository, &keys[done]));
    }
    TRY(check_scopes_once(keys, done));
    *out = keys;
    *count = done;
    keys = NULL; /* the caller's now */
    done = 0;
out:
    key_list_free(keys, done);
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

/* It must be about the same data key: a rewrap changes envelopes and nothing else. */
static enum err apply_rewrap(const struct ledger *ledger, struct data_key *key)
{
    const struct record *r = key_query_rewrap(ledger, key->context.scope);
    struct data_key fresh = {0};
    enum err rc = ERR_OK;

    if (r == NULL)
        goto out;
    TRY(rewrap_record_read(r, &fresh));
    if (memcmp(fresh.commitment, key->commitment, SEAL_COMMITMENT_LEN) != 0)
        FAIL(ERR_CORRUPT, "a rewrap record is about another data key than the manifest");
    data_key_clear(key);
    *key = fresh;
    fresh = (struct data_key){0}; /* the list's now */
out:
    data_key_clear(&fresh);
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

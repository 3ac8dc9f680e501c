#include "keyring/catalogue/key_query.h"

#include <string.h>

#include "core/ledger/ledger_query.h"
#include "keyring/catalogue/record_key.h"

static bool is_of_scope(const struct record *r, const uint8_t scope[SEAL_ID_LEN])
{
    uint8_t have[SEAL_ID_LEN];

    return record_key_read_scope(r, have) == ERR_OK && memcmp(have, scope, SEAL_ID_LEN) == 0;
}

const struct record *key_query_rewrap(const struct ledger *l, const uint8_t scope[SEAL_ID_LEN])
{
    for (size_t i = ledger_query_count(l, RECORD_REWRAP); i > 0; i--) {
        const struct record *r = ledger_query_at(l, RECORD_REWRAP, i - 1);

        if (is_of_scope(r, scope))
            return r;
    }
    return NULL;
}

const struct record *key_query_state(const struct ledger *l, const struct key_name *key)
{
    struct key_name have;

    for (size_t i = ledger_query_count(l, RECORD_KEY_STATE); i > 0; i--) {
        const struct record *r = ledger_query_at(l, RECORD_KEY_STATE, i - 1);

        if (record_key_read_name(r, &have) == ERR_OK && key_name_equal(&have, key))
            return r;
    }
    return NULL;
}

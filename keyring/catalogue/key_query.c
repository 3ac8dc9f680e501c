#include "keyring/catalogue/key_query.h"

#include <stdio.h>
#include <string.h>

#include "core/ledger/ledger_query.h"
#include "keyring/catalogue/key_state_record.h"
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

uint64_t key_query_generation(const struct ledger *l, const char *provider, const char *key_id)
{
    struct key_state_record state;
    struct key_name have;
    uint64_t highest = 0;

    for (size_t i = ledger_query_count(l, RECORD_KEY_STATE); i > 0; i--) {
        const struct record *r = ledger_query_at(l, RECORD_KEY_STATE, i - 1);

        if (record_key_read_name(r, &have) == ERR_OK && strcmp(have.provider, provider) == 0 &&
            strcmp(have.key_id, key_id) == 0 && key_state_record_read(r, &state) == ERR_OK &&
            state.generation > highest)
            highest = state.generation;
    }
    return highest;
}

static uint64_t witness_generation(const void *arg, const char *provider, const char *key_id)
{
    return key_query_generation(arg, provider, key_id);
}

static bool witness_state(const void *arg, const struct key_name *key, struct key_state *out)
{
    const struct record *r = key_query_state(arg, key);
    struct key_state_record found;

    if (r == NULL || key_state_record_read(r, &found) != ERR_OK)
        return false;
    memset(out, 0, sizeof *out);
    out->verdict = found.verdict;
    snprintf(out->reason, sizeof out->reason, "%s", found.reason);
    return true;
}

struct keyring_witness key_query_witness(const struct ledger *l)
{
    struct keyring_witness w = {.generation = witness_generation, .state = witness_state, .arg = l};

    if (ledger_count(l) > 0)
        w.newest_ms = ledger_at(l, ledger_count(l) - 1)->created_ms;
    return w;
}

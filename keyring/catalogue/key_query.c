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

const struct record *key_query_rewrap(const struct ledger *l, const uint8_t scope[SEAL_ID_LEN],
                                      const struct record *before)
{
    for (size_t i = ledger_query_count(l, RECORD_REWRAP); i > 0; i--) {
        const struct record *r = ledger_query_at(l, RECORD_REWRAP, i - 1);

        if ((before == NULL || record_compare(r, before) < 0) && is_of_scope(r, scope))
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

/* False: it is of another master key, or has none. */
static bool read_generation(const struct record *r, const char *provider, const char *key_id,
                            uint64_t *out)
{
    struct key_state_record state;
    struct key_name have;

    if (record_key_read_name(r, &have) != ERR_OK || strcmp(have.provider, provider) != 0 ||
        strcmp(have.key_id, key_id) != 0 || key_state_record_read(r, &state) != ERR_OK)
        return false;
    *out = state.generation;
    return true;
}

uint64_t key_query_generation(const struct ledger *l, const char *provider, const char *key_id,
                              uint64_t most, const struct record **above)
{
    uint64_t highest = 0;

    *above = NULL;
    for (size_t i = ledger_query_count(l, RECORD_KEY_STATE); i > 0; i--) {
        const struct record *r = ledger_query_at(l, RECORD_KEY_STATE, i - 1);
        uint64_t generation = 0;

        if (!read_generation(r, provider, key_id, &generation))
            continue;
        if (generation > most && *above == NULL)
            *above = r;
        if (generation <= most && generation > highest)
            highest = generation;
    }
    return highest;
}

static uint64_t witness_generation(const void *arg, const char *provider, const char *key_id,
                                   uint64_t most, char claim[KEYRING_CLAIM_MAX + 1])
{
    const struct record *above = NULL;
    uint64_t highest = key_query_generation(arg, provider, key_id, most, &above);

    claim[0] = '\0';
    if (above != NULL)
        record_name(above->writer, above->seq, claim);
    return highest;
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

    w.newest_ms = ledger_newest_ms(l);
    return w;
}

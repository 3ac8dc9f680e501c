#include "keyring/catalogue/impact.h"

#include "core/base/mem.h"
#include "core/ledger/ledger_query.h"
#include "keyring/catalogue/lineage.h"
#include "keyring/catalogue/live_scopes.h"

/* Needed keys. */

void needed_keys_clear(struct needed_keys *n)
{
    mem_free(n->items);
    n->items = NULL;
    n->count = 0;
}

static enum err count_key(struct needed_keys *n, const struct key_name *key)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < n->count; i++)
        if (key_name_equal(&n->items[i].key, key)) {
            n->items[i].scopes++;
            return ERR_OK;
        }
    TRY(mem_resize(n->count + 1, sizeof *n->items, &n->items));
    n->items[n->count++] = (struct needed_key){.key = *key, .scopes = 1};
out:
    return rc;
}

enum err needed_keys_read(const struct ledger *l, struct needed_keys *out)
{
    struct live_scopes s = {NULL, 0};
    struct needed_keys n = {NULL, 0};
    struct data_key d = {0};
    enum err rc;

    TRY(live_scopes_read(l, &s));
    for (size_t i = 0; i < s.count; i++) {
        TRY(live_scope_key(&s.items[i], &d));
        TRY(count_key(&n, &d.envelopes[0].key));
        data_key_clear(&d);
    }
    *out = n;
    n.items = NULL; /* the caller's now */
out:
    data_key_clear(&d);
    live_scopes_clear(&s);
    needed_keys_clear(&n);
    return rc;
}

/* Impact. */

void impact_clear(struct impact *i)
{
    mem_free(i->items);
    i->items = NULL;
    i->count = 0;
}

/* What a record needs, its ancestors' needs included. */
enum need { NEEDS_NOT = 0, NEEDS_OR_OTHER = 1, NEEDS_ONLY = 2 };

/* Of its own scope alone. */
static enum err own_need(const struct ledger *l, const struct record *r, const struct key_name *key,
                         uint8_t *out)
{
    struct live_scope item = {NULL, NULL};
    struct data_key d = {0};
    enum err rc;

    TRY(live_scope_of(l, r, &item));
    TRY(live_scope_key(&item, &d));
    *out = NEEDS_NOT;
    if (!key_name_equal(&d.envelopes[0].key, key))
        goto out;
    *out = NEEDS_ONLY;
    for (size_t i = 1; i < d.envelope_count; i++)
        if (!key_name_equal(&d.envelopes[i].key, key))
            *out = NEEDS_OR_OTHER;
out:
    data_key_clear(&d);
    return rc;
}

/* `needs` has a byte a record. A parent comes before its child, so one pass is enough. */
static enum err find_needs(const struct ledger *l, const struct key_name *key, uint8_t *needs)
{
    struct lineage lineage = {NULL, 0};
    size_t parent = LINEAGE_NO_PARENT;
    enum err rc;

    TRY(lineage_read(l, &lineage));
    for (size_t i = 0; i < ledger_count(l); i++) {
        if (!live_scope_has(ledger_at(l, i)))
            continue;
        TRY(own_need(l, ledger_at(l, i), key, &needs[i]));
        TRY(lineage_parent(&lineage, l, i, &parent));
        if (parent != LINEAGE_NO_PARENT && needs[parent] > needs[i])
            needs[i] = needs[parent];
    }
out:
    lineage_clear(&lineage);
    return rc;
}

enum err impact_of(const struct ledger *l, const struct key_name *key, struct impact *out)
{
    struct impact found = {NULL, 0};
    uint8_t *needs = NULL;
    enum err rc;

    TRY(mem_new(ledger_count(l), 1, &needs));
    TRY(find_needs(l, key, needs));
    TRY(mem_new(ledger_count(l), sizeof *found.items, &found.items));
    for (size_t i = 0; i < ledger_count(l); i++) {
        const struct record *r = ledger_at(l, i);

        if (needs[i] == NEEDS_NOT || ledger_query_is_ended(l, r))
            continue;
        found.items[found.count++] =
            (struct impact_item){.record = r, .has_other = needs[i] == NEEDS_OR_OTHER};
    }
    *out = found;
    found.items = NULL; /* the caller's now */
out:
    mem_free(needs);
    impact_clear(&found);
    return rc;
}

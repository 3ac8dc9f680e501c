#include "keyring/impact.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/ledger/fold.h"

#define SNAPSHOT_ID_TEXT_MAX 24

/* The snapshot records by id, to find a parent. */

struct by_id {
    const char *id; /* borrowed from the record */
    size_t at;      /* where in the ledger */
};
struct family {
    struct by_id *items; /* sorted; owned */
    size_t count;
};

static int compare_ids(const void *a, const void *b)
{
    const struct by_id *x = a;
    const struct by_id *y = b;

    return strcmp(x->id, y->id);
}

static enum err family_read(const struct ledger *l, struct family *out)
{
    struct family f = {NULL, 0};
    enum err rc;

    TRY(mem_new(ledger_count(l), sizeof *f.items, &f.items));
    for (size_t i = 0; i < ledger_count(l); i++) {
        const struct record *r = ledger_at(l, i);

        if (r->type != RECORD_SNAPSHOT)
            continue;
        TRY(jdoc_text(r->payload, "id", SNAPSHOT_ID_TEXT_MAX, &f.items[f.count].id));
        f.items[f.count++].at = i;
    }
    qsort(f.items, f.count, sizeof *f.items, compare_ids);
    *out = f;
    f.items = NULL; /* the caller's now */
out:
    mem_free(f.items);
    return rc;
}

#define NO_PARENT SIZE_MAX

/* Where the parent of the snapshot at `at` is. A parent comes before its child, or walking up
 * might never end. One that is no longer in the ledger ends the walk. */
static enum err parent_of(const struct ledger *l, const struct family *f, size_t at, size_t *out)
{
    const struct record *r = ledger_at(l, at);
    struct by_id wanted = {NULL, 0};
    const struct by_id *found;
    enum err rc = ERR_OK;

    *out = NO_PARENT;
    if (r->type != RECORD_SNAPSHOT || !jdoc_has(r->payload, "parent"))
        return ERR_OK;
    TRY(jdoc_text(r->payload, "parent", SNAPSHOT_ID_TEXT_MAX, &wanted.id));
    found = bsearch(&wanted, f->items, f->count, sizeof *f->items, compare_ids);
    if (found == NULL)
        goto out;
    if (found->at >= at)
        FAIL(ERR_CORRUPT, "snapshot %s is older than its parent", wanted.id);
    *out = found->at;
out:
    return rc;
}

static bool has_scope(const struct record *r)
{
    return r->type == RECORD_SNAPSHOT || r->type == RECORD_OPLOG_SEGMENT;
}

static enum err scope_of(const struct record *r, uint8_t out[SEAL_ID_LEN])
{
    struct jdoc *data_key = NULL;
    enum err rc;

    TRY(jdoc_child(r->payload, "dataKey", &data_key));
    TRY(jdoc_hex(data_key, "scope", out, SEAL_ID_LEN));
out:
    return rc;
}

/* Live scopes. */

void live_scopes_clear(struct live_scopes *s)
{
    mem_free(s->items);
    s->items = NULL;
    s->count = 0;
}

/* Mark in `used` (one byte a record) what live records read from. */
static enum err mark_used(const struct ledger *l, uint8_t *used)
{
    struct family f = {NULL, 0};
    size_t at;
    enum err rc;

    TRY(family_read(l, &f));
    for (size_t i = 0; i < ledger_count(l); i++) {
        const struct record *r = ledger_at(l, i);

        if (!has_scope(r) || !fold_is_live(l, r))
            continue;
        for (at = i; at != NO_PARENT && !used[at];) {
            used[at] = 1;
            TRY(parent_of(l, &f, at, &at));
        }
    }
out:
    mem_free(f.items);
    return rc;
}

static int compare_scopes(const void *a, const void *b)
{
    return memcmp(a, b, SEAL_ID_LEN);
}

/* Segments of one epoch share a scope: true in *is_new only for the first of them. `seen` is kept
 * sorted, and snapshots, each with its own scope, never come here. */
static enum err first_of_scope(struct buf *seen, const struct record *r, bool *is_new)
{
    uint8_t scope[SEAL_ID_LEN] = {0};
    enum err rc;

    *is_new = true;
    if (r->type == RECORD_SNAPSHOT)
        return ERR_OK;
    TRY(scope_of(r, scope));
    /* Records of an epoch follow each other closely, so the newest scopes are looked at first. */
    for (size_t end = seen->len; end > 0; end -= SEAL_ID_LEN)
        if (compare_scopes(seen->at + end - SEAL_ID_LEN, scope) == 0) {
            *is_new = false;
            return ERR_OK;
        }
    TRY(buf_add(seen, bytes_of(scope, sizeof scope)));
out:
    return rc;
}

static enum err add_scope(const struct ledger *l, const struct record *r, struct live_scopes *to)
{
    uint8_t scope[SEAL_ID_LEN] = {0};
    const struct record *rewrap;
    enum err rc;

    TRY(scope_of(r, scope));
    rewrap = fold_rewrap(l, scope);
    to->items[to->count++] =
        (struct live_scope){.record = r, .source = rewrap != NULL ? rewrap : r};
out:
    return rc;
}

enum err live_scopes_read(const struct ledger *l, struct live_scopes *out)
{
    struct buf seen = {.max = LEDGER_RECORDS_MAX * (size_t)SEAL_ID_LEN};
    struct live_scopes s = {NULL, 0};
    uint8_t *used = NULL;
    bool is_new = false;
    enum err rc;

    TRY(mem_new(ledger_count(l), 1, &used));
    TRY(mark_used(l, used));
    TRY(mem_new(ledger_count(l), sizeof *s.items, &s.items));
    for (size_t i = 0; i < ledger_count(l); i++) {
        if (!used[i])
            continue;
        TRY(first_of_scope(&seen, ledger_at(l, i), &is_new));
        if (is_new)
            TRY(add_scope(l, ledger_at(l, i), &s));
    }
    *out = s;
    s.items = NULL; /* the caller's now */
out:
    mem_free(used);
    buf_clear(&seen);
    live_scopes_clear(&s);
    return rc;
}

static enum err key_of(const struct record *r, struct data_key *out)
{
    enum err rc = data_key_of_record(r, out);

    if (rc != ERR_OK)
        err_note("the data key of a %s record", record_type_name(r->type));
    return rc;
}

enum err live_scope_key(const struct live_scope *scope, struct data_key *out)
{
    struct data_key first = {0};
    struct data_key counts = {0};
    enum err rc;

    TRY(key_of(scope->record, &first));
    if (scope->source == scope->record) {
        *out = first;
        return ERR_OK;
    }
    TRY(key_of(scope->source, &counts));
    if (memcmp(first.commitment, counts.commitment, SEAL_COMMITMENT_LEN) != 0)
        FAIL(ERR_CORRUPT, "a rewrap record commits to another data key than the snapshot");
    *out = counts;
    counts.envelopes = NULL; /* the caller's now */
out:
    data_key_clear(&first);
    data_key_clear(&counts);
    return rc;
}

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
    struct live_scopes one = {NULL, 0};
    struct live_scope item;
    struct data_key d = {0};
    enum err rc;

    one.items = &item;
    TRY(add_scope(l, r, &one));
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
    struct family f = {NULL, 0};
    size_t parent = NO_PARENT;
    enum err rc;

    TRY(family_read(l, &f));
    for (size_t i = 0; i < ledger_count(l); i++) {
        if (!has_scope(ledger_at(l, i)))
            continue;
        TRY(own_need(l, ledger_at(l, i), key, &needs[i]));
        TRY(parent_of(l, &f, i, &parent));
        if (parent != NO_PARENT && needs[parent] > needs[i])
            needs[i] = needs[parent];
    }
out:
    mem_free(f.items);
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

        if (needs[i] == NEEDS_NOT || !fold_is_live(l, r))
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

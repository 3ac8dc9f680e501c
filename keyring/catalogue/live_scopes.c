#include "keyring/catalogue/live_scopes.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/ledger/ledger_query.h"
#include "keyring/catalogue/lineage.h"
#include "keyring/catalogue/record_key.h"
#include "keyring/catalogue/rewrap_record.h"

bool live_scope_has(const struct record *r)
{
    return r->type == RECORD_SNAPSHOT || r->type == RECORD_OPLOG_SEGMENT;
}

void live_scopes_clear(struct live_scopes *s)
{
    mem_free(s->items);
    s->items = NULL;
    s->count = 0;
}

/* Mark in `used` (one byte a record) what live records read from. */
static enum err mark_scope_used(const struct ledger *l, uint8_t *used)
{
    struct lineage lineage = {NULL, 0};
    size_t position;
    enum err rc;

    TRY(lineage_read(l, &lineage));
    for (size_t i = 0; i < ledger_count(l); i++) {
        const struct record *r = ledger_at(l, i);

        if (!live_scope_has(r) || ledger_query_is_ended(l, r))
            continue;
        for (position = i; position != LINEAGE_NO_PARENT && !used[position];) {
            used[position] = 1;
            TRY(lineage_parent(&lineage, l, position, &position));
        }
    }
out:
    lineage_clear(&lineage);
    return rc;
}

/* Segments of one epoch share a scope: true in *is_new only for the first of them. A snapshot
 * has a scope of its own and is not looked up. */
static enum err first_of_scope(struct buf *seen, const struct record *r, bool *is_new)
{
    uint8_t scope[SEAL_ID_LEN] = {0};
    enum err rc;

    *is_new = true;
    if (r->type == RECORD_SNAPSHOT)
        return ERR_OK;
    TRY(record_key_read_scope(r, scope));
    /* Records of an epoch follow each other closely, so the newest scopes are looked at first. */
    for (size_t end = seen->len; end > 0; end -= SEAL_ID_LEN)
        if (memcmp(seen->data + end - SEAL_ID_LEN, scope, SEAL_ID_LEN) == 0) {
            *is_new = false;
            return ERR_OK;
        }
    TRY(buf_add(seen, bytes_of(scope, sizeof scope)));
out:
    return rc;
}

static enum err read_key_of(const struct record *r, struct data_key *out)
{
    enum err rc = record_key_read(r, out);

    if (rc != ERR_OK)
        err_note("the data key of a %s record", record_type_name(r->type));
    return rc;
}

enum err live_scope_of(const struct ledger *l, const struct record *r, struct live_scope *out)
{
    struct data_key first = {0};
    struct data_key counts = {0};
    const struct record *rewrap = NULL;
    enum err rc;

    TRY(read_key_of(r, &first));
    TRY(rewrap_record_find(l, &first, NULL, &rewrap, &counts));
    *out = (struct live_scope){.record = r, .source = rewrap != NULL ? rewrap : r};
out:
    data_key_clear(&first);
    data_key_clear(&counts);
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
    TRY(mark_scope_used(l, used));
    TRY(mem_new(ledger_count(l), sizeof *s.items, &s.items));
    for (size_t i = 0; i < ledger_count(l); i++) {
        if (!used[i])
            continue;
        TRY(first_of_scope(&seen, ledger_at(l, i), &is_new));
        if (is_new)
            TRY(live_scope_of(l, ledger_at(l, i), &s.items[s.count++]));
    }
    *out = s;
    s.items = NULL; /* the caller's now */
out:
    mem_free(used);
    buf_clear(&seen);
    live_scopes_clear(&s);
    return rc;
}

enum err live_scope_key(const struct live_scope *scope, struct data_key *out)
{
    return read_key_of(scope->source, out);
}

#include "keyring/catalogue/lineage.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "keyring/catalogue/snapshot_record.h"

struct by_id {
    const char *id;  /* borrowed from the record */
    size_t position; /* where in the ledger */
};

static int compare_ids(const void *a, const void *b)
{
    const struct by_id *x = a;
    const struct by_id *y = b;

    return strcmp(x->id, y->id);
}

void lineage_clear(struct lineage *lineage)
{
    mem_free(lineage->items);
    lineage->items = NULL;
    lineage->count = 0;
}

enum err lineage_read(const struct ledger *l, struct lineage *out)
{
    struct lineage lineage = {NULL, 0};
    enum err rc;

    TRY(mem_new(ledger_count(l), sizeof *lineage.items, &lineage.items));
    for (size_t i = 0; i < ledger_count(l); i++) {
        const struct record *r = ledger_at(l, i);

        if (r->type != RECORD_SNAPSHOT)
            continue;
        TRY(snapshot_record_raw_id(r, &lineage.items[lineage.count].id));
        lineage.items[lineage.count++].position = i;
    }
    qsort(lineage.items, lineage.count, sizeof *lineage.items, compare_ids);
    *out = lineage;
    lineage.items = NULL; /* the caller's now */
out:
    mem_free(lineage.items);
    return rc;
}

static const struct by_id *find_id(const struct lineage *lineage, const char *id)
{
    const struct by_id wanted = {.id = id};

    if (lineage->count == 0)
        return NULL;
    return bsearch(&wanted, lineage->items, lineage->count, sizeof *lineage->items, compare_ids);
}

const struct record *lineage_find(const struct lineage *lineage, const struct ledger *l,
                                  const char *id)
{
    const struct by_id *found = find_id(lineage, id);

    return found != NULL ? ledger_at(l, found->position) : NULL;
}

/* A parent comes before its child, or walking up might never end. */
enum err lineage_parent(const struct lineage *lineage, const struct ledger *l, size_t position,
                        size_t *out)
{
    const struct record *r = ledger_at(l, position);
    const char *parent = NULL;
    const struct by_id *found;
    enum err rc = ERR_OK;

    *out = LINEAGE_NO_PARENT;
    if (r->type != RECORD_SNAPSHOT)
        return ERR_OK;
    TRY(snapshot_record_raw_parent(r, &parent));
    if (parent == NULL)
        goto out;
    found = find_id(lineage, parent);
    if (found == NULL)
        goto out;
    if (found->position >= position)
        FAIL(ERR_CORRUPT, "snapshot %s is older than its parent", parent);
    *out = found->position;
out:
    return rc;
}

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

void family_clear(struct family *f)
{
    mem_free(f->items);
    f->items = NULL;
    f->count = 0;
}

enum err family_read(const struct ledger *l, struct family *out)
{
    struct family f = {NULL, 0};
    enum err rc;

    TRY(mem_new(ledger_count(l), sizeof *f.items, &f.items));
    for (size_t i = 0; i < ledger_count(l); i++) {
        const struct record *r = ledger_at(l, i);

        if (r->type != RECORD_SNAPSHOT)
            continue;
        TRY(snapshot_record_raw_id(r, &f.items[f.count].id));
        f.items[f.count++].position = i;
    }
    qsort(f.items, f.count, sizeof *f.items, compare_ids);
    *out = f;
    f.items = NULL; /* the caller's now */
out:
    mem_free(f.items);
    return rc;
}

/* A parent comes before its child, or walking up might never end. */
enum err family_parent(const struct family *f, const struct ledger *l, size_t position, size_t *out)
{
    const struct record *r = ledger_at(l, position);
    struct by_id wanted = {NULL, 0};
    const struct by_id *found;
    enum err rc = ERR_OK;

    *out = FAMILY_NO_PARENT;
    if (r->type != RECORD_SNAPSHOT)
        return ERR_OK;
    TRY(snapshot_record_raw_parent(r, &wanted.id));
    if (wanted.id == NULL)
        goto out;
    found = bsearch(&wanted, f->items, f->count, sizeof *f->items, compare_ids);
    if (found == NULL)
        goto out;
    if (found->position >= position)
        FAIL(ERR_CORRUPT, "snapshot %s is older than its parent", wanted.id);
    *out = found->position;
out:
    return rc;
}

#include "core/ledger/record_set.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/ledger/ledger.h"

void record_set_clear(struct record_set *s)
{
    for (size_t i = 0; i < s->count; i++)
        record_free(s->items[i].record);
    mem_free(s->items);
    *s = (struct record_set){.items = NULL};
}

enum err record_set_add(struct record_set *s, const struct record_entry *entry)
{
    enum err rc = ERR_OK;

    if (s->count >= LEDGER_RECORDS_MAX)
        FAIL(ERR_CORRUPT, "the ledger has more than %d records", LEDGER_RECORDS_MAX);
    TRY(mem_grow(s->count, sizeof *s->items, &s->cap, &s->items));
    s->items[s->count++] = *entry;
out:
    return rc;
}

/* By writer, then seq: each chain is a run of entries in its own order. */
static int compare_entries(const void *left, const void *right)
{
    const struct record_entry *a = left;
    const struct record_entry *b = right;
    int order = memcmp(a->writer, b->writer, SIGNER_ID_LEN);

    if (order != 0)
        return order;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void record_set_sort(struct record_set *s)
{
    if (s->count > 1)
        qsort(s->items, s->count, sizeof *s->items, compare_entries);
}

struct record_entry *record_set_find(const struct record_set *s,
                                     const uint8_t writer[SIGNER_ID_LEN], uint64_t seq)
{
    struct record_entry key = {.seq = seq};

    if (s->count == 0)
        return NULL;
    memcpy(key.writer, writer, SIGNER_ID_LEN);
    return bsearch(&key, s->items, s->count, sizeof *s->items, compare_entries);
}

#include "core/ledger/ledger_query.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/ledger/ledger_internal.h"

void ledger_query_clear(struct ledger_query *x)
{
    for (size_t i = 0; i < RECORD_TYPE_COUNT; i++)
        mem_free(x->by_type[i].items);
    mem_free(x->dead);
    *x = (struct ledger_query){.dead = NULL};
}

static enum err read_subject(const struct record *r, const char **out)
{
    return jdoc_text(r->payload, "subject", TOMBSTONE_SUBJECT_MAX, out);
}

/* The index of `subject`, or where it would be inserted. */
static size_t find_subject_place(const struct ledger_query *x, const char *subject)
{
    size_t low = 0;
    size_t high = x->dead_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(x->dead[middle], subject) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ledger_query_is_dead(const struct ledger_query *x, const char *subject)
{
    size_t i = find_subject_place(x, subject);

    return i < x->dead_count && strcmp(x->dead[i], subject) == 0;
}

enum err ledger_query_reserve(struct ledger_query *x, const struct record *r)
{
    struct record_list *list = &x->by_type[r->type];
    const char *subject = NULL;
    enum err rc = ERR_OK;

    TRY(mem_grow(list->count, sizeof *list->items, &list->cap, &list->items));
    if (r->type != RECORD_TOMBSTONE)
        goto out;
    TRY(read_subject(r, &subject));
    TRY(mem_grow(x->dead_count, sizeof *x->dead, &x->dead_cap, &x->dead));
out:
    return rc;
}

enum err ledger_query_add(struct ledger_query *x, const struct record *r)
{
    struct record_list *list = &x->by_type[r->type];
    const char *subject = NULL;
    size_t i;
    enum err rc;

    TRY(ledger_query_reserve(x, r));
    for (i = list->count; i > 0 && record_compare(list->items[i - 1], r) > 0; i--)
        list->items[i] = list->items[i - 1];
    list->items[i] = r;
    list->count++;
    if (r->type != RECORD_TOMBSTONE)
        goto out;
    TRY(read_subject(r, &subject));
    i = find_subject_place(x, subject);
    memmove(&x->dead[i + 1], &x->dead[i], (x->dead_count - i) * sizeof *x->dead);
    x->dead[i] = subject;
    x->dead_count++;
out:
    return rc;
}

bool ledger_query_has_live(const struct ledger_query *x, const struct record *r)
{
    const char *id = NULL;

    if (r->type != RECORD_SNAPSHOT)
        return true;
    /* Without an id no tombstone can name it; decoding the record reports the fault. */
    if (jdoc_text(r->payload, "id", TOMBSTONE_SUBJECT_MAX, &id) != ERR_OK) {
        err_clear();
        return true;
    }
    return !ledger_query_is_dead(x, id);
}

bool ledger_query_is_live(const struct ledger *l, const struct record *r)
{
    return ledger_query_has_live(&l->query, r);
}

size_t ledger_query_count(const struct ledger *l, enum record_type type)
{
    return l->query.by_type[type].count;
}

const struct record *ledger_query_at(const struct ledger *l, enum record_type type, size_t i)
{
    return l->query.by_type[type].items[i];
}

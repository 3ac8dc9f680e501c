#include "core/ledger/ledger_query.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/ledger/ledger_internal.h"

void ledger_query_clear(struct ledger_query *x)
{
    for (size_t i = 0; i < RECORD_TYPE_COUNT; i++)
        mem_free(x->by_type[i].items);
    mem_free(x->dead);
    mem_free(x->needed);
    mem_free(x->replaced);
    *x = (struct ledger_query){.dead = NULL};
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
    enum err rc = ERR_OK;

    TRY(mem_grow(list->count, sizeof *list->items, &list->cap, &list->items));
    if (r->type != RECORD_TOMBSTONE)
        goto out;
    if (r->facts.subject[0] == '\0')
        FAIL(ERR_CORRUPT, "a tombstone that says in no \"subject\" what it ends");
    TRY(mem_grow(x->dead_count, sizeof *x->dead, &x->dead_cap, &x->dead));
out:
    return rc;
}

enum err ledger_query_add(struct ledger_query *x, const struct record *r)
{
    struct record_list *list = &x->by_type[r->type];
    size_t i;
    enum err rc;

    TRY(ledger_query_reserve(x, r));
    for (i = list->count; i > 0 && record_compare(list->items[i - 1], r) > 0; i--)
        list->items[i] = list->items[i - 1];
    list->items[i] = r;
    list->count++;
    x->is_settled = false;
    if (r->type != RECORD_TOMBSTONE)
        goto out;
    i = find_subject_place(x, r->facts.subject);
    memmove(&x->dead[i + 1], &x->dead[i], (x->dead_count - i) * sizeof *x->dead);
    x->dead[i] = r->facts.subject;
    x->dead_count++;
out:
    return rc;
}

static int compare_subjects(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

enum err ledger_query_fill(struct ledger_query *x, const struct record *const *records,
                           size_t count)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < count; i++) {
        struct record_list *list = &x->by_type[records[i]->type];

        TRY(ledger_query_reserve(x, records[i]));
        list->items[list->count++] = records[i];
        if (records[i]->type == RECORD_TOMBSTONE)
            x->dead[x->dead_count++] = records[i]->facts.subject;
    }
    if (x->dead_count > 1)
        qsort(x->dead, x->dead_count, sizeof *x->dead, compare_subjects);
out:
    return rc;
}

/* ---- what is ended, and what is live all the same ---- */

/* "id" or "parent" of a snapshot record; NULL: it has none that can be read. Decoding the record
 * reports the fault. */
static const char *text_or_none(const char *text)
{
    return *text != '\0' ? text : NULL;
}

bool ledger_query_has_ended(const struct ledger_query *x, const struct record *r)
{
    const char *id = r->type == RECORD_SNAPSHOT ? text_or_none(r->facts.id) : NULL;

    return id != NULL && ledger_query_is_dead(x, id);
}

static int compare_texts(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;

    return strcmp(*x, *y);
}

static bool is_among(const char *const *texts, size_t count, const char *text)
{
    return count > 0 && bsearch(&text, texts, count, sizeof *texts, compare_texts) != NULL;
}

/* A parent is older than its child, so from the newest on every child was seen before its parent. A
 * "parent" that is newer, which no writer makes, is passed over here and reported elsewhere. */
static enum err settle_snapshots(struct ledger_query *x)
{
    const struct record_list *snapshots = &x->by_type[RECORD_SNAPSHOT];
    const char **needed = NULL;
    size_t count = 0;
    enum err rc = ERR_OK;

    if (x->dead_count > 0)
        TRY(mem_new(snapshots->count, sizeof *needed, &needed));
    for (size_t i = x->dead_count > 0 ? snapshots->count : 0; i > 0; i--) {
        const struct record *r = snapshots->items[i - 1];
        const char *parent = text_or_none(r->facts.parent);
        size_t at = count;

        if (parent == NULL || !ledger_query_is_dead(x, parent) || is_among(needed, count, parent) ||
            (ledger_query_has_ended(x, r) && !is_among(needed, count, text_or_none(r->facts.id))))
            continue;
        for (; at > 0 && strcmp(needed[at - 1], parent) > 0; at--)
            needed[at] = needed[at - 1];
        needed[at] = parent;
        count++;
    }
    mem_free(x->needed);
    x->needed = needed;
    x->needed_count = count;
out:
    return rc;
}

/* ---- rewraps that a later one replaces ---- */

/* Of that writer's rewraps of that scope those below `seq` are replaced. */
struct replaced {
    uint8_t writer[SIGNER_ID_LEN];
    uint8_t scope[SEAL_ID_LEN];
    uint64_t seq;
};

/* By writer and scope. */
static int compare_replaced(const void *a, const void *b)
{
    const struct replaced *x = a;
    const struct replaced *y = b;
    int order = memcmp(x->writer, y->writer, SIGNER_ID_LEN);

    return order != 0 ? order : memcmp(x->scope, y->scope, SEAL_ID_LEN);
}

/* The latest of a pair first. */
static int compare_latest(const void *a, const void *b)
{
    const struct replaced *x = a;
    const struct replaced *y = b;
    int order = compare_replaced(a, b);

    return order != 0 ? order : (x->seq < y->seq) - (x->seq > y->seq);
}

/* False: it has no readable scope. */
static bool read_rewrap(const struct record *r, struct replaced *out)
{
    memcpy(out->scope, r->facts.scope, SEAL_ID_LEN);
    memcpy(out->writer, r->writer, SIGNER_ID_LEN);
    out->seq = r->seq;
    return r->facts.has_scope;
}

/* The ends of chains are never taken away, so every reader of a checkpoint finds the same. */
static int64_t newest_ms(const struct ledger_query *x)
{
    int64_t newest = 0;

    for (size_t i = 0; i < RECORD_TYPE_COUNT; i++) {
        const struct record_list *list = &x->by_type[i];

        if (list->count > 0 && list->items[list->count - 1]->created_ms > newest)
            newest = list->items[list->count - 1]->created_ms;
    }
    return newest;
}

static enum err settle_rewraps(struct ledger_query *x)
{
    const struct record_list *rewraps = &x->by_type[RECORD_REWRAP];
    const int64_t tried_ms = newest_ms(x) - LEDGER_REWRAP_TRIAL_MS;
    struct replaced *found = NULL;
    size_t count = 0;
    size_t kept = 0;
    enum err rc = ERR_OK;

    if (rewraps->count > 0)
        TRY(mem_new(rewraps->count, sizeof *found, &found));
    for (size_t i = 0; i < rewraps->count && rewraps->items[i]->created_ms <= tried_ms; i++)
        count += read_rewrap(rewraps->items[i], &found[count]) ? 1 : 0;
    if (count > 1)
        qsort(found, count, sizeof *found, compare_latest);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_replaced(&found[kept - 1], &found[i]) != 0)
            found[kept++] = found[i];
    mem_free(x->replaced);
    x->replaced = found;
    x->replaced_count = kept;
out:
    return rc;
}

/* Also of one that is not among the records. */
static bool is_replaced(const struct ledger_query *x, const struct record *r)
{
    struct replaced wanted;
    const struct replaced *by;

    if (x->replaced_count == 0 || !read_rewrap(r, &wanted))
        return false;
    by = bsearch(&wanted, x->replaced, x->replaced_count, sizeof *x->replaced, compare_replaced);
    return by != NULL && r->seq < by->seq;
}

enum err ledger_query_settle(struct ledger_query *x)
{
    enum err rc = ERR_OK;

    if (x->is_settled)
        goto out;
    TRY(settle_snapshots(x));
    TRY(settle_rewraps(x));
    x->is_settled = true;
out:
    return rc;
}

/* The same for one, without memory: the newest that needs it is looked for, generation by
 * generation. */
static bool has_living_child(const struct ledger_query *x, const char *id, size_t below)
{
    const struct record_list *snapshots = &x->by_type[RECORD_SNAPSHOT];

    for (size_t i = snapshots->count; i > below; i--) {
        const struct record *r = snapshots->items[i - 1];
        const char *parent = text_or_none(r->facts.parent);

        if (parent != NULL && strcmp(parent, id) == 0 &&
            (!ledger_query_has_ended(x, r) || has_living_child(x, text_or_none(r->facts.id), i)))
            return true;
    }
    return false;
}

bool ledger_query_has_live(const struct ledger_query *x, const struct record *r)
{
    if (r->type == RECORD_REWRAP)
        return !is_replaced(x, r);
    if (!ledger_query_has_ended(x, r))
        return true;
    return x->is_settled ? is_among(x->needed, x->needed_count, text_or_none(r->facts.id))
                         : has_living_child(x, text_or_none(r->facts.id), 0);
}

bool ledger_query_is_ended(const struct ledger *l, const struct record *r)
{
    return ledger_query_has_ended(&l->query, r);
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

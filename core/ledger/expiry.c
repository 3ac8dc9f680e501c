#include "core/ledger/expiry.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

void expiries_clear(struct expiries *x)
{
    mem_free(x->items);
    *x = (struct expiries){NULL, 0, 0};
}

static bool can_expire(enum record_type type)
{
    return type == RECORD_SNAPSHOT || type == RECORD_OPLOG_SEGMENT || type == RECORD_OPLOG_BATCH;
}

/* What cannot be read is kept: no id, and nothing can name it; no date, and it never expires. */
enum err expiries_add(struct expiries *x, const struct record *r)
{
    const struct record_facts *f = &r->facts;
    const struct expiry e = {.subject = f->id,
                             .never = !f->has_expiry || !f->expiry_known,
                             .ms = f->expiry_known ? f->expires_ms : 0};
    enum err rc = ERR_OK;

    if (!can_expire(r->type) || f->id[0] == '\0')
        goto out;
    TRY(mem_grow(x->count, sizeof *x->items, &x->cap, &x->items));
    x->items[x->count++] = e;
out:
    return rc;
}

static int compare_subjects(const void *left, const void *right)
{
    const struct expiry *a = left;
    const struct expiry *b = right;

    return strcmp(a->subject, b->subject);
}

void expiries_sort(struct expiries *x)
{
    if (x->count > 1)
        qsort(x->items, x->count, sizeof *x->items, compare_subjects);
}

/* The latest of all with that name; false: there is none. */
static bool find_latest(const struct expiries *x, const char *subject, struct expiry *out)
{
    const struct expiry key = {.subject = subject};
    const struct expiry *found =
        x->count > 0 ? bsearch(&key, x->items, x->count, sizeof *x->items, compare_subjects) : NULL;
    const struct expiry *end;

    if (found == NULL)
        return false;
    end = x->items + x->count;
    while (found > x->items && compare_subjects(found - 1, &key) == 0)
        found--;
    *out = *found;
    for (; found < end && compare_subjects(found, &key) == 0; found++) {
        out->never = out->never || found->never;
        out->ms = found->ms > out->ms ? found->ms : out->ms;
    }
    return true;
}

enum err expiries_check(const struct expiries *x, const struct record *tombstone, bool is_covered,
                        int64_t now_ms)
{
    char date[CLOCK_TEXT_LEN + 1];
    struct expiry of = {.never = true};
    const char *subject = tombstone->facts.subject;
    enum err rc = ERR_OK;

    if (*subject == '\0')
        FAIL(ERR_CORRUPT, "a tombstone that says in no \"subject\" what it ends");
    if (!find_latest(x, subject, &of)) {
        if (is_covered)
            goto out;
        FAIL(ERR_CORRUPT, "it ends %s, which is not there: only root may sign that", subject);
    }
    if (of.never)
        FAIL(ERR_CORRUPT, "it ends %s, which never expires: only root may sign that", subject);
    clock_text(of.ms, date);
    if (of.ms > tombstone->created_ms)
        FAIL(ERR_CORRUPT, "it ends %s, which expires at %s, before that: only root may sign that",
             subject, date);
    if (of.ms > now_ms)
        FAIL(ERR_CORRUPT,
             "it ends %s, which expires at %s, and by the clock of this machine that is yet to "
             "come: only root may sign that",
             subject, date);
out:
    return rc;
}

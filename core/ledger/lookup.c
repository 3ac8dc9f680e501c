#include "core/ledger/lookup.h"

#include <string.h>

#include "core/base/mem.h"

#define ROOM_LEAST 16

void lookup_clear(struct lookup *x)
{
    for (size_t i = 0; i < RECORD_TYPE_COUNT; i++)
        mem_free(x->by_type[i].at);
    mem_free(x->dead);
    *x = (struct lookup){.dead = NULL};
}

static enum err read_subject(const struct record *r, const char **out)
{
    return jdoc_text(r->payload, "subject", LOOKUP_SUBJECT_MAX, out);
}

/* Where `subject` is, or would be put. */
static size_t place_of(const struct lookup *x, const char *subject)
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

bool lookup_is_dead(const struct lookup *x, const char *subject)
{
    size_t i = place_of(x, subject);

    return i < x->dead_count && strcmp(x->dead[i], subject) == 0;
}

enum err lookup_reserve(struct lookup *x, const struct record *r)
{
    struct lookup_list *list = &x->by_type[r->type];
    const char *subject = NULL;
    size_t room;
    enum err rc = ERR_OK;

    if (list->count == list->room) {
        room = list->room > 0 ? 2 * list->room : ROOM_LEAST;
        TRY(mem_resize(room, sizeof *list->at, &list->at));
        list->room = room;
    }
    if (r->type != RECORD_TOMBSTONE)
        goto out;
    TRY(read_subject(r, &subject));
    if (x->dead_count == x->dead_room) {
        room = x->dead_room > 0 ? 2 * x->dead_room : ROOM_LEAST;
        TRY(mem_resize(room, sizeof *x->dead, &x->dead));
        x->dead_room = room;
    }
out:
    return rc;
}

enum err lookup_add(struct lookup *x, const struct record *r)
{
    struct lookup_list *list = &x->by_type[r->type];
    const char *subject = NULL;
    size_t i;
    enum err rc;

    TRY(lookup_reserve(x, r));
    for (i = list->count; i > 0 && record_compare(list->at[i - 1], r) > 0; i--)
        list->at[i] = list->at[i - 1];
    list->at[i] = r;
    list->count++;
    if (r->type != RECORD_TOMBSTONE)
        goto out;
    TRY(read_subject(r, &subject));
    i = place_of(x, subject);
    memmove(&x->dead[i + 1], &x->dead[i], (x->dead_count - i) * sizeof *x->dead);
    x->dead[i] = subject;
    x->dead_count++;
out:
    return rc;
}

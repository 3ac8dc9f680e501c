#include "snapshot/format/snapshot_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/ledger/ledger_query.h"

#define PREFIX_LEAST 6

static enum err add_damaged(struct snapshot_list *list, const struct record *r, enum err code,
                            const char *reason)
{
    struct damaged_snapshot d = {.record = r, .code = code};
    enum err rc;

    snprintf(d.reason, sizeof d.reason, "%s", reason);
    if (snapshot_record_read_id(r, d.id) != ERR_OK)
        d.id[0] = '\0';
    err_clear();
    TRY(mem_resize(list->damaged_count + 1, sizeof *list->damaged, &list->damaged));
    list->damaged[list->damaged_count++] = d;
out:
    return rc;
}

static enum err add_record(const struct ledger *ledger, const struct record *r,
                           struct snapshot_list *list)
{
    enum err rc = snapshot_record_read(ledger, r, &list->items[list->count]);
    struct err_record why;

    if (rc == ERR_OK) {
        list->count++;
        return ERR_OK;
    }
    if (rc != ERR_CORRUPT && rc != ERR_UNSUPPORTED)
        return rc;
    err_take(rc, &why);
    return add_damaged(list, r, rc, why.text);
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, SNAPSHOT_ID_TEXT);
}

/* `ids` is sorted. */
static bool is_twice(char (*ids)[SNAPSHOT_ID_TEXT], size_t count, const char *id)
{
    char(*found)[SNAPSHOT_ID_TEXT] = bsearch(id, ids, count, sizeof *ids, by_id);

    return found != NULL && ((found > ids && by_id(found - 1, id) == 0) ||
                             (found + 1 < ids + count && by_id(found + 1, id) == 0));
}

/* Of two records with one id nobody could tell which is meant: both are damaged. */
static enum err part_doubles(struct snapshot_list *list)
{
    char(*ids)[SNAPSHOT_ID_TEXT] = NULL;
    size_t count = 0;
    size_t kept = 0;
    enum err rc;

    TRY(mem_new(list->count + list->damaged_count, sizeof *ids, &ids));
    for (size_t i = 0; i < list->count; i++)
        memcpy(ids[count++], list->items[i].id, SNAPSHOT_ID_TEXT);
    for (size_t i = 0; i < list->damaged_count; i++)
        if (list->damaged[i].id[0] != '\0')
            memcpy(ids[count++], list->damaged[i].id, SNAPSHOT_ID_TEXT);
    if (count > 1)
        qsort(ids, count, sizeof *ids, by_id);
    for (size_t i = 0; i < list->count; i++) {
        if (is_twice(ids, count, list->items[i].id))
            TRY(add_damaged(list, list->items[i].record, ERR_CORRUPT,
                            "another snapshot record has the same id"));
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
out:
    mem_free(ids);
    return rc;
}

enum err snapshot_list_read(const struct ledger *ledger, struct snapshot_list *out)
{
    struct snapshot_list list = {0};
    enum err rc;

    TRY(mem_new(ledger_count(ledger), sizeof *list.items, &list.items));
    for (size_t i = 0; i < ledger_count(ledger); i++) {
        const struct record *r = ledger_at(ledger, i);

        if (r->type == RECORD_SNAPSHOT && !ledger_query_is_ended(ledger, r))
            TRY(add_record(ledger, r, &list));
    }
    TRY(part_doubles(&list));
    *out = list;
    list = (struct snapshot_list){0}; /* the caller's now */
out:
    snapshot_list_clear(&list);
    return rc;
}

void snapshot_list_clear(struct snapshot_list *list)
{
    mem_free(list->items);
    mem_free(list->damaged);
    *list = (struct snapshot_list){0};
}

static enum err refuse_several(const char *shown, const char *one, const char *other)
{
    return err_set(ERR_USAGE, "snapshot %s: the prefix is ambiguous (%s, %s): give more digits",
                   shown, one, other);
}

static enum err refuse_unknown(const struct snapshot_list *list, const char *shown)
{
    err_set(ERR_NOT_FOUND, "there is no snapshot %s", shown);
    if (list->count > 0)
        err_hint("the newest is %s; `sealpoint snapshots` lists all %zu",
                 list->items[list->count - 1].id, list->count);
    return ERR_NOT_FOUND;
}

static enum err refuse_damaged(const struct damaged_snapshot *d)
{
    err_set(d->code, "snapshot %s is damaged: %s", d->id, d->reason);
    err_hint("the other snapshots can be restored; `sealpoint snapshots` lists them");
    return d->code;
}

static enum err find_prefix(const struct snapshot_list *list, const char *prefix,
                            const struct snapshot **out)
{
    const struct damaged_snapshot *damaged = NULL;
    const struct snapshot *found = NULL;
    char shown[64];

    text_printable(prefix, shown, sizeof shown);
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i].id, prefix, strlen(prefix)) != 0)
            continue;
        if (found != NULL)
            return refuse_several(shown, found->id, list->items[i].id);
        found = &list->items[i];
    }
    for (size_t i = 0; i < list->damaged_count; i++) {
        const char *id = list->damaged[i].id;

        if (strncmp(id, prefix, strlen(prefix)) != 0)
            continue;
        if (found != NULL)
            return refuse_several(shown, found->id, id);
        if (damaged != NULL && strcmp(damaged->id, id) != 0)
            return refuse_several(shown, damaged->id, id);
        damaged = &list->damaged[i];
    }
    if (damaged != NULL)
        return refuse_damaged(damaged);
    if (found == NULL)
        return refuse_unknown(list, shown);
    *out = found;
    return ERR_OK;
}

enum err snapshot_list_find(const struct snapshot_list *list, const char *name,
                            const struct snapshot **out)
{
    if (list->count + list->damaged_count == 0)
        return err_set(ERR_NOT_FOUND, "the repository holds no snapshot yet");
    if (strcmp(name, "latest") == 0) {
        if (list->count == 0)
            return err_set(ERR_CORRUPT, "the repository holds no snapshot that is not damaged");
        *out = &list->items[list->count - 1];
        return ERR_OK;
    }
    if (strlen(name) < PREFIX_LEAST)
        return err_set(
            ERR_USAGE,
            "\"%.24s\" is not a snapshot: give \"latest\", an id, or at least its first %d digits",
            name, PREFIX_LEAST);
    return find_prefix(list, name, out);
}

bool snapshot_list_has_newer_damaged(const struct snapshot_list *list, const struct snapshot *s)
{
    for (size_t i = 0; i < list->damaged_count; i++)
        if (record_compare(list->damaged[i].record, s->record) > 0)
            return true;
    return false;
}

const struct snapshot *snapshot_list_newest_whole(const struct snapshot_list *list)
{
    for (size_t i = list->count; i > 0; i--)
        if (!snapshot_attention_is_torn(&list->items[i - 1].attention))
            return &list->items[i - 1];
    return NULL;
}

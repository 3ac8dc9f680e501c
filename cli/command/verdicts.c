#include "cli/command/verdicts.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include "cli/describe.h"
#include "cli/print.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* The snapshots of one damage that a person is told; the report has all. */
#define TOUCHED_SHOWN 8

/* One damaged object or manifest. */
struct damage {
    char *name; /* owned, as all of it; the tree's order */
    char *reason;
    bool is_unreadable;
    struct jdoc *snapshots; /* ids */
    struct buf shown;       /* the first of them, as text */
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    const struct damage *x = a;
    const struct damage *y = b;

    return strcmp(x->name, y->name);
}

static void damage_free(void *arg)
{
    struct damage *d = arg;

    if (d == NULL)
        return;
    mem_free(d->name);
    mem_free(d->reason);
    jdoc_free(d->snapshots);
    buf_clear(&d->shown);
    mem_free(d);
}

enum err verdicts_init(struct verdicts *v)
{
    *v = (struct verdicts){.text = {.max = MEM_MAX}};
    return jdoc_array(&v->json);
}

void verdicts_clear(struct verdicts *v)
{
    jdoc_free(v->json);
    buf_clear(&v->text);
    tdestroy(v->damage, damage_free);
    v->damage = NULL;
}

/* ---- damage ---- */

static enum err damage_new(const struct verify_damage *from, struct damage **out)
{
    struct damage *d = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *d, &d));
    d->shown.max = MEM_MAX;
    d->is_unreadable = from->is_unreadable;
    TRY(mem_text(from->name, &d->name));
    TRY(mem_text(from->reason, &d->reason));
    TRY(jdoc_array(&d->snapshots));
    *out = d;
    d = NULL; /* the caller's now */
out:
    damage_free(d);
    return rc;
}

/* The damage of that name in the tree, put there when it is the first time. */
static enum err find_damage(struct verdicts *v, const struct verify_damage *from,
                            struct damage **out)
{
    struct damage *fresh = NULL;
    struct damage **place;
    enum err rc;

    TRY(damage_new(from, &fresh));
    place = tsearch(fresh, &v->damage, by_name);
    if (place == NULL)
        FAIL(ERR_FAILED, "out of memory");
    *out = *place;
    if (*place == fresh)
        fresh = NULL; /* the tree's now */
out:
    damage_free(fresh);
    return rc;
}

enum err verdicts_touch(void *arg, const struct verify_damage *damage)
{
    struct damage *d = NULL;
    enum err rc;

    TRY(find_damage(arg, damage, &d));
    TRY(jdoc_push_text(d->snapshots, damage->snapshot->id));
    if (++d->count <= TOUCHED_SHOWN)
        TRY(buf_add_format(&d->shown, "%s%s", d->count > 1 ? ", " : "", damage->snapshot->id));
out:
    return rc;
}

static enum err add_damage(struct jdoc *list, struct damage *d)
{
    struct jdoc *item = NULL;
    enum err rc;

    TRY(jdoc_object(&item));
    TRY(jdoc_set_text(item, "name", d->name));
    TRY(jdoc_set_text(item, "verdict", d->is_unreadable ? "unreadable" : "damaged"));
    TRY(describe_text(item, "reason", d->reason));
    TRY(jdoc_set(item, "snapshots", &d->snapshots));
    TRY(jdoc_push(list, &item));
out:
    jdoc_free(item);
    return rc;
}

/* A walk through the tree can hand back no error. */
struct damage_walk {
    struct jdoc *list;
    enum err rc;
};

static void write_damage(const void *node, VISIT which, void *arg)
{
    struct damage_walk *w = arg;

    if (w->rc == ERR_OK && (which == postorder || which == leaf))
        w->rc = add_damage(w->list, *(struct damage *const *)node);
}

static void print_damage(const void *node, VISIT which, void *arg)
{
    const struct damage *d = *(struct damage *const *)node;

    (void)arg;
    if (which != postorder && which != leaf)
        return;
    print_out("%s: %s, of ", d->is_unreadable ? "unreadable" : "damaged", d->name);
    print_bytes(buf_bytes(&d->shown));
    if (d->count > TOUCHED_SHOWN)
        print_out(" and %zu more", d->count - TOUCHED_SHOWN);
    print_out("\n");
}

enum err verdicts_write(struct verdicts *v, struct jdoc *to)
{
    struct damage_walk w = {.list = NULL, .rc = ERR_OK};
    enum err rc;

    TRY(jdoc_array(&w.list));
    twalk_r(v->damage, write_damage, &w);
    TRY(w.rc);
    TRY(jdoc_set(to, "snapshots", &v->json));
    TRY(jdoc_set(to, "damage", &w.list));
out:
    jdoc_free(w.list);
    return rc;
}

/* ---- snapshots ---- */

static const char *verdict_word(const struct verify_verdict *v)
{
    if (v->is_sound)
        return v->is_locked ? "notDecrypted" : "sound";
    if (v->is_unreadable)
        return "unreadable";
    return v->is_lost ? "lost" : "damaged";
}

static enum err push_path(struct jdoc *paths, const char *path)
{
    struct jdoc *item = NULL;
    enum err rc;

    TRY(jdoc_object(&item));
    TRY(describe_name(item, "path", "pathBase64", path));
    TRY(jdoc_push(paths, &item));
out:
    jdoc_free(item);
    return rc;
}

static enum err add_printable(struct buf *to, const char *text)
{
    size_t cap = 4 * strlen(text) + 1;
    enum err rc;

    TRY(buf_reserve(to, cap));
    text_printable(text, (char *)to->data + to->len, cap);
    to->len += strlen((char *)to->data + to->len);
out:
    return rc;
}

static enum err write_files(struct jdoc *item, const struct verify_verdict *v)
{
    struct jdoc *paths = NULL;
    enum err rc;

    TRY(jdoc_set_number(item, "files", v->files));
    TRY(jdoc_set_number(item, "damagedFiles", v->bad_files));
    TRY(jdoc_array(&paths));
    for (const char *const *path = v->paths; *path != NULL; path++)
        TRY(push_path(paths, *path));
    TRY(jdoc_set(item, "paths", &paths));
out:
    jdoc_free(paths);
    return rc;
}

static enum err add_verdict_json(struct verdicts *to, const struct verify_verdict *v)
{
    const struct record *record = v->snapshot->record;
    struct jdoc *item = NULL;
    enum err rc;

    TRY(jdoc_object(&item));
    TRY(jdoc_set_text(item, "id", v->snapshot->id));
    TRY(jdoc_set_hex(item, "recordId", bytes_of(record->id, RECORD_ID_LEN)));
    TRY(jdoc_set_time(item, "createdAt", v->snapshot->created_ms));
    TRY(jdoc_set_text(item, "verdict", verdict_word(v)));
    if (!v->is_sound && !v->is_lost) {
        TRY(jdoc_set_number(item, "objects", v->objects));
        TRY(jdoc_set_number(item, "damagedObjects", v->bad_objects));
    }
    if (v->has_files)
        TRY(write_files(item, v));
    TRY(jdoc_push(to->json, &item));
out:
    jdoc_free(item);
    return rc;
}

static enum err add_verdict_text(struct verdicts *to, const struct verify_verdict *v)
{
    char when[CLOCK_TEXT_LEN + 1];
    enum err rc;

    clock_text(v->snapshot->created_ms, when);
    TRY(buf_add_format(&to->text, "  %s of %s: ", v->snapshot->id, when));
    if (v->is_lost)
        TRY(buf_add_text(&to->text, "nothing of it can be restored\n"));
    else if (!v->has_files)
        TRY(buf_add_format(&to->text,
                           "%" PRIu64 " of %" PRIu64 " objects; `sealpoint verify "
                           "--decrypt %.8s` says which files\n",
                           v->bad_objects, v->objects, v->snapshot->id));
    else
        TRY(buf_add_format(&to->text, "%" PRIu64 " of %" PRIu64 " files%s\n", v->bad_files,
                           v->files, v->bad_files > 0 ? ":" : ""));
    for (const char *const *path = v->paths; *path != NULL; path++) {
        TRY(buf_add_text(&to->text, "    "));
        TRY(add_printable(&to->text, *path));
        TRY(buf_add_text(&to->text, "\n"));
    }
    if (v->bad_files > VERIFY_PATHS_MAX)
        TRY(buf_add_format(&to->text, "    and %" PRIu64 " more\n",
                           v->bad_files - VERIFY_PATHS_MAX));
out:
    return rc;
}

enum err verdicts_keep(void *arg, const struct verify_verdict *verdict)
{
    struct verdicts *to = arg;
    enum err rc;

    TRY(add_verdict_json(to, verdict));
    if (verdict->is_locked && to->locked == NULL)
        to->locked = verdict->snapshot;
    if (verdict->is_sound) { /* oldest first: the last one stays */
        snprintf(to->newest, sizeof to->newest, "%s", verdict->snapshot->id);
        to->newest_ms = verdict->snapshot->created_ms;
        goto out;
    }
    to->damaged++;
    TRY(add_verdict_text(to, verdict));
out:
    return rc;
}

enum err verdicts_keep_damaged(struct verdicts *v, const struct snapshot_list *list)
{
    struct jdoc *item = NULL;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < list->damaged_count; i++) {
        const struct damaged_snapshot *of = &list->damaged[i];

        TRY(jdoc_object(&item));
        TRY(jdoc_set_text(item, "id", of->id[0] != '\0' ? of->id : NULL));
        TRY(jdoc_set_hex(item, "recordId", bytes_of(of->record->id, RECORD_ID_LEN)));
        TRY(jdoc_set_time(item, "createdAt", of->record->created_ms));
        TRY(jdoc_set_text(item, "verdict", "lost"));
        TRY(describe_text(item, "reason", of->reason));
        TRY(jdoc_push(v->json, &item));
    }
out:
    jdoc_free(item);
    return rc;
}

void verdicts_print(const struct verdicts *v, uint64_t sound, bool all_read)
{
    char when[CLOCK_TEXT_LEN + 1];

    if (v->damaged == 0)
        return;
    print_out(all_read ? "sound: " : "no damage found: ");
    print_count(sound, "snapshot");
    if (v->newest[0] != '\0') {
        clock_text(v->newest_ms, when);
        print_out(", the newest %s of %s", v->newest, when);
    }
    print_out("\n");
    twalk_r(v->damage, print_damage, NULL);
    print_out("damaged: ");
    print_count(v->damaged, "snapshot");
    print_out("\n");
    print_bytes(buf_bytes(&v->text));
}

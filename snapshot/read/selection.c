#include "snapshot/read/selection.h"

#include <unistd.h>

#include "snapshot/format/index.h"

static enum selection_choice choose_asked(const struct selection *s, const struct entry *e)
{
    struct bytes path = buf_bytes(&e->path);

    if (s->only == NULL)
        return SELECTION_WHOLE;
    if (entry_is_root(e))
        return SELECTION_DIRECTORY;
    if (path_list_covers(s->only, path))
        return SELECTION_WHOLE;
    if (e->type == ENTRY_DIR && path_list_reaches(s->only, path))
        return SELECTION_DIRECTORY;
    return SELECTION_SKIP;
}

enum selection_choice selection_choose(const struct selection *s, const struct entry *e)
{
    if (s->without != NULL && path_list_has(s->without, buf_bytes(&e->path)))
        return SELECTION_SKIP;
    return choose_asked(s, e);
}

/* ---- going through them ---- */

static bool is_hard_link(const struct entry *e)
{
    return (e->flags & ENTRY_HARD_LINK) != 0;
}

enum err selection_walk(const struct selection *s, selection_each *each, void *arg)
{
    const struct index *index = s->from->index;
    struct entry e;
    enum err rc = ERR_OK;

    entry_init(&e);
    for (uint64_t i = 0; i < index_header(index)->file_count; i++) {
        TRY(index_entry(index, i, &e));
        if (selection_choose(s, &e) != SELECTION_SKIP)
            TRY(each(arg, &e));
    }
out:
    entry_clear(&e);
    return rc;
}

/* One of the two passes. */
struct pass {
    selection_each *each;
    void *arg;
};

static enum err pass_first_name(void *arg, const struct entry *e)
{
    const struct pass *pass = arg;

    return is_hard_link(e) ? ERR_OK : pass->each(pass->arg, e);
}

static enum err pass_hard_link(void *arg, const struct entry *e)
{
    const struct pass *pass = arg;

    return is_hard_link(e) ? pass->each(pass->arg, e) : ERR_OK;
}

enum err selection_walk_links_last(const struct selection *s, selection_each *each, void *arg)
{
    struct pass pass = {each, arg};
    enum err rc;

    TRY(selection_walk(s, pass_first_name, &pass));
    TRY(selection_walk(s, pass_hard_link, &pass));
out:
    return rc;
}

/* ---- where the content is ---- */

enum err selection_first_name(const struct selection *s, const struct entry *e, struct entry *first,
                              bool *is_chosen)
{
    uint64_t i = 0;
    enum err rc;

    TRY(index_find(s->from->index, buf_bytes(&e->link), &i));
    TRY(index_entry(s->from->index, i, first));
    if (first->type != ENTRY_FILE || is_hard_link(first))
        FAIL(ERR_CORRUPT, "%s is a hard link to something that is not a regular file",
             entry_path(e));
    *is_chosen = selection_choose(s, first) == SELECTION_WHOLE;
out:
    if (rc == ERR_NOT_FOUND)
        rc = err_set(ERR_CORRUPT, "%s is a hard link to nothing", entry_path(e));
    return rc;
}

enum err selection_content(const struct selection *s, const struct entry *e, struct entry *scratch,
                           const struct entry **content)
{
    bool is_chosen = false;
    enum err rc = ERR_OK;

    *content = NULL;
    if (e->type != ENTRY_FILE)
        goto out;
    if (!is_hard_link(e)) {
        *content = e;
        goto out;
    }
    TRY(selection_first_name(s, e, scratch, &is_chosen));
    if (!is_chosen)
        *content = scratch;
out:
    return rc;
}

/* ---- counting ---- */

struct measuring {
    const struct selection *selection;
    struct selection_totals totals;
    struct entry scratch; /* owned */
};

static enum err measure_entry(void *arg, const struct entry *e)
{
    struct measuring *m = arg;
    struct selection_totals *totals = &m->totals;
    const struct entry *content = NULL;
    enum err rc;

    TRY(selection_content(m->selection, e, &m->scratch, &content));
    totals->files += e->type == ENTRY_FILE;
    totals->bytes += content != NULL ? content->size : 0;
    totals->needed += content != NULL ? entry_data_len(content) : 0;
    if ((e->flags & ENTRY_CHANGED) != 0)
        totals->changed++;
    if (geteuid() != 0 && (e->uid != geteuid() || e->gid != getegid()))
        totals->foreign++;
out:
    return rc;
}

enum err selection_measure(const struct selection *s, struct selection_totals *out)
{
    struct measuring m = {.selection = s};
    enum err rc;

    entry_init(&m.scratch);
    TRY(selection_walk(s, measure_entry, &m));
    *out = m.totals;
out:
    entry_clear(&m.scratch);
    return rc;
}

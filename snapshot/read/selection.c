#include "snapshot/read/selection.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs/path.h"
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

/* After so many entries in a row that nobody asked for, the next that is asked for is looked up: a
 * search reads some twenty. */
#define SKIPPED_MAX 16

/* The first (`behind`) or last directory above `path`, or `path` itself, that comes behind or
 * before `at`; empty when none does. */
static struct bytes find_above(struct bytes path, struct bytes at, bool behind)
{
    struct bytes found = {NULL, 0};

    for (size_t len = 1; len <= path.len; len++) {
        struct bytes above = bytes_of(path.data, len);

        if (len < path.len && path.data[len] != '/')
            continue;
        if (behind ? path_compare(above, at) > 0 : path_compare(above, at) < 0)
            found = above;
        if (behind && found.len > 0)
            break;
    }
    return found;
}

/* Behind entry *i, which nobody asked for: where the next one is that somebody did. */
static enum err leap(const struct selection *s, const struct entry *e, uint64_t *i)
{
    const struct index *x = s->from->index;
    struct bytes at = buf_bytes(&e->path);
    size_t n = path_list_before(s->only, at);
    uint64_t to = index_header(x)->file_count;
    enum err rc = ERR_OK;

    if (n < s->only->count)
        TRY(index_seek(x, find_above(bytes_of_text(path_list_at(s->only, n)), at, true), &to));
    if (to <= *i)
        FAIL(ERR_CORRUPT, "the files of the index are not in order");
    *i = to;
out:
    return rc;
}

enum err selection_next(const struct selection *s, uint64_t *i, struct entry *e, bool *more)
{
    uint64_t count = index_header(s->from->index)->file_count;
    unsigned skipped = 0;
    enum err rc = ERR_OK;

    *more = false;
    while (*i < count) {
        TRY(index_entry(s->from->index, *i, e));
        if (selection_choose(s, e) != SELECTION_SKIP) {
            *more = true;
            break;
        }
        if (choose_asked(s, e) == SELECTION_SKIP && ++skipped > SKIPPED_MAX)
            TRY(leap(s, e, i));
        else
            ++*i;
    }
out:
    return rc;
}

/* In front of entry *i, which nobody asked for, *i becomes the place behind the last one that
 * somebody did: the last below the path before it, or a directory above the one behind it. */
static enum err leap_back(const struct selection *s, const struct entry *e, uint64_t *i)
{
    const struct index *x = s->from->index;
    struct buf behind = {.max = PATH_LEN_MAX + 1};
    struct bytes at = buf_bytes(&e->path);
    size_t n = path_list_before(s->only, at);
    struct bytes above = {NULL, 0};
    uint64_t below_end = 0;
    uint64_t to = 1; /* the root */
    enum err rc = ERR_OK;

    if (n < s->only->count)
        above = find_above(bytes_of_text(path_list_at(s->only, n)), at, false);
    if (above.len > 0) {
        TRY(index_seek(x, above, &to));
        to++;
    }
    if (n > 0) { /* what lies below a path is in front of the path and a byte of 1 */
        TRY(buf_add_text(&behind, path_list_at(s->only, n - 1)));
        TRY(buf_add_text(&behind, "\x01"));
        TRY(index_seek(x, buf_bytes(&behind), &below_end));
    }
    if (below_end > to)
        to = below_end;
    if (to > *i)
        FAIL(ERR_CORRUPT, "the files of the index are not in order");
    *i = to;
out:
    buf_clear(&behind);
    return rc;
}

enum err selection_previous(const struct selection *s, uint64_t *i, struct entry *e, bool *more)
{
    unsigned skipped = 0;
    enum err rc = ERR_OK;

    *more = false;
    while (*i > 0) {
        --*i;
        TRY(index_entry(s->from->index, *i, e));
        if (selection_choose(s, e) != SELECTION_SKIP) {
            *more = true;
            break;
        }
        if (choose_asked(s, e) == SELECTION_SKIP && ++skipped > SKIPPED_MAX)
            TRY(leap_back(s, e, i));
    }
out:
    return rc;
}

enum err selection_walk(const struct selection *s, selection_each *each, void *arg)
{
    struct buf before = {.max = PATH_LEN_MAX};
    struct buf last_dir = {.max = PATH_LEN_MAX};
    struct entry e;
    bool more = true;
    enum err rc = ERR_OK;

    entry_init(&e);
    for (uint64_t i = 0;; i++) {
        TRY(selection_next(s, &i, &e, &more));
        if (!more)
            break;
        TRY(index_check_place(buf_bytes(&before), buf_bytes(&last_dir), &e));
        before.len = 0;
        TRY(buf_add(&before, buf_bytes(&e.path)));
        if (e.type == ENTRY_DIR && !entry_is_root(&e)) {
            last_dir.len = 0;
            TRY(buf_add(&last_dir, buf_bytes(&e.path)));
        }
        TRY(each(arg, &e));
    }
out:
    entry_clear(&e);
    buf_clear(&before);
    buf_clear(&last_dir);
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

static enum err gives_rights(const struct entry *e, bool *gives)
{
    static const char capability[] = "security.capability";
    struct cursor rows = cursor_of(buf_bytes(&e->xattrs));
    struct bytes name = {NULL, 0};
    struct bytes value = {NULL, 0};
    enum err rc = ERR_OK;

    *gives = e->type == ENTRY_FILE && (e->mode & (S_ISUID | S_ISGID)) != 0;
    for (uint32_t i = 0; i < e->xattr_count && !*gives; i++) {
        TRY(entry_take_xattr(&rows, &name, &value));
        *gives = name.len == strlen(capability) && memcmp(name.data, capability, name.len) == 0;
    }
out:
    return rc;
}

static enum err measure_entry(void *arg, const struct entry *e)
{
    struct measuring *m = arg;
    struct selection_totals *totals = &m->totals;
    const struct entry *content = NULL;
    bool rights = false;
    enum err rc;

    TRY(selection_content(m->selection, e, &m->scratch, &content));
    TRY(gives_rights(e, &rights));
    totals->rights += rights;
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

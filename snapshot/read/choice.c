#include "snapshot/read/choice.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/fs/path.h"

#define NEAR_MAX 3
/* What a path may have that stands in a hint: it was chosen by whoever makes files there, and must
 * not say anything of its own. */
#define PLAIN_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/"
#define PLAIN_LEN_MAX 100

/*
 * Each typed text becomes a wish: a path if the index has it, else a pattern if it looks like one.
 * Paths are looked up, and taken in the index's order; the rest of it is not read. Where one looks
 * like a pattern, one walk of the index takes what any wish means. Either way the result is sorted,
 * and a path below the last one taken is passed over.
 */
struct wish {
    const char *typed;   /* borrowed */
    struct buf path;     /* owned; with a NUL */
    bool looks_like_one; /* like a pattern */
    bool is_pattern;     /* and is one, for no file is called so */
    bool is_anchored;    /* a pattern with a slash */
    bool is_met;
    bool is_there;    /* as a path: */
    uint64_t place;   /* its number in the index */
    bool would_match; /* no pattern, but as one it would mean other files too */
};

static void wishes_free(struct wish *wishes, size_t count)
{
    if (wishes != NULL)
        for (size_t i = 0; i < count; i++)
            buf_clear(&wishes[i].path);
    mem_free(wishes);
}

/* Parts that are empty or "." say nothing. */
enum err choice_path(const char *typed, struct buf *out)
{
    enum err rc = ERR_OK;

    while (*typed != '\0') {
        size_t len = strcspn(typed, "/");

        if (len > 0 && !(len == 1 && typed[0] == '.')) {
            if (out->len > 0)
                TRY(buf_add_text(out, "/"));
            TRY(buf_add(out, bytes_of(typed, len)));
        }
        typed += len + (typed[len] == '/');
    }
    if (out->len == 0)
        TRY(buf_add_text(out, "."));
    TRY(buf_reserve(out, 1));
    out->data[out->len] = '\0';
out:
    return rc;
}

static const char *wish_text(const struct wish *w)
{
    return (const char *)w->path.data;
}

static enum err make_wish(const struct index *x, const char *typed, struct wish *out)
{
    enum err rc;

    assert(typed != NULL);
    out->typed = typed;
    out->path.max = MEM_MAX;
    TRY(choice_path(typed, &out->path));
    out->looks_like_one = strpbrk(typed, "*?[\\") != NULL;
    /* "name/" is a name, typed by somebody whose shell completes directories. */
    out->is_anchored = typed[0] == '/' || strchr(wish_text(out), '/') != NULL;
    rc = index_find(x, buf_bytes(&out->path), &out->place);
    out->is_there = rc == ERR_OK;
    if (rc != ERR_NOT_FOUND)
        goto out;
    rc = ERR_OK;
    err_clear();
    out->is_pattern = out->looks_like_one;
out:
    return rc;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static bool matches(const struct wish *w, const struct entry *e)
{
    const char *path = entry_path(e);

    if (!w->looks_like_one || entry_is_root(e))
        return false;
    return fnmatch(wish_text(w), w->is_anchored ? path : base_name(path), FNM_PATHNAME) == 0;
}

static bool is_meant(struct wish *w, const struct entry *e)
{
    if (w->is_pattern)
        return matches(w, e);
    if (strcmp(wish_text(w), entry_path(e)) == 0)
        return true;
    w->would_match = w->would_match || matches(w, e);
    return false;
}

struct resolving {
    const struct index *x;
    struct wish *wishes; /* owned */
    size_t count;
    struct path_list *out;
};

/* Every wish is asked: each must be met, also by what another one has taken already. */
static enum err take_entry(struct resolving *r, const struct entry *e)
{
    bool meant = false;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < r->count; i++)
        if (is_meant(&r->wishes[i], e)) {
            r->wishes[i].is_met = true;
            meant = true;
        }
    if (!meant)
        goto out;
    if (r->out->count > 0 &&
        path_is_within(buf_bytes(&e->path), bytes_of_text(path_list_at(r->out, r->out->count - 1))))
        goto out;
    TRY(path_list_add(r->out, buf_bytes(&e->path)));
out:
    return rc;
}

typedef enum err each_entry(void *arg, const struct entry *e);

static enum err walk_index(const struct index *x, each_entry *each, void *arg)
{
    struct entry e;
    enum err rc = ERR_OK;

    entry_init(&e);
    for (uint64_t i = 0; i < index_header(x)->file_count; i++) {
        TRY(stop_check());
        TRY(index_entry(x, i, &e));
        TRY(each(arg, &e));
    }
out:
    entry_clear(&e);
    return rc;
}

static enum err take_each(void *arg, const struct entry *e)
{
    return take_entry(arg, e);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* No wish looks like a pattern: what each means was found already. */
static enum err take_paths(struct resolving *r)
{
    uint64_t *places = NULL;
    size_t count = 0;
    struct entry e;
    enum err rc;

    entry_init(&e);
    TRY(mem_new(r->count, sizeof *places, &places));
    for (size_t i = 0; i < r->count; i++)
        if (r->wishes[i].is_there)
            places[count++] = r->wishes[i].place;
    if (count > 1)
        qsort(places, count, sizeof *places, by_number);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && places[i] == places[i - 1])
            continue;
        TRY(index_entry(r->x, places[i], &e));
        TRY(take_entry(r, &e));
    }
out:
    entry_clear(&e);
    mem_free(places);
    return rc;
}

static enum err take_wishes(struct resolving *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->wishes[i].looks_like_one)
            return walk_index(r->x, take_each, r);
    return take_paths(r);
}

/* ---- what is not there ---- */

struct nearing {
    const char *base;
    struct path_list near;
};

static enum err take_near(void *arg, const struct entry *e)
{
    struct nearing *n = arg;
    const char *base = base_name(entry_path(e));

    if (n->near.count == NEAR_MAX || strncasecmp(base, n->base, strlen(n->base)) != 0 ||
        e->path.len > PLAIN_LEN_MAX || strspn(entry_path(e), PLAIN_CHARACTERS) != e->path.len)
        return ERR_OK;
    return path_list_add(&n->near, buf_bytes(&e->path));
}

/* Names that begin like the last part of what was typed, in any directory. */
static enum err refuse_wish(const struct index *x, const struct wish *w)
{
    struct nearing n = {.base = base_name(wish_text(w))};
    enum err rc = ERR_OK;

    if (!w->is_pattern)
        rc = walk_index(x, take_near, &n);
    if (rc != ERR_OK)
        goto out;
    if (w->is_pattern)
        rc = err_set(ERR_NOT_FOUND, "no file in the snapshot matches %s", w->typed);
    else
        rc = err_set(ERR_NOT_FOUND, "no such file in the snapshot: %s", w->typed);
    for (size_t i = 0; i < n.near.count; i++)
        err_hint("did you mean %s?", path_list_at(&n.near, i));
out:
    path_list_clear(&n.near);
    return rc;
}

/* Whoever makes a file called "*.wt" must not narrow down what a pattern means without a word. */
static void warn_of_names(const struct resolving *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->wishes[i].would_match)
            log_say(LOG_WARN,
                    "%.1000s is a file of this name and nothing else: as a pattern it would match "
                    "others too",
                    r->wishes[i].typed);
}

enum err choice_resolve(const struct index *x, const char *const *typed, struct path_list *out,
                        bool *all)
{
    struct resolving r = {.x = x, .out = out};
    enum err rc;

    *all = false;
    while (typed[r.count] != NULL)
        r.count++;
    TRY(mem_new(r.count, sizeof *r.wishes, &r.wishes));
    for (size_t i = 0; i < r.count; i++) {
        TRY(make_wish(x, typed[i], &r.wishes[i]));
        /* A stream's snapshot has no root, and means all the same by it. */
        r.wishes[i].is_met = entry_path_is_root(buf_bytes(&r.wishes[i].path));
        *all = *all || r.wishes[i].is_met;
    }
    TRY(take_wishes(&r));
    for (size_t i = 0; i < r.count; i++)
        if (!r.wishes[i].is_met)
            TRY(refuse_wish(x, &r.wishes[i]));
    warn_of_names(&r);
    if (*all)
        path_list_clear(out);
out:
    wishes_free(r.wishes, r.count);
    return rc;
}

#include "snapshot/browse/browse.h"

#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/fs/file.h"
#include "snapshot/browse/tar_export.h"
#include "snapshot/read/choice.h"
#include "snapshot/read/content_check.h"
#include "snapshot/read/file_reader.h"
#include "snapshot/read/snapshot_reader.h"

#define MS_PER_S 1000
#define NS_PER_MS 1000000
#define YEAR_0_S INT64_C(-62167219200)        /* 0000-01-01 */
#define YEAR_9999_END_S INT64_C(253402300799) /* 9999-12-31, its last second */

static char type_letter(enum entry_type type)
{
    static const char letters[] = {
        [ENTRY_FILE] = '-', [ENTRY_DIR] = 'd', [ENTRY_SYMLINK] = 'l', [ENTRY_FIFO] = 'p'};

    return letters[type];
}

static const char *text_or_none(const struct buf *b)
{
    return b->len > 0 ? (const char *)b->data : "";
}

/* File systems keep years that no text form has. */
static int64_t mtime_ms(const struct entry *e)
{
    if (e->mtime_s > YEAR_9999_END_S)
        return YEAR_9999_END_S * MS_PER_S + MS_PER_S - 1;
    if (e->mtime_s < YEAR_0_S)
        return YEAR_0_S * MS_PER_S;
    return e->mtime_s * MS_PER_S + e->mtime_ns / NS_PER_MS;
}

static struct browse_file describe_entry(const struct entry *e)
{
    return (struct browse_file){
        .path = entry_path(e),
        .type = type_letter(e->type),
        .mode = e->mode,
        .uid = e->uid,
        .gid = e->gid,
        .user = text_or_none(&e->user),
        .group = text_or_none(&e->group),
        .size = e->size,
        .mtime_ms = mtime_ms(e),
        .link = text_or_none(&e->link),
        .changed = (e->flags & ENTRY_CHANGED) != 0,
    };
}

/* Of the index only what is asked for, so far. */
static enum err open_it(const struct browse_options *o, struct snapshot_reader *out)
{
    enum err rc =
        snapshot_reader_open_part(o->repository, o->keyring, o->snapshot, o->envelope, out);

    if (rc != ERR_OK)
        err_note("reading snapshot %s", o->snapshot->id);
    return rc;
}

/* A snapshot, and what of it was asked for. */
struct browsing {
    struct snapshot_reader reader;
    struct path_list only;
    struct selection selection;
};

static enum err browsing_begin(struct browsing *b, const struct browse_options *options,
                               const char *const *only)
{
    bool all = true;
    enum err rc;

    *b = (struct browsing){.selection = {.from = &b->reader}};
    TRY(open_it(options, &b->reader));
    if (only != NULL)
        TRY(choice_resolve(b->reader.index, only, &b->only, &all));
    if (!all)
        b->selection.only = &b->only;
    else
        TRY(index_check(b->reader.index));
out:
    return rc;
}

static void browsing_clear(struct browsing *b)
{
    path_list_clear(&b->only);
    snapshot_reader_clear(&b->reader);
}

struct listing {
    const struct selection *selection;
    browse_each *each; /* NULL: only counted */
    void *arg;
    uint64_t count;
};

static enum err list_entry(void *arg, const struct entry *e)
{
    struct listing *l = arg;
    struct browse_file file;
    enum err rc;

    TRY(stop_check());
    if (selection_choose(l->selection, e) != SELECTION_WHOLE)
        goto out;
    l->count++;
    if (l->each == NULL)
        goto out;
    file = describe_entry(e);
    TRY(l->each(l->arg, &file));
out:
    return rc;
}

enum err browse_list(const struct browse_options *options, const char *const *only,
                     browse_begin *begin, browse_each *each, void *arg)
{
    struct browsing b;
    struct listing counted = {.selection = &b.selection};
    struct listing l = {.selection = &b.selection, .each = each, .arg = arg};
    enum err rc;

    TRY(browsing_begin(&b, options, only));
    if (begin != NULL) {
        TRY(selection_walk(&b.selection, list_entry, &counted));
        begin(arg, counted.count);
    }
    TRY(selection_walk(&b.selection, list_entry, &l));
out:
    browsing_clear(&b);
    return rc;
}

static enum err write_piece(void *arg, struct bytes piece)
{
    return file_write(*(int *)arg, piece);
}

enum err browse_cat(const struct browse_options *options, const char *path, int fd)
{
    struct snapshot_reader reader = {0};
    struct file_reader *content = NULL;
    struct buf name = {.max = MEM_MAX};
    struct entry e;
    enum err rc;

    entry_init(&e);
    TRY(choice_path(path, &name));
    TRY(open_it(options, &reader));
    TRY(file_reader_new(&reader, &content));
    TRY(file_reader_find(content, buf_bytes(&name), &e));
    if (e.type != ENTRY_FILE)
        FAIL(ERR_USAGE, "%s is not a regular file", path);
    TRY(content_check_file(&reader, &e));
    TRY(file_reader_read(content, &e, write_piece, &fd));
out:
    buf_clear(&name);
    entry_clear(&e);
    file_reader_free(content);
    snapshot_reader_clear(&reader);
    return rc;
}

/* Everything that can refuse does so here, and no byte has been written. */
static enum err check_content(struct selection *selection, bool keep_going,
                              struct path_list *left_out)
{
    struct content_check check = {.selection = selection,
                                  .depth = keep_going ? CONTENT_BLOCKS : CONTENT_PRESENCE};

    if (keep_going)
        return content_check_leave_out(&check, selection, left_out);
    return content_check_run(&check);
}

enum err browse_export(const struct browse_options *options, const char *const *only,
                       bool keep_going, int fd)
{
    struct browsing b;
    struct path_list left_out = {.count = 0};
    enum err rc;

    TRY(browsing_begin(&b, options, only));
    rc = check_content(&b.selection, keep_going, &left_out);
    if (rc == ERR_CORRUPT)
        err_hint("`sealpoint export --keep-going` writes the files that are sound");
    TRY(rc);
    TRY(tar_export(&b.selection, fd));
    if (left_out.count > 0)
        FAIL(ERR_ATTENTION, "the tar is whole, but %zu file%s left out: see the warnings above",
             left_out.count, left_out.count == 1 ? " is" : "s are");
out:
    path_list_clear(&left_out);
    browsing_clear(&b);
    return rc;
}

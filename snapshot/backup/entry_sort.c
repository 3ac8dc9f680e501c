#include "snapshot/backup/entry_sort.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/fs/path.h"

#define DIRECTORY_MODE 0755

/* One spooled entry: its path (into the text) and where it lies in the spool. */
struct item {
    struct bytes path;
    uint64_t offset;
    uint32_t len;
    bool is_dir;
    bool is_link;
    bool has_content; /* a regular file by its first name */
};

struct entry_sort {
    struct spool *spool;
    struct buf text; /* all paths */
    struct item *items;
    size_t count;
    struct entry entry;    /* scratch */
    struct buf raw;        /* scratch: one encoded entry */
    entry_sort_sink *sink; /* NULL: only count */
    void *arg;
    uint64_t out_count;
    uint64_t out_len;
};

static void entry_sort_clear(struct entry_sort *o)
{
    buf_clear(&o->text);
    buf_clear(&o->raw);
    mem_free(o->items);
    entry_clear(&o->entry);
}

static enum err load_entry(struct entry_sort *o, uint64_t offset, uint32_t len)
{
    enum err rc;

    o->raw.len = 0;
    TRY(buf_reserve(&o->raw, len));
    TRY(spool_read(o->spool, offset, o->raw.data, len));
    o->raw.len = len;
out:
    return rc;
}

static enum err load_all(struct entry_sort *o)
{
    uint64_t end = spool_entries_len(o->spool);
    uint8_t head[ENTRY_HEAD_LEN];
    size_t text_at = 0;
    enum err rc;

    TRY(mem_new((size_t)spool_entry_count(o->spool), sizeof *o->items, &o->items));
    for (uint64_t offset = 0; offset < end; o->count++) {
        struct item *i = &o->items[o->count];

        TRY(spool_read(o->spool, offset, head, sizeof head));
        *i = (struct item){.offset = offset, .len = entry_head_len(head)};
        TRY(load_entry(o, offset, i->len));
        TRY(entry_decode(buf_bytes(&o->raw), &o->entry));
        i->path.len = o->entry.path.len;
        i->is_dir = o->entry.type == ENTRY_DIR;
        i->is_link = (o->entry.flags & ENTRY_HARD_LINK) != 0;
        i->has_content = o->entry.type == ENTRY_FILE && !i->is_link;
        TRY(buf_add(&o->text, buf_bytes(&o->entry.path)));
        offset += i->len;
    }
    for (size_t i = 0; i < o->count; i++) { /* the text does not move any more */
        o->items[i].path.data = o->text.data + text_at;
        text_at += o->items[i].path.len;
    }
out:
    return rc;
}

static int by_path(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    int order;

    if (entry_path_is_root(x->path) || entry_path_is_root(y->path))
        order = (int)entry_path_is_root(y->path) - (int)entry_path_is_root(x->path);
    else
        order = path_compare(x->path, y->path);
    if (order != 0)
        return order;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static enum err put_entry(struct entry_sort *o, struct bytes raw)
{
    o->out_count++;
    o->out_len += raw.len;
    return o->sink != NULL ? o->sink(o->arg, raw) : ERR_OK;
}

static enum err put_directory(struct entry_sort *o, struct bytes path)
{
    enum err rc;

    entry_reset(&o->entry);
    o->entry.type = ENTRY_DIR;
    o->entry.mode = DIRECTORY_MODE;
    TRY(buf_add(&o->entry.path, path));
    o->raw.len = 0;
    TRY(entry_encode(&o->entry, &o->raw));
    TRY(put_entry(o, buf_bytes(&o->raw)));
out:
    return rc;
}

/* The directories above `path` that are not above the directory we are in. */
static enum err put_missing_directories(struct entry_sort *o, struct bytes path, struct bytes *dir)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < path.len; i++) {
        struct bytes above = bytes_of(path.data, i);

        if (path.data[i] != '/' || path_is_within(*dir, above))
            continue;
        TRY(put_directory(o, above));
        *dir = above;
    }
out:
    return rc;
}

/* The last item of that name, which is the one that counts; NULL when there is none. */
static const struct item *find_item(const struct entry_sort *o, struct bytes path)
{
    struct item key = {.path = path, .offset = UINT64_MAX};
    size_t low = 0;
    size_t high = o->count;

    while (low < high) { /* the first item behind all of that name */
        size_t middle = low + (high - low) / 2;

        if (by_path(&o->items[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && bytes_equal(o->items[low - 1].path, path) ? &o->items[low - 1] : NULL;
}

/* A name that comes once more behind the link is another file: the link is to the one before. */
static bool was_replaced(const struct entry_sort *o, const struct item *link,
                         const struct item *first)
{
    return first->offset > link->offset && first > o->items &&
           bytes_equal(first[-1].path, first->path) && first[-1].offset < link->offset;
}

/* A link that leads nowhere would make a snapshot that no restore takes. */
static enum err check_first_name(struct entry_sort *o, const struct item *link)
{
    const struct item *first;
    enum err rc;

    TRY(entry_decode(buf_bytes(&o->raw), &o->entry));
    first = find_item(o, buf_bytes(&o->entry.link));
    if (first == NULL)
        FAIL(ERR_FAILED, "%s is a hard link to %s, which is not in the tar", entry_path(&o->entry),
             (const char *)o->entry.link.data);
    if (!first->has_content)
        FAIL(ERR_FAILED, "%s is a hard link to %s, which is not a regular file of the tar",
             entry_path(&o->entry), (const char *)o->entry.link.data);
    if (was_replaced(o, link, first))
        FAIL(ERR_FAILED, "%s is a hard link to %s, which another file replaces later in the tar",
             entry_path(&o->entry), (const char *)o->entry.link.data);
out:
    return rc;
}

static enum err put_all(struct entry_sort *o)
{
    struct bytes dir = {NULL, 0};
    struct bytes last_file = {NULL, 0};
    enum err rc = ERR_OK;

    for (size_t i = 0; i < o->count; i++) {
        const struct item *item = &o->items[i];

        if (i + 1 < o->count && bytes_equal(item->path, item[1].path))
            continue; /* a later one of the same name counts */
        if (entry_path_is_root(item->path) && !item->is_dir)
            FAIL(ERR_FAILED, "the root of the tar is not a directory");
        if (last_file.data != NULL && path_is_within(item->path, last_file))
            FAIL(ERR_FAILED, "%.*s is both a file and a directory in the tar", (int)last_file.len,
                 (const char *)last_file.data);
        TRY(put_missing_directories(o, item->path, &dir));
        TRY(load_entry(o, item->offset, item->len));
        if (item->is_link)
            TRY(check_first_name(o, item));
        TRY(put_entry(o, buf_bytes(&o->raw)));
        if (item->is_dir && !entry_path_is_root(item->path))
            dir = item->path;
        else if (!item->is_dir)
            last_file = item->path;
    }
out:
    return rc;
}

static enum err sort_entries(struct entry_sort *o)
{
    enum err rc;

    entry_init(&o->entry);
    o->text.max = ENTRY_SORT_LEN_MAX;
    o->raw.max = ENTRY_LEN_MAX;
    TRY(load_all(o));
    if (o->count > 1)
        qsort(o->items, o->count, sizeof *o->items, by_path);
    TRY(put_all(o));
out:
    return rc;
}

enum err entry_sort_measure(struct spool *spool, uint64_t *count, uint64_t *len)
{
    struct entry_sort o = {.spool = spool};
    enum err rc;

    TRY(sort_entries(&o));
    *count = o.out_count;
    *len = o.out_len;
out:
    entry_sort_clear(&o);
    return rc;
}

enum err entry_sort_write(struct spool *spool, entry_sort_sink *sink, void *arg)
{
    struct entry_sort o = {.spool = spool, .sink = sink, .arg = arg};
    enum err rc = sort_entries(&o);

    entry_sort_clear(&o);
    return rc;
}

#include <string.h>

#include "core/base/mem.h"
#include "core/fs/path.h"
#include "snapshot/format/index.h"

#define SCAN_ROWS 1024

/*
 * index_check(): what only shows when all of an index is read, in three passes.
 *
 * - entries: in order, each in a directory that came before
 * - hard links: each leads to a file with content of its own
 * - block rows: each is possible, also those that are nobody's
 */

/* In a sorted walk, the parent of each path is the last directory seen or above it. */
static bool parent_was_seen(struct bytes path, struct bytes last_dir)
{
    size_t len = path.len;

    while (len > 0 && path.data[len - 1] != '/')
        len--;
    return len == 0 || path_is_within(last_dir, bytes_of(path.data, len - 1));
}

enum err index_check_place(struct bytes before, struct bytes last_dir, const struct entry *e)
{
    struct bytes path = buf_bytes(&e->path);
    enum err rc = ERR_OK;

    if (entry_is_root(e)
            ? before.len > 0 || e->type != ENTRY_DIR
            : before.len > 0 && !entry_path_is_root(before) && path_compare(before, path) >= 0)
        FAIL(ERR_CORRUPT, "the files of the index are not in order");
    if (!entry_is_root(e) && !parent_was_seen(path, last_dir))
        FAIL(ERR_CORRUPT, "a file of the index lies in no directory of it");
out:
    return rc;
}

static enum err check_entries(const struct index *x)
{
    struct buf before = {.max = PATH_LEN_MAX};
    struct buf last_dir = {.max = PATH_LEN_MAX};
    struct entry e;
    enum err rc = ERR_OK;

    entry_init(&e);
    for (uint64_t i = 0; i < index_header(x)->file_count; i++) {
        TRY(index_entry(x, i, &e));
        TRY(index_check_place(buf_bytes(&before), buf_bytes(&last_dir), &e));
        before.len = 0;
        TRY(buf_add(&before, buf_bytes(&e.path)));
        if (e.type != ENTRY_DIR || entry_is_root(&e))
            continue;
        last_dir.len = 0;
        TRY(buf_add(&last_dir, buf_bytes(&e.path)));
    }
out:
    entry_clear(&e);
    buf_clear(&before);
    buf_clear(&last_dir);
    return rc;
}

static enum err check_rows(const struct index *x)
{
    uint64_t total = index_header(x)->block_count;
    uint8_t *rows = NULL;
    struct block b = {0};
    enum err rc;

    TRY(mem_new(SCAN_ROWS, BLOCK_ROW_LEN, &rows));
    for (uint64_t i = 0; i < total; i += SCAN_ROWS) {
        size_t count = total - i < SCAN_ROWS ? (size_t)(total - i) : SCAN_ROWS;

        TRY(index_rows(x, i, count, rows));
        for (size_t k = 0; k < count; k++)
            TRY(block_decode(rows + k * BLOCK_ROW_LEN, &b));
    }
out:
    mem_free(rows);
    return rc;
}

/* A hard link leads to a file of this index that has content of its own. */
static enum err check_links(const struct index *x)
{
    struct entry link;
    struct entry first;
    uint64_t offset = 0;
    enum err rc = ERR_OK;

    entry_init(&link);
    entry_init(&first);
    for (uint64_t i = 0; i < index_header(x)->file_count; i++) {
        TRY(index_entry(x, i, &link));
        if ((link.flags & ENTRY_HARD_LINK) == 0)
            continue;
        rc = index_find(x, buf_bytes(&link.link), &offset);
        if (rc == ERR_NOT_FOUND)
            FAIL(ERR_CORRUPT, "a hard link of the index leads to nothing");
        TRY(rc);
        TRY(index_entry(x, offset, &first));
        if (first.type != ENTRY_FILE || (first.flags & ENTRY_HARD_LINK) != 0)
            FAIL(ERR_CORRUPT,
                 "a hard link of the index leads to something that is not a regular file");
    }
out:
    entry_clear(&link);
    entry_clear(&first);
    return rc;
}

enum err index_check(const struct index *x)
{
    const char *name = index_name(x);
    enum err rc;

    TRY(check_entries(x));
    TRY(check_links(x));
    TRY(check_rows(x));
out:
    if (rc != ERR_OK && name != NULL && strstr(err_text(), name) == NULL)
        err_note("reading the index %s", name);
    return rc;
}

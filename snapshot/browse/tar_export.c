#include "snapshot/browse/tar_export.h"

#include <errno.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/fs/path.h"
#include "snapshot/read/file_reader.h"
#include "snapshot/read/selection.h"
#include "snapshot/source/tar_meta.h"

struct exporter {
    struct archive *tar;
    struct archive_entry *entry;
    struct file_reader *file_reader;
    const struct selection *selection; /* borrowed */
    struct entry scratch;              /* owned */
    int fd;
    enum err write_failed; /* what the last write to fd gave */
};

/* When our own write failed, its message is still recorded. */
static enum err refuse_tar_write(const struct exporter *x)
{
    if (x->write_failed != ERR_OK)
        return x->write_failed;
    return err_set(ERR_FAILED, "writing the tar: %s", archive_error_string(x->tar));
}

/* Our own write: EINTR, short writes and EPIPE are its business. */
static la_ssize_t write_tar_bytes(struct archive *tar, void *arg, const void *data, size_t len)
{
    struct exporter *x = arg;

    x->write_failed = file_write(x->fd, bytes_of(data, len));
    if (x->write_failed == ERR_OK)
        return (la_ssize_t)len;
    archive_set_error(tar, EIO, "%s", err_text());
    return -1;
}

static enum err open_tar_writer(struct exporter *x)
{
    x->tar = archive_write_new();
    x->entry = archive_entry_new();
    if (x->tar == NULL || x->entry == NULL)
        return err_set(ERR_FAILED, "out of memory for libarchive");
    if (archive_write_set_format_pax(x->tar) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(x->tar, 1) != ARCHIVE_OK ||
        archive_write_open2(x->tar, x, NULL, write_tar_bytes, NULL, NULL) != ARCHIVE_OK)
        return refuse_tar_write(x);
    return ERR_OK;
}

static enum err to_tar(void *arg, struct bytes piece)
{
    struct exporter *x = arg;

    /* libarchive takes less than it is given only at the end of a file. */
    return archive_write_data(x->tar, piece.data, piece.len) < 0 ? refuse_tar_write(x) : ERR_OK;
}

/* Whole blocks, for that is how holes were read; neighbours become one. */
static void add_extents(struct exporter *x, const struct entry *e)
{
    uint64_t block = UINT64_C(1) << e->block_log2;
    uint64_t from = 0;
    uint64_t to = 0; /* [from, to) is not added yet */

    for (size_t i = 0; i < entry_extent_count(e); i++) {
        struct extent data = entry_extent(e, i);
        uint64_t begin = data.offset;
        uint64_t end = data.offset + data.len + block - 1;

        begin -= begin % block;
        end -= end % block;
        if (begin > to) {
            if (to > from)
                archive_entry_sparse_add_entry(x->entry, (la_int64_t)from, (la_int64_t)(to - from));
            from = begin;
        }
        to = end < e->size ? end : e->size;
    }
    if (entry_extent_count(e) > 0)
        archive_entry_sparse_add_entry(x->entry, (la_int64_t)from, (la_int64_t)(to - from));
}

static enum err export_entry(void *arg, const struct entry *e)
{
    struct exporter *x = arg;
    const struct entry *content = NULL;
    enum err rc;

    if (selection_choose(x->selection, e) != SELECTION_WHOLE)
        return ERR_OK;
    TRY(selection_content(x->selection, e, &x->scratch, &content));
    archive_entry_clear(x->entry);
    TRY(tar_meta_export(e, entry_path(e), x->entry));
    if (content != NULL) {
        archive_entry_set_size(x->entry, (la_int64_t)content->size);
        add_extents(x, content);
    } else if ((e->flags & ENTRY_HARD_LINK) != 0) {
        archive_entry_copy_hardlink(x->entry, (const char *)e->link.data);
        archive_entry_unset_size(x->entry);
    }
    if (archive_write_header(x->tar, x->entry) < ARCHIVE_WARN)
        TRY(refuse_tar_write(x));
    if (content != NULL)
        TRY(file_reader_read(x->file_reader, content, to_tar, x));
    if (archive_write_finish_entry(x->tar) < ARCHIVE_WARN)
        TRY(refuse_tar_write(x));
out:
    return rc;
}

static enum err export_all(struct exporter *x)
{
    enum err rc;

    TRY(selection_walk_links_last(x->selection, export_entry, x));
    if (archive_write_close(x->tar) < ARCHIVE_WARN)
        TRY(refuse_tar_write(x));
out:
    return rc;
}

enum err tar_export(const struct selection *of, int fd)
{
    struct exporter x = {.fd = fd, .selection = of};
    locale_t utf8 = tar_meta_locale();
    locale_t before = uselocale(utf8);
    enum err rc;

    entry_init(&x.scratch);
    TRY(file_reader_new(of->from, &x.file_reader));
    TRY(open_tar_writer(&x));
    TRY(export_all(&x));
out:
    archive_entry_free(x.entry);
    archive_write_free(x.tar);
    file_reader_free(x.file_reader);
    entry_clear(&x.scratch);
    uselocale(before);
    if (utf8 != NULL)
        freelocale(utf8);
    return rc;
}

#include "snapshot/restore/tar_disk.h"

#include <errno.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "snapshot/source/tar_meta.h"

#define SHOWN_MAX 512

struct tar_disk {
    struct archive *disk;
    struct archive_entry *entry;
};

enum err tar_disk_new(struct tar_disk **out)
{
    int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_ACL |
                ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_NODOTDOT;
    struct tar_disk *d = NULL;
    enum err rc;

    if (geteuid() == 0)
        flags |= ARCHIVE_EXTRACT_OWNER;
    TRY(mem_new(1, sizeof *d, &d));
    d->disk = archive_write_disk_new();
    d->entry = archive_entry_new();
    if (d->disk == NULL || d->entry == NULL)
        FAIL(ERR_FAILED, "out of memory for libarchive");
    archive_write_disk_set_options(d->disk, flags);
    *out = d;
    d = NULL; /* the caller's now */
out:
    tar_disk_free(d);
    return rc;
}

void tar_disk_free(struct tar_disk *d)
{
    if (d == NULL)
        return;
    archive_entry_free(d->entry);
    archive_write_free(d->disk);
    mem_free(d);
}

/* A warning means: made, but not with all of its metadata. */
static enum err check_archive_result(struct tar_disk *d, int got, const char *path,
                                     uint64_t *attention)
{
    char shown[SHOWN_MAX];
    int cause = archive_errno(d->disk);

    if (got == ARCHIVE_OK)
        return ERR_OK;
    text_printable(path, shown, sizeof shown);
    if (got == ARCHIVE_WARN) {
        log_say(LOG_WARN, "%s: %s", shown, archive_error_string(d->disk));
        ++*attention;
        return ERR_OK;
    }
    /* libarchive has codes of its own, below zero. */
    if (cause <= 0)
        return err_set(ERR_FAILED, "making %s: %s", shown, archive_error_string(d->disk));
    errno = cause;
    return err_sys(ERR_FAILED, "making %s: %s", shown, archive_error_string(d->disk));
}

enum err tar_disk_make(struct tar_disk *d, const struct entry *e, const char *path,
                       const char *first, uint64_t *attention)
{
    enum err rc;

    archive_entry_clear(d->entry);
    TRY(tar_meta_export(e, path, d->entry));
    if (first != NULL) {
        archive_entry_copy_hardlink(d->entry, first);
        archive_entry_unset_size(d->entry);
    }
    TRY(check_archive_result(d, archive_write_header(d->disk, d->entry), path, attention));
    TRY(check_archive_result(d, archive_write_finish_entry(d->disk), path, attention));
out:
    return rc;
}

enum err tar_disk_finish(struct tar_disk *d)
{
    if (archive_write_close(d->disk) < ARCHIVE_WARN)
        return err_set(ERR_FAILED, "setting times and modes of directories: %s",
                       archive_error_string(d->disk));
    return ERR_OK;
}

#include "snapshot/source/tar_meta.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/path.h"
#include "snapshot/format/acl_xattr.h"
#include "snapshot/source/tar_acl.h"

#define DISK_SECTOR 512
#define PART_LEN_MAX 255
#define SHOWN_MAX 512

struct tar_meta {
    struct archive *disk;
    struct archive_entry *entry;
};

enum err tar_meta_new(struct tar_meta **out)
{
    struct tar_meta *m = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *m, &m));
    m->disk = archive_read_disk_new();
    m->entry = archive_entry_new();
    if (m->disk == NULL || m->entry == NULL)
        FAIL(ERR_FAILED, "out of memory for libarchive");
    archive_read_disk_set_standard_lookup(m->disk);
    *out = m;
    m = NULL; /* the caller's now */
out:
    tar_meta_free(m);
    return rc;
}

void tar_meta_free(struct tar_meta *m)
{
    if (m == NULL)
        return;
    archive_entry_free(m->entry);
    archive_read_free(m->disk);
    mem_free(m);
}

static enum err add_text(struct buf *to, const char *text)
{
    enum err rc = ERR_OK;

    to->len = 0;
    if (text == NULL)
        goto out;
    TRY(buf_add(to, bytes_of(text, strlen(text) + 1)));
    to->len--; /* the NUL is there, not counted */
out:
    return rc;
}

static enum err import_xattrs(struct archive_entry *from, struct entry *e)
{
    const char *name;
    const void *value;
    size_t len;
    enum err rc = ERR_OK;

    archive_entry_xattr_reset(from);
    while (archive_entry_xattr_next(from, &name, &value, &len) == ARCHIVE_OK)
        if (!acl_xattr_is(name))
            TRY(entry_add_xattr(e, bytes_of_text(name), bytes_of(value, len)));
out:
    return rc;
}

static enum err take_extents(struct archive_entry *from, struct entry *e)
{
    la_int64_t offset, len;
    enum err rc = ERR_OK;

    if (archive_entry_sparse_reset(from) == 0)
        goto out;
    while (archive_entry_sparse_next(from, &offset, &len) == ARCHIVE_OK) {
        if (offset < 0 || len < 0 || (uint64_t)offset > e->size)
            FAIL(ERR_CORRUPT, "%s: impossible extents", entry_path(e));
        if ((uint64_t)len > e->size - (uint64_t)offset)
            len = (la_int64_t)(e->size - (uint64_t)offset);
        TRY(entry_add_extent(e, (uint64_t)offset, (uint64_t)len));
    }
out:
    return rc;
}

/* Of an open file, as the kernel knows them: libarchive would list all of them in memory first. */
static enum err find_extents(int fd, struct entry *e)
{
    off_t size = (off_t)e->size;
    off_t end = 0;
    enum err rc = ERR_OK;

    while (end < size) {
        off_t from = lseek(fd, end, SEEK_DATA);

        if (from < 0 && errno == ENXIO)
            break; /* the rest is a hole */
        end = from < 0 ? -1 : lseek(fd, from, SEEK_HOLE);
        if (end < 0)
            FAIL_SYS(ERR_FAILED, "%s: looking for holes", entry_path(e));
        if (end > size) /* it grows */
            end = size;
        if (from < end)
            TRY(entry_add_extent(e, (uint64_t)from, (uint64_t)(end - from)));
    }
    if (size > 0 && entry_extent_count(e) == 0)
        TRY(entry_add_extent(e, 0, 0));
out:
    return rc;
}

/* libarchive's own name caches; an unknown id has no name, and that is fine. */
static enum err take_owner(struct tar_meta *m, const struct stat *st, struct entry *e)
{
    enum err rc;

    TRY(add_text(&e->user, archive_read_disk_uname(m->disk, st->st_uid)));
    TRY(add_text(&e->group, archive_read_disk_gname(m->disk, st->st_gid)));
out:
    return rc;
}

/* libarchive looks for a directory's default ACL by path, and ours is not relative to where we are.
 */
static void set_paths(struct archive_entry *to, int fd, const char *path)
{
    char source[32];

    snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
    archive_entry_copy_pathname(to, path);
    archive_entry_copy_sourcepath(to, source);
}

/* libarchive gives what it could read, and says of the rest that it could not. */
static void warn_incomplete(struct tar_meta *m, const struct entry *e)
{
    const char *why = archive_error_string(m->disk);
    char shown[SHOWN_MAX];

    text_printable(entry_path(e), shown, sizeof shown);
    log_say(LOG_WARN, "%s: its extended attributes or access list are not all there: %s", shown,
            why != NULL ? why : "they cannot be read");
}

enum err tar_meta_read(struct tar_meta *m, int fd, const struct stat *st, struct entry *e,
                       bool *is_whole)
{
    bool has_holes = S_ISREG(st->st_mode) && st->st_blocks * DISK_SECTOR < st->st_size;
    int got;
    enum err rc;

    *is_whole = true;
    TRY(take_owner(m, st, e));
    if (fd < 0)
        goto out;
    archive_read_disk_set_behavior(m->disk, ARCHIVE_READDISK_NO_SPARSE);
    archive_entry_clear(m->entry);
    set_paths(m->entry, fd, entry_path(e));
    got = archive_read_disk_entry_from_file(m->disk, m->entry, fd, st);
    if (got < ARCHIVE_WARN)
        FAIL(ERR_FAILED, "%s: %s", entry_path(e), archive_error_string(m->disk));
    *is_whole = got == ARCHIVE_OK;
    if (!*is_whole)
        warn_incomplete(m, e);
    TRY(import_xattrs(m->entry, e));
    TRY(tar_acl_import(m->entry, e));
    if (has_holes)
        TRY(find_extents(fd, e));
out:
    return rc;
}

static mode_t file_type(enum entry_type type)
{
    static const mode_t types[] = {
        [ENTRY_FILE] = AE_IFREG,
        [ENTRY_DIR] = AE_IFDIR,
        [ENTRY_SYMLINK] = AE_IFLNK,
        [ENTRY_FIFO] = AE_IFIFO,
    };

    return types[type];
}

static enum err give_xattrs(const struct entry *e, struct archive_entry *to)
{
    struct cursor rows = cursor_of(buf_bytes(&e->xattrs));
    struct bytes name = {NULL, 0};
    struct bytes value = {NULL, 0};
    char text[256];
    enum err rc = ERR_OK;

    for (uint32_t i = 0; i < e->xattr_count; i++) {
        TRY(entry_take_xattr(&rows, &name, &value));
        memcpy(text, name.data, name.len);
        text[name.len] = '\0';
        archive_entry_xattr_add_entry(to, text, value.data, value.len);
    }
out:
    return rc;
}

enum err tar_meta_export(const struct entry *e, const char *path, struct archive_entry *to)
{
    enum err rc;

    archive_entry_copy_pathname(to, path);
    archive_entry_set_filetype(to, file_type(e->type));
    archive_entry_set_perm(to, e->mode);
    archive_entry_set_uid(to, e->uid);
    archive_entry_set_gid(to, e->gid);
    if (e->user.len > 0)
        archive_entry_copy_uname(to, (const char *)e->user.data);
    if (e->group.len > 0)
        archive_entry_copy_gname(to, (const char *)e->group.data);
    archive_entry_set_mtime(to, e->mtime_s, e->mtime_ns);
    if (e->type == ENTRY_FILE)
        archive_entry_set_size(to, (la_int64_t)e->size);
    if (e->type == ENTRY_SYMLINK)
        archive_entry_copy_symlink(to, (const char *)e->link.data);
    TRY(tar_acl_export(e, to));
    TRY(give_xattrs(e, to));
out:
    return rc;
}

/* A tar's "./a//b/./c/" is our "a/b/c". */
static enum err take_path(const char *from, struct buf *to)
{
    const char *next = NULL;
    enum err rc = ERR_OK;

    to->len = 0;
    for (const char *part = from; *part != '\0'; part = next) {
        size_t len = strcspn(part, "/");

        next = part + len + (part[len] == '/' ? 1 : 0);
        if (len == 0 || (len == 1 && *part == '.'))
            continue;
        if (len > PART_LEN_MAX || to->len + 1 + len > PATH_LEN_MAX)
            FAIL(ERR_FAILED, "\"%.100s...\" is longer than a file's name can be", from);
        if (to->len > 0)
            TRY(buf_add_text(to, "/"));
        TRY(buf_add(to, bytes_of(part, len)));
    }
    if (to->len == 0)
        TRY(buf_add_text(to, "."));
    else
        TRY(path_check(buf_bytes(to)));
    TRY(buf_add(to, bytes_of("", 1)));
    to->len--; /* the NUL is there, not counted */
out:
    if (rc == ERR_CORRUPT)
        err_note("\"%.100s\"", from);
    return rc;
}

static enum err take_type(struct archive_entry *from, struct entry *e)
{
    for (e->type = ENTRY_FILE; e->type <= ENTRY_FIFO; e->type++)
        if (file_type(e->type) == archive_entry_filetype(from))
            return ERR_OK;
    return err_set(ERR_UNSUPPORTED, "%s is a device, which a snapshot does not hold",
                   entry_path(e));
}

/* The greatest number of 32 bits means "leave the owner as it is" to the kernel. */
static enum err take_number(const struct entry *e, la_int64_t number, uint32_t *out)
{
    if (number < 0 || number >= UINT32_MAX)
        return err_set(ERR_FAILED, "%s: there is no owner or group %lld", entry_path(e),
                       (long long)number);
    *out = (uint32_t)number;
    return ERR_OK;
}

static enum err take_size(struct archive_entry *from, struct entry *e)
{
    la_int64_t size = archive_entry_size(from);

    if (size < 0 || (uint64_t)size > ENTRY_SIZE_MAX)
        return err_set(ERR_FAILED, "%s is larger than this format can hold", entry_path(e));
    e->size = (uint64_t)size;
    return ERR_OK;
}

enum err tar_meta_import(struct archive_entry *from, struct entry *e)
{
    const char *path = archive_entry_pathname(from);
    const char *hard_link = archive_entry_hardlink(from);
    enum err rc;

    if (path == NULL)
        FAIL(ERR_CORRUPT, "a file of the tar has no name that can be read");
    TRY(take_path(path, &e->path));
    if (hard_link != NULL) {
        e->type = ENTRY_FILE;
        e->flags |= ENTRY_HARD_LINK;
        TRY(take_path(hard_link, &e->link));
    } else {
        TRY(take_type(from, e));
    }
    e->mode = archive_entry_perm(from) & 07777;
    TRY(take_number(e, archive_entry_uid(from), &e->uid));
    TRY(take_number(e, archive_entry_gid(from), &e->gid));
    e->mtime_s = archive_entry_mtime(from);
    e->mtime_ns = (uint32_t)archive_entry_mtime_nsec(from);
    if (e->type == ENTRY_FILE && hard_link == NULL)
        TRY(take_size(from, e));
    e->block_log2 = e->size > 0 ? entry_block_log2_for(e->size) : 0;
    if (e->type == ENTRY_SYMLINK)
        TRY(add_text(&e->link, archive_entry_symlink(from)));
    TRY(add_text(&e->user, archive_entry_uname(from)));
    TRY(add_text(&e->group, archive_entry_gname(from)));
    TRY(import_xattrs(from, e));
    TRY(tar_acl_import(from, e));
    TRY(take_extents(from, e));
out:
    if (rc == ERR_CORRUPT)
        rc = ERR_FAILED; /* the tar is wrong: nothing is with the repository */
    if (rc != ERR_OK)
        err_note("reading the tar");
    return rc;
}

locale_t tar_meta_locale(void)
{
    return newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

#include "snapshot/restore/restore_entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "snapshot/format/acl_xattr.h"

/*
 * The order in which metadata is given is the kernel's: a change of owner takes away set-user-id
 * bits and capabilities, and so does writing; an ACL sets the group's bits of the mode. So all of
 * it comes after the content: owner, attributes, ACLs, mode, capabilities, time.
 */

#define SHOWN_MAX 512
#define NAME_TEXT_MAX 256
#define LINK_PATH_MAX (NAME_MAX + 32)
#define CAPABILITY "security.capability"

/* ---- making ---- */

/* Which of the directory's names the file system takes for `name`. */
static bool find_name(int dir, const char *name, char *is, size_t cap)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    struct stat st;
    bool found = false;

    if (list == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        while (!found && (entry = readdir(list)) != NULL)
            found = (entry->d_ino == st.st_ino || strcasecmp(entry->d_name, name) == 0) &&
                    strcmp(entry->d_name, name) != 0;
    if (found)
        text_printable(entry->d_name, is, cap);
    closedir(list);
    return found;
}

static enum err refuse_making(const struct entry *e, int dir, const char *name)
{
    int cause = errno;
    char shown[SHOWN_MAX];
    char other[SHOWN_MAX];

    text_printable(entry_path(e), shown, sizeof shown);
    if (cause == EEXIST && find_name(dir, name, other, sizeof other))
        return err_set(ERR_EXISTS,
                       "making %s: %s is there already, which is the same name on this file "
                       "system: restore to one that tells upper from lower case",
                       shown, other);
    errno = cause;
    return err_sys(cause == EEXIST ? ERR_EXISTS : ERR_FAILED, "making %s", shown);
}

static int make_file(const struct entry *e, int dir, const char *name)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int failed;
    int cause;

    if (fd < 0)
        return -1;
    failed = e->size > 0 ? ftruncate(fd, (off_t)e->size) : 0;
    cause = errno;
    close(fd);
    errno = cause;
    return failed;
}

enum err restore_entry_make(const struct entry *e, int dir, const char *name)
{
    int failed = -1;

    switch (e->type) {
    case ENTRY_FILE:
        failed = make_file(e, dir, name);
        break;
    case ENTRY_DIR:
        failed = mkdirat(dir, name, 0700);
        break;
    case ENTRY_SYMLINK:
        failed = symlinkat((const char *)e->link.data, dir, name);
        break;
    case ENTRY_FIFO:
        failed = mkfifoat(dir, name, 0600);
        break;
    }
    return failed == 0 ? ERR_OK : refuse_making(e, dir, name);
}

enum err restore_entry_link(const struct entry *e, int first_dir, const char *first, int dir,
                            const char *name)
{
    if (linkat(first_dir, first, dir, name, 0) == 0)
        return ERR_OK;
    return refuse_making(e, dir, name);
}

/* ---- metadata ---- */

/* A full or failing disk ends the restore; what a file system does not know is said. */
static enum err note_refusal(const struct restore_manner *m, const struct entry *e,
                             const char *what)
{
    int cause = errno;
    char shown[SHOWN_MAX];
    char reason[128];
    char *path = NULL;
    enum err rc;

    TRY(file_join(m->root, entry_path(e), &path));
    text_printable(path, shown, sizeof shown);
    if (cause == ENOSPC || cause == EDQUOT || cause == EIO) {
        errno = cause;
        FAIL_SYS(ERR_FAILED, "setting the %s of %s", what, shown);
    }
    log_say(LOG_WARN, "%s: its %s could not be set: %s", shown, what,
            strerror_r(cause, reason, sizeof reason));
    ++*m->attention;
out:
    mem_free(path);
    return rc;
}

/* By descriptor, or, where a link cannot be opened, by name in an open directory. */
static int give_xattr(int fd, const char *link, const char *name, struct bytes value)
{
    return link != NULL ? lsetxattr(link, name, value.data, value.len, 0)
                        : fsetxattr(fd, name, value.data, value.len, 0);
}

/* `capabilities`: only those, or all but those. ACLs are the entry's, whatever an attribute says.
 */
static enum err set_xattrs(const struct restore_manner *m, const struct entry *e, int fd,
                           const char *link, bool capabilities)
{
    struct cursor rows = cursor_of(buf_bytes(&e->xattrs));
    struct bytes name = {NULL, 0};
    struct bytes value = {NULL, 0};
    char text[NAME_TEXT_MAX];
    char what[NAME_TEXT_MAX + 16];
    char shown[NAME_TEXT_MAX];
    enum err rc = ERR_OK;

    for (uint32_t i = 0; i < e->xattr_count; i++) {
        TRY(entry_take_xattr(&rows, &name, &value));
        memcpy(text, name.data, name.len);
        text[name.len] = '\0';
        if ((strcmp(text, CAPABILITY) == 0) != capabilities || acl_xattr_is(text) ||
            give_xattr(fd, link, text, value) == 0)
            continue;
        text_printable(text, shown, sizeof shown);
        snprintf(what, sizeof what, "attribute %s", shown);
        TRY(note_refusal(m, e, what));
    }
out:
    return rc;
}

static bool has_xattr(const struct entry *e, const char *wanted)
{
    struct cursor rows = cursor_of(buf_bytes(&e->xattrs));
    struct bytes name = {NULL, 0};
    struct bytes value = {NULL, 0};
    bool found = false;

    for (uint32_t i = 0; i < e->xattr_count && !found; i++) {
        if (entry_take_xattr(&rows, &name, &value) != ERR_OK) {
            err_clear();
            break; /* set_xattrs() says so */
        }
        found = name.len == strlen(wanted) && memcmp(name.data, wanted, name.len) == 0;
    }
    return found;
}

/* A directory of an older state stays the one it was (a file that has attributes is made anew):
 * what its owner has set goes. Labels and what else the system keeps there are the system's. */
static enum err drop_xattrs(const struct restore_manner *m, const struct entry *e, int fd)
{
    struct buf names = {.max = XATTR_LIST_MAX};
    ssize_t len;
    enum err rc = ERR_OK;

    if (e->type != ENTRY_DIR || flistxattr(fd, NULL, 0) <= 0)
        goto out;
    TRY(buf_reserve(&names, XATTR_LIST_MAX));
    len = flistxattr(fd, (char *)names.data, XATTR_LIST_MAX);
    for (ssize_t i = 0; i < len; i += (ssize_t)strlen((char *)names.data + i) + 1) {
        const char *name = (const char *)names.data + i;

        if (strncmp(name, "user.", 5) == 0 && !has_xattr(e, name) && fremovexattr(fd, name) != 0)
            TRY(note_refusal(m, e, "attributes"));
    }
out:
    buf_clear(&names);
    return rc;
}

/* None must go, too: an older state's, or one that was inherited, gives rights that the mode does
 * not show. Who has none need not be allowed to take it away. */
static int give_acl(int fd, const char *name, const struct buf *acl)
{
    if (acl->len > 0)
        return fsetxattr(fd, name, acl->data, acl->len, 0);
    return fgetxattr(fd, name, NULL, 0) < 0 ? 0 : fremovexattr(fd, name);
}

/* Who has neither a number nor a name that is known here gets no rights. */
static enum err say_row_left_out(const struct restore_manner *m, const struct entry *e,
                                 const struct acl_row *row)
{
    char name[ACL_NAME_MAX + 1];
    char shown[ACL_NAME_MAX + 1];
    char path_shown[SHOWN_MAX];
    char *path = NULL;
    enum err rc;

    TRY(file_join(m->root, entry_path(e), &path));
    text_printable(path, path_shown, sizeof path_shown);
    memcpy(name, row->name.data, row->name.len);
    name[row->name.len] = '\0';
    text_printable(name, shown, sizeof shown);
    log_say(LOG_WARN, "%s: its ACL gives rights to the %s %s, who is not known here: left out",
            path_shown, row->tag == ACL_TAG_USER ? "user" : "group", shown);
    ++*m->attention;
out:
    mem_free(path);
    return rc;
}

/* Both lists, in the kernel's form, with the numbers of this machine. */
static enum err encode_acls(const struct restore_manner *m, const struct entry *e,
                            struct buf *access, struct buf *by_default)
{
    struct cursor rows = cursor_of(buf_bytes(&e->acl));
    struct acl_row row = {.is_default = false};
    bool known = true;
    enum err rc = ERR_OK;

    while (rows.left > 0) {
        TRY(acl_take(&rows, &row));
        if (acl_tag_is_named(row.tag))
            TRY(owner_map_find_row(m->owners, &row, &row.id, &known));
        if (acl_tag_is_named(row.tag) && !known)
            TRY(say_row_left_out(m, e, &row));
        else
            TRY(acl_xattr_add(&row, row.is_default ? by_default : access));
    }
out:
    return rc;
}

static enum err set_acls(const struct restore_manner *m, const struct entry *e, int fd)
{
    struct buf access = {.max = MIB};
    struct buf by_default = {.max = MIB};
    enum err rc;

    TRY(encode_acls(m, e, &access, &by_default));
    if (give_acl(fd, ACL_XATTR_ACCESS, &access) != 0)
        TRY(note_refusal(m, e, "ACL"));
    if (e->type == ENTRY_DIR && give_acl(fd, ACL_XATTR_DEFAULT, &by_default) != 0)
        TRY(note_refusal(m, e, "default ACL"));
out:
    buf_clear(&access);
    buf_clear(&by_default);
    return rc;
}

/* A program must not run as somebody whom it does not belong to. */
static uint32_t safe_mode(const struct entry *e, int fd)
{
    struct stat st;
    uint32_t mode = e->mode;

    if (e->type == ENTRY_DIR || (mode & (S_ISUID | S_ISGID)) == 0)
        return mode;
    if (fstat(fd, &st) != 0 || st.st_uid != e->uid)
        mode &= (uint32_t)~S_ISUID;
    if (fstat(fd, &st) != 0 || st.st_gid != e->gid)
        mode &= (uint32_t)~S_ISGID;
    return mode;
}

enum err restore_entry_finish_open(const struct restore_manner *m, const struct entry *e, int fd)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = e->mtime_s, .tv_nsec = (long)e->mtime_ns}};
    enum err rc = ERR_OK;

    if (m->set_owner && fchown(fd, e->uid, e->gid) != 0)
        TRY(note_refusal(m, e, "owner"));
    TRY(drop_xattrs(m, e, fd));
    TRY(set_xattrs(m, e, fd, NULL, false));
    TRY(set_acls(m, e, fd));
    if (fchmod(fd, safe_mode(e, fd)) != 0)
        TRY(note_refusal(m, e, "mode"));
    TRY(set_xattrs(m, e, fd, NULL, true));
    if (futimens(fd, times) != 0)
        TRY(note_refusal(m, e, "time"));
out:
    return rc;
}

static enum err finish_symlink(const struct restore_manner *m, const struct entry *e, int dir,
                               const char *name)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = e->mtime_s, .tv_nsec = (long)e->mtime_ns}};
    char link[LINK_PATH_MAX];
    enum err rc = ERR_OK;

    snprintf(link, sizeof link, "/proc/self/fd/%d/%s", dir, name);
    if (m->set_owner && fchownat(dir, name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) != 0)
        TRY(note_refusal(m, e, "owner"));
    TRY(set_xattrs(m, e, -1, link, false));
    if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) != 0)
        TRY(note_refusal(m, e, "time"));
out:
    return rc;
}

static mode_t type_of(enum entry_type type)
{
    return type == ENTRY_DIR ? S_IFDIR : type == ENTRY_FIFO ? S_IFIFO : S_IFREG;
}

enum err restore_entry_finish(const struct restore_manner *m, const struct entry *e, int dir,
                              const char *name)
{
    struct stat st;
    int fd = -1;
    enum err rc;

    if (e->type == ENTRY_SYMLINK)
        return finish_symlink(m, e, dir, name);
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        FAIL_SYS(ERR_FAILED, "opening %s", entry_path(e));
    if ((st.st_mode & S_IFMT) != type_of(e->type))
        FAIL(ERR_FAILED, "%s was replaced while it was restored", entry_path(e));
    TRY(restore_entry_finish_open(m, e, fd));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

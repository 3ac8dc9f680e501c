#include "snapshot/restore/restore_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/walk.h"
#include "snapshot/format/acl_xattr.h"

#define LOOK_MAX 1024

/* What was inherited from a default ACL would be inherited by all that is made inside. Most
 * directories have none, and some file systems have no ACLs. */
static void drop_acl(int fd, const char *name)
{
    if (fremovexattr(fd, name) != 0)
        errno = 0;
}

static void drop_acls(int fd)
{
    drop_acl(fd, ACL_XATTR_DEFAULT);
    drop_acl(fd, ACL_XATTR_ACCESS);
}

static bool is_for_others(const struct stat *st)
{
    return (st->st_mode & 0077) != 0;
}

/* A name that was there before us may be anybody's directory. `any_mode`: where there are none. */
static enum err open_ours(int dir, const char *name, bool any_mode, int *fd)
{
    struct stat st;
    int opened = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum err rc = ERR_OK;

    if (opened < 0 || fstat(opened, &st) != 0)
        FAIL_SYS(errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, "opening %s", name);
    if (st.st_uid != geteuid() || (!any_mode && is_for_others(&st)))
        FAIL(ERR_FAILED, "%s is not ours, or others can enter it", name);
    *fd = opened;
    opened = -1;
out:
    if (opened >= 0)
        close(opened);
    return rc;
}

/* Where there are no modes (see put_sign()), the sign has none either. */
enum err guard_open(int dir, const char *name, int *fd)
{
    struct stat dir_st;
    struct stat st;
    bool is_signed;
    int opened = -1;
    enum err rc;

    TRY(open_ours(dir, name, true, &opened));
    is_signed = fstatat(opened, GUARD_SIGN, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
                st.st_uid == geteuid() && st.st_size == 0;
    if (fstat(opened, &dir_st) != 0 ||
        (is_for_others(&dir_st) && !(is_signed && is_for_others(&st))))
        FAIL(ERR_FAILED, "%s is not ours, or others can enter it", name);
    if (!is_signed)
        FAIL(ERR_FAILED, "%s is no directory of a restore (it has no %s)", name, GUARD_SIGN);
    *fd = opened;
    opened = -1;
out:
    if (opened >= 0)
        close(opened);
    return rc;
}

enum err guard_make_inside(int guard, const char *name, int *fd)
{
    struct stat st;
    enum err rc;

    if (mkdirat(guard, name, 0700) != 0 || fstat(guard, &st) != 0)
        return err_sys(ERR_FAILED, "making %s", name);
    TRY(open_ours(guard, name, is_for_others(&st), fd));
    drop_acls(*fd);
out:
    return rc;
}

/* Some file systems keep no modes (FAT): there a file that was made for us alone is not. Others can
 * then enter the guard, and are not kept from it by anything of ours. Links, with which they could
 * do harm, those file systems do not have. */
static enum err put_sign(int guard, const char *name)
{
    struct stat dir_st;
    struct stat st;
    int fd = openat(guard, GUARD_SIGN, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum err rc = ERR_OK;

    if (fd < 0 || fstat(fd, &st) != 0 || fstat(guard, &dir_st) != 0)
        FAIL_SYS(ERR_FAILED, "making %s/%s", name, GUARD_SIGN);
    if (is_for_others(&st))
        log_say(LOG_WARN, "this file system keeps no modes: others can read and change what is "
                          "restored");
    else if (is_for_others(&dir_st)) /* not the one that was made */
        FAIL(ERR_FAILED, "%s is not ours, or others can enter it", name);
    /* Before anything else is in it: after a power loss there must be no content without a sign. */
    if (fsync(guard) != 0)
        FAIL_SYS(ERR_STORAGE, "syncing %s", name);
out:
    if (rc != ERR_OK && fd >= 0)
        unlinkat(guard, GUARD_SIGN, 0);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* Who owns `dir` may have swapped it for a directory of root's that lies there: with our sign in it
 * that would be emptied in the end. */
static enum err require_empty(int guard, const char *name)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    enum err rc;

    TRY(walk_open_at(guard, name, &walk));
    TRY(walk_next(walk, &item, &more)); /* itself */
    TRY(walk_next(walk, &item, &more));
    if (more)
        FAIL(ERR_FAILED, "%s was replaced as it was made", name);
out:
    walk_free(walk);
    return rc;
}

enum err guard_make(int dir, const char *name, int *fd)
{
    int made = -1;
    enum err rc;

    if (mkdirat(dir, name, 0700) != 0)
        return err_sys(ERR_FAILED, "making %s", name);
    TRY(open_ours(dir, name, true, &made));
    TRY(require_empty(made, name));
    TRY(put_sign(made, name));
    drop_acls(made);
    *fd = made;
    made = -1; /* the caller's now */
out:
    if (made >= 0) {
        close(made);
        unlinkat(dir, name, AT_REMOVEDIR); /* if it is empty, whoever's it is */
    }
    return rc;
}

bool guard_has_modes(int guard)
{
    struct stat st;

    return fstat(guard, &st) != 0 || !is_for_others(&st);
}

/* The sign last: what is left of it after a kill or a power loss is a guard still. A disk that
 * cannot sync must still let itself be tidied up. */
static enum err empty_guard(int guard, const char *name)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    enum err rc;

    TRY(walk_open_at(guard, name, &walk));
    TRY(walk_next(walk, &item, &more)); /* itself */
    for (;;) {
        TRY(walk_next(walk, &item, &more));
        if (!more)
            break;
        walk_skip(walk);
        if (strcmp(item.name, GUARD_SIGN) != 0)
            TRY(file_remove_tree_at(guard, item.name));
    }
    if (fsync(guard) != 0)
        errno = 0;
    if (unlinkat(guard, GUARD_SIGN, 0) != 0)
        FAIL_SYS(ERR_FAILED, "removing %s/%s", name, GUARD_SIGN);
out:
    walk_free(walk);
    return rc;
}

/* What the guard holds is removed through what was opened and looked at, whatever becomes of its
 * name; the name itself only when an empty directory has it, or none. */
enum err guard_remove(int dir, const char *name)
{
    int guard = -1;
    enum err rc = ERR_OK;

    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT || unlinkat(dir, name, AT_REMOVEDIR) == 0 ||
        errno == ENOENT)
        goto out;
    rc = guard_open(dir, name, &guard);
    if (rc != ERR_OK)
        err_hint("nothing in it was touched: move it away, then run this again");
    TRY(rc);
    TRY(empty_guard(guard, name));
    if (unlinkat(dir, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        FAIL_SYS(ERR_FAILED, "removing %s", name);
out:
    if (guard >= 0)
        close(guard);
    return rc;
}

enum err guard_keep_look(int dir, const char *name, const char *text, const struct stat *look)
{
    char *content = NULL;
    enum err rc;

    TRY(mem_format(&content, "%s%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", text,
                   (uint64_t)look->st_uid, (uint64_t)look->st_gid,
                   (uint64_t)(look->st_mode & 07777)));
    TRY(file_replace_at(dir, name, bytes_of_text(content), 0600));
out:
    mem_free(content);
    return rc;
}

/* The three numbers of the last line. */
static bool parse_look(char *text, struct stat *look)
{
    static const uint64_t limits[3] = {UINT32_MAX - 1, UINT32_MAX - 1, 07777};
    uint64_t numbers[3];
    size_t len = strlen(text);
    char *line;

    if (len == 0 || text[len - 1] != '\n')
        return false;
    text[len - 1] = '\0';
    line = strrchr(text, '\n');
    line = line != NULL ? line + 1 : text;
    for (size_t i = 0; i < 3; i++) {
        size_t part = strcspn(line, " ");
        bool is_last = line[part] == '\0';

        line[part] = '\0';
        if (is_last != (i == 2) || text_number(line, limits[i], &numbers[i]) != ERR_OK) {
            err_clear();
            return false;
        }
        line += part + (is_last ? 0 : 1);
    }
    look->st_uid = (uid_t)numbers[0];
    look->st_gid = (gid_t)numbers[1];
    look->st_mode = (look->st_mode & S_IFMT) | (mode_t)numbers[2];
    return true;
}

bool guard_read_look(int dir, const char *name, struct stat *look)
{
    struct buf text = {.max = LOOK_MAX};
    struct stat st;
    bool is_read = false;

    /* In a directory of somebody else's such a file may be, too. */
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        st.st_uid == geteuid() && st.st_nlink == 1 && (st.st_mode & 0022) == 0) {
        is_read = file_read_at_name(dir, name, &text) == ERR_OK &&
                  buf_add(&text, bytes_of("", 1)) == ERR_OK && parse_look((char *)text.data, look);
        if (!is_read)
            err_clear();
    }
    buf_clear(&text);
    return is_read;
}

/* First the owner: who owns it may undo a change of its mode, and set ACLs. An access ACL gives
 * nobody anything beside this mode; the default ACL would go to all that is made here. */
enum err guard_take_over(int fd, const char *shown)
{
    bool is_root = geteuid() == 0;

    if (is_root && fchown(fd, 0, (gid_t)-1) != 0)
        return err_sys(ERR_FAILED, "taking over %s", shown);
    if (fchmod(fd, S_IRWXU) != 0 && is_root)
        return err_sys(ERR_FAILED, "taking over %s", shown);
    drop_acl(fd, ACL_XATTR_DEFAULT);
    return ERR_OK;
}

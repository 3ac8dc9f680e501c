#include "core/fs/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "core/base/text.h"

#define LINKS_MAX 40 /* the kernel's own limit */
#define STEP (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define SHOWN_MAX 512

/* One name after another is opened, and what a link says is put before the rest of the path. */
struct way {
    int fd;                  /* owned; where we are */
    char rest[2 * PATH_MAX]; /* what is left to go */
    unsigned links;
    bool has_owner; /* a link of another user was followed: */
    uid_t owner;
    char link[NAME_MAX + 1];
};

static void move_to(struct way *w, int fd)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = fd;
}

/* The next name goes from the rest to `name`; false: there is none. errno stays 0 unless it is too
 * long. */
static bool take_name(struct way *w, char name[NAME_MAX + 1])
{
    const char *from = w->rest + strspn(w->rest, "/");
    size_t len = strcspn(from, "/");

    errno = len > NAME_MAX ? ENAMETOOLONG : 0;
    if (len == 0 || len > NAME_MAX)
        return false;
    memcpy(name, from, len);
    name[len] = '\0';
    memmove(w->rest, from + len, strlen(from + len) + 1);
    return true;
}

static int put_before_rest(struct way *w, const char *text, size_t len)
{
    size_t rest = strlen(w->rest) + 1;

    if (len == 0 || len + 1 + rest > sizeof w->rest) {
        errno = len == 0 ? ENOENT : ENAMETOOLONG;
        return -1;
    }
    memmove(w->rest + len + 1, w->rest, rest);
    memcpy(w->rest, text, len);
    w->rest[len] = '/';
    return 0;
}

static void note_owner(struct way *w, const char *name, const struct stat *st)
{
    if (st->st_uid == 0 || w->has_owner)
        return;
    w->has_owner = true;
    w->owner = st->st_uid;
    snprintf(w->link, sizeof w->link, "%s", name);
}

static int follow_text(struct way *w, int link, const char *name)
{
    char text[PATH_MAX];
    struct stat st;
    ssize_t len;

    if (fstat(link, &st) != 0)
        return -1;
    if (!S_ISLNK(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    len = readlinkat(link, "", text, sizeof text);
    if (len < 0)
        return -1;
    if (++w->links > LINKS_MAX) {
        errno = ELOOP;
        return -1;
    }
    note_owner(w, name, &st);
    if (len > 0 && text[0] == '/') {
        int root = open("/", STEP);

        if (root < 0)
            return -1;
        move_to(w, root);
    }
    return put_before_rest(w, text, (size_t)len);
}

/* What a link in /proc says is not always where it leads (the root of a container's process). */
static bool is_in_proc(const struct way *w)
{
    struct statfs fs;

    return fstatfs(w->fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static int step(struct way *w, const char *name)
{
    int next = openat(w->fd, name, STEP | (is_in_proc(w) ? 0 : O_NOFOLLOW));
    int link;
    int failed;
    int cause;

    if (next >= 0) {
        move_to(w, next);
        return 0;
    }
    if (errno != ENOTDIR)
        return -1;
    link = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (link < 0)
        return -1;
    failed = follow_text(w, link, name);
    cause = errno;
    close(link);
    errno = cause;
    return failed;
}

static enum err require_safe(const struct way *w, const char *path)
{
    char shown[SHOWN_MAX];
    struct stat st;

    if (!w->has_owner)
        return ERR_OK;
    if (fstat(w->fd, &st) != 0)
        return err_sys(ERR_USAGE, "%s", path);
    if (st.st_uid == w->owner)
        return ERR_OK;
    text_printable(w->link, shown, sizeof shown);
    err_set(ERR_USAGE,
            "%s: the link %s on the way belongs to the user %" PRIu32
            ", the directory that it leads to does not",
            path, shown, (uint32_t)w->owner);
    err_hint("name the directory without the link (`realpath` shows where it leads)");
    return ERR_USAGE;
}

static enum err walk_way(struct way *w, const char *path)
{
    char name[NAME_MAX + 1];
    enum err rc = ERR_OK;

    if (strlen(path) >= PATH_MAX)
        FAIL(ERR_USAGE, "%s: the path is too long", path);
    memcpy(w->rest, path, strlen(path) + 1);
    w->fd = open(path[0] == '/' ? "/" : ".", STEP);
    if (w->fd < 0)
        FAIL_SYS(ERR_USAGE, "%s", path);
    while (take_name(w, name))
        if (step(w, name) != 0)
            FAIL_SYS(ERR_USAGE, "%s", path);
    if (errno != 0)
        FAIL_SYS(ERR_USAGE, "%s", path);
    TRY(require_safe(w, path));
out:
    return rc;
}

enum err follow_open_dir(const char *path, int *fd)
{
    struct way w = {.fd = -1};
    int opened = -1;
    enum err rc = ERR_OK;

    if (geteuid() == 0)
        TRY(walk_way(&w, path));
    opened = geteuid() == 0 ? openat(w.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                            : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
        FAIL_SYS(ERR_USAGE, "%s", path);
    *fd = opened;
out:
    move_to(&w, -1);
    return rc;
}

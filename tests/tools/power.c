#include "tests/tools/power.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Names: each change is an op, in the order of the calls; a sync of its directory settles it. A
 * power loss goes through the unsettled ones backwards and undoes each (or, with a seed, some). The
 * directory is held open, so that it is found whatever it is called by then; so is what a removal
 * or a rename takes away, to be put back under its name, as itself while it has another name, else
 * as a copy.
 *
 * Data: the first write since a sync keeps a copy of the content in memory. Files and directories
 * stay open, so that no inode number is used twice.
 *
 * Calls go to the kernel directly: ours of the same names would count them.
 */
#define TABLE_MAX 20000
#define OWN_FDS 600 /* ours are above: the program's numbers stay as they are */
#define PART_MAX 65536
#define NONE ((size_t)-1)
#define EXCHANGE 2 /* RENAME_EXCHANGE */

enum op_kind { MADE, REMOVED, RENAMED, EXCHANGED };

/* What a call takes a name from. */
struct victim {
    mode_t mode; /* 0: there is none */
    uid_t uid;
    gid_t gid;
    int fd;     /* of a regular file; else -1 */
    size_t dir; /* in `dirs`, of a directory that is held; else NONE */
    char *link; /* where a symbolic link leads */
};

struct op {
    enum op_kind kind;
    bool is_settled;
    size_t at, from_at; /* in `dirs` */
    char name[NAME_MAX + 1];
    char from[NAME_MAX + 1];
    struct victim victim;
};

struct held {
    dev_t dev;
    ino_t ino;
    int fd;
    bool is_dirty; /* files: written since the last sync */
    int copy;      /* its content then, in memory; -1: it was empty */
};

static struct op ops[TABLE_MAX];
static struct held dirs[TABLE_MAX];
static struct held files[TABLE_MAX];
static size_t op_count, dir_count, file_count;
static unsigned long chance;
/* Between power_before() and power_after(). */
static struct victim taken;
static bool was_there;

_Noreturn static void give_up(const char *why)
{
    syscall(SYS_write, 2, "faultshim: power: ", 18L);
    syscall(SYS_write, 2, why, strlen(why));
    syscall(SYS_write, 2, "\n", 1L);
    for (;;)
        syscall(SYS_exit_group, 99);
}

static int open_raw(int at, const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, at, path, flags | O_CLOEXEC, mode);
}

/* To a number that no program counts on. */
static int move_fd(int fd)
{
    int moved;

    if (fd < 0)
        return -1;
    moved = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, OWN_FDS);
    syscall(SYS_close, fd);
    return moved;
}

void power_setup(unsigned long seed)
{
    chance = seed;
}

/* ---- directories and names ---- */

static size_t hold_dir(int fd)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        give_up("a directory cannot be opened");
    for (size_t i = 0; i < dir_count; i++)
        if (dirs[i].dev == st.st_dev && dirs[i].ino == st.st_ino) {
            syscall(SYS_close, fd);
            return i;
        }
    if (dir_count == TABLE_MAX)
        give_up("too many directories");
    dirs[dir_count] = (struct held){.dev = st.st_dev, .ino = st.st_ino, .fd = move_fd(fd)};
    return dir_count++;
}

/* The directory of a path, and its last part. */
static size_t split_path(int at, const char *path, char name[NAME_MAX + 1])
{
    char front[PATH_MAX];
    size_t len = strlen(path);
    const char *leaf;
    char *slash;

    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len >= sizeof front)
        give_up("a long path");
    memcpy(front, path, len);
    front[len] = '\0';
    slash = strrchr(front, '/');
    leaf = slash != NULL ? slash + 1 : front;
    if (strlen(leaf) > NAME_MAX)
        give_up("a long name");
    memcpy(name, leaf, strlen(leaf) + 1);
    if (slash == NULL)
        snprintf(front, sizeof front, ".");
    else
        slash[slash == front] = '\0';
    return hold_dir(open_raw(at, front, O_PATH | O_DIRECTORY, 0));
}

static struct op *add_op(enum op_kind kind, int at, const char *path)
{
    struct op *op;

    if (op_count == TABLE_MAX)
        give_up("too many changes");
    op = &ops[op_count++];
    *op = (struct op){.kind = kind, .victim = taken};
    op->at = split_path(at, path, op->name);
    return op;
}

static bool look(int at, const char *path, struct stat *st)
{
    return fstatat(at, path, st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Before a name goes or is taken over. */
static void hold_victim(int at, const char *path)
{
    char to[PATH_MAX];
    struct stat st;
    long len;

    if (!look(at, path, &st))
        return;
    taken = (struct victim){
        .mode = st.st_mode, .uid = st.st_uid, .gid = st.st_gid, .fd = -1, .dir = NONE};
    if (S_ISREG(st.st_mode))
        taken.fd = move_fd(open_raw(at, path, O_RDONLY | O_NOFOLLOW, 0));
    if (S_ISLNK(st.st_mode)) {
        len = syscall(SYS_readlinkat, at, path, to, sizeof to - 1);
        to[len > 0 ? len : 0] = '\0';
        taken.link = strdup(to);
    }
    for (size_t i = 0; i < dir_count; i++)
        if (dirs[i].dev == st.st_dev && dirs[i].ino == st.st_ino)
            taken.dir = i;
}

/* ---- data ---- */

static struct held *find_file(const struct stat *st)
{
    for (size_t i = 0; i < file_count; i++)
        if (files[i].dev == st->st_dev && files[i].ino == st->st_ino)
            return &files[i];
    return NULL;
}

static void copy_content(int from, int to)
{
    static char part[PART_MAX];
    long offset = 0;
    long len;

    while ((len = syscall(SYS_pread64, from, part, sizeof part, offset)) > 0) {
        if (syscall(SYS_pwrite64, to, part, len, offset) != len)
            give_up("no room for a copy");
        offset += len;
    }
}

static int keep_copy(int fd)
{
    int to = move_fd((int)syscall(SYS_memfd_create, "faultshim", 1U)); /* MFD_CLOEXEC */

    if (to < 0)
        give_up("no copy can be made");
    copy_content(fd, to);
    return to;
}

/* The file `fd` is about to change. */
static void note_write(int fd)
{
    char path[64];
    struct held *file;
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    file = find_file(&st);
    if (file == NULL) {
        if (file_count == TABLE_MAX)
            give_up("too many files");
        file = &files[file_count++];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        *file = (struct held){.dev = st.st_dev, .ino = st.st_ino};
        file->fd = move_fd(open_raw(AT_FDCWD, path, O_RDWR, 0));
        if (file->fd < 0)
            give_up("a written file cannot be opened again");
    }
    if (file->is_dirty)
        return;
    file->is_dirty = true;
    file->copy = st.st_size > 0 ? keep_copy(file->fd) : -1;
}

static void note_write_at(int at, const char *path)
{
    int fd = open_raw(at, path, O_RDONLY | O_NONBLOCK, 0);

    if (fd >= 0)
        note_write(fd);
    if (fd >= 0)
        syscall(SYS_close, fd);
}

/* ---- syncs ---- */

static void forget_copy(struct held *file)
{
    if (file->is_dirty && file->copy >= 0)
        syscall(SYS_close, file->copy);
    file->is_dirty = false;
}

static void settle_dir(const struct stat *st)
{
    for (size_t i = 0; i < op_count; i++)
        if (dirs[ops[i].at].dev == st->st_dev && dirs[ops[i].at].ino == st->st_ino)
            ops[i].is_settled = true;
}

static void settle(int fd)
{
    struct held *file;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return;
    if (S_ISDIR(st.st_mode))
        settle_dir(&st);
    file = find_file(&st);
    if (file != NULL)
        forget_copy(file);
}

static void settle_all(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return;
    for (size_t i = 0; i < op_count; i++)
        ops[i].is_settled = ops[i].is_settled || dirs[ops[i].at].dev == st.st_dev;
    for (size_t i = 0; i < file_count; i++)
        if (files[i].dev == st.st_dev)
            forget_copy(&files[i]);
}

/* ---- around a call ---- */

#define TEXT(x) ((const char *)(intptr_t)(x))

void power_before(long number, const long x[6])
{
    struct stat st;

    taken = (struct victim){.fd = -1, .dir = NONE};
    was_there = false;
    switch (number) {
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
    case SYS_pwritev:
    case SYS_ftruncate:
    case SYS_fallocate:
        note_write((int)x[0]);
        break;
    case SYS_copy_file_range:
        note_write((int)x[2]);
        break;
    case SYS_truncate:
        note_write_at(AT_FDCWD, TEXT(x[0]));
        break;
    case SYS_openat:
        was_there = look((int)x[0], TEXT(x[1]), &st);
        if (was_there && (x[2] & O_TRUNC) != 0)
            note_write_at((int)x[0], TEXT(x[1]));
        break;
    case SYS_unlinkat:
        hold_victim((int)x[0], TEXT(x[1]));
        break;
    case SYS_renameat2:
        if ((x[4] & EXCHANGE) == 0) /* that takes nothing away */
            hold_victim((int)x[2], TEXT(x[3]));
        break;
    default:
        break;
    }
}

void power_after(long number, const long x[6], long result)
{
    struct op *op;

    if (result < 0)
        return;
    switch (number) {
    case SYS_openat:
        if (!was_there && (x[2] & O_CREAT) != 0)
            add_op(MADE, (int)x[0], TEXT(x[1]));
        break;
    case SYS_mkdirat:
        add_op(MADE, (int)x[0], TEXT(x[1]));
        break;
    case SYS_linkat:
        add_op(MADE, (int)x[2], TEXT(x[3]));
        break;
    case SYS_symlinkat:
        add_op(MADE, (int)x[1], TEXT(x[2]));
        break;
    case SYS_unlinkat:
        add_op(REMOVED, (int)x[0], TEXT(x[1]));
        break;
    case SYS_renameat2:
        op = add_op((x[4] & EXCHANGE) != 0 ? EXCHANGED : RENAMED, (int)x[2], TEXT(x[3]));
        op->from_at = split_path((int)x[0], TEXT(x[1]), op->from);
        break;
    case SYS_fsync:
    case SYS_fdatasync:
        settle((int)x[0]);
        break;
    case SYS_syncfs:
        settle_all((int)x[0]);
        break;
    default:
        break;
    }
}

/* ---- the loss ---- */

/* A directory whose name was never synced goes with all that is in it. */
static void remove_name(int at, const char *name)
{
    struct dirent *entry;
    DIR *dir;
    int fd;

    if (syscall(SYS_unlinkat, at, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
        return;
    fd = open_raw(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    dir = fd >= 0 ? fdopendir(fd) : NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_name(dirfd(dir), entry->d_name);
    if (dir != NULL)
        closedir(dir);
    syscall(SYS_unlinkat, at, name, AT_REMOVEDIR);
}

/* A regular file: as itself while it has another name, else its content under a new one. */
static void put_file_back(const struct op *op)
{
    char path[64];
    int to;

    snprintf(path, sizeof path, "/proc/self/fd/%d", op->victim.fd);
    if (syscall(SYS_linkat, AT_FDCWD, path, dirs[op->at].fd, op->name, AT_SYMLINK_FOLLOW) == 0)
        return;
    to = open_raw(dirs[op->at].fd, op->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (to < 0)
        return;
    copy_content(op->victim.fd, to);
    syscall(SYS_fchown, to, op->victim.uid, op->victim.gid);
    syscall(SYS_fchmod, to, op->victim.mode & 07777);
    syscall(SYS_close, to);
}

/* What was removed from a directory before it went is put back into the new one. */
static void put_dir_back(const struct op *op)
{
    int at = dirs[op->at].fd;

    if (syscall(SYS_mkdirat, at, op->name, 0700) != 0)
        return;
    syscall(SYS_fchownat, at, op->name, op->victim.uid, op->victim.gid, 0);
    syscall(SYS_fchmodat, at, op->name, op->victim.mode & 07777);
    if (op->victim.dir != NONE)
        dirs[op->victim.dir].fd = move_fd(open_raw(at, op->name, O_PATH | O_DIRECTORY, 0));
}

static void put_back(const struct op *op)
{
    if (S_ISDIR(op->victim.mode))
        put_dir_back(op);
    else if (S_ISLNK(op->victim.mode))
        syscall(SYS_symlinkat, op->victim.link, dirs[op->at].fd, op->name);
    else if (S_ISREG(op->victim.mode))
        put_file_back(op);
    else if (op->victim.mode != 0)
        syscall(SYS_mknodat, dirs[op->at].fd, op->name, op->victim.mode, 0);
}

static void undo(const struct op *op)
{
    int at = dirs[op->at].fd;
    int from = dirs[op->from_at].fd;

    switch (op->kind) {
    case MADE:
        remove_name(at, op->name);
        break;
    case REMOVED:
        put_back(op);
        break;
    case RENAMED:
        syscall(SYS_renameat2, at, op->name, from, op->from, 0);
        put_back(op);
        break;
    case EXCHANGED:
        syscall(SYS_renameat2, at, op->name, from, op->from, EXCHANGE);
        break;
    }
}

/* The content first: what is put back is copied from it. */
static void undo_write(const struct held *file)
{
    syscall(SYS_ftruncate, file->fd, 0L);
    if (file->copy >= 0)
        copy_content(file->copy, file->fd);
}

/* A small generator: the same seed loses the same. */
static bool is_lucky(void)
{
    if (chance == 0)
        return false;
    chance = chance * 6364136223846793005UL + 1442695040888963407UL;
    return (chance >> 40 & 1) != 0;
}

void power_fail(void)
{
    for (size_t i = 0; i < file_count; i++)
        if (files[i].is_dirty)
            undo_write(&files[i]);
    for (size_t i = op_count; i-- > 0;)
        if (!ops[i].is_settled && !is_lucky())
            undo(&ops[i]);
}

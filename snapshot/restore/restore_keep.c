#include "snapshot/restore/restore_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/dir_cache.h"
#include "core/fs/file.h"

enum step_kind { STEP_AWAY, STEP_MADE, STEP_LOOK };

struct keep_step {
    enum step_kind kind;
    char *path;  /* owned */
    char *kept;  /* owned; AWAY: its name in the guard */
    uid_t uid;   /* LOOK */
    gid_t gid;   /* LOOK */
    mode_t mode; /* LOOK */
    struct timespec mtime;
};

void keep_init(struct restore_keep *k, int guard)
{
    *k = (struct restore_keep){.guard = guard};
}

void keep_clear(struct restore_keep *k)
{
    for (size_t i = 0; i < k->count; i++) {
        mem_free(k->steps[i].path);
        mem_free(k->steps[i].kept);
    }
    mem_free(k->steps);
    keep_init(k, -1);
}

/* What it points to becomes the list's only when this succeeds. */
static enum err add_step(struct restore_keep *k, const struct keep_step *step, const char *path)
{
    enum err rc;

    TRY(mem_grow(k->count, sizeof *k->steps, &k->cap, &k->steps));
    k->steps[k->count] = *step;
    TRY(mem_text(path, &k->steps[k->count].path));
    k->count++;
out:
    return rc;
}

/* Its own name behind a number: whoever finds the guard after a kill can tell what is what. */
static enum err choose_name(struct restore_keep *k, const char *name, char **out)
{
    char number[24];
    int len = snprintf(number, sizeof number, "%" PRIu64 "-", ++k->number);

    return mem_format(out, "%s%.*s", number, NAME_MAX - len, name);
}

/* A killed restore may have left some of the numbers. Unless *moved, errno says why. */
static enum err move_to_guard(struct restore_keep *k, int dir, const char *name, char **kept,
                              bool *moved)
{
    enum err rc = ERR_OK;

    for (;;) {
        struct stat st;

        TRY(choose_name(k, name, kept));
        if (fstatat(k->guard, *kept, &st, AT_SYMLINK_NOFOLLOW) != 0)
            break;
        mem_free(*kept);
        *kept = NULL;
    }
    *moved = renameat(dir, name, k->guard, *kept) == 0;
out:
    return rc;
}

enum err keep_away(struct restore_keep *k, const char *path, int dir, const char *name)
{
    struct keep_step step = {.kind = STEP_AWAY};
    bool moved = false;
    enum err rc;

    TRY(move_to_guard(k, dir, name, &step.kept, &moved));
    if (!moved && errno == ENOENT)
        goto out; /* gone by itself */
    if (!moved && errno != EXDEV && errno != EACCES && errno != EPERM)
        FAIL_SYS(ERR_FAILED, "moving %s away", path);
    if (!moved) {
        k->is_lost = true;
        TRY(file_remove_tree_at(dir, name));
        goto out;
    }
    rc = add_step(k, &step, path);
    if (rc == ERR_OK)
        step.kept = NULL; /* the list's now */
    else
        k->is_lost = true; /* it is kept, but nobody remembers where it was */
out:
    mem_free(step.kept);
    return rc;
}

enum err keep_made(struct restore_keep *k, const char *path)
{
    struct keep_step step = {.kind = STEP_MADE};

    return add_step(k, &step, path);
}

enum err keep_look(struct restore_keep *k, const char *path, int fd)
{
    struct keep_step step = {.kind = STEP_LOOK};
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(ERR_FAILED, "looking at %s", path);
    step.uid = st.st_uid;
    step.gid = st.st_gid;
    step.mode = st.st_mode & 07777;
    step.mtime = st.st_mtim;
    return add_step(k, &step, path);
}

static enum err give_look_back(const struct keep_step *step, struct dir_cache *dirs)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, step->mtime};
    int fd = -1;
    enum err rc;

    TRY(dir_cache_open(dirs, step->path, &fd));
    if (geteuid() != 0) { /* not ours: then it was not taken over either */
        if (fchmod(fd, step->mode) != 0 || futimens(fd, times) != 0)
            errno = 0;
        goto out;
    }
    if (fchown(fd, step->uid, step->gid) != 0 || fchmod(fd, step->mode) != 0 ||
        futimens(fd, times) != 0)
        FAIL_SYS(ERR_FAILED, "giving %s back its owner and mode", step->path);
out:
    return rc;
}

static enum err undo_step(const struct restore_keep *k, const struct keep_step *step,
                          struct dir_cache *dirs)
{
    const char *name;
    int dir = -1;
    enum err rc;

    if (step->kind == STEP_LOOK)
        return give_look_back(step, dirs);
    TRY(dir_cache_at(dirs, step->path, &dir, &name));
    if (step->kind == STEP_MADE)
        TRY(file_remove_tree_at(dir, name));
    else if (renameat(k->guard, step->kept, dir, name) != 0)
        FAIL_SYS(ERR_FAILED, "moving %s back", step->path);
out:
    return rc;
}

/* A directory's look comes back after all that was done in it, for it was the first of it. A
 * directory that was made, and one that is back in its place, are not the same: nothing that was
 * open by path before may be used for it, so each such step begins with none open. */
enum err keep_undo(struct restore_keep *k, int root)
{
    struct dir_cache *dirs = NULL;
    enum err rc = k->is_lost ? ERR_FAILED : ERR_OK;

    for (size_t i = k->count; i-- > 0;) {
        if (dirs == NULL && dir_cache_new(root, &dirs) != ERR_OK)
            return ERR_FAILED;
        if (undo_step(k, &k->steps[i], dirs) != ERR_OK)
            rc = ERR_FAILED;
        if (k->steps[i].kind != STEP_LOOK) {
            dir_cache_free(dirs);
            dirs = NULL;
        }
    }
    dir_cache_free(dirs);
    return rc;
}

#include "snapshot/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/lock.h"
#include "core/fs/walk.h"
#include "snapshot/alternatives.h"
#include "snapshot/dbpath.h"
#include "snapshot/restore_data.h"

#define PARTIAL_SUFFIX ".sealpoint-partial"
#define LOCK_SUFFIX ".sealpoint-lock"
#define INCOMPLETE_SUFFIX ".sealpoint-incomplete"

struct restore {
    const struct restore_options *options;
    struct opened opened;
    char *target;  /* absolute */
    char *parent;  /* the folder it lies in, absolute, links resolved */
    char *partial; /* the sibling that is filled */
    char *mark;    /* delta: says that the target is incomplete */
    bool target_exists;
    struct lock *lock;
    char *lock_path;
    struct restore_tree tree;
    struct tar_disk *disk;
    struct restore_data data;
};

static void restore_clear(struct restore *r)
{
    tar_disk_free(r->disk);
    if (r->tree.root_fd >= 0)
        close(r->tree.root_fd);
    if (r->lock != NULL)
        unlink(r->lock_path);
    lock_free(r->lock);
    opened_clear(&r->opened);
    mem_free(r->target);
    mem_free(r->parent);
    mem_free(r->partial);
    mem_free(r->mark);
    mem_free(r->lock_path);
}

/* Split into an existing folder, its links resolved, and a name in it. */
static enum err resolve_target(struct restore *r)
{
    const char *given = r->options->target;
    size_t len = strlen(given);
    const char *name;
    char *copy = NULL;
    char *real = NULL;
    enum err rc;

    while (len > 1 && given[len - 1] == '/')
        len--;
    TRY(mem_text_n(given, len, &copy));
    name = strrchr(copy, '/');
    name = name != NULL ? name + 1 : copy;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        FAIL(ERR_USAGE, "target %s: name the folder itself", given);
    real = name == copy ? realpath(".", NULL) : NULL;
    if (name != copy) {
        copy[name - copy - 1] = '\0';
        real = realpath(name - 1 == copy ? "/" : copy, NULL);
    }
    if (real == NULL)
        FAIL_SYS(ERR_USAGE, "target %s: the folder it would lie in cannot be reached", given);
    TRY(mem_text(real, &r->parent));
    TRY(file_join(r->parent, name, &r->target));
    TRY(mem_format(&r->partial, "%s%s", r->target, PARTIAL_SUFFIX));
    TRY(mem_format(&r->mark, "%s%s", r->target, INCOMPLETE_SUFFIX));
    TRY(mem_format(&r->lock_path, "%s%s", r->target, LOCK_SUFFIX));
out:
    mem_free(copy);
    mem_free(real);
    return rc;
}

static enum err check_empty(const char *path, const struct stat *st, const struct stat *above)
{
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;
    enum err rc;

    TRY(walk_open(path, &walk));
    TRY(walk_next(walk, &item, &more));
    TRY(walk_next(walk, &item, &more));
    if (more)
        FAIL(ERR_USAGE,
             "target %s is not empty (it holds %.100s): give a folder that does not "
             "exist or is empty",
             path, item.name);
    if (st->st_dev != above->st_dev)
        FAIL(ERR_USAGE,
             "target %s is a mount point, and a finished restore is renamed into place: "
             "give a folder below it",
             path);
out:
    walk_free(walk);
    return rc;
}

/* --delta removes what the snapshot does not have: in a folder that is something else, all. */
static enum err check_is_older_state(struct restore *r)
{
    uint64_t known = 0;
    uint64_t extra = 0;
    enum err rc;

    r->tree.root = r->target;
    TRY(tree_compare(&r->tree, &known, &extra));
    if (extra > known)
        FAIL(ERR_USAGE,
             "target %s is no older state of this snapshot: %" PRIu64 " of the %" PRIu64
             " names in it are not in the snapshot, and --delta would remove them. Give an empty "
             "folder, without --delta",
             r->target, extra, known + extra);
    if (extra > 0 && r->options->only == NULL)
        log_say(LOG_WARN, "%s: %" PRIu64 " names that are not in the snapshot %s removed",
                r->target, extra, r->options->dry_run ? "would be" : "will be");
out:
    return rc;
}

static enum err check_delta_target(struct restore *r)
{
    int fd = open(r->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err rc = ERR_OK;

    if (fd < 0)
        FAIL_SYS(ERR_USAGE, "target %s: --delta needs an older state there", r->target);
    TRY(dbpath_require_stopped(fd, r->target));
    TRY(check_is_older_state(r));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

static enum err check_target(struct restore *r)
{
    struct stat st;
    struct stat above;
    enum err rc = ERR_OK;

    if (stat(r->parent, &above) != 0)
        FAIL_SYS(ERR_USAGE, "target %s", r->parent);
    if (access(r->parent, W_OK | X_OK) != 0)
        FAIL_SYS(errno == EROFS ? ERR_STORAGE : ERR_USAGE,
                 "target %s: the folder it lies in is not writable", r->target);
    r->target_exists = lstat(r->target, &st) == 0;
    if (!r->target_exists && !r->options->delta)
        goto out;
    if (r->target_exists && !S_ISDIR(st.st_mode))
        FAIL(ERR_USAGE, "target %s exists and is no folder", r->target);
    if (r->options->delta)
        TRY(check_delta_target(r));
    else
        TRY(check_empty(r->target, &st, &above));
out:
    return rc;
}

static enum err check_space(const struct restore *r)
{
    struct statvfs fs;
    char need[TEXT_HUMAN_MAX];
    char have[TEXT_HUMAN_MAX];
    uint64_t room;

    if (r->options->delta)
        return ERR_OK; /* most of it is there already; how much, only reading tells */
    if (statvfs(r->parent, &fs) != 0)
        return err_sys(ERR_FAILED, "target %s", r->parent);
    room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (room >= r->tree.needed)
        return ERR_OK;
    text_human_size(r->tree.needed, need);
    text_human_size(room, have);
    return err_set(ERR_STORAGE, "target %s: %s are needed, %s are free", r->target, need, have);
}

/* What will not be as it was, said before it is done. */
static void say_shortcomings(struct restore *r)
{
    struct restore_tree *t = &r->tree;

    if (t->changed > 0)
        log_say(LOG_WARN,
                "%" PRIu64 " files were being written while the backup read them: they hold a "
                "mixture of before and after (`sealpoint ls` marks them)",
                t->changed);
    if (t->foreign > 0)
        log_say(LOG_WARN,
                "%" PRIu64 " files belong to other users, and only root can give them back: they "
                "will be yours. Run as root, or chown them before mongod starts",
                t->foreign);
    t->attention += t->changed > 0 ? 1 : 0;
    t->attention += t->foreign > 0 ? 1 : 0;
}

/* Everything that can refuse does so here, and nothing has been touched. */
static enum err preflight(struct restore *r)
{
    const struct restore_options *o = r->options;
    enum err rc;

    rc = opened_new(o->ledger, o->keyring, o->snapshot, o->envelope, &r->opened);
    if (rc == ERR_KEY_INVALID)
        alternatives_hint(o->ledger, o->keyring, o->catalogue, o->snapshot);
    TRY(rc);
    r->tree.from = &r->opened;
    r->tree.only = o->only;
    r->tree.delta = o->delta;
    TRY(tree_measure(&r->tree));
    say_shortcomings(r);
    TRY(resolve_target(r));
    TRY(check_target(r));
    TRY(check_space(r));
out:
    if (rc != ERR_OK)
        err_note("restoring snapshot %s: refused before anything was touched", o->snapshot->id);
    return rc;
}

static enum err open_root(struct restore *r, const char *path)
{
    r->tree.root = path;
    r->tree.root_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return r->tree.root_fd < 0 ? err_sys(ERR_FAILED, "opening %s", path) : ERR_OK;
}

/* What a killed restore left is ours by its name; whoever holds the lock may remove it. */
static enum err begin_fresh(struct restore *r)
{
    enum err rc;

    TRY(file_remove_tree(r->partial));
    if (mkdir(r->partial, 0700) != 0)
        FAIL_SYS(ERR_FAILED, "making %s", r->partial);
    TRY(open_root(r, r->partial));
out:
    return rc;
}

static enum err begin_delta(struct restore *r)
{
    enum err rc;

    TRY(file_sweep(r->mark));
    TRY(file_replace(r->mark,
                     bytes_of_text("A restore with --delta was begun here and has not "
                                   "finished: run it again before using the folder.\n"),
                     0600));
    TRY(open_root(r, r->target));
out:
    return rc;
}

static enum err fill(struct restore *r)
{
    const struct restore_options *o = r->options;
    enum err rc;

    r->data.tree = &r->tree;
    r->data.progress = o->progress;
    r->data.workers = o->workers;
    if (o->progress != NULL)
        atomic_store(&o->progress->total_bytes, r->tree.bytes);
    TRY(tar_disk_new(&r->disk));
    TRY(tree_make(&r->tree, r->disk));
    TRY(restore_data_write(&r->data));
    TRY(tree_finish(&r->tree));
    TRY(tar_disk_finish(r->disk));
    if (syncfs(r->tree.root_fd) != 0)
        FAIL_SYS(ERR_STORAGE, "syncing %s", r->tree.root);
out:
    return rc;
}

/* The moment it becomes real. An empty folder of the target's name is replaced. */
static enum err commit_fresh(struct restore *r)
{
    struct stat filled;
    struct stat named;
    enum err rc;

    if (fstat(r->tree.root_fd, &filled) != 0 || lstat(r->partial, &named) != 0 ||
        filled.st_dev != named.st_dev || filled.st_ino != named.st_ino)
        FAIL(ERR_FAILED, "%s was replaced while it was filled", r->partial);
    if (rename(r->partial, r->target) != 0)
        FAIL_SYS(ERR_FAILED, "renaming the finished restore to %s", r->target);
    TRY(file_sync_dir(r->parent));
out:
    return rc;
}

static enum err commit_delta(struct restore *r)
{
    enum err rc = ERR_OK;

    if (unlink(r->mark) != 0)
        FAIL_SYS(ERR_FAILED, "removing %s", r->mark);
    TRY(file_sync_dir(r->parent));
out:
    return rc;
}

static void undo(const struct restore *r)
{
    struct err_record failure;

    err_take(ERR_OK, &failure);
    if (r->options->delta)
        log_say(LOG_WARN, "%s is not complete: run the same command again before using it",
                r->target);
    else if (file_remove_tree(r->partial) != ERR_OK)
        log_say(LOG_WARN, "%s: %s; the next restore removes it", r->partial, err_text());
    err_give(&failure);
}

static enum err carry_out(struct restore *r)
{
    bool delta = r->options->delta;
    enum err rc;

    TRY(lock_take(r->lock_path, false, &r->lock));
    TRY(delta ? begin_delta(r) : begin_fresh(r));
    TRY(fill(r));
    TRY(delta ? commit_delta(r) : commit_fresh(r));
out:
    if (rc != ERR_OK && r->lock != NULL)
        undo(r);
    if (rc != ERR_OK)
        err_note("restoring snapshot %s to %s", r->options->snapshot->id, r->target);
    return rc;
}

static void report(const struct restore *r, struct restore_result *out)
{
    *out = (struct restore_result){
        .files = r->tree.files,
        .bytes = r->tree.bytes,
        .read_bytes = atomic_load(&r->data.read),
        .written_bytes = atomic_load(&r->data.written),
        .attention = r->tree.attention,
    };
}

enum err restore_run(const struct restore_options *options, struct restore_result *out)
{
    struct restore r = {.options = options, .tree = {.root_fd = -1}};
    enum err rc;

    TRY(preflight(&r));
    if (!options->dry_run)
        TRY(carry_out(&r));
    report(&r, out);
    if (out->attention > 0)
        FAIL(ERR_ATTENTION, "snapshot %s is %s, but needs attention: see the warnings above",
             options->snapshot->id, options->dry_run ? "restorable" : "restored");
out:
    restore_clear(&r);
    return rc;
}

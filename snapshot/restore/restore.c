#include "snapshot/restore/restore.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/fs/confine.h"
#include "core/fs/fs_ids.h"
#include "snapshot/read/choice.h"
#include "snapshot/read/content_check.h"
#include "snapshot/restore/alternatives.h"
#include "snapshot/restore/restore_data.h"
#include "snapshot/restore/restore_target.h"

struct restore {
    const struct restore_options *options;
    struct snapshot_reader reader;
    struct selection selection;
    struct selection_totals totals;
    struct restore_tree tree;
    struct restore_target target;
    struct restore_data data;
    struct owner_map *owners;
    struct path_list only;     /* what options->only means */
    struct path_list left_out; /* damaged files, with keep_going */
    uint64_t attention;        /* what was said before anything was done */
};

static void restore_clear(struct restore *r)
{
    restore_data_clear(&r->data);
    target_clear(&r->target);
    owner_map_free(r->owners);
    path_list_clear(&r->only);
    path_list_clear(&r->left_out);
    snapshot_reader_clear(&r->reader);
}

/* What will not be as it was, said before it is done. */
static void say_shortcomings(struct restore *r)
{
    const struct selection_totals *totals = &r->totals;

    if (totals->changed > 0)
        log_say(LOG_WARN,
                "%" PRIu64 " files were being written while the backup read them: they hold a "
                "mixture of old and new content (`sealpoint ls` marks them)",
                totals->changed);
    if (totals->foreign > 0)
        log_say(LOG_WARN,
                "%" PRIu64
                " files belong to other users, and only root can restore their owners: they will "
                "belong to you. Run as root, or chown them before mongod starts",
                totals->foreign);
    if (totals->rights > 0 && geteuid() == 0)
        log_say(LOG_WARN,
                "%" PRIu64 " files give whoever runs them rights of their owner or group, or "
                "capabilities: no database has such files, see whose they are (`find TARGET -perm "
                "/6000`, `getcap -r TARGET`)",
                totals->rights);
    r->attention += totals->changed > 0 ? 1 : 0;
    r->attention += totals->foreign > 0 ? 1 : 0;
}

/* Only root gives files away. */
static enum err choose_owners(struct restore *r)
{
    static const struct owner_options by_name = {.fixed = NULL};
    const struct owner_options *o = r->options->owner != NULL ? r->options->owner : &by_name;
    enum err rc = ERR_OK;

    if (geteuid() != 0 && o->fixed != NULL)
        FAIL(ERR_USAGE, "--owner needs root: nobody else can give files to another user");
    if (geteuid() == 0)
        TRY(owner_map_new(o, &owner_lookup_system, &r->owners));
    r->tree.owners = r->owners;
out:
    return rc;
}

static enum err choose_files(struct restore *r)
{
    bool all = true;
    enum err rc = ERR_OK;

    if (r->options->only != NULL)
        TRY(choice_resolve(r->reader.index, r->options->only, &r->only, &all));
    if (!all)
        r->selection.only = &r->only;
    else
        TRY(index_check(r->reader.index)); /* from end to end */
out:
    return rc;
}

/* As many of the names that --delta removes are said. */
#define SAID_MAX 100

static enum err say_removed(struct restore *r, uint64_t *removed)
{
    enum err rc = ERR_OK;

    *removed = 0;
    if (r->options->only != NULL)
        goto out;
    TRY(tree_list_extra(&r->tree, SAID_MAX, removed));
    if (*removed > SAID_MAX)
        log_say(LOG_WARN, "and %" PRIu64 " more", *removed - SAID_MAX);
    if (*removed > 0)
        log_say(LOG_WARN, "%s: %" PRIu64 " names that are not in the snapshot %s removed",
                r->target.path, *removed, r->options->dry_run ? "would be" : "will be");
out:
    return rc;
}

static void hint_at_the_rest(const struct restore *r, enum err rc)
{
    if (rc == ERR_CORRUPT && !r->options->delta && !r->options->keep_going)
        err_hint("`sealpoint restore --keep-going` restores the files that are sound");
}

/* Of the objects that are needed; a restore reads and checks each block again when it comes to it.
 */
static enum err check_content(struct restore *r)
{
    const struct restore_options *o = r->options;
    struct content_check check = {
        .selection = &r->selection, .workers = o->workers, .progress = o->progress};
    enum err rc;

    if (o->read_data)
        check.depth = CONTENT_ALL;
    else if (o->keep_going)
        check.depth = CONTENT_BLOCKS;
    if (o->keep_going) {
        TRY(content_check_leave_out(&check, &r->selection, &r->left_out));
        r->attention += r->left_out.count;
    } else if (o->read_data) {
        TRY(content_check_report(&check));
    } else {
        TRY(content_check_run(&check));
    }
out:
    hint_at_the_rest(r, rc);
    return rc;
}

/* The lock first: what was compared must be what is changed. */
static enum err check_delta(struct restore *r)
{
    const struct restore_options *o = r->options;
    uint64_t removed = 0;
    enum err rc;

    if (!o->dry_run)
        TRY(target_lock(&r->target));
    TRY(say_removed(r, &removed));
    if (o->dry_run)
        goto out;
    TRY(restore_data_check(&r->data));
    if (o->confirm != NULL && removed + r->data.overwrites > 0)
        TRY(o->confirm(o->confirm_arg, removed, r->data.overwrites));
out:
    return rc;
}

/* Everything that can refuse does so here, and nothing has been touched. */
static enum err run_preflight(struct restore *r)
{
    const struct restore_options *o = r->options;
    enum err rc;

    rc = snapshot_reader_open_part(o->repository, o->keyring, o->snapshot, o->envelope, &r->reader);
    if (rc == ERR_KEY_INVALID && o->snapshot_list != NULL)
        alternatives_hint(o->repository, o->keyring, o->snapshot_list, o->snapshot);
    TRY(rc);
    TRY(choose_files(r));
    TRY(check_content(r));
    TRY(selection_measure(&r->selection, &r->totals));
    say_shortcomings(r);
    TRY(target_check(&r->target, o->target, o->apart, r->totals.needed));
    if (o->delta)
        TRY(check_delta(r));
out:
    if (rc != ERR_OK)
        err_note("restoring snapshot %s: refused before anything was touched", o->snapshot->id);
    return rc;
}

/* Everything of one owner is made with that user's rights, and no more: then it is his from the
 * beginning. Not where there is an old state, or a mount point's root that must be written to. The
 * workers only write to what they open in our own guard, and read the repository, which is ours. */
static enum err take_owners_rights(struct restore *r)
{
    struct restore_tree *tree = &r->tree;
    struct tree_owner one;
    enum err rc = ERR_OK;

    if (geteuid() != 0 || tree->delta || tree->at_mount)
        goto out;
    TRY(tree_find_owner(tree, &one));
    tree->is_one_owners = one.is_one && one.uid != 0 &&
                          fchown(tree->root_fd, one.uid, one.gid) == 0 &&
                          fs_ids_take(one.uid, one.gid);
out:
    return rc;
}

static enum err as_owner(struct restore *r, enum err (*step)(struct restore_tree *tree))
{
    enum err rc;

    TRY(take_owners_rights(r));
    rc = step(&r->tree);
    if (r->tree.is_one_owners)
        fs_ids_give_back();
out:
    return rc;
}

static enum err fill_target(struct restore *r)
{
    enum err rc;

    if (r->options->progress != NULL)
        atomic_store(&r->options->progress->total_bytes, r->totals.bytes);
    TRY(as_owner(r, tree_make));
    TRY(restore_data_write(&r->data));
    TRY(as_owner(r, tree_finish));
    if (syncfs(r->tree.root_fd) != 0)
        FAIL_SYS(ERR_STORAGE, "syncing %s", r->tree.root);
out:
    return rc;
}

/* The wall is no part of what makes it safe: a kernel without it is no reason to say anything. */
static void confine(const struct restore *r)
{
    const char *state_dir = repository_state_dir(r->options->repository);
    int state = state_dir != NULL ? open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    const int dirs[] = {r->target.side, r->target.fd, state};

    (void)confine_writes(dirs, sizeof dirs / sizeof dirs[0]);
    if (state >= 0)
        close(state);
}

static enum err carry_out(struct restore *r)
{
    enum err rc;

    if (r->options->confine)
        confine(r);
    TRY(target_begin(&r->target));
    rc = fill_target(r);
    hint_at_the_rest(r, rc);
    TRY(rc);
    TRY(target_commit(&r->target));
out:
    if (rc != ERR_OK)
        target_undo(&r->target);
    if (rc != ERR_OK)
        err_note("restoring snapshot %s to %s", r->options->snapshot->id, r->target.path);
    return rc;
}

static void fill_restore_result(const struct restore *r, struct restore_result *out)
{
    *out = (struct restore_result){
        .files = r->totals.files,
        .bytes = r->totals.bytes,
        .read_bytes = atomic_load(&r->data.read),
        .written_bytes = atomic_load(&r->data.written),
        .left_out = r->left_out.count,
        .attention = r->attention + r->tree.attention + r->target.attention,
    };
}

enum err restore_run(const struct restore_options *options, struct restore_result *out)
{
    struct restore r = {.options = options};
    enum err rc;

    r.selection = (struct selection){.from = &r.reader};
    tree_init(&r.tree, &r.selection, options->delta);
    target_init(&r.target, &r.tree, options->delta, options->dry_run);
    r.target.is_overwriting = &r.data.is_overwriting;
    r.data.tree = &r.tree;
    r.data.progress = options->progress;
    r.data.workers = options->workers;
    if (options->delta && options->keep_going)
        FAIL(ERR_USAGE, "--keep-going does not go with --delta: an older file would stay in the "
                        "place of a damaged one");
    TRY(choose_owners(&r));
    TRY(run_preflight(&r));
    if (!options->dry_run)
        TRY(carry_out(&r));
    fill_restore_result(&r, out);
    if (out->attention > 0)
        FAIL(ERR_ATTENTION, "snapshot %s is %s, but needs attention: see the warnings above",
             options->snapshot->id, options->dry_run ? "restorable" : "restored");
out:
    restore_clear(&r);
    return rc;
}

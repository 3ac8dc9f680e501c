#include "snapshot/verify/verify.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "keyring/catalogue/key_list.h"
#include "snapshot/read/object_check.h"
#include "snapshot/verify/verify_data.h"

/* Snapshots opened at once: more than a chain has by default; and the data keys of theirs after
 * which no more are opened. The secure heap has room for twice as many. */
#define OPEN_MAX 32
#define OPEN_KEYS_MAX KEY_LIST_MAX

static enum err add_manifest(struct verify_set *set, struct verify_snapshot *s,
                             struct verify_result *out)
{
    struct manifest m = {0};
    enum err rc;

    TRY(manifest_load(set->options->repository, s->snapshot, &m));
    s->index = m.index;
    out->snapshots++;
    TRY(verify_check_scopes(set, s->snapshot, &m, out));
    TRY(verify_set_add(set, &m));
out:
    manifest_clear(&m);
    return rc;
}

/* Damage is said and counted, and the next snapshot is looked at; so is what cannot be read, as
 * long as the rest can. Anything else ends the run. */
static enum err note_damage(const struct verify_set *set, struct verify_snapshot *s, enum err rc,
                            struct verify_result *out)
{
    if (rc != ERR_CORRUPT && !object_is_unreadable(repository_store(set->options->repository), rc))
        return rc;
    log_say(LOG_WARN, "snapshot %s: %s", s->snapshot->id, err_text());
    s->is_lost = true;
    s->is_unreadable = rc != ERR_CORRUPT;
    *(rc == ERR_CORRUPT ? &out->damaged : &out->unreadable) += 1;
    return mem_text(err_text(), &s->reason);
}

/* What was refused for its key. */
struct refused {
    enum err first;       /* ERR_OK: nothing yet */
    struct key_name last; /* the recorded master key's version; "": a further envelope was */
};

static bool is_about_keys(enum err rc)
{
    return rc == ERR_KEY_INVALID || rc == ERR_KEY_UNREACHABLE || rc == ERR_USAGE;
}

/* A key that is refused hides the damage of no other key's snapshots. It is asked for once: there
 * may be somebody at a terminal. Which key a further envelope is of, only the manifest says. */
static enum err open_or_note(struct verify_set *set, struct verify_snapshot *s,
                             struct refused *refused, struct verify_result *out)
{
    const struct key_name *key = &s->snapshot->effective_key;
    enum err rc;

    if (s->is_lost || verify_find_damaged(set, &s->index) != NULL) /* and it was said */
        return ERR_OK;
    s->is_locked = key_name_equal(&refused->last, key);
    if (s->is_locked) {
        out->locked++;
        return ERR_OK;
    }
    rc = verify_set_open(set, s);
    s->is_locked = is_about_keys(rc);
    if (!s->is_locked)
        return note_damage(set, s, rc, out);
    log_say(LOG_WARN, "snapshot %s: not decrypted%s: %s", s->snapshot->id,
            set->options->envelope == 0 ? ", nor others of that key version" : "", err_text());
    if (refused->first == ERR_OK)
        refused->first = rc;
    if (set->options->envelope == 0)
        refused->last = *key;
    out->locked++;
    return ERR_OK;
}

static const struct snapshot *chosen_snapshot(const struct verify_options *o, size_t i)
{
    return o->snapshots != NULL ? o->snapshots[i] : &o->snapshot_list->items[i];
}

/* A chain's snapshots share most objects and follow each other: together they are read once. */
static enum err decrypt_all(struct verify_set *set, enum err *refusal, struct verify_result *out)
{
    size_t count = set->snapshot_count;
    struct refused refused = {.first = ERR_OK};
    enum err rc = ERR_OK;

    for (size_t i = 0; i < count; i++) {
        TRY(open_or_note(set, &set->snapshots[i], &refused, out));
        if (set->reader_count == OPEN_MAX || verify_set_keys(set) > OPEN_KEYS_MAX || i + 1 == count)
            TRY(verify_set_decrypt(set, out));
    }
    *refusal = refused.first;
out:
    return rc;
}

/* ---- what is sound ---- */

static enum err tell_damage(const struct verify_options *o, const struct verify_damage *d)
{
    return o->touch != NULL ? o->touch(o->arg, d) : ERR_OK;
}

/* One object of the snapshot's. */
static enum err judge_object(const struct verify_set *set, const struct manifest_object *o,
                             struct verify_verdict *v)
{
    char reason[] = "the manifest says something else of it than its header";
    const struct verify_object differs = {.reason = reason};
    const struct verify_object *found = verify_find_damaged(set, o);
    char name[OBJECT_NAME_LEN + 1];

    v->objects++;
    if (found == NULL && verify_differs(set, o))
        found = &differs;
    if (found == NULL)
        return ERR_OK;
    v->bad_objects++;
    v->is_unreadable = v->is_unreadable && found->is_unreadable;
    object_name(o->id, name);
    return tell_damage(set->options, &(struct verify_damage){.name = name,
                                                             .reason = found->reason,
                                                             .is_unreadable = found->is_unreadable,
                                                             .snapshot = v->snapshot});
}

/* The index counts as an object of its own: without it the packs are of no use. */
static enum err judge_objects(const struct verify_set *set, struct verify_verdict *v)
{
    struct manifest m = {0};
    enum err rc;

    TRY(manifest_load(set->options->repository, v->snapshot, &m));
    v->is_unreadable = true; /* until one is damaged */
    TRY(judge_object(set, &m.index, v));
    v->is_lost = v->bad_objects > 0;
    for (size_t i = 0; i < m.object_count; i++)
        TRY(judge_object(set, &m.objects[i], v));
    v->is_unreadable = v->is_unreadable && v->bad_objects > 0;
out:
    manifest_clear(&m);
    return rc;
}

/* What the manifest itself says cannot be had; or, decrypting, its index has shown it. */
static enum err judge_lost(const struct verify_set *set, const struct verify_snapshot *s)
{
    char name[MANIFEST_NAME_LEN + 1];

    manifest_name(s->snapshot->id, name);
    return tell_damage(set->options, &(struct verify_damage){.name = name,
                                                             .reason = s->reason,
                                                             .is_unreadable = s->is_unreadable,
                                                             .snapshot = s->snapshot});
}

static enum err judge_snapshot(const struct verify_set *set, const struct verify_snapshot *s,
                               bool found_any, struct verify_verdict *v)
{
    enum err rc = ERR_OK;

    *v = (struct verify_verdict){.snapshot = s->snapshot,
                                 .is_lost = s->is_lost,
                                 .is_locked = s->is_locked,
                                 .is_unreadable = s->is_unreadable};
    if (s->is_lost)
        TRY(judge_lost(set, s));
    else if (found_any) /* else there is nothing to look for */
        TRY(judge_objects(set, v));
    v->is_sound = !v->is_lost && v->bad_objects == 0;
    v->has_files = s->has_files && !v->is_sound;
    v->files = s->files;
    v->bad_files = s->bad_files;
out:
    return rc;
}

static enum err give_verdict(const struct verify_set *set, const struct verify_snapshot *s,
                             struct verify_verdict *v)
{
    const char **paths = NULL;
    size_t shown = s->bad_paths.count < VERIFY_PATHS_MAX ? s->bad_paths.count : VERIFY_PATHS_MAX;
    enum err rc;

    TRY(mem_new(shown + 1, sizeof *paths, &paths));
    for (size_t i = 0; i < shown; i++)
        paths[i] = path_list_at(&s->bad_paths, i);
    v->paths = paths;
    TRY(set->options->each(set->options->arg, v));
out:
    mem_free(paths);
    return rc;
}

static enum err give_verdicts(const struct verify_set *set, struct verify_result *out)
{
    bool found_any = out->damaged + out->unreadable > 0;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < set->snapshot_count; i++) {
        struct verify_verdict v;

        TRY(judge_snapshot(set, &set->snapshots[i], found_any, &v));
        out->sound += v.is_sound ? 1 : 0;
        if (set->options->each != NULL)
            TRY(give_verdict(set, &set->snapshots[i], &v));
    }
out:
    return rc;
}

/* Damage is the worst that can be said, then what nobody could look at. */
static enum err judge_result(const struct verify_result *r, enum err refusal)
{
    enum err rc = ERR_OK;

    if (r->damaged > 0) {
        rc = err_set(ERR_CORRUPT, "%" PRIu64 " damaged or missing (each is named above)",
                     r->damaged);
        err_hint("what is sound can still be restored, of a damaged snapshot with `sealpoint "
                 "restore --keep-going`; take a new base with `sealpoint backup --full`");
    } else if (r->unreadable > 0) {
        rc =
            err_set(ERR_STORAGE, "%" PRIu64 " cannot be read (each is named above)", r->unreadable);
        err_hint("look at the disk; whether they are sound is not known");
    } else if (refusal != ERR_OK) {
        rc = err_set(refusal, "%" PRIu64 " of the snapshots were not decrypted: see above",
                     r->locked);
    } else if (r->records > 0) {
        rc = err_set(
            ERR_ATTENTION,
            "no damage to a snapshot, but %" PRIu64
            " record%s of the ledger (see above): the newest checkpoint's bundle makes up for it",
            r->records, r->records == 1 ? "" : "s");
        err_hint("put the named files back from a copy of the repository");
    } else if (r->unseen > 0) {
        rc =
            err_set(ERR_ATTENTION,
                    "no damage, but the ledger has no record of %" PRIu64 " data key%s (see above)",
                    r->unseen, r->unseen == 1 ? "" : "s");
        err_hint("keep every master-key version that is there, and take a new base with "
                 "`sealpoint backup --full`");
    } else if (r->stale > 0) {
        rc = err_set(ERR_ATTENTION,
                     "no damage, but the newest envelope%s of %" PRIu64
                     " data key%s not open (see above), and an older one does",
                     r->stale == 1 ? "" : "s", r->stale, r->stale == 1 ? " does" : "s do");
        err_hint("`sealpoint key rewrap` makes new ones");
    }
    return rc;
}

/* What is no snapshot at all has nothing to look into. */
static void count_unreadable(const struct snapshot_list *list, struct verify_result *out)
{
    for (size_t i = 0; i < list->damaged_count; i++)
        log_say(LOG_WARN, "snapshot %s: its record is damaged: %s",
                list->damaged[i].id[0] != '\0' ? list->damaged[i].id : "(without an id)",
                list->damaged[i].reason);
    out->damaged += list->damaged_count;
}

enum err verify_run(const struct verify_options *options, struct verify_result *out)
{
    size_t count =
        options->snapshots != NULL ? options->snapshot_count : options->snapshot_list->count;
    struct verify_set set = {0};
    enum err refusal = ERR_OK;
    enum err rc = ERR_OK;

    *out = (struct verify_result){0};
    TRY(verify_set_init(&set, options, count));
    if (options->snapshots == NULL)
        count_unreadable(options->snapshot_list, out);
    for (size_t i = 0; i < count; i++) {
        struct verify_snapshot *s = &set.snapshots[i];

        s->snapshot = chosen_snapshot(options, i);
        TRY(note_damage(&set, s, add_manifest(&set, s, out), out));
    }
    verify_set_end(&set);
    out->damaged += set.wrong;
    if (options->snapshots == NULL && out->damaged + out->unreadable == 0)
        TRY(verify_count_unused(&set, out));
    TRY(verify_set_check(&set, out));
    if (options->depth == VERIFY_DECRYPT)
        TRY(decrypt_all(&set, &refusal, out));
    TRY(give_verdicts(&set, out));
    out->is_complete = true;
    out->records = ledger_damaged(repository_ledger(options->repository));
    out->stale = set.opener != NULL ? key_opener_stale(set.opener) : 0;
    rc = judge_result(out, refusal);
out:
    out->read_objects = verify_read_count(&set);
    verify_set_clear(&set);
    return rc;
}

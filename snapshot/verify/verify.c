#include "snapshot/verify/verify.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "keyring/catalogue/key_list.h"
#include "snapshot/verify/verify_data.h"

/* Snapshots opened at once: more than a chain has by default; and the data keys of theirs after
 * which no more are opened. The secure heap has room for twice as many. */
#define OPEN_MAX 32
#define OPEN_KEYS_MAX KEY_LIST_MAX

static enum err verify_manifests(struct verify_set *set, const struct snapshot *s,
                                 struct verify_result *out)
{
    struct manifest m = {0};
    enum err rc;

    TRY(manifest_load(set->options->repository, s, &m));
    out->snapshots++;
    TRY(verify_set_add(set, &m));
out:
    manifest_clear(&m);
    return rc;
}

/* Damage is said and counted, and the next snapshot is looked at; so is what cannot be read, as
 * long as the rest can. Anything else ends the run. */
static enum err note_damage(const struct verify_set *set, const struct snapshot *s, enum err rc,
                            struct verify_result *out)
{
    if (rc != ERR_CORRUPT && !verify_is_unreadable(repository_store(set->options->repository), rc))
        return rc;
    log_say(LOG_WARN, "snapshot %s: %s", s->id, err_text());
    *(rc == ERR_CORRUPT ? &out->damaged : &out->unreadable) += 1;
    return ERR_OK;
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
static enum err open_or_note(struct verify_set *set, const struct snapshot *s,
                             struct refused *refused, struct verify_result *out)
{
    enum err rc;

    if (key_name_equal(&refused->last, &s->effective_key)) {
        out->locked++;
        return ERR_OK;
    }
    rc = verify_set_open(set, s);
    if (!is_about_keys(rc))
        return note_damage(set, s, rc, out);
    log_say(LOG_WARN, "snapshot %s: not decrypted%s: %s", s->id,
            set->options->envelope == 0 ? ", nor others of that key version" : "", err_text());
    if (refused->first == ERR_OK)
        refused->first = rc;
    if (set->options->envelope == 0)
        refused->last = s->effective_key;
    out->locked++;
    return ERR_OK;
}

static const struct snapshot *chosen_snapshot(const struct verify_options *o, size_t i)
{
    return o->snapshots != NULL ? o->snapshots[i] : &o->snapshot_list->items[i];
}

/* A chain's snapshots share most objects and follow each other: together they are read once. */
static enum err decrypt_all(struct verify_set *set, size_t count, enum err *refusal,
                            struct verify_result *out)
{
    struct refused refused = {.first = ERR_OK};
    enum err rc = ERR_OK;

    for (size_t i = 0; i < count; i++) {
        TRY(open_or_note(set, chosen_snapshot(set->options, i), &refused, out));
        if (set->reader_count == OPEN_MAX || verify_set_keys(set) > OPEN_KEYS_MAX || i + 1 == count)
            TRY(verify_set_decrypt(set, out));
    }
    *refusal = refused.first;
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
        err_hint("Snapshots that do not use them can still be restored; take a new base with "
                 "`sealpoint backup --full`.");
    } else if (r->unreadable > 0) {
        rc =
            err_set(ERR_STORAGE, "%" PRIu64 " cannot be read (each is named above)", r->unreadable);
        err_hint("look at the disk; whether they are sound is not known");
    } else if (refusal != ERR_OK) {
        rc = err_set(refusal, "%" PRIu64 " of the snapshots were not decrypted: see above",
                     r->locked);
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
    struct verify_set set = {.options = options};
    enum err refusal = ERR_OK;
    enum err rc = ERR_OK;

    *out = (struct verify_result){0};
    if (options->snapshots == NULL)
        count_unreadable(options->snapshot_list, out);
    for (size_t i = 0; i < count; i++) {
        const struct snapshot *s = chosen_snapshot(options, i);

        TRY(note_damage(&set, s, verify_manifests(&set, s, out), out));
    }
    if (options->snapshots == NULL && out->damaged + out->unreadable == 0)
        TRY(verify_count_unused(&set, out));
    TRY(verify_set_check(&set, out));
    if (options->depth == VERIFY_DECRYPT)
        TRY(decrypt_all(&set, count, &refusal, out));
    rc = judge_result(out, refusal);
out:
    verify_set_clear(&set);
    return rc;
}

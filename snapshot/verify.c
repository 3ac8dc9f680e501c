#include "snapshot/verify.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "snapshot/verify_data.h"

/* Snapshots opened at once: more than a chain has by default. */
#define OPEN_MAX 32

static enum err verify_manifests(struct verify_set *set, const struct snapshot *s,
                                 struct verify_result *out)
{
    struct manifest m = {0};
    enum err rc;

    TRY(manifest_load(set->options->ledger, s, &m));
    out->snapshots++;
    TRY(verify_set_add(set, &m));
out:
    manifest_clear(&m);
    return rc;
}

/* Damage is said and counted, and the next snapshot is looked at; anything else ends the run. */
static enum err note_damage(const struct snapshot *s, enum err rc, struct verify_result *out)
{
    if (rc != ERR_CORRUPT)
        return rc;
    log_say(LOG_WARN, "snapshot %s: %s", s->id, err_text());
    out->damaged++;
    return ERR_OK;
}

static const struct snapshot *chosen(const struct verify_options *o, size_t i)
{
    return o->snapshots != NULL ? o->snapshots[i] : &o->catalogue->items[i];
}

/* A chain's snapshots share most objects and follow each other: together they are read once. */
static enum err decrypt_all(struct verify_set *set, size_t count, struct verify_result *out)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < count; i++) {
        const struct snapshot *s = chosen(set->options, i);

        TRY(note_damage(s, verify_set_open(set, s), out));
        if (set->opened_count == OPEN_MAX || i + 1 == count)
            TRY(verify_set_decrypt(set, out));
    }
out:
    return rc;
}

enum err verify_run(const struct verify_options *options, struct verify_result *out)
{
    size_t count = options->snapshots != NULL ? options->snapshot_count : options->catalogue->count;
    struct verify_set set = {.options = options};
    enum err rc = ERR_OK;

    *out = (struct verify_result){0};
    for (size_t i = 0; i < count; i++) {
        const struct snapshot *s = chosen(options, i);

        TRY(note_damage(s, verify_manifests(&set, s, out), out));
    }
    TRY(verify_set_check(&set, out));
    if (options->depth == VERIFY_DECRYPT)
        TRY(decrypt_all(&set, count, out));
    if (out->damaged > 0) {
        rc = err_set(ERR_CORRUPT, "%" PRIu64 " damaged or missing (each is named above)",
                     out->damaged);
        err_hint("Snapshots that do not use them can still be restored; take a new base with "
                 "`sealpoint backup --full`.");
    }
out:
    verify_set_clear(&set);
    return rc;
}

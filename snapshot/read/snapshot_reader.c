#include "snapshot/read/snapshot_reader.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "snapshot/read/object_check.h"

static enum err open_keys(struct key_opener *opener, const struct snapshot *snapshot,
                          struct snapshot_reader *o, struct secret **k_meta)
{
    const struct manifest *m = &o->manifest;
    const struct secret *key = NULL;
    enum err rc;

    TRY(mem_new(m->key_count, sizeof(struct secret *), &o->k_data));
    for (size_t i = 0; i < m->key_count; i++) {
        const struct seal_context *context = &m->keys[i].context;

        TRY(key_opener_open(opener, snapshot->record, &m->keys[i], &key));
        TRY(subkey_derive(key, SUBKEY_DATA, context, &o->k_data[i]));
        if (memcmp(context->scope, m->index.scope, SEAL_ID_LEN) == 0)
            TRY(subkey_derive(key, SUBKEY_META, context, k_meta));
    }
out:
    return rc;
}

/* That it is gone is damage, and said as such. */
static enum err check_index_object(const struct snapshot_reader *o)
{
    struct object_check *check = NULL;
    enum err rc;

    TRY(object_check_new(o->store, NULL, &check));
    TRY(object_check_run(check, &o->manifest.index, false));
out:
    if (rc != ERR_OK)
        err_note("the index");
    object_check_free(check);
    return rc;
}

static enum err open_part_by(const struct repository *repository, struct key_opener *opener,
                             const struct snapshot *snapshot, struct snapshot_reader *out)
{
    struct snapshot_reader o = {.store = repository_store(repository)};
    struct secret *k_meta = NULL;
    struct object_identity identity;
    enum err rc;

    TRY(manifest_load(repository, snapshot, &o.manifest));
    TRY(open_keys(opener, snapshot, &o, &k_meta));
    log_say(LOG_DEBUG, "snapshot %s: %zu data keys opened", snapshot->id, o.manifest.key_count);
    TRY(check_index_object(&o));
    identity = manifest_identity(&o.manifest, &o.manifest.index);
    TRY(index_unseal(repository, k_meta, &identity, o.manifest.index.size,
                     o.manifest.index_plain_len, &o.index));
    TRY(manifest_matches(&o.manifest, o.index));
    *out = o;
    o = (struct snapshot_reader){0}; /* the caller's now */
out:
    secret_free(k_meta);
    snapshot_reader_clear(&o);
    return rc;
}

enum err snapshot_reader_open_by(const struct repository *repository, struct key_opener *opener,
                                 const struct snapshot *snapshot, struct snapshot_reader *out)
{
    struct snapshot_reader o = {.store = NULL};
    enum err rc;

    TRY(open_part_by(repository, opener, snapshot, &o));
    TRY(index_check(o.index));
    *out = o;
    o = (struct snapshot_reader){0}; /* the caller's now */
out:
    snapshot_reader_clear(&o);
    return rc;
}

/* One snapshot, by an opener of its own. */
typedef enum err open_by(const struct repository *repository, struct key_opener *opener,
                         const struct snapshot *snapshot, struct snapshot_reader *out);

static enum err open_one(open_by *open, const struct repository *repository,
                         struct keyring *keyring, const struct snapshot *snapshot, size_t envelope,
                         struct snapshot_reader *out)
{
    struct key_opener *opener = NULL;
    enum err rc;

    TRY(key_opener_new(keyring, repository_ledger(repository), envelope, &opener));
    TRY(open(repository, opener, snapshot, out));
out:
    key_opener_free(opener);
    return rc;
}

enum err snapshot_reader_open_part(const struct repository *repository, struct keyring *keyring,
                                   const struct snapshot *snapshot, size_t envelope,
                                   struct snapshot_reader *out)
{
    return open_one(open_part_by, repository, keyring, snapshot, envelope, out);
}

enum err snapshot_reader_open(const struct repository *repository, struct keyring *keyring,
                              const struct snapshot *snapshot, size_t envelope,
                              struct snapshot_reader *out)
{
    return open_one(snapshot_reader_open_by, repository, keyring, snapshot, envelope, out);
}

void snapshot_reader_clear(struct snapshot_reader *o)
{
    if (o->k_data != NULL)
        for (size_t i = 0; i < o->manifest.key_count; i++)
            secret_free(o->k_data[i]);
    mem_free(o->k_data);
    index_free(o->index);
    manifest_clear(&o->manifest);
    *o = (struct snapshot_reader){0};
}

#include "snapshot/backup/parent.h"

#include "core/base/log.h"
#include "keyring/catalogue/key_opener.h"
#include "snapshot/backup/index_cache.h"

void parent_clear(struct parent *p)
{
    index_free(p->index);
    manifest_clear(&p->manifest);
    *p = (struct parent){0};
}

/* A copy that is missing, damaged or of something else is no failure: there is another way. */
static enum err from_cache(const struct repository *repository, struct parent *p)
{
    enum err rc = index_cache_open(repository, p->snapshot->id, &p->manifest, &p->marks, &p->index);

    if (rc == ERR_CORRUPT)
        log_say(LOG_WARN, "%s; it is not used", err_text());
    return rc;
}

static enum err from_repository(const struct repository *repository, struct keyring *keyring,
                                struct parent *p)
{
    const struct manifest_object *o = &p->manifest.index;
    struct object_identity identity = manifest_identity(&p->manifest, o);
    struct key_opener *opener = NULL;
    const struct secret *key = NULL;
    struct secret *k_meta = NULL;
    enum err rc;

    TRY(key_opener_new(keyring, repository_ledger(repository), 0, &opener));
    TRY(key_opener_open(opener, p->snapshot->record, manifest_key(&p->manifest, o->scope), &key));
    TRY(subkey_derive(key, SUBKEY_META, &identity.context, &k_meta));
    TRY(index_unseal(repository, k_meta, &identity, o->size, p->manifest.index_plain_len,
                     &p->index));
    TRY(index_check(p->index));
    TRY(manifest_matches(&p->manifest, p->index));
out:
    key_opener_free(opener);
    secret_free(k_meta);
    return rc;
}

enum err parent_open(const struct repository *repository, struct keyring *keyring,
                     const struct snapshot *snapshot, struct parent *out)
{
    struct parent p = {.snapshot = snapshot};
    enum err rc;

    TRY(manifest_load(repository, snapshot, &p.manifest));
    TRY(manifest_apply_rewraps(repository, &p.manifest)); /* the next manifest has them as well */
    TRY(manifest_check_objects(repository, &p.manifest));
    if (from_cache(repository, &p) != ERR_OK) {
        rc = from_repository(repository, keyring, &p);
        if (rc == ERR_KEY_INVALID || rc == ERR_KEY_UNREACHABLE || rc == ERR_USAGE) {
            err_note("the parent's index is not in the cache and cannot be decrypted here");
            rc = ERR_NOT_FOUND;
        }
        TRY(rc);
    }
    *out = p;
    p = (struct parent){0}; /* the caller's now */
out:
    parent_clear(&p);
    return rc;
}

#include "cli/command/init_passphrase.h"

#include "cli/terminal.h"
#include "core/fs/file.h"
#include "core/ledger/state_files.h"
#include "keyring/admin.h"
#include "keyring/file/passphrase.h"

/* A passphrase_ask. Whoever is asked may mistype it, and is asked again: the last one is right. */
static enum err ask_and_keep(void *arg, const char *what, bool twice, struct secret **out)
{
    struct init_passphrase *p = arg;
    struct secret *got = NULL;
    enum err rc;

    TRY(terminal_passphrase(NULL, what, twice, &got));
    TRY(secret_copy(secret_bytes(got), out));
    secret_free(p->known);
    p->known = got;
    got = NULL;
out:
    secret_free(got);
    return rc;
}

/* A passphrase_ask that knows the answer. */
static enum err give_known(void *arg, const char *what, bool twice, struct secret **out)
{
    const struct init_passphrase *p = arg;

    (void)what;
    (void)twice;
    return secret_copy(secret_bytes(p->known), out);
}

/* Is the keyring of that path to be sealed, or sealed already? */
static enum err is_protected(const struct settings *s, bool *out)
{
    const struct master_key_options *key = &s->keys[0];
    struct key_versions versions = {0};
    struct keyring *ring = NULL;
    enum err rc = ERR_OK;

    *out = !settings_flag(s, OPTION_NO_PASSPHRASE) && s->key_count > 0 && key->path != NULL;
    if (!*out || !file_exists(key->path))
        goto out;
    TRY(keyring_open(key, 1, &ring));
    TRY(keyring_versions(ring, 0, &versions));
    *out = versions.is_protected;
out:
    key_versions_clear(&versions);
    keyring_free(ring);
    return rc;
}

enum err init_passphrase_get(const struct settings *s, struct init_passphrase *out)
{
    struct master_key_options *key = &out->settings.keys[0];
    struct passphrase_source from = {.file = NULL};
    bool is_needed = false;
    enum err rc;

    *out = (struct init_passphrase){.settings = *s};
    TRY(is_protected(s, &is_needed));
    if (!is_needed)
        goto out;
    key->ask = ask_and_keep;
    key->ask_arg = out;
    if (key->passphrase_file != NULL) {
        from.file = key->passphrase_file;
        TRY(passphrase_get(&from, key->path, false, &out->known));
        key->passphrase_file = NULL;
        key->ask = give_known;
    }
out:
    return rc;
}

void init_passphrase_clear(struct init_passphrase *p)
{
    secret_free(p->known);
    p->known = NULL;
}

enum err init_passphrase_of_root(const struct init_passphrase *p, struct secret **out)
{
    const struct passphrase_source own = {
        .file = settings_text(&p->settings, OPTION_ROOT_PASSPHRASE_FILE)};

    if (own.file != NULL)
        return passphrase_get(&own, STATE_ROOT_KEY, true, out);
    return p->known != NULL ? secret_copy(secret_bytes(p->known), out) : ERR_OK;
}

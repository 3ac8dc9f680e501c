#include "cli/command/init_passphrase.h"

#include "cli/terminal.h"
#include "core/ledger/state_files.h"
#include "keyring/admin.h"
#include "keyring/file/passphrase.h"

/* A passphrase_ask. A descriptor is read once. Whoever is asked may mistype it, and is asked again:
 * the last one is right. */
static enum err get_and_keep(void *arg, const char *what, bool twice, struct secret **out)
{
    struct init_passphrase *p = arg;
    const struct passphrase_source from = {.file = p->descriptor, .ask = terminal_passphrase};
    struct secret *got = NULL;
    enum err rc = ERR_OK;

    if (p->known == NULL || p->descriptor == NULL) {
        TRY(passphrase_get(&from, what, twice, &got));
        secret_free(p->known);
        p->known = got;
    }
    TRY(secret_copy(secret_bytes(p->known), out));
out:
    return rc;
}

void init_passphrase_begin(struct init_passphrase *p, const struct settings *s)
{
    struct master_key_options *key = &p->settings.keys[0];

    *p = (struct init_passphrase){.settings = *s};
    if (s->key_count == 0 || settings_flag(s, OPTION_NO_PASSPHRASE) ||
        (key->passphrase_file != NULL && !passphrase_is_descriptor(key->passphrase_file)))
        return; /* there is none, or it can be read again */
    p->descriptor = key->passphrase_file;
    key->passphrase_file = NULL;
    key->ask = get_and_keep;
    key->ask_arg = p;
}

void init_passphrase_clear(struct init_passphrase *p)
{
    secret_free(p->known);
    p->known = NULL;
}

enum err init_passphrase_of_root(struct init_passphrase *p, struct keyring *keyring,
                                 struct secret **out)
{
    const struct master_key_options *key = &p->settings.keys[0];
    struct passphrase_source from = {.file =
                                         settings_text(&p->settings, OPTION_ROOT_PASSPHRASE_FILE)};
    struct key_versions versions = {0};
    enum err rc = ERR_OK;

    if (from.file != NULL) {
        rc = passphrase_get(&from, STATE_ROOT_KEY, true, out);
        goto out;
    }
    if (p->settings.key_count == 0 || key->path == NULL)
        goto out;
    TRY(keyring_versions(keyring, 0, true, &versions));
    if (!versions.is_protected)
        goto out;
    from.file = key->passphrase_file;
    if (from.file != NULL)
        TRY(passphrase_get(&from, key->path, false, out));
    else if (p->known != NULL)
        TRY(secret_copy(secret_bytes(p->known), out));
    else
        TRY(get_and_keep(p, key->path, false, out));
out:
    key_versions_clear(&versions);
    return rc;
}

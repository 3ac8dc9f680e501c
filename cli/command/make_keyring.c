#include "cli/command/make_keyring.h"

#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/fs/file.h"
#include "keyring/admin.h"

/* The file that a passphrase for master key `i` is to be generated into; NULL: none is. */
static const char *generated_for(const struct settings *s, size_t i)
{
    const char *file = settings_text(s, OPTION_GENERATE_PASSPHRASE);
    const char *used = s->keys[i].passphrase_file;

    return file != NULL && used != NULL && strcmp(file, used) == 0 ? file : NULL;
}

/* A passphrase that is there may seal something, and a keyring that is there has its own already.
 * Both are there when `init` is repeated. */
static enum err generate(const struct settings *s, size_t i, bool *is_fresh)
{
    const char *file = generated_for(s, i);
    const char *path = s->keys[i].path;
    bool has_keyring = path != NULL && file_exists(path);
    enum err rc;

    if (file == NULL)
        return ERR_OK;
    if (has_keyring && !file_exists(file)) {
        err_set(ERR_USAGE,
                "the keyring %s already exists, and a passphrase is generated for a new "
                "one only",
                path);
        err_hint("give its own with --passphrase-file; `sealpoint key passphrase` changes it");
        return ERR_USAGE;
    }
    if (has_keyring) /* the keyring is what is reported */
        return ERR_OK;
    rc = keyring_generate_secret(file);
    if (rc == ERR_EXISTS) {
        err_set(ERR_USAGE, "the passphrase file %s already exists, and is not overwritten", file);
        err_hint(
            "if it is for this keyring, give it with --passphrase-file; else name another one");
        return ERR_USAGE;
    }
    *is_fresh = rc == ERR_OK;
    return rc;
}

enum err make_keyring(struct session *session, size_t i, struct key_name *out)
{
    const struct settings *s = session->settings;
    const char *file = generated_for(s, i);
    bool is_fresh = false;
    enum err rc;

    TRY(generate(s, i, &is_fresh));
    TRY(keyring_create(session->keyring, i, settings_flag(s, OPTION_NO_PASSPHRASE), out));
    if (is_fresh)
        log_say(LOG_INFO, "a passphrase was generated: %s", file);
out:
    /* One that seals nothing would only be in the way of the next try. */
    if (rc != ERR_OK && is_fresh && !file_exists(s->keys[i].path))
        (void)unlink(file);
    return rc;
}

void make_keyring_serve(struct session *session, size_t i)
{
    const char *fingerprint = ledger_fingerprint(session_ledger(session));

    if (keyring_serve(session->keyring, i, fingerprint) == ERR_OK)
        return;
    log_say(LOG_WARN, "the keyring does not name this repository as one that it serves: %s",
            err_text());
    err_clear();
}

void make_keyring_say_copies(void)
{
    log_say(LOG_INFO, "copy the keyring to where you keep it offline: a copy from before this "
                      "change is refused for backups");
}

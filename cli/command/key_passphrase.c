#include "cli/command/command.h"
#include "cli/command/impact.h"
#include "cli/command/key_ledger.h"
#include "cli/command/make_keyring.h"
#include "cli/describe.h"
#include "cli/print.h"
#include "core/base/log.h"
#include "keyring/admin.h"

/* Where the new passphrase comes from; NULL: it is asked for. A generated one is made now. */
static enum err choose_new(const struct settings *s, const char **out)
{
    const char *generated = settings_text(s, OPTION_GENERATE_PASSPHRASE);
    const char *file = settings_text(s, OPTION_NEW_PASSPHRASE_FILE);
    enum err rc;

    if (generated != NULL && file != NULL)
        return err_set(ERR_USAGE, "--generate-passphrase and --new-passphrase-file do not go "
                                  "together");
    *out = generated != NULL ? generated : file;
    if (generated == NULL)
        return ERR_OK;
    rc = keyring_generate_secret(generated);
    if (rc == ERR_EXISTS) {
        err_set(ERR_USAGE, "the passphrase file %s already exists, and is not overwritten",
                generated);
        err_hint("name another one");
        return ERR_USAGE;
    }
    return rc;
}

static enum err print_sealed(const struct session *session, size_t key, const char *file)
{
    const char *path = session->settings->keys[key].path;
    struct jdoc *to = NULL;
    enum err rc = ERR_OK;

    if (!settings_flag(session->settings, OPTION_JSON)) {
        print_out("keyring ");
        print_clean(path);
        print_out(" is sealed under the new passphrase\n");
        goto out;
    }
    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_set_text(to, "keyring", path));
    TRY(jdoc_set_text(to, "passphraseFile", file));
    TRY(print_json(to));
out:
    jdoc_free(to);
    return rc;
}

enum err command_key_passphrase(const struct settings *s)
{
    struct key_name unused;
    const char *file = NULL;
    struct session session;
    size_t key = 0;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    TRY(impact_choose_key(&session, &key));
    key_ledger_open(&session);
    /* The old one must open it before a new one is made. */
    TRY(keyring_active(session.keyring, key, &unused));
    TRY(choose_new(s, &file));
    TRY(keyring_passphrase(session.keyring, key, file));
    key_ledger_record(&session);
    TRY(print_sealed(&session, key, file));
    if (file != NULL)
        log_say(LOG_INFO, "from now on give it with --passphrase-file %s", file);
    log_say(LOG_WARN, "copies of the keyring keep the passphrase that they have: replace them, and "
                      "destroy the old ones if somebody may know it");
    log_say(LOG_WARN, "the root key (root-key.json), where it was sealed under the keyring's "
                      "passphrase, keeps the old one: keep that too, for --root-passphrase-file");
    make_keyring_say_copies();
out:
    session_clear(&session);
    return rc;
}

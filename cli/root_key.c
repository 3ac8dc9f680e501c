#include "cli/root_key.h"

#include <string.h>

#include "cli/terminal.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/ledger/state_files.h"
#include "keyring/file/root_key.h"

static enum err load(const char *path, const struct passphrase_source *from, struct signer **out)
{
    uint8_t public_key[ROOT_KEY_PUBLIC_LEN];
    struct secret *private = NULL;
    struct signer *s = NULL;
    enum err rc;

    TRY(root_key_load(path, from, public_key, &private));
    TRY(signer_of_private(private, &s));
    if (memcmp(signer_public(s), public_key, SIGNER_PUBLIC_LEN) != 0)
        FAIL(ERR_CORRUPT, "the root key %s: its public and its private half do not belong together",
             path);
    *out = s;
    s = NULL; /* the caller's now */
out:
    signer_free(s);
    secret_free(private);
    return rc;
}

/* A passphrase_ask that knows the answer. */
static enum err give_known(void *arg, const char *what, bool twice, struct secret **out)
{
    (void)what;
    (void)twice;
    return secret_copy(secret_bytes(arg), out);
}

enum err root_key_have(const struct session *s, const struct secret *passphrase,
                       struct signer **out, bool *is_new)
{
    const struct passphrase_source known = {.ask = passphrase != NULL ? give_known : NULL,
                                            .ask_arg = (void *)(uintptr_t)passphrase};
    char *path = NULL;
    enum err rc = ERR_NOT_FOUND;

    if (s->state_dir != NULL) {
        TRY(file_join(s->state_dir, STATE_ROOT_KEY, &path));
        rc = load(path, &known, out);
    }
    *is_new = rc == ERR_NOT_FOUND;
    if (*is_new) {
        err_clear();
        rc = signer_new(out);
    }
out:
    mem_free(path);
    return rc;
}

enum err root_key_keep(const struct signer *root, const struct secret *passphrase,
                       const char *state_dir)
{
    struct secret *private = NULL;
    char *path = NULL;
    enum err rc;

    TRY(file_join(state_dir, STATE_ROOT_KEY, &path));
    TRY(signer_private(root, &private));
    TRY(root_key_save(path, signer_public(root), private, passphrase));
out:
    mem_free(path);
    secret_free(private);
    return rc;
}

void root_key_say_where(const struct session *s)
{
    char *path = NULL;

    if (s->state_dir != NULL && file_join(s->state_dir, STATE_ROOT_KEY, &path) == ERR_OK &&
        file_exists(path))
        log_say(LOG_WARN,
                "the root key still lies in %s: move it away from this machine; who has it and its "
                "passphrase says who may write",
                path);
    mem_free(path);
}

enum err root_key_open(const struct session *s, struct signer **out)
{
    const struct settings *settings = s->settings;
    const char *given = settings_text(settings, OPTION_ROOT_KEY);
    struct passphrase_source from = {.file = settings_text(settings, OPTION_ROOT_PASSPHRASE_FILE)};
    static char option[] = "--root-passphrase-file";
    char *path = NULL;
    enum err rc;

    if (from.file == NULL && settings->key_count > 0)
        from.file = settings->keys[0].passphrase_file;
    if (!settings_flag(settings, OPTION_NO_PASSPHRASE))
        from.ask = terminal_passphrase;
    from.ask_arg = option; /* the keyring's passphrase may be another */
    if (given != NULL)
        TRY(mem_text(given, &path));
    else if (s->state_dir == NULL)
        FAIL(ERR_NOT_FOUND, "there is no state directory, where init would have left the root key");
    else
        TRY(file_join(s->state_dir, STATE_ROOT_KEY, &path));
    rc = load(path, &from, out);
    if (rc == ERR_NOT_FOUND)
        err_hint("give the root key that init made with --root-key FILE");
    if (rc == ERR_KEY_INVALID)
        err_hint("give the passphrase that it was made with: --root-passphrase-file FILE");
out:
    mem_free(path);
    return rc;
}

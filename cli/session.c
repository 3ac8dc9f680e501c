#include "cli/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"

#define REPOSITORY_TAG_LEN 8 /* bytes of the digest that name its folder */

void session_init(struct session *s, const struct settings *settings)
{
    memset(s, 0, sizeof *s);
    s->settings = settings;
}

void session_clear(struct session *s)
{
    catalogue_clear(&s->catalogue);
    ledger_free(s->ledger);
    store_free(s->store);
    keyring_free(s->keyring);
    mem_free(s->repository);
    mem_free(s->state_dir);
    memset(s, 0, sizeof *s);
}

enum err session_open_keyring(struct session *s)
{
    struct master_key_options keys[KEYRING_KEYS_MAX];
    const struct settings *from = s->settings;

    memcpy(keys, from->keys, sizeof keys);
    for (size_t i = 0; i < from->key_count; i++)
        keys[i].ask = settings_flag(from, OPTION_NO_PASSPHRASE) ? NULL : terminal_passphrase;
    return keyring_open(keys, from->key_count, &s->keyring);
}

/* The same repository must have the same name, however its path is written. */
static enum err find_canonical(const char *where, char **out)
{
    char *real = realpath(where, NULL);
    enum err rc;

    if (real == NULL)
        FAIL_SYS(ERR_STORAGE, "repository %s", where);
    TRY(mem_text(real, out));
out:
    mem_free(real);
    return rc;
}

/* "<state-dir>/repositories/<16 hex>": one folder a repository. */
static enum err find_state_dir(struct session *s)
{
    const char *base = settings_text(s->settings, OPTION_STATE_DIR);
    uint8_t digest[HASH_LEN];
    char tag[2 * REPOSITORY_TAG_LEN + 1];
    enum err rc;

    if (base == NULL) {
        err_set(ERR_USAGE, "no state directory: neither HOME nor XDG_STATE_HOME is set");
        err_hint("give --state-dir DIR");
        return ERR_USAGE;
    }
    TRY(hash_of(bytes_of_text(s->repository), digest));
    text_hex(bytes_of(digest, REPOSITORY_TAG_LEN), tag);
    TRY(mem_format(&s->state_dir, "%s/repositories/%s", base, tag));
    TRY(file_make_dirs(s->state_dir, 0700));
out:
    return rc;
}

enum err session_open_store(struct session *s, bool create)
{
    const char *where = settings_text(s->settings, OPTION_REPOSITORY);
    enum err rc;

    if (where == NULL) {
        err_set(ERR_USAGE, "no repository given");
        err_hint("give --repository DIR, or set repository in " SETTING_CONFIG_DEFAULT
                 " or SEALPOINT_REPOSITORY");
        return ERR_USAGE;
    }
    rc = store_open(where, create, &s->store);
    if (rc == ERR_NOT_FOUND)
        err_hint("\"sealpoint init\" makes a repository");
    if (rc != ERR_OK)
        goto out;
    TRY(find_canonical(where, &s->repository));
    TRY(find_state_dir(s));
out:
    return rc;
}

static void say_first_contact(const struct ledger *ledger)
{
    log_say(LOG_WARN, "first contact with this repository: nothing but itself vouches for it");
    log_say(LOG_WARN, "its fingerprint is %s", ledger_fingerprint(ledger));
    log_say(LOG_WARN, "compare that with what \"sealpoint init\" printed; on a new machine give "
                      "it with --fingerprint");
}

enum err session_open_ledger(struct session *s, bool read_all)
{
    struct ledger_options options = {.read_all = read_all};
    enum err rc;

    TRY(session_open_store(s, false));
    options.store = s->store;
    options.state_dir = s->state_dir;
    options.fingerprint = settings_text(s->settings, OPTION_FINGERPRINT);
    rc = ledger_open(&options, &s->ledger);
    if (rc == ERR_NOT_FOUND)
        err_hint("\"sealpoint init\" makes a repository");
    if (rc != ERR_OK)
        goto out;
    if (ledger_is_first_contact(s->ledger))
        say_first_contact(s->ledger);
    TRY(catalogue_read(s->ledger, &s->catalogue));
out:
    return rc;
}

void session_checkpoint(struct session *s)
{
    if (!ledger_can_append(s->ledger) || !ledger_checkpoint_is_due(s->ledger))
        return;
    if (ledger_checkpoint(s->ledger) != ERR_OK)
        log_say(LOG_WARN, "no checkpoint was written: %s", err_text());
}

enum err session_find_snapshot(struct session *s, const struct snapshot **out)
{
    return catalogue_find(&s->catalogue, session_argument(s, 0), out);
}

const char *session_argument(const struct session *s, size_t i)
{
    const struct invocation *from = s->settings->invocation;

    return i < from->argument_count ? from->arguments[i] : NULL;
}

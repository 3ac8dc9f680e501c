#include "cli/command/advice.h"
#include "cli/command/command.h"
#include "cli/command/impact.h"
#include "cli/command/key_ledger.h"
#include "cli/command/make_keyring.h"
#include "cli/describe.h"
#include "cli/print.h"
#include "core/base/log.h"

static enum err create_keyring(struct session *session, size_t i, struct key_name *out)
{
    enum err rc;

    TRY(session_make_state_base(session->settings)); /* where it lies when nothing else is said */
    rc = make_keyring(session, i, out);
    if (rc == ERR_EXISTS)
        err_hint("it is not overwritten; `sealpoint key rotate` adds a version to it, and --key N "
                 "names another of the configured master keys");
out:
    return rc;
}

static enum err print_keyring_json(const char *path, const struct key_name *name)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_set_text(to, "keyring", path));
    TRY(describe_key(to, "masterKey", name));
    TRY(print_json(to));
out:
    jdoc_free(to);
    return rc;
}

static void print_keyring(const char *path, const struct key_name *name)
{
    char key[DESCRIBE_KEY_MAX];

    describe_key_short(name, key);
    print_out("keyring      ");
    print_clean(path);
    print_out("\nmaster key   ");
    print_clean(key);
    print_out("\n");
}

/* Works without a repository, too: the keyring is none of its parts. */
enum err command_key_create(const struct settings *s)
{
    struct key_name name = {.provider = ""};
    struct session session;
    size_t key = 0;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    TRY(impact_choose_key(&session, &key));
    TRY(create_keyring(&session, key, &name));
    key_ledger_open(&session);
    if (session.repository != NULL)
        make_keyring_serve(&session, key);
    if (settings_flag(s, OPTION_JSON))
        TRY(print_keyring_json(s->keys[key].path, &name));
    else
        print_keyring(s->keys[key].path, &name);
    TRY(advice_on_keyring(&session, key, settings_text(s, OPTION_REPOSITORY)));
    log_say(LOG_INFO, "the next snapshot begins a new chain, which this key opens, too; `sealpoint "
                      "key rewrap` makes it open the snapshots that are there");
out:
    session_clear(&session);
    return rc;
}

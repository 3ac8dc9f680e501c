#include "cli/command/command.h"

#include "cli/command/advice.h"
#include "cli/command/init_passphrase.h"
#include "cli/command/make_keyring.h"
#include "cli/describe.h"
#include "cli/print.h"
#include "cli/root_key.h"
#include "cli/session.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/ledger/state_files.h"
#include "core/repository/readme.h"
#include "keyring/admin.h"

struct made {
    bool keyrings[KEYRING_KEYS_MAX]; /* made now, not found */
    struct key_name active;          /* of the first master key */
    struct init_passphrase passphrase;
    struct signer *root;            /* signs genesis */
    struct secret *root_passphrase; /* NULL: it lies bare */
    bool root_is_new;
};

/* A repository that is there is refused before a keyring is made for it. */
static enum err refuse_existing(const struct settings *s)
{
    struct session session;
    enum repository_presence presence;
    enum err rc;

    session_init(&session, s);
    rc = session_open_store(&session, false);
    if (rc == ERR_NOT_FOUND) { /* as it should be */
        rc = ERR_OK;
        goto out;
    }
    if (rc != ERR_OK)
        goto out;
    TRY(repository_look(session.store, &presence));
    if (presence == REPOSITORY_NONE)
        TRY(session_refuse_lost(&session));
    if (presence != REPOSITORY_MADE)
        goto out;
    TRY(session_look(&session));
    rc = err_set(ERR_EXISTS, "%s is already a repository", session.where);
    if (session.state_dir != NULL && !repository_has_signing_key(session.state_dir))
        session_hint_signing_key();
out:
    session_clear(&session);
    return rc;
}

static enum err make_or_use(struct session *session, size_t i, struct made *made)
{
    struct key_name unused;
    enum err rc = make_keyring(session, i, &unused);

    made->keyrings[i] = rc == ERR_OK;
    if (rc == ERR_EXISTS) {
        log_say(LOG_INFO, "the keyring %s already exists and is used",
                session->settings->keys[i].path);
        rc = ERR_OK;
    }
    return rc;
}

/* A keyring that was there was stamped by a clock, once: genesis is not signed by one that is years
 * ahead of that. */
static enum err check_clock(struct session *session, size_t i)
{
    struct key_versions versions = {.count = 0};
    int64_t newest_ms = 0;
    enum err rc;

    TRY(keyring_versions(session->keyring, i, true, &versions));
    for (size_t v = 0; v < versions.count; v++) {
        if (versions.items[v].created_ms > newest_ms)
            newest_ms = versions.items[v].created_ms;
        if (versions.items[v].changed_ms > newest_ms)
            newest_ms = versions.items[v].changed_ms;
    }
    TRY(clock_check_ahead(newest_ms, "keyring", session->settings->keys[i].path));
out:
    key_versions_clear(&versions);
    return rc;
}

/* Every master key must work now: a wrong passphrase is better found before the first backup. */
static enum err try_keys(struct session *session, struct made *made)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < keyring_count(session->keyring); i++) {
        struct key_state state;
        struct key_name active;

        TRY(keyring_active(session->keyring, i, &active));
        if (i == 0)
            made->active = active;
        if (made->keyrings[i])
            continue;
        TRY(keyring_state(session->keyring, &active, true, &state));
        TRY(key_state_require(&active, &state));
        if (session->settings->keys[i].path != NULL)
            TRY(check_clock(session, i));
    }
out:
    return rc;
}

static enum err make_keyrings(struct session *session, struct made *made)
{
    const struct settings *s = session->settings;
    enum err rc;

    TRY(session_make_state_base(s));
    TRY(session_open_keyring(session));
    for (size_t i = 0; i < s->key_count; i++)
        TRY(make_or_use(session, i, made));
    TRY(try_keys(session, made));
out:
    return rc;
}

/* Once it is known where: the state directory is named by the repository. */
static enum err keep_root(void *arg, const char *state_dir)
{
    const struct made *made = arg;

    return made->root_is_new ? root_key_keep(made->root, made->root_passphrase, state_dir) : ERR_OK;
}

static enum err make_repository(struct session *session, struct made *made)
{
    struct ledger_root root = {.keep = keep_root, .keep_arg = made};
    enum err rc;

    TRY(session_open_store(session, true));
    TRY(session_look(session)); /* a run that was killed has left its root key */
    TRY(init_passphrase_of_root(&made->passphrase, session->keyring, &made->root_passphrase));
    TRY(root_key_have(session, made->root_passphrase, &made->root, &made->root_is_new));
    root.key = made->root;
    TRY(session_create_repository(session, &root));
    TRY(readme_put(session->store));
out:
    return rc;
}

/* A keyring that was there was changed by that, and there are copies of it. */
static void serve_repository(struct session *session, const struct made *made)
{
    for (size_t i = 0; i < session->settings->key_count; i++) {
        make_keyring_serve(session, i);
        if (!made->keyrings[i])
            make_keyring_say_copies();
    }
}

static enum err say_advice(const struct session *session, const struct made *made)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < session->settings->key_count; i++)
        if (session->settings->keys[i].path != NULL)
            TRY(advice_on_keyring(session, i, session->where));
    log_say(LOG_INFO, "keep the fingerprint with them: a restore on a new machine is checked "
                      "against it");
    if (made->root_passphrase == NULL)
        log_say(LOG_WARN,
                "the root key %s/" STATE_ROOT_KEY " is unencrypted: whoever reads that file can "
                "write what he likes into this repository, and remove what he likes",
                session->state_dir);
    log_say(LOG_INFO,
            "move %s/" STATE_ROOT_KEY " away from this machine, and keep it with them: it says "
            "which machines may write (`sealpoint writer enrol`), and nothing daily needs it",
            session->state_dir);
out:
    return rc;
}

static enum err print_repository_json(const struct session *session, const struct made *made)
{
    const struct settings *s = session->settings;
    struct jdoc *to = NULL;
    char *root_key = NULL;
    enum err rc;

    TRY(file_join(session->state_dir, STATE_ROOT_KEY, &root_key));
    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_set_text(to, "repository", session->where));
    TRY(jdoc_set_hex(to, "repositoryId",
                     bytes_of(ledger_repository(session_ledger(session)), SEAL_ID_LEN)));
    TRY(jdoc_set_text(to, "fingerprint", ledger_fingerprint(session_ledger(session))));
    TRY(jdoc_set_text(to, "stateDir", session->state_dir));
    TRY(jdoc_set_text(to, "rootKey", root_key));
    TRY(jdoc_set_text(to, "keyring", s->keys[0].path));
    TRY(jdoc_set_bool(to, "keyringMade", made->keyrings[0]));
    TRY(describe_key(to, "masterKey", &made->active));
    TRY(print_json(to));
out:
    mem_free(root_key);
    jdoc_free(to);
    return rc;
}

static void print_init_row(const char *name, const char *text, const char *note)
{
    print_out("%-12s ", name);
    print_clean(text);
    print_out("%s\n", note);
}

static void print_repository(const struct session *session, const struct made *made)
{
    const struct settings *s = session->settings;
    char key[DESCRIBE_KEY_MAX];

    print_init_row("repository", session->where, "");
    print_init_row("fingerprint", ledger_fingerprint(session_ledger(session)), "");
    print_init_row("signing key", session->state_dir, " (directory)");
    print_init_row("root key", session->state_dir, "/" STATE_ROOT_KEY);
    for (size_t i = 0; i < s->key_count; i++)
        if (s->keys[i].path != NULL)
            print_init_row("keyring", s->keys[i].path, made->keyrings[i] ? " (made now)" : "");
    describe_key_short(&made->active, key);
    print_init_row("master key", key, "");
}

enum err command_init(const struct settings *s)
{
    struct made made = {0};
    struct session session;
    enum err rc;

    init_passphrase_begin(&made.passphrase, s);
    session_init(&session, &made.passphrase.settings);
    TRY(refuse_existing(s));
    TRY(make_keyrings(&session, &made));
    TRY(make_repository(&session, &made));
    serve_repository(&session, &made);
    if (settings_flag(s, OPTION_JSON))
        TRY(print_repository_json(&session, &made));
    else
        print_repository(&session, &made);
    TRY(say_advice(&session, &made));
out:
    session_clear(&session);
    signer_free(made.root);
    secret_free(made.root_passphrase);
    init_passphrase_clear(&made.passphrase);
    return rc;
}

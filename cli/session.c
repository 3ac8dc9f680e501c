#include "cli/session.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal.h"
#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/ledger/state_files.h"

#define REPOSITORY_TAG_LEN 8 /* bytes of the digest that name its directory */

void session_init(struct session *s, const struct settings *settings)
{
    memset(s, 0, sizeof *s);
    s->settings = settings;
}

void session_clear(struct session *s)
{
    snapshot_list_clear(&s->snapshot_list);
    repository_free(s->repository);
    store_free(s->store);
    keyring_free(s->keyring);
    mem_free(s->where);
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

/* The same repository must have the same name, however its path is written; what is not there
 * (its disk is not mounted) has the name it would have. */
static enum err find_canonical(const char *where, char **out)
{
    char *real = realpath(where, NULL);
    char *parent = NULL;
    char *front = NULL;
    char *slash;
    enum err rc;

    if (real != NULL) {
        TRY(mem_text(real, out));
        goto out;
    }
    if (errno != ENOENT)
        FAIL_SYS(ERR_STORAGE, "repository %s", where);
    TRY(mem_text(where, &front));
    for (size_t len = strlen(front); len > 1 && front[len - 1] == '/'; len--)
        front[len - 1] = '\0';
    slash = strrchr(front, '/');
    if (slash == NULL) {
        TRY(find_canonical(".", &parent));
        TRY(file_join(parent, front, out));
        goto out;
    }
    *slash = '\0';
    TRY(find_canonical(slash == front ? "/" : front, &parent));
    TRY(file_join(parent, slash + 1, out));
out:
    mem_free(front);
    mem_free(parent);
    mem_free(real);
    return rc;
}

/* "<state-dir>/repositories/<16 hex>": one directory a repository. */
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
    TRY(hash_of(bytes_of_text(s->where), digest));
    text_hex(bytes_of(digest, REPOSITORY_TAG_LEN), tag);
    TRY(mem_format(&s->state_dir, "%s/repositories/%s", base, tag));
out:
    return rc;
}

static enum err make_state_dir(const struct session *s)
{
    enum err rc = file_make_dirs(s->state_dir, 0700);

    if (rc != ERR_OK) {
        err_note("state directory");
        err_hint("--state-dir DIR names one that can be written");
    }
    return rc;
}

enum err session_refuse_unmounted(const struct session *s)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];

    if (!repository_seen(s->state_dir, fingerprint))
        return ERR_OK;
    (void)err_set(ERR_STORAGE,
                  "there is no repository in %s, and this machine has used it before: is its "
                  "disk mounted?",
                  s->where);
    err_hint("if it is gone for good, move %s away", s->state_dir);
    return ERR_STORAGE;
}

/* The directory of the state directory that has seen this repository under another path; *out is
 * NULL when there is none. Owned by the caller. */
static enum err find_moved(const struct session *s, char **out)
{
    char *base = NULL;
    DIR *dir = NULL;
    struct dirent *entry;
    enum err rc;

    TRY(mem_format(&base, "%s/repositories", settings_text(s->settings, OPTION_STATE_DIR)));
    dir = opendir(base);
    while (dir != NULL && *out == NULL && (entry = readdir(dir)) != NULL) {
        char seen[LEDGER_FINGERPRINT_LEN + 1];
        char *path = NULL;

        if (entry->d_name[0] == '.')
            continue;
        TRY(file_join(base, entry->d_name, &path));
        if (strcmp(path, s->state_dir) != 0 && repository_seen(path, seen) &&
            strcmp(seen, ledger_fingerprint(session_ledger(s))) == 0) {
            *out = path;
            path = NULL; /* the caller's now */
        }
        mem_free(path);
    }
out:
    if (dir != NULL)
        closedir(dir);
    mem_free(base);
    return rc;
}

void session_hint_signing_key(const struct session *s)
{
    struct err_record failure;
    char *moved = NULL;
    enum err rc;

    err_take(ERR_FAILED, &failure); /* what is said below comes behind it */
    rc = s->repository != NULL ? find_moved(s, &moved) : ERR_OK;
    (void)err_give(&failure);
    if (rc == ERR_OK && moved != NULL)
        err_hint("this machine knows the repository from another path: was it moved? Then move %s "
                 "away, and rename %s to it",
                 s->state_dir, moved);
    else
        err_hint("to back up from here, put the copy of its " STATE_SIGNING_KEY " into %s",
                 s->state_dir);
    mem_free(moved);
}

static enum err require_repository(const struct session *s, const char **where)
{
    *where = settings_text(s->settings, OPTION_REPOSITORY);
    if (*where != NULL)
        return ERR_OK;
    err_set(ERR_USAGE, "no repository given");
    err_hint("give --repository DIR, or set repository in " SETTING_CONFIG_DEFAULT
             " or SEALPOINT_REPOSITORY");
    return ERR_USAGE;
}

enum err session_locate(struct session *s)
{
    const char *where = NULL;
    enum err rc;

    TRY(require_repository(s, &where));
    TRY(find_canonical(where, &s->where));
    TRY(find_state_dir(s));
out:
    return rc;
}

bool session_is_known(const struct session *s)
{
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];

    return repository_seen(s->state_dir, fingerprint);
}

/* No directory is there: never was, or its disk is not mounted. */
static enum err fail_missing(struct session *s, const char *where)
{
    enum err rc;

    TRY(session_locate(s));
    TRY(session_refuse_unmounted(s));
    rc = err_set(ERR_NOT_FOUND, "%s is not there", where);
    err_hint("`sealpoint init` creates a repository");
out:
    return rc;
}

enum err session_open_store(struct session *s, bool create)
{
    const char *where = NULL;
    enum err rc;

    TRY(require_repository(s, &where));
    rc = store_open(where, create, &s->store);
    if (rc == ERR_NOT_FOUND) {
        rc = fail_missing(s, where);
        goto out;
    }
    TRY(rc);
    TRY(session_locate(s));
    TRY(make_state_dir(s));
out:
    return rc;
}

static void warn_trust_on_first_use(const struct ledger *ledger)
{
    log_say(LOG_WARN, "identity not verified: this repository is trusted on first use");
    log_say(LOG_WARN, "its fingerprint is %s", ledger_fingerprint(ledger));
    log_say(LOG_WARN, "compare that with what `sealpoint init` printed; on a new machine give it "
                      "with --fingerprint");
}

/* Whoever asks for the latest must hear that a later one was passed over. */
static void say_damaged(const struct snapshot_list *list)
{
    if (list->damaged_count > 0)
        log_say(LOG_WARN, "%zu snapshot record%s damaged and left out: `sealpoint verify` says why",
                list->damaged_count, list->damaged_count == 1 ? " is" : "s are");
}

enum err session_open_repository(struct session *s, bool read_all)
{
    struct repository_options options = {.read_all = read_all};
    struct ledger *ledger;
    enum err rc;

    TRY(session_open_store(s, false));
    options.store = s->store;
    options.state_dir = s->state_dir;
    options.fingerprint = settings_text(s->settings, OPTION_FINGERPRINT);
    rc = repository_open(&options, &s->repository);
    if (rc == ERR_CORRUPT && repository_is_vacant(s->store)) {
        TRY(session_refuse_unmounted(s));
        rc = ERR_CORRUPT;
    }
    if (rc == ERR_NOT_FOUND)
        err_hint("`sealpoint init` creates a repository");
    TRY(rc);
    ledger = session_ledger(s);
    if (ledger_is_trusted_on_first_use(ledger))
        warn_trust_on_first_use(ledger);
    TRY(snapshot_list_read(ledger, &s->snapshot_list));
    say_damaged(&s->snapshot_list);
out:
    return rc;
}

struct ledger *session_ledger(const struct session *s)
{
    return s->repository != NULL ? repository_ledger(s->repository) : NULL;
}

void session_checkpoint(struct session *s)
{
    struct ledger *ledger = session_ledger(s);

    if (ledger == NULL || !ledger_can_append(ledger) || !ledger_checkpoint_is_due(ledger))
        return;
    if (ledger_checkpoint(ledger) != ERR_OK)
        log_say(LOG_WARN, "no checkpoint was written: %s", err_text());
}

static void warn_of_attention(const struct snapshot_list *list, const struct snapshot *found,
                              bool is_latest)
{
    const struct snapshot *whole = snapshot_list_newest_whole(list);
    char text[SNAPSHOT_ATTENTION_TEXT_MAX];
    char time[CLOCK_TEXT_LEN + 1];

    snapshot_attention_text(&found->attention, text);
    log_say(LOG_WARN, "snapshot %s needs attention: %s", found->id, text);
    if (!is_latest || !snapshot_attention_is_torn(&found->attention))
        return;
    if (whole == NULL) {
        log_say(LOG_WARN, "no snapshot is without files that changed or vanished while they were "
                          "read");
        return;
    }
    clock_text(whole->created_ms, time);
    log_say(LOG_WARN, "the newest snapshot without files that changed or vanished is %s, of %s",
            whole->id, time);
}

enum err session_find_snapshot(struct session *s, const struct snapshot **out)
{
    const char *name = session_argument(s, 0);
    enum err rc;

    TRY(snapshot_list_find(&s->snapshot_list, name, out));
    if (snapshot_attention_count(&(*out)->attention) > 0)
        warn_of_attention(&s->snapshot_list, *out, strcmp(name, "latest") == 0);
out:
    return rc;
}

const char *session_argument(const struct session *s, size_t i)
{
    const struct invocation *from = s->settings->invocation;

    return i < from->argument_count ? from->arguments[i] : NULL;
}

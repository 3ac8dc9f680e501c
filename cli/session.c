#include "cli/session.h"

#include <string.h>
#include <unistd.h>

#include "cli/terminal.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/ledger/state_files.h"
#include "keyring/catalogue/key_query.h"

/*
 * Opening a repository for a command.
 *
 * - Places. The path as it was configured, and without its links; which repository each has shown
 *   before (session_place.c).
 * - Look. Which repository does the store show? Nothing of it is believed yet.
 * - Identify. It is the one that is pinned or was there before, or somebody has said that it may be
 *   another; and this machine knows it, or its
 *   keyring or a report names it, or somebody has said that it may be new. Until here nothing is
 * made, so that a wrong word leaves nothing behind.
 * - Open. With the state of the repository that it claims to be, which lies under its fingerprint:
 *   so what was seen of it comes along, whatever the path, and another one that claims to be it is
 *   refused.
 * - Remember what the places show.
 */
#define PROBE_LEN ((size_t)4 * KIB)

void session_init(struct session *s, const struct settings *settings)
{
    memset(s, 0, sizeof *s);
    s->settings = settings;
    s->pinned = settings_text(settings, OPTION_FINGERPRINT);
}

void session_clear(struct session *s)
{
    snapshot_list_clear(&s->snapshot_list);
    repository_free(s->repository);
    store_free(s->store);
    keyring_free(s->keyring);
    mem_free(s->given);
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
        if (keys[i].ask == NULL && !settings_flag(from, OPTION_NO_PASSPHRASE))
            keys[i].ask = terminal_passphrase;
    return keyring_open(keys, from->key_count, &s->keyring);
}

/* The way out belongs to every failure of the state directory. */
static enum err note_state_dir(enum err rc, const char *dir)
{
    struct err_record failure;

    if (rc == ERR_OK || rc == ERR_INTERRUPTED)
        return rc;
    err_note("state directory %s", dir);
    err_hint("--state-dir DIR names one that can be written");
    err_take(ERR_STORAGE, &failure);
    return err_give(&failure);
}

static enum err make_state_dir(const char *dir)
{
    return note_state_dir(file_make_dirs(dir, 0700), dir);
}

enum err session_make_state_base(const struct settings *settings)
{
    const char *base = settings_text(settings, OPTION_STATE_DIR);

    return base != NULL ? make_state_dir(base) : ERR_OK;
}

static bool may_be_new(const struct session *s)
{
    return settings_flag(s->settings, OPTION_TRUST_NEW);
}

static enum err say_unmounted(const struct session *s)
{
    (void)err_set(ERR_STORAGE,
                  "there is no repository in %s, and this machine has used it before: is its "
                  "disk mounted?",
                  s->given);
    err_hint("if it is gone for good and another is to take its place, give --trust-new");
    return ERR_STORAGE;
}

enum err session_refuse_lost(const struct session *s)
{
    const struct location *was = s->at_given.known ? &s->at_given : &s->at_where;

    if (!was->known || may_be_new(s))
        return ERR_OK;
    if (was->is_mount_point && repository_is_vacant(s->store) && !location_is_mount_point(s->where))
        return say_unmounted(s);
    (void)err_set(ERR_CORRUPT,
                  "%s: the repository %s was here, and now there is none: it was deleted, or its "
                  "place was taken",
                  s->given, was->shown.fingerprint);
    err_hint("find out what happened; if it is gone for good and another is to take its place, "
             "give --trust-new");
    return ERR_CORRUPT;
}

void session_hint_signing_key(void)
{
    err_hint("to back up from here, `sealpoint writer request` asks for a right of its own");
}

/* Who reads, or says which one it must be, knows of one that was made: its disk is not mounted, or
 * the path is another. Only a first backup may be meant for one that is still to be made. */
static void hint_missing(const struct session *s)
{
    if (s->pinned != NULL || s->reported != NULL ||
        command_id(s->settings->invocation->command) != COMMAND_BACKUP)
        err_hint("is its disk mounted, and is that the path?");
    else
        err_hint("is its disk mounted? `sealpoint init` creates a new repository, once");
}

/* No directory is there: never was, or its disk is not mounted. */
static enum err fail_missing(struct session *s, const char *where)
{
    enum err rc;

    TRY(session_locate(s));
    if ((s->at_given.known || s->at_where.known) && !may_be_new(s)) {
        rc = say_unmounted(s);
        goto out;
    }
    rc = err_set(ERR_NOT_FOUND, "%s is not there", where);
    hint_missing(s);
out:
    return rc;
}

enum err session_open_store(struct session *s, bool create)
{
    const char *where = settings_text(s->settings, OPTION_REPOSITORY);
    enum err rc;

    if (where == NULL) {
        rc = session_locate(s); /* says so */
        goto out;
    }
    rc = store_open(where, create, &s->store);
    if (rc == ERR_NOT_FOUND) {
        rc = fail_missing(s, where);
        goto out;
    }
    TRY(rc);
    TRY(session_locate(s));
out:
    return rc;
}

enum err session_look(struct session *s)
{
    const struct location *was = s->at_given.known ? &s->at_given : &s->at_where;
    char shown[LEDGER_FINGERPRINT_LEN + 1];
    enum err rc;

    TRY(ledger_look(s->store, was->known ? &was->shown : NULL, shown));
    memcpy(s->shown, shown, sizeof shown);
    if (s->pinned != NULL)
        TRY(session_mean(s, s->pinned));
    else if (*shown != '\0')
        TRY(session_mean(s, shown));
    else if (may_be_new(s)) /* whatever was there before */
        TRY(session_mean(s, ""));
out:
    return rc;
}

/* Nothing says which repository it is: there is none, or genesis is only in a bundle. Without a
 * state the ledger is as good as with one, and says either. */
static enum err look_closely(struct session *s)
{
    struct repository_options options = {.store = s->store};
    struct repository *repository = NULL;
    enum err rc;

    TRY(repository_open(&options, &repository));
    memcpy(s->shown, ledger_fingerprint(repository_ledger(repository)), sizeof s->shown);
    TRY(session_mean(s, s->shown));
out:
    repository_free(repository);
    return rc;
}

/* The machine has not seen this repository, but the keyring may have been told of it by the one
 * that made it. One that names several does not say which of them should be here: somebody may have
 * put another one, or one long given up, in its place. A keyring that cannot be opened says
 * nothing; its first use says why. */
static enum err ask_keyring(struct session *s, enum keyring_service *out)
{
    enum keyring_service said = KEYRING_NAMES_NONE;

    *out = KEYRING_NAMES_NONE;
    if (s->keyring == NULL || keyring_serves(s->keyring, s->fingerprint, &said) != ERR_OK) {
        err_clear();
        return ERR_OK;
    }
    *out = said;
    if (said != KEYRING_NAMES_OTHERS || settings_flag(s->settings, OPTION_NEW_KEYRING))
        return ERR_OK;
    err_set(ERR_CORRUPT,
            "%s is not one of the repositories that the keyring serves: its fingerprint is %s",
            s->where, s->fingerprint);
    err_hint("if it is the right one, give that with --fingerprint");
    return ERR_CORRUPT;
}

/* A person at a terminal reads what is said below; a job of cron believes nothing on its own. Where
 * a key to sign with was put under that fingerprint, by init or by hand, somebody has said so: init
 * may have been killed after the last record and before it remembered it. */
static enum err check_first_use(struct session *s)
{
    enum keyring_service said = KEYRING_NAMES_NONE;
    enum err rc = ERR_OK;

    if (s->pinned != NULL || s->reported != NULL || repository_is_remembered(s->state_dir))
        goto out;
    TRY(ask_keyring(s, &said));
    if (said == KEYRING_NAMES_IT) {
        log_say(LOG_INFO, "the keyring names this repository as one that it serves");
        goto out;
    }
    if (may_be_new(s) || isatty(STDERR_FILENO)) {
        s->is_trusted_on_first_use = true;
        goto out;
    }
    rc = err_set(ERR_USAGE,
                 "%s: this machine has never seen this repository%s; its fingerprint is %s",
                 s->given,
                 said == KEYRING_NAMES_IT_TOO
                     ? ", and the keyring names it as one of several, any of which may be meant"
                     : "",
                 s->fingerprint);
    err_hint("compare that with what `sealpoint init` printed, and give it with --fingerprint; or "
             "trust what is there with --trust-new");
out:
    return rc;
}

static void warn_trust_on_first_use(const struct session *s)
{
    if (!s->is_trusted_on_first_use)
        return;
    log_say(LOG_WARN, "identity not verified: this repository is trusted on first use");
    log_say(LOG_WARN, "its fingerprint is %s", s->fingerprint);
    log_say(LOG_WARN, "compare that with what `sealpoint init` printed; on a new machine give it "
                      "with --fingerprint");
}

/* Before anything is written anywhere: a backup that cannot keep its journal must not begin. */
static enum err try_writing(const char *dir)
{
    static const uint8_t block[PROBE_LEN];
    int fd = -1;
    enum err rc;

    TRY(file_temporary(dir, &fd));
    TRY(file_write(fd, bytes_of(block, sizeof block)));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

/* What the places show must be remembered, too. */
static enum err have_locations(const struct settings *settings)
{
    char *dir = NULL;
    enum err rc;

    TRY(mem_format(&dir, "%s/" STATE_LOCATIONS, settings_text(settings, OPTION_STATE_DIR)));
    TRY(make_state_dir(dir));
    TRY(note_state_dir(try_writing(dir), dir));
out:
    mem_free(dir);
    return rc;
}

/* Who only reads can do without: what was seen is compared if it can be read, and not kept. */
static enum err have_state_dir(struct session *s, enum session_use use)
{
    enum err rc = file_make_dirs(s->state_dir, 0700);

    if (rc == ERR_OK && use == SESSION_WRITE)
        rc = try_writing(s->state_dir);
    if (use == SESSION_WRITE && rc == ERR_OK)
        return have_locations(s->settings);
    if (rc == ERR_OK || rc == ERR_INTERRUPTED)
        return rc;
    if (use == SESSION_WRITE)
        return note_state_dir(rc, s->state_dir);
    log_say(LOG_WARN, "state directory %s: %s", s->state_dir, err_text());
    log_say(LOG_WARN, "it is done without: what is seen of the repository is not remembered, so "
                      "that a rollback of the store may go unnoticed; --state-dir DIR names one "
                      "that can be written");
    err_clear();
    mem_free(s->state_dir);
    s->state_dir = NULL;
    return ERR_OK;
}

/* A fingerprint that is given, or that of a report, is the one that must be shown. */
static enum err check_expected(const struct session *s)
{
    const char *expected = s->pinned != NULL ? s->pinned : s->reported;
    const char *found = *s->shown != '\0' ? s->shown : s->fingerprint;

    if (expected == NULL || strcmp(found, expected) == 0)
        return ERR_OK;
    return err_set(
        ERR_CORRUPT,
        "%s: its fingerprint is %s, and not %s as %s: this is another repository, or one "
        "that was put in its place",
        store_where(s->store), found, expected,
        s->pinned != NULL ? "was given" : "the report says");
}

/* Which repository is it, and may it be that one? */
static enum err identify(struct session *s)
{
    enum repository_presence presence;
    enum err rc;

    TRY(session_look(s));
    if (*s->shown == '\0') {
        TRY(repository_look(s->store, &presence));
        if (presence == REPOSITORY_NONE)
            TRY(session_refuse_lost(s));
    }
    if (*s->fingerprint == '\0')
        TRY(look_closely(s));
    TRY(session_check_places(s));
    TRY(check_expected(s));
    TRY(check_first_use(s));
out:
    return rc;
}

bool session_has_several_writers(const struct session *s)
{
    const struct ledger *ledger = session_ledger(s);

    return ledger != NULL && ledger_writers(ledger)->count > 1;
}

bool session_is_expired(const struct session *s)
{
    int64_t expires_ms = ledger_checkpoint_expiry(session_ledger(s));

    return expires_ms != 0 && expires_ms < clock_now_ms();
}

/* The writers have promised to come before that. */
static void warn_expired(const struct session *s)
{
    char time[CLOCK_TEXT_LEN + 1];

    if (!session_is_expired(s))
        return;
    clock_text(ledger_checkpoint_expiry(session_ledger(s)), time);
    log_say(LOG_WARN,
            "the newest checkpoint expired at %s: nothing was written since, or the repository is "
            "shown as it was before",
            time);
}

/* Whoever asks for the latest must hear that a later one was passed over. */
static void say_damaged(const struct snapshot_list *list)
{
    if (list->damaged_count > 0)
        log_say(LOG_WARN, "%zu snapshot record%s damaged and left out: `sealpoint verify` says why",
                list->damaged_count, list->damaged_count == 1 ? " is" : "s are");
}

/* What the ledger knows of the keyring, for the keyring to compare with itself. */
static void remind_keyring(struct session *s)
{
    struct keyring_witness witness = key_query_witness(session_ledger(s));

    if (s->keyring != NULL)
        keyring_remind(s->keyring, &witness);
}

enum err session_open_repository(struct session *s, enum session_use use)
{
    struct repository_options options = {.read_all = use == SESSION_READ_ALL};
    enum err rc;

    TRY(session_open_store(s, false));
    rc = identify(s);
    if (rc == ERR_NOT_FOUND)
        hint_missing(s);
    TRY(rc);
    TRY(have_state_dir(s, use));
    options.store = s->store;
    options.state_dir = s->state_dir;
    options.fingerprint = s->fingerprint;
    options.report = s->report;
    options.checkpoint_life_ms = settings_duration_ms(s->settings, OPTION_CHECKPOINT_EXPIRY);
    rc = repository_open(&options, &s->repository);
    if (rc == ERR_NOT_FOUND)
        hint_missing(s);
    TRY(rc);
    warn_trust_on_first_use(s);
    TRY(session_keep_places(s));
    remind_keyring(s);
    if (use != SESSION_WRITE)
        warn_expired(s);
    TRY(snapshot_list_read(session_ledger(s), &s->snapshot_list));
    say_damaged(&s->snapshot_list);
out:
    return rc;
}

enum err session_create_repository(struct session *s, const struct ledger_root *root)
{
    struct repository_options options = {0};
    char *states = NULL;
    enum err rc;

    if (s->store == NULL)
        TRY(session_open_store(s, true));
    TRY(mem_format(&states, "%s/" STATE_REPOSITORIES,
                   settings_text(s->settings, OPTION_STATE_DIR)));
    TRY(make_state_dir(states));
    TRY(note_state_dir(try_writing(states), states));
    TRY(have_locations(s->settings));
    options.store = s->store;
    options.states = states;
    options.fingerprint = s->pinned;
    options.root = *root;
    TRY(repository_create(&options, &s->repository));
    TRY(session_mean(s, ledger_fingerprint(session_ledger(s))));
    TRY(session_keep_places(s));
out:
    mem_free(states);
    return rc;
}

struct ledger *session_ledger(const struct session *s)
{
    return s->repository != NULL ? repository_ledger(s->repository) : NULL;
}

void session_checkpoint(struct session *s)
{
    struct ledger *ledger = session_ledger(s);

    if (ledger == NULL || !ledger_can_append(ledger, RECORD_CHECKPOINT) ||
        !ledger_checkpoint_is_due(ledger))
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

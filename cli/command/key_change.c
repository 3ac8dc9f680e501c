#include <string.h>

#include "cli/command/command.h"
#include "cli/command/impact.h"
#include "cli/command/key_ledger.h"
#include "cli/command/make_keyring.h"
#include "cli/describe.h"
#include "cli/print.h"
#include "cli/terminal.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "keyring/catalogue/rewrap.h"

/* One row for each of the four changes of a version's state. */
struct change {
    enum key_action action;
    bool is_asked; /* says first what depends on the version, and asks */
    const char *question;
};

/* The repository, when one is configured; without it nothing can be said of what depends on a
 * version. With --yes a repository out of reach does not keep a key from being withdrawn. */
static enum err open_repository_if_any(struct session *session)
{
    const struct settings *s = session->settings;
    enum err rc;

    if (settings_text(s, OPTION_REPOSITORY) == NULL) {
        log_say(LOG_WARN, "no repository is given: what depends on this version is not known");
        return ERR_OK;
    }
    rc = session_open_repository(session, SESSION_READ);
    if (rc == ERR_OK || !settings_flag(s, OPTION_YES))
        return rc;
    log_say(LOG_WARN, "what depends on this version is not known: %s", err_text());
    key_ledger_close(session);
    return ERR_OK;
}

static enum err confirm_change(struct session *session, const struct change *change,
                               const struct key_name *name)
{
    char *question = NULL;
    enum err rc = ERR_OK;

    if (!change->is_asked)
        goto out;
    if (session->repository != NULL)
        TRY(impact_warn(session, name));
    if (settings_flag(session->settings, OPTION_YES))
        goto out;
    TRY(mem_format(&question, "%s master-key version %s?", change->question, name->version));
    TRY(terminal_confirm(question, "--yes"));
out:
    mem_free(question);
    return rc;
}

static enum err print_changed_json(const struct key_name *name, const struct key_version *v)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(describe_key(to, "masterKey", name));
    TRY(jdoc_set_text(to, "state", v->state));
    TRY(jdoc_set_bool(to, "active", v->is_active));
    TRY(describe_time(to, "stateChangedAt", v->changed_ms));
    TRY(describe_time(to, "deletionDate", v->deletion_ms));
    TRY(print_json(to));
out:
    jdoc_free(to);
    return rc;
}

static void print_changed(const struct key_version *v)
{
    char time[CLOCK_TEXT_LEN + 1];

    print_out("version %s is %s", v->version, v->state);
    if (v->deletion_ms != 0) {
        clock_text(v->deletion_ms, time);
        print_out("; its key material is destroyed at %s", time);
    }
    print_out("\n");
    if (v->is_active && strcmp(v->state, "enabled") != 0)
        log_say(LOG_WARN, "it is the active version: no backup is possible until it is enabled or "
                          "`sealpoint key rotate` makes another active");
}

static enum err change_version(const struct settings *s, const struct change *change)
{
    struct key_version after = {0};
    struct key_name name;
    struct session session;
    size_t key = 0;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    TRY(impact_choose_key(&session, &key));
    TRY(impact_name(&session, key, session_argument(&session, 0), &name));
    TRY(open_repository_if_any(&session));
    TRY(confirm_change(&session, change, &name));
    TRY(keyring_act(session.keyring, key, change->action, name.version,
                    settings_number(s, OPTION_DAYS), &after));
    if (settings_flag(s, OPTION_JSON))
        TRY(print_changed_json(&name, &after));
    else
        print_changed(&after);
    key_ledger_record(&session);
    make_keyring_say_copies();
out:
    session_clear(&session);
    return rc;
}

enum err command_key_disable(const struct settings *s)
{
    static const struct change change = {KEY_DISABLE, true, "Disable"};

    return change_version(s, &change);
}

enum err command_key_enable(const struct settings *s)
{
    static const struct change change = {KEY_ENABLE, false, NULL};

    return change_version(s, &change);
}

enum err command_key_schedule_deletion(const struct settings *s)
{
    static const struct change change = {KEY_SCHEDULE_DELETION, true, "Schedule the deletion of"};

    return change_version(s, &change);
}

enum err command_key_cancel_deletion(const struct settings *s)
{
    static const struct change change = {KEY_CANCEL_DELETION, false, NULL};

    return change_version(s, &change);
}

/* Purging. */

/* Ledger and clock must agree on what day it is: what is destroyed by a wrong clock is gone. */
static enum err require_clock(const struct session *session)
{
    const struct ledger *ledger = session_ledger(session);
    int64_t newest_ms = ledger_newest_ms(ledger);
    int64_t ahead_ms = clock_now_ms() - newest_ms;
    char time[CLOCK_TEXT_LEN + 1];
    enum err rc = ledger_check_clock(ledger);

    if (rc != ERR_OK)
        return rc;
    if (ahead_ms < CLOCK_AHEAD_DAYS_DOUBTED * CLOCK_DAY_MS ||
        settings_flag(session->settings, OPTION_CLOCK_IS_RIGHT))
        return ERR_OK;
    clock_text(newest_ms, time);
    err_set(ERR_FAILED,
            "the clock is %d days or more ahead of the repository's newest record, of %s: nothing "
            "is destroyed",
            CLOCK_AHEAD_DAYS_DOUBTED, time);
    err_hint("put the clock right, or take a backup first; if the clock is right, give "
             "--clock-is-right");
    return ERR_FAILED;
}

static bool is_due(const struct key_version *v)
{
    return v->has_key && strcmp(v->state, "destroyed") == 0 && v->deletion_ms <= clock_now_ms();
}

static enum err confirm_purge(struct session *session, const struct key_versions *versions,
                              size_t *count)
{
    struct key_name name = versions->active;
    enum err rc = ERR_OK;

    *count = 0;
    name.commitment[0] = '\0'; /* that of the active version */
    for (size_t i = 0; i < versions->count; i++) {
        if (!is_due(&versions->items[i]))
            continue;
        memcpy(name.version, versions->items[i].version, sizeof name.version);
        TRY(impact_warn(session, &name));
        *count += 1;
    }
    if (*count > 0 && !settings_flag(session->settings, OPTION_YES))
        TRY(terminal_confirm("Destroy the key material of these versions?", "--yes"));
out:
    return rc;
}

static enum err print_purged(const struct settings *s, const struct key_versions *versions)
{
    struct jdoc *to = NULL;
    struct jdoc *list = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_array(&list));
    for (size_t i = 0; i < versions->count; i++) {
        if (!is_due(&versions->items[i]))
            continue;
        TRY(jdoc_push_text(list, versions->items[i].version));
        if (!settings_flag(s, OPTION_JSON))
            print_out("version %s: its key material is destroyed\n", versions->items[i].version);
    }
    TRY(jdoc_set(to, "destroyed", &list));
    if (settings_flag(s, OPTION_JSON))
        TRY(print_json(to));
out:
    jdoc_free(list);
    jdoc_free(to);
    return rc;
}

enum err command_key_purge(const struct settings *s)
{
    struct key_versions versions = {.count = 0};
    struct key_name unused;
    struct session session;
    size_t count = 0;
    size_t key = 0;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    TRY(impact_choose_key(&session, &key));
    TRY(session_open_repository(&session, SESSION_READ));
    TRY(require_clock(&session));
    TRY(keyring_active(session.keyring, key, &unused)); /* only a checked keyring is listed */
    TRY(keyring_versions(session.keyring, key, true, &versions));
    TRY(confirm_purge(&session, &versions, &count));
    if (count > 0)
        TRY(keyring_purge(session.keyring, key));
    else
        log_say(LOG_INFO, "no key version is past its deletion date");
    TRY(print_purged(s, &versions));
    if (count == 0)
        goto out;
    key_ledger_record(&session);
    make_keyring_say_copies();
out:
    key_versions_clear(&versions);
    session_clear(&session);
    return rc;
}

static enum err print_rotated_json(const struct key_name *name)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(describe_key(to, "masterKey", name));
    TRY(print_json(to));
out:
    jdoc_free(to);
    return rc;
}

enum err command_key_rotate(const struct settings *s)
{
    struct key_name name;
    struct session session;
    size_t key = 0;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    TRY(impact_choose_key(&session, &key));
    key_ledger_open(&session);
    TRY(keyring_rotate(session.keyring, key, &name));
    key_ledger_record(&session);
    if (settings_flag(s, OPTION_JSON)) {
        TRY(print_rotated_json(&name));
        goto out;
    }
    print_out("version %s is active now\n", name.version);
    log_say(LOG_INFO, "older versions stay enabled: snapshots that recorded them need them; the "
                      "next snapshot is a full base");
    make_keyring_say_copies();
out:
    session_clear(&session);
    return rc;
}

static enum err print_rewrapped_json(const struct rewrap_result *result)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_set_number(to, "dataKeys", result->scopes));
    TRY(jdoc_set_number(to, "current", result->current));
    TRY(jdoc_set_number(to, "rewrapped", result->done));
    TRY(jdoc_set_number(to, "refused", result->refused));
    TRY(print_json(to));
out:
    jdoc_free(to);
    return rc;
}

static enum err print_rewrapped(const struct settings *s, const struct rewrap_result *result)
{
    if (settings_flag(s, OPTION_JSON))
        return print_rewrapped_json(result);
    print_count(result->scopes, "data key");
    print_out(": %zu current, %zu %s, %zu refused\n", result->current, result->done,
              settings_flag(s, OPTION_DRY_RUN) ? "to be rewrapped" : "rewrapped", result->refused);
    return ERR_OK;
}

enum err command_key_rewrap(const struct settings *s)
{
    struct rewrap_options options = {
        .envelope = (size_t)settings_number(s, OPTION_ENVELOPE),
        .dry_run = settings_flag(s, OPTION_DRY_RUN),
    };
    struct rewrap_result result = {0};
    struct err_record done = {0};
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    TRY(session_open_repository(&session, options.dry_run ? SESSION_READ : SESSION_WRITE));
    options.ledger = session_ledger(&session);
    options.keyring = session.keyring;
    rc = rewrap_run(&options, &result);
    err_take(rc, &done);
    /* What could be done is done and said, whatever refused the rest. */
    if (rc == ERR_OK || rc == ERR_KEY_INVALID || rc == ERR_KEY_UNREACHABLE) {
        session_checkpoint(&session);
        TRY(print_rewrapped(s, &result));
    }
    rc = err_give(&done);
out:
    session_clear(&session);
    return rc;
}

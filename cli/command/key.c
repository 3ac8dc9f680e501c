#include "cli/command/command.h"
#include <string.h>

#include "cli/command/impact.h"
#include "cli/describe.h"
#include "cli/list.h"
#include "cli/print.h"
#include "keyring/catalogue/check.h"
#include "keyring/catalogue/impact.h"

static enum err version_json(const struct key_versions *of, const struct key_version *version,
                             struct jdoc **out)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_text(to, "provider", of->active.provider));
    TRY(jdoc_set_text(to, "keyId", of->active.key_id));
    TRY(jdoc_set_text(to, "keyVersion", version->version));
    TRY(jdoc_set_text(to, "state", version->state));
    TRY(jdoc_set_bool(to, "active", version->is_active));
    TRY(jdoc_set_bool(to, "verified", of->is_verified));
    TRY(jdoc_set_time(to, "createdAt", version->created_ms));
    TRY(describe_time(to, "stateChangedAt", version->changed_ms));
    TRY(describe_time(to, "deletionDate", version->deletion_ms));
    *out = to;
    to = NULL; /* the caller's now */
out:
    jdoc_free(to);
    return rc;
}

static enum err print_versions_json(const struct key_versions *versions)
{
    struct jdoc *item = NULL;
    struct list list;
    enum err rc = ERR_OK;

    list_begin(&list, versions->count);
    for (size_t i = 0; i < versions->count; i++) {
        TRY(version_json(versions, &versions->items[i], &item));
        TRY(list_add(&list, &item));
    }
    list_end(&list);
out:
    return rc;
}

static enum err print_versions(const struct key_versions *versions)
{
    static const struct grid_column columns[] = {
        {"VERSION", true},
        {"STATE", false},
        {"ACTIVE", false},
        {"CREATED (UTC)", false},
        {"STATE SINCE (UTC)", false},
        {"DELETION (UTC)", false},
    };
    struct grid g;
    enum err rc = ERR_OK;

    grid_init(&g, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < versions->count; i++) {
        const struct key_version *v = &versions->items[i];

        TRY(grid_add(&g, v->version));
        TRY(grid_add(&g, v->state));
        TRY(grid_add(&g, v->is_active ? "active" : ""));
        TRY(grid_add_time(&g, v->created_ms));
        TRY(grid_add_time(&g, v->changed_ms));
        TRY(grid_add_time(&g, v->deletion_ms));
    }
    print_out("master key ");
    print_clean(versions->active.provider);
    print_out(" ");
    print_clean(versions->active.key_id);
    print_out(versions->is_protected ? ", sealed under a passphrase" : ", keys are unencrypted");
    print_out(versions->is_verified ? "\n" : ", not verified: no passphrase was given\n");
    grid_print(&g);
out:
    grid_clear(&g);
    return rc;
}

enum err command_key_status(const struct settings *s)
{
    struct key_versions versions = {0};
    struct session session;
    size_t key = 0;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    TRY(impact_choose_key(&session, &key));
    TRY(keyring_versions(session.keyring, key, true, &versions));
    if (settings_flag(s, OPTION_JSON))
        TRY(print_versions_json(&versions));
    else
        TRY(print_versions(&versions));
out:
    key_versions_clear(&versions);
    session_clear(&session);
    return rc;
}

static enum err print_check_json(const struct check *check)
{
    struct jdoc *item = NULL;
    struct list list;
    enum err rc = ERR_OK;

    list_begin(&list, check->count);
    for (size_t i = 0; i < check->count; i++) {
        const struct check_item *of = &check->items[i];

        TRY(jdoc_object(&item));
        TRY(describe_key(item, "masterKey", &of->key));
        TRY(describe_state(item, &of->state));
        TRY(jdoc_set_bool(item, "active", of->is_active));
        TRY(jdoc_set_number(item, "dataKeys", of->scopes));
        TRY(jdoc_set_number(item, "damagedEnvelopes", of->damaged));
        TRY(jdoc_set_bool(item, "changed", of->changed));
        TRY(jdoc_set_bool(item, "recorded", of->recorded));
        TRY(list_add(&list, &item));
    }
    list_end(&list);
out:
    jdoc_free(item);
    return rc;
}

static enum err print_check(const struct check *check)
{
    static const struct grid_column columns[] = {
        {"MASTER KEY", false}, {"VERDICT", false},  {"REASON", false},
        {"ACTIVE", false},     {"DATA KEYS", true}, {"DETAIL", false},
    };
    char key[DESCRIBE_KEY_MAX];
    struct grid g;
    enum err rc = ERR_OK;

    grid_init(&g, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < check->count; i++) {
        const struct check_item *of = &check->items[i];

        describe_key_short(&of->key, key);
        TRY(grid_add(&g, key));
        TRY(grid_add(&g, verdict_name(of->state.verdict)));
        TRY(grid_add(&g, of->state.reason));
        TRY(grid_add(&g, of->is_active ? "active" : ""));
        TRY(grid_add_number(&g, of->scopes));
        TRY(grid_add(&g, of->state.detail));
    }
    grid_print(&g);
out:
    grid_clear(&g);
    return rc;
}

/* Works without a repository too: then only the active versions are tried. */
enum err command_key_check(const struct settings *s)
{
    struct check check = {0};
    struct err_record done = {0};
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    if (settings_text(s, OPTION_REPOSITORY) != NULL)
        TRY(session_open_repository(&session, SESSION_READ));
    TRY(check_run(session.keyring, session_ledger(&session), true, &check));
    session_checkpoint(&session);
    rc = check_verdict(&check);
    if (rc != ERR_OK)
        print_mute(false);
    err_take(rc, &done);
    if (settings_flag(s, OPTION_JSON))
        TRY(print_check_json(&check));
    else
        TRY(print_check(&check));
    rc = err_give(&done);
out:
    check_clear(&check);
    session_clear(&session);
    return rc;
}

/* A data key may be of no snapshot. */
static uint64_t count_impact(const struct session *session, const struct impact *impact)
{
    uint64_t count = 0;

    for (size_t i = 0; i < impact->count; i++)
        count += impact_snapshot(session, &impact->items[i]) != NULL ? 1 : 0;
    return count;
}

static enum err print_impact_json(const struct session *session, const struct impact *impact)
{
    struct jdoc *item = NULL;
    struct list list;
    enum err rc = ERR_OK;

    list_begin(&list, count_impact(session, impact));
    for (size_t i = 0; i < impact->count; i++) {
        const struct snapshot *of = impact_snapshot(session, &impact->items[i]);

        if (of == NULL)
            continue;
        TRY(describe_snapshot(of, &item));
        TRY(jdoc_set_bool(item, "otherEnvelope", impact->items[i].has_other));
        TRY(list_add(&list, &item));
    }
    list_end(&list);
out:
    jdoc_free(item);
    return rc;
}

static enum err print_impact(const struct session *session, const struct impact *impact)
{
    struct grid g;
    enum err rc = ERR_OK;

    describe_grid(&g, session_has_several_writers(session));
    for (size_t i = 0; i < impact->count; i++) {
        const struct snapshot *of = impact_snapshot(session, &impact->items[i]);

        if (of != NULL)
            TRY(describe_row(&g, of));
    }
    if (g.cell_count == 0)
        print_out("no snapshot depends on it\n");
    grid_print(&g);
out:
    grid_clear(&g);
    return rc;
}

/* Without the keyring: when all that is live was sealed by one master key, it is that one. */
static enum err name_from_ledger(const struct session *session, const char *version,
                                 struct key_name *out)
{
    struct needed_keys needed = {NULL, 0};
    enum err rc;

    TRY(needed_keys_read(session_ledger(session), &needed));
    if (needed.count == 0)
        FAIL(ERR_NOT_FOUND, "no snapshot depends on any master key");
    *out = needed.items[0].key;
    for (size_t i = 1; i < needed.count; i++)
        if (strcmp(needed.items[i].key.provider, out->provider) != 0 ||
            strcmp(needed.items[i].key.key_id, out->key_id) != 0)
            FAIL(ERR_KEY_UNREACHABLE,
                 "snapshots depend on more than one master key, and without the keyring nobody can "
                 "tell which is meant");
    if (strlen(version) > KEY_VERSION_MAX)
        FAIL(ERR_NOT_FOUND, "the master key has no version \"%.100s\"", version);
    memcpy(out->version, version, strlen(version) + 1);
    out->commitment[0] = '\0'; /* that of the first */
out:
    needed_keys_clear(&needed);
    return rc;
}

/* The keyring knows which versions there are; when it is not at hand, the ledger is enough. */
static enum err find_version(struct session *session, const char *version, struct key_name *out)
{
    size_t key = 0;
    enum err rc;

    TRY(impact_choose_key(session, &key));
    rc = impact_name(session, key, version, out);
    if (rc == ERR_KEY_UNREACHABLE)
        rc = name_from_ledger(session, version, out);
out:
    return rc;
}

enum err command_key_impact(const struct settings *s)
{
    struct impact impact = {0};
    struct key_name name;
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    TRY(session_open_repository(&session, SESSION_READ));
    TRY(find_version(&session, session_argument(&session, 0), &name));
    TRY(impact_of(session_ledger(&session), &name, &impact));
    if (settings_flag(s, OPTION_JSON))
        TRY(print_impact_json(&session, &impact));
    else
        TRY(print_impact(&session, &impact));
out:
    impact_clear(&impact);
    session_clear(&session);
    return rc;
}

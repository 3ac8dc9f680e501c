#include <stdio.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/command/visit.h"
#include "cli/command/writer.h"
#include "cli/describe.h"
#include "cli/print.h"
#include "cli/root_key.h"
#include "cli/session.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/ledger/ledger_query.h"
#include "core/ledger/ledger_visit.h"
#include "keyring/catalogue/impact.h"

/*
 * What is there, whose it is, what it depends on, and how old it is. Nothing is checked that
 * opening the ledger does not check, and nothing is written but what every reader remembers. It is
 * no visit (visit.h): what was deleted is told by those that list.
 */
#define SHORT_ID_LEN 8
#define NOTHING_YET "none"

/* A master-key version that something live needs, or that is the active one. */
struct status_key {
    struct key_name name;
    struct key_state state;
    bool is_active;
};

struct status_keys {
    struct status_key *items; /* owned */
    size_t count;
};

static enum err add_key(struct status_keys *to, const struct key_name *name, bool is_active)
{
    enum err rc;

    for (size_t i = 0; i < to->count; i++)
        if (key_name_equal(&to->items[i].name, name))
            return ERR_OK;
    TRY(mem_resize(to->count + 1, sizeof *to->items, &to->items));
    to->items[to->count++] = (struct status_key){.name = *name, .is_active = is_active};
out:
    return rc;
}

/* A keyring that is not at hand has no active version to show; that is a state and no failure. */
static enum err collect_keys(const struct session *session, struct status_keys *to)
{
    struct needed_keys needed = {NULL, 0};
    struct key_name active;
    enum err rc;

    for (size_t i = 0; i < keyring_count(session->keyring); i++) {
        rc = keyring_active(session->keyring, i, &active);
        if (rc == ERR_OK)
            TRY(add_key(to, &active, true));
        else if (rc == ERR_INTERRUPTED || rc == ERR_FAILED)
            goto out;
        err_clear();
    }
    TRY(needed_keys_read(session_ledger(session), &needed));
    for (size_t i = 0; i < needed.count; i++)
        TRY(add_key(to, &needed.items[i].key, false));
out:
    needed_keys_clear(&needed);
    return rc;
}

static enum err ask_keys(const struct session *session, struct status_keys *keys)
{
    enum err rc;

    TRY(collect_keys(session, keys));
    for (size_t i = 0; i < keys->count; i++) {
        struct status_key *key = &keys->items[i];

        rc = keyring_state(session->keyring, &key->name, false, &key->state);
        if (rc == ERR_OK)
            continue;
        if (rc == ERR_INTERRUPTED)
            goto out;
        key->state = (struct key_state){.verdict = KEY_UNREACHABLE};
        text_printable(err_text(), key->state.detail, sizeof key->state.detail);
        err_clear();
        rc = ERR_OK;
    }
out:
    return rc;
}

static const char *signing_key_state(const struct session *session)
{
    const struct ledger *ledger = session_ledger(session);
    const uint8_t *own = ledger_own(ledger);
    const struct writer *w = own != NULL ? writers_find(ledger_writers(ledger), own) : NULL;
    const char *is = "not here: nothing can be backed up from this machine";

    if (ledger_can_append(ledger, RECORD_SNAPSHOT))
        is = "here";
    else if (own != NULL)
        is = w == NULL    ? "here, but not enrolled: see `sealpoint writer request`"
             : w->revoked ? "here, but revoked: nothing can be backed up from this machine"
                          : "here, but without the role backup";
    else if (ledger_check_key(ledger) != ERR_OK)
        is = "damaged: nothing can be backed up from this machine";
    err_clear();
    return is;
}

static enum err write_writers(const struct session *session, struct jdoc *to)
{
    const struct writers *writers = ledger_writers(session_ledger(session));
    struct jdoc *list = NULL, *item = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    for (size_t i = 0; i < writers->count; i++) {
        TRY(writer_describe(session, &writers->items[i], &item));
        TRY(jdoc_push(list, &item));
    }
    TRY(jdoc_set(to, "writers", &list));
out:
    jdoc_free(item);
    jdoc_free(list);
    return rc;
}

static enum err write_keys(const struct status_keys *keys, struct jdoc *to)
{
    struct jdoc *list = NULL, *item = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    for (size_t i = 0; i < keys->count; i++) {
        TRY(jdoc_object(&item));
        TRY(describe_key(item, "masterKey", &keys->items[i].name));
        TRY(describe_state(item, &keys->items[i].state));
        TRY(jdoc_set_bool(item, "active", keys->items[i].is_active));
        TRY(jdoc_push(list, &item));
    }
    TRY(jdoc_set(to, "keys", &list));
out:
    jdoc_free(item);
    jdoc_free(list);
    return rc;
}

static const struct snapshot *newest_of(const struct session *session)
{
    const struct snapshot_list *list = &session->snapshot_list;

    return list->count > 0 ? &list->items[list->count - 1] : NULL;
}

static enum err print_overview_json(const struct session *session, const struct status_keys *keys)
{
    const struct snapshot *newest = newest_of(session);
    const struct ledger *ledger = session_ledger(session);
    struct jdoc *to = NULL, *snapshot = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(visit_write(session, to));
    TRY(describe_time(to, "knownSince", ledger_visit_known_since(ledger)));
    TRY(jdoc_set_bool(to, "trustedOnFirstUse", session->is_trusted_on_first_use));
    TRY(jdoc_set_text(to, "stateDir", session->state_dir));
    TRY(jdoc_set_bool(to, "signingKey", ledger_can_append(ledger, RECORD_SNAPSHOT)));
    TRY(jdoc_set_number(to, "records", ledger_count(ledger)));
    TRY(jdoc_set_hex(to, "root", bytes_of(ledger_root(ledger), SIGNER_ID_LEN)));
    TRY(write_writers(session, to));
    TRY(write_keys(keys, to));
    TRY(jdoc_set_number(to, "snapshots", session->snapshot_list.count));
    TRY(jdoc_set_number(to, "damagedSnapshots", session->snapshot_list.damaged_count));
    if (newest != NULL)
        TRY(describe_snapshot(newest, &snapshot));
    if (snapshot != NULL)
        TRY(jdoc_set(to, "newestSnapshot", &snapshot));
    else
        TRY(jdoc_set_null(to, "newestSnapshot"));
    TRY(print_json(to));
out:
    jdoc_free(snapshot);
    jdoc_free(to);
    return rc;
}

static void print_row(const char *name, const char *text)
{
    print_out("%-16s ", name);
    print_clean(text);
    print_out("\n");
}

static void print_when(const char *name, const char *front, int64_t ms)
{
    char time[CLOCK_TEXT_LEN + 1], age[DESCRIBE_AGE_MAX];

    clock_text(ms, time);
    describe_age(ms, age);
    print_out("%-16s %s%s (%s)\n", name, front, age, time);
}

static enum err print_writers(const struct session *session)
{
    static const struct grid_column columns[] = {
        {"WRITER", false}, {"ROLES", false}, {"RECORDS", true}, {"HEAD", false}, {"REVOKED", false},
    };
    const struct writers *writers = ledger_writers(session_ledger(session));
    struct grid g;
    enum err rc = ERR_OK;

    grid_init(&g, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < writers->count; i++) {
        const struct writer *w = &writers->items[i];
        const struct head *head = ledger_head(session_ledger(session), w->id);
        char roles[WRITER_ROLES_TEXT_MAX];
        char hex[2 * RECORD_ID_LEN + 1];

        text_hex(bytes_of(w->id, SIGNER_ID_LEN), hex);
        TRY(grid_add(&g, hex));
        writer_roles_text(w->roles, roles);
        TRY(grid_add(&g, roles));
        TRY(grid_add_number(&g, head != NULL ? head->seq + 1 : 0));
        text_hex(bytes_of(head != NULL ? head->id : w->id, SHORT_ID_LEN), hex);
        TRY(grid_add(&g, head != NULL ? hex : ""));
        TRY(grid_add(&g, w->revoked ? "revoked" : ""));
    }
    print_out("\n");
    grid_print(&g);
out:
    grid_clear(&g);
    return rc;
}

static enum err print_keys(const struct status_keys *keys)
{
    static const struct grid_column columns[] = {
        {"MASTER KEY", false}, {"VERDICT", false}, {"REASON", false},
        {"ACTIVE", false},     {"DETAIL", false},
    };
    char name[DESCRIBE_KEY_MAX];
    struct grid g;
    enum err rc = ERR_OK;

    grid_init(&g, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < keys->count; i++) {
        const struct status_key *key = &keys->items[i];

        describe_key_short(&key->name, name);
        TRY(grid_add(&g, name));
        TRY(grid_add(&g, verdict_name(key->state.verdict)));
        TRY(grid_add(&g, key->state.reason));
        TRY(grid_add(&g, key->is_active ? "active" : ""));
        TRY(grid_add(&g, key->state.detail));
    }
    if (keys->count > 0)
        print_out("\n");
    grid_print(&g);
out:
    grid_clear(&g);
    return rc;
}

static enum err print_overview(const struct session *session, const struct status_keys *keys)
{
    const struct snapshot *newest = newest_of(session);
    int64_t since_ms = ledger_visit_known_since(session_ledger(session));
    char front[SNAPSHOT_ID_TEXT + sizeof ", taken "];
    enum err rc;

    print_row("repository", session->given);
    print_row("fingerprint", ledger_fingerprint(session_ledger(session)));
    if (since_ms != 0)
        print_when("known since", "", since_ms);
    else
        print_row("known since", session->is_trusted_on_first_use ? "now: trusted on first use"
                                                                  : "now, by its fingerprint");
    print_row("state", session->state_dir != NULL ? session->state_dir : NOTHING_YET);
    print_row("signing key", signing_key_state(session));
    print_when("newest signature", "", visit_newest_ms(session));
    print_out("%-16s %zu", "snapshots", session->snapshot_list.count);
    if (session->snapshot_list.damaged_count > 0)
        print_out(", and %zu damaged", session->snapshot_list.damaged_count);
    print_out("\n");
    if (newest != NULL) {
        snprintf(front, sizeof front, "%s, taken ", newest->id);
        print_when("newest snapshot", front, newest->created_ms);
    } else {
        print_row("newest snapshot", NOTHING_YET);
    }
    TRY(print_writers(session));
    TRY(print_keys(keys));
out:
    return rc;
}

enum err command_status(const struct settings *s)
{
    struct status_keys keys = {NULL, 0};
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_keyring(&session));
    TRY(session_open_repository(&session, SESSION_READ));
    TRY(ask_keys(&session, &keys));
    if (settings_flag(s, OPTION_JSON))
        TRY(print_overview_json(&session, &keys));
    else
        TRY(print_overview(&session, &keys));
    root_key_say_where(&session);
out:
    mem_free(keys.items);
    session_clear(&session);
    return rc;
}

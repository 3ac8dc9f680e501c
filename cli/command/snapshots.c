#include "cli/command/command.h"

#include "cli/command/visit.h"
#include "cli/describe.h"
#include "cli/list.h"
#include "cli/print.h"
#include "cli/session.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/ledger/ledger_visit.h"

/* The list of one or of many; of all, the damaged ones come last. */
static enum err print_list(const struct snapshot *items, size_t count,
                           const struct damaged_snapshot *damaged, size_t damaged_count)
{
    struct jdoc *item = NULL;
    struct list l;
    enum err rc = ERR_OK;

    list_begin(&l, count + damaged_count);
    for (size_t i = 0; i < count; i++) {
        TRY(describe_snapshot(&items[i], &item));
        TRY(list_add(&l, &item));
    }
    for (size_t i = 0; i < damaged_count; i++) {
        TRY(describe_damaged(&damaged[i], &item));
        TRY(list_add(&l, &item));
    }
    list_end(&l);
out:
    return rc;
}

static void print_damaged(const struct damaged_snapshot *of)
{
    print_out("damaged: %s ", of->id[0] != '\0' ? of->id : "(without an id)");
    print_clean(of->reason);
    print_out("\n");
}

static bool any_attention(const struct snapshot_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (snapshot_attention_count(&list->items[i].attention) > 0)
            return true;
    return false;
}

static enum err print_grid(const struct session *session)
{
    const struct snapshot_list *list = &session->snapshot_list;
    struct grid g;
    enum err rc = ERR_OK;

    describe_grid(&g, session_has_several_writers(session));
    if (list->count == 0)
        log_say(LOG_INFO, "no snapshot has been taken yet");
    for (size_t i = 0; i < list->count; i++)
        TRY(describe_row(&g, &list->items[i]));
    grid_print(&g);
    if (any_attention(list))
        log_say(LOG_INFO, "! needs attention: `sealpoint show SNAPSHOT` says why");
    for (size_t i = 0; i < list->damaged_count; i++)
        print_damaged(&list->damaged[i]);
out:
    grid_clear(&g);
    return rc;
}

enum err command_snapshots(const struct settings *s)
{
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_repository(&session, SESSION_READ));
    visit_say_deleted(&session, NULL);
    if (settings_flag(s, OPTION_JSON))
        TRY(print_list(session.snapshot_list.items, session.snapshot_list.count,
                       session.snapshot_list.damaged, session.snapshot_list.damaged_count));
    else
        TRY(print_grid(&session));
    ledger_visit_end(session_ledger(&session));
out:
    session_clear(&session);
    return rc;
}

static void print_fact(const char *name, const char *text)
{
    print_out("%-14s ", name);
    print_clean(text);
    print_out("\n");
}

static void print_time(const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_LEN + 1] = "never";

    if (ms != 0)
        clock_text(ms, text);
    print_fact(name, text);
}

static void print_size(const char *name, uint64_t bytes)
{
    char text[TEXT_HUMAN_MAX];

    text_human_size(bytes, text);
    print_fact(name, text);
}

static void print_key(const char *name, const struct key_name *key)
{
    print_out("%-14s ", name);
    print_clean(key->provider);
    print_out(" ");
    print_clean(key->key_id);
    print_out(" version ");
    print_clean(key->version);
    print_out("\n");
}

static void print_optional(const struct snapshot *of, const char *member, const char *name)
{
    struct jdoc *payload = NULL;
    const char *text = NULL;

    if (record_payload(of->record, &payload) == ERR_OK && jdoc_has(payload, member) &&
        jdoc_text(payload, member, SNAPSHOT_TEXT_MAX, &text) == ERR_OK)
        print_fact(name, text);
    err_clear();
    jdoc_free(payload);
}

static void print_snapshot(const struct snapshot *of)
{
    char hex[2 * HASH_LEN + 1];
    char text[SNAPSHOT_ATTENTION_TEXT_MAX];

    print_fact("snapshot", of->id);
    if (snapshot_attention_count(&of->attention) > 0) {
        snapshot_attention_text(&of->attention, text);
        print_fact("attention", text);
    }
    print_fact("type", of->snapshot_type);
    print_fact("frequency", of->frequency_type);
    print_time("created", of->created_ms);
    print_time("expires", of->expires_ms);
    if (of->source_type[0] != '\0')
        print_fact("source", of->source_type);
    if (of->description[0] != '\0')
        print_fact("description", of->description);
    print_optional(of, "replicaSetName", "replica set");
    print_optional(of, "mongodVersion", "mongod");
    print_key("master key", &of->recorded_key);
    if (!key_name_equal(&of->recorded_key, &of->effective_key))
        print_key("rewrapped by", &of->effective_key);
    print_fact("parent", of->parent[0] != '\0' ? of->parent : "none: it is a base");
    print_fact("base", of->base);
    text_hex(bytes_of(of->record->writer, SIGNER_ID_LEN), hex);
    print_fact("writer", hex);
    print_out("%-14s %llu\n", "position", (unsigned long long)of->chain_position);
    print_out("%-14s %llu\n", "files", (unsigned long long)of->totals.files);
    print_size("size", of->totals.bytes);
    print_size("new", of->totals.new_bytes);
    print_size("stored", of->totals.stored_bytes);
    text_hex(bytes_of(of->manifest_sha256, HASH_LEN), hex);
    print_fact("manifest", hex);
    text_hex(bytes_of(of->record->id, RECORD_ID_LEN), hex);
    print_fact("record", hex);
}

enum err command_show(const struct settings *s)
{
    const struct snapshot *which = NULL;
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_repository(&session, SESSION_READ));
    TRY(session_find_snapshot(&session, &which));
    if (settings_flag(s, OPTION_JSON))
        TRY(print_list(which, 1, NULL, 0));
    else
        print_snapshot(which);
out:
    session_clear(&session);
    return rc;
}

#include "cli/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

#include "core/base/clock.h"

#define KEY_ID_SHOWN 8

static const struct grid_column columns[] = {
    {"SNAPSHOT", false}, {"CREATED (UTC)", false}, {"EXPIRES (UTC)", false},
    {"KIND", false},     {"FILES", true},          {"SIZE", true},
    {"STORED", true},    {"MASTER KEY", false},    {"DESCRIPTION", false},
};
static const struct grid_column columns_with_writer[] = {
    {"SNAPSHOT", false}, {"CREATED (UTC)", false}, {"EXPIRES (UTC)", false}, {"KIND", false},
    {"FILES", true},     {"SIZE", true},           {"STORED", true},         {"MASTER KEY", false},
    {"WRITER", false},   {"DESCRIPTION", false},
};

#define CLOCKS_DIFFER_S 300

void describe_age(int64_t ms, char out[DESCRIBE_AGE_MAX])
{
    static const struct {
        int64_t from_s, unit_s;
        const char *name;
    } units[] = {{2 * 86400, 86400, "day"}, {3600, 3600, "hour"}, {60, 60, "minute"}};
    int64_t age_s = (clock_now_ms() - ms) / 1000;
    int64_t span_s = age_s < 0 ? -age_s : age_s;
    size_t i = 0;
    int64_t count;

    while (i < sizeof units / sizeof units[0] && span_s < units[i].from_s)
        i++;
    if (i == sizeof units / sizeof units[0] || (age_s < 0 && span_s < CLOCKS_DIFFER_S)) {
        snprintf(out, DESCRIBE_AGE_MAX, "just now");
        return;
    }
    count = span_s / units[i].unit_s;
    snprintf(out, DESCRIBE_AGE_MAX, "%" PRId64 " %s%s %s", count, units[i].name,
             count == 1 ? "" : "s", age_s < 0 ? "in the future" : "ago");
}

void describe_pace(uint64_t bytes, int64_t elapsed_ms, char out[DESCRIBE_PACE_MAX])
{
    uint64_t ms = elapsed_ms > 0 ? (uint64_t)elapsed_ms : 1;
    char time[TEXT_HUMAN_MAX], rate[TEXT_HUMAN_MAX];

    if (ms < 10 * 1000)
        snprintf(time, sizeof time, "%.1f s", (double)ms / 1000);
    else
        text_human_time(ms / 1000, time);
    text_human_size((uint64_t)((double)bytes * 1000 / (double)ms), rate);
    if (bytes > 0)
        snprintf(out, DESCRIBE_PACE_MAX, "in %s, %s/s", time, rate);
    else
        snprintf(out, DESCRIBE_PACE_MAX, "in %s", time);
}

enum err describe_time(struct jdoc *to, const char *name, int64_t ms)
{
    return ms == 0 ? jdoc_set_null(to, name) : jdoc_set_time(to, name, ms);
}

enum err describe_key(struct jdoc *to, const char *name, const struct key_name *key)
{
    struct jdoc *member = NULL;
    enum err rc;

    TRY(jdoc_object(&member));
    TRY(key_name_write(key, member));
    TRY(jdoc_set(to, name, &member));
out:
    jdoc_free(member);
    return rc;
}

enum err describe_text(struct jdoc *to, const char *member, const char *text)
{
    struct buf clean = {.max = MEM_MAX};
    size_t len = strlen(text);
    enum err rc;

    TRY(buf_reserve(&clean, 4 * len + 1));
    text_printable(text, (char *)clean.data, 4 * len + 1);
    TRY(jdoc_set_text(to, member, (const char *)clean.data));
out:
    buf_clear(&clean);
    return rc;
}

enum err describe_name(struct jdoc *to, const char *member, const char *exact, const char *name)
{
    enum err rc;

    if (text_is_clean(name)) { /* exactly; print_json() escapes what would steer a terminal */
        TRY(jdoc_set_text(to, member, name));
        goto out;
    }
    TRY(describe_text(to, member, name));
    TRY(jdoc_set_base64(to, exact, bytes_of(name, strlen(name))));
out:
    return rc;
}

void describe_key_short(const struct key_name *key, char out[DESCRIBE_KEY_MAX])
{
    snprintf(out, DESCRIBE_KEY_MAX, "%s:%.*s/%s", key->provider, KEY_ID_SHOWN, key->key_id,
             key->version);
}

/* A text member of the signed record, null when it is not there. */
static enum err copy_text(struct jdoc *to, const char *name, const struct jdoc *from)
{
    const char *text = NULL;
    enum err rc = ERR_OK;

    if (jdoc_has(from, name))
        TRY(jdoc_text(from, name, SNAPSHOT_TEXT_MAX, &text));
    TRY(jdoc_set_text(to, name, text));
out:
    return rc;
}

static enum err set_chain(struct jdoc *to, const struct snapshot *of)
{
    struct jdoc *chain = NULL;
    enum err rc;

    TRY(jdoc_object(&chain));
    TRY(jdoc_set_text(chain, "base", of->base));
    TRY(jdoc_set_number(chain, "position", of->chain_position));
    TRY(jdoc_set(to, "chain", &chain));
out:
    jdoc_free(chain);
    return rc;
}

static enum err set_totals(struct jdoc *to, const struct snapshot_totals *of)
{
    struct jdoc *totals = NULL;
    enum err rc;

    TRY(jdoc_object(&totals));
    TRY(jdoc_set_number(totals, "files", of->files));
    TRY(jdoc_set_number(totals, "bytes", of->bytes));
    TRY(jdoc_set_number(totals, "newBytes", of->new_bytes));
    TRY(jdoc_set_number(totals, "storedBytes", of->stored_bytes));
    TRY(jdoc_set(to, "totals", &totals));
out:
    jdoc_free(totals);
    return rc;
}

static enum err set_manifest(struct jdoc *to, const struct snapshot *of)
{
    struct jdoc *manifest = NULL;
    enum err rc;

    TRY(jdoc_object(&manifest));
    TRY(jdoc_set_number(manifest, "size", of->manifest_size));
    TRY(jdoc_set_hex(manifest, "sha256", bytes_of(of->manifest_sha256, HASH_LEN)));
    TRY(jdoc_set(to, "manifest", &manifest));
out:
    jdoc_free(manifest);
    return rc;
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

enum err describe_snapshot(const struct snapshot *of, struct jdoc **out)
{
    struct jdoc *payload = NULL;
    struct jdoc *to = NULL;
    enum err rc;

    TRY(record_payload(of->record, &payload));
    TRY(jdoc_object(&to));
    TRY(jdoc_set_text(to, "id", of->id));
    TRY(copy_text(to, "status", payload));
    TRY(jdoc_set_text(to, "snapshotType", of->snapshot_type));
    TRY(jdoc_set_text(to, "frequencyType", of->frequency_type));
    TRY(jdoc_set_time(to, "createdAt", of->created_ms));
    TRY(describe_time(to, "expiresAt", of->expires_ms));
    TRY(jdoc_set_text(to, "description", text_or_null(of->description)));
    TRY(copy_text(to, "replicaSetName", payload));
    TRY(copy_text(to, "mongodVersion", payload));
    TRY(describe_key(to, "masterKey", &of->recorded_key));
    TRY(describe_key(to, "effectiveMasterKey", &of->effective_key));
    TRY(jdoc_set_text(to, "parent", of->parent[0] != '\0' ? of->parent : NULL));
    TRY(set_chain(to, of));
    TRY(jdoc_set_text(to, "sourceType", text_or_null(of->source_type)));
    TRY(snapshot_attention_write(&of->attention, to));
    TRY(set_totals(to, &of->totals));
    TRY(set_manifest(to, of));
    TRY(jdoc_set_hex(to, "writerId", bytes_of(of->record->writer, SIGNER_ID_LEN)));
    TRY(jdoc_set_number(to, "seq", of->record->seq));
    TRY(jdoc_set_hex(to, "recordId", bytes_of(of->record->id, RECORD_ID_LEN)));
    *out = to;
    to = NULL; /* the caller's now */
out:
    jdoc_free(payload);
    jdoc_free(to);
    return rc;
}

enum err describe_damaged(const struct damaged_snapshot *of, struct jdoc **out)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_text(to, "id", of->id[0] != '\0' ? of->id : NULL));
    TRY(jdoc_set_text(to, "status", "damaged"));
    TRY(jdoc_set_text(to, "reason", of->reason));
    TRY(jdoc_set_time(to, "createdAt", of->record->created_ms));
    TRY(jdoc_set_hex(to, "recordId", bytes_of(of->record->id, RECORD_ID_LEN)));
    *out = to;
    to = NULL; /* the caller's now */
out:
    jdoc_free(to);
    return rc;
}

void describe_grid(struct grid *g, bool with_writer)
{
    if (with_writer)
        grid_init(g, columns_with_writer, sizeof columns_with_writer / sizeof columns[0]);
    else
        grid_init(g, columns, sizeof columns / sizeof columns[0]);
}

/* A snapshot that needs attention is marked in every list. */
static const char *describe_kind(const struct snapshot *of)
{
    bool is_marked = snapshot_attention_count(&of->attention) > 0;

    if (of->parent[0] == '\0')
        return is_marked ? "base !" : "base";
    return is_marked ? "incremental !" : "incremental";
}

enum err describe_row(struct grid *g, const struct snapshot *of)
{
    char writer[2 * SIGNER_ID_LEN + 1];
    char key[DESCRIBE_KEY_MAX];
    enum err rc;

    describe_key_short(&of->effective_key, key);
    text_hex(bytes_of(of->record->writer, SIGNER_ID_LEN), writer);
    TRY(grid_add(g, of->id));
    TRY(grid_add_time(g, of->created_ms));
    TRY(of->expires_ms == 0 ? grid_add(g, "never") : grid_add_time(g, of->expires_ms));
    TRY(grid_add(g, describe_kind(of)));
    TRY(grid_add_number(g, of->totals.files));
    TRY(grid_add_size(g, of->totals.bytes));
    TRY(grid_add_size(g, of->totals.stored_bytes));
    TRY(grid_add(g, key));
    if (g->columns == columns_with_writer)
        TRY(grid_add(g, writer));
    TRY(grid_add(g, of->description));
out:
    return rc;
}

enum err describe_state(struct jdoc *to, const struct key_state *state)
{
    enum err rc;

    TRY(jdoc_set_text(to, "verdict", verdict_name(state->verdict)));
    TRY(jdoc_set_text(to, "reason", state->reason[0] != '\0' ? state->reason : NULL));
    TRY(jdoc_set_text(to, "detail", state->detail[0] != '\0' ? state->detail : NULL));
    TRY(describe_time(to, "stateChangedAt", state->since_ms));
    TRY(describe_time(to, "deletionDate", state->deletion_ms));
out:
    return rc;
}

#include "cli/command/writer.h"

#include <stdio.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/describe.h"
#include "cli/grid.h"
#include "cli/list.h"
#include "cli/print.h"
#include "cli/root_key.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/ledger/writer_change.h"
#include "core/ledger/writer_request.h"

#define WRITER_DIGITS_MIN 6 /* of an id that is cut short */

static void id_text(const struct writer *w, char out[2 * SIGNER_ID_LEN + 1])
{
    text_hex(bytes_of(w->id, SIGNER_ID_LEN), out);
}

void writer_roles_text(unsigned roles, char out[WRITER_ROLES_TEXT_MAX])
{
    size_t len = 0;

    snprintf(out, WRITER_ROLES_TEXT_MAX, "none");
    for (int role = ROLE_BACKUP; role < ROLE_COUNT; role++)
        if ((roles & ROLE_BIT(role)) != 0)
            len += (size_t)snprintf(out + len, WRITER_ROLES_TEXT_MAX - len, "%s%s",
                                    len > 0 ? ", " : "", record_role_name((enum record_role)role));
}

enum err writer_find(const struct session *s, const char *text, const struct writer **out)
{
    const struct writers *writers = ledger_writers(session_ledger(s));
    const struct writer *found = NULL;
    enum err rc = ERR_OK;

    if (strlen(text) < WRITER_DIGITS_MIN || strspn(text, "0123456789abcdef") != strlen(text))
        FAIL(ERR_USAGE,
             "\"%s\" is not a writer: give its id, or at least the first %d digits of it", text,
             WRITER_DIGITS_MIN);
    for (size_t i = 0; i < writers->count; i++) {
        char id[2 * SIGNER_ID_LEN + 1];

        id_text(&writers->items[i], id);
        if (strncmp(id, text, strlen(text)) != 0)
            continue;
        if (found != NULL)
            FAIL(ERR_USAGE, "several writers begin with %s", text);
        found = &writers->items[i];
    }
    if (found == NULL) {
        rc = err_set(ERR_NOT_FOUND, "there is no writer %s", text);
        err_hint("`sealpoint writer list` shows them");
        goto out;
    }
    *out = found;
out:
    return rc;
}

static enum err describe_head(const struct head *head, struct jdoc *to)
{
    struct jdoc *part = NULL;
    enum err rc;

    if (head == NULL)
        return jdoc_set_null(to, "head");
    TRY(jdoc_object(&part));
    TRY(jdoc_set_number(part, "seq", head->seq));
    TRY(jdoc_set_hex(part, "recordId", bytes_of(head->id, RECORD_ID_LEN)));
    TRY(describe_time(part, "createdAt", head->created_ms));
    TRY(jdoc_set(to, "head", &part));
out:
    jdoc_free(part);
    return rc;
}

enum err writer_describe(const struct session *s, const struct writer *w, struct jdoc **out)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_hex(to, "writerId", bytes_of(w->id, SIGNER_ID_LEN)));
    TRY(jdoc_set_text(to, "state", w->revoked ? "revoked" : "enrolled"));
    TRY(writer_roles_write(w->roles, to));
    TRY(describe_time(to, "createdAt", w->created_ms));
    TRY(describe_time(to, "revokedAt", w->revoked_ms));
    TRY(describe_head(ledger_head(session_ledger(s), w->id), to));
    TRY(jdoc_set_bool(to, "thisMachine", ledger_is_own(session_ledger(s), w->id)));
    *out = to;
    to = NULL; /* the caller's now */
out:
    jdoc_free(to);
    return rc;
}

static enum err list_json(const struct session *s)
{
    const struct writers *writers = ledger_writers(session_ledger(s));
    struct jdoc *item = NULL;
    struct list l;
    enum err rc = ERR_OK;

    list_begin(&l, writers->count);
    for (size_t i = 0; i < writers->count; i++) {
        TRY(writer_describe(s, &writers->items[i], &item));
        TRY(list_add(&l, &item));
    }
    list_end(&l);
out:
    return rc;
}

static enum err add_row(const struct session *s, const struct writer *w, struct grid *g)
{
    const struct head *head = ledger_head(session_ledger(s), w->id);
    char roles[WRITER_ROLES_TEXT_MAX];
    char id[2 * SIGNER_ID_LEN + 1];
    enum err rc;

    id_text(w, id);
    writer_roles_text(w->roles, roles);
    TRY(grid_add(g, id));
    TRY(grid_add(g, w->revoked ? "revoked" : "enrolled"));
    TRY(grid_add(g, roles));
    TRY(grid_add_time(g, w->created_ms));
    TRY(grid_add_number(g, head != NULL ? head->seq + 1 : 0));
    TRY(grid_add_time(g, head != NULL ? head->created_ms : 0));
    TRY(grid_add(g, ledger_is_own(session_ledger(s), w->id) ? "this machine" : ""));
out:
    return rc;
}

static enum err list_grid(const struct session *s)
{
    static const struct grid_column columns[] = {
        {"WRITER", false}, {"STATE", false},  {"ROLES", false}, {"ENROLLED", false},
        {"RECORDS", true}, {"NEWEST", false}, {"", false}};
    const struct writers *writers = ledger_writers(session_ledger(s));
    struct grid g;
    enum err rc = ERR_OK;

    grid_init(&g, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < writers->count; i++)
        TRY(add_row(s, &writers->items[i], &g));
    grid_print(&g);
out:
    grid_clear(&g);
    return rc;
}

enum err command_writer_list(const struct settings *s)
{
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_repository(&session, SESSION_READ));
    if (settings_flag(s, OPTION_JSON))
        TRY(list_json(&session));
    else
        TRY(list_grid(&session));
    root_key_say_where(&session);
out:
    session_clear(&session);
    return rc;
}

enum err command_writer_request(const struct settings *s)
{
    struct buf text = {.max = WRITER_REQUEST_LEN_MAX};
    char id[2 * SIGNER_ID_LEN + 1];
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_repository(&session, SESSION_WRITE));
    TRY(writer_request_make(session_ledger(&session), &text));
    print_bytes(buf_bytes(&text));
    text_hex(bytes_of(ledger_own(session_ledger(&session)), SIGNER_ID_LEN), id);
    log_say(
        LOG_INFO,
        "the writer id of this machine is %s: give the request to `sealpoint writer enrol` where "
        "the root key is, and compare the id that it shows",
        id);
out:
    buf_clear(&text);
    session_clear(&session);
    return rc;
}

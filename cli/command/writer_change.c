#include "core/ledger/writer_change.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/command/writer.h"
#include "cli/print.h"
#include "cli/root_key.h"
#include "cli/terminal.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/ledger/writer_request.h"

/* Root signs this one record, and nothing else here. */
/* As many of the snapshots that a revocation takes back are named. */
#define LOST_SAID_MAX 100

static enum err sign_change(struct session *session, const struct writer_change *change)
{
    struct ledger *ledger = session_ledger(session);
    struct signer *root = NULL;
    struct jdoc *body = NULL;
    enum err rc;

    TRY(root_key_open(session, &root));
    TRY(ledger_act_as_root(ledger, root));
    TRY(writer_change_write(change, &body));
    TRY(ledger_append(ledger, RECORD_WRITER, body, NULL));
    TRY(ledger_act_as_root(ledger, NULL));
out:
    jdoc_free(body);
    signer_free(root);
    return rc;
}

static enum err give_result(const struct session *session, const uint8_t id[SIGNER_ID_LEN])
{
    const struct writer *w = writers_find(ledger_writers(session_ledger(session)), id);
    char roles[WRITER_ROLES_TEXT_MAX];
    char text[2 * SIGNER_ID_LEN + 1];
    struct jdoc *to = NULL;
    enum err rc = ERR_OK;

    if (settings_flag(session->settings, OPTION_JSON)) {
        TRY(writer_describe(session, w, &to));
        TRY(jdoc_set_number(to, "format", 1));
        TRY(print_json(to));
        goto out;
    }
    text_hex(bytes_of(id, SIGNER_ID_LEN), text);
    writer_roles_text(w->roles, roles);
    if (w->revoked)
        print_out("writer %s is revoked\n", text);
    else
        print_out("writer %s is enrolled with the roles: %s\n", text, roles);
out:
    jdoc_free(to);
    return rc;
}

static enum err read_roles(const struct invocation *from, unsigned *out)
{
    enum err rc = ERR_OK;

    *out = from->only_count == 0 ? ROLE_BIT(ROLE_BACKUP) : 0;
    for (size_t i = 0; i < from->only_count; i++) {
        enum record_role role = ROLE_BACKUP;

        TRY(writer_role_find(from->only[i], &role));
        *out |= ROLE_BIT(role);
    }
out:
    if (rc != ERR_OK)
        err_note("--role");
    return rc;
}

/* It is the user's own file: this says nothing of the repository. */
static enum err refuse_no_request(const char *path)
{
    struct err_record failure;

    err_note("%s is no request of `sealpoint writer request`", path);
    err_take(ERR_USAGE, &failure);
    return err_give(&failure);
}

static enum err read_request(const struct session *session, uint8_t key[SIGNER_PUBLIC_LEN])
{
    const char *path = session_argument(session, 0);
    struct buf text = {.max = WRITER_REQUEST_LEN_MAX};
    enum err rc;

    TRY(file_read(path, &text)); /* names it */
    rc = writer_request_recognise(buf_bytes(&text));
    if (rc == ERR_CORRUPT) {
        rc = refuse_no_request(path);
        goto out;
    }
    TRY(rc);
    rc = writer_request_read(session_ledger(session), buf_bytes(&text), key);
    if (rc != ERR_OK)
        err_note("the request %s", path);
out:
    buf_clear(&text);
    return rc;
}

static enum err refuse_enrolled(const struct session *session, const uint8_t id[SIGNER_ID_LEN])
{
    const struct writer *known = writers_find(ledger_writers(session_ledger(session)), id);
    char text[2 * SIGNER_ID_LEN + 1];

    if (known == NULL)
        return ERR_OK;
    text_hex(bytes_of(id, SIGNER_ID_LEN), text);
    return err_set(ERR_EXISTS, "writer %s %s already", text,
                   known->revoked ? "was revoked" : "is enrolled");
}

enum err command_writer_enrol(const struct settings *s)
{
    struct writer_change change = {.is_revocation = false};
    char id[2 * SIGNER_ID_LEN + 1];
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(read_roles(s->invocation, &change.roles));
    TRY(session_open_repository(&session, SESSION_WRITE));
    TRY(read_request(&session, change.key));
    TRY(signer_id(change.key, change.subject));
    TRY(refuse_enrolled(&session, change.subject));
    text_hex(bytes_of(change.subject, SIGNER_ID_LEN), id);
    log_say(LOG_INFO, "the request is by writer %s", id);
    TRY(sign_change(&session, &change));
    TRY(give_result(&session, change.subject));
out:
    session_clear(&session);
    return rc;
}

/* The id of the writer's record with that number, as it is here. */
static enum err find_last(const struct ledger *l, struct writer_change *change)
{
    for (size_t i = 0; i < ledger_count(l); i++) {
        const struct record *r = ledger_at(l, i);

        if (r->seq != change->last_seq || memcmp(r->writer, change->subject, SIGNER_ID_LEN) != 0)
            continue;
        memcpy(change->last_id, r->id, RECORD_ID_LEN);
        return ERR_OK;
    }
    return err_set(ERR_NOT_FOUND, "--last: that writer has no record %" PRIu64 " here",
                   change->last_seq);
}

static enum err fill_last(const struct session *session, struct writer_change *change)
{
    const struct ledger *l = session_ledger(session);
    const struct head *head = ledger_head(l, change->subject);
    enum err rc = ERR_OK;

    change->has_last = head != NULL;
    if (settings_text(session->settings, OPTION_LAST) != NULL) {
        change->has_last = true;
        change->last_seq = settings_number(session->settings, OPTION_LAST);
        TRY(find_last(l, change));
    } else if (head != NULL) {
        change->last_seq = head->seq;
        memcpy(change->last_id, head->id, RECORD_ID_LEN);
    }
out:
    return rc;
}

static enum err confirm_revocation(const struct session *session, const struct writer_change *c)
{
    char id[2 * SIGNER_ID_LEN + 1];
    char last[64] = "it has signed nothing";
    char question[256];

    if (settings_flag(session->settings, OPTION_YES))
        return ERR_OK;
    text_hex(bytes_of(c->subject, SIGNER_ID_LEN), id);
    if (c->has_last)
        snprintf(last, sizeof last, "record %" PRIu64 " is the last that counts", c->last_seq);
    snprintf(question, sizeof question, "Revoke writer %s for ever (%s)?", id, last);
    return terminal_confirm(question, "--yes");
}

/* What stands behind the last that counts makes every reader refuse the repository: say it now. */
static void say_what_to_remove(const struct session *session, const struct writer_change *c)
{
    const struct head *head = ledger_head(session_ledger(session), c->subject);
    char name[RECORD_NAME_LEN + 1];

    if (head == NULL || (c->has_last && head->seq <= c->last_seq))
        return;
    record_name(c->subject, c->has_last ? c->last_seq + 1 : 0, name);
    log_say(LOG_WARN,
            "%s and what follows it in that directory are refused from now on: look at them, then "
            "remove them from the repository",
            name);
}

static enum err refuse_revoked(const struct writer *w)
{
    char id[2 * SIGNER_ID_LEN + 1];

    if (!w->revoked)
        return ERR_OK;
    text_hex(bytes_of(w->id, SIGNER_ID_LEN), id);
    return err_set(ERR_EXISTS, "writer %s is revoked already", id);
}

/* Also when nobody is asked: what a revocation takes back is for the eyes of whoever signs it. */
static void say_lost_snapshots(const struct session *session, const struct writer_change *c)
{
    const struct snapshot_list *list = &session->snapshot_list;
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct record *r = list->items[i].record;

        if (memcmp(r->writer, c->subject, SIGNER_ID_LEN) != 0 ||
            (c->has_last && r->seq <= c->last_seq))
            continue;
        if (++count <= LOST_SAID_MAX)
            log_say(LOG_WARN, "snapshot %s will not count any more", list->items[i].id);
    }
    if (count > LOST_SAID_MAX)
        log_say(LOG_WARN, "and %zu more snapshots", count - LOST_SAID_MAX);
}

enum err command_writer_revoke(const struct settings *s)
{
    struct writer_change change = {.is_revocation = true};
    const struct writer *w = NULL;
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(session_open_repository(&session, SESSION_WRITE));
    TRY(writer_find(&session, session_argument(&session, 0), &w));
    memcpy(change.subject, w->id, SIGNER_ID_LEN);
    TRY(refuse_revoked(w));
    TRY(fill_last(&session, &change));
    say_lost_snapshots(&session, &change);
    TRY(confirm_revocation(&session, &change));
    /* Whoever was asked took his time, and what was signed meanwhile counts, too. */
    TRY(ledger_catch_up_all(session_ledger(&session)));
    TRY(fill_last(&session, &change));
    TRY(sign_change(&session, &change));
    TRY(give_result(&session, change.subject));
    say_what_to_remove(&session, &change);
out:
    session_clear(&session);
    return rc;
}

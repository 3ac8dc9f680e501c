#include "cli/command/visit.h"

#include <inttypes.h>

#include "core/base/clock.h"
#include "core/base/jsplit.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/ledger/ledger_query.h"
#include "core/ledger/ledger_visit.h"

#define REPORT_MAX (16 * MIB)

static void say_deleted(const struct record *tombstone, const char *since)
{
    char time[CLOCK_TEXT_LEN + 1];
    char writer[2 * SIGNER_ID_LEN + 1];

    clock_text(tombstone->created_ms, time);
    text_hex(bytes_of(tombstone->writer, SIGNER_ID_LEN), writer);
    log_say(LOG_WARN, "deleted since the %s: %s, by writer %s at %s", since,
            tombstone->facts.subject, writer, time);
}

void visit_say_deleted(const struct session *session, const struct heads *since)
{
    const struct ledger *ledger = session_ledger(session);
    const char *what = since != NULL ? "report" : "last visit";
    size_t count = ledger_query_count(ledger, RECORD_TOMBSTONE);
    size_t fresh = 0;

    for (size_t i = 0; i < count; i++) {
        const struct record *r = ledger_query_at(ledger, RECORD_TOMBSTONE, i);

        if (!ledger_visit_is_new(ledger, since, r))
            continue;
        if (++fresh <= VISIT_SAID_MAX)
            say_deleted(r, what);
    }
    if (fresh > VISIT_SAID_MAX)
        log_say(LOG_WARN, "and %zu more deleted since the %s", fresh - VISIT_SAID_MAX, what);
}

static enum err push_deleted(const struct record *tombstone, struct jdoc *list)
{
    struct jdoc *item = NULL;
    enum err rc;

    TRY(jdoc_object(&item));
    TRY(jdoc_set_text(item, "subject", tombstone->facts.subject));
    TRY(jdoc_set_time(item, "createdAt", tombstone->created_ms));
    TRY(jdoc_set_hex(item, "writerId", bytes_of(tombstone->writer, SIGNER_ID_LEN)));
    TRY(jdoc_set_hex(item, "recordId", bytes_of(tombstone->id, RECORD_ID_LEN)));
    TRY(jdoc_push(list, &item));
out:
    jdoc_free(item);
    return rc;
}

enum err visit_write_deleted(const struct session *session, const struct heads *since,
                             struct jdoc *to)
{
    const struct ledger *ledger = session_ledger(session);
    struct jdoc *list = NULL;
    enum err rc;

    TRY(jdoc_array(&list));
    for (size_t i = 0; i < ledger_query_count(ledger, RECORD_TOMBSTONE); i++) {
        const struct record *r = ledger_query_at(ledger, RECORD_TOMBSTONE, i);

        if (ledger_visit_is_new(ledger, since, r))
            TRY(push_deleted(r, list));
    }
    TRY(jdoc_set(to, "deleted", &list));
out:
    jdoc_free(list);
    return rc;
}

int64_t visit_newest_ms(const struct session *session)
{
    const struct ledger *ledger = session_ledger(session);
    int64_t newest_ms = ledger_newest_ms(ledger);

    /* All of them ahead: then it is the clock of this machine that the user has to hear of. */
    return newest_ms != 0 ? newest_ms : ledger_at(ledger, ledger_count(ledger) - 1)->created_ms;
}

enum err visit_write(const struct session *session, struct jdoc *to)
{
    const struct ledger *ledger = session_ledger(session);
    enum err rc;

    TRY(jdoc_set_text(to, "repository", session->given));
    TRY(jdoc_set_hex(to, "repositoryId", bytes_of(ledger_repository(ledger), SEAL_ID_LEN)));
    TRY(jdoc_set_text(to, "fingerprint", ledger_fingerprint(ledger)));
    TRY(heads_write(ledger_visit_heads(ledger), to));
    TRY(jdoc_set_time(to, "newestSignatureAt", visit_newest_ms(session)));
out:
    return rc;
}

/* The lists of a report are as long as the list of snapshots, and nobody needs them here. Blanks
 * around it are what an editor or jq left. */
static enum err parse_report(struct buf *text, struct jdoc **out)
{
    const struct jsplit_list lists[] = {{.name = "snapshots", .max = REPORT_MAX},
                                        {.name = "damage", .max = REPORT_MAX},
                                        {.name = "deleted", .max = REPORT_MAX},
                                        {.name = NULL}};
    size_t from = 0;
    enum err rc;

    while (text->len > 0 && text->data[text->len - 1] <= ' ')
        text->len--;
    TRY(buf_add_text(text, "\n"));
    while (text->data[from] <= ' ' && from + 1 < text->len)
        from++;
    TRY(jsplit_parse_bytes(bytes_of(text->data + from, text->len - from), lists, out));
out:
    return rc;
}

static enum err decode_report(struct buf *text, struct visit_report *out)
{
    uint8_t fingerprint[RECORD_ID_LEN];
    struct jdoc *doc = NULL;
    uint64_t format = 0;
    enum err rc;

    TRY(parse_report(text, &doc));
    TRY(jdoc_number(doc, "format", UINT64_MAX, &format));
    if (format != 1)
        FAIL(ERR_UNSUPPORTED, "format %" PRIu64 " is not one this release knows", format);
    TRY(jdoc_hex(doc, "fingerprint", fingerprint, RECORD_ID_LEN));
    TRY(heads_read(doc, &out->heads));
    text_hex(bytes_of(fingerprint, RECORD_ID_LEN), out->fingerprint);
out:
    jdoc_free(doc);
    return rc;
}

enum err visit_read_report(const char *path, struct visit_report *out)
{
    struct buf text = {.max = REPORT_MAX};
    struct err_record failure;
    enum err rc;

    TRY(file_read(path, &text));
    rc = decode_report(&text, out);
    if (rc == ERR_OK)
        goto out;
    /* It is the user's own file: this says nothing of the repository. */
    err_note("%s is no report of `sealpoint verify --report`", path);
    err_take(ERR_USAGE, &failure);
    rc = err_give(&failure);
out:
    buf_clear(&text);
    return rc;
}

#include "cli/command/report.h"

#include "cli/command/visit.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/fs/file.h"

static enum err write_newest_snapshot(const struct session *session, struct jdoc *to)
{
    const struct snapshot_list *list = &session->snapshot_list;
    struct jdoc *newest = NULL;
    enum err rc = ERR_OK;

    if (list->count == 0)
        return jdoc_set_null(to, "newestSnapshot");
    TRY(jdoc_object(&newest));
    TRY(jdoc_set_text(newest, "id", list->items[list->count - 1].id));
    TRY(jdoc_set_time(newest, "createdAt", list->items[list->count - 1].created_ms));
    TRY(jdoc_set(to, "newestSnapshot", &newest));
out:
    jdoc_free(newest);
    return rc;
}

static const char *verdict_word(const struct report_facts *facts)
{
    if (facts->verdict == ERR_OK)
        return "sound";
    if (facts->verdict == ERR_ATTENTION)
        return facts->result->records > 0  ? "damagedRecords"
               : facts->result->unseen > 0 ? "unseenDataKeys"
               : facts->result->stale > 0  ? "damagedEnvelopes"
                                           : "expired";
    if (facts->result->damaged > 0)
        return "damaged";
    return facts->result->unreadable > 0 ? "unreadable" : "notDecrypted";
}

/* When, by what, how deep. */
static enum err write_head(const struct report_facts *facts, struct jdoc *to)
{
    static const char *const depths[] = {[VERIFY_PRESENCE] = "presence",
                                         [VERIFY_READ_DATA] = "readData",
                                         [VERIFY_DECRYPT] = "decrypt"};
    double percent = facts->options->sample * 100;
    enum err rc;

    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_set_time(to, "verifiedAt", clock_now_ms()));
    TRY(jdoc_set_number(to, "elapsedMs", (uint64_t)facts->elapsed_ms));
    TRY(jdoc_set_text(to, "version", SEALPOINT_VERSION));
    TRY(jdoc_set_text(to, "depth", depths[facts->options->depth]));
    TRY(jdoc_set_number(to, "samplePercent", (uint64_t)(percent + 0.5)));
    TRY(jdoc_set_text(to, "verdict", verdict_word(facts)));
    TRY(jdoc_set_bool(to, "complete", facts->result->is_complete));
out:
    return rc;
}

static enum err write_counts(const struct verify_result *result, struct jdoc *to)
{
    enum err rc;

    TRY(jdoc_set_number(to, "sound", result->sound));
    TRY(jdoc_set_number(to, "objects", result->objects));
    TRY(jdoc_set_number(to, "readObjects", result->read_objects));
    TRY(jdoc_set_number(to, "bytes", result->bytes));
    TRY(jdoc_set_number(to, "damaged", result->damaged));
    TRY(jdoc_set_number(to, "unreadable", result->unreadable));
    TRY(jdoc_set_number(to, "notDecrypted", result->locked));
    TRY(jdoc_set_number(to, "damagedRecords", result->records));
    TRY(jdoc_set_number(to, "damagedEnvelopes", result->stale));
    TRY(jdoc_set_number(to, "unseenDataKeys", result->unseen));
    TRY(jdoc_set_number(to, "unused", result->unused));
    TRY(jdoc_set_number(to, "unusedBytes", result->unused_bytes));
out:
    return rc;
}

enum err report_make(const struct session *session, const struct report_facts *facts,
                     struct jdoc **out)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(write_head(facts, to));
    TRY(visit_write(session, to));
    TRY(write_newest_snapshot(session, to));
    TRY(visit_write_deleted(session, session->report, to));
    TRY(write_counts(facts->result, to));
    TRY(verdicts_write(facts->verdicts, to));
    *out = to;
    to = NULL; /* the caller's now */
out:
    jdoc_free(to);
    return rc;
}

enum err report_keep(const struct jdoc *report, const char *path)
{
    struct buf text = {.max = MEM_MAX};
    enum err rc;

    TRY(jdoc_write_pretty(report, &text));
    TRY(buf_add_text(&text, "\n"));
    TRY(file_replace(path, buf_bytes(&text), 0600));
out:
    if (rc != ERR_OK)
        err_note("writing the report %s", path);
    buf_clear(&text);
    return rc;
}

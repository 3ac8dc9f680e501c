#include "snapshot/verify/verify.h"

#include <string.h>

#include "cli/command/command.h"
#include "cli/command/verdicts.h"
#include "cli/command/visit.h"
#include "cli/describe.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/ticker.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/ledger/ledger_visit.h"

static enum err choose_depth(const struct settings *s, struct verify_options *to)
{
    to->depth = VERIFY_PRESENCE;
    if (settings_flag(s, OPTION_READ_DATA))
        to->depth = VERIFY_READ_DATA;
    if (settings_flag(s, OPTION_DECRYPT))
        to->depth = VERIFY_DECRYPT;
    to->sample = settings_share(s, OPTION_SAMPLE);
    if (to->depth == VERIFY_PRESENCE && s->values[OPTION_SAMPLE].origin == FROM_OPTION)
        return err_set(ERR_USAGE, "--sample needs --read-data or --decrypt");
    return ERR_OK;
}

/* The snapshots that the command line names; *which is owned by the caller. */
static enum err choose_snapshots(struct session *session, const struct snapshot ***which,
                                 size_t *count)
{
    const struct invocation *i = session->settings->invocation;
    enum err rc = ERR_OK;

    *count = i->argument_count;
    if (*count == 0)
        goto out;
    TRY(mem_new(*count, sizeof(const struct snapshot *), which));
    for (size_t n = 0; n < *count; n++)
        TRY(snapshot_list_find(&session->snapshot_list, i->arguments[n], &(*which)[n]));
out:
    return rc;
}

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

static enum err print_verify_json(const struct session *session, const struct verify_result *result,
                                  struct verdicts *verdicts)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_set_number(to, "snapshots", result->snapshots));
    TRY(jdoc_set_number(to, "sound", result->sound));
    TRY(jdoc_set_number(to, "objects", result->objects));
    TRY(jdoc_set_number(to, "readObjects", result->read_objects));
    TRY(jdoc_set_number(to, "bytes", result->bytes));
    TRY(jdoc_set_number(to, "damaged", result->damaged));
    TRY(jdoc_set_number(to, "unreadable", result->unreadable));
    TRY(jdoc_set_number(to, "notDecrypted", result->locked));
    TRY(jdoc_set(to, "damagedSnapshots", &verdicts->json));
    TRY(jdoc_set_number(to, "unused", result->unused));
    TRY(jdoc_set_number(to, "unusedBytes", result->unused_bytes));
    TRY(visit_write(session, to));
    TRY(write_newest_snapshot(session, to));
    TRY(visit_write_deleted(session, session->report, to));
    TRY(print_json(to));
out:
    jdoc_free(to);
    return rc;
}

/* A store that is not written to any more, or no longer shown as it is, looks sound for ever. */
static void print_ages(const struct session *session)
{
    const struct snapshot_list *list = &session->snapshot_list;
    char time[CLOCK_TEXT_LEN + 1], age[DESCRIBE_AGE_MAX];

    if (list->count > 0) {
        const struct snapshot *newest = &list->items[list->count - 1];

        describe_age(newest->created_ms, age);
        print_out("newest snapshot: %s, taken %s\n", newest->id, age);
    }
    clock_text(visit_newest_ms(session), time);
    describe_age(visit_newest_ms(session), age);
    print_out("newest signature: %s (%s)\n", age, time);
}

static void print_unused(const struct verify_result *result)
{
    char size[TEXT_HUMAN_MAX];

    if (result->unused == 0)
        return;
    text_human_size(result->unused_bytes, size);
    print_count(result->unused, "object");
    print_out(" (%s) that no snapshot uses: of an interrupted backup, or of one that is running\n",
              size);
}

static void print_verify_result(const struct verify_result *result)
{
    char size[TEXT_HUMAN_MAX];

    text_human_size(result->bytes, size);
    print_count(result->snapshots, "snapshot");
    print_out(", ");
    print_count(result->objects, "object");
    print_out(", ");
    print_count(result->read_objects, "object");
    print_out(" read (%s): ", size);
    if (result->unreadable > 0)
        print_out("%llu unreadable, ", (unsigned long long)result->unreadable);
    if (result->locked > 0)
        print_out("%llu of the snapshots not decrypted, ", (unsigned long long)result->locked);
    if (result->damaged > 0)
        print_out("%llu damaged\n", (unsigned long long)result->damaged);
    else
        print_out("%s\n", result->unreadable + result->locked > 0
                              ? "no damage found in what was read"
                              : "no damage");
    print_unused(result);
}

static void print_verify_text(const struct verify_options *options,
                              const struct verify_result *result, const struct verdicts *verdicts)
{
    print_verify_result(result);
    verdicts_print(verdicts, result->sound,
                   options->depth == VERIFY_DECRYPT && options->sample >= 1 && result->locked == 0);
}

static enum err verify_snapshots(const struct verify_options *options, struct verify_result *result)
{
    struct ticker *ticker = NULL;
    enum err rc;

    TRY(ticker_new("verify", options->progress, &ticker));
    TRY(verify_run(options, result));
out:
    ticker_free(ticker);
    return rc;
}

/* The report says which repository must be shown, and no more: a fingerprint that is given is the
 * operator's word, a report may be anybody's. */
static enum err take_report(struct session *session, struct visit_report *report)
{
    const char *path = settings_text(session->settings, OPTION_HEADS);
    enum err rc = ERR_OK;

    if (path == NULL)
        goto out;
    TRY(visit_read_report(path, report));
    if (session->pinned != NULL && strcmp(session->pinned, report->fingerprint) != 0)
        FAIL(ERR_USAGE, "%s is of the repository %s, and --fingerprint is %s", path,
             report->fingerprint, session->pinned);
    session->reported = report->fingerprint;
    session->report = &report->heads;
out:
    return rc;
}

enum err command_verify(const struct settings *s)
{
    const struct snapshot **which = NULL;
    struct verify_result result = {0};
    struct progress progress = {0};
    struct verdicts verdicts;
    struct verify_options options = {
        .progress = &progress, .each = verdicts_keep, .each_arg = &verdicts};
    struct visit_report report = {.heads = {NULL, 0, 0}};
    struct err_record done = {0};
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(verdicts_init(&verdicts));
    TRY(choose_depth(s, &options));
    if (options.depth == VERIFY_DECRYPT) {
        TRY(session_open_keyring(&session));
        keyring_prepare(session.keyring);
    }
    TRY(take_report(&session, &report));
    TRY(session_open_repository(&session, SESSION_READ_ALL));
    visit_say_deleted(&session, session.report);
    TRY(choose_snapshots(&session, &which, &options.snapshot_count));
    options.repository = session.repository;
    options.keyring = session.keyring;
    options.snapshot_list = &session.snapshot_list;
    options.snapshots = which;
    options.envelope = (size_t)settings_number(s, OPTION_ENVELOPE);
    options.workers = (size_t)settings_number(s, OPTION_WORKERS);
    rc = verify_snapshots(&options, &result);
    if (rc != ERR_OK && result.damaged + result.unreadable + result.locked == 0)
        goto out; /* what was found is a result too */
    err_take(rc, &done);
    if (!settings_flag(s, OPTION_JSON) && !print_is_quiet())
        print_ages(&session); /* the verdict comes last */
    if (settings_flag(s, OPTION_JSON))
        TRY(print_verify_json(&session, &result, &verdicts));
    else
        print_verify_text(&options, &result, &verdicts);
    if (done.code == ERR_OK && session_is_expired(&session))
        err_take(err_set(ERR_ATTENTION, "no damage, but nothing new either (see above)"), &done);
    if (done.code == ERR_OK || done.code == ERR_ATTENTION) /* else somebody has to come again */
        ledger_visit_end(session_ledger(&session));
    rc = err_give(&done);
out:
    verdicts_clear(&verdicts);
    mem_free(which);
    heads_clear(&report.heads);
    session_clear(&session);
    return rc;
}

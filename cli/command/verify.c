#include "snapshot/verify/verify.h"

#include <string.h>

#include "cli/command/command.h"
#include "cli/command/escrow.h"
#include "cli/command/report.h"
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

/* What "no damage" means. */
static const char *depth_words(const struct verify_options *options)
{
    if (options->depth == VERIFY_PRESENCE)
        return "presence and sizes only";
    if (options->sample < 1)
        return "a sample was read";
    return options->depth == VERIFY_READ_DATA ? "all stored bytes were read"
                                              : "all blocks were read and compared";
}

static void print_verify_result(const struct verify_options *options,
                                const struct verify_result *result)
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
        print_out("%llu damaged", (unsigned long long)result->damaged);
    else
        print_out("%s", result->unreadable + result->locked > 0 ? "no damage found in what was read"
                                                                : "no damage");
    print_out("; %s\n", depth_words(options));
}

static void print_verify_text(const struct verify_options *options,
                              const struct verify_result *result, const struct verdicts *verdicts,
                              int64_t elapsed_ms)
{
    char pace[DESCRIBE_PACE_MAX];

    describe_pace(atomic_load(&options->progress->done_bytes), elapsed_ms, pace);
    print_out("verified %s\n", pace);
    print_unused(result);
    print_verify_result(options, result);
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

/* To where each is wanted. The verdict on the terminal comes last. */
static enum err give_verify_result(const struct session *session, const struct report_facts *facts)
{
    const struct settings *s = session->settings;
    const char *path = settings_text(s, OPTION_REPORT);
    struct jdoc *report = NULL;
    enum err rc = ERR_OK;

    if (path != NULL || settings_flag(s, OPTION_JSON))
        TRY(report_make(session, facts, &report));
    if (path != NULL)
        TRY(report_keep(report, path));
    if (settings_flag(s, OPTION_JSON)) {
        TRY(print_json(report));
        goto out;
    }
    print_ages(session);
    print_verify_text(facts->options, facts->result, facts->verdicts, facts->elapsed_ms);
out:
    jdoc_free(report);
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
        .progress = &progress, .each = verdicts_keep, .touch = verdicts_touch, .arg = &verdicts};
    struct report_facts facts = {.options = &options, .result = &result, .verdicts = &verdicts};
    struct visit_report report = {.heads = {NULL, 0, 0}};
    struct err_record done = {0};
    int64_t began_ms = clock_steady_ms();
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
    if (rc != ERR_OK && result.damaged + result.unreadable + result.locked + result.unseen +
                                result.stale + result.records ==
                            0)
        goto out; /* what was found is a result too */
    if (rc == ERR_OK && session_is_expired(&session))
        rc = err_set(ERR_ATTENTION, "no damage, but nothing new either (see above)");
    err_take(rc, &done);
    if (which == NULL)
        TRY(verdicts_keep_damaged(&verdicts, &session.snapshot_list));
    facts.verdict = done.code;
    facts.elapsed_ms = clock_steady_ms() - began_ms;
    if (done.code != ERR_OK)
        print_mute(false);
    TRY(give_verify_result(&session, &facts));
    if (done.code == ERR_OK || done.code == ERR_ATTENTION) /* else somebody has to come again */
        ledger_visit_end(session_ledger(&session));
    rc = escrow_hint(&session, verdicts.locked, err_give(&done));
out:
    verdicts_clear(&verdicts);
    mem_free(which);
    heads_clear(&report.heads);
    session_clear(&session);
    return rc;
}

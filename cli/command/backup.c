#include "snapshot/backup/backup.h"

#include <string.h>
#include <unistd.h>

#include "cli/command/command.h"
#include "cli/describe.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/ticker.h"
#include "core/base/clock.h"
#include "core/base/text.h"

static enum err choose_source(const struct session *session, const char **out)
{
    const char *source = session_argument(session, 0);

    if (source == NULL)
        source = settings_text(session->settings, OPTION_SOURCE);
    if (source == NULL) {
        err_set(ERR_USAGE, "no source was given");
        err_hint("give a directory, or set source in the configuration or SEALPOINT_SOURCE");
        return ERR_USAGE;
    }
    if (strncmp(source, "mongodb://", 10) == 0 || strncmp(source, "mongodb+srv://", 14) == 0)
        return err_set(ERR_USAGE, "a running server is not supported yet: give its dbpath");
    if (strcmp(source, "-") == 0 && isatty(STDIN_FILENO))
        return err_set(ERR_USAGE, "standard input is a terminal: pipe a tar or a stream into it");
    *out = source;
    return ERR_OK;
}

static void fill_backup_options(struct session *session, struct backup_options *to)
{
    const struct settings *s = session->settings;
    int64_t retain_ms = settings_duration_ms(s, OPTION_RETAIN);

    to->repository = session->repository;
    to->keyring = session->keyring;
    to->stream_name = settings_text(s, OPTION_STREAM_NAME);
    to->description = settings_text(s, OPTION_DESCRIPTION);
    to->snapshot_type = "onDemand";
    to->frequency_type = "onDemand";
    to->expires_ms = retain_ms > 0 ? clock_now_ms() + retain_ms : 0;
    to->full = settings_flag(s, OPTION_FULL);
    to->any_directory = settings_flag(s, OPTION_ANY_DIRECTORY);
    to->read_all = settings_flag(s, OPTION_READ_ALL);
    to->workers = (size_t)settings_number(s, OPTION_WORKERS);
    to->chain_age_ms = settings_duration_ms(s, OPTION_CHAIN_AGE);
    to->chain_length = settings_number(s, OPTION_CHAIN_LENGTH);
}

/* The same members as in every other list of snapshots, read back from the ledger. */
static enum err print_backup_json(struct session *session, const struct backup_result *result,
                                  int64_t elapsed_ms)
{
    const struct snapshot *made = NULL;
    struct snapshot_list now = {0};
    struct jdoc *to = NULL;
    enum err rc;

    TRY(snapshot_list_read(session_ledger(session), &now));
    TRY(snapshot_list_find(&now, result->id, &made));
    TRY(describe_snapshot(made, &to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_set_number(to, "elapsedMs", (uint64_t)elapsed_ms));
    TRY(print_json(to));
out:
    jdoc_free(to);
    snapshot_list_clear(&now);
    return rc;
}

static void print_kept(int64_t expires_ms)
{
    char time[CLOCK_TEXT_LEN + 1];

    if (expires_ms == 0) {
        print_out("never expires\n");
        return;
    }
    clock_text(expires_ms, time);
    print_out("expires at %s\n", time);
}

static void print_backup_result(const struct backup_options *options,
                                const struct backup_result *result, int64_t elapsed_ms)
{
    char size[TEXT_HUMAN_MAX], fresh[TEXT_HUMAN_MAX], stored[TEXT_HUMAN_MAX];
    char pace[DESCRIBE_PACE_MAX];

    describe_pace(atomic_load(&options->progress->done_bytes), elapsed_ms, pace);
    text_human_size(result->totals.bytes, size);
    text_human_size(result->totals.new_bytes, fresh);
    text_human_size(result->totals.stored_bytes, stored);
    print_out("snapshot %s: %s", result->id, result->is_base ? "base" : "incremental");
    if (result->is_base && result->why_base[0] != '\0')
        print_out(" (%s)", result->why_base);
    print_out(", ");
    print_count(result->totals.files, "file");
    print_out(", %s, %s new, %s stored, %s\n", size, fresh, stored, pace);
    print_kept(options->expires_ms);
}

/* The snapshot is there, whatever becomes of the word of it. */
static enum err give_backup_result(struct session *session, const struct backup_options *options,
                                   const struct backup_result *result, int64_t elapsed_ms)
{
    enum err rc;

    if (settings_flag(session->settings, OPTION_JSON))
        TRY(print_backup_json(session, result, elapsed_ms));
    else
        print_backup_result(options, result, elapsed_ms);
    TRY(print_finish());
out:
    if (rc != ERR_OK)
        err_note("snapshot %s was taken, but its result could not be written", result->id);
    return rc;
}

static enum err take_snapshot(const struct backup_options *options, struct backup_result *result)
{
    struct ticker *ticker = NULL;
    enum err rc;

    TRY(ticker_new("backup", options->progress, &ticker));
    TRY(backup_run(options, result));
out:
    ticker_free(ticker);
    return rc;
}

enum err command_backup(const struct settings *s)
{
    struct backup_result result = {0};
    struct progress progress = {0};
    struct backup_options options = {.progress = &progress};
    struct err_record done = {0};
    struct session session;
    int64_t began_ms = clock_steady_ms();
    enum err rc;

    session_init(&session, s);
    TRY(choose_source(&session, &options.source));
    TRY(session_open_keyring(&session));
    keyring_prepare(session.keyring);
    TRY(session_open_repository(&session, SESSION_WRITE));
    TRY(ledger_check_clock(session_ledger(&session)));
    fill_backup_options(&session, &options);
    rc = take_snapshot(&options, &result);
    if (rc == ERR_USAGE && !ledger_can_append(session_ledger(&session), RECORD_SNAPSHOT))
        session_hint_signing_key();
    if (rc != ERR_OK && rc != ERR_ATTENTION)
        goto out;
    err_take(rc, &done);
    session_checkpoint(&session);
    if (done.code != ERR_OK)
        print_mute(false);
    TRY(give_backup_result(&session, &options, &result, clock_steady_ms() - began_ms));
    rc = err_give(&done);
out:
    session_clear(&session);
    return rc;
}

#include "snapshot/restore/restore.h"

#include <inttypes.h>
#include <libgen.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/command/escrow.h"
#include "cli/command/salvage.h"
#include "cli/describe.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/ticker.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"

/* Whoever asks for the latest must see when it is not the one that he thinks of. */
static void say_age(const struct session *session, const struct snapshot *which)
{
    bool has_several = session_has_several_writers(session);
    char by[2 * SIGNER_ID_LEN + 1];
    char time[CLOCK_TEXT_LEN + 1], age[DESCRIBE_AGE_MAX];

    clock_text(which->created_ms, time);
    describe_age(which->created_ms, age);
    text_hex(bytes_of(which->record->writer, SIGNER_ID_LEN), by);
    log_say(LOG_INFO, "snapshot %s was taken %s%s%s (%s)", which->id, age,
            has_several ? " by writer " : "", has_several ? by : "", time);
}

static enum err confirm_delta(const void *arg, uint64_t removed, uint64_t overwritten)
{
    const struct settings *s = arg;
    char *question = NULL;
    enum err rc = ERR_OK;

    if (settings_flag(s, OPTION_YES))
        goto out;
    TRY(mem_format(&question, "Remove %" PRIu64 " names and overwrite %" PRIu64 " files in %s?",
                   removed, overwritten, settings_text(s, OPTION_TO)));
    TRY(terminal_confirm(question, "--yes"));
out:
    mem_free(question);
    return rc;
}

static void fill_restore_options(struct session *session, const struct snapshot *which,
                                 struct owner_options *owner, struct restore_options *to)
{
    const struct settings *s = session->settings;
    const struct invocation *i = s->invocation;

    to->repository = session->repository;
    to->keyring = session->keyring;
    to->snapshot_list = session_ledger(session) != NULL ? &session->snapshot_list : NULL;
    to->snapshot = which;
    to->target = settings_text(s, OPTION_TO);
    to->only = i->only_count > 0 ? i->only : NULL;
    to->delta = settings_flag(s, OPTION_DELTA);
    owner->numeric = settings_flag(s, OPTION_NUMERIC_OWNER);
    owner->fixed = settings_text(s, OPTION_OWNER);
    to->owner = owner;
    to->dry_run = settings_flag(s, OPTION_DRY_RUN);
    to->read_data = settings_flag(s, OPTION_READ_DATA);
    to->keep_going = settings_flag(s, OPTION_KEEP_GOING);
    to->envelope = (size_t)settings_number(s, OPTION_ENVELOPE);
    to->confine = true;
    to->confirm = confirm_delta;
    to->confirm_arg = s;
    to->workers = (size_t)settings_number(s, OPTION_WORKERS);
}

/* What a mistaken target must not overwrite. */
static enum err fill_apart(const struct session *session, char **keyring_dir,
                           struct target_apart apart[4])
{
    const char *keyring = settings_text(session->settings, OPTION_KEYRING);
    size_t count = 0;
    enum err rc = ERR_OK;

    apart[count++] = (struct target_apart){.what = "the repository", .path = session->where};
    if (session->state_dir != NULL) /* without a usable one there is none */
        apart[count++] =
            (struct target_apart){.what = "the state directory", .path = session->state_dir};
    if (keyring != NULL) {
        TRY(mem_text(keyring, keyring_dir));
        apart[count++] = (struct target_apart){.what = "the directory of the keyring",
                                               .path = dirname(*keyring_dir),
                                               .may_hold = true};
    }
    apart[count] = (struct target_apart){.path = NULL};
out:
    return rc;
}

static enum err print_restore_json(const struct restore_options *options,
                                   const struct restore_result *result, int64_t elapsed_ms)
{
    struct jdoc *to = NULL;
    enum err rc;

    TRY(jdoc_object(&to));
    TRY(jdoc_set_number(to, "format", 1));
    TRY(jdoc_set_text(to, "id", options->snapshot->id));
    TRY(jdoc_set_bool(to, "dryRun", options->dry_run));
    TRY(jdoc_set_bool(to, "contentsRead",
                      !options->dry_run || options->read_data || options->keep_going));
    TRY(jdoc_set_number(to, "files", result->files));
    TRY(jdoc_set_number(to, "bytes", result->bytes));
    TRY(jdoc_set_number(to, "readBytes", result->read_bytes));
    TRY(jdoc_set_number(to, "writtenBytes", result->written_bytes));
    TRY(jdoc_set_number(to, "leftOut", result->left_out));
    TRY(jdoc_set_number(to, "attention", result->attention));
    TRY(jdoc_set_number(to, "elapsedMs", (uint64_t)elapsed_ms));
    TRY(print_json(to));
out:
    jdoc_free(to);
    return rc;
}

static void print_restore_result(const struct restore_options *options,
                                 const struct restore_result *result, int64_t elapsed_ms)
{
    char size[TEXT_HUMAN_MAX], written[TEXT_HUMAN_MAX], pace[DESCRIBE_PACE_MAX];

    describe_pace(options->dry_run ? 0 : result->written_bytes, elapsed_ms, pace);
    text_human_size(result->bytes, size);
    text_human_size(result->written_bytes, written);
    print_out("snapshot %s %s ", options->snapshot->id,
              options->dry_run ? "can be restored to" : "restored to");
    print_clean(options->target);
    print_out(": ");
    print_count(result->files, "file");
    print_out(", %s", size);
    if (!options->dry_run)
        print_out(", %s written, %s", written, pace);
    else if (options->read_data)
        print_out("; all contents were read and are whole");
    if (result->left_out > 0) {
        print_out("; ");
        print_count(result->left_out, "file");
        print_out(" left out");
    }
    print_out("\n");
    if (options->dry_run && !options->read_data && !options->keep_going && !print_is_quiet())
        print_out("contents were not read: --read-data reads and checks them too\n");
}

static enum err give_restore_result(const struct settings *s, const struct restore_options *options,
                                    const struct restore_result *result, int64_t elapsed_ms)
{
    enum err rc;

    if (settings_flag(s, OPTION_JSON))
        TRY(print_restore_json(options, result, elapsed_ms));
    else
        print_restore_result(options, result, elapsed_ms);
    TRY(print_finish());
out:
    if (rc != ERR_OK)
        err_note("snapshot %s %s, but the result could not be written", options->snapshot->id,
                 options->dry_run ? "can be restored" : "is restored");
    return rc;
}

static enum err restore_files(const struct restore_options *options, struct restore_result *result)
{
    struct ticker *ticker = NULL;
    enum err rc;

    TRY(ticker_new("restore", options->progress, &ticker));
    TRY(restore_run(options, result));
out:
    ticker_free(ticker);
    return rc;
}

static enum err check_options(const struct settings *s)
{
    bool is_named = s->invocation->argument_count > 0;
    enum err rc = ERR_OK;

    if (settings_text(s, OPTION_RECORD) != NULL && is_named)
        FAIL(ERR_USAGE, "--record FILE says which snapshot: give no other");
    if (settings_text(s, OPTION_RECORD) == NULL && !is_named)
        FAIL(ERR_USAGE, "\"restore\" needs SNAPSHOT");
    if (settings_text(s, OPTION_TO) == NULL)
        FAIL(ERR_USAGE, "\"restore\" needs --to DIR");
    if (settings_flag(s, OPTION_READ_DATA) && !settings_flag(s, OPTION_DRY_RUN))
        FAIL(ERR_USAGE, "--read-data goes with --dry-run: a restore reads and checks all it needs");
out:
    return rc;
}

static enum err find_snapshot(struct session *session, struct salvage *salvage,
                              const struct snapshot **out)
{
    const char *record = settings_text(session->settings, OPTION_RECORD);
    enum err rc;

    if (record != NULL) {
        TRY(salvage_open(session, record, salvage));
        *out = &salvage->snapshot;
        goto out;
    }
    TRY(session_open_repository(session, SESSION_READ));
    TRY(session_find_snapshot(session, out));
out:
    return rc;
}

/* What was restored is whole; but is it what was meant? */
static enum err judge_choice(const struct session *session, const struct snapshot *which,
                             const struct salvage *salvage)
{
    const char *name = session_argument(session, 0);

    if (salvage->record != NULL && salvage->is_unsigned)
        return err_set(ERR_ATTENTION, "whose record it is was not checked (see above)");
    if (name != NULL && strcmp(name, "latest") == 0 &&
        snapshot_list_has_newer_damaged(&session->snapshot_list, which))
        return err_set(ERR_ATTENTION,
                       "snapshot %s is not the newest: the record of a newer one is "
                       "damaged",
                       which->id);
    return ERR_OK;
}

enum err command_restore(const struct settings *s)
{
    const struct snapshot *which = NULL;
    struct salvage salvage = {.record = NULL};
    struct restore_result result = {0};
    struct owner_options owner = {.fixed = NULL};
    struct progress progress = {0};
    struct restore_options options = {.progress = &progress};
    struct err_record done = {0};
    struct target_apart apart[4];
    char *keyring_dir = NULL;
    struct session session;
    int64_t began_ms = clock_steady_ms();
    enum err rc;

    session_init(&session, s);
    TRY(check_options(s));
    TRY(session_open_keyring(&session));
    keyring_prepare(session.keyring);
    TRY(find_snapshot(&session, &salvage, &which));
    say_age(&session, which);
    fill_restore_options(&session, which, &owner, &options);
    TRY(fill_apart(&session, &keyring_dir, apart));
    options.apart = apart;
    rc = escrow_hint(&session, which, restore_files(&options, &result));
    if (rc != ERR_OK && rc != ERR_ATTENTION)
        goto out;
    if (rc == ERR_OK)
        rc = judge_choice(&session, which, &salvage);
    err_take(rc, &done);
    if (done.code != ERR_OK)
        print_mute(false);
    TRY(give_restore_result(s, &options, &result, clock_steady_ms() - began_ms));
    rc = err_give(&done);
out:
    salvage_clear(&salvage);
    session_clear(&session);
    mem_free(keyring_dir);
    return rc;
}

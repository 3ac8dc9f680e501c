#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command/command.h"
#include "cli/command/complete.h"
#include "cli/invocation.h"
#include "cli/option.h"
#include "cli/print.h"
#include "cli/setting.h"
#include "cli/ticker.h"
#include "core/base/clock.h"
#include "core/base/secret.h"
#include "core/base/stop.h"

static command_run *const runs[COMMAND_COUNT] = {
    [COMMAND_INIT] = command_init,
    [COMMAND_BACKUP] = command_backup,
    [COMMAND_RESTORE] = command_restore,
    [COMMAND_VERIFY] = command_verify,
    [COMMAND_STATUS] = command_status,
    [COMMAND_SNAPSHOTS] = command_snapshots,
    [COMMAND_SHOW] = command_show,
    [COMMAND_LS] = command_ls,
    [COMMAND_CAT] = command_cat,
    [COMMAND_EXPORT] = command_export,
    [COMMAND_KEY_STATUS] = command_key_status,
    [COMMAND_KEY_CHECK] = command_key_check,
    [COMMAND_KEY_CREATE] = command_key_create,
    [COMMAND_KEY_ROTATE] = command_key_rotate,
    [COMMAND_KEY_DISABLE] = command_key_disable,
    [COMMAND_KEY_ENABLE] = command_key_enable,
    [COMMAND_KEY_SCHEDULE_DELETION] = command_key_schedule_deletion,
    [COMMAND_KEY_CANCEL_DELETION] = command_key_cancel_deletion,
    [COMMAND_KEY_PURGE] = command_key_purge,
    [COMMAND_KEY_PASSPHRASE] = command_key_passphrase,
    [COMMAND_KEY_IMPACT] = command_key_impact,
    [COMMAND_KEY_REWRAP] = command_key_rewrap,
    [COMMAND_WRITER_LIST] = command_writer_list,
    [COMMAND_WRITER_REQUEST] = command_writer_request,
    [COMMAND_WRITER_ENROL] = command_writer_enrol,
    [COMMAND_WRITER_REVOKE] = command_writer_revoke,
    [COMMAND_CONFIG] = command_config,
};

/* A descriptor that the caller left closed would be given to the next file that is snapshot_reader,
 * and our output written into it. What stands in for it cannot be written: a result that goes
 * nowhere is a failure. */
static void fill_standard_descriptors(void)
{
    int fd = open("/dev/null", O_RDONLY);

    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = dup(fd);
    if (fd > STDERR_FILENO)
        close(fd);
}

static enum err run_with_settings(const struct invocation *i)
{
    struct settings s = {0};
    enum err rc;

    TRY(settings_resolve(i, &s));
    print_setup(settings_flag(&s, OPTION_QUIET), settings_flag(&s, OPTION_VERBOSE));
    print_mute(print_is_quiet() && i->command->is_deed && !settings_flag(&s, OPTION_JSON));
    if (settings_flag(&s, OPTION_CLOCK_IS_RIGHT))
        clock_vouch();
    TRY(runs[command_id(i->command)](&s));
    if (clock_is_doubted())
        FAIL(ERR_ATTENTION, "done, but the clock may be wrong: see the warning above");
out:
    settings_clear(&s);
    return rc;
}

static enum err run_invocation(const struct invocation *i)
{
    if (i->values[OPTION_HELP] != NULL)
        return command_help(i);
    if (i->values[OPTION_VERSION] != NULL)
        return command_version(i);
    if (command_id(i->command) == COMMAND_HELP)
        return command_help(i);
    if (command_id(i->command) == COMMAND_VERSION)
        return command_version(i);
    return run_with_settings(i);
}

static enum err run_command(size_t count, char *const *argv)
{
    struct invocation i = {0};
    struct err_record done = {0};
    bool is_worse;
    enum err rc;

    print_setup(false, false);
    stop_install();
    ticker_listen();
    TRY(secret_setup());
    TRY(invocation_parse(count, argv, &i));
    rc = run_invocation(&i);
    err_take(rc, &done);
    /* A result that could not be written is a failure, unless there is a worse one. */
    TRY(print_finish());
out:
    is_worse = done.code != ERR_OK && done.code != ERR_ATTENTION;
    if (rc == ERR_OK || is_worse)
        rc = err_give(&done);
    invocation_clear(&i);
    return rc;
}

int main(int argc, char **argv)
{
    enum err rc;

    fill_standard_descriptors();
    umask(077);
    if (argc > 1 && strcmp(argv[1], COMPLETE_COMMAND) == 0) {
        complete_run((size_t)argc - 2, argv + 2);
        return 0;
    }
    rc = run_command(argc > 0 ? (size_t)argc - 1 : 0, argv + 1);
    if (rc != ERR_OK)
        print_failure();
    return err_exit_status(rc);
}

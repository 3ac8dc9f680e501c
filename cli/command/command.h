/*
 * The commands: each does its work with the effective settings and prints what came of it.
 *
 * Each returns what the process is to end with; the message is in err_text(). ERR_ATTENTION comes
 * after the result was printed.
 * Uses: all rooms.
 */
#ifndef CLI_COMMAND_COMMAND_H
#define CLI_COMMAND_COMMAND_H

#include "cli/setting.h"
#include "core/base/err.h"

typedef enum err command_run(const struct settings *s);

/* init.c */
MUST_CHECK enum err command_init(const struct settings *s);
/* backup.c */
MUST_CHECK enum err command_backup(const struct settings *s);
/* restore.c */
MUST_CHECK enum err command_restore(const struct settings *s);
/* verify.c */
MUST_CHECK enum err command_verify(const struct settings *s);
/* snapshots.c */
MUST_CHECK enum err command_snapshots(const struct settings *s);
MUST_CHECK enum err command_show(const struct settings *s);
/* status.c */
MUST_CHECK enum err command_status(const struct settings *s);
/* browse.c */
MUST_CHECK enum err command_ls(const struct settings *s);
MUST_CHECK enum err command_cat(const struct settings *s);
MUST_CHECK enum err command_export(const struct settings *s);
/* key_create.c */
MUST_CHECK enum err command_key_create(const struct settings *s);
/* key.c: looking; key_change.c: changing */
MUST_CHECK enum err command_key_status(const struct settings *s);
MUST_CHECK enum err command_key_check(const struct settings *s);
MUST_CHECK enum err command_key_impact(const struct settings *s);
MUST_CHECK enum err command_key_rotate(const struct settings *s);
MUST_CHECK enum err command_key_disable(const struct settings *s);
MUST_CHECK enum err command_key_enable(const struct settings *s);
MUST_CHECK enum err command_key_schedule_deletion(const struct settings *s);
MUST_CHECK enum err command_key_cancel_deletion(const struct settings *s);
MUST_CHECK enum err command_key_purge(const struct settings *s);
MUST_CHECK enum err command_key_rewrap(const struct settings *s);
/* writer.c: looking and asking; writer_change.c: changing, with the root key */
MUST_CHECK enum err command_writer_list(const struct settings *s);
MUST_CHECK enum err command_writer_request(const struct settings *s);
MUST_CHECK enum err command_writer_enrol(const struct settings *s);
MUST_CHECK enum err command_writer_revoke(const struct settings *s);
/* key_passphrase.c */
MUST_CHECK enum err command_key_passphrase(const struct settings *s);
/* config.c */
MUST_CHECK enum err command_config(const struct settings *s);
/* help.c; these two work without settings, so that a broken configuration does not hide them */
MUST_CHECK enum err command_help(const struct invocation *i);
MUST_CHECK enum err command_version(const struct invocation *i);

#endif

/*
 * The documents that come from the table: help, the man page, completions of shells.
 *
 * Each is appended as text to a buffer; `make` and the `help` command print it.
 * Uses: option.
 */
#ifndef CLI_DOCUMENT_H
#define CLI_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/option.h"
#include "core/base/bytes.h"

#define DOCUMENT_LEN_MAX (256 * KIB)

/* All commands in a line each, the options of every command, exit statuses. */
MUST_CHECK enum err help_write_general(struct buf *to);
/* The commands of a family ("key"). */
MUST_CHECK enum err help_write_family(const char *family, struct buf *to);
/* One command: synopsis, text, options with key, variable and default. */
MUST_CHECK enum err help_write_command(const struct command *c, struct buf *to);

/* sealpoint.1 in mdoc; see mdoc(7). */
MUST_CHECK enum err man_write(struct buf *to);

/* `shell`: "bash", "zsh" or "fish". */
MUST_CHECK enum err completion_write(const char *shell, struct buf *to);

/* Row `i` of the exit statuses, each status once, in the order of ERR_TABLE; false behind the
 * last. */
bool document_status(size_t i, int *status, const char **meaning);

#endif

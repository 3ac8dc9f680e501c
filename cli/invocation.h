/*
 * The command line, parsed by the table: which command, which options, which arguments.
 *
 * Options may stand anywhere; "--" ends them. "--name value", "--name=value", "-n value", "-nvalue"
 * and joined flags ("-qj") are understood. Values are not checked here: setting.h does that for
 * every origin alike.
 * Uses: option, suggest.
 */
#ifndef CLI_INVOCATION_H
#define CLI_INVOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/option.h"

struct invocation {
    const struct command *command;    /* NULL: none was named */
    const char *family;               /* "key" when only that was named; else NULL */
    const char *values[OPTION_COUNT]; /* NULL: not given; a flag's is "true" */
    const char **only;                /* values of the option that may be repeated; owned */
    size_t only_count;
    const char **arguments; /* NULL-terminated; owned */
    size_t argument_count;
};

/*
 * Parse `argv` (without the program's name); texts are borrowed from it. With --help or --version
 * a missing command or argument is no error. ERR_USAGE: the message says which word is wrong, and
 * which was meant if one is near.
 */
MUST_CHECK enum err invocation_parse(size_t count, char *const *argv, struct invocation *out);
void invocation_clear(struct invocation *i);

#endif

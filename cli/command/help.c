#include "cli/command/command.h"

#include <string.h>

#include "cli/document.h"
#include "cli/print.h"
#include "cli/suggest.h"

/* "help key rotate" has two arguments, "help key" one. */
static enum err write_for_words(const struct invocation *i, struct buf *to)
{
    char name[80] = "";
    const struct command *c;

    for (size_t n = 0; n < i->argument_count; n++) {
        size_t used = strlen(name);

        if (used + strlen(i->arguments[n]) + 2 > sizeof name)
            break;
        if (n > 0)
            name[used++] = ' ';
        memcpy(name + used, i->arguments[n], strlen(i->arguments[n]) + 1);
    }
    c = command_find(name);
    if (c != NULL)
        return help_write_command(c, to);
    if (command_is_family(name))
        return help_write_family(name, to);
    struct suggest near = suggest_for(name);
    err_set(ERR_USAGE, "unknown command \"%s\"", name);
    for (size_t n = 0; n < COMMAND_COUNT; n++)
        suggest_offer(&near, command_at(n)->name);
    suggest_hint(&near, "");
    return ERR_USAGE;
}

static enum err write_asked(const struct invocation *i, struct buf *to)
{
    if (i->command == NULL)
        return i->family != NULL ? help_write_family(i->family, to) : help_write_general(to);
    if (command_id(i->command) != COMMAND_HELP || i->values[OPTION_HELP] != NULL)
        return help_write_command(i->command, to);
    if (i->values[OPTION_MAN] != NULL)
        return man_write(to);
    if (i->values[OPTION_COMPLETION] != NULL)
        return completion_write(i->values[OPTION_COMPLETION], to);
    return i->argument_count > 0 ? write_for_words(i, to) : help_write_general(to);
}

enum err command_help(const struct invocation *i)
{
    struct buf text = {.max = DOCUMENT_LEN_MAX};
    enum err rc;

    TRY(write_asked(i, &text));
    print_bytes(buf_bytes(&text));
out:
    buf_clear(&text);
    return rc;
}

enum err command_version(const struct invocation *i)
{
    if (i->values[OPTION_JSON] != NULL)
        print_out("{\"version\":\"%s\",\"format\":1}\n", SEALPOINT_VERSION);
    else
        print_out("sealpoint %s (format 1)\n", SEALPOINT_VERSION);
    return ERR_OK;
}

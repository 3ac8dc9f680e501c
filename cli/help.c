#include "cli/document.h"

#include <string.h>

#define WIDTH 79
#define SUMMARY_COLUMN 24
#define TEXT_COLUMN 6

/* Columns a UTF-8 text of ours takes: every character but continuation bytes is one. */
static size_t columns(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static enum err add_blanks(struct buf *to, size_t count)
{
    return buf_add_format(to, "%*s", (int)count, "");
}

/* `text` broken into lines at `indent`; the cursor stands at column `at`. Paragraphs are parted by
 * an empty line; ends with a newline. */
static enum err add_wrapped(struct buf *to, const char *text, size_t indent, size_t offset)
{
    bool first = true; /* word of its line */
    enum err rc;

    if (offset < indent) {
        TRY(add_blanks(to, indent - offset));
        offset = indent;
    }
    while (*text != '\0') {
        size_t len = strcspn(text, " \n");
        size_t wide = columns(text, len);

        if (!first && offset + 1 + wide > WIDTH) {
            TRY(buf_add_text(to, "\n"));
            TRY(add_blanks(to, indent));
            offset = indent;
            first = true;
        }
        TRY(buf_add_text(to, first ? "" : " "));
        TRY(buf_add(to, bytes_of(text, len)));
        offset += wide + !first;
        first = false;
        text += len;
        if (text[0] == '\n' && text[1] == '\n') {
            TRY(buf_add_text(to, "\n\n"));
            TRY(add_blanks(to, indent));
            offset = indent;
            first = true;
        }
        text += strspn(text, " \n");
    }
    TRY(buf_add_text(to, "\n"));
out:
    return rc;
}

static enum err add_summary(struct buf *to, const struct command *c)
{
    size_t offset = 2 + strlen(c->name);
    enum err rc;

    TRY(buf_add_format(to, "  %s", c->name));
    if (offset + 2 > SUMMARY_COLUMN) {
        TRY(buf_add_text(to, "\n"));
        offset = 0;
    }
    TRY(add_wrapped(to, c->summary, SUMMARY_COLUMN, offset));
out:
    return rc;
}

static enum err add_option_head(struct buf *to, const struct option *o)
{
    enum err rc;

    TRY(buf_add_text(to, "  "));
    if (o->letter != '\0')
        TRY(buf_add_format(to, "-%c, ", o->letter));
    TRY(buf_add_format(to, "--%s", o->name));
    if (o->argument != NULL)
        TRY(buf_add_format(to, " %s", o->argument));
    TRY(buf_add_text(to, "\n"));
out:
    return rc;
}

static enum err add_origins(struct buf *to, const struct option *o)
{
    const char *usual = o->default_text != NULL ? o->default_text : o->default_words;
    enum err rc = ERR_OK;

    if (usual != NULL && o->type != VALUE_FLAG) {
        TRY(add_blanks(to, TEXT_COLUMN));
        TRY(buf_add_text(to, "default: "));
        TRY(add_wrapped(to, usual, TEXT_COLUMN, TEXT_COLUMN + strlen("default: ")));
    }
    if (o->variable == NULL)
        goto out;
    TRY(add_blanks(to, TEXT_COLUMN));
    if (o->key != NULL)
        TRY(buf_add_format(to, "config: %s; ", o->key));
    TRY(buf_add_format(to, "env: %s\n", o->variable));
out:
    return rc;
}

static enum err add_option(struct buf *to, const struct option *o)
{
    enum err rc;

    TRY(add_option_head(to, o));
    TRY(add_wrapped(to, o->text, TEXT_COLUMN, 0));
    TRY(add_origins(to, o));
out:
    return rc;
}

static enum err add_options(struct buf *to, const struct command *c, bool common)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->name != NULL && option_is_common(o) == common && (common || option_is_of(o, c)))
            TRY(add_option(to, o));
    }
out:
    return rc;
}

static bool has_own_options(const struct command *c)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->name != NULL && !option_is_common(option_at(i)) &&
            option_is_of(option_at(i), c))
            return true;
    return false;
}

static enum err add_statuses(struct buf *to)
{
    const char *meaning;
    int status;
    enum err rc;

    TRY(buf_add_text(to, "\nExit status:\n"));
    for (size_t i = 0; document_status(i, &status, &meaning); i++)
        TRY(buf_add_format(to, "  %3d  %s\n", status, meaning));
out:
    return rc;
}

/* The names alone: what they mean is in the general help, and would bury the command's own. */
static enum err add_common_names(struct buf *to)
{
    struct buf names = {.max = DOCUMENT_LEN_MAX};
    enum err rc;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->name != NULL && option_is_common(o))
            TRY(buf_add_format(&names, "%s--%s", names.len > 0 ? ", " : "", o->name));
    }
    TRY(buf_add_u(&names, 0, 1)); /* ends the text */
    TRY(buf_add_text(to, "\nOptions of every command (`sealpoint help` explains them):\n"));
    TRY(add_wrapped(to, (const char *)names.data, TEXT_COLUMN, 0));
out:
    buf_clear(&names);
    return rc;
}

enum err help_write_general(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(to, "sealpoint seals MongoDB backups: encrypted, signed, verifiable "
                         "without a key.\n\n"
                         "Usage: sealpoint COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n"));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        TRY(add_summary(to, command_at(i)));
    TRY(buf_add_text(to, "\nOptions of every command:\n"));
    TRY(add_options(to, NULL, true));
    TRY(add_statuses(to));
    TRY(buf_add_text(to, "\n`sealpoint COMMAND --help` says more of one command.\n"));
out:
    return rc;
}

enum err help_write_family(const char *family, struct buf *to)
{
    enum err rc;

    TRY(buf_add_format(to, "Usage: sealpoint %s COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n",
                       family));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (command_in_family(command_at(i), family))
            TRY(add_summary(to, command_at(i)));
    TRY(buf_add_format(to, "\n`sealpoint %s COMMAND --help` says more of one command.\n", family));
out:
    return rc;
}

enum err help_write_command(const struct command *c, struct buf *to)
{
    enum err rc;

    TRY(buf_add_format(to, "Usage: sealpoint %s [OPTION…]%s%s\n\n", c->name,
                       *c->arguments != '\0' ? " " : "", c->arguments));
    TRY(add_wrapped(to, c->text, 0, 0));
    if (c->example != NULL)
        TRY(buf_add_format(to, "\nFor example:\n  %s\n", c->example));
    if (has_own_options(c)) {
        TRY(buf_add_text(to, "\nOptions:\n"));
        TRY(add_options(to, c, false));
    }
    TRY(add_common_names(to));
out:
    return rc;
}

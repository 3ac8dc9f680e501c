#include "cli/document.h"

#include <string.h>

#include "cli/embedded.h"

#define LINE_LEN 60

/* The prose is in cli/embedded/sealpoint.1.in. A line "@NAME@" there is a place for a list, made of
 * the tables by the writer of that name, at the end of this file. */

/* `text` so that no character of it means something to roff. */
static enum err add_escaped(struct buf *to, const char *text, size_t len)
{
    static const struct {
        const char *from, *to;
    } escapes[] = {
        {"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}, {"\"", "\\(dq"}, {"…", " ..."},
    };
    enum err rc = ERR_OK;

    /* A dot in front would begin a macro; "\&" is nothing, in front of it. */
    if (len > 0 && *text == '.')
        TRY(buf_add_text(to, "\\&"));
    while (len > 0) {
        size_t took = 1;
        const char *instead = NULL;

        for (size_t i = 0; i < sizeof escapes / sizeof escapes[0] && instead == NULL; i++) {
            size_t from_len = strlen(escapes[i].from);

            if (from_len > len || memcmp(text, escapes[i].from, from_len) != 0)
                continue;
            took = from_len;
            instead = escapes[i].to;
        }
        if (instead != NULL)
            TRY(buf_add_text(to, instead));
        else
            TRY(buf_add(to, bytes_of(text, 1)));
        text += took;
        len -= took;
    }
out:
    return rc;
}

/* One paragraph, each sentence on a line of its own and no line long, as mdoc wants it. */
static enum err add_words(struct buf *to, const char *text, size_t len)
{
    size_t line = to->len;
    enum err rc;

    while (len > 0) {
        size_t word = strcspn(text, " ") < len ? strcspn(text, " ") : len;
        bool ends = text[word - 1] == '.';

        TRY(add_escaped(to, text, word));
        text += word;
        len -= word;
        if (len == 0)
            break;
        text++; /* the blank */
        len--;
        TRY(buf_add_text(to, ends || to->len - line > LINE_LEN ? "\n" : " "));
        if (to->data[to->len - 1] == '\n')
            line = to->len;
    }
    TRY(buf_add_text(to, "\n"));
out:
    return rc;
}

static enum err add_prose(struct buf *to, const char *text)
{
    enum err rc;

    for (;;) {
        const char *end = strstr(text, "\n\n");

        TRY(add_words(to, text, end != NULL ? (size_t)(end - text) : strlen(text)));
        if (end == NULL)
            break;
        TRY(buf_add_text(to, ".Pp\n"));
        text = end + 2;
    }
out:
    return rc;
}

/* A macro of one argument on a line. */
static enum err add_macro(struct buf *to, const char *macro, const char *text)
{
    enum err rc;

    TRY(buf_add_format(to, ".%s ", macro));
    TRY(add_escaped(to, text, strlen(text)));
    TRY(buf_add_text(to, "\n"));
out:
    return rc;
}

/* "SNAPSHOT [PATH…]" as "Ar SNAPSHOT Op Ar PATH ...", with `front` before all of it. */
static enum err add_arguments(struct buf *to, const char *front, const char *arguments)
{
    enum err rc = ERR_OK;

    while (*arguments != '\0') {
        size_t len = strcspn(arguments, " ");
        bool may_miss = *arguments == '[';

        TRY(buf_add_format(to, "%s%sAr ", front, may_miss ? "Op " : ""));
        TRY(add_escaped(to, arguments + may_miss, len - 2 * (size_t)may_miss));
        arguments += len;
        arguments += strspn(arguments, " ");
        front = " ";
    }
out:
    return rc;
}

static enum err add_man_option_head(struct buf *to, const char *macro, const struct option *o)
{
    enum err rc;

    TRY(buf_add_format(to, ".%s", macro));
    if (o->letter != '\0')
        TRY(buf_add_format(to, " Fl %c ,", o->letter));
    TRY(buf_add_text(to, " Fl \\-"));
    TRY(add_escaped(to, o->name, strlen(o->name)));
    if (o->argument != NULL)
        TRY(buf_add_format(to, " Ar %s", o->argument));
    TRY(buf_add_text(to, "\n"));
out:
    return rc;
}

/* Key, variable and default, a sentence each. */
static enum err add_man_origins(struct buf *to, const struct option *o)
{
    const char *usual = o->default_text != NULL ? o->default_text : o->default_words;
    enum err rc = ERR_OK;

    if (usual != NULL && o->type != VALUE_FLAG) {
        TRY(buf_add_text(to, "The default is:\n"));
        TRY(add_words(to, usual, strlen(usual)));
        to->len--; /* the sentence ends before the newline */
        TRY(buf_add_text(to, ".\n"));
    }
    if (o->key != NULL)
        TRY(buf_add_format(to, "Configuration key:\n.Cm %s .\n", o->key));
    if (o->variable != NULL)
        TRY(buf_add_format(to, "Environment:\n.Ev %s .\n", o->variable));
out:
    return rc;
}

static enum err add_man_option(struct buf *to, const struct option *o)
{
    enum err rc;

    TRY(add_man_option_head(to, "It", o));
    TRY(add_prose(to, o->text));
    TRY(add_man_origins(to, o));
out:
    return rc;
}

static bool is_own(const struct option *o, const struct command *c)
{
    return o->name != NULL && !option_is_common(o) && option_is_of(o, c);
}

static enum err add_command(struct buf *to, const struct command *c)
{
    size_t own = 0;
    enum err rc;

    TRY(buf_add_text(to, ".It Ic "));
    TRY(add_escaped(to, c->name, strlen(c->name)));
    TRY(add_arguments(to, " ", c->arguments));
    TRY(buf_add_text(to, "\n"));
    TRY(add_prose(to, c->text));
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!is_own(option_at(i), c))
            continue;
        if (own++ == 0)
            TRY(buf_add_text(to, ".Bl -tag -width 4n\n"));
        TRY(add_man_option(to, option_at(i)));
    }
    if (own > 0)
        TRY(buf_add_text(to, ".El\n"));
out:
    return rc;
}

static enum err write_synopsis(struct buf *to)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *c = command_at(i);

        TRY(add_macro(to, "Nm\n.Ic", c->name));
        TRY(buf_add_text(to, ".Op Ar option ...\n"));
        if (*c->arguments != '\0') {
            TRY(add_arguments(to, ".", c->arguments));
            TRY(buf_add_text(to, "\n"));
        }
    }
out:
    return rc;
}

static enum err write_commands(struct buf *to)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        TRY(add_command(to, command_at(i)));
out:
    return rc;
}

static enum err write_options(struct buf *to)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->name != NULL && option_is_common(option_at(i)))
            TRY(add_man_option(to, option_at(i)));
out:
    return rc;
}

static enum err write_master_key(struct buf *to)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < MASTER_KEY_MEMBERS; i++) {
        TRY(add_macro(to, "It Cm", master_key_setting_at(i)->key));
        TRY(add_prose(to, master_key_setting_at(i)->text));
    }
out:
    return rc;
}

static enum err write_configuration(struct buf *to)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->name != NULL)
            continue;
        TRY(add_macro(to, "It Cm", o->key));
        TRY(add_prose(to, o->text));
        TRY(buf_add_format(to, "Environment:\n.Ev %s .\n", o->variable));
    }
out:
    return rc;
}

static enum err write_environment(struct buf *to)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->variable == NULL)
            continue;
        TRY(add_macro(to, "It Ev", o->variable));
        if (o->name != NULL)
            TRY(add_man_option_head(to, "No as", o));
        else
            TRY(add_prose(to, o->text));
    }
out:
    return rc;
}

static enum err write_exit_statuses(struct buf *to)
{
    const char *meaning;
    int status;
    enum err rc = ERR_OK;

    for (size_t i = 0; document_status(i, &status, &meaning); i++) {
        TRY(buf_add_format(to, ".It %d\n", status));
        TRY(add_prose(to, meaning));
    }
out:
    return rc;
}

static enum err write_examples(struct buf *to)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *example = command_at(i)->example;

        if (example == NULL)
            continue;
        TRY(add_escaped(to, example, strlen(example)));
        TRY(buf_add_text(to, "\n"));
    }
out:
    return rc;
}

static enum err write_marked_list(struct buf *to, const char *marker, size_t len)
{
    static const struct {
        const char *name;
        enum err (*write)(struct buf *to);
    } lists[] = {
        {"@SYNOPSIS@", write_synopsis},
        {"@COMMANDS@", write_commands},
        {"@OPTIONS@", write_options},
        {"@MASTERKEY@", write_master_key},
        {"@CONFIGURATION@", write_configuration},
        {"@ENVIRONMENT@", write_environment},
        {"@EXIT@", write_exit_statuses},
        {"@EXAMPLES@", write_examples},
    };

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (strlen(lists[i].name) == len && memcmp(lists[i].name, marker, len) == 0)
            return lists[i].write(to);
    return err_set(ERR_FAILED, "man page: nothing is known to stand for %.*s", (int)len, marker);
}

enum err man_write(struct buf *to)
{
    const char *line = (const char *)embedded_sealpoint_1_in;
    enum err rc = ERR_OK;

    while (*line != '\0') {
        size_t len = strcspn(line, "\n");

        if (*line == '@')
            TRY(write_marked_list(to, line, len));
        else
            TRY(buf_add_format(to, "%.*s\n", (int)len, line));
        line += len;
        line += *line == '\n';
    }
out:
    return rc;
}

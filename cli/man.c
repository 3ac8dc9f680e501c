#include "cli/document.h"

#include <string.h>

#include "cli/setting.h"

#define RELEASE_DATE "November 24, 2026"
#define LINE_LEN 60

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

static enum err add_option_head(struct buf *to, const char *macro, const struct option *o)
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
static enum err add_origins(struct buf *to, const struct option *o)
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

static enum err add_option(struct buf *to, const struct option *o)
{
    enum err rc;

    TRY(add_option_head(to, "It", o));
    TRY(add_prose(to, o->text));
    TRY(add_origins(to, o));
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
        TRY(add_option(to, option_at(i)));
    }
    if (own > 0)
        TRY(buf_add_text(to, ".El\n"));
out:
    return rc;
}

static enum err add_synopsis(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(to, ".Sh SYNOPSIS\n"));
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

static enum err add_commands(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(to, ".Sh COMMANDS\n.Bl -tag -width 4n\n"));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        TRY(add_command(to, command_at(i)));
    TRY(buf_add_text(to, ".El\n.Sh OPTIONS\nEvery command takes these; "
                         "they may stand before or behind it.\n.Bl -tag -width 4n\n"));
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->name != NULL && option_is_common(option_at(i)))
            TRY(add_option(to, option_at(i)));
    TRY(buf_add_text(to, ".El\n"));
out:
    return rc;
}

static enum err add_configuration(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(to, ".Sh CONFIGURATION\nThe configuration file is YAML.\n"
                         "Relative paths in it begin at its folder.\n"
                         "Unknown keys are errors.\n"
                         "An option goes before the environment, the environment before the file,\n"
                         "the file before the default;\n"
                         ".Ic config\nshows what holds.\n"
                         ".Bd -literal -offset indent\n"
                         "repository: /srv/backup\n"
                         "source: /var/lib/mongodb\n"
                         "masterKey:\n"
                         "  \\- provider: file\n"
                         "    path: /etc/sealpoint/keyring.json\n"
                         "    passphraseFile: /run/credentials/sealpoint/passphrase\n"
                         ".Ed\n.Pp\n"
                         "The first master key of the list is the one that snapshots record.\n"
                         "Each further one gets an envelope of every data key too,\n"
                         "so that either opens it.\n"
                         "Members of an item:\n.Bl -tag -width 4n\n"));
    for (size_t i = 0; i < MASTER_KEY_MEMBERS; i++) {
        TRY(add_macro(to, "It Cm", master_key_setting_at(i)->key));
        TRY(add_prose(to, master_key_setting_at(i)->text));
    }
    TRY(buf_add_text(to, ".El\n.Pp\nKeys without an option:\n.Bl -tag -width 4n\n"));
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->name != NULL)
            continue;
        TRY(add_macro(to, "It Cm", o->key));
        TRY(add_prose(to, o->text));
        TRY(buf_add_format(to, "Environment:\n.Ev %s .\n", o->variable));
    }
    TRY(buf_add_text(to, ".El\n"));
out:
    return rc;
}

static enum err add_environment(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(to, ".Sh ENVIRONMENT\nAn empty variable counts as not set.\n"
                         "No variable holds a secret.\n"
                         ".Bl -tag -width SEALPOINT_PASSPHRASE_FILE\n"));
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->variable == NULL)
            continue;
        TRY(add_macro(to, "It Ev", o->variable));
        if (o->name != NULL)
            TRY(add_option_head(to, "No as", o));
        else
            TRY(add_prose(to, o->text));
    }
    TRY(buf_add_text(to, ".El\n"));
out:
    return rc;
}

static enum err add_files(struct buf *to)
{
    return buf_add_text(to,
                        ".Sh FILES\n.Bl -tag -width 4n\n.It Pa " SETTING_CONFIG_DEFAULT "\n"
                        "The configuration, when\n.Fl \\-config\nnames no other.\n"
                        ".It Pa " SETTING_STATE_DIR_ROOT "/repositories/*/\n"
                        "For each repository the signing key, what was last seen of its ledger,\n"
                        "and caches.\n"
                        "Losing it stops new snapshots, never a restore.\n"
                        ".It Pa " SETTING_STATE_DIR_ROOT "/keyring.json\n"
                        "The file keyring, when nothing else is configured.\n"
                        "Without it, or its passphrase, nothing can be restored:\n"
                        "keep a copy away from this machine and from the repository.\n.El\n");
}

static enum err add_statuses(struct buf *to)
{
    const char *meaning;
    int status;
    enum err rc;

    TRY(buf_add_text(to, ".Sh EXIT STATUS\n.Bl -tag -width 4n\n"));
    for (size_t i = 0; document_status(i, &status, &meaning); i++) {
        TRY(buf_add_format(to, ".It %d\n", status));
        TRY(add_prose(to, meaning));
    }
    TRY(buf_add_text(to, ".El\n"));
out:
    return rc;
}

static enum err add_examples(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(to, ".Sh EXAMPLES\n.Bd -literal -offset indent\n"));
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *example = command_at(i)->example;

        if (example == NULL)
            continue;
        TRY(add_escaped(to, example, strlen(example)));
        TRY(buf_add_text(to, "\n"));
    }
    TRY(buf_add_text(to, ".Ed\n"));
out:
    return rc;
}

enum err man_write(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(to, ".\\\" Made by \"sealpoint help \\-\\-man\".\n"
                         ".Dd " RELEASE_DATE "\n.Dt SEALPOINT 1\n.Os\n.Sh NAME\n.Nm sealpoint\n"
                         ".Nd seal, verify and restore MongoDB backups\n"));
    TRY(add_synopsis(to));
    TRY(buf_add_text(to, ".Sh DESCRIPTION\n.Nm\n"
                         "encrypts snapshots of a database's files with envelope keys,\n"
                         "so that the master key never leaves its keeper.\n"
                         "It records in every snapshot which master\\-key version it depends on,\n"
                         "and refuses a restore when that version may not be used.\n"
                         "Archives are signed and chained: anyone can verify them without a key.\n"
                         ".Pp\n"
                         "Results go to standard output, everything else to standard error.\n"
                         "Lists are printed as JSON with\n.Fl \\-json .\n"));
    TRY(add_commands(to));
    TRY(add_configuration(to));
    TRY(add_environment(to));
    TRY(add_files(to));
    TRY(add_statuses(to));
    TRY(add_examples(to));
out:
    return rc;
}

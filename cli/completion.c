#include "cli/document.h"

#include <string.h>

/*
 * Each shell gets the same facts: which words stand where, and which options take a file, a
 * directory or nothing. Names of commands and options are letters and dashes, so no quoting is
 * needed; descriptions are quoted for the shell.
 */

/* `text` between single quotes, where "'" needs another spelling. */
static enum err add_quoted(struct buf *to, const char *text, const char *quote)
{
    enum err rc;

    TRY(buf_add_text(to, "'"));
    for (; *text != '\0'; text++)
        if (*text == '\'')
            TRY(buf_add_text(to, quote));
        else
            TRY(buf_add(to, bytes_of(text, 1)));
    TRY(buf_add_text(to, "'"));
out:
    return rc;
}

/* First words of all commands, each once. */
static bool is_first_of_family(size_t i)
{
    const char *name = command_at(i)->name;
    size_t len = strcspn(name, " ");

    for (size_t before = 0; before < i; before++)
        if (strncmp(command_at(before)->name, name, len) == 0 &&
            command_at(before)->name[len] == ' ')
            return false;
    return true;
}

static enum err add_first_words(struct buf *to, const char *between)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *name = command_at(i)->name;

        if (!is_first_of_family(i))
            continue;
        TRY(buf_add_text(to, i > 0 ? between : ""));
        TRY(buf_add(to, bytes_of(name, strcspn(name, " "))));
    }
out:
    return rc;
}

static enum err add_family_words(struct buf *to, const char *family)
{
    size_t count = 0;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (command_in_family(command_at(i), family))
            TRY(buf_add_format(to, "%s%s", count++ > 0 ? " " : "",
                               command_last_word(command_at(i))));
out:
    return rc;
}

/* Options of `c` (NULL: of every command) with dashes. */
static enum err add_options(struct buf *to, const struct command *c)
{
    size_t count = 0;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->name != NULL && (c != NULL ? option_is_of(o, c) : option_is_common(o)))
            TRY(buf_add_format(to, "%s--%s", count++ > 0 ? " " : "", o->name));
    }
out:
    return rc;
}

/* "--a|-a|--b": the options whose value is of that kind. */
static enum err add_options_of_type(struct buf *to, enum option_type least, enum option_type most)
{
    size_t count = 0;
    enum err rc = ERR_OK;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->name == NULL || o->type < least || o->type > most)
            continue;
        TRY(buf_add_format(to, "%s--%s", count++ > 0 ? "|" : "", o->name));
        if (o->letter != '\0')
            TRY(buf_add_format(to, "|-%c", o->letter));
    }
out:
    return rc;
}

static enum err bash_add_values(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(to, "    case $prev in\n    "));
    TRY(add_options_of_type(to, VALUE_FILE, VALUE_FILE));
    TRY(buf_add_text(to, ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n    "));
    TRY(add_options_of_type(to, VALUE_DIR, VALUE_DIR));
    TRY(buf_add_text(to, ") COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n    "));
    TRY(add_options_of_type(to, VALUE_SHELL, VALUE_SHELL));
    TRY(buf_add_text(to, ") COMPREPLY=($(compgen -W \"bash zsh fish\" -- \"$cur\")); "
                         "return ;;\n    "));
    TRY(add_options_of_type(to, VALUE_TEXT, VALUE_TEXT));
    TRY(buf_add_text(to, "|"));
    TRY(add_options_of_type(to, VALUE_NUMBER, VALUE_FINGERPRINT));
    TRY(buf_add_text(to, ") return ;;\n    esac\n"));
out:
    return rc;
}

static enum err bash_write(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(
        to, "# bash completion for sealpoint; made by \"sealpoint help --completion bash\".\n"
            "_sealpoint()\n{\n"
            "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
            "    local command= word skip= words=\n"));
    TRY(bash_add_values(to));
    /* The command is the first word, or two of a family, that is no option nor its value. */
    TRY(buf_add_text(to, "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                         "        if [[ $skip ]]; then skip=; continue; fi\n"
                         "        case $word in\n        "));
    TRY(add_options_of_type(to, VALUE_TEXT, VALUE_SHELL));
    TRY(buf_add_text(to, ") skip=1 ;;\n        -*) ;;\n"
                         "        *) case $command in\n"
                         "           '') command=$word ;;\n"
                         "           key) command=\"key $word\" ;;\n"
                         "           esac ;;\n"
                         "        esac\n    done\n    case $command in\n    '') words='"));
    TRY(add_first_words(to, " "));
    TRY(buf_add_text(to, " "));
    TRY(add_options(to, NULL));
    TRY(buf_add_text(to, "' ;;\n    key) words='"));
    TRY(add_family_words(to, "key"));
    TRY(buf_add_text(to, "' ;;\n"));
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        TRY(buf_add_format(to, "    '%s') words='", command_at(i)->name));
        TRY(add_options(to, command_at(i)));
        TRY(buf_add_text(to, "' ;;\n"));
    }
    TRY(buf_add_text(to, "    esac\n"
                         "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                         "    if [[ $command && $command != key && $cur != -* ]]; then\n"
                         "        COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
                         "    fi\n}\n"
                         "complete -o filenames -F _sealpoint sealpoint\n"));
out:
    return rc;
}

/* One specification of zsh's _arguments: '--to[text]:DIR:_files -/'. */
static enum err zsh_add_option(struct buf *to, const struct option *o, const char *spelled)
{
    static const char *const actions[] = {
        [VALUE_FILE] = "_files",
        [VALUE_DIR] = "_files -/",
        [VALUE_SHELL] = "(bash zsh fish)",
    };
    const char *action = NULL;
    enum err rc;

    if ((size_t)o->type < sizeof actions / sizeof actions[0])
        action = actions[o->type];
    TRY(buf_add_format(to, " \\\n            '%s%s[", o->many ? "*" : "", spelled));
    for (const char *cursor = o->text; *cursor != '\0'; cursor++) {
        if (strchr("[]:\\", *cursor) != NULL)
            TRY(buf_add_text(to, "\\"));
        if (*cursor == '\'')
            TRY(buf_add_text(to, "'\\'"));
        TRY(buf_add(to, bytes_of(cursor, 1)));
    }
    TRY(buf_add_text(to, "]"));
    if (o->argument != NULL)
        TRY(buf_add_format(to, ":%s:%s", o->argument, action != NULL ? action : ""));
    TRY(buf_add_text(to, "'"));
out:
    return rc;
}

static enum err zsh_add_options(struct buf *to, const struct command *c)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);
        char spelled[64];

        if (o->name == NULL || !(c != NULL ? option_is_of(o, c) : option_is_common(o)))
            continue;
        spelled[0] = spelled[1] = '-';
        memcpy(spelled + 2, o->name, strlen(o->name) + 1);
        TRY(zsh_add_option(to, o, spelled));
        if (o->letter == '\0')
            continue;
        spelled[1] = o->letter;
        spelled[2] = '\0';
        TRY(zsh_add_option(to, o, spelled));
    }
    TRY(buf_add_text(to, " \\\n            '*:argument:_files' ;;\n"));
out:
    return rc;
}

static enum err zsh_add_words(struct buf *to, const char *family)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *c = command_at(i);

        if (family == NULL ? strchr(c->name, ' ') != NULL : !command_in_family(c, family))
            continue;
        TRY(buf_add_format(to, " \\\n            '%s:", command_last_word(c)));
        for (const char *cursor = c->summary; *cursor != '\0'; cursor++)
            TRY(*cursor == '\'' ? buf_add_text(to, "'\\''") : buf_add(to, bytes_of(cursor, 1)));
        TRY(buf_add_text(to, "'"));
    }
    if (family == NULL)
        TRY(buf_add_text(to, " \\\n            'key:manage master-key versions'"));
out:
    return rc;
}

static enum err zsh_write(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(
        to, "#compdef sealpoint\n"
            "# zsh completion for sealpoint; made by \"sealpoint help --completion zsh\".\n"
            "_sealpoint()\n{\n"
            "    local -a words_of\n    local command=${words[2]}\n"
            "    if (( CURRENT == 2 )); then\n        words_of=("));
    TRY(zsh_add_words(to, NULL));
    TRY(buf_add_text(to, ")\n        _describe command words_of\n        return\n    fi\n"
                         "    if [[ $command == key ]]; then\n"
                         "        if (( CURRENT == 3 )); then\n            words_of=("));
    TRY(zsh_add_words(to, "key"));
    TRY(buf_add_text(to, ")\n            _describe command words_of\n            return\n"
                         "        fi\n        command=\"key ${words[3]}\"\n"
                         "        shift words\n        (( CURRENT-- ))\n    fi\n"
                         "    shift words\n    (( CURRENT-- ))\n    case $command in\n"));
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        TRY(buf_add_format(to, "    '%s') _arguments", command_at(i)->name));
        TRY(zsh_add_options(to, command_at(i)));
    }
    TRY(buf_add_text(to, "    *) _arguments"));
    TRY(zsh_add_options(to, NULL));
    /* Works both when sourced and when loaded by name from $fpath. */
    TRY(buf_add_text(to, "    esac\n}\n"
                         "if [[ ${funcstack[1]} == _sealpoint ]]; then _sealpoint \"$@\"; "
                         "else compdef _sealpoint sealpoint; fi\n"));
out:
    return rc;
}

/* In fish a condition says where a word may stand. */
static enum err fish_add_condition(struct buf *to, const struct command *c)
{
    const char *blank = strchr(c->name, ' ');

    if (blank == NULL)
        return buf_add_format(to, " -n '__fish_seen_subcommand_from %s'", c->name);
    return buf_add_format(to,
                          " -n '__fish_seen_subcommand_from %.*s; and "
                          "__fish_seen_subcommand_from %s'",
                          (int)(blank - c->name), c->name, blank + 1);
}

static enum err fish_add_option(struct buf *to, const struct option *o, const struct command *c)
{
    enum err rc;

    TRY(buf_add_text(to, "complete -c sealpoint"));
    if (c != NULL)
        TRY(fish_add_condition(to, c));
    TRY(buf_add_format(to, " -l %s", o->name));
    if (o->letter != '\0')
        TRY(buf_add_format(to, " -s %c", o->letter));
    if (o->type == VALUE_DIR)
        TRY(buf_add_text(to, " -x -a '(__fish_complete_directories)'"));
    else if (o->type == VALUE_SHELL)
        TRY(buf_add_text(to, " -x -a 'bash zsh fish'"));
    else if (o->type == VALUE_FILE)
        TRY(buf_add_text(to, " -r -F"));
    else if (o->argument != NULL)
        TRY(buf_add_text(to, " -x"));
    TRY(buf_add_text(to, " -d "));
    TRY(add_quoted(to, o->text, "\\'"));
    TRY(buf_add_text(to, "\n"));
out:
    return rc;
}

static enum err fish_add_command(struct buf *to, const struct command *c)
{
    const char *blank = strchr(c->name, ' ');
    enum err rc;

    if (blank == NULL)
        TRY(buf_add_text(to, "complete -c sealpoint -f -n __fish_use_subcommand"));
    else
        TRY(buf_add_format(to, "complete -c sealpoint -f -n '__fish_seen_subcommand_from %.*s'",
                           (int)(blank - c->name), c->name));
    TRY(buf_add_format(to, " -a %s -d ", command_last_word(c)));
    TRY(add_quoted(to, c->summary, "\\'"));
    TRY(buf_add_text(to, "\n"));
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->name != NULL && !option_is_common(o) && option_is_of(o, c))
            TRY(fish_add_option(to, o, c));
    }
out:
    return rc;
}

static enum err fish_write(struct buf *to)
{
    enum err rc;

    TRY(buf_add_text(
        to, "# fish completion for sealpoint; made by \"sealpoint help --completion fish\".\n"
            "complete -c sealpoint -f -n __fish_use_subcommand -a key "
            "-d 'manage master-key versions'\n"));
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->name != NULL && option_is_common(option_at(i)))
            TRY(fish_add_option(to, option_at(i), NULL));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        TRY(fish_add_command(to, command_at(i)));
out:
    return rc;
}

enum err completion_write(const char *shell, struct buf *to)
{
    static const struct {
        const char *name;
        enum err (*write)(struct buf *to);
    } shells[] = {{"bash", bash_write}, {"zsh", zsh_write}, {"fish", fish_write}};

    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(shells[i].name, shell) == 0)
            return shells[i].write(to);
    return err_set(ERR_USAGE, "\"%.40s\" is not bash, zsh or fish", shell);
}

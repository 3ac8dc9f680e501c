#include "cli/invocation.h"

#include <string.h>

#include "cli/suggest.h"
#include "core/base/mem.h"

struct parser {
    size_t count;
    char *const *argv;
    size_t next; /* the word after the current one */
    bool options_ended;
    bool is_front; /* of a command line that goes on */
    struct invocation *to;
};

static enum err fail_unknown_option(const char *word)
{
    struct suggest near = suggest_for(word + strspn(word, "-"));
    enum err rc = err_set(ERR_USAGE, "unknown option \"%.100s\"", word);

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->name != NULL)
            suggest_offer(&near, option_at(i)->name);
    suggest_hint(&near, "--");
    return rc;
}

static enum err fail_unknown_command(const char *family, const char *word)
{
    struct suggest near = suggest_for(word);
    enum err rc = family == NULL
                      ? err_set(ERR_USAGE, "unknown command \"%.100s\"", word)
                      : err_set(ERR_USAGE, "unknown command \"%s %.100s\"", family, word);

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (family == NULL || command_in_family(command_at(i), family))
            suggest_offer(&near,
                          family == NULL ? command_at(i)->name : command_last_word(command_at(i)));
    suggest_hint(&near, "");
    if (near.best == NULL)
        err_hint("`sealpoint help` lists the commands");
    return rc;
}

/* The words of a family for a message: "status, check, …". */
static enum err fail_family_alone(const char *family)
{
    char words[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *word = command_last_word(command_at(i));

        if (!command_in_family(command_at(i), family) || used + strlen(word) + 3 > sizeof words)
            continue;
        if (used > 0) {
            memcpy(words + used, ", ", 2);
            used += 2;
        }
        memcpy(words + used, word, strlen(word) + 1);
        used += strlen(word);
    }
    return err_set(ERR_USAGE, "\"%s\" needs one of: %s", family, words);
}

static enum err take_value(struct parser *p, const struct option *o, const char *value)
{
    enum option_id id = option_id(o);

    if (o->many)
        p->to->only[p->to->only_count++] = value;
    else if (p->to->values[id] != NULL)
        return err_set(ERR_USAGE, "--%s is given twice", o->name);
    p->to->values[id] = value;
    return ERR_OK;
}

/* The value is the next word. */
static enum err take_next_word(struct parser *p, const struct option *o)
{
    if (p->next == p->count && p->is_front) {
        p->to->pending = o;
        return ERR_OK;
    }
    if (p->next == p->count)
        return err_set(ERR_USAGE, "--%s needs a value: %s", o->name, o->argument);
    return take_value(p, o, p->argv[p->next++]);
}

static enum err take_long(struct parser *p, const char *word)
{
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    const struct option *o = option_find(name, len);

    if (o == NULL)
        return fail_unknown_option(word);
    if (o->type == VALUE_FLAG && name[len] == '=')
        return err_set(ERR_USAGE, "--%s takes no value", o->name);
    if (o->type == VALUE_FLAG)
        return take_value(p, o, "true");
    if (name[len] == '=')
        return take_value(p, o, name + len + 1);
    return take_next_word(p, o);
}

static enum err take_letters(struct parser *p, const char *word)
{
    enum err rc = ERR_OK;

    for (const char *cursor = word + 1; *cursor != '\0' && rc == ERR_OK; cursor++) {
        const struct option *o = option_find_letter(*cursor);

        if (o == NULL)
            return fail_unknown_option(word);
        if (o->type == VALUE_FLAG) {
            rc = take_value(p, o, "true");
            continue;
        }
        return cursor[1] != '\0' ? take_value(p, o, cursor + 1) : take_next_word(p, o);
    }
    return rc;
}

static enum err take_command(struct parser *p, const char *word)
{
    struct invocation *to = p->to;

    if (to->family != NULL) {
        for (size_t i = 0; i < COMMAND_COUNT; i++)
            if (command_in_family(command_at(i), to->family) &&
                strcmp(command_last_word(command_at(i)), word) == 0)
                to->command = command_at(i);
        if (to->command == NULL)
            return fail_unknown_command(to->family, word);
        to->family = NULL;
        return ERR_OK;
    }
    if (command_is_family(word)) {
        to->family = word;
        return ERR_OK;
    }
    to->command = command_find(word);
    /* "key status" in one word is nobody's way to type it. */
    if (to->command == NULL || strchr(word, ' ') != NULL)
        return fail_unknown_command(NULL, word);
    return ERR_OK;
}

static enum err take_word(struct parser *p, const char *word)
{
    if (!p->options_ended && strcmp(word, "--") == 0) {
        p->options_ended = true;
        return ERR_OK;
    }
    if (!p->options_ended && strncmp(word, "--", 2) == 0)
        return take_long(p, word);
    if (!p->options_ended && word[0] == '-' && word[1] != '\0')
        return take_letters(p, word);
    if (p->to->command == NULL)
        return take_command(p, word);
    p->to->arguments[p->to->argument_count++] = word;
    return ERR_OK;
}

static enum err check_options(const struct invocation *i)
{
    for (size_t id = 0; id < OPTION_COUNT; id++)
        if (i->values[id] != NULL && !option_is_of(option_at(id), i->command)) {
            err_set(ERR_USAGE, "\"%s\" has no option --%s", i->command->name, option_at(id)->name);
            err_hint("see `sealpoint %s --help`", i->command->name);
            return ERR_USAGE;
        }
    return ERR_OK;
}

static enum err check_arguments(const struct invocation *i)
{
    const struct command *c = i->command;

    if (i->argument_count > c->arguments_max)
        return err_set(ERR_USAGE, "\"%s\" takes no argument \"%.100s\"", c->name,
                       i->arguments[c->arguments_max]);
    if (i->argument_count < c->arguments_min)
        return err_set(ERR_USAGE, "\"%s\" needs %s", c->name, c->arguments);
    return ERR_OK;
}

static enum err check_whole(const struct invocation *i)
{
    if (i->values[OPTION_HELP] != NULL || i->values[OPTION_VERSION] != NULL)
        return ERR_OK;
    if (i->family != NULL)
        return fail_family_alone(i->family);
    if (i->command == NULL) {
        err_set(ERR_USAGE, "no command given");
        err_hint("`sealpoint help` lists the commands");
        return ERR_USAGE;
    }
    if (check_options(i) != ERR_OK)
        return ERR_USAGE;
    return check_arguments(i);
}

static enum err parse_words(size_t count, char *const *argv, bool is_front, struct invocation *out)
{
    struct invocation i = {0};
    struct parser p = {.count = count, .argv = argv, .is_front = is_front, .to = &i};
    enum err rc;

    TRY(mem_new(count + 1, sizeof *i.arguments, &i.arguments));
    TRY(mem_new(count + 1, sizeof *i.only, &i.only));
    while (p.next < count)
        TRY(take_word(&p, argv[p.next++]));
    if (!is_front)
        TRY(check_whole(&i));
    i.options_ended = p.options_ended;
    *out = i;
    memset(&i, 0, sizeof i); /* the caller's now */
out:
    invocation_clear(&i);
    return rc;
}

enum err invocation_parse(size_t count, char *const *argv, struct invocation *out)
{
    return parse_words(count, argv, false, out);
}

enum err invocation_parse_front(size_t count, char *const *argv, struct invocation *out)
{
    return parse_words(count, argv, true, out);
}

void invocation_clear(struct invocation *i)
{
    mem_free(i->arguments);
    mem_free(i->only);
    memset(i, 0, sizeof *i);
}

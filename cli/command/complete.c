#include "cli/command/complete.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/document.h"
#include "cli/print.h"
#include "core/base/secret.h"
#include "core/base/text.h"
#include "core/ledger/record.h"

/* A shell that hangs is worse than one that completes nothing. */
#define SECONDS_MAX 2
#define MEANING_LEN 100

/* Quoting differs between shells; these need none in any. */
static bool is_plain_word(const char *word)
{
    return *word != '\0' && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789-._")] == '\0';
}

enum err complete_offer(const struct answer *a, const char *word, const char *meaning)
{
    char clean[MEANING_LEN];
    enum err rc = ERR_OK;

    if (!is_plain_word(word) || strncmp(word, a->typed, strlen(a->typed)) != 0)
        goto out;
    text_printable(meaning != NULL ? meaning : "", clean, sizeof clean);
    TRY(buf_add_format(a->to, "%.*s%s%s%s\n", (int)a->front_len, a->front, word,
                       *clean != '\0' ? "\t" : "", clean));
out:
    return rc;
}

/* "status, check, create, …" */
static void list_family(const char *family, char out[MEANING_LEN])
{
    struct buf words = {.max = KIB};

    out[0] = '\0';
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (command_in_family(command_at(i), family) &&
            buf_add_format(&words, "%s%s", words.len > 0 ? ", " : "",
                           command_last_word(command_at(i))) != ERR_OK)
            break;
    if (buf_add_u(&words, 0, 1) == ERR_OK)
        text_printable((const char *)words.data, out, MEANING_LEN);
    buf_clear(&words);
}

static bool is_first_of_family(size_t id, const char *family)
{
    for (size_t i = 0; i < id; i++)
        if (command_in_family(command_at(i), family))
            return false;
    return true;
}

/* The first words of all commands, or the last ones of a family. */
static enum err offer_commands(const struct answer *a, const char *family)
{
    char word[40];
    char meaning[MEANING_LEN];
    enum err rc = ERR_OK;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *c = command_at(i);
        size_t len = strcspn(c->name, " ");

        if (family != NULL && !command_in_family(c, family))
            continue;
        if (family != NULL || c->name[len] == '\0') {
            TRY(complete_offer(a, command_last_word(c), c->summary));
            continue;
        }
        snprintf(word, sizeof word, "%.*s", (int)len, c->name);
        if (!is_first_of_family(i, word))
            continue;
        list_family(word, meaning);
        TRY(complete_offer(a, word, meaning));
    }
out:
    return rc;
}

/* The first sentence of an option's text, without its end. */
static void cut_sentence(const char *text, char out[MEANING_LEN])
{
    const char *end = strstr(text, ". ");
    size_t len = end != NULL ? (size_t)(end - text) : strlen(text);

    if (end == NULL && len > 0 && text[len - 1] == '.')
        len--;
    text_printable(text, out, len + 1 < MEANING_LEN ? len + 1 : MEANING_LEN);
}

static bool fits_here(const struct option *o, const struct invocation *i)
{
    if (o->name == NULL || (i->values[option_id(o)] != NULL && !o->many))
        return false;
    return option_is_common(o) || (i->command != NULL && option_is_of(o, i->command));
}

/* The command's own, or those of every command. */
static enum err offer_options(const struct answer *a, const struct invocation *i, bool common)
{
    char word[40] = "--";
    char meaning[MEANING_LEN];
    enum err rc = ERR_OK;

    for (size_t id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = option_at(id);

        if (option_is_common(o) != common || !fits_here(o, i))
            continue;
        text_printable(o->name, word + 2, sizeof word - 2);
        cut_sentence(o->text, meaning);
        TRY(complete_offer(a, word, meaning));
    }
out:
    return rc;
}

static enum err offer_shells(const struct answer *a)
{
    const char *name;
    enum err rc = ERR_OK;

    for (size_t i = 0; (name = completion_shell(i)) != NULL; i++)
        TRY(complete_offer(a, name, NULL));
out:
    return rc;
}

static enum err offer_roles(const struct answer *a)
{
    enum err rc = ERR_OK;

    for (int role = ROLE_BACKUP; role < ROLE_COUNT; role++)
        TRY(complete_offer(a, record_role_name((enum record_role)role), NULL));
out:
    return rc;
}

static enum err answer_value(const struct answer *a, const struct option *o)
{
    enum err rc;

    switch (o->type) {
    case VALUE_FILE:
        return buf_add_text(a->to, "files\n");
    case VALUE_DIR:
        return buf_add_text(a->to, "directories\n");
    case VALUE_SHELL:
        TRY(buf_add_text(a->to, "words\n"));
        TRY(offer_shells(a));
        break;
    default:
        TRY(buf_add_text(a->to, "words\n")); /* mostly none: nobody knows them */
        if (option_id(o) == OPTION_ROLE)
            TRY(offer_roles(a));
    }
out:
    return rc;
}

/* The word of the synopsis for argument `n`, without brackets and dots: "SNAPSHOT". The last one
 * stands for all that follow. */
static size_t find_argument_name(const struct command *c, size_t n, const char **out)
{
    const char *word = c->arguments;

    for (; n > 0 && strchr(word, ' ') != NULL; n--)
        word = strchr(word, ' ') + 1;
    *out = word + (*word == '[');
    return strcspn(*out, " ]\xe2"); /* the first byte of "…" */
}

static bool is_named(const char *name, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(name, word, len) == 0;
}

static enum err answer_argument(const struct answer *a, const struct invocation *i)
{
    const char *name = NULL;
    size_t len = find_argument_name(i->command, i->argument_count, &name);
    enum err rc;

    if (is_named(name, len, "SOURCE"))
        return buf_add_text(a->to, "directories\n");
    if (is_named(name, len, "REQUEST"))
        return buf_add_text(a->to, "files\n");
    TRY(buf_add_text(a->to, "words\n"));
    if (is_named(name, len, "SNAPSHOT"))
        TRY(complete_snapshots(a, i));
    else if (is_named(name, len, "VERSION"))
        TRY(complete_versions(a, i));
    else if (is_named(name, len, "WRITER"))
        TRY(complete_writers(a, i));
    else if (is_named(name, len, "COMMAND"))
        TRY(offer_commands(a, i->argument_count > 0 ? i->arguments[0] : NULL));
out:
    return rc;
}

static enum err answer_word(const struct answer *a, const struct invocation *i)
{
    bool wants_option = a->typed[0] == '-' && !i->options_ended;
    bool takes_argument = i->command != NULL && i->argument_count < i->command->arguments_max;
    enum err rc;

    if (!wants_option && takes_argument)
        return answer_argument(a, i);
    TRY(buf_add_text(a->to, "words\n"));
    if (!wants_option && i->command == NULL) {
        TRY(offer_commands(a, i->family));
        goto out;
    }
    if (i->options_ended)
        goto out;
    TRY(offer_options(a, i, false));
    TRY(offer_options(a, i, true));
out:
    return rc;
}

/* The option of "--option=…"; NULL: the word is no such thing. */
static const struct option *find_option_in(const char *word, const struct invocation *i)
{
    const char *equals = strchr(word, '=');

    if (i->options_ended || equals == NULL || strncmp(word, "--", 2) != 0)
        return NULL;
    return option_find(word + 2, (size_t)(equals - word) - 2);
}

enum err complete_answer(size_t count, char *const *words, struct buf *to)
{
    struct answer a = {.to = to, .front = "", .typed = count > 0 ? words[count - 1] : ""};
    const struct option *o;
    struct invocation i = {0};
    enum err rc;

    TRY(invocation_parse_front(count > 0 ? count - 1 : 0, words, &i));
    if (i.pending != NULL) {
        TRY(answer_value(&a, i.pending));
        goto out;
    }
    o = find_option_in(a.typed, &i);
    if (o == NULL) {
        TRY(answer_word(&a, &i));
        goto out;
    }
    a.front = a.typed;
    a.front_len = strcspn(a.typed, "=") + 1;
    a.typed += a.front_len;
    TRY(answer_value(&a, o));
out:
    invocation_clear(&i);
    return rc;
}

void complete_run(size_t count, char *const *words)
{
    struct buf answer = {.max = MIB};

    alarm(SECONDS_MAX); /* SIGALRM ends the process, which has printed nothing yet */
    if (secret_setup() == ERR_OK && complete_answer(count, words, &answer) == ERR_OK) {
        print_bytes(buf_bytes(&answer));
        if (print_finish() != ERR_OK)
            err_clear(); /* there is nobody to tell */
    }
    buf_clear(&answer);
}

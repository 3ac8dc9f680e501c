/*
 * A command line from an enemy: words parted by newlines. Whatever is taken must fit the table,
 * and its values must come out of the settings as what their rows promise.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/invocation.h"
#include "cli/option.h"
#include "cli/setting.h"
#include "core/base/bytes.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t split(char *text, char **words)
{
    size_t count = 0;

    while (text != NULL && count < WORDS_MAX)
        words[count++] = strsep(&text, "\n");
    return count;
}

/* The parser promises that command, options and number of arguments go together. */
static void check_invocation(const struct invocation *i)
{
    bool is_asking = i->values[OPTION_HELP] != NULL || i->values[OPTION_VERSION] != NULL;

    assert(i->arguments[i->argument_count] == NULL && i->only[i->only_count] == NULL);
    assert((i->only_count > 0) == (i->values[OPTION_ONLY] != NULL));
    if (is_asking)
        return;
    assert(i->command != NULL && i->family == NULL);
    assert(i->argument_count >= i->command->arguments_min);
    assert(i->argument_count <= i->command->arguments_max);
    for (size_t id = 0; id < OPTION_COUNT; id++)
        assert(i->values[id] == NULL || option_is_of(option_at(id), i->command));
}

/* Reading a checked value cannot fail. The configuration file is left out: fuzz_config has it. */
static void check_settings(struct invocation *from)
{
    struct settings s = {0};

    from->values[OPTION_CONFIG] = NULL;
    if (settings_resolve(from, &s) != ERR_OK) {
        assert(*err_text() != '\0');
        return;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);
        enum option_id id = option_id(o);

        if (o->type == VALUE_NUMBER)
            assert(settings_number(&s, id) <= o->max);
        else if (o->type == VALUE_FLAG)
            (void)settings_flag(&s, id);
        else if (o->type == VALUE_PERCENT)
            assert(settings_share(&s, id) > 0 && settings_share(&s, id) <= 1);
        else if (o->type == VALUE_DURATION)
            assert(settings_duration_ms(&s, id) >= 0);
    }
    assert(s.key_count >= 1 && s.keys[0].provider != NULL);
    settings_clear(&s);
}

/* A line that is still typed: what is pending takes a value, and every whole line has a front. */
static void check_front(size_t count, char *const *words, bool is_whole)
{
    struct invocation i = {0};
    enum err rc = invocation_parse_front(count, words, &i);

    assert(rc == ERR_OK || (!is_whole && *err_text() != '\0' && i.arguments == NULL));
    assert(i.pending == NULL || (!is_whole && i.pending->type != VALUE_FLAG));
    invocation_clear(&i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_whole = false;
    char *words[WORDS_MAX];
    struct invocation i = {0};
    char *text = malloc(size + 1);
    size_t count;

    assert(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    count = split(text, words);
    if (invocation_parse(count, words, &i) == ERR_OK) {
        check_invocation(&i);
        check_settings(&i);
        is_whole = true;
    } else {
        assert(*err_text() != '\0' && i.arguments == NULL);
    }
    check_front(count, words, is_whole);
    invocation_clear(&i);
    free(text);
    return 0;
}

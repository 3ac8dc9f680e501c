#include "cli/option.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/text.h"
#include "core/ledger/ledger.h"

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(command_at(i)->name, name) == 0)
            return command_at(i);
    return NULL;
}

bool command_in_family(const struct command *c, const char *word)
{
    size_t len = strlen(word);

    return len > 0 && strncmp(c->name, word, len) == 0 && c->name[len] == ' ';
}

bool command_is_family(const char *word)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (command_in_family(command_at(i), word))
            return true;
    return false;
}

const char *command_last_word(const struct command *c)
{
    const char *blank = strrchr(c->name, ' ');

    return blank != NULL ? blank + 1 : c->name;
}

const struct option *option_find(const char *name, size_t len)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->name != NULL && strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    }
    return NULL;
}

const struct option *option_find_letter(char letter)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (letter != '\0' && option_at(i)->letter == letter)
            return option_at(i);
    return NULL;
}

bool option_is_of(const struct option *o, const struct command *c)
{
    return (o->commands & COMMAND_BIT(command_id(c))) != 0;
}

bool option_is_common(const struct option *o)
{
    return o->commands == COMMANDS_ALL;
}

enum err option_flag_value(const char *value, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], value) == 0) {
            *out = i % 2 == 1;
            return ERR_OK;
        }
    return err_set(ERR_USAGE, "\"%.40s\" is neither true nor false", value);
}

static enum err check_number(const struct option *o, const char *value)
{
    uint64_t number;

    if (text_number(value, o->max, &number) == ERR_OK && number >= o->min)
        return ERR_OK;
    return err_set(ERR_USAGE, "\"%.40s\" is not a whole number from %" PRIu64 " to %" PRIu64, value,
                   o->min, o->max);
}

static enum err check_duration(const char *value)
{
    uint64_t seconds;
    /* A century in seconds: sums with a time of day stay far from overflow. */
    const uint64_t most = UINT64_C(100) * 366 * 86400;

    if (strcmp(value, "never") == 0)
        return ERR_OK;
    if (text_duration(value, &seconds) != ERR_OK)
        return ERR_USAGE;
    if (seconds > most)
        return err_set(ERR_USAGE, "\"%.40s\" is more than a century", value);
    return ERR_OK;
}

static enum err check_percent(const char *value)
{
    char digits[4] = "";
    size_t len = strcspn(value, "%");
    uint64_t share = 0;

    if (len > 0 && len < sizeof digits && (value[len] == '\0' || value[len + 1] == '\0')) {
        memcpy(digits, value, len);
        if (text_number(digits, 100, &share) == ERR_OK && share > 0)
            return ERR_OK;
    }
    return err_set(ERR_USAGE, "\"%.40s\" is not a share from 1%% to 100%%", value);
}

static enum err check_fingerprint_form(const char *value)
{
    if (strlen(value) != LEDGER_FINGERPRINT_LEN ||
        strspn(value, "0123456789abcdefABCDEF") != LEDGER_FINGERPRINT_LEN)
        return err_set(ERR_USAGE, "\"%.80s\" is not a fingerprint (%d hex digits)", value,
                       LEDGER_FINGERPRINT_LEN);
    return ERR_OK;
}

static enum err check_shell(const char *value)
{
    if (strcmp(value, "bash") == 0 || strcmp(value, "zsh") == 0 || strcmp(value, "fish") == 0)
        return ERR_OK;
    return err_set(ERR_USAGE, "\"%.40s\" is not bash, zsh or fish", value);
}

enum err option_check_value(const struct option *o, const char *value)
{
    bool flag;

    switch (o->type) {
    case VALUE_FLAG:
        return option_flag_value(value, &flag);
    case VALUE_NUMBER:
        return check_number(o, value);
    case VALUE_DURATION:
        return check_duration(value);
    case VALUE_PERCENT:
        return check_percent(value);
    case VALUE_FINGERPRINT:
        return check_fingerprint_form(value);
    case VALUE_SHELL:
        return check_shell(value);
    case VALUE_TEXT:
    case VALUE_FILE:
    case VALUE_DIR:
        break;
    }
    if (*value == '\0')
        return err_set(ERR_USAGE, "is empty");
    return ERR_OK;
}

/*
 * The one table of commands and options. The parser, --help, the man page, completions, the
 * configuration file's keys and the environment's variables all read it; nothing else knows them.
 *
 * Uses: core/base.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum command_id {
    COMMAND_INIT,
    COMMAND_BACKUP,
    COMMAND_RESTORE,
    COMMAND_VERIFY,
    COMMAND_STATUS,
    COMMAND_SNAPSHOTS,
    COMMAND_SHOW,
    COMMAND_LS,
    COMMAND_CAT,
    COMMAND_EXPORT,
    COMMAND_KEY_STATUS,
    COMMAND_KEY_CHECK,
    COMMAND_KEY_CREATE,
    COMMAND_KEY_ROTATE,
    COMMAND_KEY_DISABLE,
    COMMAND_KEY_ENABLE,
    COMMAND_KEY_SCHEDULE_DELETION,
    COMMAND_KEY_CANCEL_DELETION,
    COMMAND_KEY_PURGE,
    COMMAND_KEY_PASSPHRASE,
    COMMAND_KEY_IMPACT,
    COMMAND_KEY_REWRAP,
    COMMAND_WRITER_LIST,
    COMMAND_WRITER_REQUEST,
    COMMAND_WRITER_ENROL,
    COMMAND_WRITER_REVOKE,
    COMMAND_CONFIG,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_COUNT
};

#define COMMAND_ARGUMENTS_ANY SIZE_MAX

struct command {
    const char *name;      /* "backup", "key status": a family is the words' common front */
    const char *arguments; /* as in the synopsis: "[SNAPSHOT…]"; "" for none */
    size_t arguments_min, arguments_max;
    const char *summary; /* half a line */
    const char *text;    /* paragraphs, parted by "\n\n" */
    const char *example; /* one command line, or NULL */
    bool is_deed;        /* does or checks something: with --quiet it prints nothing on success */
};

/* Every id of a command as a set. */
#define COMMAND_BIT(id) (UINT64_C(1) << (id))
#define COMMANDS_ALL UINT64_MAX
_Static_assert(COMMAND_COUNT <= 64, "the commands that take an option are a set in 64 bits");

enum option_id {
    OPTION_CONFIG,
    OPTION_REPOSITORY,
    OPTION_STATE_DIR,
    OPTION_KEYRING,
    OPTION_PASSPHRASE_FILE,
    OPTION_NO_PASSPHRASE,
    OPTION_GENERATE_PASSPHRASE,
    OPTION_NEW_PASSPHRASE_FILE,
    OPTION_NEW_KEYRING,
    OPTION_ALLOW_MEMORY,
    OPTION_CLOCK_IS_RIGHT,
    OPTION_FINGERPRINT,
    OPTION_TRUST_NEW,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_VERBOSE,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_SOURCE,
    OPTION_WORKERS,
    OPTION_DESCRIPTION,
    OPTION_FULL,
    OPTION_READ_ALL,
    OPTION_ANY_DIRECTORY,
    OPTION_STREAM_NAME,
    OPTION_RETAIN,
    OPTION_CHAIN_AGE,
    OPTION_CHAIN_LENGTH,
    OPTION_CHECKPOINT_EXPIRY,
    OPTION_TO,
    OPTION_ONLY,
    OPTION_DELTA,
    OPTION_KEEP_GOING,
    OPTION_RECORD,
    OPTION_NUMERIC_OWNER,
    OPTION_OWNER,
    OPTION_DRY_RUN,
    OPTION_READ_DATA,
    OPTION_DECRYPT,
    OPTION_SAMPLE,
    OPTION_HEADS,
    OPTION_REPORT,
    OPTION_ENVELOPE,
    OPTION_KEY,
    OPTION_DAYS,
    OPTION_YES,
    OPTION_ROOT_KEY,
    OPTION_ROOT_PASSPHRASE_FILE,
    OPTION_ROLE,
    OPTION_LAST,
    OPTION_MAN,
    OPTION_COMPLETION,
    OPTION_COUNT
};

enum option_type {
    VALUE_FLAG,
    VALUE_TEXT,
    VALUE_FILE,
    VALUE_DIR,
    VALUE_NUMBER,
    VALUE_DURATION,
    VALUE_PERCENT,
    VALUE_FINGERPRINT,
    VALUE_SHELL
};

struct option {
    const char *name;     /* without "--"; NULL: only a key and a variable */
    char letter;          /* '\0': none */
    const char *argument; /* "DIR"; NULL for a flag */
    enum option_type type;
    uint64_t min, max;         /* of a number */
    bool many;                 /* may be given more than once */
    const char *key;           /* in the configuration file, "." between levels; NULL: none */
    const char *variable;      /* NULL: none */
    const char *default_text;  /* used as it is; NULL: none */
    const char *default_words; /* when the default is found out: how; else NULL */
    const char *text;          /* one or two sentences */
    uint64_t commands;         /* COMMAND_BIT(…) of those that take it */
};

/* Members of one item of the configuration's list "masterKey". */
enum master_key_member {
    MASTER_KEY_PROVIDER,
    MASTER_KEY_PATH,
    MASTER_KEY_PASSPHRASE_FILE,
    MASTER_KEY_MEMBERS
};
#define MASTER_KEY_LIST "masterKey"

struct master_key_setting {
    const char *key;
    bool required;
    bool is_path;
    const char *text;
};

/* Rows by their enum. */
const struct command *command_at(size_t id);
enum command_id command_id(const struct command *c);
const struct option *option_at(size_t id);
enum option_id option_id(const struct option *o);
const struct master_key_setting *master_key_setting_at(size_t member);

/* By its full name ("key status"); NULL: there is none. */
const struct command *command_find(const char *name);
/* True when `word` is the first word of commands of two words. */
bool command_is_family(const char *word);
/* True when `c` is of that family. */
bool command_in_family(const struct command *c, const char *word);
/* The part of the name behind the family, or all of it. */
const char *command_last_word(const struct command *c);

/* By name without dashes (of `len` bytes), by letter; NULL: there is none. */
const struct option *option_find(const char *name, size_t len);
const struct option *option_find_letter(char letter);
bool option_is_of(const struct option *o, const struct command *c);
/* Every command takes it. */
bool option_is_common(const struct option *o);

/* ERR_USAGE: `value` is not what the option's type allows (the message names neither). */
MUST_CHECK enum err option_check_value(const struct option *o, const char *value);
/* "true", "yes", "on", "1" and their opposites. ERR_USAGE. */
MUST_CHECK enum err option_flag_value(const char *value, bool *out);

#endif

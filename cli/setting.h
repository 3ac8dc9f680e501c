/*
 * The effective settings: for each row of the table its value, and where that came from.
 *
 * Options override the environment, that overrides the configuration file, that the defaults.
 * Uses: option, invocation, config.
 */
#ifndef CLI_SETTING_H
#define CLI_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/config/config.h"
#include "cli/invocation.h"
#include "cli/option.h"
#include "keyring/keyring.h"

#define SETTING_CONFIG_DEFAULT "/etc/sealpoint/sealpoint.yaml"
#define SETTING_STATE_DIR_ROOT "/var/lib/sealpoint"

enum setting_origin { FROM_NOWHERE, FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_OPTION };

struct setting {
    const char *text; /* NULL: no value; borrowed */
    enum setting_origin origin;
};

struct settings {
    const struct invocation *invocation; /* borrowed */
    struct setting values[OPTION_COUNT];
    /* Every configured master key, the first the recorded one; `ask` is left NULL. */
    struct master_key_options keys[KEYRING_KEYS_MAX];
    size_t key_count;
    size_t file_key; /* the item that --keyring and --passphrase-file are about; key_count: none */
    struct config *config; /* owned; NULL: no file was read */
    char *state_dir;       /* owned defaults */
    char *keyring;
    char *fingerprint; /* as it is compared: in lower case; owned */
};

/*
 * Read the environment and the configuration file, fill in defaults, check every value.
 * ERR_USAGE: a value is not what its row allows, or a configuration file that was named is not
 * there; the message says where the value stands.
 */
MUST_CHECK enum err settings_resolve(const struct invocation *i, struct settings *out);
void settings_clear(struct settings *s);

const char *settings_text(const struct settings *s, enum option_id id); /* NULL: not set */
bool settings_flag(const struct settings *s, enum option_id id);
/* Of a number, a share in percent, a duration in milliseconds (never: 0); 0 when not set. */
uint64_t settings_number(const struct settings *s, enum option_id id);
double settings_share(const struct settings *s, enum option_id id); /* (0, 1] */
int64_t settings_duration_ms(const struct settings *s, enum option_id id);

const char *setting_origin_name(enum setting_origin origin);

#endif

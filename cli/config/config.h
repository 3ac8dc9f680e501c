/*
 * The configuration file: YAML, its keys those of the one table.
 *
 * Everything is kept as text, so that a value is checked and read alike wherever it comes from.
 * Uses: core/base, core/fs, option, field, yaml_tree.
 */
#ifndef CLI_CONFIG_CONFIG_H
#define CLI_CONFIG_CONFIG_H

#include <stddef.h>

#include "cli/option.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

/* One item of the list "masterKey". NULL: the member is not there. */
struct config_master_key {
    char *members[MASTER_KEY_MEMBERS];
};

struct config {
    char *values[OPTION_COUNT]; /* NULL: the key is not there */
    struct config_master_key *keys;
    size_t key_count;
};

/*
 * ERR_USAGE: not YAML, an unknown key, a key twice, a value of the wrong kind; the message has the
 * line and the key. Release *out with config_free().
 */
MUST_CHECK enum err config_parse(struct bytes yaml, struct config **out);

/* The same from a file; relative paths in it begin at its directory. `path` is put in front of
 * messages. ERR_USAGE: it cannot be read, too. */
MUST_CHECK enum err config_read(const char *path, struct config **out);
void config_free(struct config *c);

#endif

/*
 * Groups of keys, read by tables into structs. A row says which key, what stands there, and where
 * it goes.
 *
 * Keys of nested groups are written with dots: "chain.age". A list of groups has a table of its own
 * for its items, whose keys begin anew. Everything is kept as text, so that a value is checked and
 * read alike wherever it comes from. Every message has the line and the whole path of the key:
 * "line 3: masterKey[1].passphraseFile: …".
 * Uses: core/base, core/fs, yaml_tree, suggest.
 */
#ifndef CLI_CONFIG_FIELD_H
#define CLI_CONFIG_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/config/yaml_tree.h"
#include "core/base/err.h"

#define FIELD_TEXT_MAX 4095

enum field_kind {
    FIELD_TEXT,  /* a char *; NULL: not there */
    FIELD_TEXTS, /* a char ** and their count: a list of texts */
    FIELD_GROUPS /* a pointer to structs and their count: a list of groups */
};

/* ERR_USAGE: the value is not allowed; the message names neither line nor key. */
typedef enum err field_check(const void *arg, const char *value);

struct field_table;

struct field {
    const char *key;
    enum field_kind kind;
    bool required;      /* of FIELD_TEXT */
    bool is_path;       /* texts that are relative paths begin at the directory of the file */
    field_check *check; /* of each text; NULL: any */
    const void *check_arg;
    size_t offset;                   /* of what the kind says, in the struct */
    size_t count_offset;             /* of a size_t, for a list */
    size_t max;                      /* of its items */
    const struct field_table *items; /* of FIELD_GROUPS */
};

struct field_table {
    const struct field *fields;
    size_t count;
    size_t size; /* of the struct */
};

/*
 * Read `group` into the zeroed struct `to`, which is to be cleared with field_clear(), after a
 * failure too. `directory` (ends with '/') is put in front of relative paths; NULL: they stay as
 * they are. ERR_USAGE: an unknown key, one that is missing or there twice, another kind of value
 * than the row wants, or one that its check refuses.
 */
MUST_CHECK enum err field_read(const struct field_table *table, const struct tree_item *group,
                               const char *directory, void *to);

/* Free what was read. */
void field_clear(const struct field_table *table, void *of);

#endif

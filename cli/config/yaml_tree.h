/*
 * A YAML document as a bounded tree: values that are text, lists, groups of keys; each knows its
 * line.
 *
 * What no configuration needs is refused: a second document, keys that are not text, anchors and
 * aliases (with which a few lines grow to gigabytes). The only user of libyaml, which allocates by
 * itself.
 * Uses: core/base.
 */
#ifndef CLI_CONFIG_YAML_TREE_H
#define CLI_CONFIG_YAML_TREE_H

#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

#define YAML_TREE_LEN_MAX (256 * KIB)
#define YAML_TREE_NODES_MAX 10000 /* keys and values */
#define YAML_TREE_DEPTH_MAX 12

enum tree_kind {
    TREE_NOTHING, /* no value, or ~, null, '' */
    TREE_VALUE,
    TREE_LIST,
    TREE_GROUP
};

/* Borrowed from its tree. */
struct tree_item {
    enum tree_kind kind;
    size_t line;                   /* of its key, or where it begins; from 1 */
    const char *key;               /* of a member of a group; else NULL */
    const char *text;              /* of a value; never empty */
    const struct tree_item *items; /* of a list or group, in their order */
    size_t count;
};

struct yaml_tree;

/*
 * Parse a whole file; release *out with yaml_tree_free(). ERR_USAGE: not YAML, or beyond a limit;
 * the message has the line, and what libyaml says. A key that is there twice is not noticed here.
 */
MUST_CHECK enum err yaml_tree_parse(struct bytes yaml, struct yaml_tree **out);
void yaml_tree_free(struct yaml_tree *t);

/* NULL: the document is empty. */
const struct tree_item *yaml_tree_root(const struct yaml_tree *t);

#endif

#include "cli/config/yaml_tree.h"

#include <assert.h>
#include <string.h>

#include <yaml.h>

#include "core/base/mem.h"

/*
 * The text is gone through twice. First by its tokens: depth and anchors are only to be seen there,
 * with their lines, and what breaks a limit must not be built at all. Then libyaml makes its
 * document, and the tree is laid over that: texts stay the document's.
 */

struct yaml_tree {
    yaml_document_t document;  /* owned; zeroed: none */
    struct tree_item *items;   /* owned; the root first, then those of each level together */
    const yaml_node_t **nodes; /* owned; of each item, while the tree is built */
    size_t count;
};

static size_t get_line(yaml_mark_t mark)
{
    return mark.line + 1;
}

/* Errors in the bytes themselves come without a mark. */
static size_t find_line(struct bytes yaml, size_t offset)
{
    size_t line = 1;

    for (size_t i = 0; i < offset && i < yaml.len; i++)
        line += yaml.data[i] == '\n';
    return line;
}

static bool has_tab_indent(struct bytes yaml, size_t line)
{
    size_t i = 0;

    for (; i < yaml.len && line > 1; i++)
        line -= yaml.data[i] == '\n';
    while (i < yaml.len && yaml.data[i] == ' ')
        i++;
    return i < yaml.len && yaml.data[i] == '\t';
}

/* What libyaml says, with its line; of something that is not closed, the line where it began too.
 */
static enum err fail_parsing(const yaml_parser_t *parser, struct bytes yaml)
{
    size_t line = parser->error == YAML_READER_ERROR ? find_line(yaml, parser->problem_offset)
                                                     : get_line(parser->problem_mark);

    if (parser->error == YAML_MEMORY_ERROR)
        return err_set(ERR_FAILED, "out of memory");
    if (parser->context != NULL && parser->context_mark.line != parser->problem_mark.line)
        err_set(ERR_USAGE, "line %zu: this is not YAML: %s (%s, which begins on line %zu)", line,
                parser->problem, parser->context, get_line(parser->context_mark));
    else
        err_set(ERR_USAGE, "line %zu: this is not YAML: %s", line, parser->problem);
    if (has_tab_indent(yaml, line))
        err_hint("YAML is indented with spaces, never with tabs");
    return ERR_USAGE;
}

static enum err begin_parsing(yaml_parser_t *parser, struct bytes yaml)
{
    if (yaml_parser_initialize(parser) == 0)
        return err_set(ERR_FAILED, "out of memory");
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, yaml.len > 0 ? yaml.data : (const uint8_t *)"", yaml.len);
    return ERR_OK;
}

static enum err refuse_mark(const yaml_token_t *token, const char *what, char sign,
                            const yaml_char_t *name)
{
    err_set(ERR_USAGE, "line %zu: the YAML %s %c%.40s is not supported",
            get_line(token->start_mark), what, sign, (const char *)name);
    err_hint("a value that begins with %c needs quotes", sign);
    return ERR_USAGE;
}

static enum err check_token(const yaml_token_t *token, size_t *depth)
{
    switch (token->type) {
    case YAML_ANCHOR_TOKEN:
        return refuse_mark(token, "anchor", '&', token->data.anchor.value);
    case YAML_ALIAS_TOKEN:
        return refuse_mark(token, "alias", '*', token->data.alias.value);
    case YAML_BLOCK_SEQUENCE_START_TOKEN:
    case YAML_BLOCK_MAPPING_START_TOKEN:
    case YAML_FLOW_SEQUENCE_START_TOKEN:
    case YAML_FLOW_MAPPING_START_TOKEN:
        if (++*depth > YAML_TREE_DEPTH_MAX)
            return err_set(ERR_USAGE, "line %zu: lists and groups are nested more than %d deep",
                           get_line(token->start_mark), YAML_TREE_DEPTH_MAX);
        break;
    case YAML_BLOCK_END_TOKEN:
    case YAML_FLOW_SEQUENCE_END_TOKEN:
    case YAML_FLOW_MAPPING_END_TOKEN:
        if (*depth > 0) /* else it closes what was never opened; the parser says so */
            --*depth;
        break;
    default:
        break;
    }
    return ERR_OK;
}

static enum err check_tokens(struct bytes yaml)
{
    yaml_parser_t parser;
    yaml_token_t token;
    size_t depth = 0;
    bool is_last = false;
    enum err rc = begin_parsing(&parser, yaml);

    if (rc != ERR_OK)
        return rc;
    while (rc == ERR_OK && !is_last) {
        if (yaml_parser_scan(&parser, &token) == 0) {
            rc = fail_parsing(&parser, yaml);
            break;
        }
        rc = check_token(&token, &depth);
        is_last = token.type == YAML_STREAM_END_TOKEN;
        yaml_token_delete(&token);
    }
    yaml_parser_delete(&parser);
    return rc;
}

/* libyaml stops behind the first document; what follows would be ignored without a word. */
static enum err check_end(yaml_parser_t *parser, struct bytes yaml)
{
    yaml_document_t second;
    size_t line = 0;

    if (yaml_parser_load(parser, &second) == 0)
        return fail_parsing(parser, yaml);
    if (yaml_document_get_root_node(&second) != NULL)
        line = get_line(second.start_mark);
    yaml_document_delete(&second);
    if (line > 0)
        return err_set(ERR_USAGE, "line %zu: a second document begins", line);
    return ERR_OK;
}

static enum err load_document(struct bytes yaml, yaml_document_t *out)
{
    yaml_parser_t parser;
    enum err rc = begin_parsing(&parser, yaml);

    if (rc != ERR_OK)
        return rc;
    if (yaml_parser_load(&parser, out) == 0) {
        memset(out, 0, sizeof *out);
        rc = fail_parsing(&parser, yaml);
    } else if (yaml_document_get_root_node(out) != NULL) {
        rc = check_end(&parser, yaml);
    }
    yaml_parser_delete(&parser);
    return rc;
}

/* A text, which libyaml ends with a NUL. */
static enum err read_scalar_text(const yaml_node_t *node, const char **out)
{
    const char *text = (const char *)node->data.scalar.value;

    if (memchr(text, '\0', node->data.scalar.length) != NULL)
        return err_set(ERR_USAGE, "line %zu: this is not text: it has a zero byte",
                       get_line(node->start_mark));
    *out = text;
    return ERR_OK;
}

static bool is_nothing(const yaml_node_t *node, const char *text)
{
    static const char *const words[] = {"~", "null", "Null", "NULL"};

    if (*text == '\0')
        return true;
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], text) == 0)
            return true;
    return false;
}

static enum err add_item(struct yaml_tree *t, const yaml_node_t *key, int node)
{
    struct tree_item *item = &t->items[t->count];
    enum err rc = ERR_OK;

    t->nodes[t->count] = yaml_document_get_node(&t->document, node);
    assert(t->nodes[t->count] != NULL);
    item->line = get_line(key != NULL ? key->start_mark : t->nodes[t->count]->start_mark);
    if (key != NULL && key->type != YAML_SCALAR_NODE)
        FAIL(ERR_USAGE, "line %zu: a list or a group of keys stands where a key should",
             item->line);
    if (key != NULL)
        TRY(read_scalar_text(key, &item->key));
    t->count++;
out:
    return rc;
}

static enum err set_item_value(struct tree_item *item, const yaml_node_t *node)
{
    enum err rc;

    TRY(read_scalar_text(node, &item->text));
    item->kind = TREE_VALUE;
    if (is_nothing(node, item->text))
        item->kind = TREE_NOTHING;
out:
    return rc;
}

static enum err add_list(struct yaml_tree *t, struct tree_item *item, const yaml_node_t *node)
{
    enum err rc = ERR_OK;

    item->kind = TREE_LIST;
    for (const int *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++)
        TRY(add_item(t, NULL, *i));
out:
    return rc;
}

static enum err add_group(struct yaml_tree *t, struct tree_item *item, const yaml_node_t *node)
{
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    enum err rc = ERR_OK;

    item->kind = TREE_GROUP;
    for (; pair < node->data.mapping.pairs.top; pair++)
        TRY(add_item(t, yaml_document_get_node(&t->document, pair->key), pair->value));
out:
    return rc;
}

/* What item `i` holds is added behind all that is there, so that it stands together. */
static enum err add_content(struct yaml_tree *t, size_t i)
{
    struct tree_item *item = &t->items[i];
    const yaml_node_t *node = t->nodes[i];
    size_t first = t->count;
    enum err rc;

    if (node->type == YAML_SCALAR_NODE)
        return set_item_value(item, node);
    item->items = &t->items[first];
    rc = node->type == YAML_SEQUENCE_NODE ? add_list(t, item, node) : add_group(t, item, node);
    item->count = t->count - first;
    return rc;
}

static enum err build_items(struct yaml_tree *t)
{
    /* Without aliases no node is met twice, so there are no more items than nodes. */
    size_t node_count = (size_t)(t->document.nodes.top - t->document.nodes.start);
    enum err rc = ERR_OK;

    if (node_count > YAML_TREE_NODES_MAX)
        FAIL(ERR_USAGE, "more than %d keys and values", YAML_TREE_NODES_MAX);
    if (node_count == 0)
        goto out;
    TRY(mem_new(node_count, sizeof *t->items, &t->items));
    TRY(mem_new(node_count, sizeof *t->nodes, &t->nodes));
    TRY(add_item(t, NULL, 1)); /* libyaml counts from 1, and the root comes first */
    for (size_t i = 0; i < t->count; i++)
        TRY(add_content(t, i));
out:
    return rc;
}

enum err yaml_tree_parse(struct bytes yaml, struct yaml_tree **out)
{
    struct yaml_tree *t = NULL;
    enum err rc;

    if (yaml.len > YAML_TREE_LEN_MAX)
        FAIL(ERR_USAGE, "longer than %zu bytes", YAML_TREE_LEN_MAX);
    if (yaml.len > 0 && memchr(yaml.data, '\0', yaml.len) != NULL)
        FAIL(ERR_USAGE, "is not text: it has a zero byte");
    TRY(check_tokens(yaml));
    TRY(mem_new(1, sizeof *t, &t));
    TRY(load_document(yaml, &t->document));
    TRY(build_items(t));
    *out = t;
    t = NULL; /* the caller's now */
out:
    yaml_tree_free(t);
    return rc;
}

void yaml_tree_free(struct yaml_tree *t)
{
    if (t == NULL)
        return;
    yaml_document_delete(&t->document);
    mem_free(t->nodes);
    mem_free(t->items);
    mem_free(t);
}

const struct tree_item *yaml_tree_root(const struct yaml_tree *t)
{
    return t->count > 0 ? t->items : NULL;
}

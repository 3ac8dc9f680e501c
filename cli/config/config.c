#include "cli/config/config.h"

#include <string.h>

#include "cli/config/field.h"
#include "cli/config/yaml_tree.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "keyring/keyring.h"

/* The rows of struct config, made of the option table. */
struct tables {
    struct field members[MASTER_KEY_MEMBERS];
    struct field_table master_key;
    struct field fields[OPTION_COUNT + 1]; /* and the list */
    struct field_table config;
};

static enum err check_value(const void *arg, const char *value)
{
    return option_check_value(arg, value);
}

/* Options that change the first item of the list have a key for show. */
static bool is_in_list(const char *key)
{
    return strncmp(key, MASTER_KEY_LIST ".", sizeof MASTER_KEY_LIST) == 0;
}

static struct field make_option_field(const struct option *o)
{
    const struct field f = {
        .key = o->key,
        .kind = FIELD_TEXT,
        .is_path = o->type == VALUE_FILE || o->type == VALUE_DIR,
        .check = check_value,
        .check_arg = o,
        .offset = offsetof(struct config, values) + option_id(o) * sizeof(char *),
    };

    return f;
}

static struct field make_member_field(size_t i)
{
    const struct master_key_setting *setting = master_key_setting_at(i);
    const struct field f = {
        .key = setting->key,
        .kind = FIELD_TEXT,
        .required = setting->required,
        .is_path = setting->is_path,
        .offset = offsetof(struct config_master_key, members) + i * sizeof(char *),
    };

    return f;
}

static void fill_tables(struct tables *t)
{
    size_t count = 0;

    for (size_t i = 0; i < MASTER_KEY_MEMBERS; i++)
        t->members[i] = make_member_field(i);
    t->master_key = (struct field_table){
        .fields = t->members,
        .count = MASTER_KEY_MEMBERS,
        .size = sizeof(struct config_master_key),
    };
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->key != NULL && !is_in_list(option_at(i)->key))
            t->fields[count++] = make_option_field(option_at(i));
    t->fields[count++] = (struct field){
        .key = MASTER_KEY_LIST,
        .kind = FIELD_GROUPS,
        .offset = offsetof(struct config, keys),
        .count_offset = offsetof(struct config, key_count),
        .max = KEYRING_KEYS_MAX,
        .items = &t->master_key,
    };
    t->config = (struct field_table){
        .fields = t->fields,
        .count = count,
        .size = sizeof(struct config),
    };
}

static enum err parse_config(struct bytes yaml, const char *directory, struct config **out)
{
    struct yaml_tree *tree = NULL;
    struct config *c = NULL;
    const struct tree_item *root;
    struct tables tables;
    enum err rc;

    fill_tables(&tables);
    TRY(mem_new(1, sizeof *c, &c));
    TRY(yaml_tree_parse(yaml, &tree));
    root = yaml_tree_root(tree);
    if (root != NULL && root->kind != TREE_NOTHING)
        TRY(field_read(&tables.config, root, directory, c));
    *out = c;
    c = NULL; /* the caller's now */
out:
    config_free(c);
    yaml_tree_free(tree);
    return rc;
}

enum err config_parse(struct bytes yaml, struct config **out)
{
    return parse_config(yaml, NULL, out);
}

/* "conf/" of "conf/sealpoint.yaml"; NULL when the file lies where the command is run. */
static enum err find_directory(const char *path, char **out)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return ERR_OK;
    return mem_text_n(path, (size_t)(slash - path) + 1, out);
}

enum err config_read(const char *path, struct config **out)
{
    struct buf text = {.max = YAML_TREE_LEN_MAX};
    char *directory = NULL;
    enum err rc;

    rc = file_read(path, &text);
    if (rc == ERR_NOT_FOUND)
        FAIL(ERR_USAGE, "there is no such file");
    if (rc != ERR_OK) {
        rc = ERR_USAGE; /* whoever named the file can put it right */
        goto out;
    }
    TRY(find_directory(path, &directory));
    TRY(parse_config(buf_bytes(&text), directory, out));
out:
    if (rc != ERR_OK)
        err_note("configuration %s", path);
    mem_free(directory);
    buf_clear(&text);
    return rc;
}

void config_free(struct config *c)
{
    struct tables tables;

    if (c == NULL)
        return;
    fill_tables(&tables);
    field_clear(&tables.config, c);
    mem_free(c);
}

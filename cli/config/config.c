#include "cli/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "cli/suggest.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "keyring/keyring.h"

#define GROUPS_MAX 8
#define KEY_PART_MAX 40
#define MESSAGE_MAX 300

/* One level of keys: fields of the schema, and the name of the group. */
struct group {
    char name[KEY_PART_MAX];
    cyaml_schema_field_t fields[OPTION_COUNT + GROUPS_MAX + 2];
    size_t count;
};

struct schema {
    struct group groups[GROUPS_MAX]; /* [0] is the top */
    size_t group_count;
    cyaml_schema_field_t item_fields[MASTER_KEY_MEMBERS + 1];
    cyaml_schema_value_t item;
    cyaml_schema_value_t top;
};

static cyaml_schema_field_t text_field(const char *key, size_t offset, bool required)
{
    const cyaml_schema_field_t field = {
        .key = key,
        .data_offset = (uint32_t)offset,
        .value = {
            .type = CYAML_STRING,
            .flags = (enum cyaml_flag)(CYAML_FLAG_POINTER_NULL_STR |
                                       (required ? 0 : CYAML_FLAG_OPTIONAL)),
            .data_size = sizeof(char),
            .string = {.min = 0, .max = CONFIG_TEXT_MAX},
        }};

    return field;
}

/* The group of that name, made when it is new. It lies in place at offset 0, so that the offsets
 * of its members are those of struct config. */
static struct group *group_named(struct schema *s, const char *name, size_t len)
{
    struct group *g = &s->groups[s->group_count];
    struct group *top = &s->groups[0];

    for (size_t i = 1; i < s->group_count; i++)
        if (strlen(s->groups[i].name) == len && memcmp(s->groups[i].name, name, len) == 0)
            return &s->groups[i];
    if (s->group_count == GROUPS_MAX || len >= KEY_PART_MAX)
        abort(); /* the table has outgrown us: ours to mend, and every run shows it */
    memcpy(g->name, name, len);
    s->group_count++;
    top->fields[top->count++] = (cyaml_schema_field_t){.key = g->name,
                                                       .value = {
                                                           .type = CYAML_MAPPING,
                                                           .flags = CYAML_FLAG_OPTIONAL,
                                                           .data_size = sizeof(struct config),
                                                           .mapping = {.fields = g->fields},
                                                       }};
    return g;
}

static bool is_in_list(const char *key)
{
    return strncmp(key, MASTER_KEY_LIST ".", sizeof MASTER_KEY_LIST) == 0;
}

static void add_list(struct schema *s)
{
    struct group *top = &s->groups[0];

    for (size_t i = 0; i < MASTER_KEY_MEMBERS; i++) {
        const struct master_key_setting *m = master_key_setting_at(i);

        s->item_fields[i] = text_field(
            m->key, offsetof(struct config_master_key, members) + i * sizeof(char *), m->required);
    }
    s->item = (cyaml_schema_value_t){.type = CYAML_MAPPING,
                                     .flags = CYAML_FLAG_DEFAULT,
                                     .data_size = sizeof(struct config_master_key),
                                     .mapping = {.fields = s->item_fields}};
    top->fields[top->count++] = (cyaml_schema_field_t){
        .key = MASTER_KEY_LIST,
        .data_offset = offsetof(struct config, keys),
        .count_offset = offsetof(struct config, key_count),
        .count_size = sizeof((struct config *)NULL)->key_count,
        .value = {
            .type = CYAML_SEQUENCE,
            .flags = (enum cyaml_flag)(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL),
            .data_size = sizeof(struct config_master_key),
            .sequence = {.entry = &s->item, .min = 0, .max = KEYRING_KEYS_MAX},
        }};
}

static void schema_fill(struct schema *s)
{
    memset(s, 0, sizeof *s);
    s->group_count = 1;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *key = option_at(i)->key;
        const char *dot = key != NULL ? strchr(key, '.') : NULL;
        size_t offset = offsetof(struct config, values) + i * sizeof(char *);
        struct group *g = &s->groups[0];

        if (key == NULL || is_in_list(key))
            continue;
        if (dot != NULL)
            g = group_named(s, key, (size_t)(dot - key));
        g->fields[g->count++] = text_field(dot != NULL ? dot + 1 : key, offset, false);
    }
    add_list(s);
    s->top = (cyaml_schema_value_t){.type = CYAML_MAPPING,
                                    .flags = CYAML_FLAG_POINTER,
                                    .data_size = sizeof(struct config),
                                    .mapping = {.fields = s->groups[0].fields}};
}

static void *allocate(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        mem_free(ptr);
        return NULL;
    }
    return mem_resize(1, size, &ptr) == ERR_OK ? ptr : NULL;
}

/* What libcyaml says of a failure: the first line is the message, then come the places. */
struct complaint {
    char text[MESSAGE_MAX];
    unsigned long line; /* 0: not known */
};

PRINTF_LIKE(3, 0)
static void listen(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
    struct complaint *c = ctx;
    char said[MESSAGE_MAX];
    const char *place;
    const char *text = said;

    (void)level;
    vsnprintf(said, sizeof said, fmt, args);
    said[strcspn(said, "\n")] = '\0';
    place = strstr(said, "(line: ");
    if (c->line == 0 && place != NULL)
        c->line = strtoul(place + strlen("(line: "), NULL, 10);
    if (strncmp(text, "Load: ", 6) == 0)
        text += 6;
    if (c->text[0] == '\0' && place == NULL && strcmp(text, "Backtrace:") != 0)
        memcpy(c->text, text, strlen(text) + 1);
}

/* The line on which `key` stands as a key; 0: none. libcyaml tells the place of the value before.
 */
static unsigned long line_of_key(struct bytes yaml, const char *key)
{
    size_t key_len = strlen(key);
    unsigned long line = 1;

    for (size_t offset = 0; offset < yaml.len; line++) {
        const uint8_t *end = memchr(yaml.data + offset, '\n', yaml.len - offset);
        size_t stop = end != NULL ? (size_t)(end - yaml.data) : yaml.len;

        while (offset < stop && memchr(" -{\"'", yaml.data[offset], 5) != NULL)
            offset++;
        if (stop - offset > key_len && memcmp(yaml.data + offset, key, key_len) == 0 &&
            memchr(": \"'", yaml.data[offset + key_len], 4) != NULL)
            return line;
        offset = stop + 1;
    }
    return 0;
}

/* How libcyaml names what it found or wanted, and how a person does. */
static const char *kind_in_words(const char *kind)
{
    static const struct {
        const char *kind, *words;
    } kinds[] = {
        {"STRING", "one value"},        {"SCALAR", "one value"},
        {"SEQUENCE", "a list"},         {"SEQUENCE_START", "a list"},
        {"MAPPING", "a group of keys"}, {"MAPPING_START", "a group of keys"},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].words;
    return "nothing";
}

static enum err fail_unknown_key(struct bytes yaml, const char *key)
{
    struct suggest near = suggest_for(key);
    unsigned long line = line_of_key(yaml, key);
    enum err rc = err_set(ERR_USAGE, "unknown key \"%.100s\"", key);

    if (line > 0)
        err_note("line %lu", line);
    suggest_offer(&near, MASTER_KEY_LIST);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *known = option_at(i)->key;
        const char *dot = known != NULL ? strchr(known, '.') : NULL;

        if (known != NULL)
            suggest_offer(&near, dot != NULL ? dot + 1 : known);
    }
    for (size_t i = 0; i < MASTER_KEY_MEMBERS; i++)
        suggest_offer(&near, master_key_setting_at(i)->key);
    suggest_hint(&near, "");
    return rc;
}

/* Turn what libcyaml said into our words. */
static enum err fail_parsing(struct bytes yaml, const struct complaint *c, const char *otherwise)
{
    static const char unknown[] = "Unexpected key: ";
    static const char missing[] = "Missing required mapping field: ";
    static const char twice[] = "Mapping field already seen: ";
    static const char grammar[] = "libyaml: ";
    char wanted[32] = "", got[32] = "";

    if (strncmp(c->text, unknown, sizeof unknown - 1) == 0)
        return fail_unknown_key(yaml, c->text + sizeof unknown - 1);
    if (strncmp(c->text, missing, sizeof missing - 1) == 0)
        err_set(ERR_USAGE, "the key \"%s\" is missing", c->text + sizeof missing - 1);
    else if (strncmp(c->text, twice, sizeof twice - 1) == 0)
        err_set(ERR_USAGE, "the key \"%s\" is there twice", c->text + sizeof twice - 1);
    else if (sscanf(c->text, "Expecting %31[A-Z_], got event: %31[A-Z_]", wanted, got) == 2)
        err_set(ERR_USAGE, "%s stands where %s should", kind_in_words(got), kind_in_words(wanted));
    else if (strncmp(c->text, grammar, sizeof grammar - 1) == 0)
        err_set(ERR_USAGE, "this is not YAML: %s", c->text + sizeof grammar - 1);
    else
        err_set(ERR_USAGE, "%s", c->text[0] != '\0' ? c->text : otherwise);
    if (c->line > 0)
        err_note("line %lu", c->line);
    return ERR_USAGE;
}

/* libcyaml stops behind the first document; what follows would be ignored without a word. */
static enum err check_one_document(struct bytes yaml)
{
    bool seen = false;
    unsigned long line = 1;

    for (size_t offset = 0; offset < yaml.len; line++) {
        const uint8_t *end = memchr(yaml.data + offset, '\n', yaml.len - offset);
        size_t stop = end != NULL ? (size_t)(end - yaml.data) : yaml.len;

        if (stop - offset >= 3 && memcmp(yaml.data + offset, "---", 3) == 0) {
            if (seen)
                return err_set(ERR_USAGE, "line %lu: a second document begins", line);
            seen = true;
        } else if (stop > offset && yaml.data[offset] != '#' && yaml.data[offset] != '%') {
            seen = true;
        }
        offset = stop + 1;
    }
    return ERR_OK;
}

static enum err check_values(struct bytes yaml, const struct config *c)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);
        unsigned long line;

        if (c->values[i] == NULL || option_check_value(o, c->values[i]) == ERR_OK)
            continue;
        err_note("%s", o->key);
        line = line_of_key(yaml, strchr(o->key, '.') != NULL ? strchr(o->key, '.') + 1 : o->key);
        if (line > 0)
            err_note("line %lu", line);
        return ERR_USAGE;
    }
    return ERR_OK;
}

static enum err check_keys(const struct config *c)
{
    for (uint32_t i = 0; i < c->key_count; i++) {
        for (size_t m = 0; m < MASTER_KEY_MEMBERS; m++) {
            const char *text = c->keys[i].members[m];
            const struct master_key_setting *setting = master_key_setting_at(m);

            if (text == NULL && setting->required)
                return err_set(ERR_USAGE, MASTER_KEY_LIST "[%u]: the key \"%s\" is missing", i,
                               setting->key);
            if (text != NULL && *text == '\0')
                return err_set(ERR_USAGE, MASTER_KEY_LIST "[%u].%s: is empty", i, setting->key);
        }
    }
    return ERR_OK;
}

static const cyaml_config_t *reader(struct complaint *c, cyaml_config_t *to)
{
    *to = (cyaml_config_t){
        .log_fn = listen,
        .log_ctx = c,
        .mem_fn = allocate,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS, /* no bombs */
    };
    return to;
}

enum err config_parse(struct bytes yaml, struct config **out)
{
    struct complaint said = {"", 0};
    struct config *c = NULL;
    cyaml_data_t *loaded = NULL;
    struct schema schema;
    cyaml_config_t how;
    cyaml_err_t failure;
    enum err rc;

    schema_fill(&schema);
    if (yaml.len > CONFIG_LEN_MAX)
        FAIL(ERR_USAGE, "longer than %zu bytes", CONFIG_LEN_MAX);
    if (yaml.len > 0 && memchr(yaml.data, '\0', yaml.len) != NULL)
        FAIL(ERR_USAGE, "is not text: it has a zero byte");
    TRY(check_one_document(yaml));
    failure = cyaml_load_data(yaml.len > 0 ? yaml.data : (const uint8_t *)"", yaml.len,
                              reader(&said, &how), &schema.top, &loaded, NULL);
    if (failure == CYAML_ERR_OOM)
        FAIL(ERR_FAILED, "out of memory");
    if (failure != CYAML_OK) {
        rc = fail_parsing(yaml, &said, cyaml_strerror(failure));
        goto out;
    }
    c = loaded;
    if (c == NULL) /* an empty file */
        TRY(mem_new(1, sizeof *c, &c));
    TRY(check_values(yaml, c));
    TRY(check_keys(c));
    *out = c;
    c = NULL; /* the caller's now */
out:
    config_free(c);
    return rc;
}

/* A path is as the file means it, wherever the command is run from. */
static enum err resolve(const char *folder, char **path)
{
    char *whole = NULL;
    enum err rc = ERR_OK;

    if (*path == NULL || **path == '/' || strcmp(*path, "-") == 0)
        goto out;
    TRY(file_join(folder, *path, &whole));
    mem_free(*path);
    *path = whole;
out:
    return rc;
}

static enum err resolve_paths(const char *file, struct config *c)
{
    const char *slash = strrchr(file, '/');
    char *folder = NULL;
    enum err rc;

    if (slash == NULL) /* the file lies where the command is run */
        return ERR_OK;
    TRY(mem_format(&folder, "%.*s", (int)(slash - file) + 1, file));
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->type == VALUE_FILE || option_at(i)->type == VALUE_DIR)
            TRY(resolve(folder, &c->values[i]));
    for (uint32_t i = 0; i < c->key_count; i++) {
        TRY(resolve(folder, &c->keys[i].members[MASTER_KEY_PATH]));
        TRY(resolve(folder, &c->keys[i].members[MASTER_KEY_PASSPHRASE_FILE]));
    }
out:
    mem_free(folder);
    return rc;
}

enum err config_read(const char *path, struct config **out)
{
    struct buf text = {.max = CONFIG_LEN_MAX};
    struct config *c = NULL;
    enum err rc;

    rc = file_read(path, &text);
    if (rc == ERR_NOT_FOUND)
        FAIL(ERR_USAGE, "there is no such file");
    if (rc != ERR_OK) {
        rc = ERR_USAGE; /* whoever named the file can put it right */
        goto out;
    }
    TRY(config_parse(buf_bytes(&text), &c));
    TRY(resolve_paths(path, c));
    *out = c;
    c = NULL; /* the caller's now */
out:
    config_free(c);
    if (rc != ERR_OK)
        err_note("configuration %s", path);
    buf_clear(&text);
    return rc;
}

void config_free(struct config *c)
{
    struct complaint unused = {"", 0};
    struct schema schema;
    cyaml_config_t how;

    if (c == NULL)
        return;
    schema_fill(&schema);
    cyaml_free(reader(&unused, &how), &schema.top, c, 0);
}

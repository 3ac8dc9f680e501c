#include "cli/command/command.h"

#include <stdio.h>

#include "cli/grid.h"
#include "cli/list.h"

/* Rows go to a grid or, as they come, to a JSON list. */
struct rows {
    bool as_json;
    bool only_count; /* a first time, for the list's head */
    uint64_t count;
    struct grid grid;
    struct list list;
};

static enum err add_json(struct rows *r, const char *name, const char *value, const char *from)
{
    struct jdoc *row = NULL;
    enum err rc;

    TRY(jdoc_object(&row));
    TRY(jdoc_set_text(row, "name", name));
    TRY(jdoc_set_text(row, "value", value));
    TRY(jdoc_set_text(row, "origin", from));
    TRY(list_add(&r->list, &row));
out:
    jdoc_free(row);
    return rc;
}

static enum err add_setting(struct rows *r, const char *name, const char *value, const char *from)
{
    enum err rc;

    r->count++;
    if (r->only_count)
        return ERR_OK;
    if (r->as_json)
        return add_json(r, name, value, from);
    TRY(grid_add(&r->grid, name));
    TRY(grid_add(&r->grid, value != NULL ? value : "-"));
    TRY(grid_add(&r->grid, from));
out:
    return rc;
}

/* Settings that a file or the environment can give; the rest belongs to one run. */
static enum err add_settings(struct rows *r, const struct settings *s)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);

        if (o->key == NULL && o->variable == NULL)
            continue;
        TRY(add_setting(r, o->key != NULL ? o->key : o->name, s->values[i].text,
                        setting_origin_name(s->values[i].origin)));
    }
out:
    return rc;
}

/* The list as it is used, after options and environment had their say on its first file item. */
static enum err add_keys(struct rows *r, const struct settings *s)
{
    bool is_default = s->config == NULL || s->config->key_count == 0;
    enum setting_origin list = is_default ? FROM_DEFAULT : FROM_FILE;
    char name[48];
    enum err rc = ERR_OK;

    for (size_t i = 0; i < s->key_count; i++) {
        const char *const values[MASTER_KEY_MEMBERS] = {
            [MASTER_KEY_PROVIDER] = s->keys[i].provider,
            [MASTER_KEY_PATH] = s->keys[i].path,
            [MASTER_KEY_PASSPHRASE_FILE] = s->keys[i].passphrase_file,
        };
        const enum setting_origin own[MASTER_KEY_MEMBERS] = {
            [MASTER_KEY_PROVIDER] = list,
            [MASTER_KEY_PATH] = s->values[OPTION_KEYRING].origin,
            [MASTER_KEY_PASSPHRASE_FILE] = s->values[OPTION_PASSPHRASE_FILE].origin,
        };

        for (size_t m = 0; m < MASTER_KEY_MEMBERS; m++) {
            if (values[m] == NULL)
                continue;
            snprintf(name, sizeof name, MASTER_KEY_LIST "[%zu].%s", i,
                     master_key_setting_at(m)->key);
            TRY(add_setting(r, name, values[m],
                            setting_origin_name(i == s->file_key ? own[m] : list)));
        }
    }
out:
    return rc;
}

enum err command_config(const struct settings *s)
{
    static const struct grid_column columns[] = {
        {"SETTING", false}, {"VALUE", false}, {"FROM", false}};
    struct rows r = {.as_json = settings_flag(s, OPTION_JSON)};
    enum err rc;

    grid_init(&r.grid, columns, sizeof columns / sizeof columns[0]);
    if (r.as_json) {
        struct rows counted = {.only_count = true};

        TRY(add_settings(&counted, s));
        TRY(add_keys(&counted, s));
        list_begin(&r.list, counted.count);
    }
    TRY(add_settings(&r, s));
    TRY(add_keys(&r, s));
    if (r.as_json)
        list_end(&r.list);
    else
        grid_print(&r.grid);
out:
    grid_clear(&r.grid);
    return rc;
}

#include "cli/config/field.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/suggest.h"
#include "core/base/mem.h"
#include "core/store/store.h"

#define PATH_LEN 256 /* of a key, with its NUL; a longer one is cut in messages */

/* The struct that is filled, and where it stands in the file. */
struct target {
    const struct field_table *table;
    const char *path; /* "", or "masterKey[1]" for an item of a list */
    const char *directory;
    void *to;
};

/* What does not fit is cut: the front of a path says enough. */
PRINTF_LIKE(2, 3)
static void format_path(char out[PATH_LEN], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(out, PATH_LEN, fmt, args);
    va_end(args);
}

/* "masterKey[1]" and "chain." and "age" in one. */
static void write_path(const struct target *t, const char *prefix, const char *key,
                       char out[PATH_LEN])
{
    format_path(out, "%s%s%s%s", t->path, *t->path != '\0' ? "." : "", prefix, key);
}

/* Where in the struct; pointers there have their own types, so they are copied as bytes. */
static uint8_t *place_in(void *to, size_t offset)
{
    return (uint8_t *)to + offset;
}

static void *get_pointer(void *from, size_t offset)
{
    void *pointer;

    memcpy(&pointer, place_in(from, offset), sizeof pointer);
    return pointer;
}

static void set_pointer(void *to, size_t offset, const void *pointer)
{
    memcpy(place_in(to, offset), &pointer, sizeof pointer);
}

static size_t get_count(void *from, size_t offset)
{
    size_t count;

    memcpy(&count, place_in(from, offset), sizeof count);
    return count;
}

static void set_count(void *to, size_t offset, size_t count)
{
    memcpy(place_in(to, offset), &count, sizeof count);
}

/* To be put in front of what is wrong. */
static enum err note_place(size_t line, const char *path)
{
    if (*path != '\0')
        err_note("%s", path);
    err_note("line %zu", line);
    return ERR_USAGE;
}

static const char *name_kind(enum tree_kind kind)
{
    static const char *const names[] = {
        [TREE_NOTHING] = "nothing",
        [TREE_VALUE] = "one value",
        [TREE_LIST] = "a list",
        [TREE_GROUP] = "a group of keys",
    };

    return names[kind];
}

static enum err fail_kind(const struct tree_item *item, const char *path, enum tree_kind wanted)
{
    err_set(ERR_USAGE, "%s stands where %s should", name_kind(item->kind), name_kind(wanted));
    return note_place(item->line, path);
}

/* The part of a row's key that comes behind the groups of `prefix`; NULL: it is not in them. */
static const char *skip_prefix(const struct field *f, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(f->key, prefix, len) == 0 ? f->key + len : NULL;
}

static const struct field *find_field(const struct field_table *table, const char *prefix,
                                      const char *key)
{
    /* A dot parts the groups in a row, and means nothing in the file. */
    for (size_t i = 0; i < table->count && strchr(key, '.') == NULL; i++) {
        const char *rest = skip_prefix(&table->fields[i], prefix);

        if (rest != NULL && strcmp(rest, key) == 0)
            return &table->fields[i];
    }
    return NULL;
}

/* Is `key` a group, in that some row's key goes on behind it? */
static bool is_group(const struct field_table *table, const char *prefix, const char *key)
{
    size_t len = strlen(key);

    for (size_t i = 0; i < table->count && strchr(key, '.') == NULL; i++) {
        const char *rest = skip_prefix(&table->fields[i], prefix);

        if (rest != NULL && strncmp(rest, key, len) == 0 && rest[len] == '.')
            return true;
    }
    return false;
}

static enum err fail_unknown(const struct target *t, const char *prefix,
                             const struct tree_item *item)
{
    struct suggest near = suggest_for(item->key);
    char path[PATH_LEN];

    write_path(t, prefix, item->key, path);
    err_set(ERR_USAGE, "unknown key \"%s\"", path);
    err_note("line %zu", item->line);
    for (size_t i = 0; i < t->table->count; i++) {
        const char *rest = skip_prefix(&t->table->fields[i], prefix);

        if (rest != NULL)
            suggest_offer_n(&near, rest, strcspn(rest, "."));
    }
    suggest_hint(&near, "");
    return ERR_USAGE;
}

/* A path is as the file means it, wherever the command is run from; what is no path stays. */
static bool is_relative(const char *path)
{
    return *path != '/' && strcmp(path, "-") != 0 && strncmp(path, "fd:", 3) != 0 &&
           !store_is_foreign(path);
}

/* One text, checked, as a fresh string. */
static enum err read_text_field(const struct target *t, const struct field *f,
                                const struct tree_item *item, const char *path, char **out)
{
    if (item->kind != TREE_VALUE)
        return fail_kind(item, path, TREE_VALUE);
    if (strlen(item->text) > FIELD_TEXT_MAX) {
        err_set(ERR_USAGE, "longer than %d bytes", FIELD_TEXT_MAX);
        return note_place(item->line, path);
    }
    if (f->check != NULL && f->check(f->check_arg, item->text) != ERR_OK)
        return note_place(item->line, path);
    if (f->is_path && t->directory != NULL && is_relative(item->text))
        return mem_format(out, "%s%s", t->directory, item->text);
    return mem_text(item->text, out);
}

static enum err read_value(const struct target *t, const struct field *f,
                           const struct tree_item *item, const char *path)
{
    char *text = NULL;
    enum err rc = ERR_OK;

    if (item->kind == TREE_NOTHING) /* as if the key were not there */
        goto out;
    TRY(read_text_field(t, f, item, path, &text));
    set_pointer(t->to, f->offset, text);
out:
    return rc;
}

static enum err check_list_field(const struct field *f, const struct tree_item *item,
                                 const char *path)
{
    if (item->kind != TREE_LIST)
        return fail_kind(item, path, TREE_LIST);
    if (item->count > f->max) {
        err_set(ERR_USAGE, "more than %zu items", f->max);
        return note_place(item->line, path);
    }
    return ERR_OK;
}

static enum err read_texts(const struct target *t, const struct field *f,
                           const struct tree_item *item, const char *path)
{
    char **texts = NULL;
    enum err rc;

    TRY(check_list_field(f, item, path));
    TRY(mem_new(item->count, sizeof *texts, &texts));
    set_pointer(t->to, f->offset, texts);
    set_count(t->to, f->count_offset, item->count);
    for (size_t i = 0; i < item->count; i++) {
        char own[PATH_LEN];

        format_path(own, "%s[%zu]", path, i);
        TRY(read_text_field(t, f, &item->items[i], own, &texts[i]));
    }
out:
    return rc;
}

static enum err read_struct(const struct target *t, const struct tree_item *group);

static enum err read_groups(const struct target *t, const struct field *f,
                            const struct tree_item *item, const char *path)
{
    uint8_t *structs = NULL;
    enum err rc;

    TRY(check_list_field(f, item, path));
    TRY(mem_new(item->count, f->items->size, &structs));
    set_pointer(t->to, f->offset, structs);
    set_count(t->to, f->count_offset, item->count);
    for (size_t i = 0; i < item->count; i++) {
        char own[PATH_LEN];
        const struct target inner = {.table = f->items,
                                     .path = own,
                                     .directory = t->directory,
                                     .to = structs + i * f->items->size};

        format_path(own, "%s[%zu]", path, i);
        TRY(read_struct(&inner, &item->items[i]));
    }
out:
    return rc;
}

static enum err read_field(const struct target *t, const struct field *f, const char *prefix,
                           const struct tree_item *item)
{
    char path[PATH_LEN];

    write_path(t, prefix, item->key, path);
    switch (f->kind) {
    case FIELD_TEXT:
        return read_value(t, f, item, path);
    case FIELD_TEXTS:
        return read_texts(t, f, item, path);
    case FIELD_GROUPS:
        break;
    }
    return read_groups(t, f, item, path);
}

static enum err check_twice(const struct target *t, const char *prefix,
                            const struct tree_item *group, size_t i)
{
    const struct tree_item *item = &group->items[i];
    char path[PATH_LEN];

    for (size_t before = 0; before < i; before++) {
        if (strcmp(group->items[before].key, item->key) != 0)
            continue;
        write_path(t, prefix, item->key, path);
        return err_set(ERR_USAGE, "line %zu: the key \"%s\" is there twice", item->line, path);
    }
    return ERR_OK;
}

static enum err read_group(const struct target *t, const char *prefix,
                           const struct tree_item *group);

static enum err read_inner(const struct target *t, const char *prefix, const struct tree_item *item)
{
    char path[PATH_LEN];
    char inner[PATH_LEN];

    write_path(t, prefix, item->key, path);
    if (item->kind != TREE_GROUP)
        return fail_kind(item, path, TREE_GROUP);
    format_path(inner, "%s%s.", prefix, item->key);
    return read_group(t, inner, item);
}

/* `prefix` is the groups of the table that `group` lies in, each with a dot behind it. */
static enum err read_group(const struct target *t, const char *prefix,
                           const struct tree_item *group)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < group->count; i++) {
        const struct tree_item *item = &group->items[i];
        const struct field *f = find_field(t->table, prefix, item->key);

        TRY(check_twice(t, prefix, group, i));
        if (f != NULL)
            TRY(read_field(t, f, prefix, item));
        else if (is_group(t->table, prefix, item->key))
            TRY(read_inner(t, prefix, item));
        else
            TRY(fail_unknown(t, prefix, item));
    }
out:
    return rc;
}

static enum err check_required(const struct target *t, const struct tree_item *group)
{
    for (size_t i = 0; i < t->table->count; i++) {
        const struct field *f = &t->table->fields[i];
        char path[PATH_LEN];

        if (!f->required || get_pointer(t->to, f->offset) != NULL)
            continue;
        write_path(t, "", f->key, path);
        return err_set(ERR_USAGE, "line %zu: the key \"%s\" is missing", group->line, path);
    }
    return ERR_OK;
}

static enum err read_struct(const struct target *t, const struct tree_item *group)
{
    enum err rc;

    if (group->kind != TREE_GROUP)
        return fail_kind(group, t->path, TREE_GROUP);
    TRY(read_group(t, "", group));
    TRY(check_required(t, group));
out:
    return rc;
}

enum err field_read(const struct field_table *table, const struct tree_item *group,
                    const char *directory, void *to)
{
    const struct target t = {.table = table, .path = "", .directory = directory, .to = to};

    return read_struct(&t, group);
}

static void clear_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(texts[i]);
}

static void clear_groups(const struct field_table *table, uint8_t *structs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        field_clear(table, structs + i * table->size);
}

void field_clear(const struct field_table *table, void *of)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *f = &table->fields[i];
        void *pointer = get_pointer(of, f->offset);

        if (f->kind == FIELD_TEXTS)
            clear_texts(pointer, get_count(of, f->count_offset));
        else if (f->kind == FIELD_GROUPS)
            clear_groups(f->items, pointer, get_count(of, f->count_offset));
        mem_free(pointer);
        set_pointer(of, f->offset, NULL);
        if (f->kind != FIELD_TEXT)
            set_count(of, f->count_offset, 0);
    }
}

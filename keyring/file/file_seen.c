#include "keyring/file/file_seen.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/jdoc.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/fs/lock.h"
#include "core/fs/path.h"

#define FORMAT 1
#define TYPE "keyringSeen"
#define WORD_MAX 32
#define SEEN_LEN_MAX MIB
#define SEEN_MODE 0600

struct entry {
    char *path; /* owned */
    uint8_t id[SEAL_ID_LEN];
    uint64_t generation;
    uint64_t is_protected;
};

struct entries {
    struct entry items[FILE_SEEN_MAX]; /* the oldest first */
    size_t count;
};

static void entries_clear(struct entries *e)
{
    for (size_t i = 0; i < e->count; i++)
        mem_free(e->items[i].path);
    e->count = 0;
}

static enum err entry_read(const struct jdoc *from, struct entry *out)
{
    const char *path = NULL;
    enum err rc;

    TRY(jdoc_text(from, "path", PATH_MAX, &path));
    TRY(jdoc_hex(from, "keyringId", out->id, SEAL_ID_LEN));
    TRY(jdoc_number(from, "generation", FILE_GENERATION_MAX, &out->generation));
    TRY(jdoc_number(from, "protected", 1, &out->is_protected));
    TRY(mem_text(path, &out->path));
out:
    return rc;
}

static enum err entries_parse(struct bytes from, struct entries *e)
{
    struct jdoc *o = NULL;
    struct jdoc *list = NULL;
    struct jdoc *item = NULL;
    const char *type = NULL;
    size_t count = 0;
    enum err rc;

    TRY(jdoc_parse(from, &o));
    TRY(jdoc_text(o, "type", WORD_MAX, &type));
    if (strcmp(type, TYPE) != 0)
        FAIL(ERR_CORRUPT, "it is a %s", type);
    TRY(jdoc_list(o, "keyrings", FILE_SEEN_MAX, &list, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(jdoc_item(list, i, &item));
        TRY(entry_read(item, &e->items[i]));
        e->count = i + 1;
    }
out:
    jdoc_free(o);
    return rc;
}

/* What cannot be read is as if it were not there, but said. */
static enum err entries_load(const char *file, struct entries *e)
{
    struct buf text = {.max = SEEN_LEN_MAX};
    enum err rc = file_read(file, &text);

    if (rc == ERR_OK)
        rc = entries_parse(buf_bytes(&text), e);
    if (rc != ERR_OK && rc != ERR_NOT_FOUND) {
        log_say(LOG_WARN, "%s: %s: what this machine knew of its keyrings is lost", file,
                err_text());
        entries_clear(e);
    }
    err_clear();
    buf_clear(&text);
    return ERR_OK;
}

static enum err entry_write(const struct entry *from, struct jdoc *list)
{
    struct jdoc *o = NULL;
    enum err rc;

    TRY(jdoc_object(&o));
    TRY(jdoc_set_text(o, "path", from->path));
    TRY(jdoc_set_hex(o, "keyringId", bytes_of(from->id, SEAL_ID_LEN)));
    TRY(jdoc_set_number(o, "generation", from->generation));
    TRY(jdoc_set_number(o, "protected", from->is_protected));
    TRY(jdoc_push(list, &o));
out:
    jdoc_free(o);
    return rc;
}

static enum err entries_save(const char *file, const struct entries *e)
{
    struct buf text = {.max = SEEN_LEN_MAX};
    struct jdoc *o = NULL;
    struct jdoc *list = NULL;
    enum err rc;

    TRY(jdoc_object(&o));
    TRY(jdoc_set_number(o, "format", FORMAT));
    TRY(jdoc_set_text(o, "type", TYPE));
    TRY(jdoc_array(&list));
    for (size_t i = 0; i < e->count; i++)
        TRY(entry_write(&e->items[i], list));
    TRY(jdoc_set(o, "keyrings", &list));
    TRY(jdoc_write(o, &text));
    TRY(file_replace(file, buf_bytes(&text), SEEN_MODE));
out:
    jdoc_free(o);
    jdoc_free(list);
    buf_clear(&text);
    return rc;
}

/* As it was configured, and no link followed: whoever can turn a link must not get a path of which
 * nothing is known. */
static enum err find_given(const char *path, char **out)
{
    char *here = NULL;
    char *full = NULL;
    enum err rc;

    if (path[0] != '/')
        here = realpath(".", NULL);
    TRY(file_join(here != NULL ? here : "", path, &full));
    path_tidy(full);
    *out = full;
out:
    mem_free(here);
    return rc;
}

/* The two names of a keyring's file: as it was configured, and where its links lead. By the first
 * alone it would be unknown however else the path is written. */
struct names {
    char *given;
    char *real; /* NULL: the same, or not there */
};

static void names_clear(struct names *n)
{
    mem_free(n->given);
    mem_free(n->real);
}

static enum err names_find(const char *path, struct names *out)
{
    char *real = NULL;
    enum err rc;

    TRY(find_given(path, &out->given));
    real = realpath(path, NULL);
    if (real != NULL && strcmp(real, out->given) != 0)
        TRY(mem_text(real, &out->real));
out:
    mem_free(real);
    return rc;
}

/* What is known of one of its names; that another keyring was there is not overlooked. */
static void see_name(const struct entry *of, const uint8_t id[SEAL_ID_LEN], struct file_seen *to)
{
    if (!to->has_path || memcmp(to->id, id, SEAL_ID_LEN) == 0)
        memcpy(to->id, of->id, SEAL_ID_LEN);
    to->has_path = true;
}

static void see_entries(const struct entries *e, const struct names *names,
                        const uint8_t id[SEAL_ID_LEN], struct file_seen *to)
{
    bool has_given = false;
    bool has_real = names->real == NULL;

    for (size_t i = 0; i < e->count; i++) {
        const struct entry *of = &e->items[i];
        bool is_given = strcmp(of->path, names->given) == 0;
        bool is_real = names->real != NULL && strcmp(of->path, names->real) == 0;
        bool is_it = memcmp(of->id, id, SEAL_ID_LEN) == 0;

        if (is_given || is_real)
            see_name(of, id, to);
        has_given = has_given || is_given;
        has_real = has_real || is_real;
        if ((is_given || is_real || is_it) && of->is_protected != 0)
            to->was_protected = true;
        if (is_it && of->generation > to->generation)
            to->generation = of->generation;
    }
    to->is_complete = has_given && has_real;
}

enum err file_seen_read(const char *state_dir, const char *path, const uint8_t id[SEAL_ID_LEN],
                        struct file_seen *out)
{
    struct file_seen seen = {.has_path = false};
    struct names names = {NULL, NULL};
    struct entries e = {.count = 0};
    char *file = NULL;
    enum err rc = ERR_OK;

    if (state_dir == NULL)
        goto out;
    TRY(file_join(state_dir, FILE_SEEN_NAME, &file));
    TRY(names_find(path, &names));
    TRY(entries_load(file, &e));
    see_entries(&e, &names, id, &seen);
out:
    if (rc == ERR_OK)
        *out = seen;
    entries_clear(&e);
    names_clear(&names);
    mem_free(file);
    return rc;
}

/* The entry of that path, a fresh one at the end if there is none. */
static enum err entry_at(struct entries *e, const char *path, struct entry **out)
{
    enum err rc;

    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->items[i].path, path) == 0) {
            *out = &e->items[i];
            return ERR_OK;
        }
    if (e->count == FILE_SEEN_MAX) {
        mem_free(e->items[0].path);
        memmove(&e->items[0], &e->items[1], (FILE_SEEN_MAX - 1) * sizeof e->items[0]);
        e->count--;
    }
    *out = &e->items[e->count];
    **out = (struct entry){.path = NULL};
    TRY(mem_text(path, &(*out)->path));
    e->count++;
out:
    return rc;
}

/* Another run may have seen a higher generation since the file was read: it is not lowered. */
static enum err set_entry(struct entries *e, const char *path, const struct file_keyring *k,
                          bool anew)
{
    struct entry *mine = NULL;
    enum err rc;

    TRY(entry_at(e, path, &mine));
    if (!anew && memcmp(mine->id, k->id, SEAL_ID_LEN) == 0 && mine->generation > k->generation)
        goto out;
    memcpy(mine->id, k->id, SEAL_ID_LEN);
    mine->generation = k->generation;
    mine->is_protected = file_is_protected(k);
out:
    return rc;
}

static enum err remember(const char *state_dir, const char *path, const struct file_keyring *k,
                         bool anew)
{
    struct names names = {NULL, NULL};
    struct entries e = {.count = 0};
    struct lock *lock = NULL;
    char *file = NULL;
    char *lock_path = NULL;
    enum err rc;

    TRY(file_make_dirs(state_dir, 0700));
    TRY(file_join(state_dir, FILE_SEEN_NAME, &file));
    TRY(file_join(state_dir, FILE_SEEN_LOCK, &lock_path));
    TRY(names_find(path, &names));
    TRY(lock_take(lock_path, true, &lock));
    TRY(entries_load(file, &e));
    for (size_t i = 0; anew && i < e.count; i++)
        if (memcmp(e.items[i].id, k->id, SEAL_ID_LEN) == 0) {
            e.items[i].generation = k->generation;
            e.items[i].is_protected = file_is_protected(k);
        }
    TRY(set_entry(&e, names.given, k, anew));
    if (names.real != NULL)
        TRY(set_entry(&e, names.real, k, anew));
    TRY(entries_save(file, &e));
out:
    lock_free(lock);
    entries_clear(&e);
    names_clear(&names);
    mem_free(lock_path);
    mem_free(file);
    return rc;
}

void file_seen_write(const char *state_dir, const char *path, const struct file_keyring *k,
                     bool anew)
{
    struct err_record kept;

    if (state_dir == NULL)
        return;
    err_take(ERR_OK, &kept);
    if (remember(state_dir, path, k, anew) != ERR_OK)
        log_say(LOG_WARN, "%s: that an older keyring is put back would not be noticed here",
                err_text());
    err_clear();
    (void)err_give(&kept);
}

#include "core/store/store.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/driver.h"

struct store {
    const struct store_driver *driver;
    void *self; /* owned */
    char *where;
};

struct store_put {
    const struct store_driver *driver;
    void *self; /* owned */
};

struct store_blob {
    const struct store_driver *driver;
    void *self; /* owned */
    uint64_t size;
    char *name;
};

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

static bool is_part(const char *cursor, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_name_char(cursor[i]))
            return false;
    return len > 0 && !(len == 1 && cursor[0] == '.') &&
           !(len == 2 && cursor[0] == '.' && cursor[1] == '.');
}

/* Strict, so that a name is a path in every file system and a key in every object store alike. */
bool store_name_is_legal(const char *name)
{
    size_t first = strcspn(name, "/");

    if (strcmp(name, STORE_README) == 0)
        return true;
    if (strlen(name) > STORE_NAME_MAX || (first == 3 && memcmp(name, "tmp", 3) == 0))
        return false;
    for (const char *cursor = name;; cursor++) {
        size_t len = strcspn(cursor, "/");

        if (!is_part(cursor, len))
            return false;
        cursor += len;
        if (*cursor == '\0')
            return true;
    }
}

static enum err check_name(const char *name)
{
    char shown[STORE_NAME_MAX + 1];

    if (store_name_is_legal(name))
        return ERR_OK;
    text_printable(name, shown, sizeof shown);
    return err_set(ERR_CORRUPT, "\"%s\" is not a valid object name", shown);
}

enum err store_of_driver(const struct store_driver *driver, void *self, const char *where,
                         struct store **out)
{
    struct store *s = NULL;
    enum err rc;

    TRY(mem_new(1, sizeof *s, &s));
    TRY(mem_text(where, &s->where));
    s->driver = driver;
    s->self = self;
    *out = s;
    s = NULL;
out:
    if (rc != ERR_OK)
        driver->free(self);
    mem_free(s);
    return rc;
}

/* One row a driver: what stands before "://" says which it is. Another store is a row more. */
static const struct {
    const char *scheme; /* "": a path */
    store_driver_open *open;
} drivers[] = {
    {"", store_dir_open},
};

/* How other programs name a store that is no directory; ours will be "s3://bucket". None of them is
 * ever made as a directory of that name by mistake ("./s3:b" is one). */
static const char *const foreign[] = {
    "s3:",   "gs:",   "azure:", "b2:",   "swift:", "sftp:",   "ssh:", "rclone:",
    "rest:", "http:", "https:", "file:", "abfs:",  "webdav:", "nfs:", "rsync:"};

static bool has_scheme(const char *where, const char *scheme)
{
    const char *mark = strstr(where, "://");

    if (mark == NULL || *scheme == '\0')
        return mark == NULL && *scheme == '\0';
    return strlen(scheme) == (size_t)(mark - where) &&
           memcmp(where, scheme, (size_t)(mark - where)) == 0;
}

bool store_is_foreign(const char *where)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (strncmp(where, foreign[i], strlen(foreign[i])) == 0)
            return true;
    return strstr(where, "://") != NULL;
}

enum err store_open(const char *where, bool create, struct store **out)
{
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
        if (has_scheme(where, drivers[i].scheme) && !store_is_foreign(where))
            return drivers[i].open(where, create, out);
    err_set(ERR_USAGE,
            "%s: this release keeps a repository in a directory only; object stores are not "
            "there yet",
            where);
    err_hint("give the path of a directory, of a mounted file system for example");
    return ERR_USAGE;
}

void store_free(struct store *s)
{
    if (s == NULL)
        return;
    s->driver->free(s->self);
    mem_free(s->where);
    mem_free(s);
}

const char *store_where(const struct store *s)
{
    return s->where;
}

enum err store_put_begin(struct store *s, const char *name, struct store_put **out)
{
    struct store_put *p = NULL;
    enum err rc;

    TRY(check_name(name));
    TRY(mem_new(1, sizeof *p, &p));
    p->driver = s->driver;
    TRY(s->driver->put_begin(s->self, name, &p->self));
    *out = p;
    p = NULL;
out:
    mem_free(p);
    return rc;
}

enum err store_put_write(struct store_put *p, struct bytes more)
{
    return p->driver->put_write(p->self, more);
}

enum err store_put_commit(struct store_put *p)
{
    return p->driver->put_commit(p->self);
}

void store_put_free(struct store_put *p)
{
    if (p == NULL)
        return;
    p->driver->put_free(p->self);
    mem_free(p);
}

enum err store_put(struct store *s, const char *name, struct bytes content)
{
    struct store_put *p = NULL;
    enum err rc;

    TRY(store_put_begin(s, name, &p));
    TRY(store_put_write(p, content));
    TRY(store_put_commit(p));
out:
    store_put_free(p);
    return rc;
}

enum err store_blob_open(struct store *s, const char *name, struct store_blob **out)
{
    struct store_blob *b = NULL;
    enum err rc;

    TRY(check_name(name));
    TRY(mem_new(1, sizeof *b, &b));
    TRY(mem_text(name, &b->name));
    b->driver = s->driver;
    TRY(s->driver->blob_open(s->self, name, &b->self, &b->size));
    *out = b;
    b = NULL;
out:
    if (b != NULL)
        mem_free(b->name);
    mem_free(b);
    return rc;
}

uint64_t store_blob_size(const struct store_blob *b)
{
    return b->size;
}

/* Checked here for all drivers. The sum offset + len is avoided: it could wrap around. */
enum err store_blob_read(struct store_blob *b, uint64_t offset, void *to, size_t len)
{
    if (offset > b->size || len > b->size - offset)
        return err_set(ERR_CORRUPT,
                       "%s: %zu bytes from %" PRIu64 " on were wanted, but it has only %" PRIu64,
                       b->name, len, offset, b->size);
    return b->driver->blob_read(b->self, offset, to, len);
}

void store_blob_free(struct store_blob *b)
{
    if (b == NULL)
        return;
    b->driver->blob_free(b->self);
    mem_free(b->name);
    mem_free(b);
}

enum err store_get(struct store *s, const char *name, struct buf *to)
{
    struct store_blob *b = NULL;
    size_t cap = to->max - to->len;
    enum err rc;

    TRY(store_blob_open(s, name, &b));
    /* The size is compared before memory is allocated for it. */
    if (b->size > cap)
        FAIL(ERR_CORRUPT, "%s: %" PRIu64 " bytes, over the limit of %zu", name, b->size, cap);
    if (b->size == 0)
        goto out; /* an empty buffer may have no memory to read into */
    TRY(buf_reserve(to, (size_t)b->size));
    TRY(store_blob_read(b, 0, to->data + to->len, (size_t)b->size));
    to->len += (size_t)b->size;
out:
    store_blob_free(b);
    return rc;
}

enum err store_head(struct store *s, const char *name, uint64_t *size)
{
    enum err rc;

    TRY(check_name(name));
    TRY(s->driver->head(s->self, name, size));
out:
    return rc;
}

enum err store_list(struct store *s, const char *prefix, store_each *each, void *arg)
{
    enum err rc;

    if (*prefix != '\0')
        TRY(check_name(prefix));
    TRY(s->driver->list(s->self, prefix, each, arg));
out:
    return rc;
}

static enum err stop_at_first(void *arg, const char *name, uint64_t size)
{
    bool *is_empty = arg;

    (void)name;
    (void)size;
    *is_empty = false;
    return ERR_EXISTS; /* one is enough */
}

enum err store_is_empty(struct store *s, bool *out)
{
    bool is_empty = true;
    enum err rc = store_list(s, "", stop_at_first, &is_empty);

    if (rc != ERR_OK && is_empty)
        return rc;
    *out = is_empty;
    return ERR_OK;
}

enum err store_remove(struct store *s, const char *name)
{
    enum err rc;

    TRY(check_name(name));
    TRY(s->driver->remove(s->self, name));
out:
    return rc;
}

enum err store_sweep(struct store *s)
{
    return s->driver->sweep(s->self);
}

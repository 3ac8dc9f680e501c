#include "tests/unit/faulty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/store/driver.h"

/* Every unit test is linked with the helpers, also those of rooms that know no store. A test that
 * uses this file has called core/store itself, and so has all of these. */
#pragma weak store_of_driver
#pragma weak store_where
#pragma weak store_put_begin
#pragma weak store_put_write
#pragma weak store_put_commit
#pragma weak store_put_free
#pragma weak store_blob_open
#pragma weak store_blob_size
#pragma weak store_blob_read
#pragma weak store_blob_free
#pragma weak store_head
#pragma weak store_list
#pragma weak store_remove
#pragma weak store_sweep

struct put {
    struct faulty *f;
    struct store_put *inner; /* owned */
    char name[STORE_NAME_MAX + 1];
};

struct blob {
    struct faulty *f;
    struct store_blob *inner; /* owned */
    char name[STORE_NAME_MAX + 1];
};

static enum err crash(struct faulty *f)
{
    atomic_store(&f->crashed, true);
    return err_set(ERR_STORAGE, "the faulty store has crashed");
}

/* Counts this operation; the fault that is due now, or FAULT_NONE. */
static enum fault due(struct faulty *f, unsigned op, const char *name)
{
    unsigned long now;

    if (atomic_load(&f->crashed))
        return FAULT_CRASH;
    if ((f->ops != 0 && (f->ops & op) == 0) ||
        (f->below != NULL && strncmp(name, f->below, strlen(f->below)) != 0))
        return FAULT_NONE;
    now = atomic_fetch_add(&f->count, 1) + 1;
    return now == f->fail_at || (f->sticky && f->fail_at > 0 && now > f->fail_at) ? f->fault
                                                                                  : FAULT_NONE;
}

static enum err refuse(const struct faulty *f, const char *name)
{
    return err_set(f->code != ERR_OK ? f->code : ERR_STORAGE, "%s: the faulty store refuses", name);
}

/* What is to happen instead of the operation; ERR_OK: it is to be done. */
static enum err before(struct faulty *f, enum fault fault, const char *name)
{
    if (fault == FAULT_FAIL)
        return refuse(f, name);
    return fault == FAULT_CRASH ? crash(f) : ERR_OK;
}

/* What is to be said of an operation that was done with the result rc. */
static enum err after(struct faulty *f, enum fault fault, const char *name, enum err rc)
{
    if (rc != ERR_OK)
        return rc;
    if (fault == FAULT_FAIL_AFTER)
        return refuse(f, name);
    return fault == FAULT_CRASH_AFTER ? crash(f) : ERR_OK;
}

/* Keeps a put as a crash leaves it, until faulty_clear(). */
static void abandon(struct faulty *f, struct store_put *inner)
{
    size_t offset = atomic_fetch_add(&f->abandoned_count, 1);

    if (offset >= FAULTY_ABANDONED_MAX)
        abort();
    f->abandoned[offset] = inner;
}

static void put_free(void *put)
{
    struct put *p = put;

    if (p == NULL)
        return;
    if (p->inner != NULL && atomic_load(&p->f->crashed))
        abandon(p->f, p->inner);
    else
        store_put_free(p->inner);
    mem_free(p);
}

static enum err put_begin(void *self, const char *name, void **put)
{
    struct faulty *f = self;
    enum fault fault = due(f, FAULTY_PUT_BEGIN, name);
    struct put *p = NULL;
    enum err rc;

    TRY(before(f, fault, name));
    TRY(mem_new(1, sizeof *p, &p));
    p->f = f;
    snprintf(p->name, sizeof p->name, "%s", name);
    TRY(store_put_begin(f->inner, name, &p->inner));
    TRY(after(f, fault, name, ERR_OK));
    *put = p;
    p = NULL;
out:
    put_free(p);
    return rc;
}

static enum err put_write(void *put, struct bytes more)
{
    struct put *p = put;
    enum fault fault = due(p->f, FAULTY_PUT_WRITE, p->name);
    enum err rc;

    TRY(before(p->f, fault, p->name));
    rc = after(p->f, fault, p->name, store_put_write(p->inner, more));
out:
    return rc;
}

static enum err put_commit(void *put)
{
    struct put *p = put;
    enum fault fault = due(p->f, FAULTY_PUT_COMMIT, p->name);
    enum err rc;

    TRY(before(p->f, fault, p->name));
    rc = after(p->f, fault, p->name, store_put_commit(p->inner));
out:
    return rc;
}

static void blob_free(void *blob)
{
    struct blob *b = blob;

    if (b == NULL)
        return;
    store_blob_free(b->inner);
    mem_free(b);
}

static enum err blob_open(void *self, const char *name, void **blob, uint64_t *size)
{
    struct faulty *f = self;
    enum fault fault = due(f, FAULTY_BLOB_OPEN, name);
    struct blob *b = NULL;
    enum err rc;

    TRY(before(f, fault, name));
    TRY(mem_new(1, sizeof *b, &b));
    b->f = f;
    snprintf(b->name, sizeof b->name, "%s", name);
    TRY(store_blob_open(f->inner, fault == FAULT_SWAP ? f->other : name, &b->inner));
    *size = store_blob_size(b->inner);
    if (fault == FAULT_SHORT)
        *size -= f->byte < *size ? f->byte : *size;
    TRY(after(f, fault, name, ERR_OK));
    *blob = b;
    b = NULL;
out:
    blob_free(b);
    return rc;
}

static enum err blob_read(void *blob, uint64_t offset, void *to, size_t len)
{
    struct blob *b = blob;
    enum fault fault = due(b->f, FAULTY_BLOB_READ, b->name);
    enum err rc;

    TRY(before(b->f, fault, b->name));
    rc = after(b->f, fault, b->name, store_blob_read(b->inner, offset, to, len));
    if (rc == ERR_OK && fault == FAULT_FLIP && len > 0)
        ((uint8_t *)to)[b->f->byte % len] ^= 0x10;
out:
    return rc;
}

static enum err head(void *self, const char *name, uint64_t *size)
{
    struct faulty *f = self;
    enum fault fault = due(f, FAULTY_HEAD, name);
    enum err rc;

    TRY(before(f, fault, name));
    rc = after(f, fault, name, store_head(f->inner, fault == FAULT_SWAP ? f->other : name, size));
    if (rc == ERR_OK && fault == FAULT_SHORT)
        *size -= f->byte < *size ? f->byte : *size;
out:
    return rc;
}

static enum err list(void *self, const char *prefix, store_each *each, void *arg)
{
    struct faulty *f = self;
    enum fault fault = due(f, FAULTY_LIST, prefix);
    enum err rc;

    TRY(before(f, fault, prefix));
    rc = after(f, fault, prefix, store_list(f->inner, prefix, each, arg));
out:
    return rc;
}

static enum err remove_object(void *self, const char *name)
{
    struct faulty *f = self;
    enum fault fault = due(f, FAULTY_REMOVE, name);
    enum err rc;

    TRY(before(f, fault, name));
    rc = after(f, fault, name, store_remove(f->inner, name));
out:
    return rc;
}

static enum err sweep(void *self)
{
    struct faulty *f = self;
    enum fault fault = due(f, FAULTY_SWEEP, "");
    enum err rc;

    TRY(before(f, fault, "tmp"));
    rc = after(f, fault, "tmp", store_sweep(f->inner));
out:
    return rc;
}

static void free_nothing(void *self)
{
    (void)self; /* the test's own */
}

static const struct store_driver driver = {
    .kind = "faulty",
    .free = free_nothing,
    .put_begin = put_begin,
    .put_write = put_write,
    .put_commit = put_commit,
    .put_free = put_free,
    .blob_open = blob_open,
    .blob_read = blob_read,
    .blob_free = blob_free,
    .head = head,
    .list = list,
    .remove = remove_object,
    .sweep = sweep,
};

enum err faulty_open(struct faulty *f, struct store **out)
{
    return store_of_driver(&driver, f, store_where(f->inner), out);
}

void faulty_clear(struct faulty *f)
{
    size_t count = atomic_exchange(&f->abandoned_count, 0);

    for (size_t i = 0; i < count; i++)
        store_put_free(f->abandoned[i]);
}

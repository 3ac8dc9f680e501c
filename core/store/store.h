/*
 * Where objects live: bytes and names only.
 *
 * A name is made of [0-9a-z._-] in parts joined by '/', at most STORE_NAME_MAX bytes, no part "."
 * or
 * "..", the first not "tmp" (the drivers'); anything else is ERR_CORRUPT before a driver sees it. A
 * store may be used by several threads at once, one
 * put or blob by one thread at a time.
 * Errors of every call: ERR_STORAGE: unreachable, full, refused. ERR_CORRUPT: something else (a
 * link, a device) stands where an object or a folder of objects should.
 * Uses: core/base, core/fs.
 */
#ifndef CORE_STORE_STORE_H
#define CORE_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

struct store;
struct store_put;
struct store_blob;

#define STORE_NAME_MAX 200

bool store_name_is_legal(const char *name);

/* Open the store at `where` (today: a directory). `create`: make it when it is not there; else a
 * missing one is ERR_NOT_FOUND. */
MUST_CHECK enum err store_open(const char *where, bool create, struct store **out);
void store_free(struct store *s);
const char *store_where(const struct store *s); /* for messages */

/* Writing a new object in pieces. Nothing has the name before store_put_commit() says ERR_OK; then
 * the object is durable. ERR_EXISTS: the name is taken (what is there stays as it was).
 * store_put_free() before a commit leaves nothing behind. */
MUST_CHECK enum err store_put_begin(struct store *s, const char *name, struct store_put **out);
MUST_CHECK enum err store_put_write(struct store_put *p, struct bytes more);
MUST_CHECK enum err store_put_commit(struct store_put *p);
void store_put_free(struct store_put *p);

/* All three in one. */
MUST_CHECK enum err store_put(struct store *s, const char *name, struct bytes content);

/* Reading ranges of one object. ERR_NOT_FOUND: no such name. A read past the end is ERR_CORRUPT. */
MUST_CHECK enum err store_blob_open(struct store *s, const char *name, struct store_blob **out);
uint64_t store_blob_size(const struct store_blob *b);
MUST_CHECK enum err store_blob_read(struct store_blob *b, uint64_t offset, void *to, size_t len);
void store_blob_free(struct store_blob *b);

/* The whole object, appended to `to` (at most to->max bytes: ERR_CORRUPT when it is longer). */
MUST_CHECK enum err store_get(struct store *s, const char *name, struct buf *to);

MUST_CHECK enum err store_head(struct store *s, const char *name, uint64_t *size);

/* Every name below `prefix` (a folder such as "ledger", or "" for all), in byte order. `each` may
 * stop the listing by returning an error, which is passed on. */
typedef enum err store_each(void *arg, const char *name, uint64_t size);
MUST_CHECK enum err store_list(struct store *s, const char *prefix, store_each *each, void *arg);

/* True in *out when it holds no object at all: so looks a folder where a disk is to be mounted. */
MUST_CHECK enum err store_is_empty(struct store *s, bool *out);

/* A name that is not there is removed already. */
MUST_CHECK enum err store_remove(struct store *s, const char *name);

/* Remove what interrupted puts left behind. Puts that run, here or in another process, are left
 * alone. */
MUST_CHECK enum err store_sweep(struct store *s);

#endif

/*
 * A store of objects: names and bytes, nothing else.
 *
 * A name consists of parts of [0-9a-z._-] joined by '/', at most STORE_NAME_MAX bytes; no part is
 * "." or "..", and the first is not "tmp", which belongs to the drivers. Any other name is
 * ERR_CORRUPT before a driver sees it. Several threads may use one store at the same time, but only
 * one thread a put or a blob. Errors of every call: ERR_STORAGE: unreachable, full or refused.
 * ERR_CORRUPT: something else (a link, a device) is at the place of an object or of a directory of
 * objects.
 * Uses: core/base.
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

/* For people, beside the directories: the one name that has capitals, so that it stands in front.
 */
#define STORE_README "README.sealpoint"

bool store_name_is_legal(const char *name);

/* Open the store at `where`, a directory. With `create` it is created when missing; else a missing
 * one is ERR_NOT_FOUND. ERR_USAGE: a kind of place that this release does not know. */
MUST_CHECK enum err store_open(const char *where, bool create, struct store **out);
/* Does it name a store of a kind that is no directory? */
bool store_is_foreign(const char *where);
void store_free(struct store *s);
const char *store_where(const struct store *s); /* for messages */

/* Write a new object in pieces. Nothing has the name before store_put_commit() returns ERR_OK; then
 * the object is durable. ERR_EXISTS from the commit: the name is taken, and what is there is
 * unchanged. After any failure only store_put_free() may follow; without a commit it leaves nothing
 * behind. */
MUST_CHECK enum err store_put_begin(struct store *s, const char *name, struct store_put **out);
MUST_CHECK enum err store_put_write(struct store_put *p, struct bytes more);
MUST_CHECK enum err store_put_commit(struct store_put *p);
void store_put_free(struct store_put *p);

/* All of that in one call. */
MUST_CHECK enum err store_put(struct store *s, const char *name, struct bytes content);

/* Read ranges of one object. ERR_NOT_FOUND: no object has that name. ERR_CORRUPT: a read past the
 * end, or the object became shorter. */
MUST_CHECK enum err store_blob_open(struct store *s, const char *name, struct store_blob **out);
uint64_t store_blob_size(const struct store_blob *b);
MUST_CHECK enum err store_blob_read(struct store_blob *b, uint64_t offset, void *to, size_t len);
void store_blob_free(struct store_blob *b);

/* Append the whole object to `to`. ERR_NOT_FOUND; ERR_CORRUPT: longer than to->max allows. After a
 * failure to->len is unchanged. */
MUST_CHECK enum err store_get(struct store *s, const char *name, struct buf *to);

/* The size of an object. ERR_NOT_FOUND: no object has that name. */
MUST_CHECK enum err store_head(struct store *s, const char *name, uint64_t *size);

/* Report every name below `prefix` (a directory such as "ledger", or "" for all), in byte order.
 * `each` may end the listing by returning an error, which is passed on. Objects that are put or
 * removed meanwhile may or may not be reported. */
typedef enum err store_each(void *arg, const char *name, uint64_t size);
MUST_CHECK enum err store_list(struct store *s, const char *prefix, store_each *each, void *arg);

/* *out is true when the store holds no object at all, like the empty directory that a disk is to be
 * mounted on. */
MUST_CHECK enum err store_is_empty(struct store *s, bool *out);

/* Remove an object. A name that does not exist is no error. */
MUST_CHECK enum err store_remove(struct store *s, const char *name);

/* Remove what interrupted puts left behind. Puts in progress, here or in another process, are left
 * alone. */
MUST_CHECK enum err store_sweep(struct store *s);

#endif

/*
 * What a store driver provides: one table of functions per driver. A decorator wraps another store.
 *
 * Uses: store.
 */
#ifndef CORE_STORE_DRIVER_H
#define CORE_STORE_DRIVER_H

#include "core/store/store.h"

/* The contract of each function is that of the store_ function with the same name. Object names
 * have been checked before they arrive here. `self` is the driver's own state. */
struct store_driver {
    const char *kind; /* "dir" */
    void (*free)(void *self);
    enum err (*put_begin)(void *self, const char *name, void **put);
    enum err (*put_write)(void *put, struct bytes more);
    enum err (*put_commit)(void *put);
    void (*put_free)(void *put);
    enum err (*blob_open)(void *self, const char *name, void **blob, uint64_t *size);
    enum err (*blob_read)(void *blob, uint64_t offset, void *to, size_t len);
    void (*blob_free)(void *blob);
    enum err (*head)(void *self, const char *name, uint64_t *size);
    enum err (*list)(void *self, const char *prefix, store_each *each, void *arg);
    enum err (*remove)(void *self, const char *name);
    enum err (*sweep)(void *self);
};

/* A store from a driver and its state, which it owns from then on, on failure too. ERR_FAILED: no
 * memory. */
MUST_CHECK enum err store_of_driver(const struct store_driver *driver, void *self,
                                    const char *where, struct store **out);

/* How a driver opens a store; the contract is store_open()'s. Each is a row of the table in
 * store.c. */
typedef enum err store_driver_open(const char *where, bool create, struct store **out);

/* dir.c: a directory. */
MUST_CHECK enum err store_dir_open(const char *where, bool create, struct store **out);

#endif

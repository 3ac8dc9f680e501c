/*
 * The body of struct keyring, for the files that implement its functions.
 *
 * Uses: provider.
 */
#ifndef KEYRING_KEYRING_INTERNAL_H
#define KEYRING_KEYRING_INTERNAL_H

#include "keyring/provider.h"

struct master_key {
    const struct provider *does;
    void *self; /* the provider's own; owned */
};

struct keyring {
    struct master_key keys[KEYRING_KEYS_MAX];
    size_t count;
};

/* ERR_USAGE: there is no master key `i`. */
MUST_CHECK enum err keyring_has(const struct keyring *k, size_t i);

/* The public side of `data_key`: commitment, and an envelope by the active version of every master
 * key. Clear `record` with data_key_clear(). */
MUST_CHECK enum err keyring_wrap(struct keyring *k, const struct seal_context *context,
                                 const struct secret *data_key, struct data_key *record);

#endif

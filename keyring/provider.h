/*
 * What a provider of master keys implements: one table of functions per provider, found by name.
 *
 * The master key never comes out of it. A provider is asked by one thread at a time.
 * Errors of every call, beside its own: ERR_KEY_INVALID (it refuses the key), ERR_KEY_UNREACHABLE
 * (it cannot be asked), ERR_CORRUPT (what it keeps is damaged or tampered with).
 * Uses: admin, keyring.
 */
#ifndef KEYRING_PROVIDER_H
#define KEYRING_PROVIDER_H

#include "core/base/hash.h"
#include "keyring/admin.h"
#include "keyring/keyring.h"

/* For providers whose versions are managed from here; a key service has its own console. */
struct provider_admin {
    enum err (*create)(void *self, bool unencrypted, struct key_name *out);
    enum err (*versions)(void *self, bool verify, struct key_versions *out);
    enum err (*rotate)(void *self, struct key_name *out);
    enum err (*act)(void *self, enum key_action action, const char *version, uint64_t days,
                    struct key_version *out);
    enum err (*purge)(void *self);
    enum err (*passphrase)(void *self, const char *file);
    enum err (*serve)(void *self, const uint8_t fingerprint[HASH_LEN]);
};

struct provider {
    const char *name; /* as in configuration and records */

    /* Keep the options (copied); nothing is read or asked yet. ERR_USAGE: one is missing. */
    enum err (*open)(const struct master_key_options *options, void **self);
    void (*free)(void *self);

    /* May be NULL. Start in the background what the first use of a key would wait for. Reports
     * nothing and asks nobody. */
    void (*prepare)(void *self);

    /* The active version, whatever its state. */
    enum err (*active)(void *self, struct key_name *out);

    /* True in *is_here when this is the master key with that key id. */
    enum err (*is_mine)(void *self, const char *key_id, bool *is_here);

    /* The version as it is now. That it is not usable is a verdict, not an error. */
    enum err (*state)(void *self, const struct key_name *key, struct key_state *out);

    /* Wrap `plain` under `key`, bound to `context`. Refuses a version that is not enabled. */
    enum err (*wrap)(void *self, const struct key_name *key, const struct seal_context *context,
                     const struct secret *plain, struct envelope *out);

    /* The same way back, by exactly the version the envelope names. ERR_CORRUPT: the envelope was
     * not made by that version for that context; ERR_UNSUPPORTED: an unknown algorithm. */
    enum err (*unwrap)(void *self, const struct envelope *envelope,
                       const struct seal_context *context, struct secret **out);

    /* The next two may be NULL: a key service keeps no file that could be put back. */
    void (*remind)(void *self, const struct keyring_witness *witness);
    enum err (*serves)(void *self, const uint8_t fingerprint[HASH_LEN], enum keyring_service *out);

    const struct provider_admin *admin; /* NULL: managed elsewhere */
};

/* ERR_USAGE lists the names there are. */
MUST_CHECK enum err provider_find(const char *name, const struct provider **out);

/* A keyring of opened providers, whose states it owns from then on (also on failure): how
 * keyring_open() ends, and how a test puts its double in. */
MUST_CHECK enum err keyring_of(const struct provider *const *providers, void *const *selves,
                               size_t count, struct keyring **out);

/* The providers: file_provider.c. */
extern const struct provider provider_file;

#endif

/*
 * A keyring without a key: it wraps by doing nothing, counts, and can refuse.
 *
 * Uses: keyring/provider.
 */
#ifndef TESTS_UNIT_KEYRING_DOUBLE_H
#define TESTS_UNIT_KEYRING_DOUBLE_H

#include "keyring/provider.h"

struct stand_in {
    char version[8];    /* the active one */
    bool unwrap_aborts; /* a host that may only encrypt: asking is the mistake */
    enum err unwrap_refused;
    const char *unreachable; /* a version that nobody can ask about; or NULL */
    unsigned wraps, unwraps;
};

/* A table for keyring_of(); `self` is a struct stand_in, which is not freed. */
extern const struct provider provider_double;

/* Its rows, for the tables of tests that change one. */
void double_free(void *self);
enum err double_active(void *self, struct key_name *out);
enum err double_is_mine(void *self, const char *key_id, bool *is_here);
enum err double_state(void *self, const struct key_name *key, struct key_state *out);
enum err double_wrap(void *self, const struct key_name *key, const struct seal_context *context,
                     const struct secret *plain, struct envelope *out);
enum err double_unwrap(void *self, const struct envelope *envelope,
                       const struct seal_context *context, struct secret **out);

#endif

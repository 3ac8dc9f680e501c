/*
 * A keyring without a key: it wraps by doing nothing, counts, and is refused as a test wants it.
 *
 *     struct stand_in d = {.version = "2"};
 *     struct keyring *k = double_ring(&d);
 *
 *     double_says(&d, "1", KEY_INVALID, "disabled");
 *
 * Only keyring_of() puts it into a keyring: no configuration can name it. Like a real provider it
 * refuses to wrap by a version that is not valid.
 * Uses: helpers, keyring/provider.
 */
#ifndef TESTS_UNIT_KEYRING_DOUBLE_H
#define TESTS_UNIT_KEYRING_DOUBLE_H

#include "keyring/provider.h"

#define DOUBLE_VERSIONS 10 /* "0" to "9" */

/* What one version is like. */
struct stand_in_version {
    struct key_state state; /* as it is told; at first KEY_VALID */
    enum err unwrap_fails;  /* whatever its state; a wrong passphrase: ERR_KEY_INVALID */
    unsigned wraps, unwraps, states;
};

struct stand_in {
    char version[8];         /* the active one */
    bool unwrap_aborts;      /* a host that may only encrypt: asking is the mistake */
    enum err wrap_refused;   /* by every version, whatever its state */
    enum err unwrap_refused; /* the same */
    const char *unreachable; /* a version that says it is valid and does not unwrap; or NULL */
    unsigned wraps, unwraps, states; /* calls, refused ones too */
    struct stand_in_version of[DOUBLE_VERSIONS];
};

/* A table for keyring_of(); `self` is a struct stand_in, which is not freed. */
extern const struct provider provider_double;

/* A keyring of this one master key. */
struct keyring *double_ring(struct stand_in *d);

/* From now on this is what is true of a version. `reason` as in verdict.h, NULL with KEY_VALID;
 * with KEY_UNREACHABLE it is also the detail, which is what the message has. */
void double_says(struct stand_in *d, const char *version, enum verdict verdict, const char *reason);

/* Start counting anew. */
void double_forget_calls(struct stand_in *d);

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

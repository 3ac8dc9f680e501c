#include "tests/unit/keyring/double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void double_free(void *self)
{
    (void)self;
}

enum err double_active(void *self, struct key_name *out)
{
    const struct stand_in *d = self;

    *out = (struct key_name){"double", "key", ""};
    memcpy(out->version, d->version, sizeof d->version);
    return ERR_OK;
}

enum err double_is_mine(void *self, const char *key_id, bool *is_here)
{
    (void)self;
    *is_here = strcmp(key_id, "key") == 0;
    return ERR_OK;
}

enum err double_state(void *self, const struct key_name *key, struct key_state *out)
{
    (void)self;
    (void)key;
    *out = (struct key_state){.verdict = KEY_VALID};
    return ERR_OK;
}

enum err double_wrap(void *self, const struct key_name *key, const struct seal_context *context,
                     const struct secret *plain, struct envelope *out)
{
    struct stand_in *d = self;

    (void)context;
    d->wraps++;
    out->key = *key;
    snprintf(out->algorithm, sizeof out->algorithm, "none");
    out->wrapped_len = secret_bytes(plain).len;
    memcpy(out->wrapped, secret_bytes(plain).data, out->wrapped_len);
    return ERR_OK;
}

enum err double_unwrap(void *self, const struct envelope *envelope,
                       const struct seal_context *context, struct secret **out)
{
    struct stand_in *d = self;

    (void)context;
    if (d->unwrap_aborts)
        abort();
    d->unwraps++;
    if (d->unreachable != NULL && strcmp(envelope->key.version, d->unreachable) == 0)
        return err_set(ERR_KEY_UNREACHABLE, "the double is out of reach");
    if (d->unwrap_refused != ERR_OK)
        return err_set(d->unwrap_refused, "the double does not unwrap");
    return secret_copy(bytes_of(envelope->wrapped, envelope->wrapped_len), out);
}

const struct provider provider_double = {.name = "double",
                                         .free = double_free,
                                         .active = double_active,
                                         .is_mine = double_is_mine,
                                         .state = double_state,
                                         .wrap = double_wrap,
                                         .unwrap = double_unwrap};

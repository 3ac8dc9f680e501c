#include "tests/unit/keyring/double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/helpers.h"

/* A version without a name, which only a broken provider has, counts as "0". */
static struct stand_in_version *version_at(struct stand_in *d, const char *version)
{
    if (version[0] == '\0')
        return &d->of[0];
    assert_true(version[0] >= '0' && version[0] <= '9' && version[1] == '\0');
    return &d->of[version[0] - '0'];
}

struct keyring *double_ring(struct stand_in *d)
{
    const struct provider *provider = &provider_double;
    void *self = d;
    struct keyring *k = NULL;

    assert_done(keyring_of(&provider, &self, 1, &k));
    return k;
}

void double_says(struct stand_in *d, const char *version, enum verdict verdict, const char *reason)
{
    struct key_state *state = &version_at(d, version)->state;

    *state = (struct key_state){.verdict = verdict};
    if (verdict == KEY_VALID)
        return;
    snprintf(state->reason, sizeof state->reason, "%s", reason);
    snprintf(state->detail, sizeof state->detail, "%s",
             verdict == KEY_UNREACHABLE ? reason : "the double");
}

void double_forget_calls(struct stand_in *d)
{
    d->wraps = d->unwraps = d->states = 0;
    for (size_t i = 0; i < DOUBLE_VERSIONS; i++)
        d->of[i].wraps = d->of[i].unwraps = d->of[i].states = 0;
}

void double_free(void *self)
{
    (void)self;
}

enum err double_active(void *self, struct key_name *out)
{
    const struct stand_in *d = self;

    *out = (struct key_name){"double", "key", "", ""};
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
    struct stand_in *d = self;
    struct stand_in_version *v = version_at(d, key->version);

    d->states++;
    v->states++;
    *out = v->state;
    return ERR_OK;
}

enum err double_wrap(void *self, const struct key_name *key, const struct seal_context *context,
                     const struct secret *plain, struct envelope *out)
{
    struct stand_in *d = self;
    struct stand_in_version *v = version_at(d, key->version);

    (void)context;
    d->wraps++;
    v->wraps++;
    if (d->wrap_refused != ERR_OK)
        return err_set(d->wrap_refused, "the double does not wrap");
    if (v->state.verdict != KEY_VALID)
        return key_state_require_active(key, &v->state);
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
    struct stand_in_version *v = version_at(d, envelope->key.version);

    (void)context;
    if (d->unwrap_aborts)
        abort();
    d->unwraps++;
    v->unwraps++;
    if (d->unreachable != NULL && strcmp(envelope->key.version, d->unreachable) == 0)
        return err_set(ERR_KEY_UNREACHABLE, "the double is out of reach");
    if (d->unwrap_refused != ERR_OK)
        return err_set(d->unwrap_refused, "the double does not unwrap");
    if (v->unwrap_fails != ERR_OK)
        return err_set(v->unwrap_fails, "the double does not unwrap by this version");
    return secret_copy(bytes_of(envelope->wrapped, envelope->wrapped_len), out);
}

const struct provider provider_double = {.name = "double",
                                         .free = double_free,
                                         .active = double_active,
                                         .is_mine = double_is_mine,
                                         .state = double_state,
                                         .wrap = double_wrap,
                                         .unwrap = double_unwrap};

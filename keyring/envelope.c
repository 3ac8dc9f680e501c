#include "keyring/envelope.h"

#include <stdio.h>
#include <string.h>

/* The context is part of what the wrap authenticates; the JSON repeats it. It is written and
 * compared here, but never used as input: the caller knows the context already. */
#define CONTEXT_VERSION "1"

static enum err context_write(const struct seal_context *context, struct jdoc *to)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_object(&part));
    TRY(jdoc_set_text(part, "sealpoint", CONTEXT_VERSION));
    TRY(jdoc_set_hex(part, "repositoryId", bytes_of(context->repository, SEAL_ID_LEN)));
    TRY(jdoc_set_hex(part, "scope", bytes_of(context->scope, SEAL_ID_LEN)));
    TRY(jdoc_set(to, "context", &part));
out:
    jdoc_free(part);
    return rc;
}

/* Checked before any key operation: an envelope of another scope could not be opened anyway, but
 * the message would then speak of a wrong key. */
static enum err context_check(const struct jdoc *from, const struct seal_context *context)
{
    struct seal_context found = {{0}, {0}};
    struct jdoc *part = NULL;
    const char *version = NULL;
    enum err rc;

    TRY(jdoc_child(from, "context", &part));
    TRY(jdoc_text(part, "sealpoint", sizeof CONTEXT_VERSION - 1, &version));
    if (strcmp(version, CONTEXT_VERSION) != 0)
        FAIL(ERR_UNSUPPORTED, "an envelope's context has version %s, known is " CONTEXT_VERSION,
             version);
    TRY(jdoc_hex(part, "repositoryId", found.repository, SEAL_ID_LEN));
    TRY(jdoc_hex(part, "scope", found.scope, SEAL_ID_LEN));
    if (memcmp(found.repository, context->repository, SEAL_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the envelope belongs to another repository");
    if (memcmp(found.scope, context->scope, SEAL_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the envelope belongs to another scope");
out:
    return rc;
}

enum err envelope_write(const struct envelope *from, const struct seal_context *context,
                        struct jdoc **out)
{
    struct jdoc *o = NULL;
    enum err rc;

    TRY(jdoc_object(&o));
    TRY(key_name_write(&from->key, o));
    TRY(jdoc_set_text(o, "wrapAlgorithm", from->algorithm));
    TRY(jdoc_set_base64(o, "wrappedKey", bytes_of(from->wrapped, from->wrapped_len)));
    TRY(context_write(context, o));
    *out = o;
    o = NULL; /* the caller's now */
out:
    jdoc_free(o);
    return rc;
}

enum err envelope_read(const struct jdoc *from, const struct seal_context *context,
                       struct envelope *out)
{
    const char *algorithm = NULL;
    enum err rc;

    TRY(key_name_read(from, &out->key));
    TRY(jdoc_text(from, "wrapAlgorithm", sizeof out->algorithm - 1, &algorithm));
    snprintf(out->algorithm, sizeof out->algorithm, "%s", algorithm);
    /* The wrapped key is opaque here: its form is the provider's. */
    TRY(jdoc_base64(from, "wrappedKey", out->wrapped, sizeof out->wrapped, &out->wrapped_len));
    if (out->wrapped_len == 0)
        FAIL(ERR_CORRUPT, "member \"wrappedKey\" is empty");
    TRY(context_check(from, context));
out:
    return rc;
}

#include <stdio.h>
#include <string.h>

#include "keyring/keyring.h"

bool key_name_equal(const struct key_name *a, const struct key_name *b)
{
    return strcmp(a->provider, b->provider) == 0 && strcmp(a->key_id, b->key_id) == 0 &&
           strcmp(a->version, b->version) == 0;
}

static enum err read_part(const struct jdoc *from, const char *name, size_t max, char *out)
{
    const char *text = NULL;
    enum err rc;

    TRY(jdoc_text(from, name, max, &text));
    if (text[0] == '\0')
        FAIL(ERR_CORRUPT, "member \"%s\" is empty", name);
    snprintf(out, max + 1, "%s", text);
out:
    return rc;
}

enum err key_name_read(const struct jdoc *from, struct key_name *out)
{
    struct key_name key = {0};
    enum err rc;

    TRY(read_part(from, "provider", KEY_PROVIDER_MAX, key.provider));
    TRY(read_part(from, "keyId", KEY_ID_MAX, key.key_id));
    TRY(read_part(from, "keyVersion", KEY_VERSION_MAX, key.version));
    *out = key;
out:
    return rc;
}

enum err key_name_write(const struct key_name *from, struct jdoc *to)
{
    enum err rc;

    TRY(jdoc_set_text(to, "provider", from->provider));
    TRY(jdoc_set_text(to, "keyId", from->key_id));
    TRY(jdoc_set_text(to, "keyVersion", from->version));
out:
    return rc;
}

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "keyring/keyring.h"

bool key_name_equal(const struct key_name *a, const struct key_name *b)
{
    if (a->commitment[0] != '\0' && b->commitment[0] != '\0' &&
        strcmp(a->commitment, b->commitment) != 0)
        return false;
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
    uint8_t commitment[SEAL_COMMITMENT_LEN];
    struct key_name key = {0};
    enum err rc;

    TRY(read_part(from, "provider", KEY_PROVIDER_MAX, key.provider));
    TRY(read_part(from, "keyId", KEY_ID_MAX, key.key_id));
    TRY(read_part(from, "keyVersion", KEY_VERSION_MAX, key.version));
    if (jdoc_has(from, "keyCommitment")) {
        TRY(jdoc_hex(from, "keyCommitment", commitment, sizeof commitment));
        text_hex(bytes_of(commitment, sizeof commitment), key.commitment);
    }
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
    if (from->commitment[0] != '\0')
        TRY(jdoc_set_text(to, "keyCommitment", from->commitment));
out:
    return rc;
}

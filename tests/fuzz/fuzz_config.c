/*
 * A configuration file from an enemy. Whatever is taken has values that their rows allow, and no
 * list longer than it may be.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config/config.h"
#include "cli/config/field.h"
#include "keyring/keyring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_config(const struct config *c)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (c->values[i] == NULL)
            continue;
        assert(option_at(i)->key != NULL);
        assert(strlen(c->values[i]) <= FIELD_TEXT_MAX);
        assert(option_check_value(option_at(i), c->values[i]) == ERR_OK);
    }
    assert(c->key_count <= KEYRING_KEYS_MAX);
    for (size_t k = 0; k < c->key_count; k++)
        assert(c->keys[k].members[MASTER_KEY_PROVIDER] != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c = NULL;
    enum err rc;

    err_clear();
    rc = config_parse(bytes_of(data, size), &c);
    assert(rc == ERR_OK || (rc == ERR_USAGE && c == NULL && *err_text() != '\0'));
    if (rc == ERR_OK)
        check_config(c);
    config_free(c);
    return 0;
}

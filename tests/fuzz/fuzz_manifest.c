/*
 * Hostile bytes as a manifest. What decodes stands alone: every object has a data key, and nothing
 * is over its cap.
 */
#include <assert.h>
#include <string.h>

#include "keyring/catalogue/key_list.h"
#include "snapshot/format/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_object(const struct manifest *m, const struct manifest_object *o)
{
    uint64_t plain = 0;

    assert(manifest_key(m, o->scope) != NULL);
    assert(object_plain_size(o->size, &plain) == ERR_OK);
    assert(o->ordinal <= UINT32_MAX);
}

static void check_all(const struct manifest *m)
{
    assert(strlen(m->id) == SNAPSHOT_ID_TEXT);
    assert(m->key_count >= 1 && m->key_count <= KEY_LIST_MAX);
    assert(m->object_count <= OBJECT_LIST_MAX);
    assert(m->index.type == OBJECT_INDEX);
    check_object(m, &m->index);
    for (size_t i = 0; i < m->object_count; i++) {
        assert(m->objects[i].type == OBJECT_PACK);
        check_object(m, &m->objects[i]);
    }
    for (size_t i = 0; i < m->key_count; i++) {
        assert(m->keys[i].envelope_count >= 1 && m->keys[i].envelope_count <= KEYRING_KEYS_MAX);
        for (size_t k = 0; k < m->keys[i].envelope_count; k++)
            assert(m->keys[i].envelopes[k].wrapped_len <= ENVELOPE_WRAPPED_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Of the corpus. */
    static const uint8_t repository[SEAL_ID_LEN] = {0x6c, 0xf7, 0x74, 0xf1, 0x09, 0x39, 0x6e, 0x73,
                                                    0xbd, 0x97, 0x46, 0x80, 0x7c, 0xa9, 0x28, 0x6b};
    struct manifest m = {.key_count = 0};
    enum err rc = manifest_decode(bytes_of(data, size), repository, &m);

    if (rc == ERR_OK)
        check_all(&m);
    else
        assert((rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED) && *err_text() != '\0' &&
               m.keys == NULL && m.objects == NULL);
    manifest_clear(&m);
    return 0;
}

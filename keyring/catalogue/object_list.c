#include "keyring/catalogue/object_list.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define TYPE_TEXT_MAX 16
#define OBJECT_SIZE_MAX (UINT64_C(1) << 40)

static const struct {
    enum object_type type;
    const char *name;
} types[] = {{OBJECT_PACK, "pack"}, {OBJECT_INDEX, "index"}};

static const char *type_name(enum object_type type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}

static enum err parse_object_type(const char *name, enum object_type *out)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0) {
            *out = types[i].type;
            return ERR_OK;
        }
    return err_set(ERR_UNSUPPORTED, "an object of type \"%s\" is not known", name);
}

enum err object_list_write_item(const struct manifest_object *from, struct jdoc **out)
{
    struct jdoc *row = NULL;
    enum err rc;

    TRY(jdoc_object(&row));
    TRY(jdoc_set_hex(row, "id", bytes_of(from->id, SEAL_ID_LEN)));
    TRY(jdoc_set_text(row, "type", type_name(from->type)));
    TRY(jdoc_set_hex(row, "scope", bytes_of(from->scope, SEAL_ID_LEN)));
    TRY(jdoc_set_number(row, "ordinal", from->ordinal));
    TRY(jdoc_set_number(row, "size", from->size));
    TRY(jdoc_set_hex(row, "sha256", bytes_of(from->sha256, HASH_LEN)));
    *out = row;
    row = NULL; /* the caller's now */
out:
    jdoc_free(row);
    return rc;
}

enum err object_list_read_item(const struct jdoc *from, struct manifest_object *out)
{
    struct manifest_object o = {.size = 0};
    const char *type;
    uint64_t plain = 0;
    enum err rc;

    TRY(jdoc_hex(from, "id", o.id, SEAL_ID_LEN));
    TRY(jdoc_text(from, "type", TYPE_TEXT_MAX, &type));
    TRY(parse_object_type(type, &o.type));
    TRY(jdoc_hex(from, "scope", o.scope, SEAL_ID_LEN));
    TRY(jdoc_number(from, "ordinal", UINT32_MAX, &o.ordinal));
    TRY(jdoc_number(from, "size", OBJECT_SIZE_MAX, &o.size));
    TRY(object_plain_size(o.size, &plain));
    TRY(jdoc_hex(from, "sha256", o.sha256, HASH_LEN));
    *out = o;
out:
    return rc;
}

static int by_object_id(const void *a, const void *b)
{
    return memcmp(a, b, SEAL_ID_LEN);
}

enum err object_list_check(const struct manifest_object *objects, size_t count)
{
    uint8_t(*ids)[SEAL_ID_LEN] = NULL;
    enum err rc;

    TRY(mem_new(count, sizeof *ids, &ids));
    for (size_t i = 0; i < count; i++)
        memcpy(ids[i], objects[i].id, SEAL_ID_LEN);
    if (count > 1)
        qsort(ids, count, sizeof *ids, by_object_id);
    for (size_t i = 1; i < count; i++)
        if (memcmp(ids[i - 1], ids[i], SEAL_ID_LEN) == 0)
            FAIL(ERR_CORRUPT, "an object is named twice");
out:
    mem_free(ids);
    return rc;
}

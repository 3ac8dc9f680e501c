#include "keyring/catalogue/record_key.h"

#include <string.h>

enum err record_key_write_name(const struct key_name *from, const char *member, struct jdoc *to)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_object(&part));
    TRY(key_name_write(from, part));
    TRY(jdoc_set(to, member, &part));
out:
    jdoc_free(part);
    return rc;
}

static enum err read_name(const struct jdoc *payload, struct key_name *out)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_child(payload, "masterKey", &part));
    TRY(key_name_read(part, out));
out:
    return rc;
}

enum err record_key_read_name(const struct record *from, struct key_name *out)
{
    struct jdoc *payload = NULL;
    enum err rc;

    TRY(record_payload(from, &payload));
    TRY(read_name(payload, out));
out:
    jdoc_free(payload);
    return rc;
}

enum err record_key_write(const struct data_key *from, struct jdoc *to)
{
    struct jdoc *part = NULL;
    enum err rc;

    TRY(data_key_write(from, &part));
    TRY(jdoc_set(to, "dataKey", &part));
out:
    jdoc_free(part);
    return rc;
}

enum err record_key_read_payload(const struct jdoc *payload, const uint8_t repository[SEAL_ID_LEN],
                                 struct data_key *out)
{
    struct data_key key = {0};
    struct key_name said;
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_child(payload, "dataKey", &part));
    TRY(data_key_read(part, repository, &key));
    TRY(read_name(payload, &said));
    if (!key_name_equal(&said, &key.envelopes[0].key))
        FAIL(ERR_CORRUPT, "\"masterKey\" is not the key of the first envelope");
    *out = key;
    key = (struct data_key){0}; /* the caller's now */
out:
    data_key_clear(&key);
    return rc;
}

enum err record_key_read(const struct record *from, struct data_key *out)
{
    struct jdoc *payload = NULL;
    enum err rc;

    TRY(record_payload(from, &payload));
    TRY(record_key_read_payload(payload, from->repository, out));
out:
    jdoc_free(payload);
    return rc;
}

enum err record_key_read_scope(const struct record *from, uint8_t out[SEAL_ID_LEN])
{
    if (!from->facts.has_scope)
        return err_set(ERR_CORRUPT, "a record without \"dataKey\", or without its \"scope\"");
    memcpy(out, from->facts.scope, SEAL_ID_LEN);
    return ERR_OK;
}

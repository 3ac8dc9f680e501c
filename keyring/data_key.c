#include <string.h>

#include "core/base/mem.h"
#include "keyring/envelope.h"
#include "keyring/keyring.h"

void data_key_clear(struct data_key *d)
{
    mem_free(d->envelopes);
    d->envelopes = NULL;
    d->envelope_count = 0;
}

enum err data_key_copy(const struct data_key *from, struct data_key *out)
{
    struct data_key copy = *from;
    enum err rc;

    copy.envelopes = NULL;
    TRY(mem_new(from->envelope_count, sizeof *copy.envelopes, &copy.envelopes));
    for (size_t i = 0; i < from->envelope_count; i++)
        copy.envelopes[i] = from->envelopes[i];
    *out = copy;
out:
    return rc;
}

enum err data_key_of_record(const struct record *from, struct data_key *out)
{
    struct data_key key = {0};
    struct key_name said;
    struct jdoc *part = NULL;
    enum err rc;

    TRY(jdoc_child(from->payload, "dataKey", &part));
    TRY(data_key_read(part, from->repository, &key));
    TRY(jdoc_child(from->payload, "masterKey", &part));
    TRY(key_name_read(part, &said));
    /* Listings show "masterKey"; it must be the key that opens the data. */
    if (!key_name_equal(&said, &key.envelopes[0].key))
        FAIL(ERR_CORRUPT, "\"masterKey\" is not the key of the first envelope");
    *out = key;
    key = (struct data_key){0}; /* the caller's now */
out:
    data_key_clear(&key);
    return rc;
}

enum err data_key_write(const struct data_key *from, struct jdoc **out)
{
    struct jdoc *o = NULL;
    struct jdoc *list = NULL;
    struct jdoc *item = NULL;
    enum err rc;

    TRY(jdoc_object(&o));
    TRY(jdoc_set_hex(o, "scope", bytes_of(from->context.scope, SEAL_ID_LEN)));
    TRY(jdoc_set_hex(o, "commitment", bytes_of(from->commitment, SEAL_COMMITMENT_LEN)));
    TRY(jdoc_array(&list));
    for (size_t i = 0; i < from->envelope_count; i++) {
        TRY(envelope_write(&from->envelopes[i], &from->context, &item));
        TRY(jdoc_push(list, &item));
    }
    TRY(jdoc_set(o, "envelopes", &list));
    *out = o;
    o = NULL; /* the caller's now */
out:
    jdoc_free(o);
    jdoc_free(list);
    return rc;
}

enum err data_key_read(const struct jdoc *from, const uint8_t repository[SEAL_ID_LEN],
                       struct data_key *out)
{
    struct data_key d = {0};
    struct jdoc *list = NULL;
    struct jdoc *item = NULL;
    size_t count = 0;
    size_t i = 0;
    enum err rc;

    memcpy(d.context.repository, repository, SEAL_ID_LEN);
    TRY(jdoc_hex(from, "scope", d.context.scope, SEAL_ID_LEN));
    TRY(jdoc_hex(from, "commitment", d.commitment, SEAL_COMMITMENT_LEN));
    TRY(jdoc_list(from, "envelopes", KEYRING_KEYS_MAX, &list, &count));
    if (count == 0)
        FAIL(ERR_CORRUPT, "a data key without an envelope");
    TRY(mem_new(count, sizeof *d.envelopes, &d.envelopes));
    d.envelope_count = count;
    for (i = 0; i < count; i++) {
        TRY(jdoc_item(list, i, &item));
        rc = envelope_read(item, &d.context, &d.envelopes[i]);
        if (rc != ERR_OK) {
            err_note("envelope %zu", i);
            goto out;
        }
    }
    *out = d;
    d.envelopes = NULL; /* the caller's now */
out:
    data_key_clear(&d);
    return rc;
}

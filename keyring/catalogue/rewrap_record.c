#include "keyring/catalogue/rewrap_record.h"

#include "keyring/catalogue/record_key.h"

enum err rewrap_record_write(const struct data_key *fresh, const struct data_key *old,
                             struct jdoc **out)
{
    struct jdoc *body = NULL;
    enum err rc;

    TRY(jdoc_object(&body));
    TRY(record_key_write(fresh, body));
    TRY(record_key_write_name(&fresh->envelopes[0].key, "masterKey", body));
    TRY(record_key_write_name(&old->envelopes[0].key, "replaces", body));
    *out = body;
    body = NULL; /* the caller's now */
out:
    jdoc_free(body);
    return rc;
}

enum err rewrap_record_read(const struct record *from, struct data_key *out)
{
    return record_key_read(from, out);
}

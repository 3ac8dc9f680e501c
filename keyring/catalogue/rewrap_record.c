#include "keyring/catalogue/rewrap_record.h"

#include <string.h>

#include "keyring/catalogue/key_query.h"
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

enum err rewrap_record_find(const struct ledger *l, const struct data_key *of,
                            const struct record *before, const struct record **record,
                            struct data_key *out)
{
    const struct record *r = before;
    struct data_key found = {0};
    enum err rc = ERR_OK;

    while ((r = key_query_rewrap(l, of->context.scope, r)) != NULL) {
        rc = rewrap_record_read(r, &found);
        if (rc == ERR_OK && memcmp(found.commitment, of->commitment, SEAL_COMMITMENT_LEN) == 0)
            break;
        data_key_clear(&found);
        if (rc != ERR_OK && rc != ERR_CORRUPT && rc != ERR_UNSUPPORTED)
            return rc;
        err_clear();
    }
    *record = r;
    if (r != NULL)
        *out = found; /* the caller's now */
    return ERR_OK;
}

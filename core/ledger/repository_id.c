#include "core/ledger/repository_id.h"

#include <string.h>

#include "core/base/hash.h"

#define LABEL "sealpoint/v1/repository" /* its NUL is the 00 of the formula */

enum err repository_id_derive(const uint8_t root_key[SIGNER_PUBLIC_LEN],
                              const uint8_t nonce[REPOSITORY_NONCE_LEN], uint8_t out[SEAL_ID_LEN])
{
    uint8_t text[sizeof LABEL + SIGNER_PUBLIC_LEN + REPOSITORY_NONCE_LEN];
    uint8_t digest[HASH_LEN];
    enum err rc;

    memcpy(text, LABEL, sizeof LABEL);
    memcpy(text + sizeof LABEL, root_key, SIGNER_PUBLIC_LEN);
    memcpy(text + sizeof LABEL + SIGNER_PUBLIC_LEN, nonce, REPOSITORY_NONCE_LEN);
    TRY(hash_of(bytes_of(text, sizeof text), digest));
    memcpy(out, digest, SEAL_ID_LEN);
out:
    return rc;
}

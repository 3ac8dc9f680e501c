/*
 * repositoryId = the first 16 bytes of
 *   SHA-256("sealpoint/v1/repository" ‖ 00 ‖ root's public key (32) ‖ nonce (16))
 *
 * Every data key's context has it, so what was sealed here opens under no other root.
 * Uses: core/base, core/seal, signer.
 */
#ifndef CORE_LEDGER_REPOSITORY_ID_H
#define CORE_LEDGER_REPOSITORY_ID_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/ledger/signer.h"
#include "core/seal/subkey.h"

#define REPOSITORY_NONCE_LEN 16

/* ERR_FAILED: OpenSSL could not. */
MUST_CHECK enum err repository_id_derive(const uint8_t root_key[SIGNER_PUBLIC_LEN],
                                         const uint8_t nonce[REPOSITORY_NONCE_LEN],
                                         uint8_t out[SEAL_ID_LEN]);

#endif

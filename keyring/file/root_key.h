/*
 * The file of a repository's root key, root-key.json: written once by init, then kept away from the
 * machine, and needed to enrol and revoke writers (docs/FORMAT.md, 7.4).
 *
 * One JSON object on one line, mode 0600:
 *   {"format": 1, "type": "root-key", "publicKey": base64 of 32, "protection": as of a keyring,
 *    "privateKey": base64}
 * kek is derived from the secret as a keyring's is. "privateKey" with a kek: a sealed object (type
 * 4, key wrap) with the 32 bytes of the private key as plaintext, under X(kek,
 * "sealpoint/v1/root-key" ‖ 00 ‖ public key(32), 32); header: repository id, scope id and ordinal
 * are 0, object id random. With none: the 32 bytes themselves.
 *
 * Uses: core/base, core/fs, core/seal, file_kek, file_model, passphrase. What signs is
 * core/ledger, which this room does not see: keys are bytes here.
 */
#ifndef KEYRING_FILE_ROOT_KEY_H
#define KEYRING_FILE_ROOT_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/secret.h"
#include "keyring/file/passphrase.h"

#define ROOT_KEY_PUBLIC_LEN 32

/* `passphrase` NULL: it lies bare. ERR_EXISTS: the file exists; it is never replaced. */
MUST_CHECK enum err root_key_save(const char *path, const uint8_t public_key[ROOT_KEY_PUBLIC_LEN],
                                  const struct secret *private_key,
                                  const struct secret *passphrase);

/* The passphrase is got only when the file asks for one. ERR_NOT_FOUND: no such file. ERR_USAGE:
 * it is something else. ERR_CORRUPT: a root key, and damaged. ERR_KEY_INVALID: the passphrase does
 * not open it; and as of passphrase_get(). */
MUST_CHECK enum err root_key_load(const char *path, const struct passphrase_source *from,
                                  uint8_t public_key[ROOT_KEY_PUBLIC_LEN],
                                  struct secret **private_key);

#endif

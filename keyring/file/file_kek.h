/*
 * The key that seals a file keyring (kek), from the secret that its owner holds.
 *
 * The secret has one of two forms, and the form alone decides how the kek is made, never the file:
 *
 *   generated    exactly "sealpoint-secret-1:" and the canonical base64 of 32 bytes:
 *                kek = X(the 32 bytes, "sealpoint/v1/keyring-secret" ‖ 00 ‖ salt(16), 32), kdf
 *                "hkdf". What has 256 random bits needs no stretching.
 *   passphrase   anything else: kek = scrypt(passphrase, salt, N, r, p, 32 bytes), kdf "scrypt".
 *
 * The file's kdf must agree. A file that says "hkdf" to somebody who types a passphrase would
 * otherwise have it tried at a million guesses a second.
 * Uses: core/base, core/seal, file_model.
 */
#ifndef KEYRING_FILE_FILE_KEK_H
#define KEYRING_FILE_FILE_KEK_H

#include "core/base/err.h"
#include "core/base/secret.h"
#include "keyring/file/file_model.h"

#define FILE_SECRET_PREFIX "sealpoint-secret-1:"

/* A fresh generated secret as the content of its file: one line with its newline. */
MUST_CHECK enum err file_kek_generate(struct secret **out);

/* Protection for a keyring to be sealed under this secret: its kdf, a fresh salt. */
MUST_CHECK enum err file_kek_protect(const struct secret *secret, struct file_protection *out);

/*
 * ERR_KEY_INVALID: the secret is of the other form than the one that sealed it. ERR_USAGE: scrypt
 * would take more memory than FILE_SCRYPT_N_CAP does and `allow_memory` is not set; nothing was
 * allocated. ERR_FAILED: no memory for it.
 */
MUST_CHECK enum err file_kek_derive(const struct file_protection *with, const struct secret *secret,
                                    bool allow_memory, struct secret **out);

#endif

/*
 * The cryptography of the file keyring: from passphrase to master key, and from master key to
 * envelope (docs/FORMAT.md, 7; the formulas are in file_model.h).
 *
 * An envelope, algorithm "sealpoint-file-v1": a sealed object (type 4, key wrap) of 234 bytes with
 * the 32 bytes of the data key as plaintext, under X(master key, "sealpoint/v1/wrap" ‖ 00 ‖ ctx,
 * 32); header: repository and scope of the context, ordinal = key version, object id random.
 *
 * Uses: core/base, keyring, file_model.
 */
#ifndef KEYRING_FILE_FILE_SEAL_H
#define KEYRING_FILE_FILE_SEAL_H

#include "core/base/err.h"
#include "core/base/secret.h"
#include "keyring/file/file_model.h"
#include "keyring/keyring.h"

#define FILE_ALGORITHM "sealpoint-file-v1"

/* What is public of a master key: X(master, "sealpoint/v1/master" ‖ 00 ‖ keyring id(16) ‖
 * version(8), 32). It tells two keys of one number apart. */
MUST_CHECK enum err file_seal_commitment(const struct file_keyring *k, uint64_t version,
                                         const struct secret *master,
                                         uint8_t out[SEAL_COMMITMENT_LEN]);

/*
 * Check that the file is as the holder of the passphrase left it. ERR_KEY_INVALID: the passphrase
 * is another one; ERR_CORRUPT: it is the right one (an entry opens with it) and the file was
 * changed without it. `kek` NULL: an unencrypted keyring, which decoding has checked already.
 */
MUST_CHECK enum err file_seal_check(const struct file_keyring *k, const struct secret *kek);

/* Put `master` into `v`, sealed (or unencrypted when kek is NULL), with its commitment; and take it
 * out again. ERR_CORRUPT: it does not open, or is not the one that was committed to. */
MUST_CHECK enum err file_seal_store(const struct file_keyring *k, const struct secret *kek,
                                    const struct secret *master, struct file_version *v);
MUST_CHECK enum err file_seal_load(const struct file_keyring *k, const struct secret *kek,
                                   const struct file_version *v, struct secret **master);

/* Wrap and unwrap; the key name of the envelope is the caller's. */
MUST_CHECK enum err file_seal_wrap(const struct secret *master, uint64_t version,
                                   const struct seal_context *context, const struct secret *plain,
                                   struct envelope *out);
MUST_CHECK enum err file_seal_unwrap(const struct secret *master, uint64_t version,
                                     const struct seal_context *context,
                                     const struct envelope *from, struct secret **out);

#endif

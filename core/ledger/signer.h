/*
 * An Ed25519 key (RFC 8032) that signs records; kept in the state directory with mode 0600.
 *
 * Uses: core/base.
 */
#ifndef CORE_LEDGER_SIGNER_H
#define CORE_LEDGER_SIGNER_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/secret.h"

#define SIGNER_ALGORITHM "ed25519" /* in genesis, enrolments and signatures */
#define SIGNER_PUBLIC_LEN 32
#define SIGNER_SIGNATURE_LEN 64
#define SIGNER_ID_LEN 8 /* writer and keyId: the first 8 bytes of SHA-256 of the public key */

struct signer;

/* A fresh key; release with signer_free(). ERR_FAILED: OpenSSL could not, or no memory. */
MUST_CHECK enum err signer_new(struct signer **out);
/* ERR_NOT_FOUND: no such file; ERR_CORRUPT: not a signing key of ours. */
MUST_CHECK enum err signer_load(const char *path, struct signer **out);
/* ERR_EXISTS: the file exists; it is never replaced. */
MUST_CHECK enum err signer_save(const struct signer *s, const char *path);
void signer_free(struct signer *s);

/* The private half, and a signer of it: how root's key gets into its own file and back. The bytes
 * are borrowed. ERR_CORRUPT: not a private key. */
MUST_CHECK enum err signer_private(const struct signer *s, struct secret **out);
MUST_CHECK enum err signer_of_private(const struct secret *from, struct signer **out);

const uint8_t *signer_public(const struct signer *s);
MUST_CHECK enum err signer_sign(const struct signer *s, struct bytes message,
                                uint8_t out[SIGNER_SIGNATURE_LEN]);

/* ERR_CORRUPT: not a public key, or the signature does not match. */
MUST_CHECK enum err signer_check(const uint8_t public_key[SIGNER_PUBLIC_LEN], struct bytes message,
                                 const uint8_t signature[SIGNER_SIGNATURE_LEN]);
MUST_CHECK enum err signer_id(const uint8_t public_key[SIGNER_PUBLIC_LEN],
                              uint8_t out[SIGNER_ID_LEN]);

#endif

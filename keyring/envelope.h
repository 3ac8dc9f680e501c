/*
 * One envelope as JSON, in records and manifests (docs/FORMAT.md, 2 and 7.3):
 *
 *   {"provider", "keyId", "keyVersion", "wrapAlgorithm", "wrappedKey": base64,
 *    "context": {"sealpoint": "1", "repositoryId": 32 hex, "scope": 32 hex}}
 *
 * The context is what the wrap is bound to. It is repeated for people and for the logs of key
 * services, and must be that of the data key.
 * Uses: core/base, keyring.
 */
#ifndef KEYRING_ENVELOPE_H
#define KEYRING_ENVELOPE_H

#include "core/base/err.h"
#include "core/base/jdoc.h"
#include "keyring/keyring.h"

/* ERR_CORRUPT: not an envelope, or one of another context. */
MUST_CHECK enum err envelope_read(const struct jdoc *from, const struct seal_context *context,
                                  struct envelope *out);
MUST_CHECK enum err envelope_write(const struct envelope *from, const struct seal_context *context,
                                   struct jdoc **out);

#endif

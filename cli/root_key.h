/*
 * The repository's root key, as commands come by it: the file that --root-key names, or that init
 * left in the state directory, opened by the secret of --root-passphrase-file, or else by the one
 * of the first master key.
 *
 * Uses: session, setting, core/ledger/signer.h, keyring/file/root_key.h.
 */
#ifndef CLI_ROOT_KEY_H
#define CLI_ROOT_KEY_H

#include "cli/session.h"
#include "core/base/err.h"
#include "core/base/secret.h"
#include "core/ledger/signer.h"

/* For init: what a run that was killed has left in the state directory, if that is known, else a
 * new one, which is nowhere yet. `passphrase` opens it; NULL: it lies bare. */
MUST_CHECK enum err root_key_have(const struct session *s, const struct secret *passphrase,
                                  struct signer **out, bool *is_new);
/* Save it there, sealed by `passphrase`; NULL: bare. */
MUST_CHECK enum err root_key_keep(const struct signer *root, const struct secret *passphrase,
                                  const char *state_dir);

/* A warning when the root key still lies in the state directory. */
void root_key_say_where(const struct session *s);

/* ERR_NOT_FOUND, with a hint: it is not there. ERR_KEY_INVALID: the passphrase is another one. */
MUST_CHECK enum err root_key_open(const struct session *s, struct signer **out);

#endif

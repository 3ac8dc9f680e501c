/*
 * Making the keyring of a configured master key, for `init` and `key create`.
 *
 * Uses: session, keyring/admin.h.
 */
#ifndef CLI_COMMAND_MAKE_KEYRING_H
#define CLI_COMMAND_MAKE_KEYRING_H

#include "cli/session.h"

/*
 * Of master key `i`; with --generate-passphrase its passphrase file first, which is never written
 * over. ERR_EXISTS: the keyring is there (and the passphrase file, if one was to be generated);
 * ERR_USAGE: one of the two is there without the other.
 */
MUST_CHECK enum err make_keyring(struct session *session, size_t i, struct key_name *out);

/* Name the opened repository in the keyring of master key `i`, so that a machine that has only the
 * keyring knows it. A failure is a warning: the repository works without. */
void make_keyring_serve(struct session *session, size_t i);

/* What whoever changes a keyring has to be told of the copies of it. */
void make_keyring_say_copies(void);

#endif

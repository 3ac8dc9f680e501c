/*
 * Reads a passphrase from a file or a descriptor ("fd:3"), or asks for it.
 *
 * A systemd credential is a file. One newline at the end is not part of it; everything else is.
 * Uses: core/base, keyring.
 */
#ifndef KEYRING_FILE_PASSPHRASE_H
#define KEYRING_FILE_PASSPHRASE_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/secret.h"
#include "keyring/keyring.h"

#define PASSPHRASE_LEN_MAX 1024

struct passphrase_source {
    const char *file; /* path or "fd:N"; NULL: ask */
    passphrase_ask *ask;
    void *ask_arg;
};

/* Can it be read only once? */
bool passphrase_is_descriptor(const char *file);

/* `what` is the keyring's path, for messages; `twice` when a new one is chosen.
 * ERR_KEY_UNREACHABLE: the source cannot be read, or there is nobody to ask; ERR_USAGE: empty or
 * too long, or "fd:" with no number. A file others can read is warned of. */
MUST_CHECK enum err passphrase_get(const struct passphrase_source *from, const char *what,
                                   bool twice, struct secret **out);

#endif

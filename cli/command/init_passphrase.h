/*
 * The passphrase that init gets once: it seals the first master key's keyring and, unless that has
 * one of its own, the root key. A descriptor can be read only once, and a person is asked once.
 *
 * Uses: setting, terminal, keyring.
 */
#ifndef CLI_COMMAND_INIT_PASSPHRASE_H
#define CLI_COMMAND_INIT_PASSPHRASE_H

#include "cli/setting.h"
#include "core/base/err.h"
#include "core/base/secret.h"

/* In place: `settings` borrows from it. */
struct init_passphrase {
    struct secret *known;     /* NULL: not got yet, or there is none */
    struct settings settings; /* those given, but that the first master key gets it from here */
};

/* A file or descriptor is read now; a person is asked when the keyring is opened or made. A keyring
 * that is there and unencrypted, or is to be, has none. */
MUST_CHECK enum err init_passphrase_get(const struct settings *s, struct init_passphrase *out);
void init_passphrase_clear(struct init_passphrase *p);

/* Root's: that of --root-passphrase-file, else a copy of the one above. NULL in *out: it lies
 * bare. */
MUST_CHECK enum err init_passphrase_of_root(const struct init_passphrase *p, struct secret **out);

#endif

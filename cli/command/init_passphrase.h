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
#include "keyring/keyring.h"

/* In place: `settings` borrows from it. */
struct init_passphrase {
    struct secret *known;     /* NULL: not got yet, or there is none, or it is in a file */
    const char *descriptor;   /* "fd:N"; NULL: a person is asked */
    struct settings settings; /* those given, but that the first master key gets it from here */
};

/* Nothing is read or asked for before the keyring is made or opened. */
void init_passphrase_begin(struct init_passphrase *p, const struct settings *s);
void init_passphrase_clear(struct init_passphrase *p);

/* Root's: that of --root-passphrase-file, else a copy of the one above. NULL in *out: it lies bare,
 * as `keyring`, which is made by now, does. */
MUST_CHECK enum err init_passphrase_of_root(struct init_passphrase *p, struct keyring *keyring,
                                            struct secret **out);

#endif

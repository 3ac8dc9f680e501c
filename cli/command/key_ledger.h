/*
 * The ledger beside a change of a keyring: it is a witness before it, and told of it afterwards.
 * Neither is a reason not to change a key: a keyring is no part of a repository.
 *
 * Uses: session, keyring/catalogue.
 */
#ifndef CLI_COMMAND_KEY_LEDGER_H
#define CLI_COMMAND_KEY_LEDGER_H

#include "cli/session.h"

/* Open the configured repository, if there is one. That it cannot be opened is a warning. */
void key_ledger_open(struct session *session);

/* What was opened is of no use after all. */
void key_ledger_close(struct session *session);

/* Record what changed. If that fails, the next `key check` does it. */
void key_ledger_record(struct session *session);

#endif

/*
 * A key that is refused: does another one open it?
 *
 * Uses: session, snapshot/read.
 */
#ifndef CLI_COMMAND_ESCROW_H
#define CLI_COMMAND_ESCROW_H

#include "cli/session.h"

/* Returns `rc`, with its message. When it is about the recorded master key, and another one that is
 * configured opens the snapshot (NULL: none is known), a hint names its envelope. Nobody is asked
 * for a passphrase for that; where one would have to be, the hint says so. */
MUST_CHECK enum err escrow_hint(struct session *s, const struct snapshot *of, enum err rc);

#endif

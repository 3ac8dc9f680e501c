/*
 * What is said of a keyring when it is made: what is wrong with how and where it lies, and what
 * must be kept elsewhere.
 *
 * Uses: session, keyring/admin.h.
 */
#ifndef CLI_COMMAND_ADVICE_H
#define CLI_COMMAND_ADVICE_H

#include "cli/session.h"

/* Of master key `i`, whose keyring is there. `repository` may be NULL: then where it lies as seen
 * from there is not said. */
MUST_CHECK enum err advice_on_keyring(const struct session *session, size_t i,
                                      const char *repository);

#endif

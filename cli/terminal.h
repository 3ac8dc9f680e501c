/*
 * Asking the person at the terminal (/dev/tty, whatever standard input is).
 *
 * Uses: core/base, keyring.h.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/secret.h"

/* A passphrase_ask (keyring.h): with echo off; twice, and compared, when it is a new one.
 * `arg` is the option that makes the question unnecessary, as text; NULL: --passphrase-file.
 * ERR_KEY_UNREACHABLE: there is no terminal, or nothing was typed; ERR_USAGE: the two differ;
 * ERR_INTERRUPTED. */
MUST_CHECK enum err terminal_passphrase(void *arg, const char *what, bool twice,
                                        struct secret **out);

/* Nobody is asked for a passphrase meanwhile: as if there were no terminal. */
void terminal_hold(bool hold);

/* ERR_OK only when the answer is "yes". ERR_USAGE: it is something else, or there is no terminal
 * to ask at; `otherwise` is the option that makes the question unnecessary. */
MUST_CHECK enum err terminal_confirm(const char *question, const char *otherwise);

#endif

/*
 * Kills a child process before or after any system call that changes the disk: write (torn in the
 * middle), fsync, rename, link and unlink are replaced here, in front of the C library's.
 *
 * They are in the programs whose files include this header, and in no other (see the Makefile).
 * Uses: helpers.
 */
#ifndef TESTS_UNIT_KEYRING_FAKE_CRASH_H
#define TESTS_UNIT_KEYRING_FAKE_CRASH_H

#include <stdbool.h>

#include "core/base/err.h"

typedef enum err operation(const char *path);

/* True when the operation was killed at its `nth` step, false when it has fewer. */
bool kill_at(operation *run, const char *path, unsigned long nth);

#endif

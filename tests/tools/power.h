/*
 * What a power loss leaves of a directory tree: the part of faultshim that remembers what was not
 * synced, and takes it back.
 *
 * The model is the worst that POSIX allows: data is there once fsync, fdatasync or syncfs of the
 * file has returned, else the file has what it had at the last one (a new file: nothing); a name
 * that was made, removed or renamed is so once its directory was synced, else any part of what was
 * done to names may be lost, in any order. Modes, owners, times and attributes are not looked at.
 * One thing is kind: a rename from one directory to another happens in both or in neither.
 *
 * All calls with one lock held. x is the arguments of the system call, as they go to the kernel.
 */
#ifndef TESTS_TOOLS_POWER_H
#define TESTS_TOOLS_POWER_H

#include <stdbool.h>

/* `seed` 0: all that was not synced is lost; else of the names some, chosen by it. */
void power_setup(unsigned long seed);

/* Around a call that is about something below the directories of the test. */
void power_before(long number, const long x[6]);
void power_after(long number, const long x[6], long result);

/* Takes back what was not synced. Nothing else may be called afterwards. */
void power_fail(void);

#endif

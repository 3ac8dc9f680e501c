/*
 * What unit tests share: a fresh directory for each test, short ways to check results, and the
 * sweeps.
 *
 *     static void the_old_file_stays(void **state)
 *     {
 *         assert_done(file_replace(in(state, "a"), bytes_of_text("old"), 0600));
 *         …
 *     }
 *     static const struct CMUnitTest tests[] = {IN_DIRECTORY(the_old_file_stays)};
 *
 * Uses: core/base.
 */
#ifndef TESTS_UNIT_HELPERS_H
#define TESTS_UNIT_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/* A row of a test table: the test runs in a fresh directory below $TMPDIR, which is removed after.
 */
#define IN_DIRECTORY(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, directory_setup, directory_teardown)
int directory_setup(void **state);
int directory_teardown(void **state);

/* "<the directory>/<name>"; good until sixteen more were asked for. "" gives the directory. */
const char *in(void **state, const char *name);

/* The call succeeds; else its message is shown. */
#define assert_done(call) check_done((call), #call, __FILE__, __LINE__)
/* This thread's message as print_failure() shows it: each hint behind it as "\n  <hint>". Good
 * until the next call. */
const char *told(void);

/* The call fails with this code and exactly this message, as told() gives it (NULL: any message,
 * but one). */
#define assert_refused(call, code, text)                                                           \
    check_refused((call), (code), (text), #call, __FILE__, __LINE__)
void check_done(enum err rc, const char *call, const char *file, int line);
void check_refused(enum err rc, enum err code, const char *text, const char *call, const char *file,
                   int line);

/* Files without the code under test. have_file: the content is exactly this. */
void put_file(const char *path, const char *text);
bool have_file(const char *path, const char *text);
/* How many names a directory has (a missing one has none). */
size_t count_names(const char *directory);

/* Bytes that look random but are the same for the same seed. */
void fill_pattern(void *data, size_t len, uint32_t seed);

/*
 * The sweeps. A check gets its own `arg` back.
 */

/* Let each allocation of `call` fail once, until it makes no more. A failure that is reported must
 * have a message; `call` undoes in itself what it did. Returns how many allocations it made. */
typedef enum err sweep_call(void *arg);
unsigned long sweep_allocations(sweep_call *call, void *arg);

/* `check` is what must refuse changed bytes. Each copy is exactly as long as it is said to be, so
 * that the address sanitizer sees one byte read too many. A check that wants a certain code
 * asserts it itself; here every code but ERR_OK will do. */
typedef enum err sweep_check(void *arg, struct bytes changed);
void sweep_flips(struct bytes whole, sweep_check *check, void *arg); /* each byte, two bits of it */
void sweep_cuts(struct bytes whole, sweep_check *check,
                void *arg); /* each shorter one, one longer */
/* Swaps each piece of `piece` bytes with its neighbour, unless they are equal. */
void sweep_swaps(struct bytes whole, size_t piece, sweep_check *check, void *arg);
/* All three, the last with pieces of 1 and 16 bytes. */
void sweep_changes(struct bytes whole, sweep_check *check, void *arg);

/* Every length from 0 to three chunks and one; of a chunk above 4 KiB only those at the edges. */
typedef void sweep_len(void *arg, size_t len);
void sweep_lengths(size_t chunk, sweep_len *check, void *arg);

#endif

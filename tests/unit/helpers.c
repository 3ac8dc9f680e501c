#include "tests/unit/helpers.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

#define PATHS_KEPT 16

int directory_setup(void **state)
{
    const char *below = getenv("TMPDIR");
    char *directory = malloc(PATH_MAX);

    if (directory == NULL)
        return -1;
    snprintf(directory, PATH_MAX, "%s/sealpoint-test-XXXXXX", below != NULL ? below : "/tmp");
    *state = directory;
    err_clear();
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int make_removable(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (kind == FTW_D || kind == FTW_DNR)
        (void)!chmod(path, 0700);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int directory_teardown(void **state)
{
    int rc;

    mem_fail_at(0);
    nftw(*state, make_removable, 16, FTW_PHYS);
    rc = nftw(*state, remove_one, 16, FTW_PHYS | FTW_DEPTH);
    free(*state);
    return rc;
}

const char *in(void **state, const char *name)
{
    static char paths[PATHS_KEPT][PATH_MAX];
    static size_t next;
    char *path = paths[next++ % PATHS_KEPT];

    if (*name == '\0')
        return *state;
    if (snprintf(path, PATH_MAX, "%s/%s", (const char *)*state, name) >= PATH_MAX)
        fail_msg("the path of %s is too long", name);
    return path;
}

const char *told(void)
{
    static _Thread_local char text[ERR_TEXT_MAX + 2 * ERR_HINTS_MAX];
    const char *hint;
    size_t used = (size_t)snprintf(text, sizeof text, "%s", err_text());

    for (size_t i = 0; (hint = err_hint_at(i)) != NULL; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "\n  %s", hint);
    return text;
}

void check_done(enum err rc, const char *call, const char *file, int line)
{
    if (rc == ERR_OK)
        return;
    print_error("%s gave %d: %s\n", call, (int)rc, told());
    _fail(file, line);
}

void check_refused(enum err rc, enum err code, const char *text, const char *call, const char *file,
                   int line)
{
    if (rc == code && (text == NULL ? *told() != '\0' : strcmp(told(), text) == 0))
        return;
    print_error("%s gave %d: %s\nbut %d was due: %s\n", call, (int)rc, rc == ERR_OK ? "" : told(),
                (int)code, text != NULL ? text : "any message");
    _fail(file, line);
}

void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

bool have_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "r");
    bool same = file != NULL;

    for (const char *cursor = text; same && *cursor != '\0'; cursor++)
        same = fgetc(file) == (unsigned char)*cursor;
    same = same && fgetc(file) == EOF;
    if (file != NULL)
        fclose(file);
    return same;
}

size_t count_names(const char *directory)
{
    DIR *dir = opendir(directory);
    size_t count = 0;

    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2; /* . and .. */
}

void fill_pattern(void *data, size_t len, uint32_t seed)
{
    uint8_t *byte = data;
    uint32_t x = seed * 2654435761u + 1; /* xorshift32 must not start from 0 */

    if (x == 0)
        x = 1;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        byte[i] = (uint8_t)(x >> 24);
    }
}

/* True when the failure ordered for the `nth` allocation did not come: it is still to come, then.
 */
static bool failure_is_left(unsigned long nth)
{
    bool failed = false;

    for (unsigned long i = 0; i < nth && !failed; i++) {
        void *probe = NULL;

        failed = mem_new(1, 1, &probe) != ERR_OK;
        mem_free(probe);
    }
    mem_fail_at(0);
    return failed;
}

unsigned long sweep_allocations(sweep_call *call, void *arg)
{
    for (unsigned long nth = 1;; nth++) {
        enum err rc;

        err_clear();
        mem_fail_at(nth);
        rc = call(arg);
        if (rc != ERR_OK && *err_text() == '\0')
            fail_msg("no message when allocation %lu failed", nth);
        if (!failure_is_left(nth))
            continue;
        if (rc != ERR_OK)
            fail_msg("fails with enough memory, too: %s", err_text());
        return nth - 1;
    }
}

/* Runs the check on a copy on the heap of exactly this length. */
static enum err check_copy(struct bytes of, sweep_check *check, void *arg)
{
    uint8_t *copy = malloc(of.len > 0 ? of.len : 1);
    enum err rc;

    assert_non_null(copy);
    if (of.len > 0)
        memcpy(copy, of.data, of.len);
    err_clear();
    rc = check(arg, bytes_of(copy, of.len));
    free(copy);
    if (rc != ERR_OK && *err_text() == '\0')
        fail_msg("no message with code %d", (int)rc);
    return rc;
}

static uint8_t *copy_of(struct bytes whole, size_t cap)
{
    uint8_t *copy = calloc(1, cap > 0 ? cap : 1);

    assert_non_null(copy);
    if (whole.len > 0)
        memcpy(copy, whole.data, whole.len);
    return copy;
}

void sweep_flips(struct bytes whole, sweep_check *check, void *arg)
{
    static const uint8_t masks[] = {0x01, 0x80};
    uint8_t *work = copy_of(whole, whole.len);

    for (size_t i = 0; i < whole.len; i++)
        for (size_t m = 0; m < sizeof masks; m++) {
            work[i] ^= masks[m];
            if (check_copy(bytes_of(work, whole.len), check, arg) == ERR_OK)
                fail_msg("byte %zu changed by 0x%02x is taken", i, masks[m]);
            work[i] ^= masks[m];
        }
    free(work);
}

void sweep_cuts(struct bytes whole, sweep_check *check, void *arg)
{
    uint8_t *longer = copy_of(whole, whole.len + 1);

    for (size_t len = 0; len < whole.len; len++)
        if (check_copy(bytes_of(longer, len), check, arg) == ERR_OK)
            fail_msg("cut to %zu of %zu bytes it is taken", len, whole.len);
    if (check_copy(bytes_of(longer, whole.len + 1), check, arg) == ERR_OK)
        fail_msg("with a byte behind its end it is taken");
    free(longer);
}

static void swap_pieces(uint8_t *data, size_t piece)
{
    for (size_t i = 0; i < piece; i++) {
        uint8_t kept = data[i];

        data[i] = data[piece + i];
        data[piece + i] = kept;
    }
}

void sweep_swaps(struct bytes whole, size_t piece, sweep_check *check, void *arg)
{
    uint8_t *work = copy_of(whole, whole.len);

    for (size_t i = 0; i + 2 * piece <= whole.len; i += piece) {
        if (memcmp(work + i, work + i + piece, piece) == 0)
            continue;
        swap_pieces(work + i, piece);
        if (check_copy(bytes_of(work, whole.len), check, arg) == ERR_OK)
            fail_msg("with the %zu bytes at %zu and the next swapped it is taken", piece, i);
        swap_pieces(work + i, piece);
    }
    free(work);
}

void sweep_changes(struct bytes whole, sweep_check *check, void *arg)
{
    if (check_copy(whole, check, arg) != ERR_OK)
        fail_msg("unchanged it is refused: %s", err_text());
    sweep_flips(whole, check, arg);
    sweep_cuts(whole, check, arg);
    sweep_swaps(whole, 1, check, arg);
    sweep_swaps(whole, 16, check, arg);
}

void sweep_lengths(size_t chunk, sweep_len *check, void *arg)
{
    static const size_t small[] = {0, 1, 2, 15, 16, 17};

    if (chunk <= 4 * KIB) {
        for (size_t len = 0; len <= 3 * chunk + 1; len++)
            check(arg, len);
        return;
    }
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        check(arg, small[i]);
    for (size_t i = 1; i <= 3; i++)
        for (size_t edge = 0; edge < 3; edge++)
            check(arg, i * chunk - 1 + edge);
}

#include "core/base/secret.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "core/base/mem.h"
#include "tests/unit/helpers.h"

/* In a child: a process that may not be dumped may not be looked at by the leak sanitizer. */
static int set_up_and_look(void)
{
    struct rlimit core = {1, 1};
    struct secret *s = NULL;

    if (secret_setup() != ERR_OK || secret_setup() != ERR_OK) /* twice does no harm */
        return 1;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0)
        return 2;
    if (prctl(PR_GET_DUMPABLE) != 0)
        return 3;
    if (secret_random(32, &s) != ERR_OK || !CRYPTO_secure_allocated(secret_at(s)))
        return 4;
    secret_free(s);
    return 0;
}

static void after_setup_nothing_is_dumped_and_secrets_are_on_the_secure_heap(void **state)
{
    int status = -1;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(set_up_and_look());
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_new_secret_is_zero_and_a_copy_is_equal(void **state)
{
    struct secret *zero = NULL;
    struct secret *copy = NULL;

    (void)state;
    assert_done(secret_new(48, &zero));
    assert_int_equal(secret_bytes(zero).len, 48);
    assert_true(bytes_are_zero(secret_bytes(zero)));
    memset(secret_at(zero), 7, 48);
    assert_done(secret_copy(secret_bytes(zero), &copy));
    assert_true(secret_equal(secret_bytes(zero), secret_bytes(copy)));
    secret_at(copy)[47] ^= 1;
    assert_false(secret_equal(secret_bytes(zero), secret_bytes(copy)));
    secret_free(copy);
    secret_free(zero);
    secret_free(NULL);
}

static void random_secrets_differ(void **state)
{
    struct secret *one = NULL;
    struct secret *two = NULL;

    (void)state;
    assert_done(secret_random(32, &one));
    assert_done(secret_random(32, &two));
    assert_false(secret_equal(secret_bytes(one), secret_bytes(two)));
    secret_free(one);
    secret_free(two);
}

static void secrets_of_different_lengths_are_not_equal(void **state)
{
    (void)state;
    assert_false(secret_equal(bytes_of("ab", 2), bytes_of("ab", 1)));
    assert_true(secret_equal(bytes_of("ab", 2), bytes_of("abc", 2)));
}

static void a_secret_has_a_sensible_length(void **state)
{
    struct secret *s = NULL;

    (void)state;
    assert_refused(secret_new(0, &s), ERR_FAILED, "a secret of 0 bytes is not possible");
    assert_refused(secret_new(SECRET_LEN_MAX + 1, &s), ERR_FAILED,
                   "a secret of 4097 bytes is not possible");
    assert_null(s);
    assert_done(secret_new(SECRET_LEN_MAX, &s));
    secret_free(s);
}

static void wiping_leaves_zeros(void **state)
{
    char buffer[] = "key material";

    (void)state;
    secret_wipe(buffer, sizeof buffer);
    assert_true(bytes_are_zero(bytes_of(buffer, sizeof buffer)));
    secret_wipe(NULL, 0);
}

static enum err make_all(void *arg)
{
    struct secret *made[3] = {NULL, NULL, NULL};
    enum err rc;

    (void)arg;
    TRY(secret_new(9, &made[0]));
    TRY(secret_random(9, &made[1]));
    TRY(secret_copy(secret_bytes(made[1]), &made[2]));
out:
    for (size_t i = 0; i < 3; i++)
        secret_free(made[i]);
    return rc;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    assert_int_equal(sweep_allocations(make_all, NULL), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_setup_nothing_is_dumped_and_secrets_are_on_the_secure_heap),
        cmocka_unit_test(a_new_secret_is_zero_and_a_copy_is_equal),
        cmocka_unit_test(random_secrets_differ),
        cmocka_unit_test(secrets_of_different_lengths_are_not_equal),
        cmocka_unit_test(a_secret_has_a_sensible_length),
        cmocka_unit_test(wiping_leaves_zeros),
        cmocka_unit_test(any_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "keyring/file/file_ring.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/keyring/rings.h"

/* The passphrase: when it is asked for, and what becomes of a wrong one. Through the keyring, as
 * all that unlocks does. */

struct typist {
    const char *const *lines; /* the last one is typed again and again */
    unsigned asked;
};

static enum err type(void *arg, const char *what, bool twice, struct secret **out)
{
    struct typist *t = arg;
    const char *line = t->lines[t->asked];

    (void)what;
    (void)twice;
    if (t->lines[t->asked + 1] != NULL)
        t->asked++;
    return secret_copy(bytes_of_text(line), out);
}

/* Three may be typed; then it is refused, and nobody is asked again. */
static void a_typed_passphrase_may_be_wrong_twice(void **state)
{
    static const char *const right[] = {"wrong", "wrong too", PASSPHRASE, "never typed", NULL};
    static const char *const wrong[] = {"a", "b", "c", PASSPHRASE, "never typed", NULL};
    const char *const *const lines[] = {right, wrong};
    struct key_name name;

    put_file(in(state, "right"), PASSPHRASE "\n");
    chmod(in(state, "right"), 0600);
    name = make_ring(in(state, "k"), in(state, "right"));
    for (size_t i = 0; i < 2; i++) {
        struct master_key_options options = options_of(in(state, "k"), NULL);
        struct typist typist = {.lines = lines[i]};
        struct keyring *k = NULL;

        options.ask = type;
        options.ask_arg = &typist;
        assert_done(keyring_open(&options, 1, &k));
        for (int again = 0; again < 2; again++) {
            struct key_state s;

            assert_done(keyring_state(k, &name, true, &s));
            assert_int_equal(s.verdict, i == 0 ? KEY_VALID : KEY_INVALID);
            assert_int_equal(typist.asked, 3);
        }
        keyring_free(k);
    }
}

static void a_wrong_passphrase_is_a_verdict_of_its_own(void **state)
{
    struct key_name name;
    struct key_state s;
    struct keyring *k;

    put_file(in(state, "right"), PASSPHRASE "\n");
    put_file(in(state, "wrong"), "something else entirely");
    chmod(in(state, "right"), 0600);
    chmod(in(state, "wrong"), 0600);
    name = make_ring(in(state, "k"), in(state, "right"));
    k = open_ring(in(state, "k"), in(state, "wrong"));
    assert_done(keyring_state(k, &name, false, &s)); /* needs none */
    assert_int_equal(s.verdict, KEY_VALID);
    assert_done(keyring_state(k, &name, true, &s));
    assert_int_equal(s.verdict, KEY_INVALID);
    assert_string_equal(s.reason, "credentialsRejected");
    assert_string_equal(s.detail,
                        textf("keyring %s: the passphrase does not open it", in(state, "k")));
    assert_refused(
        key_state_require(&name, &s), ERR_KEY_INVALID,
        textf("master key file %s version 1 cannot be used, the credentials are rejected (keyring "
              "%s: the passphrase does not open it)\n  version 1 itself may be fine: check the "
              "passphrase or the credentials, and try again",
              name.key_id, in(state, "k")));

    /* Put right, the same keyring works: nothing wrong is kept. */
    assert_int_equal(rename(in(state, "right"), in(state, "wrong")), 0);
    assert_done(keyring_state(k, &name, true, &s));
    assert_int_equal(s.verdict, KEY_VALID);
    keyring_free(k);
}

static void a_passphrase_that_cannot_be_read_leaves_the_key_unreachable(void **state)
{
    struct key_name name;
    struct key_state s;
    struct keyring *k;

    put_file(in(state, "right"), PASSPHRASE "\n");
    chmod(in(state, "right"), 0600);
    name = make_ring(in(state, "k"), in(state, "right"));
    k = open_ring(in(state, "k"), in(state, "gone"));
    assert_done(keyring_state(k, &name, true, &s));
    assert_int_equal(s.verdict, KEY_UNREACHABLE);
    assert_string_equal(s.detail, textf("passphrase file %s: opening it: No such file or directory",
                                        in(state, "gone")));
    keyring_free(k);
}

/* A data key made by a keyring that was prepared, opened by one that was not. */
static void a_prepared_keyring_is_the_same_keyring(void **state)
{
    const char *file = in(state, "p");
    struct data_key record = {.envelope_count = 0};
    struct secret *fresh = NULL;
    struct secret *back = NULL;
    struct keyring *k;

    put_file(file, PASSPHRASE);
    make_ring(in(state, "k"), file);
    k = open_ring(in(state, "k"), file);
    keyring_prepare(k);
    keyring_prepare(k);
    assert_done(keyring_new_data_key(k, test_repository, &record, &fresh));
    keyring_free(k);
    k = open_ring(in(state, "k"), file);
    assert_done(keyring_open_data_key(k, &record, 0, &back));
    assert_true(secret_equal(secret_bytes(fresh), secret_bytes(back)));
    secret_free(fresh);
    secret_free(back);
    data_key_clear(&record);
    keyring_free(k);
}

static void preparing_in_vain_is_told_by_the_first_use(void **state)
{
    const char *right = in(state, "p");
    struct data_key record = {.envelope_count = 0};
    struct secret *fresh = NULL;
    struct keyring *k;

    put_file(right, PASSPHRASE);
    put_file(in(state, "wrong"), "another one, long enough");
    make_ring(in(state, "k"), right);
    k = open_ring(in(state, "k"), in(state, "nowhere"));
    keyring_prepare(k);
    assert_refused(keyring_new_data_key(k, test_repository, &record, &fresh), ERR_KEY_UNREACHABLE,
                   NULL);
    keyring_free(k);
    k = open_ring(in(state, "k"), in(state, "wrong"));
    keyring_prepare(k);
    assert_refused(keyring_new_data_key(k, test_repository, &record, &fresh), ERR_KEY_INVALID,
                   NULL);
    keyring_free(k);
    k = open_ring(in(state, "k"), right);
    keyring_prepare(k); /* and never used */
    keyring_free(k);
}

/* Another process put another keyring (other salt) there after this one had begun. */
static void what_was_prepared_for_another_salt_is_not_used(void **state)
{
    const char *file = in(state, "p");
    struct data_key record = {.envelope_count = 0};
    struct secret *fresh = NULL;
    struct keyring *k;

    put_file(file, PASSPHRASE);
    make_ring(in(state, "k"), file);
    make_ring(in(state, "other"), file);
    k = open_ring(in(state, "k"), file);
    keyring_prepare(k);
    usleep(300 * 1000); /* too short on a slow machine, it tests less, and passes */
    assert_int_equal(rename(in(state, "other"), in(state, "k")), 0);
    assert_done(keyring_new_data_key(k, test_repository, &record, &fresh));
    secret_free(fresh);
    data_key_clear(&record);
    keyring_free(k);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_typed_passphrase_may_be_wrong_twice),
    IN_DIRECTORY(a_wrong_passphrase_is_a_verdict_of_its_own),
    IN_DIRECTORY(a_passphrase_that_cannot_be_read_leaves_the_key_unreachable),
    IN_DIRECTORY(a_prepared_keyring_is_the_same_keyring),
    IN_DIRECTORY(preparing_in_vain_is_told_by_the_first_use),
    IN_DIRECTORY(what_was_prepared_for_another_salt_is_not_used),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

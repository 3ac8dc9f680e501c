#include "keyring/file/file_ring.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/text.h"
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
    assert_done(keyring_state(k, &name, false, &s)); /* nothing is believed without one */
    assert_int_equal(s.verdict, KEY_INVALID);
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

/* Another process put another keyring (other salt) there after this one had read it. */
static void what_is_put_there_after_preparing_is_not_looked_at(void **state)
{
    const char *file = in(state, "p");
    struct data_key record = {.envelope_count = 0};
    struct secret *fresh = NULL;
    struct key_name name;
    struct keyring *k;

    put_file(file, PASSPHRASE);
    name = make_ring(in(state, "k"), file);
    make_ring(in(state, "other"), file);
    k = open_ring(in(state, "k"), file);
    keyring_prepare(k);
    assert_int_equal(rename(in(state, "other"), in(state, "k")), 0);
    assert_done(keyring_new_data_key(k, test_repository, &record, &fresh));
    assert_string_equal(record.envelopes[0].key.key_id, name.key_id);
    secret_free(fresh);
    data_key_clear(&record);
    keyring_free(k);
}

/* What the machine and the ledger remember. */

static char said[4096];

static void listen(enum log_level level, const char *text)
{
    size_t used = strlen(said);

    (void)level;
    snprintf(said + used, sizeof said - used, "%s\n", text);
}

static struct keyring *open_with(void **state, const char *passphrase_file, bool accepts_new)
{
    struct master_key_options options = options_of(in(state, "k"), passphrase_file);
    struct keyring *k = NULL;

    options.state_dir = in(state, "state");
    options.new_keyring = accepts_new;
    assert_done(keyring_open(&options, 1, &k));
    return k;
}

static enum err use(struct keyring *k)
{
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    enum err rc = keyring_new_data_key(k, test_repository, &record, &key);

    secret_free(key);
    data_key_clear(&record);
    return rc;
}

static void use_once(void **state, const char *passphrase_file)
{
    struct keyring *k = open_with(state, passphrase_file, false);

    assert_done(use(k));
    keyring_free(k);
}

/* Opened by itself, refused with this message, and accepted with --new-keyring from then on. */
static void expect_refusal(void **state, const char *passphrase_file, const char *message)
{
    struct keyring *k = open_with(state, passphrase_file, false);

    assert_refused(use(k), ERR_CORRUPT, message);
    keyring_free(k);
    k = open_with(state, passphrase_file, true);
    assert_done(use(k));
    keyring_free(k);
    use_once(state, passphrase_file);
}

static void another_keyring_at_the_same_path_is_not_used(void **state)
{
    struct key_name first, second;

    put_secret(in(state, "p"));
    first = make_ring(in(state, "k"), in(state, "p"));
    use_once(state, in(state, "p"));
    unlink(in(state, "k"));
    unlink(in(state, "k.previous"));
    second = make_ring(in(state, "k"), in(state, "p"));
    expect_refusal(
        state, in(state, "p"),
        textf("keyring %s is another one than it was: %s, and this machine knows %s\n  if "
              "you put it there, give --new-keyring once",
              in(state, "k"), second.key_id, first.key_id));
}

static enum err nobody_may_be_asked(void *arg, const char *what, bool twice, struct secret **out)
{
    (void)arg;
    (void)what;
    (void)twice;
    (void)out;
    abort();
}

static uint8_t known_id[SEAL_ID_LEN];

static void take_known_id(struct file_keyring *k)
{
    memcpy(k->id, known_id, sizeof known_id);
}

/* Also where the passphrase is typed, and nobody is asked for it. */
static void an_unencrypted_keyring_in_the_place_of_a_protected_one_is_not_used(void **state)
{
    struct master_key_options options = options_of(in(state, "k"), NULL);
    struct buf theirs;
    struct keyring *ring = NULL;
    struct key_name name;

    put_secret(in(state, "p"));
    name = make_ring(in(state, "k"), in(state, "p"));
    assert_done(text_unhex(name.key_id, known_id, sizeof known_id));
    use_once(state, in(state, "p"));
    make_ring(in(state, "theirs"), NULL);
    theirs = slurp(in(state, "theirs"));
    spew(in(state, "k"), buf_bytes(&theirs));
    options.state_dir = in(state, "state");
    options.ask = nobody_may_be_asked;
    assert_done(keyring_open(&options, 1, &ring));
    assert_refused(use(ring), ERR_CORRUPT, NULL);
    keyring_free(ring);
    buf_clear(&theirs);
    edit_ring(in(state, "k"), take_known_id); /* and now with the right id */
    ring = NULL;
    assert_done(keyring_open(&options, 1, &ring));
    assert_refused(
        use(ring), ERR_CORRUPT,
        textf("keyring %s was protected by a passphrase and is not any more\n  if you put "
              "it there, give --new-keyring once",
              in(state, "k")));
    keyring_free(ring);
}

static void take_generation_back(struct file_keyring *k)
{
    k->generation = 1;
}

static void an_older_keyring_seals_nothing_and_opens_with_a_warning(void **state)
{
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    struct key_name name;
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    k = open_with(state, NULL, false);
    assert_done(keyring_new_data_key(k, test_repository, &record, &key));
    secret_free(key);
    key = NULL;
    do_act(k, KEY_DISABLE, "1");
    do_act(k, KEY_ENABLE, "1");
    keyring_free(k);
    edit_ring(in(state, "k"), take_generation_back);
    k = open_with(state, NULL, false);
    log_to(listen);
    said[0] = '\0';
    for (int i = 0; i < 2; i++) {
        assert_done(keyring_open_data_key(k, &record, 0, &key));
        secret_free(key);
        key = NULL;
    }
    log_to(NULL);
    assert_string_equal(said, textf("keyring %s is an older copy: its generation is 1, and this "
                                    "machine has seen 3\n",
                                    in(state, "k")));
    assert_refused(keyring_rotate(k, 0, &name), ERR_CORRUPT, NULL);
    assert_refused(keyring_act(k, 0, KEY_DISABLE, "1", 0, NULL), ERR_CORRUPT, NULL);
    keyring_free(k);
    expect_refusal(state, NULL,
                   textf("keyring %s is an older copy: its generation is 1, and this machine has "
                         "seen 3\n  put the newest copy in its place; if there is none, give "
                         "--new-keyring, and look at `sealpoint key status` for versions that were "
                         "disabled or deleted",
                         in(state, "k")));
    data_key_clear(&record);
}

static uint64_t knows_five(const void *arg, const char *provider, const char *key_id, uint64_t most,
                           char *claim)
{
    const struct key_name *name = arg;

    assert_true(most >= 5);
    claim[0] = '\0';
    return strcmp(provider, "file") == 0 && strcmp(key_id, name->key_id) == 0 ? 5 : 0;
}

static bool knows_it_is_disabled(const void *arg, const struct key_name *key, struct key_state *out)
{
    (void)arg;
    (void)key;
    out->verdict = KEY_INVALID;
    snprintf(out->reason, sizeof out->reason, "disabled");
    return true;
}

/* On a machine that has never seen the keyring. */
static void the_ledger_knows_of_newer_ones_as_well(void **state)
{
    struct key_name name = make_ring(in(state, "k"), NULL);
    struct keyring_witness witness = {
        .generation = knows_five, .state = knows_it_is_disabled, .arg = &name};
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    struct keyring *k;

    k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_new_data_key(k, test_repository, &record, &key));
    secret_free(key);
    key = NULL;
    keyring_remind(k, &witness); /* it is opened already */
    assert_refused(use(k), ERR_CORRUPT, NULL);
    log_to(listen);
    said[0] = '\0';
    assert_done(keyring_open_data_key(k, &record, 0, &key));
    log_to(NULL);
    assert_string_equal(said, textf("keyring %s is an older copy: its generation is 1, and the "
                                    "repository's ledger has seen 5\nthe ledger knows its version "
                                    "1 as disabled\n",
                                    in(state, "k")));
    secret_free(key);
    data_key_clear(&record);
    keyring_free(k);
    /* Made the newest again, it is behind nobody. */
    k = open_with(state, NULL, true);
    keyring_remind(k, &witness);
    assert_done(keyring_rotate(k, 0, &name));
    assert_int_equal(ring_generation(k), 6);
    assert_done(use(k));
    keyring_free(k);
}

#define CLAIM "ledger/0123456789abcdef/0000000000000007.json"

/* One record has 5, and another one any number. */
static uint64_t knows_too_much(const void *arg, const char *provider, const char *key_id,
                               uint64_t most, char *claim)
{
    const uint64_t *claimed = arg;
    bool is_above = *claimed > most;

    (void)provider;
    (void)key_id;
    snprintf(claim, KEYRING_CLAIM_MAX + 1, "%s", is_above ? CLAIM : "");
    return is_above ? 1 : *claimed;
}

/* A writer that was taken over may record any number. Believed, the highest would block the keyring
 * for ever, or the change after the next one. */
static void an_impossible_generation_in_the_ledger_is_not_believed(void **state)
{
    const uint64_t rows[] = {FILE_GENERATION_MAX, FILE_GENERATION_MAX - 1, FILE_GENERATION_MAX - 2,
                             KEYRING_GENERATION_LEAP + 10};
    struct key_name name;
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct keyring_witness witness = {.generation = knows_too_much, .arg = &rows[i]};

        k = open_with(state, NULL, false);
        keyring_remind(k, &witness);
        log_to(listen);
        said[0] = '\0';
        assert_done(use(k));
        assert_done(keyring_rotate(k, 0, &name));
        log_to(NULL);
        assert_string_equal(said, textf(CLAIM " claims a generation of keyring %s that is "
                                              "impossibly high, and is not believed: its writer "
                                              "may have been taken over\n",
                                        in(state, "k")));
        assert_int_equal(ring_generation(k), 2 + i);
        keyring_free(k);
    }
}

/* What is not impossible is believed, and --new-keyring goes above it. */
static void a_high_generation_within_the_leap_is_believed(void **state)
{
    const uint64_t claimed = KEYRING_GENERATION_LEAP + 1;
    struct keyring_witness witness = {.generation = knows_too_much, .arg = &claimed};
    struct key_name name;
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    k = open_with(state, NULL, false);
    keyring_remind(k, &witness);
    assert_refused(use(k), ERR_CORRUPT, NULL);
    keyring_free(k);
    k = open_with(state, NULL, true);
    keyring_remind(k, &witness);
    assert_done(keyring_rotate(k, 0, &name));
    assert_int_equal(ring_generation(k), claimed + 1);
    keyring_free(k);
}

/* One passphrase, typed once, is enough for a whole command: states, wrapping, a change. */
static void a_passphrase_is_asked_for_once(void **state)
{
    static const char *const lines[] = {PASSPHRASE, "never typed", NULL};
    struct master_key_options options = options_of(in(state, "k"), NULL);
    struct typist typist = {.lines = lines};
    struct keyring *k = NULL;
    struct key_name name;

    options.ask = type;
    options.ask_arg = &typist;
    assert_done(keyring_open(&options, 1, &k));
    assert_done(keyring_create(k, 0, false, &name));
    assert_done(keyring_active(k, 0, &name));
    assert_done(use(k));
    do_act(k, KEY_DISABLE, "1");
    do_act(k, KEY_ENABLE, "1");
    assert_int_equal(typist.asked, 1);
    keyring_free(k);
}

static void a_new_passphrase_opens_it_and_the_old_one_no_longer(void **state)
{
    struct data_key record = {.envelope_count = 0};
    struct secret *before = NULL;
    struct secret *after = NULL;
    struct key_name name;
    struct keyring *k;

    put_secret(in(state, "old"));
    put_secret(in(state, "new"));
    make_ring(in(state, "k"), in(state, "old"));
    k = open_with(state, in(state, "old"), false);
    assert_done(keyring_new_data_key(k, test_repository, &record, &before));
    assert_done(keyring_rotate(k, 0, &name));
    assert_done(keyring_passphrase(k, 0, in(state, "new")));
    assert_done(use(k));
    keyring_free(k);
    for (int i = 0; i < 2; i++) { /* the copy beside it, too */
        k = open_with(state, in(state, "old"), false);
        assert_refused(use(k), ERR_KEY_INVALID, NULL);
        keyring_free(k);
        k = open_with(state, in(state, "new"), false);
        assert_done(keyring_open_data_key(k, &record, 0, &after));
        assert_true(secret_equal(secret_bytes(before), secret_bytes(after)));
        secret_free(after);
        after = NULL;
        keyring_free(k);
        assert_int_equal(rename(in(state, "k.previous"), in(state, "k")), i == 0 ? 0 : -1);
    }
    secret_free(before);
    data_key_clear(&record);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_typed_passphrase_may_be_wrong_twice),
    IN_DIRECTORY(a_wrong_passphrase_is_a_verdict_of_its_own),
    IN_DIRECTORY(a_passphrase_that_cannot_be_read_leaves_the_key_unreachable),
    IN_DIRECTORY(a_prepared_keyring_is_the_same_keyring),
    IN_DIRECTORY(preparing_in_vain_is_told_by_the_first_use),
    IN_DIRECTORY(what_is_put_there_after_preparing_is_not_looked_at),
    IN_DIRECTORY(another_keyring_at_the_same_path_is_not_used),
    IN_DIRECTORY(an_unencrypted_keyring_in_the_place_of_a_protected_one_is_not_used),
    IN_DIRECTORY(an_older_keyring_seals_nothing_and_opens_with_a_warning),
    IN_DIRECTORY(the_ledger_knows_of_newer_ones_as_well),
    IN_DIRECTORY(an_impossible_generation_in_the_ledger_is_not_believed),
    IN_DIRECTORY(a_high_generation_within_the_leap_is_believed),
    IN_DIRECTORY(a_passphrase_is_asked_for_once),
    IN_DIRECTORY(a_new_passphrase_opens_it_and_the_old_one_no_longer),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

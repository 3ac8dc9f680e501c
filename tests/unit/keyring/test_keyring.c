#include "keyring/keyring.h"

#include "core/base/text.h"
#include "keyring/provider.h"
#include "tests/unit/keyring/double.h"
#include "tests/unit/keyring/rings.h"

/* With the file provider. */

static void a_data_key_comes_back_as_it_was_made(void **state)
{
    struct key_name made = make_ring(in(state, "k"), NULL);
    struct keyring *k = open_ring(in(state, "k"), NULL);
    struct data_key record = {.envelope_count = 0};
    struct secret *fresh = NULL;
    struct secret *back = NULL;

    assert_done(keyring_new_data_key(k, test_repository, &record, &fresh));
    assert_int_equal(secret_bytes(fresh).len, SEAL_KEY_LEN);
    assert_int_equal(record.envelope_count, 1);
    assert_true(key_name_equal(&record.envelopes[0].key, &made));
    assert_string_equal(record.envelopes[0].algorithm, "sealpoint-file-v1");
    assert_memory_equal(record.context.repository, test_repository, SEAL_ID_LEN);
    assert_done(keyring_open_data_key(k, &record, 0, &back));
    assert_true(secret_equal(secret_bytes(fresh), secret_bytes(back)));
    secret_free(fresh);
    secret_free(back);
    data_key_clear(&record);
    keyring_free(k);
}

static void two_data_keys_share_nothing(void **state)
{
    struct keyring *k;
    struct data_key a = {.envelope_count = 0};
    struct data_key b = {.envelope_count = 0};
    struct secret *one = NULL;
    struct secret *two = NULL;

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_new_data_key(k, test_repository, &a, &one));
    assert_done(keyring_new_data_key(k, test_repository, &b, &two));
    assert_memory_not_equal(a.context.scope, b.context.scope, SEAL_ID_LEN);
    assert_memory_not_equal(a.commitment, b.commitment, SEAL_COMMITMENT_LEN);
    assert_false(secret_equal(secret_bytes(one), secret_bytes(two)));
    secret_free(one);
    secret_free(two);
    data_key_clear(&a);
    data_key_clear(&b);
    keyring_free(k);
}

/* A pair of data keys in one keyring, for what can be swapped between them. */
struct pair {
    struct keyring *k;
    struct data_key a, b;
};

static struct pair make_pair(void **state)
{
    struct pair p = {.k = NULL};
    struct secret *key = NULL;

    make_ring(in(state, "k"), NULL);
    p.k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_new_data_key(p.k, test_repository, &p.a, &key));
    secret_free(key);
    assert_done(keyring_new_data_key(p.k, test_repository, &p.b, &key));
    secret_free(key);
    return p;
}

static void clear_pair(struct pair *p)
{
    data_key_clear(&p->a);
    data_key_clear(&p->b);
    keyring_free(p->k);
}

static void an_envelope_of_another_scope_does_not_open(void **state)
{
    struct pair p = make_pair(state);
    struct secret *key = NULL;

    p.a.envelopes[0] = p.b.envelopes[0];
    assert_refused(keyring_open_data_key(p.k, &p.a, 0, &key), ERR_CORRUPT, NULL);
    assert_null(key);
    clear_pair(&p);
}

static void a_commitment_of_another_data_key_is_noticed(void **state)
{
    struct pair p = make_pair(state);
    struct secret *key = NULL;

    memcpy(p.a.commitment, p.b.commitment, sizeof p.a.commitment);
    assert_refused(keyring_open_data_key(p.k, &p.a, 0, &key), ERR_CORRUPT,
                   "the envelope holds another data key than the record commits to (a swapped "
                   "envelope)");
    assert_null(key);
    clear_pair(&p);
}

static void an_envelope_of_another_version_does_not_open(void **state)
{
    struct pair p = make_pair(state);
    struct key_name second = {.provider = ""};
    struct secret *key = NULL;

    assert_done(keyring_rotate(p.k, 0, &second));
    p.a.envelopes[0].key = second;
    assert_refused(keyring_open_data_key(p.k, &p.a, 0, &key), ERR_CORRUPT, NULL);
    assert_null(key);
    p.a.envelopes[0].key.commitment[0] = '\0'; /* and without its commitment */
    assert_refused(keyring_open_data_key(p.k, &p.a, 0, &key), ERR_CORRUPT, NULL);
    clear_pair(&p);
}

static void an_envelope_of_another_keyring_is_a_matter_of_configuration(void **state)
{
    struct pair p = make_pair(state);
    struct key_name other = make_ring(in(state, "other"), NULL);
    struct secret *key = NULL;

    p.a.envelopes[0].key = other;
    assert_refused(keyring_open_data_key(p.k, &p.a, 0, &key), ERR_USAGE,
                   textf("no configured master key is file %s\n  configure the one that sealed "
                         "this (masterKey, or --keyring)",
                         other.key_id));
    clear_pair(&p);
}

static void an_envelope_under_another_keyrings_name_does_not_open(void **state)
{
    struct pair p = make_pair(state);
    struct key_name other = make_ring(in(state, "other"), NULL);
    struct keyring *k = open_ring(in(state, "other"), NULL);
    struct secret *key = NULL;

    p.a.envelopes[0].key = other;
    assert_refused(keyring_open_data_key(k, &p.a, 0, &key), ERR_CORRUPT, NULL);
    keyring_free(k);
    clear_pair(&p);
}

struct changed_envelope {
    struct pair *p;
    struct secret *key;
};

static enum err open_changed(void *arg, struct bytes changed)
{
    struct changed_envelope *c = arg;
    struct envelope *e = &c->p->a.envelopes[0];

    if (changed.len > sizeof e->wrapped)
        return ERR_CORRUPT;
    memcpy(e->wrapped, changed.data, changed.len);
    e->wrapped_len = changed.len;
    secret_free(c->key);
    c->key = NULL;
    return keyring_open_data_key(c->p->k, &c->p->a, 0, &c->key);
}

static void every_byte_of_a_wrapped_key_matters(void **state)
{
    struct pair p = make_pair(state);
    struct changed_envelope c = {.p = &p};
    struct envelope whole = p.a.envelopes[0];

    assert_int_equal(whole.wrapped_len, 234);
    sweep_changes(bytes_of(whole.wrapped, whole.wrapped_len), open_changed, &c);
    secret_free(c.key); /* of the unchanged one, which opens */
    clear_pair(&p);
}

static void an_unknown_wrap_algorithm_is_refused(void **state)
{
    struct pair p = make_pair(state);
    struct secret *key = NULL;

    snprintf(p.a.envelopes[0].algorithm, sizeof p.a.envelopes[0].algorithm, "sealpoint-file-v2");
    assert_refused(keyring_open_data_key(p.k, &p.a, 0, &key), ERR_UNSUPPORTED, NULL);
    clear_pair(&p);
}

static void an_envelope_that_is_not_there_is_said(void **state)
{
    struct pair p = make_pair(state);
    struct secret *key = NULL;

    assert_refused(keyring_open_data_key(p.k, &p.a, 1, &key), ERR_USAGE,
                   "there is no envelope 1; this data key has 1, counted from 0");
    clear_pair(&p);
}

static void every_master_key_gets_an_envelope(void **state)
{
    struct master_key_options options[2];
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    struct secret *back = NULL;
    struct keyring *k = NULL;

    make_ring(in(state, "a"), NULL);
    make_ring(in(state, "b"), NULL);
    options[0] = options_of(in(state, "a"), NULL);
    options[1] = options_of(in(state, "b"), NULL);
    assert_done(keyring_open(options, 2, &k));
    assert_int_equal(keyring_count(k), 2);
    assert_done(keyring_new_data_key(k, test_repository, &record, &key));
    assert_int_equal(record.envelope_count, 2);
    keyring_free(k);

    /* The second alone opens it. */
    k = open_ring(in(state, "b"), NULL);
    assert_refused(keyring_open_data_key(k, &record, 0, &back), ERR_USAGE, NULL);
    assert_done(keyring_open_data_key(k, &record, 1, &back));
    assert_true(secret_equal(secret_bytes(key), secret_bytes(back)));
    secret_free(key);
    secret_free(back);
    data_key_clear(&record);
    keyring_free(k);
}

/* One of two keyrings cannot be read: it might be the one that is asked for. */
static void a_key_that_may_be_the_missing_one_is_unreachable_and_not_unknown(void **state)
{
    struct pair p = make_pair(state);
    struct key_state s;
    struct secret *key = NULL;

    keyring_free(p.k);
    p.k = open_ring(in(state, "k"), NULL);
    assert_int_equal(rename(in(state, "k"), in(state, "away")), 0);
    assert_refused(
        keyring_open_data_key(p.k, &p.a, 0, &key), ERR_KEY_UNREACHABLE,
        textf("cannot tell whether master key file %s version 1 may be used: keyring %s: it is not "
              "there\n  put it back, or the copy of it: `cp -p %s.previous %s`",
              p.a.envelopes[0].key.key_id, in(state, "k"), in(state, "k"), in(state, "k")));
    assert_done(keyring_state(p.k, &p.a.envelopes[0].key, false, &s));
    assert_int_equal(s.verdict, KEY_UNREACHABLE);
    assert_string_equal(s.reason, "unreachable");
    assert_string_equal(s.detail, textf("keyring %s: it is not there", in(state, "k")));
    assert_int_equal(rename(in(state, "away"), in(state, "k")), 0);
    assert_done(keyring_open_data_key(p.k, &p.a, 0, &key));
    secret_free(key);
    clear_pair(&p);
}

static void a_disabled_version_refuses_and_works_again_when_enabled(void **state)
{
    struct pair p = make_pair(state);
    struct key_versions v = {.count = 0};
    struct data_key more = {.envelope_count = 0};
    struct secret *key = NULL;
    char since[CLOCK_TEXT_LEN + 1];
    const char *message;

    do_act(p.k, KEY_DISABLE, "1");
    assert_done(keyring_versions(p.k, 0, true, &v));
    clock_text(v.items[0].changed_ms, since);
    message = textf("master key file %s version 1 is disabled since %s (keyring %s)\n  enable it "
                    "again with `sealpoint key enable 1`, or use a snapshot of another version",
                    v.active.key_id, since, in(state, "k"));
    assert_refused(keyring_open_data_key(p.k, &p.a, 0, &key), ERR_KEY_INVALID, message);
    message = textf("master key file %s version 1 is disabled since %s (keyring %s)\n  enable it "
                    "again with `sealpoint key enable 1`, or make a new version active with "
                    "`sealpoint key rotate`",
                    v.active.key_id, since, in(state, "k"));
    assert_refused(keyring_new_data_key(p.k, test_repository, &more, &key), ERR_KEY_INVALID,
                   message);
    assert_null(key);
    do_act(p.k, KEY_ENABLE, "1");
    assert_done(keyring_open_data_key(p.k, &p.a, 0, &key));
    secret_free(key);
    key_versions_clear(&v);
    clear_pair(&p);
}

/* A command that began before goes on; the next one is refused, and a change sees it under the
 * lock. */
static void a_version_disabled_by_another_process_is_disabled_for_the_next_command(void **state)
{
    struct pair p = make_pair(state);
    struct keyring *other = open_ring(in(state, "k"), NULL);
    struct secret *key = NULL;

    assert_done(keyring_open_data_key(p.k, &p.a, 0, &key));
    secret_free(key);
    key = NULL;
    do_act(other, KEY_DISABLE, "1");
    keyring_free(other);
    assert_done(keyring_open_data_key(p.k, &p.a, 0, &key));
    secret_free(key);
    key = NULL;
    do_act(p.k, KEY_DISABLE, "1"); /* nothing to do, but it has read again */
    assert_refused(keyring_open_data_key(p.k, &p.a, 0, &key), ERR_KEY_INVALID, NULL);
    clear_pair(&p);
}

/* The keyring was put back to a copy from before the rotation, and rotated again. */
static void another_key_of_the_same_number_is_told_as_such(void **state)
{
    struct pair p = make_pair(state);
    struct data_key record = {.envelope_count = 0};
    struct buf old = slurp(in(state, "k"));
    struct secret *key = NULL;
    struct key_name second;

    assert_done(keyring_rotate(p.k, 0, &second));
    assert_done(keyring_new_data_key(p.k, test_repository, &record, &key));
    secret_free(key);
    key = NULL;
    spew(in(state, "k"), buf_bytes(&old));
    assert_done(keyring_rotate(p.k, 0, &second));
    assert_string_equal(second.version, "2");
    assert_refused(keyring_open_data_key(p.k, &record, 0, &key), ERR_KEY_INVALID,
                   textf("master key file %s version 2 is another key than the one of that number "
                         "in the keyring (keyring %s)\n  bring back the keyring that had version 2 "
                         "when this was sealed",
                         second.key_id, in(state, "k")));
    assert_false(key_name_equal(&second, &record.envelopes[0].key));
    /* Where nothing is committed to, it is damage for all that anybody knows. */
    record.envelopes[0].key.commitment[0] = '\0';
    assert_refused(keyring_open_data_key(p.k, &record, 0, &key), ERR_CORRUPT, NULL);
    buf_clear(&old);
    data_key_clear(&record);
    clear_pair(&p);
}

static void a_keyring_names_the_repositories_that_it_serves(void **state)
{
    static const char one[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    static const char two[] = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    enum keyring_service said;
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_serves(k, one, &said));
    assert_int_equal(said, KEYRING_NAMES_NONE);
    assert_done(keyring_serve(k, 0, one));
    assert_done(keyring_serve(k, 0, one)); /* once is enough */
    assert_int_equal(ring_generation(k), 2);
    keyring_free(k);
    k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_serves(k, one, &said));
    assert_int_equal(said, KEYRING_NAMES_IT);
    assert_done(keyring_serves(k, two, &said));
    assert_int_equal(said, KEYRING_NAMES_OTHERS);
    assert_refused(keyring_serves(k, "00", &said), ERR_USAGE, "\"00\" is not a fingerprint");
    assert_refused(keyring_serve(k, 0, "00"), ERR_USAGE, "\"00\" is not a fingerprint");
    assert_done(keyring_serve(k, 0, two));
    assert_done(keyring_serves(k, one, &said));
    assert_int_equal(said, KEYRING_NAMES_IT_TOO);
    for (int i = 0; i < FILE_REPOSITORIES_MAX - 2; i++)
        assert_done(keyring_serve(k, 0, textf("%02x%s", i + 1, one + 2)));
    assert_refused(keyring_serve(k, 0, textf("ee%s", one + 2)), ERR_FAILED,
                   "the keyring serves 64 repositories, and no more fit");
    keyring_free(k);
}

static void an_older_version_opens_after_a_rotation_and_new_keys_use_the_new(void **state)
{
    struct pair p = make_pair(state);
    struct key_name second = {.provider = ""};
    struct data_key more = {.envelope_count = 0};
    struct secret *key = NULL;

    assert_done(keyring_rotate(p.k, 0, &second));
    assert_string_equal(second.version, "2");
    assert_done(keyring_open_data_key(p.k, &p.a, 0, &key));
    secret_free(key);
    assert_done(keyring_new_data_key(p.k, test_repository, &more, &key));
    assert_true(key_name_equal(&more.envelopes[0].key, &second));
    secret_free(key);
    data_key_clear(&more);
    clear_pair(&p);
}

static void a_state_without_a_configured_key_is_a_matter_of_configuration(void **state)
{
    struct key_name name = {"file", "00112233445566778899aabbccddeeff", "1", ""};
    struct key_state s;
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_refused(keyring_state(k, &name, false, &s), ERR_USAGE, NULL);
    snprintf(name.provider, sizeof name.provider, "aws");
    assert_refused(keyring_state(k, &name, false, &s), ERR_USAGE, NULL);
    keyring_free(k);
}

/* The one that the first envelope names. */
static void read_repository(const struct jdoc *data_key, uint8_t out[SEAL_ID_LEN])
{
    struct jdoc *part = NULL;
    size_t count = 0;

    assert_done(jdoc_list(data_key, "envelopes", KEYRING_KEYS_MAX, &part, &count));
    assert_done(jdoc_item(part, 0, &part));
    assert_done(jdoc_child(part, "context", &part));
    assert_done(jdoc_hex(part, "repositoryId", out, SEAL_ID_LEN));
}

/* Files of format 1, written once; a new release must open them for ever. */
static void check_golden(const char *name, const char *passphrase_file)
{
    const char *const directory = "tests/golden/keyring";
    struct buf text = slurp(textf("%s/%s.data-key.json", directory, name));
    struct buf expected = slurp(textf("%s/%s.expected", directory, name));
    struct keyring *k = open_ring(textf("%s/%s.keyring", directory, name), passphrase_file);
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    struct jdoc *o = NULL;
    uint8_t repository[SEAL_ID_LEN];
    char hex[2 * SEAL_KEY_LEN + 2];

    text.len--; /* the newline */
    assert_done(jdoc_parse(buf_bytes(&text), &o));
    read_repository(o, repository);
    assert_done(data_key_read(o, repository, &record));
    assert_done(keyring_open_data_key(k, &record, 0, &key));
    text_hex(secret_bytes(key), hex);
    assert_memory_equal(hex, expected.data, 2 * (size_t)SEAL_KEY_LEN);
    secret_free(key);
    data_key_clear(&record);
    jdoc_free(o);
    keyring_free(k);
    buf_clear(&text);
    buf_clear(&expected);
}

static void a_keyring_of_format_1_opens(void **state)
{
    (void)state;
    check_golden("bare", NULL);
    check_golden("scrypt", "tests/golden/keyring/scrypt.passphrase");
    check_golden("secret", "tests/golden/keyring/secret.passphrase");
}

static void opening_needs_a_known_provider_and_what_it_needs(void **state)
{
    struct master_key_options options = options_of("", NULL);
    struct keyring *k = NULL;

    (void)state;
    assert_refused(keyring_open(&options, 1, &k), ERR_USAGE,
                   "master key of provider file: no path of a keyring (--keyring)");
    options.path = NULL;
    assert_refused(keyring_open(&options, 1, &k), ERR_USAGE, NULL);
    options.provider = "abacus";
    assert_refused(keyring_open(&options, 1, &k), ERR_USAGE,
                   "unknown provider of master keys \"abacus\"\n  this release has: file");
    assert_refused(keyring_open(&options, 0, &k), ERR_USAGE,
                   "0 master keys are configured; 1 to 8 are possible");
    assert_refused(keyring_open(&options, 9, &k), ERR_USAGE,
                   "9 master keys are configured; 1 to 8 are possible");
    assert_null(k);
}

/* With a double. */

static void a_new_data_key_needs_one_wrap_and_no_unwrap(void **state)
{
    struct stand_in d = {.version = "7", .unwrap_aborts = true};
    struct keyring *k = double_ring(&d);
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;

    (void)state;
    assert_done(keyring_new_data_key(k, test_repository, &record, &key));
    assert_int_equal(d.wraps, 1);
    secret_free(key);
    data_key_clear(&record);
    keyring_free(k);
}

/* Two providers may use the same key id. */
static void a_key_of_another_provider_is_not_asked(void **state)
{
    struct stand_in d = {.version = "7"};
    struct keyring *k = double_ring(&d);
    struct key_name name = {"other", "key", "7", ""};
    struct key_state s;

    (void)state;
    assert_refused(keyring_state(k, &name, false, &s), ERR_USAGE,
                   "no configured master key is other key\n  configure the one that sealed this "
                   "(masterKey, or --keyring)");
    assert_int_equal(d.states, 0);
    keyring_free(k);
}

static enum err unwrap_something_else(void *self, const struct envelope *envelope,
                                      const struct seal_context *context, struct secret **out)
{
    (void)self;
    (void)envelope;
    (void)context;
    return secret_random(SEAL_KEY_LEN, out);
}

/* It says that all is well, and what it wraps is lost. */
static void a_key_that_gives_back_other_bytes_is_no_valid_one(void **state)
{
    struct stand_in d = {.version = "7"};
    struct key_name name = {"double", "key", "7", ""};
    struct provider liar = provider_double;
    const struct provider *provider = &liar;
    void *self = &d;
    struct keyring *k = NULL;
    struct key_state s;

    (void)state;
    liar.unwrap = unwrap_something_else;
    assert_done(keyring_of(&provider, &self, 1, &k));
    assert_done(keyring_state(k, &name, false, &s));
    assert_refused(keyring_state(k, &name, true, &s), ERR_CORRUPT,
                   "master key double key version 7 gives back other bytes than it wrapped");
    keyring_free(k);
}

static void a_version_that_may_not_be_used_is_never_asked_to_unwrap(void **state)
{
    struct stand_in d = {.version = "7", .unwrap_aborts = true};
    struct keyring *k = double_ring(&d);
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    struct secret *back = NULL;

    (void)state;
    assert_done(keyring_new_data_key(k, test_repository, &record, &key));
    double_says(&d, "7", KEY_INVALID, "disabled");
    assert_refused(
        keyring_open_data_key(k, &record, 0, &back), ERR_KEY_INVALID,
        "master key double key version 7 is disabled (the double)\n  enable it again with "
        "`sealpoint key enable 7`, or use a snapshot of another version");
    double_says(&d, "7", KEY_UNREACHABLE, "time-out");
    assert_refused(keyring_open_data_key(k, &record, 0, &back), ERR_KEY_UNREACHABLE,
                   "cannot tell whether master key double key version 7 may be used: time-out\n  "
                   "nothing was changed; make the master key reachable and try again");
    assert_int_equal(d.states, 2);
    secret_free(key);
    data_key_clear(&record);
    keyring_free(k);
}

static void a_provider_without_administration_says_where_it_is_managed(void **state)
{
    struct stand_in d = {.version = "7"};
    struct keyring *k = double_ring(&d);
    struct key_name name;

    (void)state;
    assert_refused(keyring_rotate(k, 0, &name), ERR_USAGE,
                   "master keys of provider double are managed in their key service\n  use its "
                   "console or command line; `sealpoint key check` sees the result");
    assert_refused(keyring_rotate(k, 1, &name), ERR_USAGE,
                   "there is no master key 1; 1 are configured, counted from 0");
    keyring_free(k);
}

/* Every allocation. */

static enum err whole_life(void *arg)
{
    struct master_key_options options = options_of(arg, NULL);
    struct data_key record = {.envelope_count = 0};
    struct keyring *k = NULL;
    struct secret *key = NULL;
    struct secret *back = NULL;
    struct key_name name;
    enum err rc;

    TRY(keyring_open(&options, 1, &k));
    TRY(keyring_active(k, 0, &name));
    TRY(keyring_new_data_key(k, test_repository, &record, &key));
    TRY(keyring_open_data_key(k, &record, 0, &back));
out:
    secret_free(key);
    secret_free(back);
    data_key_clear(&record);
    keyring_free(k);
    return rc;
}

static void no_allocation_that_fails_leaks_or_crashes(void **state)
{
    make_ring(in(state, "k"), NULL);
    assert_true(sweep_allocations(whole_life, (void *)(uintptr_t)in(state, "k")) > 15);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_data_key_comes_back_as_it_was_made),
        IN_DIRECTORY(two_data_keys_share_nothing),
        IN_DIRECTORY(an_envelope_of_another_scope_does_not_open),
        IN_DIRECTORY(a_commitment_of_another_data_key_is_noticed),
        IN_DIRECTORY(an_envelope_of_another_version_does_not_open),
        IN_DIRECTORY(an_envelope_of_another_keyring_is_a_matter_of_configuration),
        IN_DIRECTORY(an_envelope_under_another_keyrings_name_does_not_open),
        IN_DIRECTORY(every_byte_of_a_wrapped_key_matters),
        IN_DIRECTORY(an_unknown_wrap_algorithm_is_refused),
        IN_DIRECTORY(an_envelope_that_is_not_there_is_said),
        IN_DIRECTORY(every_master_key_gets_an_envelope),
        IN_DIRECTORY(a_key_that_may_be_the_missing_one_is_unreachable_and_not_unknown),
        IN_DIRECTORY(a_disabled_version_refuses_and_works_again_when_enabled),
        IN_DIRECTORY(a_version_disabled_by_another_process_is_disabled_for_the_next_command),
        IN_DIRECTORY(another_key_of_the_same_number_is_told_as_such),
        IN_DIRECTORY(a_keyring_names_the_repositories_that_it_serves),
        IN_DIRECTORY(an_older_version_opens_after_a_rotation_and_new_keys_use_the_new),
        IN_DIRECTORY(a_state_without_a_configured_key_is_a_matter_of_configuration),
        cmocka_unit_test(a_keyring_of_format_1_opens),
        IN_DIRECTORY(opening_needs_a_known_provider_and_what_it_needs),
        IN_DIRECTORY(a_new_data_key_needs_one_wrap_and_no_unwrap),
        cmocka_unit_test(a_key_of_another_provider_is_not_asked),
        cmocka_unit_test(a_key_that_gives_back_other_bytes_is_no_valid_one),
        IN_DIRECTORY(a_version_that_may_not_be_used_is_never_asked_to_unwrap),
        IN_DIRECTORY(a_provider_without_administration_says_where_it_is_managed),
        IN_DIRECTORY(no_allocation_that_fails_leaks_or_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

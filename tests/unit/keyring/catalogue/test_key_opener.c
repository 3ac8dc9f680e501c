/* Data keys whose envelopes are damaged, forged or withdrawn here and there. */
#include "keyring/catalogue/key_opener.h"

#include "core/base/log.h"
#include "keyring/catalogue/record_key.h"
#include "keyring/catalogue/rewrap_record.h"
#include "tests/unit/keyring/double.h"
#include "tests/unit/keyring/ledgers.h"

static char said[4 * ERR_TEXT_MAX];

static void listen(enum log_level level, const char *text)
{
    size_t len = strlen(said);

    if (level == LOG_WARN)
        snprintf(said + len, sizeof said - len, "%s\n", text);
}

/* Snapshot aa of version 1. `own` is its data key as record and manifest have it, `plain` what is
 * in the envelopes. */
struct scene {
    struct stand_in d;
    struct key_world w;
    const struct record *snapshot;
    struct data_key own;
    struct key_opener *opener;
};

static void begin(void **state, struct scene *s)
{
    *s = (struct scene){.w = make_key_world(state)};
    s->d = (struct stand_in){.version = "1"};
    keyring_free(s->w.k);
    s->w.k = double_ring(&s->d);
    add_snapshot(&s->w, "aa", NULL);
    s->snapshot = ledger_at(s->w.ledger, ledger_count(s->w.ledger) - 1);
    assert_done(record_key_read(s->snapshot, &s->own));
    *said = '\0';
    log_to(listen);
}

static void end(struct scene *s)
{
    log_to(NULL);
    key_opener_free(s->opener);
    data_key_clear(&s->own);
    clear_key_world(&s->w);
}

/* A rewrap of the own data key by `version`; one byte of what is wrapped is changed when `flip`. */
static const struct record *rewrap_by(struct scene *s, const char *version, bool flip)
{
    struct data_key fresh = {.envelope_count = 0};
    const struct record *out = NULL;
    struct jdoc *body = NULL;

    assert_done(data_key_copy(&s->own, &fresh));
    snprintf(fresh.envelopes[0].key.version, sizeof fresh.envelopes[0].key.version, "%s", version);
    fresh.envelopes[0].wrapped[3] ^= flip ? 1 : 0;
    assert_done(rewrap_record_write(&fresh, &s->own, &body));
    assert_done(ledger_append(s->w.ledger, RECORD_REWRAP, body, &out));
    jdoc_free(body);
    data_key_clear(&fresh);
    return out;
}

/* By a new opener: what was opened before is not remembered. */
static enum err open_own(struct scene *s)
{
    const struct secret *key = NULL;
    enum err rc;

    key_opener_free(s->opener);
    s->opener = NULL;
    *said = '\0';
    double_forget_calls(&s->d);
    TRY(key_opener_new(s->w.k, s->w.ledger, 0, &s->opener));
    TRY(key_opener_open(s->opener, s->snapshot, &s->own, &key));
    assert_memory_equal(secret_bytes(key).data, s->own.envelopes[0].wrapped, SEAL_KEY_LEN);
out:
    return rc;
}

static void a_sound_envelope_is_tried_once_and_nothing_is_said(void **state)
{
    struct scene s;

    begin(state, &s);
    assert_done(open_own(&s));
    rewrap_by(&s, "2", false);
    assert_done(open_own(&s));
    assert_int_equal(s.d.unwraps, 1);
    assert_int_equal(s.d.of[2].unwraps, 1);
    assert_int_equal(key_opener_stale(s.opener), 0);
    assert_string_equal(said, "");
    end(&s);
}

static void a_damaged_rewrap_does_not_bury_the_older_envelopes(void **state)
{
    struct scene s;
    char name[RECORD_NAME_LEN + 1];
    const struct record *bad;

    begin(state, &s);
    rewrap_by(&s, "2", false);
    bad = rewrap_by(&s, "3", true);
    assert_done(open_own(&s));
    assert_int_equal(s.d.of[3].unwraps, 1);
    assert_int_equal(s.d.of[2].unwraps, 1);
    assert_int_equal(s.d.of[1].unwraps, 0);
    assert_int_equal(key_opener_stale(s.opener), 1);
    record_name(bad->writer, bad->seq, name);
    assert_string_equal(said, textf("%s: its envelope does not open: the envelope holds another "
                                    "data key than the record commits to (a swapped envelope)\n",
                                    name));
    end(&s);
}

static void the_record_and_the_manifest_are_tried_when_no_rewrap_opens(void **state)
{
    struct scene s;

    begin(state, &s);
    rewrap_by(&s, "2", true);
    rewrap_by(&s, "3", true);
    assert_done(open_own(&s)); /* by the record */
    assert_int_equal(s.d.of[1].unwraps, 1);
    s.d.of[1].unwrap_fails = ERR_CORRUPT;
    assert_refused(open_own(&s), ERR_CORRUPT, NULL); /* the manifest's is the same */
    assert_int_equal(s.d.of[1].unwraps, 1);
    snprintf(s.own.envelopes[0].key.version, 2, "4");
    assert_done(open_own(&s)); /* a manifest of a later snapshot has another */
    assert_int_equal(s.d.of[4].unwraps, 1);
    assert_int_equal(key_opener_stale(s.opener), 1);
    end(&s);
}

/* The newest failure is the one to be told: the others are old envelopes. */
static void when_none_opens_the_newest_is_told_and_the_others_are_said(void **state)
{
    struct scene s;

    begin(state, &s);
    rewrap_by(&s, "2", false);
    s.d.of[2].unwrap_fails = ERR_CORRUPT;
    s.d.of[1].unwrap_fails = ERR_UNSUPPORTED;
    assert_refused(open_own(&s), ERR_CORRUPT, "the double does not unwrap by this version");
    assert_non_null(strstr(said, "its envelope does not open: the double"));
    assert_int_equal(s.d.of[2].unwraps, 1);
    end(&s);
}

static void who_withdraws_the_newest_version_closes_the_older_ones_too(void **state)
{
    struct scene s;

    begin(state, &s);
    rewrap_by(&s, "2", false);
    double_says(&s.d, "2", KEY_INVALID, "disabled");
    assert_int_equal(open_own(&s), ERR_KEY_INVALID);
    assert_int_equal(s.d.unwraps, 0);
    double_says(&s.d, "2", KEY_UNREACHABLE, "time-out");
    assert_int_equal(open_own(&s), ERR_KEY_UNREACHABLE);
    assert_int_equal(s.d.unwraps, 0);
    end(&s);
}

static void a_rewrap_that_nobody_can_have_made_is_passed_over(void **state)
{
    static const char *const reasons[] = {"notFound", "anotherKey", "destroyed", "disabled"};

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct scene s;
        const struct record *forged;

        begin(state, &s);
        forged = rewrap_by(&s, "2", false);
        double_says(&s.d, "2", KEY_INVALID, reasons[i]);
        s.d.of[2].state.since_ms = forged->created_ms - 1; /* withdrawn before */
        assert_done(open_own(&s));
        assert_int_equal(s.d.of[1].unwraps, 1);
        assert_non_null(
            strstr(said, "its envelope does not open: master key double key version 2"));
        end(&s);
        assert_int_equal(directory_teardown(state), 0);
        assert_int_equal(directory_setup(state), 0);
    }
}

static void a_rewrap_by_a_key_of_nobody_is_passed_over(void **state)
{
    struct scene s;
    struct data_key fresh = {.envelope_count = 0};
    struct jdoc *body = NULL;

    begin(state, &s);
    assert_done(data_key_copy(&s.own, &fresh));
    snprintf(fresh.envelopes[0].key.key_id, sizeof fresh.envelopes[0].key.key_id, "another");
    assert_done(rewrap_record_write(&fresh, &s.own, &body));
    assert_done(ledger_append(s.w.ledger, RECORD_REWRAP, body, NULL));
    assert_done(open_own(&s));
    assert_non_null(strstr(said, "no configured master key is double another"));
    jdoc_free(body);
    data_key_clear(&fresh);
    end(&s);
}

static void a_data_key_is_unwrapped_once_by_one_opener(void **state)
{
    struct scene s;
    const struct secret *key = NULL;

    begin(state, &s);
    rewrap_by(&s, "2", true);
    assert_done(open_own(&s));
    for (int i = 0; i < 3; i++)
        assert_done(key_opener_open(s.opener, s.snapshot, &s.own, &key));
    assert_int_equal(s.d.unwraps, 2);
    assert_int_equal(key_opener_stale(s.opener), 1);
    end(&s);
}

/* The child's manifest has its ancestors' data keys; what they were first wrapped by is in their
 * own records, dead or not. */
static void an_ancestors_own_record_has_a_copy(void **state)
{
    struct scene s;
    const struct record *child;
    const struct secret *key = NULL;
    struct data_key damaged = {.envelope_count = 0};

    begin(state, &s);
    add_snapshot(&s.w, "bb", "aa");
    add_snapshot(&s.w, "cc", "bb");
    child = ledger_at(s.w.ledger, ledger_count(s.w.ledger) - 1);
    add_tombstone(&s.w, "aa");
    assert_done(data_key_copy(&s.own, &damaged));
    damaged.envelopes[0].wrapped[0] ^= 1;
    assert_done(key_opener_new(s.w.k, s.w.ledger, 0, &s.opener));
    assert_done(key_opener_open(s.opener, child, &damaged, &key));
    assert_memory_equal(secret_bytes(key).data, s.own.envelopes[0].wrapped, SEAL_KEY_LEN);
    data_key_clear(&damaged);
    end(&s);
}

static void without_a_ledger_there_are_record_and_manifest(void **state)
{
    struct scene s;
    const struct secret *key = NULL;

    begin(state, &s);
    rewrap_by(&s, "2", false);
    assert_done(key_opener_new(s.w.k, NULL, 0, &s.opener));
    double_forget_calls(&s.d);
    assert_done(key_opener_open(s.opener, s.snapshot, &s.own, &key));
    assert_int_equal(s.d.of[1].unwraps, 1);
    assert_int_equal(s.d.of[2].unwraps, 0);
    end(&s);
}

static enum err open_anew(void *arg)
{
    return open_own(arg);
}

static void no_memory_is_said(void **state)
{
    struct scene s;

    begin(state, &s);
    rewrap_by(&s, "2", true);
    assert_true(sweep_allocations(open_anew, &s) > 5);
    end(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_sound_envelope_is_tried_once_and_nothing_is_said),
        IN_DIRECTORY(a_damaged_rewrap_does_not_bury_the_older_envelopes),
        IN_DIRECTORY(the_record_and_the_manifest_are_tried_when_no_rewrap_opens),
        IN_DIRECTORY(when_none_opens_the_newest_is_told_and_the_others_are_said),
        IN_DIRECTORY(who_withdraws_the_newest_version_closes_the_older_ones_too),
        IN_DIRECTORY(a_rewrap_that_nobody_can_have_made_is_passed_over),
        IN_DIRECTORY(a_rewrap_by_a_key_of_nobody_is_passed_over),
        IN_DIRECTORY(a_data_key_is_unwrapped_once_by_one_opener),
        IN_DIRECTORY(an_ancestors_own_record_has_a_copy),
        IN_DIRECTORY(without_a_ledger_there_are_record_and_manifest),
        IN_DIRECTORY(no_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

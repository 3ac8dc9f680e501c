#include "core/ledger/ledger.h"

#include "core/ledger/ledger_query.h"
#include "tests/unit/core/ledger/forge.h"
#include "tests/unit/faulty.h"

#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"
#define LATER INT64_C(4000000000000)

static void an_appended_record_is_there_at_once_and_later(void **state)
{
    struct site s;
    struct jdoc *body = NULL;
    const struct record *r = NULL;

    site_new(&s, state);
    assert_done(jdoc_parse(bytes_of_text("{\"id\":\"aaaa\"}"), &body));
    assert_done(ledger_append(s.ledger, RECORD_SNAPSHOT, body, &r));
    assert_int_equal(r->seq, 0);
    assert_false(r->has_prev);
    assert_int_equal(ledger_count(s.ledger), 3);
    assert_ptr_equal(ledger_at(s.ledger, 2), r);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 3);
    assert_int_equal(ledger_at(s.ledger, 2)->type, RECORD_SNAPSHOT);
    jdoc_free(body);
    site_free(&s);
}

/* Another run with the same state directory: it has read what was there at this moment. */
static void site_second(const struct site *s, struct site *out)
{
    *out = *s;
    out->ledger = NULL;
    assert_done(site_open(out, false));
}

static void runs_that_append_at_the_same_time_go_one_behind_the_other(void **state)
{
    struct site s;
    struct site late;
    const struct record *first;

    site_new(&s, state);
    site_second(&s, &late);
    first = ledger_at(late.ledger, 1);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    site_snapshot(&late, "cccc");
    assert_int_equal(ledger_count(late.ledger), 5);
    assert_ptr_equal(ledger_at(late.ledger, 1), first); /* what was borrowed is still there */
    assert_int_equal(ledger_at(late.ledger, 4)->seq, 2);
    assert_memory_equal(ledger_at(late.ledger, 4)->prev, ledger_at(late.ledger, 3)->id,
                        RECORD_ID_LEN);
    site_snapshot(&s, "dddd"); /* and back again */
    assert_int_equal(ledger_count(s.ledger), 6);
    site_close(&late);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 6);
    site_free(&s);
}

static void a_tombstone_of_another_run_counts_after_catching_up(void **state)
{
    struct site s;
    struct site late;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_second(&s, &late);
    assert_done(site_append(&s, RECORD_TOMBSTONE, "{\"subject\":\"aaaa\"}"));
    assert_true(ledger_query_is_live(late.ledger, ledger_at(late.ledger, 2)));
    assert_done(ledger_checkpoint(late.ledger)); /* reads on in every chain */
    assert_false(ledger_query_is_live(late.ledger, ledger_at(late.ledger, 2)));
    site_close(&late);
    site_free(&s);
}

static void a_checkpoint_holds_what_other_runs_added(void **state)
{
    struct site s;
    struct site late;
    const struct record *r;

    site_new(&s, state);
    site_second(&s, &late);
    site_snapshot(&s, "aaaa");
    assert_done(ledger_checkpoint(s.ledger));
    assert_done(ledger_checkpoint(late.ledger));
    r = ledger_at(late.ledger, 4);
    assert_int_equal(r->type, RECORD_CHECKPOINT);
    assert_int_equal(r->seq, 2);
    site_close(&late);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 5);
    site_free(&s);
}

static void a_copy_of_the_key_elsewhere_goes_behind_too(void **state)
{
    struct site s;
    struct site away;
    struct ledger_options options;

    site_new(&s, state);
    away = s;
    away.ledger = NULL;
    assert_int_equal(mkdir(in(state, "away"), 0700), 0);
    signer_free(forge_key(state, "away/signing-key.json", OWN_KEY_FILE));
    options = site_options(&s, false);
    options.state_dir = in(state, "away");
    assert_done(ledger_open(&options, &away.ledger));
    site_snapshot(&s, "aaaa");
    site_snapshot(&away, "bbbb");
    site_snapshot(&s, "cccc");
    assert_int_equal(ledger_count(s.ledger), 5);
    site_close(&away);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 5);
    site_free(&s);
}

/* `s` is to append where something lies that does not belong there. */
static void assert_no_append(struct site *s, const char *part)
{
    assert_int_equal(site_append(s, RECORD_SNAPSHOT, "{\"id\":\"bbbb\"}"), ERR_CORRUPT);
    assert_said(OWN_NAME("1"));
    assert_said(part);
    assert_int_equal(ledger_count(s->ledger), 3);
}

static void nothing_is_put_behind_a_record_that_does_not_belong_there(void **state)
{
    struct site s;
    struct record *genesis;
    struct record *first;
    struct record wrong;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    genesis = site_record(&s, ROOT_ID, 0);
    first = site_record(&s, OWN_ID, 0);
    site_put(&s, OWN_NAME("1"), bytes_of_text("rubbish\n"));
    assert_no_append(&s, "damaged or tampered with");
    wrong = *first;
    memcpy(wrong.id, genesis->id, RECORD_ID_LEN);
    record_free(forge(&s, s.own, RECORD_SNAPSHOT, &wrong, LATER, "{}"));
    assert_no_append(&s, "it does not follow the record before it: one of them was replaced");
    record_free(forge(&s, s.own, RECORD_SNAPSHOT, first, 1000, "{}"));
    assert_no_append(&s, "its time is before that of the record before it");
    {
        struct record *theirs = forge(&s, s.other, RECORD_SNAPSHOT, first, LATER, "{}");

        site_put(&s, OWN_NAME("1"), buf_bytes(&theirs->raw));
        record_free(theirs);
    }
    assert_no_append(&s, "the record of another place lies under this name");
    record_free(first);
    record_free(genesis);
    site_free(&s);
}

static void time_stands_still_while_the_clock_is_behind(void **state)
{
    struct site s;
    struct record *ahead;
    int64_t later = clock_now_ms() + 399 * CLOCK_DAY_MS;

    site_new(&s, state);
    ahead = forge(&s, s.own, RECORD_SNAPSHOT, NULL, later, "{\"id\":\"aaaa\"}");
    assert_done(site_open(&s, false));
    log_to(keep_warning);
    last_warning[0] = '\0';
    site_snapshot(&s, "bbbb");
    log_to(NULL);
    assert_int_equal(ledger_at(s.ledger, 3)->created_ms, later);
    assert_non_null(strstr(last_warning, "behind the repository's newest record: is it right?"));
    assert_done(site_open(&s, true));
    record_free(ahead);
    site_free(&s);
}

static void a_clock_a_minute_behind_is_nothing_to_speak_of(void **state)
{
    struct site s;
    struct record *ahead;

    site_new(&s, state);
    ahead = forge(&s, s.own, RECORD_SNAPSHOT, NULL, clock_now_ms() + 60000, "{}");
    assert_done(site_open(&s, false));
    log_to(keep_warning);
    last_warning[0] = '\0';
    site_snapshot(&s, "bbbb");
    log_to(NULL);
    assert_string_equal(last_warning, "");
    assert_int_equal(ledger_at(s.ledger, 3)->created_ms, ahead->created_ms);
    record_free(ahead);
    site_free(&s);
}

/* The other writer was taken over: its second record, and what follows, are of the year 9999. */
static struct record *site_with_end_of_time(struct site *s, void **state)
{
    struct record *good;
    struct record *far;
    int64_t end_ms = 0;

    site_new(s, state);
    assert_done(site_append(s, RECORD_WRITER, ENROL_OTHER));
    assert_done(clock_parse("9999-12-31T23:59:59.999Z", &end_ms));
    good = forge(s, s->other, RECORD_SNAPSHOT, NULL, clock_now_ms(), "{\"id\":\"good\"}");
    far = forge(s, s->other, RECORD_SNAPSHOT, good, end_ms, "{\"id\":\"far\"}");
    record_free(forge(s, s->other, RECORD_SNAPSHOT, far, end_ms, "{\"id\":\"farther\"}"));
    assert_done(site_open(s, false));
    record_free(far);
    return good;
}

static void no_writer_goes_behind_a_record_far_ahead_of_the_clock(void **state)
{
    struct site s;

    record_free(site_with_end_of_time(&s, state));
    assert_int_equal(ledger_check_clock(s.ledger), ERR_FAILED);
    assert_int_equal(site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"aaaa\"}"), ERR_FAILED);
    assert_said(": the record ledger/" OTHER_ID "/0000000000000001.json is dated "
                "9999-12-31T23:59:59.999Z, more than 400 days after what the clock says, ");
    assert_said(": nothing is written");
    assert_said("revoke it with its last good record, `sealpoint writer revoke " OTHER_ID
                " --last 0`; or give --clock-is-right");
    assert_int_equal(ledger_count(s.ledger), 6);
    assert_true(ledger_newest_ms(s.ledger) <= clock_now_ms());
    site_free(&s);
}

/* Root's records are dated by its own chain and the clock, and what it takes back is not counted
 * any more, in the run that revokes as well. */
static void root_revokes_it_and_time_goes_on(void **state)
{
    struct site s;
    struct record *good = site_with_end_of_time(&s, state);

    site_revoke_other(&s, good);
    assert_true(writers_find(ledger_writers(s.ledger), good->writer)->revoked_ms <= clock_now_ms());
    assert_done(ledger_check_clock(s.ledger));
    site_snapshot(&s, "aaaa");
    site_delete(&s, "ledger/" OTHER_ID "/0000000000000001.json");
    site_delete(&s, "ledger/" OTHER_ID "/0000000000000002.json");
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 6);
    assert_true(ledger_newest_ms(s.ledger) <= clock_now_ms());
    record_free(good);
    site_free(&s);
}

static void without_the_key_everything_but_appending_works(void **state)
{
    struct site s;
    char expected[ERR_TEXT_MAX];

    site_new(&s, state);
    assert_int_equal(unlink(in(state, "state/signing-key.json")), 0);
    assert_done(site_open(&s, true));
    assert_false(ledger_can_append(s.ledger, RECORD_SNAPSHOT));
    snprintf(expected, sizeof expected,
             "there is no signing key in %s: nothing can be added to the repository from here "
             "(verify and restore work without)",
             in(state, "state"));
    assert_refused(site_append(&s, RECORD_SNAPSHOT, "{}"), ERR_FAILED, expected);
    snprintf(expected, sizeof expected,
             "making a checkpoint of the ledger: there is no signing "
             "key in %s: nothing can be added to the repository from "
             "here (verify and restore work without)",
             in(state, "state"));
    assert_refused(ledger_checkpoint(s.ledger), ERR_FAILED, expected);
    site_free(&s);
}

static void a_key_that_is_not_enrolled_appends_nothing(void **state)
{
    struct site s;
    char expected[ERR_TEXT_MAX];

    site_new(&s, state);
    signer_free(forge_key(state, "state/signing-key.json", OTHER_KEY_FILE));
    assert_done(site_open(&s, false));
    assert_false(ledger_can_append(s.ledger, RECORD_SNAPSHOT));
    snprintf(expected, sizeof expected, "the signing key in %s may not sign snapshot records of %s",
             in(state, "state"), store_where(s.store));
    assert_refused(site_append(&s, RECORD_SNAPSHOT, "{}"), ERR_FAILED, expected);
    site_free(&s);
}

static void an_enrolled_writer_appends_what_its_roles_say(void **state)
{
    struct site s;
    char expected[ERR_TEXT_MAX];

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER_AS("[\"backup\"]")));
    signer_free(forge_key(state, "state/signing-key.json", OTHER_KEY_FILE));
    assert_done(site_open(&s, false));
    assert_true(ledger_can_append(s.ledger, RECORD_SNAPSHOT));
    assert_false(ledger_can_append(s.ledger, RECORD_CHECKPOINT));
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    snprintf(expected, sizeof expected,
             "the signing key in %s may not sign tombstone records of %s", in(state, "state"),
             store_where(s.store));
    assert_refused(site_append_own(&s, RECORD_TOMBSTONE, "{\"subject\":\"aaaa\"}"), ERR_FAILED,
                   expected);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 5);
    site_free(&s);
}

/* A clock that runs three days ahead on one machine must not set the date of all others. */
static void what_is_more_than_a_day_ahead_dates_nothing(void **state)
{
    struct site s;
    struct record *theirs;
    int64_t now = clock_now_ms();

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    signer_free(forge_key(state, "state/signing-key.json", OTHER_KEY_FILE));
    theirs = forge(&s, s.own, RECORD_SNAPSHOT, NULL, now + 3 * CLOCK_DAY_MS, "{}");
    assert_done(site_open(&s, false));
    assert_true(ledger_newest_ms(s.ledger) < now + CLOCK_DAY_MS);
    site_snapshot(&s, "aaaa");
    assert_true(ledger_newest_ms(s.ledger) >= now);
    assert_true(ledger_newest_ms(s.ledger) < now + CLOCK_DAY_MS);
    assert_int_equal(ledger_at(s.ledger, ledger_count(s.ledger) - 1)->created_ms,
                     theirs->created_ms); /* in the order it is the last all the same */
    assert_done(site_open(&s, true));
    record_free(theirs);
    site_free(&s);
}

static void records_come_in_the_order_of_time(void **state)
{
    struct site s;
    struct record *theirs;
    int64_t later = clock_now_ms() + CLOCK_DAY_MS / 2;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    signer_free(forge_key(state, "state/signing-key.json", OTHER_KEY_FILE));
    theirs = forge(&s, s.own, RECORD_SNAPSHOT, NULL, 1000, "{}");
    record_free(forge(&s, s.own, RECORD_SNAPSHOT, theirs, later, "{}"));
    assert_done(site_open(&s, false));
    site_snapshot(&s, "aaaa");
    assert_int_equal(ledger_count(s.ledger), 6);
    for (size_t i = 1; i < ledger_count(s.ledger); i++)
        assert_true(record_compare(ledger_at(s.ledger, i - 1), ledger_at(s.ledger, i)) < 0);
    assert_int_equal(ledger_at(s.ledger, 0)->created_ms, 1000);
    assert_int_equal(ledger_at(s.ledger, 4)->created_ms, later);
    /* Ours names what it has read, theirs too: it comes behind, though its name is the smaller. */
    assert_int_equal(ledger_at(s.ledger, 5)->created_ms, later + 1);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_at(s.ledger, 5)->created_ms, later + 1);
    record_free(theirs);
    site_free(&s);
}

/* An append with a fault at the nth operation; the next run finds the record, or its place free. */
static enum err append_with(struct site *s, enum fault fault, unsigned long nth)
{
    struct faulty f = {.fault = fault, .inner = s->store};
    struct ledger_options options = site_options(s, false);
    enum err rc;

    assert_done(faulty_open(&f, &options.store));
    assert_done(ledger_open(&options, &s->ledger));
    f.fail_at = atomic_load(&f.count) + nth;
    rc = site_append(s, RECORD_SNAPSHOT, "{\"id\":\"aaaa\"}");
    site_close(s);
    store_free(options.store);
    faulty_clear(&f);
    return rc;
}

static void a_run_after_a_killed_append_just_works(void **state)
{
    static const enum fault faults[] = {FAULT_CRASH, FAULT_CRASH_AFTER, FAULT_FAIL,
                                        FAULT_FAIL_AFTER};

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        enum err rc = ERR_STORAGE;

        for (unsigned long nth = 1; rc != ERR_OK; nth++) {
            struct site s;
            size_t count;

            site_new(&s, state);
            site_close(&s);
            rc = append_with(&s, faults[i], nth);
            assert_done(site_open(&s, false));
            count = ledger_count(s.ledger);
            assert_true(count == 3 || (rc != ERR_OK && count == 2));
            site_snapshot(&s, "bbbb");
            assert_done(site_open(&s, true));
            assert_int_equal(ledger_count(s.ledger), count + 1);
            site_free(&s);
            assert_int_equal(directory_teardown(state), 0);
            assert_int_equal(directory_setup(state), 0);
        }
    }
}

/* The store did it and says that somebody was there first: it was us. */
static void a_record_that_is_there_already_as_it_should_be_is_not_appended_again(void **state)
{
    struct site s;
    struct faulty f = {
        .fault = FAULT_FAIL_AFTER, .fail_at = 1, .ops = FAULTY_PUT_COMMIT, .code = ERR_EXISTS};
    struct ledger_options options;

    site_new(&s, state);
    site_close(&s);
    f.inner = s.store;
    options = site_options(&s, false);
    assert_done(faulty_open(&f, &options.store));
    assert_done(ledger_open(&options, &s.ledger));
    site_snapshot(&s, "aaaa");
    assert_int_equal(ledger_count(s.ledger), 3);
    site_snapshot(&s, "bbbb");
    assert_int_equal(ledger_count(s.ledger), 4);
    site_close(&s);
    store_free(options.store);
    faulty_clear(&f);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 4);
    site_free(&s);
}

static void a_refused_append_leaves_the_ledger_as_it_was(void **state)
{
    struct site s;
    struct faulty f = {.fault = FAULT_FAIL, .fail_at = 1, .ops = FAULTY_PUT_COMMIT};
    struct ledger_options options;

    site_new(&s, state);
    site_close(&s);
    f.inner = s.store;
    options = site_options(&s, false);
    assert_done(faulty_open(&f, &options.store));
    assert_done(ledger_open(&options, &s.ledger));
    assert_int_equal(site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"aaaa\"}"), ERR_STORAGE);
    assert_int_equal(ledger_count(s.ledger), 2);
    site_snapshot(&s, "aaaa"); /* the same handle goes on */
    assert_int_equal(ledger_count(s.ledger), 3);
    site_close(&s);
    store_free(options.store);
    faulty_clear(&f);
    assert_done(site_open(&s, true));
    site_free(&s);
}

/* After the put the record is a fact, whatever happens to the files of this machine. */
static void an_append_is_done_when_its_record_is_stored(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_int_equal(unlink(in(state, "state/trust.json")), 0);
    assert_int_equal(unlink(in(state, "state/records.jsonl")), 0);
    assert_int_equal(mkdir(in(state, "state/trust.json"), 0700), 0);
    assert_int_equal(mkdir(in(state, "state/records.jsonl"), 0700), 0);
    log_to(keep_warning);
    site_snapshot(&s, "aaaa");
    log_to(NULL);
    assert_non_null(strstr(last_warning, "so that a rollback of the store may go unnoticed"));
    assert_int_equal(ledger_count(s.ledger), 3);
    site_free(&s);
}

static void a_tombstone_without_a_subject_is_not_written(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_refused(site_append(&s, RECORD_TOMBSTONE, "{}"), ERR_CORRUPT,
                   "a tombstone that says in no \"subject\" what it ends");
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 2);
    site_free(&s);
}

/* What this machine may end, and what not: readers would refuse the ledger for ever. */
static void only_what_has_expired_gets_a_tombstone_without_root(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_SNAPSHOT,
                            "{\"id\":\"aaaa\",\"expiresAt\":\"2020-01-01T00:00:00.000Z\"}"));
    assert_done(site_append(&s, RECORD_SNAPSHOT,
                            "{\"id\":\"bbbb\",\"expiresAt\":\"2090-01-01T00:00:00.000Z\"}"));
    assert_done(site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"cccc\",\"expiresAt\":null}"));
    assert_refused(site_append_own(&s, RECORD_TOMBSTONE, "{\"subject\":\"bbbb\"}"), ERR_FAILED,
                   "the tombstone is not written: it ends bbbb, which expires at "
                   "2090-01-01T00:00:00.000Z, before that: only root may sign that");
    assert_refused(site_append_own(&s, RECORD_TOMBSTONE, "{\"subject\":\"cccc\"}"), ERR_FAILED,
                   "the tombstone is not written: it ends cccc, which never expires: only root may "
                   "sign that");
    assert_refused(site_append_own(&s, RECORD_TOMBSTONE, "{\"subject\":\"dddd\"}"), ERR_FAILED,
                   "the tombstone is not written: it ends dddd, which is not there: only root may "
                   "sign that");
    assert_done(site_append_own(&s, RECORD_TOMBSTONE, "{\"subject\":\"aaaa\"}"));
    assert_done(site_append(&s, RECORD_TOMBSTONE, "{\"subject\":\"bbbb\"}")); /* root */
    assert_done(site_append(&s, RECORD_TOMBSTONE, "{\"subject\":\"cccc\"}"));
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 8);
    site_free(&s);
}

static void only_roots_key_acts_as_root(void **state)
{
    char expected[ERR_TEXT_MAX];
    struct site s;

    site_new(&s, state);
    snprintf(expected, sizeof expected,
             "%s: this is the key " OTHER_ID ", and the repository's root is " ROOT_ID,
             store_where(s.store));
    assert_refused(ledger_act_as_root(s.ledger, s.other), ERR_USAGE, expected);
    site_snapshot(&s, "aaaa"); /* as before */
    assert_int_equal(ledger_at(s.ledger, 2)->seq, 0);
    site_free(&s);
}

static enum err open_and_append(void *arg)
{
    struct site *s = arg;
    struct ledger_options options = site_options(s, true);
    struct jdoc *body = NULL;
    enum err rc;

    s->ledger = NULL;
    TRY(ledger_open(&options, &s->ledger));
    TRY(jdoc_parse(bytes_of_text("{\"id\":\"aaaa\"}"), &body));
    TRY(ledger_append(s->ledger, RECORD_SNAPSHOT, body, NULL));
out:
    jdoc_free(body);
    site_forget(s);
    site_delete(s, OWN_NAME("0"));
    return rc;
}

static void no_allocation_is_missed(void **state)
{
    struct site s;

    site_new(&s, state);
    site_forget(&s);
    assert_true(sweep_allocations(open_and_append, &s) > 20);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 2);
    site_free(&s);
}

/* Before its first record there is no good one to name. Root has looked, and lets it count. */
static void a_revoked_writers_record_far_ahead_stops_nobody(void **state)
{
    struct site s;
    struct record *far;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    far = forge(&s, s.other, RECORD_SNAPSHOT, NULL, LATER, "{\"id\":\"far\"}");
    assert_done(site_open(&s, false));
    assert_int_equal(ledger_check_clock(s.ledger), ERR_FAILED);
    assert_said("`sealpoint writer revoke " OTHER_ID "`; or");
    site_revoke_other(&s, far);
    assert_done(ledger_check_clock(s.ledger));
    site_snapshot(&s, "aaaa");
    assert_true(ledger_newest_ms(s.ledger) <= clock_now_ms());
    assert_done(site_open(&s, true));
    record_free(far);
    site_free(&s);
}

/* The last one here: it vouches for the rest of the run. */
static void who_vouches_for_the_clock_is_not_dated_after_it(void **state)
{
    struct site s;

    record_free(site_with_end_of_time(&s, state));
    clock_vouch();
    site_snapshot(&s, "aaaa");
    assert_true(ledger_newest_ms(s.ledger) <= clock_now_ms());
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 7);
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(an_appended_record_is_there_at_once_and_later),
        IN_DIRECTORY(runs_that_append_at_the_same_time_go_one_behind_the_other),
        IN_DIRECTORY(a_tombstone_of_another_run_counts_after_catching_up),
        IN_DIRECTORY(a_checkpoint_holds_what_other_runs_added),
        IN_DIRECTORY(a_copy_of_the_key_elsewhere_goes_behind_too),
        IN_DIRECTORY(nothing_is_put_behind_a_record_that_does_not_belong_there),
        IN_DIRECTORY(time_stands_still_while_the_clock_is_behind),
        IN_DIRECTORY(a_clock_a_minute_behind_is_nothing_to_speak_of),
        IN_DIRECTORY(no_writer_goes_behind_a_record_far_ahead_of_the_clock),
        IN_DIRECTORY(root_revokes_it_and_time_goes_on),
        IN_DIRECTORY(a_revoked_writers_record_far_ahead_stops_nobody),
        IN_DIRECTORY(without_the_key_everything_but_appending_works),
        IN_DIRECTORY(a_key_that_is_not_enrolled_appends_nothing),
        IN_DIRECTORY(an_enrolled_writer_appends_what_its_roles_say),
        IN_DIRECTORY(what_is_more_than_a_day_ahead_dates_nothing),
        IN_DIRECTORY(records_come_in_the_order_of_time),
        IN_DIRECTORY(a_run_after_a_killed_append_just_works),
        IN_DIRECTORY(a_record_that_is_there_already_as_it_should_be_is_not_appended_again),
        IN_DIRECTORY(a_refused_append_leaves_the_ledger_as_it_was),
        IN_DIRECTORY(an_append_is_done_when_its_record_is_stored),
        IN_DIRECTORY(a_tombstone_without_a_subject_is_not_written),
        IN_DIRECTORY(only_what_has_expired_gets_a_tombstone_without_root),
        IN_DIRECTORY(only_roots_key_acts_as_root),
        IN_DIRECTORY(no_allocation_is_missed),
        IN_DIRECTORY(who_vouches_for_the_clock_is_not_dated_after_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

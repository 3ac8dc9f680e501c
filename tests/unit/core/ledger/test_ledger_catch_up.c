#include "core/ledger/ledger_internal.h"

#include "core/ledger/ledger_query.h"
#include "tests/unit/core/ledger/forge.h"
#include "tests/unit/faulty.h"

#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"
#define LATER INT64_C(4000000000000)

/* `late` has read what is there now: a run that goes on while others append. */
static void site_two(void **state, struct site *s, struct site *late)
{
    site_new(s, state);
    *late = *s;
    late->ledger = NULL;
    assert_done(site_open(late, false));
}

static void end_two(struct site *s, struct site *late)
{
    site_close(late);
    site_free(s);
}

/* Nothing of what lies at the next place is taken, and the message names it. */
static void assert_not_taken(struct site *late, const char *part)
{
    assert_int_equal(ledger_catch_up(late->ledger), ERR_CORRUPT);
    assert_said(OWN_NAME("0"));
    assert_said(part);
    assert_int_equal(ledger_count(late->ledger), 2);
}

static void nothing_new_is_no_failure_and_leaves_no_message(void **state)
{
    struct site s;
    struct site late;

    site_two(state, &s, &late);
    assert_done(ledger_catch_up(late.ledger));
    assert_string_equal(err_text(), "");
    assert_int_equal(ledger_count(late.ledger), 2);
    end_two(&s, &late);
}

static void what_another_run_appended_comes_in_and_counts(void **state)
{
    struct site s;
    struct site late;
    const struct record *enrolment;

    site_two(state, &s, &late);
    enrolment = ledger_at(late.ledger, 1);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    assert_done(site_append(&s, RECORD_TOMBSTONE, "{\"subject\":\"aaaa\"}"));
    assert_int_equal(ledger_count(late.ledger), 2); /* not by itself */
    assert_done(ledger_catch_up_all(late.ledger));
    assert_int_equal(ledger_count(late.ledger), 5);
    assert_ptr_equal(ledger_at(late.ledger, 1), enrolment); /* what was borrowed is still there */
    for (size_t i = 0; i < 5; i++)
        assert_memory_equal(ledger_at(late.ledger, i)->id, ledger_at(s.ledger, i)->id,
                            RECORD_ID_LEN);
    assert_false(ledger_query_is_live(late.ledger, ledger_at(late.ledger, 2)));
    assert_true(ledger_query_is_live(late.ledger, ledger_at(late.ledger, 3)));
    assert_done(ledger_catch_up(late.ledger));
    assert_int_equal(ledger_count(late.ledger), 5);
    end_two(&s, &late);
}

/* An enrolment changes who may sign; it counts as at opening. */
static void an_enrolment_by_another_run_counts(void **state)
{
    struct site s;
    struct site late;

    site_two(state, &s, &late);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    assert_int_equal(late.ledger->writers.count, 1);
    assert_done(ledger_catch_up(late.ledger));
    assert_int_equal(late.ledger->writers.count, 1); /* it is in root's chain */
    assert_done(ledger_catch_up_all(late.ledger));
    assert_int_equal(late.ledger->writers.count, 2);
    end_two(&s, &late);
}

static void the_chains_of_others_are_read_when_asked_for(void **state)
{
    struct site s;
    struct site late;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    late = s;
    late.ledger = NULL;
    assert_done(site_open(&late, false));
    record_free(forge(&s, s.other, RECORD_SNAPSHOT, NULL, LATER, "{}"));
    assert_done(ledger_catch_up(late.ledger));
    assert_int_equal(ledger_count(late.ledger), 3);
    assert_done(ledger_catch_up_all(late.ledger));
    assert_int_equal(ledger_count(late.ledger), 4);
    end_two(&s, &late);
}

/* A writer who was enrolled and has signed nothing yet. */
static void the_first_record_of_a_chain_comes_in(void **state)
{
    struct site s;
    struct site late;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    signer_free(forge_key(state, "state/signing-key.json", OTHER_KEY_FILE));
    assert_done(site_open(&s, false));
    late = s;
    late.ledger = NULL;
    assert_done(site_open(&late, false));
    site_snapshot(&s, "aaaa");
    assert_done(ledger_catch_up(late.ledger));
    assert_int_equal(ledger_count(late.ledger), 4);
    assert_int_equal(ledger_at(late.ledger, 3)->seq, 0);
    end_two(&s, &late);
}

/* ---- records that do not belong there ---- */

static void rubbish_is_refused(void **state)
{
    struct site s;
    struct site late;

    site_two(state, &s, &late);
    site_put(&s, OWN_NAME("0"), bytes_of_text("rubbish\n"));
    assert_not_taken(&late, "damaged or tampered with");
    end_two(&s, &late);
}

static void a_record_by_another_key_is_refused(void **state)
{
    struct site s;
    struct site late;
    struct record *theirs;

    site_two(state, &s, &late);
    theirs = forge(&s, s.other, RECORD_SNAPSHOT, NULL, LATER, "{}");
    site_put(&s, OWN_NAME("0"), buf_bytes(&theirs->raw));
    assert_not_taken(&late, "the record of another place lies under this name");
    record_free(theirs);
    end_two(&s, &late);
}

static void a_record_with_a_changed_byte_is_refused(void **state)
{
    struct site s;
    struct site late;
    struct buf raw;
    char *id;

    site_two(state, &s, &late);
    site_snapshot(&s, "aaaa");
    raw = site_raw(&s, OWN_NAME("0"));
    id = memmem(raw.data, raw.len, "aaaa", 4);
    assert_non_null(id);
    *id = 'b'; /* its signature is of another text now */
    site_put(&s, OWN_NAME("0"), buf_bytes(&raw));
    assert_not_taken(&late, "damaged or tampered with");
    buf_clear(&raw);
    end_two(&s, &late);
}

static void a_record_that_does_not_follow_is_refused(void **state)
{
    struct site s;
    struct site late;
    struct record *genesis;
    struct record *first;
    struct record wrong;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    late = s;
    late.ledger = NULL;
    assert_done(site_open(&late, false));
    genesis = site_record(&s, ROOT_ID, 0);
    first = site_record(&s, OWN_ID, 0);
    wrong = *first;
    memcpy(wrong.id, genesis->id, RECORD_ID_LEN);
    record_free(forge(&s, s.own, RECORD_SNAPSHOT, &wrong, LATER, "{}"));
    assert_int_equal(ledger_catch_up(late.ledger), ERR_CORRUPT);
    assert_said(OWN_NAME("1"));
    assert_said("it does not follow the record before it: one of them was replaced");
    record_free(forge(&s, s.own, RECORD_SNAPSHOT, first, 1000, "{}"));
    assert_int_equal(ledger_catch_up(late.ledger), ERR_CORRUPT);
    assert_said("its time is before that of the record before it");
    assert_int_equal(ledger_count(late.ledger), 3);
    /* And the right one comes in, in spite of what lay there. */
    record_free(forge(&s, s.own, RECORD_SNAPSHOT, first, LATER, "{}"));
    assert_done(ledger_catch_up(late.ledger));
    assert_int_equal(ledger_count(late.ledger), 4);
    record_free(first);
    record_free(genesis);
    end_two(&s, &late);
}

static void what_came_before_the_damage_stays(void **state)
{
    struct site s;
    struct site late;

    site_two(state, &s, &late);
    site_snapshot(&s, "aaaa");
    site_put(&s, OWN_NAME("1"), bytes_of_text("rubbish\n"));
    assert_int_equal(ledger_catch_up(late.ledger), ERR_CORRUPT);
    assert_said(OWN_NAME("1"));
    assert_int_equal(ledger_count(late.ledger), 3);
    site_delete(&s, OWN_NAME("1"));
    site_snapshot(&s, "bbbb");
    assert_done(ledger_catch_up(late.ledger));
    assert_int_equal(ledger_count(late.ledger), 4);
    end_two(&s, &late);
}

/* ---- checkpoints ---- */

static void a_checkpoint_between_comes_in_and_so_does_what_follows(void **state)
{
    struct site s;
    struct site late;

    site_two(state, &s, &late);
    site_snapshot(&s, "aaaa");
    assert_done(ledger_checkpoint(s.ledger));
    site_snapshot(&s, "bbbb");
    assert_done(ledger_catch_up(late.ledger));
    assert_int_equal(ledger_count(late.ledger), 5);
    assert_int_equal(ledger_at(late.ledger, 3)->type, RECORD_CHECKPOINT);
    assert_done(ledger_checkpoint(late.ledger)); /* and the next one builds on it */
    site_close(&late);
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 6);
    site_free(&s);
}

/* The body of a checkpoint that says of root's chain: its record `seq` is the one with this id. */
static const char *checkpoint_text(uint64_t seq, const uint8_t id[RECORD_ID_LEN])
{
    static char body[1024];
    char hex[2 * RECORD_ID_LEN + 1];
    char empty[2 * HASH_LEN + 1];
    uint8_t hash[HASH_LEN];

    text_hex(bytes_of(id, RECORD_ID_LEN), hex);
    assert_done(hash_of(bytes_of("", 0), hash));
    text_hex(bytes_of(hash, sizeof hash), empty);
    snprintf(body, sizeof body,
             "{\"heads\":[{\"writerId\":\"" ROOT_ID "\",\"seq\":%d,\"recordId\":\"%s\"}],"
             "\"liveSet\":{\"count\":0,\"sha256\":\"%s\"},\"expiresAt\":null,\"bundle\":"
             "{\"name\":\"checkpoints/" OWN_ID "/0000000000000000.jsonl\",\"size\":0,"
             "\"sha256\":\"%s\"}}",
             (int)seq, hex, empty, empty);
    return body;
}

static void a_checkpoint_of_another_history_is_refused(void **state)
{
    struct site s;
    struct site late;
    struct record *genesis;
    struct record *enrolment;

    site_two(state, &s, &late);
    genesis = site_record(&s, ROOT_ID, 0);
    enrolment = site_record(&s, ROOT_ID, 1);
    record_free(forge(&s, s.own, RECORD_CHECKPOINT, NULL, LATER, checkpoint_text(1, genesis->id)));
    assert_not_taken(&late, "another record was at the end of a chain when it was made");
    record_free(forge(&s, s.own, RECORD_CHECKPOINT, NULL, LATER, "{}"));
    assert_not_taken(&late, "is missing");
    record_free(
        forge(&s, s.own, RECORD_CHECKPOINT, NULL, LATER, checkpoint_text(1, enrolment->id)));
    assert_done(ledger_catch_up(late.ledger));
    assert_int_equal(ledger_count(late.ledger), 3);
    record_free(enrolment);
    record_free(genesis);
    end_two(&s, &late);
}

/* ---- faults ---- */

static void a_store_that_fails_is_told_and_the_next_time_it_works(void **state)
{
    struct site s;
    struct site late;
    enum err rc = ERR_STORAGE;
    unsigned long nth = 1;

    site_two(state, &s, &late);
    site_close(&late);
    for (; rc != ERR_OK; nth++) {
        struct faulty f = {.inner = s.store};
        struct ledger_options options = site_options(&s, false);
        size_t before;

        assert_done(faulty_open(&f, &options.store));
        assert_done(ledger_open(&options, &late.ledger));
        before = ledger_count(late.ledger);
        site_snapshot(&s, "aaaa");
        site_snapshot(&s, "bbbb");
        f.fault = FAULT_FAIL;
        f.fail_at = atomic_load(&f.count) + nth;
        rc = ledger_catch_up(late.ledger);
        if (rc != ERR_OK)
            assert_int_equal(rc, ERR_STORAGE);
        f.fault = FAULT_NONE;
        assert_done(ledger_catch_up(late.ledger));
        assert_int_equal(ledger_count(late.ledger), before + 2);
        site_close(&late);
        store_free(options.store);
        faulty_clear(&f);
        assert_true(nth < 20);
    }
    assert_true(nth > 4); /* a look and a read for each record failed once */
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(nothing_new_is_no_failure_and_leaves_no_message),
        IN_DIRECTORY(what_another_run_appended_comes_in_and_counts),
        IN_DIRECTORY(an_enrolment_by_another_run_counts),
        IN_DIRECTORY(the_chains_of_others_are_read_when_asked_for),
        IN_DIRECTORY(the_first_record_of_a_chain_comes_in),
        IN_DIRECTORY(rubbish_is_refused),
        IN_DIRECTORY(a_record_by_another_key_is_refused),
        IN_DIRECTORY(a_record_with_a_changed_byte_is_refused),
        IN_DIRECTORY(a_record_that_does_not_follow_is_refused),
        IN_DIRECTORY(what_came_before_the_damage_stays),
        IN_DIRECTORY(a_checkpoint_between_comes_in_and_so_does_what_follows),
        IN_DIRECTORY(a_checkpoint_of_another_history_is_refused),
        IN_DIRECTORY(a_store_that_fails_is_told_and_the_next_time_it_works),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

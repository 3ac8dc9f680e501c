/*
 * A store that shows an older or another state than this machine has seen.
 */
#include "core/fs/file.h"
#include "core/ledger/trust.h"

#include "tests/unit/core/ledger/forge.h"

#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"
#define LATER INT64_C(4000000000000)

static void short_id(const struct record *r, char out[17])
{
    text_hex(bytes_of(r->id, 8), out);
}

static const char *hint(void **state)
{
    static char text[ERR_TEXT_MAX];

    snprintf(text, sizeof text,
             "\n  find out who changed the store before you use it; an older copy is read on "
             "purpose with --fingerprint and another --state-dir; if one was put back for good, "
             "move %s away and give --fingerprint",
             in(state, "state/trust.json"));
    return text;
}

static void the_file_says_what_was_seen(void **state)
{
    struct site s;
    struct trust t = {.known = false};
    struct record *last;
    struct stat st;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    assert_int_equal(stat(in(state, "state/trust.json"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_done(trust_load(in(state, "state/trust.json"), &t));
    assert_true(t.known);
    assert_string_equal(t.fingerprint, ledger_fingerprint(s.ledger));
    assert_memory_equal(t.repository, ledger_repository(s.ledger), SEAL_ID_LEN);
    assert_int_equal(t.heads.count, 2); /* root's first, by its id */
    assert_int_equal(t.heads.items[0].seq, 1);
    assert_int_equal(t.heads.items[1].seq, 0);
    last = site_record(&s, OWN_ID, 0);
    assert_memory_equal(t.heads.items[1].id, last->id, RECORD_ID_LEN);
    record_free(last);
    trust_clear(&t);
    site_free(&s);
}

static void the_deleted_newest_record_is_missed(void **state)
{
    struct site s;
    struct record *last;
    char id[17];
    char expected[2 * ERR_TEXT_MAX];

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    last = site_record(&s, OWN_ID, 1);
    short_id(last, id);
    site_delete(&s, OWN_NAME("1"));
    snprintf(expected, sizeof expected,
             "%s: record 1 of writer " OWN_ID " (%s…) was seen before, and now its records end at "
             "0: the store was rolled back or tampered with%s",
             store_where(s.store), id, hint(state));
    assert_refused(site_open(&s, false), ERR_CORRUPT, expected);
    assert_refused(site_open(&s, true), ERR_CORRUPT, expected);
    /* Put back, all is well. */
    site_put(&s, OWN_NAME("1"), buf_bytes(&last->raw));
    assert_done(site_open(&s, false));
    record_free(last);
    site_free(&s);
}

static void a_store_put_back_to_an_older_state_is_noticed(void **state)
{
    struct site s;

    site_new(&s, state);
    for (int i = 0; i < 5; i++)
        site_snapshot(&s, "aaaa");
    for (uint64_t seq = 1; seq < 5; seq++)
        site_delete(&s, site_name(OWN_ID, seq));
    assert_int_equal(site_open(&s, false), ERR_CORRUPT);
    assert_said("record 4 of writer " OWN_ID);
    assert_said("and now its records end at 0: the store was rolled back or tampered with");
    site_free(&s);
}

static void another_record_in_the_place_of_a_seen_one_is_noticed(void **state)
{
    struct site s;
    struct record *seen;
    struct record *forked;
    char seen_id[17];
    char forked_id[17];
    char expected[2 * ERR_TEXT_MAX];

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    seen = site_record(&s, OWN_ID, 0);
    forked = forge(&s, s.own, RECORD_SNAPSHOT, NULL, LATER, "{\"id\":\"bbbb\"}");
    short_id(seen, seen_id);
    short_id(forked, forked_id);
    snprintf(expected, sizeof expected,
             "%s: record 0 of writer " OWN_ID " was %s… when it was seen before, and is %s… now: "
             "the store was tampered with, or rolled back and written again%s",
             store_where(s.store), seen_id, forked_id, hint(state));
    assert_refused(site_open(&s, true), ERR_CORRUPT, expected);
    record_free(forked);
    record_free(seen);
    site_free(&s);
}

/* The newest seq is higher than ever; what was seen is another all the same. */
static void history_written_anew_and_continued_is_noticed(void **state)
{
    struct site s;
    struct record *forked;
    struct record *next;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    forked = forge(&s, s.own, RECORD_SNAPSHOT, NULL, LATER, "{\"id\":\"bbbb\"}");
    next = forge(&s, s.own, RECORD_SNAPSHOT, forked, LATER, "{\"id\":\"cccc\"}");
    assert_refused(site_open(&s, true), ERR_CORRUPT, NULL);
    assert_said("record 0 of writer " OWN_ID " was ");
    record_free(next);
    record_free(forked);
    site_free(&s);
}

static void an_emptied_store_is_not_a_new_one(void **state)
{
    struct site s;
    char expected[2 * ERR_TEXT_MAX];
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];
    struct ledger_options options;

    site_new(&s, state);
    snprintf(fingerprint, sizeof fingerprint, "%s", ledger_fingerprint(s.ledger));
    site_delete(&s, ROOT_NAME("0"));
    site_delete(&s, ROOT_NAME("1"));
    snprintf(expected, sizeof expected,
             "%s: the ledger is gone: this machine knows the repository %s\n  find out who deleted "
             "it; if that was on purpose, move %s away",
             store_where(s.store), fingerprint, in(state, "state"));
    assert_refused(site_open(&s, false), ERR_CORRUPT, expected);
    snprintf(expected, sizeof expected,
             "the state directory %s belongs to another repository, with fingerprint %s\n  use "
             "another state directory for a new repository",
             in(state, "state"), fingerprint);
    options = site_options(&s, false);
    assert_refused(ledger_create(&options, &s.ledger), ERR_EXISTS, expected);
    site_free(&s);
}

static void a_repository_put_in_the_place_of_another_is_noticed(void **state)
{
    struct site s;
    struct store *strange = NULL;
    struct ledger *theirs = NULL;
    struct ledger_options options;
    char expected[2 * ERR_TEXT_MAX];
    char fingerprint[LEDGER_FINGERPRINT_LEN + 1];

    site_new(&s, state);
    snprintf(fingerprint, sizeof fingerprint, "%s", ledger_fingerprint(s.ledger));
    site_close(&s);
    assert_done(store_open(in(state, "strange"), true, &strange));
    options = (struct ledger_options){
        .store = strange, .state_dir = in(state, "their-state"), .root = {.key = s.other}};
    assert_done(ledger_create(&options, &theirs));

    /* By trust state. */
    options = (struct ledger_options){.store = strange, .state_dir = in(state, "state")};
    snprintf(expected, sizeof expected,
             "%s: its fingerprint is %s, and the repository seen before had %s: this is another "
             "repository, or one that was put in its place\n  the state in %s is of that one: was "
             "it copied or renamed?",
             store_where(strange), ledger_fingerprint(theirs), fingerprint, in(state, "state"));
    assert_refused(ledger_open(&options, &s.ledger), ERR_CORRUPT, expected);

    /* On a new machine, by the pinned fingerprint. */
    options.state_dir = in(state, "new-state");
    options.fingerprint = fingerprint;
    snprintf(expected, sizeof expected,
             "%s: its fingerprint is %s, and not %s as was given: this is another repository, or "
             "one that was put in its place",
             store_where(strange), ledger_fingerprint(theirs), fingerprint);
    assert_refused(ledger_open(&options, &s.ledger), ERR_CORRUPT, expected);

    /* Without either it is believed. */
    options.fingerprint = NULL;
    assert_done(ledger_open(&options, &s.ledger));
    assert_done((site_close(&s), ledger_open(&options, &s.ledger)));
    ledger_free(theirs);
    site_free(&s);
    store_free(strange);
}

static void without_a_state_directory_everything_is_read_and_nothing_kept(void **state)
{
    struct ledger_options options;
    char expected[ERR_TEXT_MAX];
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_close(&s);
    options = site_options(&s, false);
    assert_int_equal(rename(in(state, "state"), in(state, "away")), 0);
    options.state_dir = NULL;
    assert_done(ledger_open(&options, &s.ledger));
    assert_int_equal(ledger_count(s.ledger), 3);
    assert_null(ledger_state_dir(s.ledger));
    assert_false(ledger_can_append(s.ledger, RECORD_SNAPSHOT));
    assert_false(file_exists(in(state, "state")));
    snprintf(expected, sizeof expected, "without a state directory nothing can be added to %s",
             store_where(s.store));
    assert_refused(site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"bbbb\"}"), ERR_FAILED, expected);
    site_free(&s);
}

static void a_damaged_signing_key_stops_only_what_signs(void **state)
{
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    put_file(in(state, "state/signing-key.json"), "{\"format\":1}");
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 3);
    assert_false(ledger_can_append(s.ledger, RECORD_SNAPSHOT));
    assert_int_equal(site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"bbbb\"}"), ERR_CORRUPT);
    assert_said("signing-key.json");
    site_free(&s);
}

static void damaged_trust_state_is_said_and_not_ignored(void **state)
{
    static const struct {
        const char *text;
        enum err code;
        const char *why;
    } rows[] = {
        {"", ERR_CORRUPT, "not a JSON document: 0 bytes"},
        {"{}", ERR_CORRUPT, "member \"format\" is missing"},
        {"{\"format\":2}", ERR_UNSUPPORTED, "format 2 is not one this release knows"},
        {"{\"format\":1,\"fingerprint\":\"00\"}", ERR_CORRUPT, "member \"fingerprint\""},
    };
    struct site s;

    site_new(&s, state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_file(in(state, "state/trust.json"), rows[i].text);
        assert_int_equal(site_open(&s, false), rows[i].code);
        assert_said("the trust state ");
        assert_said(rows[i].why);
        assert_said("to go on without it, move it away and give the repository's fingerprint");
    }
    site_free(&s);
}

static void nothing_is_written_when_nothing_changed(void **state)
{
    struct site s;
    struct stat before[2];
    struct stat after[2];

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    assert_done(site_open(&s, false));
    assert_int_equal(stat(in(state, "state/trust.json"), &before[0]), 0);
    assert_int_equal(stat(in(state, "state/records.jsonl"), &before[1]), 0);
    assert_done(site_open(&s, false));
    assert_done(site_open(&s, true));
    assert_int_equal(stat(in(state, "state/trust.json"), &after[0]), 0);
    assert_int_equal(stat(in(state, "state/records.jsonl"), &after[1]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(before[i].st_ino, after[i].st_ino);
        assert_int_equal(before[i].st_mtim.tv_nsec, after[i].st_mtim.tv_nsec);
        assert_int_equal(before[i].st_size, after[i].st_size);
    }
    site_free(&s);
}

/* The record is what counts; the trust file catches up. */
static void a_crash_before_the_trust_file_is_harmless(void **state)
{
    struct site s;
    struct trust t = {.known = false};
    struct buf old = {.max = MIB};

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    {
        FILE *f = fopen(in(state, "state/trust.json"), "r");
        char text[4096];

        assert_non_null(f);
        assert_done(buf_add(&old, bytes_of(text, fread(text, 1, sizeof text, f))));
        fclose(f);
    }
    assert_done(buf_add(&old, bytes_of("", 1)));
    site_snapshot(&s, "bbbb");
    put_file(in(state, "state/trust.json"), (const char *)old.data);
    assert_done(site_open(&s, false));
    assert_done(trust_load(in(state, "state/trust.json"), &t));
    assert_int_equal(t.heads.items[1].seq, 1);
    trust_clear(&t);
    buf_clear(&old);
    site_free(&s);
}

static void a_state_directory_that_cannot_be_written_does_not_stop_a_reader(void **state)
{
    struct site s;

    site_new(&s, state);
    site_forget(&s);
    /* A directory in the place of each file: neither can be made, even by root. */
    assert_int_equal(mkdir(in(state, "state/records.jsonl"), 0700), 0);
    log_to(keep_warning);
    last_warning[0] = '\0';
    assert_done(site_open(&s, false));
    log_to(NULL);
    assert_non_null(strstr(last_warning, "the cache of records is not kept"));
    site_free(&s);
}

/* Of a reader and a writer the reader may be the last: what it saw is older. */
static void the_trust_state_never_goes_back(void **state)
{
    struct site s;
    struct trust old = {.known = false};
    struct trust now = {.known = false};
    const char *path = "state/trust.json";

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    assert_done(trust_load(in(state, path), &old));
    site_snapshot(&s, "bbbb");
    assert_done(trust_raise(in(state, path), &old, "here"));
    assert_done(trust_load(in(state, path), &now));
    assert_int_equal(now.heads.items[1].seq, 1);
    old.heads.items[1].seq = 1;
    assert_int_equal(trust_raise(in(state, path), &old, "here"), ERR_CORRUPT);
    assert_said("here: record 1 of writer " OWN_ID " was ");
    old.heads.items[1].seq = 2;
    assert_done(trust_raise(in(state, path), &old, "here"));
    trust_clear(&now);
    assert_done(trust_load(in(state, path), &now));
    assert_int_equal(now.heads.items[1].seq, 2);
    old.fingerprint[0] = 'x';
    assert_int_equal(trust_raise(in(state, path), &old, "here"), ERR_CORRUPT);
    assert_said("is of another repository, with fingerprint ");
    trust_clear(&now);
    trust_clear(&old);
    site_free(&s);
}

static void what_killed_runs_left_is_swept(void **state)
{
    struct site s;

    site_new(&s, state);
    put_file(in(state, "state/trust.json.tmp-0123456789abcdef"), "half");
    put_file(in(state, "state/signing-key.json.tmp-0123456789abcdef"), "half");
    put_file(in(state, "state/mine"), "stays");
    assert_done(ledger_sweep(s.ledger));
    assert_int_equal(count_names(in(state, "state")), 5);
    assert_done(site_open(&s, false));
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(the_file_says_what_was_seen),
        IN_DIRECTORY(the_deleted_newest_record_is_missed),
        IN_DIRECTORY(a_store_put_back_to_an_older_state_is_noticed),
        IN_DIRECTORY(another_record_in_the_place_of_a_seen_one_is_noticed),
        IN_DIRECTORY(history_written_anew_and_continued_is_noticed),
        IN_DIRECTORY(an_emptied_store_is_not_a_new_one),
        IN_DIRECTORY(a_repository_put_in_the_place_of_another_is_noticed),
        IN_DIRECTORY(without_a_state_directory_everything_is_read_and_nothing_kept),
        IN_DIRECTORY(a_damaged_signing_key_stops_only_what_signs),
        IN_DIRECTORY(damaged_trust_state_is_said_and_not_ignored),
        IN_DIRECTORY(nothing_is_written_when_nothing_changed),
        IN_DIRECTORY(a_crash_before_the_trust_file_is_harmless),
        IN_DIRECTORY(the_trust_state_never_goes_back),
        IN_DIRECTORY(what_killed_runs_left_is_swept),
        IN_DIRECTORY(a_state_directory_that_cannot_be_written_does_not_stop_a_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

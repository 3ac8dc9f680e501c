#include "core/ledger/checkpoint.h"

#include "core/ledger/ledger_query.h"

#include "tests/unit/core/ledger/forge.h"
#include "tests/unit/faulty.h"

#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"
#define OTHER_NAME(seq) "ledger/" OTHER_ID "/000000000000000" seq ".json"
#define LATER INT64_C(4000000000000)
#define BUNDLE_NAME(seq) "checkpoints/" OWN_ID "/000000000000000" seq ".jsonl"

/* Of this machine: 0 and 1 snapshots, 2 the checkpoint, 3 a snapshot. Of root: 0 genesis, 1
 * enrolment, 2 the tombstone of the first snapshot. */
static void with_checkpoint(struct site *s, void **state)
{
    site_new(s, state);
    site_snapshot(s, "aaaa");
    site_snapshot(s, "bbbb");
    assert_done(site_append(s, RECORD_TOMBSTONE, "{\"subject\":\"aaaa\",\"reason\":\"expired\"}"));
    assert_done(ledger_checkpoint(s->ledger));
    site_snapshot(s, "cccc");
}

static void assert_opens(struct site *s, size_t count)
{
    assert_done(site_open(s, false));
    assert_int_equal(ledger_count(s->ledger), count);
    assert_done(site_open(s, true));
    assert_int_equal(ledger_count(s->ledger), count);
    site_forget(s);
    assert_done(site_open(s, false));
    assert_int_equal(ledger_count(s->ledger), count);
}

static void the_record_says_what_is_live(void **state)
{
    struct site s;
    struct record *r;
    struct checkpoint c = {.record = NULL};
    struct buf bundle;

    with_checkpoint(&s, state);
    r = site_record(&s, OWN_ID, 2);
    assert_int_equal(r->type, RECORD_CHECKPOINT);
    assert_done(checkpoint_read(r, &c));
    assert_int_equal(c.live_count, 4);  /* not the dead snapshot */
    assert_int_equal(c.heads.count, 2); /* root's first, by its id */
    assert_int_equal(c.heads.items[0].seq, 2);
    assert_int_equal(c.heads.items[1].seq, 1);
    assert_memory_equal(c.heads.items[1].id, r->prev, RECORD_ID_LEN);
    bundle = site_raw(&s, BUNDLE_NAME("2"));
    assert_int_equal(bundle.len, c.bundle_size);
    buf_clear(&bundle);
    checkpoint_clear(&c);
    record_free(r);
    assert_opens(&s, 7);
    site_free(&s);
}

static void a_dead_record_that_a_checkpoint_covers_may_be_deleted(void **state)
{
    struct site s;

    with_checkpoint(&s, state);
    site_delete(&s, OWN_NAME("0"));
    assert_opens(&s, 6);
    site_free(&s);
}

static void a_live_record_comes_from_the_bundle(void **state)
{
    struct site s;
    const struct record *r;

    with_checkpoint(&s, state);
    site_delete(&s, OWN_NAME("1"));
    assert_opens(&s, 7);
    r = ledger_at(s.ledger, 3);
    assert_int_equal(r->seq, 1);
    assert_int_equal(r->type, RECORD_SNAPSHOT);
    site_free(&s);
}

static void all_records_of_a_chain_before_the_checkpoint_can_come_from_the_bundle(void **state)
{
    struct site s;

    with_checkpoint(&s, state);
    for (uint64_t seq = 0; seq < 2; seq++)
        site_delete(&s, site_name(OWN_ID, seq));
    assert_opens(&s, 6);
    signer_free(forge_key(state, "state/signing-key.json", OWN_KEY_FILE));
    assert_done(site_open(&s, false));
    site_snapshot(&s, "dddd");
    assert_opens(&s, 7);
    site_free(&s);
}

static void a_record_after_the_checkpoint_is_missed(void **state)
{
    struct site s;

    with_checkpoint(&s, state);
    site_snapshot(&s, "dddd");
    site_delete(&s, OWN_NAME("3"));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   OWN_NAME("4") ": the record before it is missing, and no checkpoint covers "
                                 "that: it was deleted");
    site_free(&s);
}

/* Nothing follows it that would miss it, and the checkpoint is older. */
static void a_seen_record_after_the_checkpoint_is_missed_at_the_end_too(void **state)
{
    struct site s;

    with_checkpoint(&s, state);
    site_delete(&s, OWN_NAME("3"));
    assert_refused(site_open(&s, false), ERR_CORRUPT, NULL);
    assert_said("was seen before, and now its records end at 2");
    site_free(&s);
}

static void a_deleted_checkpoint_covers_nothing(void **state)
{
    struct site s;

    with_checkpoint(&s, state);
    site_delete(&s, OWN_NAME("0"));
    site_delete(&s, OWN_NAME("2"));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   OWN_NAME("1") ": the record before it is missing, and no checkpoint covers "
                                 "that: it was deleted");
    site_free(&s);
}

/* The bundle has what lives: a flipped byte costs a warning, as if the record had been deleted. */
static void a_damaged_record_that_the_checkpoint_covers_counts_as_missing(void **state)
{
    struct site s;
    struct buf raw;

    with_checkpoint(&s, state);
    raw = site_raw(&s, OWN_NAME("1"));
    for (size_t at = 0; at < raw.len; at += 7) {
        raw.data[at] ^= 1;
        site_put(&s, OWN_NAME("1"), buf_bytes(&raw));
        raw.data[at] ^= 1;
        site_forget(&s);
        warnings = 0;
        log_to(keep_warning);
        assert_done(site_open(&s, false));
        log_to(NULL);
        assert_int_equal(ledger_count(s.ledger), 7);
        assert_int_equal(warnings, 1);
        assert_non_null(strstr(last_warning, OWN_NAME("1") ": "));
        assert_non_null(strstr(last_warning, "it counts as missing: the newest checkpoint's bundle "
                                             "has what lives"));
    }
    /* Behind the checkpoint nothing has it. */
    site_put(&s, OWN_NAME("3"), buf_bytes(&raw));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT, NULL);
    buf_clear(&raw);
    site_free(&s);
}

static void a_missing_bundle_matters_when_it_is_needed_or_all_is_read(void **state)
{
    struct site s;

    with_checkpoint(&s, state);
    site_delete(&s, BUNDLE_NAME("2"));
    assert_done(site_open(&s, false));
    assert_refused(site_open(&s, true), ERR_CORRUPT,
                   BUNDLE_NAME("2") ": the checkpoint's bundle is missing");
    site_delete(&s, OWN_NAME("0"));
    assert_done(site_open(&s, false)); /* it is dead: nobody needs it */
    site_delete(&s, OWN_NAME("1"));
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   BUNDLE_NAME("2") ": the checkpoint's bundle is missing");
    site_free(&s);
}

struct changing {
    struct site *site;
    char path[4096];
    struct bytes before; /* of the bundle: stays as it is */
};

static enum err open_changed(void *arg, struct bytes changed)
{
    struct changing *c = arg;
    FILE *f;
    enum err rc;

    (void)unlink(c->path);
    f = fopen(c->path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(c->before.data, 1, c->before.len, f), c->before.len);
    assert_int_equal(fwrite(changed.data, 1, changed.len, f), changed.len);
    assert_int_equal(fclose(f), 0);
    rc = site_open(c->site, false);
    assert_true(rc == ERR_OK || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
    return rc;
}

/* Its newest record stands for all: what is compared is the whole. */
static void every_changed_byte_of_a_bundle_is_noticed(void **state)
{
    struct site s;
    struct changing c = {.site = &s};
    struct buf bundle;
    struct buf newest;
    struct bytes swept;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    assert_done(ledger_checkpoint(s.ledger));
    newest = site_raw(&s, OWN_NAME("0"));
    site_delete(&s, OWN_NAME("0"));
    bundle = site_raw(&s, BUNDLE_NAME("1"));
    snprintf(c.path, sizeof c.path, "%s/" BUNDLE_NAME("1"), in(state, "store"));
    c.before = bytes_of(bundle.data, bundle.len - newest.len);
    swept = bytes_of(bundle.data + c.before.len, newest.len);
    assert_memory_equal(swept.data, newest.data, newest.len);
    sweep_flips(swept, open_changed, &c);
    sweep_cuts(swept, open_changed, &c);
    buf_clear(&newest);
    buf_clear(&bundle);
    site_free(&s);
}

/* Another writer's end is in the checkpoint: taking it away is noticed without any trust state. */
static void a_checkpoint_protects_the_ends_it_names(void **state)
{
    struct site s;
    struct record *first;
    struct record *second;
    struct buf bundle;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    first = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"aaaa\"}");
    second = forge(&s, s.other, RECORD_SNAPSHOT, first, 1000, "{\"id\":\"bbbb\"}");
    assert_done(site_open(&s, false));
    assert_done(ledger_checkpoint(s.ledger));

    /* Gone: it comes from the bundle, and without the bundle it is missed. */
    site_delete(&s, OTHER_NAME("1"));
    assert_opens(&s, 6);
    bundle = site_raw(&s, BUNDLE_NAME("0"));
    site_delete(&s, BUNDLE_NAME("0"));
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   BUNDLE_NAME("0") ": the checkpoint's bundle is missing");
    site_put(&s, BUNDLE_NAME("0"), buf_bytes(&bundle));

    /* Another one in its place, by a writer who signs twice. */
    assert_done(site_open(&s, false));
    record_free(forge(&s, s.other, RECORD_SNAPSHOT, first, 2000, "{\"id\":\"cccc\"}"));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   OTHER_NAME("1") ": another record was here when a checkpoint was made");
    buf_clear(&bundle);
    record_free(second);
    record_free(first);
    site_free(&s);
}

/* Even a dead one: a checkpoint may not name an end that nobody has. */
static void an_end_that_a_checkpoint_names_is_never_gone(void **state)
{
    struct site s;
    struct record *first;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    first = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"aaaa\"}");
    assert_done(site_open(&s, false));
    assert_done(site_append(&s, RECORD_TOMBSTONE, "{\"subject\":\"aaaa\",\"reason\":\"expired\"}"));
    assert_done(ledger_checkpoint(s.ledger));
    site_delete(&s, OTHER_NAME("0"));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   OTHER_NAME("0") ": it is missing, and was here when a checkpoint was made");
    site_put(&s, OTHER_NAME("0"), buf_bytes(&first->raw));
    assert_opens(&s, 6);
    /* Behind another one it may go. */
    record_free(forge(&s, s.other, RECORD_SNAPSHOT, first, 2000, "{\"id\":\"bbbb\"}"));
    signer_free(forge_key(state, "state/signing-key.json", OWN_KEY_FILE));
    assert_done(site_open(&s, false));
    assert_done(ledger_checkpoint(s.ledger));
    site_delete(&s, OTHER_NAME("0"));
    assert_opens(&s, 7);
    record_free(first);
    site_free(&s);
}

/* The thief of a writer's key erases the revocation and signs a checkpoint that knows nothing of
 * it.
 */
static void a_writers_checkpoint_hides_nothing_of_roots(void **state)
{
    struct site s;
    struct record *revocation;
    struct record *theirs;
    char id[2 * RECORD_ID_LEN + 1];
    char ids[2 * RECORD_ID_LEN + 1];
    char digest[2 * RECORD_ID_LEN + 1];
    char body[2048];
    uint8_t hash[HASH_LEN];

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    site_revoke_other(&s, NULL);
    revocation = site_record(&s, ROOT_ID, 3);
    text_hex(bytes_of(revocation->id, RECORD_ID_LEN), id);
    assert_done(hash_of(bytes_of("", 0), hash));
    text_hex(bytes_of(hash, HASH_LEN), ids);
    text_hex(bytes_of(hash, HASH_LEN), digest);
    snprintf(body, sizeof body,
             "{\"heads\":[{\"writerId\":\"" ROOT_ID "\",\"seq\":3,\"recordId\":\"%s\"}],"
             "\"liveSet\":{\"count\":0,\"sha256\":\"%s\"},\"expiresAt\":null,\"bundle\":"
             "{\"name\":\"checkpoints/" OTHER_ID "/0000000000000000.jsonl\",\"size\":0,"
             "\"sha256\":\"%s\"}}",
             id, ids, digest);
    theirs = forge(&s, s.other, RECORD_CHECKPOINT, NULL, clock_now_ms() + 1000, body);
    site_put(&s, "checkpoints/" OTHER_ID "/0000000000000000.jsonl", bytes_of("", 0));
    site_delete(&s, ROOT_NAME("3"));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   ROOT_NAME("3") ": it is missing, and was here when a checkpoint was made");
    record_free(theirs);
    record_free(revocation);
    site_free(&s);
}

static void a_seen_record_that_died_is_not_a_rollback(void **state)
{
    struct site s;
    FILE *f;
    char piece[4096] = "";

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    f = fopen(in(state, "state/trust.json"), "r");
    assert_non_null(f);
    assert_true(fread(piece, 1, sizeof piece - 1, f) > 0);
    fclose(f);
    assert_done(site_append(&s, RECORD_TOMBSTONE, "{\"subject\":\"aaaa\",\"reason\":\"expired\"}"));
    site_snapshot(&s, "bbbb");
    assert_done(ledger_checkpoint(s.ledger));
    site_delete(&s, OWN_NAME("0"));
    put_file(in(state, "state/trust.json"), piece); /* a machine that was away since then */
    assert_done(site_open(&s, false));
    /* The same seen under another id: what follows it gives that away. */
    {
        char *id = strstr(piece, OWN_ID);

        assert_non_null(id);
        id = strstr(id, "\"recordId\":\"");
        assert_non_null(id);
        id += strlen("\"recordId\":\"");
        *id = *id == '0' ? '1' : '0';
    }
    put_file(in(state, "state/trust.json"), piece);
    assert_int_equal(site_open(&s, false), ERR_CORRUPT);
    assert_said("and now it is missing: the store was rolled back or tampered with");
    site_free(&s);
}

/* Adds snapshots, and none of them makes one due. */
static void add_without_being_due(struct site *s, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_false(ledger_checkpoint_is_due(s->ledger));
        site_snapshot(s, "aaaa");
    }
}

static void a_checkpoint_is_due_early_and_then_after_64_records(void **state)
{
    struct site s;

    site_new(&s, state);
    add_without_being_due(&s, LEDGER_CHECKPOINT_FIRST - 2);
    assert_true(ledger_checkpoint_is_due(s.ledger));
    assert_done(ledger_checkpoint(s.ledger));
    add_without_being_due(&s, LEDGER_CHECKPOINT_EVERY + 1);
    assert_true(ledger_checkpoint_is_due(s.ledger));
    assert_done(ledger_checkpoint(s.ledger));
    assert_false(ledger_checkpoint_is_due(s.ledger));
    assert_done(site_open(&s, false));
    assert_false(ledger_checkpoint_is_due(s.ledger));
    site_free(&s);
}

/* 110 records are live when the last one is made: more must come than that. */
static void a_checkpoint_of_a_large_ledger_is_due_later(void **state)
{
    struct site s;

    site_new(&s, state);
    for (size_t i = 3; i < 110; i++)
        site_snapshot(&s, "aaaa");
    assert_done(ledger_checkpoint(s.ledger));
    add_without_being_due(&s, 111);
    assert_true(ledger_checkpoint_is_due(s.ledger));
    site_free(&s);
}

static bool has_object(const struct site *s, const char *name)
{
    uint64_t size;
    enum err rc = store_head(s->store, name, &size);

    err_clear();
    assert_true(rc == ERR_OK || rc == ERR_NOT_FOUND);
    return rc == ERR_OK;
}

/* What a killed run left at the place of a snapshot goes, too; what another writer made, or is
 * called otherwise, stays. */
static void two_bundles_of_a_writer_are_kept(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_done(ledger_checkpoint(s.ledger));
    site_snapshot(&s, "aaaa");
    site_put(&s, BUNDLE_NAME("1"), bytes_of_text("half of it"));
    site_put(&s, BUNDLE_NAME("9"), bytes_of_text("of the future"));
    site_put(&s, "checkpoints/" OTHER_ID "/0000000000000000.jsonl", bytes_of_text("of another"));
    site_put(&s, "checkpoints/" OWN_ID "/0.jsonl", bytes_of_text("a foreign name"));
    assert_done(ledger_checkpoint(s.ledger));
    assert_true(has_object(&s, BUNDLE_NAME("0")));
    assert_false(has_object(&s, BUNDLE_NAME("1")));
    assert_done(ledger_checkpoint(s.ledger));
    assert_false(has_object(&s, BUNDLE_NAME("0")));
    assert_true(has_object(&s, BUNDLE_NAME("2")));
    assert_true(has_object(&s, BUNDLE_NAME("3")));
    assert_true(has_object(&s, BUNDLE_NAME("9")));
    assert_true(has_object(&s, "checkpoints/" OTHER_ID "/0000000000000000.jsonl"));
    assert_true(has_object(&s, "checkpoints/" OWN_ID "/0.jsonl"));
    assert_done(site_open(&s, true)); /* no damage */
    site_free(&s);
}

/* Crashes at the nth operation of a checkpoint; says how it ended. */
static enum err crash_at(struct site *s, unsigned long nth)
{
    struct faulty f = {.fault = FAULT_CRASH, .inner = s->store};
    struct ledger_options options = site_options(s, false);
    struct ledger *l = NULL;
    enum err rc;

    assert_done(faulty_open(&f, &options.store));
    assert_done(ledger_open(&options, &l));
    f.fail_at = atomic_load(&f.count) + nth;
    rc = ledger_checkpoint(l);
    ledger_free(l);
    store_free(options.store);
    faulty_clear(&f);
    return rc;
}

static void a_killed_checkpoint_is_made_again(void **state)
{
    enum err rc = ERR_STORAGE;
    unsigned long nth = 0;

    while (rc != ERR_OK) {
        struct site s;

        site_new(&s, state);
        site_snapshot(&s, "aaaa");
        rc = crash_at(&s, ++nth);
        assert_done(site_open(&s, false));
        assert_done(ledger_checkpoint(s.ledger));
        site_snapshot(&s, "bbbb");
        assert_done(site_open(&s, true));
        site_free(&s);
        assert_int_equal(directory_teardown(state), 0);
        assert_int_equal(directory_setup(state), 0);
    }
    assert_true(nth > 8); /* the bundle: begin, five writes, commit; the record */
}

/* Whatever is left, the next one removes. */
static void a_killed_removal_of_bundles_is_completed(void **state)
{
    bool is_removed = false;
    unsigned long nth = 0;

    while (!is_removed) {
        struct site s;
        enum err rc;

        site_new(&s, state);
        assert_done(ledger_checkpoint(s.ledger));
        assert_done(ledger_checkpoint(s.ledger));
        rc = crash_at(&s, ++nth);
        is_removed = !has_object(&s, BUNDLE_NAME("0"));
        assert_true(rc == ERR_OK || !is_removed);
        assert_done(site_open(&s, true));
        assert_done(ledger_checkpoint(s.ledger));
        assert_false(has_object(&s, BUNDLE_NAME("0")));
        assert_done(site_open(&s, true));
        site_free(&s);
        assert_int_equal(directory_teardown(state), 0);
        assert_int_equal(directory_setup(state), 0);
    }
    assert_true(nth > 9); /* the bundle, the record, the listing, the removal */
}

static void a_bundle_of_a_killed_run_is_replaced(void **state)
{
    struct site s;

    site_new(&s, state);
    site_put(&s, BUNDLE_NAME("0"), bytes_of_text("half of it"));
    assert_done(ledger_checkpoint(s.ledger));
    assert_opens(&s, 3);
    site_free(&s);
}

static void a_malformed_checkpoint_is_refused(void **state)
{
    static const struct {
        const char *body;
        const char *why;
    } rows[] = {
        {"{}", "member \"heads\" is missing"},
        {"{\"heads\":[]}", "member \"liveSet\" is missing"},
        {"{\"heads\":[{\"writerId\":\"" ROOT_ID "\",\"seq\":0,\"recordId\":\"00\"}]}",
         "member \"recordId\""},
        {"{\"heads\":[],\"liveSet\":{\"count\":0,\"sha256\":\"00\"}}", "member \"sha256\""},
    };
    struct site s;

    site_new(&s, state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        record_free(forge(&s, s.own, RECORD_CHECKPOINT, NULL, LATER, rows[i].body));
        assert_int_equal(site_open(&s, true), ERR_CORRUPT);
        assert_said(rows[i].why);
        site_delete(&s, OWN_NAME("0"));
        assert_done(site_open(&s, true));
    }
    site_free(&s);
}

#define BASE "aa0000000000000000000000"
#define MIDDLE "bb0000000000000000000000"
#define CHILD "cc0000000000000000000000"

static size_t snapshots_in(const struct site *s)
{
    return ledger_query_count(s->ledger, RECORD_SNAPSHOT);
}

static void end_snapshot(struct site *s, const char *id)
{
    char body[100];

    snprintf(body, sizeof body, "{\"subject\":\"%s\",\"reason\":\"test\"}", id);
    assert_done(site_append(s, RECORD_TOMBSTONE, body));
}

/* Its data key is needed as long as a descendant is there. */
static void an_ended_ancestor_of_what_lives_stays_in_the_bundle(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"" BASE "\"}"));
    assert_done(
        site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"" MIDDLE "\",\"parent\":\"" BASE "\"}"));
    assert_done(
        site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"" CHILD "\",\"parent\":\"" MIDDLE "\"}"));
    end_snapshot(&s, BASE);
    end_snapshot(&s, MIDDLE);
    assert_true(ledger_query_is_ended(s.ledger, ledger_query_at(s.ledger, RECORD_SNAPSHOT, 0)));
    assert_true(ledger_query_is_live(s.ledger, ledger_query_at(s.ledger, RECORD_SNAPSHOT, 0)));
    assert_done(ledger_checkpoint(s.ledger));
    for (uint64_t i = 0; i < 3; i++)
        site_delete(&s, site_name(OWN_ID, i));
    site_forget(&s);
    assert_done(site_open(&s, false));
    assert_int_equal(snapshots_in(&s), 3);
    assert_true(ledger_query_is_live(s.ledger, ledger_query_at(s.ledger, RECORD_SNAPSHOT, 0)));
    site_free(&s);
}

static void with_its_last_descendant_an_ended_ancestor_goes(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"" BASE "\"}"));
    assert_done(site_append(&s, RECORD_SNAPSHOT, "{\"id\":\"" CHILD "\",\"parent\":\"" BASE "\"}"));
    end_snapshot(&s, BASE);
    end_snapshot(&s, CHILD);
    assert_false(ledger_query_is_live(s.ledger, ledger_query_at(s.ledger, RECORD_SNAPSHOT, 0)));
    assert_done(ledger_checkpoint(s.ledger));
    site_delete(&s, site_name(OWN_ID, 0)); /* the end of a chain stays */
    site_forget(&s);
    assert_done(site_open(&s, false));
    assert_int_equal(snapshots_in(&s), 1);
    site_free(&s);
}

#define REWRAP "{\"dataKey\":{\"scope\":\"000000000000000000000000000000aa\"}}"

/* Two rewraps of one data key and a snapshot; what the newest record is younger by than the second
 * rewrap. */
static void put_rewraps(struct site *s, int64_t younger_ms)
{
    struct record *first = NULL;
    struct record *second = NULL;
    int64_t now_ms = clock_now_ms();

    first = forge(s, s->own, RECORD_REWRAP, NULL, now_ms - 30 * CLOCK_DAY_MS, REWRAP);
    second = forge(s, s->own, RECORD_REWRAP, first, now_ms - younger_ms, REWRAP);
    record_free(forge(s, s->own, RECORD_SNAPSHOT, second, now_ms, "{\"id\":\"" BASE "\"}"));
    record_free(first);
    record_free(second);
    site_close(s);
    assert_done(site_open(s, false));
}

static void a_rewrap_takes_the_place_of_the_one_before_after_a_week(void **state)
{
    static const struct {
        int64_t younger_ms;
        bool is_replaced;
    } rows[] = {{LEDGER_REWRAP_TRIAL_MS - 60000, false}, {LEDGER_REWRAP_TRIAL_MS, true}};

    for (size_t i = 0; i < 2; i++) {
        struct site s;
        enum err rc;

        site_new(&s, state);
        put_rewraps(&s, rows[i].younger_ms);
        assert_int_equal(
            ledger_query_is_live(s.ledger, ledger_query_at(s.ledger, RECORD_REWRAP, 0)),
            !rows[i].is_replaced);
        assert_true(ledger_query_is_live(s.ledger, ledger_query_at(s.ledger, RECORD_REWRAP, 1)));
        assert_done(ledger_checkpoint(s.ledger));
        site_delete(&s, site_name(OWN_ID, 0));
        site_close(&s);
        rc = site_open(&s, false); /* with its cache: what is gone must be dead */
        assert_int_equal(rc, ERR_OK);
        assert_int_equal(ledger_query_count(s.ledger, RECORD_REWRAP), rows[i].is_replaced ? 1 : 2);
        site_free(&s);
        assert_int_equal(directory_teardown(state), 0);
        assert_int_equal(directory_setup(state), 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_rewrap_takes_the_place_of_the_one_before_after_a_week),
        IN_DIRECTORY(an_ended_ancestor_of_what_lives_stays_in_the_bundle),
        IN_DIRECTORY(with_its_last_descendant_an_ended_ancestor_goes),
        IN_DIRECTORY(the_record_says_what_is_live),
        IN_DIRECTORY(a_dead_record_that_a_checkpoint_covers_may_be_deleted),
        IN_DIRECTORY(a_live_record_comes_from_the_bundle),
        IN_DIRECTORY(all_records_of_a_chain_before_the_checkpoint_can_come_from_the_bundle),
        IN_DIRECTORY(a_record_after_the_checkpoint_is_missed),
        IN_DIRECTORY(a_seen_record_after_the_checkpoint_is_missed_at_the_end_too),
        IN_DIRECTORY(a_deleted_checkpoint_covers_nothing),
        IN_DIRECTORY(a_damaged_record_that_the_checkpoint_covers_counts_as_missing),
        IN_DIRECTORY(a_missing_bundle_matters_when_it_is_needed_or_all_is_read),
        IN_DIRECTORY(every_changed_byte_of_a_bundle_is_noticed),
        IN_DIRECTORY(a_checkpoint_protects_the_ends_it_names),
        IN_DIRECTORY(an_end_that_a_checkpoint_names_is_never_gone),
        IN_DIRECTORY(a_writers_checkpoint_hides_nothing_of_roots),
        IN_DIRECTORY(a_seen_record_that_died_is_not_a_rollback),
        IN_DIRECTORY(a_checkpoint_is_due_early_and_then_after_64_records),
        IN_DIRECTORY(a_checkpoint_of_a_large_ledger_is_due_later),
        IN_DIRECTORY(two_bundles_of_a_writer_are_kept),
        IN_DIRECTORY(a_killed_removal_of_bundles_is_completed),
        IN_DIRECTORY(a_killed_checkpoint_is_made_again),
        IN_DIRECTORY(a_bundle_of_a_killed_run_is_replaced),
        IN_DIRECTORY(a_malformed_checkpoint_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

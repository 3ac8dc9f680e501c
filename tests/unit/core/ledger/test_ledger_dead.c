/*
 * What the thief of a key with the role retention can try, met by readers with and without memory.
 */
#include "core/ledger/ledger_dead.h"

#include "core/fs/file.h"
#include "tests/unit/core/ledger/forge.h"

#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"
#define OTHER_NAME(seq) "ledger/" OTHER_ID "/000000000000000" seq ".json"
#define FAR INT64_C(4000000000000)
#define PAST "\"2020-01-01T00:00:00.000Z\""
#define FUTURE "\"2090-01-01T00:00:00.000Z\""

/* Snapshots by this machine: 0 has expired, 1 has not, 2 never does. The other one may end some. */
static void three_snapshots(struct site *s, void **state)
{
    site_new(s, state);
    assert_done(site_append(s, RECORD_WRITER, ENROL_OTHER_AS("[\"retention\"]")));
    assert_done(site_append(s, RECORD_SNAPSHOT, "{\"id\":\"past\",\"expiresAt\":" PAST "}"));
    assert_done(site_append(s, RECORD_SNAPSHOT, "{\"id\":\"future\",\"expiresAt\":" FUTURE "}"));
    assert_done(site_append(s, RECORD_SNAPSHOT, "{\"id\":\"never\",\"expiresAt\":null}"));
}

static void a_tombstone_by_a_writer_ends_what_has_expired(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    record_free(
        forge(&s, s.other, RECORD_TOMBSTONE, NULL, clock_now_ms(), "{\"subject\":\"past\"}"));
    assert_done(site_open(&s, true));
    assert_done(site_open(&s, false));
    site_free(&s);
}

static void a_tombstone_of_anything_else_is_an_alarm(void **state)
{
    static const struct {
        const char *body;
        int64_t created_ms;
        const char *why;
    } rows[] = {
        {"{\"subject\":\"future\"}", 0, "which expires at 2090-01-01T00:00:00.000Z, before that"},
        {"{\"subject\":\"future\"}", FAR, "by the clock of this machine that is yet to come"},
        {"{\"subject\":\"never\"}", FAR, "which never expires"},
        {"{\"subject\":\"nothing\"}", FAR, "which is not there"},
    };
    struct site s;

    three_snapshots(&s, state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t created_ms = rows[i].created_ms != 0 ? rows[i].created_ms : clock_now_ms();

        record_free(forge(&s, s.other, RECORD_TOMBSTONE, NULL, created_ms, rows[i].body));
        for (int all = 0; all < 2; all++) {
            assert_int_equal(site_open(&s, all == 1), ERR_CORRUPT);
            assert_said(OTHER_NAME("0"));
            assert_said(rows[i].why);
        }
        site_delete(&s, OTHER_NAME("0"));
        assert_done(site_open(&s, false));
    }
    site_free(&s);
}

/* What a checkpoint of the other says of an end. */
static void add_head(const struct site *s, const char *writer, char *to, size_t size)
{
    uint8_t id[SIGNER_ID_LEN];
    char hex[2 * RECORD_ID_LEN + 1];
    const struct head *head;
    size_t len = strlen(to);

    assert_done(text_unhex(writer, id, sizeof id));
    head = ledger_head(s->ledger, id);
    text_hex(bytes_of(head->id, RECORD_ID_LEN), hex);
    snprintf(to + len, size - len, "%s{\"writerId\":\"%s\",\"seq\":%d,\"recordId\":\"%s\"}",
             len > 0 ? "," : "", writer, (int)head->seq, hex);
}

/* Genuine but for what it leaves out, the record of this machine with that number, and for
 * `forged`, which is in the place of another; NULL: none is. */
static void forge_checkpoint(struct site *s, uint64_t left_out, const struct record *forged)
{
    struct buf bytes = {.max = MIB};
    struct buf ids = {.max = MIB};
    char digests[2][2 * HASH_LEN + 1];
    uint8_t digest[HASH_LEN];
    char heads[1024] = "";
    char body[2048];
    size_t count = 0;

    for (size_t i = 0; i < ledger_count(s->ledger); i++) {
        const struct record *r = ledger_at(s->ledger, i);

        if (ledger_is_own(s->ledger, r->writer) && r->seq == left_out)
            continue;
        if (forged != NULL && ledger_is_own(s->ledger, r->writer) && r->seq == forged->seq)
            r = forged;
        assert_done(record_raw(r, &bytes));
        assert_done(buf_add(&ids, bytes_of(r->id, RECORD_ID_LEN)));
        count++;
    }
    assert_done(hash_of(buf_bytes(&ids), digest));
    text_hex(bytes_of(digest, HASH_LEN), digests[0]);
    assert_done(hash_of(buf_bytes(&bytes), digest));
    text_hex(bytes_of(digest, HASH_LEN), digests[1]);
    add_head(s, ROOT_ID, heads, sizeof heads);
    add_head(s, OWN_ID, heads, sizeof heads);
    snprintf(body, sizeof body,
             "{\"heads\":[%s],\"liveSet\":{\"count\":%zu,\"sha256\":\"%s\"},\"expiresAt\":null,"
             "\"bundle\":{\"name\":\"checkpoints/" OTHER_ID "/0000000000000000.jsonl\","
             "\"size\":%zu,\"sha256\":\"%s\"}}",
             heads, count, digests[0], bytes.len, digests[1]);
    site_put(s, "checkpoints/" OTHER_ID "/0000000000000000.jsonl", buf_bytes(&bytes));
    record_free(forge(s, s->other, RECORD_CHECKPOINT, NULL, clock_now_ms() + 1000, body));
    buf_clear(&ids);
    buf_clear(&bytes);
}

/* While the record is there, every reader sees it. */
static void a_checkpoint_that_leaves_out_what_is_there_and_live_is_an_alarm(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    forge_checkpoint(&s, UINT64_MAX, NULL); /* nothing */
    assert_done(site_open(&s, true));
    site_delete(&s, OTHER_NAME("0"));
    site_forget(&s);
    assert_done(site_open(&s, false));
    forge_checkpoint(&s, 1, NULL);
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   OTHER_NAME("0") ": it leaves out what is live: of the records that it saw the "
                                   "ledger has 6 live ones, and it names 5, or others: its writer "
                                   "may have been taken over");
    site_free(&s);
}

/* When it is gone, too, whoever has it in the cache sees it; a new reader cannot know. */
static void a_live_record_that_was_seen_is_missed(void **state)
{
    struct site s;
    char expected[ERR_TEXT_MAX];

    three_snapshots(&s, state);
    assert_done(site_open(&s, false));
    forge_checkpoint(&s, 1, NULL);
    site_delete(&s, OWN_NAME("1"));
    snprintf(expected, sizeof expected, "%s",
             OWN_NAME("1") ": it was seen before, nothing has ended it, and now it is gone: the "
                           "newest checkpoint leaves it out, and its writer may have been taken "
                           "over" DAMAGED_HINT);
    assert_refused(site_open(&s, false), ERR_CORRUPT, expected);
    assert_refused(site_open(&s, true), ERR_CORRUPT, expected);
    assert_refused(site_open(&s, false), ERR_CORRUPT, expected); /* and is not forgotten */
    site_forget(&s);
    assert_done(site_open(&s, false));
    site_free(&s);
}

/* The first record of this machine is replaced by another one for the same place. The second, whose
 * "prev" would tell, has expired: the newest checkpoint leaves it out, and it is deleted. */
static void replace_below_a_hole(struct site *s, const char *body)
{
    struct record *first = site_record(s, OWN_ID, 0);
    struct record *forged;

    assert_done(site_append_own(s, RECORD_TOMBSTONE, "{\"subject\":\"past\"}"));
    assert_done(ledger_checkpoint(s->ledger));
    assert_done(site_open(s, false));
    forged = forge(s, s->own, RECORD_SNAPSHOT, NULL, first->created_ms, body);
    forge_checkpoint(s, 1, forged);
    site_delete(s, OWN_NAME("1"));
    record_free(forged);
    record_free(first);
}

static void expect_replaced(struct site *s, bool read_all)
{
    assert_refused(site_open(s, read_all), ERR_CORRUPT,
                   OWN_NAME("0") ": another record was seen here before: it was replaced, and its "
                                 "writer may have been taken over" DAMAGED_HINT);
}

static void site_with_hole(struct site *s, void **state, const char *forged)
{
    site_new(s, state);
    assert_done(site_append(s, RECORD_WRITER, ENROL_OTHER_AS("[\"retention\"]")));
    assert_done(site_append(s, RECORD_SNAPSHOT, "{\"id\":\"kept\"}"));
    assert_done(site_append(s, RECORD_SNAPSHOT, "{\"id\":\"past\",\"expiresAt\":" PAST "}"));
    replace_below_a_hole(s, forged);
}

static void a_record_replaced_below_a_hole_is_noticed_by_who_has_seen_it(void **state)
{
    struct site s;

    site_with_hole(&s, state, "{\"id\":\"another\"}");
    for (int i = 0; i < 2; i++) { /* and it is not forgotten */
        expect_replaced(&s, false);
        expect_replaced(&s, true);
    }
    site_forget(&s);
    assert_done(site_open(&s, false)); /* a new reader cannot know */
    site_free(&s);
}

/* As far as the listing says, it is the one in the cache. */
static void a_replaced_record_of_the_same_size_is_noticed_when_all_are_read(void **state)
{
    struct site s;

    site_with_hole(&s, state, "{\"id\":\"tepk\"}");
    for (int i = 0; i < 2; i++)
        expect_replaced(&s, true);
    site_free(&s);
}

/* Root finds out late: what the thief signed was seen, and is in a checkpoint and its bundle. */
static void what_a_revocation_took_back_is_missed_by_nobody(void **state)
{
    struct site s;
    struct record *good;
    struct record *bad;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER_AS("[\"backup\"]")));
    good = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"good\"}");
    bad = forge(&s, s.other, RECORD_SNAPSHOT, good, 1000, "{\"id\":\"bad\"}");
    assert_done(site_open(&s, false));
    assert_done(ledger_checkpoint(s.ledger));
    site_revoke_other(&s, good);
    assert_int_equal(site_open(&s, false), ERR_CORRUPT);
    assert_said(OTHER_NAME("1") ": its writer had been revoked by then");
    assert_said("look at it, then remove it");
    site_delete(&s, OTHER_NAME("1"));
    for (int all = 0; all < 2; all++) {
        assert_done(site_open(&s, all == 1));
        assert_int_equal(ledger_count(s.ledger), 6);
    }
    site_snapshot(&s, "more");
    assert_done(ledger_checkpoint(s.ledger));
    assert_done(site_open(&s, true));
    site_forget(&s);
    assert_done(site_open(&s, true));
    record_free(bad);
    record_free(good);
    site_free(&s);
}

/* A cache that was damaged tells nothing: what its writer did not sign was never there. */
static void what_was_never_signed_is_not_missed(void **state)
{
    struct site s;
    struct buf cache = {.max = MIB};
    struct record *r;
    struct record copy;

    three_snapshots(&s, state);
    r = site_record(&s, OWN_ID, 2);
    copy = *r;
    record_free(forge(&s, s.other, RECORD_KEY_STATE, &copy, FAR, "{}")); /* not its role */
    {
        struct buf raw = site_raw(&s, "ledger/" OTHER_ID "/0000000000000003.json");

        assert_done(file_read(in(state, "state/records.jsonl"), &cache));
        assert_done(buf_add(&cache, buf_bytes(&raw)));
        assert_done(buf_add(&cache, bytes_of("", 1)));
        put_file(in(state, "state/records.jsonl"), (const char *)cache.data);
        assert_int_equal(chmod(in(state, "state/records.jsonl"), 0600), 0);
        buf_clear(&raw);
    }
    site_delete(&s, "ledger/" OTHER_ID "/0000000000000003.json");
    assert_done(site_open(&s, false));
    buf_clear(&cache);
    record_free(r);
    site_free(&s);
}

static enum err open_it(void *arg)
{
    struct site *s = arg;
    struct ledger_options options = site_options(s, true);
    struct ledger *l = NULL;
    enum err rc = ledger_open(&options, &l);

    ledger_free(l);
    return rc;
}

/* With a checkpoint, a tombstone by a writer, and a dead record that only the cache has. */
static void no_allocation_is_missed(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    assert_done(site_append_own(&s, RECORD_TOMBSTONE, "{\"subject\":\"past\"}"));
    assert_done(ledger_checkpoint(s.ledger));
    site_delete(&s, OWN_NAME("0"));
    site_close(&s);
    assert_true(sweep_allocations(open_it, &s) > 20);
    assert_done(site_open(&s, false));
    assert_int_equal(ledger_count(s.ledger), 7);
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_tombstone_by_a_writer_ends_what_has_expired),
        IN_DIRECTORY(a_tombstone_of_anything_else_is_an_alarm),
        IN_DIRECTORY(a_checkpoint_that_leaves_out_what_is_there_and_live_is_an_alarm),
        IN_DIRECTORY(a_live_record_that_was_seen_is_missed),
        IN_DIRECTORY(a_record_replaced_below_a_hole_is_noticed_by_who_has_seen_it),
        IN_DIRECTORY(a_replaced_record_of_the_same_size_is_noticed_when_all_are_read),
        IN_DIRECTORY(what_a_revocation_took_back_is_missed_by_nobody),
        IN_DIRECTORY(what_was_never_signed_is_not_missed),
        IN_DIRECTORY(no_allocation_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

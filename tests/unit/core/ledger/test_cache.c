#include "core/ledger/cache.h"

#include "tests/unit/core/ledger/forge.h"
#include "tests/unit/faulty.h"

#define CACHE "state/records.jsonl"
#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"

/* How many records an opening reads from the store. */
static unsigned long reads_of_opening(struct site *s)
{
    struct faulty f = {.ops = FAULTY_BLOB_OPEN, .inner = s->store};
    struct ledger_options options = site_options(s, false);

    site_close(s);
    assert_done(faulty_open(&f, &options.store));
    assert_done(ledger_open(&options, &s->ledger));
    site_close(s);
    store_free(options.store);
    faulty_clear(&f);
    return atomic_load(&f.count);
}

static off_t length_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void what_was_checked_once_is_not_read_again(void **state)
{
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    assert_int_equal(reads_of_opening(&s), 0);
    site_forget(&s);
    assert_int_equal(reads_of_opening(&s), 4);
    assert_int_equal(reads_of_opening(&s), 0);
    site_free(&s);
}

static void a_torn_end_is_dropped_and_read_again(void **state)
{
    struct site s;
    off_t whole;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    whole = length_of(in(state, CACHE));
    for (off_t cut = 1; cut < whole; cut += 37) {
        assert_int_equal(truncate(in(state, CACHE), whole - cut), 0);
        assert_true(reads_of_opening(&s) > 0);
        assert_int_equal(length_of(in(state, CACHE)), whole);
        assert_int_equal(reads_of_opening(&s), 0);
    }
    site_free(&s);
}

/* The machine lost power: the length is there, the bytes are not. */
static void a_record_behind_a_torn_one_is_not_lost(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_int_equal(truncate(in(state, CACHE), length_of(in(state, CACHE)) + 500), 0);
    site_snapshot(&s, "aaaa"); /* is added behind the zeros */
    assert_int_equal(reads_of_opening(&s), 1);
    assert_int_equal(reads_of_opening(&s), 0);
    site_free(&s);
}

struct changing {
    struct site *site;
    struct bytes before; /* the record that is changed lies between these two */
    struct bytes behind;
};

static enum err open_over(void *arg, struct bytes changed)
{
    const struct changing *c = arg;
    struct site *s = c->site;
    FILE *f = fopen(in(s->state, CACHE), "w");

    assert_non_null(f);
    assert_int_equal(fwrite(c->before.data, 1, c->before.len, f), c->before.len);
    assert_int_equal(fwrite(changed.data, 1, changed.len, f), changed.len);
    assert_int_equal(fwrite(c->behind.data, 1, c->behind.len, f), c->behind.len);
    assert_int_equal(fclose(f), 0);
    assert_done(site_open(s, false));
    assert_int_equal(ledger_count(s->ledger), 3);
    return err_set(ERR_CORRUPT, "which is what the sweep asks for");
}

/* One record of three is enough: all are read alike. */
static void a_damaged_cache_never_looks_like_a_damaged_ledger(void **state)
{
    struct site s;
    struct changing c = {.site = &s};
    struct buf raw[3];

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    raw[0] = site_raw(&s, ROOT_NAME("0"));
    raw[1] = site_raw(&s, ROOT_NAME("1"));
    raw[2] = site_raw(&s, OWN_NAME("0"));
    c.before = buf_bytes(&raw[0]);
    c.behind = buf_bytes(&raw[2]);
    sweep_flips(buf_bytes(&raw[1]), open_over, &c);
    for (size_t i = 0; i < 3; i++)
        buf_clear(&raw[i]);
    site_free(&s);
}

static void a_cached_record_that_left_the_store_is_missed(void **state)
{
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    site_delete(&s, OWN_NAME("0"));
    assert_int_equal(site_open(&s, false), ERR_CORRUPT);
    assert_said("no checkpoint covers that: it was deleted");
    site_free(&s);
}

static void a_stored_record_of_another_length_is_noticed(void **state)
{
    struct site s;
    struct buf raw;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    raw = site_raw(&s, OWN_NAME("0"));
    site_put(&s, OWN_NAME("0"), bytes_of(raw.data, raw.len - 1));
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   OWN_NAME("0") ": not two whole lines" DAMAGED);
    buf_clear(&raw);
    site_free(&s);
}

/* A flipped byte of the same length stays unseen with the cache; verify reads all. */
static void reading_all_does_not_ask_the_cache(void **state)
{
    struct site s;
    struct buf raw;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    raw = site_raw(&s, OWN_NAME("0"));
    raw.data[raw.len - 20] ^= 1;
    site_put(&s, OWN_NAME("0"), buf_bytes(&raw));
    assert_done(site_open(&s, false));
    assert_int_equal(site_open(&s, true), ERR_CORRUPT);
    buf_clear(&raw);
    site_free(&s);
}

/* Who only ever verifies remembers, too; and what is there is not written again. */
static void reading_all_adds_to_the_cache_what_it_lacks(void **state)
{
    struct site s;
    off_t whole;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    whole = length_of(in(state, CACHE));
    for (off_t cut = 0; cut < whole; cut += whole / 5) {
        assert_int_equal(truncate(in(state, CACHE), whole - cut), 0);
        assert_done(site_open(&s, true));
        assert_int_equal(length_of(in(state, CACHE)), whole);
        assert_int_equal(reads_of_opening(&s), 0);
    }
    assert_int_equal(unlink(in(state, CACHE)), 0);
    assert_done(site_open(&s, true));
    assert_int_equal(length_of(in(state, CACHE)), whole);
    assert_int_equal(reads_of_opening(&s), 0);
    site_free(&s);
}

static void a_cache_others_can_write_is_not_used(void **state)
{
    struct site s;
    struct stat st;

    site_new(&s, state);
    site_close(&s);
    assert_int_equal(chmod(in(state, CACHE), 0666), 0);
    log_to(keep_warning);
    assert_int_equal(reads_of_opening(&s), 2);
    log_to(NULL);
    assert_non_null(strstr(last_warning, "can be written by others and is not used"));
    assert_int_equal(stat(in(state, CACHE), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(reads_of_opening(&s), 0);
    site_free(&s);
}

static void a_cache_of_mostly_gone_records_is_made_anew(void **state)
{
    struct site s;
    struct buf raw;
    FILE *f;
    off_t whole;

    site_new(&s, state);
    site_close(&s);
    whole = length_of(in(state, CACHE));
    raw = site_raw(&s, ROOT_NAME("1"));
    f = fopen(in(state, CACHE), "a");
    assert_non_null(f);
    for (int i = 0; i < 70; i++) /* what another run added, too */
        assert_int_equal(fwrite(raw.data, 1, raw.len, f), raw.len);
    fclose(f);
    assert_int_equal(reads_of_opening(&s), 0);
    assert_int_equal(length_of(in(state, CACHE)), whole);
    buf_clear(&raw);
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_was_checked_once_is_not_read_again),
        IN_DIRECTORY(a_torn_end_is_dropped_and_read_again),
        IN_DIRECTORY(a_record_behind_a_torn_one_is_not_lost),
        IN_DIRECTORY(a_damaged_cache_never_looks_like_a_damaged_ledger),
        IN_DIRECTORY(a_cached_record_that_left_the_store_is_missed),
        IN_DIRECTORY(a_stored_record_of_another_length_is_noticed),
        IN_DIRECTORY(reading_all_does_not_ask_the_cache),
        IN_DIRECTORY(reading_all_adds_to_the_cache_what_it_lacks),
        IN_DIRECTORY(a_cache_others_can_write_is_not_used),
        IN_DIRECTORY(a_cache_of_mostly_gone_records_is_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

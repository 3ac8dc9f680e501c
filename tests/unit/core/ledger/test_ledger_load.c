#include "core/store/driver.h"
#include "tests/unit/core/ledger/forge.h"

#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"

/* A store in which a listing misses a name, as one of a directory in which others write may. */
struct hiding {
    struct store *inner; /* borrowed */
    const char *name;
    unsigned times; /* so many listings more do not have it */
    unsigned lists;
};

struct listing {
    const char *hidden; /* or NULL */
    store_each *each;
    void *arg;
};

static void hiding_free(void *self)
{
    (void)self;
}

static enum err hiding_blob_open(void *self, const char *name, void **blob, uint64_t *size)
{
    const struct hiding *h = self;
    struct store_blob *inner = NULL;
    enum err rc;

    TRY(store_blob_open(h->inner, name, &inner));
    *size = store_blob_size(inner);
    *blob = inner;
out:
    return rc;
}

static enum err hiding_blob_read(void *blob, uint64_t offset, void *to, size_t len)
{
    return store_blob_read(blob, offset, to, len);
}

static void hiding_blob_free(void *blob)
{
    store_blob_free(blob);
}

static enum err pass_on(void *arg, const char *name, uint64_t size)
{
    const struct listing *l = arg;

    if (l->hidden != NULL && strcmp(name, l->hidden) == 0)
        return ERR_OK;
    return l->each(l->arg, name, size);
}

static enum err hiding_list(void *self, const char *prefix, store_each *each, void *arg)
{
    struct hiding *h = self;
    struct listing l = {.each = each, .arg = arg};

    h->lists++;
    if (h->times > 0) {
        h->times--;
        l.hidden = h->name;
    }
    return store_list(h->inner, prefix, pass_on, &l);
}

static const struct store_driver hiding_driver = {
    .kind = "hiding",
    .free = hiding_free,
    .blob_open = hiding_blob_open,
    .blob_read = hiding_blob_read,
    .blob_free = hiding_blob_free,
    .list = hiding_list,
};

/* Opening while the next `times` listings miss the record. */
static enum err open_while(struct site *s, const char *hidden, unsigned times, bool read_all)
{
    struct hiding h = {.inner = s->store, .name = hidden, .times = times};
    struct ledger_options options = site_options(s, read_all);
    enum err rc;

    site_close(s);
    assert_done(store_of_driver(&hiding_driver, &h, "here", &options.store));
    rc = ledger_open(&options, &s->ledger);
    if (rc == ERR_OK)
        assert_int_equal(ledger_count(s->ledger), 4);
    assert_true(h.lists <= 10);
    site_close(s);
    store_free(options.store);
    return rc;
}

/* A record that is missed, and the next one is there: with and without what is kept of them. */
static void a_record_that_comes_while_the_directory_is_listed_is_no_damage(void **state)
{
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    log_to(keep_warning);
    warnings = 0;
    assert_done(open_while(&s, OWN_NAME("0"), 1, false));
    assert_done(open_while(&s, OWN_NAME("0"), 1, true));
    assert_done(open_while(&s, OWN_NAME("1"), 1, true)); /* seen before: no rollback */
    site_forget(&s);
    assert_done(open_while(&s, OWN_NAME("0"), 1, false));
    log_to(NULL);
    assert_int_equal(warnings, 0);
    site_free(&s);
}

static void a_record_that_stays_away_was_deleted(void **state)
{
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    assert_refused(open_while(&s, OWN_NAME("0"), 100, true), ERR_CORRUPT,
                   OWN_NAME("1") ": the record before it is missing, and no checkpoint covers "
                                 "that: it was deleted");
    assert_int_equal(open_while(&s, OWN_NAME("1"), 100, false), ERR_CORRUPT);
    assert_said("now its records end at 0");
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_record_that_comes_while_the_directory_is_listed_is_no_damage),
        IN_DIRECTORY(a_record_that_stays_away_was_deleted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

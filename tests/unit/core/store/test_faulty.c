/* The decorator that other tests rely on, tested itself. */
#include "tests/unit/faulty.h"

#include "tests/unit/helpers.h"

static struct store *open_in(void **state)
{
    struct store *s = NULL;

    assert_done(store_open(in(state, "repo"), true, &s));
    return s;
}

static enum err put(struct faulty *f, const char *name, const char *content)
{
    struct store *s = NULL;
    enum err rc;

    TRY(faulty_open(f, &s));
    TRY(store_put(s, name, bytes_of_text(content)));
out:
    store_free(s);
    return rc;
}

static enum err get(struct faulty *f, const char *name, char got[5])
{
    struct store *s = NULL;
    struct store_blob *b = NULL;
    enum err rc;

    TRY(faulty_open(f, &s));
    TRY(store_blob_open(s, name, &b));
    TRY(store_blob_read(b, 0, got, 4));
out:
    store_blob_free(b);
    store_free(s);
    return rc;
}

static void without_a_fault_it_counts_only(void **state)
{
    struct faulty f = {.inner = open_in(state)};
    char got[5] = "";

    assert_done(put(&f, "a", "four"));
    assert_done(get(&f, "a", got));
    assert_string_equal(got, "four");
    assert_int_equal(f.count, 5);
    store_free(f.inner);
}

static void each_operation_of_a_put_fails_in_turn_and_leaves_nothing(void **state)
{
    struct store *real = open_in(state);

    for (unsigned long nth = 1; nth <= 3; nth++) {
        struct faulty f = {.inner = real, .fault = FAULT_FAIL, .fail_at = nth};
        uint64_t size;

        assert_refused(put(&f, "a", "x"), ERR_STORAGE, "a: the faulty store refuses");
        assert_int_equal(store_head(real, "a", &size), ERR_NOT_FOUND);
        assert_int_equal(count_names(in(state, "repo/tmp")), 0);
    }
    store_free(real);
}

static void a_lost_reply_fails_but_the_object_is_there(void **state)
{
    struct faulty f = {
        .inner = open_in(state), .fault = FAULT_FAIL_AFTER, .fail_at = 1, .ops = FAULTY_PUT_COMMIT};

    assert_int_equal(put(&f, "a", "x"), ERR_STORAGE);
    assert_true(have_file(in(state, "repo/a"), "x"));
    store_free(f.inner);
}

static void a_crash_leaves_the_temporary_and_ends_everything(void **state)
{
    struct faulty f = {
        .inner = open_in(state), .fault = FAULT_CRASH, .fail_at = 1, .ops = FAULTY_PUT_COMMIT};
    char got[5] = "";

    assert_refused(put(&f, "a", "x"), ERR_STORAGE, "the faulty store has crashed");
    assert_int_equal(count_names(in(state, "repo/tmp")), 1);
    assert_int_equal(put(&f, "b", "x"), ERR_STORAGE);
    assert_int_equal(get(&f, "a", got), ERR_STORAGE);
    assert_done(store_put(f.inner, "a", bytes_of_text("again")));
    assert_int_equal(count_names(in(state, "repo/tmp")), 1);
    faulty_clear(&f);
    assert_int_equal(count_names(in(state, "repo/tmp")), 0);
    assert_true(have_file(in(state, "repo/a"), "again"));
    store_free(f.inner);
}

static void reads_are_flipped_shortened_and_swapped(void **state)
{
    struct store *real = open_in(state);
    struct faulty flip = {
        .inner = real, .fault = FAULT_FLIP, .fail_at = 1, .ops = FAULTY_BLOB_READ, .byte = 1};
    struct faulty cut = {.inner = real, .fault = FAULT_SHORT, .fail_at = 1, .byte = 1};
    struct faulty swap = {.inner = real, .fault = FAULT_SWAP, .fail_at = 1, .other = "b"};
    char got[5] = "";

    assert_done(store_put(real, "a", bytes_of_text("aaaa")));
    assert_done(store_put(real, "b", bytes_of_text("bbbb")));
    assert_done(get(&flip, "a", got));
    assert_string_equal(got, "aqaa");
    assert_int_equal(get(&cut, "a", got), ERR_CORRUPT);
    assert_done(get(&swap, "a", got));
    assert_string_equal(got, "bbbb");
    store_free(real);
}

static void a_fault_may_last_and_may_concern_some_names_only(void **state)
{
    struct faulty f = {.inner = open_in(state),
                       .fault = FAULT_FAIL,
                       .fail_at = 1,
                       .sticky = true,
                       .below = "ledger/",
                       .code = ERR_EXISTS};

    assert_done(put(&f, "a", "x"));
    assert_int_equal(put(&f, "ledger/a", "x"), ERR_EXISTS);
    assert_int_equal(put(&f, "ledger/b", "x"), ERR_EXISTS);
    assert_done(put(&f, "b", "x"));
    store_free(f.inner);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(without_a_fault_it_counts_only),
        IN_DIRECTORY(each_operation_of_a_put_fails_in_turn_and_leaves_nothing),
        IN_DIRECTORY(a_lost_reply_fails_but_the_object_is_there),
        IN_DIRECTORY(a_crash_leaves_the_temporary_and_ends_everything),
        IN_DIRECTORY(reads_are_flipped_shortened_and_swapped),
        IN_DIRECTORY(a_fault_may_last_and_may_concern_some_names_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

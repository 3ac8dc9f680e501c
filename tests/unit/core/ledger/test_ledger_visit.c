/*
 * What came since a reader's last visit.
 */
#include "core/ledger/ledger_visit.h"

#include "core/ledger/trust.h"
#include "tests/unit/core/ledger/forge.h"

static const struct record *last_of(const struct site *s)
{
    return ledger_at(s->ledger, ledger_count(s->ledger) - 1);
}

static void what_came_after_the_last_visit_is_new_until_the_next_ends(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_done(site_open(&s, false)); /* the first visit ended with what was there */
    assert_true(ledger_visit_known_since(s.ledger) > 0);
    assert_false(ledger_visit_is_new(s.ledger, NULL, last_of(&s)));
    site_snapshot(&s, "aaaa");
    assert_true(ledger_visit_is_new(s.ledger, NULL, last_of(&s)));
    assert_done(site_open(&s, false)); /* has seen it, and told nobody */
    assert_true(ledger_visit_is_new(s.ledger, NULL, last_of(&s)));
    ledger_visit_end(s.ledger);
    assert_done(site_open(&s, false));
    assert_false(ledger_visit_is_new(s.ledger, NULL, last_of(&s)));
    site_free(&s);
}

static void of_a_writer_that_was_not_there_everything_is_new(void **state)
{
    struct heads none = {NULL, 0, 0};
    struct site s;

    site_new(&s, state);
    for (size_t i = 0; i < ledger_count(s.ledger); i++)
        assert_true(ledger_visit_is_new(s.ledger, &none, ledger_at(s.ledger, i)));
    assert_false(
        ledger_visit_is_new(s.ledger, ledger_visit_heads(s.ledger), ledger_at(s.ledger, 1)));
    site_free(&s);
}

static void a_visit_without_a_state_ends_nowhere(void **state)
{
    struct ledger_options options;
    struct site s;

    site_new(&s, state);
    options = site_options(&s, false);
    options.state_dir = NULL;
    site_close(&s);
    assert_done(ledger_open(&options, &s.ledger));
    assert_false(ledger_visit_is_new(s.ledger, NULL, last_of(&s)));
    assert_true(ledger_visit_known_since(s.ledger) == 0);
    ledger_visit_end(s.ledger);
    site_free(&s);
}

/* Both are written by several runs at once: neither takes the other's back. */
static void what_was_told_and_what_was_seen_are_raised_apart(void **state)
{
    struct trust t = {.known = false};
    const uint8_t *own;
    struct site s;

    site_new(&s, state);
    assert_done(site_open(&s, false));
    site_snapshot(&s, "aaaa");
    own = last_of(&s)->writer;
    assert_done(trust_load(in(state, "state/trust.json"), &t));
    assert_int_equal(heads_find(&t.heads, own)->seq, 0);
    assert_null(heads_find(&t.told, own));
    trust_clear(&t);
    ledger_visit_end(s.ledger);
    assert_done(trust_load(in(state, "state/trust.json"), &t));
    assert_int_equal(heads_find(&t.heads, own)->seq, 0);
    assert_int_equal(heads_find(&t.told, own)->seq, 0);
    trust_clear(&t);
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_came_after_the_last_visit_is_new_until_the_next_ends),
        IN_DIRECTORY(of_a_writer_that_was_not_there_everything_is_new),
        IN_DIRECTORY(a_visit_without_a_state_ends_nowhere),
        IN_DIRECTORY(what_was_told_and_what_was_seen_are_raised_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

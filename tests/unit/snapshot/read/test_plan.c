#include "snapshot/read/plan.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/mem.h"
#include "core/base/pool.h"
#include "tests/unit/helpers.h"

/* `count` items spread over objects; each is to come exactly once. */
struct wanted {
    uint32_t object_count;
    uint32_t count;
    uint32_t (*object_of)(uint32_t i, uint32_t object_count);
    struct plan *plan;
    atomic_uchar *seen;
    atomic_uint wrong;
    unsigned walks;
    enum err fail_walk; /* of the walk number fail_at */
    unsigned fail_at;
};

static uint64_t offset_of(uint32_t i)
{
    return (uint64_t)i * 2654435761u % 1000003; /* neither sorted nor unique */
}

static uint32_t scattered(uint32_t i, uint32_t object_count)
{
    return i * 7919u % object_count;
}

static uint32_t all_in_the_last(uint32_t i, uint32_t object_count)
{
    (void)i;
    return object_count - 1;
}

static uint32_t only_even(uint32_t i, uint32_t object_count)
{
    return i % (object_count / 2) * 2;
}

static enum err want_all(void *arg, struct plan *p)
{
    struct wanted *w = arg;
    enum err rc = ERR_OK;

    if (++w->walks == w->fail_at)
        return err_set(w->fail_walk, "the walk fails");
    for (uint32_t i = 0; i < w->count; i++) {
        struct plan_item item = {.offset = offset_of(i), .owner = i % 5, .block = i};

        TRY(plan_want(p, w->object_of(i, w->object_count), &item));
    }
out:
    return rc;
}

static enum err take_all(void *shared, size_t worker, const atomic_bool *stop)
{
    struct wanted *w = shared;
    struct plan_item *items = NULL;
    uint32_t object;
    size_t count = 0;

    (void)worker;
    (void)stop;
    while (plan_take(w->plan, &object, &items, &count))
        for (size_t i = 0; i < count; i++) {
            uint32_t n = items[i].block;

            if (n >= w->count || w->object_of(n, w->object_count) != object ||
                items[i].offset != offset_of(n) || items[i].owner != n % 5 ||
                (i > 0 && items[i - 1].offset > items[i].offset))
                atomic_fetch_add(&w->wrong, 1);
            else
                atomic_fetch_add(&w->seen[n], 1);
        }
    return ERR_OK;
}

static unsigned carry_out(struct wanted *w, size_t workers)
{
    unsigned rounds = 0;
    bool more = true;

    w->seen = calloc(w->count + 1, sizeof *w->seen);
    assert_non_null(w->seen);
    assert_done(plan_new(w->object_count, want_all, w, &w->plan));
    for (;;) {
        assert_done(plan_round(w->plan, &more));
        if (!more)
            break;
        rounds++;
        assert_done(pool_run(workers, take_all, w));
    }
    assert_done(plan_round(w->plan, &more));
    assert_false(more);
    plan_free(w->plan);
    assert_int_equal(atomic_load(&w->wrong), 0);
    for (uint32_t i = 0; i < w->count; i++)
        if (atomic_load(&w->seen[i]) != 1)
            fail_msg("item %u came %u times", i, atomic_load(&w->seen[i]));
    free(w->seen);
    return rounds;
}

static void every_item_comes_once_sorted_within_its_object(void **state)
{
    static uint32_t (*const spreads[])(uint32_t, uint32_t) = {scattered, all_in_the_last,
                                                              only_even};

    (void)state;
    for (size_t i = 0; i < sizeof spreads / sizeof spreads[0]; i++)
        for (size_t workers = 1; workers <= 4; workers += 3) {
            struct wanted w = {.object_count = 10, .count = 5000, .object_of = spreads[i]};

            assert_int_equal(carry_out(&w, workers), 1);
            assert_int_equal(w.walks, 2);
        }
}

static void nothing_wanted_is_nothing_to_do(void **state)
{
    struct wanted w = {.object_count = 0, .count = 0, .object_of = scattered};

    (void)state;
    assert_int_equal(carry_out(&w, 2), 0);
    w = (struct wanted){.object_count = 3, .count = 0, .object_of = scattered};
    assert_int_equal(carry_out(&w, 2), 1);
}

static void what_is_too_much_for_one_round_takes_several(void **state)
{
    struct wanted w = {
        .object_count = 5, .count = PLAN_ITEMS_MAX + PLAN_ITEMS_MAX / 4, .object_of = scattered};

    (void)state;
    assert_int_equal(carry_out(&w, 3), 2); /* four objects that just fit, and one */
    assert_int_equal(w.walks, 3);
}

static void an_object_that_is_too_large_for_a_round_gets_one_of_its_own(void **state)
{
    struct wanted w = {
        .object_count = 3, .count = PLAN_ITEMS_MAX + 1, .object_of = all_in_the_last};

    (void)state;
    assert_int_equal(carry_out(&w, 2), 1);
}

static void a_failing_walk_is_passed_on(void **state)
{
    for (unsigned nth = 1; nth <= 2; nth++) {
        struct wanted w = {.object_count = 3,
                           .count = 10,
                           .object_of = scattered,
                           .fail_walk = ERR_CORRUPT,
                           .fail_at = nth};
        bool more = false;

        (void)state;
        if (nth == 1) {
            assert_refused(plan_new(3, want_all, &w, &w.plan), ERR_CORRUPT, "the walk fails");
            assert_null(w.plan);
            continue;
        }
        assert_done(plan_new(3, want_all, &w, &w.plan));
        assert_refused(plan_round(w.plan, &more), ERR_CORRUPT, "the walk fails");
        plan_free(w.plan);
    }
}

static enum err plan_once(void *arg)
{
    struct wanted w = {.object_count = 3, .count = 10, .object_of = scattered};
    bool more = false;
    enum err rc;

    (void)arg;
    TRY(plan_new(3, want_all, &w, &w.plan));
    TRY(plan_round(w.plan, &more));
out:
    plan_free(w.plan);
    return rc;
}

static void no_memory_is_said(void **state)
{
    (void)state;
    assert_int_equal(sweep_allocations(plan_once, NULL), 5);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_item_comes_once_sorted_within_its_object),
    cmocka_unit_test(nothing_wanted_is_nothing_to_do),
    cmocka_unit_test(what_is_too_much_for_one_round_takes_several),
    cmocka_unit_test(an_object_that_is_too_large_for_a_round_gets_one_of_its_own),
    cmocka_unit_test(a_failing_walk_is_passed_on),
    cmocka_unit_test(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

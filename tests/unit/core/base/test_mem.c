#include "core/base/mem.h"

#include <stdint.h>
#include <string.h>

#include "core/base/bytes.h"
#include "tests/unit/helpers.h"

static void fresh_memory_is_zero(void **state)
{
    uint64_t *items = NULL;

    (void)state;
    assert_done(mem_new(1000, sizeof *items, &items));
    assert_true(bytes_are_zero(bytes_of(items, 1000 * sizeof *items)));
    mem_free(items);
}

static void no_items_are_memory_too(void **state)
{
    char *none = NULL;

    (void)state;
    assert_done(mem_new(0, 8, &none));
    assert_non_null(none);
    mem_free(none);
    mem_free(NULL);
}

static void growing_keeps_what_was_there(void **state)
{
    char *text = NULL;

    (void)state;
    assert_done(mem_resize(4, 1, &text)); /* from nothing */
    memcpy(text, "abc", 4);
    assert_done(mem_resize(1000, 4, &text));
    assert_string_equal(text, "abc");
    mem_free(text);
}

static void an_allocation_over_the_limit_is_refused(void **state)
{
    char *cursor = NULL;

    (void)state;
    assert_refused(mem_new(MEM_MAX + 1, 1, &cursor), ERR_FAILED,
                   "out of memory: 268435457 items of 1 bytes are over the limit of one "
                   "allocation");
    assert_refused(mem_new(SIZE_MAX / 2, 4, &cursor), ERR_FAILED, NULL); /* the product overflows */
    assert_refused(mem_new(1, 0, &cursor), ERR_FAILED, NULL);
    assert_null(cursor);
    assert_done(mem_text("kept", &cursor));
    assert_refused(mem_resize(SIZE_MAX, 2, &cursor), ERR_FAILED, NULL);
    assert_string_equal(cursor, "kept");
    mem_free(cursor);
}

static void texts_are_copied_and_formatted(void **state)
{
    char *text = NULL;

    (void)state;
    assert_done(mem_text("", &text));
    assert_string_equal(text, "");
    mem_free(text);
    assert_done(mem_text_n("abcdef", 3, &text));
    assert_string_equal(text, "abc");
    mem_free(text);
    assert_done(mem_format(&text, "%s-%04d", "s", 31));
    assert_string_equal(text, "s-0031");
    mem_free(text);
}

static void the_nth_allocation_fails_once(void **state)
{
    char *texts[3] = {NULL, NULL, NULL};

    (void)state;
    mem_fail_at(2);
    assert_done(mem_new(1, 1, &texts[0]));
    assert_refused(mem_new(1, 1, &texts[1]), ERR_FAILED, "out of memory");
    assert_null(texts[1]);
    assert_done(mem_new(1, 1, &texts[2]));
    mem_fail_at(1);
    assert_refused(mem_resize(9, 1, &texts[0]), ERR_FAILED, "out of memory");
    mem_fail_at(1);
    mem_fail_at(0);
    assert_done(mem_new(1, 1, &texts[1]));
    for (size_t i = 0; i < 3; i++)
        mem_free(texts[i]);
}

static void a_full_array_grows_and_one_that_is_not_stays(void **state)
{
    uint32_t *items = NULL;
    size_t cap = 0;
    size_t grown = 0;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        size_t before = cap;

        assert_done(mem_grow(i, sizeof *items, &cap, &items));
        assert_true(cap > i);
        grown += cap != before ? 1 : 0;
        items[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    assert_in_range(grown, 1, 10);
    mem_free(items);
}

static void an_array_that_cannot_grow_is_as_it_was(void **state)
{
    uint8_t *items = NULL;
    size_t cap = 0;

    (void)state;
    assert_done(mem_grow(0, 1, &cap, &items));
    items[0] = 7;
    for (size_t was = cap, i = 0; i < 2; i++) {
        mem_fail_at(1);
        assert_refused(mem_grow(was, 1, &cap, &items), ERR_FAILED, "out of memory");
        assert_int_equal(cap, was);
        assert_int_equal(items[0], 7);
    }
    assert_refused(
        mem_grow(MEM_MAX, 1, &(size_t){MEM_MAX}, &items), ERR_FAILED,
        "out of memory: 536870912 items of 1 bytes are over the limit of one allocation");
    mem_free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_memory_is_zero),
        cmocka_unit_test(no_items_are_memory_too),
        cmocka_unit_test(growing_keeps_what_was_there),
        cmocka_unit_test(an_allocation_over_the_limit_is_refused),
        cmocka_unit_test(texts_are_copied_and_formatted),
        cmocka_unit_test(the_nth_allocation_fails_once),
        cmocka_unit_test(a_full_array_grows_and_one_that_is_not_stays),
        cmocka_unit_test(an_array_that_cannot_grow_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

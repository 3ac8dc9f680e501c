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
    char *at = NULL;

    (void)state;
    assert_refused(mem_new(MEM_MAX + 1, 1, &at), ERR_FAILED,
                   "out of memory: 268435457 items of 1 bytes are over the limit of one "
                   "allocation");
    assert_refused(mem_new(SIZE_MAX / 2, 4, &at), ERR_FAILED, NULL); /* the product overflows */
    assert_refused(mem_new(1, 0, &at), ERR_FAILED, NULL);
    assert_null(at);
    assert_done(mem_text("kept", &at));
    assert_refused(mem_resize(SIZE_MAX, 2, &at), ERR_FAILED, NULL);
    assert_string_equal(at, "kept");
    mem_free(at);
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
    char *at[3] = {NULL, NULL, NULL};

    (void)state;
    mem_fail_at(2);
    assert_done(mem_new(1, 1, &at[0]));
    assert_refused(mem_new(1, 1, &at[1]), ERR_FAILED, "out of memory");
    assert_null(at[1]);
    assert_done(mem_new(1, 1, &at[2]));
    mem_fail_at(1);
    assert_refused(mem_resize(9, 1, &at[0]), ERR_FAILED, "out of memory");
    mem_fail_at(1);
    mem_fail_at(0);
    assert_done(mem_new(1, 1, &at[1]));
    for (size_t i = 0; i < 3; i++)
        mem_free(at[i]);
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

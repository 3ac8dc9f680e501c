#include "core/base/rand.h"

#include <string.h>

#include "core/base/bytes.h"
#include "tests/unit/helpers.h"

static void all_of_it_is_filled_and_differently_each_time(void **state)
{
    uint8_t one[65] = {0};
    uint8_t two[65] = {0};

    (void)state;
    assert_done(rand_fill(one, 64));
    assert_done(rand_fill(two, 64));
    for (size_t i = 0; i + 16 <= 64; i += 16) {
        assert_false(bytes_are_zero(bytes_of(one + i, 16)));
        assert_memory_not_equal(one + i, two + i, 16);
    }
    assert_int_equal(one[64], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_filled_and_differently_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

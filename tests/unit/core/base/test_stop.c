#include "core/base/stop.h"

#include <signal.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

static void a_signal_is_noticed_at_the_next_check(void **state)
{
    (void)state;
    assert_done(stop_check());
    stop_install();
    assert_done(stop_check());
    raise(SIGPIPE);
    assert_done(stop_check());
    raise(SIGTERM);
    assert_refused(stop_check(), ERR_INTERRUPTED, "interrupted by a signal");
    assert_refused(stop_check(), ERR_INTERRUPTED, "interrupted by a signal"); /* and stays */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_is_noticed_at_the_next_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

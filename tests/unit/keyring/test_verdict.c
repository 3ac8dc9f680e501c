#include "keyring/verdict.h"

#include <stdio.h>
#include <string.h>

#include "keyring/keyring.h"
#include "tests/unit/helpers.h"

#define OR_ROTATE "`, or make a new version active with `sealpoint key rotate`"

static const struct key_name name = {"file", "k1", "7", ""};

static struct key_state state_with(enum verdict verdict, const char *reason)
{
    struct key_state state = {.verdict = verdict, .detail = "the detail"};

    snprintf(state.reason, sizeof state.reason, "%s", reason);
    return state;
}

/* What is said of an invalid version when a data key is to be unwrapped, and when one is to be
 * wrapped. */
static void check_words(const char *reason, const char *is, const char *hint, const char *wrap_hint)
{
    struct key_state state = state_with(KEY_INVALID, reason);
    char due[ERR_TEXT_MAX];

    snprintf(due, sizeof due, "master key file k1 version 7 %s (the detail)%s", is, hint);
    assert_refused(key_state_require(&name, &state), ERR_KEY_INVALID, due);
    snprintf(due, sizeof due, "master key file k1 version 7 %s (the detail)%s", is, wrap_hint);
    assert_refused(key_state_require_active(&name, &state), ERR_KEY_INVALID, due);
}

static void a_withdrawn_version_can_be_had_back_or_left(void **state)
{
    (void)state;
    check_words("disabled", "is disabled",
                "\n  enable it again with `sealpoint key enable 7`, or use a snapshot of another "
                "version",
                "\n  enable it again with `sealpoint key enable 7" OR_ROTATE);
    check_words("pendingDeletion", "is pending deletion",
                "\n  keep it with `sealpoint key cancel-deletion 7` and enable it, or use a "
                "snapshot of another version",
                "\n  keep it with `sealpoint key cancel-deletion 7" OR_ROTATE);
}

static void a_lost_version_has_the_same_hint_both_ways(void **state)
{
    static const char destroyed[] = "\n  what only version 7 can open is lost; use a snapshot of "
                                    "another version, or another envelope (--envelope)";
    static const char not_found[] = "\n  bring back the keyring that has version 7: an older copy "
                                    "lacks the newer versions";
    static const char rejected[] = "\n  version 7 itself may be fine: check the passphrase or the "
                                   "credentials, and try again";

    (void)state;
    check_words("destroyed", "is destroyed", destroyed, destroyed);
    check_words("notFound", "does not exist", not_found, not_found);
    check_words("credentialsRejected", "cannot be used, the credentials are rejected", rejected,
                rejected);
}

/* A provider of a later release may have a word of its own. */
static void an_unknown_reason_is_said_as_it_is(void **state)
{
    (void)state;
    check_words("frozen", "may not be used: frozen", "", "");
}

static void the_dates_are_said_as_far_as_known(void **state)
{
    struct key_state s = state_with(KEY_INVALID, "frozen");

    (void)state;
    s.deletion_ms = 1700000000000;
    assert_refused(key_state_require(&name, &s), ERR_KEY_INVALID,
                   "master key file k1 version 7 may not be used: frozen, its key material is "
                   "destroyed at 2023-11-14T22:13:20.000Z (the detail)");
    s.since_ms = 1600000000000;
    assert_refused(
        key_state_require(&name, &s), ERR_KEY_INVALID,
        "master key file k1 version 7 may not be used: frozen since 2020-09-13T12:26:40.000Z, its "
        "key material is destroyed at 2023-11-14T22:13:20.000Z (the detail)");
}

static void unreachable_is_never_invalid(void **state)
{
    static const char due[] = "cannot tell whether master key file k1 version 7 may be used: the "
                              "detail\n  nothing was changed; make the master key reachable and "
                              "try again";
    struct key_state s = state_with(KEY_UNREACHABLE, "disabled");

    (void)state;
    assert_refused(key_state_require(&name, &s), ERR_KEY_UNREACHABLE, due);
    assert_refused(key_state_require_active(&name, &s), ERR_KEY_UNREACHABLE, due);
}

static void valid_is_fit_for_both(void **state)
{
    struct key_state s = state_with(KEY_VALID, "");

    (void)state;
    assert_done(key_state_require(&name, &s));
    assert_done(key_state_require_active(&name, &s));
    assert_string_equal(verdict_name(KEY_VALID), "VALID");
    assert_string_equal(verdict_name(KEY_INVALID), "INVALID");
    assert_string_equal(verdict_name(KEY_UNREACHABLE), "UNREACHABLE");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_withdrawn_version_can_be_had_back_or_left),
        cmocka_unit_test(a_lost_version_has_the_same_hint_both_ways),
        cmocka_unit_test(an_unknown_reason_is_said_as_it_is),
        cmocka_unit_test(the_dates_are_said_as_far_as_known),
        cmocka_unit_test(unreachable_is_never_invalid),
        cmocka_unit_test(valid_is_fit_for_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cli/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

/* No variable of the caller's may decide a test. */
static int clean_environment(void **state)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->variable != NULL)
            unsetenv(option_at(i)->variable);
    unsetenv("XDG_STATE_HOME");
    return directory_setup(state);
}

static enum err resolve(struct invocation *i, struct settings *out)
{
    if (i->command == NULL)
        i->command = command_at(COMMAND_CONFIG);
    return settings_resolve(i, out);
}

static void check_origin(const struct settings *s, enum option_id id, const char *text,
                         enum setting_origin origin)
{
    assert_string_equal(settings_text(s, id), text);
    assert_int_equal(s->values[id].origin, origin);
}

static void an_option_overrides_all_else(void **state)
{
    struct invocation i = {0};
    struct settings s = {0};

    put_file(in(state, "c"), "workers: 3\nrepository: /file\nsource: /file\n");
    i.values[OPTION_CONFIG] = in(state, "c");
    i.values[OPTION_WORKERS] = "9";
    setenv("SEALPOINT_WORKERS", "5", 1);
    setenv("SEALPOINT_REPOSITORY", "/environment", 1);
    setenv("SEALPOINT_SOURCE", "", 1); /* counts as not set */
    assert_done(resolve(&i, &s));
    check_origin(&s, OPTION_WORKERS, "9", FROM_OPTION);
    check_origin(&s, OPTION_REPOSITORY, "/environment", FROM_ENVIRONMENT);
    check_origin(&s, OPTION_SOURCE, "/file", FROM_FILE);
    check_origin(&s, OPTION_CHAIN_LENGTH, "28", FROM_DEFAULT);
    assert_null(settings_text(&s, OPTION_FINGERPRINT));
    assert_int_equal(s.values[OPTION_FINGERPRINT].origin, FROM_NOWHERE);
    assert_int_equal(settings_number(&s, OPTION_WORKERS), 9);
    settings_clear(&s);
}

static void the_environment_can_name_the_file(void **state)
{
    struct invocation i = {0};
    struct settings s = {0};

    put_file(in(state, "c"), "json: true\n");
    setenv("SEALPOINT_CONFIG", in(state, "c"), 1);
    assert_done(resolve(&i, &s));
    assert_true(settings_flag(&s, OPTION_JSON));
    assert_false(settings_flag(&s, OPTION_QUIET));
    settings_clear(&s);
}

static void the_state_directory_is_roots_or_the_users(void **state)
{
    struct invocation i = {0};
    struct settings s = {0};

    (void)state;
    if (geteuid() == 0) {
        assert_done(resolve(&i, &s));
        check_origin(&s, OPTION_STATE_DIR, "/var/lib/sealpoint", FROM_DEFAULT);
        check_origin(&s, OPTION_KEYRING, "/var/lib/sealpoint/keyring.json", FROM_DEFAULT);
        settings_clear(&s);
        return;
    }
    setenv("HOME", "/home/somebody", 1);
    assert_done(resolve(&i, &s));
    check_origin(&s, OPTION_STATE_DIR, "/home/somebody/.local/state/sealpoint", FROM_DEFAULT);
    settings_clear(&s);
    setenv("XDG_STATE_HOME", "/x", 1);
    assert_done(resolve(&i, &s));
    check_origin(&s, OPTION_STATE_DIR, "/x/sealpoint", FROM_DEFAULT);
    settings_clear(&s);
}

static void the_keyring_lies_in_the_state_directory_unless_told(void **state)
{
    struct invocation i = {.values = {[OPTION_STATE_DIR] = "/s"}};
    struct settings s = {0};

    (void)state;
    assert_done(resolve(&i, &s));
    assert_int_equal(s.key_count, 1);
    assert_string_equal(s.keys[0].provider, "file");
    assert_string_equal(s.keys[0].path, "/s/keyring.json");
    assert_null(s.keys[0].passphrase_file);
    settings_clear(&s);
    i.values[OPTION_KEYRING] = "/k";
    setenv("SEALPOINT_PASSPHRASE_FILE", "fd:5", 1);
    assert_done(resolve(&i, &s));
    assert_string_equal(s.keys[0].path, "/k");
    assert_string_equal(s.keys[0].passphrase_file, "fd:5");
    settings_clear(&s);
}

static void options_change_the_first_file_key_of_the_list(void **state)
{
    struct invocation i = {.values = {[OPTION_KEYRING] = "/new"}};
    struct settings s = {0};

    put_file(in(state, "c"), "masterKey:\n- provider: aws\n- provider: file\n  path: /old\n"
                             "  passphraseFile: /p\n- provider: file\n  path: /other\n");
    i.values[OPTION_CONFIG] = in(state, "c");
    assert_done(resolve(&i, &s));
    assert_int_equal(s.key_count, 3);
    assert_null(s.keys[0].path);
    assert_string_equal(s.keys[1].path, "/new");
    assert_string_equal(s.keys[1].passphrase_file, "/p");
    assert_string_equal(s.keys[2].path, "/other");
    assert_int_equal(s.file_key, 1);
    check_origin(&s, OPTION_KEYRING, "/new", FROM_OPTION);
    check_origin(&s, OPTION_PASSPHRASE_FILE, "/p", FROM_FILE);
    settings_clear(&s);
}

static void a_wrong_value_is_named_with_where_it_stands(void **state)
{
    struct invocation i = {.values = {[OPTION_WORKERS] = "many"}};
    struct settings s = {0};

    (void)state;
    assert_refused(resolve(&i, &s), ERR_USAGE,
                   "--workers: \"many\" is not a whole number from 0 to 64");
    i.values[OPTION_WORKERS] = NULL;
    setenv("SEALPOINT_WORKERS", "lots", 1);
    assert_refused(resolve(&i, &s), ERR_USAGE,
                   "environment variable SEALPOINT_WORKERS: \"lots\" is not a whole number from "
                   "0 to 64");
}

static void values_come_out_as_numbers(void **state)
{
    struct invocation i = {
        .values = {[OPTION_SAMPLE] = "5%", [OPTION_RETAIN] = "2d", [OPTION_STATE_DIR] = "/s"}};
    struct settings s = {0};

    (void)state;
    assert_done(resolve(&i, &s));
    assert_true(settings_share(&s, OPTION_SAMPLE) > 0.0499 &&
                settings_share(&s, OPTION_SAMPLE) < 0.0501);
    assert_int_equal(settings_duration_ms(&s, OPTION_RETAIN), 2 * 86400000);
    settings_clear(&s);
    i.values[OPTION_RETAIN] = "never";
    assert_done(resolve(&i, &s));
    assert_int_equal(settings_duration_ms(&s, OPTION_RETAIN), 0);
    settings_clear(&s);
}

static enum err resolve_file(void *arg)
{
    struct invocation i = {.values = {[OPTION_CONFIG] = arg}};
    struct settings s = {0};
    enum err rc = resolve(&i, &s);

    settings_clear(&s);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    char path[400];

    snprintf(path, sizeof path, "%s", in(state, "c"));
    put_file(path, "stateDir: /s\n");
    assert_true(sweep_allocations(resolve_file, path) >= 3);
}

#define CLEAN(test) cmocka_unit_test_setup_teardown(test, clean_environment, directory_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CLEAN(an_option_overrides_all_else),
        CLEAN(the_environment_can_name_the_file),
        CLEAN(the_state_directory_is_roots_or_the_users),
        CLEAN(the_keyring_lies_in_the_state_directory_unless_told),
        CLEAN(options_change_the_first_file_key_of_the_list),
        CLEAN(a_wrong_value_is_named_with_where_it_stands),
        CLEAN(values_come_out_as_numbers),
        CLEAN(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

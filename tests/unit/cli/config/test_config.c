#include "cli/config/config.h"

#include <stdio.h>
#include <string.h>

#include "keyring/keyring.h"
#include "tests/unit/helpers.h"

#define FINGERPRINT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void check_failure(const char *yaml, const char *message)
{
    struct config *c = NULL;

    assert_refused(config_parse(bytes_of_text(yaml), &c), ERR_USAGE, message);
    assert_null(c);
}

static void a_whole_configuration_is_read(void **state)
{
    static const char yaml[] = "# tonight's\n"
                               "repository: /srv/backup\n"
                               "source: /var/lib/mongodb\n"
                               "stateDir: /var/lib/sealpoint\n"
                               "chain:\n"
                               "  age: 3d\n"
                               "  length: 12\n"
                               "quiet: yes\n"
                               "masterKey:\n"
                               "  - provider: file\n"
                               "    path: /etc/sealpoint/keyring.json\n"
                               "    passphraseFile: fd:3\n"
                               "  - {provider: file, path: '/mnt/escrow/keyring.json'}\n";
    struct config *c = NULL;

    (void)state;
    assert_done(config_parse(bytes_of_text(yaml), &c));
    assert_string_equal(c->values[OPTION_REPOSITORY], "/srv/backup");
    assert_string_equal(c->values[OPTION_SOURCE], "/var/lib/mongodb");
    assert_string_equal(c->values[OPTION_STATE_DIR], "/var/lib/sealpoint");
    assert_string_equal(c->values[OPTION_CHAIN_AGE], "3d");
    assert_string_equal(c->values[OPTION_CHAIN_LENGTH], "12");
    assert_string_equal(c->values[OPTION_QUIET], "yes");
    assert_null(c->values[OPTION_WORKERS]);
    assert_int_equal(c->key_count, 2);
    assert_string_equal(c->keys[0].members[MASTER_KEY_PASSPHRASE_FILE], "fd:3");
    assert_string_equal(c->keys[1].members[MASTER_KEY_PATH], "/mnt/escrow/keyring.json");
    assert_null(c->keys[1].members[MASTER_KEY_PASSPHRASE_FILE]);
    config_free(c);
}

/* Each key of the table, alone in a file. */
static void every_key_of_the_table_is_understood(void **state)
{
    static const char *const values[] = {
        [VALUE_FLAG] = "true",  [VALUE_TEXT] = "t",
        [VALUE_FILE] = "f",     [VALUE_DIR] = "d",
        [VALUE_NUMBER] = "7",   [VALUE_DURATION] = "7d",
        [VALUE_PERCENT] = "5%", [VALUE_FINGERPRINT] = FINGERPRINT,
    };

    (void)state;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = option_at(i);
        const char *dot = o->key != NULL ? strchr(o->key, '.') : NULL;
        struct buf yaml = {.max = KIB};
        struct config *c = NULL;

        if (o->key == NULL || strncmp(o->key, MASTER_KEY_LIST, strlen(MASTER_KEY_LIST)) == 0)
            continue;
        if (dot != NULL)
            assert_done(buf_add_format(&yaml, "%.*s: {%s: %s}\n", (int)(dot - o->key), o->key,
                                       dot + 1, values[o->type]));
        else
            assert_done(buf_add_format(&yaml, "%s: %s\n", o->key, values[o->type]));
        assert_done(config_parse(buf_bytes(&yaml), &c));
        assert_string_equal(c->values[i], values[o->type]);
        config_free(c);
        buf_clear(&yaml);
    }
}

static void nothing_is_a_configuration_too(void **state)
{
    static const char *const empty[] = {"",
                                        "\n",
                                        "# only a comment\n",
                                        "{}\n",
                                        "---\n# nothing\n...\n",
                                        "repository:\n",
                                        "repository: ~\n",
                                        "repository: ''\n",
                                        "masterKey: []\n"};

    (void)state;
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        struct config *c = NULL;

        assert_done(config_parse(bytes_of_text(empty[i]), &c));
        for (size_t o = 0; o < OPTION_COUNT; o++)
            assert_null(c->values[o]);
        assert_int_equal(c->key_count, 0);
        config_free(c);
    }
}

static void unknown_keys_are_named_with_their_line(void **state)
{
    (void)state;
    check_failure("repositry: /a\n",
                  "line 1: unknown key \"repositry\"\n  did you mean repository?");
    check_failure("repository: /a\n\n# hm\nstatedir: /b\n",
                  "line 4: unknown key \"statedir\"\n  did you mean stateDir?");
    check_failure("masterKey:\n  - provider: file\n    passPhraseFile: x\n",
                  "line 3: unknown key \"masterKey[0].passPhraseFile\"\n"
                  "  did you mean passphraseFile?");
    check_failure("chain:\n  lenght: 3\n",
                  "line 2: unknown key \"chain.lenght\"\n  did you mean length?");
    check_failure("chian:\n  length: 3\n", "line 1: unknown key \"chian\"\n  did you mean chain?");
    check_failure("mastrKey: []\n", "line 1: unknown key \"mastrKey\"\n  did you mean masterKey?");
    check_failure("oplogStuff: 1\n", "line 1: unknown key \"oplogStuff\"");
    check_failure("chain.age: 1d\n", "line 1: unknown key \"chain.age\"");
}

/* --keyring and --passphrase-file show such a key; in the file it is the list's. */
static void keys_of_the_list_are_no_group(void **state)
{
    (void)state;
    check_failure("masterKey:\n  path: x\n",
                  "line 1: masterKey: a group of keys stands where a list should");
}

static void values_of_the_wrong_kind_are_named(void **state)
{
    (void)state;
    check_failure("repository: [1]\n", "line 1: repository: a list stands where one value should");
    check_failure("masterKey: {provider: file}\n",
                  "line 1: masterKey: a group of keys stands where a list should");
    check_failure("chain: 7\n", "line 1: chain: one value stands where a group of keys should");
    check_failure("just text\n", "line 1: one value stands where a group of keys should");
    check_failure("masterKey:\n- file\n",
                  "line 2: masterKey[0]: one value stands where a group of keys should");
    check_failure("masterKey:\nworkers: 3\n",
                  "line 1: masterKey: nothing stands where a list should");
    check_failure("workers: many\n",
                  "line 1: workers: \"many\" is not a whole number from 0 to 64");
    check_failure(
        "source: a\nchain:\n  age: soon\n",
        "line 3: chain.age: \"soon\" is not a duration (a number and s, min, h, d, w, mo or y)");
    check_failure("masterKey:\n- provider:\n",
                  "line 2: the key \"masterKey[0].provider\" is missing");
    check_failure("masterKey:\n- provider: file\n- path: x\n",
                  "line 3: the key \"masterKey[1].provider\" is missing");
    check_failure("repository: /a\nrepository: /b\n",
                  "line 2: the key \"repository\" is there twice");
    check_failure("chain: {age: 1d,\n  age: 2d}\n", "line 2: the key \"chain.age\" is there twice");
}

static void no_more_master_keys_than_a_keyring_holds(void **state)
{
    const char *item = "- provider: file\n";
    struct buf yaml = {.max = KIB};
    struct config *c = NULL;

    (void)state;
    assert_done(buf_add_text(&yaml, "masterKey:\n"));
    for (size_t i = 0; i < KEYRING_KEYS_MAX; i++)
        assert_done(buf_add_text(&yaml, item));
    assert_done(config_parse(buf_bytes(&yaml), &c));
    assert_int_equal(c->key_count, KEYRING_KEYS_MAX);
    config_free(c);
    c = NULL;
    assert_done(buf_add_text(&yaml, item));
    assert_refused(config_parse(buf_bytes(&yaml), &c), ERR_USAGE,
                   "line 1: masterKey: more than 8 items");
    buf_clear(&yaml);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    char message[400];
    const char *path = in(state, "none.yaml");
    struct config *c = NULL;

    snprintf(message, sizeof message, "configuration %s: there is no such file", path);
    assert_refused(config_read(path, &c), ERR_USAGE, message);
}

static void a_mistake_in_a_file_is_named_with_the_file(void **state)
{
    char message[400];
    const char *path = in(state, "a.yaml");
    struct config *c = NULL;

    put_file(path, "wrkers: 3\n");
    snprintf(message, sizeof message,
             "configuration %s: line 1: unknown key \"wrkers\"\n  did you mean workers?", path);
    assert_refused(config_read(path, &c), ERR_USAGE, message);
}

static void relative_paths_begin_at_the_directory_of_the_file(void **state)
{
    const char *path = in(state, "a.yaml");
    struct config *c = NULL;

    put_file(path, "repository: backup\nsource: \"-\"\nstateDir: /state\nmasterKey:\n"
                   "- provider: file\n  path: keys/ring.json\n  passphraseFile: secret\n");
    assert_done(config_read(path, &c));
    assert_string_equal(c->values[OPTION_REPOSITORY], in(state, "backup"));
    assert_string_equal(c->values[OPTION_SOURCE], "-");
    assert_string_equal(c->values[OPTION_STATE_DIR], "/state");
    assert_string_equal(c->keys[0].members[MASTER_KEY_PATH], in(state, "keys/ring.json"));
    assert_string_equal(c->keys[0].members[MASTER_KEY_PASSPHRASE_FILE], in(state, "secret"));
    config_free(c);
}

static void a_descriptor_or_an_address_is_no_relative_path(void **state)
{
    const char *path = in(state, "a.yaml");
    struct config *c = NULL;

    put_file(path, "source: mongodb://localhost\nmasterKey:\n"
                   "- provider: file\n  passphraseFile: fd:3\n");
    assert_done(config_read(path, &c));
    assert_string_equal(c->values[OPTION_SOURCE], "mongodb://localhost");
    assert_string_equal(c->keys[0].members[MASTER_KEY_PASSPHRASE_FILE], "fd:3");
    config_free(c);
}

static enum err parse_keys(void *arg)
{
    static const char yaml[] = "repository: /a\nchain: {age: 1d}\nmasterKey:\n- provider: file\n"
                               "  path: x\n- provider: file\n  path: y\n";
    struct config *c = NULL;
    enum err rc = config_parse(bytes_of_text(yaml), &c);

    (void)arg;
    config_free(rc == ERR_OK ? c : NULL);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_allocations(parse_keys, NULL) >= 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_configuration_is_read),
        cmocka_unit_test(every_key_of_the_table_is_understood),
        cmocka_unit_test(nothing_is_a_configuration_too),
        cmocka_unit_test(unknown_keys_are_named_with_their_line),
        cmocka_unit_test(keys_of_the_list_are_no_group),
        cmocka_unit_test(values_of_the_wrong_kind_are_named),
        cmocka_unit_test(no_more_master_keys_than_a_keyring_holds),
        IN_DIRECTORY(a_file_that_is_not_there_is_named),
        IN_DIRECTORY(a_mistake_in_a_file_is_named_with_the_file),
        IN_DIRECTORY(relative_paths_begin_at_the_directory_of_the_file),
        IN_DIRECTORY(a_descriptor_or_an_address_is_no_relative_path),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

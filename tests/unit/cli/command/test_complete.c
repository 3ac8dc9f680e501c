#include "cli/command/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/document.h"
#include "cli/option.h"
#include "cli/session.h"
#include "core/base/text.h"
#include "keyring/admin.h"
#include "tests/unit/helpers.h"
#include "tests/unit/roots.h"

#define WORDS_MAX 8
#define ID(digit) "00000000000000000000000" digit

/* A repository in the test's directory, which this machine has seen, and a keyring. */
struct site {
    struct settings settings;
    struct invocation invocation;
    struct session session;
};

static void set_environment(void **state)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (option_at(i)->variable != NULL)
            unsetenv(option_at(i)->variable);
    put_file(in(state, "empty.yaml"), "");
    setenv("SEALPOINT_CONFIG", in(state, "empty.yaml"), 1);
    setenv("SEALPOINT_REPOSITORY", in(state, "repository"), 1);
    setenv("SEALPOINT_STATE_DIR", in(state, "state"), 1);
}

static void make_site(void **state, struct site *s)
{
    struct key_name name;

    memset(s, 0, sizeof *s);
    set_environment(state);
    s->invocation.command = command_at(COMMAND_INIT);
    assert_done(settings_resolve(&s->invocation, &s->settings));
    session_init(&s->session, &s->settings);
    assert_done(session_create_repository(&s->session, &(struct ledger_root){.key = test_root()}));
    assert_done(session_open_keyring(&s->session));
    assert_done(keyring_create(s->session.keyring, 0, true, &name));
}

static void clear_site(struct site *s)
{
    session_clear(&s->session);
    settings_clear(&s->settings);
}

static void append(struct site *s, enum record_type type, const char *body)
{
    struct jdoc *parsed = NULL;

    assert_done(jdoc_parse(bytes_of_text(body), &parsed));
    if (type == RECORD_TOMBSTONE)
        assert_done(ledger_act_as_root(session_ledger(&s->session), test_root()));
    assert_done(ledger_append(session_ledger(&s->session), type, parsed, NULL));
    assert_done(ledger_act_as_root(session_ledger(&s->session), NULL));
    jdoc_free(parsed);
}

/* The answer to words parted by blanks; a blank at the end begins an empty one. */
static enum err answer(const char *line, struct buf *to)
{
    char text[200];
    char *words[WORDS_MAX];
    char *rest = text;
    size_t count = 0;

    assert_true(strlen(line) < sizeof text);
    memcpy(text, line, strlen(line) + 1);
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
        assert_true(count < WORDS_MAX);
        words[count++] = word;
    }
    return complete_answer(count, words, to);
}

static void check_answer(const char *line, const char *due)
{
    struct buf b = {.max = DOCUMENT_LEN_MAX};

    assert_done(answer(line, &b));
    assert_done(buf_add_u(&b, 0, 1));
    assert_string_equal((const char *)b.data, due);
    buf_clear(&b);
}

/* The lines without what stands behind the tab. */
static void check_words(const char *line, const char *due)
{
    struct buf b = {.max = DOCUMENT_LEN_MAX};
    struct buf words = {.max = DOCUMENT_LEN_MAX};
    char *rest;

    assert_done(answer(line, &b));
    assert_done(buf_add_u(&b, 0, 1));
    rest = (char *)b.data;
    for (char *row = strsep(&rest, "\n"); row != NULL && *row != '\0'; row = strsep(&rest, "\n"))
        assert_done(buf_add_format(&words, "%.*s ", (int)strcspn(row, "\t"), row));
    assert_done(buf_add_u(&words, 0, 1));
    assert_string_equal((const char *)words.data, due);
    buf_clear(&words);
    buf_clear(&b);
}

static void arguments_are_told_by_the_synopsis(void **state)
{
    set_environment(state);
    check_answer("backup ", "directories\n");
    check_words("restore l", "words latest ");
    check_words("verify l", "words latest ");
    check_words("verify latest l", "words ");
    check_words("export latest pa", "words ");
    check_words("help backu", "words backup ");
    check_words("help key rew", "words rewrap ");
    check_words("init --wo", "words ");
}

static void options_come_with_what_they_are(void **state)
{
    set_environment(state);
    check_answer("restore --dr",
                 "words\n--dry-run\tCheck everything but the contents, change nothing\n");
    check_answer("backup --stream",
                 "words\n--stream-name\tThe file name given to a stream from standard input\n");
    check_answer("--qu", "words\n--quiet\tPrint nothing on success, but for lists and --json\n");
    check_answer("help --completion=f", "words\n--completion=fish\n");
    check_answer("help --nonsense=f", "words\n");
    check_answer("help --man=f", "words\n");
    check_answer("help -- --completion=f", "words\n");
}

/* Is there a line of that word, among others perhaps? */
static bool is_offered(const char *line, const char *word)
{
    struct buf b = {.max = DOCUMENT_LEN_MAX};
    char row[80];
    bool is_there;

    snprintf(row, sizeof row, "\n%s\t", word);
    assert_done(answer(line, &b));
    assert_done(buf_add_u(&b, 0, 1));
    is_there = strstr((const char *)b.data, row) != NULL;
    buf_clear(&b);
    return is_there;
}

static void every_command_is_offered_with_its_own_options(void **state)
{
    set_environment(state);
    for (size_t c = 0; c < COMMAND_COUNT; c++) {
        const char *name = command_at(c)->name;

        assert_true(is_offered(name, command_last_word(command_at(c))));
        for (size_t i = 0; i < OPTION_COUNT; i++) {
            const struct option *o = option_at(i);
            char line[120], word[60];

            if (o->name == NULL)
                continue;
            snprintf(word, sizeof word, "--%s", o->name);
            snprintf(line, sizeof line, "%s %s", name, word);
            assert_int_equal(is_offered(line, word), option_is_of(o, command_at(c)));
        }
    }
}

static void a_word_that_a_shell_could_run_is_not_offered(void **state)
{
    static const char *const bad[] = {"",     "a b",  "a;b",  "$(a)", "`a`", "a\n",   "a'",
                                      "a\"b", "a\\b", "~",    "a*",   "{a}", "\x1b[", "\xc3\xbc",
                                      "a=b",  "a:b",  "#a",   "!a",   "a/b", "a|b",   "a&",
                                      "<a",   "a>b",  "a\tb", "a?"};
    struct buf b = {.max = DOCUMENT_LEN_MAX};
    const struct answer a = {.to = &b, .front = "", .typed = ""};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_done(complete_offer(&a, bad[i], "x"));
    assert_int_equal(b.len, 0);
    assert_done(complete_offer(&a, "Az09-._", "a\tb\nc\x1b[31m"));
    assert_done(buf_add_u(&b, 0, 1));
    assert_string_equal((const char *)b.data, "Az09-._\ta\\x09b\\x0ac\\x1b[31m\n");
    buf_clear(&b);
}

static void only_live_snapshots_are_offered(void **state)
{
    struct site s;

    make_site(state, &s);
    check_words("restore ", "words latest ");
    append(&s, RECORD_SNAPSHOT, "{\"id\":\"" ID("1") "\",\"description\":\"the first\"}");
    append(&s, RECORD_SNAPSHOT, "{\"id\":\"" ID("2") "\"}");
    append(&s, RECORD_SNAPSHOT, "{\"id\":\"" ID("3") "\"}");
    append(&s, RECORD_SNAPSHOT, "{\"id\":\"not; hex\"}");
    append(&s, RECORD_SNAPSHOT, "{\"description\":\"without an id\"}");
    append(&s, RECORD_TOMBSTONE, "{\"subject\":\"" ID("2") "\"}");
    check_words("restore ", "words latest " ID("3") " " ID("1") " ");
    check_words("show " ID("1"), "words " ID("1") " ");
    check_words("verify " ID("3") " ", "words latest " ID("1") " ");
    check_words("--state-dir /nowhere restore ", "words latest ");
    clear_site(&s);
}

/* The store's word alone is nobody's: what is not in the cache has not been checked. */
static void what_has_not_been_checked_is_not_offered(void **state)
{
    struct site s;
    char path[300];

    make_site(state, &s);
    append(&s, RECORD_SNAPSHOT, "{\"id\":\"" ID("1") "\"}");
    snprintf(path, sizeof path, "%s/records.jsonl", s.session.state_dir);
    check_words("restore ", "words latest " ID("1") " ");
    assert_int_equal(remove(path), 0);
    check_words("restore ", "words latest ");
    clear_site(&s);
}

static void versions_are_offered_newest_first(void **state)
{
    struct site s;
    struct key_name name;

    make_site(state, &s);
    assert_done(keyring_rotate(s.session.keyring, 0, &name));
    assert_done(keyring_act(s.session.keyring, 0, KEY_DISABLE, "1", 0, NULL));
    check_answer("key enable ",
                 "words\n2\tenabled, active (not verified)\n1\tdisabled (not verified)\n");
    check_words("key enable 1", "words 1 ");
    check_words("key enable --key 3 ", "words ");
    check_words("key enable --workers x ", "words ");
    clear_site(&s);
}

static void writers_and_their_roles_are_offered(void **state)
{
    char expected[200];
    char id[2 * SIGNER_ID_LEN + 1];
    struct site s;

    make_site(state, &s);
    text_hex(bytes_of(ledger_own(session_ledger(&s.session)), SIGNER_ID_LEN), id);
    snprintf(expected, sizeof expected, "words\n%s\tbackup, retention, keys\n", id);
    check_answer("writer revoke ", expected);
    check_words("writer enrol request --role ", "words backup retention keys ");
    check_words("writer enrol request --role=k", "words --role=keys ");
    check_words("writer enrol ", "files ");
    clear_site(&s);
}

/* Whatever is broken, there is an answer, or a failure with a reason that nobody is shown. */
static void what_is_broken_is_left_out(void **state)
{
    struct site s;

    make_site(state, &s);
    append(&s, RECORD_SNAPSHOT, "{\"id\":\"" ID("1") "\"}");
    put_file(in(state, "empty.yaml"), "nonsense: 1\n");
    check_words("restore ", "words latest ");
    check_words("key enable ", "words ");
    check_words("ke", "words key ");
    clear_site(&s);
    unsetenv("SEALPOINT_REPOSITORY");
    check_words("restore ", "words latest ");
}

static enum err answer_snapshots(void *arg)
{
    struct buf b = {.max = DOCUMENT_LEN_MAX};
    enum err rc = answer("restore ", &b);

    (void)arg;
    /* What could not be read is left out; the rest is as ever. */
    if (rc == ERR_OK)
        assert_memory_equal(b.data, "words\nlatest\t", 13);
    buf_clear(&b);
    return rc;
}

static enum err answer_versions(void *arg)
{
    struct buf b = {.max = DOCUMENT_LEN_MAX};
    enum err rc = answer("key enable ", &b);

    (void)arg;
    buf_clear(&b);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    struct site s;

    make_site(state, &s);
    append(&s, RECORD_SNAPSHOT, "{\"id\":\"" ID("1") "\"}");
    assert_true(sweep_allocations(answer_snapshots, NULL) >= 10);
    assert_true(sweep_allocations(answer_versions, NULL) >= 10);
    clear_site(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(arguments_are_told_by_the_synopsis),
        IN_DIRECTORY(options_come_with_what_they_are),
        IN_DIRECTORY(every_command_is_offered_with_its_own_options),
        cmocka_unit_test(a_word_that_a_shell_could_run_is_not_offered),
        IN_DIRECTORY(only_live_snapshots_are_offered),
        IN_DIRECTORY(what_has_not_been_checked_is_not_offered),
        IN_DIRECTORY(versions_are_offered_newest_first),
        IN_DIRECTORY(writers_and_their_roles_are_offered),
        IN_DIRECTORY(what_is_broken_is_left_out),
        IN_DIRECTORY(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

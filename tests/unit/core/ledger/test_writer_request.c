#include "core/ledger/writer_request.h"

#include "core/ledger/ledger_internal.h"
#include "tests/unit/core/ledger/forge.h"

/* The request of a machine that has never written; its state directory is "asker". */
static struct ledger *open_asker(struct site *s, void **state)
{
    struct ledger_options options = site_options(s, false);
    struct ledger *l = NULL;

    options.state_dir = in(state, "asker");
    assert_done(ledger_open(&options, &l));
    return l;
}

static void what_is_asked_for_names_the_key_that_asks(void **state)
{
    struct buf text = {.max = MIB};
    struct buf again = {.max = MIB};
    uint8_t key[SIGNER_PUBLIC_LEN];
    struct ledger *asker;
    struct site s;
    struct stat st;

    site_new(&s, state);
    asker = open_asker(&s, state);
    assert_done(writer_request_make(asker, &text));
    assert_int_equal(stat(in(state, "asker/signing-key.json"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_done(writer_request_read(s.ledger, buf_bytes(&text), key));
    assert_memory_equal(key, signer_public(asker->signer), SIGNER_PUBLIC_LEN);
    /* Asked again, it is the same key. */
    assert_done(writer_request_make(asker, &again));
    assert_done(writer_request_read(s.ledger, buf_bytes(&again), key));
    assert_memory_equal(key, signer_public(asker->signer), SIGNER_PUBLIC_LEN);
    ledger_free(asker);
    buf_clear(&again);
    buf_clear(&text);
    site_free(&s);
}

static enum err read_request(void *arg, struct bytes changed)
{
    uint8_t key[SIGNER_PUBLIC_LEN];
    enum err rc = writer_request_read(arg, changed, key);

    assert_true(rc == ERR_OK || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED || rc == ERR_USAGE);
    return rc;
}

/* What stands in line 1: in line 2, only the signature says anything. */
static void every_changed_byte_of_what_is_signed_is_noticed(void **state)
{
    struct buf text = {.max = MIB};
    struct ledger *asker;
    struct site s;

    site_new(&s, state);
    asker = open_asker(&s, state);
    assert_done(writer_request_make(asker, &text));
    sweep_flips(buf_bytes(&text), read_request, s.ledger);
    ledger_free(asker);
    buf_clear(&text);
    site_free(&s);
}

static void who_is_enrolled_or_was_revoked_does_not_ask(void **state)
{
    struct buf text = {.max = MIB};
    char expected[ERR_TEXT_MAX];
    struct site s;

    site_new(&s, state);
    assert_refused(writer_request_make(s.ledger, &text), ERR_EXISTS,
                   "the key of this machine is enrolled already, as writer " OWN_ID);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    site_revoke_other(&s, NULL);
    signer_free(forge_key(state, "state/signing-key.json", OTHER_KEY_FILE));
    assert_done(site_open(&s, false));
    snprintf(expected, sizeof expected,
             "the key of this machine, writer " OTHER_ID
             ", was revoked\n  to ask for another, move signing-key.json in %s away",
             in(state, "state"));
    assert_refused(writer_request_make(s.ledger, &text), ERR_FAILED, expected);
    assert_int_equal(text.len, 0);
    buf_clear(&text);
    site_free(&s);
}

static void another_repositorys_request_is_refused(void **state)
{
    struct buf text = {.max = MIB};
    uint8_t key[SIGNER_PUBLIC_LEN];
    struct store *second = NULL;
    struct ledger *theirs = NULL;
    struct ledger_options options;
    char expected[ERR_TEXT_MAX];
    struct site s;

    site_new(&s, state);
    assert_done(store_open(in(state, "second"), true, &second));
    options = (struct ledger_options){
        .store = second, .state_dir = in(state, "state-2"), .root = {.key = s.other}};
    assert_done(ledger_create(&options, &theirs));
    ledger_free(theirs);
    theirs = NULL;
    options.state_dir = in(state, "asker");
    assert_done(ledger_open(&options, &theirs));
    assert_done(writer_request_make(theirs, &text));
    snprintf(expected, sizeof expected, "it is for another repository, with fingerprint %s",
             ledger_fingerprint(theirs));
    assert_refused(writer_request_read(s.ledger, buf_bytes(&text), key), ERR_USAGE, expected);
    ledger_free(theirs);
    store_free(second);
    buf_clear(&text);
    site_free(&s);
}

static void what_is_not_two_lines_of_a_request_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "not a writer's request"},
        {"{\"format\":1}", "not a writer's request"},
        {"{\"format\":1,\"type\":\"root-key\"}\n",
         "not a writer's request, but of type \"root-key\""},
    };
    static const char *const behind[] = {"\n", "x", "{}\n"};
    struct buf text = {.max = MIB};
    uint8_t key[SIGNER_PUBLIC_LEN];
    struct ledger *asker;
    struct site s;
    size_t len;

    site_new(&s, state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(writer_request_recognise(bytes_of_text(rows[i].text)), ERR_CORRUPT,
                       rows[i].why);
    asker = open_asker(&s, state);
    assert_done(writer_request_make(asker, &text));
    len = text.len;
    assert_done(writer_request_recognise(buf_bytes(&text)));
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        text.len = len;
        assert_done(buf_add_text(&text, behind[i]));
        assert_refused(writer_request_read(s.ledger, buf_bytes(&text), key), ERR_CORRUPT,
                       "not two lines");
    }
    text.len = len - 1; /* the newline at the end belongs to it */
    assert_refused(writer_request_read(s.ledger, buf_bytes(&text), key), ERR_CORRUPT,
                   "not two lines");
    text.len = len;
    assert_done(writer_request_read(s.ledger, buf_bytes(&text), key));
    ledger_free(asker);
    buf_clear(&text);
    site_free(&s);
}

static enum err ask_and_read(void *arg)
{
    struct ledger *asker = arg;
    struct buf text = {.max = MIB};
    uint8_t key[SIGNER_PUBLIC_LEN];
    enum err rc;

    TRY(writer_request_make(asker, &text));
    TRY(writer_request_read(asker, buf_bytes(&text), key));
out:
    buf_clear(&text);
    return rc;
}

static void no_allocation_is_missed(void **state)
{
    struct ledger *asker;
    struct site s;

    site_new(&s, state);
    asker = open_asker(&s, state);
    assert_true(sweep_allocations(ask_and_read, asker) > 2);
    ledger_free(asker);
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_is_asked_for_names_the_key_that_asks),
        IN_DIRECTORY(every_changed_byte_of_what_is_signed_is_noticed),
        IN_DIRECTORY(who_is_enrolled_or_was_revoked_does_not_ask),
        IN_DIRECTORY(another_repositorys_request_is_refused),
        IN_DIRECTORY(what_is_not_two_lines_of_a_request_is_refused),
        IN_DIRECTORY(no_allocation_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

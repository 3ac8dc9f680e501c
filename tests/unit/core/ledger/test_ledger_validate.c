/*
 * What someone who can write the store, but has no key (or one of little power), can try. Every
 * attack is met on a machine that has seen nothing yet, so that no trust state helps.
 */
#include "core/ledger/ledger_validate.h"

#include "core/ledger/record_message.h"
#include "tests/unit/core/ledger/forge.h"

#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"
#define OTHER_NAME(seq) "ledger/" OTHER_ID "/000000000000000" seq ".json"
#define REVOKED                                                                                    \
    "its writer had been revoked by then\n  it does not count: look at it, then remove it, and "   \
    "what "                                                                                        \
    "follows it in that directory, from the repository"
#define LATER INT64_C(4000000000000) /* 2096: after whatever the tests append now */

/* Genesis and enrolment by root, and snapshots 0 to 2 by this machine. */
static void three_snapshots(struct site *s, void **state)
{
    site_new(s, state);
    site_snapshot(s, "aaaa");
    site_snapshot(s, "bbbb");
    site_snapshot(s, "cccc");
}

static void assert_refused_on_first_use(struct site *s, enum err code, const char *text)
{
    site_forget(s);
    assert_refused(site_open(s, false), code, text);
    assert_null(s->ledger);
    /* A refusal leaves nothing that would be believed the next time. */
    assert_int_equal(access(in(s->state, "state/trust.json"), F_OK), -1);
    assert_int_equal(access(in(s->state, "state/records.jsonl"), F_OK), -1);
}

struct changing {
    struct site *site;
    char path[4096]; /* of the record's file */
};

static enum err open_changed(void *arg, struct bytes changed)
{
    const struct changing *c = arg;
    FILE *f;
    enum err rc;

    (void)unlink(c->path);
    f = fopen(c->path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(changed.data, 1, changed.len, f), changed.len);
    assert_int_equal(fclose(f), 0);
    rc = site_open(c->site, true);
    if (rc != ERR_OK) {
        assert_true(rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
        assert_int_equal(err_exit_status(rc), 6);
    }
    return rc;
}

static void change_every_byte_of(void **state, const char *name)
{
    struct site s;
    struct buf raw;
    struct changing c = {.site = &s};

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    raw = site_raw(&s, name);
    snprintf(c.path, sizeof c.path, "%s/%s", in(state, "store"), name);
    sweep_flips(buf_bytes(&raw), open_changed, &c);
    sweep_cuts(buf_bytes(&raw), open_changed, &c);
    sweep_swaps(buf_bytes(&raw), 1, open_changed, &c);
    buf_clear(&raw);
    site_free(&s);
}

static void every_changed_byte_of_genesis_is_noticed(void **state)
{
    change_every_byte_of(state, ROOT_NAME("0"));
}

static void every_changed_byte_of_an_enrolment_is_noticed(void **state)
{
    change_every_byte_of(state, ROOT_NAME("1"));
}

static void every_changed_byte_of_the_newest_record_is_noticed(void **state)
{
    change_every_byte_of(state, OWN_NAME("0"));
}

static void a_deleted_record_is_missed(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    site_delete(&s, OWN_NAME("1"));
    assert_refused_on_first_use(&s, ERR_CORRUPT,
                                OWN_NAME("2") ": the record before it is missing, and no "
                                              "checkpoint covers that: it was deleted");
    site_free(&s);
}

static void a_deleted_genesis_is_missed(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    site_delete(&s, ROOT_NAME("0"));
    assert_refused_on_first_use(&s, ERR_CORRUPT,
                                "the ledger has records, but its genesis record is missing");
    site_free(&s);
}

static void two_swapped_records_are_noticed(void **state)
{
    struct site s;
    struct buf a;
    struct buf b;

    three_snapshots(&s, state);
    a = site_raw(&s, OWN_NAME("0"));
    b = site_raw(&s, OWN_NAME("1"));
    site_put(&s, OWN_NAME("0"), buf_bytes(&b));
    site_put(&s, OWN_NAME("1"), buf_bytes(&a));
    assert_refused_on_first_use(
        &s, ERR_CORRUPT,
        OWN_NAME("0") ": the record of another place lies under this name" DAMAGED);
    buf_clear(&b);
    buf_clear(&a);
    site_free(&s);
}

/* A genuine record once more, as the first of a chain that nobody ever wrote. */
static void a_record_copied_into_another_chain_is_refused(void **state)
{
    struct site s;
    struct record *first;
    const char *name = "ledger/0000000000000001/0000000000000000.json";

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    first = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"aaaa\"}");
    site_put(&s, name, buf_bytes(&first->raw));
    assert_refused_on_first_use(
        &s, ERR_CORRUPT,
        "ledger/0000000000000001/0000000000000000.json: the record of another place lies under "
        "this name" DAMAGED);
    record_free(first);
    site_free(&s);
}

static void another_repositorys_record_is_not_ours(void **state)
{
    static const char strange[SEAL_ID_LEN] = "another one";
    struct site s;
    struct record *before;
    struct record_place place = {.seq = 1};
    struct jdoc *body = NULL;
    struct record *r = NULL;

    three_snapshots(&s, state);
    before = site_record(&s, OWN_ID, 0);
    memcpy(place.repository, strange, SEAL_ID_LEN);
    place.prev = before->id;
    place.created_ms = before->created_ms;
    assert_done(jdoc_parse(bytes_of_text("{\"id\":\"bbbb\"}"), &body));
    assert_done(record_make(RECORD_SNAPSHOT, &place, body, s.own, &r));
    site_put(&s, OWN_NAME("1"), buf_bytes(&r->raw));
    assert_refused_on_first_use(&s, ERR_CORRUPT,
                                OWN_NAME("1") ": the record belongs to another repository");
    record_free(r);
    jdoc_free(body);
    record_free(before);
    site_free(&s);
}

static void a_key_nobody_enrolled_signs_nothing(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    record_free(forge(&s, s.other, RECORD_SNAPSHOT, NULL, LATER, "{\"id\":\"dddd\"}"));
    assert_refused_on_first_use(
        &s, ERR_CORRUPT,
        OTHER_NAME("0") ": its writer is not enrolled: it is forged, or the enrolment is missing");
    site_free(&s);
}

/* The name says root, the signature is another's: line 2 is all the forger can make. */
static void a_record_with_a_strange_signature_is_forged(void **state)
{
    struct site s;
    struct record *before;
    struct record *theirs;
    struct buf raw;
    struct buf forged = {.max = RECORD_LEN_MAX};
    const char *line;
    const char *signatures;

    three_snapshots(&s, state);
    before = site_record(&s, OWN_ID, 1);
    theirs = forge(&s, s.other, RECORD_SNAPSHOT, before, LATER, "{}");
    site_delete(&s, OTHER_NAME("2"));
    raw = site_raw(&s, OWN_NAME("2"));
    line = memchr(raw.data, '\n', raw.len);
    signatures = memchr(theirs->raw.data, '\n', theirs->raw.len);
    assert_done(buf_add(&forged, bytes_of(raw.data, (size_t)(line - (const char *)raw.data))));
    assert_done(buf_add(
        &forged, bytes_of(signatures, theirs->raw.len -
                                          (size_t)(signatures - (const char *)theirs->raw.data))));
    site_put(&s, OWN_NAME("2"), buf_bytes(&forged));
    assert_refused_on_first_use(
        &s, ERR_CORRUPT,
        OWN_NAME("2") ": the record of another place lies under this name" DAMAGED);
    buf_clear(&forged);
    buf_clear(&raw);
    record_free(theirs);
    record_free(before);
    site_free(&s);
}

static void an_enrolled_writer_writes_its_own_chain(void **state)
{
    struct site s;
    struct record *first;

    three_snapshots(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    first = forge(&s, s.other, RECORD_SNAPSHOT, NULL, LATER, "{\"id\":\"dddd\"}");
    record_free(forge(&s, s.other, RECORD_SNAPSHOT, first, LATER, "{\"id\":\"eeee\"}"));
    record_free(first);
    site_forget(&s);
    assert_done(site_open(&s, false));
    assert_int_equal(ledger_count(s.ledger), 8);
    site_free(&s);
}

static void a_writer_signs_nothing_that_is_roots(void **state)
{
    static const struct {
        enum record_type type;
        const char *body;
        const char *why;
    } rows[] = {
        {RECORD_WRITER, ENROL_OTHER,
         OTHER_NAME("0") ": a writer record may be signed by the root key only"},
        {RECORD_GENESIS, "{\"rootKey\":\"" OTHER_PUBLIC "\",\"suites\":[1]}",
         OTHER_NAME("0") ": a second genesis record"},
    };
    struct site s;

    three_snapshots(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(s.ledger != NULL);
        record_free(forge(&s, s.other, rows[i].type, NULL, LATER, rows[i].body));
        assert_refused_on_first_use(&s, ERR_CORRUPT, rows[i].why);
        site_delete(&s, OTHER_NAME("0"));
        assert_done(site_open(&s, false));
    }
    site_free(&s);
}

/* What is signed daily is not signed by the key that is to lie offline. */
static void root_signs_nothing_that_is_a_writers(void **state)
{
    struct site s;
    struct record *before;

    three_snapshots(&s, state);
    before = site_record(&s, ROOT_ID, 1);
    record_free(forge(&s, s.root, RECORD_SNAPSHOT, before, LATER, "{\"id\":\"dddd\"}"));
    assert_refused_on_first_use(
        &s, ERR_CORRUPT, ROOT_NAME("2") ": a snapshot record is not for the root key to sign");
    record_free(before);
    site_free(&s);
}

/* Every type with every role, by what the table says. */
static void each_type_takes_its_role(void **state)
{
    static const char *const roles[ROLE_COUNT] = {"[\"auditor\"]", "[\"backup\"]",
                                                  "[\"retention\"]", "[\"keys\"]"};
    char expected[256];

    for (int role = 0; role < ROLE_COUNT; role++) {
        char body[512];
        struct site s;

        three_snapshots(&s, state);
        snprintf(body, sizeof body, ENROL_OTHER_AS("%s"), roles[role]);
        assert_done(site_append(&s, RECORD_WRITER, body));
        for (int i = 0; i < RECORD_TYPE_COUNT; i++) {
            enum record_type type = (enum record_type)i;
            enum record_role takes = record_type_role(type);

            /* Checkpoints and tombstones are good for other reasons, too: tested apart. */
            if (takes == ROLE_ROOT || record_type_grade(type) == GRADE_STOPS ||
                ((int)takes == role && takes == ROLE_RETENTION))
                continue;
            record_free(forge(&s, s.other, type, NULL, LATER,
                              "{\"subject\":\"aaaa\",\"heads\":[],\"bundle\":{\"name\":"
                              "\"checkpoints/" OTHER_ID "/0000000000000000.jsonl\",\"size\":0,"
                              "\"sha256\":"
                              "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
                              "\"},\"liveSet\":{\"count\":0,\"sha256\":"
                              "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
                              "\"}}"));
            snprintf(expected, sizeof expected,
                     OTHER_NAME("0") ": a %s record takes the role \"%s\", which its writer does "
                                     "not have",
                     record_type_name(type), record_role_name(takes));
            if ((int)takes == role)
                assert_done(site_open(&s, true));
            else
                assert_refused_on_first_use(&s, ERR_CORRUPT, expected);
            site_delete(&s, OTHER_NAME("0"));
            site_forget(&s);
            assert_done(site_open(&s, false));
        }
        site_free(&s);
        assert_int_equal(directory_teardown(state), 0);
        assert_int_equal(directory_setup(state), 0);
    }
}

static void a_revoked_writer_signs_nothing_more(void **state)
{
    struct site s;
    struct record *first;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    first = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{}");
    site_revoke_other(&s, first);
    assert_done(site_open(&s, true));
    record_free(forge(&s, s.other, RECORD_SNAPSHOT, first, 1000, "{}")); /* with his clock back */
    assert_refused_on_first_use(&s, ERR_CORRUPT, OTHER_NAME("1") ": " REVOKED);
    record_free(first);
    site_free(&s);
}

static void of_a_writer_revoked_without_a_last_record_nothing_counts(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    site_revoke_other(&s, NULL);
    assert_done(site_open(&s, true));
    record_free(forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{}"));
    assert_refused_on_first_use(&s, ERR_CORRUPT, OTHER_NAME("0") ": " REVOKED);
    site_free(&s);
}

/* The thief of a key that was revoked since writes the past anew, up to the last number. */
static void a_chain_forked_below_its_revocation_is_refused(void **state)
{
    struct site s;
    struct record *first;
    struct record *last;
    struct record *forked;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    first = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"aaaa\"}");
    last = forge(&s, s.other, RECORD_SNAPSHOT, first, 1000, "{\"id\":\"bbbb\"}");
    site_revoke_other(&s, last);
    assert_done(site_open(&s, true));
    forked = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"cccc\"}");
    record_free(forge(&s, s.other, RECORD_SNAPSHOT, forked, 1000, "{\"id\":\"dddd\"}"));
    assert_refused_on_first_use(&s, ERR_CORRUPT,
                                OTHER_NAME("1") ": it is not the record that was its writer's last "
                                                "when that was revoked: the chain was forked");
    site_put(&s, OTHER_NAME("1"), buf_bytes(&last->raw));
    assert_refused_on_first_use(&s, ERR_CORRUPT,
                                OTHER_NAME("1") ": it does not follow the record before it: one of "
                                                "them was replaced");
    record_free(forked);
    record_free(last);
    record_free(first);
    site_free(&s);
}

static void nobody_is_enrolled_twice_or_after_a_revocation(void **state)
{
    struct site s;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    assert_refused(site_append(&s, RECORD_WRITER, ENROL_OTHER), ERR_CORRUPT,
                   "a writer is enrolled twice");
    site_revoke_other(&s, NULL);
    assert_refused(site_append(&s, RECORD_WRITER, ENROL_OTHER), ERR_CORRUPT,
                   "a revoked writer is enrolled again");
    assert_refused(site_append(&s, RECORD_WRITER,
                               "{\"action\":\"enrol\",\"subject\":\"" ROOT_ID
                               "\",\"publicKey\":\"" OTHER_PUBLIC "\",\"roles\":[]}"),
                   ERR_CORRUPT, "the enrolled writer is not the one of its public key");
    assert_refused(site_append(&s, RECORD_WRITER,
                               "{\"action\":\"enrol\",\"subject\":\"" ROOT_ID
                               "\",\"publicKey\":\"" ROOT_PUBLIC
                               "\",\"algorithms\":[\"ed25519\"],\"roles\":[\"backup\"]}"),
                   ERR_CORRUPT, "the root key is enrolled as a writer");
    assert_refused(site_append(&s, RECORD_WRITER,
                               "{\"action\":\"enrol\",\"subject\":\"" OTHER_ID
                               "\",\"publicKey\":\"" OTHER_PUBLIC
                               "\",\"algorithms\":[\"ed25519\",\"ml-dsa-87\"],\"roles\":[]}"),
                   ERR_UNSUPPORTED,
                   "it asks for signatures by algorithms this release does not know");
    assert_refused(site_append(&s, RECORD_WRITER,
                               "{\"action\":\"revoke\",\"subject\":\"" OTHER_ID
                               "\",\"lastSeq\":3}"),
                   ERR_CORRUPT, "a revocation without \"lastSeq\" and \"lastRecordId\"");
    assert_refused(site_append(&s, RECORD_WRITER,
                               "{\"action\":\"revoke\",\"subject\":\"0000000000000000\","
                               "\"lastSeq\":null,\"lastRecordId\":null}"),
                   ERR_CORRUPT, "a writer is revoked that was never enrolled");
    assert_refused(site_append(&s, RECORD_WRITER, "{\"action\":\"promote\"}"), ERR_UNSUPPORTED,
                   "a writer record with action \"promote\" is not known to this release");
    /* None of the refused ones has left a trace. */
    assert_done(site_open(&s, true));
    assert_int_equal(ledger_count(s.ledger), 4);
    site_free(&s);
}

static void a_second_genesis_is_refused(void **state)
{
    struct site s;
    struct record *before;

    three_snapshots(&s, state);
    before = site_record(&s, ROOT_ID, 1);
    record_free(forge(&s, s.root, RECORD_GENESIS, before, LATER,
                      "{\"rootKey\":\"" ROOT_PUBLIC "\",\"suites\":[1]}"));
    assert_refused_on_first_use(&s, ERR_CORRUPT, ROOT_NAME("2") ": a second genesis record");
    record_free(before);
    site_free(&s);
}

static void a_genesis_says_whose_it_is(void **state)
{
    static const struct {
        const char *body;
        enum err code;
        const char *why;
    } rows[] = {
        {"{\"rootKey\":\"" OTHER_PUBLIC "\",\"suites\":[1]}", ERR_CORRUPT,
         ROOT_NAME("0") ": the genesis record is not in the chain of its root key"},
        {"{\"rootKey\":\"AAAA\",\"suites\":[1]}", ERR_CORRUPT,
         ROOT_NAME("0") ": member \"rootKey\" is not 32 bytes"},
        {"{\"rootKey\":\"" ROOT_PUBLIC "\"}", ERR_CORRUPT,
         ROOT_NAME("0") ": member \"suites\" is missing"},
        {"{\"rootKey\":\"" ROOT_PUBLIC "\",\"suites\":[2]}", ERR_UNSUPPORTED,
         ROOT_NAME("0") ": the repository allows no cipher suite that this release knows"},
        {"{\"rootKey\":\"" ROOT_PUBLIC "\",\"suites\":[1,\"2\"]}", ERR_CORRUPT,
         ROOT_NAME("0") ": item 1 of a list is not a number up to 65535"},
        {"{\"rootKey\":\"" ROOT_PUBLIC "\",\"suites\":[1,2]}", ERR_CORRUPT, /* others beside */
         ROOT_NAME("0") ": member \"algorithms\" is missing"},
        {"{\"rootKey\":\"" ROOT_PUBLIC "\",\"suites\":[]}", ERR_UNSUPPORTED,
         ROOT_NAME("0") ": the repository allows no cipher suite that this release knows"},
        {"{\"rootKey\":\"" ROOT_PUBLIC "\",\"suites\":[1]}", ERR_CORRUPT,
         ROOT_NAME("0") ": member \"algorithms\" is missing"},
        {"{\"rootKey\":\"" ROOT_PUBLIC "\",\"suites\":[1],\"algorithms\":[]}", ERR_UNSUPPORTED,
         ROOT_NAME("0") ": it asks for signatures by algorithms this release does not know"},
        {"{\"rootKey\":\"" ROOT_PUBLIC "\",\"suites\":[1],\"algorithms\":[\"ed25519\"]}",
         ERR_CORRUPT, ROOT_NAME("0") ": member \"nonce\": member \"nonce\" is missing"},
        {"{\"rootKey\":\"" ROOT_PUBLIC "\",\"suites\":[1],\"algorithms\":[\"ed25519\"],"
         "\"nonce\":\"00112233445566778899aabbccddeeff\"}",
         ERR_CORRUPT, ROOT_NAME("0") ": its repositoryId is not the one of its root key"},
    };
    struct site s;

    site_new(&s, state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf good = site_raw(&s, ROOT_NAME("0"));

        record_free(forge(&s, s.root, RECORD_GENESIS, NULL, 0, rows[i].body));
        assert_refused_on_first_use(&s, rows[i].code, rows[i].why);
        site_put(&s, ROOT_NAME("0"), buf_bytes(&good));
        assert_done(site_open(&s, false));
        buf_clear(&good);
    }
    site_free(&s);
}

static void time_never_goes_back_in_a_chain(void **state)
{
    struct site s;
    struct record *before;

    three_snapshots(&s, state);
    before = site_record(&s, OWN_ID, 1);
    record_free(forge(&s, s.own, RECORD_SNAPSHOT, before, before->created_ms - 1, "{}"));
    assert_refused_on_first_use(&s, ERR_CORRUPT,
                                OWN_NAME("2") ": its time is before that of the record before it");
    record_free(before);
    site_free(&s);
}

static void a_record_that_follows_another_history_is_refused(void **state)
{
    struct site s;
    struct record *before;

    three_snapshots(&s, state);
    before = site_record(&s, OWN_ID, 0);
    /* Record 3 anew: signed, in order, only not what record 4 was written after. */
    record_free(forge(&s, s.own, RECORD_SNAPSHOT, before, before->created_ms, "{}"));
    assert_refused_on_first_use(
        &s, ERR_CORRUPT,
        OWN_NAME("2") ": it does not follow the record before it: one of them was replaced");
    record_free(before);
    site_free(&s);
}

/* Somebody's file there is no reason to refuse a restore. */
static void a_stray_name_in_the_ledger_is_warned_of(void **state)
{
    struct site s;

    three_snapshots(&s, state);
    site_put(&s, "ledger/" ROOT_ID "/notes.json", bytes_of_text("x"));
    site_forget(&s);
    warnings = 0;
    log_to(keep_warning);
    assert_done(site_open(&s, false));
    log_to(NULL);
    assert_int_equal(warnings, 1);
    assert_string_equal(last_warning, "ledger/" ROOT_ID "/notes.json: not the name of a record: "
                                      "somebody else put it there, and it is passed over");
    assert_int_equal(ledger_count(s.ledger), 5);
    site_free(&s);
}

static void a_record_over_64_kib_is_not_even_read(void **state)
{
    struct site s;
    struct buf big = {.max = MIB};

    three_snapshots(&s, state);
    while (big.len <= RECORD_LEN_MAX)
        assert_done(buf_add_text(&big, "x"));
    site_put(&s, OWN_NAME("2"), buf_bytes(&big));
    assert_refused_on_first_use(
        &s, ERR_CORRUPT,
        OWN_NAME("2") ": a record of 65537 bytes is over the limit of 65536" DAMAGED);
    buf_clear(&big);
    site_free(&s);
}

/* A line of this machine's that record_make() would not make. */
static void put_signed(struct site *s, const char *name, const char *line)
{
    uint8_t message[RECORD_MESSAGE_LEN];
    uint8_t signature[SIGNER_SIGNATURE_LEN];
    uint8_t id[RECORD_ID_LEN];
    uint8_t writer[SIGNER_ID_LEN];
    struct buf raw = {.max = RECORD_LEN_MAX};

    assert_done(hash_of(bytes_of_text(line), id));
    assert_done(signer_sign(s->own, record_message(id, message), signature));
    assert_done(signer_id(signer_public(s->own), writer));
    assert_done(buf_add_text(&raw, line));
    assert_done(buf_add_text(&raw, "\n"));
    assert_done(record_write_signature(writer, signature, &raw));
    assert_done(buf_add_text(&raw, "\n"));
    site_put(s, name, buf_bytes(&raw));
    buf_clear(&raw);
}

static void what_a_newer_release_wrote_is_not_guessed_at(void **state)
{
    struct site s;
    struct record *before;
    struct record *r;

    three_snapshots(&s, state);
    before = site_record(&s, OWN_ID, 2);
    r = forge(&s, s.own, RECORD_SNAPSHOT, before, LATER, "{\"id\":\"dddd\",\"future\":{}}");
    record_free(r);
    assert_done(site_open(&s, true)); /* a member that may be left unknown */
    put_signed(&s, OWN_NAME("3"), "{\"format\":2,\"anything\":\"else\"}");
    assert_refused_on_first_use(
        &s, ERR_UNSUPPORTED,
        OWN_NAME("3") ": a record of format 2 needs a newer version of sealpoint"
                      "\n  nothing is wrong with the repository: use the version that wrote it, or "
                      "a newer one");
    /* What nobody has signed is not even looked at. */
    site_put(&s, OWN_NAME("3"), bytes_of_text("{\"format\":2}\n{\"signatures\":[]}\n"));
    assert_refused_on_first_use(
        &s, ERR_CORRUPT,
        OWN_NAME("3") ": its line of signatures is not in the one form that there is" DAMAGED);
    record_free(before);
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(every_changed_byte_of_genesis_is_noticed),
        IN_DIRECTORY(every_changed_byte_of_an_enrolment_is_noticed),
        IN_DIRECTORY(every_changed_byte_of_the_newest_record_is_noticed),
        IN_DIRECTORY(a_deleted_record_is_missed),
        IN_DIRECTORY(a_deleted_genesis_is_missed),
        IN_DIRECTORY(two_swapped_records_are_noticed),
        IN_DIRECTORY(a_record_copied_into_another_chain_is_refused),
        IN_DIRECTORY(another_repositorys_record_is_not_ours),
        IN_DIRECTORY(a_key_nobody_enrolled_signs_nothing),
        IN_DIRECTORY(a_record_with_a_strange_signature_is_forged),
        IN_DIRECTORY(an_enrolled_writer_writes_its_own_chain),
        IN_DIRECTORY(a_writer_signs_nothing_that_is_roots),
        IN_DIRECTORY(root_signs_nothing_that_is_a_writers),
        IN_DIRECTORY(each_type_takes_its_role),
        IN_DIRECTORY(a_revoked_writer_signs_nothing_more),
        IN_DIRECTORY(of_a_writer_revoked_without_a_last_record_nothing_counts),
        IN_DIRECTORY(a_chain_forked_below_its_revocation_is_refused),
        IN_DIRECTORY(nobody_is_enrolled_twice_or_after_a_revocation),
        IN_DIRECTORY(a_second_genesis_is_refused),
        IN_DIRECTORY(a_genesis_says_whose_it_is),
        IN_DIRECTORY(time_never_goes_back_in_a_chain),
        IN_DIRECTORY(a_record_that_follows_another_history_is_refused),
        IN_DIRECTORY(a_stray_name_in_the_ledger_is_warned_of),
        IN_DIRECTORY(a_record_over_64_kib_is_not_even_read),
        IN_DIRECTORY(what_a_newer_release_wrote_is_not_guessed_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

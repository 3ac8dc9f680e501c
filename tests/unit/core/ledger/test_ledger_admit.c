/*
 * Checkpoints and bundles as nobody makes them.
 */
#include "core/ledger/checkpoint.h"

#include "tests/unit/core/ledger/forge.h"

#define ROOT_NAME(seq) "ledger/" ROOT_ID "/000000000000000" seq ".json"
#define OWN_NAME(seq) "ledger/" OWN_ID "/000000000000000" seq ".json"
#define OTHER_NAME(seq) "ledger/" OTHER_ID "/000000000000000" seq ".json"
#define BUNDLE_NAME(seq) "checkpoints/" OWN_ID "/000000000000000" seq ".jsonl"

/* Records one behind the other, and their ids. */
struct bundle {
    struct buf bytes;
    struct buf ids;
    size_t count;
};

static struct bundle bundle_of_nothing(void)
{
    return (struct bundle){.bytes = {.max = MIB}, .ids = {.max = MIB}};
}

static void bundle_add(struct bundle *b, struct bytes raw)
{
    struct record *r = NULL;

    assert_done(record_parse(raw, &r));
    assert_done(buf_add(&b->bytes, raw));
    assert_done(buf_add(&b->ids, bytes_of(r->id, RECORD_ID_LEN)));
    b->count++;
    record_free(r);
}

static void bundle_add_stored(struct site *s, struct bundle *b, const char *name)
{
    struct buf raw = site_raw(s, name);

    bundle_add(b, buf_bytes(&raw));
    buf_clear(&raw);
}

static void hex_of_hash(struct bytes of, char out[2 * HASH_LEN + 1])
{
    uint8_t hash[HASH_LEN];

    assert_done(hash_of(of, hash));
    text_hex(bytes_of(hash, HASH_LEN), out);
}

/* A row of "heads". */
static const char *head_text(const struct record *r)
{
    static char text[256];
    char writer[2 * SIGNER_ID_LEN + 1];
    char id[2 * RECORD_ID_LEN + 1];

    text_hex(bytes_of(r->writer, SIGNER_ID_LEN), writer);
    text_hex(bytes_of(r->id, RECORD_ID_LEN), id);
    snprintf(text, sizeof text, "{\"writerId\":\"%s\",\"seq\":%llu,\"recordId\":\"%s\"}", writer,
             (unsigned long long)r->seq, id);
    return text;
}

/* A checkpoint behind `before`, with its bundle; both are put where they belong. */
static struct record *forge_checkpoint(struct site *s, const struct signer *signer,
                                       const struct record *before, int64_t created_ms,
                                       const char *heads, const struct bundle *b)
{
    char writer[2 * SIGNER_ID_LEN + 1];
    char ids[2 * HASH_LEN + 1];
    char digest[2 * HASH_LEN + 1];
    char name[CHECKPOINT_NAME_LEN + 1];
    uint8_t id[SIGNER_ID_LEN];
    char body[2048];

    assert_done(signer_id(signer_public(signer), id));
    checkpoint_name(id, before != NULL ? before->seq + 1 : 0, name);
    text_hex(bytes_of(id, sizeof id), writer);
    hex_of_hash(buf_bytes(&b->ids), ids);
    hex_of_hash(buf_bytes(&b->bytes), digest);
    snprintf(body, sizeof body,
             "{\"heads\":[%s],\"liveSet\":{\"count\":%zu,\"sha256\":\"%s\"},\"expiresAt\":null,"
             "\"bundle\":{\"name\":\"%s\",\"size\":%zu,\"sha256\":\"%s\"}}",
             heads, b->count, ids, name, b->bytes.len, digest);
    site_put(s, name, buf_bytes(&b->bytes));
    return forge(s, signer, RECORD_CHECKPOINT, before, created_ms, body);
}

static void bundle_clear(struct bundle *b)
{
    buf_clear(&b->bytes);
    buf_clear(&b->ids);
}

static int64_t soon(void)
{
    return clock_now_ms() + 1000;
}

static void a_checkpoint_by_a_writer_without_the_role_covers_nothing(void **state)
{
    struct bundle b = bundle_of_nothing();
    struct record *last;
    struct site s;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER_AS("[\"backup\",\"keys\"]")));
    site_snapshot(&s, "aaaa");
    last = site_record(&s, OWN_ID, 0);
    record_free(forge_checkpoint(&s, s.other, NULL, soon(), head_text(last), &b));
    site_delete(&s, OWN_NAME("0"));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   OTHER_NAME("0") ": a checkpoint record takes the role \"retention\", which its "
                                   "writer does not have");
    record_free(last);
    bundle_clear(&b);
    site_free(&s);
}

static void genesis_is_not_taken_from_a_bundle(void **state)
{
    struct bundle b = bundle_of_nothing();
    struct record *last;
    struct site s;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    last = site_record(&s, ROOT_ID, 2);
    bundle_add_stored(&s, &b, ROOT_NAME("0"));
    record_free(forge_checkpoint(&s, s.other, NULL, soon(), head_text(last), &b));
    site_delete(&s, ROOT_NAME("0"));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   "the ledger has records, but its genesis record is missing");
    record_free(last);
    bundle_clear(&b);
    site_free(&s);
}

/* The checkpoint's digests fit the bundle; the signature in it fits nothing. */
static void a_record_of_a_bundle_is_signed_like_any_other(void **state)
{
    struct bundle b = bundle_of_nothing();
    struct record *last;
    struct buf raw;
    char *signature;
    struct site s;

    site_new(&s, state);
    site_snapshot(&s, "aaaa");
    site_snapshot(&s, "bbbb");
    last = site_record(&s, OWN_ID, 1);
    raw = site_raw(&s, OWN_NAME("0"));
    assert_done(buf_add(&raw, bytes_of("", 1)));
    raw.len--;
    signature = strstr((char *)raw.data, "\"sig\":\"") + strlen("\"sig\":\"");
    *signature = *signature == 'A' ? 'B' : 'A';
    bundle_add_stored(&s, &b, ROOT_NAME("0"));
    bundle_add_stored(&s, &b, ROOT_NAME("1"));
    bundle_add(&b, buf_bytes(&raw));
    bundle_add_stored(&s, &b, OWN_NAME("1"));
    record_free(forge_checkpoint(&s, s.own, last, soon(), head_text(last), &b));
    site_delete(&s, OWN_NAME("0"));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   BUNDLE_NAME("2") ": the signature does not fit" DAMAGED);
    buf_clear(&raw);
    record_free(last);
    bundle_clear(&b);
    site_free(&s);
}

static void two_checkpoints_that_name_different_ends_are_noticed(void **state)
{
    struct bundle b = bundle_of_nothing();
    struct record *was;
    struct record *is;
    struct record *first;
    struct site s;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    was = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"aaaa\"}");
    is = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"bbbb\"}");
    first = forge_checkpoint(&s, s.own, NULL, soon(), head_text(was), &b);
    record_free(forge_checkpoint(&s, s.own, first, soon(), head_text(is), &b));
    site_delete(&s, OTHER_NAME("0"));
    site_forget(&s);
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   OTHER_NAME("0") ": it is missing, and was here when a checkpoint was made");
    record_free(first);
    record_free(is);
    record_free(was);
    bundle_clear(&b);
    site_free(&s);
}

static void a_bundle_that_has_another_record_than_the_ledger_is_refused(void **state)
{
    struct bundle b = bundle_of_nothing();
    struct record *last;
    struct record *is;
    struct site s;

    site_new(&s, state);
    assert_done(site_append(&s, RECORD_WRITER, ENROL_OTHER));
    last = site_record(&s, ROOT_ID, 2);
    record_free(forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"aaaa\"}"));
    bundle_add_stored(&s, &b, OTHER_NAME("0"));
    is = forge(&s, s.other, RECORD_SNAPSHOT, NULL, 1000, "{\"id\":\"bbbb\"}");
    record_free(forge_checkpoint(&s, s.own, NULL, soon(), head_text(last), &b));
    site_forget(&s);
    /* Nothing is missing, so the bundle is not even read. */
    assert_refused(site_open(&s, false), ERR_CORRUPT,
                   OWN_NAME("0") ": it leaves out what is live: of the records that it saw the "
                                 "ledger has 3 live ones, and it names 1, or others: its writer "
                                 "may have been taken over");
    assert_refused(site_open(&s, true), ERR_CORRUPT,
                   BUNDLE_NAME("0") ": it has another record 0 than the ledger");
    record_free(is);
    record_free(last);
    bundle_clear(&b);
    site_free(&s);
}

/* Its bytes are those that were signed, and not what was signed of them. */
static void a_bundle_of_another_live_set_is_refused(void **state)
{
    struct record *last;
    struct site s;

    site_new(&s, state);
    last = site_record(&s, ROOT_ID, 1);
    for (int lie = 0; lie < 3; lie++) {
        struct bundle b = bundle_of_nothing();

        bundle_add_stored(&s, &b, ROOT_NAME("0"));
        bundle_add_stored(&s, &b, ROOT_NAME("1"));
        b.count += lie == 1;
        b.ids.data[0] ^= lie == 2;
        record_free(forge_checkpoint(&s, s.own, NULL, soon(), head_text(last), &b));
        if (lie == 0)
            assert_done(site_open(&s, true));
        else
            assert_refused(site_open(&s, true), ERR_CORRUPT,
                           BUNDLE_NAME("0") ": its records are not those of the checkpoint "
                                            "record's live set");
        site_delete(&s, OWN_NAME("0"));
        site_forget(&s);
        assert_done(site_open(&s, false));
        bundle_clear(&b);
    }
    record_free(last);
    site_free(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_checkpoint_by_a_writer_without_the_role_covers_nothing),
        IN_DIRECTORY(genesis_is_not_taken_from_a_bundle),
        IN_DIRECTORY(a_record_of_a_bundle_is_signed_like_any_other),
        IN_DIRECTORY(two_checkpoints_that_name_different_ends_are_noticed),
        IN_DIRECTORY(a_bundle_that_has_another_record_than_the_ledger_is_refused),
        IN_DIRECTORY(a_bundle_of_another_live_set_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

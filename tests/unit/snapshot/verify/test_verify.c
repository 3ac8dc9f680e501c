#include "snapshot/verify/verify.h"

#include "snapshot/verify/verify_data.h"
#include "tests/unit/roots.h"
#include "tests/unit/snapshot/repositories.h"

/* A chain of two snapshots. */
static void make_chain(void **state, struct world *w)
{
    make_world(state, w);
    put_file(in(state, "source/a"), "alpha");
    put_pattern(in(state, "source/f"), 3 * 65536 + 5, 1);
    make_backup(w);
    put_pattern(in(state, "source/g"), 70000, 2);
    make_backup(w);
    *said = '\0';
}

static enum err verify(struct world *w, enum verify_depth depth, double sample,
                       struct verify_result *r)
{
    struct snapshot_list c = {0};
    struct verify_options options = {.repository = w->repository,
                                     .keyring = depth == VERIFY_DECRYPT ? w->keyring : NULL,
                                     .snapshot_list = &c,
                                     .depth = depth,
                                     .sample = sample,
                                     .workers = 2};
    enum err rc;

    TRY(snapshot_list_read(w->ledger, &c));
    TRY(verify_run(&options, r));
out:
    snapshot_list_clear(&c);
    return rc;
}

static void a_sound_repository_passes_at_every_depth(void **state)
{
    struct world w;
    struct verify_result r = {0};

    make_chain(state, &w);
    w.key.unwrap_aborts = true;
    assert_done(verify(&w, VERIFY_PRESENCE, 1, &r));
    assert_int_equal(r.snapshots, 2);
    assert_int_equal(r.bytes + r.damaged, 0);
    assert_done(verify(&w, VERIFY_READ_DATA, 1, &r));
    assert_true(r.objects >= 4);
    assert_true(r.bytes > 4 * 65536);
    w.key.unwrap_aborts = false;
    assert_done(verify(&w, VERIFY_DECRYPT, 1, &r));
    assert_true(r.bytes > 0);
    assert_int_equal(r.damaged, 0);
    assert_string_equal(said, "");
    clear_world(&w);
}

/* A chain of n has n data keys, and n(n + 1)/2 places that name them. */
static void a_chain_has_each_data_key_unwrapped_once(void **state)
{
    struct world w;
    struct verify_result r = {0};

    make_chain(state, &w);
    for (int i = 0; i < 4; i++) {
        put_pattern(in(state, "source/g"), 70000, (uint32_t)i + 3);
        make_backup(&w);
    }
    double_forget_calls(&w.key);
    assert_done(verify(&w, VERIFY_DECRYPT, 1, &r));
    assert_int_equal(r.snapshots, 6);
    assert_int_equal(w.key.unwraps, 6);
    clear_world(&w);
}

static enum err end_as_root(struct world *w, const char *id)
{
    struct jdoc *body = NULL;
    enum err rc;

    TRY(jdoc_object(&body));
    TRY(jdoc_set_text(body, "subject", id));
    TRY(jdoc_set_text(body, "reason", "test"));
    TRY(ledger_act_as_root(w->ledger, test_root()));
    TRY(ledger_append(w->ledger, RECORD_TOMBSTONE, body, NULL));
    TRY(ledger_act_as_root(w->ledger, NULL));
out:
    jdoc_free(body);
    return rc;
}

/* The base is ended, the increment reads from it; nothing of the ledger is forgotten for it. */
static void an_ended_base_is_still_in_the_ledger_and_what_is_not_is_said(void **state)
{
    struct world w;
    struct verify_result r = {0};
    struct snapshot_list c = {0};
    struct manifest m = {.key_count = 0};
    struct verify_set set;
    const struct verify_options options = {.repository = NULL};
    struct verify_options with = options;

    make_chain(state, &w);
    assert_done(snapshot_list_read(w.ledger, &c));
    assert_done(end_as_root(&w, c.items[0].id));
    assert_done(ledger_checkpoint(w.ledger));
    assert_done(verify(&w, VERIFY_DECRYPT, 1, &r));
    assert_int_equal(r.snapshots, 1);
    assert_int_equal(r.unseen, 0);

    with.repository = w.repository;
    assert_done(verify_set_init(&set, &with, 1));
    assert_done(manifest_load(w.repository, &c.items[1], &m));
    assert_int_equal(m.key_count, 2);
    m.keys[1].context.scope[3] ^= 1; /* as if its record were gone */
    assert_done(verify_check_scopes(&set, &c.items[1], &m, &r));
    assert_int_equal(r.unseen, 1);
    assert_true(was_said("the ledger has no record of 1 of the data keys that it needs: "
                         "`sealpoint key impact` and `key rewrap` do not see them"));
    verify_set_clear(&set);
    manifest_clear(&m);
    snapshot_list_clear(&c);
    clear_world(&w);
}

/* What is left when a journal is lost is counted, whatever it is called, and is no damage. */
static void what_no_snapshot_uses_is_counted(void **state)
{
    static const char *const names[] = {"data/aa/aa000000000000000000000000000000", "data/strange",
                                        "manifests/aaaaaaaaaaaaaaaaaaaaaaaa.json"};
    struct verify_result r = {0};
    struct world w;

    make_chain(state, &w);
    assert_done(verify(&w, VERIFY_PRESENCE, 1, &r));
    assert_int_equal(r.unused + r.unused_bytes, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_done(store_put(w.store, names[i], bytes_of_text("seven b")));
    assert_done(verify(&w, VERIFY_READ_DATA, 0.5, &r));
    assert_int_equal(r.unused, 3);
    assert_int_equal(r.unused_bytes, 21);
    assert_int_equal(r.damaged, 0);
    clear_world(&w);
}

static void a_sample_is_a_part(void **state)
{
    struct world w;
    struct verify_result whole = {0};
    struct verify_result half = {0};

    make_chain(state, &w);
    assert_done(verify(&w, VERIFY_READ_DATA, 1, &whole));
    assert_done(verify(&w, VERIFY_READ_DATA, 0.5, &half));
    assert_true(half.bytes > 0 && half.bytes < whole.bytes);
    assert_int_equal(half.objects, whole.objects); /* all are looked for */
    assert_done(verify(&w, VERIFY_DECRYPT, 0.5, &half));
    assert_done(verify(&w, VERIFY_READ_DATA, 0.0001, &half));
    assert_true(half.bytes > 0);
    clear_world(&w);
}

/* ---- damage ---- */

enum damage { MISSING, CUT, LONGER, FLIPPED, DAMAGE_COUNT };

static void damage_file(const char *path, enum damage kind, struct bytes kept)
{
    uint8_t *content = malloc(kept.len + 1);

    assert_non_null(content);
    memcpy(content, kept.data, kept.len);
    content[kept.len] = 0;
    assert_int_equal(unlink(path), 0);
    if (kind == FLIPPED)
        content[kept.len / 2] ^= 1;
    if (kind != MISSING)
        put_bytes(path, content, kept.len - (kind == CUT) + (kind == LONGER));
    free(content);
}

struct search_damage {
    struct world *w;
    const char *what; /* "object" or "manifest" */
    unsigned seen;
};

/* Each kind of damage of this one, at each depth: found, named, and only that is counted. */
static enum err damage_each(void *arg, const char *name, uint64_t size)
{
    static const char *const depths[] = {"presence", "read data", "decrypt"};
    struct search_damage *s = arg;
    struct verify_result r = {0};
    struct buf kept = {.max = 4 * MIB};
    char path[1024];

    (void)size;
    snprintf(path, sizeof path, "%s/%s", in(s->w->state, "repository"), name);
    assert_done(file_read(path, &kept));
    for (enum damage kind = MISSING; kind < DAMAGE_COUNT; kind++) {
        damage_file(path, kind, buf_bytes(&kept));
        for (enum verify_depth depth = VERIFY_PRESENCE; depth <= VERIFY_DECRYPT; depth++) {
            bool must = kind != FLIPPED || depth != VERIFY_PRESENCE || *s->what == 'm';
            enum err rc;

            *said = '\0';
            rc = verify(s->w, depth, 1, &r);
            if (rc != (must ? ERR_CORRUPT : ERR_OK) || (r.damaged > 0) != must ||
                was_said(name) != must)
                fail_msg("%s, damage %d, %s: %d\n%s", name, (int)kind, depths[depth], (int)rc,
                         said);
        }
        put_bytes(path, kept.data, kept.len);
    }
    s->seen++;
    buf_clear(&kept);
    return ERR_OK;
}

static void all_damage_is_found_and_named(void **state)
{
    struct world w;
    struct search_damage s = {.w = &w, .what = "object"};
    struct verify_result r = {0};

    make_chain(state, &w);
    assert_done(store_list(w.real, "data", damage_each, &s));
    s.what = "manifest";
    assert_done(store_list(w.real, "manifests", damage_each, &s));
    assert_true(s.seen >= 6);
    assert_done(verify(&w, VERIFY_DECRYPT, 1, &r));
    clear_world(&w);
}

static void the_message_says_how_much_and_what_now(void **state)
{
    struct world w;
    struct verify_result r = {0};

    make_chain(state, &w);
    remove_all(in(state, "repository/data"));
    assert_refused(verify(&w, VERIFY_PRESENCE, 1, &r), ERR_CORRUPT, NULL);
    assert_true(r.damaged >= 4);
    assert_int_equal(r.damaged, r.objects);
    clear_world(&w);
}

static void a_key_that_refuses_is_no_damage(void **state)
{
    struct world w;
    struct verify_result r = {0};

    make_chain(state, &w);
    w.key.unwrap_refused = ERR_KEY_INVALID;
    assert_refused(verify(&w, VERIFY_DECRYPT, 1, &r), ERR_KEY_INVALID, NULL);
    assert_int_equal(r.damaged, 0);
    clear_world(&w);
}

/* Is that damage? Nobody can tell, and there is nothing else to look at. */
static void a_store_that_is_gone_ends_the_run(void **state)
{
    struct faulty gone = {.fault = FAULT_FAIL, .fail_at = 1, .sticky = true};
    struct verify_result r = {0};
    struct world w;

    make_chain(state, &w);
    open_ledger(&w, &gone);
    assert_refused(verify(&w, VERIFY_PRESENCE, 1, &r), ERR_STORAGE, NULL);
    assert_int_equal(r.damaged + r.unreadable, 0);
    clear_world(&w);
}

/* Four snapshots of three key versions; the first of them decides what the end is. */
static void the_first_refusal_is_told_and_each_version_is_asked_once(void **state)
{
    struct world w;
    struct verify_result r = {0};

    make_chain(state, &w);
    for (size_t i = 0; i < 2; i++) {
        w.key.version[0] = "23"[i];
        make_backup(&w);
    }
    w.key.unwraps = 0;
    w.key.unreachable = "1";
    w.key.unwrap_refused = ERR_KEY_INVALID;
    assert_refused(verify(&w, VERIFY_DECRYPT, 1, &r), ERR_KEY_UNREACHABLE,
                   "4 of the snapshots were not decrypted: see above");
    assert_int_equal(r.locked, 4);
    assert_int_equal(w.key.unwraps, 3);
    w.key.unwrap_refused = ERR_OK; /* versions 2 and 3 may be used: what is theirs is read */
    assert_refused(verify(&w, VERIFY_DECRYPT, 1, &r), ERR_KEY_UNREACHABLE,
                   "2 of the snapshots were not decrypted: see above");
    assert_true(r.bytes > 0);
    clear_world(&w);
}

static enum err verify_once(void *arg)
{
    struct verify_result r = {0};

    return verify(arg, VERIFY_DECRYPT, 1, &r);
}

static void no_memory_is_said(void **state)
{
    struct world w;

    make_chain(state, &w);
    assert_true(sweep_allocations(verify_once, &w) > 20);
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_sound_repository_passes_at_every_depth),
    IN_DIRECTORY(a_chain_has_each_data_key_unwrapped_once),
    IN_DIRECTORY(an_ended_base_is_still_in_the_ledger_and_what_is_not_is_said),
    IN_DIRECTORY(what_no_snapshot_uses_is_counted),
    IN_DIRECTORY(a_sample_is_a_part),
    IN_DIRECTORY(all_damage_is_found_and_named),
    IN_DIRECTORY(the_message_says_how_much_and_what_now),
    IN_DIRECTORY(a_store_that_is_gone_ends_the_run),
    IN_DIRECTORY(a_key_that_refuses_is_no_damage),
    IN_DIRECTORY(the_first_refusal_is_told_and_each_version_is_asked_once),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

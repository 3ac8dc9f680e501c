#include "snapshot/backup/backup.h"

#include "core/fs/lock.h"
#include "keyring/catalogue/rewrap.h"
#include "tests/unit/snapshot/repositories.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One of everything. */
static void fill_source(void **state)
{
    uint8_t *zeros = calloc(1, 200 * KIB);
    int fd;

    assert_non_null(zeros);
    assert_int_equal(mkdir(in(state, "source/d"), 0750), 0);
    assert_int_equal(mkdir(in(state, "source/d/empty"), 0700), 0);
    put_file(in(state, "source/a"), "alpha");
    put_file(in(state, "source/empty"), "");
    put_pattern(in(state, "source/d/raw"), 200 * KIB + 3, 1);
    put_pattern(in(state, "source/block"), 64 * KIB, 2);
    put_bytes(in(state, "source/zeros"), zeros, 200 * KIB);
    assert_int_equal(chmod(in(state, "source/a"), 0400), 0);
    assert_int_equal(link(in(state, "source/d/raw"), in(state, "source/hard")), 0);
    assert_int_equal(symlink("nowhere/at all", in(state, "source/soft")), 0);
    assert_int_equal(mkfifo(in(state, "source/pipe"), 0640), 0);
    fd = open(in(state, "source/sparse"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 3 * MIB + 5), 0);
    assert_int_equal(pwrite(fd, "data", 4, MIB + 7), 4);
    close(fd);
    free(zeros);
}

/* Files that were touched just now are read again; these tests are about those that were not. */
static void let_a_tick_pass(void)
{
    usleep(60000);
}

static void a_snapshot_restores_to_the_same_tree(void **state)
{
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    fill_source(state);
    r = make_backup(&w);
    assert_true(r.is_base);
    assert_string_equal(r.why_base, "it is the first snapshot");
    assert_int_equal(r.attention, 0);
    assert_int_equal(r.totals.files, 7);
    assert_done(restore_to(&w, r.id, "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    assert_int_equal(count_orphans(&w), 0);
    assert_false(file_exists(in(state, "state/pending")));
    assert_int_equal(w.key.wraps, 1);
    clear_world(&w);
}

static void zeros_and_holes_are_not_stored(void **state)
{
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    fill_source(state);
    r = make_backup(&w);
    /* a, block, d/raw, and the one block of the sparse file that has data */
    assert_int_equal(r.totals.new_bytes, 5 + 64 * KIB + 200 * KIB + 3 + 64 * KIB);
    clear_world(&w);
}

static void an_unchanged_source_stores_nothing_new(void **state)
{
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    fill_source(state);
    let_a_tick_pass();
    make_backup(&w);
    r = make_backup(&w);
    assert_false(r.is_base);
    assert_string_equal(r.why_base, "");
    assert_int_equal(r.totals.new_bytes, 0);
    assert_int_equal(r.totals.files, 7);
    assert_done(restore_to(&w, "latest", "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    assert_int_equal(count_orphans(&w), 0);
    clear_world(&w);
}

static void reading_all_finds_the_same_blocks(void **state)
{
    struct world w;
    struct backup_options options;
    struct backup_result r;

    make_world(state, &w);
    fill_source(state);
    make_backup(&w);
    options = backup_options_of(&w);
    options.read_all = true;
    assert_done(backup_run(&options, &r));
    assert_int_equal(r.totals.new_bytes, 0);
    assert_false(r.is_base);
    clear_world(&w);
}

static void only_changed_blocks_are_stored_and_every_step_restores(void **state)
{
    struct world w;
    struct backup_result r[4];
    char *trees[4];
    int fd;

    make_world(state, &w);
    put_pattern(in(state, "source/f"), MIB + 5, 1);
    put_pattern(in(state, "source/g"), 100, 2);
    r[0] = make_backup(&w);
    trees[0] = tree_text(in(state, "source"));
    fd = open(in(state, "source/f"), O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "changed", 7, 3 * 65536 + 100), 7);
    r[1] = make_backup(&w);
    trees[1] = tree_text(in(state, "source"));
    assert_int_equal(r[1].totals.new_bytes, 65536);
    assert_int_equal(pwrite(fd, "over the edge", 13, 65536 - 5), 13);
    assert_int_equal(rename(in(state, "source/g"), in(state, "source/h")), 0);
    r[2] = make_backup(&w);
    trees[2] = tree_text(in(state, "source"));
    assert_int_equal(r[2].totals.new_bytes, 2 * 65536 + 100);
    assert_int_equal(pwrite(fd, "end", 3, MIB + 1), 3);
    r[3] = make_backup(&w);
    trees[3] = tree_text(in(state, "source"));
    assert_int_equal(r[3].totals.new_bytes, 5);
    close(fd);
    for (size_t i = 0; i < 4; i++) {
        char target[16];

        snprintf(target, sizeof target, "target%zu", i);
        assert_int_equal(r[i].is_base, i == 0);
        assert_done(restore_to(&w, r[i].id, target));
        assert_same_text(in(state, target), trees[i]);
        free(trees[i]);
    }
    assert_int_equal(count_orphans(&w), 0);
    clear_world(&w);
}

/* What of a file of `now` bytes is new after it had `was`: blocks whose content or length differs.
 * The patterns are the same in both as far as both go, and hold no zero blocks. */
static uint64_t new_bytes_of(size_t was, size_t now)
{
    uint64_t new = 0;

    for (size_t offset = 0; offset < now; offset += 65536) {
        size_t is_len = now - offset < 65536 ? now - offset : 65536;
        size_t was_len = was <= offset ? 0 : was - offset < 65536 ? was - offset : 65536;

        new += is_len != was_len ? is_len : 0;
    }
    return new;
}

static void grown_and_shrunk_files_share_all_blocks_that_are_whole_in_both(void **state)
{
    static const size_t sizes[] = {0,       1,   65535,   65536,       65537,       2 * 65536,
                                   MIB - 1, MIB, MIB + 1, MIB + 65536, MIB + 65541, 100};
    struct world w;
    struct backup_result r;
    uint64_t want = 0;
    char name[64];

    make_world(state, &w);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT(sizes); i++)
            for (size_t k = 0; k < COUNT(sizes); k++) {
                snprintf(name, sizeof name, "source/%zu-%zu", i, k);
                put_pattern(in(state, name), sizes[round == 0 ? i : k], 5);
                want += round == 0 ? 0 : new_bytes_of(sizes[i], sizes[k]);
            }
        r = make_backup(&w);
    }
    assert_false(r.is_base);
    assert_int_equal(r.totals.new_bytes, want);
    assert_done(restore_to(&w, "latest", "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    clear_world(&w);
}

static void a_file_that_crosses_the_next_block_size_is_stored_anew(void **state)
{
    struct world w;
    struct backup_result r;
    int fd;

    make_world(state, &w);
    fd = open(in(state, "source/f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "data", 4, 0), 4);
    assert_int_equal(ftruncate(fd, 64 * (off_t)MIB - 1), 0);
    r = make_backup(&w);
    assert_int_equal(r.totals.new_bytes, 64 * KIB);
    assert_int_equal(ftruncate(fd, 64 * (off_t)MIB), 0);
    r = make_backup(&w);
    assert_int_equal(r.totals.new_bytes, 256 * KIB);
    assert_done(restore_to(&w, "latest", "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    close(fd);
    clear_world(&w);
}

/* ---- keys and parents ---- */

static void an_incremental_needs_no_right_to_decrypt(void **state)
{
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    w.key.unwrap_aborts = true;
    put_pattern(in(state, "source/f"), 3 * 65536, 1);
    make_backup(&w);
    open_ledger(&w, NULL);
    put_pattern(in(state, "source/g"), 10, 2);
    r = make_backup(&w);
    assert_false(r.is_base);
    assert_int_equal(r.totals.new_bytes, 10);
    assert_int_equal(w.key.wraps, 2);
    w.key.unwrap_aborts = false;
    assert_done(restore_to(&w, "latest", "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    clear_world(&w);
}

static void without_cache_and_without_that_right_it_is_a_base(void **state)
{
    struct world w;
    struct backup_result first;
    struct backup_result r;
    char message[256];

    make_world(state, &w);
    put_pattern(in(state, "source/f"), 3 * 65536, 1);
    first = make_backup(&w);
    assert_done(file_remove_tree(in(state, "state/cache")));
    w.key.unwrap_refused = ERR_KEY_INVALID;
    r = make_backup(&w);
    assert_true(r.is_base);
    assert_string_equal(r.why_base, "the parent's index cannot be read here");
    assert_int_equal(r.totals.new_bytes, 3 * 65536);
    snprintf(message, sizeof message,
             "snapshot %s cannot be built upon: the parent's index is not in the cache and cannot "
             "be decrypted here: the double does not unwrap\n",
             first.id);
    assert_true(was_said(message));
    clear_world(&w);
}

static void without_cache_the_parents_index_is_decrypted(void **state)
{
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    put_pattern(in(state, "source/f"), 3 * 65536, 1);
    make_backup(&w);
    assert_done(file_remove_tree(in(state, "state/cache")));
    r = make_backup(&w);
    assert_false(r.is_base);
    assert_int_equal(r.totals.new_bytes, 0);
    assert_int_equal(w.key.unwraps, 1);
    assert_int_equal(count_names(in(state, "state/cache")), 1);
    clear_world(&w);
}

static void another_active_version_begins_a_new_chain(void **state)
{
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    put_pattern(in(state, "source/f"), 65536, 1);
    make_backup(&w);
    snprintf(w.key.version, sizeof w.key.version, "%s", "2");
    r = make_backup(&w);
    assert_true(r.is_base);
    assert_string_equal(r.why_base, "the active master-key version changed");
    r = make_backup(&w);
    assert_false(r.is_base);
    clear_world(&w);
}

/* ---- a further master key ---- */

static enum err escrow_active(void *self, struct key_name *out)
{
    const struct stand_in *d = self;

    *out = (struct key_name){"double", "escrow", "", ""};
    memcpy(out->version, d->version, sizeof d->version);
    return ERR_OK;
}

static enum err escrow_is_mine(void *self, const char *key_id, bool *is_here)
{
    (void)self;
    *is_here = strcmp(key_id, "escrow") == 0;
    return ERR_OK;
}

static const struct provider provider_escrow = {.name = "double",
                                                .free = double_free,
                                                .active = escrow_active,
                                                .is_mine = escrow_is_mine,
                                                .state = double_state,
                                                .wrap = double_wrap,
                                                .unwrap = double_unwrap};

/* From now on the configured master keys are these. */
static void configure_keys(struct world *w, const struct provider *first, struct stand_in *a,
                           const struct provider *second, struct stand_in *b)
{
    const struct provider *const providers[] = {first, second};
    void *const selves[] = {a, b};

    keyring_free(w->keyring);
    assert_done(keyring_of(providers, selves, second != NULL ? 2 : 1, &w->keyring));
}

static enum err restore_by(struct world *w, size_t envelope, const char *target)
{
    struct snapshot_list c = {0};
    struct restore_options options = {.repository = w->repository,
                                      .keyring = w->keyring,
                                      .workers = 2,
                                      .envelope = envelope,
                                      .target = in(w->state, target)};
    struct restore_result result;
    enum err rc;

    TRY(snapshot_list_read(w->ledger, &c));
    TRY(snapshot_list_find(&c, "latest", &options.snapshot));
    options.snapshot_list = &c;
    TRY(restore_run(&options, &result));
out:
    snapshot_list_clear(&c);
    return rc;
}

/* An increment would have two envelopes and what it reads from one: --envelope 1 opened neither. */
static void a_further_master_key_begins_a_new_chain_that_it_opens(void **state)
{
    struct stand_in escrow = {.version = "1"};
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    put_pattern(in(state, "source/f"), 65536, 1);
    make_backup(&w);
    configure_keys(&w, &provider_double, &w.key, &provider_escrow, &escrow);
    r = make_backup(&w);
    assert_true(r.is_base);
    assert_string_equal(r.why_base, "the configured master keys changed");
    put_pattern(in(state, "source/g"), 10, 2);
    r = make_backup(&w);
    assert_false(r.is_base);
    assert_done(restore_by(&w, 1, "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    assert_true(escrow.unwraps > 0);
    assert_int_equal(w.key.unwraps, 0);
    assert_int_equal(count_orphans(&w), 0);
    clear_world(&w);
}

static void a_master_key_that_is_taken_away_begins_a_new_chain(void **state)
{
    struct stand_in escrow = {.version = "1"};
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    configure_keys(&w, &provider_double, &w.key, &provider_escrow, &escrow);
    put_pattern(in(state, "source/f"), 65536, 1);
    make_backup(&w);
    configure_keys(&w, &provider_double, &w.key, NULL, NULL);
    r = make_backup(&w);
    assert_true(r.is_base);
    assert_string_equal(r.why_base, "the configured master keys changed");
    assert_false(make_backup(&w).is_base);
    clear_world(&w);
}

/* What counts is what wraps them now. */
static void after_a_rewrap_the_chain_goes_on_with_the_further_key(void **state)
{
    struct stand_in escrow = {.version = "1"};
    struct rewrap_options rewrap = {0};
    struct rewrap_result result;
    struct world w;
    struct backup_result r;

    make_world(state, &w);
    put_pattern(in(state, "source/f"), 65536, 1);
    make_backup(&w);
    put_pattern(in(state, "source/g"), 10, 2);
    assert_false(make_backup(&w).is_base);
    configure_keys(&w, &provider_double, &w.key, &provider_escrow, &escrow);
    rewrap.ledger = w.ledger;
    rewrap.keyring = w.keyring;
    assert_done(rewrap_run(&rewrap, &result));
    assert_int_equal(result.done, 2);
    put_pattern(in(state, "source/h"), 10, 3);
    r = make_backup(&w);
    assert_false(r.is_base);
    w.key.unwrap_aborts = true;
    assert_done(restore_by(&w, 1, "target"));
    assert_same_trees(in(state, "source"), in(state, "target"));
    clear_world(&w);
}

static void a_base_can_be_asked_for(void **state)
{
    struct world w;
    struct backup_options options;
    struct backup_result r;

    make_world(state, &w);
    put_pattern(in(state, "source/f"), 65536, 1);
    make_backup(&w);
    options = backup_options_of(&w);
    options.full = true;
    assert_done(backup_run(&options, &r));
    assert_true(r.is_base);
    assert_string_equal(r.why_base, "it was requested");
    clear_world(&w);
}

static void what_was_given_is_in_the_catalogue(void **state)
{
    struct world w;
    struct backup_options options;
    struct backup_result r[2];
    struct snapshot_list c = {0};
    const struct snapshot *s;

    make_world(state, &w);
    put_pattern(in(state, "source/f"), 65536, 1);
    options = backup_options_of(&w);
    options.description = "before the upgrade";
    options.expires_ms = INT64_C(4000000000000);
    assert_done(backup_run(&options, &r[0]));
    options.description = NULL;
    options.expires_ms = 0;
    assert_done(backup_run(&options, &r[1]));
    assert_done(snapshot_list_read(w.ledger, &c));
    assert_int_equal(c.count, 2);
    s = &c.items[0];
    assert_string_equal(s->id, r[0].id);
    assert_string_equal(s->description, "before the upgrade");
    assert_string_equal(s->snapshot_type, "onDemand");
    assert_string_equal(s->frequency_type, "onDemand");
    assert_true(s->expires_ms == INT64_C(4000000000000));
    assert_string_equal(s->recorded_key.version, "1");
    assert_string_equal(s->parent, "");
    assert_string_equal(s->base, s->id);
    assert_int_equal(s->chain_position, 0);
    assert_int_equal(s->totals.new_bytes, 65536);
    s = &c.items[1];
    assert_string_equal(s->description, "");
    assert_true(s->expires_ms == 0);
    assert_string_equal(s->parent, r[0].id);
    assert_string_equal(s->base, r[0].id);
    assert_int_equal(s->chain_position, 1);
    assert_true(s->chain_needed_bytes <= s->chain_stored_bytes);
    snapshot_list_clear(&c);
    clear_world(&w);
}

static void a_chain_of_the_given_length_ends(void **state)
{
    static const bool is_base[] = {true, false, false, true, false};
    struct world w;
    struct backup_options options;
    struct backup_result r;

    make_world(state, &w);
    put_pattern(in(state, "source/f"), 65536, 1);
    options = backup_options_of(&w);
    options.chain_length = 2;
    for (size_t i = 0; i < COUNT(is_base); i++) {
        assert_done(backup_run(&options, &r));
        assert_int_equal(r.is_base, is_base[i]);
    }
    clear_world(&w);
}

/* Objects that nothing needs any more are not dragged along. */
static void what_is_not_needed_any_more_leaves_the_manifest(void **state)
{
    struct world w;
    struct snapshot_list c = {0};
    struct manifest m = {0};
    struct backup_result r;

    make_world(state, &w);
    put_pattern(in(state, "source/f"), 65536, 1);
    put_pattern(in(state, "source/g"), 3 * 65536, 1);
    make_backup(&w);
    put_pattern(in(state, "source/f"), 65536, 2);
    put_pattern(in(state, "source/g"), 3 * 65536, 3);
    r = make_backup(&w);
    assert_false(r.is_base);
    assert_done(snapshot_list_read(w.ledger, &c));
    assert_done(manifest_load(w.repository, &c.items[1], &m));
    assert_int_equal(m.key_count, 1);
    for (size_t i = 0; i < m.object_count; i++)
        assert_memory_equal(m.objects[i].scope, m.index.scope, SEAL_ID_LEN);
    r = make_backup(&w);
    assert_true(r.is_base);
    assert_string_equal(r.why_base,
                        "the newest snapshot needs less than half of what the chain stores");
    manifest_clear(&m);
    snapshot_list_clear(&c);
    clear_world(&w);
}

/* ---- refusals ---- */

static void a_source_that_cannot_be_is_refused_and_nothing_is_left(void **state)
{
    struct world w;
    struct backup_options options;
    struct backup_result r;

    make_world(state, &w);
    options = backup_options_of(&w);
    options.source = in(state, "none");
    assert_refused(backup_run(&options, &r), ERR_NOT_FOUND, NULL);
    put_file(in(state, "source/WiredTiger"), "");
    put_file(in(state, "source/.initialsync"), "");
    options.source = in(state, "source");
    assert_refused(backup_run(&options, &r), ERR_USAGE, NULL);
    assert_int_equal(count_orphans(&w), 0);
    assert_int_equal(w.key.wraps, 0);
    clear_world(&w);
}

static void a_second_backup_at_the_same_time_is_refused(void **state)
{
    struct world w;
    struct backup_options options;
    struct backup_result r;
    struct lock *lock = NULL;
    char message[512];

    make_world(state, &w);
    put_file(in(state, "source/f"), "");
    assert_done(lock_take(in(state, "state/backup.lock"), false, &lock));
    options = backup_options_of(&w);
    snprintf(message, sizeof message,
             "another backup of this repository runs: %s is held by process %ld\n  wait for that "
             "run to end, then try again",
             in(state, "state/backup.lock"), (long)getpid());
    assert_refused(backup_run(&options, &r), ERR_BUSY, message);
    lock_free(lock);
    assert_done(backup_run(&options, &r));
    clear_world(&w);
}

static void a_text_that_no_reader_takes_is_refused_before_anything_is_read(void **state)
{
    static char too_long[SNAPSHOT_TEXT_MAX + 2];
    static const char *const texts[] = {too_long, "a\tb", "\xff"};
    static const char *const due[] = {
        "the description is 256 bytes long, at most 255 are possible",
        "the description has characters that are not printable, or is not UTF-8",
        "the description has characters that are not printable, or is not UTF-8"};
    struct world w;
    struct backup_options options;
    struct backup_result result;

    make_world(state, &w);
    put_file(in(state, "source/f"), "content");
    memset(too_long, 'x', sizeof too_long - 1);
    for (size_t i = 0; i < 3; i++) {
        options = backup_options_of(&w);
        options.description = texts[i];
        assert_refused(backup_run(&options, &result), ERR_USAGE, due[i]);
    }
    assert_int_equal(w.key.wraps, 0);
    too_long[SNAPSHOT_TEXT_MAX] = '\0';
    options.description = too_long;
    assert_done(backup_run(&options, &result));
    clear_world(&w);
}

/* The double names its key by nothing, which no reader takes. */
static void what_cannot_be_read_back_is_not_recorded(void **state)
{
    struct world w;
    struct backup_options options;
    struct backup_result result;

    make_world(state, &w);
    put_file(in(state, "source/f"), "content");
    w.key.version[0] = '\0';
    options = backup_options_of(&w);
    assert_int_equal(backup_run(&options, &result), ERR_FAILED);
    assert_non_null(strstr(told(), "this is a bug"));
    assert_int_equal(count_orphans(&w), 0);
    assert_int_equal(ledger_count(w.ledger), 2);
    clear_world(&w);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(a_text_that_no_reader_takes_is_refused_before_anything_is_read),
    IN_DIRECTORY(what_cannot_be_read_back_is_not_recorded),
    IN_DIRECTORY(a_snapshot_restores_to_the_same_tree),
    IN_DIRECTORY(zeros_and_holes_are_not_stored),
    IN_DIRECTORY(an_unchanged_source_stores_nothing_new),
    IN_DIRECTORY(reading_all_finds_the_same_blocks),
    IN_DIRECTORY(only_changed_blocks_are_stored_and_every_step_restores),
    IN_DIRECTORY(grown_and_shrunk_files_share_all_blocks_that_are_whole_in_both),
    IN_DIRECTORY(a_file_that_crosses_the_next_block_size_is_stored_anew),
    IN_DIRECTORY(an_incremental_needs_no_right_to_decrypt),
    IN_DIRECTORY(without_cache_and_without_that_right_it_is_a_base),
    IN_DIRECTORY(without_cache_the_parents_index_is_decrypted),
    IN_DIRECTORY(another_active_version_begins_a_new_chain),
    IN_DIRECTORY(a_further_master_key_begins_a_new_chain_that_it_opens),
    IN_DIRECTORY(a_master_key_that_is_taken_away_begins_a_new_chain),
    IN_DIRECTORY(after_a_rewrap_the_chain_goes_on_with_the_further_key),
    IN_DIRECTORY(a_base_can_be_asked_for),
    IN_DIRECTORY(what_was_given_is_in_the_catalogue),
    IN_DIRECTORY(a_chain_of_the_given_length_ends),
    IN_DIRECTORY(what_is_not_needed_any_more_leaves_the_manifest),
    IN_DIRECTORY(a_source_that_cannot_be_is_refused_and_nothing_is_left),
    IN_DIRECTORY(a_second_backup_at_the_same_time_is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "keyring/admin.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "tests/unit/keyring/rings.h"

static char said[ERR_TEXT_MAX];

static void listen(enum log_level level, const char *text)
{
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static void a_new_keyring_has_one_enabled_active_version(void **state)
{
    struct key_name name = make_ring(in(state, "k"), NULL);
    struct keyring *k = open_ring(in(state, "k"), NULL);
    struct key_versions v = {.count = 0};
    struct key_name active;
    struct stat st;

    assert_string_equal(name.provider, "file");
    assert_int_equal(strlen(name.key_id), 32);
    assert_string_equal(name.version, "1");
    assert_done(keyring_active(k, 0, &active));
    assert_true(key_name_equal(&name, &active));
    assert_done(keyring_versions(k, 0, true, &v));
    assert_int_equal(v.count, 1);
    assert_false(v.is_protected);
    assert_true(v.items[0].is_active);
    assert_string_equal(v.items[0].state, "enabled");
    assert_int_equal(v.items[0].created_ms, v.items[0].changed_ms);
    assert_int_equal(v.items[0].deletion_ms, 0);
    assert_true(key_name_equal(&v.active, &name));
    assert_int_equal(stat(in(state, "k"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(in(state, "k.previous"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    key_versions_clear(&v);
    keyring_free(k);
}

static void a_keyring_is_never_made_over_another(void **state)
{
    struct master_key_options options = options_of(in(state, "k"), NULL);
    struct buf before;
    struct buf after;
    struct key_name name;

    make_ring(in(state, "k"), NULL);
    before = slurp(in(state, "k"));
    assert_refused(create_ring(&options, true, &name), ERR_EXISTS,
                   textf("keyring %s already exists", in(state, "k")));
    after = slurp(in(state, "k"));
    assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
    assert_int_equal(unlink(in(state, "k")), 0);
    assert_refused(create_ring(&options, true, &name), ERR_EXISTS,
                   textf("keyring %s is missing, but the copy of it, %s, is there\n  put that "
                         "in its place with `cp -p %s %s`, or move it away",
                         in(state, "k"), in(state, "k.previous"), in(state, "k.previous"),
                         in(state, "k")));
    buf_clear(&before);
    buf_clear(&after);
}

static enum err nobody_may_be_asked(void *arg, const char *what, bool twice, struct secret **out)
{
    (void)arg;
    (void)what;
    (void)twice;
    (void)out;
    abort();
}

static void nobody_is_asked_for_a_passphrase_in_vain(void **state)
{
    struct master_key_options options = options_of(in(state, "k"), NULL);
    struct key_name name;

    make_ring(in(state, "k"), NULL);
    options.ask = nobody_may_be_asked;
    assert_refused(create_ring(&options, false, &name), ERR_EXISTS, NULL);
}

static void unencrypted_is_said_in_words_and_not_by_leaving_something_out(void **state)
{
    struct master_key_options options = options_of(in(state, "k"), NULL);
    struct key_name name;

    assert_refused(create_ring(&options, false, &name), ERR_KEY_UNREACHABLE,
                   textf("no passphrase for keyring %s, and nobody to ask\n  name a file that "
                         "holds it: --passphrase-file, or passphraseFile in the configuration",
                         in(state, "k")));
    options.passphrase_file = in(state, "p");
    assert_refused(create_ring(&options, true, &name), ERR_USAGE,
                   textf("keyring %s cannot be created both with a passphrase and unencrypted\n  "
                         "leave out the passphrase file, or --no-passphrase",
                         in(state, "k")));
    assert_int_equal(count_names(in(state, "")), 0);
}

static void with_a_passphrase_no_key_is_unencrypted(void **state)
{
    struct key_versions v = {.count = 0};
    struct key_name name;
    struct keyring *k;
    struct buf raw;

    put_file(in(state, "p"), PASSPHRASE "\n");
    chmod(in(state, "p"), 0600);
    name = make_ring(in(state, "k"), in(state, "p"));
    k = open_ring(in(state, "k"), in(state, "p"));
    assert_done(keyring_versions(k, 0, true, &v));
    assert_true(v.is_protected);
    raw = slurp(in(state, "k"));
    assert_non_null(
        memmem(raw.data, raw.len, "\"kdf\":\"scrypt\",\"n\":32768,\"r\":8,\"p\":3", 36));
    assert_non_null(memmem(raw.data, raw.len, "{\"mac\":\"", 8));
    assert_done(keyring_rotate(k, 0, &name));
    assert_string_equal(name.version, "2");
    do_act(k, KEY_DISABLE, "1");
    assert_string_equal(state_of(k, "1"), "disabled");
    buf_clear(&raw);
    key_versions_clear(&v);
    keyring_free(k);
}

static void changes_need_the_passphrase_and_a_list_without_it_is_not_verified(void **state)
{
    struct key_versions v = {.count = 0};
    struct key_name name;
    struct keyring *k;

    put_secret(in(state, "p"));
    put_secret(in(state, "wrong"));
    make_ring(in(state, "k"), in(state, "p"));
    k = open_ring(in(state, "k"), in(state, "wrong"));
    assert_refused(keyring_versions(k, 0, true, &v), ERR_KEY_INVALID, NULL);
    assert_done(keyring_versions(k, 0, false, &v));
    assert_false(v.is_verified);
    key_versions_clear(&v);
    assert_refused(keyring_rotate(k, 0, &name), ERR_KEY_INVALID,
                   textf("keyring %s: the passphrase does not open it\n  the passphrase came from "
                         "%s",
                         in(state, "k"), in(state, "wrong")));
    assert_refused(keyring_act(k, 0, KEY_DISABLE, "1", 0, NULL), ERR_KEY_INVALID, NULL);
    keyring_free(k);
    k = open_ring(in(state, "k"), NULL); /* nobody can be asked */
    assert_done(keyring_versions(k, 0, true, &v));
    assert_false(v.is_verified);
    assert_string_equal(v.items[0].state, "enabled");
    key_versions_clear(&v);
    keyring_free(k);
    k = open_ring(in(state, "k"), in(state, "p"));
    assert_done(keyring_versions(k, 0, true, &v));
    assert_true(v.is_verified);
    key_versions_clear(&v);
    keyring_free(k);
}

static void edit_text(const char *path, const char *what, size_t at, char with)
{
    struct buf raw = slurp(path);
    char *found = memmem(raw.data, raw.len, what, strlen(what));

    assert_non_null(found);
    found[at] = with;
    spew(path, buf_bytes(&raw));
    buf_clear(&raw);
}

static void a_keyring_edited_without_the_passphrase_is_believed_in_nothing(void **state)
{
    struct data_key record = {.envelope_count = 0};
    struct data_key more = {.envelope_count = 0};
    struct secret *key = NULL;
    struct key_name name;
    struct key_state s;
    const char *message;
    struct keyring *k;

    put_secret(in(state, "p"));
    name = make_ring(in(state, "k"), in(state, "p"));
    k = open_ring(in(state, "k"), in(state, "p"));
    assert_done(keyring_new_data_key(k, test_repository, &record, &key));
    secret_free(key);
    key = NULL;
    assert_done(keyring_rotate(k, 0, &name));
    keyring_free(k);
    /* Version 1 was stolen; backups are to be sealed by it again. */
    edit_text(in(state, "k"), "\"active\":2", 9, '1');
    k = open_ring(in(state, "k"), in(state, "p"));
    message =
        textf("keyring %s: it was changed by somebody without the passphrase, or is "
              "damaged: the mac does not fit\n  a copy of it is %s: keep both, then put it "
              "in place with `cp -p %s %s`",
              in(state, "k"), in(state, "k.previous"), in(state, "k.previous"), in(state, "k"));
    assert_refused(keyring_active(k, 0, &name), ERR_CORRUPT, message);
    assert_refused(keyring_new_data_key(k, test_repository, &more, &key), ERR_CORRUPT, message);
    assert_refused(keyring_open_data_key(k, &record, 0, &key), ERR_CORRUPT, message);
    assert_refused(keyring_state(k, &name, false, &s), ERR_CORRUPT, message);
    data_key_clear(&record);
    keyring_free(k);
}

/* For as long as a command works, and whatever is put there meanwhile. */
static void a_keyring_is_read_once_and_then_believed(void **state)
{
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    struct key_name name;
    struct keyring *k;

    put_secret(in(state, "p"));
    make_ring(in(state, "k"), in(state, "p"));
    k = open_ring(in(state, "k"), in(state, "p"));
    assert_done(keyring_active(k, 0, &name));
    edit_text(in(state, "k"), "\"state\":\"enabled\"", 9, 'X');
    assert_int_equal(unlink(in(state, "p")), 0);
    assert_done(keyring_new_data_key(k, test_repository, &record, &key));
    secret_free(key);
    data_key_clear(&record);
    keyring_free(k);
}

static void an_unencrypted_keyring_in_the_place_of_a_protected_one_is_not_used(void **state)
{
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    struct keyring *k;

    put_file(in(state, "p"), PASSPHRASE);
    make_ring(in(state, "theirs"), NULL);
    k = open_ring(in(state, "theirs"), in(state, "p"));
    assert_refused(keyring_new_data_key(k, test_repository, &record, &key), ERR_USAGE,
                   textf("keyring %s is not protected by a passphrase, but one is configured "
                         "(%s)\n  either this is another keyring than it was, or the passphrase "
                         "file is not for it; nothing was sealed or opened with it",
                         in(state, "theirs"), in(state, "p")));
    keyring_free(k);
}

static void assert_copy_is_the_same(void **state)
{
    struct buf now = slurp(in(state, "k"));
    struct buf copy = slurp(in(state, "k.previous"));

    assert_true(bytes_equal(buf_bytes(&now), buf_bytes(&copy)));
    buf_clear(&now);
    buf_clear(&copy);
}

/* What was taken from the keyring must not be had from the file beside it. */
static void the_copy_beside_it_allows_no_more_than_the_keyring(void **state)
{
    struct key_name name;
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_copy_is_the_same(state);
    assert_done(keyring_rotate(k, 0, &name));
    assert_true(has_material(in(state, "k.previous"), 2));
    assert_copy_is_the_same(state);
    do_act(k, KEY_DISABLE, "1");
    assert_copy_is_the_same(state);
    do_act(k, KEY_ENABLE, "1");
    assert_copy_is_the_same(state);
    do_act(k, KEY_SCHEDULE_DELETION, "1");
    assert_copy_is_the_same(state);
    keyring_free(k);
}

static void a_keyring_behind_a_link_is_replaced_where_it_lies(void **state)
{
    struct keyring *k;
    struct stat st;

    make_ring(in(state, "real"), NULL);
    assert_int_equal(symlink(in(state, "real"), in(state, "k")), 0);
    k = open_ring(in(state, "k"), NULL);
    do_act(k, KEY_DISABLE, "1");
    assert_int_equal(lstat(in(state, "k"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    keyring_free(k);
    k = open_ring(in(state, "real"), NULL);
    assert_string_equal(state_of(k, "1"), "disabled");
    keyring_free(k);
}

static void what_is_so_already_writes_nothing(void **state)
{
    struct keyring *k;
    struct stat before;
    struct stat after;

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_int_equal(stat(in(state, "k"), &before), 0);
    do_act(k, KEY_ENABLE, "1");
    assert_int_equal(stat(in(state, "k"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    keyring_free(k);
}

static void the_life_of_a_version(void **state)
{
    struct key_version after;
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_act(k, 0, KEY_DISABLE, "1", 0, &after));
    assert_string_equal(after.state, "disabled");
    assert_true(after.is_active);
    assert_done(keyring_act(k, 0, KEY_SCHEDULE_DELETION, "1", 7, &after));
    assert_string_equal(after.state, "pendingDeletion");
    assert_int_equal(after.deletion_ms - after.changed_ms, 7 * CLOCK_DAY_MS);
    assert_done(keyring_act(k, 0, KEY_CANCEL_DELETION, "1", 0, &after));
    assert_string_equal(after.state, "disabled");
    assert_int_equal(after.deletion_ms, 0);
    assert_done(keyring_act(k, 0, KEY_ENABLE, "1", 0, &after));
    assert_string_equal(after.state, "enabled");
    assert_refused(keyring_act(k, 0, KEY_DISABLE, "2", 0, &after), ERR_NOT_FOUND,
                   "the keyring has no key version \"2\"; it has 1 to 1");
    keyring_free(k);
}

static void a_version_past_its_date_is_destroyed_at_once_and_for_good(void **state)
{
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    struct key_versions v = {.count = 0};
    struct key_name name;
    struct keyring *k;
    char since[CLOCK_TEXT_LEN + 1];

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_new_data_key(k, test_repository, &record, &key));
    secret_free(key);
    key = NULL;
    assert_done(keyring_rotate(k, 0, &name));
    keyring_free(k);
    edit_ring(in(state, "k"), make_due);
    k = open_ring(in(state, "k"), NULL);
    assert_true(has_material(in(state, "k"), 1));
    assert_done(keyring_versions(k, 0, true, &v));
    assert_string_equal(v.items[0].state, "destroyed");
    assert_int_equal(v.items[0].changed_ms, v.items[0].deletion_ms);
    clock_text(v.items[0].deletion_ms, since);
    assert_refused(
        keyring_open_data_key(k, &record, 0, &key), ERR_KEY_INVALID,
        textf("master key file %s version 1 is destroyed since %s (keyring %s)\n  what only "
              "version 1 can open is lost; use a snapshot of another version, or another envelope "
              "(--envelope)",
              name.key_id, since, in(state, "k")));

    /* Too late, and no other change takes the material away by the way. */
    assert_refused(keyring_act(k, 0, KEY_CANCEL_DELETION, "1", 0, NULL), ERR_USAGE,
                   textf("key version 1 is destroyed since %s\n  its deletion date is past; "
                         "`sealpoint key purge` destroys its key material",
                         since));
    do_act(k, KEY_DISABLE, "2");
    do_act(k, KEY_ENABLE, "2");
    assert_true(has_material(in(state, "k"), 1));
    assert_done(keyring_purge(k, 0));
    assert_false(has_material(in(state, "k"), 1));
    assert_false(has_material(in(state, "k.previous"), 1));
    assert_true(has_material(in(state, "k"), 2));
    key_versions_clear(&v);
    data_key_clear(&record);
    keyring_free(k);
}

static void a_backup_destroys_nothing(void **state)
{
    struct data_key record = {.envelope_count = 0};
    struct secret *key = NULL;
    struct key_name name;
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_rotate(k, 0, &name));
    keyring_free(k);
    edit_ring(in(state, "k"), make_due);
    k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_new_data_key(k, test_repository, &record, &key));
    assert_true(has_material(in(state, "k"), 1));
    secret_free(key);
    data_key_clear(&record);
    keyring_free(k);
}

/* A day ahead something was written to the keyring; in between, version 1 was due. Then the clock
 * was set back to today. */
static void set_clock_back(struct file_keyring *k)
{
    int64_t now_ms = clock_now_ms();

    k->versions[0].state = FILE_KEY_PENDING;
    k->versions[0].deletion_ms = now_ms + CLOCK_DAY_MS / 2;
    k->versions[1].changed_ms = now_ms + CLOCK_DAY_MS;
}

static void a_clock_set_back_brings_nothing_back_and_gives_no_time(void **state)
{
    struct key_version after;
    struct key_name name;
    struct keyring *k;

    make_ring(in(state, "k"), NULL);
    k = open_ring(in(state, "k"), NULL);
    assert_done(keyring_rotate(k, 0, &name));
    keyring_free(k);
    edit_ring(in(state, "k"), set_clock_back);
    k = open_ring(in(state, "k"), NULL);
    assert_string_equal(state_of(k, "1"), "destroyed");
    log_to(listen);
    assert_done(keyring_act(k, 0, KEY_SCHEDULE_DELETION, "2", 7, &after));
    log_to(NULL);
    assert_non_null(
        strstr(said, textf("the clock is behind keyring %s, which has seen ", in(state, "k"))));
    assert_true(after.deletion_ms >= clock_now_ms() + 7 * CLOCK_DAY_MS);
    /* It counts as destroyed; but its material goes when the clock says so, too. */
    assert_done(keyring_purge(k, 0));
    assert_true(has_material(in(state, "k"), 1));
    keyring_free(k);
}

static void a_short_passphrase_is_warned_of(void **state)
{
    put_file(in(state, "p"), "tiger");
    chmod(in(state, "p"), 0600);
    log_to(listen);
    make_ring(in(state, "k"), in(state, "p"));
    log_to(NULL);
    assert_string_equal(said, textf("the passphrase of keyring %s has fewer than 12 characters: "
                                    "whoever gets the file can guess it",
                                    in(state, "k")));
}

static void where_a_keyring_lies_is_told(void **state)
{
    enum key_place place;

    assert_int_equal(mkdir(in(state, "backup"), 0700), 0);
    assert_int_equal(mkdir(in(state, "backup/deep"), 0700), 0);
    assert_int_equal(mkdir(in(state, "backup-keys"), 0700), 0);
    assert_int_equal(symlink(in(state, "backup/deep"), in(state, "backup-keys/link")), 0);
    assert_done(key_place_of(in(state, "backup/k"), in(state, "backup"), &place));
    assert_int_equal(place, KEY_PLACE_INSIDE);
    assert_done(key_place_of(in(state, "backup/deep/k"), in(state, "backup/"), &place));
    assert_int_equal(place, KEY_PLACE_INSIDE);
    assert_done(key_place_of(in(state, "backup-keys/link/k"), in(state, "backup"), &place));
    assert_int_equal(place, KEY_PLACE_INSIDE);
    assert_done(key_place_of(in(state, "k"), in(state, "backup"), &place));
    assert_int_equal(place, KEY_PLACE_BESIDE);
    assert_done(key_place_of(in(state, "backup-keys/k"), in(state, "backup"), &place));
    assert_int_equal(place, KEY_PLACE_APART);
    assert_done(key_place_of("/etc/k", in(state, "backup"), &place));
    assert_int_equal(place, KEY_PLACE_APART);
}

static enum err whole_life(void *arg)
{
    struct master_key_options options = options_of(arg, NULL);
    struct key_versions v = {.count = 0};
    struct keyring *k = NULL;
    struct key_name name;
    enum err rc;

    TRY(keyring_open(&options, 1, &k));
    TRY(keyring_versions(k, 0, true, &v));
    TRY(keyring_act(k, 0, KEY_DISABLE, "1", 0, NULL));
    TRY(keyring_act(k, 0, KEY_ENABLE, "1", 0, NULL));
    TRY(keyring_rotate(k, 0, &name));
out:
    key_versions_clear(&v);
    keyring_free(k);
    return rc;
}

static enum err make_and_remove(void *arg)
{
    const char *path = arg;
    struct master_key_options options = options_of(path, NULL);
    struct key_name name;
    enum err rc = create_ring(&options, true, &name);

    unlink(path);
    unlink(textf("%s.previous", path));
    return rc;
}

static void no_allocation_that_fails_leaks_or_crashes(void **state)
{
    make_ring(in(state, "k"), NULL);
    assert_true(sweep_allocations(whole_life, (void *)(uintptr_t)in(state, "k")) > 50);
    assert_true(sweep_allocations(make_and_remove, (void *)(uintptr_t)in(state, "new")) > 10);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_new_keyring_has_one_enabled_active_version),
        IN_DIRECTORY(a_keyring_is_never_made_over_another),
        IN_DIRECTORY(nobody_is_asked_for_a_passphrase_in_vain),
        IN_DIRECTORY(unencrypted_is_said_in_words_and_not_by_leaving_something_out),
        IN_DIRECTORY(with_a_passphrase_no_key_is_unencrypted),
        IN_DIRECTORY(changes_need_the_passphrase_and_a_list_without_it_is_not_verified),
        IN_DIRECTORY(a_keyring_edited_without_the_passphrase_is_believed_in_nothing),
        IN_DIRECTORY(a_keyring_is_read_once_and_then_believed),
        IN_DIRECTORY(an_unencrypted_keyring_in_the_place_of_a_protected_one_is_not_used),
        IN_DIRECTORY(the_copy_beside_it_allows_no_more_than_the_keyring),
        IN_DIRECTORY(a_keyring_behind_a_link_is_replaced_where_it_lies),
        IN_DIRECTORY(what_is_so_already_writes_nothing),
        IN_DIRECTORY(the_life_of_a_version),
        IN_DIRECTORY(a_version_past_its_date_is_destroyed_at_once_and_for_good),
        IN_DIRECTORY(a_backup_destroys_nothing),
        IN_DIRECTORY(a_clock_set_back_brings_nothing_back_and_gives_no_time),
        IN_DIRECTORY(a_short_passphrase_is_warned_of),
        IN_DIRECTORY(where_a_keyring_lies_is_told),
        IN_DIRECTORY(no_allocation_that_fails_leaks_or_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

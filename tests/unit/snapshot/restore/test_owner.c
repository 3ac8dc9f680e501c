#include "snapshot/restore/owner.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "tests/unit/helpers.h"
#include "tests/unit/snapshot/index_samples.h"
#include "tests/unit/snapshot/repositories.h"

/* This machine has a user and a group mongodb, of other numbers than the old host's 999. */
static unsigned asked;
static bool is_silent;

static enum err find_name(const char *name, uint32_t here, uint32_t *id, bool *known)
{
    asked++;
    if (is_silent)
        return err_set(ERR_FAILED, "looking up %s: no answer", name);
    *known = strcmp(name, "mongodb") == 0;
    if (*known)
        *id = here;
    return ERR_OK;
}

static enum err find_user(const char *name, uint32_t *uid, bool *known)
{
    return find_name(name, 115, uid, known);
}

static enum err find_group(const char *name, uint32_t *gid, bool *known)
{
    return find_name(name, 121, gid, known);
}

static const struct owner_lookup here = {find_user, find_group};

static struct entry owned_by(const char *user, const char *group)
{
    struct entry e = entry_at(ENTRY_FILE, "f");

    e.uid = 999;
    e.gid = 998;
    assert_done(buf_add_text(&e.user, user));
    assert_done(buf_add_text(&e.group, group));
    assert_done(buf_add(&e.user, bytes_of("", 1)));
    assert_done(buf_add(&e.group, bytes_of("", 1)));
    e.user.len--;
    e.group.len--;
    return e;
}

static void check_owner(const struct owner_options *o, const char *user, const char *group,
                        uint32_t uid, uint32_t gid)
{
    struct entry e = owned_by(user, group);
    struct owner_map *m = NULL;
    uint32_t is_uid, is_gid;

    assert_done(owner_map_new(o, &here, &m));
    assert_done(owner_map_find(m, &e, &is_uid, &is_gid));
    assert_int_equal(is_uid, uid);
    assert_int_equal(is_gid, gid);
    owner_map_free(m);
    entry_clear(&e);
}

static void names_count_before_numbers(void **state)
{
    static const struct owner_options by_name = {.numeric = false};
    static const struct owner_options by_number = {.numeric = true};

    (void)state;
    check_owner(&by_name, "mongodb", "mongodb", 115, 121);
    check_owner(&by_name, "mongodb", "backup", 115, 998);
    check_owner(&by_name, "stranger", "mongodb", 999, 121);
    check_owner(&by_name, "", "", 999, 998);
    check_owner(&by_number, "mongodb", "mongodb", 999, 998);
}

static void one_owner_for_all(void **state)
{
    static const struct {
        const char *fixed;
        uint32_t uid, gid;
    } rows[] = {{"mongodb:mongodb", 115, 121}, {"7:mongodb", 7, 121}, {"mongodb:0", 115, 0}};
    static const char *const bad[] = {
        "mongodb",      ":",    "mongodb:", ":mongodb", "", "nobody:mongodb", "mongodb:nobody",
        "4294967295:0", "-1:0", "0:0:0"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct owner_options o = {.fixed = rows[i].fixed};

        check_owner(&o, "stranger", "mongodb", rows[i].uid, rows[i].gid);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct owner_options o = {.fixed = bad[i]};
        struct owner_map *m = NULL;

        assert_refused(owner_map_new(&o, &here, &m), ERR_USAGE, NULL);
        assert_null(m);
    }
}

static void a_name_is_asked_for_and_said_once(void **state)
{
    static const struct owner_options by_name = {.numeric = false};
    struct entry e = owned_by("stranger", "mongodb");
    struct owner_map *m = NULL;
    uint32_t uid, gid;
    char *first;

    (void)state;
    asked = 0;
    *said = '\0';
    log_to(keep_line);
    assert_done(owner_map_new(&by_name, &here, &m));
    for (int i = 0; i < 3; i++) {
        assert_done(owner_map_find(m, &e, &uid, &gid));
        assert_int_equal(uid, 999);
        assert_int_equal(gid, 121);
    }
    assert_int_equal(asked, 2);
    first = strstr(said, "there is no user stranger here: what is restored of it gets the number "
                         "999 (--owner USER:GROUP gives all to one owner)");
    assert_non_null(first);
    assert_null(strstr(first + 1, "there is no"));
    log_to(NULL);
    owner_map_free(m);
    entry_clear(&e);
}

/* A tar may name any number of users. */
static void many_names_are_all_right(void **state)
{
    static const struct owner_options by_name = {.numeric = false};
    struct owner_map *m = NULL;
    uint32_t uid, gid;
    char name[16];

    (void)state;
    assert_done(owner_map_new(&by_name, &here, &m));
    for (unsigned i = 0; i < 3000; i++) {
        struct entry e;

        snprintf(name, sizeof name, "user%u", i);
        e = owned_by(name, "mongodb");
        assert_done(owner_map_find(m, &e, &uid, &gid));
        assert_int_equal(uid, 999);
        entry_clear(&e);
    }
    owner_map_free(m);
}

static void a_directory_that_does_not_answer_is_no_missing_name(void **state)
{
    static const struct owner_options by_name = {.numeric = false};
    struct entry e = owned_by("mongodb", "mongodb");
    struct owner_map *m = NULL;
    uint32_t uid, gid;

    (void)state;
    assert_done(owner_map_new(&by_name, &here, &m));
    is_silent = true;
    assert_refused(owner_map_find(m, &e, &uid, &gid), ERR_FAILED,
                   "looking up mongodb: no answer\n  --numeric-owner does without names");
    is_silent = false;
    assert_done(owner_map_find(m, &e, &uid, &gid)); /* it was not kept */
    assert_int_equal(uid, 115);
    owner_map_free(m);
    entry_clear(&e);
}

static void the_system_knows_root_and_no_stranger(void **state)
{
    bool known = false;
    uint32_t id = 7;

    (void)state;
    assert_done(owner_lookup_system.user("root", &id, &known));
    assert_true(known);
    assert_int_equal(id, 0);
    assert_done(owner_lookup_system.group("root", &id, &known));
    assert_true(known && id == 0);
    assert_done(owner_lookup_system.user("no such user", &id, &known));
    assert_false(known);
    assert_done(owner_lookup_system.group("no such group", &id, &known));
    assert_false(known);
}

static enum err map_once(void *arg)
{
    static const struct owner_options by_name = {.numeric = false};
    struct owner_map *m = NULL;
    uint32_t uid, gid;
    enum err rc;

    TRY(owner_map_new(&by_name, &here, &m));
    TRY(owner_map_find(m, arg, &uid, &gid));
out:
    owner_map_free(m);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct entry e = owned_by("stranger", "mongodb");

    (void)state;
    assert_true(sweep_allocations(map_once, &e) >= 5);
    entry_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_count_before_numbers),
        cmocka_unit_test(one_owner_for_all),
        cmocka_unit_test(a_name_is_asked_for_and_said_once),
        cmocka_unit_test(many_names_are_all_right),
        cmocka_unit_test(a_directory_that_does_not_answer_is_no_missing_name),
        cmocka_unit_test(the_system_knows_root_and_no_stranger),
        cmocka_unit_test(no_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "core/fs/fs_ids.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

#define OTHER 4711

static void what_is_made_with_another_users_rights_is_his(void **state)
{
    struct stat st;

    if (geteuid() != 0 || !fs_ids_take(OTHER, OTHER + 1))
        skip();
    fs_ids_give_back();
    put_file(in(state, "roots"), "");
    assert_int_equal(chmod(in(state, ""), 0777), 0);
    assert_int_equal(chmod(in(state, "roots"), 0600), 0);
    assert_true(fs_ids_take(OTHER, OTHER + 1));
    close(open(in(state, "his"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(open(in(state, "roots"), O_RDONLY | O_CLOEXEC), -1);
    assert_int_equal(errno, EACCES);
    fs_ids_give_back();
    assert_int_equal(stat(in(state, "his"), &st), 0);
    assert_int_equal(st.st_uid, OTHER);
    assert_int_equal(st.st_gid, OTHER + 1);
    assert_true(have_file(in(state, "roots"), ""));
}

static void who_is_not_root_takes_nobodys(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip();
    assert_false(fs_ids_take(OTHER, OTHER));
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_is_made_with_another_users_rights_is_his),
    IN_DIRECTORY(who_is_not_root_takes_nobodys),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "snapshot/restore/tar_disk.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "tests/unit/snapshot/index_samples.h"

static char said[4096];

static void keep_line(enum log_level level, const char *text)
{
    (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static struct stat look(void **state, const char *name)
{
    struct stat st;

    if (lstat(in(state, name), &st) != 0)
        fail_msg("%s is not there", name);
    return st;
}

static void every_kind_of_file_is_made_with_its_mode_and_time(void **state)
{
    struct tar_disk *d = NULL;
    uint64_t attention = 0;
    char target[8] = {0};

    assert_done(tar_disk_new(&d));
    for (enum entry_type type = ENTRY_FILE; type <= ENTRY_FIFO; type++) {
        char name[2] = {(char)('0' + type), '\0'};
        struct entry e = entry_at(type, name);

        e.mode = 0751;
        e.size = type == ENTRY_FILE ? 12345 : 0;
        e.block_log2 = type == ENTRY_FILE ? 16 : 0;
        if (type == ENTRY_SYMLINK) {
            assert_done(buf_add(&e.link, bytes_of("target", 7)));
            e.link.len--;
        }
        assert_done(tar_disk_make(d, &e, in(state, name), NULL, &attention));
        entry_clear(&e);
    }
    assert_done(tar_disk_finish(d));
    tar_disk_free(d);
    assert_int_equal(attention, 0);
    assert_int_equal(look(state, "1").st_mode, S_IFREG | 0751);
    assert_int_equal(look(state, "1").st_size, 12345);
    assert_int_equal(look(state, "2").st_mode, S_IFDIR | 0751);
    assert_int_equal(readlink(in(state, "3"), target, sizeof target), 6);
    assert_string_equal(target, "target");
    assert_int_equal(look(state, "4").st_mode, S_IFIFO | 0751);
    for (int i = 1; i <= 4; i++) {
        char name[2] = {(char)('0' + i), '\0'};

        assert_int_equal(look(state, name).st_mtim.tv_sec, 1700000000);
    }
}

static void a_directory_gets_its_time_when_all_in_it_is_made(void **state)
{
    struct tar_disk *d = NULL;
    struct entry directory = entry_at(ENTRY_DIR, "d");
    struct entry file = entry_at(ENTRY_FILE, "d/f");
    uint64_t attention = 0;

    directory.mode = 0500;
    assert_done(tar_disk_new(&d));
    assert_done(tar_disk_make(d, &directory, in(state, "d"), NULL, &attention));
    assert_done(tar_disk_make(d, &file, in(state, "d/f"), NULL, &attention));
    assert_true((look(state, "d").st_mode & 0300) == 0300); /* still to be written in */
    assert_done(tar_disk_finish(d));
    assert_int_equal(look(state, "d").st_mode & 07777, 0500);
    assert_int_equal(look(state, "d").st_mtim.tv_sec, 1700000000);
    tar_disk_free(d);
    entry_clear(&directory);
    entry_clear(&file);
}

static void a_hard_link_is_the_same_file(void **state)
{
    struct tar_disk *d = NULL;
    struct entry e = entry_at(ENTRY_FILE, "a");
    uint64_t attention = 0;

    e.size = 5;
    e.block_log2 = 16;
    assert_done(tar_disk_new(&d));
    assert_done(tar_disk_make(d, &e, in(state, "a"), NULL, &attention));
    assert_done(tar_disk_make(d, &e, in(state, "b"), in(state, "a"), &attention));
    assert_int_equal(look(state, "a").st_ino, look(state, "b").st_ino);
    assert_int_equal(look(state, "b").st_size, 5);
    assert_refused(tar_disk_make(d, &e, in(state, "c"), in(state, "none"), &attention), ERR_FAILED,
                   NULL);
    tar_disk_free(d);
    entry_clear(&e);
}

/* The file is there, and the person is told what it lacks. */
static void an_attribute_that_the_system_refuses_is_said_and_counted(void **state)
{
    struct tar_disk *d = NULL;
    struct entry e = entry_at(ENTRY_FILE, "f");
    uint64_t attention = 0;

    *said = '\0';
    log_to(keep_line);
    assert_done(entry_add_xattr(&e, bytes_of_text("nonsense.a"), bytes_of_text("b")));
    assert_done(tar_disk_new(&d));
    assert_done(tar_disk_make(d, &e, in(state, "f"), NULL, &attention));
    log_to(NULL);
    assert_int_equal(attention, 1);
    assert_int_equal(strncmp(said, in(state, "f"), strlen(in(state, "f"))), 0);
    assert_int_equal(look(state, "f").st_mode, S_IFREG | 0644);
    tar_disk_free(d);
    entry_clear(&e);
}

static void what_cannot_be_made_is_a_failure_and_no_warning(void **state)
{
    struct tar_disk *d = NULL;
    struct entry e = entry_at(ENTRY_FILE, "f");
    uint64_t attention = 0;
    char name[300];
    char path[600];

    memset(name, 'n', sizeof name - 1); /* longer than any file system takes */
    name[sizeof name - 1] = '\0';
    snprintf(path, sizeof path, "%s/%s", in(state, ""), name);
    assert_done(tar_disk_new(&d));
    assert_refused(tar_disk_make(d, &e, path, NULL, &attention), ERR_FAILED, NULL);
    assert_int_equal(strncmp(err_text(), "making /", 8), 0);
    assert_int_equal(attention, 0);
    tar_disk_free(d);
    entry_clear(&e);
}

static void a_path_with_two_dots_is_not_made(void **state)
{
    struct tar_disk *d = NULL;
    struct entry e = entry_at(ENTRY_FILE, "f");
    uint64_t attention = 0;

    assert_int_equal(mkdir(in(state, "target"), 0700), 0);
    assert_done(tar_disk_new(&d));
    assert_refused(tar_disk_make(d, &e, in(state, "target/../out"), NULL, &attention), ERR_FAILED,
                   NULL);
    assert_int_equal(count_names(in(state, "")), 1);
    tar_disk_free(d);
    entry_clear(&e);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(every_kind_of_file_is_made_with_its_mode_and_time),
    IN_DIRECTORY(a_directory_gets_its_time_when_all_in_it_is_made),
    IN_DIRECTORY(a_hard_link_is_the_same_file),
    IN_DIRECTORY(an_attribute_that_the_system_refuses_is_said_and_counted),
    IN_DIRECTORY(what_cannot_be_made_is_a_failure_and_no_warning),
    IN_DIRECTORY(a_path_with_two_dots_is_not_made),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "snapshot/source/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/helpers.h"

/* An open source, and what it gave last. */
struct reading {
    struct source source;
    struct entry e;
    int fd;
    struct snapshot_attention attention;
};

static struct reading begin(const char *path)
{
    struct reading r = {.fd = -1};

    entry_init(&r.e);
    assert_done(source_dir_open(path, NULL, true, &r.source));
    return r;
}

static void end(struct reading *r)
{
    entry_clear(&r->e);
    source_free(&r->source);
}

/* The next name, or NULL at the end. */
static const char *next(struct reading *r)
{
    bool more = false;

    entry_reset(&r->e);
    assert_done(r->source.driver->next(r->source.self, &r->e, &more, &r->attention));
    return more ? entry_path(&r->e) : NULL;
}

static enum err describe(struct reading *r)
{
    enum err rc = r->source.driver->describe(r->source.self, &r->e, &r->fd);

    if (r->fd >= 0)
        close(r->fd);
    return rc;
}

static void assert_next(struct reading *r, const char *name)
{
    const char *path = next(r);

    assert_non_null(path);
    assert_string_equal(path, name);
}

static void make_directory(const char *path)
{
    assert_int_equal(mkdir(path, 0755), 0);
}

static void files_come_sorted_with_their_metadata(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    make_directory(in(state, "s/d"));
    put_file(in(state, "s/d/f"), "12345");
    put_file(in(state, "s/d.x"), "");
    assert_int_equal(symlink("d/f", in(state, "s/l")), 0);
    assert_int_equal(mkfifo(in(state, "s/p"), 0600), 0);
    assert_int_equal(chmod(in(state, "s/d/f"), 0640), 0);
    r = begin(in(state, "s"));
    assert_true(r.source.is_sorted);
    assert_false(r.source.is_stream);
    assert_int_equal(r.source.total_len, 5);
    assert_next(&r, ".");
    assert_done(describe(&r));
    assert_next(&r, "d");
    assert_int_equal(r.e.type, ENTRY_DIR);
    assert_done(describe(&r));
    assert_next(&r, "d/f");
    assert_int_equal(r.e.mode, 0640);
    assert_int_equal(r.e.size, 5);
    assert_int_equal(r.e.block_log2, 16);
    assert_done(describe(&r));
    assert_true(r.fd >= 0);
    assert_next(&r, "d.x");
    assert_int_equal(r.e.block_log2, 0);
    assert_next(&r, "l");
    assert_done(describe(&r));
    assert_string_equal((const char *)r.e.link.data, "d/f");
    assert_int_equal(r.fd, -1);
    assert_next(&r, "p");
    assert_int_equal(r.e.type, ENTRY_FIFO);
    assert_done(describe(&r));
    assert_null(next(&r));
    assert_int_equal(snapshot_attention_count(&r.attention), 0);
    end(&r);
}

static void a_second_name_becomes_a_link_to_the_first(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    put_file(in(state, "s/a"), "x");
    assert_int_equal(link(in(state, "s/a"), in(state, "s/b")), 0);
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    assert_next(&r, "a");
    assert_int_equal(r.e.flags, 0);
    assert_int_equal(r.e.size, 1);
    assert_next(&r, "b");
    assert_int_equal(r.e.flags, ENTRY_HARD_LINK);
    assert_string_equal((const char *)r.e.link.data, "a");
    assert_int_equal(r.e.size + r.e.block_log2, 0);
    assert_done(describe(&r));
    assert_int_equal(r.fd, -1);
    end(&r);
}

/* Else a snapshot would have a link to a name that it does not hold, and no restore takes it. */
static void when_the_first_name_vanishes_the_next_is_the_first(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    put_file(in(state, "s/a"), "x");
    assert_int_equal(link(in(state, "s/a"), in(state, "s/b")), 0);
    assert_int_equal(link(in(state, "s/a"), in(state, "s/c")), 0);
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    assert_next(&r, "a");
    assert_int_equal(unlink(in(state, "s/a")), 0);
    assert_refused(describe(&r), ERR_NOT_FOUND, NULL);
    assert_next(&r, "b");
    assert_int_equal(r.e.flags, 0);
    assert_int_equal(r.e.size, 1);
    assert_done(describe(&r));
    assert_next(&r, "c");
    assert_int_equal(r.e.flags, ENTRY_HARD_LINK);
    assert_string_equal((const char *)r.e.link.data, "b");
    end(&r);
}

static void when_another_file_takes_the_first_name_the_next_is_the_first(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    put_file(in(state, "s/a"), "x");
    assert_int_equal(link(in(state, "s/a"), in(state, "s/b")), 0);
    assert_int_equal(link(in(state, "s/a"), in(state, "s/c")), 0);
    put_file(in(state, "other"), "another");
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    assert_next(&r, "a");
    assert_int_equal(rename(in(state, "other"), in(state, "s/a")), 0);
    assert_done(describe(&r));
    assert_int_equal(r.e.size, 7);
    assert_next(&r, "b");
    assert_int_equal(r.e.flags, 0);
    assert_int_equal(r.e.size, 1);
    assert_next(&r, "c");
    assert_string_equal((const char *)r.e.link.data, "b");
    end(&r);
}

static void what_lies_in_a_directory_that_vanished_is_not_given(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    make_directory(in(state, "s/d"));
    put_file(in(state, "s/d/f"), "x");
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    assert_next(&r, "d");
    assert_int_equal(rename(in(state, "s/d"), in(state, "away")), 0);
    assert_refused(describe(&r), ERR_NOT_FOUND, NULL);
    assert_int_equal(rename(in(state, "away"), in(state, "s/d")), 0);
    assert_null(next(&r));
    end(&r);
}

static void what_became_another_kind_of_file_has_vanished(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    put_file(in(state, "s/a"), "x");
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    assert_next(&r, "a");
    assert_int_equal(unlink(in(state, "s/a")), 0);
    assert_int_equal(mkfifo(in(state, "s/a"), 0600), 0);
    assert_refused(describe(&r), ERR_NOT_FOUND, "a was replaced by something else");
    assert_null(next(&r));
    end(&r);
}

static void a_file_that_grew_is_described_as_it_is_now(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    put_file(in(state, "s/a"), "");
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    assert_next(&r, "a");
    put_file(in(state, "s/a"), "grown");
    assert_done(describe(&r));
    assert_int_equal(r.e.size, 5);
    assert_int_equal(r.e.block_log2, 16);
    end(&r);
}

static void sockets_are_left_out(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct reading r;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    make_directory(in(state, "s"));
    assert_true(snprintf(address.sun_path, sizeof address.sun_path, "%s", in(state, "s/socket")) <
                (int)sizeof address.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    assert_null(next(&r));
    assert_int_equal(snapshot_attention_count(&r.attention), 0);
    end(&r);
    close(fd);
}

static void of_a_database_only_its_data_is_given(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    put_file(in(state, "s/WiredTiger"), "WiredTiger");
    put_file(in(state, "s/mongod.lock"), "");
    make_directory(in(state, "s/diagnostic.data"));
    put_file(in(state, "s/diagnostic.data/metrics"), "12345");
    put_file(in(state, "s/x.wt"), "123");
    r = begin(in(state, "s"));
    assert_int_equal(r.source.total_len, 13);
    assert_next(&r, ".");
    assert_next(&r, "WiredTiger");
    assert_next(&r, "x.wt");
    assert_null(next(&r));
    end(&r);
}

static void a_mongod_that_starts_in_between_is_counted(void **state)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    struct reading r;
    int fd;

    make_directory(in(state, "s"));
    put_file(in(state, "s/WiredTiger"), "WiredTiger");
    put_file(in(state, "s/WiredTiger.lock"), "");
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    fd = open(in(state, "s/WiredTiger.lock"), O_RDWR | O_CLOEXEC);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    assert_next(&r, "WiredTiger");
    assert_int_equal(r.attention.warnings, 0);
    assert_null(next(&r));
    assert_int_equal(r.attention.warnings, 1);
    close(fd);
    end(&r);
}

/* Refused as a link to `target`; then it is taken away. */
static void assert_link_refused(void **state, const char *name, const char *target)
{
    struct source s = {.driver = NULL};
    char link[64];
    char message[2048];

    snprintf(link, sizeof link, "s/%s", name);
    assert_int_equal(symlink(target, in(state, link)), 0);
    snprintf(message, sizeof message,
             "source %s: %s is a symbolic link to %s: the snapshot would lack what lies there, and "
             "could not be restored\n  back up a file system snapshot that holds the real one in "
             "its place, or bind-mount it there instead of the link",
             in(state, "s"), name, target);
    assert_refused(source_dir_open(in(state, "s"), NULL, true, &s), ERR_USAGE, message);
    assert_int_equal(unlink(in(state, link)), 0);
}

static void a_database_that_lies_elsewhere_in_part_is_refused(void **state)
{
    static const char *const names[] = {"journal",       "db",           "db2/index",
                                        "a.wt",          "db2/a.wt",     "WiredTiger.turtle",
                                        "journal2/deep", "storage.bson", "WiredTigerLog.1"};

    make_directory(in(state, "s"));
    make_directory(in(state, "s/db2"));
    make_directory(in(state, "s/journal2"));
    make_directory(in(state, "directory"));
    put_file(in(state, "file"), "");
    put_file(in(state, "s/WiredTiger"), "WiredTiger");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_link_refused(state, names[i], in(state, "directory"));
    assert_link_refused(state, "journal", in(state, "nowhere"));
    assert_link_refused(state, "db", "nowhere");
    assert_link_refused(state, "a.wt", in(state, "file"));
    assert_link_refused(state, "db2/a.wt", in(state, "file"));
    assert_link_refused(state, "sizeStorer.wt", "nowhere");
    assert_link_refused(state, "WiredTiger.turtle", in(state, "file"));
    assert_link_refused(state, "storage.bson", in(state, "file"));
}

static void links_that_are_no_part_of_a_database_do_not_matter(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    make_directory(in(state, "directory"));
    put_file(in(state, "s/WiredTiger"), "WiredTiger");
    put_file(in(state, "notes"), "");
    assert_int_equal(symlink(in(state, "directory"), in(state, "s/diagnostic.data")), 0);
    assert_int_equal(symlink("nowhere", in(state, "s/mongod.lock")), 0);
    assert_int_equal(symlink("../notes", in(state, "s/notes")), 0);
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    assert_next(&r, "WiredTiger");
    assert_next(&r, "notes");
    assert_int_equal(r.e.type, ENTRY_SYMLINK);
    assert_done(describe(&r));
    assert_null(next(&r));
    end(&r);
}

static void in_any_other_directory_links_stay_links(void **state)
{
    struct reading r;

    make_directory(in(state, "s"));
    make_directory(in(state, "directory"));
    assert_int_equal(symlink("nowhere", in(state, "s/a.wt")), 0);
    assert_int_equal(symlink(in(state, "directory"), in(state, "s/journal")), 0);
    r = begin(in(state, "s"));
    assert_next(&r, ".");
    assert_next(&r, "a.wt");
    assert_next(&r, "journal");
    assert_done(describe(&r));
    assert_string_equal((const char *)r.e.link.data, in(state, "directory"));
    assert_null(next(&r));
    assert_int_equal(snapshot_attention_count(&r.attention), 0);
    end(&r);
}

static void what_is_no_directory_is_refused(void **state)
{
    struct source s = {.driver = NULL};
    char message[512];

    put_file(in(state, "f"), "");
    snprintf(message, sizeof message, "source %s: %s is not a directory", in(state, "f"),
             in(state, "f"));
    assert_refused(source_dir_open(in(state, "f"), NULL, true, &s), ERR_USAGE, message);
    assert_refused(source_dir_open(in(state, "none"), NULL, true, &s), ERR_NOT_FOUND, NULL);
}

static void what_is_apart_is_left_out_below_and_refused_as_the_source(void **state)
{
    static const char *const inside[] = {"s/repository", "s/repository/data/0a", "link"};
    char repository[512];
    char other[512];
    char message[2048];
    const char *const apart[] = {other, repository, NULL};
    struct reading r = {.fd = -1};

    snprintf(repository, sizeof repository, "%s", in(state, "s/repository"));
    snprintf(other, sizeof other, "%s", in(state, "none"));
    make_directory(in(state, "s"));
    make_directory(repository);
    make_directory(in(state, "s/repository/data"));
    make_directory(in(state, "s/repository/data/0a"));
    put_file(in(state, "s/z"), "");
    assert_int_equal(symlink("s/repository/data", in(state, "link")), 0);
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        snprintf(message, sizeof message,
                 "source %s: it lies in %s, which is the repository or its state directory: give "
                 "the directory that is to be backed up",
                 in(state, inside[i]), repository);
        assert_refused(source_dir_open(in(state, inside[i]), apart, true, &r.source), ERR_USAGE,
                       message);
    }
    entry_init(&r.e);
    assert_done(source_dir_open(in(state, "s"), apart, true, &r.source));
    assert_next(&r, ".");
    assert_next(&r, "z");
    assert_null(next(&r));
    end(&r);
}

static enum err read_all(void *arg)
{
    struct source s = {.driver = NULL};
    struct entry e;
    struct snapshot_attention attention = {0};
    bool more = true;
    int fd = -1;
    enum err rc;

    entry_init(&e);
    TRY(source_dir_open(arg, NULL, true, &s));
    while (more) {
        entry_reset(&e);
        TRY(s.driver->next(s.self, &e, &more, &attention));
        if (!more)
            break;
        rc = s.driver->describe(s.self, &e, &fd);
        if (fd >= 0)
            close(fd);
        TRY(rc);
    }
out:
    entry_clear(&e);
    source_free(&s);
    return rc;
}

static void no_memory_is_said(void **state)
{
    char path[512];

    make_directory(in(state, "s"));
    make_directory(in(state, "s/d"));
    put_file(in(state, "s/d/f"), "12345");
    assert_int_equal(link(in(state, "s/d/f"), in(state, "s/g")), 0);
    assert_int_equal(symlink("d/f", in(state, "s/l")), 0);
    snprintf(path, sizeof path, "%s", in(state, "s"));
    assert_true(sweep_allocations(read_all, path) > 10);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(files_come_sorted_with_their_metadata),
    IN_DIRECTORY(a_second_name_becomes_a_link_to_the_first),
    IN_DIRECTORY(when_the_first_name_vanishes_the_next_is_the_first),
    IN_DIRECTORY(when_another_file_takes_the_first_name_the_next_is_the_first),
    IN_DIRECTORY(what_lies_in_a_directory_that_vanished_is_not_given),
    IN_DIRECTORY(what_became_another_kind_of_file_has_vanished),
    IN_DIRECTORY(a_file_that_grew_is_described_as_it_is_now),
    IN_DIRECTORY(sockets_are_left_out),
    IN_DIRECTORY(of_a_database_only_its_data_is_given),
    IN_DIRECTORY(a_mongod_that_starts_in_between_is_counted),
    IN_DIRECTORY(a_database_that_lies_elsewhere_in_part_is_refused),
    IN_DIRECTORY(links_that_are_no_part_of_a_database_do_not_matter),
    IN_DIRECTORY(in_any_other_directory_links_stay_links),
    IN_DIRECTORY(what_is_no_directory_is_refused),
    IN_DIRECTORY(what_is_apart_is_left_out_below_and_refused_as_the_source),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

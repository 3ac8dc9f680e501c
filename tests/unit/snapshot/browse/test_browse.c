#include "snapshot/browse/browse.h"

#include "tests/unit/snapshot/repositories.h"

struct family {
    struct world w;
    struct snapshot_list c;
    struct browse_options options;
};

static void make_family(void **state, struct family *f)
{
    *f = (struct family){.c = {0}};
    make_world(state, &f->w);
    assert_int_equal(mkdir(in(state, "source/d"), 0750), 0);
    assert_int_equal(mkdir(in(state, "source/dd"), 0750), 0);
    put_file(in(state, "source/d.x"), "beside");
    put_pattern(in(state, "source/d/f"), 70000, 1);
    put_file(in(state, "source/d/empty"), "");
    put_file(in(state, "source/dd/g"), "g");
    assert_int_equal(link(in(state, "source/d/f"), in(state, "source/hard")), 0);
    assert_int_equal(symlink("d/f", in(state, "source/soft")), 0);
    assert_int_equal(mkfifo(in(state, "source/pipe"), 0600), 0);
    make_backup(&f->w);
    assert_done(snapshot_list_read(f->w.ledger, &f->c));
    f->options = (struct browse_options){
        .repository = f->w.repository, .keyring = f->w.keyring, .snapshot = &f->c.items[0]};
}

static void clear_family(struct family *f)
{
    snapshot_list_clear(&f->c);
    clear_world(&f->w);
}

static enum err add_line(void *arg, const struct browse_file *file)
{
    return buf_add_format(arg, "%c %s %llu %s\n", file->type, file->path,
                          file->type == '-' ? (unsigned long long)file->size : 0, file->link);
}

static void assert_list(struct family *f, const char *path, const char *want)
{
    const char *const only[] = {path, NULL};
    struct buf text = {.max = MIB};

    assert_done(browse_list(&f->options, path != NULL ? only : NULL, NULL, add_line, &text));
    assert_done(buf_add(&text, bytes_of("", 1)));
    assert_string_equal((const char *)text.data, want);
    buf_clear(&text);
}

static void what_lies_at_or_below_a_path_is_listed(void **state)
{
    static const char all[] = "d . 0 \nd d 0 \n- d/empty 0 \n- d/f 70000 \n- d.x 6 \nd dd 0 \n"
                              "- dd/g 1 \n- hard 0 d/f\np pipe 0 \nl soft 0 d/f\n";
    static const char *const none[] = {"none", NULL};
    struct family f;
    struct buf text = {.max = MIB};

    make_family(state, &f);
    assert_list(&f, NULL, all);
    assert_list(&f, ".", all);
    assert_list(&f, "d", "d d 0 \n- d/empty 0 \n- d/f 70000 \n");
    assert_list(&f, "d/f", "- d/f 70000 \n");
    assert_refused(browse_list(&f.options, none, NULL, add_line, &text), ERR_NOT_FOUND,
                   "no such file in the snapshot: none");
    assert_list(&f, "./d/", "d d 0 \n- d/empty 0 \n- d/f 70000 \n");
    assert_list(&f, "[ef]*", "- d/empty 0 \n- d/f 70000 \n");
    assert_int_equal(text.len, 0);
    clear_family(&f);
}

static enum err refuse_file(void *arg, const struct browse_file *file)
{
    (void)arg;
    return err_set(ERR_STORAGE, "no room for %s", file->path);
}

static void who_lists_can_stop_it(void **state)
{
    static const char *const only[] = {"d", NULL};
    struct family f;

    make_family(state, &f);
    assert_refused(browse_list(&f.options, only, NULL, refuse_file, NULL), ERR_STORAGE,
                   "no room for d");
    clear_family(&f);
}

static void assert_content(void **state, struct family *f, const char *path, const char *same)
{
    int fd = open(in(state, "out"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct buf want = {.max = MIB};
    struct buf is = {.max = MIB};

    assert_true(fd >= 0);
    assert_done(browse_cat(&f->options, path, fd));
    close(fd);
    assert_done(file_read(in(state, "out"), &is));
    assert_done(file_read(in(state, same), &want));
    assert_true(bytes_equal(buf_bytes(&is), buf_bytes(&want)));
    buf_clear(&want);
    buf_clear(&is);
}

static void one_files_content_is_written_out(void **state)
{
    struct family f;

    make_family(state, &f);
    assert_content(state, &f, "d/f", "source/d/f");
    assert_content(state, &f, "d/empty", "source/d/empty");
    assert_content(state, &f, "hard", "source/d/f");
    assert_content(state, &f, "./d//f", "source/d/f");
    assert_refused(browse_cat(&f.options, "d", STDOUT_FILENO), ERR_USAGE,
                   "d is not a regular file");
    assert_refused(browse_cat(&f.options, "soft", STDOUT_FILENO), ERR_USAGE, NULL);
    assert_refused(browse_cat(&f.options, "pipe", STDOUT_FILENO), ERR_USAGE, NULL);
    assert_refused(browse_cat(&f.options, "none", STDOUT_FILENO), ERR_NOT_FOUND, NULL);
    assert_refused(browse_cat(&f.options, "d/f", -1), ERR_FAILED, NULL);
    clear_family(&f);
}

static enum err keep_time(void *arg, const struct browse_file *file)
{
    *(int64_t *)arg = file->mtime_ms;
    return ERR_OK;
}

/* What is written has years of four digits; some file systems keep more. */
static void a_time_beyond_all_numbers_is_the_last_there_is(void **state)
{
    static const struct {
        time_t seconds;
        int64_t want;
    } rows[] = {
        {1, 1007},
        {-1, -993},
        {INT64_C(9223372036), INT64_C(9223372036007)},
        {INT64_C(253402300799), INT64_C(253402300799007)},
        {INT64_C(253402300800), INT64_C(253402300799999)},
        {-INT64_C(62167219200), -INT64_C(62167219199993)},
        {-INT64_C(62167219201), -INT64_C(62167219200000)},
    };
    static const char *const only[] = {"dd/g", NULL};
    struct family f;

    make_family(state, &f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                    {.tv_sec = rows[i].seconds, .tv_nsec = 7000000}};
        struct stat st;
        int64_t ms = 0;

        assert_int_equal(utimensat(AT_FDCWD, in(state, "source/dd/g"), times, 0), 0);
        assert_int_equal(stat(in(state, "source/dd/g"), &st), 0);
        if (st.st_mtim.tv_sec != rows[i].seconds)
            continue; /* this file system does not keep it */
        make_backup(&f.w);
        snapshot_list_clear(&f.c);
        assert_done(snapshot_list_read(f.w.ledger, &f.c));
        f.options.snapshot = &f.c.items[f.c.count - 1];
        assert_done(browse_list(&f.options, only, NULL, keep_time, &ms));
        assert_true(ms == rows[i].want);
    }
    clear_family(&f);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(what_lies_at_or_below_a_path_is_listed),
    IN_DIRECTORY(who_lists_can_stop_it),
    IN_DIRECTORY(one_files_content_is_written_out),
    IN_DIRECTORY(a_time_beyond_all_numbers_is_the_last_there_is),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

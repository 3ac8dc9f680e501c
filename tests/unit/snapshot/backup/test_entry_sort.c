#include "snapshot/backup/entry_sort.h"

#include <stdio.h>

#include "tests/unit/snapshot/index_samples.h"

/* What a tar names: "d/" is a directory, "a=b" a hard link to b, "a>b" a symlink, else a file. */
static void spool_name(struct spool *s, const char *name, uint64_t inode)
{
    const char *link = strpbrk(name, "=>");
    size_t len = link != NULL ? (size_t)(link - name) : strlen(name);
    bool is_dir = len > 0 && name[len - 1] == '/';
    struct entry e;
    uint64_t offset;

    entry_init(&e);
    e.type = is_dir ? ENTRY_DIR : link != NULL && *link == '>' ? ENTRY_SYMLINK : ENTRY_FILE;
    e.inode = inode;
    e.mode = is_dir ? 0700 : 0600;
    assert_done(buf_add(&e.path, bytes_of(name, is_dir ? len - 1 : len)));
    if (link != NULL) {
        e.flags = *link == '=' ? ENTRY_HARD_LINK : 0;
        assert_done(buf_add_text(&e.link, link + 1));
    }
    assert_done(spool_add(s, &e, &offset));
    entry_clear(&e);
}

static struct spool *spool_of(void **state, const char *const *names)
{
    struct spool *s = NULL;

    assert_done(spool_new(in(state, ""), &s));
    for (uint64_t i = 0; names[i] != NULL; i++)
        spool_name(s, names[i], i);
    return s;
}

static enum err collect(void *arg, struct bytes piece)
{
    return buf_add(arg, piece);
}

/* Names and inodes in the order that came out: "a:0 b:3 …", made directories with "+". */
static void assert_order(void **state, const char *const *names, const char *want)
{
    struct spool *s = spool_of(state, names);
    struct buf raw = {.max = MIB};
    struct buf text = {.max = MIB};
    uint64_t count = 0;
    uint64_t len = 0;
    uint64_t seen = 0;
    struct entry e;

    entry_init(&e);
    assert_done(entry_sort_measure(s, &count, &len));
    assert_done(entry_sort_write(s, collect, &raw));
    assert_int_equal(raw.len, len);
    for (size_t offset = 0; offset < raw.len;
         offset += (size_t)be_get(raw.data + offset, 4), seen++) {
        assert_done(
            entry_decode(bytes_of(raw.data + offset, (size_t)be_get(raw.data + offset, 4)), &e));
        if (e.type == ENTRY_DIR && e.mode == 0755)
            assert_done(buf_add_format(&text, "%s+ ", entry_path(&e)));
        else
            assert_done(buf_add_format(&text, "%s:%u ", entry_path(&e), (unsigned)e.inode));
    }
    assert_int_equal(seen, count);
    assert_done(buf_add(&text, bytes_of("", 1)));
    assert_string_equal((const char *)text.data, want);
    entry_clear(&e);
    buf_clear(&raw);
    buf_clear(&text);
    spool_free(s);
}

static void refuse_order(void **state, const char *const *names, const char *message)
{
    struct spool *s = spool_of(state, names);
    uint64_t count = 0;
    uint64_t len = 0;

    assert_refused(entry_sort_measure(s, &count, &len), ERR_FAILED, message);
    spool_free(s);
}

#define NAMES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void names_come_out_sorted_directories_first(void **state)
{
    assert_order(state, NAMES("b", "a/z", "a/", "a.x", "./", "a/y"),
                 ".:4 a:2 a/y:5 a/z:1 a.x:3 b:0 ");
    assert_order(state, (const char *const[]){NULL}, "");
}

static void of_several_with_one_name_the_last_counts(void **state)
{
    assert_order(state, NAMES("a", "b", "a", "a"), "a:3 b:1 ");
    assert_order(state, NAMES("a", "a/", "a/b"), "a:1 a/b:2 ");
    assert_order(state, NAMES("a/", "a"), "a:1 ");
}

static void directories_that_the_tar_took_for_granted_are_made(void **state)
{
    assert_order(state, NAMES("a/b/c/f"), "a+ a/b+ a/b/c+ a/b/c/f:0 ");
    assert_order(state, NAMES("a/b/f", "a/c/g", "a/h", "x/y"),
                 "a+ a/b+ a/b/f:0 a/c+ a/c/g:1 a/h:2 x+ x/y:3 ");
    assert_order(state, NAMES("a/", "a/b/f", "a/b/g", "ab/c"),
                 "a:0 a/b+ a/b/f:1 a/b/g:2 ab+ ab/c:3 ");
    assert_order(state, NAMES("a/b/c/", "a/b/"), "a+ a/b:1 a/b/c:0 ");
}

static void a_name_that_is_file_and_directory_is_refused(void **state)
{
    static const char message[] = "a is both a file and a directory in the tar";

    refuse_order(state, NAMES("a", "a/b"), message);
    refuse_order(state, NAMES("a/b", "a"), message);
    refuse_order(state, NAMES("a>/etc", "a/b"), message);
    refuse_order(state, NAMES("a", "a/b/c"), message);
    refuse_order(state, NAMES("a/", "a/b", "a>/etc"), message);
    assert_order(state, NAMES("a", "a.b", "ab"), "a:0 a.b:1 ab:2 ");
}

static void a_root_that_is_no_directory_is_refused(void **state)
{
    refuse_order(state, NAMES(".", "a"), "the root of the tar is not a directory");
    assert_order(state, NAMES(".", "./"), ".:1 ");
}

static void a_hard_link_leads_to_a_file_before_or_behind_it(void **state)
{
    assert_order(state, NAMES("b", "a=b", "c=b"), "a:1 b:0 c:2 ");
    assert_order(state, NAMES("d/x", "a=d/x", "d/"), "a:1 d:2 d/x:0 ");
    assert_order(state, NAMES("b=a", "a", "b"), "a:1 b:2 ");
}

static void a_hard_link_to_nothing_is_refused(void **state)
{
    refuse_order(state, NAMES("a=b"), "a is a hard link to b, which is not in the tar");
    refuse_order(state, NAMES("a=b/c", "b/", "b/d"),
                 "a is a hard link to b/c, which is not in the tar");
    refuse_order(state, NAMES("a=b", "b>c"),
                 "a is a hard link to b, which is not a regular file of the tar");
    refuse_order(state, NAMES("a=b", "b/"),
                 "a is a hard link to b, which is not a regular file of the tar");
    refuse_order(state, NAMES("a=b", "b=c", "c"),
                 "a is a hard link to b, which is not a regular file of the tar");
    refuse_order(state, NAMES("a=a"),
                 "a is a hard link to a, which is not a regular file of the tar");
    refuse_order(state, NAMES("b", "a=b", "b/"),
                 "a is a hard link to b, which is not a regular file of the tar");
}

/* Unpacked, the link is to the first of the two; here it would get the other one's content. */
static void a_hard_link_to_what_is_replaced_later_is_refused(void **state)
{
    static const char message[] =
        "a is a hard link to b, which another file replaces later in the tar";

    refuse_order(state, NAMES("b", "a=b", "b"), message);
    refuse_order(state, NAMES("b", "b", "a=b", "c", "b"), message);
    assert_order(state, NAMES("b", "a=b", "b", "a=b"), "a:3 b:2 ");
    assert_order(state, NAMES("a=b", "b", "b"), "a:0 b:2 ");
}

static void many_names_in_any_order_make_an_index(void **state)
{
    struct spool *s = NULL;
    struct parts p = parts_of_nothing();
    struct index *x = NULL;
    uint64_t count = 0;
    uint64_t len = 0;
    char name[64];

    assert_done(spool_new(in(state, ""), &s));
    for (unsigned i = 0; i < 2000; i++) {
        unsigned n = i * 7919 % 2000;

        snprintf(name, sizeof name, "%u/%u/%u", n % 7, n % 31, n);
        spool_name(s, name, n);
    }
    assert_done(entry_sort_measure(s, &count, &len));
    assert_done(entry_sort_write(s, collect, &p.entries));
    p.header.file_count = count;
    p.header.files_len = len;
    assert_true(count == 2000 + 7 + 7 * 31);
    assert_done(open_parts(&p, &x));
    use_index(x);
    index_free(x);
    parts_clear(&p);
    spool_free(s);
}

static enum err measure_once(void *arg)
{
    uint64_t count = 0;
    uint64_t len = 0;

    return entry_sort_measure(arg, &count, &len);
}

static void no_memory_is_said(void **state)
{
    struct spool *s = spool_of(state, NAMES("d/e/f", "a=d/e/f"));

    assert_true(sweep_allocations(measure_once, s) >= 4);
    spool_free(s);
}

static const struct CMUnitTest tests[] = {
    IN_DIRECTORY(names_come_out_sorted_directories_first),
    IN_DIRECTORY(of_several_with_one_name_the_last_counts),
    IN_DIRECTORY(directories_that_the_tar_took_for_granted_are_made),
    IN_DIRECTORY(a_name_that_is_file_and_directory_is_refused),
    IN_DIRECTORY(a_root_that_is_no_directory_is_refused),
    IN_DIRECTORY(a_hard_link_leads_to_a_file_before_or_behind_it),
    IN_DIRECTORY(a_hard_link_to_nothing_is_refused),
    IN_DIRECTORY(a_hard_link_to_what_is_replaced_later_is_refused),
    IN_DIRECTORY(many_names_in_any_order_make_an_index),
    IN_DIRECTORY(no_memory_is_said),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

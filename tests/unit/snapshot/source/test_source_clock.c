#include "snapshot/source/source_clock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/helpers.h"

#define NOW_S INT64_C(1700000000)

static struct walk_item item_at(dev_t device, int64_t s, long ns)
{
    struct walk_item item = {.path = bytes_of(".", 1), .dir = AT_FDCWD, .name = "no-such-file"};

    item.st.st_dev = device;
    item.st.st_ctim = (struct timespec){s, ns};
    return item;
}

static struct stat changed_at(dev_t device, int64_t s, long ns)
{
    return item_at(device, s, ns).st;
}

static bool is_settled(const struct source_clock *c, dev_t device, int64_t s, long ns)
{
    struct stat st = changed_at(device, s, ns);

    return source_clock_is_settled(c, &st);
}

static void look(struct source_clock *c, dev_t device, int64_t s, long ns)
{
    struct walk_item item = item_at(device, s, ns);

    assert_done(source_clock_look(c, &item));
}

static void what_is_two_seconds_older_than_the_newest_change_is_settled(void **state)
{
    struct source_clock c;

    (void)state;
    source_clock_init(&c);
    c.began_ns = (NOW_S + 100) * 1000000000;
    assert_false(is_settled(&c, 7, NOW_S - 1000, 0)); /* nothing was looked at */
    look(&c, 7, NOW_S, 500);
    look(&c, 7, NOW_S - 50, 900);
    look(&c, 7, NOW_S, 499);
    assert_true(is_settled(&c, 7, NOW_S - 2, 499));
    assert_false(is_settled(&c, 7, NOW_S - 2, 500));
    assert_false(is_settled(&c, 7, NOW_S - 1, 0));
    assert_false(is_settled(&c, 7, NOW_S, 0));
    assert_false(is_settled(&c, 7, NOW_S + 9, 0));
    assert_true(is_settled(&c, 7, NOW_S - 3, 999999999));
    assert_true(is_settled(&c, 7, INT64_MIN, 0));
}

static void a_time_to_come_is_no_clock(void **state)
{
    struct source_clock c;

    (void)state;
    source_clock_init(&c);
    c.began_ns = NOW_S * 1000000000 + 5;
    look(&c, 7, NOW_S, 6);
    look(&c, 7, NOW_S + 1000, 0);
    assert_false(is_settled(&c, 7, NOW_S - 1000, 0));
    look(&c, 7, NOW_S, 5);
    assert_true(is_settled(&c, 7, NOW_S - 1000, 0));
    assert_false(is_settled(&c, 7, NOW_S, 0));
}

static void each_file_system_has_its_own_clock(void **state)
{
    struct source_clock c;
    struct source_marks m;

    (void)state;
    source_clock_init(&c);
    look(&c, 7, NOW_S - 100, 0);
    look(&c, 8, NOW_S, 0);
    assert_false(is_settled(&c, 7, NOW_S - 100, 0));
    assert_true(is_settled(&c, 8, NOW_S - 100, 0));
    for (dev_t device = 9; device < 7 + SOURCE_DEVICES_MAX; device++)
        look(&c, device, NOW_S, 0);
    assert_false(c.has_more);
    look(&c, 99, NOW_S, 0);
    assert_true(c.has_more);
    assert_false(is_settled(&c, 99, NOW_S - 100, 0));
    assert_done(source_clock_marks(&c, &m));
    assert_false(source_marks_same_mount(&m, &m)); /* not known */
}

static void mark_tree(const char *path, struct source_marks *out)
{
    struct source_clock c;
    struct walk *walk = NULL;
    struct walk_item item;
    bool more = true;

    source_clock_init(&c);
    assert_done(walk_open(path, &walk));
    for (;;) {
        assert_done(walk_next(walk, &item, &more));
        if (!more)
            break;
        assert_done(source_clock_look(&c, &item));
    }
    walk_free(walk);
    assert_done(source_clock_marks(&c, out));
}

static void one_mount_is_the_same_at_each_look_and_another_is_not(void **state)
{
    struct source_marks a;
    struct source_marks b;
    struct source_marks other;

    mark_tree(in(state, ""), &a);
    mark_tree(in(state, ""), &b);
    mark_tree("/proc/self/fdinfo", &other);
    assert_memory_equal(a.mount, b.mount, HASH_LEN);
    assert_false(source_marks_same_mount(&a, &other));
    assert_true(other.is_remote); /* not one whose clock is known to be ours */
}

static void
states_are_others_only_when_both_are_known_and_neither_comes_from_the_other(void **state)
{
    struct source_marks a = {.state = {1}, .origin = {9}};
    struct source_marks b = {.state = {2}, .origin = {9}};
    const struct source_marks unknown = {.origin = {9}};

    (void)state;
    assert_true(source_marks_other_state(&a, &b));
    assert_false(source_marks_other_state(&a, &a));
    assert_false(source_marks_other_state(&a, &unknown));
    assert_false(source_marks_other_state(&unknown, &a));
    assert_false(source_marks_same_mount(&a, &a));
    b.origin[0] = 1;
    assert_false(source_marks_other_state(&a, &b));
    assert_false(source_marks_other_state(&b, &a));
}

static void marks_are_kept_as_they_are(void **state)
{
    struct source_marks m = {.mount = {1, 2}, .state = {3, 4}, .origin = {5, 6}};
    struct source_marks again;
    uint8_t raw[SOURCE_MARKS_LEN];

    (void)state;
    source_marks_encode(&m, raw);
    source_marks_decode(raw, &again);
    assert_memory_equal(&again, &m, sizeof m);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_two_seconds_older_than_the_newest_change_is_settled),
    cmocka_unit_test(a_time_to_come_is_no_clock),
    cmocka_unit_test(each_file_system_has_its_own_clock),
    IN_DIRECTORY(one_mount_is_the_same_at_each_look_and_another_is_not),
    cmocka_unit_test(states_are_others_only_when_both_are_known_and_neither_comes_from_the_other),
    cmocka_unit_test(marks_are_kept_as_they_are),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

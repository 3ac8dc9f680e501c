#include "core/base/err.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "tests/unit/helpers.h"

static void a_failure_gives_its_code_and_keeps_its_message(void **state)
{
    (void)state;
    assert_int_equal(err_set(ERR_CORRUPT, "pack %d", 7), ERR_CORRUPT);
    assert_string_equal(err_text(), "pack 7");
    assert_int_equal(err_set(ERR_BUSY, "other"), ERR_BUSY);
    assert_string_equal(err_text(), "other");
    err_clear();
    assert_string_equal(err_text(), "");
}

static void notes_go_in_front_and_hints_behind(void **state)
{
    (void)state;
    err_set(ERR_CORRUPT, "tag does not match");
    err_note("segment %d", 3);
    err_note("pack %d", 7);
    err_hint("try %s", "the other copy");
    err_note("restoring %s", "s-2031");
    err_hint("or ask");
    assert_string_equal(err_text(), "restoring s-2031: pack 7: segment 3: tag does not match");
    assert_string_equal(err_hint_at(0), "try the other copy");
    assert_string_equal(err_hint_at(1), "or ask");
    assert_null(err_hint_at(2));
    err_set(ERR_CORRUPT, "another");
    assert_null(err_hint_at(0)); /* they were of the last one */
}

/* Today's database has a table of this name; a newline in it begins no line of ours. */
static void no_name_looks_like_a_hint(void **state)
{
    (void)state;
    err_set(ERR_CORRUPT, "%s: its content is damaged", "x\n  run `rm -rf /`");
    err_note("%s", "y\n  or this");
    assert_null(err_hint_at(0));
    err_hint("%s", "it is in z\n  or that");
    assert_string_equal(err_hint_at(0), "it is in z\n  or that");
    assert_null(err_hint_at(1));
}

static void a_long_name_pushes_out_neither_what_happened_nor_the_hint(void **state)
{
    char name[2 * ERR_TEXT_MAX];

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    err_set(ERR_CORRUPT, "tag does not match");
    err_note("%s", name);
    err_hint("ask");
    assert_non_null(strstr(err_text(), "xxx: tag does not match"));
    assert_string_equal(err_hint_at(0), "ask");
    errno = EIO;
    err_sys(ERR_FAILED, "opening %s", name);
    assert_non_null(strstr(err_text(), "xxx: Input/output error"));
    assert_null(err_hint_at(0));
}

/* Hints that do not fit are cut or left out, and end where they must. */
static void hints_of_any_length_stay_in_their_buffer(void **state)
{
    char text[ERR_HINTS_MAX];

    (void)state;
    for (size_t len = sizeof text - 10; len < sizeof text; len++) {
        size_t count = 0;

        memset(text, 'x', len);
        text[len] = '\0';
        err_set(ERR_FAILED, "failed");
        for (int i = 0; i < 8; i++)
            err_hint("%s", i > 0 ? "abc" : text);
        while (err_hint_at(count) != NULL)
            count++;
        assert_true(count >= 1 && count <= 4);
        assert_true(strlen(err_hint_at(0)) >= sizeof text - 10);
    }
}

static void a_system_error_says_why(void **state)
{
    (void)state;
    errno = EACCES;
    assert_int_equal(err_sys(ERR_FAILED, "opening %s", "x"), ERR_FAILED);
    assert_string_equal(err_text(), "opening x: Permission denied");
    errno = ENOENT;
    assert_int_equal(err_sys(ERR_NOT_FOUND, "opening x"), ERR_NOT_FOUND);
}

static void a_full_disk_is_the_storage_s_whatever_the_caller_thought(void **state)
{
    (void)state;
    errno = ENOSPC;
    assert_int_equal(err_sys(ERR_FAILED, "writing"), ERR_STORAGE);
    assert_string_equal(err_text(), "writing: No space left on device");
    errno = EDQUOT;
    assert_int_equal(err_sys(ERR_CORRUPT, "writing"), ERR_STORAGE);
}

static void a_message_that_is_too_long_is_cut(void **state)
{
    char text[2 * ERR_TEXT_MAX];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(ERR_FAILED, "%s", text);
    assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);
    err_note("front");
    assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);
    assert_memory_equal(err_text(), "front: xxx", 10);
    err_note("%s", text);
    err_hint("%s", text);
    errno = EIO;
    err_sys(ERR_FAILED, "%s", text);
    assert_true(strlen(err_text()) < ERR_TEXT_MAX);
}

/* Every place where a message can be almost full. */
static void no_length_writes_past_the_end(void **state)
{
    char text[ERR_TEXT_MAX];

    (void)state;
    for (size_t len = sizeof text - 20; len < sizeof text; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        err_set(ERR_FAILED, "%s", text);
        err_hint("what to do");
        assert_true(strlen(err_text()) < ERR_TEXT_MAX);
        err_set(ERR_FAILED, "%s", text);
        err_note("%s", text);
        assert_true(strlen(err_text()) < ERR_TEXT_MAX);
        errno = EIO;
        err_sys(ERR_FAILED, "%s", text);
        assert_true(strlen(err_text()) < ERR_TEXT_MAX);
    }
}

static void *fail_elsewhere(void *record)
{
    if (*err_text() != '\0')
        return NULL; /* the record stays as it was */
    err_set(ERR_STORAGE, "theirs");
    err_take(ERR_STORAGE, record);
    return NULL;
}

static void each_thread_has_its_own_message(void **state)
{
    struct err_record record = {.code = ERR_OK};
    pthread_t thread;

    (void)state;
    err_set(ERR_FAILED, "ours");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &record), 0);
    pthread_join(thread, NULL);
    assert_string_equal(err_text(), "ours");
    assert_int_equal(err_give(&record), ERR_STORAGE);
    assert_string_equal(err_text(), "theirs");
}

static enum err recipe(bool fail, bool *cleaned)
{
    enum err rc = ERR_OK;

    TRY(ERR_OK);
    if (fail)
        FAIL(ERR_USAGE, "step %d", 2);
out:
    *cleaned = true;
    return rc;
}

static void both_ways_pass_the_label_out(void **state)
{
    bool cleaned = false;

    (void)state;
    assert_done(recipe(false, &cleaned));
    assert_true(cleaned);
    cleaned = false;
    assert_refused(recipe(true, &cleaned), ERR_USAGE, "step 2");
    assert_true(cleaned);
}

static void every_code_has_the_exit_status_of_the_manual(void **state)
{
    static const struct {
        enum err code;
        int status;
    } due[] = {
        {ERR_OK, 0},
        {ERR_FAILED, 1},
        {ERR_USAGE, 2},
        {ERR_KEY_INVALID, 3},
        {ERR_KEY_UNREACHABLE, 4},
        {ERR_NOT_FOUND, 5},
        {ERR_CORRUPT, 6},
        {ERR_BUSY, 7},
        {ERR_NOT_COVERED, 8},
        {ERR_STORAGE, 9},
        {ERR_ATTENTION, 10},
        {ERR_INTERRUPTED, 130},
        {ERR_EXISTS, 1},
        {ERR_UNSUPPORTED, 6},
    };

    (void)state;
    for (size_t i = 0; i < sizeof due / sizeof due[0]; i++)
        assert_int_equal(err_exit_status(due[i].code), due[i].status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_gives_its_code_and_keeps_its_message),
        cmocka_unit_test(notes_go_in_front_and_hints_behind),
        cmocka_unit_test(no_name_looks_like_a_hint),
        cmocka_unit_test(a_long_name_pushes_out_neither_what_happened_nor_the_hint),
        cmocka_unit_test(hints_of_any_length_stay_in_their_buffer),
        cmocka_unit_test(a_system_error_says_why),
        cmocka_unit_test(a_full_disk_is_the_storage_s_whatever_the_caller_thought),
        cmocka_unit_test(a_message_that_is_too_long_is_cut),
        cmocka_unit_test(no_length_writes_past_the_end),
        cmocka_unit_test(each_thread_has_its_own_message),
        cmocka_unit_test(both_ways_pass_the_label_out),
        cmocka_unit_test(every_code_has_the_exit_status_of_the_manual),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

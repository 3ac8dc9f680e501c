#include "keyring/catalogue/object_list.h"

#include "tests/unit/keyring/samples.h"

#define ITEM(id, type, size)                                                                       \
    "{\"id\":\"" id "000000000000000000000000000000\",\"type\":\"" type "\","                      \
    "\"scope\":\"5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c\",\"ordinal\":3,\"size\":" size ","              \
    "\"sha256\":\"4040404040404040404040404040404040404040404040404040404040404040\"}"

static struct manifest_object sample_object(uint8_t id)
{
    struct manifest_object o = {
        .id = {id}, .type = OBJECT_PACK, .ordinal = 3, .size = object_sealed_size(1000)};

    memset(o.scope, 0x5c, sizeof o.scope);
    memset(o.sha256, 0x40, sizeof o.sha256);
    return o;
}

static void the_text_is_that_of_the_format_page(void **state)
{
    static const char *const texts[] = {ITEM("01", "pack", "1202"), ITEM("fe", "index", "1202")};
    struct manifest_object objects[2] = {sample_object(1), sample_object(0xfe)};

    (void)state;
    objects[1].type = OBJECT_INDEX;
    for (size_t i = 0; i < 2; i++) {
        struct jdoc *o = NULL;

        assert_done(object_list_write_item(&objects[i], &o));
        assert_text(o, texts[i]);
        jdoc_free(o);
    }
}

static enum err there_and_back(const struct manifest_object *object)
{
    struct manifest_object back;
    struct jdoc *o = NULL;
    enum err rc;

    TRY(object_list_write_item(object, &o));
    TRY(object_list_read_item(o, &back));
    assert_memory_equal(back.id, object->id, SEAL_ID_LEN);
    assert_int_equal(back.type, object->type);
    assert_memory_equal(back.scope, object->scope, SEAL_ID_LEN);
    assert_int_equal(back.ordinal, object->ordinal);
    assert_int_equal(back.size, object->size);
    assert_memory_equal(back.sha256, object->sha256, HASH_LEN);
out:
    jdoc_free(o);
    return rc;
}

static void an_object_is_read_as_it_was_written(void **state)
{
    struct manifest_object object = sample_object(1);

    (void)state;
    assert_done(there_and_back(&object));
    object.type = OBJECT_INDEX;
    object.ordinal = UINT32_MAX;
    assert_done(there_and_back(&object));
}

static void what_breaks_a_rule_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err code;
        const char *message; /* NULL: any */
    } rows[] = {
        {"{}", ERR_CORRUPT, "member \"id\": member \"id\" is missing"},
        {ITEM("01", "oplog", "1202"), ERR_UNSUPPORTED, "an object of type \"oplog\" is not known"},
        {ITEM("01", "pack", "0"), ERR_CORRUPT, NULL},
        {ITEM("01", "pack", "201"), ERR_CORRUPT, NULL},
        {ITEM("01", "pack", "1099511627777"), ERR_CORRUPT, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct manifest_object back;
        struct jdoc *o = NULL;

        assert_done(jdoc_parse(bytes_of_text(rows[i].text), &o));
        assert_refused(object_list_read_item(o, &back), rows[i].code, rows[i].message);
        jdoc_free(o);
    }
}

static void an_object_is_named_once(void **state)
{
    struct manifest_object objects[] = {sample_object(3), sample_object(1), sample_object(2)};

    (void)state;
    assert_done(object_list_check(objects, 0));
    assert_done(object_list_check(objects, 3));
    objects[2].id[0] = 3;
    assert_refused(object_list_check(objects, 3), ERR_CORRUPT, "an object is named twice");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_that_of_the_format_page),
        cmocka_unit_test(an_object_is_read_as_it_was_written),
        cmocka_unit_test(what_breaks_a_rule_is_refused),
        cmocka_unit_test(an_object_is_named_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "keyring/catalogue/object_list.h"

#include "core/base/mem.h"
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
    struct manifest_object objects[2] = {sample_object(1), sample_object(0xfe)};
    struct jdoc *o = NULL;

    (void)state;
    objects[1].type = OBJECT_INDEX;
    assert_done(jdoc_object(&o));
    assert_done(object_list_write(objects, 2, o));
    assert_text(o,
                "{\"objects\":[" ITEM("01", "pack", "1202") "," ITEM("fe", "index", "1202") "]}");
    jdoc_free(o);
}

static enum err there_and_back(void *arg)
{
    const struct manifest_object *objects = arg;
    struct manifest_object *back = NULL;
    struct jdoc *o = NULL;
    size_t count = 0;
    enum err rc;

    TRY(jdoc_object(&o));
    TRY(object_list_write(objects, 2, o));
    TRY(object_list_read(o, &back, &count));
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(back[i].id, objects[i].id, SEAL_ID_LEN);
        assert_int_equal(back[i].type, objects[i].type);
        assert_memory_equal(back[i].scope, objects[i].scope, SEAL_ID_LEN);
        assert_int_equal(back[i].ordinal, objects[i].ordinal);
        assert_int_equal(back[i].size, objects[i].size);
        assert_memory_equal(back[i].sha256, objects[i].sha256, HASH_LEN);
    }
out:
    mem_free(back);
    jdoc_free(o);
    return rc;
}

static void a_list_is_read_as_it_was_written(void **state)
{
    struct manifest_object objects[2] = {sample_object(1), sample_object(2)};

    (void)state;
    objects[1].type = OBJECT_INDEX;
    objects[1].ordinal = UINT32_MAX;
    assert_done(there_and_back(objects));
    assert_true(sweep_allocations(there_and_back, objects) >= 2);
}

static void what_breaks_a_rule_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err code;
        const char *message; /* NULL: any */
    } rows[] = {
        {"{}", ERR_CORRUPT, "member \"objects\" is missing"},
        {"{\"objects\":[{}]}", ERR_CORRUPT, "member \"id\": member \"id\" is missing"},
        {"{\"objects\":[" ITEM("01", "oplog", "1202") "]}", ERR_UNSUPPORTED,
         "an object of type \"oplog\" is not known"},
        {"{\"objects\":[" ITEM("01", "pack", "0") "]}", ERR_CORRUPT, NULL},
        {"{\"objects\":[" ITEM("01", "pack", "201") "]}", ERR_CORRUPT, NULL},
        {"{\"objects\":[" ITEM("01", "pack", "1099511627777") "]}", ERR_CORRUPT, NULL},
        {"{\"objects\":[" ITEM("01", "pack", "1202") "," ITEM("02", "pack", "1202") "," ITEM(
             "01", "pack", "1203") "]}",
         ERR_CORRUPT, "an object is named twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct manifest_object *back = NULL;
        struct jdoc *o = NULL;
        size_t count = 7;

        assert_done(jdoc_parse(bytes_of_text(rows[i].text), &o));
        assert_refused(object_list_read(o, &back, &count), rows[i].code, rows[i].message);
        assert_null(back);
        assert_int_equal(count, 7);
        jdoc_free(o);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_that_of_the_format_page),
        cmocka_unit_test(a_list_is_read_as_it_was_written),
        cmocka_unit_test(what_breaks_a_rule_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

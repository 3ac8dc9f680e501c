/*
 * Hostile bytes as a JSON document: what is taken can be written, read again, and is then the same.
 */
#include <assert.h>
#include <stdlib.h>

#include "core/base/jdoc.h"

#define WRITTEN_MAX (8 * MIB) /* an escape is six bytes long */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(enum err rc)
{
    if (rc != ERR_OK)
        abort();
}

static void use_members(const struct jdoc *doc)
{
    static const char *const known[] = {"!known", NULL};
    struct jdoc *part = NULL;
    const char *text = NULL;
    uint64_t number = 0;
    uint8_t bytes[64];
    size_t len = 0;
    int64_t ms = 0;
    enum err rc;

    rc = jdoc_check_critical(doc, known);
    assert(rc == ERR_OK || rc == ERR_UNSUPPORTED);
    if (jdoc_text(doc, "a", 100, &text) == ERR_OK && jdoc_hex(doc, "a", bytes, 4) != ERR_OK &&
        jdoc_time(doc, "a", &ms) != ERR_OK &&
        jdoc_base64(doc, "a", bytes, sizeof bytes, &len) == ERR_OK)
        assert(len <= sizeof bytes);
    if (jdoc_number(doc, "a", 1000, &number) == ERR_OK)
        assert(number <= 1000);
    if (jdoc_list(doc, "a", 10, &part, &len) == ERR_OK && len > 0 &&
        jdoc_item(part, 0, &part) != ERR_OK && jdoc_item_text(part, 0, 10, &text) != ERR_OK)
        assert(*err_text() != '\0');
    if (jdoc_child(doc, "a", &part) != ERR_OK)
        assert(*err_text() != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jdoc *doc = NULL;
    struct jdoc *back = NULL;
    struct buf once = {.max = WRITTEN_MAX};
    struct buf twice = {.max = WRITTEN_MAX};

    if (jdoc_parse(bytes_of(data, size), &doc) != ERR_OK) {
        assert(doc == NULL && *err_text() != '\0');
        return 0;
    }
    use_members(doc);
    expect(jdoc_write(doc, &once));
    expect(jdoc_parse(buf_bytes(&once), &back));
    expect(jdoc_write(back, &twice));
    assert(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
    buf_clear(&twice);
    buf_clear(&once);
    jdoc_free(back);
    jdoc_free(doc);
    return 0;
}

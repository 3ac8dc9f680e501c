#include "keyring/catalogue/snapshot_attention.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEMBER "attention"
#define COUNT_MAX_JSON (UINT64_C(1) << 60)

uint64_t snapshot_attention_count(const struct snapshot_attention *a)
{
    return a->changed + a->vanished + a->left_out + a->warnings;
}

bool snapshot_attention_is_torn(const struct snapshot_attention *a)
{
    return a->changed + a->vanished > 0;
}

static void add_count(char out[SNAPSHOT_ATTENTION_TEXT_MAX], uint64_t count, const char *one,
                      const char *many)
{
    size_t len = strlen(out);

    if (count > 0)
        (void)snprintf(out + len, SNAPSHOT_ATTENTION_TEXT_MAX - len, "%s%" PRIu64 " %s",
                       len > 0 ? ", " : "", count, count == 1 ? one : many);
}

void snapshot_attention_text(const struct snapshot_attention *a,
                             char out[SNAPSHOT_ATTENTION_TEXT_MAX])
{
    out[0] = '\0';
    add_count(out, a->changed, "file changed while it was read",
              "files changed while they were read");
    add_count(out, a->vanished, "file vanished before it was read",
              "files vanished before they were read");
    add_count(out, a->left_out, "device was left out", "devices were left out");
    add_count(out, a->warnings, "warning was given of the source",
              "warnings were given of the source");
}

enum err snapshot_attention_write(const struct snapshot_attention *a, struct jdoc *to)
{
    struct jdoc *part = NULL;
    enum err rc;

    if (snapshot_attention_count(a) == 0)
        return jdoc_set_null(to, MEMBER);
    TRY(jdoc_object(&part));
    TRY(jdoc_set_number(part, "changed", a->changed));
    TRY(jdoc_set_number(part, "vanished", a->vanished));
    TRY(jdoc_set_number(part, "leftOut", a->left_out));
    TRY(jdoc_set_number(part, "warnings", a->warnings));
    TRY(jdoc_set(to, MEMBER, &part));
out:
    jdoc_free(part);
    return rc;
}

enum err snapshot_attention_read(const struct jdoc *from, struct snapshot_attention *a)
{
    struct jdoc *part = NULL;
    enum err rc = ERR_OK;

    *a = (struct snapshot_attention){.changed = 0};
    if (!jdoc_has(from, MEMBER))
        goto out;
    TRY(jdoc_child(from, MEMBER, &part));
    TRY(jdoc_number(part, "changed", COUNT_MAX_JSON, &a->changed));
    TRY(jdoc_number(part, "vanished", COUNT_MAX_JSON, &a->vanished));
    TRY(jdoc_number(part, "leftOut", COUNT_MAX_JSON, &a->left_out));
    TRY(jdoc_number(part, "warnings", COUNT_MAX_JSON, &a->warnings));
    if (snapshot_attention_count(a) == 0)
        FAIL(ERR_CORRUPT, "its attention counts nothing");
out:
    return rc;
}

#include <string.h>

#include "core/base/clock.h"
#include "core/base/jmember.h"
#include "core/base/text.h"
#include "core/ledger/record_message.h"

/*
 * What the ledger holds of a record, found by walking over line 1. A table says which member fills
 * what; one that is not in it is passed over. A line with an escape in it is parsed and written
 * again first, so that a name or text is found however it was spelt.
 */

static bool scan_hex(struct bytes value, uint8_t *out, size_t len)
{
    char text[2 * RECORD_ID_LEN + 1];

    if (!jmember_text(value, 2 * len, text) || text_unhex(text, out, len) != ERR_OK) {
        err_clear();
        return false;
    }
    return true;
}

static bool scan_time(struct bytes value, int64_t *out)
{
    char text[CLOCK_TEXT_LEN + 1];

    if (!jmember_text(value, CLOCK_TEXT_LEN, text) || clock_parse(text, out) != ERR_OK) {
        err_clear();
        return false;
    }
    return true;
}

static bool take_type(struct record *r, struct bytes value)
{
    char text[RECORD_TYPE_TEXT_MAX + 1];

    return jmember_text(value, RECORD_TYPE_TEXT_MAX, text) && record_type_find(text, &r->type);
}

static bool take_repository(struct record *r, struct bytes value)
{
    return scan_hex(value, r->repository, SEAL_ID_LEN);
}

static bool take_writer(struct record *r, struct bytes value)
{
    return scan_hex(value, r->writer, SIGNER_ID_LEN);
}

static bool take_seq(struct record *r, struct bytes value)
{
    return jmember_number(value, RECORD_SEQ_MAX, &r->seq);
}

static bool take_prev(struct record *r, struct bytes value)
{
    r->has_prev = !jmember_is_null(value);
    return !r->has_prev || scan_hex(value, r->prev, RECORD_ID_LEN);
}

static bool take_created(struct record *r, struct bytes value)
{
    return scan_time(value, &r->created_ms);
}

static void take_text(struct bytes value, size_t max, char *out)
{
    if (!jmember_text(value, max, out))
        *out = '\0';
}

static bool take_id(struct record *r, struct bytes value)
{
    take_text(value, RECORD_SUBJECT_MAX, r->facts.id);
    return true;
}

static bool take_subject(struct record *r, struct bytes value)
{
    take_text(value, RECORD_SUBJECT_MAX, r->facts.subject);
    return true;
}

static bool take_parent(struct record *r, struct bytes value)
{
    take_text(value, RECORD_SUBJECT_MAX, r->facts.parent);
    return true;
}

static bool take_expiry(struct record *r, struct bytes value)
{
    r->facts.has_expiry = !jmember_is_null(value);
    r->facts.expiry_known = scan_time(value, &r->facts.expires_ms);
    return true;
}

static bool take_chain(struct record *r, struct bytes value)
{
    struct jmember m;
    size_t at = 0;

    while (jmember_next(value, &at, &m)) {
        if (jmember_is(&m, "base"))
            take_text(m.value, RECORD_SUBJECT_MAX, r->facts.base);
        else if (jmember_is(&m, "position") &&
                 !jmember_number(m.value, UINT32_MAX, &r->facts.position))
            r->facts.position = 0;
    }
    return true;
}

static bool take_data_key(struct record *r, struct bytes value)
{
    struct jmember m;
    size_t at = 0;

    while (!r->facts.has_scope && jmember_next(value, &at, &m))
        if (jmember_is(&m, "scope"))
            r->facts.has_scope = scan_hex(m.value, r->facts.scope, SEAL_ID_LEN);
    return true;
}

/* The common members come first. */
static const struct {
    const char *name;
    bool (*take)(struct record *r, struct bytes value);
} members[] = {
    {"type", take_type},       {"repositoryId", take_repository},
    {"writerId", take_writer}, {"seq", take_seq},
    {"prev", take_prev},       {"createdAt", take_created},
    {"id", take_id},           {"subject", take_subject},
    {"parent", take_parent},   {"expiresAt", take_expiry},
    {"chain", take_chain},     {"dataKey", take_data_key},
};
#define MEMBER_COUNT (sizeof members / sizeof members[0])
#define COMMON_ALL 0x3fU /* the first six; "prev" may be left out, where it is null */
#define COMMON_PREV 0x10U

static bool scan_line(struct bytes line, struct record *r)
{
    struct jmember m;
    unsigned found = COMMON_PREV;
    size_t at = 0;

    while (jmember_next(line, &at, &m)) {
        for (size_t i = 0; i < MEMBER_COUNT; i++) {
            if (!jmember_is(&m, members[i].name))
                continue;
            if (!members[i].take(r, m.value))
                return false;
            found |= 1U << i;
            break;
        }
    }
    return (found & COMMON_ALL) == COMMON_ALL && r->has_prev == (r->seq > 0);
}

bool record_scan(struct bytes line, struct record *r)
{
    struct buf plain = {.max = 6 * RECORD_LEN_MAX};
    struct jdoc *doc = NULL;
    bool is = false;

    r->facts = (struct record_facts){.has_scope = false};
    r->has_prev = false;
    if (memchr(line.data, '\\', line.len) == NULL)
        return scan_line(line, r);
    if (jdoc_parse(line, &doc) == ERR_OK && jdoc_write(doc, &plain) == ERR_OK)
        is = scan_line(buf_bytes(&plain), r);
    err_clear();
    jdoc_free(doc);
    buf_clear(&plain);
    return is;
}

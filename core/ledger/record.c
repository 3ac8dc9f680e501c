#include "core/ledger/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/ledger/record_message.h"

#define NEEDS_TEXT_MAX 32

static const struct {
    const char *name;
    enum record_role role;
    enum record_grade grade;
} types[] = {
#define RECORD_ROW(name, text, role, grade) [name] = {text, role, grade},
    RECORD_TYPES(RECORD_ROW)
#undef RECORD_ROW
};
_Static_assert(sizeof types / sizeof types[0] == RECORD_TYPE_COUNT, "a row for each type");

static const char *const roles[ROLE_COUNT] = {
    [ROLE_ROOT] = "root",
    [ROLE_BACKUP] = "backup",
    [ROLE_RETENTION] = "retention",
    [ROLE_KEYS] = "keys",
};

static const char *const no_critical[] = {NULL};

const char *record_type_name(enum record_type type)
{
    return types[type].name;
}

enum record_role record_type_role(enum record_type type)
{
    return types[type].role;
}

enum record_grade record_type_grade(enum record_type type)
{
    return types[type].grade;
}

const char *record_role_name(enum record_role role)
{
    return roles[role];
}

/* What is too new says itself which version of the program knows it. */
static enum err refuse_newer(const struct jdoc *payload, const char *what)
{
    const char *needs = NULL;
    enum err rc;

    if (jdoc_has(payload, "needs") &&
        jdoc_text(payload, "needs", NEEDS_TEXT_MAX, &needs) == ERR_OK) {
        rc = err_set(ERR_UNSUPPORTED, "%s needs sealpoint %s or newer", what, needs);
    } else {
        err_clear();
        rc = err_set(ERR_UNSUPPORTED, "%s needs a newer version of sealpoint", what);
    }
    err_hint("nothing is wrong with the repository: use the version that wrote it, or a newer one");
    return rc;
}

bool record_type_find(const char *name, enum record_type *out)
{
    for (size_t i = 0; i < RECORD_TYPE_COUNT; i++) {
        if (strcmp(types[i].name, name) == 0 && types[i].grade != GRADE_STOPS) {
            *out = (enum record_type)i;
            return true;
        }
    }
    return false;
}

static enum err read_type(const struct jdoc *payload, enum record_type *out)
{
    char what[RECORD_TYPE_TEXT_MAX + 32];
    const char *name = NULL;
    enum err rc;

    TRY(jdoc_text(payload, "type", RECORD_TYPE_TEXT_MAX, &name));
    if (record_type_find(name, out))
        goto out;
    snprintf(what, sizeof what, "a record of type \"%s\"", name);
    rc = refuse_newer(payload, what);
out:
    return rc;
}

/* An object on one line, at the front of `from`; *from becomes what follows its newline. */
static enum err take_line(struct bytes *from, struct bytes *line)
{
    const uint8_t *end = from->len > 0 ? memchr(from->data, '\n', from->len) : NULL;
    size_t len;

    if (end == NULL)
        return err_set(ERR_CORRUPT, "not two whole lines");
    len = (size_t)(end - from->data);
    if (len < 2 || from->data[0] != '{' || from->data[len - 1] != '}')
        return err_set(ERR_CORRUPT, "a line is not one JSON object");
    *line = bytes_of(from->data, len);
    *from = bytes_of(end + 1, from->len - len - 1);
    return ERR_OK;
}

static enum err split_lines(struct bytes raw, struct bytes *payload, struct bytes *signatures)
{
    enum err rc;

    if (raw.len > RECORD_LEN_MAX)
        FAIL(ERR_CORRUPT, "a record of %zu bytes is over the limit of %zu", raw.len,
             RECORD_LEN_MAX);
    TRY(take_line(&raw, payload));
    TRY(take_line(&raw, signatures));
    if (raw.len > 0)
        FAIL(ERR_CORRUPT, "%zu bytes are left over after the two lines", raw.len);
out:
    return rc;
}

static enum err read_prev(struct record *r, const struct jdoc *payload)
{
    enum err rc = ERR_OK;

    r->has_prev = jdoc_has(payload, "prev");
    if (r->has_prev != (r->seq > 0))
        FAIL(ERR_CORRUPT, "member \"prev\" must be null at seq 0 and only there");
    if (r->has_prev)
        TRY(jdoc_hex(payload, "prev", r->prev, RECORD_ID_LEN));
out:
    return rc;
}

/* In the order in which record_make() writes them. */
static enum err read_common(struct record *r, const struct jdoc *payload)
{
    uint8_t writer[SIGNER_ID_LEN];
    uint64_t format = 0;
    char what[64];
    enum err rc;

    TRY(jdoc_number(payload, "format", UINT64_MAX, &format));
    if (format != 1) {
        snprintf(what, sizeof what, "a record of format %" PRIu64, format);
        TRY(refuse_newer(payload, what));
    }
    TRY(jdoc_check_critical(payload, no_critical));
    TRY(read_type(payload, &r->type));
    TRY(jdoc_hex(payload, "repositoryId", r->repository, SEAL_ID_LEN));
    TRY(jdoc_hex(payload, "writerId", writer, SIGNER_ID_LEN));
    if (memcmp(writer, r->writer, SIGNER_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the record is not signed by the key of its writer");
    TRY(jdoc_number(payload, "seq", RECORD_SEQ_MAX, &r->seq));
    TRY(read_prev(r, payload));
    TRY(jdoc_time(payload, "createdAt", &r->created_ms));
out:
    return rc;
}

enum err record_take(struct bytes raw, struct record **out)
{
    struct record *r = NULL;
    struct bytes payload = {NULL, 0};
    struct bytes signatures = {NULL, 0};
    enum err rc;

    TRY(split_lines(raw, &payload, &signatures));
    TRY(mem_new(1, sizeof *r, &r));
    TRY(record_read_signature(signatures, r->writer, r->signature));
    TRY(hash_of(payload, r->id));
    r->len = raw.len;
    r->raw.max = RECORD_LEN_MAX;
    TRY(buf_add(&r->raw, raw));
    *out = r;
    r = NULL; /* the caller's now */
out:
    record_free(r);
    return rc;
}

static struct bytes first_line(struct bytes raw)
{
    const uint8_t *end = raw.len > 0 ? memchr(raw.data, '\n', raw.len) : NULL;

    return bytes_of(raw.data, end != NULL ? (size_t)(end - raw.data) : 0);
}

enum err record_decode(struct record *r)
{
    const struct bytes line = first_line(buf_bytes(&r->raw));
    struct jdoc *payload = NULL;
    enum err rc;

    TRY(jdoc_parse(line, &payload));
    TRY(read_common(r, payload));
    /* From now on this is how it is read. */
    if (!record_scan(line, r))
        FAIL(ERR_CORRUPT, "its common members are not in the form that they are written in");
    r->decoded = true;
out:
    jdoc_free(payload);
    return rc;
}

enum err record_parse(struct bytes raw, struct record **out)
{
    struct record *r = NULL;
    enum err rc;

    TRY(record_take(raw, &r));
    TRY(record_decode(r));
    *out = r;
    r = NULL; /* the caller's now */
out:
    record_free(r);
    return rc;
}

enum err record_recall(struct bytes raw, const struct record_home *home, uint64_t offset,
                       struct record **out)
{
    struct bytes line = {NULL, 0};
    struct bytes signatures = {NULL, 0};
    uint8_t writer[SIGNER_ID_LEN];
    struct record *r = NULL;
    enum err rc;

    TRY(split_lines(raw, &line, &signatures));
    TRY(mem_new(1, sizeof *r, &r));
    TRY(record_read_signature(signatures, r->writer, r->signature));
    TRY(hash_of(line, r->id));
    memcpy(writer, r->writer, SIGNER_ID_LEN);
    if (!record_scan(line, r) || memcmp(writer, r->writer, SIGNER_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "it is not as it was when it was written here");
    r->decoded = true;
    r->home = home;
    r->offset = offset;
    r->len = raw.len;
    *out = r;
    r = NULL; /* the caller's now */
out:
    record_free(r);
    return rc;
}

void record_free(struct record *r)
{
    if (r == NULL)
        return;
    buf_clear(&r->raw);
    mem_free(r);
}

void record_move_home(struct record *r, const struct record_home *home, uint64_t offset)
{
    buf_clear(&r->raw);
    r->home = home;
    r->offset = offset;
}

int record_compare(const struct record *a, const struct record *b)
{
    int order;

    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms ? -1 : 1;
    order = memcmp(a->writer, b->writer, SIGNER_ID_LEN);
    if (order != 0)
        return order;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

int record_compare_places(const void *left, const void *right)
{
    const struct record *const *a = left;
    const struct record *const *b = right;

    return record_compare(*a, *b);
}

struct bytes record_message(const uint8_t id[RECORD_ID_LEN], uint8_t out[RECORD_MESSAGE_LEN])
{
    memcpy(out, RECORD_MESSAGE_LABEL, sizeof RECORD_MESSAGE_LABEL); /* with its NUL */
    memcpy(out + sizeof RECORD_MESSAGE_LABEL, id, RECORD_ID_LEN);
    return bytes_of(out, RECORD_MESSAGE_LEN);
}

enum err record_check(const struct record *r, const uint8_t public_key[SIGNER_PUBLIC_LEN])
{
    uint8_t key_id[SIGNER_ID_LEN];
    uint8_t message[RECORD_MESSAGE_LEN];
    enum err rc;

    TRY(signer_id(public_key, key_id));
    if (memcmp(r->writer, key_id, SIGNER_ID_LEN) != 0)
        FAIL(ERR_CORRUPT, "the record is not signed by the key of its writer");
    TRY(signer_check(public_key, record_message(r->id, message), r->signature));
out:
    return rc;
}

void record_hint_damage(void)
{
    err_hint(
        "put it back from a copy of the repository: `sealpoint verify` on this one and on the "
        "copy names what is damaged; until then restore from the copy, or a single snapshot by "
        "its own record with `sealpoint restore --record FILE`");
}

void record_note_damage(void)
{
    struct err_record was;

    err_take(ERR_CORRUPT, &was);
    err_set(ERR_CORRUPT, "%s (damaged or tampered with)", was.text);
    record_hint_damage();
}

void record_name(const uint8_t writer[SIGNER_ID_LEN], uint64_t seq, char out[RECORD_NAME_LEN + 1])
{
    char text[2 * SIGNER_ID_LEN + 1];

    text_hex(bytes_of(writer, SIGNER_ID_LEN), text);
    snprintf(out, RECORD_NAME_LEN + 1, RECORD_DIRECTORY "/%s/%016" PRIx64 ".json", text, seq);
}

enum err record_name_parse(const char *name, uint8_t writer[SIGNER_ID_LEN], uint64_t *seq)
{
    char again[RECORD_NAME_LEN + 1];
    char digits[2 * SIGNER_ID_LEN + 1];
    uint8_t be[sizeof *seq];
    enum err rc;

    if (strlen(name) != RECORD_NAME_LEN)
        FAIL(ERR_CORRUPT, "\"%s\" is not the name of a record", name);
    snprintf(digits, sizeof digits, "%s", name + strlen(RECORD_DIRECTORY "/"));
    rc = text_unhex(digits, writer, SIGNER_ID_LEN);
    if (rc == ERR_OK) {
        snprintf(digits, sizeof digits, "%s", name + strlen(RECORD_DIRECTORY "/") + sizeof digits);
        rc = text_unhex(digits, be, sizeof be);
    }
    if (rc != ERR_OK)
        FAIL(ERR_CORRUPT, "\"%s\" is not the name of a record", name);
    *seq = be_get(be, sizeof be);
    /* Writing it again checks the parts that are the same in every name. */
    record_name(writer, *seq, again);
    if (strcmp(again, name) != 0 || *seq > RECORD_SEQ_MAX)
        FAIL(ERR_CORRUPT, "\"%s\" is not the name of a record", name);
out:
    return rc;
}

void record_note_name(const uint8_t writer[SIGNER_ID_LEN], uint64_t seq)
{
    char name[RECORD_NAME_LEN + 1];

    record_name(writer, seq, name);
    err_note("%s", name);
}

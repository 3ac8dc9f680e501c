#include <string.h>

#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/ledger/record_message.h"

/*
 * A record's two lines: the second read by its one form, and both fetched again from where they
 * lie. What is fetched is hashed before it is used: the cache may have been cut or damaged since
 * the record was checked, and then the store has the last word.
 */

#define ALG_TEXT_MAX 32

static bool take_front(struct bytes *line, const char *front)
{
    const size_t len = strlen(front);

    if (line->len < len || memcmp(line->data, front, len) != 0)
        return false;
    *line = bytes_of(line->data + len, line->len - len);
    return true;
}

static bool take_text(struct bytes *line, size_t len, char *out)
{
    if (line->len < len)
        return false;
    memcpy(out, line->data, len);
    out[len] = '\0';
    *line = bytes_of(line->data + len, line->len - len);
    return true;
}

static enum err refuse_form(void)
{
    return err_set(ERR_CORRUPT, "its line of signatures is not in the one form that there is");
}

/* A signature of each algorithm may come; this release knows one. */
static enum err take_algorithm(struct bytes *line)
{
    char alg[ALG_TEXT_MAX + 1];
    size_t len = 0;

    while (len < line->len && len < ALG_TEXT_MAX && line->data[len] != '"')
        len++;
    if (!take_text(line, len, alg) || !text_is_clean(alg) || strchr(alg, '\\') != NULL)
        return refuse_form();
    if (strcmp(alg, SIGNER_ALGORITHM) != 0)
        return err_set(ERR_UNSUPPORTED, "a signature by \"%s\" is not known to this release", alg);
    return ERR_OK;
}

static enum err take_end(struct bytes *line)
{
    if (take_front(line, "\"},{\"alg\":\""))
        return take_algorithm(line) == ERR_UNSUPPORTED ? ERR_UNSUPPORTED : refuse_form();
    if (!take_front(line, RECORD_SIGNATURE_END) || line->len > 0)
        return refuse_form();
    return ERR_OK;
}

enum err record_read_signature(struct bytes line, uint8_t writer[SIGNER_ID_LEN],
                               uint8_t signature[SIGNER_SIGNATURE_LEN])
{
    char id[2 * SIGNER_ID_LEN + 1];
    char text[TEXT_BASE64_LEN(SIGNER_SIGNATURE_LEN) + 1];
    char again[sizeof text];
    size_t len = 0;
    enum err rc;

    if (!take_front(&line, RECORD_SIGNATURE_FRONT))
        return refuse_form();
    TRY(take_algorithm(&line));
    if (!take_front(&line, RECORD_SIGNATURE_KEY) || !take_text(&line, sizeof id - 1, id) ||
        !take_front(&line, RECORD_SIGNATURE_SIG) || !take_text(&line, sizeof text - 1, text))
        return refuse_form();
    TRY(take_end(&line));
    if (text_unhex(id, writer, SIGNER_ID_LEN) != ERR_OK ||
        text_unbase64(text, signature, SIGNER_SIGNATURE_LEN, &len) != ERR_OK ||
        len != SIGNER_SIGNATURE_LEN)
        return refuse_form();
    /* One text for each signature: no digest covers this line. */
    text_base64(bytes_of(signature, len), again);
    if (strcmp(text, again) != 0)
        return refuse_form();
out:
    return rc;
}

static bool is_of(const struct record *r, struct bytes raw)
{
    const uint8_t *end = raw.len > 0 ? memchr(raw.data, '\n', raw.len) : NULL;
    uint8_t id[RECORD_ID_LEN];
    bool is = end != NULL && raw.len == r->len &&
              hash_of(bytes_of(raw.data, (size_t)(end - raw.data)), id) == ERR_OK &&
              memcmp(id, r->id, RECORD_ID_LEN) == 0;

    err_clear();
    return is;
}

static enum err read_cached(const struct record *r, struct buf *to, bool *good)
{
    const size_t start = to->len;
    size_t got = 0;
    enum err rc;

    TRY(buf_reserve(to, r->len));
    rc = file_read_at(r->home->fd, to->data + start, r->len, r->offset, &got);
    err_clear();
    *good = rc == ERR_OK && got == r->len && is_of(r, bytes_of(to->data + start, got));
    rc = ERR_OK;
    if (*good)
        to->len += got;
out:
    return rc;
}

static enum err read_stored(const struct record *r, struct buf *to)
{
    char name[RECORD_NAME_LEN + 1];
    struct buf raw = {.max = RECORD_LEN_MAX};
    enum err rc;

    record_name(r->writer, r->seq, name);
    rc = r->home->store != NULL ? store_get(r->home->store, name, &raw) : ERR_NOT_FOUND;
    if (rc == ERR_NOT_FOUND || (rc == ERR_OK && !is_of(r, buf_bytes(&raw))))
        FAIL(ERR_CORRUPT, "%s: it was changed after it was checked", name);
    TRY(rc);
    TRY(buf_add(to, buf_bytes(&raw)));
out:
    buf_clear(&raw);
    return rc;
}

enum err record_raw(const struct record *r, struct buf *to)
{
    bool good = false;
    enum err rc;

    if (r->home == NULL)
        return buf_add(to, buf_bytes(&r->raw));
    if (r->home->fd >= 0)
        TRY(read_cached(r, to, &good));
    if (!good)
        TRY(read_stored(r, to));
out:
    return rc;
}

enum err record_payload(const struct record *r, struct jdoc **out)
{
    struct buf raw = {.max = RECORD_LEN_MAX};
    const uint8_t *end;
    enum err rc;

    TRY(record_raw(r, &raw));
    end = raw.len > 0 ? memchr(raw.data, '\n', raw.len) : NULL;
    TRY(jdoc_parse(bytes_of(raw.data, end != NULL ? (size_t)(end - raw.data) : raw.len), out));
out:
    buf_clear(&raw);
    return rc;
}

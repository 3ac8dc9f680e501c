#include "tests/unit/core/seal/sealed.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/secret.h"
#include "core/seal/object.h"
#include "tests/unit/helpers.h"

enum err sealed_sink(void *sealed, struct bytes more)
{
    struct sealed *s = sealed;

    if (s->cap > 0 && s->bytes.len + more.len > s->cap)
        return err_set(ERR_STORAGE, "no room");
    return buf_add(&s->bytes, more);
}

enum err sealed_fetch(void *sealed, uint64_t offset, void *to, size_t len)
{
    struct sealed *s = sealed;

    s->fetches++;
    if (len > s->bytes.len || offset > s->bytes.len - len)
        return err_set(ERR_CORRUPT, "is shorter than it should be");
    memcpy(to, s->bytes.data + offset, len);
    return ERR_OK;
}

struct sealed sealed_make(const struct secret *key, const struct object_identity *identity,
                          struct bytes plain, size_t piece)
{
    struct sealed s = {.bytes = {.max = SEALED_MAX}};
    struct object_writer *w = NULL;

    assert_done(object_writer_new(key, identity, sealed_sink, &s, &w));
    for (size_t offset = 0; offset < plain.len; offset += piece) {
        size_t len = plain.len - offset < piece ? plain.len - offset : piece;

        assert_int_equal(object_writer_offset(w), offset);
        assert_done(object_writer_add(w, bytes_of(plain.data + offset, len)));
    }
    assert_int_equal(object_writer_offset(w), plain.len);
    assert_done(object_writer_finish(w, &s.size, s.digest));
    object_writer_free(w);
    return s;
}

struct secret *sealed_key(uint8_t fill)
{
    struct secret *key = NULL;

    assert_done(secret_new(SEAL_KEY_LEN, &key));
    memset(secret_at(key), fill, SEAL_KEY_LEN);
    return key;
}

struct object_identity sealed_identity(void)
{
    struct object_identity identity = {.type = OBJECT_PACK, .ordinal = 7};

    memset(identity.context.repository, 0xa1, SEAL_ID_LEN);
    memset(identity.context.scope, 0xb2, SEAL_ID_LEN);
    memset(identity.id, 0xc3, SEAL_ID_LEN);
    return identity;
}

struct buf sealed_noise(size_t len)
{
    struct buf b = {.max = SEALED_MAX};

    assert_done(buf_reserve(&b, len + 1));
    fill_pattern(b.data, len, 1);
    b.len = len;
    return b;
}

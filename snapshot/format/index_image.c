#include "snapshot/format/index_image.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/fs/file.h"
#include "core/repository/sealed_get.h"
#include "keyring/catalogue/object_list.h"
#include "snapshot/format/codec.h"

/*
 * The plan.
 *
 * - The sealed plaintext is frames ‖ directory. Its length follows from the signed size, the number
 *   of frames from the image's signed length: so the directory is found without a pointer to it,
 *   and its rows must add up to exactly what stands in front of it.
 * - A frame that is asked for is read, decompressed to exactly its length, and written at its place
 *   in the temporary; a bit says that it is there. From then on it is read like any file, by as
 *   many threads as like to. Only the filling is under the lock.
 */
struct there {
    atomic_uchar bits; /* one for each of eight frames */
};

struct index_image {
    int fd; /* owned */
    uint64_t len;
    uint32_t frame_count;
    /* Of a sealed one; all owned. */
    struct sealed_get *sealed; /* NULL: the file is whole */
    char name[OBJECT_NAME_LEN + 1];
    uint8_t *directory; /* frame_count rows */
    uint64_t *places;   /* where each frame begins in the plaintext */
    struct codec *codec;
    uint8_t *stored; /* INDEX_FRAME_STORED_MAX */
    uint8_t *plain;  /* INDEX_FRAME_LEN */
    pthread_mutex_t lock;
    struct there *is_there;
    atomic_uint opened;
};

void index_mark_encode(const struct index_mark *mark, uint8_t row[INDEX_MARK_LEN])
{
    be_put(row, mark->stored_len, 4);
    be_put(row + 4, mark->first_at, 4);
    be_put(row + 8, mark->first_number, 8);
}

static struct index_mark mark_decode(const uint8_t row[INDEX_MARK_LEN])
{
    return (struct index_mark){.stored_len = (uint32_t)be_get(row, 4),
                               .first_at = (uint32_t)be_get(row + 4, 4),
                               .first_number = be_get(row + 8, 8)};
}

uint32_t index_frame_count(uint64_t image_len)
{
    return (uint32_t)((image_len + INDEX_FRAME_LEN - 1) / INDEX_FRAME_LEN);
}

static enum err image_new(uint64_t len, struct index_image **out)
{
    struct index_image *i = NULL;
    enum err rc;

    if (len > INDEX_LEN_MAX)
        FAIL(ERR_CORRUPT, "an index of %" PRIu64 " bytes is not possible", len);
    TRY(mem_new(1, sizeof *i, &i));
    i->fd = -1;
    i->len = len;
    i->frame_count = index_frame_count(len);
    pthread_mutex_init(&i->lock, NULL);
    *out = i;
out:
    return rc;
}

enum err index_image_of_file(int fd, uint64_t len, struct index_image **out)
{
    struct index_image *i = NULL;
    enum err rc;

    TRY(image_new(len, &i));
    i->fd = fd;
    fd = -1; /* the image's now */
    atomic_store(&i->opened, i->frame_count);
    *out = i;
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

void index_image_free(struct index_image *i)
{
    if (i == NULL)
        return;
    if (i->fd >= 0)
        close(i->fd);
    sealed_get_free(i->sealed);
    codec_free(i->codec);
    mem_free(i->directory);
    mem_free(i->places);
    mem_free(i->stored);
    mem_free(i->plain);
    mem_free(i->is_there);
    pthread_mutex_destroy(&i->lock);
    mem_free(i);
}

/* ---- the directory ---- */

/* The frames lie one behind the other, and the directory behind the last. */
static enum err place_frames(struct index_image *i, uint64_t end)
{
    uint64_t at = 0;
    enum err rc = ERR_OK;

    for (uint32_t n = 0; n < i->frame_count; n++) {
        struct index_mark mark = mark_decode(i->directory + (size_t)n * INDEX_MARK_LEN);

        if (mark.stored_len == 0 || mark.stored_len > INDEX_FRAME_STORED_MAX ||
            mark.stored_len > end - at || mark.first_at > INDEX_NO_ENTRY)
            FAIL(ERR_CORRUPT, "the directory of the index has an impossible row");
        i->places[n] = at;
        at += mark.stored_len;
    }
    if (at != end)
        FAIL(ERR_CORRUPT, "the directory of the index does not name all that is in it");
out:
    return rc;
}

static enum err read_directory(struct index_image *i)
{
    uint64_t plain = sealed_get_size(i->sealed);
    size_t len = (size_t)i->frame_count * INDEX_MARK_LEN;
    enum err rc;

    /* Compared before memory is taken: the frames need room, too. */
    if (plain < len + i->frame_count)
        FAIL(ERR_CORRUPT, "the index is shorter than its manifest says");
    TRY(mem_new(len, 1, &i->directory));
    TRY(mem_new(i->frame_count, sizeof *i->places, &i->places));
    TRY(sealed_get_read(i->sealed, plain - len, i->directory, len));
    TRY(place_frames(i, plain - len));
out:
    return rc;
}

enum err index_image_unseal(const struct repository *repository, const struct secret *k_meta,
                            const struct object_identity *identity, uint64_t sealed_size,
                            uint64_t len, struct index_image **out)
{
    struct index_image *i = NULL;
    char name[OBJECT_NAME_LEN + 1];
    enum err rc;

    object_name(identity->id, name);
    TRY(image_new(len, &i));
    memcpy(i->name, name, sizeof i->name);
    TRY(sealed_get_open(repository_store(repository), k_meta, identity, sealed_size, &i->sealed));
    TRY(read_directory(i));
    TRY(mem_new(i->frame_count / 8 + 1, sizeof *i->is_there, &i->is_there));
    TRY(mem_new(INDEX_FRAME_STORED_MAX, 1, &i->stored));
    TRY(mem_new(INDEX_FRAME_LEN, 1, &i->plain));
    TRY(codec_new(&i->codec));
    TRY(repository_temporary(repository, &i->fd));
    *out = i;
    i = NULL; /* the caller's now */
out:
    if (rc != ERR_OK)
        err_note("reading the index %s", name);
    index_image_free(i);
    return rc;
}

/* ---- reading ---- */

uint64_t index_image_size(const struct index_image *i)
{
    return i->len;
}

bool index_image_mark(const struct index_image *i, uint32_t frame, struct index_mark *out)
{
    if (i->sealed == NULL)
        return false;
    *out = mark_decode(i->directory + (size_t)frame * INDEX_MARK_LEN);
    return true;
}

uint32_t index_image_opened(const struct index_image *i)
{
    return atomic_load(&i->opened);
}

const char *index_image_name(const struct index_image *i)
{
    return i->sealed != NULL ? i->name : NULL;
}

static bool frame_is_there(const struct index_image *i, uint32_t n)
{
    return (atomic_load_explicit(&i->is_there[n / 8].bits, memory_order_acquire) >> n % 8 & 1) != 0;
}

static enum err fill_frame(struct index_image *i, uint32_t n)
{
    struct index_mark mark = mark_decode(i->directory + (size_t)n * INDEX_MARK_LEN);
    uint64_t at = (uint64_t)n * INDEX_FRAME_LEN;
    size_t len = i->len - at < INDEX_FRAME_LEN ? (size_t)(i->len - at) : INDEX_FRAME_LEN;
    enum err rc = ERR_OK;

    pthread_mutex_lock(&i->lock);
    if (frame_is_there(i, n)) /* another thread was faster */
        goto out;
    TRY(sealed_get_read(i->sealed, i->places[n], i->stored, mark.stored_len));
    TRY(codec_decompress(i->codec, BLOCK_ZSTD, bytes_of(i->stored, mark.stored_len), i->plain,
                         len));
    TRY(file_write_at(i->fd, bytes_of(i->plain, len), at));
    atomic_fetch_or_explicit(&i->is_there[n / 8].bits, (uint8_t)(1 << n % 8), memory_order_release);
    atomic_fetch_add(&i->opened, 1);
out:
    pthread_mutex_unlock(&i->lock);
    if (rc != ERR_OK)
        err_note("reading the index %s, frame %u", i->name, n);
    return rc;
}

enum err index_image_read(struct index_image *i, uint64_t offset, void *to, size_t len)
{
    size_t got = 0;
    enum err rc = ERR_OK;

    if (len == 0)
        goto out;
    if (offset > i->len || len > i->len - offset)
        FAIL(ERR_CORRUPT, "the index ends early");
    if (i->sealed != NULL)
        for (uint64_t n = offset / INDEX_FRAME_LEN; n <= (offset + len - 1) / INDEX_FRAME_LEN; n++)
            if (!frame_is_there(i, (uint32_t)n))
                TRY(fill_frame(i, (uint32_t)n));
    TRY(file_read_at(i->fd, to, len, offset, &got));
    if (got != len)
        FAIL(ERR_CORRUPT, "the index ends early");
out:
    return rc;
}

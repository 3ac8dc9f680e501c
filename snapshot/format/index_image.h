/*
 * The image of an index, as bytes in a local file: one that is whole, or an unlinked temporary that
 * is filled, a frame at a time, with what is asked for.
 *
 * In a sealed index the image is cut into frames of INDEX_FRAME_LEN bytes, each compressed alone,
 * and behind them stands the directory: where each frame lies, and which entry begins in it first
 * (docs/FORMAT.md, 6.1). So what nobody asks for is neither read nor opened.
 *
 * Uses: core, codec.
 */
#ifndef SNAPSHOT_FORMAT_INDEX_IMAGE_H
#define SNAPSHOT_FORMAT_INDEX_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/repository/repository.h"
#include "core/seal/object.h"

#define INDEX_FRAME_LEN (256 * KIB)
#define INDEX_FRAMES_MAX (1 << 18)
#define INDEX_LEN_MAX ((uint64_t)INDEX_FRAMES_MAX * INDEX_FRAME_LEN)
/* No frame is compressed to more. */
#define INDEX_FRAME_STORED_MAX (INDEX_FRAME_LEN + 4 * KIB)

/* A row of the directory. */
#define INDEX_MARK_LEN 16
#define INDEX_NO_ENTRY INDEX_FRAME_LEN
struct index_mark {
    uint32_t stored_len;   /* of the frame, compressed */
    uint32_t first_at;     /* in the frame, where an entry begins; INDEX_NO_ENTRY: none does */
    uint64_t first_number; /* of that entry; as many begin in the frames before */
};
void index_mark_encode(const struct index_mark *mark, uint8_t row[INDEX_MARK_LEN]);

uint32_t index_frame_count(uint64_t image_len);

struct index_image;

/* A file that holds all of it. Takes over `fd`, on failure too. */
MUST_CHECK enum err index_image_of_file(int fd, uint64_t len, struct index_image **out);

/*
 * Open a sealed index with K_meta (borrowed for this call) and read its directory; `len` is what
 * the manifest says. ERR_CORRUPT: missing, another object, not opened by that key, or a directory
 * that cannot be.
 */
MUST_CHECK enum err index_image_unseal(const struct repository *repository,
                                       const struct secret *k_meta,
                                       const struct object_identity *identity, uint64_t sealed_size,
                                       uint64_t len, struct index_image **out);
void index_image_free(struct index_image *i);

uint64_t index_image_size(const struct index_image *i);
/* The directory's row of a frame; false: this image has no directory. */
bool index_image_mark(const struct index_image *i, uint32_t frame, struct index_mark *out);
/* How many frames were opened so far: all, of a whole file. */
uint32_t index_image_opened(const struct index_image *i);
/* The name of the sealed object, or NULL. Borrowed. */
const char *index_image_name(const struct index_image *i);

/* Exactly these bytes; several threads may. ERR_CORRUPT: it ends before, or a frame is damaged. */
MUST_CHECK enum err index_image_read(struct index_image *i, uint64_t offset, void *to, size_t len);

#endif

/*
 * Index images put together by hand, right or wrong.
 *
 * Uses: helpers, snapshot/format/index.
 */
#ifndef TESTS_UNIT_SNAPSHOT_INDEX_SAMPLES_H
#define TESTS_UNIT_SNAPSHOT_INDEX_SAMPLES_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fs/file.h"
#include "snapshot/format/index.h"
#include "snapshot/read/path_list.h"
#include "tests/unit/helpers.h"

/* A list of these paths, which are NULL-terminated and sorted. */
struct path_list list_of(const char *const *paths);

/* The parts of an image; the header counts what is added unless a test changes it afterwards. */
struct parts {
    struct index_header header;
    struct buf objects;
    struct buf entries;
    struct buf rows;
};

struct parts parts_of_nothing(void);

void parts_clear(struct parts *p);

/* An entry with a path; the rest is as a plain file or directory has it. */
struct entry entry_at(enum entry_type type, const char *path);

void add_entry(struct parts *p, const struct entry *e);

void add_named(struct parts *p, enum entry_type type, const char *path);

/* A file of `size` bytes in blocks of 64 KiB, the first of which is row `first`. */
void add_sized(struct parts *p, const char *path, uint64_t size, uint64_t first);

void add_object(struct parts *p, uint8_t first_byte);

void add_row(struct parts *p, const struct block *b);

void add_block(struct parts *p, uint32_t object, uint64_t offset);

struct buf image_of(const struct parts *p);

int file_of(struct bytes content);

enum err open_image(struct bytes image, struct index **out);

enum err open_parts(const struct parts *p, struct index **out);

/* A small one with everything in it: kinds, links, xattrs, ACL, extents, all codecs. */
struct parts parts_of_all(void);

/* Read all that an opened index gives, as a restore would, and see that it keeps its promises.
 * Ends the program when it does not. */
void use_index(const struct index *x);

#endif

/*
 * Trees of files to back up and to compare.
 *
 * Uses: helpers, core/fs.
 */
#ifndef TESTS_UNIT_SNAPSHOT_TREES_H
#define TESTS_UNIT_SNAPSHOT_TREES_H

#include <stddef.h>
#include <stdint.h>

/* rm -rf without the code under test; a missing one is gone already. */
void remove_all(const char *path);

void put_bytes(const char *path, const void *data, size_t len);

/* A file whose content depends on the place only: a longer one begins like a shorter one. */
void put_pattern(const char *path, size_t len, uint32_t seed);

/* A text that is equal for equal trees: kinds, modes, owners, sizes, times, content. */
char *tree_text(const char *path);

void assert_same_text(const char *path, const char *want);

void assert_same_trees(const char *a, const char *b);

#endif

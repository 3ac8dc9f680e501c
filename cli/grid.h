/*
 * Rows and columns for people: each column as wide as its widest cell.
 *
 * Uses: core/base, print.
 */
#ifndef CLI_GRID_H
#define CLI_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

#define GRID_COLUMNS_MAX 10

struct grid_column {
    const char *head;
    bool is_number; /* stands to the right */
};

struct grid {
    const struct grid_column *columns; /* borrowed */
    size_t column_count;
    size_t widths[GRID_COLUMNS_MAX];
    struct buf cells; /* each ends with NUL; row after row; owned */
    size_t cell_count;
};

void grid_init(struct grid *g, const struct grid_column *columns, size_t column_count);
void grid_clear(struct grid *g);
/* The next cell. Text from outside is made printable. */
MUST_CHECK enum err grid_add(struct grid *g, const char *text);
MUST_CHECK enum err grid_add_number(struct grid *g, uint64_t value);
MUST_CHECK enum err grid_add_size(struct grid *g, uint64_t bytes);
/* "2026-11-24 06:10:00"; 0: "-". */
MUST_CHECK enum err grid_add_time(struct grid *g, int64_t ms);
/* Print all rows below the heads; nothing when there is no row. */
void grid_print(const struct grid *g);

#endif

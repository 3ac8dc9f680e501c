#include "cli/grid.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/print.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define CELL_MAX 2048

static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void grid_init(struct grid *g, const struct grid_column *columns, size_t column_count)
{
    assert(column_count > 0 && column_count <= GRID_COLUMNS_MAX);
    memset(g, 0, sizeof *g);
    g->columns = columns;
    g->column_count = column_count;
    g->cells.max = MEM_MAX;
    for (size_t i = 0; i < column_count; i++)
        g->widths[i] = width_of(columns[i].head);
}

void grid_clear(struct grid *g)
{
    buf_clear(&g->cells);
}

enum err grid_add(struct grid *g, const char *text)
{
    char clean[CELL_MAX];
    size_t *width = &g->widths[g->cell_count % g->column_count];
    enum err rc;

    text_printable(text, clean, sizeof clean);
    if (width_of(clean) > *width)
        *width = width_of(clean);
    TRY(buf_add(&g->cells, bytes_of(clean, strlen(clean) + 1)));
    g->cell_count++;
out:
    return rc;
}

enum err grid_add_number(struct grid *g, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    return grid_add(g, text);
}

enum err grid_add_size(struct grid *g, uint64_t bytes)
{
    char text[TEXT_HUMAN_MAX];

    text_human_size(bytes, text);
    return grid_add(g, text);
}

enum err grid_add_time(struct grid *g, int64_t ms)
{
    char text[CLOCK_TEXT_LEN + 1];

    if (ms == 0)
        return grid_add(g, "-");
    clock_text(ms, text);
    text[10] = ' ';  /* the T between date and time */
    text[19] = '\0'; /* milliseconds are for machines */
    return grid_add(g, text);
}

/* Blanks are owed until a text follows them: no line ends with any. */
static void print_cell(const struct grid *g, size_t column, const char *text, int *owed)
{
    int pad = (int)(g->widths[column] - width_of(text));

    *owed += column > 0 ? 2 : 0;
    *owed += g->columns[column].is_number ? pad : 0;
    if (*text != '\0') {
        print_out("%*s", *owed, "");
        print_bytes(bytes_of_text(text));
        *owed = 0;
    }
    *owed += g->columns[column].is_number ? 0 : pad;
    if (column + 1 < g->column_count)
        return;
    print_out("\n");
    *owed = 0;
}

void grid_print(const struct grid *g)
{
    const char *cursor = (const char *)g->cells.data;
    int owed = 0;

    assert(g->column_count > 0);
    if (g->cell_count == 0)
        return;
    for (size_t i = 0; i < g->column_count; i++)
        print_cell(g, i, g->columns[i].head, &owed);
    for (size_t i = 0; i < g->cell_count; i++) {
        print_cell(g, i % g->column_count, cursor, &owed);
        cursor += strlen(cursor) + 1;
    }
}

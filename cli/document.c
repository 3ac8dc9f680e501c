#include "cli/document.h"

static const struct {
    int status;
    const char *meaning;
} rows[] = {
#define STATUS_ROW(name, status, text) {status, text},
    ERR_TABLE(STATUS_ROW)
#undef STATUS_ROW
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

/* Several codes may share a status; the first says what it means. */
static bool is_first(size_t row)
{
    for (size_t i = 0; i < row; i++)
        if (rows[i].status == rows[row].status)
            return false;
    return true;
}

bool document_status(size_t i, int *status, const char **meaning)
{
    for (size_t row = 0; row < ROW_COUNT; row++) {
        if (!is_first(row) || i-- > 0)
            continue;
        *status = rows[row].status;
        *meaning = rows[row].meaning;
        return true;
    }
    return false;
}

#include "snapshot/read/path_list.h"

#include <assert.h>

#include "core/base/mem.h"
#include "core/fs/path.h"

enum err path_list_add(struct path_list *l, struct bytes path)
{
    size_t start = l->text.len;
    enum err rc;

    assert(l->count == 0 || path_compare(bytes_of_text(path_list_at(l, l->count - 1)), path) < 0);
    l->text.max = MEM_MAX;
    TRY(mem_grow(l->count, sizeof *l->starts, &l->cap, &l->starts));
    TRY(buf_reserve(&l->text, path.len + 1));
    TRY(buf_add(&l->text, path));
    TRY(buf_add(&l->text, bytes_of("", 1)));
    l->starts[l->count++] = start;
out:
    return rc;
}

void path_list_clear(struct path_list *l)
{
    buf_clear(&l->text);
    mem_free(l->starts);
    *l = (struct path_list){.count = 0};
}

const char *path_list_at(const struct path_list *l, size_t i)
{
    assert(i < l->count);
    return (const char *)l->text.data + l->starts[i];
}

size_t path_list_before(const struct path_list *l, struct bytes path)
{
    size_t low = 0;
    size_t high = l->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (path_compare(bytes_of_text(path_list_at(l, middle)), path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool path_list_has(const struct path_list *l, struct bytes path)
{
    size_t i = path_list_before(l, path);

    return i < l->count && bytes_equal(bytes_of_text(path_list_at(l, i)), path);
}

/* One question for each directory that it lies in. */
bool path_list_covers(const struct path_list *l, struct bytes path)
{
    for (size_t len = 0; len < path.len; len++)
        if (path.data[len] == '/' && path_list_has(l, bytes_of(path.data, len)))
            return true;
    return path_list_has(l, path);
}

/* What lies below a path follows it at once. */
bool path_list_reaches(const struct path_list *l, struct bytes path)
{
    size_t i = path_list_before(l, path);

    if (i < l->count && bytes_equal(bytes_of_text(path_list_at(l, i)), path))
        i++;
    return i < l->count && path_is_within(bytes_of_text(path_list_at(l, i)), path);
}

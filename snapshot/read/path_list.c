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

bool path_list_has(const struct path_list *l, struct bytes path)
{
    size_t low = 0;
    size_t high = l->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = path_compare(bytes_of_text(path_list_at(l, middle)), path);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

#include "cli/list.h"

#include <assert.h>
#include <inttypes.h>

#include "cli/print.h"
#include "core/base/mem.h"

void list_begin(struct list *l, uint64_t total)
{
    *l = (struct list){.total = total};
    print_out("{\"format\":%d,\"totalCount\":%" PRIu64 ",\"results\":[", LIST_FORMAT, total);
}

enum err list_add(struct list *l, struct jdoc **item)
{
    struct buf text = {.max = MEM_MAX};
    enum err rc;

    TRY(jdoc_write(*item, &text));
    print_out("%s\n", l->count > 0 ? "," : "");
    print_json_text(buf_bytes(&text));
    l->count++;
out:
    jdoc_free(*item);
    *item = NULL;
    buf_clear(&text);
    return rc;
}

void list_end(const struct list *l)
{
    assert(l->count == l->total);
    print_out("%s]}\n", l->count > 0 ? "\n" : "");
}

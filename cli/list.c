#include "cli/list.h"

#include <inttypes.h>

#include "cli/print.h"
#include "core/base/mem.h"

void list_begin(struct list *l)
{
    l->count = 0;
    print_out("{\"format\":%d,\"results\":[", LIST_FORMAT);
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
    print_out("%s],\"totalCount\":%" PRIu64 "}\n", l->count > 0 ? "\n" : "", l->count);
}

#include "snapshot/source/source.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_STREAM_NAME "stream"

static enum err open_stream(const struct source_options *o, struct source *out)
{
    return source_stream_open(STDIN_FILENO,
                              o->stream_name != NULL ? o->stream_name : DEFAULT_STREAM_NAME, out);
}

static enum err open_dir(const struct source_options *o, struct source *out)
{
    return source_dir_open(o->path, o->apart, o->any_directory, out);
}

/* One row a kind, the first that fits. Another source is a row more. */
static const struct {
    const char *path; /* NULL: any */
    enum err (*open)(const struct source_options *o, struct source *out);
} kinds[] = {
    {"-", open_stream},
    {NULL, open_dir},
};

enum err source_open(const struct source_options *o, struct source *out)
{
    size_t i = 0;

    while (kinds[i].path != NULL && strcmp(kinds[i].path, o->path) != 0)
        i++;
    return kinds[i].open(o, out);
}

void source_free(struct source *s)
{
    if (s->driver != NULL)
        s->driver->free(s->self);
    *s = (struct source){0};
}

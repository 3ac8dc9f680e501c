#include "core/fs/path.h"

#include <string.h>

/* "." is refused although it is harmless: a path must have one spelling. */
static bool part_is_sound(const uint8_t *data, size_t len)
{
    if (len == 0 || (len == 1 && data[0] == '.'))
        return false;
    return !(len == 2 && data[0] == '.' && data[1] == '.');
}

enum err path_check(struct bytes path)
{
    size_t part = 0;

    if (path.len == 0)
        return err_set(ERR_CORRUPT, "a path is empty");
    if (path.len > PATH_LEN_MAX)
        return err_set(ERR_CORRUPT, "a path of %zu bytes is over the limit of %d", path.len,
                       PATH_LEN_MAX);
    /* The end counts as a slash: it ends the last part. A leading slash makes the first part empty.
     */
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.data[i] == '\0')
            return err_set(ERR_CORRUPT, "a path has a NUL byte");
        if (i < path.len && path.data[i] != '/')
            continue;
        if (i - part > PATH_PART_MAX)
            return err_set(ERR_CORRUPT, "a path has a name of %zu bytes, over the limit of %d",
                           i - part, PATH_PART_MAX);
        if (!part_is_sound(path.data + part, i - part))
            return err_set(ERR_CORRUPT,
                           "a path is absolute, or has an empty, \".\" or \"..\" part");
        part = i + 1;
    }
    return ERR_OK;
}

/* '/' sorts before every other byte, so that the content of a directory follows it directly: "a",
 * "a/b", "a-b", where plain byte order would put "a-b" in between. */
static int byte_rank(uint8_t byte)
{
    return byte == '/' ? -1 : byte;
}

int path_compare(struct bytes a, struct bytes b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < shorter; i++)
        if (a.data[i] != b.data[i])
            return byte_rank(a.data[i]) < byte_rank(b.data[i]) ? -1 : 1;
    if (a.len == b.len)
        return 0;
    return a.len < b.len ? -1 : 1;
}

bool path_is_within(struct bytes path, struct bytes dir)
{
    if (dir.len == 0)
        return true; /* the root of all relative paths */
    if (path.len < dir.len || memcmp(path.data, dir.data, dir.len) != 0)
        return false;
    return path.len == dir.len || path.data[dir.len] == '/';
}

void path_tidy(char *path)
{
    char *to = path;

    for (const char *from = path; *from != '\0';) {
        size_t len = strcspn(from + 1, "/"); /* of the part behind this slash */

        if (len > 0 && !(len == 1 && from[1] == '.')) {
            memmove(to, from, len + 1);
            to += len + 1;
        }
        from += len + 1;
    }
    if (to == path)
        *to++ = '/';
    *to = '\0';
}

#include "keyring/file/file_place.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

void file_place_clear(struct file_place *p)
{
    if (p->directory >= 0)
        close(p->directory);
    mem_free(p->path);
    mem_free(p->name);
    mem_free(p->previous);
    mem_free(p->lock);
    *p = (struct file_place){.directory = -1};
}

static enum err open_directory(const char *path, size_t len, int *out)
{
    char *directory = NULL;
    enum err rc;

    TRY(mem_text_n(path, len, &directory));
    *out = open(len > 0 ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0)
        FAIL_SYS(ERR_FAILED, "opening the directory of keyring %s", path);
out:
    mem_free(directory);
    return rc;
}

enum err file_place_open(const char *path, struct file_place *out)
{
    struct file_place p = {.directory = -1};
    char *resolved = realpath(path, NULL);
    const char *slash, *name;
    enum err rc;

    TRY(mem_text(resolved != NULL ? resolved : path, &p.path));
    slash = strrchr(p.path, '/');
    name = slash != NULL ? slash + 1 : p.path;
    TRY(mem_text(name, &p.name));
    TRY(mem_format(&p.previous, "%s" FILE_PREVIOUS, name));
    TRY(mem_format(&p.lock, "%s" FILE_LOCK, name));
    TRY(open_directory(p.path, (size_t)(name - p.path), &p.directory));
    *out = p;
    p = (struct file_place){.directory = -1}; /* the caller's now */
out:
    file_place_clear(&p);
    mem_free(resolved);
    return rc;
}

bool file_place_has(const struct file_place *p, const char *name)
{
    struct stat st;

    return fstatat(p->directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

#include "core/repository/location.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/hash.h"
#include "core/base/jdoc.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "core/fs/lock.h"
#include "core/ledger/state_files.h"

#define LOCATION_FILE_MAX ((size_t)16 * KIB)
#define LOCATION_TEXT_MAX 4096
#define NAME_LEN 16 /* bytes of the digest that name the file */

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

/* A path may be longer than a name, and need not be text. */
static enum err path_of(const char *base, const char *path, char **out)
{
    uint8_t digest[HASH_LEN];
    char name[2 * NAME_LEN + 1];
    enum err rc;

    TRY(hash_of(bytes_of_text(path), digest));
    text_hex(bytes_of(digest, NAME_LEN), name);
    TRY(mem_format(out, "%s/" STATE_LOCATIONS "/%s.json", base, name));
out:
    return rc;
}

static enum err decode_location(struct bytes text, struct location *out)
{
    struct jdoc *doc = NULL;
    struct location l = {.known = true};
    uint8_t fingerprint[RECORD_ID_LEN];
    uint64_t format = 0;
    enum err rc;

    TRY(jdoc_parse(text, &doc));
    TRY(jdoc_number(doc, "format", UINT64_MAX, &format));
    if (format != 1)
        FAIL(ERR_UNSUPPORTED, "format %" PRIu64 " is not one this release knows", format);
    TRY(jdoc_hex(doc, "fingerprint", fingerprint, RECORD_ID_LEN));
    text_hex(bytes_of(fingerprint, RECORD_ID_LEN), l.shown.fingerprint);
    TRY(jdoc_hex(doc, "root", l.shown.root, SIGNER_ID_LEN));
    l.is_mount_point = jdoc_has(doc, "mountPoint");
    *out = l;
out:
    jdoc_free(doc);
    return rc;
}

static enum err read_file(const char *file, struct location *out)
{
    struct buf text = {.max = LOCATION_FILE_MAX};
    enum err rc;

    *out = (struct location){.known = false};
    rc = file_read(file, &text);
    if (rc == ERR_NOT_FOUND) {
        err_clear();
        rc = ERR_OK;
        goto out;
    }
    TRY(rc);
    rc = decode_location(buf_bytes(&text), out);
    if (rc != ERR_OK) {
        err_note("the state file %s", file);
        err_hint("it says which repository a path has shown; to go on without it, move it away");
    }
out:
    buf_clear(&text);
    return rc;
}

static enum err write_file(const char *file, const char *path, const struct location *l)
{
    struct buf text = {.max = LOCATION_FILE_MAX};
    char shown[LOCATION_TEXT_MAX];
    struct jdoc *doc = NULL;
    enum err rc;

    text_printable(path, shown, sizeof shown);
    TRY(jdoc_object(&doc));
    TRY(jdoc_set_number(doc, "format", 1));
    TRY(jdoc_set_text(doc, "location", shown));
    TRY(jdoc_set_text(doc, "fingerprint", l->shown.fingerprint));
    TRY(jdoc_set_hex(doc, "root", bytes_of(l->shown.root, SIGNER_ID_LEN)));
    if (l->is_mount_point)
        TRY(jdoc_set_bool(doc, "mountPoint", true));
    TRY(jdoc_write(doc, &text));
    TRY(buf_add_text(&text, "\n"));
    TRY(file_replace(file, buf_bytes(&text), 0600));
out:
    jdoc_free(doc);
    buf_clear(&text);
    return rc;
}

static bool is_equal(const struct location *a, const struct location *b)
{
    return a->known && b->known && strcmp(a->shown.fingerprint, b->shown.fingerprint) == 0 &&
           memcmp(a->shown.root, b->shown.root, SIGNER_ID_LEN) == 0 &&
           a->is_mount_point == b->is_mount_point;
}

enum err location_read(const char *base, const char *path, struct location *out)
{
    char *file = NULL;
    enum err rc;

    TRY(path_of(base, path, &file));
    TRY(read_file(file, out));
out:
    mem_free(file);
    return rc;
}

enum err location_keep(const char *base, const char *path, const struct location *now, bool replace)
{
    struct location before = {.known = false};
    struct lock *lock = NULL;
    char *file = NULL, *dir = NULL, *lock_path = NULL;
    enum err rc;

    TRY(path_of(base, path, &file));
    rc = read_file(file, &before);
    if (rc == ERR_OK && is_equal(&before, now))
        goto out; /* nothing new: no lock, no write */
    TRY(file_join(base, STATE_LOCATIONS, &dir));
    TRY(file_make_dirs(dir, 0700));
    TRY(file_join(base, STATE_LOCATIONS_LOCK, &lock_path));
    TRY(lock_take(lock_path, true, &lock));
    rc = read_file(file, &before);
    if (!replace)
        TRY(rc);
    if (!replace && before.known && strcmp(before.shown.fingerprint, now->shown.fingerprint) != 0)
        FAIL(ERR_CORRUPT,
             "%s: another run has just seen the repository %s there, and this one has seen %s",
             path, before.shown.fingerprint, now->shown.fingerprint);
    TRY(file_sweep(file));
    TRY(write_file(file, path, now));
out:
    lock_free(lock);
    mem_free(lock_path);
    mem_free(dir);
    mem_free(file);
    return rc;
}

bool location_is_mount_point(const char *path)
{
    struct err_record before;
    struct statx now;
    struct stat here, above;
    char *parent = NULL;
    bool is = false;

    err_take(ERR_OK, &before);
    if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &now) == 0 &&
        (now.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
        is = true;
    else if (file_join(path, "..", &parent) == ERR_OK)
        is = stat(path, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev;
    (void)err_give(&before);
    mem_free(parent);
    return is;
}

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/fs/path.h"
#include "snapshot/source/source.h"
#include "snapshot/source/tar_meta.h"

/* A tar header is one block of 512 bytes; "ustar" stands at 257 in all that are written today. */
#define TAR_BLOCK 512
#define TAR_MAGIC_AT 257
#define TAR_MAGIC "ustar"
#define READ_LEN (64 * KIB)
#define SHOWN_MAX 512
#define WAIT_MS 300
/* Two blocks of zeros end a tar. */
#define TAR_END_LEN (2 * TAR_BLOCK)
/* Of what was fed before, at least this much stays: libarchive looks one block ahead, so the end of
 * the tar may lie that far before the newest piece. */
#define KEPT_LEN (TAR_END_LEN + 2 * TAR_BLOCK)
/* Blocks of a stream, whose length nobody knows beforehand. */
#define STREAM_BLOCK_LOG2 18

struct source_stream {
    int fd; /* borrowed */
    char *name;
    uint8_t first[TAR_BLOCK]; /* looked at to tell a tar from anything else */
    size_t first_len;
    size_t first_used;
    bool given;                  /* a raw stream's one file */
    bool has_content;            /* raw: a byte that is not zero came; tar: a file did */
    struct archive *tar;         /* NULL: a raw stream */
    struct archive_entry *entry; /* libarchive's, the current one */
    locale_t utf8;               /* owned; see tar_meta.h */
    uint64_t fed;                /* bytes that libarchive was given */
    size_t piece_len;            /* of them in the newest piece, at window + KEPT_LEN */
    uint8_t window[KEPT_LEN + READ_LEN];
};

static void stream_free(void *self)
{
    struct source_stream *s = self;

    if (s == NULL)
        return;
    archive_read_free(s->tar);
    if (s->utf8 != NULL)
        freelocale(s->utf8);
    mem_free(s->name);
    mem_free(s);
}

/* Signals reach another thread than the one that waits here: it looks up now and then. */
static enum err wait_for_stream(int fd)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    enum err rc;

    do
        TRY(stop_check());
    while (poll(&input, 1, WAIT_MS) == 0);
out:
    return rc;
}

/* Bytes of the descriptor, those that were looked at first. Less than `len` only at the end. */
static enum err take_bytes(struct source_stream *s, void *to, size_t len, size_t *got)
{
    size_t have = s->first_len - s->first_used;
    enum err rc = ERR_OK;

    *got = have < len ? have : len;
    memcpy(to, s->first + s->first_used, *got);
    s->first_used += *got;
    while (*got < len) {
        ssize_t n;

        TRY(wait_for_stream(s->fd));
        n = read(s->fd, (uint8_t *)to + *got, len - *got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            FAIL_SYS(ERR_FAILED, "reading standard input");
        if (n == 0)
            break;
        *got += (size_t)n;
    }
out:
    return rc;
}

static enum err raw_next(void *self, struct entry *e, bool *more,
                         struct snapshot_attention *attention)
{
    struct source_stream *s = self;
    enum err rc = ERR_OK;

    (void)attention;
    *more = !s->given;
    if (s->given)
        goto out;
    s->given = true;
    e->type = ENTRY_FILE;
    e->mode = 0600;
    e->uid = getuid();
    e->gid = getgid();
    e->block_log2 = STREAM_BLOCK_LOG2;
    TRY(buf_add(&e->path, bytes_of(s->name, strlen(s->name) + 1)));
    e->path.len--;
out:
    return rc;
}

static enum err no_more_metadata(void *self, struct entry *e, int *fd)
{
    (void)self;
    (void)e;
    *fd = -1;
    return ERR_OK;
}

/* A tar without any member is nothing but zeros, and is not known by its first block. */
static enum err raw_read(void *self, void *to, size_t len, size_t *got)
{
    struct source_stream *s = self;
    enum err rc;

    TRY(take_bytes(s, to, len, got));
    s->has_content = s->has_content || !bytes_are_zero(bytes_of(to, *got));
    if (*got < len && !s->has_content) {
        err_set(ERR_USAGE, "standard input holds nothing but zeros, as an empty tar does");
        err_hint("is the disk mounted that it was made from?");
        rc = ERR_USAGE;
    }
out:
    return rc;
}

static const struct source_driver raw_driver = {
    .free = stream_free,
    .next = raw_next,
    .describe = no_more_metadata,
    .read = raw_read,
};

static la_ssize_t feed_libarchive(struct archive *tar, void *arg, const void **buffer)
{
    struct source_stream *s = arg;
    uint8_t *piece = s->window + KEPT_LEN;
    size_t got = 0;

    memmove(s->window, s->window + s->piece_len, KEPT_LEN);
    s->piece_len = 0;
    if (take_bytes(s, piece, READ_LEN, &got) != ERR_OK) {
        archive_set_error(tar, EIO, "%s", err_text());
        return -1;
    }
    s->piece_len = got;
    s->fed += got;
    *buffer = piece;
    return (la_ssize_t)got;
}

/* A warning is a failure here: a tar that is half understood is not backed up silently. */
static enum err refuse_tar(struct source_stream *s)
{
    if (archive_error_string(s->tar) == NULL)
        return err_set(ERR_FAILED, "reading the tar on standard input: it is damaged");
    return err_set(ERR_FAILED, "reading the tar on standard input: %s",
                   archive_error_string(s->tar));
}

/* libarchive takes a tar that just ends for a whole one, and so it looks when the program that made
 * it was killed between two files. What it read since the last file must be the end's two blocks.
 */
static enum err require_end(const struct source_stream *s, uint64_t end)
{
    uint64_t from = (uint64_t)archive_read_header_position(s->tar);
    uint64_t back = s->fed - end; /* bytes in the window behind it */
    const uint8_t *behind = s->window + KEPT_LEN + s->piece_len - back;

    if (end - from != TAR_END_LEN || back > KEPT_LEN + s->piece_len - TAR_END_LEN ||
        !bytes_are_zero(bytes_of(behind - TAR_END_LEN, TAR_END_LEN)))
        return err_set(ERR_FAILED,
                       "the tar on standard input is cut short: it has no end mark. Did "
                       "the program that makes it fail?");
    return ERR_OK;
}

/* Only zeros may follow, which fill up the last record. All is read, so that who writes it ends
 * well. */
static enum err require_only_padding(struct source_stream *s, uint64_t end)
{
    size_t left = (size_t)(s->fed - end);
    const uint8_t *more = s->window + KEPT_LEN + s->piece_len - left;
    bool is_padding = bytes_are_zero(bytes_of(more, left));
    enum err rc;

    do {
        TRY(take_bytes(s, s->window, READ_LEN, &left));
        is_padding = is_padding && bytes_are_zero(bytes_of(s->window, left));
    } while (left > 0);
    if (!is_padding) {
        err_set(ERR_FAILED,
                "something follows the end of the tar on standard input: of several tars "
                "only the first would be kept");
        err_hint("give each tar to a backup of its own, or unpack them and back up the directory");
        rc = ERR_FAILED;
    }
out:
    return rc;
}

/* The tar is whole, is all that came, and there is something in it. */
static enum err check_end(struct source_stream *s)
{
    uint64_t end = (uint64_t)archive_filter_bytes(s->tar, 0);
    enum err rc;

    TRY(require_end(s, end));
    TRY(require_only_padding(s, end));
    if (!s->has_content) {
        err_set(ERR_USAGE, "there is no file in the tar on standard input");
        err_hint("is the disk mounted that it was made from?");
        rc = ERR_USAGE;
    }
out:
    return rc;
}

static enum err next_entry(struct source_stream *s, struct entry *e, bool *more,
                           struct snapshot_attention *attention)
{
    char shown[SHOWN_MAX];
    int got;
    enum err rc;

    for (;;) {
        got = archive_read_next_header(s->tar, &s->entry);
        *more = got != ARCHIVE_EOF;
        if (!*more)
            return check_end(s);
        if (got != ARCHIVE_OK)
            return refuse_tar(s);
        rc = tar_meta_import(s->entry, e);
        s->has_content = s->has_content || (rc == ERR_OK && !entry_is_root(e));
        if (rc != ERR_UNSUPPORTED)
            return rc;
        text_printable(err_text(), shown, sizeof shown);
        log_say(LOG_WARN, "%s; it is left out", shown);
        attention->left_out++;
        entry_reset(e);
    }
}

static enum err tar_next(void *self, struct entry *e, bool *more,
                         struct snapshot_attention *attention)
{
    struct source_stream *s = self;
    locale_t before = uselocale(s->utf8);
    enum err rc = next_entry(s, e, more, attention);

    uselocale(before);
    return rc;
}

/* libarchive fills holes with zeros when it is read by position in order. */
static enum err tar_read(void *self, void *to, size_t len, size_t *got)
{
    struct source_stream *s = self;

    *got = 0;
    while (*got < len) {
        la_ssize_t n = archive_read_data(s->tar, (uint8_t *)to + *got, len - *got);

        if (n < 0)
            return refuse_tar(s);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return ERR_OK;
}

static const struct source_driver tar_driver = {
    .free = stream_free,
    .next = tar_next,
    .describe = no_more_metadata,
    .read = tar_read,
};

static bool looks_like_tar(const struct source_stream *s)
{
    return s->first_len == TAR_BLOCK &&
           memcmp(s->first + TAR_MAGIC_AT, TAR_MAGIC, strlen(TAR_MAGIC)) == 0;
}

static enum err open_tar_reader(struct source_stream *s)
{
    s->tar = archive_read_new();
    if (s->tar == NULL)
        return err_set(ERR_FAILED, "out of memory for libarchive");
    s->utf8 = tar_meta_locale();
    if (archive_read_support_format_tar(s->tar) != ARCHIVE_OK ||
        archive_read_open2(s->tar, s, NULL, feed_libarchive, NULL, NULL) != ARCHIVE_OK)
        return refuse_tar(s);
    return ERR_OK;
}

enum err source_stream_open(int fd, const char *name, struct source *out)
{
    struct source_stream *s = NULL;
    struct bytes path = bytes_of_text(name);
    enum err rc;

    rc = path_check(path);
    if (rc != ERR_OK)
        FAIL(ERR_USAGE, "\"%.100s\" cannot be the name of a file", name);
    TRY(mem_new(1, sizeof *s, &s));
    s->fd = fd;
    TRY(mem_text(name, &s->name));
    TRY(take_bytes(s, s->first, sizeof s->first, &s->first_len));
    if (s->first_len == 0)
        FAIL(ERR_USAGE, "standard input is empty: the program that should fill it failed?");
    *out = (struct source){.driver = &raw_driver, .type = SOURCE_TYPE_STREAM, .is_stream = true};
    if (looks_like_tar(s)) {
        TRY(open_tar_reader(s));
        out->driver = &tar_driver;
        out->type = SOURCE_TYPE_TAR;
    } else {
        out->size_is_unknown = true;
        out->is_sorted = true;
    }
    out->self = s;
    s = NULL; /* the source's now */
out:
    stream_free(s);
    return rc;
}

#include "keyring/file/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/text.h"

#define FD_PREFIX "fd:"

/* Room for the newline, and for one byte more, which shows that the passphrase is too long. */
#define READ_MAX (PASSPHRASE_LEN_MAX + 2)

/* Reads to the end of the file or until `to` is full. A pipe may return less than asked for. The
 * error is "unreachable": the passphrase may be right, but cannot be had. */
static enum err read_up_to(int fd, uint8_t *to, size_t cap, size_t *len)
{
    while (*len < cap) {
        ssize_t got = read(fd, to + *len, cap - *len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(ERR_KEY_UNREACHABLE, "reading it");
        if (got == 0)
            break;
        *len += (size_t)got;
    }
    return ERR_OK;
}

/* Read into a secret directly: no buffer on the ordinary heap or stack ever holds the passphrase.
 */
static enum err read_fd(int fd, struct secret **out)
{
    struct secret *all = NULL;
    size_t len = 0;
    enum err rc;

    TRY(secret_new(READ_MAX, &all));
    TRY(read_up_to(fd, secret_at(all), READ_MAX, &len));
    if (len > 0 && secret_bytes(all).data[len - 1] == '\n')
        len--;
    if (len == 0)
        FAIL(ERR_USAGE, "it is empty");
    if (len > PASSPHRASE_LEN_MAX)
        FAIL(ERR_USAGE, "it is longer than %d bytes", PASSPHRASE_LEN_MAX);
    TRY(secret_copy(bytes_of(secret_bytes(all).data, len), out));
out:
    secret_free(all);
    return rc;
}

bool passphrase_is_descriptor(const char *file)
{
    return strncmp(file, FD_PREFIX, strlen(FD_PREFIX)) == 0;
}

static void warn_of_passphrase_mode(int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        log_say(
            LOG_WARN,
            "passphrase file %s can be read by others (mode %04o); make it private with chmod 600",
            path, (unsigned)st.st_mode & 07777U);
}

static enum err read_path(const char *path, struct secret **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum err rc;

    if (fd < 0)
        return err_sys(ERR_KEY_UNREACHABLE, "opening it");
    warn_of_passphrase_mode(fd, path);
    TRY(read_fd(fd, out));
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

/* The descriptor is the caller's and stays open; it can be read only once. */
static enum err read_number(const char *text, struct secret **out)
{
    uint64_t fd = 0;
    enum err rc;

    TRY(text_number(text, INT_MAX, &fd));
    TRY(read_fd((int)fd, out));
out:
    return rc;
}

enum err passphrase_get(const struct passphrase_source *from, const char *what, bool twice,
                        struct secret **out)
{
    const size_t prefix_len = sizeof FD_PREFIX - 1;
    enum err rc;

    if (from->file == NULL && from->ask == NULL) {
        err_set(ERR_KEY_UNREACHABLE, "no passphrase for keyring %s, and nobody to ask", what);
        err_hint("name a file that holds it: --passphrase-file, or passphraseFile in the "
                 "configuration");
        return ERR_KEY_UNREACHABLE;
    }
    if (from->file == NULL)
        return from->ask(from->ask_arg, what, twice, out);
    if (strncmp(from->file, FD_PREFIX, prefix_len) == 0)
        rc = read_number(from->file + prefix_len, out);
    else
        rc = read_path(from->file, out);
    if (rc != ERR_OK)
        err_note("passphrase file %s", from->file);
    return rc;
}

#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/print.h"
#include "core/base/mem.h"
#include "core/base/stop.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "keyring/file/passphrase.h"

#define QUESTION_MAX 4096

/* Sleep until there is something to read. The signals that mean stop come in only here: had one
 * come between looking at the flag and read(), nothing would end the read. */
static enum err wait_for_typing(int fd, const sigset_t *open_mask)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    enum err rc;

    do
        TRY(stop_check());
    while (ppoll(&wanted, 1, NULL, open_mask) < 0 && errno == EINTR);
out:
    return rc;
}

/* One line without its newline. ERR_NOT_FOUND: the end of input came first. */
static enum err read_line(int fd, uint8_t *to, size_t max, size_t *len)
{
    sigset_t stops, before;
    uint8_t byte = 0;
    enum err rc;

    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &stops, &before);
    for (*len = 0;; to[(*len)++] = byte) {
        TRY(wait_for_typing(fd, &before));
        if (read(fd, &byte, 1) != 1)
            FAIL(ERR_NOT_FOUND, "nothing was typed");
        if (byte == '\n')
            break;
        if (*len == max)
            FAIL(ERR_USAGE, "longer than %zu bytes", max);
    }
out:
    secret_wipe(&byte, 1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* Names from outside are in it. */
static enum err write_question(int fd, const char *text)
{
    char clean[QUESTION_MAX];

    text_printable(text, clean, sizeof clean);
    return file_write(fd, bytes_of_text(clean));
}

static enum err ask_once(int fd, const char *prompt, const char *what, struct secret **out)
{
    struct secret *line = NULL;
    char *question = NULL;
    size_t len = 0;
    enum err rc;

    TRY(mem_format(&question, "%s %s: ", prompt, what));
    TRY(secret_new(PASSPHRASE_LEN_MAX, &line));
    TRY(write_question(fd, question));
    rc = read_line(fd, secret_at(line), PASSPHRASE_LEN_MAX, &len);
    if (file_write(fd, bytes_of_text("\n")) != ERR_OK && rc == ERR_OK)
        rc = ERR_FAILED;
    if (rc == ERR_NOT_FOUND || (rc == ERR_OK && len == 0))
        FAIL(ERR_KEY_UNREACHABLE, "no passphrase was typed");
    if (rc != ERR_OK)
        goto out;
    TRY(secret_copy(bytes_of(secret_at(line), len), out));
out:
    secret_free(line);
    mem_free(question);
    return rc;
}

static enum err ask_passphrase(int fd, const char *what, bool twice, struct secret **out)
{
    struct secret *first = NULL, *second = NULL;
    enum err rc;

    TRY(ask_once(fd, twice ? "New passphrase for" : "Passphrase for", what, &first));
    if (twice) {
        TRY(ask_once(fd, "Once more for", what, &second));
        if (!secret_equal(secret_bytes(first), secret_bytes(second)))
            FAIL(ERR_USAGE, "the two passphrases differ");
    }
    *out = first;
    first = NULL; /* the caller's now */
out:
    secret_free(first);
    secret_free(second);
    return rc;
}

static bool is_held;

void terminal_hold(bool hold)
{
    is_held = hold;
}

enum err terminal_passphrase(void *arg, const char *what, bool twice, struct secret **out)
{
    struct termios before, silent;
    sigset_t suspend, mask;
    bool is_silent = false;
    int fd = is_held ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    enum err rc;

    if (fd < 0 || tcgetattr(fd, &before) != 0) {
        rc = err_set(ERR_KEY_UNREACHABLE,
                     "the passphrase of %s cannot be asked for: there is no terminal", what);
        err_hint("give %s FILE (or fd:N)", arg != NULL ? (const char *)arg : "--passphrase-file");
        goto out;
    }
    /* Suspended now, the shell would be left without echo. */
    sigemptyset(&suspend);
    sigaddset(&suspend, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &suspend, &mask);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    print_hold_status(true);
    is_silent = tcsetattr(fd, TCSAFLUSH, &silent) == 0;
    if (is_silent)
        rc = ask_passphrase(fd, what, twice, out);
    else
        rc = err_sys(ERR_KEY_UNREACHABLE, "turning the terminal's echo off");
    if (is_silent)
        tcsetattr(fd, TCSAFLUSH, &before);
    print_hold_status(false);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

enum err terminal_confirm(const char *question, const char *otherwise)
{
    char *asked = NULL;
    uint8_t answer[64];
    size_t len = 0;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    enum err rc;

    if (fd < 0) {
        rc = err_set(ERR_USAGE, "this needs confirmation, and there is no terminal to ask at");
        err_hint("give %s to do it without being asked", otherwise);
        goto out;
    }
    TRY(mem_format(&asked, "%s Type yes to go on: ", question));
    print_hold_status(true);
    rc = write_question(fd, asked);
    if (rc == ERR_OK)
        rc = read_line(fd, answer, sizeof answer, &len);
    print_hold_status(false);
    if (rc == ERR_INTERRUPTED)
        goto out;
    if (rc != ERR_OK || len != 3 || memcmp(answer, "yes", 3) != 0)
        FAIL(ERR_USAGE, "not confirmed; nothing was changed");
out:
    if (fd >= 0)
        close(fd);
    mem_free(asked);
    return rc;
}

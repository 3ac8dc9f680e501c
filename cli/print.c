#include "cli/print.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define OUT_TEXT_MAX 4096
/* Every byte of a message may come out as four. */
#define CLEAN_MAX (4 * ERR_TEXT_MAX)

static bool be_quiet;
static bool be_verbose;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of standard error and the next two */
static bool status_is_up;
static bool status_is_held;
static int out_errno; /* of the first write that failed */

static void clear_status(void)
{
    if (status_is_up)
        fputs("\r\033[K", stderr);
    status_is_up = false;
}

static void print_message(enum log_level level, const char *text)
{
    char clean[CLEAN_MAX];

    if ((level == LOG_INFO && be_quiet) || (level == LOG_DEBUG && !be_verbose))
        return;
    text_printable(text, clean, sizeof clean);
    pthread_mutex_lock(&lock);
    clear_status();
    fprintf(stderr, "sealpoint: %s%s\n", level == LOG_WARN ? "warning: " : "", clean);
    pthread_mutex_unlock(&lock);
}

void print_setup(bool quiet, bool verbose)
{
    be_quiet = quiet && !verbose;
    be_verbose = verbose;
    log_to(print_message);
}

bool print_is_quiet(void)
{
    return be_quiet;
}

void print_bytes(struct bytes what)
{
    if (what.len > 0 && fwrite(what.data, 1, what.len, stdout) != what.len && out_errno == 0)
        out_errno = errno;
}

void print_out(const char *fmt, ...)
{
    char text[OUT_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    print_bytes(bytes_of_text(text));
}

void print_count(uint64_t count, const char *noun)
{
    print_out("%" PRIu64 " %s%s", count, noun, count == 1 ? "" : "s");
}

void print_clean(const char *text)
{
    char clean[64];
    char piece[16];
    size_t len = strlen(text);

    while (len > 0) {
        size_t take = len < sizeof piece - 1 ? len : sizeof piece - 1;

        /* Never in the midst of a character: what follows its first byte belongs to it. */
        while (take > 1 && take < len && ((unsigned char)text[take] & 0xc0) == 0x80)
            take--;
        memcpy(piece, text, take);
        piece[take] = '\0';
        text_printable(piece, clean, sizeof clean);
        print_bytes(bytes_of_text(clean));
        text += take;
        len -= take;
    }
}

enum err print_json(const struct jdoc *document)
{
    struct buf text = {.max = MEM_MAX};
    enum err rc;

    TRY(jdoc_write_pretty(document, &text));
    TRY(buf_add_text(&text, "\n"));
    print_bytes(buf_bytes(&text));
out:
    buf_clear(&text);
    return rc;
}

enum err print_finish(void)
{
    if (fflush(stdout) != 0 && out_errno == 0)
        out_errno = errno;
    if (out_errno == 0)
        return ERR_OK;
    errno = out_errno;
    return err_sys(ERR_FAILED, "writing to standard output");
}

void print_failure(const char *message)
{
    char clean[CLEAN_MAX];
    char line[ERR_TEXT_MAX];
    const char *front = "sealpoint: ";

    pthread_mutex_lock(&lock);
    clear_status();
    for (;;) {
        /* Only a hint begins so (err_hint); a newline of any other kind is somebody's text. */
        const char *end = strstr(message, "\n  ");
        size_t len = end != NULL ? (size_t)(end - message) : strlen(message);

        if (len >= sizeof line)
            len = sizeof line - 1;
        memcpy(line, message, len);
        line[len] = '\0';
        text_printable(line, clean, sizeof clean);
        fprintf(stderr, "%s%s\n", front, clean);
        if (end == NULL)
            break;
        message = end + 1;
        front = "";
    }
    pthread_mutex_unlock(&lock);
}

void print_hold_status(bool hold)
{
    pthread_mutex_lock(&lock);
    if (hold)
        clear_status();
    status_is_held = hold;
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

void print_status(const char *line)
{
    pthread_mutex_lock(&lock);
    clear_status();
    if (line != NULL && !status_is_held) {
        fputs(line, stderr);
        status_is_up = true;
    }
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

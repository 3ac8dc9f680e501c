#include "cli/print.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
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
static bool be_mute;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of standard error and the next two */
static bool status_is_up;
static bool status_is_held;
static atomic_int out_errno; /* of the first write that failed; by any thread */

static void clear_status(void)
{
    if (status_is_up)
        fputs("\r\033[K", stderr);
    status_is_up = false;
}

static void flush_out(void)
{
    if (fflush(stdout) != 0 && out_errno == 0)
        out_errno = errno;
}

static void print_message(enum log_level level, const char *text)
{
    char clean[CLEAN_MAX];

    if ((level == LOG_INFO && be_quiet) || (level == LOG_DEBUG && !be_verbose))
        return;
    text_printable(text, clean, sizeof clean);
    flush_out(); /* into one pipe, the result comes before what is said of it */
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

bool print_is_verbose(void)
{
    return be_verbose;
}

void print_mute(bool mute)
{
    be_mute = mute;
}

void print_bytes(struct bytes what)
{
    if (be_mute)
        return;
    if (what.len > 0 && fwrite(what.data, 1, what.len, stdout) != what.len && out_errno == 0)
        out_errno = errno;
}

/* Each piece between two newlines by itself: those are our own. */
void print_out(const char *fmt, ...)
{
    char text[OUT_TEXT_MAX];
    char *line = text;
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    while (line != NULL) {
        char *next = strchr(line, '\n');

        if (next != NULL)
            *next++ = '\0';
        print_clean(line);
        if (next != NULL)
            print_bytes(bytes_of_text("\n"));
        line = next;
    }
}

void print_count(uint64_t count, const char *noun)
{
    print_out("%" PRIu64 " %s%s", count, noun, count == 1 ? "" : "s");
}

/* A byte that is not printable. */
static void print_byte(unsigned char byte)
{
    char text[8];

    snprintf(text, sizeof text, "\\x%02x", byte);
    print_bytes(bytes_of_text(text));
}

void print_clean(const char *text)
{
    while (*text != '\0') {
        const char *from = text;
        size_t len;

        while ((len = text_printable_len(text)) > 0)
            text += len;
        print_bytes(bytes_of(from, (size_t)(text - from)));
        if (*text != '\0')
            print_byte((unsigned char)*text++);
    }
}

/* As JSON escapes it: UTF-16, from U+10000 on in two units. */
static void print_json_escape(uint32_t value)
{
    char text[16];

    if (value < 0x10000)
        snprintf(text, sizeof text, "\\u%04x", (unsigned)value);
    else
        snprintf(text, sizeof text, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (value >> 10)),
                 (unsigned)(0xdc00 + (value & 0x3ff)));
    print_bytes(bytes_of_text(text));
}

/* Beyond ASCII there is nothing but the inside of strings, and json-c has escaped what is below it.
 */
void print_json_text(struct bytes json)
{
    const char *text = (const char *)json.data;
    const char *end = text + json.len;
    const char *from = text;

    while (text < end) {
        size_t len = 0;
        uint32_t value = text_character(text, &len);

        if (len > 1 && text_printable_len(text) == 0) {
            print_bytes(bytes_of(from, (size_t)(text - from)));
            print_json_escape(value);
            from = text + len;
        }
        text += len > 0 ? len : 1;
    }
    print_bytes(bytes_of(from, (size_t)(end - from)));
}

enum err print_json(const struct jdoc *document)
{
    struct buf text = {.max = MEM_MAX};
    enum err rc;

    TRY(jdoc_write_pretty(document, &text));
    TRY(buf_add_text(&text, "\n"));
    print_json_text(buf_bytes(&text));
out:
    buf_clear(&text);
    return rc;
}

enum err print_finish(void)
{
    flush_out();
    if (out_errno == 0)
        return ERR_OK;
    errno = out_errno;
    return err_sys(ERR_FAILED, "writing to standard output");
}

static void print_line(const char *front, const char *text)
{
    char clean[CLEAN_MAX];

    text_printable(text, clean, sizeof clean);
    fprintf(stderr, "%s%s\n", front, clean);
}

void print_failure(void)
{
    const char *hint;

    flush_out();
    pthread_mutex_lock(&lock);
    clear_status();
    print_line("sealpoint: ", err_text());
    for (size_t i = 0; (hint = err_hint_at(i)) != NULL; i++)
        print_line("  ", hint);
    pthread_mutex_unlock(&lock);
}

void print_progress(const char *line)
{
    flush_out();
    pthread_mutex_lock(&lock);
    clear_status();
    print_line("sealpoint: ", line);
    fflush(stderr);
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

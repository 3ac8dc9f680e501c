#include "snapshot/browse/browse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command/command.h"
#include "cli/command/escrow.h"
#include "cli/describe.h"
#include "cli/list.h"
#include "cli/print.h"
#include "cli/session.h"
#include "core/base/clock.h"
#include "core/base/text.h"

static enum err open_snapshot(struct session *session, struct browse_options *to)
{
    enum err rc;

    TRY(session_open_keyring(session));
    keyring_prepare(session->keyring);
    TRY(session_open_repository(session, SESSION_READ));
    TRY(session_find_snapshot(session, &to->snapshot));
    to->repository = session->repository;
    to->keyring = session->keyring;
    to->envelope = (size_t)settings_number(session->settings, OPTION_ENVELOPE);
out:
    return rc;
}

/* "-rw-r--r--", as ls -l writes it. */
static void mode_text(const struct browse_file *file, char out[11])
{
    static const char letters[] = "rwxrwxrwx";
    static const struct {
        uint32_t bit;
        size_t place;
        char with, without; /* x set there or not */
    } special[] = {{04000, 3, 's', 'S'}, {02000, 6, 's', 'S'}, {01000, 9, 't', 'T'}};

    out[0] = file->type;
    for (size_t i = 0; i < 9; i++)
        out[1 + i] = '-';
    for (size_t i = 0; i < 9; i++)
        if ((file->mode & (0400U >> i)) != 0)
            out[1 + i] = letters[i];
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        char *cursor = &out[special[i].place];

        if ((file->mode & special[i].bit) == 0)
            continue;
        if (*cursor == 'x')
            *cursor = special[i].with;
        else
            *cursor = special[i].without;
    }
    out[10] = '\0';
}

/* A name, or the number when it is not known. */
static void print_owner(const char *name, uint32_t id)
{
    char text[40];

    if (*name != '\0')
        text_printable(name, text, sizeof text);
    else
        snprintf(text, sizeof text, "%" PRIu32, id);
    print_out(" %-8s", text);
}

static enum err print_line(void *arg, const struct browse_file *file)
{
    char mode[11], time[CLOCK_TEXT_LEN + 1];

    (void)arg;
    mode_text(file, mode);
    clock_text(file->mtime_ms, time);
    time[10] = ' ';
    time[19] = '\0';
    print_out("%s", mode);
    print_owner(file->user, file->uid);
    print_owner(file->group, file->gid);
    print_out(" %12" PRIu64 " %s ", file->size, time);
    print_clean(file->path);
    if (*file->link != '\0') {
        print_out(file->type == 'l' ? " -> " : " link to ");
        print_clean(file->link);
    }
    print_out("%s\n", file->changed ? " (changed while it was read)" : "");
    return ERR_OK;
}

static const char *type_word(char type)
{
    switch (type) {
    case 'd':
        return "directory";
    case 'l':
        return "symlink";
    case 'p':
        return "fifo";
    default:
        return "file";
    }
}

static void begin_json(void *arg, uint64_t count)
{
    list_begin(arg, count);
}

static enum err add_file_json(void *arg, const struct browse_file *file)
{
    char mode[8];
    struct jdoc *item = NULL;
    enum err rc;

    snprintf(mode, sizeof mode, "%04o", file->mode & 07777U);
    TRY(jdoc_object(&item));
    TRY(describe_name(item, "path", "pathBase64", file->path));
    TRY(jdoc_set_text(item, "type", type_word(file->type)));
    TRY(jdoc_set_text(item, "mode", mode));
    TRY(jdoc_set_number(item, "uid", file->uid));
    TRY(jdoc_set_number(item, "gid", file->gid));
    TRY(describe_name(item, "user", "userBase64", file->user));
    TRY(describe_name(item, "group", "groupBase64", file->group));
    TRY(jdoc_set_number(item, "size", file->size));
    TRY(jdoc_set_time(item, "modifiedAt", file->mtime_ms));
    if (*file->link != '\0')
        TRY(describe_name(item, "link", "linkBase64", file->link));
    TRY(jdoc_set_bool(item, "changed", file->changed));
    TRY(list_add(arg, &item));
out:
    jdoc_free(item);
    return rc;
}

/* The arguments behind SNAPSHOT, or NULL. */
static const char *const *paths_after_snapshot(const struct settings *s)
{
    const struct invocation *i = s->invocation;

    return i->argument_count > 1 ? i->arguments + 1 : NULL;
}

enum err command_ls(const struct settings *s)
{
    struct browse_options options = {0};
    struct session session;
    struct list list;
    enum err rc;

    session_init(&session, s);
    TRY(open_snapshot(&session, &options));
    if (!settings_flag(s, OPTION_JSON)) {
        TRY(escrow_hint(&session, options.snapshot,
                        browse_list(&options, paths_after_snapshot(s), NULL, print_line, NULL)));
        goto out;
    }
    TRY(escrow_hint(
        &session, options.snapshot,
        browse_list(&options, paths_after_snapshot(s), begin_json, add_file_json, &list)));
    list_end(&list);
out:
    session_clear(&session);
    return rc;
}

enum err command_cat(const struct settings *s)
{
    struct browse_options options = {0};
    struct session session;
    enum err rc;

    session_init(&session, s);
    TRY(open_snapshot(&session, &options));
    TRY(escrow_hint(&session, options.snapshot,
                    browse_cat(&options, session_argument(&session, 1), STDOUT_FILENO)));
out:
    session_clear(&session);
    return rc;
}

enum err command_export(const struct settings *s)
{
    struct browse_options options = {0};
    struct session session;
    enum err rc;

    session_init(&session, s);
    if (isatty(STDOUT_FILENO)) {
        rc = err_set(ERR_USAGE, "standard output is a terminal, and a tar is binary");
        err_hint("redirect it: `sealpoint export … > FILE`");
        goto out;
    }
    TRY(open_snapshot(&session, &options));
    rc = browse_export(&options, paths_after_snapshot(s), settings_flag(s, OPTION_KEEP_GOING),
                       STDOUT_FILENO);
    TRY(escrow_hint(&session, options.snapshot, rc));
out:
    session_clear(&session);
    return rc;
}

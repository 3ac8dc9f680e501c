#include "cli/command/verdicts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/describe.h"
#include "cli/print.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum err verdicts_init(struct verdicts *v)
{
    *v = (struct verdicts){.text = {.max = MEM_MAX}};
    return jdoc_array(&v->json);
}

void verdicts_clear(struct verdicts *v)
{
    jdoc_free(v->json);
    buf_clear(&v->text);
}

static enum err push_path(struct jdoc *paths, const char *path)
{
    struct jdoc *item = NULL;
    enum err rc;

    TRY(jdoc_object(&item));
    TRY(describe_name(item, "path", "pathBase64", path));
    TRY(jdoc_push(paths, &item));
out:
    jdoc_free(item);
    return rc;
}

static enum err add_printable(struct buf *to, const char *text)
{
    size_t cap = 4 * strlen(text) + 1;
    enum err rc;

    TRY(buf_reserve(to, cap));
    text_printable(text, (char *)to->data + to->len, cap);
    to->len += strlen((char *)to->data + to->len);
out:
    return rc;
}

static enum err add_verdict_json(struct verdicts *to, const struct verify_verdict *v)
{
    struct jdoc *item = NULL;
    struct jdoc *paths = NULL;
    enum err rc;

    TRY(jdoc_object(&item));
    TRY(jdoc_set_text(item, "id", v->snapshot->id));
    TRY(jdoc_set_bool(item, "lost", v->is_lost));
    TRY(jdoc_set_number(item, "objects", v->objects));
    TRY(jdoc_set_number(item, "damagedObjects", v->bad_objects));
    if (v->has_files) {
        TRY(jdoc_set_number(item, "files", v->files));
        TRY(jdoc_set_number(item, "damagedFiles", v->bad_files));
        TRY(jdoc_array(&paths));
        for (const char *const *path = v->paths; *path != NULL; path++)
            TRY(push_path(paths, *path));
        TRY(jdoc_set(item, "paths", &paths));
    }
    TRY(jdoc_push(to->json, &item));
out:
    jdoc_free(item);
    jdoc_free(paths);
    return rc;
}

static enum err add_verdict_text(struct verdicts *to, const struct verify_verdict *v)
{
    char when[CLOCK_TEXT_LEN + 1];
    enum err rc;

    clock_text(v->snapshot->created_ms, when);
    TRY(buf_add_format(&to->text, "  %s of %s: ", v->snapshot->id, when));
    if (v->is_lost)
        TRY(buf_add_text(&to->text, "nothing of it can be restored\n"));
    else if (!v->has_files)
        TRY(buf_add_format(&to->text,
                           "%" PRIu64 " of %" PRIu64 " objects; `sealpoint verify "
                           "--decrypt %.8s` says which files\n",
                           v->bad_objects, v->objects, v->snapshot->id));
    else
        TRY(buf_add_format(&to->text, "%" PRIu64 " of %" PRIu64 " files%s\n", v->bad_files,
                           v->files, v->bad_files > 0 ? ":" : ""));
    for (const char *const *path = v->paths; *path != NULL; path++) {
        TRY(buf_add_text(&to->text, "    "));
        TRY(add_printable(&to->text, *path));
        TRY(buf_add_text(&to->text, "\n"));
    }
    if (v->bad_files > VERIFY_PATHS_MAX)
        TRY(buf_add_format(&to->text, "    and %" PRIu64 " more\n",
                           v->bad_files - VERIFY_PATHS_MAX));
out:
    return rc;
}

enum err verdicts_keep(void *arg, const struct verify_verdict *verdict)
{
    struct verdicts *to = arg;
    enum err rc = ERR_OK;

    if (verdict->is_sound) { /* oldest first: the last one stays */
        snprintf(to->newest, sizeof to->newest, "%s", verdict->snapshot->id);
        to->newest_ms = verdict->snapshot->created_ms;
        goto out;
    }
    to->damaged++;
    TRY(add_verdict_json(to, verdict));
    TRY(add_verdict_text(to, verdict));
out:
    return rc;
}

void verdicts_print(const struct verdicts *v, uint64_t sound, bool all_read)
{
    char when[CLOCK_TEXT_LEN + 1];

    if (v->damaged == 0)
        return;
    print_out(all_read ? "sound: " : "no damage found: ");
    print_count(sound, "snapshot");
    if (v->newest[0] != '\0') {
        clock_text(v->newest_ms, when);
        print_out(", the newest %s of %s", v->newest, when);
    }
    print_out("\ndamaged: ");
    print_count(v->damaged, "snapshot");
    print_out("\n");
    print_bytes(buf_bytes(&v->text));
}

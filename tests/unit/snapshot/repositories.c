#include "tests/unit/snapshot/repositories.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "keyring/provider.h"
#include "snapshot/backup/backup.h"
#include "snapshot/format/manifest.h"
#include "snapshot/restore/restore.h"
#include "tests/unit/faulty.h"
#include "tests/unit/helpers.h"
#include "tests/unit/roots.h"

char said[SAID_MAX];

void keep_line(enum log_level level, const char *text)
{
    size_t len = strlen(said);

    if (level == LOG_DEBUG)
        return;
    snprintf(said + len, sizeof said - len, "%s\n", text);
}

bool was_said(const char *text)
{
    return strstr(said, text) != NULL;
}

void close_ledger(struct world *w)
{
    repository_free(w->repository);
    w->repository = NULL;
    w->ledger = NULL;
    if (w->store != w->real)
        store_free(w->store);
    w->store = w->real;
    faulty_clear(&w->faulty);
}

struct repository_options repository_options_of(struct world *w)
{
    return (struct repository_options){
        .store = w->store, .state_dir = in(w->state, "state"), .root = {.key = test_root()}};
}

void open_ledger(struct world *w, const struct faulty *fault)
{
    struct repository_options options;

    close_ledger(w);
    if (fault != NULL) {
        w->faulty = *fault;
        w->faulty.inner = w->real;
        w->faulty.fault = FAULT_NONE; /* opening is not what is tested */
        assert_done(faulty_open(&w->faulty, &w->store));
    }
    options = repository_options_of(w);
    assert_done(repository_open(&options, &w->repository));
    w->ledger = repository_ledger(w->repository);
    if (fault != NULL) {
        w->faulty.fault = fault->fault;
        atomic_store(&w->faulty.count, 0);
    }
}

void make_world(void **state, struct world *w)
{
    const struct provider *provider = &provider_double;
    void *self = &w->key;
    struct repository_options options;

    *w = (struct world){.state = state, .key = {.version = "1"}};
    *said = '\0';
    log_to(keep_line);
    assert_done(store_open(in(state, "repository"), true, &w->real));
    w->store = w->real;
    options = repository_options_of(w);
    assert_done(repository_create(&options, &w->repository));
    w->ledger = repository_ledger(w->repository);
    assert_done(keyring_of(&provider, &self, 1, &w->keyring));
    assert_int_equal(mkdir(in(state, "source"), 0755), 0);
}

void clear_world(struct world *w)
{
    close_ledger(w);
    store_free(w->real);
    keyring_free(w->keyring);
    log_to(NULL);
}

struct backup_options backup_options_of(struct world *w)
{
    return (struct backup_options){.repository = w->repository,
                                   .keyring = w->keyring,
                                   .source = in(w->state, "source"),
                                   .any_directory = true,
                                   .snapshot_type = "onDemand",
                                   .frequency_type = "onDemand",
                                   .workers = 2};
}

struct backup_result make_backup(struct world *w)
{
    struct backup_options options = backup_options_of(w);
    struct backup_result result;

    assert_done(backup_run(&options, &result));
    return result;
}

enum err restore_to(struct world *w, const char *name, const char *target)
{
    struct snapshot_list c = {0};
    struct restore_options options = {.repository = w->repository,
                                      .keyring = w->keyring,
                                      .workers = 2,
                                      .target = in(w->state, target)};
    struct restore_result result;
    enum err rc;

    TRY(snapshot_list_read(w->ledger, &c));
    TRY(snapshot_list_find(&c, name, &options.snapshot));
    options.snapshot_list = &c;
    TRY(restore_run(&options, &result));
out:
    snapshot_list_clear(&c);
    return rc;
}

struct search {
    const struct world *w;
    struct snapshot_list c;
    struct manifest *manifests;
    size_t orphans;
};

static bool manifest_names(const struct manifest *m, const char *name)
{
    char of[OBJECT_NAME_LEN + 1];

    object_name(m->index.id, of);
    if (strcmp(of, name) == 0)
        return true;
    for (size_t i = 0; i < m->object_count; i++) {
        object_name(m->objects[i].id, of);
        if (strcmp(of, name) == 0)
            return true;
    }
    return false;
}

static enum err count_orphan(void *arg, const char *name, uint64_t size)
{
    struct search *s = arg;
    bool known = strncmp(name, "ledger/", 7) == 0 || strncmp(name, "checkpoints/", 12) == 0;
    char of[MANIFEST_NAME_LEN + 1];

    (void)size;
    for (size_t i = 0; i < s->c.count && !known; i++) {
        manifest_name(s->c.items[i].id, of);
        known = strcmp(of, name) == 0 || manifest_names(&s->manifests[i], name);
    }
    if (!known)
        print_message("nothing names %s\n", name);
    s->orphans += !known;
    return ERR_OK;
}

size_t count_orphans(struct world *w)
{
    struct search s = {.w = w};

    assert_done(snapshot_list_read(w->ledger, &s.c));
    s.manifests = calloc(s.c.count + 1, sizeof *s.manifests);
    assert_non_null(s.manifests);
    for (size_t i = 0; i < s.c.count; i++)
        assert_done(manifest_load(w->repository, &s.c.items[i], &s.manifests[i]));
    assert_done(store_list(w->real, "", count_orphan, &s));
    for (size_t i = 0; i < s.c.count; i++)
        manifest_clear(&s.manifests[i]);
    free(s.manifests);
    snapshot_list_clear(&s.c);
    return s.orphans + count_names(in(w->state, "repository/tmp"));
}

/*
 * A whole repository for the tests of backup and restore: store (that can fail on order), ledger,
 * a keyring double that counts and can refuse, and trees to compare.
 *
 * Uses: helpers, faulty, snapshot.
 */
#ifndef TESTS_UNIT_SNAPSHOT_REPOSITORIES_H
#define TESTS_UNIT_SNAPSHOT_REPOSITORIES_H

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

/* ---- no waiting for the disk: what is durable when is tested with the store ---- */

int fsync(int fd)
{
    (void)fd;
    return 0;
}

int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

int syncfs(int fd)
{
    (void)fd;
    return 0;
}

/* ---- a keyring without a key: it wraps by doing nothing ---- */

struct stand_in {
    char version[8];    /* the active one */
    bool unwrap_aborts; /* a host that may only encrypt: asking is the mistake */
    enum err unwrap_refused;
    const char *unreachable; /* a version that nobody can ask about; or NULL */
    unsigned wraps, unwraps;
};

static inline void double_free(void *self)
{
    (void)self;
}

static inline enum err double_active(void *self, struct key_name *out)
{
    const struct stand_in *d = self;

    *out = (struct key_name){"double", "key", ""};
    memcpy(out->version, d->version, sizeof d->version);
    return ERR_OK;
}

static inline enum err double_is_mine(void *self, const char *key_id, bool *is_here)
{
    (void)self;
    *is_here = strcmp(key_id, "key") == 0;
    return ERR_OK;
}

static inline enum err double_state(void *self, const struct key_name *key, struct key_state *out)
{
    (void)self;
    (void)key;
    *out = (struct key_state){.verdict = KEY_VALID};
    return ERR_OK;
}

static inline enum err double_wrap(void *self, const struct key_name *key,
                                   const struct seal_context *context, const struct secret *plain,
                                   struct envelope *out)
{
    struct stand_in *d = self;

    (void)context;
    d->wraps++;
    out->key = *key;
    snprintf(out->algorithm, sizeof out->algorithm, "none");
    out->wrapped_len = secret_bytes(plain).len;
    memcpy(out->wrapped, secret_bytes(plain).data, out->wrapped_len);
    return ERR_OK;
}

static inline enum err double_unwrap(void *self, const struct envelope *envelope,
                                     const struct seal_context *context, struct secret **out)
{
    struct stand_in *d = self;

    (void)context;
    if (d->unwrap_aborts)
        abort();
    d->unwraps++;
    if (d->unreachable != NULL && strcmp(envelope->key.version, d->unreachable) == 0)
        return err_set(ERR_KEY_UNREACHABLE, "the double is out of reach");
    if (d->unwrap_refused != ERR_OK)
        return err_set(d->unwrap_refused, "the double does not unwrap");
    return secret_copy(bytes_of(envelope->wrapped, envelope->wrapped_len), out);
}

static const struct provider provider_double = {.name = "double",
                                                .free = double_free,
                                                .active = double_active,
                                                .is_mine = double_is_mine,
                                                .state = double_state,
                                                .wrap = double_wrap,
                                                .unwrap = double_unwrap};

/* ---- what was said ---- */

static char said[16384];

static inline void keep_line(enum log_level level, const char *text)
{
    size_t len = strlen(said);

    if (level == LOG_DEBUG)
        return;
    snprintf(said + len, sizeof said - len, "%s\n", text);
}

static inline bool was_said(const char *text)
{
    return strstr(said, text) != NULL;
}

/* ---- the repository ---- */

struct world {
    void **state;
    struct store *real;
    struct faulty faulty;
    struct store *store; /* what the ledger uses: the real one, or the faulty one before it */
    struct repository *repository;
    struct ledger *ledger; /* the repository's */
    struct stand_in key;
    struct keyring *keyring;
};

static inline void close_ledger(struct world *w)
{
    repository_free(w->repository);
    w->repository = NULL;
    w->ledger = NULL;
    if (w->store != w->real)
        store_free(w->store);
    w->store = w->real;
    faulty_clear(&w->faulty);
}

static inline struct repository_options repository_options_of(struct world *w)
{
    return (struct repository_options){.store = w->store, .state_dir = in(w->state, "state")};
}

/* The repository as a new process sees it; over a store with this fault, or none. */
static inline void open_ledger(struct world *w, const struct faulty *fault)
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

static inline void make_world(void **state, struct world *w)
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

static inline void clear_world(struct world *w)
{
    close_ledger(w);
    store_free(w->real);
    keyring_free(w->keyring);
    log_to(NULL);
}

static inline struct backup_options backup_options_of(struct world *w)
{
    return (struct backup_options){.repository = w->repository,
                                   .keyring = w->keyring,
                                   .source = in(w->state, "source"),
                                   .snapshot_type = "onDemand",
                                   .frequency_type = "ondemand",
                                   .workers = 2};
}

static inline struct backup_result make_backup(struct world *w)
{
    struct backup_options options = backup_options_of(w);
    struct backup_result result;

    assert_done(backup_run(&options, &result));
    return result;
}

/* Into the folder `target`; `name` as in catalogue_find(). */
static inline enum err restore_to(struct world *w, const char *name, const char *target)
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

/* ---- trees ---- */

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* rm -rf without the code under test; a missing one is gone already. */
static inline void remove_all(const char *path)
{
    (void)!nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

static inline void put_bytes(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* A file whose content depends on the place only: a longer one begins like a shorter one. */
static inline void put_pattern(const char *path, size_t len, uint32_t seed)
{
    uint8_t *content = malloc(len + 1);

    assert_non_null(content);
    fill_pattern(content, len, seed);
    put_bytes(path, content, len);
    free(content);
}

static inline void describe_file(const char *path, const char *name, struct buf *to)
{
    struct buf content = {.max = 64 * MIB};
    uint8_t digest[HASH_LEN] = {0};
    char hex[2 * HASH_LEN + 1];
    char link[512] = "";
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    if (S_ISREG(st.st_mode)) {
        assert_done(file_read(path, &content));
        assert_done(hash_of(buf_bytes(&content), digest));
    }
    if (S_ISLNK(st.st_mode))
        assert_true(readlink(path, link, sizeof link - 1) >= 0);
    text_hex(bytes_of(digest, sizeof digest), hex);
    assert_done(buf_add_format(to, "%s %o %lld %u:%u %s %s %lld.%09ld\n", name, st.st_mode,
                               S_ISDIR(st.st_mode) ? 0 : (long long)st.st_size,
                               S_ISDIR(st.st_mode) ? 0 : (unsigned)st.st_nlink, st.st_uid, hex,
                               link, S_ISLNK(st.st_mode) ? 0 : (long long)st.st_mtim.tv_sec,
                               S_ISLNK(st.st_mode) ? 0 : st.st_mtim.tv_nsec));
    buf_clear(&content);
}

static inline void describe_tree(const char *path, const char *name, struct buf *to)
{
    struct dirent **names = NULL;
    struct stat st;
    int count;

    describe_file(path, name, to);
    assert_int_equal(lstat(path, &st), 0);
    if (!S_ISDIR(st.st_mode))
        return;
    count = scandir(path, &names, NULL, alphasort);
    assert_true(count >= 2);
    for (int i = 0; i < count; i++) {
        char below[1024];
        char below_name[1024];

        if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0) {
            snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name);
            snprintf(below_name, sizeof below_name, "%s/%s", name, names[i]->d_name);
            describe_tree(below, below_name, to);
        }
        free(names[i]);
    }
    free(names);
}

/* A text that is equal for equal trees: kinds, modes, owners, sizes, times, content. */
static inline char *tree_text(const char *path)
{
    struct buf text = {.max = 4 * MIB};

    describe_tree(path, ".", &text);
    assert_done(buf_add(&text, bytes_of("", 1)));
    return (char *)text.data;
}

static inline void assert_same_text(const char *path, const char *want)
{
    char *is = tree_text(path);

    assert_string_equal(is, want);
    free(is);
}

static inline void assert_same_trees(const char *a, const char *b)
{
    char *want = tree_text(a);

    assert_same_text(b, want);
    free(want);
}

/* ---- what the store holds and nothing names ---- */

struct search {
    const struct world *w;
    struct snapshot_list c;
    struct manifest *manifests;
    size_t orphans;
};

static inline bool manifest_names(const struct manifest *m, const char *name)
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

static inline enum err count_orphan(void *arg, const char *name, uint64_t size)
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

/* Objects, manifests and temporaries that no snapshot has; every manifest must load. */
static inline size_t count_orphans(struct world *w)
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

#endif

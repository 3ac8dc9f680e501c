#include "tests/unit/keyring/rings.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "keyring/admin.h"
#include "keyring/file/file_model.h"
#include "keyring/file/file_seal.h"
#include "keyring/file/file_state.h"
#include "keyring/keyring.h"
#include "tests/unit/helpers.h"

/* textf() */
#define TEXTS_KEPT 4

const uint8_t test_repository[SEAL_ID_LEN] = {0xaa, 1, 2, 3};

struct master_key_options options_of(const char *path, const char *passphrase_file)
{
    return (struct master_key_options){
        .provider = "file", .path = path, .passphrase_file = passphrase_file};
}

enum err create_ring(const struct master_key_options *options, bool unencrypted,
                     struct key_name *out)
{
    struct keyring *k = NULL;
    enum err rc;

    TRY(keyring_open(options, 1, &k));
    TRY(keyring_create(k, 0, unencrypted, out));
out:
    keyring_free(k);
    return rc;
}

struct key_name make_ring(const char *path, const char *passphrase_file)
{
    struct master_key_options options = options_of(path, passphrase_file);
    struct key_name name = {.provider = ""};

    assert_done(create_ring(&options, passphrase_file == NULL, &name));
    return name;
}

void put_secret(const char *file)
{
    assert_done(keyring_generate_secret(file));
}

struct keyring *open_ring(const char *path, const char *passphrase_file)
{
    struct master_key_options options = options_of(path, passphrase_file);
    struct keyring *k = NULL;

    assert_done(keyring_open(&options, 1, &k));
    return k;
}

void do_act(struct keyring *k, enum key_action action, const char *version)
{
    assert_done(keyring_act(k, 0, action, version, KEY_DELETION_DAYS_DEFAULT, NULL));
}

const char *state_of(struct keyring *k, const char *version)
{
    struct key_versions v = {.count = 0};
    const char *state = "none";

    assert_done(keyring_versions(k, 0, true, &v));
    for (size_t i = 0; i < v.count; i++)
        if (strcmp(v.items[i].version, version) == 0)
            state = v.items[i].state;
    key_versions_clear(&v);
    return state;
}

struct buf slurp(const char *path)
{
    struct buf b = {.max = FILE_KEYRING_LEN_MAX};
    FILE *f = fopen(path, "rb");
    uint8_t piece[4096];
    size_t got;

    assert_non_null(f);
    while ((got = fread(piece, 1, sizeof piece, f)) > 0)
        assert_done(buf_add(&b, bytes_of(piece, got)));
    fclose(f);
    return b;
}

void spew(const char *path, struct bytes content)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(content.data, 1, content.len, f), content.len);
    fclose(f);
}

void edit_ring(const char *path, ring_edit *edit)
{
    struct buf raw = slurp(path);
    struct buf fresh = {.max = FILE_KEYRING_LEN_MAX};
    struct file_keyring k = {.count = 0};

    assert_done(file_keyring_decode(buf_bytes(&raw), &k));
    edit(&k);
    assert_done(file_keyring_encode(&k, NULL, &fresh));
    spew(path, buf_bytes(&fresh));
    file_keyring_clear(&k);
    buf_clear(&raw);
    buf_clear(&fresh);
}

void make_due(struct file_keyring *k)
{
    int64_t now_ms = clock_now_ms();

    k->created_ms = now_ms - 40 * CLOCK_DAY_MS;
    for (size_t i = 0; i < k->count; i++)
        k->versions[i].created_ms = k->versions[i].changed_ms = k->created_ms;
    k->versions[0].state = FILE_KEY_PENDING;
    k->versions[0].deletion_ms = now_ms - 60000;
}

bool has_material(const char *path, size_t version)
{
    struct buf raw = slurp(path);
    struct file_keyring k = {.count = 0};
    bool there;

    assert_done(file_keyring_decode(buf_bytes(&raw), &k));
    there = version <= k.count && k.versions[version - 1].stored_len > 0;
    file_keyring_clear(&k);
    buf_clear(&raw);
    return there;
}

const char *textf(const char *fmt, ...)
{
    static char texts[TEXTS_KEPT][ERR_TEXT_MAX];
    static unsigned next;
    char *out = texts[next++ % TEXTS_KEPT];
    va_list args;

    va_start(args, fmt);
    vsnprintf(out, ERR_TEXT_MAX, fmt, args);
    va_end(args);
    return out;
}

uint64_t ring_generation(struct keyring *k)
{
    struct key_versions versions = {.count = 0};
    uint64_t generation;

    assert_done(keyring_versions(k, 0, true, &versions));
    generation = versions.generation;
    key_versions_clear(&versions);
    return generation;
}

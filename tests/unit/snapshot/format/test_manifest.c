#include "snapshot/format/manifest.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/wait.h>

#include "core/base/mem.h"
#include "keyring/catalogue/key_list.h"
#include "snapshot/read/snapshot_reader.h"
#include "tests/unit/snapshot/index_samples.h"
#include "tests/unit/snapshot/repositories.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t own_repository[SEAL_ID_LEN] = {0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
                                                    0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa};

/* Two scopes, three packs, an index of the first scope. */
static struct manifest make_manifest(void)
{
    struct manifest m = {.key_count = 2, .object_count = 3, .index_plain_len = 12345};

    memset(m.repository, 0xaa, SEAL_ID_LEN);
    memcpy(m.id, "0123456789abcdef01234567", SNAPSHOT_ID_TEXT);
    m.keys = calloc(2, sizeof *m.keys);
    m.objects = calloc(3, sizeof *m.objects);
    assert_non_null(m.keys);
    assert_non_null(m.objects);
    for (uint8_t i = 0; i < 2; i++) {
        struct data_key *k = &m.keys[i];

        memcpy(k->context.repository, m.repository, SEAL_ID_LEN);
        memset(k->context.scope, 0x10 + i, SEAL_ID_LEN);
        memset(k->commitment, 0x20 + i, SEAL_COMMITMENT_LEN);
        k->envelopes = calloc(1, sizeof *k->envelopes);
        assert_non_null(k->envelopes);
        k->envelope_count = 1;
        k->envelopes[0].key = (struct key_name){"double", "key", "1", ""};
        snprintf(k->envelopes[0].algorithm, sizeof k->envelopes[0].algorithm, "none");
        k->envelopes[0].wrapped_len = 32;
    }
    for (uint8_t i = 0; i < 3; i++) {
        struct manifest_object *o = &m.objects[i];

        *o = (struct manifest_object){
            .type = OBJECT_PACK, .ordinal = i, .size = object_sealed_size(1000u * i)};
        memset(o->id, 0x30 + i, SEAL_ID_LEN);
        memcpy(o->scope, m.keys[i % 2].context.scope, SEAL_ID_LEN);
        memset(o->sha256, 0x40 + i, HASH_LEN);
    }
    m.index = m.objects[0];
    m.index.type = OBJECT_INDEX;
    memset(m.index.id, 0x50, SEAL_ID_LEN);
    return m;
}

static struct jdoc *make_facts(void)
{
    struct jdoc *facts = NULL;

    assert_done(jdoc_object(&facts));
    assert_done(jdoc_set_text(facts, "id", "0123456789abcdef01234567"));
    assert_done(jdoc_set_text(facts, "status", "completed"));
    return facts;
}

static struct buf encode(const struct manifest *m)
{
    struct buf text = {.max = MIB};
    struct jdoc *facts = make_facts();

    assert_done(manifest_encode(m, facts, &text));
    jdoc_free(facts);
    return text;
}

static void a_manifest_round_trips(void **state)
{
    struct manifest m = make_manifest();
    struct buf text = encode(&m);
    struct buf again;
    struct manifest back = {.key_count = 0};
    uint8_t nobody[SEAL_ID_LEN] = {9};

    (void)state;
    assert_int_equal(text.data[text.len - 1], '\n');
    assert_done(manifest_decode(buf_bytes(&text), own_repository, &back));
    assert_string_equal(back.id, m.id);
    assert_memory_equal(back.repository, m.repository, SEAL_ID_LEN);
    assert_int_equal(back.key_count, 2);
    assert_int_equal(back.object_count, 3);
    assert_memory_equal(back.objects[2].id, m.objects[2].id, SEAL_ID_LEN);
    assert_true(back.objects[2].size == m.objects[2].size && back.objects[2].ordinal == 2);
    assert_true(back.index_plain_len == 12345);
    assert_ptr_equal(manifest_key(&back, back.objects[1].scope), &back.keys[1]);
    assert_null(manifest_key(&back, nobody));
    again = encode(&back);
    assert_true(bytes_equal(buf_bytes(&text), buf_bytes(&again)));
    manifest_clear(&m);
    manifest_clear(&back);
    buf_clear(&text);
    buf_clear(&again);
}

static void its_name_is_that_of_the_snapshot(void **state)
{
    char name[MANIFEST_NAME_LEN + 1];

    (void)state;
    manifest_name("0123456789abcdef01234567", name);
    assert_string_equal(name, "manifests/0123456789abcdef01234567.json");
    assert_int_equal(strlen(name), MANIFEST_NAME_LEN);
    assert_true(store_name_is_legal(name));
}

static void an_objects_header_is_implied(void **state)
{
    struct manifest m = make_manifest();
    struct object_identity identity = manifest_identity(&m, &m.objects[1]);

    (void)state;
    assert_int_equal(identity.type, OBJECT_PACK);
    assert_int_equal(identity.ordinal, 1);
    assert_memory_equal(identity.context.repository, m.repository, SEAL_ID_LEN);
    assert_memory_equal(identity.context.scope, m.keys[1].context.scope, SEAL_ID_LEN);
    assert_memory_equal(identity.id, m.objects[1].id, SEAL_ID_LEN);
    manifest_clear(&m);
}

/* ---- hostile ones: a text in it is exchanged for another ---- */

static void replace(struct buf *text, const char *from, const char *to)
{
    struct buf fresh = {.max = MIB};
    char *cursor;

    assert_done(buf_add(text, bytes_of("", 1)));
    cursor = strstr((char *)text->data, from);
    if (cursor == NULL)
        fail_msg("the manifest has no %s", from);
    assert_done(buf_add(&fresh, bytes_of(text->data, (size_t)(cursor - (char *)text->data))));
    assert_done(buf_add_text(&fresh, to));
    assert_done(buf_add_text(&fresh, cursor + strlen(from)));
    buf_clear(text);
    *text = fresh;
}

static void replace_all(struct buf *text, const char *from, const char *to)
{
    do {
        replace(text, from, to);
        assert_done(buf_add(text, bytes_of("", 1)));
        text->len--;
    } while (strstr((char *)text->data, from) != NULL);
}

static void what_contradicts_itself_or_is_not_known_is_refused(void **state)
{
    static const struct {
        const char *from, *to;
        enum err code;
        const char *message; /* NULL: any */
    } rows[] = {
        {"\"format\":1", "\"format\":2", ERR_UNSUPPORTED, "manifest of format 2 is not known"},
        {"\"manifest\"", "\"index\"", ERR_UNSUPPORTED, "index of format 1 is not known"},
        {"\"format\":1", "\"format\":1,\"!future\":true", ERR_UNSUPPORTED, NULL},
        {"\"format\":1,", "", ERR_CORRUPT, NULL},
        {"\"id\":\"0123456789abcdef01234567\"", "\"id\":\"0123\"", ERR_CORRUPT,
         "the snapshot's id is too short"},
        {"\"type\":\"pack\"", "\"type\":\"index\"", ERR_CORRUPT,
         "an object that is not a pack is listed among the packs"},
        {"\"type\":\"pack\"", "\"type\":\"oplog\"", ERR_UNSUPPORTED,
         "an object of type \"oplog\" is not known"},
        {"\"type\":\"index\"", "\"type\":\"pack\"", ERR_CORRUPT, "the index is of another type"},
        {"\"objects\":[", "\"objects\":[null,", ERR_CORRUPT,
         "item 0 of list \"objects\" is not an object"},
        {"\"objects\":[", "\"objects\":[{},", ERR_CORRUPT, NULL},
        {"\"objects\":[", "\"other\":[", ERR_CORRUPT, NULL},
        {"\"dataKeys\":[", "\"dataKeys\":[[],", ERR_CORRUPT, NULL},
        {"\"ordinal\":2", "\"ordinal\":4294967296", ERR_CORRUPT, NULL},
        {"\"ordinal\":2", "\"ordinal\":-1", ERR_CORRUPT, NULL},
        {"\"ordinal\":2", "\"ordinal\":2.5", ERR_CORRUPT, NULL},
        {"\"plainSize\":12345", "\"plainSize\":1099511627777", ERR_CORRUPT, NULL},
        {"\"plainSize\":12345", "\"plainSize\":null", ERR_CORRUPT, NULL},
        {"}\n", "}\n{}", ERR_CORRUPT, "bytes are left over after the JSON object"},
        {"}\n", "}\n\n", ERR_CORRUPT, "bytes are left over after the JSON object"},
        {"}\n", "} \n", ERR_CORRUPT, "no newline behind the JSON object"},
        {"}\n", "}", ERR_CORRUPT, "not JSON: ends early"},
        {"}\n", "", ERR_CORRUPT, NULL},
        {"{\"format\"", " {\"format\"", ERR_CORRUPT, "not JSON: it does not begin with an object"},
        {"{\"format\"", "\xef\xbb\xbf{\"format\"", ERR_CORRUPT, NULL},
        {"\"completed\"", "\"compl\xff\"", ERR_CORRUPT, NULL},
        {"\"ordinal\":2", "\"other\":\"\xc3\",\"ordinal\":2", ERR_CORRUPT, NULL},
        {"\"ordinal\":2", "\"other\":[[[[[[[[8]]]]]]]],\"ordinal\":2", ERR_OK, NULL},
        {"\"ordinal\":2", "\"other\":[[[[[[[[[9]]]]]]]]],\"ordinal\":2", ERR_CORRUPT,
         "not JSON: nesting too deep"},
        {"\"ordinal\":2", "\"!other\":1,\"ordinal\":2", ERR_UNSUPPORTED, NULL},
        {"\"ordinal\":2", "\"ordinal\":2,\"ordinal\":2", ERR_CORRUPT, NULL},
        {"\"objects\":[", "\"objects\":[],\"objects\":[", ERR_CORRUPT,
         "a member name occurs twice in one object"},
        {"\"objects\":[", "\"\\u006fbjects\":[", ERR_OK, NULL},
        {"\"objects\":[", "\"\\u006fbjects\":[],\"objects\":[", ERR_CORRUPT,
         "a member name occurs twice in one object"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct manifest m = make_manifest();
        struct buf text = encode(&m);
        struct manifest back = {.key_count = 0};
        enum err rc;

        replace(&text, rows[i].from, rows[i].to);
        rc = manifest_decode(buf_bytes(&text), own_repository, &back);
        if (rc != rows[i].code ||
            (rows[i].message != NULL && strcmp(err_text(), rows[i].message) != 0))
            fail_msg("%s -> %s gave %d: %s", rows[i].from, rows[i].to, (int)rc,
                     rc == ERR_OK ? "" : err_text());
        assert_true(rc == ERR_OK ? back.object_count == 3 : back.objects == NULL);
        manifest_clear(&back);
        manifest_clear(&m);
        buf_clear(&text);
    }
}

static void refuse_manifest(struct manifest *m, const char *message)
{
    struct buf text = encode(m);
    struct manifest back = {.key_count = 0};

    assert_refused(manifest_decode(buf_bytes(&text), own_repository, &back), ERR_CORRUPT, message);
    buf_clear(&text);
    manifest_clear(m);
}

static void an_object_without_a_data_key_is_refused(void **state)
{
    struct manifest m = make_manifest();

    (void)state;
    memset(m.objects[2].scope, 0x77, SEAL_ID_LEN);
    refuse_manifest(&m, "object 2 has no data key");
    m = make_manifest();
    memset(m.index.scope, 0x77, SEAL_ID_LEN);
    refuse_manifest(&m, "the index has no data key");
}

static void what_is_named_twice_is_refused(void **state)
{
    struct manifest m = make_manifest();

    (void)state;
    memcpy(m.objects[2].id, m.objects[0].id, SEAL_ID_LEN);
    refuse_manifest(&m, "an object is named twice");
    m = make_manifest();
    memcpy(m.keys[1].context.scope, m.keys[0].context.scope, SEAL_ID_LEN);
    memcpy(m.objects[1].scope, m.keys[0].context.scope, SEAL_ID_LEN);
    refuse_manifest(&m, "a scope has two data keys");
}

static void a_size_that_no_object_has_is_refused(void **state)
{
    static const uint64_t sizes[] = {0, 1, OBJECT_HEADER_LEN, 169, UINT64_C(1) << 41};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct manifest m = make_manifest();

        m.objects[1].size = sizes[i];
        refuse_manifest(&m, NULL);
    }
}

/* Its digest is signed: a changed one is never decoded. Here it only must not break anything. */
static enum err decode_safely(void *arg, struct bytes changed)
{
    struct manifest back = {.key_count = 0};
    enum err rc = manifest_decode(changed, own_repository, &back);

    (void)arg;
    manifest_clear(&back);
    assert_true(rc == ERR_OK || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
    return rc != ERR_OK ? rc : err_set(ERR_CORRUPT, "its digest is another");
}

static void every_changed_byte_is_refused_or_harmless(void **state)
{
    struct manifest m = make_manifest();
    struct buf text = encode(&m);

    (void)state;
    sweep_flips(buf_bytes(&text), decode_safely, NULL);
    sweep_cuts(buf_bytes(&text), decode_safely, NULL);
    manifest_clear(&m);
    buf_clear(&text);
}

static enum err decode_once(void *arg)
{
    struct manifest back = {.key_count = 0};
    enum err rc = manifest_decode(*(struct bytes *)arg, own_repository, &back);

    manifest_clear(&back);
    return rc;
}

static void no_memory_is_said(void **state)
{
    struct manifest m = make_manifest();
    struct buf text = encode(&m);
    struct bytes bytes = buf_bytes(&text);

    (void)state;
    assert_true(sweep_allocations(decode_once, &bytes) > 4);
    manifest_clear(&m);
    buf_clear(&text);
}

/* ---- against the index ---- */

static void the_index_must_name_the_same_objects(void **state)
{
    static const char id[] = "736e617073686f742d696421"; /* as of parts_of_nothing() */
    struct manifest m = make_manifest();
    struct parts p = parts_of_nothing();
    struct index *x = NULL;

    (void)state;
    memcpy(m.id, id, sizeof m.id);
    for (size_t i = 0; i < 3; i++) {
        assert_done(buf_add(&p.objects, bytes_of(m.objects[i].id, SEAL_ID_LEN)));
        p.header.object_count++;
    }
    assert_done(open_parts(&p, &x));
    assert_done(manifest_matches(&m, x));
    m.object_count = 2;
    assert_refused(manifest_matches(&m, x), ERR_CORRUPT,
                   "the index names 3 objects, the manifest 2");
    m.object_count = 3;
    m.objects[1].id[15] ^= 1;
    assert_refused(manifest_matches(&m, x), ERR_CORRUPT,
                   "the index and the manifest name different objects");
    m.objects[1].id[15] ^= 1;
    m.id[0] = '8';
    assert_refused(manifest_matches(&m, x), ERR_CORRUPT,
                   "the index belongs to snapshot 736e617073686f742d696421");
    index_free(x);
    parts_clear(&p);
    manifest_clear(&m);
}

/* ---- in a repository ---- */

struct stored {
    struct world w;
    struct snapshot_list c;
    char path[512]; /* of the manifest */
};

static void make_stored(void **state, struct stored *s)
{
    char name[MANIFEST_NAME_LEN + 1];

    *s = (struct stored){.c = {0}};
    make_world(state, &s->w);
    put_file(in(state, "source/f"), "content");
    make_backup(&s->w);
    assert_done(snapshot_list_read(s->w.ledger, &s->c));
    manifest_name(s->c.items[0].id, name);
    snprintf(s->path, sizeof s->path, "%s/%s", in(state, "repository"), name);
}

static void clear_stored(struct stored *s)
{
    snapshot_list_clear(&s->c);
    clear_world(&s->w);
}

static void refuse_load(struct stored *s, const char *message)
{
    struct manifest m = {.key_count = 0};
    char whole[512];

    snprintf(whole, sizeof whole, "manifest manifests/%s.json: %s", s->c.items[0].id, message);
    assert_refused(manifest_load(s->w.repository, &s->c.items[0], &m), ERR_CORRUPT, whole);
    assert_null(m.keys);
}

static void a_missing_manifest_is_said(void **state)
{
    struct stored s;

    make_stored(state, &s);
    assert_int_equal(unlink(s.path), 0);
    refuse_load(&s, "it is missing from the repository");
    clear_stored(&s);
}

static void a_manifest_of_another_digest_is_refused(void **state)
{
    struct stored s;
    struct buf raw = {.max = MIB};

    make_stored(state, &s);
    assert_done(file_read(s.path, &raw));
    for (size_t i = 0; i < raw.len; i += 97) {
        raw.data[i] ^= 1;
        put_bytes(s.path, raw.data, raw.len);
        refuse_load(&s, "its size or SHA-256 is not that of the signed record (damaged or "
                        "tampered with)");
        raw.data[i] ^= 1;
    }
    put_bytes(s.path, raw.data, raw.len - 1);
    refuse_load(&s,
                "its size or SHA-256 is not that of the signed record (damaged or tampered with)");
    buf_clear(&raw);
    clear_stored(&s);
}

/* The writer signs what it wants; a manifest must still be its record's own. */
static void resign(struct stored *s, struct bytes raw)
{
    put_bytes(s->path, raw.data, raw.len);
    assert_done(hash_of(raw, s->c.items[0].manifest_sha256));
    s->c.items[0].manifest_size = raw.len;
}

static void a_manifest_of_something_else_is_refused_though_it_is_signed(void **state)
{
    struct stored s;
    struct manifest m = {.key_count = 0};
    struct buf raw = {.max = MIB};
    struct buf changed = {.max = MIB};
    char from[2 * SEAL_COMMITMENT_LEN + 1];

    make_stored(state, &s);
    assert_done(file_read(s.path, &raw));
    assert_done(manifest_load(s.w.repository, &s.c.items[0], &m));

    assert_done(buf_add(&changed, buf_bytes(&raw)));
    text_hex(bytes_of(m.repository, SEAL_ID_LEN), from);
    replace_all(&changed, from, "00112233445566778899aabbccddeeff");
    resign(&s, buf_bytes(&changed));
    refuse_load(&s, "it belongs to another repository");

    changed.len = 0;
    assert_done(buf_add(&changed, buf_bytes(&raw)));
    replace(&changed, s.c.items[0].id, "00112233445566778899aabb");
    resign(&s, buf_bytes(&changed));
    refuse_load(&s, "it belongs to snapshot 00112233445566778899aabb");

    changed.len = 0;
    assert_done(buf_add(&changed, buf_bytes(&raw)));
    text_hex(bytes_of(m.keys[0].commitment, SEAL_COMMITMENT_LEN), from);
    replace(&changed, from, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    resign(&s, buf_bytes(&changed));
    refuse_load(&s, "its data key is not the one of the signed record");

    changed.len = 0;
    assert_done(buf_add(&changed, buf_bytes(&raw)));
    replace(&changed, "\"files\":1", "\"files\":3");
    resign(&s, buf_bytes(&changed));
    refuse_load(&s, "its facts are not those of the signed record");

    manifest_clear(&m);
    buf_clear(&raw);
    buf_clear(&changed);
    clear_stored(&s);
}

/* The manifest with the facts that it had, signed. */
static void resign_changed(struct stored *s, const struct manifest *m)
{
    struct buf raw = {.max = MIB};
    struct jdoc *document = NULL;
    struct jdoc *facts = NULL;

    assert_done(file_read(s->path, &raw));
    assert_done(jdoc_parse(buf_bytes(&raw), &document));
    assert_done(jdoc_child(document, "snapshot", &facts));
    raw.len = 0;
    assert_done(manifest_encode(m, facts, &raw));
    resign(s, buf_bytes(&raw));
    jdoc_free(document);
    buf_clear(&raw);
}

/* One more data key, like the first but for its scope. */
static void add_twin_key(struct manifest *m)
{
    assert_done(mem_resize(m->key_count + 1, sizeof *m->keys, &m->keys));
    assert_done(data_key_copy(&m->keys[0], &m->keys[m->key_count]));
    m->keys[m->key_count++].context.scope[0] ^= 1;
}

static void the_records_own_data_key_comes_first_and_seals_the_index(void **state)
{
    struct stored s;
    struct manifest m = {.key_count = 0};
    struct manifest back = {.key_count = 0};
    struct data_key own;

    make_stored(state, &s);
    assert_done(manifest_load(s.w.repository, &s.c.items[0], &m));
    add_twin_key(&m);
    resign_changed(&s, &m);
    assert_done(manifest_load(s.w.repository, &s.c.items[0], &back)); /* so far it is in order */
    manifest_clear(&back);

    memcpy(m.index.scope, m.keys[1].context.scope, SEAL_ID_LEN);
    resign_changed(&s, &m);
    refuse_load(&s, "its data key is not the one of the signed record");

    memcpy(m.index.scope, m.keys[0].context.scope, SEAL_ID_LEN);
    own = m.keys[0];
    m.keys[0] = m.keys[1];
    m.keys[1] = own;
    resign_changed(&s, &m);
    refuse_load(&s, "its data key is not the one of the signed record");

    manifest_clear(&m);
    clear_stored(&s);
}

static void a_rewrap_of_another_data_key_changes_nothing(void **state)
{
    struct stored s;
    struct manifest m = {.key_count = 0};
    struct jdoc *body = NULL;
    struct jdoc *part = NULL;

    make_stored(state, &s);
    assert_done(manifest_load(s.w.repository, &s.c.items[0], &m));
    m.keys[0].commitment[SEAL_COMMITMENT_LEN - 1] ^= 1;
    m.keys[0].envelopes[0].key.version[0] = '7';
    assert_done(jdoc_object(&body));
    assert_done(data_key_write(&m.keys[0], &part));
    assert_done(jdoc_set(body, "dataKey", &part));
    assert_done(jdoc_object(&part));
    assert_done(key_name_write(&m.keys[0].envelopes[0].key, part));
    assert_done(jdoc_set(body, "masterKey", &part));
    assert_done(ledger_append(s.w.ledger, RECORD_REWRAP, body, NULL));
    manifest_clear(&m);
    assert_done(manifest_load(s.w.repository, &s.c.items[0], &m));
    assert_done(manifest_apply_rewraps(s.w.repository, &m));
    assert_string_equal(m.keys[0].envelopes[0].key.version, "1");
    jdoc_free(body);
    manifest_clear(&m);
    clear_stored(&s);
}

static void an_object_that_is_missing_or_of_another_size_is_named(void **state)
{
    struct stored s;
    struct manifest m = {.key_count = 0};
    char name[OBJECT_NAME_LEN + 1];
    char message[256];

    make_stored(state, &s);
    assert_done(manifest_load(s.w.repository, &s.c.items[0], &m));
    assert_int_equal(m.object_count, 1);
    for (int i = 0; i < 2; i++) {
        struct manifest_object *o = i == 0 ? &m.index : &m.objects[0];

        object_name(o->id, name);
        assert_done(manifest_check_objects(s.w.repository, &m));
        o->size++;
        snprintf(message, sizeof message, "object %s is %llu bytes long, its manifest says %llu",
                 name, (unsigned long long)o->size - 1, (unsigned long long)o->size);
        assert_refused(manifest_check_objects(s.w.repository, &m), ERR_CORRUPT, message);
        o->size--;
    }
    assert_done(store_remove(s.w.real, name));
    snprintf(message, sizeof message, "object %s is missing from the repository", name);
    assert_refused(manifest_check_objects(s.w.repository, &m), ERR_CORRUPT, message);
    manifest_clear(&m);
    clear_stored(&s);
}

static void a_manifest_of_other_objects_than_its_index_is_not_opened(void **state)
{
    struct stored s;
    struct manifest m = {.key_count = 0};
    struct snapshot_reader o = {.index = NULL};

    make_stored(state, &s);
    assert_done(manifest_load(s.w.repository, &s.c.items[0], &m));
    m.object_count = 0;
    resign_changed(&s, &m);
    assert_refused(snapshot_reader_open(s.w.repository, s.w.keyring, &s.c.items[0], 0, &o),
                   ERR_CORRUPT, "the index names 1 objects, the manifest 0");
    assert_null(o.index);
    manifest_clear(&m);
    clear_stored(&s);
}

/* ---- as large as can be ---- */

/* In KiB: what /proc says of this process. */
static long memory(const char *field)
{
    char line[256];
    long value = -1;
    FILE *f = fopen("/proc/self/status", "r");

    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field), NULL, 10);
    fclose(f);
    assert_true(value > 0);
    return value;
}

/* In a process of its own, whose peak begins here. */
static int load_within(const struct stored *s, long most_kib)
{
    struct manifest m = {.key_count = 0};
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    long before;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "5", 1), 1); /* forget the peak */
    close(fd);
    before = memory("VmHWM:");
    if (manifest_load(s->w.repository, &s->c.items[0], &m) != ERR_OK)
        return 1;
    if (m.object_count != OBJECT_LIST_MAX || m.key_count != KEY_LIST_MAX)
        return 2;
    return memory("VmHWM:") - before < most_kib ? 0 : 3;
}

/* What a sanitizer keeps beside each allocation is none of ours. */
#define MOST_KIB (16L * 1024)
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef MOST_KIB
#define MOST_KIB LONG_MAX
#endif
#endif

/* All objects and data keys that the caps allow, in 20 MB of text. */
static void the_largest_is_read_within_16_mb(void **state)
{
    struct stored s;
    struct manifest m = {.key_count = 0};
    struct buf raw = {.max = MANIFEST_LEN_MAX};
    struct jdoc *document = NULL;
    struct jdoc *facts = NULL;
    struct data_key *keys;
    pid_t child;
    int status = 0;

    make_stored(state, &s);
    assert_done(manifest_load(s.w.repository, &s.c.items[0], &m));
    assert_done(file_read(s.path, &raw));
    assert_done(jdoc_parse(buf_bytes(&raw), &document));
    assert_done(jdoc_child(document, "snapshot", &facts));
    assert_done(mem_resize(OBJECT_LIST_MAX, sizeof *m.objects, &m.objects));
    for (size_t i = m.object_count; i < OBJECT_LIST_MAX; i++) {
        m.objects[i] = m.objects[0];
        be_put(m.objects[i].id, i, 4);
        m.objects[i].size = object_sealed_size((uint64_t)1 << 39);
    }
    m.object_count = OBJECT_LIST_MAX;
    assert_done(mem_resize(KEY_LIST_MAX, sizeof *keys, &m.keys));
    keys = m.keys;
    for (size_t i = 1; i < KEY_LIST_MAX; i++) {
        assert_done(data_key_copy(&keys[0], &keys[i]));
        be_put(keys[i].context.scope, i, 4);
        assert_done(mem_resize(2, sizeof *keys[i].envelopes, &keys[i].envelopes));
        keys[i].envelopes[0].wrapped_len = ENVELOPE_WRAPPED_MAX;
        keys[i].envelopes[1] = keys[i].envelopes[0];
        keys[i].envelope_count = 2;
    }
    m.key_count = KEY_LIST_MAX;
    raw.len = 0;
    assert_done(manifest_encode(&m, facts, &raw));
    assert_true(raw.len > 15 * MIB);
    resign(&s, buf_bytes(&raw));
    jdoc_free(document);
    buf_clear(&raw);
    manifest_clear(&m);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(load_within(&s, MOST_KIB));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    clear_stored(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_manifest_round_trips),
    cmocka_unit_test(its_name_is_that_of_the_snapshot),
    cmocka_unit_test(an_objects_header_is_implied),
    cmocka_unit_test(what_contradicts_itself_or_is_not_known_is_refused),
    cmocka_unit_test(an_object_without_a_data_key_is_refused),
    cmocka_unit_test(what_is_named_twice_is_refused),
    cmocka_unit_test(a_size_that_no_object_has_is_refused),
    cmocka_unit_test(every_changed_byte_is_refused_or_harmless),
    cmocka_unit_test(no_memory_is_said),
    cmocka_unit_test(the_index_must_name_the_same_objects),
    IN_DIRECTORY(a_missing_manifest_is_said),
    IN_DIRECTORY(a_manifest_of_another_digest_is_refused),
    IN_DIRECTORY(a_manifest_of_something_else_is_refused_though_it_is_signed),
    IN_DIRECTORY(the_records_own_data_key_comes_first_and_seals_the_index),
    IN_DIRECTORY(a_rewrap_of_another_data_key_changes_nothing),
    IN_DIRECTORY(an_object_that_is_missing_or_of_another_size_is_named),
    IN_DIRECTORY(a_manifest_of_other_objects_than_its_index_is_not_opened),
    IN_DIRECTORY(the_largest_is_read_within_16_mb),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

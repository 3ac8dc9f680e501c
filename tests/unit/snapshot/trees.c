#include "tests/unit/snapshot/trees.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/fs/file.h"
#include "tests/unit/helpers.h"

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void remove_all(const char *path)
{
    (void)!nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

void put_bytes(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void put_pattern(const char *path, size_t len, uint32_t seed)
{
    uint8_t *content = malloc(len + 1);

    assert_non_null(content);
    fill_pattern(content, len, seed);
    put_bytes(path, content, len);
    free(content);
}

static void describe_file(const char *path, const char *name, struct buf *to)
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

static void describe_tree(const char *path, const char *name, struct buf *to)
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

char *tree_text(const char *path)
{
    struct buf text = {.max = 4 * MIB};

    describe_tree(path, ".", &text);
    assert_done(buf_add(&text, bytes_of("", 1)));
    return (char *)text.data;
}

void assert_same_text(const char *path, const char *want)
{
    char *is = tree_text(path);

    assert_string_equal(is, want);
    free(is);
}

void assert_same_trees(const char *a, const char *b)
{
    char *want = tree_text(a);

    assert_same_text(b, want);
    free(want);
}

/*
 * Runs a fuzz target once on each file given, and on each file of the directories given: what was
 * once found stays found, without libFuzzer and with any compiler.
 *
 * Exit status: 0; 1 when a file cannot be read or none was given. A finding ends the program.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t done;

/* A copy of exactly its size, so that the address sanitizer sees a byte read too many. */
static int replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size > 0 ? size : 1);
    int whole = file != NULL && data != NULL && fread(data, 1, size, file) == size;

    if (whole) {
        LLVMFuzzerTestOneInput(data, size);
        done++;
    } else {
        perror(path);
    }
    free(data);
    if (file != NULL)
        fclose(file);
    return whole ? 0 : 1;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_directory(const char *directory)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_visible, alphasort);
    int failed = count < 0;

    if (failed)
        perror(directory);
    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat st;

        if (snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name) >=
                (int)sizeof path ||
            stat(path, &st) != 0)
            failed = 1;
        else if (S_ISREG(st.st_mode))
            failed |= replay_file(path, (size_t)st.st_size);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st) != 0) {
            perror(argv[i]);
            failed = 1;
        } else if (S_ISDIR(st.st_mode)) {
            failed |= replay_directory(argv[i]);
        } else {
            failed |= replay_file(argv[i], (size_t)st.st_size);
        }
    }
    if (done == 0)
        fprintf(stderr, "nothing to replay\n");
    return failed || done == 0;
}

/*
 * measure runs a command and writes down what it cost, until what it wrote is durable.
 *
 *   measure RESULT DIR COMMAND [ARGUMENT…]
 *
 * The time ends when the file system of DIR is synced. RESULT gets one line of JSON: wall, user and
 * sys seconds, the largest resident set in KiB (of the command or one of its children) and the
 * status. A program of its own, because a child counts the memory of whoever forked it: from Python
 * every command would have Python's size at least. Exit status: that of the command; 125 for our
 * own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OURS 125

static void give_up(const char *what)
{
    (void)fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
    exit(OURS);
}

static double now(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
        give_up("clock");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int run(char *const *command, struct rusage *used)
{
    int status = 0;
    pid_t child = fork();

    if (child < 0)
        give_up("fork");
    if (child == 0) {
        (void)execvp(command[0], command);
        give_up(command[0]);
    }
    while (wait4(child, &status, 0, used) < 0)
        if (errno != EINTR)
            give_up("wait4");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    struct rusage used;
    double start, end;
    FILE *result;
    int directory, status;

    if (argc < 4) {
        (void)fputs("usage: measure RESULT DIR COMMAND [ARGUMENT…]\n", stderr);
        return OURS;
    }
    directory = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || syncfs(directory) != 0) /* what others left to write is not ours */
        give_up(argv[2]);
    start = now();
    status = run(argv + 3, &used);
    if (syncfs(directory) != 0)
        give_up(argv[2]);
    end = now();
    result = fopen(argv[1], "we");
    if (result == NULL ||
        fprintf(result,
                "{\"wall\": %.3f, \"user\": %.3f, \"sys\": %.3f, \"rss\": %ld, \"status\": %d}\n",
                end - start, seconds(used.ru_utime), seconds(used.ru_stime), used.ru_maxrss,
                status) < 0 ||
        fclose(result) != 0)
        give_up(argv[1]);
    return status;
}

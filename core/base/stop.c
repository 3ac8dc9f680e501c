#include "core/base/stop.h"

#include <signal.h>

static volatile sig_atomic_t requested; /* the only type that a signal handler may write */

static void on_signal(int number)
{
    (void)number;
    requested = 1;
}

void stop_install(void)
{
    /* Without SA_RESTART: a wait, for a lock or for input, ends with EINTR and the caller checks.
     */
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    /* A closed pipe is then an error of write() like any other. */
    sigaction(SIGPIPE, &ignore, NULL);
    /* So is a file that would become larger than this process may make one. */
    sigaction(SIGXFSZ, &ignore, NULL);
}

enum err stop_check(void)
{
    if (requested)
        return err_set(ERR_INTERRUPTED, "interrupted by a signal");
    return ERR_OK;
}

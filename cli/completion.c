#include "cli/document.h"

#include <string.h>

#include "cli/embedded.h"

static const struct {
    const char *name;
    const unsigned char *stub; /* what asks the hidden command, cli/command/complete.h */
} shells[] = {
    {"bash", embedded_complete_bash},
    {"zsh", embedded_complete_zsh},
    {"fish", embedded_complete_fish},
};
#define SHELL_COUNT (sizeof shells / sizeof shells[0])

const char *completion_shell(size_t i)
{
    return i < SHELL_COUNT ? shells[i].name : NULL;
}

enum err completion_write(const char *shell, struct buf *to)
{
    for (size_t i = 0; i < SHELL_COUNT; i++)
        if (strcmp(shells[i].name, shell) == 0)
            return buf_add_text(to, (const char *)shells[i].stub);
    return err_set(ERR_USAGE, "\"%.40s\" is not bash, zsh or fish", shell);
}

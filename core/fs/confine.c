#include "core/fs/confine.h"

#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

/* Newer than some headers. */
#define ACCESS_REFER (UINT64_C(1) << 13)    /* version 2: moving between directories at all */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14) /* version 3 */
#define VERSION_REFER 2
#define VERSION_TRUNCATE 3

#define ACCESS_WRITE                                                                               \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | ACCESS_REFER)

#ifdef SEALPOINT_COVERAGE
static const bool is_wanted = false; /* gcov writes its counts beside the objects, at the end */
#else
static const bool is_wanted = true;
#endif

static bool add_rule(int rules, uint64_t access, int dir)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = dir};

    return dir < 0 ||
           syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

bool confine_writes(const int *dirs, size_t count)
{
    struct landlock_ruleset_attr attr = {.handled_access_fs = ACCESS_WRITE};
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    bool is_done;
    int rules;

    /* Needed for the other as well: root or not. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || version < VERSION_REFER || !is_wanted)
        return false;
    if (version >= VERSION_TRUNCATE)
        attr.handled_access_fs |= ACCESS_TRUNCATE;
    rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    is_done = rules >= 0;
    for (size_t i = 0; i < count && is_done; i++)
        is_done = add_rule(rules, attr.handled_access_fs, dirs[i]);
    is_done = is_done && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    if (rules >= 0)
        close(rules);
    return is_done;
}

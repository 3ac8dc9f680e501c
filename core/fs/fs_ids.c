#include "core/fs/fs_ids.h"

#include <assert.h>
#include <sys/syscall.h>
#include <unistd.h>

/* An id that no user has changes nothing, and the call answers what the id is: there is no other
 * way to learn whether setting it worked. */
static bool set_id(long call, unsigned id)
{
    syscall(call, id);
    return (unsigned)syscall(call, (unsigned)-1) == id;
}

/* The group first: a thread that is no longer root's may not change it. */
bool fs_ids_take(uid_t uid, gid_t gid)
{
    bool is_taken = set_id(SYS_setfsgid, gid) && set_id(SYS_setfsuid, uid);

    if (!is_taken)
        fs_ids_give_back();
    return is_taken;
}

void fs_ids_give_back(void)
{
    bool is_back = set_id(SYS_setfsuid, geteuid()) && set_id(SYS_setfsgid, getegid());

    assert(is_back);
    (void)is_back;
}

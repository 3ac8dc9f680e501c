#!/usr/bin/python3
"""The rooms in their one direction, and each library behind the few files that may know it.

    rooms.py [ROOT]    (docs/DESIGN.md, "Rooms")

A file includes only rooms to the left of its own, its own header first, everything by its path from
the root; a library's header only where the table below allows it.
"""

import fnmatch
import pathlib
import re
import sys

# From left to right. The innermost directory that is listed is a file's room: cli/config belongs to cli.
ROOMS = [
    "core/base", "core/fs", "core/net", "core/alert", "core/seal", "core/store", "core/ledger",
    "core/repository", "keyring", "keyring/catalogue",
    "snapshot/format", "snapshot/source", "snapshot/read",
    "snapshot/backup", "snapshot/restore", "snapshot/verify", "snapshot/browse",
    "oplog", "cli", "tests",
]  # fmt: skip
# What does not see each other: cli, or for the last pair keyring/catalogue, composes them.
APART = [
    ({"snapshot/backup"}, {"snapshot/restore"}, {"snapshot/verify"}, {"snapshot/browse"}),
    ({room for room in ROOMS if room.startswith("snapshot/")}, {"oplog"}),
    ({"keyring"}, {"core/ledger", "core/repository"}),
]

LIBRARIES = {
    "openssl/": ["core/base/hash.c", "core/base/rand.c", "core/base/secret.c", "core/base/text.c",
                 "core/seal/*.c", "core/ledger/signer.c", "keyring/file/*.c", "tests/unit/*"],
    "zstd": ["snapshot/format/codec.c", "oplog/*codec*.c", "tests/unit/*"],
    "archive": ["snapshot/*/tar_*", "tests/unit/*"],
    "json-c/": ["core/base/jdoc.c"],
    "yaml.h": ["cli/config/*.c"],
    "curl/": ["core/net/*.c"],
    "bson/": ["oplog/*.c"],
    "mongoc/": ["oplog/live.c"],
    "cmocka.h": ["tests/unit/*"],
    "wiredtiger.h": ["tests/tools/shop.c"],
}  # fmt: skip

# C11, POSIX and Linux. What is in neither table is a library nobody decided on.
SYSTEM = set(
    """assert.h complex.h ctype.h errno.h float.h inttypes.h iso646.h limits.h locale.h math.h setjmp.h
    signal.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h
    stdnoreturn.h string.h threads.h time.h dirent.h dlfcn.h fcntl.h fnmatch.h ftw.h glob.h grp.h
    libgen.h poll.h pthread.h pwd.h sched.h semaphore.h spawn.h strings.h syslog.h termios.h
    unistd.h sys/file.h sys/ioctl.h sys/mman.h sys/mount.h sys/prctl.h sys/random.h
    sys/resource.h sys/stat.h
    sys/statfs.h sys/statvfs.h sys/sysmacros.h sys/time.h sys/timex.h sys/types.h sys/uio.h sys/utsname.h
    sys/wait.h sys/xattr.h linux/falloc.h linux/fs.h linux/magic.h linux/landlock.h linux/openat2.h linux/btrfs.h
    sys/syscall.h sys/sendfile.h search.h
    sys/socket.h sys/un.h""".split()
)

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
IGNORED = re.compile(r"^(build|\.)")


def room_of(path):
    return max((room for room in ROOMS if path.startswith(room + "/")), key=len, default=None)


def are_apart(mine, theirs):
    for group in APART:
        sides = [side for side in group if mine in side or theirs in side]
        if len(sides) == 2:
            return True
    return False


def allowed(path, globs):
    return any(fnmatch.fnmatch(path, glob) for glob in globs)


def check_ours(path, name, root):
    """What is wrong with `path` including our header `name`, or None."""
    mine, theirs = room_of(path), room_of(name)
    if theirs is None or not (root / name).is_file():
        return f'"{name}" is no path from the root'
    if ROOMS.index(theirs) > ROOMS.index(mine):
        return f"{mine} must not know {theirs} ({name})"
    if are_apart(mine, theirs):
        return f"{mine} and {theirs} do not see each other ({name})"
    return None


def check_system(path, name):
    for prefix, globs in LIBRARIES.items():
        if name.startswith(prefix):
            return None if allowed(path, globs) else f"<{name}> belongs to {', '.join(globs)}"
    return None if name in SYSTEM else f"<{name}> is in no table of tests/lint/rooms.py"


def check_own_first(path, includes, root):
    own = re.sub(r"\.c$", ".h", path)
    if not path.endswith(".c") or not (root / own).is_file():
        return None
    first = includes[0][0] if includes else None
    return None if first == own else f'its own header "{own}" must be the first include'


def check_file(path, root):
    text = (root / path).read_text(encoding="utf-8")
    includes = INCLUDE.findall(text)
    found = [check_own_first(path, includes, root)]
    for ours, system in includes:
        found.append(check_ours(path, ours, root) if ours else check_system(path, system))
    if room_of(path) is None:
        found.append("C code outside the rooms")
    return [f"{path}: {what}" for what in found if what]


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    wrong = []
    for file in sorted(root.rglob("*.[ch]")):
        path = file.relative_to(root).as_posix()
        if not IGNORED.match(path):
            wrong += check_file(path, root)
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

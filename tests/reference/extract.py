"""Write the files of a snapshot into a new directory."""

import os

import index


def _set_metadata(path, entry):
    follow = {"follow_symlinks": False}
    if os.geteuid() == 0:
        os.chown(path, entry.uid, entry.gid, **follow)
    if entry.type != index.SYMLINK:
        os.chmod(path, entry.mode)
    for name, value in entry.xattrs:
        try:
            os.setxattr(path, name, value, **follow)
        except OSError:
            pass  # not on every file system; the listing shows them
    os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns), **follow)


def _write_file(snapshot, entry, path):
    with open(path, "xb") as file:
        for block in snapshot.content(entry):
            if block.strip(b"\0"):
                file.write(block)
            else:
                file.seek(len(block), os.SEEK_CUR)
        file.truncate(entry.size)


def extract(snapshot, target):
    """`target` must not be there yet. Directories come before what lies in them, links at the end:
    so nothing is ever written through a link."""
    root = os.fsencode(target)
    os.mkdir(root)
    entries = snapshot.index.entries
    at = {entry.path: os.path.join(root, entry.path) for entry in entries}
    for entry in entries:
        path = at[entry.path]
        if entry.type == index.DIRECTORY and entry.path != index.ROOT:
            os.mkdir(path)
        elif entry.type == index.FIFO:
            os.mkfifo(path)
        elif entry.type == index.FILE and not entry.flags & index.HARD_LINK:
            _write_file(snapshot, entry, path)
    for entry in entries:
        if entry.type == index.SYMLINK:
            os.symlink(entry.link, at[entry.path])
        elif entry.flags & index.HARD_LINK:
            os.link(at[entry.link], at[entry.path])
    for entry in reversed(entries):  # what is in a directory before its own time is set
        if not entry.flags & index.HARD_LINK:
            _set_metadata(at[entry.path], entry)

"""File systems of a test's own, mounted for it; only root can."""

import contextlib
import os
import shutil
import subprocess

import pytest


def run(*args):
    return subprocess.run([str(arg) for arg in args], capture_output=True, text=True, check=False)


@contextlib.contextmanager
def mounted(directory, size_mb, mkfs, mount=("mount", "-o", "loop")):
    """A new file system, made by `mkfs` and mounted by `mount`; skips where that is not possible."""
    if os.geteuid() != 0 or not shutil.which(mkfs[0]) or not shutil.which(mount[0]):
        pytest.skip(f"needs root, {mkfs[0]} and {mount[0]}")
    image, where = directory / f"{mkfs[0]}.img", directory / f"{mkfs[0]}.mounted"
    where.mkdir()
    run("truncate", "-s", f"{size_mb}M", image)
    made = run(*mkfs, image)
    assert made.returncode == 0, made
    done = run(*mount, image, where)
    if done.returncode != 0:
        pytest.skip(f"{mkfs[0]}: cannot be mounted here: {done.stderr}")
    try:
        yield where
    finally:
        run("umount", "-l", where)

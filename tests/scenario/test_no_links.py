"""Repositories and keyrings where there are no hard links: FAT, exFAT, some FUSE."""

import fcntl
import os
import threading
import time

import pytest

import shim
from conftest import SANITIZED, Sealpoint, fill_source, read_tree
from volumes import mounted

LACKS = ["link", "link,noreplace"]


def run(repo, lacks, *args, expect=0, **options):
    """A command on a file system that does not know these calls."""
    env = {**repo.env(), "FAULT_LACKS": lacks}
    done = shim.run(repo.command(*args), under=[repo.directory], env=env, stdin="", **options)
    assert expect is None or done.returncode == expect, (args, done.stderr)
    return done


@pytest.mark.parametrize("lacks", LACKS)
def test_everything_works_without_links(fast, lacks):
    repo = Sealpoint(fast, unencrypted=True)
    repo.keyring.parent.mkdir()
    fill_source(repo.source)
    run(repo, lacks, "init")
    for _ in range(2):
        run(repo, lacks, "backup", repo.source)
    run(repo, lacks, "key", "rotate")
    run(repo, lacks, "backup", repo.source)
    run(repo, lacks, "verify", "--read-data")
    run(repo, lacks, "restore", "latest", "--to", repo.target)
    assert read_tree(repo.target) == read_tree(repo.source)
    repo.assert_tidy()
    run(repo, lacks, "init", expect=None)
    assert len(repo.ids()) == 3


@pytest.mark.parametrize("lacks", LACKS)
def test_a_name_that_is_taken_is_never_replaced(quick, lacks):
    """Two machines with one signing key: the second must see the first one's record, not write over it."""
    quick.backup()
    twin = Sealpoint(quick.directory, unencrypted=True)
    done = [run(repo, lacks, "backup", repo.source) for repo in (quick, twin)]
    assert [one.returncode for one in done] == [0, 0]
    before = quick.stored()
    run(quick, lacks, "init", expect=None)
    assert before.items() <= quick.stored().items()


@pytest.mark.skipif(SANITIZED, reason="the shim and the sanitizers each want to be first")
def test_a_kill_at_any_step_leaves_a_ledger_that_can_be_read(quick):
    lacks = "link,noreplace"
    calls = run(quick, lacks, "backup", quick.source).calls
    assert calls > 10
    for at in range(1, calls + 1, 3):
        run(quick, lacks, "backup", quick.source, at=at, do="kill", expect=None)
        quick.run("verify", "--read-data")
    run(quick, lacks, "backup", quick.source)
    quick.assert_tidy()


def test_on_a_real_exfat(tmp_path):
    with mounted(tmp_path, 64, ("mkfs.exfat",), ("mount", "-t", "exfat-fuse", "-o", "loop")) as root:
        repo = Sealpoint(tmp_path / "here", unencrypted=True)
        repo.directory.mkdir()
        repo.repository = root / "repository"
        repo.keyring = root / "keys" / "keyring.json"
        repo.keyring.parent.mkdir()
        fill_source(repo.source)
        repo.run("init")
        for _ in range(2):
            repo.backup()
        repo.run("key", "rotate")
        repo.backup()
        repo.run("verify", "--read-data")
        repo.restore()
        assert read_tree(repo.target) == read_tree(repo.source)
        repo.assert_tidy()


# --- a held keyring lock ---


def hold(path):
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def test_who_waits_for_a_held_keyring_says_for_what(quick):
    lock = hold(f"{quick.keyring}.lock")
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"4711\n", 0)
    threading.Timer(2, os.close, [lock]).start()
    began = time.monotonic()
    done = quick.run("key", "rotate")
    assert time.monotonic() - began > 1.5
    assert f"waiting for process 4711, which holds {quick.keyring}.lock" in done.err

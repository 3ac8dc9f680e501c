"""A source that somebody writes to while it is read: status 10, a word for each file, and a
snapshot that holds what was there."""

import os
import shutil
import subprocess

import pytest

import shim
from conftest import ATTENTION, make, pattern, read_tree

SIZE = 3_000_000  # more than is read at once


@pytest.fixture
def moving(fast):
    """A source of three larger files, and a backup that can be stopped while it reads them."""
    repo = make(fast, unencrypted=True)
    shutil.rmtree(repo.source)
    repo.source.mkdir()
    for number, name in enumerate(("a", "b", "c")):
        (repo.source / name).write_bytes(pattern(SIZE, number))
    return repo


def stopped(repo):
    """Stands still when the first bytes of a pack are to be written: `a` is being read."""
    return shim.stopped(repo.command("backup", repo.source, "--workers", "1", "--json"),
                        [repo.repository], 1, only=["write"], env=repo.env())


def restored(repo, process):
    done = repo.restore("latest", expect=ATTENTION)
    assert process.returncode == ATTENTION, process.err
    listing = repo.run("ls", "latest", "--json").json["results"]
    return read_tree(repo.target), [entry["path"] for entry in listing if entry["changed"]], done


def test_a_file_written_to_while_it_is_read_is_said_and_marked(moving):
    repo = moving
    with stopped(repo) as process:
        with open(repo.source / "a", "r+b") as file:
            file.seek(SIZE - 10)
            file.write(b"0123456789")
    assert "a: changed while it was read; the snapshot holds a mixture of old and new content" in \
        process.err
    tree, changed, _ = restored(repo, process)
    assert changed == ["a"]
    assert len(tree["a"]) == SIZE
    assert tree["b"] == (repo.source / "b").read_bytes()
    # The next one reads it again, whatever its times say, and is right.
    repo.backup()
    repo.restore("latest", "--delta", "--yes")
    assert read_tree(repo.target) == read_tree(repo.source)
    repo.run("verify", "--decrypt")
    assert repo.run("ls", "latest").out.count("changed") == 0


def test_a_file_that_grows_is_kept_as_long_as_it_was(moving):
    repo = moving
    before = (repo.source / "a").read_bytes()
    with stopped(repo) as process:
        with open(repo.source / "a", "ab") as file:
            file.write(b"grown" * 1000)
    assert "a: changed while it was read" in process.err
    tree, changed, _ = restored(repo, process)
    assert changed == ["a"] and tree["a"] == before


def test_a_file_that_is_cut_is_filled_with_zeros_and_marked(moving):
    repo = moving
    before = (repo.source / "a").read_bytes()
    with stopped(repo) as process:
        os.truncate(repo.source / "a", 2_500_000)
    assert "a: changed while it was read" in process.err
    tree, changed, _ = restored(repo, process)
    assert changed == ["a"] and len(tree["a"]) == SIZE
    assert tree["a"][:1_000_000] == before[:1_000_000]
    assert not any(tree["a"][2_600_000:])


def test_a_file_replaced_by_another_is_read_as_the_one_that_was_opened(moving):
    repo = moving
    before = (repo.source / "a").read_bytes()
    with stopped(repo) as process:
        (repo.source / "other").write_bytes(b"new")
        (repo.source / "other").rename(repo.source / "a")
    tree = None
    if process.returncode == 0:
        repo.restore()
        tree = read_tree(repo.target)
    else:
        tree, _, _ = restored(repo, process)
    assert tree["a"] == before


def test_a_file_that_vanishes_before_it_is_read_is_said(moving):
    repo = moving
    with stopped(repo) as process:
        (repo.source / "c").unlink()
    assert process.returncode == ATTENTION, process.err
    assert "c: vanished before it was read" in process.err
    repo.restore()
    assert sorted(read_tree(repo.target)) == ["a", "b"]
    repo.run("verify", "--decrypt")


@pytest.mark.skipif(os.getuid() != 0, reason="mounts")
def test_a_file_system_that_is_unmounted_midway_is_said(moving):
    repo = moving
    inner = repo.source / "d"
    inner.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", inner], check=False).returncode != 0:
        pytest.skip("no mounts here")
    (inner / "file").write_bytes(b"of its own")
    with stopped(repo) as process:
        subprocess.run(["umount", inner], check=True)
    assert process.returncode == ATTENTION, process.err
    assert "a file system that was mounted in the source when the backup began is gone" in \
        process.err
    assert repo.backup()


def test_a_file_that_becomes_a_link_or_a_pipe_is_not_followed(moving):
    repo = moving
    outside = repo.directory / "outside"
    outside.write_bytes(b"secret")
    with stopped(repo) as process:
        (repo.source / "b").unlink()
        (repo.source / "b").symlink_to(outside)
        (repo.source / "c").unlink()
        os.mkfifo(repo.source / "c")  # must not make us wait
    assert process.returncode == 0, process.err
    repo.restore()
    assert os.readlink(repo.target / "b") == str(outside)
    assert (repo.target / "c").is_fifo()


def test_an_unreadable_file_fails_the_backup_by_name(quick):
    repo = quick
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (repo.source / "a.txt").chmod(0)
    done = repo.run("backup", repo.source, expect=1)
    assert "opening a.txt: Permission denied" in done.err
    assert repo.ids() == []
    repo.assert_tidy()


def test_a_source_that_is_not_there_or_no_directory_is_refused(quick):
    repo = quick
    repo.run("backup", repo.directory / "missing", expect=None)
    for source in (repo.directory / "missing", repo.source / "a.txt"):
        done = repo.run("backup", source, expect=None)
        assert done.status in (1, 2, 5) and str(source) in done.err, done
    assert repo.ids() == []
    repo.assert_tidy()


def test_sockets_are_left_out_and_pipes_are_kept(quick):
    import socket
    repo = quick
    os.mkfifo(repo.source / "pipe")
    where = os.getcwd()
    os.chdir(repo.source)  # a socket's path must be short
    try:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("socket")
        listener.close()
    finally:
        os.chdir(where)
    done = repo.run("backup", repo.source, expect=None)
    assert done.status in (0, ATTENTION), done
    repo.restore()
    assert not (repo.target / "socket").exists()
    assert (repo.target / "pipe").is_fifo()

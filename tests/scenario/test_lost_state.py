"""What a machine says when its state, its signing key or its repository's disk is not there."""

import os
import shutil
import subprocess

import pytest

from conftest import CORRUPT, NOT_FOUND, STORAGE, USAGE, read_tree

COMMANDS = ["backup", "snapshots", "init"]


def arguments(repo, command):
    return [command, *([repo.source] if command == "backup" else [])]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_is_not_mounted_is_not_a_new_repository(quick, command):
    """The repository is a directory on it."""
    repo = quick
    repo.backup()
    repo.repository.rename(repo.directory / "unmounted")
    done = repo.run(*arguments(repo, command), expect=STORAGE)
    assert "this machine has used it before: is its disk mounted?" in done.err
    assert not repo.repository.exists()
    (repo.directory / "unmounted").rename(repo.repository)
    repo.backup()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_mount_point_is_not_a_new_repository(quick, command):
    """The repository is the disk itself: without it its place is an empty directory."""
    repo = quick
    place = repo.directory / "disk"
    place.mkdir()
    mounted = repo.run("snapshots", before=["true"], expect=None).status == 0 and os.system(
        f"mount --bind {repo.repository} {place}") == 0
    if not mounted:
        pytest.skip("nothing can be mounted here")
    repo.repository = place
    try:
        repo.backup()
    finally:
        os.system(f"umount {place}")
    done = repo.run(*arguments(repo, command), expect=STORAGE)
    assert "this machine has used it before: is its disk mounted?" in done.err
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("left", ["nothing", "empty directories", "strangers"])
def test_a_repository_that_was_wiped_is_an_alarm(quick, command, left):
    repo = quick
    repo.backup()
    fingerprint = repo.fingerprint()
    shutil.rmtree(repo.repository)
    repo.repository.mkdir()
    if left != "nothing":
        (repo.repository / "ledger").mkdir()
    if left == "strangers":
        (repo.repository / "README").write_text("pay here\n")
    done = repo.run(*arguments(repo, command), expect=CORRUPT)
    assert f"the repository {fingerprint} was here, and now there is none" in done.err
    assert "mounted" not in done.err
    # Only in words can another take its place.
    repo.run("snapshots", "--trust-new", expect=NOT_FOUND)
    repo.run("init", "--trust-new")
    assert repo.fingerprint() != fingerprint
    repo.backup()


def test_a_lost_signing_key_is_put_back(quick):
    repo = quick
    key = repo.state_directory() / "signing-key.json"
    key.rename(repo.directory / "copy.json")
    for command in (["backup", repo.source], ["init"]):
        done = repo.run(*command, expect=USAGE if command[0] == "backup" else 1)
        assert "to back up from here, `sealpoint writer request` asks for" in done.err
    (repo.directory / "copy.json").rename(key)
    repo.run("backup", repo.source)


def test_a_damaged_signing_key_stops_only_what_signs(quick):
    repo = quick
    which = repo.backup()
    key = repo.state_directory() / "signing-key.json"
    key.write_bytes(key.read_bytes()[:40])
    repo.restore()
    assert read_tree(repo.target) == read_tree(repo.source)
    repo.run("verify", "--decrypt")
    repo.run("ls", which)
    done = repo.run("backup", repo.source, expect=CORRUPT)
    assert str(key) in done.err


def test_a_state_directory_that_cannot_be_written_stops_only_what_writes(quick):
    repo = quick
    repo.backup()
    blocked = repo.directory / "file"
    blocked.write_text("")
    new = ["--state-dir", blocked / "state", "--fingerprint", repo.fingerprint()]
    done = repo.run("backup", repo.source, *new, expect=STORAGE)
    assert f"state directory {blocked}" in done.err and "--state-dir DIR" in done.err
    done = repo.restore("latest", *new)
    assert read_tree(repo.target) == read_tree(repo.source)
    assert f"state directory {blocked}" in done.err and "not remembered" in done.err
    repo.run("verify", "--decrypt", *new)


@pytest.mark.parametrize("how", ["belongs to another user", "can be written by others"])
def test_a_state_directory_that_others_can_change_is_said(quick, how):
    """They can rename what lies in it, and put a memory of their own in its place."""
    repo = quick
    if how.startswith("belongs") and os.geteuid() != 0:
        pytest.skip("it takes root to give a directory away")
    assert "state directory" not in repo.run("snapshots").err
    if how.startswith("belongs"):
        os.chown(repo.state, 65534, 65534)
    else:
        repo.state.chmod(0o770)
    for command in (["backup", repo.source], ["snapshots"], ["restore", "latest", "--to", repo.target]):
        assert f"warning: the state directory {repo.state} {how}" in repo.run(*command).err


@pytest.mark.parametrize("cause", ["ENOSPC", "EROFS"])
def test_a_full_or_read_only_state_directory_is_named(quick, cause):
    repo = quick
    repo.backup()
    full = dict(under=[repo.state], at=1, do=cause, sticky=True)
    done = repo.shim("backup", repo.source, **full)
    assert done.returncode == STORAGE, done.stderr
    assert f"state directory {repo.state_directory()}" in done.stderr
    assert "--state-dir DIR" in done.stderr
    done = repo.shim("restore", "latest", "--to", repo.target, **full)
    assert done.returncode == 0, done.stderr
    assert read_tree(repo.target) == read_tree(repo.source)
    repo.repository = repo.directory / "second"
    done = repo.shim("init", **full)
    assert done.returncode == STORAGE, done.stderr
    assert f"state directory {repo.state}" in done.stderr and "--state-dir DIR" in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="mounts")
def test_a_state_directory_that_fills_up_while_files_are_read_is_named(quick):
    repo = quick
    small = repo.directory / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80k", "none", small],
                      check=False).returncode != 0:
        pytest.skip("no mounts here")
    try:
        shutil.copytree(repo.state, small / "state")
        repo.state = small / "state"
        for i in range(1200):
            (repo.source / f"file-{i}").write_bytes(b"%d" % i)
        done = repo.run("backup", repo.source, expect=STORAGE)
        assert f"state directory {repo.state_directory()}: writing: No space left" in done.err
        assert "\n  --state-dir DIR names one that can be written\n" in done.err
        assert repo.ids() == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_what_a_lost_journal_would_have_removed_is_counted(quick):
    repo = quick
    repo.backup()
    before = set(repo.objects())
    (repo.source / "new").write_bytes(os.urandom(100_000))
    killed = repo.shim("backup", repo.source, "--full", only=["link"], at=3, do="kill",
                       under=[repo.repository])
    left = set(repo.objects()) - before
    assert killed.returncode == -9 and left
    size = sum(path.stat().st_size for path in left)
    (repo.state_directory() / "pending").unlink()
    repo.backup()
    told = repo.run("verify", "--json").json
    assert told["unused"] == len(left) and told["unusedBytes"] == size and told["damaged"] == 0
    plural = "s" if len(left) > 1 else ""
    assert f"{len(left)} object{plural} (" in repo.run("verify").out.split("\n", 1)[1]
    assert "that no snapshot uses" in repo.run("verify", "--read-data").out

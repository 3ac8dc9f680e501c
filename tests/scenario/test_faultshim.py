"""The shim that the tests of failures rely on, tested itself with small commands."""

import os
import signal

import pytest

import shim

KILLED = -signal.SIGKILL


@pytest.fixture
def disk(tmp_path):
    directory = tmp_path / "disk"
    directory.mkdir()
    return directory


def write_of(path, size=8192):
    """A command that writes `size` bytes in one call, then syncs."""
    return ["dd", "if=/dev/zero", f"of={path}", f"bs={size}", "count=1", "conv=fsync"]


def names(result):
    return [name for _, name, _ in result.log]


@pytest.mark.parametrize("command, name", [
    (["ln", "a", "b"], "linkat"),
    (["ln", "-s", "a", "b"], "symlinkat"),
    (["mv", "a", "b"], "rename"),
    (["mkdir", "d"], "mkdirat"),
    (["rm", "a"], "unlink"),
    (["touch", "new"], "open"),
    (["truncate", "-s", "1", "a"], "ftruncate"),
    (["sync", "-d", "a"], "fdatasync"),
    (["sync", "a"], "fsync"),
    (["sync", "-f", "a"], "syncfs"),
])
def test_a_change_is_counted_and_can_be_refused(disk, command, name):
    (disk / "a").write_text("a")
    refused = shim.run(command, [disk], at=1, do="EIO", only=[name], cwd=disk)
    assert refused.returncode == 1
    assert "Input/output error" in refused.stderr
    assert refused.calls == 1
    assert names(refused) == [name]
    before = shim.run(command, [disk], cwd=disk)
    assert before.returncode == 0, before.stderr
    assert name in names(before)


def test_what_lies_elsewhere_is_not_counted(disk, tmp_path):
    result = shim.run(write_of(tmp_path / "other"), [disk])
    assert (result.returncode, result.calls) == (0, 0)
    assert shim.run(write_of(tmp_path / "disk-not"), [disk]).calls == 0


def test_relative_paths_and_links_count_as_where_they_lead(disk, tmp_path):
    os.symlink(disk, tmp_path / "link")
    assert shim.run(["mkdir", "disk/one"], [disk], cwd=tmp_path).calls == 1
    assert shim.run(["mkdir", "link/two"], [disk], cwd=tmp_path).calls == 1
    assert shim.run(["mkdir", "link/three"], [tmp_path / "link"], cwd=tmp_path).calls == 1


def test_the_kill_comes_before_the_call_or_after_it(disk):
    assert shim.run(["mkdir", disk / "a"], [disk], at=1, do="kill").returncode == KILLED
    assert not (disk / "a").exists()
    after = shim.run(["mkdir", disk / "a"], [disk], at=1, do="kill-after")
    assert after.returncode == KILLED
    assert (disk / "a").exists()
    assert after.calls == 1


def test_a_stopped_command_goes_on_with_what_others_did_meanwhile(disk):
    with shim.stopped(["mkdir", disk / "a"], [disk], at=1) as process:
        assert not (disk / "a").exists()
        (disk / "a").mkdir()
    assert process.returncode == 1
    assert "File exists" in process.err


def test_every_point_of_a_copy_can_be_killed(disk):
    calls = shim.count(write_of(disk / "a"), [disk])
    assert calls >= 3  # open, write, fsync
    for at in shim.points(calls):
        result = shim.run(write_of(disk / "a"), [disk], at=at, do="kill")
        assert (result.returncode, result.calls) == (KILLED, at)
    assert shim.run(write_of(disk / "a"), [disk], at=calls + 1, do="kill").returncode == 0


def test_a_full_disk_refuses_the_write(disk):
    result = shim.run(write_of(disk / "a"), [disk], at=1, do="ENOSPC", only=["write"])
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    assert (disk / "a").stat().st_size == 0


def test_a_short_write_is_half_done_and_then_the_disk_is_full(disk):
    result = shim.run(write_of(disk / "a"), [disk], at=1, do="short", only=["write"])
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    assert (disk / "a").stat().st_size == 4096


def test_a_full_disk_stays_full_when_told_to_but_lets_names_be_removed(disk):
    for name in "abc":
        (disk / name).write_text("x")
    (disk / "d").mkdir()
    link = ["ln", disk / "a", disk / "b", disk / "c", disk / "d"]
    assert shim.run(link, [disk], at=2, do="ENOSPC", sticky=True).returncode == 1
    assert sorted(os.listdir(disk / "d")) == ["a"]
    assert shim.run(["rm", disk / "a", disk / "b"], [disk], at=1, do="ENOSPC",
                    sticky=True).returncode == 0
    assert sorted(os.listdir(disk)) == ["c", "d"]


def test_without_sticky_only_one_call_fails(disk):
    result = shim.run(["mkdir", disk / "a", disk / "b", disk / "c"], [disk], at=2, do="EROFS")
    assert result.returncode == 1
    assert sorted(os.listdir(disk)) == ["a", "c"]
    assert result.calls == 3


def test_a_link_can_be_made_and_denied(disk):
    (disk / "a").write_text("x")
    result = shim.run(["ln", disk / "a", disk / "b"], [disk], at=1, do="done-EEXIST", only=["link"])
    assert result.returncode == 1
    assert "File exists" in result.stderr
    assert (disk / "a").stat().st_nlink == 2


def test_a_wrong_order_does_not_pass_for_a_working_disk(disk):
    assert shim.run(["true"], [disk], at=1, do="ENOTHING").returncode == 99
    assert shim.run(["true"], [disk], at="x", do="EIO").returncode == 99


def test_points_are_spread():
    assert shim.points(3) == [1, 2, 3]
    assert shim.points(100, most=3) in ([1, 50, 100], [1, 51, 100])

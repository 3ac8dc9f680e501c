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


# ---- the power fails ----

PYTHON = ["/usr/bin/python3", "-c"]


def lose(disk, code, at=shim.AT_THE_END, seed=0):
    """Run `code` in `disk`; the power fails at that call, or as soon as it has ended."""
    result = shim.run([*PYTHON, "import os\n" + code], [disk], at=at, do="power", cwd=disk, seed=seed)
    assert result.returncode == (0 if at == shim.AT_THE_END else KILLED), result.stderr
    return {path.name: path.read_bytes() for path in disk.iterdir() if path.is_file()}


WRITE = """
fd = os.open("new", os.O_WRONLY | os.O_CREAT, 0o600)
os.write(fd, b"content")
"""
SYNC_DIRECTORY = """
here = os.open(".", os.O_RDONLY)
os.fsync(here)
"""


def test_a_new_file_needs_its_own_sync_and_that_of_its_directory(disk):
    assert lose(disk, WRITE) == {}
    assert lose(disk, WRITE + "os.fsync(fd)") == {}
    assert lose(disk, WRITE + SYNC_DIRECTORY) == {"new": b""}
    assert lose(disk, WRITE + "os.fsync(fd)" + SYNC_DIRECTORY) == {"new": b"content"}
    assert lose(disk, 'os.unlink("new")' + SYNC_DIRECTORY) == {}
    assert lose(disk, WRITE + "os.fdatasync(fd)" + SYNC_DIRECTORY) == {"new": b"content"}


def test_what_was_overwritten_is_what_it_was_at_the_last_sync(disk):
    (disk / "old").write_bytes(b"as it was")
    over = 'fd = os.open("old", os.O_WRONLY)\nos.pwrite(fd, b"AS", 0)\n'
    assert lose(disk, over) == {"old": b"as it was"}
    assert lose(disk, over + "os.ftruncate(fd, 2)") == {"old": b"as it was"}
    assert lose(disk, over + "os.fsync(fd)\nos.pwrite(fd, b'IT', 3)") == {"old": b"AS it was"}
    assert lose(disk, 'os.open("old", os.O_WRONLY | os.O_TRUNC)') == {"old": b"AS it was"}
    assert lose(disk, over + "os.ftruncate(fd, 2)\nos.fsync(fd)") == {"old": b"AS"}


@pytest.mark.parametrize("change, undone, kept", [
    ('os.rename("a", "c")', {"a": b"A", "b": b"B"}, {"c": b"A", "b": b"B"}),
    ('os.rename("a", "b")', {"a": b"A", "b": b"B"}, {"b": b"A"}),
    ('os.unlink("a")', {"a": b"A", "b": b"B"}, {"b": b"B"}),
    ('os.link("a", "c")', {"a": b"A", "b": b"B"}, {"a": b"A", "b": b"B", "c": b"A"}),
    ('os.unlink("a")\nos.rename("b", "a")\nos.mkdir("b")', {"a": b"A", "b": b"B"}, {"a": b"B"}),
])
def test_names_are_what_they_were_when_the_directory_was_synced(disk, change, undone, kept):
    (disk / "a").write_bytes(b"A")
    (disk / "b").write_bytes(b"B")
    assert lose(disk, change) == undone
    assert not list(path for path in disk.iterdir() if path.is_dir())
    assert lose(disk, change + SYNC_DIRECTORY) == kept


def test_a_directory_is_found_by_whatever_name_it_has(disk):
    """Filled, not synced, renamed, and only that is durable: as a restore without its sync."""
    fill = ('os.mkdir("half")\n'
            'fd = os.open("half/f", os.O_WRONLY | os.O_CREAT)\nos.write(fd, b"content")\n')
    lose(disk, fill + 'os.rename("half", "db")' + SYNC_DIRECTORY)
    assert list((disk / "db").iterdir()) == []
    (disk / "db").rmdir()
    lose(disk, fill + 'os.rename("half", "db")\n')
    assert list(disk.iterdir()) == []
    lose(disk, fill + "import ctypes\nctypes.CDLL(None).syncfs(fd)\n" + 'os.rename("half", "db")'
         + SYNC_DIRECTORY)
    assert (disk / "db" / "f").read_bytes() == b"content"


def test_removed_directories_come_back_with_what_was_in_them(disk):
    (disk / "d").mkdir(0o750)
    (disk / "d" / "f").write_bytes(b"content")
    (disk / "d" / "link").symlink_to("f")
    lose(disk, 'os.unlink("d/f")\nos.unlink("d/link")\nos.rmdir("d")')
    assert (disk / "d" / "link").read_bytes() == b"content"
    assert (disk / "d").stat().st_mode & 0o7777 == 0o750


def test_the_power_fails_instead_of_the_call(disk):
    code = WRITE + "os.fsync(fd)" + SYNC_DIRECTORY  # open, write, fsync, fsync
    assert lose(disk, code, at=4) == {}
    assert lose(disk, code + "os.unlink('new')", at=5) == {"new": b"content"}


def test_a_seed_loses_some_of_the_names_and_the_same_each_time(disk):
    code = "for i in range(20): os.mkdir(str(i))"
    found = set()
    for seed in (1, 1, 2):
        lose(disk, code, seed=seed)
        names = sorted(path.name for path in disk.iterdir())
        assert 0 < len(names) < 20
        found.add(tuple(names))
        for path in disk.iterdir():
            path.rmdir()
    assert len(found) == 2

"""A file that changed is never taken for unchanged, and one that did not is not read for ever."""

import os
import shutil
import subprocess
import threading
import time

import pytest

from conftest import read_tree
from volumes import mounted, run

FILES = 100
SIZE = 50_000


@pytest.fixture
def btrfs(tmp_path):
    with mounted(tmp_path, 256, ("mkfs.btrfs", "-q")) as root:
        run("btrfs", "subvolume", "create", root / "live")
        yield root


@pytest.fixture
def whole_seconds(tmp_path):
    """Inodes of 128 bytes have no room for more than seconds."""
    with mounted(tmp_path, 64, ("mkfs.ext4", "-q", "-I", "128")) as root:
        yield root


def freeze(root, name):
    done = run("btrfs", "subvolume", "snapshot", "-r", root / "live", root / name)
    assert done.returncode == 0, done
    return root / name


def fill(directory):
    for i in range(FILES):
        (directory / f"table-{i}").write_bytes(os.urandom(SIZE))


def bytes_read(repo, source):
    """Back it up; how many bytes the run read from all files, its own too."""
    child = subprocess.Popen(repo.command("backup", source, "--quiet"), env=repo.env(),
                             stdout=subprocess.DEVNULL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with open(f"/proc/{child.pid}/io", encoding="ascii") as file:
        count = int(file.readline().split()[1])
    assert child.wait() == 0
    return count


def content(path):
    return {name: value for name, value in read_tree(path).items() if value is not None}


def assert_held(repo, source):
    repo.restore(to=repo.target)
    assert content(repo.target) == content(source)
    shutil.rmtree(repo.target)


def write_pairs(directory, ends):
    """Two changes of one table and then of the next, without a pause."""
    files = [os.open(directory / f"table-{i}", os.O_RDWR) for i in range(FILES)]
    count = 0
    while not ends.is_set():
        for _ in range(2):
            count += 1
            os.pwrite(files[count // 2 % FILES], b"%06d" % count * 100, 0)
    for file in files:
        os.close(file)


def times_of(path):
    st = os.stat(path)
    return st.st_ctime_ns, st.st_mtime_ns


def hides_a_change(frozen, live):
    return any(times_of(frozen / name) == times_of(live / name)
               and (frozen / name).read_bytes() != (live / name).read_bytes()
               for name in os.listdir(live))


def change_in_the_tick_of_a_freeze(root):
    """A snapshot, and a change after it that left every time as it was; the snapshot."""
    for i in range(200):
        ends = threading.Event()
        writer = threading.Thread(target=write_pairs, args=(root / "live", ends))
        writer.start()
        done = subprocess.Popen(["btrfs", "subvolume", "snapshot", "-r", root / "live",
                                 root / f"try-{i}"], stdout=subprocess.DEVNULL)
        while not (root / f"try-{i}").exists() and done.poll() is None:
            pass
        ends.set()
        writer.join()
        assert done.wait() == 0
        if hides_a_change(root / f"try-{i}", root / "live"):
            return root / f"try-{i}"
        run("btrfs", "subvolume", "delete", root / f"try-{i}")
    pytest.skip("this machine is too slow to change a file in the tick of a snapshot")


@pytest.mark.parametrize("times", [1, 2])
def test_a_change_in_the_tick_in_which_a_snapshot_was_frozen_is_kept(quick, btrfs, times):
    fill(btrfs / "live")
    frozen = change_in_the_tick_of_a_freeze(btrfs)
    for _ in range(times):  # what is read twice is the same state: it proves nothing
        quick.backup(source=frozen)
    assert_held(quick, frozen)
    later = freeze(btrfs, "later")
    quick.backup(source=later)
    assert_held(quick, later)


def test_a_snapshot_older_than_the_last_one_does_not_settle_what_it_shows(quick, btrfs):
    fill(btrfs / "live")
    frozen = change_in_the_tick_of_a_freeze(btrfs)
    second = freeze(btrfs, "second")
    for source in (second, frozen, second, freeze(btrfs, "third")):
        quick.backup(source=source)
        assert_held(quick, source)


@pytest.mark.parametrize("path", ["live", "."])
def test_of_a_database_that_rests_what_was_touched_together_is_read_once_more(quick, btrfs, path):
    fill(btrfs / "live")
    counts = []
    for i in range(4):
        source = freeze(btrfs, f"nightly-{i}") if path == "live" else btrfs / "live"
        time.sleep(0.1)
        counts.append(bytes_read(quick, source))
    base, first, second, third = (count // (FILES * SIZE) for count in counts)
    assert base >= 1 and second == 0 and third == 0, counts
    assert first == (1 if path == "live" else 0), counts
    assert_held(quick, btrfs / "live")


def test_the_diagnostic_data_of_a_running_mongod_settles_all_at_once(quick, btrfs):
    fill(btrfs / "live")
    (btrfs / "live" / "WiredTiger").touch()
    time.sleep(2.1)
    (btrfs / "live" / "diagnostic.data").mkdir()
    quick.backup(source=freeze(btrfs, "first"), expect=10)
    child = quick.run("backup", freeze(btrfs, "second"), "--verbose", expect=10)
    assert child.status == 10
    shown = quick.show()
    assert shown["totals"]["newBytes"] == 0


def test_changes_within_one_second_are_kept_where_times_are_whole_seconds(quick, whole_seconds):
    table = whole_seconds / "table"
    table.write_bytes(b"0" * 1000)
    (whole_seconds / "others").write_bytes(os.urandom(500_000))  # or each would be a base
    for i in range(1, 8):
        quick.backup(source=whole_seconds)
        with open(table, "r+b") as file:
            file.write(b"%d" % i * 1000)
        quick.backup(source=whole_seconds)
        assert_held(quick, whole_seconds)


def test_in_a_plain_directory_nothing_is_read_twice(on_disk):
    fill(on_disk.source)
    time.sleep(0.1)
    counts = [bytes_read(on_disk, on_disk.source) // (FILES * SIZE) for _ in range(3)]
    assert counts[0] >= 1 and counts[1:] == [0, 0]

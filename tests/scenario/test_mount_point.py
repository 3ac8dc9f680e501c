"""A database very often has a volume of its own: restores onto a mount point, which nothing can be
renamed over."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

import shim
from conftest import ATTENTION, BUSY, FAILED, ROOT, STORAGE, USAGE, pattern, read_tree
from test_power import losses
from test_targets import metadata

INSIDE = "SEALPOINT_TEST_IN_NAMESPACE"


# A loop device is for the real root only.
UNSHARE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def can_mount():
    return subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True,
                          check=False).returncode == 0


if INSIDE not in os.environ:
    # What is mounted must be seen by the tests as well: they all run once more in a name space.
    def test_all_of_this_in_a_name_space_of_its_own():
        if not can_mount():
            pytest.skip("no name space with mounts of its own can be made here")
        done = subprocess.run(
            [*UNSHARE, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
            env={**os.environ, INSIDE: "1"}, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
else:
    def mount(*args):
        subprocess.run(["mount", *map(str, args)], check=True)

    @pytest.fixture
    def repo(quick):
        """A snapshot, and .target, the root of an empty tmpfs."""
        quick.backup()
        quick.target.mkdir()
        mount("-t", "tmpfs", "none", quick.target)
        yield quick
        subprocess.run(["umount", "-R", "-l", quick.target], check=False)

    def assert_restored(repo):
        assert read_tree(repo.target) == read_tree(repo.source)
        assert metadata(repo.target) == metadata(repo.source)
        assert not list(repo.directory.glob("restored.*"))  # nothing beside it

    def make_empty(directory):
        for path in directory.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def test_an_empty_mount_point_is_filled_with_all_metadata(repo):
        repo.source.chmod(0o2751)
        os.utime(repo.source, ns=(1, 1_234_567_890_123_456_789))
        repo.backup()
        ino = os.stat(repo.target).st_ino
        repo.restore("latest", "--dry-run")
        assert read_tree(repo.target) == {}
        repo.restore()
        assert_restored(repo)
        assert os.path.ismount(repo.target) and os.stat(repo.target).st_ino == ino
        done = repo.restore(expect=USAGE)
        assert "is not empty (it holds a.txt): give a directory" in done.err
        assert "\n  " not in done.err.rstrip("\n").split("give a directory")[1]
        assert_restored(repo)

    def test_only_works_there_too(repo):
        repo.restore("latest", "--only", "deep/er")
        assert set(read_tree(repo.target)) == {"deep", "deep/er", "deep/er/zeros"}

    def test_the_lost_and_found_of_a_new_volume_is_not_content_and_stays(repo):
        lost = repo.target / "lost+found"
        lost.mkdir(0o700)
        before = lost.stat().st_ino
        repo.restore()
        assert read_tree(repo.target) == {**read_tree(repo.source), "lost+found": None}
        (repo.source / "lost+found").mkdir()
        repo.backup()
        repo.restore("latest", "--delta", "--yes")
        assert lost.exists()
        for path in list(repo.target.iterdir()):
            if path != lost:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        repo.restore()
        assert lost.stat().st_ino == before
        make_empty(repo.target)
        lost.mkdir()
        (repo.source / "lost+found" / "#12").write_text("found")
        repo.backup()
        done = repo.restore(expect=ATTENTION)
        assert "has a lost+found of its own: what the snapshot has below that name is not " \
            "restored" in done.err
        assert read_tree(repo.target)["lost+found"] is None
        assert "lost+found/#12" not in read_tree(repo.target)

    def test_a_lost_and_found_of_somebody_else_is_content(repo):
        (repo.target / "lost+found").write_text("mine")
        assert "(it holds lost+found)" in repo.restore(expect=USAGE).err

    def test_a_bind_mount_of_the_same_file_system_is_one(quick):
        quick.backup()
        quick.target.mkdir()
        mount("--bind", quick.target, quick.target)
        try:
            assert quick.target.stat().st_dev == quick.directory.stat().st_dev
            quick.restore()
            assert_restored(quick)
        finally:
            subprocess.run(["umount", "-l", quick.target], check=False)

    def test_a_real_file_system_on_a_loop_device(quick, tmp_path):
        image = tmp_path / "image"
        with open(image, "wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        quick.backup()
        quick.target.mkdir()
        if subprocess.run(["mount", "-o", "loop", image, quick.target], check=False,
                          capture_output=True).returncode != 0:
            pytest.skip("no loop device can be mounted here")
        try:
            quick.restore()
            assert read_tree(quick.target) == {**read_tree(quick.source), "lost+found": None}
            quick.restore("latest", "--delta", "--yes")
            assert (quick.target / "lost+found").is_dir()
        finally:
            subprocess.run(["umount", quick.target], check=True)

    def test_what_it_lies_in_may_be_read_only(repo):
        place = repo.directory / "place"
        (place / "db").mkdir(parents=True)
        mount("--bind", place, place)
        mount("-t", "tmpfs", "none", place / "db")
        mount("-o", "remount,bind,ro", place)
        try:
            repo.restore(to=place / "db")
            assert read_tree(place / "db") == read_tree(repo.source)
            (place / "db" / "a.txt").write_text("older")
            (place / "db" / "extra").write_text("older")
            repo.restore("latest", "--delta", "--yes", to=place / "db")
            assert read_tree(place / "db") == read_tree(repo.source)
            assert metadata(place / "db") == metadata(repo.source)
        finally:
            subprocess.run(["umount", "-R", "-l", place], check=False)

    def test_a_read_only_one_is_refused(repo):
        mount("-o", "remount,ro", repo.target)
        done = repo.restore(expect=STORAGE)
        assert f"target {repo.target} is not writable: Read-only file system" in done.err

    def test_the_room_of_its_own_file_system_counts(repo):
        (repo.source / "large").write_bytes(pattern(600_000, 3))
        repo.backup()
        mount("-o", "remount,size=300k", repo.target)
        done = repo.restore(expect=STORAGE)
        assert "are needed, " in done.err and " are free" in done.err
        assert read_tree(repo.target) == {}
        # What a killed restore left will be removed: it counts as room.
        mount("-o", "remount,size=1200k", repo.target)
        result = repo.shim("restore", "latest", "--to", repo.target, at=1, do="kill",
                           only=["syncfs"], under=[repo.target])
        assert result.returncode == -signal.SIGKILL
        assert os.statvfs(repo.target).f_bavail * 4096 < 700_000
        repo.restore()
        assert_restored(repo)

    def test_a_target_in_use_by_another_restore_is_refused(repo):
        command = repo.command("restore", "latest", "--to", repo.target)
        # The first is the lock's own.
        with shim.stopped(command, [repo.target], at=2, only=["pwrite"], env=repo.env()) as first:
            # Whoever starts a mongod now does not get a new database.
            with pytest.raises(IsADirectoryError):
                os.open(repo.target / "mongod.lock", os.O_RDWR | os.O_CREAT)
            assert ".sealpoint-lock is held by process" in repo.restore(expect=BUSY).err
        assert first.returncode == 0, first.err
        assert_restored(repo)

    @pytest.mark.parametrize("what", ["unmounted", "mounted over", "where it lies"])
    def test_one_that_was_detached_meanwhile_is_no_success(repo, what):
        target = repo.target / "db" if what == "where it lies" else repo.target
        command = repo.command("restore", "latest", "--to", target)
        with shim.stopped(command, [repo.target], at=1, only=["syncfs"], env=repo.env()) as process:
            if what == "mounted over":
                mount("-t", "tmpfs", "none", repo.target)
            else:
                subprocess.run(["umount", "-l", repo.target], check=True)
        assert process.returncode == FAILED, process.err
        assert f"{target} is no longer the directory that was filled: something was unmounted, " \
            "mounted or moved there meanwhile" in process.err
        if what == "mounted over":
            subprocess.run(["umount", repo.target], check=True)
        assert read_tree(repo.target) == {}  # it was undone where it was

    def test_one_directory_by_two_paths_is_restored_by_one_at_a_time(quick):
        quick.backup()
        quick.restore()
        (quick.target / "a.txt").write_text("older")
        other = quick.directory / "other"
        other.mkdir()
        mount("--bind", quick.target, other)
        command = quick.command("restore", "latest", "--delta", "--yes", "--to", quick.target)
        try:
            with shim.stopped(command, [quick.target], at=1, only=["syncfs"],
                              env=quick.env()) as first:
                done = quick.restore("latest", "--delta", "--yes", to=other, expect=BUSY)
                assert f"target {other} is held by another process, which may have come by " \
                    "another path" in done.err
            assert first.returncode == 0, first.err
        finally:
            subprocess.run(["umount", "-l", other], check=True)
        assert_restored(quick)

    def test_delta_removes_no_repository_that_is_known_by_a_bind_mount(quick):
        """By its configured path it does not lie in the target."""
        quick.backup()
        quick.restore()
        inside = quick.target / "extra" / "repository"
        inside.parent.mkdir()
        shutil.move(quick.repository, inside)
        quick.repository.mkdir()
        mount("--bind", inside, quick.repository)
        held = sorted(inside.rglob("*"))
        try:
            for more in ([], ["--dry-run"]):
                done = quick.restore("latest", "--delta", "--yes", *more, expect=USAGE)
                assert f"the repository ({quick.repository}) lies in the target {quick.target}, " \
                    "as extra/repository: give another directory" in done.err
        finally:
            subprocess.run(["umount", "-l", quick.repository], check=True)
        assert sorted(inside.rglob("*")) == held

    def changes(repo, *args):
        result = repo.shim("restore", "latest", "--to", repo.target, *args, under=[repo.target])
        assert result.returncode == 0, result.stderr
        return result.calls

    def is_whole(repo):
        tree = read_tree(repo.target)
        ours = [name for name in tree if name.startswith(".sealpoint-")]
        return "mongod.lock" not in tree and ".sealpoint-partial" not in tree and \
            {name: tree[name] for name in tree if name not in ours and
             not name.startswith(".sealpoint-finished/")} == read_tree(repo.source)

    @pytest.mark.parametrize("do", ["kill", "kill-after"])
    def test_a_restore_killed_at_every_change_is_done_by_the_next(repo, do):
        (repo.source / "deep" / "random").unlink()  # fewer changes, more trials
        repo.backup()
        calls = changes(repo)
        assert calls > 30
        moved = 0
        for at in range(1, calls + 1):
            make_empty(repo.target)
            result = repo.shim("restore", "latest", "--to", repo.target, at=at, do=do,
                               under=[repo.target])
            assert result.returncode == -signal.SIGKILL, result
            where = f"{at} {result.log[at - 1]}"
            left = read_tree(repo.target)
            if any(name in left for name in read_tree(repo.source)) and \
                    ".sealpoint-partial/names" in left and "mongod.lock" in left:
                moved += 1
            if is_whole(repo):
                if ".sealpoint-finished" in left:
                    done = repo.restore(expect=USAGE)
                    assert "a restore finished there and was killed as it tidied up" in done.err
                continue
            # Nobody can take for a database what is none.
            assert set(left) <= {".sealpoint-lock"} or "mongod.lock" in left or \
                {name for name in left if not name.startswith(".sealpoint-")} in \
                (set(), set(read_tree(repo.source))), where
            done = repo.restore()
            assert_restored(repo)
            assert (".sealpoint-partial" in left) == \
                ("an unfinished restore is there" in done.err), where
        assert moved >= 3

    def test_the_power_fails_at_any_change(repo):
        """See test_power.py: what was acknowledged is there, and half a database starts no mongod."""
        (repo.source / "deep" / "random").unlink()
        repo.backup()
        log = repo.shim("restore", "latest", "--to", repo.target, under=[repo.target]).log
        expected = read_tree(repo.source)
        # From the first name that is moved up on, each point in several ways: one of them is where
        # the guard has gone and what was moved before it has not come.
        first = min(number for number, name, path in log if name == "rename" and
                    pathlib.Path(path).parent == repo.target)
        late = [(at, 7 * at + turn) for at in range(first, len(log) + 1) for turn in range(6)]
        for at, seed in [*losses(len(log), most=10), *late]:
            make_empty(repo.target)
            result = repo.shim("restore", "latest", "--to", repo.target, at=at, do="power",
                               seed=seed, under=[repo.target])
            where = f"{at} {seed} {result.stderr}"
            left = {name: content for name, content in read_tree(repo.target).items()
                    if not name.startswith(".sealpoint-")}
            if result.returncode == 0:
                assert left == expected, where
                continue
            assert result.returncode == -signal.SIGKILL, where
            guarded = (repo.target / "mongod.lock").is_dir() or \
                (repo.target / "mongod.lock").is_symlink()
            assert guarded or left in ({}, expected), where
            if left != expected:
                repo.restore()
                assert_restored(repo)

    @pytest.mark.parametrize("do, sticky", [("ENOSPC", False), ("ENOSPC", True), ("short", False),
                                            ("EIO", False)])
    def test_a_restore_that_fails_at_every_change_undoes_itself(repo, do, sticky):
        (repo.source / "deep" / "random").unlink()
        repo.backup()
        calls = changes(repo)
        make_empty(repo.target)
        repo.target.chmod(0o711)
        os.utime(repo.target, ns=(1, 1_111_111_111_000_000_000))
        before = metadata(repo.target)
        for at in range(1, calls + 1):
            result = repo.shim("restore", "latest", "--to", repo.target, at=at, do=do,
                               sticky=sticky, under=[repo.target])
            where = f"{at} {result.log[at - 1]} {result.stderr}"
            if result.returncode == 0 or "is complete, but may not survive" in result.stderr:
                assert is_whole(repo), where
                make_empty(repo.target)
            elif do == "EIO":  # which may also keep it from tidying up
                assert "not empty" not in result.stderr, where
            else:
                assert result.returncode == STORAGE, where
                assert read_tree(repo.target) == {}, where
                if at > 1:
                    assert metadata(repo.target) == before, where
            if do == "EIO" and not is_whole(repo):
                repo.restore()
                assert_restored(repo)
            make_empty(repo.target)
            repo.target.chmod(0o711)
            os.utime(repo.target, ns=(1, 1_111_111_111_000_000_000))

    def test_a_disk_that_is_really_full_is_undone(repo):
        """More metadata than the preflight can foresee: a tmpfs with too few inodes."""
        mount("-o", "remount,nr_inodes=8", repo.target)
        done = repo.restore(expect=STORAGE)
        assert "No space left on device" in done.err
        assert read_tree(repo.target) == {}

    @pytest.mark.parametrize("do", ["kill", "ENOSPC"])
    def test_a_delta_that_fails_there_is_marked_inside(repo, do):
        older = read_tree(repo.source)
        (repo.source / "deep" / "random").unlink()
        (repo.source / "a.txt").write_text("newer\n" * 100)
        repo.backup()
        first, last = repo.ids()
        newer = read_tree(repo.source)
        repo.restore(first)
        calls = changes(repo, "--delta", "--yes")
        mark = repo.target / ".sealpoint-incomplete"
        for at in range(1, calls + 1):
            repo.restore(first, "--delta", "--yes")
            assert read_tree(repo.target) == older
            result = repo.shim("restore", last, "--delta", "--yes", "--to", repo.target, at=at, do=do,
                               under=[repo.target])
            tree = {name: content for name, content in read_tree(repo.target).items()
                    if not name.startswith(".sealpoint-")}
            assert tree in (older, newer) or mark.exists(), f"{at} {result.log[at - 1]}"
            repo.restore(last, "--delta", "--yes")
            assert_restored(repo)

    def test_delta_sends_an_unfinished_restore_back(repo):
        result = repo.shim("restore", "latest", "--to", repo.target, at=3, do="kill",
                           only=["rename"], under=[repo.target])
        assert result.returncode == -signal.SIGKILL
        done = repo.restore("latest", "--delta", "--yes", expect=USAGE)
        assert "holds an unfinished restore (.sealpoint-partial): run it again without " \
            "--delta", "--yes" in done.err
        before = read_tree(repo.target)
        assert "would be removed first" in repo.restore("latest", "--dry-run").err
        assert read_tree(repo.target) == before
        (repo.target / "mine").write_text("precious")
        done = repo.restore(expect=USAGE)
        assert "(it holds mine)" in done.err and "remove what else is there" in done.err
        (repo.target / "mine").unlink()
        assert "is removed first" in repo.restore().err
        assert_restored(repo)

    def test_a_snapshot_with_names_of_ours_is_refused(repo):
        (repo.source / ".sealpoint-lock").write_text("a name as ours")
        repo.backup()
        done = repo.restore(expect=USAGE)
        assert "the snapshot has a name of its own, .sealpoint-lock, where ours must lie" in \
            done.err
        assert read_tree(repo.target) == {}

    def test_a_mongod_lock_that_is_no_databases_is_restored(repo):
        (repo.source / "mongod.lock").write_text("not one of mongod's")
        repo.backup()
        repo.restore()
        assert_restored(repo)

    @pytest.mark.parametrize("place", ["extra/repository", "deep/er", "a.txt"])
    @pytest.mark.parametrize("is_mount", [False, True])
    def test_delta_refuses_a_target_with_something_mounted_in_it(quick, place, is_mount):
        """What is mounted may be anything: here the repository itself, or a file of it."""
        quick.backup()
        if is_mount:
            quick.target.mkdir()
            mount("-t", "tmpfs", "none", quick.target)
        quick.restore()
        held = sorted(quick.repository.rglob("*"))
        over = quick.target / place
        if place == "a.txt":
            mount("--bind", next(path for path in held if path.is_file()), over)
        else:
            over.mkdir(parents=True, exist_ok=True)
            mount("--bind", quick.repository, over)
        before = sorted(quick.target.rglob("*"))
        try:
            for more in ([], ["--dry-run"], ["--only", "deep"]):
                done = quick.restore("latest", "--delta", "--yes", *more, expect=USAGE)
                assert f"{place} is a mount point, and --delta changes nothing across one: " \
                    "unmount it, or restore to another directory, without --delta" in done.err
            assert sorted(quick.repository.rglob("*")) == held
            assert sorted(quick.target.rglob("*")) == before
        finally:
            subprocess.run(["umount", over], check=True)
        quick.restore("latest", "--delta", "--yes")
        assert read_tree(quick.target) == read_tree(quick.source)
        quick.run("verify")
        subprocess.run(["umount", "-R", "-l", quick.target], capture_output=True, check=False)

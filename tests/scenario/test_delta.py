"""--delta changes an older state in place: what it checks before, what it asks, what it keeps, and what
a failure or a kill leaves."""

import os
import signal

import pytest

import shim
from conftest import CORRUPT, STORAGE, USAGE, pattern, read_tree
from test_targets import metadata


@pytest.fixture
def older(quick):
    """The target holds the first of two snapshots, and one name more; .first, .last and .trees."""
    repo = quick
    repo.trees = {repo.backup(): read_tree(repo.source)}
    repo.restore()
    (repo.source / "a.txt").write_text("newer\n" * 100)
    (repo.source / "new").mkdir()
    (repo.source / "new" / "file").write_bytes(pattern(150_000, 7))
    (repo.source / "empty").unlink()
    (repo.source / "empty").mkdir()
    repo.trees[repo.backup()] = read_tree(repo.source)
    repo.first, repo.last = repo.ids()
    (repo.target / "extra").write_text("of nobody's snapshot")
    return repo


def everything(repo):
    return read_tree(repo.target), metadata(repo.target)


def beside(repo):
    return {path.name for path in repo.directory.glob("restored*")}


def test_every_object_it_needs_is_read_before_the_first_change(older):
    before = everything(older)
    held = {record["id"] for record in older.manifest(older.first)["objects"]}
    needed = [record["id"] for record in older.manifest(older.last)["objects"]
              if record["id"] not in held]
    assert needed
    for name in needed:
        path = older.object_path(name)
        whole = path.read_bytes()
        for at in (len(whole) // 2, len(whole) - 1):
            path.chmod(0o600)
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            done = older.restore("latest", "--delta", "--yes", expect=CORRUPT)
            assert "refused before anything was touched" in done.err
            assert everything(older) == before and beside(older) == {"restored"}
        path.write_bytes(whole)
    older.restore("latest", "--delta", "--yes")
    assert read_tree(older.target) == older.trees[older.last]


def test_it_asks_before_it_removes_or_overwrites(older):
    before = everything(older)
    for what in (older.last, older.first):  # the second only removes
        done = older.restore(what, "--delta", before=["setsid", "-w"], expect=USAGE)
        assert "this needs confirmation, and there is no terminal to ask at" in done.err
        assert "give --yes to do it without being asked" in done.err
        assert "not in the snapshot, to be removed: extra\n" in done.err
        assert everything(older) == before and beside(older) == {"restored"}
    older.restore(older.last, "--delta", "--yes", before=["setsid", "-w"])
    assert read_tree(older.target) == older.trees[older.last]
    older.restore(older.last, "--delta", before=["setsid", "-w"])  # nothing to lose: not asked


def test_of_many_names_that_go_a_hundred_are_listed(older):
    for number in range(130):
        (older.target / "deep" / f"extra-{number:03}").touch()
    done = older.restore("latest", "--delta", "--yes", "--dry-run")
    assert done.err.count("not in the snapshot, to be removed: ") == 100
    assert "and 31 more\n" in done.err
    assert "131 names that are not in the snapshot would be removed" in done.err


def test_what_is_replaced_is_kept_until_all_is_done(older):
    result = older.shim("restore", "latest", "--to", older.target, "--delta", "--yes", at=1, do="kill",
                        only=["pwrite"], under=[older.target])
    assert result.returncode == -signal.SIGKILL
    kept = older.target.with_name("restored.sealpoint-replaced")
    (kept / ".sealpoint-guard").stat()
    assert {name.split("-", 1)[1]: content for name, content in read_tree(kept).items()
            if name != ".sealpoint-guard"} == {"extra": b"of nobody's snapshot", "empty": b""}
    done = older.run("backup", older.target, expect=USAGE)
    assert "a restore to the source has not finished: its data is not complete" in done.err
    older.restore("latest", "--delta", "--yes")
    assert read_tree(older.target) == older.trees[older.last]
    assert metadata(older.target) == metadata(older.source)
    assert beside(older) == {"restored"}
    older.run("backup", older.target)


def test_a_failure_before_content_is_overwritten_is_undone(older):
    before = everything(older)
    command = ("restore", "latest", "--to", older.target, "--delta", "--yes")
    under = [older.directory / "restored", *(older.directory / f"restored.sealpoint-{name}"
                                             for name in ("incomplete", "replaced", "lock"))]
    undone = 0
    for at in range(4, 100):  # before that the lock is taken
        result = older.shim(*command, at=at, do="ENOSPC", under=under)
        if result.returncode == 0:
            break
        assert result.returncode == STORAGE, result
        if "is not complete" in result.stderr:  # it has begun to overwrite
            assert result.log[at - 1][1] in ("pwrite", "ftruncate", "sync_file_range", "syncfs")
            break
        assert everything(older) == before, f"{at} {result.log[at - 1]}"
        assert beside(older) == {"restored"}, f"{at} {result.log[at - 1]}"
        undone += 1
    assert undone >= 5


def test_no_mongod_can_start_while_it_runs(older):
    (older.target / "mongod.lock").touch()  # as a mongod that was stopped leaves it
    command = older.command("restore", "latest", "--to", older.target, "--delta", "--yes")
    with shim.stopped(command, [older.target], at=1, only=["pwrite"], env=older.env()) as process:
        with pytest.raises(IsADirectoryError):
            os.open(older.target / "mongod.lock", os.O_RDWR | os.O_CREAT)
        if os.geteuid() == 0:
            assert older.target.stat().st_mode & 0o7777 == 0o700
    assert process.returncode == 0, process.err
    assert read_tree(older.target) == older.trees[older.last]


def test_a_file_that_is_written_to_after_it_was_compared_is_compared_again(older):
    """Between the comparison and the first change somebody writes to what was found equal."""
    command = older.command("restore", older.first, "--to", older.target, "--delta", "--yes")
    name = older.target / "deep" / "random"
    st = name.stat()
    mark = [older.directory / "restored.sealpoint-incomplete"]
    with shim.stopped(command, [older.directory], at=1, only=["rename"], env=older.env()) as process:
        with open(name, "r+b") as file:
            file.write(b"late")
        os.utime(name, ns=(st.st_atime_ns, st.st_mtime_ns))
    assert process.returncode == 0, (process.err, mark)
    assert read_tree(older.target) == older.trees[older.first]


@pytest.mark.parametrize("inside", [".sealpoint-incomplete", ".sealpoint-partial"])
def test_a_source_that_a_restore_has_not_finished_is_not_backed_up(quick, inside):
    (quick.source / inside).mkdir()
    done = quick.run("backup", quick.source, expect=USAGE)
    assert "a restore to the source has not finished: its data is not complete" in done.err
    (quick.source / inside).rmdir()
    quick.backup()
    mark = quick.source.with_name(quick.source.name + ".sealpoint-incomplete")
    mark.touch()
    for given in (quick.source, f"{quick.source}/", f"{quick.source}/."):
        assert "has not finished" in quick.run("backup", given, expect=USAGE).err
    mark.unlink()
    quick.backup()


def test_a_half_made_directory_is_not_backed_up_under_another_name(older):
    """The mark stays beside the old one."""
    result = older.shim("restore", "latest", "--to", older.target, "--delta", "--yes", at=1, do="kill",
                        only=["pwrite"], under=[older.target])
    assert result.returncode == -signal.SIGKILL
    moved = older.target.with_name("moved")
    older.target.rename(moved)
    done = older.run("backup", moved, expect=USAGE)
    assert "a restore to the source has not finished: its data is not complete" in done.err
    moved.rename(older.target)
    older.restore("latest", "--delta", "--yes")
    older.target.rename(moved)
    older.run("backup", moved)

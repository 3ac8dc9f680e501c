"""Targets that a restore must refuse, leave alone or bring up to date: not empty, read-only, not a
directory, in use; --dry-run, --only, --delta."""

import fcntl
import os
import shutil
import stat
import subprocess

import pytest

import shim
from conftest import BUSY, FAILED, NOT_FOUND, STORAGE, USAGE, pattern, read_tree


def assert_untouched(repo, before, directory=None):
    assert read_tree(directory or repo.target) == before
    names = {path.name for path in repo.directory.glob("restored*")}
    assert names <= {"restored"}


def test_a_target_that_is_not_empty_is_refused(quick_two):
    repo = quick_two
    repo.target.mkdir()
    (repo.target / "mine").write_text("precious")
    done = repo.restore(expect=USAGE)
    assert f"target {repo.target} is not empty (it holds mine): give a directory that does not " \
        "exist or is empty\n" in done.err
    assert_untouched(repo, {"mine": b"precious"})
    (repo.target / "mine").unlink()
    repo.restore()
    assert read_tree(repo.target) == repo.trees[repo.ids()[-1]]


def test_a_target_that_is_a_file_or_a_link_is_refused(quick_two):
    repo = quick_two
    repo.target.write_text("precious")
    assert "exists and is not a directory" in repo.restore(expect=USAGE).err
    assert repo.target.read_text() == "precious"
    repo.target.unlink()
    (repo.directory / "elsewhere").mkdir()
    repo.target.symlink_to(repo.directory / "elsewhere")
    assert "is a symbolic link: name the directory itself" in repo.restore(expect=USAGE).err
    assert list((repo.directory / "elsewhere").iterdir()) == []
    repo.target.unlink()
    done = repo.restore(to=repo.directory / "no" / "such" / "directory", expect=USAGE)
    assert "the directory it would lie in cannot be reached" in done.err
    assert not (repo.directory / "no").exists()
    (repo.directory / "file").write_text("x")
    repo.restore(to=repo.directory / "file" / "below", expect=USAGE)
    assert "needs --to DIR" in repo.run("restore", "latest", expect=USAGE).err


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
SMALL = 'mount -t tmpfs -o size=300k none "$0" && exec "$@"'
SMALL_AND_LOOK = 'mount -t tmpfs -o size=300k none "$0" && { "$@"; s=$?; ls -A "$0"; exit $s; }'


def mounted(how, command, directory, env=None):
    """Run `command` in a name space of its own where something is mounted on `directory`."""
    def run(what):
        return subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", how,
                               str(directory), *map(str, what)], env=env, capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL)

    if run(["true"]).returncode != 0:
        pytest.skip("no name space with a mount of its own can be made here")
    return run(command)


def test_a_read_only_target_is_refused(quick_two):
    repo = quick_two
    place = repo.directory / "place"
    place.mkdir()
    done = mounted(READ_ONLY, repo.command("restore", "latest", "--to", place / "db"), place,
                   repo.env())
    assert done.returncode == STORAGE, done.stderr
    assert f"target {place / 'db'}: the directory it lies in is not writable: Read-only file system" \
        in done.stderr
    assert list(place.iterdir()) == []
    repo.restore(to=place / "db")


def test_a_target_without_room_is_refused_before_it_is_touched(quick_two):
    repo = quick_two
    (repo.source / "large").write_bytes(pattern(600_000, 3))
    repo.backup()
    place = repo.directory / "place"
    place.mkdir()
    done = mounted(SMALL_AND_LOOK, repo.command("restore", "latest", "--to", place / "db"), place,
                   repo.env())
    assert done.returncode == STORAGE, done.stderr
    assert "are needed, " in done.stderr and " are free" in done.stderr
    assert done.stdout == ""  # nothing lies there


def test_a_repository_on_a_disk_that_is_really_full_stays_whole(quick_two):
    repo = quick_two
    small = repo.directory / "small"
    small.mkdir()
    (repo.directory / "large").mkdir()
    (repo.directory / "large" / "file").write_bytes(pattern(900_000, 3))
    script = f"""
        set -e
        export SEALPOINT_REPOSITORY={small}/repository
        s() {{ {repo.command()[0]} "$@" --no-passphrase; }}
        s init --quiet --keyring {repo.directory}/keys-of-small
        export SEALPOINT_KEYRING={repo.directory}/keys-of-small
        s backup --any-directory {repo.source} --quiet
        for i in 1 2; do
            status=0; s backup --any-directory {repo.directory}/large || status=$?
            test $status = {STORAGE}
            ls {small}/repository/tmp
        done
        s verify --decrypt
        s backup --any-directory {repo.source}
        s restore latest --to {repo.target}
    """
    done = mounted(SMALL, ["sh", "-c", script], small, repo.env())
    assert done.returncode == 0, done
    assert done.stderr.count("No space left on device") == 2
    assert "incremental" in done.stdout and "no damage" in done.stdout
    assert read_tree(repo.target) == read_tree(repo.source)


def test_a_target_in_use_by_another_restore_is_refused(quick_two):
    repo = quick_two
    (repo.source / "big").write_bytes(pattern(400_000, 3))
    repo.backup()
    command = repo.command("restore", "latest", "--to", repo.target)
    partial = repo.target.with_name("restored.sealpoint-partial")
    with shim.stopped(command, [partial], at=1, only=["pwrite"], env=repo.env()) as first:
        before = read_tree(partial)
        done = repo.restore(expect=BUSY)
        assert f"{repo.target}" in done.err
        assert read_tree(partial) == before
        assert not repo.target.exists()
    assert first.returncode == 0, first.err
    assert read_tree(repo.target) == read_tree(repo.source)
    assert_untouched(repo, read_tree(repo.source))


def test_a_dry_run_checks_everything_and_touches_nothing(quick_two):
    repo = quick_two
    before = repo.stored()
    done = repo.restore("latest", "--dry-run", "--json").json
    assert done["format"] == 1 and done["dryRun"] is True and done["writtenBytes"] == 0
    assert done["files"] == sum(type(of) is bytes for of in read_tree(repo.source).values())
    assert not list(repo.directory.glob("restored*"))
    assert repo.stored() == before
    assert "can be restored to" in repo.restore("latest", "--dry-run").out
    repo.object_path(repo.manifest(repo.ids()[-1])["objects"][0]["id"]).unlink()
    done = repo.restore("latest", "--dry-run", expect=6)
    assert "is missing from the repository" in done.err


def test_only_restores_what_was_asked_for(quick_two):
    repo = quick_two
    whole = repo.trees[repo.ids()[-1]]
    repo.restore("latest", "--only", "deep/er", "--only", "a.txt")
    assert read_tree(repo.target) == {
        "a.txt": whole["a.txt"], "deep": None, "deep/er": None,
        "deep/er/zeros": whole["deep/er/zeros"]}
    shutil.rmtree(repo.target)
    done = repo.restore("latest", "--only", "deep/missing", expect=NOT_FOUND)
    assert "no such file in the snapshot: deep/missing" in done.err
    assert not list(repo.directory.glob("restored*"))


def metadata(directory):
    found = {}
    for path in [directory, *sorted(directory.rglob("*"))]:
        st = path.lstat()
        mode = None if stat.S_ISLNK(st.st_mode) else stat.S_IMODE(st.st_mode)
        mtime = None if stat.S_ISLNK(st.st_mode) else st.st_mtime_ns
        found[str(path.relative_to(directory))] = (stat.S_IFMT(st.st_mode), mode, st.st_uid,
                                                st.st_gid, mtime)
    return found


def test_a_restore_brings_back_modes_times_and_owners(quick):
    repo = quick
    (repo.source / "a.txt").chmod(0o640)
    (repo.source / "deep").chmod(0o2750)
    (repo.source / "empty directory").chmod(0o555)
    (repo.source / "deep" / "random").chmod(0o4711)
    (repo.source / "empty").chmod(0o000)
    os.utime(repo.source / "a.txt", ns=(1, 1_234_567_890_123_456_789))
    os.utime(repo.source / "deep" / "er", ns=(1, 987_654_321))
    if os.geteuid() == 0:
        os.chown(repo.source / "a.txt", 1234, 5678)
    repo.backup()
    repo.restore()
    assert metadata(repo.target) == metadata(repo.source)
    assert read_tree(repo.target) == read_tree(repo.source)


def spoil(directory):
    """Every way a directory can differ from its snapshot."""
    (directory / "extra").write_text("not in the snapshot")
    (directory / "extra directory" / "deep").mkdir(parents=True)
    (directory / "extra directory" / "deep" / "file").write_text("neither")
    (directory / "new").unlink()
    with open(directory / "deep" / "random", "r+b") as file:
        file.seek(70_000)
        file.write(b"changed in the middle")
    with open(directory / "a.txt", "ab") as file:
        file.write(b"grown")
    os.truncate(directory / "deep" / "er" / "zeros", 10)
    shutil.rmtree(directory / "empty directory")
    (directory / "empty directory").write_text("a file where a directory was")
    (directory / "empty").unlink()
    (directory / "empty").mkdir()
    (directory / "empty" / "inside").write_text("a directory where a file was")
    (directory / "deep" / "link").unlink()
    (directory / "deep" / "link").symlink_to("/etc/passwd")
    (directory / "a.txt").chmod(0o600)


def test_delta_brings_an_older_state_up_to_the_snapshot(quick_two):
    repo = quick_two
    repo.restore()
    same = repo.restore("latest", "--delta", "--yes", "--json").json
    assert same["writtenBytes"] == 0
    spoil(repo.target)
    done = repo.restore("latest", "--delta", "--yes", "--json").json
    assert 0 < done["writtenBytes"] < 200_000
    assert read_tree(repo.target) == read_tree(repo.source)
    assert metadata(repo.target) == metadata(repo.source)
    assert_untouched(repo, read_tree(repo.source))
    # And back to the older snapshot.
    first = repo.ids()[0]
    repo.restore(first, "--delta", "--yes")
    assert read_tree(repo.target) == repo.trees[first]


def test_delta_does_not_empty_a_directory_that_is_something_else(quick_two):
    repo = quick_two
    repo.target.mkdir()
    for number in range(30):
        (repo.target / f"mine-{number}").write_text("precious")
    (repo.target / "a.txt").write_text("precious too")
    before = read_tree(repo.target)
    done = repo.restore("latest", "--delta", "--yes", expect=USAGE)
    assert f"target {repo.target} is not an older state of this snapshot: 30 of the 31 names in it " \
        "are not in the snapshot, and --delta would remove them." in done.err
    assert_untouched(repo, before)


def test_delta_says_what_it_will_remove(quick_two):
    repo = quick_two
    repo.restore()
    (repo.target / "extra").write_text("x")
    said = "1 names that are not in the snapshot would be removed"
    assert said in repo.restore("latest", "--delta", "--yes", "--dry-run").err
    assert (repo.target / "extra").exists()
    assert "will be removed" in repo.restore("latest", "--delta", "--yes").err
    assert read_tree(repo.target) == read_tree(repo.source)


def test_delta_does_not_follow_links_out_of_the_target(quick_two):
    repo = quick_two
    outside = repo.directory / "outside"
    (outside / "er").mkdir(parents=True)
    (outside / "er" / "zeros").write_text("precious")
    (outside / "a.txt").write_text("precious")
    repo.restore()
    shutil.rmtree(repo.target / "deep")
    (repo.target / "deep").symlink_to(outside)
    (repo.target / "a.txt").unlink()
    (repo.target / "a.txt").symlink_to(outside / "a.txt")
    os.link(outside / "a.txt", repo.target / "extra")
    repo.restore("latest", "--delta", "--yes")
    assert read_tree(outside) == {"a.txt": b"precious", "er": None, "er/zeros": b"precious"}
    assert read_tree(repo.target) == read_tree(repo.source)


def test_delta_does_not_write_through_a_hard_link(quick_two):
    repo = quick_two
    outside = repo.directory / "outside"
    outside.write_text("precious")
    repo.restore()
    (repo.target / "a.txt").unlink()
    os.link(outside, repo.target / "a.txt")
    repo.restore("latest", "--delta", "--yes")
    assert outside.read_text() == "precious"
    assert read_tree(repo.target) == read_tree(repo.source)


def test_delta_needs_a_target_and_not_one_that_is_in_use(quick_two):
    repo = quick_two
    done = repo.restore("latest", "--delta", "--yes", expect=USAGE)
    assert "--delta needs an older state there: No such file or directory" in done.err
    repo.restore()
    (repo.target / "mongod.lock").write_text("4711\n")
    before = read_tree(repo.target)
    done = repo.restore("latest", "--delta", "--yes", expect=BUSY)
    assert "mongod.lock is not empty: mongod runs there, or was killed." in done.err
    assert read_tree(repo.target) == before


def test_delta_refuses_a_mongod_that_starts_as_it_begins(quick_two):
    """It was not there when that was looked at first, and is not in the way of what comes later."""
    repo = quick_two
    repo.restore()
    (repo.target / "a.txt").write_text("older")
    before = read_tree(repo.target)
    command = repo.command("restore", "latest", "--to", repo.target, "--delta", "--yes")
    with shim.stopped(command, [repo.directory], at=1, only=["symlink", "mkdir"],
                      env=repo.env()) as process:
        lock = os.open(repo.target / "mongod.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(lock)
    assert process.returncode == BUSY, process.err
    assert "mongod.lock is locked: a mongod is starting there. Stop it" in process.err
    assert_untouched(repo, {**before, "mongod.lock": b""})


def test_a_restore_whose_place_was_moved_meanwhile_is_no_success(quick):
    repo = quick
    repo.backup()
    place = repo.directory / "place"
    place.mkdir()
    command = repo.command("restore", "latest", "--to", place / "db")
    with shim.stopped(command, [place], at=1, only=["syncfs"], env=repo.env()) as process:
        place.rename(repo.directory / "moved")
    assert process.returncode == FAILED, process.err
    assert f"{place}/db is no longer the directory that was filled: something was unmounted, " \
        "mounted or moved there meanwhile" in process.err
    assert read_tree(repo.directory / "moved") == {}


def test_a_target_by_way_of_proc(quick):
    """What such a link says, and where it leads, may be two things."""
    repo = quick
    repo.backup()
    place = repo.directory / "place"
    place.mkdir()
    repo.restore(to="/proc/self/cwd/db", cwd=place)
    repo.restore(to=f"/proc/self/root{place}/other")
    for name in ("db", "other"):
        assert read_tree(place / name) == read_tree(repo.source)
    done = repo.restore(to="/proc/self/cwd", cwd=place, expect=USAGE)
    assert "is a symbolic link: name the directory itself" in done.err


def test_an_unknown_snapshot_is_not_found(quick_two):
    repo = quick_two
    assert repo.restore("ffffffff", expect=NOT_FOUND).err
    assert not repo.target.exists()
    first = repo.ids()[0]
    # Both began in the same second or not: a whole id always works.
    repo.restore(first)
    assert read_tree(repo.target) == repo.trees[first]


def test_what_a_restore_reads_from_is_not_restored_over(quick_two):
    repo = quick_two
    state = next(path for path in repo.state.rglob("*") if path.name == "trust.json").parent \
        if list(repo.state.rglob("trust.json")) else repo.state
    before = repo.stored()
    for place, what in ((repo.repository, "the repository"),
                        (repo.repository / "data", "the repository"),
                        (state, "the state directory")):
        for args in ((), ("--dry-run",), ("--delta", "--yes")):
            target = place / "db"
            if "--delta" in args:
                target.mkdir()
            done = repo.restore("latest", *args, to=target, expect=USAGE)
            assert f"target {target} lies in {what} (" in done.err
            assert not target.exists() or list(target.iterdir()) == []
    (repo.repository / "db").rmdir()
    (repo.repository / "data" / "db").rmdir()
    (state / "db").rmdir()
    assert repo.stored() == before
    # The other way round: with --delta all that the snapshot does not have would go.
    (repo.directory / "link").symlink_to(repo.directory)
    for args in (("--delta", "--yes"), ("--delta", "--dry-run")):
        done = repo.restore("latest", *args, to=repo.repository.parent, expect=USAGE)
        assert f"the repository ({repo.repository}) lies in the target " in done.err
    assert repo.stored() == before


def test_the_directory_of_the_keyring_is_not_emptied(quick_two):
    repo = quick_two
    repo.restore()
    keys = repo.target / "deep" / "keys"
    keys.mkdir()
    shutil.copy(repo.keyring, keys / "keyring")
    # With a state directory that cannot be used, too.
    for more in ([], ["--state-dir", "/proc/none", "--fingerprint", repo.fingerprint()]):
        done = repo.restore("latest", "--delta", "--yes", "--keyring", keys / "keyring", *more,
                            expect=USAGE)
        assert f"the directory of the keyring ({keys}) lies in the target {repo.target}" in done.err
        assert ("state directory /proc/none" in done.err) == bool(more)
        assert (keys / "keyring").exists()


def test_a_hundred_directories_in_one_another_come_back(quick):
    deep = quick.source.joinpath(*["d"] * 100)
    deep.mkdir(parents=True)
    (deep / "file").write_text("at the bottom")
    quick.backup()
    quick.restore()
    assert read_tree(quick.target) == read_tree(quick.source)
    (quick.target.joinpath(*["d"] * 100) / "file").write_text("older")
    quick.restore("latest", "--delta", "--yes")
    assert read_tree(quick.target) == read_tree(quick.source)
    quick.run("verify", "--decrypt")


def test_a_limit_of_the_process_is_named(quick):
    (quick.source / "large").write_bytes(pattern(400_000, 3))
    quick.backup()
    done = quick.restore(before=["prlimit", "--fsize=390000"], expect=1)
    assert "making large: File too large\n" in done.err
    assert "a limit on the size of files was met: raise this process's (`ulimit -f`)" in done.err
    assert not list(quick.directory.glob("restored*"))
    deep = quick.source.joinpath(*["d"] * 40)
    deep.mkdir(parents=True)
    quick.backup()
    done = quick.run("backup", quick.source, before=["prlimit", "--nofile=30"], expect=1)
    assert "Too many open files\n" in done.err
    assert "too many files are open in this process: raise its limit (`ulimit -n`)" in done.err
    quick.restore(before=["prlimit", "--nofile=64"])
    assert read_tree(quick.target) == read_tree(quick.source)

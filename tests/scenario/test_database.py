"""A real WiredTiger database, sealed, changed, sealed again, lost and restored: WiredTiger finds
it sound and equal; and what of a dbpath is left out, warned of or refused."""

import shutil
import subprocess

import pytest

from conftest import ATTENTION, BUSY, TOOLS, USAGE, make, read_tree


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One database for all tests here; each works on a copy."""
    directory = tmp_path_factory.mktemp("database") / "db"
    subprocess.run([TOOLS / "wtmake", "create", directory, "3"], check=True)
    return directory


@pytest.fixture
def database(fast, made):
    repo = make(fast, unencrypted=True)
    shutil.rmtree(repo.source)
    shutil.copytree(made, repo.source)
    return repo


def update(repo, count):
    subprocess.run([TOOLS / "wtmake", "update", repo.source, str(count)], check=True)


def wt(directory, *args):
    return subprocess.run(["wt", "-h", directory, "-C", "readonly=true", *args], check=True,
                          capture_output=True).stdout


def assert_sound_and_equal(directory, original):
    """WiredTiger itself finds every table sound, and dumps it as it dumps the original."""
    tables = [line for line in wt(directory, "list").decode().splitlines()
              if line.startswith("table:")]
    assert len(tables) > 10
    for table in tables:
        wt(directory, "verify", table)
        assert wt(directory, "dump", "-x", table) == wt(original, "dump", "-x", table)


def without_locks(directory):
    return {name: content for name, content in read_tree(directory).items()
            if name not in ("mongod.lock", "WiredTiger.lock")}


def test_a_database_restored_from_an_incremental_chain_is_sound_and_equal(database):
    repo = database
    states = {}
    for round_ in range(3):
        if round_ > 0:
            update(repo, 20)
        which = repo.backup()
        kept = repo.directory / f"as-it-was-{round_}"
        shutil.copytree(repo.source, kept)
        states[which] = kept
    first, *later = [repo.show(which) for which in states]
    assert first["chain"]["position"] == 0
    assert [snapshot["chain"]["position"] for snapshot in later] == [1, 2]
    assert all(snapshot["totals"]["newBytes"] < first["totals"]["newBytes"] for snapshot in later)
    repo.run("verify", "--decrypt")
    # The machine is lost: nothing but repository, keyring and fingerprint is left.
    repo.forget()
    for which, kept in states.items():
        repo.restore(which)
        assert read_tree(repo.target) == without_locks(kept)
        if which == list(states)[-1]:
            assert_sound_and_equal(repo.target, kept)
        shutil.rmtree(repo.target)


def test_an_older_state_of_a_database_is_brought_up_to_date_by_delta(database):
    repo = database
    repo.backup()
    shutil.copytree(repo.source, repo.target)
    update(repo, 20)
    repo.backup()
    done = repo.restore("latest", "--delta", "--yes", "--json").json
    assert done["writtenBytes"] < done["bytes"]
    assert without_locks(repo.target) == without_locks(repo.source)
    wt(repo.target, "verify", "table:_mdb_catalog")


def test_one_table_is_restored_alone_and_dumped_as_a_stream(database):
    repo = database
    repo.backup()
    (name,) = [entry["path"] for entry in repo.run("ls", "latest", "--json").json["results"]
               if entry["path"].startswith("collection-0-")]
    repo.restore("latest", "--only", name)
    assert [path.name for path in repo.target.iterdir()] == [name]
    assert repo.run("cat", "latest", name, binary=True).out == (repo.source / name).read_bytes()


def test_what_belongs_to_a_running_process_is_left_out(database):
    repo = database
    (repo.source / "diagnostic.data").mkdir()
    (repo.source / "diagnostic.data" / "metrics.interim").write_bytes(b"x")
    (repo.source / "_tmp").mkdir()
    (repo.source / "_tmp" / "sort").write_bytes(b"x")
    (repo.source / "journal" / "WiredTigerPreplog.0000000001").write_bytes(b"x")
    done = repo.run("backup", repo.source)
    assert done.err == ""
    names = {entry["path"] for entry in repo.run("ls", "latest", "--json").json["results"]}
    assert names.isdisjoint({"mongod.lock", "WiredTiger.lock", "_tmp", "_tmp/sort",
                             "diagnostic.data", "diagnostic.data/metrics.interim",
                             "journal/WiredTigerPreplog.0000000001"})
    assert {"WiredTiger", "WiredTiger.wt", "WiredTiger.turtle", "sizeStorer.wt", "_mdb_catalog.wt",
            "storage.bson", "journal"} <= names


def test_a_directory_that_is_no_database_is_taken_whole(quick):
    repo = quick
    (repo.source / "mongod.lock").write_text("4711\n")
    repo.backup()
    repo.restore()
    assert (repo.target / "mongod.lock").exists()


@pytest.fixture
def running(database):
    """A database that a process has open, as mongod does; what it wrote is only in the journal."""
    with subprocess.Popen([TOOLS / "wtmake", "run", database.source, "100"],
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "running\n"
        yield database
        process.kill()


RUNS = "mongod runs on this directory (a process holds WiredTiger.lock)"
NO_LOG = "mongod was not shut down, and there is no log in journal/"


def frozen(repo):
    """As a file system snapshot: nothing is written meanwhile, and the locks are the original's."""
    copy = repo.directory / "frozen"
    shutil.copytree(repo.source, copy)
    assert (copy / "mongod.lock").stat().st_size > 0
    return copy


def test_a_database_that_runs_is_warned_of(running):
    done = running.run("backup", running.source, expect=ATTENTION)
    assert RUNS in done.err and NO_LOG not in done.err
    assert running.show()["attention"]["warnings"] == 1


def test_a_frozen_copy_of_a_running_database_is_sound_with_its_journal(running):
    repo = running
    copy = frozen(repo)
    done = repo.run("backup", copy)
    assert done.err == "" and repo.show()["attention"] is None
    repo.restore()
    for directory in (repo.target, copy):  # each recovers by itself
        subprocess.run(["wt", "-h", directory, "-R", "-C", "log=(enabled,path=journal,"
                        "compressor=snappy)", "list"], check=True, capture_output=True)
    assert_sound_and_equal(repo.target, copy)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_frozen_copy_without_its_journal_is_warned_of(running, is_there):
    copy = frozen(running)
    shutil.rmtree(copy / "journal")
    if is_there:
        (copy / "journal").mkdir()
    done = running.run("backup", copy, expect=ATTENTION)
    assert NO_LOG in done.err and RUNS not in done.err
    assert running.show()["attention"]["warnings"] == 1


def test_a_database_that_lacks_something_is_warned_of_and_kept_when_it_may_run(database):
    repo = database
    (repo.source / "mongod.lock").write_text("4711\n")
    (repo.source / "storage.bson").unlink()
    done = repo.run("backup", repo.source, expect=ATTENTION)
    assert "storage.bson is missing" in done.err
    assert repo.ids()
    repo.source.rename(repo.target)
    done = repo.restore("latest", "--delta", "--yes", expect=BUSY)
    assert "mongod.lock is not empty" in done.err


def test_a_database_in_initial_sync_is_refused(database):
    repo = database
    (repo.source / ".initialsync").mkdir()
    done = repo.run("backup", repo.source, expect=USAGE)
    assert "in the middle of an initial sync" in done.err
    assert repo.ids() == []
    repo.assert_tidy()

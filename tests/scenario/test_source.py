"""A source that is no database, or not all of one, never becomes a snapshot that looks like success."""

import json
import os
import shutil
import subprocess

import pytest

from conftest import ATTENTION, TOOLS, USAGE

ANY = "--any-directory"


@pytest.fixture
def strict(quick):
    quick.any_directory = False
    shutil.rmtree(quick.source)
    quick.source.mkdir()
    return quick


def make_database(directory):
    shutil.rmtree(directory)
    subprocess.run([TOOLS / "wtmake", "create", directory, "1"], check=True, capture_output=True)


def refused(repo, *args):
    done = repo.run("backup", repo.source, *args, expect=USAGE)
    assert repo.ids() == repo.before
    return done.err


def test_an_unmounted_mount_point_is_refused_every_night(strict):
    make_database(strict.source)
    strict.before = [strict.backup()]
    shutil.rmtree(strict.source)
    strict.source.mkdir()
    for args in ([], [ANY]):
        assert refused(strict, *args) == (f"sealpoint: source {strict.source}: it is empty\n"
                                          "  is its disk mounted?\n")


def test_a_directory_of_anything_needs_to_be_asked_for(strict):
    strict.before = []
    (strict.source / "notes").write_text("no database")
    assert "neither a dbpath (it has no file WiredTiger) nor a directory that mongodump wrote\n" \
        "  is the path right, and its disk mounted? `--any-directory`" in refused(strict)
    strict.backup(ANY)
    assert strict.show()["sourceType"] == "directory"


def test_a_dump_is_taken_as_it_is(strict):
    (strict.source / "shop").mkdir()
    (strict.source / "shop" / "orders.bson").write_bytes(b"")
    (strict.source / "shop" / "orders.metadata.json").write_text("{}")
    strict.backup()
    assert strict.show()["sourceType"] == "mongodump"


@pytest.mark.parametrize("name", ["WiredTiger.turtle", "WiredTiger.wt", "_mdb_catalog.wt"])
def test_a_dbpath_that_mongod_could_not_start_on_is_refused(strict, name):
    strict.before = []
    make_database(strict.source)
    (strict.source / name).unlink()
    assert f"{name} is missing: mongod does not start without it" in refused(strict)
    strict.backup(ANY, expect=ATTENTION)
    assert strict.show()["attention"] == {"changed": 0, "vanished": 0, "leftOut": 0, "warnings": 1}


def test_a_dbpath_without_its_first_file_is_not_taken_for_a_dump(strict):
    strict.before = []
    make_database(strict.source)
    (strict.source / "WiredTiger").unlink()
    assert "holds files of a database, but not the file WiredTiger" in refused(strict)


def test_what_was_a_dbpath_last_time_must_be_one_again(strict):
    make_database(strict.source)
    first = strict.backup()
    strict.before = [first]
    shutil.rmtree(strict.source)
    (strict.source / "shop").mkdir(parents=True)
    (strict.source / "shop" / "orders.bson").write_bytes(b"")
    assert refused(strict) == (
        f"sealpoint: source {strict.source}: it is no dbpath, but the last snapshot, {first}, is of "
        "one\n  is its disk mounted? `--any-directory` backs it up all the same\n")
    strict.backup(ANY, expect=ATTENTION)
    strict.backup()  # from now on it is what it is


def test_a_whole_database_needs_no_word(strict):
    make_database(strict.source)
    strict.backup()
    assert strict.show()["sourceType"] == "dbpath" and strict.show()["attention"] is None


# --- a torn snapshot says so for ever ---


@pytest.fixture
def torn(quick):
    """Three snapshots, of which the last one lost a file while it was taken."""
    quick.whole = [quick.backup(), quick.backup()]
    quick.torn = tear(quick)
    return quick


def tear(repo):
    """A file grows while it is read: a pipe beside it holds the reader up."""
    path = repo.source / "growing"
    path.write_bytes(os.urandom(30_000_000))
    child = repo.start("backup", repo.source, "--json")
    with open(path, "ab") as file:
        while child.poll() is None:
            file.write(b"more")
            file.flush()
    assert child.returncode == ATTENTION, child.stderr.read()
    return json.loads(child.stdout.read())["id"]


def test_a_torn_snapshot_is_marked_in_every_list(torn):
    done = torn.run("snapshots")
    marked = [line.split()[0] for line in done.out.splitlines() if " ! " in line]
    assert marked == [torn.torn]
    assert done.err == "sealpoint: ! needs attention: `sealpoint show SNAPSHOT` says why\n"
    assert [s["attention"] for s in torn.snapshots()] == [
        None, None, {"changed": 1, "vanished": 0, "leftOut": 0, "warnings": 0}]
    assert "\nattention      1 file changed while it was read\n" in torn.run("show", torn.torn).out
    assert "attention" not in torn.run("show", torn.whole[0]).out
    assert torn.manifest(torn.torn)["snapshot"]["attention"]["changed"] == 1


def test_it_is_said_before_a_restore_and_the_last_whole_one_is_named(torn):
    done = torn.restore(expect=ATTENTION)
    assert done.err.startswith(
        f"sealpoint: warning: snapshot {torn.torn} needs attention: 1 file changed while it was read\n"
        f"sealpoint: warning: the newest snapshot without files that changed or vanished is "
        f"{torn.whole[1]}, of ")
    done = torn.restore(torn.torn, to=torn.directory / "again", expect=ATTENTION)
    assert "needs attention" in done.err and torn.whole[1] not in done.err
    done = torn.restore(torn.whole[1], to=torn.directory / "whole")
    assert "attention" not in done.err


def test_where_all_are_torn_that_is_said(quick):
    torn = tear(quick)
    assert "no snapshot is without files that changed or vanished" in \
        quick.restore(expect=ATTENTION).err
    assert json.loads(quick.run("show", torn, "--json").out)["results"][0]["attention"]["changed"]


def test_a_later_whole_snapshot_needs_no_word(torn):
    (torn.source / "growing").write_bytes(b"at rest")
    torn.backup()
    assert "attention" not in torn.restore().err

"""Files are named the way people type them, and belong to whom they should on this machine."""

import os
import pwd
import shutil

import pytest

from conftest import NOT_FOUND, USAGE, read_tree

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def database(quick):
    shutil.rmtree(quick.source)
    for name in ("Base", "Base.wt", "db/collection-1.wt", "db/index-2.wt",
                 "journal/Log.1"):
        path = quick.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    quick.backup()
    return quick


def listed(repo, *typed):
    return [entry["path"] for entry in repo.run("ls", "latest", *typed, "--json").json["results"]]


@pytest.mark.parametrize("typed", ["journal", "journal/", "./journal", "/journal", "jour*"])
def test_a_directory_may_be_typed_in_any_way(database, typed):
    assert listed(database, typed) == ["journal", "journal/Log.1"]
    database.restore("latest", "--only", typed)
    assert list(read_tree(database.target)) == ["journal", "journal/Log.1"]


def test_patterns_name_files_in_ls_export_and_restore(database):
    tables = ["Base.wt", "db/collection-1.wt", "db/index-2.wt"]
    assert listed(database, "*.wt") == tables
    assert listed(database, "collection-*", "/B*") == [
        "Base", "Base.wt", "db/collection-1.wt"]
    database.restore("latest", "--only", "*.wt")
    assert [name for name, content in read_tree(database.target).items() if content is not None] == \
        tables
    tar = database.run("export", "latest", "*.wt", binary=True).out
    assert b"db/index-2.wt" in tar and b"Log" not in tar


def test_what_matches_nothing_is_said_with_what_is_near(database):
    done = database.run("ls", "latest", "collection", expect=NOT_FOUND)
    assert done.err == ("sealpoint: no such file in the snapshot: collection\n"
                        "  did you mean db/collection-1.wt?\n")
    for command in (["ls", "latest"], ["export", "latest"]):
        done = database.run(*command, "*.bson", expect=NOT_FOUND)
        assert "no file in the snapshot matches *.bson" in done.err
    done = database.restore("latest", "--only", "*.bson", expect=NOT_FOUND)
    assert not database.target.exists()


def test_cat_takes_a_path_as_it_is_typed(database):
    assert database.run("cat", "latest", "./db//index-2.wt").out == "db/index-2.wt"


def owners(directory):
    return {str(path.relative_to(directory)): (path.lstat().st_uid, path.lstat().st_gid)
            for path in [directory, *directory.rglob("*")]}


@needs_root
def test_files_go_to_the_user_of_that_name_whatever_his_number(database, tmp_path):
    """A tar of another machine, where daemon has another number than here."""
    import io
    import tarfile
    here = pwd.getpwnam("daemon")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, user, uid in (("known", "daemon", 4711), ("unknown", "no-such-user", 4712),
                                ("numbered", "", 4713)):
            member = tarfile.TarInfo(name)
            member.uname = member.gname = user
            member.uid = member.gid = uid
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
    database.run("backup", "-", stdin=tar.getvalue())
    done = database.restore("latest")
    assert "there is no user no-such-user here: what is restored of it gets the number 4712" in \
        done.err
    found = owners(database.target)
    assert found["known"] == (here.pw_uid, here.pw_gid)
    assert found["unknown"] == (4712, 4712)
    assert found["numbered"] == (4713, 4713)
    shutil.rmtree(database.target)
    database.restore("latest", "--numeric-owner")
    assert owners(database.target)["known"] == (4711, 4711)
    shutil.rmtree(database.target)
    database.restore("latest", "--owner", "daemon:4242")
    found = owners(database.target)
    assert {found[name] for name in ("known", "unknown", "numbered")} == {(here.pw_uid, 4242)}


@needs_root
def test_delta_gives_files_to_their_owners_too(database):
    database.restore("latest", "--owner", "daemon:daemon")
    here = pwd.getpwnam("daemon")
    assert set(owners(database.target).values()) == {(here.pw_uid, here.pw_gid)}
    database.restore("latest", "--delta", "--yes")
    assert set(owners(database.target).values()) == {(0, 0)}


@needs_root
def test_delta_fills_in_place_only_what_stays_with_its_owner(database):
    """Whoever has a file open may go on writing to it: by the owner that it gets here, which is not
    the recorded one."""
    table = database.target / "Base.wt"
    database.restore("latest")
    with table.open("r+b") as held:
        database.restore("latest", "--delta", "--yes", "--owner", "daemon:daemon")
        held.write(b"evil")
    assert table.read_text() == "Base.wt" and table.owner() == "daemon"
    inode = table.stat().st_ino
    table.write_text("changed")
    database.restore("latest", "--delta", "--yes", "--owner", "daemon:daemon")
    assert table.read_text() == "Base.wt" and table.stat().st_ino == inode


@pytest.mark.parametrize("owner", ["daemon", "no-such-user:daemon", ":", "-1:0"])
@needs_root
def test_an_owner_that_is_nobody_is_refused(database, owner):
    done = database.restore("latest", "--owner", owner, expect=USAGE)
    assert "--owner" in done.err
    assert not database.target.exists()

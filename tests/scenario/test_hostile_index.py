"""A snapshot whose index is genuine by every key and signature, but names files where no restore
may write: it is refused with status 6 and nothing is written, inside or outside the target."""

import os
import shutil

import pytest

import forge
from conftest import CORRUPT, NOT_FOUND, read_tree


@pytest.fixture
def bad(quick):
    """A source whose names become hostile ones of the same length."""
    repo = quick
    shutil.rmtree(repo.source)
    repo.source.mkdir()
    (repo.source / "xx_leave").write_text("evil")
    (repo.source / "zabsolute").write_text("evil")
    (repo.source / "twice-1").write_text("evil")
    (repo.source / "twice-2").write_text("evil")
    os.symlink("../outside", repo.source / "way")
    (repo.source / "way_out").write_text("evil")
    os.link(repo.source / "way_out", repo.source / "zz_link")
    (repo.directory / "outside").mkdir()
    (repo.directory / "outside" / "out").write_text("precious")
    repo.backup()
    return repo


def refuse_everywhere(repo, message):
    before = read_tree(repo.directory / "outside")
    repo.run("verify", "--read-data")  # without keys nothing is amiss: all is signed
    for command in (["restore", "latest", "--to", repo.target],
                    ["restore", "latest", "--to", repo.target, "--dry-run"],
                    ["verify", "--decrypt"], ["ls", "latest"], ["export", "latest"]):
        done = repo.run(*command, expect=CORRUPT)
        assert message in done.err, done.err
    assert not list(repo.directory.glob("restored*"))
    # Who asks for one file may not come to the other's name: it alone comes out, or nothing.
    for command in (["cat", "latest", "twice-2"],
                    ["restore", "latest", "--to", repo.target, "--only", "twice-2"]):
        done = repo.run(*command, expect=None)
        assert done.status in (0, NOT_FOUND, CORRUPT), done.err
    if repo.target.exists():
        assert read_tree(repo.target) == {"twice-2": b"evil"}
        shutil.rmtree(repo.target)
    assert not list(repo.directory.glob("restored*"))
    assert read_tree(repo.directory / "outside") == before
    assert not (repo.directory / "leave").exists()
    # An old state in the target is left as it is too.
    repo.target.mkdir()
    (repo.target / "mine").write_text("precious")
    done = repo.restore("latest", "--delta", "--yes", expect=CORRUPT)
    assert message in done.err
    assert read_tree(repo.target) == {"mine": b"precious"}


UNSAFE = 'a path is absolute, or has an empty, "." or ".." part'


@pytest.mark.parametrize("changes, message", [
    ({b"xx_leave": b"../leave"}, UNSAFE),
    ({b"zabsolute": b"/absolute"}, UNSAFE),
    ({b"zabsolute": b"z//solute"}, UNSAFE),
    ({b"zabsolute": b"z/./olute"}, UNSAFE),
    ({b"zabsolute": b"zabsolut/"}, UNSAFE),
    ({b"zabsolute": b"zabs\0lute"}, "the index"),
    ({b"twice-2": b"twice-1"}, "the files of the index are not in order"),
    ({b"twice-1": b"zzzzz-1"}, "the files of the index are not in order"),
    ({b"way_out": b"way/out"}, "a file of the index lies in no directory of it"),
    ({b"xx_leave": b"no/leave"}, "of the index"),
])
def test_a_name_that_leads_out_is_refused(bad, changes, message):
    forge.forge_index(bad, changes)
    bad.forget()
    refuse_everywhere(bad, message)


def test_a_hard_link_to_a_file_outside_is_refused(bad):
    """The link's own name is fine; the name it leads to is not."""
    forge.forge_index(bad, {b"zz_linkway_out": b"zz_link../out/"})
    bad.forget()
    refuse_everywhere(bad, UNSAFE)


def test_a_forgery_without_a_change_is_a_snapshot_like_any_other(bad):
    """So that the refusals above are about the names and nothing else."""
    forge.forge_index(bad, {})
    bad.forget()
    bad.run("verify", "--decrypt")
    bad.restore()
    assert read_tree(bad.target) == read_tree(bad.source)


def test_a_genuine_record_in_the_place_of_another_is_an_alarm_to_who_saw_that(bad):
    record = bad.records()[-1]
    before = record.read_bytes()
    forge.forge_index(bad, {})
    assert record.read_bytes() != before
    done = bad.run("verify", expect=CORRUPT)
    assert "the store was tampered with, or rolled back and written again" in done.err
    # Who has the first record in its cache does not even read the second: the rest does not fit.
    bad.restore(expect=CORRUPT)
    bad.run("ls", "latest", expect=CORRUPT)
    assert not bad.target.exists()

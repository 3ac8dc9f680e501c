"""restore --record: one snapshot by its own record, when the ledger does not open."""

import shutil

import pytest

from conftest import ATTENTION, CORRUPT, KEY_INVALID, NOT_FOUND, USAGE, Sealpoint, fill_source, read_tree


@pytest.fixture
def two(fast):
    repo = Sealpoint(fast)
    repo.init()
    fill_source(repo.source)
    first = repo.backup()
    tree = read_tree(repo.source)
    (repo.source / "a.txt").write_text("changed\n")
    repo.trees = {first: tree, repo.backup(): read_tree(repo.source)}
    return repo


def of_type(repo, kind):
    return [p for p in repo.records() if f'"type":"{kind}"'.encode() in p.read_bytes()]


def flip(path, at=100):
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def salvage(repo, record, *args, **options):
    shutil.rmtree(repo.target, ignore_errors=True)
    return repo.run("restore", "--record", record, "--to", repo.target, *args, **options)


def test_a_damaged_record_of_another_snapshot_stops_no_salvage(two):
    first, second = of_type(two, "snapshot")
    two.forget()  # nothing is cached
    flip(first)
    two.restore(expect=CORRUPT)
    said = salvage(two, second).err
    assert "the ledger is not read: whether this snapshot was deleted" in said
    assert "has signed" not in said
    assert read_tree(two.target) == list(two.trees.values())[1]
    # The way out is named where it is needed.
    assert "restore --record FILE" in two.run("snapshots", expect=CORRUPT).err.replace("\n", " ")


def test_a_record_of_a_copy_does_when_the_ledger_is_gone(two):
    copy = two.directory / "kept.json"
    shutil.copy(of_type(two, "snapshot")[0], copy)
    shutil.rmtree(two.repository / "ledger")
    done = salvage(two, copy, expect=ATTENTION)
    assert "whether a writer of this repository has signed the record is not checked: its genesis " \
        "record is missing or damaged" in done.err
    assert read_tree(two.target) == list(two.trees.values())[0]


def test_what_the_signature_covers_is_compared_when_root_can_be_asked(two):
    record = of_type(two, "snapshot")[0]
    forged = two.directory / "forged.json"
    raw = record.read_bytes()
    forged.write_bytes(raw.replace(b'"description":null', b'"description":"no"'))
    done = salvage(two, forged, expect=CORRUPT)
    assert "signature" in done.err and not two.target.exists()
    # Nobody has enrolled the thief.
    stranger = two.second()
    assert stranger.state != two.state
    enrolment = of_type(two, "writer")[0]
    flip(enrolment)
    assert "is not checked: " in salvage(two, record, expect=ATTENTION).err


def test_what_a_revoked_writer_signed_afterwards_is_refused(two, tmp_path):
    """The thief has the key, and puts a snapshot of his own into the store."""
    thief = two.copy(tmp_path / "thief")
    thief.backup("--full")
    record = of_type(thief, "snapshot")[-1]
    two.run("writer", "revoke", record.parent.name, "--yes")
    for directory in ("data", "manifests"):
        shutil.copytree(thief.repository / directory, two.repository / directory, dirs_exist_ok=True)
    assert "its writer had been revoked by then" in salvage(two, record, expect=CORRUPT).err
    assert not two.target.exists()
    salvage(two, of_type(two, "snapshot")[-1])  # what he signed before counts


def test_manifest_objects_and_key_must_be_sound(two):
    record = of_type(two, "snapshot")[0]
    flip(of_type(two, "snapshot")[1])
    which = list(two.trees)[0]
    manifest = two.repository / "manifests" / f"{which}.json"
    kept = manifest.read_bytes()
    flip(manifest)
    assert "SHA-256 is not that of the signed record" in salvage(two, record, expect=CORRUPT).err
    manifest.write_bytes(kept)
    two.run("key", "disable", 1, "--yes", expect=None)
    assert "version 1 is disabled" in salvage(two, record, expect=KEY_INVALID).err
    assert not two.target.exists()


def test_a_record_of_another_repository_is_refused(two, tmp_path):
    other = Sealpoint(tmp_path / "other")
    other.directory.mkdir()
    other.init()
    fill_source(other.source)
    other.backup()
    done = salvage(two, of_type(other, "snapshot")[0], expect=CORRUPT)
    assert "its writer is not enrolled: it is forged" in done.err
    # And so is another repository in the place of ours.
    two.repository.rename(two.directory / "ours")
    shutil.copytree(other.repository, two.repository)
    taken = salvage(two, of_type(other, "snapshot")[0], expect=CORRUPT).err
    assert "here was the repository" in taken
    # Without genesis nobody can ask root; but this machine knows which repository it was.
    of_type(two, "genesis")[0].unlink()
    done = salvage(two, of_type(other, "snapshot")[0], expect=CORRUPT)
    assert "the record belongs to another repository" in done.err and not two.target.exists()


def test_it_is_a_snapshot_that_is_asked_for(two):
    record = of_type(two, "snapshot")[0]
    salvage(two, of_type(two, "genesis")[0], expect=USAGE)
    salvage(two, two.directory / "nothing.json", expect=NOT_FOUND)
    two.run("restore", "latest", "--record", record, "--to", two.target, expect=USAGE)
    two.run("restore", "--to", two.target, expect=USAGE)

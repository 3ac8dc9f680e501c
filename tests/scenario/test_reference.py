"""A second reader, written from docs/FORMAT.md alone, opens what the program seals; and it notices
every byte that is changed afterwards."""

import json
import shutil
import subprocess

import pytest

from conftest import (CORRUPT, KEY_INVALID, KEY_UNREACHABLE, NOT_FOUND, TOOLS, Sealpoint,
                      read_tree)
from reader import Reader

FLIPS_A_FILE = 25
# What MongoDB's rules leave out of a copy (snapshot/source/dbpath.h).
LEFT_OUT = {"mongod.lock", "WiredTiger.lock"}


def reader_of(repo):
    return Reader(repo.repository, repo.keyring, None if repo.unencrypted else repo.passphrase)


def flip(path, at, bit=0):
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A real WiredTiger database through four nights, with a new master key before the last."""
    repo = Sealpoint(tmp_path_factory.mktemp("database"))
    repo.init()
    wtmake = TOOLS / "wtmake"
    repo.nights = {}
    subprocess.run([wtmake, "create", repo.source, "5"], check=True)
    for night in range(4):
        if night > 0:
            subprocess.run([wtmake, "update", repo.source, "150"], check=True)
        if night == 3:
            repo.run("key", "rotate")
        repo.nights[repo.backup()] = shutil.copytree(repo.source, repo.directory / f"night-{night}")
    return repo


def test_the_reader_opens_every_night_of_a_real_database(database, tmp_path):
    reader = reader_of(database)
    for night, source in database.nights.items():
        target = tmp_path / night
        reader.run("--snapshot", night, "--extract", target)
        extracted, was = read_tree(target), read_tree(source)
        assert {name for name in was if name not in extracted} <= LEFT_OUT
        assert extracted == {name: was[name] for name in extracted}
        for path in target.rglob("*"):
            old = source / path.relative_to(target)
            assert path.stat().st_mode == old.stat().st_mode
            assert path.stat().st_mtime_ns == old.stat().st_mtime_ns
        assert sum(name.endswith(".wt") for name in extracted) > 3


def test_the_reader_gives_the_same_files_as_a_restore(database, tmp_path):
    night = list(database.nights)[2]
    database.restore(night, to=tmp_path / "restored")
    reader_of(database).run("--snapshot", night, "--extract", tmp_path / "extracted")
    assert read_tree(tmp_path / "extracted") == read_tree(tmp_path / "restored")


def test_packs_of_more_than_one_segment_are_among_what_was_read(database):
    assert any(path.stat().st_size > 2 << 20 for path in database.objects())


def test_the_key_version_of_a_snapshot_can_be_read_with_head_and_jq(database):
    versions = {}
    for path in database.records():
        line = subprocess.run(f"head -1 {path} | jq -c '[.type, .id, .masterKey]'", shell=True,
                              capture_output=True, check=True).stdout
        kind, snapshot, key = json.loads(line)
        if kind == "snapshot":
            assert key["provider"] == "file"
            assert key["keyId"] == json.loads(
                database.keyring.read_text().splitlines()[0])["keyringId"]
            versions[snapshot] = key["keyVersion"]
    assert versions == dict(zip(database.nights, ["1", "1", "1", "2"]))


def test_the_reader_says_which_fingerprint_it_saw_and_compares_it(database):
    reader = reader_of(database)
    reader.options["fingerprint"] = reader.run().split()[1].rstrip(",")
    assert reader.run().startswith(f"fingerprint {reader.options['fingerprint']}, ")
    reader.options["fingerprint"] = "0" * 64
    reader.run(expect=CORRUPT)


def test_everything_but_the_content_can_be_checked_without_a_key(quick_two):
    reader = Reader(quick_two.repository)
    assert reader.run().count("\nsnapshot ") == 2
    flip(quick_two.objects()[0], 150)  # none is shorter
    reader.run(expect=CORRUPT)


def kinds(repo):
    """One file of each kind that is stored."""
    ids = repo.ids()
    manifest = repo.manifest(ids[-1])
    return {
        "genesis": repo.records()[0],
        "snapshot record": repo.records()[-2],
        "newest record": repo.records()[-1],
        "manifest": repo.repository / "manifests" / f"{ids[-1]}.json",
        "inherited pack": repo.object_path(manifest["objects"][0]["id"]),
        "own pack": repo.object_path(manifest["objects"][-1]["id"]),
        "index": repo.object_path(manifest["index"]["id"]),
    }


def test_a_flipped_byte_ends_the_reader_with_status_6(two):
    reader = reader_of(two)
    for path in kinds(two).values():
        flip(path, path.stat().st_size // 2)
        reader.run(expect=CORRUPT)
        flip(path, path.stat().st_size // 2)
    reader.run()


def test_no_byte_of_any_stored_file_can_be_flipped(quick_two):
    reader = reader_of(quick_two)
    for path in [*quick_two.records(), *quick_two.objects(),
                 *quick_two.repository.glob("manifests/*")]:
        size = path.stat().st_size
        places = {0, size - 1, *range(1, size, max(1, size // FLIPS_A_FILE))}
        for at in sorted(places):
            flip(path, at, at % 8)
            assert reader.status() == CORRUPT, (path, at)
            flip(path, at, at % 8)
    assert reader.status() == 0


def test_a_missing_cut_or_swapped_file_is_noticed(quick_two):
    reader = reader_of(quick_two)
    every = kinds(quick_two)
    for kind, path in every.items():
        content = path.read_bytes()
        path.unlink()
        # The newest record can go: only one who saw it before would know.
        assert reader.status() == (0 if kind == "newest record" else CORRUPT), kind
        path.write_bytes(content[:-1])
        assert reader.status() == CORRUPT, kind
        path.write_bytes(content + b"\n")
        assert reader.status() == CORRUPT, kind
        for other in set(every.values()) - {path}:
            path.write_bytes(other.read_bytes())
            assert reader.status() == CORRUPT, (kind, other)
        path.write_bytes(content)
    assert reader.status() == 0


def test_a_key_that_may_not_be_used_or_cannot_be_reached_has_its_own_status(two):
    reader = reader_of(two)
    two.run("key", "rotate")
    two.run("key", "disable", 1, "--yes")
    reader.run(expect=KEY_INVALID)
    two.run("key", "enable", 1)
    reader.run()
    two.passphrase.write_text("another one\n")
    reader.run(expect=KEY_INVALID)
    two.keyring.unlink()
    reader.run(expect=KEY_UNREACHABLE)
    reader.run("--snapshot", "ffffff", expect=KEY_UNREACHABLE)


def test_a_keyring_changed_without_its_passphrase_is_refused(two):
    content = two.keyring.read_text()
    two.keyring.write_text(content.replace("createdAt", "createdat", 1))
    reader_of(two).run(expect=CORRUPT)
    two.keyring.write_text(content.replace('"format":1', '"format":2', 1))
    reader_of(two).run(expect=CORRUPT)
    two.run("restore", "latest", "--to", two.target, expect=CORRUPT)


def test_an_unknown_snapshot_is_not_found(quick_two):
    reader_of(quick_two).run("--snapshot", "ffffff", expect=NOT_FOUND)

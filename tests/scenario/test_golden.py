"""The golden repository of format version 1 reads as on the day it was made, in the program and in
the second reader; what is changed in it is noticed by both."""

import json
import os
import shutil
import subprocess

import pytest

from conftest import CORRUPT, KEY_INVALID, SEALPOINT
from reader import TESTS, Reader

from make_golden import listing

V1 = TESTS / "golden" / "v1"
SNAPSHOTS = sorted(path.stem for path in (V1 / "expected").glob("*.jsonl"))
FINGERPRINT = (V1 / "fingerprint").read_text().strip()


class Golden:
    """A copy of it, and a state directory that knows nothing."""

    def __init__(self, directory):
        self.directory = directory
        for name in ("repository", "keyring.json", "passphrase"):
            copy = shutil.copytree if (V1 / name).is_dir() else shutil.copy
            copy(V1 / name, directory / name)
        for name in ("keyring.json", "passphrase"):  # git keeps no modes
            (directory / name).chmod(0o600)
        self.repository = directory / "repository"
        self.reader = Reader(self.repository, directory / "keyring.json", directory / "passphrase",
                             FINGERPRINT)

    def sealpoint(self, *args, expect=0):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("SEALPOINT")}
        done = subprocess.run(
            [SEALPOINT, *args, "--repository", self.repository, "--fingerprint", FINGERPRINT,
             "--state-dir", self.directory / "state", "--keyring", self.directory / "keyring.json",
             "--passphrase-file", self.directory / "passphrase"],
            env=env, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done
        return done


@pytest.fixture
def golden(tmp_path):
    return Golden(tmp_path)


def chain(golden):
    """The records of the one writer, not those of root."""
    return sorted(max(golden.repository.glob("ledger/*"),
                      key=lambda of: len(list(of.iterdir()))).iterdir())


def expected(snapshot):
    lines = (V1 / "expected" / f"{snapshot}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def keeps_attributes(directory):
    try:
        os.setxattr(directory, "user.probe", b"")
    except OSError:
        return False
    return True


def what_can_be_kept(rows, directory):
    """Owners are root's to set, and some file systems have no user attributes."""
    left_out = set() if os.geteuid() == 0 else {"uid", "gid"}
    if not keeps_attributes(directory):
        left_out.add("xattrs")
    return [{name: row[name] for name in row if name not in left_out} for row in rows]


def assert_same_files(snapshot, directory):
    found = what_can_be_kept(listing(directory), directory.parent)
    due = what_can_be_kept(expected(snapshot), directory.parent)
    # The target directory was there before the restore; its own time is that of its filling.
    for rows in (found, due):
        assert rows[0].pop("mtimeNs") and rows[0]["path"] == "."
    assert found == due


def test_there_are_four_snapshots():
    assert len(SNAPSHOTS) == 4


def test_the_program_finds_it_undamaged(golden):
    done = golden.sealpoint("verify", "--decrypt")
    objects = len(list(golden.repository.glob("data/*/*")))
    assert f"\n4 snapshots, {objects} objects, " in done.stdout
    done = golden.sealpoint("verify", "--read-data")
    assert f"\n4 snapshots, {objects} objects, " in done.stdout


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_the_program_restores_what_was_there(golden, snapshot):
    golden.sealpoint("restore", snapshot, "--to", golden.directory / "restored")
    assert_same_files(snapshot, golden.directory / "restored")
    # Not filled up, where the file system can leave holes.
    assert (golden.directory / "restored" / "sparse").stat().st_blocks * 512 < 600_000


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_the_second_reader_lists_and_extracts_what_was_there(golden, snapshot):
    assert golden.reader.listing(snapshot) == expected(snapshot)
    golden.reader.run("--snapshot", snapshot, "--extract", golden.directory / "extracted")
    assert_same_files(snapshot, golden.directory / "extracted")


def test_records_that_only_the_bundle_has_are_believed_because_of_the_checkpoint(golden):
    (bundle,) = golden.repository.glob("checkpoints/*/*")
    with bundle.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)[0]
        file.seek(1000)
        file.write(bytes([byte ^ 1]))
    assert golden.reader.status() == CORRUPT
    golden.sealpoint("verify", expect=CORRUPT)
    bundle.unlink()
    assert golden.reader.status() == CORRUPT
    golden.sealpoint("verify", expect=CORRUPT)


def test_a_record_that_no_checkpoint_covers_may_not_be_missing(golden):
    chain(golden)[-2].unlink()
    assert golden.reader.status() == CORRUPT
    golden.sealpoint("verify", expect=CORRUPT)


def test_without_its_rewrap_record_a_snapshot_needs_the_disabled_version(golden):
    for record in reversed(chain(golden)):
        if json.loads(record.read_text().splitlines()[0])["type"] == "rewrap":
            record.unlink()  # the end of the chain: nothing after it tells
    assert golden.reader.status() == KEY_INVALID
    golden.sealpoint("restore", SNAPSHOTS[0], "--to", golden.directory / "restored",
                     expect=KEY_INVALID)

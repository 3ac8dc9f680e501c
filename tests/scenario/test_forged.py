"""What a writer with all the keys could put into an index: sealed and signed as it should be, and
refused for what it says, by the program and by the second reader."""

import copy
import shutil
import struct
import tempfile

import pytest
import zstandard

from conftest import CORRUPT, Sealpoint, fill_source
from forger import Forger, encode_entry, encode_image, encode_row, in_frames
from reader import Reader

BODY = b"0123456789" * 50
DIRECTORY, SYMLINK, HARD_LINK = 2, 3, 2


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A repository of one snapshot, a forger of it, and all its bytes."""
    repo = Sealpoint(tmp_path_factory.mktemp("forged"), unencrypted=True)
    repo.init()
    fill_source(repo.source)
    repo.backup()
    return repo, Forger(repo), repo.stored()


@pytest.fixture
def forger(base, tmp_path):
    repo, pristine, stored = base
    for name, content in stored.items():
        (repo.repository / name).write_bytes(content)
    for name in set(repo.stored()) - set(stored):
        (repo.repository / name).unlink()
    forger = copy.copy(pristine)
    forger.manifest = copy.deepcopy(pristine.manifest)
    forger.payload = copy.deepcopy(pristine.payload)
    repo.target = tmp_path / "target" / "restored"
    repo.target.parent.mkdir()
    return forger


def run(forger, *args, **options):
    """On a machine that has not seen this repository: its record was replaced."""
    with tempfile.TemporaryDirectory() as state:
        forger.repo.extra_env = {"SEALPOINT_STATE_DIR": state,
                                 "SEALPOINT_FINGERPRINT": forger.repo.fingerprint()}
        return forger.repo.run(*args, **options)


def restore(forger, **options):
    return run(forger, "restore", "latest", "--to", forger.repo.target, **options)


def reader_status(forger):
    return Reader(forger.repo.repository, forger.repo.keyring).status()


def root():
    return encode_entry(type=DIRECTORY, path=b".", mode=0o755)


def directory(path):
    return encode_entry(type=DIRECTORY, path=path, mode=0o755)


def filled(**changed):
    return encode_entry(size=len(BODY), block_log2=16, **changed)


def block(content=BODY, **changed):
    return encode_row(**{"content": content, "number": 0, "offset": 0, **changed})


def looks_sound(forger):
    """Both readers take what was forged, so that a refusal is for the case's own reason."""
    repo = forger.repo
    assert reader_status(forger) == 0
    run(forger, "verify", "--decrypt")
    restore(forger)
    (name,) = [path for path in repo.target.iterdir() if path.is_file()]
    assert name.read_bytes() == BODY
    shutil.rmtree(repo.target)


def refused(forger, why):
    repo = forger.repo
    assert reader_status(forger) == CORRUPT
    assert why in run(forger, "verify", "--decrypt", expect=CORRUPT).err
    done = restore(forger, expect=CORRUPT)
    assert why in done.err
    assert list(repo.target.parent.iterdir()) == []


def test_a_forged_snapshot_that_breaks_no_rule_is_restored(forger):
    forger.put_files([root(), filled()], [block()], [BODY])
    looks_sound(forger)
    packed = zstandard.compress(BODY)
    forger.put_files([root(), filled()], [block(stored=len(packed), codec=1)], [packed])
    looks_sound(forger)
    # The root need not be there; a stream has none.
    forger.put_files([filled()], [block()], [BODY])
    looks_sound(forger)


ENTRIES = {
    "a path that goes up": ([root(), encode_entry(path=b"../out")], 'a path is absolute, or has'),
    "a path that goes up within": (
        [root(), directory(b"a"), encode_entry(path=b"a/../../out")], 'a path is absolute, or has'),
    "an absolute path": ([root(), encode_entry(path=b"/tmp/out")], 'a path is absolute, or has'),
    "a path with a part .": ([root(), encode_entry(path=b"./out")], 'a path is absolute, or has'),
    "an empty path": ([root(), encode_entry(path=b"")], "a path is empty"),
    "a path with a NUL": ([root(), encode_entry(path=b"a\0b")], "a name has a NUL inside"),
    "a path that ends in /": ([root(), encode_entry(path=b"a/")], 'a path is absolute, or has'),
    "a file below a symbolic link": (
        [root(), encode_entry(type=SYMLINK, path=b"a", link=b"/tmp"), encode_entry(path=b"a/b")],
        "lies in no directory"),
    "a file below a file": ([root(), encode_entry(path=b"a"), encode_entry(path=b"a/b")],
                            "lies in no directory"),
    "a file in no directory": ([root(), encode_entry(path=b"a/b")], "lies in no directory"),
    "a name twice": ([root(), encode_entry(path=b"a"), encode_entry(path=b"a")], "not in order"),
    "names out of order": ([root(), encode_entry(path=b"b"), encode_entry(path=b"a")],
                           "not in order"),
    "a directory behind what sorts after it": (
        [root(), encode_entry(path=b"a.txt"), directory(b"a")], "not in order"),
    "the root behind a file": ([encode_entry(path=b"a"), root()], "not in order"),
    "a root that is a file": ([encode_entry(path=b".")], "not in order"),
    "a hard link that goes up": (
        [root(), encode_entry(flags=HARD_LINK, link=b"../../etc/passwd")],
        'a path is absolute, or has'),
    "a hard link without a target": ([root(), encode_entry(flags=HARD_LINK)], "a link target"),
    "a file with a link target": ([root(), encode_entry(link=b"a")], "a link target"),
    "a symbolic link without a target": ([root(), encode_entry(type=SYMLINK)], "a link target"),
    "an unknown type": ([root(), encode_entry(type=5)], "is not known"),
    "an unknown flag": ([root(), encode_entry(flags=8)], "is not known"),
    "a byte that must be zero": ([root(), encode_entry(zero=1)], "is not known"),
    "a mode with more bits": ([root(), encode_entry(mode=0o100644)], "impossible mode or time"),
    "a second of 10^9 ns": ([root(), encode_entry(mtime_ns=10**9)], "impossible mode or time"),
    "a directory with a size": ([encode_entry(type=DIRECTORY, path=b".", size=1)], "impossible size"),
    "a file of 2^63 bytes": ([root(), encode_entry(size=2**63, block_log2=20)],
                             "impossible size"),
    "a block size of 2^21": ([root(), encode_entry(size=1, block_log2=21)],
                             "impossible block size"),
    "a block size without blocks": ([root(), encode_entry(block_log2=16)],
                                    "impossible block size"),
    "more blocks than there are": ([root(), filled()], "has blocks that it does not hold"),
    "blocks that wrap around": ([root(), filled(first_block=2**64 - 1)],
                                "has blocks that it does not hold"),
    "an attribute without a name": (
        [root(), encode_entry(xattrs=struct.pack(">BI", 0, 0), xattr_count=1)],
        "an extended attribute's name is empty"),
    "more attributes than there are": ([root(), encode_entry(xattr_count=1)], "a file entry"),
    "bytes left over in an entry": (
        [root(), encode_entry(xattrs=struct.pack(">BI", 1, 1) + b"ab")], "a file entry"),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_an_entry_is_refused_that_has(forger, case):
    entries, why = ENTRIES[case]
    forger.put_files(entries)
    refused(forger, why)


ROWS = {
    "a digest of something else": (block(b"x", stored=len(BODY)), "SHA-256 is not that"),
    "an object that is not there": (block(number=9), "in an object it does not name"),
    "a place behind the pack's end": (block(offset=1), "points behind its end"),
    "a place that wraps around": (block(offset=2**64 - 1), "points behind its end"),
    "a stored length of 0": (block(stored=0), "stored length 0 is not possible"),
    "a stored length over 1 MiB": (block(stored=2**20 + 1), "is not possible"),
    "an unknown codec": (block(codec=3), "codec 3 is not known"),
    "zeros that lie somewhere": (block(codec=2), "a block of zeros names a place"),
    "fewer bytes than the block has": (block(BODY[:-1]), "gives 499 bytes, not 500"),
    "bytes that are no zstd frame": (block(codec=1), "does not decompress"),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_block_is_refused_that_has(forger, case):
    row, why = ROWS[case]
    forger.put_files([root(), filled()], [row], [BODY])
    repo = forger.repo
    assert reader_status(forger) == CORRUPT
    done = restore(forger, expect=CORRUPT)
    assert why in done.err
    assert list(repo.target.parent.iterdir()) == []


EXTENTS = {
    "behind the end": [(490, 11)],
    "out of order": [(100, 10), (50, 10)],
    "one over the other": [(0, 100), (99, 1)],
    "that wrap around": [(2**64 - 1, 2)],
}


@pytest.mark.parametrize("case", EXTENTS)
def test_extents_are_refused(forger, case):
    extents = b"".join(struct.pack(">QQ", *extent) for extent in EXTENTS[case])
    forger.put_files([root(), filled(extents=extents)], [block()], [BODY])
    refused(forger, "the extents of a sparse file are out of order")


IMAGES = {
    "another magic": ({"magic": b"SPIY"}, "not an index"),
    "another version": ({"version": 2}, "an index of version 2 is not known"),
    "a byte that must be zero": ({"zeros": bytes(15) + b"\1"}, "is not known"),
    "more entries than there are": ({"entry_count": 3}, "file table"),
    "fewer entries than there are": ({"entry_count": 1}, "left over after the file table"),
    "more rows than there are": ({"row_count": 2}, "bytes long, not the"),
    "a count over all bounds": ({"entry_count": 2**63}, "counts are not possible"),
    "more objects than it has room for": ({"object_count": 2**32 - 1}, "counts are not possible"),
}


@pytest.mark.parametrize("case", IMAGES)
def test_an_index_is_refused_that_has(forger, case):
    changed, why = IMAGES[case]
    forger.put_files([root(), filled()], [block()], [BODY], **changed)
    refused(forger, why)


def sound_image(forger):
    ids = [bytes.fromhex(row["id"]) for row in forger.manifest["objects"]]
    forger.put_object(forger.manifest["objects"][0], BODY, "data")
    return ids, encode_image(forger.id, ids, [root(), filled()], [block()])


def test_an_index_is_refused_whose_objects_are_not_the_manifests(forger):
    ids, _ = sound_image(forger)
    forger.put_image(encode_image(forger.id, ids[:-1] + [bytes(16)], [root()], []))
    forger.commit()
    refused(forger, "different objects")
    forger.put_image(encode_image(forger.id, [*ids, bytes(16)], [root()], []))
    forger.commit()
    refused(forger, f"names {len(ids) + 1} objects, the manifest {len(ids)}")


def test_an_index_is_refused_that_is_not_one_zstd_frame_of_the_signed_length(forger):
    _, image = sound_image(forger)
    packed = in_frames(image)
    skipped = struct.pack("<II", 0x184D2A50, 0)
    for compressed, why in [(packed[:-16] + skipped + packed[-16:], "index"),
                            (skipped + packed, "index"),
                            (packed[:-1], "index"),
                            (image, "index")]:
        forger.put_image(image, compressed)
        forger.commit()
        refused(forger, why)
    for claimed, why in [(len(image) + 1, "index"),
                         (len(image) - 1, "index")]:
        forger.put_image(image)
        forger.manifest["index"]["plainSize"] = claimed
        forger.commit()
        refused(forger, why)


def test_an_object_is_refused_whose_header_is_not_what_the_manifest_says(forger):
    for row, part in [(forger.manifest["index"], "index"), (forger.manifest["objects"][0], "pack")]:
        _, image = sound_image(forger)
        forger.put_image(image)
        row["ordinal"] += 1
        forger.commit()
        repo = forger.repo
        assert reader_status(forger) == CORRUPT, part
        assert "ordinal is 0, not 1" in restore(forger, expect=CORRUPT).err
        row["ordinal"] -= 1


def contradict(forger, case):
    manifest, payload = forger.manifest, forger.payload
    if case == "data key twice":
        manifest["dataKeys"].append(manifest["dataKeys"][0])
    elif case == "master key":
        payload["masterKey"]["keyVersion"] = manifest["snapshot"]["masterKey"]["keyVersion"] = "7"
    elif case == "status":
        payload["status"] = manifest["snapshot"]["status"] = "failed"
    elif case == "facts":
        manifest["snapshot"]["totals"]["files"] += 1
    elif case == "snapshot twice":
        forger.commit()
        forger.put_record(forger.next_payload())
        return
    forger.commit()


@pytest.mark.parametrize("case", ["data key twice", "master key", "status", "facts",
                                  "snapshot twice"])
def test_what_contradicts_itself_is_refused(forger, case):
    contradict(forger, case)
    assert reader_status(forger) == CORRUPT
    repo = forger.repo
    restore(forger, expect=CORRUPT)


def test_a_manifest_with_a_member_that_must_be_understood_is_refused(forger):
    forger.manifest["objects"][0]["!lens"] = 1
    forger.commit()
    repo = forger.repo
    assert reader_status(forger) == CORRUPT
    assert 'member "!lens" must be understood' in restore(forger, expect=CORRUPT).err


@pytest.mark.parametrize("changed", [{"description": "x" * 256}, {"id": "no id"}, {"totals": 7}])
def test_a_record_that_is_no_snapshot_hides_no_other(forger, changed):
    """A writer that was taken over signs it; what was there before is still there, in full."""
    repo = forger.repo
    first = forger.id.hex()
    forger.commit()
    forger.put_record(forger.next_payload(**{"id": "00" * 12, **changed}))
    listed = run(forger, "snapshots", "--json").json["results"]
    assert [row["status"] for row in listed] == ["completed", "damaged"]
    assert listed[0]["id"] == first and listed[1]["reason"]
    said = run(forger, "verify", "--decrypt", expect=CORRUPT)
    assert "its record is damaged: " in said.err and "1 damaged" in said.out
    if "id" not in changed:
        run(forger, "show", "00" * 12, expect=CORRUPT)
    restore(forger, expect=10)  # "latest" is the sound one, and that is said
    assert (repo.target / "a.txt").read_bytes() == (repo.source / "a.txt").read_bytes()
    assert Reader(repo.repository, repo.keyring).listing(first)


def test_one_id_twice_stands_for_two_damaged_snapshots(forger):
    forger.commit()
    forger.put_record(forger.next_payload())
    listed = run(forger, "snapshots", "--json").json["results"]
    assert [row["status"] for row in listed] == ["damaged", "damaged"]
    said = run(forger, "show", forger.id.hex(), expect=CORRUPT)
    assert "another snapshot record has the same id" in said.err
    assert "no snapshot that is not damaged" in run(forger, "show", "latest", expect=CORRUPT).err

"""A lost or damaged pack takes the files that lie in it, and nothing else: what is sound is listed,
read and restored, and what is not is named."""

import shutil
import subprocess

import pytest

from conftest import ATTENTION, CORRUPT, USAGE, Sealpoint, make, pattern, read_tree
from forger import Forger

FILES = [f"collection-{number}.wt" for number in range(6)]


@pytest.fixture
def six(fast):
    """Six files in six packs, one snapshot that needs all; .packs has the pack of each file."""
    repo = make(fast, unencrypted=True)
    shutil.rmtree(repo.source)
    repo.source.mkdir()
    repo.packs = {}
    before = set()
    for number, name in enumerate(FILES):
        (repo.source / name).write_bytes(pattern(200_000, number))
        last = repo.backup("--chain-length", "100")
        now = {entry["id"] for entry in repo.manifest(last)["objects"]}
        (new,) = now - before
        repo.packs[name] = repo.object_path(new)
        before = now
    repo.last = last
    return repo


def lose(repo, *names):
    for name in names:
        repo.packs[name].unlink()


def damage(repo, name, at=1000):
    path = repo.packs[name]
    path.chmod(0o600)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def cut(repo, name):
    repo.packs[name].chmod(0o600)
    with open(repo.packs[name], "r+b") as file:
        file.truncate(1000)


LOST, SOUND = FILES[1], [name for name in FILES if name not in (FILES[1], FILES[4])]


@pytest.fixture
def four_of_six(six):
    """One pack is missing, one is short; four files are sound."""
    lose(six, FILES[1])
    cut(six, FILES[4])
    return six


def test_a_listing_needs_the_index_only(four_of_six):
    out = four_of_six.run("ls", "latest").out
    assert all(name in out for name in FILES)


def test_cat_needs_the_packs_of_its_file(four_of_six):
    for name in SOUND:
        done = four_of_six.run("cat", "latest", name, binary=True)
        assert done.out == (four_of_six.source / name).read_bytes()
    for name in (FILES[1], FILES[4]):
        done = four_of_six.run("cat", "latest", name, binary=True, expect=CORRUPT)
        assert done.out == b""
        assert name in done.err


def test_restore_and_export_of_a_part_need_its_packs(four_of_six):
    only = [part for name in SOUND for part in ("--only", name)]
    four_of_six.restore("latest", *only)
    assert set(read_tree(four_of_six.target)) == set(SOUND)
    exported = four_of_six.run("export", "latest", *SOUND, binary=True)
    assert names_of(exported.out) == SOUND
    shutil.rmtree(four_of_six.target)
    done = four_of_six.restore("latest", "--only", LOST, expect=CORRUPT)
    assert "refused before anything was touched" in done.err
    assert not four_of_six.target.exists()


def names_of(tar):
    done = subprocess.run(["tar", "-tf", "-"], input=tar, capture_output=True, check=True)
    return [name for name in done.stdout.decode().split() if name != "./"]


def test_all_is_refused_and_the_hint_says_how_to_get_the_rest(four_of_six):
    done = four_of_six.restore("latest", expect=CORRUPT)
    assert "\n  `sealpoint restore --keep-going` restores the files that are sound\n" in done.err
    assert not four_of_six.target.exists()
    done = four_of_six.run("export", "latest", binary=True, expect=CORRUPT)
    assert done.out == b""
    assert "\n  `sealpoint export --keep-going` writes the files that are sound\n" in done.err


def test_keep_going_restores_all_that_is_sound_and_names_the_rest(four_of_six):
    done = four_of_six.restore("latest", "--keep-going", expect=ATTENTION)
    tree = read_tree(four_of_six.target)
    assert tree == {name: (four_of_six.source / name).read_bytes() for name in SOUND}
    for name in (FILES[1], FILES[4]):
        assert f"warning: {name}: its content is damaged or lost; it is left out\n" in done.err
    assert "; 2 files left out\n" in done.out


def test_keep_going_leaves_out_what_does_not_open_and_makes_no_half_file(six):
    """Presence and size are as they were: only reading shows it."""
    damage(six, FILES[2], at=150_000)
    done = six.restore("latest", expect=CORRUPT)
    assert not six.target.exists()
    assert "restores the files that are sound" in done.err
    done = six.restore("latest", "--keep-going", "--json", expect=ATTENTION)
    assert done.json["leftOut"] == 1
    assert set(read_tree(six.target)) == set(FILES) - {FILES[2]}


def test_keep_going_where_all_is_sound_is_a_plain_success(six):
    six.restore("latest", "--keep-going")
    assert read_tree(six.target) == read_tree(six.source)


def test_keep_going_does_not_go_with_delta(four_of_six):
    done = four_of_six.restore("latest", "--keep-going", "--delta", expect=USAGE)
    assert "--keep-going does not go with --delta" in done.err


def test_export_keeps_going_too(four_of_six):
    done = four_of_six.run("export", "latest", "--keep-going", binary=True, expect=ATTENTION)
    assert names_of(done.out) == SOUND
    assert f"{LOST}: its content is damaged or lost; it is left out" in done.err
    assert "the tar is whole, but 2 files are left out" in done.err


def test_a_hard_link_to_what_is_lost_is_left_out_with_it(six):
    (six.source / "later").hardlink_to(six.source / FILES[1])
    six.backup("--chain-length", "100")
    lose(six, FILES[1])
    done = six.restore("latest", "--keep-going", expect=ATTENTION)
    assert set(read_tree(six.target)) == set(FILES) - {FILES[1]}
    assert "warning: later: " in done.err


def test_a_dry_run_says_what_it_has_not_read_and_reads_it_when_asked(six):
    damage(six, FILES[2])
    done = six.restore("latest", "--dry-run")
    assert done.out.endswith("contents were not read: --read-data reads and checks them too\n")
    assert six.restore("latest", "--dry-run", "--json").json["contentsRead"] is False
    done = six.restore("latest", "--dry-run", "--read-data", expect=CORRUPT)
    assert f"warning: {FILES[2]}: its content is damaged or lost\n" in done.err
    assert "1 of 6 files are damaged or lost (each is named above)" in done.err
    done = six.restore("latest", "--dry-run", "--read-data", "--only", FILES[3])
    assert "; all contents were read and are whole\n" in done.out
    done = six.restore("latest", "--dry-run", "--keep-going", expect=ATTENTION)
    assert "1 file left out" in done.out
    assert not six.target.exists()
    assert six.restore("latest", "--read-data", expect=USAGE)


def test_verify_ends_with_what_is_sound_and_what_is_not(four_of_six):
    repo = four_of_six
    ids = repo.ids()
    done = repo.run("verify", expect=CORRUPT)
    assert f"\nno damage found: 1 snapshot, the newest {ids[0]} of " in done.out
    assert "\ndamaged: 5 snapshots\n" in done.out
    assert f"  {ids[5]} of " in done.out
    assert f": 2 of 7 objects; `sealpoint verify --decrypt {ids[5][:8]}` says which files\n" in done.out
    done = repo.run("verify", "--decrypt", expect=CORRUPT)
    assert f"\nsound: 1 snapshot, the newest {ids[0]} of " in done.out
    assert done.out.endswith(f": 2 of 6 files:\n    {FILES[1]}\n    {FILES[4]}\n")
    found = repo.run("verify", "--decrypt", "--json", expect=CORRUPT).json
    assert (found["sound"], found["damaged"]) == (1, 2)
    assert [entry["id"] for entry in found["snapshots"]] == ids
    assert [entry["verdict"] for entry in found["snapshots"]] == ["sound"] + ["damaged"] * 5
    last = found["snapshots"][-1]
    assert (last["files"], last["damagedFiles"]) == (6, 2)
    assert [path["path"] for path in last["paths"]] == [FILES[1], FILES[4]]


def test_verify_tells_files_apart_that_share_a_damaged_pack(fast):
    """Of one pack with all in it, one flipped byte is one file's damage."""
    repo = make(fast, unencrypted=True)
    shutil.rmtree(repo.source)
    repo.source.mkdir()
    for number in range(6):
        (repo.source / FILES[number]).write_bytes(pattern(2_000_000, number))
    repo.backup("--workers", "1")
    (entry,) = repo.manifest(repo.ids()[0])["objects"]
    repo.packs = {"all": repo.object_path(entry["id"])}
    damage(repo, "all", at=7_000_000)
    done = repo.run("verify", "--decrypt", expect=CORRUPT)
    assert "\ndamaged: 1 snapshot\n" in done.out
    assert ": 1 of 6 files:\n" in done.out
    repo.restore("latest", "--keep-going", expect=ATTENTION)
    assert len(read_tree(repo.target)) == 5


def test_a_lost_index_or_manifest_loses_its_snapshot_and_no_other(six):
    ids = six.ids()
    six.object_path(six.manifest(ids[5])["index"]["id"]).unlink()
    (six.repository / "manifests" / f"{ids[4]}.json").unlink()
    for depth in ([], ["--decrypt"]):
        done = six.run("verify", *depth, expect=CORRUPT)
        assert f": 4 snapshots, the newest {ids[3]} of " in done.out
        assert done.out.count("nothing of it can be restored") == 2
    assert six.run("verify", "--decrypt", "--json", expect=CORRUPT).json["damaged"] == 2
    assert "it is missing from the repository" in six.run("ls", "latest", expect=CORRUPT).err
    six.restore(ids[3])


def test_a_lost_pack_makes_the_next_backup_a_base_and_all_is_well(four_of_six):
    """What is lost is lost in older snapshots; the source still has it."""
    repo = four_of_six
    done = repo.run("backup", repo.source, expect=ATTENTION)
    assert ": base (the newest snapshot is damaged)" in done.out
    repo.restore("latest")
    assert read_tree(repo.target) == read_tree(repo.source)


# --- what a restore would refuse, verify finds ---


def increment_forger(fast):
    """An unencrypted repository of a base and an increment, whose record can be forged."""
    repo = Sealpoint(fast, unencrypted=True)
    repo.init()
    repo.source.mkdir()
    (repo.source / "kept").write_bytes(pattern(300_000, 5))
    base = repo.backup()
    (repo.source / "new").write_bytes(pattern(100_000, 6))
    return repo, base, repo.backup(), Forger(repo)


@pytest.mark.parametrize("member", ["ordinal", "scope"])
def test_what_a_manifest_says_of_an_inherited_object_is_compared_without_a_key(fast, member):
    repo, base, second, forger = increment_forger(fast)
    own = forger.manifest["dataKeys"][0]["scope"]
    inherited = next(o for o in forger.manifest["objects"] if o["scope"] != own)
    inherited[member] = own if member == "scope" else inherited["ordinal"] + 1
    forger.commit()
    repo.forget()
    assert "ordinal" in repo.restore(second, expect=CORRUPT).err or member == "scope"
    done = repo.run("verify", expect=CORRUPT)
    assert f"manifests say different things of object data/{inherited['id'][:2]}/" in done.err
    damaged = repo.run("verify", "--json", expect=CORRUPT).json["snapshots"]
    assert {s["id"]: s["verdict"] for s in damaged} == {base: "sound", second: "lost"}


def test_latest_that_is_not_the_newest_is_said_by_the_exit_status(fast):
    repo, _, second, forger = increment_forger(fast)
    forger.put_record(forger.next_payload(id="ff" * 12, status="failed"))
    repo.forget()
    done = repo.restore("latest", expect=ATTENTION)
    assert f"snapshot {second} is not the newest: the record of a newer one is damaged" in done.err
    assert read_tree(repo.target) == read_tree(repo.source)
    shutil.rmtree(repo.target)
    repo.restore(second)  # who names it gets what he means

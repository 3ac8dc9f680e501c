"""When a snapshot is a base and when an incremental; what an incremental stores; and that each
snapshot of a chain restores alone."""

import json
import os
import shutil

from conftest import ATTENTION, CORRUPT, pattern, read_tree
from reader import Reader


def taken(repo, *args):
    """Take a snapshot; returns what was said and what is recorded."""
    done = repo.run("backup", repo.source, *args)
    return done.out, repo.show("latest")


def test_the_first_is_a_base_and_the_next_an_incremental(quick):
    repo = quick
    said, first = taken(repo)
    assert "base (it is the first snapshot)" in said
    assert first["parent"] is None and first["chain"] == {"base": first["id"], "position": 0}
    (repo.source / "a.txt").write_text("changed")
    said, second = taken(repo)
    assert ": incremental, " in said
    assert second["parent"] == first["id"]
    assert second["chain"] == {"base": first["id"], "position": 1}
    assert second["totals"]["newBytes"] == len("changed")
    assert second["totals"]["storedBytes"] < 2000 < first["totals"]["storedBytes"]


def test_an_unchanged_source_stores_an_index_only(quick_two):
    repo = quick_two
    objects = len(repo.objects())
    said, last = taken(repo)
    assert last["totals"]["newBytes"] == 0
    assert len(repo.objects()) == objects + 1
    repo.trees[last["id"]] = read_tree(repo.source)
    repo.assert_restores(repo.trees)


def test_only_the_changed_blocks_of_a_file_are_stored(quick):
    repo = quick
    (repo.source / "large").write_bytes(pattern(1_000_000, 5))
    repo.trees = {repo.backup(): read_tree(repo.source)}
    with open(repo.source / "large", "r+b") as file:
        file.seek(700_000)
        file.write(b"x")
    _, last = taken(repo)
    assert last["totals"]["newBytes"] == 65536
    repo.trees[last["id"]] = read_tree(repo.source)
    # Grown and cut files: what stayed is not stored again.
    with open(repo.source / "large", "ab") as file:
        file.write(pattern(100_000, 6))
    _, last = taken(repo)
    assert last["totals"]["newBytes"] < 200_000
    repo.trees[last["id"]] = read_tree(repo.source)
    os.truncate(repo.source / "large", 400_000)
    _, last = taken(repo)
    assert last["totals"]["newBytes"] < 65536
    repo.trees[last["id"]] = read_tree(repo.source)
    repo.assert_restores(repo.trees)
    repo.run("verify", "--decrypt")


def test_rotation_begins_a_new_chain(quick_two):
    repo = quick_two
    repo.run("key", "rotate")
    said, base = taken(repo)
    assert "base (the active master-key version changed)" in said
    assert base["masterKey"]["keyVersion"] == "2"
    assert {key["envelopes"][0]["keyVersion"] for key in repo.manifest(base["id"])["dataKeys"]} \
        == {"2"}
    assert ": incremental, " in taken(repo)[0]


def test_full_begins_a_new_chain(quick_two):
    repo = quick_two
    said, base = taken(repo, "--full")
    assert "base (it was requested)" in said
    repo.trees[base["id"]] = read_tree(repo.source)
    assert base["totals"]["newBytes"] == base["totals"]["bytes"] - 70_000  # zeros are not stored
    repo.assert_restores(repo.trees)


def test_a_chain_ends_at_its_length(quick):
    repo = quick
    positions = []
    for number in range(6):
        (repo.source / "a.txt").write_text(f"{number}")
        positions.append(taken(repo, "--chain-length", "2")[1]["chain"]["position"])
    assert positions == [0, 1, 2, 0, 1, 2]


def test_a_chain_ends_at_its_age(quick_two):
    repo = quick_two
    done = repo.at_time("+6d", "backup", repo.source)
    assert ": incremental, " in done.out
    done = repo.at_time("+8d", "backup", repo.source)
    assert ": base (" in done.out
    done = repo.at_time("+8d", "backup", repo.source, "--chain-age", "1h")
    assert ": incremental, " in done.out


def test_a_chain_ends_when_half_of_it_is_not_needed_any_more(quick):
    repo = quick
    (repo.source / "deep" / "random").write_bytes(pattern(500_000, 0))
    reasons = []
    for number in range(1, 5):
        reasons.append(taken(repo)[0])
        (repo.source / "deep" / "random").write_bytes(pattern(500_000, number))
    assert ": incremental, " in reasons[1]
    assert any(": base (" in reason for reason in reasons[2:])


def test_without_the_local_copy_the_parents_sealed_index_is_read(quick_two):
    repo = quick_two
    for path in (repo.state_directory() / "cache").iterdir():
        path.unlink()
    said, last = taken(repo)
    assert ": incremental, " in said and last["totals"]["newBytes"] == 0


def test_with_neither_copy_nor_key_for_it_the_next_is_a_base(quick_two):
    """The parent's sealed index is damaged too: then it is said and a base is taken."""
    repo = quick_two
    for path in (repo.state_directory() / "cache").iterdir():
        path.unlink()
    index = repo.object_path(repo.manifest(repo.ids()[-1])["index"]["id"])
    content = index.read_bytes()
    index.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = repo.run("backup", repo.source, expect=ATTENTION)
    assert "base (the newest snapshot is damaged)" in done.out
    assert "cannot be built upon" in done.err
    index.write_bytes(content)
    repo.run("verify", "--decrypt")


def test_nothing_is_built_upon_a_parent_that_lost_an_object(quick_two):
    """Else the next snapshot would be acknowledged, and could not be restored."""
    repo = quick_two
    pack = repo.object_path(repo.manifest(repo.ids()[-1])["objects"][0]["id"])
    for damage in (lambda at: at.write_bytes(at.read_bytes()[:-1]), lambda at: at.unlink()):
        damage(pack)
        done = repo.run("backup", repo.source, expect=ATTENTION)
        assert ": base (" in done.out
        assert f"snapshot {repo.ids()[-2]} cannot be built upon" in done.err
        assert pack.name in done.err
        repo.restore()
        assert read_tree(repo.target) == read_tree(repo.source)
        shutil.rmtree(repo.target)
        # The new chain is sound: it goes on.
        assert ": incremental, " in repo.run("backup", repo.source).out
        pack = repo.object_path(repo.manifest(repo.ids()[-1])["objects"][0]["id"])


def test_a_backup_needs_no_unwrapping(quick_two):
    """The parent's version may be disabled: then there is a base under the active one."""
    repo = quick_two
    repo.run("key", "rotate")
    repo.run("key", "disable", 1, "--yes")
    said, _ = taken(repo)
    assert "base (the active master-key version changed)" in said
    assert ": incremental, " in taken(repo)[0]


def test_a_change_that_keeps_size_and_times_is_found_with_read_all(quick):
    repo = quick
    path = repo.source / "deep" / "random"
    repo.backup()
    before = path.stat()
    (repo.source / "a.txt").touch()
    repo.backup()
    with open(path, "r+b") as file:
        file.write(b"sneaky")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    # The change time tells, for that one nobody can set.
    _, last = taken(repo)
    assert last["totals"]["newBytes"] == 65536
    _, last = taken(repo, "--read-all")
    assert last["totals"]["newBytes"] == 0
    repo.restore()
    assert read_tree(repo.target) == read_tree(repo.source)


def test_a_moved_file_and_a_changed_mode_restore_right(quick):
    repo = quick
    repo.trees = {repo.backup(): read_tree(repo.source)}
    (repo.source / "deep" / "random").rename(repo.source / "moved")
    (repo.source / "a.txt").chmod(0o600)
    _, last = taken(repo)
    repo.restore()
    assert read_tree(repo.target) == read_tree(repo.source)
    assert (repo.target / "a.txt").stat().st_mode & 0o777 == 0o600


def test_one_worker_and_many_make_the_same(quick):
    repo = quick
    for number in range(30):
        (repo.source / f"file-{number}").write_bytes(pattern(20_000 + number, number))
    for workers in ("1", "2", "7"):
        which = repo.backup("--full", "--workers", workers)
        to = repo.directory / f"restored-{workers}"
        repo.restore(which, "--workers", workers, to=to)
        assert read_tree(to) == read_tree(repo.source)
    repo.run("verify", "--decrypt", "--workers", "3")
    repo.assert_tidy()


def test_a_host_without_the_signing_key_restores_but_does_not_back_up(quick_two):
    repo = quick_two
    repo.forget()
    done = repo.run("backup", repo.source, expect=2)
    assert "this machine can verify and restore, but not back up" in done.err
    repo.restore()
    assert read_tree(repo.target) == read_tree(repo.source)
    repo.run("verify", "--decrypt")


def test_a_damaged_record_of_a_young_ledger_is_not_the_end(quick):
    """The first checkpoint comes early, and its bundle has what lives."""
    repo = quick
    trees = {}
    for number in range(7):
        (repo.source / "a.txt").write_text(f"{number}")
        trees[repo.backup()] = read_tree(repo.source)
    assert [payload["type"] for payload in repo.payloads()].count("checkpoint") == 1
    first = next(path for path in repo.records()
                 if json.loads(path.read_text().splitlines()[0])["type"] == "snapshot")
    raw = bytearray(first.read_bytes())
    raw[len(raw) // 2] ^= 1
    first.write_bytes(raw)
    repo.forget()
    repo.assert_restores(trees)


def test_a_ledger_of_many_records_gets_a_checkpoint_and_stays_whole(quick):
    repo = quick
    (repo.source / "deep" / "random").unlink()
    trees = {}
    for number in range(70):
        (repo.source / "a.txt").write_text(f"{number}")
        trees[repo.backup()] = read_tree(repo.source)
    assert any(payload["type"] == "checkpoint" for payload in repo.payloads())
    repo.run("verify")
    some = {which: trees[which] for which in list(trees)[::23]}
    repo.assert_restores(some)
    repo.forget()
    repo.assert_restores(some)
    assert repo.ids() == list(trees)
    newest = repo.records()[-1]
    repo.forget()
    damage_what_the_checkpoint_covers(repo)
    assert repo.ids() == list(trees)
    repo.assert_restores(some)
    assert Reader(repo.repository, repo.keyring).run("--list", "--snapshot", list(trees)[0])
    # What came after it is nowhere else.
    assert json.loads(newest.read_bytes().split(b"\n")[0])["type"] == "snapshot"
    newest.write_bytes(newest.read_bytes().replace(b"snapshot", b"snapshoT", 1))
    repo.run("verify", expect=CORRUPT)
    Reader(repo.repository, repo.keyring).run(expect=6)


def damage_what_the_checkpoint_covers(repo):
    """A flipped byte, a cut record and a forged one, as after a bad disk; and a file of somebody else's."""
    covered = [path for path in repo.records()
               if json.loads(path.read_bytes().split(b"\n")[0])["type"] == "snapshot"][:3]
    for path, worse in zip(covered, (lambda raw: raw[:40] + bytes([raw[40] ^ 1]) + raw[41:],
                                     lambda raw: raw[:100],
                                     lambda raw: raw.replace(b"snapshot", b"snapshoT", 1))):
        path.write_bytes(worse(path.read_bytes()))
    (covered[0].parent / "notes.json").write_text("not a record")
    done = repo.run("verify", "--json", expect=ATTENTION)
    assert all(path.name in done.err for path in covered), done.err
    assert done.json["damagedRecords"] == 3 and done.json["verdict"] == "damagedRecords"
    assert "no damage to a snapshot, but 3 records of the ledger (see above)" in done.err

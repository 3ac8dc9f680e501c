"""A restore is refused when the recorded key version may not be used, and nothing is lost by it;
the life of key versions: rotate, disable, enable, schedule-deletion, impact, rewrap."""

import shutil

import pytest

from conftest import CORRUPT, FAILED, KEY_INVALID, KEY_UNREACHABLE, USAGE, read_tree


@pytest.fixture
def three_keys(quick):
    """Three snapshots, each under a version of its own."""
    repo = quick
    repo.trees = {}
    for number in range(3):
        (repo.source / "a.txt").write_text(f"version {number + 1}\n")
        repo.trees[repo.backup()] = read_tree(repo.source)
        if number < 2:
            repo.run("key", "rotate")
    return repo


def refused_restore(repo, which, *args):
    """The restore is refused, the target is as it was: missing, or empty and of the same mode."""
    before = repo.stored()
    done = repo.restore(which, *args, expect=KEY_INVALID)
    assert done.out == ""
    assert not repo.target.exists()
    repo.target.mkdir(mode=0o751)
    repo.restore(which, *args, expect=KEY_INVALID)
    assert list(repo.target.iterdir()) == []
    assert repo.target.stat().st_mode & 0o777 == 0o751
    repo.target.rmdir()
    # No lock, no half-made sibling.
    assert not list(repo.directory.glob("restored*"))
    assert repo.stored() == before
    assert f"restoring snapshot {which}: refused before anything was touched: " in done.err
    return done.err


def test_a_disabled_version_refuses_and_enabling_it_brings_everything_back(three_keys):
    repo = three_keys
    first, second, third = repo.trees
    done = repo.run("key", "disable", 2, "--yes")
    assert done.out == "version 2 is disabled\n"
    assert f"snapshot {second} of " in done.err
    since = repo.run("key", "status", "--json").json["results"][1]["stateChangedAt"]
    said = refused_restore(repo, second)
    assert f"version 2 is disabled since {since}" in said
    assert "enable it again with `sealpoint key enable 2`" in said
    assert f"the nearest newer snapshot that can be restored is {third} of " in said
    assert f"the nearest older snapshot that can be restored is {first} of " in said
    assert "(key version 3)" in said and "(key version 1)" in said
    repo.assert_restores({first: repo.trees[first], third: repo.trees[third]})
    # Looking inside needs the key as much as restoring does.
    for command in (["ls", second], ["cat", second, "a.txt"], ["export", second],
                    ["verify", "--decrypt", second]):
        assert "version 2 is disabled since " in repo.run(*command, expect=KEY_INVALID).err
    # What needs no key still works.
    repo.run("verify", "--read-data")
    assert repo.run("key", "enable", 2).out == "version 2 is enabled\n"
    repo.assert_restores(repo.trees)
    repo.run("verify", "--decrypt")


def test_a_refused_key_hides_no_damage_under_another(three_keys):
    repo = three_keys
    first, second, third = repo.trees
    repo.run("key", "disable", 1, "--yes")
    done = repo.run("verify", "--decrypt", "--json", expect=KEY_INVALID)
    assert done.json["notDecrypted"] == 1 and done.json["damaged"] == 0
    assert f"snapshot {first}: not decrypted, nor others of that key version: " in done.err
    assert done.err.endswith("1 of the snapshots were not decrypted: see above\n")
    pack = repo.object_path(repo.manifest(third)["objects"][-1]["id"])
    content = bytearray(pack.read_bytes())
    content[-1] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    done = repo.run("verify", "--decrypt", "--json", expect=CORRUPT)
    assert done.json["notDecrypted"] == 1 and done.json["damaged"] == 1
    assert pack.name in done.err and "version 1 is disabled since " in done.err


def test_with_every_version_disabled_there_is_nothing_to_offer_and_no_backup(three_keys):
    repo = three_keys
    for version in (1, 2, 3):
        done = repo.run("key", "disable", version, "--yes")
    assert "it is the active version: no backup is possible until " in done.err
    first, second, third = repo.trees
    assert "no other snapshot can be restored with the keys as they are now" in \
        refused_restore(repo, second)
    done = repo.run("backup", repo.source, expect=KEY_INVALID)
    assert "version 3 is disabled since " in done.err
    assert "or make a new version active with `sealpoint key rotate`" in done.err
    assert repo.ids() == [first, second, third]
    repo.assert_tidy()
    for version in (1, 2, 3):
        repo.run("key", "enable", version)
    repo.assert_restores(repo.trees)


def test_a_version_pending_deletion_refuses_until_the_deletion_is_cancelled(three_keys):
    repo = three_keys
    first, _, _ = repo.trees
    done = repo.run("key", "schedule-deletion", 1, "--days", 7, "--yes")
    assert done.out.startswith("version 1 is pendingDeletion; its key material is destroyed at ")
    version = repo.run("key", "status", "--json").json["results"][0]
    said = refused_restore(repo, first)
    assert f"version 1 is pending deletion since {version['stateChangedAt']}" in said
    assert f"its key material is destroyed at {version['deletionDate']}" in said
    assert "`sealpoint key cancel-deletion 1`" in said
    done = repo.run("key", "enable", 1, expect=USAGE)
    assert "cancel the deletion first (key cancel-deletion)" in done.err
    repo.run("key", "cancel-deletion", 1)
    assert "version 1 is disabled since " in refused_restore(repo, first)
    repo.run("key", "enable", 1)
    repo.assert_restores(repo.trees)


def test_a_destroyed_version_is_gone_for_good_and_the_others_are_not(three_keys):
    repo = three_keys
    first, second, third = repo.trees
    repo.run("key", "schedule-deletion", 1, "--days", 7, "--yes")
    due = repo.run("key", "status", "--json").json["results"][0]["deletionDate"]
    later = repo.at_time("+8d", "key", "status", "--json").json["results"][0]
    assert (later["state"], later["stateChangedAt"]) == ("destroyed", due)
    done = repo.at_time("+8d", "restore", first, "--to", repo.target, expect=KEY_INVALID)
    assert f"version 1 is destroyed since {due}" in done.err
    assert "what only version 1 can open is lost" in done.err
    assert not repo.target.exists()
    repo.at_time("+8d", "key", "cancel-deletion", 1, expect=USAGE)
    done = repo.at_time("+8d", "key", "enable", 1, expect=USAGE)
    assert "its deletion date is past; `sealpoint key purge` destroys its key material" in done.err
    # The material is in neither copy of the keyring; and a clock set back does not help.
    repo.at_time("+8d", "key", "purge", "--yes")
    done = repo.run("key", "enable", 1, expect=USAGE)
    assert "its key material was destroyed and cannot be recovered" in done.err
    for generation in repo.keyring.parent.glob("keyring.json*"):
        if generation.suffix != ".lock":
            assert '"state":"destroyed"' in generation.read_text()
    assert f"version 1 is destroyed since {due}" in refused_restore(repo, first)
    repo.assert_restores({second: repo.trees[second], third: repo.trees[third]})
    assert first in repo.ids()


def test_a_missing_keyring_is_no_verdict(two):
    shutil.move(two.keyring.parent, two.directory / "elsewhere")
    for command in (["restore", "latest", "--to", two.target], ["backup", two.source],
                    ["ls", "latest"], ["key", "status"]):
        done = two.run(*command, expect=KEY_UNREACHABLE)
        assert str(two.keyring) in done.err
        assert done.out == ""
    assert not two.target.exists()
    checked = two.run("key", "check", "--json", expect=KEY_UNREACHABLE).json["results"]
    assert [key["verdict"] for key in checked] == ["UNREACHABLE"]
    two.run("verify", "--read-data")
    shutil.move(two.directory / "elsewhere", two.keyring.parent)
    two.assert_restores(two.trees)
    two.assert_tidy()


def test_a_missing_passphrase_source_is_no_verdict(two):
    two.passphrase.rename(two.directory / "hidden")
    for command in (["restore", "latest", "--to", two.target], ["ls", "latest"],
                    ["key", "rotate"]):
        done = two.run(*command, expect=KEY_UNREACHABLE)
        assert f"passphrase file {two.passphrase}: opening it: No such file or directory" in \
            done.err
    assert not two.target.exists()
    (two.directory / "hidden").rename(two.passphrase)
    two.assert_restores(two.trees)


def test_a_backup_with_neither_passphrase_nor_terminal_says_what_to_do(two):
    done = two.run("backup", two.source, "--no-passphrase", "--passphrase-file", "",
                   expect=None)
    assert done.status in (USAGE, KEY_UNREACHABLE)
    assert len(two.ids()) == 2


def test_a_wrong_passphrase_is_refused_by_name(two):
    right = two.passphrase.read_text()
    two.passphrase.write_text("four words make two\n")
    keys = {path.name: path.read_bytes() for path in two.keyring.parent.iterdir()}
    for command in (["restore", "latest", "--to", two.target], ["backup", two.source],
                    ["key", "rotate"], ["key", "disable", 1, "--yes"], ["verify", "--decrypt"]):
        done = two.run(*command, expect=KEY_INVALID)
        assert "passphrase" in done.err and str(two.keyring) in done.err
        assert done.out == "" or done.out.endswith(
            "2 of the snapshots not decrypted, no damage found in what was read; "
            "all blocks were read and compared\n")
    assert not two.target.exists()
    assert {path.name: path.read_bytes() for path in two.keyring.parent.iterdir()} == keys
    two.passphrase.write_text(right)
    two.assert_restores(two.trees)
    two.assert_tidy()


def test_a_passphrase_file_that_others_can_read_is_said(two):
    two.passphrase.chmod(0o644)
    done = two.run("ls", "latest")
    assert "can be read by others (mode 0644); make it private with chmod 600" in done.err


def test_an_older_copy_of_the_keyring_does_not_know_the_newer_version(two):
    old = two.keyring.read_bytes()
    two.run("key", "rotate")
    third = two.backup()
    new = two.keyring.read_bytes()
    two.keyring.write_bytes(old)
    done = two.restore(third, expect=KEY_INVALID)
    assert "version 2 does not exist" in done.err
    assert "an older copy lacks the newer versions" in done.err
    assert not two.target.exists()
    two.assert_restores(two.trees)
    two.keyring.write_bytes(new)
    two.restore(third)


def test_impact_names_what_a_version_carries(three_keys):
    repo = three_keys
    first, second, _ = repo.trees
    impact = repo.run("key", "impact", 2, "--json").json
    assert impact["format"] == 1 and impact["totalCount"] == 1
    assert impact["results"][0]["id"] == second
    assert impact["results"][0]["otherEnvelope"] is False
    assert first in repo.run("key", "impact", 1).out
    repo.run("key", "rotate")
    assert repo.run("key", "impact", 4).out == "no snapshot depends on it\n"
    repo.run("key", "impact", 9, expect=5)
    # The ledger tells as much when the keyring is not at hand.
    repo.keyring.rename(repo.directory / "elsewhere.json")
    assert repo.run("key", "impact", 2, "--json").json["results"] == impact["results"]
    (repo.directory / "elsewhere.json").rename(repo.keyring)


def test_a_dry_rewrap_says_what_the_run_says(three_keys):
    repo = three_keys
    repo.run("key", "disable", 1, "--yes")
    records = repo.records()
    dry = repo.run("key", "rewrap", "--dry-run", expect=KEY_INVALID)
    assert dry.out == "3 data keys: 1 current, 1 to be rewrapped, 1 refused\n"
    assert repo.records() == records
    done = repo.run("key", "rewrap", expect=KEY_INVALID)
    assert done.out == "3 data keys: 1 current, 1 rewrapped, 1 refused\n"
    assert done.err == dry.err and "cannot be rewrapped: " in dry.err
    # Nor can it be done without the key to sign with.
    (repo.state_directory() / "signing-key.json").rename(repo.directory / "away")
    dry = repo.run("key", "rewrap", "--dry-run", expect=FAILED)
    assert "there is no signing key here that may sign rewrap records" in dry.err


def test_rewrap_moves_everything_to_the_newest_version_and_touches_no_data(three_keys):
    repo = three_keys
    objects = {path: path.read_bytes() for path in repo.objects()}
    dry = repo.run("key", "rewrap", "--dry-run")
    assert dry.out == "3 data keys: 1 current, 2 to be rewrapped, 0 refused\n"
    assert repo.run("key", "impact", 1, "--json").json["totalCount"] == 1
    assert repo.run("key", "rewrap").out == \
        "3 data keys: 1 current, 2 rewrapped, 0 refused\n"
    assert repo.run("key", "rewrap").out == \
        "3 data keys: 3 current, 0 rewrapped, 0 refused\n"
    assert {path: path.read_bytes() for path in repo.objects()} == objects
    assert repo.run("key", "impact", 1).out == "no snapshot depends on it\n"
    assert repo.run("key", "impact", 2).out == "no snapshot depends on it\n"
    assert repo.run("key", "impact", 3, "--json").json["totalCount"] == 3
    for version in (1, 2):
        repo.run("key", "disable", version, "--yes")
    repo.assert_restores(repo.trees)
    repo.run("verify", "--decrypt")
    # The record still says what it said; beside it stands what holds now.
    first = repo.snapshots()[0]
    assert first["masterKey"]["keyVersion"] == "1"
    assert first["effectiveMasterKey"]["keyVersion"] == "3"
    repo.run("key", "disable", 3, "--yes")
    assert "version 3 is disabled since " in refused_restore(repo, list(repo.trees)[0])


def test_rewrap_does_what_it_can_and_says_what_was_refused(three_keys):
    repo = three_keys
    repo.run("key", "disable", 1, "--yes")
    done = repo.run("key", "rewrap", expect=KEY_INVALID)
    assert done.out == "3 data keys: 1 current, 1 rewrapped, 1 refused\n"
    assert "version 1 is disabled since " in done.err
    repo.run("key", "enable", 1)
    assert repo.run("key", "rewrap").out == "3 data keys: 2 current, 1 rewrapped, 0 refused\n"
    repo.assert_restores(repo.trees)


def test_an_incremental_of_a_rewrapped_chain_restores_with_the_new_version_alone(two):
    two.run("key", "rotate")
    two.run("key", "rewrap")
    (two.source / "a.txt").write_text("after the rewrap\n")
    two.trees[two.backup()] = read_tree(two.source)
    two.run("key", "disable", 1, "--yes")
    two.assert_restores(two.trees)


def test_key_check_records_what_changed_and_only_that(two):
    assert two.run("key", "check").status == 0
    count = len(two.records())
    two.run("key", "check")
    assert len(two.records()) == count
    two.run("key", "disable", 1, "--yes")
    states = [p for p in two.payloads() if p["type"] == "keyState"]
    assert states[-1]["verdict"] == "INVALID" and states[-1]["reason"] == "disabled"
    count = len(two.records())
    done = two.run("key", "check", "--json", expect=KEY_INVALID)
    assert done.json["results"][0]["verdict"] == "INVALID"
    assert len(two.records()) == count
    two.run("key", "enable", 1)
    states = [p for p in two.payloads() if p["type"] == "keyState"]
    assert states[-1]["verdict"] == "VALID"


def test_withdrawing_a_key_is_asked_for_and_without_a_terminal_refused(two):
    before = two.keyring.read_bytes()
    done = two.run("key", "disable", 1, expect=USAGE)
    assert "--yes" in done.err
    two.run("key", "schedule-deletion", 1, "--days", 6, "--yes", expect=USAGE)
    assert two.keyring.read_bytes() == before
    two.restore()

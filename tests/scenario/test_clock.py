"""A clock that goes back, or far ahead: records never go back in time, what was made is still
there, and a destroyed key version stays destroyed."""

import ctypes
import json
import re
import shutil

import pytest

from conftest import ATTENTION, FAILED, KEY_INVALID, USAGE, read_tree

STA_UNSYNC = 0x40


def doubted():
    """How a run ends whose clock is 40 days or more ahead: the kernel knows whether to trust it."""
    timex = (ctypes.c_int * 64)()  # struct timex begins with modes, then aligned longs
    state = ctypes.CDLL(None).adjtimex(timex)
    status = timex[10]  # modes, offset, freq, maxerror, esterror, status
    return ATTENTION if state == 5 or status & STA_UNSYNC else 0


def test_records_do_not_go_back_in_time_when_the_clock_does(quick_two):
    repo = quick_two
    newest = repo.snapshots()[-1]["createdAt"]
    (repo.source / "a.txt").write_text("two days ago\n")
    done = repo.at_time("-2d", "backup", repo.source)
    assert re.search("the clock is (48 h|47 h 59 min) behind the repository's newest record: is it "
                     "right", done.err), done.err
    created = [payload["createdAt"] for payload in repo.payloads()]
    assert created == sorted(created)
    assert created[-1] == newest
    assert repo.run("snapshots", "--json").json["totalCount"] == 3
    for when in ("-2d", "+0d"):
        repo.at_time(when, "verify", "--decrypt")
        for which, tree in repo.trees.items():
            repo.at_time(when, "restore", which, "--to", repo.target)
            assert read_tree(repo.target) == tree
            repo.at_time(when, "restore", which, "--to", repo.target, "--delta", "--yes")
            shutil.rmtree(repo.target)


def test_what_was_made_with_the_clock_back_is_the_latest(quick_two):
    repo = quick_two
    (repo.source / "a.txt").write_text("two days ago\n")
    repo.at_time("-2d", "backup", repo.source)
    repo.restore("latest")
    assert read_tree(repo.target) == read_tree(repo.source)
    # And the one after it, with the clock right again, is an incremental like any other.
    (repo.source / "a.txt").write_text("now\n")
    last = repo.backup()
    assert repo.ids()[-1] == last
    assert repo.show(last)["chain"]["position"] == 3
    repo.restore("latest", "--delta", "--yes")
    assert read_tree(repo.target) == read_tree(repo.source)


def test_a_small_step_back_is_not_worth_a_word(quick_two):
    repo = quick_two
    done = repo.at_time("-30s", "backup", repo.source)
    assert "clock" not in done.err


def test_a_clock_far_ahead_once_does_no_lasting_harm(quick_two):
    repo = quick_two
    (repo.source / "a.txt").write_text("in a year\n")
    done = repo.at_time("+365d", "backup", repo.source, expect=doubted())
    assert ("says that it is not synchronised" in done.err) == (doubted() == ATTENTION)
    (repo.source / "a.txt").write_text("today\n")
    done = repo.run("backup", repo.source)
    assert "behind the repository's newest record: is it right?" in done.err
    repo.run("verify", "--decrypt")
    repo.restore("latest")
    assert read_tree(repo.target) == read_tree(repo.source)


def test_a_destroyed_version_stays_destroyed_when_the_clock_goes_back(quick_two):
    repo = quick_two
    first = repo.ids()[0]
    repo.run("key", "rotate")
    repo.run("key", "schedule-deletion", 1, "--days", 7, "--yes")
    repo.at_time("+8d", "key", "purge", "--yes")
    for when in ("-30d", "+0d", "+8d"):
        versions = repo.at_time(when, "key", "status", "--json").json["results"]
        assert [version["state"] for version in versions] == ["destroyed", "enabled"]
        done = repo.at_time(when, "restore", first, "--to", repo.target, expect=KEY_INVALID)
        assert "version 1 is destroyed since " in done.err
        assert not repo.target.exists()


def test_a_stamp_of_a_clock_that_was_ahead_takes_no_version_for_good(quick_two):
    """Not due by the clock, and taken for destroyed by the keyring: nobody could cancel it, and a
    month later it would be."""
    repo = quick_two
    first = repo.ids()[0]
    repo.run("key", "rotate")
    repo.run("key", "schedule-deletion", 1, "--yes")
    repo.at_time("+100d", "key", "rotate", expect=doubted())
    repo.restore(first, expect=KEY_INVALID)
    done = repo.run("key", "cancel-deletion", 1, expect=USAGE)
    assert "key version 1 is destroyed since " in done.err
    assert ("by the clock of this machine it is not due: the keyring was changed once with a clock "
            "that was ahead. If this one is right, `sealpoint key cancel-deletion 1 "
            "--clock-is-right` takes it back") in done.err
    repo.run("key", "cancel-deletion", 1, "--clock-is-right")
    repo.run("key", "enable", 1)
    repo.assert_restores(repo.trees)
    # What is due by the clock as well stays so.
    repo.run("key", "schedule-deletion", 1, "--yes")
    done = repo.at_time("+200d", "key", "cancel-deletion", 1, "--clock-is-right", expect=USAGE)
    assert "its deletion date is past; `sealpoint key purge` destroys its key material" in done.err


def test_a_clock_before_1970_stamps_nothing(quick_two):
    """No time before that can be written, and read again."""
    repo = quick_two
    repo.run("key", "rotate")
    before = repo.stored(), repo.keyring.read_bytes()
    for command in (["backup", repo.source], ["key", "rotate"], ["key", "disable", 1, "--yes"]):
        done = repo.at_time("@1969-12-30 12:00:00", *command, "--clock-is-right", expect=FAILED)
        assert re.search("the clock says 1969-12-30T12:00:[0-9.]{6}Z, before 1970: nothing is "
                         "written\n  put the clock right", done.err), done.err
    assert (repo.stored(), repo.keyring.read_bytes()) == before
    repo.at_time("@1969-12-30 12:00:00", "restore", "latest", "--to", repo.target)
    new = repo.directory / "new"
    repo.at_time("@1969-12-30 12:00:00", "init", "--repository", new, "--keyring", new, expect=FAILED)
    assert not new.exists()


def test_a_waiting_time_is_not_made_shorter_by_a_clock_set_back(quick_two):
    repo = quick_two
    repo.run("key", "rotate")
    done = repo.at_time("-100d", "key", "schedule-deletion", 1, "--days", 7, "--yes")
    assert "the clock is behind keyring" in done.err
    version = repo.run("key", "status", "--json").json["results"][0]
    assert version["state"] == "pendingDeletion"
    assert version["deletionDate"] > version["createdAt"]
    repo.run("key", "cancel-deletion", 1)
    repo.run("key", "enable", 1)
    repo.assert_restores(repo.trees)


@pytest.mark.parametrize("when", ["+3650d", "+36500d"])
def test_nothing_is_written_with_a_clock_years_ahead(quick_two, when):
    repo = quick_two
    repo.run("key", "rotate")
    repo.run("key", "schedule-deletion", 1, "--days", 7, "--yes")
    stored = repo.stored()
    keys = {path.name: path.read_bytes() for path in repo.keyring.parent.glob("*.json*[!k]")}
    (repo.source / "a.txt").write_text("years ahead\n")
    for command in (["backup", repo.source], ["key", "rotate"], ["key", "disable", 2, "--yes"],
                    ["key", "purge", "--yes"], ["key", "cancel-deletion", 1]):
        done = repo.at_time(when, *command, expect=FAILED)
        assert "put the clock right" in done.err and "--clock-is-right" in done.err
    assert repo.stored() == stored
    assert {path.name: path.read_bytes() for path in repo.keyring.parent.glob("*.json*[!k]")} == keys
    # With the clock right again, nothing has happened.
    repo.run("key", "cancel-deletion", 1)
    repo.run("key", "enable", 1)
    repo.trees[repo.backup()] = read_tree(repo.source)
    repo.assert_restores(repo.trees)


def forge_state(repo, stolen, created):
    """What the thief of a backup key signs: a key state of any date."""
    was = next(p for p in repo.payloads() if p["type"] == "snapshot")
    payload = stolen.next_payload(repo.repository, "keyState", masterKey=was["masterKey"],
                                  verdict="VALID", reason=None, stateChangedAt=None)
    payload.update(checkedAt=payload["createdAt"], createdAt=created)
    return stolen.put(repo.repository, payload)


def test_a_forged_date_does_not_switch_the_rules_off(quick_two):
    """With a record of the year 2100, a clock ten years ahead would be behind the newest."""
    repo = quick_two
    repo.run("key", "rotate")
    repo.run("key", "schedule-deletion", 1, "--days", 7, "--yes")
    forge_state(repo, repo.signing_key(), "2100-01-01T00:00:00.000Z")
    stored = repo.stored()
    keys = repo.keyring.read_bytes()
    for command in (["backup", repo.source], ["key", "purge", "--yes"], ["key", "rotate"]):
        done = repo.at_time("+3650d", *command, expect=FAILED)
        assert "400 days" in done.err and "--clock-is-right" in done.err
    assert repo.stored() == stored and repo.keyring.read_bytes() == keys
    # With the clock right, the keyring can be changed; the ledger hears of it later.
    done = repo.run("key", "cancel-deletion", 1)
    assert "the change is not in the ledger yet: " in done.err
    repo.run("key", "enable", 1)
    repo.assert_restores(repo.trees)


def test_a_forged_date_is_told_and_taken_back_by_root(quick_two):
    repo = quick_two
    other = repo.second("backup")
    (repo.source / "a.txt").write_text("theirs\n")
    other.backup()
    stolen = other.signing_key()
    path = forge_state(repo, stolen, "9999-12-31T23:59:59.999Z")
    last = json.loads(path.read_bytes().split(b"\n")[0])["seq"] - 1
    stored = repo.stored()
    for machine in (repo, other):
        done = machine.run("backup", repo.source, expect=FAILED)
        assert (f"the record ledger/{stolen.writer}/{path.name} is dated 9999-12-31T23:59:59.999Z, "
                "more than 400 days after what the clock says, ") in done.err
        assert f"`sealpoint writer revoke {stolen.writer} --last {last}`" in done.err
    done = repo.run("key", "purge", "--yes", expect=FAILED)
    assert "more than 400 days after what the clock says" in done.err
    assert repo.stored() == stored
    repo.run("writer", "revoke", stolen.writer, "--last", last, "--yes")
    path.unlink()
    repo.trees[repo.backup()] = read_tree(repo.source)
    years = {payload["createdAt"][:4] for payload in repo.payloads()}
    assert max(years) < "9999" and len(years) <= 2
    repo.run("verify")
    repo.restore("latest")
    assert read_tree(repo.target) == read_tree(repo.source)


def test_init_with_a_keyring_of_long_ago_asks_for_the_clock(quick_two):
    """Genesis is as old as the clock says, and all records follow it."""
    repo = quick_two
    repo.repository = repo.directory / "second"
    done = repo.at_time("+500d", "init", expect=FAILED)
    assert re.search(r"the clock says \S+, more than 400 days after the newest time in keyring \S+, "
                     r"\S+: nothing is written\n", done.err), done.err
    assert "--clock-is-right" in done.err
    assert not (repo.repository / "ledger").exists()
    repo.at_time("+500d", "init", "--clock-is-right")
    assert len(repo.payloads()) == 2


def test_a_backup_with_the_clock_ahead_destroys_no_key(quick_two):
    """Once a backup a month ahead removed for good what was pending deletion."""
    repo = quick_two
    repo.run("key", "rotate")
    repo.run("key", "schedule-deletion", 1, "--days", 7, "--yes")
    (repo.source / "a.txt").write_text("a month ahead\n")
    repo.at_time("+30d", "backup", repo.source)
    repo.run("key", "cancel-deletion", 1)
    repo.run("key", "enable", 1)
    repo.assert_restores(repo.trees)


def test_the_clock_can_be_vouched_for(quick_two):
    repo = quick_two
    (repo.source / "a.txt").write_text("after a long sleep\n")
    done = repo.at_time("+500d", "backup", repo.source, expect=FAILED)
    assert re.search(r"the clock says \S+, more than 400 days after the newest time in repository "
                     r"\S+, \S+: nothing is written\n", done.err), done.err
    repo.at_time("+500d", "backup", repo.source, "--clock-is-right")
    assert len(repo.ids()) == 3


def test_a_purge_destroys_what_is_due_and_says_so(quick_two):
    repo = quick_two
    first = repo.ids()[0]
    repo.run("key", "rotate")
    repo.run("key", "schedule-deletion", 1, "--days", 7, "--yes")
    assert repo.run("key", "purge").out == ""
    # 41 days without a record: it could be the clock.
    done = repo.at_time("+41d", "key", "purge", "--yes", expect=FAILED)
    assert "the clock is 40 days or more ahead of the repository's newest record" in done.err
    done = repo.at_time("+8d", "key", "purge", "--yes")
    assert done.out == "version 1: its key material is destroyed\n"
    assert f"snapshot {first} of " in done.err
    for generation in ("keyring.json", "keyring.json.previous"):
        line = (repo.keyring.parent / generation).read_text().split("\n")[0]
        assert [v["key"] is None for v in json.loads(line)["versions"]] == [True, False]
    states = [p for p in repo.payloads() if p["type"] == "keyState"]
    assert states[-1]["reason"] == "destroyed"

"""A clock that goes back, or far ahead: records never go back in time, what was made is still
there, and a destroyed key version stays destroyed."""

import re
import shutil

from conftest import KEY_INVALID, read_tree


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
    repo.at_time("+365d", "backup", repo.source)
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
    repo.at_time("+8d", "key", "check", expect=KEY_INVALID)
    for when in ("-30d", "+0d", "+8d"):
        versions = repo.at_time(when, "key", "status", "--json").json["results"]
        assert [version["state"] for version in versions] == ["destroyed", "enabled"]
        done = repo.at_time(when, "restore", first, "--to", repo.target, expect=KEY_INVALID)
        assert "version 1 is destroyed since " in done.err
        assert not repo.target.exists()


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

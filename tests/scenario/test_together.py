"""Several runs at once: two backups, two changes of the keyring, a backup beside a restore, and a
run that looked at the repository just before another one ended."""

import signal

import shim
from conftest import BUSY, FAILED, read_tree


def stopped_backup(repo, at, only, under=None):
    return shim.stopped(repo.command("backup", repo.source), under or [repo.repository, repo.state],
                        at, only=only, env=repo.env())


def test_of_two_backups_the_second_is_refused(quick_two):
    repo = quick_two
    before = repo.ids()
    with stopped_backup(repo, 1, ["linkat"]) as first:
        done = repo.run("backup", repo.source, expect=BUSY)
        assert "another backup of this repository runs" in done.err
        assert str(first.pid) in done.err
        assert repo.ids() == before  # what runs is not listed
        repo.run("verify", "--decrypt")
        repo.restore()  # and everything else works meanwhile
    assert first.returncode == 0, first.err
    assert len(repo.ids()) == len(before) + 1
    assert read_tree(repo.target) == read_tree(repo.source)
    repo.assert_tidy()
    repo.run("verify", "--decrypt")


def test_a_backup_that_is_overtaken_by_another_writer_of_the_chain_goes_behind_it(quick_two):
    """The key check needs no backup lock; it takes the place in the chain that was next."""
    repo = quick_two
    with stopped_backup(repo, 2, ["linkat"]) as backup:  # pack or index are there, no record
        repo.run("key", "check")
        repo.run("key", "rotate")
        repo.run("key", "check")
    assert backup.returncode == 0, backup.err
    assert len(repo.ids()) == 3
    last = repo.backup()
    repo.assert_tidy()
    repo.run("verify", "--decrypt")
    repo.restore(last)


def test_a_backup_that_looked_too_early_does_not_undo_one_that_was_killed_late(quick_two):
    """The first has read the ledger and waits for nothing; the second is killed just after its
    record was made, so its notes still lie there. The snapshot is real all the same."""
    repo = quick_two
    with stopped_backup(repo, 1, None) as early:
        killed = repo.shim("backup", repo.source, at=3, do="kill-after", only=["linkat"])
        assert killed.returncode == -signal.SIGKILL
        assert "/ledger/" in killed.log[-1][2]  # after index and manifest: nothing is new
    assert early.returncode == 0, early.err
    made = [which for which in repo.ids() if which not in repo.trees]
    assert len(made) == 2
    repo.run("verify", "--decrypt")
    for which in made:
        repo.restore(which, to=repo.directory / which)
        assert read_tree(repo.directory / which) == read_tree(repo.source)
    repo.backup()
    repo.assert_tidy()


def test_a_backup_whose_writer_is_revoked_meanwhile_writes_nothing(quick_two):
    """Its record would not count, and make every reader refuse the repository."""
    repo = quick_two
    other = repo.second("backup")
    other.extra_env["SEALPOINT_FINGERPRINT"] = repo.fingerprint()
    writer = other.signing_key().writer
    with stopped_backup(other, 1, ["linkat"]) as backup:
        repo.run("writer", "revoke", writer, "--yes")
    assert backup.returncode == FAILED, backup.err
    assert f"may not sign snapshot records of {repo.repository}" in backup.err
    repo.run("verify", "--decrypt")
    repo.assert_restores(repo.trees)
    repo.assert_tidy()


def test_rewrap_and_backup_at_the_same_time_both_come_out_whole(quick_two):
    repo = quick_two
    repo.run("key", "rotate")
    with shim.stopped(repo.command("key", "rewrap"), [repo.repository], 1, only=["fdatasync"],
                      env=repo.env()) as rewrap:
        # The temporary of the stopped run is not swept away by the backup.
        repo.trees[repo.backup()] = read_tree(repo.source)
    assert rewrap.returncode in (0, BUSY), rewrap.err
    repo.run("key", "rewrap")
    repo.run("key", "disable", 1, "--yes")
    repo.assert_restores(repo.trees)
    repo.assert_tidy()


def test_two_changes_of_the_keyring_wait_for_each_other(quick_two):
    repo = quick_two
    with shim.stopped(repo.command("key", "rotate"), [repo.keyring.parent], 1, only=["rename"],
                      env=repo.env()):
        second = repo.start("key", "rotate")
        repo.run("ls", "latest")  # reading is not kept waiting
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0, err
    versions = repo.run("key", "status", "--json").json["results"]
    assert [version["keyVersion"] for version in versions] == ["1", "2", "3"]
    assert [version["active"] for version in versions] == [False, False, True]
    assert out == "version 3 is active now\n"

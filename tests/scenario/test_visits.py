"""What a reader hears who comes again: what was deleted since, how old what is there is, and, with an
earlier report, what a machine that was never here before could not know."""

import json
import shutil

import pytest

from conftest import ATTENTION, CORRUPT, NOT_FOUND, USAGE, make, pattern


def delete(repo, which):
    """As whoever has the root key would: the snapshot has not expired."""
    root = repo.signing_key("root-key.json")
    root.put(repo.repository, root.next_payload(repo.repository, "tombstone", subject=which,
                                                reason="no longer wanted"))


@pytest.mark.parametrize("command", [["snapshots"], ["snapshots", "--json"], ["verify"],
                                     ["verify", "--json"]])
def test_what_was_deleted_since_the_last_visit_is_named_once(quick_two, command):
    repo = quick_two
    first = list(repo.trees)[0]
    assert "deleted" not in repo.run(*command).err
    delete(repo, first)
    repo.run("show", "latest")  # sees the record, and tells nobody
    done = repo.run(*command)
    assert f"deleted since the last visit: {first}, by writer " in done.err
    if command[-1] == "--json" and command[0] == "verify":
        (deleted,) = done.json["deleted"]
        assert deleted["subject"] == first
    assert "deleted since" not in repo.run(*command).err
    # A machine that comes for the first time has seen nothing go.
    new = ["--state-dir", repo.directory / "new", "--trust-new"]
    assert "deleted since" not in repo.run(*command, *new).err


def test_a_backup_is_no_visit(quick_two):
    """Its machine knows what was deleted; who looks at the list has not heard of it."""
    repo = quick_two
    first = list(repo.trees)[0]
    delete(repo, first)
    assert "deleted since" not in repo.run("backup", repo.source).err
    assert f"deleted since the last visit: {first}" in repo.run("snapshots").err


def report_of(repo):
    path = repo.directory / "report.json"
    path.write_text(repo.run("verify", "--json").out)
    return path


def test_a_report_of_ten_thousand_snapshots_is_read(quick_two):
    repo = quick_two
    report = report_of(repo)
    many = json.loads(report.read_text())
    assert len(many["snapshots"]) == 2
    many["snapshots"] *= 5000
    for text in (json.dumps(many), "\n " + json.dumps(many, indent=2) + "\r\n\n"):
        report.write_text(text)
        repo.run("verify", "--heads", report)
    many["heads"] = many["heads"][:-1] + ["no head"]
    report.write_text(json.dumps(many))
    repo.run("verify", "--heads", report, expect=USAGE)


def test_a_report_holds_the_repository_on_a_new_machine(quick_two):
    repo = quick_two
    report = report_of(repo)
    first = list(repo.trees)[0]
    new = ["--state-dir", repo.directory / "new", "--heads", report]
    done = repo.run("verify", *new)
    assert "deleted since" not in done.err and "first use" not in done.err
    delete(repo, first)
    for again in ("new", "newer"):
        done = repo.run("verify", "--state-dir", repo.directory / again, "--heads", report)
        assert f"deleted since the report: {first}, by writer " in done.err
    # What the report has seen is gone: nobody but it can tell.
    for path in repo.records()[-2:]:
        path.unlink()
    newest = ["--state-dir", repo.directory / "newest"]
    repo.run("verify", *newest, "--trust-new")
    done = repo.run("verify", *newest, "--heads", report, expect=CORRUPT)
    assert "was seen before, and now its records end at" in done.err
    assert "it was there when the report was written" in done.err


def test_another_record_in_the_place_of_one_in_the_report_is_an_alarm(quick_two):
    repo = quick_two
    report = report_of(repo)
    old = json.loads(report.read_text())
    old["heads"][0]["recordId"] = "00" * 32
    report.write_text(json.dumps(old))
    done = repo.run("verify", "--heads", report, expect=CORRUPT)
    assert "was 0000000000000000… when it was seen before" in done.err


def test_a_report_with_what_root_has_taken_back_holds_the_rest(quick_two):
    """It was written while a thief's record was there; once that is revoked and removed, the
    report must not cry wolf for ever."""
    repo = quick_two
    other = repo.second("backup")
    other.backup("--fingerprint", repo.fingerprint())
    thief = other.signing_key()
    payload = thief.next_payload(repo.repository, "keyState", masterKey=repo.show()["masterKey"],
                                 verdict="VALID", reason=None, since=None,
                                 checkedAt="2026-01-01T00:00:00.000Z")
    forged = thief.put(repo.repository, payload)
    report = repo.directory / "report.json"
    report.write_text(repo.run("verify", "--json").out)
    repo.run("writer", "revoke", thief.writer, "--last", payload["seq"] - 1, "--yes")
    forged.unlink()
    new = ("--state-dir", repo.directory / "new")
    repo.run("verify", "--heads", report)
    repo.run("verify", "--heads", report, *new)
    # The last that counts is still held against it.
    (forged.parent / f"{payload['seq'] - 1:016x}.json").unlink()
    shutil.rmtree(repo.directory / "new")
    done = repo.run("verify", "--heads", report, *new, expect=CORRUPT)
    assert "it was there when the report was written" in done.err


def test_a_report_is_of_one_repository(quick_two):
    repo = quick_two
    report = report_of(repo)
    shutil.rmtree(repo.repository)
    shutil.rmtree(repo.state)
    repo.init()
    done = repo.run("verify", "--heads", report, expect=CORRUPT)
    assert "another repository" in done.err
    repo.run("verify", "--heads", report, "--fingerprint", repo.fingerprint(), expect=USAGE)


def test_a_report_of_another_repository_does_not_make_it_the_one_that_is_meant(quick_two, fast):
    """A report may be anybody's: it is not the operator's word that a path may show another."""
    repo = quick_two
    other = make(fast / "other", unencrypted=True)
    other.backup()
    report = report_of(other)
    ours = repo.fingerprint()
    away = repo.directory / "away"
    repo.repository.rename(away)
    repo.repository.symlink_to(other.repository)
    for known in (False, True):
        if known:
            repo.run("snapshots", "--repository", other.repository, "--trust-new")
        for command in (["verify", "--heads", report], ["snapshots"], ["backup", repo.source]):
            done = repo.run(*command, expect=CORRUPT)
            assert f"here was the repository {ours}, and now it is" in done.err
    repo.repository.unlink()
    away.rename(repo.repository)
    done = repo.run("verify", "--heads", report, expect=CORRUPT)
    assert f"and not {other.fingerprint()} as the report says: this is another repository" in done.err
    repo.run("snapshots")


@pytest.mark.parametrize("content", ["", "{}", '{"format": 1}', '{"format": 2}', "[]"])
def test_what_is_no_report_is_told(quick_two, content):
    repo = quick_two
    path = repo.directory / "report.json"
    path.write_text(content)
    done = repo.run("verify", "--heads", path, expect=USAGE)
    assert "is no report of `sealpoint verify --report`" in done.err
    path.unlink()
    repo.run("verify", "--heads", path, expect=NOT_FOUND)


def test_how_old_everything_is(quick):
    repo = quick
    (repo.source / "a.txt").write_bytes(pattern(100, 3))
    which = repo.backup()
    done = repo.at_time("+3d", "restore", "latest", "--to", repo.target)
    assert f"snapshot {which} was taken 3 days ago (20" in done.err
    done = repo.at_time("+5h", "verify")
    assert f"newest snapshot: {which}, taken 5 hours ago\n" in done.out
    assert "newest signature: 5 hours ago (20" in done.out
    done = repo.at_time("-73h", "verify")
    assert "newest signature: 3 days in the future (20" in done.out
    assert repo.run("verify", "--json").json["newestSnapshot"]["id"] == which


def test_the_status_says_what_is_there(quick_two):
    repo = quick_two
    newest = list(repo.trees)[-1]
    done = repo.at_time("+4d", "status")
    for line in (f"repository       {repo.repository}", f"fingerprint      {repo.fingerprint()}",
                 "known since      4 days ago (20", "signing key      here", "snapshots        2",
                 f"newest snapshot  {newest}, taken 4 days ago (20", "newest signature 4 days ago"):
        assert line in done.out, done.out
    root = repo.state_directory() / "root-key.json"
    assert f"warning: the root key still lies in {root}: move it away" in done.err
    away = root.rename(repo.directory / "root-key.json")
    done = repo.run("status", "--json")
    assert done.err == ""
    away.rename(root)
    told = done.json
    assert told["format"] == 1 and told["fingerprint"] == repo.fingerprint()
    assert told["newestSnapshot"]["id"] == newest and told["snapshots"] == 2
    (writer,) = told["writers"]
    assert writer["thisMachine"] and writer["roles"] == ["backup", "retention", "keys"]
    assert told["root"] == repo.payloads()[0]["writerId"] != writer["writerId"]
    writers = {head["writerId"]: head["seq"] for head in told["heads"]}
    assert sum(seq + 1 for seq in writers.values()) == told["records"] == len(repo.records())
    (key,) = told["keys"]
    assert key["verdict"] == "VALID" and key["active"]
    # What it prints is a report too.
    path = repo.directory / "report.json"
    path.write_text(json.dumps(told))
    repo.run("verify", "--heads", path)


def test_the_status_needs_neither_key_nor_signing_key(quick_two):
    repo = quick_two
    repo.keyring.rename(repo.directory / "away.json")
    (repo.state_directory() / "signing-key.json").write_text("{}")
    done = repo.run("status")
    assert "UNREACHABLE" in done.out
    assert "signing key      damaged" in done.out
    stored = repo.stored()
    new = ["--state-dir", repo.directory / "new"]
    repo.run("status", *new, expect=USAGE)
    done = repo.run("status", *new, "--fingerprint", repo.fingerprint())
    assert "known since      now, by its fingerprint" in done.out
    assert "signing key      not here" in done.out
    assert repo.stored() == stored


def test_the_status_of_a_new_repository(quick):
    told = quick.run("status", "--json").json
    assert told["newestSnapshot"] is None and told["snapshots"] == 0
    assert "newest snapshot  none" in quick.run("status").out


def checkpoints(repo):
    return [payload for payload in repo.payloads() if payload["type"] == "checkpoint"]


def test_a_state_that_is_shown_for_too_long_is_told(quick):
    """Whoever withholds what is new can show what was there, but not for ever."""
    repo = quick
    life = ["--checkpoint-expiry", "10d"]
    repo.backup()
    assert checkpoints(repo) == []
    repo.backup(*life)
    (first,) = checkpoints(repo)
    assert first["expiresAt"] > first["createdAt"]
    repo.backup(*life)  # more than half of it is left
    assert checkpoints(repo) == [first]
    assert "expired" not in repo.at_time("+9d", "verify").err
    words = f"the newest checkpoint expired at {first['expiresAt']}"
    for command in (["snapshots"], ["status"], ["restore", "latest", "--to", repo.target]):
        assert words in repo.at_time("+11d", *command).err
    done = repo.at_time("+11d", "verify", expect=ATTENTION)
    assert words in done.err and "no damage" in done.out
    # The next backup is in time, and says so; without a life they never expire.
    repo.at_time("+6d", "backup", repo.source, *life)
    assert len(checkpoints(repo)) == 2
    assert "expired" not in repo.at_time("+11d", "verify").err


def test_a_checkpoint_without_a_life_never_expires(quick):
    repo = quick
    repo.backup()
    repo.at_time("+900d", "verify")

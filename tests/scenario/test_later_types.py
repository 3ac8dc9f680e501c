"""What a later release writes into the ledger: what is only informational is passed over by this one
and by the Python reader, what changes the meaning of other records stops both, and says which
version is needed."""

import datetime

import pytest

from conftest import CORRUPT, read_tree
from reader import Reader

PASSED_OVER = {"oplogSegment": {"id": "aa", "dataKey": None}, "oplogEvent": {}, "drill": {},
               "verification": {}, "lease": {}, "keyringHalf": {}, "hold": {"subject": "ab"},
               "release": {"subject": "ab"}, "garbagePass": {}}
STOPS = ["oplogBatch", "undelete", "of-another-decade"]


def put(repo, kind, **members):
    thief = repo.signing_key()
    return thief.put(repo.repository, thief.next_payload(repo.repository, kind, **members))


def both_read(repo):
    repo.run("snapshots")
    repo.run("verify", "--decrypt")
    repo.run("key", "check")
    repo.run("status")
    if repo.target.exists():
        repo.run("restore", "latest", "--to", repo.target, "--delta", "--yes")
    else:
        repo.restore()
    assert read_tree(repo.target) == read_tree(repo.source)
    assert Reader(repo.repository, repo.keyring, repo.passphrase).status() == 0


@pytest.mark.parametrize("kind", sorted(PASSED_OVER))
def test_what_is_informational_is_passed_over(repo, kind):
    if kind == "oplogSegment":
        pytest.skip("its data key is read by rewrap and impact already")
    repo.backup()
    put(repo, kind, later={"a": [1]}, **PASSED_OVER[kind])
    both_read(repo)
    repo.backup()
    both_read(repo)


@pytest.mark.parametrize("kind", STOPS)
def test_what_changes_others_stops_and_says_what_is_needed(repo, kind):
    repo.backup()
    path = put(repo, kind, subject="ab", needs="0.7")
    name = path.relative_to(repo.repository)
    for command in (["snapshots"], ["verify"], ["restore", "latest", "--to", repo.target]):
        done = repo.run(*command, expect=CORRUPT)
        assert f'{name}: a record of type "{kind}" needs sealpoint 0.7 or newer' in done.err
        assert "use the version that wrote it, or a newer one" in done.err
    reader = Reader(repo.repository, repo.keyring, repo.passphrase)
    assert reader.status() == CORRUPT
    path.unlink()
    path = put(repo, kind)
    done = repo.run("snapshots", expect=CORRUPT)
    assert f'a record of type "{kind}" needs a newer version of sealpoint' in done.err


@pytest.mark.parametrize("odd", [{"verdict": "PERHAPS"}, {"verdict": None}, {"masterKey": 7},
                                 {"verdict": "INVALID", "reason": "x" * 300}, {"checkedAt": "now"}])
def test_an_odd_key_state_closes_nothing(repo, odd):
    repo.backup()
    newest = [p for p in repo.payloads() if p["type"] == "snapshot"][-1]
    put(repo, "keyState", **{"masterKey": newest["masterKey"], "verdict": "VALID", "reason": None,
                             "stateChangedAt": None, "checkedAt": newest["createdAt"], **odd})
    both_read(repo)


def test_a_new_repository_says_what_it_is(repo):
    text = (repo.repository / "README.sealpoint").read_text()
    assert "Format: version 1" in text and "docs/FORMAT.md" in text
    (repo.repository / "README.sealpoint").unlink()
    repo.backup()
    both_read(repo)


def test_a_record_of_a_day_that_is_to_come_dates_nothing(repo):
    """Neither what is written after it nor how old the repository is said to be."""
    other = repo.second("backup")
    other.backup()
    stolen = other.signing_key()
    was = next(p for p in repo.payloads() if p["type"] == "snapshot")
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)
    payload = stolen.next_payload(repo.repository, "keyState", masterKey=was["masterKey"],
                                  verdict="VALID", reason=None, stateChangedAt=None)
    payload.update(checkedAt=payload["createdAt"], createdAt=then.strftime("%Y-%m-%dT%H:%M:%S.000Z"))
    stolen.put(repo.repository, payload)
    repo.backup()
    newest = repo.run("snapshots", "--json").json["results"][-1]["createdAt"]
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    assert newest < tomorrow.strftime("%Y-%m-%dT%H:%M:%S")
    assert repo.run("verify", "--json").json["newestSignatureAt"] == newest
    both_read(repo)

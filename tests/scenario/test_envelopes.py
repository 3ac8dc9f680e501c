"""Envelopes that are damaged, forged or withdrawn: a good one is never buried by a bad one, and what
somebody closed stays closed."""

import base64
import shutil

import pytest

from conftest import ATTENTION, KEY_INVALID, Sealpoint, fill_source, read_tree
from reader import Reader


@pytest.fixture
def two(fast):
    """A base and an increment under version 1, rewrapped to version 2."""
    repo = Sealpoint(fast)
    repo.init()
    fill_source(repo.source)
    first = repo.backup()
    tree = read_tree(repo.source)
    (repo.source / "a.txt").write_text("changed\n")
    repo.trees = {first: tree, repo.backup(): read_tree(repo.source)}
    repo.run("key", "rotate")
    repo.run("key", "rewrap")
    return repo


def rewraps(repo):
    return [p for p in repo.payloads() if p["type"] == "rewrap"]


def sign_rewrap(repo, data_key, **changed):
    """By a thief of this machine's key, of role "keys"."""
    envelope = data_key["envelopes"][0]
    named = ("provider", "keyId", "keyVersion", "keyCommitment")
    members = {"dataKey": data_key, "masterKey": {name: envelope[name] for name in named},
               "replaces": {name: envelope[name] for name in named}, **changed}
    key = repo.signing_key()
    key.put(repo.repository, key.next_payload(repo.repository, "rewrap", **members))


def flipped(data_key):
    wrapped = bytearray(base64.b64decode(data_key["envelopes"][0]["wrappedKey"]))
    wrapped[200] ^= 1
    envelope = {**data_key["envelopes"][0], "wrappedKey": base64.b64encode(wrapped).decode()}
    return {**data_key, "envelopes": [envelope]}


def named(data_key, **changed):
    return {**data_key, "envelopes": [{**data_key["envelopes"][0], **changed}]}


def reader(repo):
    return Reader(repo.repository, repo.keyring, repo.passphrase).status()


def test_one_flipped_byte_in_rewrap_records_stops_no_restore_and_is_found(two):
    for payload in rewraps(two):
        sign_rewrap(two, flipped(payload["dataKey"]))
    assert "its envelope does not open" in two.restore().err
    shutil.rmtree(two.target)
    two.assert_restores(two.trees)
    assert reader(two) == 0
    # Whoever can open envelopes says so; so does whoever reads the report.
    done = two.run("verify", "--decrypt", expect=ATTENTION)
    assert "the newest envelopes of 2 data keys do not open (see above)" in done.err
    assert two.run("verify", "--decrypt", "--json", expect=ATTENTION).json["damagedEnvelopes"] == 2
    done = two.run("key", "check", expect=ATTENTION)
    assert "the envelopes of 2 data keys do not open, and an older one does" in done.err
    # And what it advises helps.
    assert two.run("key", "rewrap").out == "2 data keys: 0 current, 2 rewrapped, 0 refused\n"
    for command in (["key", "check"], ["verify", "--decrypt"]):
        assert "does not open" not in two.run(*command).err
    assert two.run("key", "rewrap").out == "2 data keys: 2 current, 0 rewrapped, 0 refused\n"


@pytest.mark.parametrize("lie", [
    {"keyVersion": "99"}, {"keyId": "0" * 32}, {"keyCommitment": "0" * 64},
    {"wrapAlgorithm": "rot13"}])
def test_the_thief_of_a_keys_role_buries_no_envelope(two, lie):
    for payload in rewraps(two):
        sign_rewrap(two, named(payload["dataKey"], **lie))
    assert "its envelope does not open" in two.restore("latest").err
    assert read_tree(two.target) == list(two.trees.values())[-1]
    assert reader(two) == 0


def test_a_rewrap_of_another_data_key_or_of_none_says_nothing(two):
    payload = rewraps(two)[-1]
    sign_rewrap(two, {**payload["dataKey"], "commitment": "0" * 64})
    sign_rewrap(two, payload["dataKey"], dataKey={"scope": payload["dataKey"]["scope"]})
    sign_rewrap(two, payload["dataKey"], masterKey={"provider": "file"})
    two.assert_restores(two.trees)
    for command in (["key", "check"], ["verify", "--decrypt"], ["key", "impact", "2"]):
        two.run(*command)
    assert reader(two) == 0


def test_a_rewrap_by_a_version_that_was_withdrawn_before_is_passed_over(two):
    """The thief signs the old envelopes once more, genuine ones, of a version that is disabled."""
    old = [p["dataKey"] for p in two.payloads() if p["type"] == "snapshot"]
    two.run("key", "disable", 1, "--yes")
    for data_key in old:
        sign_rewrap(two, data_key)
    two.assert_restores(two.trees)
    assert reader(two) == 0


def test_who_disables_the_newest_version_closes_what_it_wraps(two):
    """Version 1 is still enabled, and the envelopes by it still stand in the records."""
    two.run("key", "disable", 2, "--yes")
    assert "version 2 is disabled since " in two.restore(expect=KEY_INVALID).err
    assert reader(two) == KEY_INVALID
    two.run("key", "enable", 2)
    two.assert_restores(two.trees)

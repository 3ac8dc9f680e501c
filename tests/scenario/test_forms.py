"""Odd forms of signed JSON: the program and the Python reader take and refuse the same."""

import json

import pytest

from conftest import CORRUPT
from reader import Reader


def nested(levels):
    """A record is one level; this many below it."""
    value = 1
    for _ in range(levels):
        value = [value]
    return json.dumps(value, separators=(",", ":")).encode()


def put_line(repo, change):
    """A keyState record by this machine's key, its line changed before it is signed."""
    thief = repo.signing_key()
    newest = [p for p in repo.payloads() if p["type"] == "snapshot"][-1]
    payload = thief.next_payload(repo.repository, "keyState", masterKey=newest["masterKey"],
                                 verdict="VALID", reason=None, checkedAt=newest["createdAt"])
    line = change(json.dumps(payload, separators=(",", ":")).encode())
    path = repo.repository / "ledger" / thief.writer / f"{payload['seq']:016x}.json"
    path.write_bytes(line + b"\n" + thief.line_2(line) + b"\n")


def with_member(raw):
    return lambda line: line[:-1] + b"," + raw + b"}"


GOOD = {
    "depth 11": with_member(b'"x":' + nested(10)),
    "unknown members": with_member(b'"x":{"y":[1.5e3,null,true,"\\u00e9"]}'),
    "members in another order": lambda line: b'{"a":0,' + line[1:],
}
BAD = {
    "depth 12": with_member(b'"x":' + nested(11)),
    "no UTF-8": with_member(b'"x":"\xff"'),
    "an overlong form": with_member(b'"x":"\xc0\xaf"'),
    "half a surrogate pair": with_member(b'"x":"\\ud800"'),
    "a NUL": with_member(b'"x":"\\u0000"'),
    "a control character": with_member(b'"x":"\x01"'),
    "a name twice": with_member(b'"x":1,"x":1'),
    "a name twice, escaped": with_member(b'"x":1,"\\u0078":1'),
    "a comma too many": lambda line: line[:-1] + b",}",
    "twenty digits": with_member(b'"x":12345678901234567890'),
    "not a number": with_member(b'"x":NaN'),
    "a member to be understood": with_member(b'"x":[{"!y":1}]'),
    "a byte order mark": lambda line: b"\xef\xbb\xbf" + line,
    "a blank in front": lambda line: b" " + line,
    "a blank behind": lambda line: line + b" ",
    "two objects": lambda line: line + b"{}",
}


@pytest.mark.parametrize("form", sorted(GOOD))
def test_both_take_it(repo, form):
    repo.backup()
    put_line(repo, GOOD[form])
    repo.run("verify")
    assert Reader(repo.repository, repo.keyring, repo.passphrase).status() == 0


@pytest.mark.parametrize("form", sorted(BAD))
def test_both_refuse_it(repo, form):
    repo.backup()
    put_line(repo, BAD[form])
    repo.run("verify", expect=CORRUPT)
    assert Reader(repo.repository, repo.keyring, repo.passphrase).status() == CORRUPT

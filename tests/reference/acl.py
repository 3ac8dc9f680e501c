"""The ACL of an entry (docs/FORMAT.md, 6.3)."""

import collections
import re

from refusal import require

ROW = re.compile(rb"(default:)?(user|group|mask|other):([^:\n\0]{0,255}):([r-][w-][x-])(?::(0|[1-9][0-9]{0,9}))?")
ORDER = ("user", "user name", "group", "group name", "mask", "other")

AclRow = collections.namedtuple("AclRow", "is_default tag name permissions id")


def _read_row(line):
    match = ROW.fullmatch(line)
    require(match, "a row of an ACL is not in its one form")
    is_default, word, name, letters, number = match.groups()
    tag = word.decode() + (" name" if name or number else "")
    require(tag in ORDER, "a row of an ACL is of no known kind")
    require(number is None or int(number) < 2**32 - 1, "a row of an ACL has an odd number")
    permissions = int("".join("0" if c == "-" else "1" for c in letters.decode()), 2)
    return AclRow(bool(is_default), tag, name, permissions, None if number is None else int(number))


def _check(rows):
    count = collections.Counter(row.tag for row in rows)
    require(count["user"] == count["group"] == count["other"] == 1, "an ACL lacks a row")
    named = count["user name"] + count["group name"]
    require(count["mask"] <= 1 and (count["mask"] or not named), "an ACL lacks its mask")


def read_acl(raw, is_directory):
    if not raw:
        return []
    require(raw.endswith(b"\n"), "a row of an ACL ends early")
    rows = [_read_row(line) for line in raw[:-1].split(b"\n")]
    places = [(row.is_default, ORDER.index(row.tag)) for row in rows]
    require(places == sorted(places), "the rows of an ACL are out of order")
    for is_default in (False, True):
        of = [row for row in rows if row.is_default == is_default]
        if of:
            _check(of)
    require(is_directory or not rows[-1].is_default, "a default ACL that is no directory's")
    return rows

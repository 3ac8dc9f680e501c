"""JSON as docs/FORMAT.md, 1 has it, and its members with their types and caps."""

import base64
import binascii
import datetime
import json
import re

from refusal import Corrupt, require

DEPTH_MAX = 11
DIGITS_MAX = 19
COST_MAX = 32_768
NUMBER_MAX = 2**53 - 1
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
# What a number looks like where no string is.
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9]+')
NO_DEFAULT = object()


def _once(pairs):
    found = dict(pairs)
    require(len(found) == len(pairs), "a member name occurs twice in one object")
    return found


def _integer(token):
    return -0.0 if token == "-0" else int(token)  # a number without a sign, or none of ours


def _refuse_constant(name):
    raise Corrupt(f"not JSON: {name}")


def _check_text(text):
    require("\0" not in text, "a NUL within a string")
    require(not any(0xD800 <= ord(c) <= 0xDFFF for c in text), "half a surrogate pair")


def _check_tree(at, depth):
    require(depth <= DEPTH_MAX, "JSON is nested too deeply")
    if isinstance(at, dict):
        for name, value in at.items():
            _check_text(name)
            require(not name.startswith("!"), f"member {name!r} must be understood, and is not")
            _check_tree(value, depth + isinstance(value, (dict, list)))
    elif isinstance(at, list):
        for value in at:
            _check_tree(value, depth + isinstance(value, (dict, list)))
    elif isinstance(at, str):
        _check_text(at)


def _cost(at):
    """8 for each object or list, 1 for each further item or member."""
    if not isinstance(at, (dict, list)):
        return 0
    values = at.values() if isinstance(at, dict) else at
    return 8 + max(0, len(at) - 1) + sum(_cost(value) for value in values)


def _check_cost(found, lists):
    rest = dict(found)
    for name in lists:
        items = rest.get(name)
        if isinstance(items, list):
            require(all(_cost(item) <= COST_MAX for item in items), "an item has too many parts")
            rest[name] = []
    require(_cost(rest) <= COST_MAX, "a document has too many parts")


def parse(raw, lists=()):
    """One JSON object, as an Object. `lists`: whose items count alone."""
    try:
        text = raw.decode("utf-8")
        for token in TOKENS.findall(text):
            too_long = not token.startswith('"') and len(token.lstrip("-")) > DIGITS_MAX
            require(not too_long, "a number has too many digits")
        found = json.loads(
            text, object_pairs_hook=_once, parse_int=_integer, parse_constant=_refuse_constant
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as problem:
        raise Corrupt(f"not JSON: {problem}") from None
    require(isinstance(found, dict), "not a JSON object")
    _check_cost(found, lists)
    _check_tree(found, 1)
    return Object(found)


def unbase64(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Corrupt("not base64") from None
    require(base64.b64encode(raw).decode() == text, "not canonical base64")
    return raw


class Object:
    """A JSON object; every getter says what it expects and raises Corrupt for anything else."""

    def __init__(self, members):
        self.members = members

    def _get(self, name, kind):
        value = self.members.get(name)
        right = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        require(right, f'member "{name}" is missing or not of type {kind.__name__}')
        return value

    def has(self, name):
        return self.members.get(name) is not None

    def text(self, name, most, least=0):
        value = self._get(name, str)
        require(least <= len(value.encode()) <= most, f'member "{name}" has an impossible length')
        clean = not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in value)
        require(clean, f'member "{name}" has control characters')
        return value

    def number(self, name, most=NUMBER_MAX, least=0):
        value = self._get(name, int)
        require(least <= value <= most, f'member "{name}" is out of range')
        return value

    def hex(self, name, length):
        value = self._get(name, str)
        require(re.fullmatch(f"[0-9a-f]{{{2 * length}}}", value), f'member "{name}" is not hex')
        return bytes.fromhex(value)

    def base64(self, name, most, least=None):
        value = unbase64(self._get(name, str))
        least = most if least is None else least
        require(least <= len(value) <= most, f'member "{name}" has an impossible length')
        return value

    def time(self, name):
        """Milliseconds since 1970."""
        value = self._get(name, str)
        try:
            require(TIME.fullmatch(value), f'member "{name}" is not a time')
            when = datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ")
        except ValueError:
            raise Corrupt(f'member "{name}" is not a time') from None
        require(when.year >= 1970, f'member "{name}" is before 1970')
        return (when - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1)

    def object(self, name):
        return Object(self._get(name, dict))

    def objects(self, name, most, least=0):
        return [Object(item) for item in self._items(name, most, least, dict)]

    def texts(self, name, most):
        return self._items(name, most, 0, str)

    def hexes(self, name, most, length):
        items = self.texts(name, most)
        fit = all(re.fullmatch(f"[0-9a-f]{{{2 * length}}}", item) for item in items)
        require(fit, f'list "{name}" has an item that is not hex')
        return [bytes.fromhex(item) for item in items]

    def numbers(self, name, most):
        return self._items(name, most, 0, int)

    def _items(self, name, most, least, kind):
        value = self._get(name, list)
        require(least <= len(value) <= most, f'list "{name}" has an impossible length')
        require(all(type(item) is kind for item in value), f'list "{name}" has other items')
        return value

"""The manifest of a snapshot (docs/FORMAT.md, 5)."""

import hashlib

import data_key
import sealed
import strict
from refusal import Corrupt, require

LEN_MAX = 24 * 2**20
OBJECTS_MAX = 65_536
KEYS_MAX = 512
ENVELOPES_MAX = 1024
LISTS = ("dataKeys", "objects")
SIZE_MAX = 2**40
TYPES = {"pack": sealed.PACK, "index": sealed.INDEX}


class Object:
    def __init__(self, of, due):
        require(of.text("type", 16) == due, f"an object that is no {due}")
        self.id = of.hex("id", 16)
        self.type = TYPES[due]
        self.scope = of.hex("scope", 16)
        self.ordinal = of.number("ordinal", 2**32 - 1)
        self.size = of.number("size", SIZE_MAX)
        self.sha256 = of.hex("sha256", 32)
        sealed.plain_size(self.size)

    @property
    def name(self):
        return f"data/{self.id.hex()[:2]}/{self.id.hex()}"


class Manifest:
    """Of a signed snapshot record, and every copy of its data keys' envelopes."""

    def __init__(self, store, ledger, record):
        signed = record.payload.object("manifest")
        self.id = record.payload.hex("id", 12)
        self.repository = record.repository
        self.name = f"manifests/{self.id.hex()}.json"
        raw = store.read(self.name, LEN_MAX)
        fits = len(raw) == signed.number("size", 2**60)
        fits = fits and hashlib.sha256(raw).digest() == signed.hex("sha256", 32)
        require(fits, f"{self.name}: its size or SHA-256 is not that of the signed record")
        try:
            is_alone = raw.startswith(b"{") and raw.endswith(b"}\n")
            require(is_alone, "not one object and a newline")
            self._read(strict.parse(raw, LISTS), record)
        except Corrupt as problem:
            raise Corrupt(f"{self.name}: {problem}") from None
        self.copies = {}
        self._gather_copies(ledger, record)

    def _read(self, of, record):
        is_known = of.number("format") == 1 and of.text("type", 16) == "manifest"
        require(is_known, "not a manifest of this format")
        require(of.hex("repositoryId", 16) == self.repository, "of another repository")
        self._check_facts(of.object("snapshot").members, record.payload)
        items = of.objects("dataKeys", KEYS_MAX, 1)
        keys = [data_key.read(item, self.repository) for item in items]
        envelopes = sum(len(key.envelopes) for key in keys)
        require(envelopes <= ENVELOPES_MAX, "too many envelopes")
        self.keys = {key.scope: key for key in keys}
        require(len(self.keys) == len(keys), "a scope has two data keys")
        own = data_key.read(record.payload.object("dataKey"), self.repository)
        is_own = own.scope == keys[0].scope and own.commitment == keys[0].commitment
        require(is_own, "its first data key is not that of the signed record")
        self.objects = [Object(item, "pack") for item in of.objects("objects", OBJECTS_MAX)]
        self.index = Object(of.object("index"), "index")
        self.index_plain = of.object("index").number("plainSize", 2**36)
        require(self.index.scope == own.scope, "its index is of another scope")
        require(len({item.id for item in self.objects}) == len(self.objects), "a pack is twice")
        for item in self.objects:
            require(item.scope in self.keys, f"{item.name} has no data key")

    @staticmethod
    def _check_facts(facts, signed):
        require(signed.text("status", 32) == "completed", "its snapshot is not completed")
        require(facts.get("id") == signed.members["id"], "of another snapshot")
        for name, value in facts.items():
            require(signed.members.get(name) == value, f"{name} is not that of the signed record")
        first = data_key.read(signed.object("dataKey"), signed.hex("repositoryId", 16)).envelopes[0]
        is_first = data_key.read_name(signed.object("masterKey")) == first.key
        require(is_first, "the record's masterKey is not that of its first envelope")

    def _read_copy(self, record, key):
        """The data key as a record has it; None when it does not read, or is another."""
        try:
            copy = data_key.read(record.payload.object("dataKey"), self.repository)
            name = data_key.read_name(record.payload.object("masterKey"))
        except Corrupt:
            return None
        is_whole = name == copy.envelopes[0].key
        fits = (copy.scope, copy.commitment) == (key.scope, key.commitment)
        return copy if is_whole and fits else None

    def _gather_copies(self, ledger, record):
        """Of each data key: (who has it, copy of it), in the order in which they are tried."""
        for scope, key in self.keys.items():
            records = ledger.rewraps(scope) + ledger.makers(record, scope)
            read = [(record, self._read_copy(record, key)) for record in records]
            self.copies[scope] = [(r, copy) for r, copy in read if copy] + [(None, key)]

    def raw(self, store, item):
        """The sealed bytes of an object, their digest checked: no key is needed for that."""
        raw = store.read(item.name, item.size)
        fits = len(raw) == item.size and hashlib.sha256(raw).digest() == item.sha256
        require(fits, f"{item.name}: its size or SHA-256 is not that of the manifest")
        return raw

    def open(self, store, item, key):
        identity = sealed.Identity(item.type, self.repository, item.scope, item.id, item.ordinal)
        return sealed.open_object(key, identity, item.size, self.raw(store, item))

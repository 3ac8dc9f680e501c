"""One snapshot, opened: its files and their content."""

import hashlib

import index
import subkeys
from manifest import Manifest
from refusal import Corrupt, KeyInvalid, require
from unzstd import one_frame

OPEN_MAX = 4  # packs whose plaintext is kept


def open_first(keyring, copies):
    """By the first copy that opens. A version that was withdrawn since its copy was made ends it."""
    first = None
    for record, copy in copies:
        try:
            return keyring.open_data_key(copy)
        except Corrupt as problem:
            first = first or problem
        except KeyInvalid as problem:
            if problem.withdrawn and not (record and problem.withdrawn <= record.created):
                raise
            first = first or problem
    raise first


class Snapshot:
    def __init__(self, store, ledger, record, keyring):
        self.store = store
        self.manifest = Manifest(store, ledger, record)
        plain = {s: open_first(keyring, copies) for s, copies in self.manifest.copies.items()}
        self.k_data = {scope: self._derive(scope, key, "data") for scope, key in plain.items()}
        item = self.manifest.index
        k_meta = self._derive(item.scope, plain[item.scope], "meta")
        self.index = index.Index(
            self.manifest.open(store, item, k_meta),
            self.manifest.index_plain,
            self.manifest.id,
            [item.id for item in self.manifest.objects],
        )
        self.packs = {}

    def _derive(self, scope, key, purpose):
        return subkeys.derive(key, purpose, subkeys.context(self.manifest.repository, scope))

    def _pack(self, number):
        """The plaintext of an object, kept while it is one of the last used."""
        if number not in self.packs:
            item = self.manifest.objects[number]
            if len(self.packs) == OPEN_MAX:
                del self.packs[next(iter(self.packs))]
            self.packs[number] = self.manifest.open(self.store, item, self.k_data[item.scope])
        self.packs[number] = self.packs.pop(number)
        return self.packs[number]

    def _block(self, block, length):
        if block.codec == index.ZERO:
            return bytes(length)
        pack = self._pack(block.object)
        require(block.offset + block.stored <= len(pack), "a block lies behind its pack's end")
        stored = pack[block.offset : block.offset + block.stored]
        plain = one_frame(stored, length) if block.codec == index.ZSTD else stored
        fits = len(plain) == length and hashlib.sha256(plain).digest() == block.sha256
        require(fits, "a block's length or SHA-256 is not that of the index")
        return plain

    def content(self, entry):
        """The blocks of a file, in order."""
        if entry.flags & index.HARD_LINK:
            entry = self.index.by_path[entry.link]
        size = 1 << entry.block_log2
        for i in range(index.block_count(entry)):
            length = min(size, entry.size - i * size)
            try:
                yield self._block(self.index.block(entry.first_block + i), length)
            except Corrupt as problem:
                raise Corrupt(f"{entry.path!r}, block {i}: {problem}") from None

    def check_objects(self):
        """The sealed bytes of all packs, also those whose blocks a listing does not touch."""
        for item in self.manifest.objects:
            self.manifest.raw(self.store, item)

"""The ledger: records, chains, checkpoints (docs/FORMAT.md, 4)."""

import base64
import collections
import hashlib
import re
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import strict
from refusal import Corrupt, NotFound, require

RECORD_LEN_MAX = 64 * 1024
RECORDS_MAX = 1_000_000
WRITERS_MAX = 256
REWRAP_TRIAL = 7 * 86_400_000  # ms
NAME = re.compile(r"ledger/([0-9a-f]{16})/([0-9a-f]{16})\.json")
BY_ROOT = {"genesis", "writer", "tombstone"}
ROLE_OF = {
    "snapshot": "backup", "keyState": "backup", "tombstone": "retention",
    "checkpoint": "retention", "rewrap": "keys",
    # kept for later, and passed over
    "oplogSegment": "backup", "oplogEvent": "backup", "drill": "backup",
    "verification": "backup", "lease": "backup", "keyringHalf": "keys",
    "hold": "retention", "release": "retention", "garbagePass": "retention",
}  # fmt: skip
EXPIRE = {"snapshot", "oplogSegment", "oplogBatch"}
ALGORITHMS = ["ed25519"]
SIGNATURES = re.compile(
    rb'\{"signatures":\[\{"alg":"ed25519","writerId":"([0-9a-f]{16})","sig":"([A-Za-z0-9+/=]{88})"\}\]\}'
)
LABEL = b"sealpoint/v1/record\0"
REPOSITORY_LABEL = b"sealpoint/v1/repository\0"


def snapshot_id(record):
    """Of a snapshot's record, as hex; None when it cannot be read."""
    try:
        return record.payload.hex("id", 12).hex()
    except Corrupt:
        return None


class Record:
    """Two lines, parsed; its signature is not checked yet."""

    def __init__(self, raw):
        require(len(raw) <= RECORD_LEN_MAX, "a record is too long")
        lines = raw.split(b"\n")
        require(len(lines) == 3 and lines[2] == b"", "not two whole lines")
        for line in lines[:2]:
            require(line[:1] == b"{" and line[-1:] == b"}", "a line is not one JSON object")
        self.raw = raw
        self.id = hashlib.sha256(lines[0]).digest()
        self.payload = strict.parse(lines[0])
        self._read_common()
        self.signature = self._signature(lines[1])

    def _read_common(self):
        p = self.payload
        needs = p.text("needs", 32) if isinstance(p.members.get("needs"), str) else "newer"
        require(p.number("format") == 1, f"a record of another format: it needs sealpoint {needs}")
        self.type = p.text("type", 32)
        known = self.type in BY_ROOT | set(ROLE_OF)
        require(known, f"a record of type {self.type}: it needs sealpoint {needs}")
        self.repository = p.hex("repositoryId", 16)
        self.writer = p.hex("writerId", 8)
        self.seq = p.number("seq")
        self.prev = p.hex("prev", 32) if p.has("prev") else None
        require((self.prev is None) == (self.seq == 0), '"prev" must be null at seq 0 only')
        self.created = p.time("createdAt")

    def _signature(self, line):
        """Line 2 has one form, byte for byte."""
        match = SIGNATURES.fullmatch(line)
        require(match, "the line of signatures is not in its one form")
        require(match[1].decode() == self.writer.hex(), "it is signed by another than its writer")
        signature = base64.b64decode(match[2], validate=True)
        require(base64.b64encode(signature) == match[2], "not canonical base64")
        require(len(signature) == 64, "a signature of another length")
        return signature

    def __str__(self):
        return f"ledger/{self.writer.hex()}/{self.seq:016x}.json"

    def place(self):
        return self.created, self.writer, self.seq

    def check(self, key):
        """Raises Corrupt unless it is signed by this public key."""
        require(writer_id(key) == self.writer, f"{self} is not signed by its writer")
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(self.signature, LABEL + self.id)
        except (InvalidSignature, ValueError):
            raise Corrupt(f"{self}: the signature does not fit") from None


def expiry(record):
    """None: never."""
    if not record.payload.has("expiresAt"):
        return None
    try:
        return record.payload.time("expiresAt")
    except Corrupt:
        return None


def writer_id(key):
    return hashlib.sha256(key).digest()[:8]


class Writer:
    def __init__(self, key, roles):
        self.key = key
        self.roles = roles
        self.revoked = False
        self.last = None  # of a revoked one: (seq, record id) of the last that counts


class Checkpoint:
    def __init__(self, record):
        self.record = record
        self.heads = {}
        for item in record.payload.objects("heads", WRITERS_MAX):
            writer = item.hex("writerId", 8)
            require(writer not in self.heads, f"{record}: a writer is twice in heads")
            self.heads[writer] = item.number("seq"), item.hex("recordId", 32)
        live = record.payload.object("liveSet")
        self.count, self.ids = live.number("count", RECORDS_MAX), live.hex("sha256", 32)
        bundle = record.payload.object("bundle")
        self.name = f"checkpoints/{record.writer.hex()}/{record.seq:016x}.jsonl"
        require(bundle.text("name", 200) == self.name, f"{record}: its bundle has another name")
        self.size = bundle.number("size", self.count * RECORD_LEN_MAX)
        self.sha256 = bundle.hex("sha256", 32)

    def saw(self, writer, seq):
        return writer in self.heads and seq <= self.heads[writer][0]

    def bundle(self, store):
        raw = store.read(self.name, self.size)
        fits = len(raw) == self.size and hashlib.sha256(raw).digest() == self.sha256
        require(fits, f"{self.name} is not the one of the checkpoint record")
        lines = raw.split(b"\n")
        require(len(lines) % 2 == 1 and lines[-1] == b"", f"{self.name} ends early")
        records = [
            Record(lines[i] + b"\n" + lines[i + 1] + b"\n") for i in range(0, len(lines) - 1, 2)
        ]
        ids = hashlib.sha256(b"".join(r.id for r in records)).digest()
        require(len(records) == self.count and ids == self.ids, f"{self.name}: another live set")
        return records


class Ledger:
    """All records, checked, in `records`, in the order of the ledger."""

    def __init__(self, store, fingerprint=None, now=None):
        self.found = {}  # (writer, seq) -> record
        self.bundled = set()  # places of what only a bundle has
        self.writers = {}
        self.cover = None
        self.damaged = {}  # (writer, seq) -> what is wrong with it
        self._gather(store)
        self._found(fingerprint)
        self._check_chain(self.root)
        self._admit_rest(store)
        self._drop_disowned()
        for writer in sorted({writer for writer, _ in self.found} - {self.root}):
            self._check_chain(writer)
        self._check_heads()
        self.records = sorted(self.found.values(), key=Record.place)
        self._check_live_set()
        self._check_tombstones(now or time.time_ns() // 10**6)

    def _gather(self, store):
        names = store.names("ledger")
        if not names:
            raise NotFound(f"{store.root}: there is no repository")
        matches = [match for match in map(NAME.fullmatch, names) if match]  # others are passed over
        require(len(matches) <= RECORDS_MAX, "too many records")
        for match in matches:
            name, place = match[0], (bytes.fromhex(match[1]), int(match[2], 16))
            try:
                record = Record(store.read(name, RECORD_LEN_MAX))
                require(str(record) == name, "another record lies under this name")
                self.found[place] = record
            except Corrupt as problem:
                self.damaged[place] = f"{name}: {problem}"

    def _admit_rest(self, store):
        """What is damaged counts as missing where the newest checkpoint that is sound covers it."""
        for place, record in list(self.found.items()):
            writer = self.writers.get(record.writer)
            try:
                if record.writer != self.root:
                    require(writer, f"{record}: its writer is not enrolled")
                    record.check(writer.key)
            except Corrupt as problem:
                self.damaged[place] = str(problem)
                del self.found[place]
        newest = [r for r in self.found.values() if r.type == "checkpoint"]
        if newest:
            self.cover = Checkpoint(max(newest, key=Record.place))
        for place, problem in sorted(self.damaged.items()):
            require(self._covers(*place), problem)
        if newest:
            self._fill(store)

    def _fill(self, store):
        """What a checkpoint's bundle has and the ledger lacks."""
        ends = {writer: seq for writer, (seq, _) in self.cover.heads.items()}
        counts = collections.Counter(writer for writer, _ in self.found)
        for writer, seq in self.found:
            ends[writer] = max(seq, ends.get(writer, 0))
        if all(counts[writer] == end + 1 for writer, end in ends.items()):
            return
        for record in self.cover.bundle(store):
            place = record.writer, record.seq
            if place in self.found:
                require(self.found[place].id == record.id, f"the bundle has another {record}")
                continue
            self.found[place] = record
            self.bundled.add(place)

    def _found(self, fingerprint):
        genesis = [r for r in self.found.values() if r.type == "genesis"]
        require(len(genesis) == 1, f"{len(genesis)} genesis records")
        first = genesis[0]
        key = first.payload.base64("rootKey", 32)
        self.root = writer_id(key)
        require(first.seq == 0 and first.writer == self.root, "genesis is not of its own key")
        first.check(key)
        suites = first.payload.numbers("suites", 256)
        require(all(0 <= suite < 2**16 for suite in suites), "an impossible cipher suite")
        require(1 in suites, "no cipher suite that is known")
        require(first.payload.texts("algorithms", 8) == ALGORITHMS, "unknown algorithms")
        nonce = first.payload.hex("nonce", 16)
        derived = hashlib.sha256(REPOSITORY_LABEL + key + nonce).digest()[:16]
        require(first.repository == derived, "its repositoryId is not of its root key")
        self.root_key = key
        self.repository = first.repository
        self.fingerprint = first.id.hex()
        if fingerprint is not None:
            require(self.fingerprint == fingerprint, f"its fingerprint is {self.fingerprint}")

    def _check_chain(self, writer):
        before = None
        for _, seq in sorted(place for place in self.found if place[0] == writer):
            record = self.found[writer, seq]
            self._check_signer(record)
            self._check_link(record, before)
            if record.type == "writer":
                self._apply(record)
            before = record

    def _check_signer(self, record):
        is_root = record.writer == self.root
        writer = self.writers.get(record.writer)
        require(record.repository == self.repository, f"{record} is of another repository")
        require(is_root or writer, f"{record}: its writer is not enrolled")
        record.check(self.root_key if is_root else writer.key)
        if is_root:
            require(record.type in BY_ROOT, f"{record}: not for root to sign")
            return
        require(ROLE_OF.get(record.type) in writer.roles, f"{record}: its writer lacks the role")
        if not writer.revoked:
            return
        require(writer.last and record.seq <= writer.last[0], f"{record}: its writer was revoked")
        if record.seq == writer.last[0]:
            require(record.id == writer.last[1], f"{record}: the chain was forked")

    def _counts(self, writer, seq):
        """As far as revocations say."""
        known = self.writers.get(writer)
        return not known or not known.revoked or bool(known.last) and seq <= known.last[0]

    def _drop_disowned(self):
        """A bundle from before a revocation has what that took back."""
        for place in [place for place in self.bundled if not self._counts(*place)]:
            del self.found[place]

    def _covers(self, writer, seq):
        """May it be missing? No record of root's ever is."""
        return writer != self.root and self.cover and self.cover.saw(writer, seq)

    def _check_link(self, record, before):
        if (record.writer, record.seq) in self.bundled:
            missing = self._covers(record.writer, record.seq)
            require(missing, f"{record} is in a bundle, and not in the ledger")
        due = before.seq + 1 if before else 0
        if record.seq != due:
            require(self._covers(record.writer, record.seq - 1), f"the record before {record} was deleted")
        elif before:
            require(record.prev == before.id, f"{record} does not follow the one before")
        if before:
            require(record.created >= before.created, f"{record} is older than the one before")

    def _apply(self, record):
        action = record.payload.text("action", 16)
        subject = record.payload.hex("subject", 8)
        if action == "enrol":
            key = record.payload.base64("publicKey", 32)
            require(writer_id(key) == subject, f"{record}: another key than its subject's")
            require(subject not in self.writers, f"{record}: enrolled twice")
            require(len(self.writers) < WRITERS_MAX, "too many writers")
            require(subject != self.root, f"{record}: enrols root")
            require(record.payload.texts("algorithms", 8) == ALGORITHMS, "unknown algorithms")
            self.writers[subject] = Writer(key, set(record.payload.texts("roles", 8)))
        elif action == "revoke":
            require(subject in self.writers, f"{record}: revokes nobody")
            self._revoke(self.writers[subject], record.payload)
        else:
            raise Corrupt(f"{record}: the action {action} is not known")

    @staticmethod
    def _revoke(writer, said):
        there = "lastSeq" in said.members and "lastRecordId" in said.members
        require(there, "a revocation without lastSeq and lastRecordId")
        require(said.has("lastSeq") == said.has("lastRecordId"), "half a last record")
        if writer.revoked:
            return
        writer.revoked = True
        if said.has("lastSeq"):
            writer.last = said.number("lastSeq"), said.hex("lastRecordId", 32)

    def _check_live_set(self):
        """The newest checkpoint left out nothing that is here, that it saw, and that was live."""
        if not self.cover or not all(self._counts(w, s) for w, (s, _) in self.cover.heads.items()):
            return
        seen = [r for r in self.records if self.cover.saw(r.writer, r.seq)]
        dead = {r.payload.text("subject", 64) for r in seen if r.type == "tombstone"}
        needed = set()  # of the dead, those that one which is not dead descends from
        for record in reversed([r for r in seen if r.type == "snapshot"]):
            if snapshot_id(record) not in dead or snapshot_id(record) in needed:
                needed.add(record.payload.members.get("parent"))
        gone = dead - needed
        live = [r for r in seen if r.type != "snapshot" or snapshot_id(r) not in gone]
        tried = max((r.created for r in seen), default=0) - REWRAP_TRIAL
        latest = {}  # (writer, scope) -> seq of the latest rewrap that has been there for long
        for record in seen:
            if record.type == "rewrap" and record.created <= tried:
                latest[record.writer, self._scope(record)] = record.seq
        live = [r for r in live if r.type != "rewrap" or self._scope(r) is None
                or r.seq >= latest.get((r.writer, self._scope(r)), 0)]
        ids = hashlib.sha256(b"".join(r.id for r in live)).digest()
        fits = len(live) == self.cover.count and ids == self.cover.ids
        require(fits, f"{self.cover.record} leaves out what is live")

    def _check_tombstones(self, now):
        """A writer's ends only what has expired, by its own time and by ours."""
        expires = {}
        for record in self.records:
            if record.type in EXPIRE and isinstance(record.payload.members.get("id"), str):
                expires.setdefault(record.payload.members["id"], []).append(expiry(record))
        for record in self.of_type("tombstone"):
            if record.writer == self.root:
                continue
            dates = expires.get(record.payload.text("subject", 64))
            if dates is None:
                require(self._covers(record.writer, record.seq), f"{record} ends what is not here")
                continue
            past = None not in dates and max(dates) <= min(record.created, now)
            require(past, f"{record} ends what has not expired")

    def _check_heads(self):
        for record in self.found.values():
            if record.type != "checkpoint":
                continue
            for writer, (seq, head) in Checkpoint(record).heads.items():
                if not self._counts(writer, seq):
                    continue
                there = self.found.get((writer, seq))
                if there:
                    require(there.id == head, f"{there} is not the one that {record} saw")
                    continue
                may_be = self._covers(writer, seq) and seq < self.cover.heads[writer][0]
                require(may_be, f"{record}: record {seq} that it saw is missing")

    def of_type(self, kind):
        return [record for record in self.records if record.type == kind]

    def snapshots(self):
        """The live ones, oldest first; and of them those without an id of their own: damaged."""
        dead = {r.payload.text("subject", 64) for r in self.of_type("tombstone")}
        live = [r for r in self.of_type("snapshot") if snapshot_id(r) not in dead]
        times = collections.Counter(map(snapshot_id, live))
        damaged = [r for r in live if snapshot_id(r) is None or times[snapshot_id(r)] > 1]
        return [r for r in live if r not in damaged], damaged

    def rewraps(self, scope):
        """The rewrap records of that scope, newest first."""
        return [r for r in reversed(self.of_type("rewrap")) if self._scope(r) == scope]

    def makers(self, record, scope):
        """The snapshot record in which the data key of a scope was made, if it is still here: of
        `record` or of one of its ancestors."""
        by_id = {snapshot_id(r): r for r in self.of_type("snapshot")}
        while record and self._scope(record) != scope:
            parent = by_id.get(record.payload.members.get("parent"))
            record = parent if parent and parent.place() < record.place() else None
        return [record] if record else []

    @staticmethod
    def _scope(record):
        """Of the data key in a record; None when it cannot be read."""
        try:
            return record.payload.object("dataKey").hex("scope", 16)
        except Corrupt:
            return None

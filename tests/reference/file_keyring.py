"""The file keyring and its envelopes (docs/FORMAT.md, 7)."""

import base64
import hashlib
import hmac
import re
import time

import sealed
import strict
import subkeys
from refusal import Corrupt, KeyInvalid, KeyUnreachable, Usage, require

LEN_MAX = 2**20
VERSIONS_MAX = 1000
PASSPHRASE_MAX = 1024
MAC_LINE = re.compile(rb'\{"mac":"[0-9a-f]{64}"\}')
STATES = ("enabled", "disabled", "pendingDeletion", "destroyed")


def _read(path, most):
    try:
        with open(path, "rb") as file:
            raw = file.read(most + 1)
    except OSError as problem:
        raise KeyUnreachable(f"{path}: {problem.strerror}") from None
    require(len(raw) <= most, f"{path} is too long")
    return raw


def _generated(passphrase):
    """The 32 bytes of a generated secret, or None: the form of the passphrase alone decides."""
    front = b"sealpoint-secret-1:"
    if not passphrase.startswith(front) or len(passphrase) != len(front) + 44:
        return None
    try:
        secret = base64.b64decode(passphrase[len(front) :], validate=True)
    except ValueError:
        return None
    return secret if front + base64.b64encode(secret) == passphrase and len(secret) == 32 else None


class Version:
    def __init__(self, of, number):
        require(of.number("version", VERSIONS_MAX) == number, "a key version is out of order")
        self.number = number
        self.state = of.text("state", 32)
        require(self.state in STATES, f"a key version is {self.state}")
        self.created = of.time("createdAt")
        self.changed = of.time("stateChangedAt")
        self.deletion = of.time("deletionDate") if of.has("deletionDate") else None
        self.commitment = of.hex("commitment", 32)
        self.stored = of.base64("key", 256, 1) if of.has("key") else None
        is_dated = self.state in ("pendingDeletion", "destroyed")
        require(is_dated == (self.deletion is not None), "state and deletionDate do not fit")
        require((self.state == "destroyed") == (self.stored is None), "state and key do not fit")


class Keyring:
    def __init__(self, path, passphrase_file=None):
        lines = _read(path, LEN_MAX).split(b"\n")
        require(len(lines) == 3 and lines[2] == b"", f"{path} is not a keyring")
        of = strict.parse(lines[0])
        require(of.number("format") == 1 and of.text("type", 32) == "keyring", "not a keyring")
        self.id = of.hex("keyringId", 16)
        self.created = of.time("createdAt")
        self.generation = of.number("generation", 2**53 - 1, 1)
        self.repositories = of.hexes("repositories", 64, 32)
        items = of.objects("versions", VERSIONS_MAX, 1)
        self.versions = [Version(item, i + 1) for i, item in enumerate(items)]
        of.number("active", len(self.versions), 1)
        self.kek = self._kek(of.object("protection"), path, passphrase_file)
        self._check(lines[0], lines[1])

    def _kek(self, protection, path, passphrase_file):
        kdf = protection.text("kdf", 32)
        require(kdf in ("scrypt", "hkdf", "none"), f"the protection {kdf} is not known")
        if kdf == "none":
            return None
        salt = protection.hex("salt", 16)
        if passphrase_file is None:
            raise Usage(f"{path} needs a passphrase: --passphrase-file")
        passphrase = _read(passphrase_file, PASSPHRASE_MAX + 1)
        if passphrase.endswith(b"\n"):
            passphrase = passphrase[:-1]
        secret = _generated(passphrase)
        if (secret is not None) != (kdf == "hkdf"):
            raise KeyInvalid("the passphrase does not open the keyring: it is of the other form")
        if secret is not None:
            return subkeys.expand(secret, b"sealpoint/v1/keyring-secret\0" + salt, 32)
        n = protection.number("n", 2**17, 2**15)
        require(n & (n - 1) == 0, "scrypt's n is no power of two")
        r, p = protection.number("r", 8, 8), protection.number("p", 4, 1)
        return hashlib.scrypt(passphrase, salt=salt, n=n, r=r, p=p, maxmem=2**28, dklen=32)

    def _check(self, line, check):
        digest = hashlib.sha256(line).digest()
        if self.kek is None:
            right = check == b'{"sha256":"%s"}' % digest.hex().encode()
            require(right, "the keyring was changed or is damaged")
            return
        require(MAC_LINE.fullmatch(check), "line 2 is not in its one form")
        mac = subkeys.expand(self.kek, b"sealpoint/v1/keyring\0" + digest, 32)
        if hmac.compare_digest(check, b'{"mac":"%s"}' % mac.hex().encode()):
            return
        if self._any_entry_opens():
            raise Corrupt("the keyring was changed without its passphrase, or is damaged")
        raise KeyInvalid("the passphrase does not open the keyring")

    def _any_entry_opens(self):
        for version in self.versions:
            try:
                if version.stored is not None:
                    self._master(version)
                    return True
            except Corrupt:
                continue
        return False

    def _master(self, version):
        number = version.number.to_bytes(8, "big")
        if self.kek is None:
            require(len(version.stored) == 32, "an unencrypted key that is not 32 bytes")
            return version.stored
        key = subkeys.expand(self.kek, b"sealpoint/v1/keyring-entry\0" + self.id + number, 32)
        return sealed.open_wrap(key, self.id, bytes(16), version.number, version.stored)

    def _committed(self, version):
        """The master key, when it is the one that its commitment names."""
        master = self._master(version)
        number = version.number.to_bytes(8, "big")
        due = subkeys.expand(master, b"sealpoint/v1/master\0" + self.id + number, 32)
        require(hmac.compare_digest(due, version.commitment), "not the committed master key")
        return master

    def _usable(self, name):
        """The version of that name, if it may be used now."""
        found = [v for v in self.versions if str(v.number) == name.version]
        if name.provider != "file" or name.id != self.id.hex() or not found:
            raise KeyInvalid(f"this keyring has no key {name.provider} {name.id} {name.version}")
        version = found[0]
        if name.commitment not in (None, version.commitment):
            raise KeyInvalid(f"version {version.number} is another key of that number")
        seen = [v.created for v in self.versions] + [v.changed for v in self.versions]
        now = max(int(time.time() * 1000), self.created, *seen)
        state = version.state
        if state == "pendingDeletion" and version.deletion <= now:
            state = "destroyed"
        if state != "enabled":
            refused = KeyInvalid(f"master key version {version.number} is {state}")
            refused.withdrawn = version.changed if state != "destroyed" else None
            raise refused
        return version

    def open_data_key(self, data_key, number=0):
        """The 32 bytes of a data key, by envelope `number`."""
        require(number < len(data_key.envelopes), "there is no such envelope")
        envelope = data_key.envelopes[number]
        version = self._usable(envelope.key)
        known = envelope.algorithm == "sealpoint-file-v1"
        require(known, f"the wrap algorithm {envelope.algorithm} is not known")
        context = subkeys.context(data_key.repository, data_key.scope)
        key = subkeys.derive(self._committed(version), "wrap", context)
        plain = sealed.open_wrap(
            key, data_key.repository, data_key.scope, version.number, envelope.wrapped
        )
        commitment = subkeys.derive(plain, "commit", context)
        fits = hmac.compare_digest(commitment, data_key.commitment)
        require(fits, "the data key is not the committed one (a swapped envelope)")
        return plain

"""What the scenario tests share: the binary, a scratch repository, and ways to look at both.

The binary is $SEALPOINT, or build/sealpoint; its helpers are in $SEALPOINT_TOOLS.
"""

import base64
import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import shim

ROOT = pathlib.Path(__file__).parent.parent.parent
SEALPOINT = os.environ.get("SEALPOINT", str(ROOT / "build" / "sealpoint"))
TOOLS = pathlib.Path(os.environ.get("SEALPOINT_TOOLS", ROOT / "build" / "tests" / "tools"))

SANITIZED = any(name in pathlib.Path(SEALPOINT).read_bytes()
                for name in (b"__asan_init", b"__tsan_init")) if os.path.exists(SEALPOINT) else False

# What `make check` samples, `make soak-faults` tries whole.
SOAK = os.environ.get("SEALPOINT_SOAK") == "1"

# Statuses by name, as the man page has them.
FAILED, USAGE, KEY_INVALID, KEY_UNREACHABLE, NOT_FOUND = 1, 2, 3, 4, 5
CORRUPT, BUSY, STORAGE, ATTENTION = 6, 7, 9, 10


@dataclasses.dataclass
class Done:
    status: int
    out: str  # standard output; bytes when asked for
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Sealpoint:
    """One scratch directory: repository, state, keyring and a source, and the binary to drive them."""

    def __init__(self, directory, unencrypted=False):
        self.directory = pathlib.Path(directory)
        self.repository = self.directory / "repository"
        self.state = self.directory / "state"
        self.keyring = self.directory / "keys" / "keyring.json"
        self.passphrase = self.directory / "passphrase"
        self.source = self.directory / "source"
        self.target = self.directory / "restored"
        self.unencrypted = unencrypted
        self.extra_env = {}
        self.any_directory = True

    # --- running ---

    def env(self):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("SEALPOINT_", "XDG_"))}
        kept.update(HOME=str(self.directory), LC_ALL="C.UTF-8", TZ="UTC",
                    SEALPOINT_REPOSITORY=str(self.repository),
                    SEALPOINT_STATE_DIR=str(self.state), SEALPOINT_KEYRING=str(self.keyring))
        if not self.unencrypted:
            kept["SEALPOINT_PASSPHRASE_FILE"] = str(self.passphrase)
        kept.update(self.extra_env)
        return kept

    def command(self, *args):
        # Most sources here are files of all kinds; what a source must be has tests of its own.
        loose = self.any_directory and args[:1] == ("backup",) and "-" not in args
        return [SEALPOINT, *map(str, args), *(["--no-passphrase"] if self.unencrypted else []),
                *(["--any-directory"] if loose else [])]

    def run(self, *args, expect=0, stdin=None, before=(), binary=False, cwd=None):
        """Run a command to its end. The status must be `expect` (None: any); a failure must say
        why on standard error, a success must not fail in words."""
        done = subprocess.run([*before, *self.command(*args)], env=self.env(),
                              input=b"" if stdin is None else stdin, capture_output=True,
                              timeout=120, cwd=cwd, check=False)
        err = done.stderr.decode("utf-8", "backslashreplace")
        out = done.stdout if binary else done.stdout.decode("utf-8", "backslashreplace")
        if expect is not None:
            assert done.returncode == expect, f"{args}: status {done.returncode}\n{out!r}\n{err}"
            if expect not in (0, ATTENTION):
                assert err.startswith("sealpoint: "), err
        return Done(done.returncode, out, err)

    def start(self, *args, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                   "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([*self.command(*args)], env=self.env(), text=True, **options)

    def shim(self, *args, under=None, **options):
        """Run under the fault shim; by default repository and state are the disk that fails."""
        return shim.run(self.command(*args), under=under or [self.repository, self.state],
                        env=self.env(), stdin="", **options)

    def at_time(self, when, *args, **options):
        """Run with the clock moved, for example "+8d"."""
        if SANITIZED:
            pytest.skip("faketime and the sanitizers wait for each other")
        return self.run(*args, before=["faketime", "-f", when], **options)

    # --- short ways ---

    def init(self):
        self.keyring.parent.mkdir(exist_ok=True)
        if not self.unencrypted:
            secret = base64.b64encode(os.urandom(32)).decode()
            self.passphrase.write_text(f"sealpoint-secret-1:{secret}\n")
            self.passphrase.chmod(0o600)
        return self.run("init")

    def backup(self, *args, expect=0, source=None):
        """Take a snapshot of the source; returns its id."""
        done = self.run("backup", source or self.source, "--json", *args, expect=expect)
        return done.json["id"] if done.out else ""

    def snapshots(self):
        return self.run("snapshots", "--json").json["results"]

    def ids(self):
        return [snapshot["id"] for snapshot in self.snapshots()]

    def restore(self, which="latest", *args, to=None, **options):
        return self.run("restore", which, "--to", to or self.target, *args, **options)

    def show(self, which="latest"):
        (snapshot,) = self.run("show", which, "--json").json["results"]
        return snapshot

    def manifest(self, which):
        return json.loads((self.repository / "manifests" / f"{which}.json").read_text())

    # --- looking at what is stored ---

    def records(self):
        """In the order of the ledger: genesis first, the newest last."""
        def place(path):
            return json.loads(path.read_bytes().split(b"\n")[0])["createdAt"], path
        return sorted((self.repository / "ledger").glob("*/*.json"), key=place)

    def payloads(self):
        return [json.loads(path.read_text().split("\n")[0]) for path in self.records()]

    def signing_key(self, name="signing-key.json"):
        """Of this machine, as a thief of its state directory has it; with the name of a writer."""
        text = json.loads((self.state_directory() / name).read_text())
        public = base64.b64decode(text["publicKey"])
        return SigningKey(hashlib.sha256(public).hexdigest()[:16],
                          Ed25519PrivateKey.from_private_bytes(base64.b64decode(text["privateKey"])))

    def second(self, *roles):
        """Another machine on the same repository and keyring, with a writer of its own: asked for
        there, enrolled with this machine's root key. Without roles it only asks."""
        other = type(self)(self.directory, unencrypted=self.unencrypted)
        other.state = self.directory / "state-2"
        request = self.directory / "request.json"
        request.write_text(
            other.run("writer", "request", "--fingerprint", self.fingerprint()).out)
        if roles:
            named = [word for role in roles for word in ("--role", role)]
            self.run("writer", "enrol", request, *named)
        return other

    def fingerprint(self):
        """What this machine has pinned."""
        return json.loads((self.state_directory() / "trust.json").read_text())["fingerprint"]

    def objects(self):
        return sorted((self.repository / "data").glob("*/*"))

    def stored(self):
        """All files of the repository by name; what README.sealpoint says is for people, and nobody's word."""
        return {str(path.relative_to(self.repository)): path.read_bytes()
                for path in sorted(self.repository.rglob("*"))
                if path.is_file() and path.name != "README.sealpoint"}

    def object_path(self, name):
        return self.repository / "data" / name[:2] / name

    def assert_tidy(self):
        """What is stored is exactly what the ledger names: nothing half-made stays behind."""
        ids = set(self.ids())
        manifests = {path.stem for path in (self.repository / "manifests").glob("*")}
        assert manifests == ids
        named = set()
        for snapshot in ids:
            manifest = self.manifest(snapshot)
            named |= {entry["id"] for entry in [*manifest["objects"], manifest["index"]]}
        assert {path.name for path in self.objects()} == named
        bundles = {str(path.relative_to(self.repository))
                   for path in (self.repository / "checkpoints").rglob("*.jsonl")}
        made = {}
        for payload in self.payloads():
            if payload["type"] == "checkpoint":
                made.setdefault(payload["writerId"], []).append(payload["bundle"]["name"])
        for names in made.values():
            assert bundles >= set(sorted(names)[-2:])
        tmp = self.repository / "tmp"
        assert not tmp.exists() or not list(tmp.iterdir())

    def assert_restores(self, trees):
        """Each snapshot of {id: tree} restores to that tree."""
        for number, (which, tree) in enumerate(trees.items()):
            to = self.directory / f"check-{number}"
            self.restore(which, to=to)
            assert read_tree(to) == tree, which
            shutil.rmtree(to)

    def copy(self, directory):
        """The same repository, state, keyring and source, elsewhere."""
        twin = type(self)(directory, unencrypted=self.unencrypted)
        shutil.copytree(self.directory, twin.directory, symlinks=True, dirs_exist_ok=True)
        if hasattr(self, "trees"):
            twin.trees = self.trees
        return twin

    def fingerprint(self):
        """The id of the genesis record."""
        (genesis,) = [path for path in self.records() if path.stem.strip("0") == "" and
                      b'"type":"genesis"' in path.read_bytes()]
        return hashlib.sha256(genesis.read_bytes().split(b"\n")[0]).hexdigest()

    def forget(self):
        """Make this machine one that has never seen the repository, but knows its fingerprint, as
        it must when nobody is there to be asked."""
        shutil.rmtree(self.state_directory())
        shutil.rmtree(self.state / "locations")
        self.extra_env["SEALPOINT_FINGERPRINT"] = self.fingerprint()

    def state_directory(self):
        """Where the state of the repository is kept: under its fingerprint, whatever its path."""
        there = list((self.state / "repositories").glob("*"))
        return there[0] if len(there) == 1 else self.state / "repositories" / self.fingerprint()


class SigningKey:
    """What a thief can sign with it, written against docs/FORMAT.md."""

    def __init__(self, writer, key):
        self.writer = writer
        self.key = key

    def line_2(self, line):
        signature = self.key.sign(b"sealpoint/v1/record\0" + hashlib.sha256(line).digest())
        return b'{"signatures":[{"alg":"ed25519","writerId":"%s","sig":"%s"}]}' % (
            self.writer.encode(), base64.b64encode(signature))

    def put(self, repository, payload):
        """A record, over what is there. Its place is in the payload."""
        line = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        path = repository / "ledger" / self.writer / f"{payload['seq']:016x}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(line + b"\n" + self.line_2(line) + b"\n")
        return path

    def next_payload(self, repository, kind, **members):
        """Behind the newest record of this writer."""
        chain = sorted((repository / "ledger" / self.writer).glob("*.json"))
        line = chain[-1].read_bytes().split(b"\n")[0] if chain else None
        genesis = next(p for p in map(_payload, (repository / "ledger").glob("*/*0.json"))
                       if p["type"] == "genesis")
        now = datetime.datetime.now(datetime.timezone.utc)
        return {"format": 1, "type": kind, "repositoryId": genesis["repositoryId"],
                "writerId": self.writer, "seq": len(chain),
                "prev": hashlib.sha256(line).hexdigest() if chain else None,
                "createdAt": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z",
                **members}


def _payload(path):
    return json.loads(path.read_bytes().split(b"\n")[0])


def read_tree(directory):
    """{path: content}; a link's content is where it leads, a directory's is None."""
    tree = {}
    for path in sorted(pathlib.Path(directory).rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            tree[name] = ("link", os.readlink(path))
        elif path.is_dir():
            tree[name] = None
        else:
            tree[name] = path.read_bytes()
    return tree


def pattern(size, seed):
    """Bytes that do not compress and are the same for the same seed."""
    return hashlib.shake_128(b"%d" % seed).digest(size)


def fill_source(directory):
    """A small source with a bit of everything that needs no rights."""
    (directory / "deep" / "er").mkdir(parents=True)
    (directory / "empty directory").mkdir()
    (directory / "a.txt").write_text("the quick brown fox\n" * 50)
    (directory / "empty").write_bytes(b"")
    (directory / "deep" / "random").write_bytes(pattern(150_000, 1))
    (directory / "deep" / "er" / "zeros").write_bytes(bytes(70_000))
    os.symlink("../a.txt", directory / "deep" / "link")


@contextlib.contextmanager
def in_memory():
    """A scratch directory, in memory where that can be: what is synced need not wait for a disk."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="sealpoint-", dir=where) as directory:
        yield pathlib.Path(directory)


@pytest.fixture
def fast():
    with in_memory() as directory:
        yield directory


def make(directory, unencrypted=False):
    made = Sealpoint(directory, unencrypted)
    made.directory.mkdir(exist_ok=True)
    made.init()
    fill_source(made.source)
    return made


@pytest.fixture
def repo(fast):
    """A repository with a passphrase, initialised, and a small source; no snapshot yet."""
    return make(fast)


@pytest.fixture
def quick(fast):
    """The same with unencrypted keys: no run has to pay for scrypt."""
    return make(fast, unencrypted=True)


@pytest.fixture
def on_disk(tmp_path):
    """The same on a real file system: not every kernel's tmpfs keeps user attributes."""
    return make(tmp_path, unencrypted=True)


@pytest.fixture
def two(repo):
    """A repository with a base and an incremental; .trees says what each must restore to."""
    return with_two(repo)


@pytest.fixture
def quick_two(quick):
    return with_two(quick)


def with_two(repo):
    repo.trees = {repo.backup(): read_tree(repo.source)}
    (repo.source / "a.txt").write_text("a lazy dog\n" * 60)
    (repo.source / "new").write_bytes(pattern(3000, 7))
    repo.trees[repo.backup()] = read_tree(repo.source)
    return repo

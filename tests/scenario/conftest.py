"""What the scenario tests share: the binary, a scratch repository, and ways to look at both.

The binary is $SEALPOINT, or build/sealpoint; its helpers are in $SEALPOINT_TOOLS.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import shim

ROOT = pathlib.Path(__file__).parent.parent.parent
SEALPOINT = os.environ.get("SEALPOINT", str(ROOT / "build" / "sealpoint"))
TOOLS = pathlib.Path(os.environ.get("SEALPOINT_TOOLS", ROOT / "build" / "tests" / "tools"))

SANITIZED = any(name in pathlib.Path(SEALPOINT).read_bytes()
                for name in (b"__asan_init", b"__tsan_init")) if os.path.exists(SEALPOINT) else False

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
        return subprocess.Popen([*self.command(*args)], env=self.env(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                **options)

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
            self.passphrase.write_text("four words make one\n")
            self.passphrase.chmod(0o600)
        return self.run("init")

    def backup(self, *args, expect=0, source=None):
        """Take a snapshot of the source; returns its id."""
        done = self.run("backup", source or self.source, "--quiet", *args, expect=expect)
        return done.out.strip()

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
        return sorted((self.repository / "ledger").glob("*/*.json"))

    def payloads(self):
        return [json.loads(path.read_text().split("\n")[0]) for path in self.records()]

    def objects(self):
        return sorted((self.repository / "data").glob("*/*"))

    def stored(self):
        """All files of the repository by name."""
        return {str(path.relative_to(self.repository)): path.read_bytes()
                for path in sorted(self.repository.rglob("*")) if path.is_file()}

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
        assert bundles >= {payload["bundle"]["name"] for payload in self.payloads()
                           if payload["type"] == "checkpoint"}
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
        twin.state_directory(self.repository).rename(twin.state_directory())
        if hasattr(self, "trees"):
            twin.trees = self.trees
        return twin

    def forget(self):
        """Make this machine one that has never seen the repository."""
        shutil.rmtree(self.state_directory())

    def state_directory(self, repository=None):
        """Where the state of a repository is kept: under a name made from its path."""
        path = os.path.realpath(repository or self.repository)
        return self.state / "repositories" / hashlib.sha256(path.encode()).hexdigest()[:16]

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

#!/usr/bin/python3
"""Break one check at a time, and see that a test says so.

    mutants.py [--only WHAT] [--sample COUNT [--seed NUMBER]] [--mode MODE] [--list]

mutate.py finds the mutants of every file below cli and writes them all into one copy of the tree,
which is built once. The unit tests of a file's room are run for each of its mutants that they reach,
the quickest first, until one fails: then it is killed. One that survives is a check that could be
taken out without anybody noticing: it is named, and the exit status is 1.

mutants.txt holds those that no unit test can kill, each with its reason. A row that names nothing, and
one whose mutant is killed after all, is out of date: exit status 1, too.

--only takes the mutants whose names start with WHAT: a directory, a file, "FILE FUNCTION", a whole name.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import mutate  # noqa: E402  (it lies beside this file)

TABLE = ROOT / "tests/tools/mutants.txt"
PARTS = ["Makefile", "core", "keyring", "snapshot", "cli", "tests/unit", "tests/golden", "tests/tools"]
ROOMS = ["core", "keyring", "snapshot"]
RUNTIME = "mutant.c"  # of tests/tools, compiled into the library
# A test that hangs is a test that fails: what it may take, beside a multiple of what it took before.
LIMIT_SECONDS, LIMIT_TIMES = 10, 10
AT_ONCE = 2 * os.cpu_count()  # half of a test is waiting for the disk
COUNTED = ["mutants", "killed", "excepted", "survived"]


def room_of(path):
    """core/fs of core/fs/file.c, and snapshot of snapshot/format/index.c."""
    parts = pathlib.PurePath(path).parts
    return "/".join(parts[: 2 if parts[0] == "core" else 1])


def find_files(root):
    paths = sorted(path for room in ROOMS for path in (root / room).rglob("*.c"))
    return [mutate.File(str(path.relative_to(root)), path.read_text()) for path in paths]


# ---- the table of exceptions ----


Row = collections.namedtuple("Row", "place mutants")


class Table:
    """The rows, with the mutants that each excepts; `wrong` says what is wrong with them."""

    def __init__(self, text, mutants):
        self.rows, self.excepted, self.wrong = [], {}, []
        by_name = collections.defaultdict(list)
        for mutant in mutants:
            for name in {mutant.name, mutant.name_of_all}:
                by_name[name].append(mutant)
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.partition(": ")
                self.take(Row(f"mutants.txt:{number}: {name}", by_name[name]), reason)

    def take(self, row, reason):
        self.rows.append(row)
        if not reason.strip():
            self.wrong.append(f"{row.place}: no reason given")
        if not row.mutants:
            self.wrong.append(f"{row.place}: out of date, there is no such mutant")
        for mutant in row.mutants:
            if mutant in self.excepted:
                self.wrong.append(f"{row.place}: excepted already by {self.excepted[mutant].place}")
            self.excepted[mutant] = row


# ---- a broken tree ----


class Tree:
    """A copy with all mutants in it."""

    def __init__(self, directory, files, mutants):
        self.directory, self.root = directory, directory / "tree"
        for part in PARTS:
            source, target = ROOT / part, self.root / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)
        shutil.copy(ROOT / "tests/tools" / RUNTIME, self.root / "core/base" / RUNTIME)
        for number, mutant in enumerate(mutants, 1):
            mutant.number = number
        chosen = set(mutants)
        for file in files:
            if not chosen.isdisjoint(file.mutants):
                (self.root / file.path).write_text(file.mutated())

    def tests(self, below=""):
        unit = self.root / "tests/unit"
        found = [path for room in ROOMS for path in (unit / room).rglob("test_*.c")]
        names = sorted(str(path.relative_to(unit).with_suffix("")) for path in found)
        return [name for name in names if name.startswith(below)]

    def tests_of(self, path):
        """Those of its room; those of every room when it has none of its own there."""
        room, stem = room_of(path) + "/", pathlib.PurePath(path).stem
        own = [test for test in self.tests(room) if stem.startswith(pathlib.PurePath(test).name[len("test_") :])]
        return self.tests(room if own else "")


class Build:
    """The tests of a tree, built in one mode and run once unbroken: what fails anyway kills nothing."""

    def __init__(self, tree, mode, tests, count):
        self.tree, self.directory = tree, tree.directory / mode
        self.flags = [f"MODE={mode}", f"O={self.directory}", "CFLAGS=-w -g0 -include tests/tools/mutant.h"]
        self.wrapper = []
        if mode == "asan":
            self.flags.append("CC=clang")
            self.wrapper = ["setarch", os.uname().machine, "-R"]  # as the Makefile does
        self.seconds, self.reaches = {}, {}
        self.make(tests)
        for test in tests:
            reached = tree.directory / "reached"
            reached.write_bytes(bytes(count + 1))
            start = time.monotonic()
            if not self.passes(test, 0, 600, reached):
                sys.exit(f"{test} fails without any mutant ({mode})")
            self.seconds[test] = time.monotonic() - start
            self.reaches[test] = reached.read_bytes()

    def make(self, tests):
        done = subprocess.run(
            ["make", "-s", f"-j{os.cpu_count()}", *self.flags, *(f"{self.directory}/tests/unit/{test}" for test in tests)],
            cwd=self.tree.root, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode != 0:
            sys.exit(f"what mutate.py wrote does not compile:\n{done.stderr}")

    def passes(self, test, number, limit, reached=None):
        env = dict(os.environ, MUTANT=str(number))
        if reached is not None:
            env["MUTANT_REACHED"] = str(reached)
        with tempfile.TemporaryDirectory(dir=self.tree.directory, ignore_cleanup_errors=True) as work:
            env["TMPDIR"] = work
            run = subprocess.Popen(
                [*self.wrapper, f"{self.directory}/tests/unit/{test}"], cwd=self.tree.root, env=env,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            try:
                return run.wait(limit) == 0
            except subprocess.TimeoutExpired:
                return False
            finally:
                end_session(run.pid)
                run.wait()

    def reaching(self, mutant):
        """Of the tests of its file those that reach it, the quickest first."""
        tests = [test for test in self.tree.tests_of(mutant.path) if self.reaches[test][mutant.number]]
        return sorted(tests, key=self.seconds.get)

    def killer(self, mutant):
        """The test that kills it, or None."""
        for test in self.reaching(mutant):
            if not self.passes(test, mutant.number, LIMIT_SECONDS + LIMIT_TIMES * self.seconds[test]):
                return test
        return None


def end_session(leader):
    """Whatever children a test left behind."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(mutants, files, modes):
    """The test that killed it, or None, for each mutant."""
    killers = dict.fromkeys(mutants)
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as directory:
        tree = Tree(pathlib.Path(directory), files, mutants)
        left = mutants
        for mode in modes:
            tests = sorted({test for path in {m.path for m in left} for test in tree.tests_of(path)})
            print(f"{mode}: {len(left)} mutants, {len(tests)} tests", flush=True)
            build = Build(tree, mode, tests, len(mutants))
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                for count, (mutant, killer) in enumerate(zip(left, pool.map(build.killer, left)), 1):
                    killers[mutant] = killer
                    mutant.is_reached = bool(build.reaching(mutant))
                    print(f"{count}/{len(left)} {killer or 'alive'}: {mutant}", flush=True)
            left = [mutant for mutant in left if killers[mutant] is None and mutant.is_reached]
    return killers


def report(killers, table):
    """A line for each file; then what is wrong. True when nothing is."""
    files = collections.defaultdict(collections.Counter)
    wrong = []
    for mutant, killer in killers.items():
        counts = files[mutant.path]
        counts["mutants"] += 1
        counts["killed"] += killer is not None
        if killer is None and mutant in table.excepted:
            counts["excepted"] += 1
        elif killer is None:
            counts["survived"] += 1
            wrong.append(f"{'survived' if mutant.is_reached else 'not reached'}: {mutant}")
    for row in table.rows:
        if all(killers.get(mutant) for mutant in row.mutants):
            wrong.append(f"{row.place}: out of date, {killers[row.mutants[0]]} kills it")
    for path, counts in [*sorted(files.items()), ("all", sum(files.values(), collections.Counter()))]:
        print(f"{path}:", ", ".join(f"{counts[word]} {word}" for word in COUNTED))
    print("\n".join(wrong))
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WHAT", help="a directory, a file, 'FILE FUNCTION', a whole name")
    parser.add_argument("--kinds", default=",".join(mutate.BY_DEFAULT), help=", ".join(mutate.KINDS))
    parser.add_argument("--sample", type=int, metavar="COUNT", help="only so many, drawn at random")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="to draw the same again")
    parser.add_argument("--modes", default="debug,asan", help="one after the other, for what survives")
    parser.add_argument("--list", action="store_true", help="name them, run nothing")
    options = parser.parse_args()
    files = find_files(ROOT)
    every = [mutant for file in files for mutant in file.mutants]
    table = Table(TABLE.read_text(), every)
    if table.wrong:
        sys.exit("\n".join(table.wrong))
    kinds = options.kinds.split(",")
    mutants = [m for m in every if m.name.startswith(options.only) and m.kind in kinds]
    if not mutants:
        sys.exit(f"no mutant of these kinds has a name that starts with {options.only}")
    if options.sample is not None and options.sample < len(mutants):
        print(f"{options.sample} of {len(mutants)}: --seed {options.seed}")
        mutants = random.Random(options.seed).sample(mutants, options.sample)
    if options.list:
        print("\n".join(str(mutant) for mutant in mutants))
        return 0
    os.environ.setdefault("SEALPOINT_FIXTURES", str(ROOT.parent / "shared/fixtures"))
    return 0 if report(run(mutants, files, options.modes.split(",")), table) else 1


if __name__ == "__main__":
    sys.exit(main())

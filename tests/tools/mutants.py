#!/usr/bin/python3
"""Break one check at a time, and see that a test says so.

    mutants.py [--only TEXT] [--table FILE]

Each mutant of tests/tools/mutants.txt is put into a copy of the tree, the tests of its file are
built and run, one after the other, until one fails: then it is killed. One that survives all of them
is a check that could be deleted without anybody noticing: the exit status is 1, and it is named.
--only takes the mutants of which file or text contain TEXT.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ["Makefile", "core", "keyring", "snapshot", "cli", "tests/unit", "tests/golden"]
TEST_SECONDS = 60  # a test that hangs is a test that fails


class Mutant:
    def __init__(self, line, path, tests):
        self.line, self.path, self.tests = line, path, tests
        self.old, self.new = [], []

    def apply(self, text):
        """The mutated text. Blanks and line ends in the old one match any others."""
        words = [re.escape(word) for word in " ".join(self.old).split()]
        found = list(re.finditer(r"\s+".join(words), text))
        if len(found) != 1:
            sys.exit(f"mutants.txt:{self.line}: {self.path} has {len(found)} places like this, not 1")
        start, end = found[0].span()
        return text[:start] + "\n".join(self.new) + text[end:]

    def __str__(self):
        old, new = (" ".join(" ".join(part).split()) for part in (self.old, self.new))
        return f"{self.path}: {old}  ->  {new or '(nothing)'}"


def read_table(path):
    mutants, header, mutant = [], None, None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        mark, rest = line[:2], line[2:]
        if mark == "- ":
            if mutant is None or mutant.new or mutant.done:
                mutant = Mutant(number, *header)
                mutant.done = False
                mutants.append(mutant)
            mutant.old.append(rest)
        elif mark == "+ ":
            mutant.new.append(rest)
        elif line and not line.startswith("#"):
            name, tests = line.split(":")
            header, mutant = (name.strip(), tests.split()), None
        elif mutant is not None:
            mutant.done = True
    return mutants


class Copy:
    """A tree to break, built in a folder of its own."""

    def __init__(self, root, build):
        self.root, self.build = root, build
        for part in PARTS:
            source, target = ROOT / part, root / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)

    def make(self, test):
        """What the compiler says when it refuses, or None."""
        done = subprocess.run(
            ["make", "-s", "MODE=debug", "CFLAGS=-w -g0", f"O={self.build}",
             f"{self.build}/tests/unit/{test}"],
            cwd=self.root, capture_output=True, text=True,
        )  # fmt: skip
        return done.stderr if done.returncode != 0 else None

    def passes(self, test):
        try:
            done = subprocess.run(
                [f"{self.build}/tests/unit/{test}"], cwd=self.root, timeout=TEST_SECONDS,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def killer(self, mutant):
        """The test that kills it, or None."""
        path = self.root / mutant.path
        whole = path.read_text()
        path.write_text(mutant.apply(whole))
        try:
            for test in mutant.tests:
                refused = self.make(test)
                if refused is not None:
                    print(refused)
                    return None
                if not self.passes(test):
                    return test
        finally:
            path.write_text(whole)
        return None


def check_unbroken(copy, mutants):
    """What fails anyway kills nothing."""
    for test in sorted({test for mutant in mutants for test in mutant.tests}):
        refused = copy.make(test)
        if refused is not None:
            sys.exit(f"{test} does not compile:\n{refused}")
        if not copy.passes(test):
            sys.exit(f"{test} fails without any mutant")


def run(copy, mutants):
    survivors = []
    for count, mutant in enumerate(mutants, 1):
        killer = copy.killer(mutant)
        print(f"{count}/{len(mutants)} {killer or 'SURVIVED'}: {mutant}", flush=True)
        if killer is None:
            survivors.append(mutant)
    return survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--table", type=pathlib.Path, default=ROOT / "tests/tools/mutants.txt")
    options = parser.parse_args()
    mutants = [mutant for mutant in read_table(options.table) if options.only in str(mutant)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Copy(pathlib.Path(folder, "tree"), pathlib.Path(folder, "build"))
        for mutant in mutants:  # a table that is out of date is found first
            mutant.apply((copy.root / mutant.path).read_text())
        os.environ.setdefault("SEALPOINT_FIXTURES", str(ROOT.parent / "shared/fixtures"))
        check_unbroken(copy, mutants)
        survivors = run(copy, mutants)
    for mutant in survivors:
        print(f"survived: mutants.txt:{mutant.line}: {mutant}")
    print(f"{len(mutants)} mutants, {len(survivors)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())

"""The Python reader of tests/reference, for the tests: as a program, and in this process."""

import argparse
import json
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
READER = TESTS / "reference" / "sealpoint_reader.py"
sys.path[:0] = [str(READER.parent), str(TESTS / "golden")]

# pylint: disable=wrong-import-position
import refusal  # noqa: E402
import sealpoint_reader  # noqa: E402


class Reader:
    """Of one repository and keyring."""

    def __init__(self, repository, keyring=None, passphrase=None, fingerprint=None):
        self.repository = repository
        self.options = {"keyring": keyring, "passphrase_file": passphrase,
                        "fingerprint": fingerprint}

    def run(self, *args, expect=0):
        """As a program; its standard output."""
        given = [f"--{name.replace('_', '-')}={value}"
                 for name, value in self.options.items() if value is not None]
        done = subprocess.run([sys.executable, READER, self.repository, *given, *map(str, args)],
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == expect, done
        if expect:
            assert done.stderr.startswith(b"sealpoint_reader: "), done.stderr
            assert done.stderr.count(b"\n") == 1, done.stderr
        return done.stdout.decode()

    def listing(self, snapshot):
        return [json.loads(line)
                for line in self.run("--list", "--snapshot", snapshot).splitlines()]

    def status(self):
        """In this process, which is quicker: the exit status of opening all snapshots."""
        args = argparse.Namespace(repository=str(self.repository), snapshot=None, list=False,
                                  extract=None,
                                  **{k: v and str(v) for k, v in self.options.items()})
        try:
            sealpoint_reader.run(args)
        except refusal.Refusal as problem:
            return problem.status
        return 0

#!/usr/bin/python3
"""A random history of bursts, file system snapshots and backups; every restore must be its snapshot.

    soak.py SEALPOINT [ROUNDS] [SEED]     root only; makes loop devices in a scratch directory

Three kinds of sources, each with the way in which it hides a change:

    btrfs    a writer never rests; snapshots are frozen in the middle of its bursts, and a change
             in the tick of the freeze leaves all times as they were
    seconds  an ext4 whose times are whole seconds (inodes of 128 bytes), a plain directory
    image    an ext4 of which each backup reads a copy of its device, as a cloud's snapshots are

A snapshot is compared with its restore at once: content of every file. Snapshots are sometimes
backed up twice, sometimes in the wrong order, and sometimes the writer rests.
"""

import contextlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

FILES = 40
SIZE = 3000


def run(*args, status=0, **options):
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True, check=False,
                          **options)
    assert status is None or done.returncode == status, (args, done)
    return done


class Writer(threading.Thread):
    """Bursts of changes that keep sizes, with short pauses; rests when told so."""

    def __init__(self, directory, seed):
        super().__init__(daemon=True)
        self.directory = directory
        self.random = random.Random(seed)
        self.may_write = threading.Event()
        self.may_write.set()
        self.ends = False
        self.lock = threading.Lock()
        self.files = [os.open(directory / f"table-{i}", os.O_RDWR | os.O_CREAT, 0o600)
                      for i in range(FILES)]
        for file in self.files:
            os.pwrite(file, self.random.randbytes(SIZE), 0)

    def change(self):
        file = self.random.choice(self.files)
        os.pwrite(file, self.random.randbytes(8), self.random.randrange(SIZE - 8))

    def run(self):
        while not self.ends:
            self.may_write.wait()
            with self.lock:
                for _ in range(self.random.randrange(1, 60)):
                    self.change()
            time.sleep(self.random.choice([0, 0, 0.001, 0.003, 0.01, 0.05]))

    def stop(self):
        self.ends = True
        self.may_write.set()
        if self.is_alive():
            self.join()
        for file in self.files:
            os.close(file)


class Soak:
    def __init__(self, binary, scratch, seed):
        self.binary = os.path.abspath(binary)
        self.scratch = scratch
        self.random = random.Random(seed)
        (scratch / "keys").mkdir()
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(scratch), "LC_ALL": "C.UTF-8",
            "SEALPOINT_REPOSITORY": str(scratch / "repository"),
            "SEALPOINT_STATE_DIR": str(scratch / "state"),
            "SEALPOINT_KEYRING": str(scratch / "keys" / "keyring.json"),
        }
        self.sealpoint("init")
        self.wrong = 0
        self.backups = 0

    def sealpoint(self, *args, status=0):
        return run(self.binary, *args, "--no-passphrase", env=self.env, status=status)

    def check(self, source, what):
        """Back it up, restore it, and compare with what is there still."""
        done = self.sealpoint("backup", source, "--any-directory", "--json", status=None)
        assert done.returncode in (0, 10), done
        target = self.scratch / "restored"
        self.sealpoint("restore", json.loads(done.stdout)["id"], "--to", target, status=None)
        self.backups += 1
        for path in sorted(source.iterdir()):
            if path.is_file() and path.read_bytes() != (target / path.name).read_bytes():
                self.wrong += 1
                print(f"{what}: backup {self.backups} holds old content of {path.name}")
        shutil.rmtree(target)


@contextlib.contextmanager
def mounted(scratch, name, size_mb, *mkfs):
    image, where = scratch / f"{name}.img", scratch / name
    where.mkdir(exist_ok=True)
    run("truncate", "-s", f"{size_mb}M", image)
    run(*mkfs, image)
    run("mount", "-o", "loop", image, where)
    try:
        yield where
    finally:
        run("umount", where)
        image.unlink()


def btrfs(soak, rounds):
    with mounted(soak.scratch, "btrfs", 512, "mkfs.btrfs", "-q") as root:
        live = root / "live"
        run("btrfs", "subvolume", "create", live)
        writer = Writer(live, soak.random.random())
        writer.start()
        kept = []
        for i in range(rounds):
            writer.may_write.set()
            if i % 5 == 4:
                writer.may_write.clear()
            time.sleep(soak.random.random() / 20)
            kept.append(root / f"snapshot-{i}")
            run("btrfs", "subvolume", "snapshot", "-r", live, kept[-1])
            soak.check(soak.random.choice(kept[-2:]) if i % 3 == 0 else kept[-1], "btrfs")
            if len(kept) > 3:
                run("btrfs", "subvolume", "delete", kept.pop(0))
        writer.stop()


def seconds(soak, rounds):
    with mounted(soak.scratch, "seconds", 64, "mkfs.ext4", "-q", "-I", "128") as root:
        writer = Writer(root, soak.random.random())
        for _ in range(rounds):
            for _ in range(soak.random.randrange(1, 20)):
                writer.change()
            time.sleep(soak.random.choice([0, 0, 0.1, 0.4]))
            soak.check(root, "whole seconds")
        writer.stop()


def image(soak, rounds):
    where = soak.scratch / "frozen"
    where.mkdir()
    with mounted(soak.scratch, "image", 64, "mkfs.ext4", "-q") as root:
        writer = Writer(root, soak.random.random())
        writer.start()
        for i in range(rounds):
            time.sleep(soak.random.random() / 20)
            run("fsfreeze", "-f", root)
            shutil.copyfile(soak.scratch / "image.img", soak.scratch / "copy.img")
            run("fsfreeze", "-u", root)
            run("mount", "-o", "loop", soak.scratch / "copy.img", where)
            soak.check(where, "image")
            if i % 4 == 0:
                soak.check(where, "image, again")
            run("umount", where)
        writer.stop()


def main(binary, rounds="200", seed=None):
    seed = seed or str(time.time_ns())
    print(f"seed {seed}, {rounds} rounds of each kind")
    with tempfile.TemporaryDirectory(prefix="sealpoint-soak-") as directory:
        soak = Soak(binary, pathlib.Path(directory), seed)
        for kind in (btrfs, seconds, image):
            before = soak.backups
            kind(soak, int(rounds))
            print(f"{kind.__name__}: {soak.backups - before} backups, restored and compared")
    print(f"{soak.wrong} files with old content in {soak.backups} backups")
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

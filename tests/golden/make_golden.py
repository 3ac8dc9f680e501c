#!/usr/bin/python3
"""Make the golden files of a format version:

    make_golden.py SEALPOINT NEW-FOLDER            the repository; tests/golden/v1/README.md
    make_golden.py --keyrings SEALPOINT FOLDER     keyrings of each protection, with a data key
    make_golden.py --corpus SEALPOINT FOLDER       the same keyrings, as fuzz_keyring starts from

What is made is kept; until the format is frozen it is made again with it.
"""

import base64
import hashlib
import json
import os
import pathlib
import random
import shutil
import stat
import struct
import subprocess
import sys
import time
import tempfile

NOBODY = 0xFFFFFFFF
HOUR_NS = 3600 * 10**9
START_NS = 1_790_000_000 * 10**9
CHECKPOINT_EVERY = 65  # more than 64 records
# As the kernel has it: user::rw-, user:1234:r--, group::r--, mask::r--, other::---
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *row)
    for row in ((1, 6, NOBODY), (2, 4, 1234), (4, 4, NOBODY), (16, 4, NOBODY), (32, 0, NOBODY)))


class Maker:
    def __init__(self, binary, folder):
        self.binary = os.path.abspath(binary)
        self.folder = pathlib.Path(folder).absolute()
        self.scratch = self.folder / "scratch"
        self.source = self.scratch / "source"
        self.scratch.mkdir(parents=True)
        (self.folder / "expected").mkdir()
        self.clock = START_NS
        self.env = {
            "PATH": os.environ["PATH"],
            "SEALPOINT_REPOSITORY": str(self.folder / "repository"),
            "SEALPOINT_STATE_DIR": str(self.scratch / "state"),
            "SEALPOINT_KEYRING": str(self.folder / "keyring.json"),
            "SEALPOINT_PASSPHRASE_FILE": str(self.folder / "passphrase"),
        }

    def run(self, *args, status=0):
        done = subprocess.run(
            [self.binary, *args], env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, (args, done)
        return done.stdout

    def write(self, name, content):
        """A file with a time of its own, so that nothing depends on when this ran."""
        path = self.source / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self.clock += HOUR_NS + 123_456_789
        os.utime(path, ns=(self.clock, self.clock))

    def backup(self, *args):
        for folder, _, _ in os.walk(self.source, topdown=False):
            os.utime(folder, ns=(START_NS, START_NS))
        os.utime(self.source / "link", ns=(START_NS, START_NS), follow_symlinks=False)
        time.sleep(1)  # ids are in the order of their seconds
        self.run("backup", str(self.source), "--retain", "never", "--workers", "1", "--any-directory",
                 *args)
        newest = json.loads(self.run("snapshots", "--json"))["results"][-1]["id"]
        lines = [json.dumps(row) + "\n" for row in listing(self.source)]
        (self.folder / "expected" / f"{newest}.jsonl").write_text("".join(lines))


def order(path):
    """Bytewise, with "/" before every other byte, and the root in front of all."""
    return b"" if path == b"." else b"\0" + path.replace(b"/", b"\0")


def listing(root):
    """What is there, as the system says it, in the order of a snapshot."""
    root = os.fsencode(root)
    found = [b"."]
    for folder, folders, files in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in folders + files]
    first = {}
    for path in sorted(found, key=order):
        full = os.path.join(root, path)
        st = os.lstat(full)
        kind = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink",
                stat.S_IFIFO: "fifo"}[stat.S_IFMT(st.st_mode)]
        linked = first.setdefault(st.st_ino, path) if kind == "file" else path
        row = {"path": os.fsdecode(path), "type": kind, "mode": f"{stat.S_IMODE(st.st_mode):04o}",
               "uid": st.st_uid, "gid": st.st_gid, "mtimeNs": st.st_mtime_ns}
        if kind == "symlink":
            row["link"] = os.fsdecode(os.readlink(full))
        if linked != path:
            row["type"], row["link"] = "hardlink", os.fsdecode(linked)
        if kind == "file":
            with open(full, "rb") as file:
                content = file.read()
            row["size"], row["sha256"] = len(content), hashlib.sha256(content).hexdigest()
            names = [name for name in os.listxattr(full) if name.startswith("user.")]
            if names and linked == path:
                row["xattrs"] = {name: base64.b64encode(os.getxattr(full, name)).decode()
                                 for name in sorted(names)}
        yield row


def fill(m):
    """A bit of everything that a snapshot can hold."""
    noise = random.Random(1)
    m.source.mkdir()
    m.write("notes.txt", b"The quick brown fox jumps over the lazy dog.\n" * 40)
    m.write("noise.bin", noise.randbytes(20_000))
    m.write("blocks.bin", b"".join(bytes([i]) * 65536 for i in b"abc") + b"tail")
    m.write("empty", b"")
    m.write("zeros", bytes(70_000))
    m.write("folder/inside.txt", b"in a folder\n")
    m.write("folder.txt", b"its name sorts between the folder and what is in it, bytewise\n")
    m.write("gr\u00fc\u00dfe", b"a name in UTF-8\n")
    m.write(os.fsdecode(b"not utf-8 \xff\n"), b"a name that is no text\n")
    m.write("script", b"#!/bin/sh\n")
    os.chmod(m.source / "script", 0o755)
    os.chown(m.source / "script", 1234, 5678)
    os.utime(m.source / "script", ns=(m.clock, m.clock))
    os.setxattr(m.source / "notes.txt", "user.origin", b"by hand\0\xff")
    os.setxattr(m.source / "blocks.bin", "system.posix_acl_access", ACL)
    os.setxattr(m.source / "folder", "system.posix_acl_default", ACL)
    os.link(m.source / "notes.txt", m.source / "second name")
    os.symlink("folder/inside.txt", m.source / "link")
    os.mkfifo(m.source / "pipe", 0o600)
    os.utime(m.source / "pipe", ns=(START_NS, START_NS))
    with open(m.source / "sparse", "wb") as file:
        file.truncate(600_000)
        file.seek(300_000)
        file.write(b"an island\n")
    os.utime(m.source / "sparse", ns=(START_NS, START_NS))


def change(m):
    m.write("notes.txt", b"The quick brown fox jumps over the lazy dog.\n" * 39 + b"And again.\n")
    m.write("blocks.bin", b"".join(bytes([i]) * 65536 for i in b"aBc") + b"tail")
    m.write("new.txt", b"was not there before\n")
    os.unlink(m.source / "empty")


def enough_for_a_checkpoint(m):
    for _ in range((CHECKPOINT_EVERY // 2 + 1)):
        m.run("key", "disable", "1", "--yes")
        m.run("key", "check", status=3)
        m.run("key", "enable", "1")
        m.run("key", "check")


def drop_covered(m):
    """Take away records that the checkpoint's bundle has, as FORMAT.md 4.4 allows."""
    bundle = max((m.folder / "repository" / "checkpoints").glob("*/*.jsonl"))
    for line in bundle.read_text().splitlines()[::2]:
        record = json.loads(line)
        if record["type"] == "keyState":
            name = f"{record['seq']:016x}.json"
            (m.folder / "repository" / "ledger" / record["writerId"] / name).unlink()


def main(binary, folder):
    m = Maker(binary, folder)
    words = m.run("init", "--generate-passphrase", str(m.folder / "passphrase")).split()
    (m.folder / "fingerprint").write_text(words[words.index("fingerprint") + 1] + "\n")
    fill(m)
    m.backup("--description", "a base under version 1")
    change(m)
    m.backup("--description", "an incremental under version 1")
    m.run("key", "rotate")
    m.write("new.txt", b"changed under version 2\n")
    m.backup("--description", "a base under version 2")
    m.run("key", "check")
    enough_for_a_checkpoint(m)
    m.write("newer.txt", b"after many records\n")
    m.backup("--description", "an incremental under version 2, and a checkpoint")
    m.run("key", "rewrap")
    del m.env["SEALPOINT_REPOSITORY"]  # rewrap records are the last of the ledger
    m.run("key", "disable", "1", "--yes")
    drop_covered(m)
    shutil.rmtree(m.scratch)
    for left in (".lock", ".previous"):
        (m.folder / f"keyring.json{left}").unlink(missing_ok=True)


PROTECTIONS = {
    "bare": ["--no-passphrase"],
    "scrypt": ["--passphrase-file"],
    "secret": ["--generate-passphrase"],
}


def make_ring(binary, scratch, name):
    """A keyring with a disabled, an active and a pending version, and a snapshot by the active."""
    m = Maker(binary, scratch)
    passphrase = m.folder / "passphrase"
    del m.env["SEALPOINT_PASSPHRASE_FILE"]
    if name == "scrypt":
        passphrase.write_text("this keyring protects nothing but a test\n")
        os.chmod(passphrase, 0o600)
    option = PROTECTIONS[name]
    m.run("init", *option, *([] if name == "bare" else [passphrase]))
    if name == "bare":
        option = ["--no-passphrase"]
    else:
        option = ["--passphrase-file", passphrase]
    m.run("key", "rotate", *option)
    m.run("key", "rotate", *option)
    m.run("key", "disable", "1", "--yes", *option)
    m.run("key", "schedule-deletion", "2", "--yes", *option)
    m.source.mkdir()
    (m.source / "file").write_text("something\n")
    m.run("backup", m.source, "--any-directory", *option)
    return m


def make_keyrings(binary, folder):
    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "reference"))
    import keyring

    folder = pathlib.Path(folder)
    for name in PROTECTIONS:
        with tempfile.TemporaryDirectory() as scratch:
            m = make_ring(binary, pathlib.Path(scratch) / "golden", name)
            ring = (m.folder / "keyring.json").read_bytes()
            (folder / f"{name}.keyring").write_bytes(ring)
            secret = b""
            if name != "bare":
                secret = (m.folder / "passphrase").read_bytes()
                (folder / f"{name}.passphrase").write_bytes(secret)
            records = (m.folder / "repository" / "ledger").glob("*/*.json")
            payloads = [json.loads(path.read_text().split("\n")[0]) for path in records]
            (record,) = [p for p in payloads if p["type"] == "snapshot"]
            data_key = record["dataKey"]
            line = json.dumps(data_key, separators=(",", ":"))
            (folder / f"{name}.data-key.json").write_text(line + "\n")
            opened = keyring.read_keyring(ring, secret.removesuffix(b"\n"))
            key = keyring.open_data_key(data_key, bytes.fromhex(record["repositoryId"]), *opened)
            (folder / f"{name}.expected").write_text(key.hex() + "\n")


def sealed_line(document):
    """An unencrypted keyring of these members, its second line fitting."""
    line = json.dumps(document, separators=(",", ":")).encode()
    return line + b'\n{"sha256":"%s"}\n' % hashlib.sha256(line).hexdigest().encode()


def make_corpus(binary, folder):
    """Keyrings that decode, and hostile ones that nearly do."""
    folder = pathlib.Path(folder)
    rings = {}
    for name in PROTECTIONS:
        with tempfile.TemporaryDirectory() as scratch:
            m = make_ring(binary, pathlib.Path(scratch) / "golden", name)
            rings[name] = (m.folder / "keyring.json").read_bytes()
    bare = json.loads(rings["bare"].split(b"\n")[0])
    gone = dict(bare["versions"][1], state="destroyed", key=None)
    rings["destroyed"] = sealed_line(dict(bare, versions=[bare["versions"][0], gone]))
    rings["active-out-of-range"] = sealed_line(dict(bare, active=4))
    rings["no-versions"] = sealed_line(dict(bare, versions=[]))
    rings["critical"] = sealed_line({**bare, "!later": 1})
    rings["generation-0"] = sealed_line(dict(bare, generation=0))
    rings["repositories"] = sealed_line(dict(bare, repositories=["00" * 32] * 64))
    rings["too-many-repositories"] = sealed_line(dict(bare, repositories=["00" * 32] * 65))
    huge = {"kdf": "scrypt", "n": 2**20, "r": 8, "p": 4, "salt": "00" * 16}
    line = json.dumps(dict(bare, protection=huge), separators=(",", ":")).encode()
    rings["hostile-scrypt"] = line + b'\n{"mac":"%s"}\n' % bytes(32).hex().encode()
    rings["cut"] = rings["scrypt"][:-20]
    for name, ring in rings.items():
        (folder / name).write_bytes(ring)


if __name__ == "__main__":
    if sys.argv[1] == "--keyrings":
        make_keyrings(*sys.argv[2:])
    elif sys.argv[1] == "--corpus":
        make_corpus(*sys.argv[2:])
    else:
        main(*sys.argv[1:])

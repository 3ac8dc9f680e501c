"""The programs that are timed side by side: how each does the same work.

A program gives an argument list for each phase, or None where it has no such thing. Each has a
directory of its own for repository, keys and caches.
"""

import base64
import pathlib
import secrets
import shlex
import shutil
import subprocess

PHASES = ["base", "incremental", "unchanged", "restore", "verify", "decrypt"]


class Program:
    name = ""
    needs = ()  # commands
    remembers = True  # what it stored before: it has incrementals

    def __init__(self, directory, source):
        self.directory = pathlib.Path(directory)
        self.source = pathlib.Path(source)
        self.repository = self.directory / "repository"
        self.passphrase = self.directory / "passphrase"
        self.env = {"HOME": str(self.directory)}

    @classmethod
    def missing(cls):
        return [name for name in cls.needs if shutil.which(name) is None]

    def set_up(self, environment):
        """A fresh repository; not timed."""
        self.directory.mkdir(parents=True)
        code = base64.b64encode(secrets.token_bytes(32)).decode()
        self.passphrase.write_text(f"sealpoint-secret-1:{code}", encoding="ascii")
        self.passphrase.chmod(0o600)
        for command in self.set_up_commands():
            subprocess.run(command, env={**environment, **self.env}, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           cwd=self.directory)  # fmt: skip

    def set_up_commands(self):
        return []

    def version(self):
        return [self.name, "--version"]

    def stored(self):
        return sum(f.lstat().st_size for f in self.repository.rglob("*") if f.is_file())

    # The phases. `to` is an empty directory that the program restores into.
    def base(self):
        return None

    def incremental(self):
        return self.base()

    def unchanged(self):
        return self.base()

    def restore(self, to):
        return None

    def verify(self):
        """Every stored byte read and checked, without any key."""
        return None

    def decrypt(self):
        """Everything opened and checked."""
        return None


class Sealpoint(Program):
    name = "sealpoint"
    needs = ("sealpoint",)

    def __init__(self, directory, source):
        super().__init__(directory, source)
        self.env.update(
            SEALPOINT_REPOSITORY=str(self.repository),
            SEALPOINT_STATE_DIR=str(self.directory / "state"),
            SEALPOINT_KEYRING=str(self.directory / "keyring.json"),
            SEALPOINT_PASSPHRASE_FILE=str(self.passphrase),
        )

    def set_up_commands(self):
        return [["sealpoint", "init"]]

    def base(self):
        return ["sealpoint", "backup", str(self.source)]

    def restore(self, to):
        return ["sealpoint", "restore", "latest", "--to", f"{to}/db"]

    def verify(self):
        return ["sealpoint", "verify", "--read-data"]

    def decrypt(self):
        return ["sealpoint", "verify", "--decrypt"]


class Restic(Program):
    name = "restic"
    needs = ("restic",)

    def __init__(self, directory, source):
        super().__init__(directory, source)
        self.env.update(
            RESTIC_REPOSITORY=str(self.repository),
            RESTIC_PASSWORD_FILE=str(self.passphrase),
            RESTIC_CACHE_DIR=str(self.directory / "cache"),
        )

    def version(self):
        return ["restic", "version"]

    def set_up_commands(self):
        return [["restic", "init", "--quiet"]]

    def base(self):
        return ["restic", "backup", "--quiet", str(self.source)]

    def restore(self, to):
        return ["restic", "restore", "--quiet", "latest", "--target", str(to)]

    # Its packs are encrypted as a whole: it can check nothing without the key. One for both.
    def verify(self):
        return ["restic", "check", "--quiet", "--read-data"]

    def decrypt(self):
        return self.verify()


class Rustic(Program):
    """Restic's format by other hands, in Rust."""

    name = "rustic"
    needs = ("rustic",)

    def __init__(self, directory, source):
        super().__init__(directory, source)
        self.env.update(
            RUSTIC_REPOSITORY=str(self.repository),
            RUSTIC_PASSWORD_FILE=str(self.passphrase),
            RUSTIC_CACHE_DIR=str(self.directory / "cache"),
            RUSTIC_NO_PROGRESS="true",
            RUSTIC_LOG_LEVEL="warn",
        )

    def set_up_commands(self):
        return [["rustic", "init"]]

    def base(self):
        return ["rustic", "backup", str(self.source)]

    def restore(self, to):
        return ["rustic", "restore", f"latest:{self.source}", f"{to}/db"]

    def verify(self):
        return ["rustic", "check", "--read-data"]

    def decrypt(self):
        return self.verify()


class Borg(Program):
    name = "borg"
    needs = ("borg",)

    def __init__(self, directory, source):
        super().__init__(directory, source)
        self.env.update(
            BORG_REPO=str(self.repository),
            BORG_BASE_DIR=str(self.directory),
            BORG_PASSCOMMAND=f"cat {shlex.quote(str(self.passphrase))}",
        )
        self.count = 0

    def set_up_commands(self):
        return [["borg", "init", "--encryption", "repokey-blake2"]]

    def base(self):
        self.count += 1
        return ["borg", "create", "--compression", "zstd,3", f"::{self.count}", str(self.source)]

    def restore(self, to):
        return ["sh", "-c", f"cd {shlex.quote(str(to))} && exec borg extract ::{self.count}"]

    def verify(self):
        return ["borg", "check", "--repository-only"]

    def decrypt(self):
        return ["borg", "check", "--verify-data"]


class Bupstash(Program):
    name = "bupstash"
    needs = ("bupstash",)

    def __init__(self, directory, source):
        super().__init__(directory, source)
        self.env.update(
            BUPSTASH_REPOSITORY=str(self.repository),
            BUPSTASH_KEY=str(self.directory / "key"),
            BUPSTASH_SEND_LOG=str(self.directory / "send-log"),
            BUPSTASH_QUERY_CACHE=str(self.directory / "query-cache"),
        )
        self.count = 0

    def set_up_commands(self):
        return [["bupstash", "new-key", "-o", "key"], ["bupstash", "init"]]

    def base(self):
        self.count += 1
        return ["bupstash", "put", "--quiet", f"name={self.count}", str(self.source)]

    def restore(self, to):
        return ["bupstash", "restore", "--quiet", "--into", str(to), f"name={self.count}"]

    # It has no check; to get everything is what its manual suggests.
    def decrypt(self):
        return ["sh", "-c", f"bupstash get --quiet name={self.count} >/dev/null"]


class TarZstdAge(Program):
    name = "tar|zstd|age"
    needs = ("tar", "zstd", "age", "age-keygen")
    remembers = False

    def set_up_commands(self):
        return [["sh", "-c", "age-keygen -o key 2>keygen && mkdir repository"]]

    def version(self):
        return ["age", "--version"]

    def _pipe(self, text):
        return ["bash", "-c", f"set -o pipefail; cd {shlex.quote(str(self.directory))} && {text}"]

    def base(self):
        return self._pipe(
            f"tar -C {shlex.quote(str(self.source.parent))} -cf - {self.source.name} |"
            " zstd -q -3 -T2 | age -e -i key >repository/db.tar.zst.age"
        )

    def incremental(self):
        return None

    def unchanged(self):
        return None

    def restore(self, to):
        return self._pipe(
            "age -d -i key repository/db.tar.zst.age | zstd -q -d |"
            f" tar -C {shlex.quote(str(to))} -xf -"
        )

    def decrypt(self):
        return self._pipe("age -d -i key repository/db.tar.zst.age | zstd -q -d >/dev/null")


class Copy(Program):
    """No backup: what the disk and the kernel need for the same bytes, written once."""

    name = "cp"
    needs = ("cp",)

    def set_up_commands(self):
        return [["mkdir", "repository"]]

    def version(self):
        return ["cp", "--version"]

    def base(self):
        return ["cp", "-a", str(self.source), str(self.repository / "db")]

    def incremental(self):
        return None

    def unchanged(self):
        return None

    def restore(self, to):
        return ["cp", "-a", str(self.source), f"{to}/db"]


ALL = [Sealpoint, Restic, Rustic, Borg, Bupstash, TarZstdAge, Copy]

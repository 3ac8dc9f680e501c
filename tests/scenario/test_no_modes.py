"""A file system that keeps no owners, modes and links, and takes `a` and `A` for one name (exFAT)."""

import os
import subprocess
import sys

import pytest

from conftest import ATTENTION, ROOT, read_tree
from test_mount_point import INSIDE, UNSHARE, can_mount

if INSIDE not in os.environ:
    def test_all_of_this_in_a_name_space_of_its_own():
        if os.geteuid() != 0 or not can_mount():
            pytest.skip("no name space with mounts of its own can be made here")
        done = subprocess.run(
            [*UNSHARE, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
            env={**os.environ, INSIDE: "1"}, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
else:
    @pytest.fixture
    def plain(quick, tmp_path):
        """A source of files and directories only, and .place, an exFAT."""
        for path in (quick.source / "deep" / "link",):
            path.unlink(missing_ok=True)
        image = tmp_path / "image"
        with open(image, "wb") as file:
            file.truncate(32 << 20)
        quick.place = quick.directory / "place"
        quick.place.mkdir()
        loop = None
        try:
            subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
            loop = subprocess.run(["losetup", "-f", "--show", image], check=True,
                                  capture_output=True, text=True).stdout.strip()
            subprocess.run(["mount.exfat-fuse", loop, quick.place], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            if loop:
                subprocess.run(["losetup", "-d", loop], check=False)
            pytest.skip("no exFAT can be mounted here")
        yield quick
        subprocess.run(["umount", quick.place], check=False)
        subprocess.run(["losetup", "-d", loop], check=False)

    def test_two_names_that_are_one_there_are_refused(plain):
        (plain.source / "deep" / "A").write_text("large")
        (plain.source / "deep" / "a").write_text("small")
        plain.backup()
        done = plain.restore(to=plain.place / "db", expect=1)
        assert "making deep/a: A is there already, which is the same name on this file system" in \
            done.err
        assert read_tree(plain.place) == {}
        (plain.source / "deep" / "a").unlink()
        plain.backup()
        plain.restore(to=plain.place / "db", expect=None)
        assert read_tree(plain.place / "db") == read_tree(plain.source)

    def test_a_restore_there_says_what_it_cannot_keep(plain):
        plain.backup()
        for to in (plain.place / "db", plain.place):
            done = plain.restore(to=to, expect=None)
            assert done.status in (0, ATTENTION), done.err
            assert "this file system keeps no modes: others can read and change" in done.err
            assert {name: content for name, content in read_tree(to).items()
                    if not name.startswith(".")} == read_tree(plain.source)
            (to / "a.txt").write_text("older")
            (to / "extra").write_text("older")
            plain.restore("latest", "--delta", "--yes", to=to, expect=None)
            assert read_tree(to) == read_tree(plain.source)
            if to != plain.place:
                subprocess.run(["rm", "-r", to], check=True)

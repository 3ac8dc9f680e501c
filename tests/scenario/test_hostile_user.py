"""A restore by root into what belongs to somebody else, who works against it: he swaps whatever he can
reach for links to root's files, at every change that the restore makes, and all the time beside it."""

import os
import shutil
import subprocess
import sys
import time

import pytest

import shim
from conftest import ROOT, USAGE, read_tree
from test_mount_point import INSIDE, UNSHARE, can_mount

HOSTILE = 65534

# kind: what he swaps. Whatever he may not do, he leaves.
ATTACK = """
import os, sys
kind, place, victim, again = sys.argv[1:]
def swap(path, to):
    try:
        os.rename(path, path + ".moved")
        os.symlink(to, path)
    except OSError:
        pass
def attack():
    for directory, below, files in os.walk(place, topdown=False):
        if directory.count("/") < place.count("/"):
            continue
        for name in files if kind == "file" else ():
            if not name.endswith(".moved"):
                swap(os.path.join(directory, name), os.path.join(victim, "a.txt"))
        for name in below if kind != "file" else ():
            is_top = directory == place
            if is_top == (kind == "parent") and not name.endswith(".moved"):
                swap(os.path.join(directory, name), victim)
    try:
        # And what he expects to be made, before it is.
        if kind == "parent":
            os.symlink(victim, os.path.join(place, "db.sealpoint-partial"))
    except OSError:
        pass
try:
    os.chdir(place)
except OSError:
    pass
attack()
while again == "again":
    attack()
"""

if os.geteuid() != 0:
    def test_only_root_can_be_made_use_of():
        pytest.skip("it takes root to become somebody else")
elif INSIDE not in os.environ:
    def test_all_of_this_in_a_name_space_of_its_own():
        if not can_mount():
            pytest.skip("no name space with mounts of its own can be made here")
        done = subprocess.run(
            [*UNSHARE, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
            env={**os.environ, INSIDE: "1"}, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
else:
    def give(directory):
        for path in [directory, *directory.rglob("*")]:
            os.lchown(path, HOSTILE, HOSTILE)

    def find_python():
        """One that he may run, too."""
        for python in (sys.executable, "/usr/bin/python3"):
            try:
                subprocess.run([python, "-c", ""], user=HOSTILE, group=HOSTILE, extra_groups=[],
                               cwd="/", check=True)
                return python
            except (OSError, subprocess.CalledProcessError):
                continue
        return None

    PYTHON = find_python()

    class Scene:
        """A snapshot of what is the hostile user's, a place of his, and root's own files."""

        def __init__(self, repo, way):
            self.repo, self.way = repo, way
            repo.directory.chmod(0o711)
            for name in ("db", "deep/er/new", "z"):
                (repo.source / name).parent.mkdir(parents=True, exist_ok=True)
                (repo.source / name).write_text("of the snapshot\n" * 50)
            give(repo.source)
            repo.backup()
            self.place = repo.directory / "place"
            self.target = self.place if way == "mount" else self.place / "db"
            self.victim = repo.directory / "victim"
            shutil.copytree(repo.source, self.victim)
            for path in [self.victim, *self.victim.rglob("*")]:
                os.chmod(path, 0o700 if path.is_dir() else 0o600)
                if path.is_file():
                    path.write_text("root's own")
            self.before = self.look()

        def look(self):
            """Everything that a restore could change of root's files; the ctime shows any change."""
            return {str(path.relative_to(self.victim)): (
                path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_gid,
                path.lstat().st_ctime_ns, path.lstat().st_size)
                for path in [self.victim, *self.victim.rglob("*")]}

        def command(self):
            delta = ["--delta", "--yes"] if self.way == "delta" else []
            return self.repo.command("restore", "latest", "--to", self.target, *delta)

        def prepare(self):
            if self.way == "mount":
                subprocess.run(["umount", "-l", self.place], capture_output=True, check=False)
            shutil.rmtree(self.place, ignore_errors=True)
            self.place.mkdir()
            if self.way == "mount":
                subprocess.run(["mount", "-t", "tmpfs", "none", self.place], check=True)
            if self.way == "delta":  # an older state: a file less, one more, one with other content
                shutil.copytree(self.repo.source, self.target, symlinks=True)
                (self.target / "z").unlink()
                (self.target / "extra").write_text("older")
                (self.target / "a.txt").write_text("older")
                shutil.rmtree(self.target / "empty directory")
            give(self.place)
            self.place.chmod(0o755)

        def attacker(self, kind, again="once"):
            # Of a mount point or an older state what can be swapped is in the target; its parent is
            # his as well, except for a mount point, which cannot be renamed.
            return subprocess.Popen([PYTHON, "-c", ATTACK, kind, self.place, self.victim,
                                     again], user=HOSTILE, group=HOSTILE, extra_groups=[], cwd="/")

        def assert_untouched(self, where):
            assert self.look() == self.before, where

    @pytest.fixture(params=["fresh", "delta", "mount"])
    def scene(request, quick):
        if PYTHON is None:
            pytest.skip("no Python here that another user may run")
        scene = Scene(quick, request.param)
        yield scene
        if scene.way == "mount":
            subprocess.run(["umount", "-l", scene.place], capture_output=True, check=False)

    @pytest.mark.parametrize("kind", ["file", "directory", "parent"])
    def test_who_swaps_names_at_a_change_gains_nothing(scene, kind):
        scene.prepare()
        calls = shim.count(scene.command(), [scene.place], env=scene.repo.env())
        assert calls > 15
        for at in shim.points(calls, 40):
            scene.prepare()
            with shim.stopped(scene.command(), [scene.place], at, env=scene.repo.env()):
                assert scene.attacker(kind).wait(timeout=60) == 0
            scene.assert_untouched(f"{scene.way} {kind} at {at} of {calls}")

    @pytest.mark.parametrize("kind", ["file", "directory", "parent"])
    def test_who_swaps_names_all_the_time_gains_nothing(scene, kind):
        for _ in range(6):
            scene.prepare()
            attacker = scene.attacker(kind, "again")
            try:
                time.sleep(0.1)
                subprocess.run([str(part) for part in scene.command()], env=scene.repo.env(),
                               capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
                               check=False)
            finally:
                attacker.kill()
                attacker.wait()
            scene.assert_untouched(f"{scene.way} {kind}")

    def test_without_an_attack_it_is_his_in_the_end(scene):
        scene.prepare()
        subprocess.run([str(part) for part in scene.command()], env=scene.repo.env(), check=True,
                       capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
        assert read_tree(scene.target) == read_tree(scene.repo.source)
        for path in [scene.target, *scene.target.rglob("*")]:
            of = scene.repo.source / path.relative_to(scene.target)
            assert (path.lstat().st_uid, path.lstat().st_mode, path.lstat().st_mtime_ns) == \
                (HOSTILE, of.lstat().st_mode, of.lstat().st_mtime_ns), path

    def test_who_lies_in_wait_with_a_lock_or_a_mark_gains_nothing(scene):
        """Links and second names of root's files under the names that are ours."""
        scene.prepare()
        side, prefix = (scene.target, "") if scene.way == "mount" else (scene.place, "db")
        for suffix in ("lock", "partial", "incomplete", "replaced", "finished"):
            for make in (os.symlink, os.link):
                name = side / f"{prefix}.sealpoint-{suffix}"
                try:
                    make(scene.victim / "a.txt", name)
                except OSError:
                    continue  # a second name does not cross a mount
                before = (scene.victim / "a.txt").read_text()
                subprocess.run([str(part) for part in scene.command()], env=scene.repo.env(),
                               capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
                               check=False)
                st = (scene.victim / "a.txt").stat()
                assert (scene.victim / "a.txt").read_text() == before
                assert (st.st_uid, st.st_mode & 0o777) == (0, 0o600)
                scene.prepare()

    def test_a_directory_of_roots_under_a_name_of_ours_is_not_emptied(scene):
        """It lies in what is his, so he may rename it, though he cannot empty it."""
        for suffix in ("partial", "incomplete", "replaced", "finished"):
            for inside in (False, True):  # root's own directory, or one of his that holds it
                scene.prepare()
                side, prefix = (scene.target, "") if scene.way == "mount" else (scene.place, "db")
                name = side / f"{prefix}.sealpoint-{suffix}"
                precious = name / "root" if inside else name
                precious.mkdir(parents=True)
                if inside:
                    os.chown(name, HOSTILE, HOSTILE)
                precious.chmod(0o700)
                (precious / "content").mkdir()
                (precious / "content" / "file").write_text("root's own")
                subprocess.run([str(part) for part in scene.command()], env=scene.repo.env(),
                               capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
                               check=False)
                assert (precious / "content" / "file").read_text() == "root's own", name

    def test_a_link_of_his_on_the_way_leads_root_nowhere(scene):
        scene.prepare()
        (scene.place / "way").symlink_to(scene.victim)
        os.lchown(scene.place / "way", HOSTILE, HOSTILE)
        target = scene.place / "way" / ("deep" if scene.way == "delta" else "new")
        command = [str(part) for part in scene.command()]
        command[command.index(str(scene.target))] = str(target)
        done = subprocess.run(command, env=scene.repo.env(), check=False,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=120, text=True)
        assert done.returncode == USAGE, done.stderr
        assert f"the link way on the way belongs to the user {HOSTILE}, the directory that it " \
            "leads to does not" in done.stderr
        scene.assert_untouched(scene.way)

    @pytest.mark.parametrize("then", ["go on", "killed"])
    def test_what_has_the_name_of_what_was_moved_up_is_not_taken_for_it(scene, then):
        """At its commit a mount point is his again. He makes the commit fail, and puts a directory
        of root's where something stands that the undoing, or the next restore, removes."""
        if scene.way != "mount":
            pytest.skip("names are moved up only there")

        def hide():
            scene.prepare()
            secret = scene.place / ".sealpoint-his"  # root's, but in what is his
            secret.mkdir(mode=0o700)
            (secret / "file").write_text("root's own")

        hide()
        log = shim.run(scene.command(), [scene.place], env=scene.repo.env()).log
        at = next(number for number, name, path in log
                  if name == "rename" and path.endswith("/.sealpoint-finished"))
        hide()
        swap = ["/bin/sh", "-c", "mkdir -p .sealpoint-finished/x && rm -r deep && "
                                 "mv .sealpoint-his deep"]
        with shim.stopped(scene.command(), [scene.place], at, env=scene.repo.env()) as process:
            subprocess.run(swap, user=HOSTILE, group=HOSTILE, extra_groups=[], cwd=scene.place,
                           check=True)
            if then == "killed":
                process.kill()
        if then == "killed":
            subprocess.run([str(part) for part in scene.command()], env=scene.repo.env(),
                           capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
        else:
            assert process.returncode != 0
        assert (scene.place / "deep" / "file").read_text() == "root's own"

    def test_no_acl_and_no_attribute_of_his_outlasts_a_restore(scene):
        """An ACL, or a default ACL that all within inherits, would let in whom the mode keeps out."""
        scene.prepare()
        places = [scene.place, *(path for path in scene.place.rglob("*") if not path.is_symlink())]
        subprocess.run(["setfacl", "-m", "u:4321:rwx,g:4321:rwx,m:rwx", *places], user=HOSTILE,
                       group=HOSTILE, extra_groups=[], check=True)
        directories = [path for path in places if path.is_dir()]
        subprocess.run(["setfacl", "-d", "-m", "u:4321:rwx,o:rwx", *directories], user=HOSTILE,
                       group=HOSTILE, extra_groups=[], check=True)
        for path in directories:
            try:
                os.setxattr(path, "user.his", b"1")
            except OSError:
                pass  # not on every tmpfs
        subprocess.run([str(part) for part in scene.command()], env=scene.repo.env(), check=True,
                       capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
        assert read_tree(scene.target) == read_tree(scene.repo.source)
        for path in [scene.target, *scene.target.rglob("*")]:
            of = scene.repo.source / path.relative_to(scene.target)
            assert os.listxattr(path, follow_symlinks=False) == [], path
            assert path.lstat().st_mode == of.lstat().st_mode, path

    def test_attributes_and_acls_of_the_snapshot_stay_on_a_directory_of_an_older_state(quick):
        of = quick.source / "deep"
        try:
            os.setxattr(of, "user.ours", b"1")
            subprocess.run(["setfacl", "-m", "u:1234:rx", of], check=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this file system does not keep them")
        quick.backup()
        quick.restore()
        target = quick.target / "deep"
        os.setxattr(target, "user.his", b"1")
        subprocess.run(["setfacl", "-d", "-m", "u:4321:rwx", target], check=True)
        quick.restore("latest", "--delta", "--yes")
        assert sorted(os.listxattr(target)) == ["system.posix_acl_access", "user.ours"]
        for name in os.listxattr(target):
            assert os.getxattr(target, name) == os.getxattr(of, name)

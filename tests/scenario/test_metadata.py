"""What is more than content comes back too: holes, extended attributes, ACLs, hard links, odd
names, and other owners."""

import io
import os
import pwd
import shutil
import subprocess
import tarfile

import pytest

from conftest import pattern, read_tree
from test_targets import metadata


def used(path):
    return path.stat().st_blocks * 512


def make_sparse(path):
    with open(path, "wb") as file:
        file.write(b"start" * 1000)
        file.seek(5_000_000)
        file.write(b"middle" * 1000)
        file.truncate(20_000_000)


def test_zeros_that_took_room_take_it_again(on_disk):
    """Whole blocks of zeros are not stored; a file that was not sparse is not made so."""
    repo = on_disk
    (repo.source / "zeros").write_bytes(bytes(5_000_000))
    (repo.source / "some").write_bytes(b"x" * 100_000 + bytes(3_000_000) + b"y")
    make_sparse(repo.source / "sparse")
    repo.backup()
    assert repo.show()["totals"]["storedBytes"] < 300_000
    for _ in range(2):
        repo.restore(*([] if not repo.target.exists() else ["latest", "--delta", "--yes"]))
        assert used(repo.target / "zeros") >= 5_000_000
        assert used(repo.target / "some") >= 3_000_000
        assert used(repo.target / "sparse") < 1_000_000
        for name in ("zeros", "some", "sparse"):
            assert (repo.target / name).read_bytes() == (repo.source / name).read_bytes()
        (repo.target / "zeros").unlink()


def test_a_file_in_ten_thousand_pieces_stays_sparse(on_disk):
    repo = on_disk
    with open(repo.source / "pieces", "wb") as file:
        for at in range(0, 10_000):
            file.seek(at * 16384)
            file.write(b"%04d" % at)
        file.truncate(10_000 * 16384)
    if used(repo.source / "pieces") > 80_000_000:
        pytest.skip("this file system does not keep holes")
    repo.backup()
    repo.restore()
    assert used(repo.target / "pieces") <= used(repo.source / "pieces") + 131072
    assert subprocess.run(["cmp", repo.source / "pieces", repo.target / "pieces"]).returncode == 0


def test_sparse_files_stay_sparse(on_disk):
    repo = on_disk
    make_sparse(repo.source / "sparse")
    with open(repo.source / "hole only", "wb") as file:
        file.truncate(50_000_000)
    if used(repo.source / "sparse") > 1_000_000:
        pytest.skip("this file system does not keep holes")
    repo.backup()
    assert repo.show()["totals"]["storedBytes"] < 300_000
    repo.restore()
    for name in ("sparse", "hole only"):
        assert (repo.target / name).stat().st_size == (repo.source / name).stat().st_size
        assert used(repo.target / name) <= used(repo.source / name) + 131072
        assert subprocess.run(["cmp", repo.source / name, repo.target / name]).returncode == 0
    # A hole that is filled, and data that becomes a hole, in an incremental and by delta.
    with open(repo.source / "sparse", "r+b") as file:
        file.seek(10_000_000)
        file.write(b"filled")
    subprocess.run(["fallocate", "--punch-hole", "--offset", "5000000", "--length", "6000",
                    repo.source / "sparse"], check=True)
    repo.backup()
    repo.restore("latest", "--delta", "--yes")
    assert subprocess.run(["cmp", repo.source / "sparse", repo.target / "sparse"]).returncode == 0
    shutil.rmtree(repo.target)
    repo.restore()
    assert subprocess.run(["cmp", repo.source / "sparse", repo.target / "sparse"]).returncode == 0
    assert used(repo.target / "sparse") < 1_000_000
    # And through tar: export, and a snapshot of that.
    tar = repo.run("export", "latest", "sparse", binary=True).out
    assert len(tar) < 1_000_000
    repo.run("backup", "-", stdin=tar)
    shutil.rmtree(repo.target)
    repo.restore()
    assert subprocess.run(["cmp", repo.source / "sparse", repo.target / "sparse"]).returncode == 0
    assert used(repo.target / "sparse") < 1_000_000


def xattrs(path):
    return {name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)
            if not name.startswith("security.")}


def test_extended_attributes_come_back(on_disk):
    repo = on_disk
    wanted = {"user.note": b"text", "user.binary": bytes(range(256)), "user.empty": b""}
    try:
        for name, value in wanted.items():
            os.setxattr(repo.source / "a.txt", name, value)
        os.setxattr(repo.source / "deep", "user.directory", b"yes")
    except OSError:
        pytest.skip("this file system does not keep user attributes")
    repo.backup()
    repo.restore()
    assert xattrs(repo.target / "a.txt") == wanted
    assert xattrs(repo.target / "deep") == {"user.directory": b"yes"}
    assert xattrs(repo.target / "empty") == {}
    # A delta takes away what the snapshot does not have, and gives what it has.
    os.setxattr(repo.target / "empty", "user.extra", b"x")
    os.removexattr(repo.target / "a.txt", "user.note")
    repo.restore("latest", "--delta", "--yes")
    assert xattrs(repo.target / "a.txt") == wanted
    assert xattrs(repo.target / "empty") == {}
    # Only an attribute changed: an incremental has it.
    os.setxattr(repo.source / "a.txt", "user.note", b"other")
    repo.backup()
    repo.restore("latest", "--delta", "--yes")
    assert xattrs(repo.target / "a.txt")["user.note"] == b"other"
    assert read_tree(repo.target) == read_tree(repo.source)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives capabilities")
def test_capabilities_and_set_user_id_come_back(on_disk):
    """Both are taken away by writing to the file and by giving it an owner."""
    repo = on_disk
    for name in ("a.txt", "deep/random", "deep/er/zeros"):
        os.chown(repo.source / name, 1234, 1234)
    capability = bytes.fromhex("0000000200040000000000000000000000000000")[:20]
    try:
        os.setxattr(repo.source / "a.txt", "security.capability", capability)
    except OSError:
        pytest.skip("this file system does not keep capabilities")
    (repo.source / "deep" / "random").chmod(0o6755)
    repo.backup()
    done = repo.restore()
    assert "warning: 2 files give whoever runs them rights of their owner or group, or " \
        "capabilities: no database has such files, see whose they are" in done.err
    assert "give whoever runs them" not in \
        repo.restore("latest", "--only", "deep/er", to=repo.directory / "plain").err
    assert os.getxattr(repo.target / "a.txt", "security.capability") == capability
    assert (repo.target / "deep" / "random").stat().st_mode & 0o7777 == 0o6755
    # And over an older state, where it is not there.
    os.removexattr(repo.target / "a.txt", "security.capability")
    (repo.target / "deep" / "random").chmod(0o755)
    repo.restore("latest", "--delta", "--yes")
    assert os.getxattr(repo.target / "a.txt", "security.capability") == capability
    assert (repo.target / "deep" / "random").stat().st_mode & 0o7777 == 0o6755
    os.setxattr(repo.target / "deep" / "er" / "zeros", "security.capability", capability)
    repo.restore("latest", "--delta", "--yes")
    assert "security.capability" not in os.listxattr(repo.target / "deep" / "er" / "zeros")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root restores owners")
def test_all_of_one_owner_is_restored_with_his_rights(on_disk):
    repo = on_disk
    for path in [repo.source, *repo.source.rglob("*")]:
        os.lchown(path, 1234, 5678)
    (repo.source / "deep").chmod(0o500)
    (repo.source / "a.txt").chmod(0o000)
    repo.backup()
    repo.restore()
    assert metadata(repo.target) == metadata(repo.source)


def acl(path):
    return subprocess.run(["getfacl", "-cpnE", path], capture_output=True, check=True).stdout


def test_acls_come_back(on_disk):
    repo = on_disk
    done = [subprocess.run(["setfacl", *args, repo.source / name], check=False).returncode
            for args, name in ((["-m", "u:1234:rw,g:5678:r"], "a.txt"),
                               (["-m", "u:1234:rwx"], "deep"),
                               (["-d", "-m", "u:1234:rx"], "deep"))]
    if any(done):
        pytest.skip("this file system does not keep ACLs")
    repo.backup()
    repo.restore()
    for name in ("a.txt", "deep", "empty", "deep/random"):
        assert acl(repo.target / name) == acl(repo.source / name), name
    subprocess.run(["setfacl", "-b", repo.target / "a.txt"], check=True)
    subprocess.run(["setfacl", "-m", "u:4321:r", repo.target / "empty"], check=True)
    repo.restore("latest", "--delta", "--yes")
    for name in ("a.txt", "deep", "empty", "deep/random"):
        assert acl(repo.target / name) == acl(repo.source / name), name


def test_hard_links_stay_links_to_one_file(on_disk):
    repo = on_disk
    os.link(repo.source / "deep" / "random", repo.source / "another name")
    os.link(repo.source / "deep" / "random", repo.source / "z")
    repo.backup()
    assert repo.show()["totals"]["bytes"] < 250_000
    repo.restore()
    inode = {name: (repo.target / name).stat().st_ino
             for name in ("another name", "deep/random", "z", "a.txt")}
    assert inode["another name"] == inode["deep/random"] == inode["z"] != inode["a.txt"]
    assert read_tree(repo.target) == read_tree(repo.source)
    shutil.rmtree(repo.target)
    # Of a link whose first name is not asked for, the content comes all the same.
    repo.restore("latest", "--only", "z", "--only", "deep/random")
    tree = read_tree(repo.target)
    assert tree["z"] == tree["deep/random"] == (repo.source / "z").read_bytes()
    # By delta a link that was broken is one again, and what was no link is none.
    shutil.rmtree(repo.target)
    repo.restore()
    (repo.target / "z").unlink()
    (repo.target / "z").write_bytes(b"broken")
    (repo.target / "empty").unlink()
    os.link(repo.target / "a.txt", repo.target / "empty")
    repo.restore("latest", "--delta", "--yes")
    assert read_tree(repo.target) == read_tree(repo.source)
    assert (repo.target / "z").stat().st_ino == (repo.target / "another name").stat().st_ino
    assert (repo.target / "a.txt").stat().st_nlink == 1


def test_names_of_every_kind_come_back(on_disk):
    repo = on_disk
    shutil.rmtree(repo.source)
    repo.source.mkdir()
    directory = os.fsencode(repo.source)
    names = [b" leading", b"-dash", b"new\nline", b"\xff\xfe", "ümlaut".encode(), b"a" * 255,
             b"...", b"..a", b"a", b"a!", b"a.b", b"A", b"a\\b", b"*", b"tab\t"]
    for number, name in enumerate(names):
        with open(os.path.join(directory, name), "wb") as file:
            file.write(pattern(500, number))
    deep = directory
    for _ in range(15):
        deep = os.path.join(deep, b"d" * 200)
        os.mkdir(deep)
    (repo.source / "a!").unlink()
    (repo.source / "a!").mkdir()
    (repo.source / "a!" / "inside").write_bytes(b"x")
    repo.backup()
    repo.restore()
    assert read_tree(repo.target) == read_tree(repo.source)
    repo.backup()
    assert repo.show()["totals"]["newBytes"] == 0
    repo.run("verify", "--decrypt")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_somebody_else_than_root_can_back_up_and_restore(on_disk):
    repo = on_disk
    for path in [repo.directory, *repo.directory.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    os.chmod(repo.directory.parent, 0o755)
    (repo.source / "empty directory").chmod(0o555)
    (repo.source / "a.txt").chmod(0o444)
    inside = repo.source / "empty directory" / "read-only"
    inside.write_bytes(pattern(100_000, 2))
    inside.chmod(0o400)
    os.chown(inside, 65534, 65534)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*nobody, "test", "-x", repo.command()[0]], check=False).returncode or \
            subprocess.run([*nobody, "ls", repo.directory], check=False).returncode:
        pytest.skip("the binary or the scratch directory cannot be reached by another user")
    repo.run("backup", repo.source, before=nobody)
    repo.run("restore", "latest", "--to", repo.target, before=nobody)
    assert read_tree(repo.target) == read_tree(repo.source)
    assert (repo.target / "empty directory").stat().st_mode & 0o777 == 0o555
    assert (repo.target / "empty directory" / "read-only").stat().st_mode & 0o777 == 0o400
    # What is read-only in the old state must be made writable first; root has no need of that.
    for name in ("a.txt", "empty directory", "empty directory/read-only"):
        (repo.target / name).chmod(0o700)
    (repo.target / "a.txt").write_bytes(b"spoiled")
    repo.run("restore", "latest", "--to", repo.target, "--delta", "--yes", before=nobody)
    assert read_tree(repo.target) == read_tree(repo.source)
    # Files of other owners come back as our own.
    repo.run("restore", "latest", "--to", repo.directory / "roots")
    assert (repo.directory / "roots" / "a.txt").stat().st_uid == 65534


def tar_with(*members):
    """Of (name, TarInfo members, pax headers)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, members_of, pax in members:
            info = tarfile.TarInfo(name)
            for member, value in members_of.items():
                setattr(info, member, value)
            info.pax_headers = pax
            tar.addfile(info)
    return out.getvalue()


def keeps_acls(directory):
    probe = directory / "probe"
    probe.write_bytes(b"")
    return subprocess.run(["setfacl", "-m", "u:1234:r", probe], check=False).returncode == 0


def test_a_tars_acl_without_numbers_is_restored_by_name(on_disk):
    repo = on_disk
    if not keeps_acls(repo.directory):
        pytest.skip("this file system does not keep ACLs")
    named = "user::rw-,user:daemon:rw-,group::r--,mask::rw-,other::---"
    tar = tar_with(
        ("file", {"mode": 0o640}, {"SCHILY.acl.access": named}),
        ("dir", {"type": tarfile.DIRTYPE, "mode": 0o750},
         {"SCHILY.acl.default": "user::rwx,user:daemon:r-x,group::r-x,mask::r-x,other::---"}),
        ("plain", {"mode": 0o644}, {}))
    repo.run("backup", "-", stdin=tar)
    repo.restore()
    uid = pwd.getpwnam("daemon").pw_uid
    assert acl(repo.target / "file") == (
        b"user::rw-\nuser:%d:rw-\ngroup::r--\nmask::rw-\nother::---\n\n" % uid)
    assert b"default:user:%d:r-x\n" % uid in acl(repo.target / "dir")
    assert b"mask" not in acl(repo.target / "plain")


def test_who_is_not_known_here_is_left_out_of_an_acl_and_named(on_disk):
    repo = on_disk
    if not keeps_acls(repo.directory):
        pytest.skip("this file system does not keep ACLs")
    tar = tar_with(("file", {"mode": 0o640}, {
        "SCHILY.acl.access": "user::rw-,user:nobody-here:rw-,user:daemon:r--,group::r--,"
                             "mask::r--,other::---"}))
    repo.run("backup", "-", stdin=tar)
    done = repo.restore(expect=10)
    assert ("file: its ACL gives rights to the user nobody-here, who is not known here: left out"
            in done.err)
    uid = pwd.getpwnam("daemon").pw_uid
    assert acl(repo.target / "file") == (
        b"user::rw-\nuser:%d:r--\ngroup::r--\nmask::r--\nother::---\n\n" % uid)


def test_an_acl_as_an_attribute_of_a_tar_is_an_acl(on_disk):
    repo = on_disk
    if not keeps_acls(repo.directory):
        pytest.skip("this file system does not keep ACLs")
    subprocess.run(["setfacl", "-m", "u:4321:r", repo.directory / "probe"], check=True)
    value = os.getxattr(repo.directory / "probe", "system.posix_acl_access")
    text = value.decode("utf-8", "surrogateescape")
    tar = tar_with(("probe", {"mode": 0o644}, {"SCHILY.xattr.system.posix_acl_access": text}))
    repo.run("backup", "-", stdin=tar)
    repo.restore()
    assert acl(repo.target / "probe") == acl(repo.directory / "probe")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives links attributes")
def test_attributes_of_a_link_and_a_fifo_come_back(on_disk):
    repo = on_disk
    os.symlink("a.txt", repo.source / "named")
    os.mkfifo(repo.source / "fifo")
    try:
        for name in ("named", "fifo"):
            os.setxattr(repo.source / name, "trusted.label", name.encode() + b"\0",
                        follow_symlinks=False)
    except OSError:
        pytest.skip("this file system keeps no attributes of links")
    has_acl = subprocess.run(["setfacl", "-m", "u:1234:r", repo.source / "fifo"],
                             check=False).returncode == 0
    repo.backup()
    repo.restore()
    for name in ("named", "fifo"):
        assert os.getxattr(repo.target / name, "trusted.label",
                           follow_symlinks=False) == name.encode() + b"\0"
    assert "trusted.label" not in os.listxattr(repo.target / "a.txt")
    if has_acl:
        assert acl(repo.target / "fifo") == acl(repo.source / "fifo")

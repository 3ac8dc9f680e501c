"""`backup -`: a tar on standard input becomes files, anything else one stream; and `export` gives
a tar that other programs read."""

import io
import os
import subprocess
import tarfile

import pytest

from conftest import FAILED, USAGE, pattern, read_tree


def tar_of(*members, **options):
    """A tar of (name, content or TarInfo changes) made by Python."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **options) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.mtime = 1_700_000_000
            if isinstance(content, dict):
                for key, value in content.items():
                    setattr(info, key, value)
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def take(repo, stdin, *args, expect=0):
    return repo.run("backup", "-", "--json", *args, stdin=stdin, expect=expect)


def test_a_tar_becomes_files(quick):
    repo = quick
    tar = subprocess.run(["tar", "-C", repo.source, "-cf", "-", "."], capture_output=True,
                         check=True).stdout
    which = take(repo, tar).json["id"]
    repo.restore(which)
    assert read_tree(repo.target) == read_tree(repo.source)
    assert (repo.target / "a.txt").stat().st_mtime_ns // 10**9 == \
        (repo.source / "a.txt").stat().st_mtime_ns // 10**9
    # The next one of the same files is an incremental that stores next to nothing.
    again = repo.run("backup", "-", stdin=tar)
    assert ": incremental, " in again.out
    assert repo.show()["totals"]["newBytes"] == 0
    # And a restored tar and a directory with the same content follow each other.
    repo.backup()
    assert repo.show()["totals"]["newBytes"] == 0


def test_a_tar_in_odd_order_with_odd_names_is_put_in_order(quick):
    repo = quick
    link = {"type": tarfile.SYMTYPE, "linkname": "../b/two"}
    hard = {"type": tarfile.LNKTYPE, "linkname": "./z/three"}
    directory = {"type": tarfile.DIRTYPE, "mode": 0o750}
    tar = tar_of(("./z/three", b"3" * 5000), ("b/two", b"2"), ("./a/link", link),
                 ("./a", directory), ("a/one", b"1"), ("b/hard", hard), ("./b/./twice", b"old"),
                 ("b/twice", b"new"), ("b!/file", b"between"), ("long/" * 30 + "name", b"deep"))
    take(repo, tar)
    repo.restore()
    tree = read_tree(repo.target)
    assert tree["z/three"] == tree["b/hard"] == b"3" * 5000
    assert os.stat(repo.target / "b/hard").st_ino == os.stat(repo.target / "z/three").st_ino
    assert tree["a/link"] == ("link", "../b/two")
    assert tree["b/twice"] == b"new"
    assert tree["a/one"] == b"1" and tree["b!/file"] == b"between"
    assert tree["long/" * 30 + "name"] == b"deep"
    assert (repo.target / "a").stat().st_mode & 0o777 == 0o750
    repo.run("verify", "--decrypt")
    repo.assert_tidy()


@pytest.mark.parametrize("name", ["../outside", "/etc/absolute", "a/../../outside", ".."])
def test_a_tar_that_tries_to_leave_is_refused_or_stays_inside(quick, name):
    repo = quick
    done = take(repo, tar_of(("before", b"x"), (name, b"evil"), ("after", b"y")), expect=None)
    if done.status in (0, 10):
        repo.restore("latest", expect=None)
        assert read_tree(repo.target)
        assert not (repo.directory / "outside").exists()
    else:
        assert done.err.startswith("sealpoint: ")
        assert repo.ids() == []
        repo.assert_tidy()
    assert not (repo.directory / "outside").exists()


def test_a_tar_with_a_file_below_a_link_is_refused_or_stays_inside(quick):
    repo = quick
    link = {"type": tarfile.SYMTYPE, "linkname": str(repo.directory)}
    done = take(repo, tar_of(("way", link), ("way/out", b"evil")), expect=None)
    if done.status == 0:
        repo.restore("latest", expect=None)
    else:
        assert repo.ids() == []
        repo.assert_tidy()
    assert not (repo.directory / "out").exists()


def test_a_tar_that_ends_early_makes_no_snapshot(quick):
    repo = quick
    tar = tar_of(("a", pattern(300_000, 1)), ("b", b"x"))
    for cut in (600, 5000, 200_000):
        done = take(repo, tar[:cut], expect=None)
        assert done.status == FAILED, done
        assert "tar" in done.err or "rchive" in done.err, done.err
        assert repo.ids() == []
        repo.assert_tidy()


CUT_SHORT = ("sealpoint: the tar on standard input is cut short: it has no end mark. Did the program "
             "that makes it fail?\n")


def members_of(*members, **options):
    """A tar without the two blocks of its end, as it is when tar was killed between two files."""
    tar = tar_of(*members, **options)
    while tar.endswith(bytes(512)):
        tar = tar[:-512]
    return tar


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("files", [1, 2, 300])
def test_a_tar_that_ends_between_two_files_makes_no_snapshot(quick, format, files):
    repo = quick
    tar = members_of(*((f"file-{i}", b"x" * 512) for i in range(files)), format=format)
    for end in (b"", bytes(512)):
        assert take(repo, tar + end, expect=FAILED).err == CUT_SHORT
    # Zeros that are a file's, or a header that announces the next file, are no end either.
    for more in (members_of(("zeros", bytes(2047) + b"x"))[:-512],
                 members_of(("z", {"pax_headers": {"comment": "c"}}),
                            format=tarfile.PAX_FORMAT)[:1024]):
        take(repo, tar + more, expect=FAILED)
    assert repo.ids() == []
    repo.assert_tidy()
    take(repo, tar + bytes(1024))


@pytest.mark.parametrize("size", [1, 64 * 1024 - 512, 64 * 1024 - 1024, 200_000])
def test_what_follows_the_end_of_a_tar_is_never_dropped(quick, size):
    repo = quick
    first = members_of(("a", pattern(size, 1)))
    for more in (tar_of(("b", b"y")), b"rubbish", bytes(5000) + b"x", bytes(300_000) + b"x"):
        done = take(repo, first + bytes(1024) + more, expect=FAILED)
        assert done.err == (
            "sealpoint: something follows the end of the tar on standard input: of several tars only "
            "the first would be kept\n"
            "  give each tar to a backup of its own, or unpack them and back up the directory\n")
    assert repo.ids() == []
    # Padding is read to its end, so that who writes it ends well.
    with subprocess.Popen(["sh", "-c", "cat && head -c 3000000 /dev/zero && echo whole >&2"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as maker:
        backup = repo.start("backup", "-", "--quiet", stdin=maker.stdout)
        maker.stdout.close()
        maker.stdin.write(first + bytes(1024))
        maker.stdin.close()
        assert maker.stderr.read() == b"whole\n"
    assert backup.wait(60) == 0, backup.stderr.read()


def test_a_tar_of_nothing_is_no_success(quick):
    """What tar makes of a disk that is not mounted."""
    repo = quick
    root = {"type": tarfile.DIRTYPE, "mode": 0o755}
    hint = "  is the disk mounted that it was made from?\n"
    for tar in (tar_of(("./", root)), tar_of((".", root), ("./", root))):
        assert take(repo, tar, expect=USAGE).err == \
            "sealpoint: there is no file in the tar on standard input\n" + hint
    for size in (1, 1024, 10240, 3_000_000):
        assert take(repo, bytes(size), expect=USAGE).err == \
            "sealpoint: standard input holds nothing but zeros, as an empty tar does\n" + hint
    assert repo.ids() == []
    repo.assert_tidy()
    take(repo, bytes(2_000_000) + b"x")


def test_a_pax_tar_keeps_times_attributes_and_large_ids(quick):
    repo = quick
    info = {"uid": 3_000_000, "gid": 3_000_001, "mtime": 1_700_000_000.123456,
            "pax_headers": {"SCHILY.xattr.user.note": "kept"}}
    tar = tar_of(("a", info), ("name with ümlaut", b"x"), format=tarfile.PAX_FORMAT)
    take(repo, tar)
    (entry,) = [entry for entry in repo.run("ls", "latest", "--json").json["results"]
                if entry["path"] == "a"]
    assert (entry["uid"], entry["gid"]) == (3_000_000, 3_000_001)
    assert entry["modifiedAt"] == "2023-11-14T22:13:20.123Z"
    exported = repo.run("export", "latest", binary=True).out
    with tarfile.open(fileobj=io.BytesIO(exported)) as tar:
        assert tar.getmember("a").pax_headers["SCHILY.xattr.user.note"] == "kept"
        assert "name with ümlaut" in tar.getnames()
    listed = subprocess.run(["tar", "--quoting-style=literal", "-tf", "-"], input=exported,
                            capture_output=True, check=True)
    assert "name with ümlaut".encode() in listed.stdout.splitlines()
    assert b"hdrcharset" not in listed.stderr


@pytest.mark.parametrize("size", [1, 511, 512, 513, 65536, 65537, 3_000_001])
def test_anything_else_is_one_stream(quick, size):
    repo = quick
    content = pattern(size, size)
    take(repo, content, "--stream-name", "dump.archive")
    assert repo.run("cat", "latest", "dump.archive", binary=True).out == content
    repo.restore()
    assert read_tree(repo.target) == {"dump.archive": content}
    repo.run("verify", "--decrypt")
    take(repo, content, "--stream-name", "dump.archive")
    assert size == 1 or repo.show()["totals"]["newBytes"] == 0  # one byte is no chain
    assert repo.run("cat", "latest", "dump.archive", binary=True).out == content


def test_a_stream_that_is_empty_is_a_failure_of_its_maker(quick):
    done = take(quick, b"", expect=USAGE)
    assert "standard input is empty: the program that should fill it failed?" in done.err
    assert quick.ids() == []
    done = take(quick, b"x", "--stream-name", "../x", expect=USAGE)
    assert "cannot be the name of a file" in done.err


def test_export_is_a_tar_that_tar_reads(quick_two):
    repo = quick_two
    os.link(repo.source / "a.txt", repo.source / "deep" / "same")
    repo.backup()
    tar = repo.run("export", "latest", binary=True).out
    listed = subprocess.run(["tar", "-tf", "-"], input=tar, capture_output=True, check=True)
    names = {name.rstrip("/").removeprefix("./") for name in listed.stdout.decode().split("\n")}
    assert names - {"", "."} == set(read_tree(repo.source))
    out = repo.directory / "out"
    out.mkdir()
    subprocess.run(["tar", "-xpf", "-", "-C", out], input=tar, check=True)
    subprocess.run(["diff", "-r", "--no-dereference", repo.source, out], check=True)
    assert (out / "a.txt").stat().st_ino == (out / "deep" / "same").stat().st_ino
    for path in read_tree(repo.source):
        was, is_ = (repo.source / path).lstat(), (out / path).lstat()
        assert (was.st_mode, was.st_uid, was.st_gid) == (is_.st_mode, is_.st_uid, is_.st_gid)
        assert was.st_mtime_ns == is_.st_mtime_ns
    some = repo.run("export", "latest", "deep/er", "a.txt", binary=True).out
    listed = subprocess.run(["tar", "-tf", "-"], input=some, capture_output=True, check=True)
    names = {name.rstrip("/").removeprefix("./") for name in listed.stdout.decode().split("\n")}
    assert {"deep/er/zeros", "a.txt"} <= names and "new" not in names
    # And back again: a snapshot of the export is a snapshot of the source.
    take(repo, tar)
    repo.restore()
    assert read_tree(repo.target) == read_tree(repo.source)


def test_export_into_a_closed_pipe_fails_in_words(quick_two):
    repo = quick_two
    (repo.source / "large").write_bytes(pattern(2_000_000, 4))
    repo.backup()
    export = repo.start("export", "latest")
    export.stdout.read(10)
    export.stdout.close()
    err = export.stderr.read()
    assert export.wait(60) not in (0, -13), err


def test_ls_and_cat_show_what_is_there(quick_two):
    repo = quick_two
    first = repo.ids()[0]
    lines = repo.run("ls", first, "deep").out.splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == \
        ["drwxr-xr-x", "drwxr-xr-x", "-rw-r--r--", "lrwxrwxrwx", "-rw-r--r--"]
    assert lines[3].endswith("deep/link -> ../a.txt")
    assert repo.run("cat", first, "a.txt", binary=True).out == repo.trees[first]["a.txt"]
    assert repo.run("cat", "latest", "deep/er/zeros", binary=True).out == bytes(70_000)
    assert repo.run("cat", "latest", "empty", binary=True).out == b""
    done = repo.run("cat", "latest", "missing", expect=5)
    assert "no such file in the snapshot: missing" in done.err
    for other in ("deep", "deep/link"):
        assert repo.run("cat", "latest", other, expect=None).status in (USAGE, FAILED)
    repo.run("ls", "latest", "missing", expect=5)
    repo.run("export", "latest", "missing", expect=5)


def test_names_that_are_no_text_come_out_clean_and_whole(quick):
    repo = quick
    name = b"bell\x07 and \xff\n"
    with open(os.path.join(os.fsencode(repo.source), name), "wb") as file:
        file.write(b"odd")
    repo.backup()
    said = repo.run("ls", "latest", binary=True).out
    assert b"\x07" not in said and b"\xff" not in said
    entries = repo.run("ls", "latest", "--json").json["results"]
    assert sum("pathBase64" in entry for entry in entries) == 1
    repo.restore()
    assert os.listdir(os.fsencode(repo.target)).count(name) == 1
    repo.run("verify", "--decrypt")

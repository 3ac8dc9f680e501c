"""A keyring that somebody else had in hand: edited, put back, replaced; and a machine that has
nothing but the keyring."""

import base64
import hashlib
import ctypes
import json
import os
import re
import shutil
import signal
import stat
import subprocess

import pytest

from conftest import CORRUPT, KEY_INVALID, ROOT, SANITIZED, USAGE, Sealpoint, make, read_tree


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, text
    path.write_text(text.replace(old, new))


def lines(path):
    return json.loads(path.read_text().split("\n")[0])


def test_a_backup_is_not_pushed_under_a_stolen_version_by_an_edited_keyring(two):
    repo = two
    repo.run("key", "rotate")
    ids = repo.ids()
    stored = repo.stored()
    edit(repo.keyring, '"active":2', '"active":1')
    (repo.source / "a.txt").write_text("secret\n")
    for command in (["backup", repo.source], ["key", "check"], ["key", "rewrap"],
                    ["restore", "latest", "--to", repo.target], ["key", "status"],
                    ["key", "disable", 1, "--yes"]):
        done = repo.run(*command, expect=CORRUPT)
        assert "it was changed by somebody without the passphrase, or is damaged" in done.err
    assert repo.ids() == ids and repo.stored() == stored
    assert not repo.target.exists()
    # As the message says.
    shutil.copy(repo.keyring.parent / "keyring.json.previous", repo.keyring)
    repo.backup()
    assert repo.show()["masterKey"]["keyVersion"] == "2"


def test_an_edited_state_is_not_believed(two):
    repo = two
    repo.run("key", "disable", 1, "--yes")
    edit(repo.keyring, '"state":"disabled"', '"state":"enabled"')
    repo.run("restore", "latest", "--to", repo.target, expect=CORRUPT)
    assert not repo.target.exists()
    # Without a passphrase the list is what the file says, and says that of itself.
    del_passphrase = {"SEALPOINT_PASSPHRASE_FILE": ""}
    repo.extra_env = del_passphrase
    done = repo.run("key", "status", "--no-passphrase")
    assert ", not verified: no passphrase was given\n" in done.out
    rows = repo.run("key", "status", "--no-passphrase", "--json").json["results"]
    assert [row["verified"] for row in rows] == [False]


@pytest.mark.parametrize("remembered", [True, False])
def test_an_older_keyring_put_back_is_named_where_a_key_is_missing(two, remembered):
    """Else "version 2 does not exist" is all that is heard, and nobody looks for the newer copy."""
    repo = two
    old = repo.keyring.read_bytes()
    repo.run("key", "rotate")
    (repo.source / "a.txt").write_text("newer\n")
    repo.backup("--full")
    repo.keyring.write_bytes(old)
    if not remembered:
        (repo.state / "keyring-seen.json").unlink()
    words = f"warning: keyring {repo.keyring} is an older copy: its generation is 2, and "
    words += "this machine has seen 3" if remembered else "the repository's ledger has seen 3"
    for command in (["status"], ["verify", "--decrypt"],
                    ["restore", "latest", "--to", repo.target]):
        done = repo.run(*command, expect=0 if command == ["status"] else KEY_INVALID)
        assert done.err.count(words) == 1, done.err
    if remembered:
        assert words in repo.run("key", "status").err
    repo.run("key", "status", "--new-keyring")
    assert "older copy" not in repo.run("key", "status").err


def test_an_older_keyring_put_back_seals_nothing(two):
    repo = two
    old = repo.keyring.read_bytes()
    repo.run("key", "disable", 1, "--yes")
    repo.run("key", "rotate")
    new = repo.keyring.read_bytes()
    repo.keyring.write_bytes(old)
    stored = repo.stored()
    (repo.source / "a.txt").write_text("secret\n")
    for command in (["backup", repo.source], ["key", "rotate"], ["key", "enable", 1]):
        done = repo.run(*command, expect=CORRUPT)
        assert f"keyring {repo.keyring} is an older copy: its generation is " in done.err
        assert "and this machine has seen 4" in done.err
    assert repo.stored() == stored
    # A restore goes on, and says what the ledger knows.
    done = repo.restore()
    assert "is an older copy" in done.err
    assert "the ledger knows its version 1 as disabled" in done.err
    repo.keyring.write_bytes(new)
    repo.backup()


def test_a_machine_that_saw_nothing_hears_of_it_from_the_ledger(two):
    repo = two
    old = repo.keyring.read_bytes()
    repo.run("key", "disable", 1, "--yes")
    repo.keyring.write_bytes(old)
    (repo.state / "keyring-seen.json").unlink()
    done = repo.run("backup", repo.source, expect=CORRUPT)
    assert "and the repository's ledger has seen 3" in done.err
    done = repo.restore()
    assert "the ledger knows its version 1 as disabled" in done.err


def test_a_rotation_is_told_to_the_ledger(two):
    """A version was stolen and rotated away from; somebody puts the old keyring back, where the
    machine has forgotten the newer one."""
    repo = two
    old = repo.keyring.read_bytes()
    repo.run("key", "rotate")
    repo.keyring.write_bytes(old)
    (repo.state / "keyring-seen.json").unlink()
    done = repo.run("backup", repo.source, expect=CORRUPT)
    assert "and the repository's ledger has seen 3" in done.err


def test_a_key_is_rotated_without_its_repository(two):
    repo = two
    repo.repository.rename(repo.directory / "unmounted")
    done = repo.run("key", "rotate")
    assert "warning: what the ledger knows of this keyring is not known: " in done.err
    (repo.directory / "unmounted").rename(repo.repository)
    repo.backup()
    assert repo.show()["masterKey"]["keyVersion"] == "2"


def test_who_has_no_newer_keyring_goes_on_with_the_old_one(two):
    repo = two
    old = repo.keyring.read_bytes()
    repo.run("key", "rotate")
    third = repo.backup()
    repo.keyring.write_bytes(old)
    repo.run("backup", repo.source, expect=CORRUPT)
    repo.run("key", "rotate", "--new-keyring")
    (repo.source / "a.txt").write_text("after the loss\n")
    repo.trees[repo.backup()] = read_tree(repo.source)
    repo.assert_restores(repo.trees)
    # Version 2 is another key now, and told as such.
    done = repo.restore(third, expect=KEY_INVALID)
    assert "version 2 is another key than the one of that number in the keyring" in done.err
    checked = repo.run("key", "check", "--json", expect=KEY_INVALID).json["results"]
    assert sorted((key["masterKey"]["keyVersion"], key["reason"] or "") for key in checked) == [
        ("1", ""), ("2", ""), ("2", "anotherKey")]


def test_an_unencrypted_keyring_in_the_place_of_a_protected_one_is_refused(two, tmp_path):
    repo = two
    theirs = make(tmp_path / "theirs", unencrypted=True)
    ours, ring = lines(repo.keyring)["keyringId"], lines(theirs.keyring)
    shutil.copy(theirs.keyring, repo.keyring)
    stored = repo.stored()
    repo.extra_env = {"SEALPOINT_PASSPHRASE_FILE": ""}  # typed, and nobody is asked for it
    done = repo.run("backup", repo.source, expect=CORRUPT)
    assert f"is another one than it was: {ring['keyringId']}, and this machine knows" in done.err
    assert "if you put it there, give --new-keyring once" in done.err
    # The id is no secret: one that claims to be the same keyring.
    line = json.dumps({**ring, "keyringId": ours}, separators=(",", ":")).encode()
    repo.keyring.write_bytes(
        line + b'\n{"sha256":"%s"}\n' % hashlib.sha256(line).hexdigest().encode())
    done = repo.run("backup", repo.source, expect=CORRUPT)
    assert "was protected by a passphrase and is not any more" in done.err
    assert repo.stored() == stored


def test_another_keyring_in_its_place_is_refused_until_it_is_accepted(two, tmp_path):
    repo = two
    ours = repo.keyring.read_bytes()
    theirs = make(tmp_path / "theirs")
    shutil.copy(theirs.keyring, repo.keyring)
    repo.extra_env = {"SEALPOINT_PASSPHRASE_FILE": str(theirs.passphrase)}
    for command in (["backup", repo.source], ["key", "status"], ["key", "rotate"]):
        assert "is another one than it was" in repo.run(*command, expect=CORRUPT).err
    repo.run("backup", repo.source, "--new-keyring")
    repo.run("backup", repo.source)
    # And now the first one is the other.
    repo.keyring.write_bytes(ours)
    repo.extra_env = {}
    repo.run("backup", repo.source, expect=CORRUPT)


def test_the_copy_beside_the_keyring_allows_no_more_than_the_keyring(two):
    repo = two
    copy = repo.keyring.parent / "keyring.json.previous"
    for command, state in ((["disable", 1, "--yes"], "disabled"), (["enable", 1], "enabled"),
                           (["schedule-deletion", 1, "--yes"], "pendingDeletion")):
        repo.run("key", *command)
        assert [v["state"] for v in lines(copy)["versions"]] == [state]
    shutil.copy(copy, repo.keyring)
    repo.run("restore", "latest", "--to", repo.target, expect=KEY_INVALID)
    repo.run("key", "cancel-deletion", 1)  # and it is not taken for an older one


def test_a_new_machine_knows_its_repository_by_the_keyring(two):
    repo = two
    assert lines(repo.keyring)["repositories"] == [fingerprint(repo)]
    shutil.rmtree(repo.state)
    done = repo.restore()
    assert "trusted on first use" not in done.err
    assert "the keyring names this repository as one that it serves" in done.err


def fingerprint(repo):
    """As this machine knows it."""
    trust = json.loads(next(repo.state.rglob("trust.json")).read_text())
    return trust["fingerprint"]


def test_a_repository_that_the_keyring_does_not_name_is_refused_each_time(two, tmp_path):
    repo = two
    theirs = make(tmp_path / "theirs", unencrypted=True)
    theirs.backup()
    shutil.rmtree(repo.state)
    repo.repository = theirs.repository
    stored = repo.stored()
    for _ in range(2):  # the first refusal must not have pinned it
        done = repo.run("backup", repo.source, expect=CORRUPT)
        assert "is not one of the repositories that the keyring serves: its fingerprint is " in \
            done.err
    assert repo.stored() == stored
    pin = re.search("fingerprint is ([0-9a-f]{64})", done.err)[1]
    repo.run("restore", "latest", "--to", repo.target, "--fingerprint", pin, expect=USAGE)


def test_one_of_several_that_a_keyring_names_is_not_taken_for_another(two):
    """Both are genuine, and who can write both stores swaps them: which one is meant, only a
    fingerprint says."""
    repo = two
    other = Sealpoint(repo.directory)
    other.repository, other.state = repo.directory / "other", repo.directory / "other-state"
    other.run("init")
    (repo.source / "a.txt").write_text("of the other one\n")
    other.backup()
    pin = repo.fingerprint()
    repo.repository.rename(repo.directory / "swapped")
    other.repository.rename(repo.repository)
    (repo.directory / "swapped").rename(other.repository)
    shutil.rmtree(repo.state)
    for _ in range(2):
        done = repo.restore(expect=USAGE)
        assert ("this machine has never seen this repository, and the keyring names it as one of "
                f"several, any of which may be meant; its fingerprint is {repo.fingerprint()}"
                in done.err), done.err
    assert not repo.target.exists()
    repo.restore("latest", "--fingerprint", pin, expect=CORRUPT)
    repo.restore("latest", "--fingerprint", repo.fingerprint())


@pytest.mark.parametrize("way", ["//", "/./", "/../keys/", "link"])
def test_another_way_to_write_its_path_makes_no_keyring_unknown(two, tmp_path, way):
    """Of a path that nothing is known of, whatever lies there would be taken."""
    repo = two
    theirs = make(tmp_path / "theirs", unencrypted=True)
    shutil.copy(theirs.keyring, repo.keyring)
    stored = repo.stored()
    path = f"{repo.keyring.parent}{way}{repo.keyring.name}"
    if way == "link":
        path = repo.directory / "keyring"
        path.symlink_to(repo.keyring)
    repo.passphrase.unlink()
    repo.unencrypted = True
    done = repo.run("backup", repo.source, "--keyring", path, expect=CORRUPT)
    assert f"keyring {path} is another one than it was" in done.err
    assert repo.stored() == stored


def flip(directory, name, link):
    """As a user who may write there and nowhere else: now it is the keyring, now the link."""
    child = os.fork()
    if child:
        return child
    try:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        fd, libc = os.open(directory, os.O_RDONLY), ctypes.CDLL(None)
        while True:
            libc.renameat2(fd, name, fd, link, 2)  # RENAME_EXCHANGE
    finally:
        os._exit(1)


def put_newest_and_link(keyring, link, to):
    """Of what the two names hold, the newest keyring gets its name back, and the other is the link."""
    rings = [path.read_bytes() for path in (keyring, link) if not path.is_symlink() and path.exists()]
    newest = max(rings, key=lambda ring: json.loads(ring.split(b"\n")[0])["generation"])
    for path in (keyring, link):
        path.unlink(missing_ok=True)
    keyring.write_bytes(newest)
    keyring.chmod(0o600)
    os.chown(keyring, 65534, 65534)
    link.symlink_to(to)


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to become somebody else")
def test_whoever_may_write_beside_the_keyring_leads_root_nowhere(repo):
    """Read here, a link there: what was checked is not what was written over."""
    precious = repo.directory / "root-only"
    precious.mkdir(mode=0o700)
    (precious / "file").write_text("precious\n")
    repo.directory.chmod(0o711)
    keys = repo.keyring.parent
    for path in [keys, *keys.iterdir()]:
        os.chown(path, 65534, 65534)
    child = flip(keys, repo.keyring.name.encode(), b"link")
    try:
        statuses = set()
        for _ in range(40):
            os.kill(child, signal.SIGSTOP)
            put_newest_and_link(repo.keyring, keys / "link", precious / "file")
            os.kill(child, signal.SIGCONT)
            statuses.add(repo.run("key", "rotate", expect=None).status)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert [path.name for path in precious.iterdir()] == ["file"]
    assert (precious / "file").read_text() == "precious\n"
    assert 0 in statuses  # it was a race, and not a refusal of all


def test_a_generated_passphrase_is_256_bits_in_a_form_of_its_own(fast):
    repo = Sealpoint(fast)
    repo.keyring.parent.mkdir()
    repo.run("init", "--generate-passphrase", repo.passphrase)
    assert stat.S_IMODE(repo.passphrase.stat().st_mode) == 0o600
    front, code = repo.passphrase.read_text().split(":")
    assert front == "sealpoint-secret-1" and code.endswith("=\n")
    assert len(base64.b64decode(code)) == 32
    assert lines(repo.keyring)["protection"]["kdf"] == "hkdf"
    secret = repo.passphrase.read_bytes()
    ring = repo.keyring.read_bytes()
    # The same line again, as it is pasted twice.
    repo.run("init", "--generate-passphrase", repo.passphrase, expect=1)
    # Into another repository: the keyring and its passphrase are there and used.
    repo.repository = fast / "second"
    done = repo.run("init", "--generate-passphrase", repo.passphrase)
    assert "copy the keyring to where you keep it offline" in done.err
    assert repo.passphrase.read_bytes() == secret
    assert [lines(repo.keyring)[name] == json.loads(ring.split(b"\n")[0])[name]
            for name in ("keyringId", "versions")] == [True, True]
    repo.source.mkdir()
    (repo.source / "a").write_text("something\n")
    repo.backup()
    repo.restore()


def test_a_passphrase_file_that_is_there_is_never_written_over(fast):
    repo = Sealpoint(fast)
    repo.keyring.parent.mkdir()
    repo.passphrase.write_text("of something else\n")
    done = repo.run("init", "--generate-passphrase", repo.passphrase, expect=USAGE)
    assert "already exists, and is not overwritten\n" in done.err
    assert repo.passphrase.read_text() == "of something else\n"
    assert not repo.keyring.exists() and not repo.repository.exists()
    other = fast / "other"
    done = repo.run("init", "--generate-passphrase", other, expect=USAGE)
    assert "another passphrase file is given, too" in done.err
    repo.passphrase.unlink()
    repo.run("init", "--generate-passphrase", repo.passphrase)
    repo.passphrase.unlink()
    repo.repository = fast / "second"
    done = repo.run("init", "--generate-passphrase", repo.passphrase, expect=USAGE)
    assert "a passphrase is generated for a new one only" in done.err
    assert not repo.passphrase.exists()


def test_a_passphrase_that_seals_nothing_does_not_stay(fast):
    repo = Sealpoint(fast)
    repo.run("init", "--generate-passphrase", repo.passphrase, expect=None)  # no such directory
    assert not repo.passphrase.exists()
    repo.keyring.parent.mkdir()
    repo.run("init", "--generate-passphrase", repo.passphrase)


def test_the_block_of_the_readme_run_twice_locks_nobody_out(fast):
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"\n(export SEALPOINT_REPOSITORY.*?)```", readme, re.S)[1]
    repo = Sealpoint(fast)
    repo.keyring.parent.mkdir()
    repo.source.mkdir()
    (repo.source / "a.bson").write_text("as mongodump writes it\n")
    (fast / "bin").mkdir()
    os.symlink(repo.command()[0], fast / "bin" / "sealpoint")
    block = block.replace("/srv/backup", str(repo.repository)).replace("/root/", f"{fast}/")
    block = block.replace("/var/lib/mongodb.restored", str(repo.target))
    block = block.replace("/var/lib/mongodb", str(repo.source))
    for _ in range(2):
        subprocess.run(["bash", "-c", f"export PATH={fast}/bin:$PATH\n{block}"], env=repo.env(),
                       capture_output=True, stdin=subprocess.DEVNULL, check=True)
        assert read_tree(repo.target) == read_tree(repo.source)
        shutil.rmtree(repo.target)


@pytest.mark.parametrize("to", ["generated", "chosen"])
def test_a_new_passphrase_takes_the_place_of_the_old_one(two, to):
    repo = two
    other = repo.directory / "new-passphrase"
    repo.run("key", "rotate")
    old = repo.keyring.read_bytes()
    if to == "generated":
        done = repo.run("key", "passphrase", "--generate-passphrase", other)
    else:
        other.write_text("a passphrase that somebody chose\n")
        other.chmod(0o600)
        done = repo.run("key", "passphrase", "--new-passphrase-file", other)
    assert done.out == f"keyring {repo.keyring} is sealed under the new passphrase\n"
    assert "copies of the keyring keep the passphrase that they have" in done.err
    assert lines(repo.keyring)["protection"]["kdf"] == ("hkdf" if to == "generated" else "scrypt")
    done = repo.run("backup", repo.source, expect=KEY_INVALID)
    assert "the passphrase does not open it" in done.err
    repo.extra_env = {"SEALPOINT_PASSPHRASE_FILE": str(other)}
    repo.assert_restores(repo.trees)
    repo.backup()
    # What was in nobody's way is still open to the old one, and not taken for the keyring.
    repo.extra_env = {}
    repo.keyring.write_bytes(old)
    repo.run("backup", repo.source, expect=CORRUPT)


def test_a_passphrase_is_not_changed_by_who_does_not_have_it(two):
    repo = two
    before = repo.keyring.read_bytes()
    right = repo.passphrase.read_text()
    repo.passphrase.write_text("a wrong one, long enough\n")
    other = repo.directory / "new-passphrase"
    repo.run("key", "passphrase", "--generate-passphrase", other, expect=KEY_INVALID)
    assert not other.exists()
    assert repo.keyring.read_bytes() == before
    repo.passphrase.write_text(right)
    repo.run("key", "passphrase", "--generate-passphrase", repo.passphrase, expect=USAGE)
    assert repo.passphrase.read_text() == right and repo.keyring.read_bytes() == before


def test_a_hostile_keyring_does_not_take_a_gigabyte(two):
    repo = two
    text = repo.keyring.read_text()
    at = re.search(r'"protection":\{[^}]*\}', text)[0]
    repo.passphrase.write_text("a passphrase, not a generated secret\n")
    huge = '"protection":{"kdf":"scrypt","n":1048576,"r":8,"p":4,"salt":"' + "00" * 16 + '"}'
    repo.keyring.write_text(text.replace(at, huge))
    # With less address space than it asks for: it is refused before anything is allocated.
    limit = ["prlimit", f"--as={512 * 2**20}"] if not SANITIZED else []
    done = repo.run("backup", repo.source, expect=USAGE, before=limit)
    assert "scrypt with n 1048576 takes 1.0 GiB of memory" in done.err
    assert "--allow-memory" in done.err

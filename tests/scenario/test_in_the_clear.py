"""What lies readable on a disk: of what was backed up, nothing in the repository, and in the state
directory names and digests in the cached index, not content (docs/SECURITY.md, "On the disk in the clear")."""

import os

NAME = "collection-of-salaries.wt"
DIRECTORY = "dir-of-the-board"
LINK = "link-to-the-vault"
CONTENT = b"Iban DE75512108001245126199 belongs to Ada. "
ATTRIBUTE = b"attribute value nobody guesses"


def a_telling_source(repo):
    (repo.source / DIRECTORY).mkdir(parents=True)
    (repo.source / DIRECTORY / NAME).write_bytes(CONTENT * 3)
    # Long enough for a pack of several segments, once compressible and once stored as it is.
    (repo.source / "compressible").write_bytes(CONTENT * 100_000)
    (repo.source / "stored").write_bytes(b"".join(CONTENT + os.urandom(2000) for _ in range(1500)))
    os.symlink(LINK, repo.source / "link")
    os.setxattr(repo.source / "stored", "user.note", ATTRIBUTE)
    return [NAME.encode(), DIRECTORY.encode(), LINK.encode(), CONTENT[:16], ATTRIBUTE]


def holders(directory, words):
    """The files below that hold one of the words."""
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*")
            if path.is_file() and any(word in path.read_bytes() for word in words)}


def test_nothing_of_what_was_backed_up_can_be_read_in_the_repository(repo):
    words = a_telling_source(repo)
    repo.backup()
    (repo.source / DIRECTORY / NAME).write_bytes(CONTENT * 4)
    repo.backup()
    repo.run("key", "rotate")
    repo.run("key", "rewrap")
    repo.backup()
    assert holders(repo.source, words), "the words are there to be found"
    assert not holders(repo.repository, words)
    assert not holders(repo.keyring.parent, words)


def test_a_killed_backup_leaves_nothing_to_read_in_the_repository(repo):
    words = a_telling_source(repo)
    calls = repo.shim("backup", repo.source).calls
    for at in range(1, calls + 1, max(1, calls // 8)):
        repo.shim("backup", "--read-all", repo.source, at=at, do="kill")
        assert not holders(repo.repository, words), at


def test_the_state_directory_holds_names_in_the_cached_index_and_content_nowhere(repo):
    words = a_telling_source(repo)
    repo.backup()
    repo.run("restore", "latest", "--to", repo.target)
    repo.run("verify", "--decrypt")
    assert not holders(repo.state, [CONTENT[:16], repo.passphrase.read_bytes().strip()])
    assert all("index" in name for name in holders(repo.state, words))

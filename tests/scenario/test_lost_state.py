"""What a machine says when its state, its signing key or its repository's disk is not there."""

import pytest

USAGE, STORAGE = 2, 9


def directories(repo):
    return sorted(repo.state.glob("repositories/*"))


@pytest.mark.parametrize("command", ["backup", "snapshots", "init"])
@pytest.mark.parametrize("left", ["nothing", "an empty directory"])
def test_a_disk_that_is_not_mounted_is_not_a_new_repository(quick, command, left):
    repo = quick
    repo.run("backup", repo.source)
    repo.repository.rename(repo.directory / "unmounted")
    if left == "an empty directory":
        repo.repository.mkdir()
    done = repo.run(command, *([repo.source] if command == "backup" else []), expect=STORAGE)
    assert "this machine has used it before: is its disk mounted?" in done.err
    if left == "an empty directory":
        repo.repository.rmdir()
    (repo.directory / "unmounted").rename(repo.repository)
    repo.run("backup", repo.source)


def test_a_lost_signing_key_is_put_back(quick):
    repo = quick
    key = repo.state_directory() / "signing-key.json"
    key.rename(repo.directory / "copy.json")
    for command in (["backup", repo.source], ["init"]):
        done = repo.run(*command, expect=USAGE if command[0] == "backup" else 1)
        assert "to back up from here, `sealpoint writer request` asks for" in done.err
    (repo.directory / "copy.json").rename(key)
    repo.run("backup", repo.source)


def test_the_state_of_a_moved_repository_is_found(quick):
    repo = quick
    before = repo.state_directory()
    repo.repository.rename(repo.directory / "moved")
    repo.repository = repo.directory / "moved"
    done = repo.run("backup", repo.source, expect=USAGE)
    assert f"move {repo.state_directory()} away, and rename {before} to it" in done.err
    repo.forget()
    before.rename(repo.state_directory())
    assert directories(repo) == [repo.state_directory()]
    repo.run("backup", repo.source)


def test_a_state_directory_that_cannot_be_made_is_named(quick):
    blocked = quick.directory / "file"
    blocked.write_text("")
    done = quick.run("snapshots", "--state-dir", blocked / "state", expect=1)
    assert f"state directory: {blocked}" in done.err and "--state-dir DIR" in done.err

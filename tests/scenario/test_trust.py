"""Trust belongs to the repository, whatever its path: attacks that put something else in its place."""

import os
import shutil

import pytest

from conftest import CORRUPT, USAGE, make, read_tree


def commands(repo):
    return [["snapshots"], ["verify"], ["restore", "latest", "--to", repo.target],
            ["backup", repo.source]]


def aside(repo):
    """An older copy of the repository, genuine in every byte; what it lacks is a snapshot."""
    old = repo.directory / "old"
    shutil.copytree(repo.repository, old)
    (repo.source / "a.txt").write_text("the newest\n")
    repo.backup()
    return old


def refuse(repo, *words, options=()):
    for command in commands(repo):
        done = repo.run(*command, *options, expect=CORRUPT)
        assert all(word in done.err for word in words), done.err
    assert not repo.target.exists()


@pytest.mark.parametrize("pinned", [False, True])
def test_a_link_to_an_old_copy_does_not_hide_the_rollback(quick_two, pinned):
    repo = quick_two
    old = aside(repo)
    options = ["--fingerprint", repo.fingerprint()] if pinned else []
    repo.repository.rename(repo.directory / "away")
    repo.repository.symlink_to(old)
    refuse(repo, "was seen before", "rolled back", options=options)


@pytest.mark.parametrize("options", [[], ["--trust-new"]])
def test_an_old_copy_at_another_path_is_a_rollback(quick_two, options):
    """Nor is one believed on a path that this machine has never seen."""
    repo = quick_two
    repo.repository = aside(repo)
    refuse(repo, "was seen before", "rolled back", options=options)


@pytest.mark.parametrize("known", [False, True])
def test_a_link_to_another_repository_is_not_backed_up_into(quick_two, fast, known):
    repo = quick_two
    other = make(fast / "other", unencrypted=True)
    stored = other.stored()
    ours, theirs = repo.fingerprint(), other.fingerprint()
    if known:
        repo.run("snapshots", "--repository", other.repository, "--trust-new")
    repo.repository.rename(repo.directory / "away")
    repo.repository.symlink_to(other.repository)
    refuse(repo, ours, theirs, "a link or another disk", "--trust-new")
    assert other.stored() == stored
    # With the fingerprint of the right one it is refused as well.
    refuse(repo, ours, theirs, options=["--fingerprint", ours])
    # It is accepted once, in words, and then it is the one that is expected.
    done = repo.run("snapshots", "--trust-new")
    assert f"shows {theirs} now" in done.err
    repo.run("snapshots")
    repo.repository.unlink()
    (repo.directory / "away").rename(repo.repository)
    refuse(repo, ours, theirs)


def test_a_repository_that_moved_brings_its_state_along(quick_two):
    repo = quick_two
    moved = repo.directory / "moved"
    repo.repository.rename(moved)
    repo.repository.symlink_to(moved)
    for path in (repo.repository, moved):
        repo.repository = path
        repo.backup()
    assert len(list((repo.state / "repositories").iterdir())) == 1
    # The rollback of the moved one is noticed.
    repo.records()[-1].unlink()
    refuse(repo, "was seen before")


def test_every_way_to_write_a_path_is_the_same_repository(quick_two):
    repo = quick_two
    for path in (f"{repo.repository}/", f"{repo.directory}/./repository",
                 f"{repo.repository}/../repository"):
        repo.run("snapshots", "--repository", path)
    repo.run("snapshots", "--repository", "repository", cwd=repo.directory)
    repo.run("snapshots", "--repository", ".", cwd=repo.repository)


def test_a_new_machine_believes_nothing_that_nobody_has_said(quick_two):
    repo = quick_two
    new = ["--state-dir", repo.directory / "new"]
    away = repo.keyring.rename(repo.keyring.with_suffix(".away"))  # it would vouch
    for command in [*commands(repo), ["ls", "latest"], ["key", "check"], ["show", "latest"]]:
        done = repo.run(*command, *new, expect=USAGE)
        assert "this machine has never seen this repository" in done.err
        assert f"its fingerprint is {repo.fingerprint()}" in done.err
        assert "--fingerprint" in done.err and "--trust-new" in done.err
    assert not (repo.directory / "new").exists() and not repo.target.exists()
    away.rename(repo.keyring)
    done = repo.run("snapshots", *new, "--trust-new")
    assert "identity not verified: this repository is trusted on first use" in done.err
    done = repo.run("restore", "latest", "--to", repo.target, *new)  # pinned now
    assert "first use" not in done.err
    assert read_tree(repo.target) == read_tree(repo.source)


@pytest.mark.parametrize("new", [False, True])
def test_a_wrong_fingerprint_leaves_nothing_behind(quick_two, new):
    repo = quick_two
    wrong = "ab" * 32
    state = repo.directory / "new" if new else repo.state
    before = sorted(state.rglob("*"))
    for command in commands(repo):
        done = repo.run(*command, "--state-dir", state, "--fingerprint", wrong, expect=CORRUPT)
        assert f"its fingerprint is {repo.fingerprint()}, and not {wrong} as was given" in done.err
    assert sorted(state.rglob("*")) == before


def test_at_a_terminal_the_first_use_is_said(quick_two):
    repo = quick_two
    reader, writer = os.openpty()
    try:
        done = repo.start("snapshots", "--state-dir", repo.directory / "new", stderr=writer)
        done.communicate()
        said = os.read(reader, 10_000).decode()
    finally:
        os.close(reader)
        os.close(writer)
    assert done.returncode == 0, said
    assert "identity not verified" in said and repo.fingerprint() in said


def test_our_genesis_does_not_make_another_repository_ours(quick_two, fast):
    """Which repository it is is read before anything is checked; the check comes all the same."""
    repo = quick_two
    other = make(fast / "other", unencrypted=True)
    other.backup()
    genesis = repo.records()[0]
    assert b'"type":"genesis"' in genesis.read_bytes()
    lie = other.repository / genesis.relative_to(repo.repository)
    lie.parent.mkdir()
    shutil.copy(genesis, lie)
    repo.repository.rename(repo.directory / "away")
    repo.repository.symlink_to(other.repository)
    refuse(repo)
    refuse(repo, options=["--fingerprint", repo.state_directory().name])


def test_a_link_is_noticed_however_the_path_is_written(quick_two, fast):
    repo = quick_two
    other = make(fast / "other", unencrypted=True)
    repo.run("snapshots", "--repository", other.repository, "--trust-new")
    repo.repository.rename(repo.directory / "away")
    repo.repository.symlink_to(other.repository)
    for path in (f"{repo.directory}//repository/", f"{repo.directory}/./repository/."):
        repo.run("snapshots", "--repository", path, expect=CORRUPT)


def test_damaged_trust_state_is_not_first_use(quick_two):
    repo = quick_two
    (repo.state_directory() / "signing-key.json").unlink()
    trust = repo.state_directory() / "trust.json"
    for content in (b"", trust.read_bytes()[:30]):
        trust.write_bytes(content)
        for options in ([], ["--trust-new"], ["--fingerprint", repo.fingerprint()]):
            done = repo.run("snapshots", *options, expect=CORRUPT)
            assert f"the trust state {trust}" in done.err


def test_a_path_that_showed_a_repository_is_remembered_or_said(quick_two):
    repo = quick_two
    places = list((repo.state / "locations").iterdir())
    assert places
    for place in places:
        place.write_bytes(b"{")
    for options in ([], ["--trust-new"], ["--fingerprint", repo.fingerprint()]):
        done = repo.run("snapshots", *options, expect=CORRUPT)
        assert "it says which repository a path has shown" in done.err
    for place in places:
        place.unlink()
    repo.run("snapshots")
    assert sorted((repo.state / "locations").iterdir()) == sorted(places)


def test_the_first_use_of_two_runs_at_once_pins_one_repository(quick_two):
    repo = quick_two
    runs = [repo.start("snapshots", "--state-dir", repo.directory / "new", "--trust-new")
            for _ in range(8)]
    for run in runs:
        _, err = run.communicate()
        assert run.returncode == 0, err
    repo.run("snapshots", "--state-dir", repo.directory / "new")

"""The power fails at any change that a command makes, or right after it: what was not synced is as it
was before, and of names any part (tests/tools/power.h). What was acknowledged is there all the same,
and nothing half-made is ever taken for whole.

A sample of the points each time; all of them, in several ways, with `make soak-faults`.
"""

import shutil
import signal

import pytest

import shim
from conftest import SOAK, read_tree
from test_faults import base, changing, with_keys  # noqa: F401 (a fixture)

KILLED = -signal.SIGKILL


def losses(calls, most=14):
    """(number of the call, seed): when the power fails, and which names are lost."""
    if SOAK:
        for at in range(1, calls + 1):
            yield from ((at, 0), (at, 3 * at), (at, 3 * at + 1))
        yield from ((shim.AT_THE_END, seed) for seed in range(20))
        return
    for turn, at in enumerate(shim.points(calls, most)):
        yield at, at if turn % 2 else 0
    yield from ((shim.AT_THE_END, seed) for seed in range(4))


def cut(repo, *args, at, seed, under):
    """Run the command; true when it was done and said so before the power failed."""
    result = repo.shim(*args, at=at, do="power", seed=seed, under=under)
    # Threads may share out the changes in another way: then there is one less.
    assert result.returncode in ((0,) if at == shim.AT_THE_END else (KILLED, 0)), \
        f"{at} {seed} {result.stderr}"
    return result.returncode == 0


def on_copies(repo, calls, **options):
    for at, seed in losses(calls, **options):
        twin = repo.copy(repo.directory.parent / (repo.directory.name + "-twin"))
        try:
            yield twin, at, seed
        finally:
            shutil.rmtree(twin.directory)


def assert_keeps(repo, trees, where):
    """All of `trees` is listed and sound, and this machine still knows the repository."""
    done = repo.run("verify", "--decrypt")
    assert "first use" not in done.err, where
    assert repo.ids()[:len(trees)] == list(trees), where
    repo.assert_restores(trees)


def test_a_backup(base):  # noqa: F811
    calls = changing(base, "backup", base.source)
    for repo, at, seed in on_copies(base, calls):
        done = cut(repo, "backup", repo.source, at=at, seed=seed,
                   under=[repo.repository, repo.state])
        assert_keeps(repo, repo.trees, (at, seed))
        listed = repo.ids()
        assert len(listed) == len(repo.trees) + 1 or not done, (at, seed)
        # What is listed is whole; and the next one just works.
        trees = {**repo.trees, **{which: read_tree(repo.source) for which in
                                  listed[len(repo.trees):]}}
        trees[repo.backup()] = read_tree(repo.source)
        assert_keeps(repo, trees, (at, seed))


def test_an_init(quick):
    under = [quick.repository, quick.state, quick.keyring.parent]

    def start_anew():
        for directory in under:
            shutil.rmtree(directory)
        quick.keyring.parent.mkdir()

    start_anew()
    calls = shim.count(quick.command("init"), under, env=quick.env(), stdin="")
    for at, seed in losses(calls):
        start_anew()
        done = cut(quick, "init", at=at, seed=seed, under=under)
        again = quick.run("init", expect=None)
        assert again.status == 0 or "is already a repository" in again.err, f"{at} {seed} {again}"
        assert again.status != 0 or not done, f"{at} {seed} {again}"
        quick.backup()
        quick.restore()
        assert read_tree(quick.target) == read_tree(quick.source)
        shutil.rmtree(quick.target)


def test_a_restore(base):  # noqa: F811
    base.trees[base.backup()] = read_tree(base.source)
    place = base.directory / "place"
    place.mkdir()
    calls = changing(base, "restore", "latest", "--to", place / "db", under=[place])
    for at, seed in losses(calls):
        done = cut(base, "restore", "latest", "--to", place / "db", at=at, seed=seed,
                   under=[place])
        if done:
            assert (place / "db").exists(), seed
        if (place / "db").exists():
            assert read_tree(place / "db") == read_tree(base.source), (at, seed)
            shutil.rmtree(place / "db")
        base.restore("latest", to=place / "db")
        assert read_tree(place / "db") == read_tree(base.source), (at, seed)
        assert {path.name for path in place.iterdir()} == {"db"}
        shutil.rmtree(place / "db")


def keyring_of(repo):
    """{version: state}, by the program; a keyring that cannot be read fails."""
    return {entry["keyVersion"]: entry["state"]
            for entry in repo.run("key", "status", "--json").json["results"]}


@pytest.mark.parametrize("change, after", [
    (["key", "rotate"], {"1": "enabled", "2": "enabled", "3": "enabled"}),
    (["key", "disable", "1", "--yes"], {"1": "disabled", "2": "enabled"}),
    (["key", "schedule-deletion", "1", "--days", "7", "--yes"],
     {"1": "pendingDeletion", "2": "enabled"})])
def test_a_change_of_the_keyring(base, change, after):  # noqa: F811
    with_keys(base)
    before = keyring_of(base)
    calls = changing(base, *change, under=[base.keyring.parent, base.repository, base.state])
    for repo, at, seed in on_copies(base, calls):
        done = cut(repo, *change, at=at, seed=seed,
                   under=[repo.keyring.parent, repo.repository, repo.state])
        now = keyring_of(repo)
        assert now in ([after] if done else [before, after]), (at, seed)
        if now["1"] == "pendingDeletion":
            repo.run("key", "cancel-deletion", 1)
        repo.run("key", "enable", 1)
        assert_keeps(repo, repo.trees, (at, seed))
        repo.backup()


def test_a_rewrap(base):  # noqa: F811
    with_keys(base)
    calls = changing(base, "key", "rewrap", under=[base.keyring.parent, base.repository, base.state])
    for repo, at, seed in on_copies(base, calls):
        done = cut(repo, "key", "rewrap", at=at, seed=seed,
                   under=[repo.keyring.parent, repo.repository, repo.state])
        assert_keeps(repo, repo.trees, (at, seed))
        again = repo.run("key", "rewrap")
        if done:
            assert again.out == "2 data keys: 2 current, 0 rewrapped, 0 refused\n", seed
        repo.run("key", "disable", 1, "--yes")
        assert_keeps(repo, repo.trees, (at, seed))

"""A disk that is full, or a machine that dies, at every single change a command makes: no
acknowledged snapshot is lost, nothing half-made is ever listed or left, and a rerun just works."""

import shutil
import signal

import pytest

import shim
from conftest import STORAGE, in_memory, make, read_tree

KILLED = -signal.SIGKILL


@pytest.fixture
def base(quick):
    """One snapshot, and changes that the next will store."""
    repo = quick
    repo.trees = {repo.backup(): read_tree(repo.source)}
    (repo.source / "a.txt").write_text("changed\n" * 100)
    (repo.source / "more").write_text("more")
    return repo


def changing(repo, *args, under=None):
    """How many changes the command makes, tried on a copy that is thrown away."""
    twin = repo.copy(repo.directory.parent / (repo.directory.name + "-count"))
    under = [twin.directory / path.relative_to(repo.directory) for path in under] if under else None
    args = [str(arg).replace(str(repo.directory), str(twin.directory)) for arg in args]
    result = twin.shim(*args, under=under)
    assert result.returncode == 0, result.stderr
    shutil.rmtree(twin.directory)
    return result.calls


def on_copies(repo, calls, first=1):
    """(a fresh copy of `repo`, number) for each change."""
    for at in range(first, calls + 1):
        twin = repo.copy(repo.directory.parent / (repo.directory.name + "-twin"))
        try:
            yield twin, at
        finally:
            shutil.rmtree(twin.directory)


def assert_well(repo, at):
    """After whatever happened: what was acknowledged is there, and a rerun works and tidies up."""
    repo.run("verify", "--decrypt")
    listed = repo.ids()
    assert listed[:len(repo.trees)] == list(repo.trees), at
    trees = dict(repo.trees)
    for which in listed[len(trees):]:
        trees[which] = read_tree(repo.source)  # it was made after all
    again = repo.backup()
    trees[again] = read_tree(repo.source)
    assert list(trees) == repo.ids()
    repo.assert_tidy()
    repo.assert_restores(trees)
    repo.run("verify", "--decrypt")
    assert not (repo.state_directory() / "pending").exists()
    assert {path.name for path in (repo.state_directory() / "cache").iterdir()} == {f"{again}.index"}


@pytest.mark.parametrize("do", ["kill", "kill-after"])
def test_a_backup_killed_at_every_change_loses_nothing(base, do):
    calls = changing(base, "backup", base.source)
    assert calls > 40
    for repo, at in on_copies(base, calls):
        result = repo.shim("backup", repo.source, at=at, do=do)
        # Threads may share out the changes in another way: then there is one less.
        assert result.returncode in (KILLED, 0), result.stderr
        assert_well(repo, at)


@pytest.mark.parametrize("do, sticky", [("ENOSPC", False), ("ENOSPC", True), ("short", False)])
def test_a_backup_on_a_disk_that_is_full_at_every_change_undoes_itself(base, do, sticky):
    calls = changing(base, "backup", base.source)
    before = base.stored()
    statuses = set()
    for repo, at in on_copies(base, calls):
        result = repo.shim("backup", repo.source, at=at, do=do, sticky=sticky)
        statuses.add(result.returncode)
        if result.returncode == 0:
            assert len(repo.ids()) == 2
        else:
            assert result.returncode == STORAGE, f"{at}: {result}"
            assert "No space left on device" in result.stderr, f"{at}: {result}"
            assert result.stdout == ""
            assert repo.ids() == list(repo.trees)
            if not sticky and "ledger" not in result.stderr:
                # Nothing of it stays, not even until the next run. (When the record itself could
                # not be put, that it is not there is for the next run to find out.)
                assert set(repo.stored()) == set(before), f"{at} {result.log[at - 1]}"
        assert_well(repo, at)
    assert STORAGE in statuses


def test_links_that_are_made_and_denied_are_made(base):
    """As over NFS, when the first answer is lost and the server refuses the repetition."""
    result = base.shim("backup", base.source, at=1, do="done-EEXIST", only=["link"], sticky=True,
                       under=[base.repository])
    assert result.returncode == 0, result.stderr
    assert result.calls >= 4  # pack, index, manifest, record
    assert len(base.ids()) == 2
    assert_well(base, 1)


@pytest.fixture(scope="module")
def nearly_due():
    """A repository whose next record makes a checkpoint due: made once, used by copies."""
    with in_memory() as directory:
        repo = make(directory / "nearly", unencrypted=True)
        shutil.rmtree(repo.source / "deep")
        repo.trees = {}
        while True:
            (repo.source / "a.txt").write_text(f"{len(repo.trees)}")
            count = repo.copy(directory / "count")
            is_due = any("/checkpoints/" in path for _, _, path in
                         count.shim("backup", count.source).log)
            shutil.rmtree(count.directory)
            if is_due:
                break
            for _ in range(1 if len(repo.trees) > 55 else 5):
                repo.trees[repo.backup()] = read_tree(repo.source)
        yield repo


@pytest.mark.parametrize("do", ["kill", "kill-after", "ENOSPC"])
def test_a_checkpoint_that_fails_at_every_change_leaves_the_ledger_whole(nearly_due, do):
    base = nearly_due
    calls = changing(base, "backup", base.source)
    trees = dict(base.trees)
    for repo, at in on_copies(base, calls, first=calls - 30):  # what comes before is tried above
        result = repo.shim("backup", repo.source, at=at, do=do)
        assert result.returncode in (KILLED, 0, STORAGE), f"{at}: {result}"
        # That no checkpoint could be written is no failure of a snapshot that is made.
        assert len(repo.ids()) in (len(trees), len(trees) + 1)
        assert result.returncode != 0 or len(repo.ids()) == len(trees) + 1
        repo.run("verify")
        repo.backup()
        repo.run("verify")
        assert repo.ids()[:len(trees)] == list(trees)
        repo.assert_tidy()
        repo.forget()
        assert repo.ids()[:len(trees)] == list(trees)
        last = list(trees)[-1]
        repo.assert_restores({last: trees[last]})


def bundles_of(repo):
    return sorted(path.name for path in (repo.repository / "checkpoints").glob("*/*"))


@pytest.mark.parametrize("do", ["kill", "kill-after", "ENOSPC"])
def test_a_checkpoint_that_removes_a_bundle_and_fails_leaves_the_ledger_whole(base, do):
    for life in ("10d", "100d"):  # shorter lives than the next: each makes one due
        base.trees[base.backup("--checkpoint-expiry", life)] = read_tree(base.source)
    oldest = bundles_of(base)
    assert len(oldest) == 2
    third = ["backup", base.source, "--checkpoint-expiry", "1000d"]
    calls = changing(base, *third)
    seen = set()
    for repo, at in on_copies(base, calls, first=calls - 12):
        result = repo.shim(*third, at=at, do=do)
        assert result.returncode in (KILLED, 0, STORAGE), f"{at}: {result}"
        seen.add(oldest[0] in bundles_of(repo))
        assert oldest[1] in bundles_of(repo)
        repo.run("verify")
        repo.backup("--checkpoint-expiry", "10000d")
        repo.run("verify")
        assert len(bundles_of(repo)) == 2
        repo.assert_tidy()
        repo.forget()
        repo.assert_restores(base.trees)
    assert seen == {True, False} or (do == "kill" and seen == {True})


def with_keys(repo):
    """Two snapshots under version 1, version 2 active: there is something to rewrap."""
    repo.trees[repo.backup()] = read_tree(repo.source)
    repo.run("key", "rotate")
    return repo


@pytest.mark.parametrize("do", ["kill", "kill-after", "ENOSPC"])
def test_a_rewrap_that_fails_at_every_change_is_completed_by_the_next(base, do):
    with_keys(base)
    under = [base.repository, base.state, base.keyring.parent]
    calls = changing(base, "key", "rewrap", under=under)
    assert calls > 10
    data = {name: content for name, content in base.stored().items() if name.startswith("data/")}
    for repo, at in on_copies(base, calls):
        result = repo.shim("key", "rewrap", at=at, do=do,
                           under=[repo.repository, repo.state, repo.keyring.parent])
        if do == "ENOSPC":
            assert result.returncode in (STORAGE, 0), f"{at}: {result}"
            assert result.returncode == 0 or "No space left on device" in result.stderr
        else:
            assert result.returncode == KILLED
        # Whatever was rewrapped and what was not: all restores.
        repo.assert_restores(repo.trees)
        repo.run("key", "rewrap")
        assert repo.run("key", "rewrap").out == "2 data keys: 2 current, 0 rewrapped, 0 refused\n"
        repo.run("key", "disable", 1, "--yes")
        repo.assert_restores(repo.trees)
        repo.run("verify", "--decrypt")
        assert {name: content for name, content in repo.stored().items()
                if name.startswith("data/")} == data
        repo.backup()  # which clears away what killed runs began
        repo.assert_tidy()


@pytest.mark.parametrize("do", ["kill", "kill-after", "ENOSPC", "short"])
@pytest.mark.parametrize("change", [
    ["key", "rotate"], ["key", "disable", "1", "--yes"],
    ["key", "schedule-deletion", "1", "--days", "7", "--yes"]])
def test_a_change_of_the_keyring_that_fails_at_every_change_keeps_every_key(base, change, do):
    keys = base.keyring.parent
    calls = changing(base, *change, under=[keys])
    assert calls > 5
    for repo, at in on_copies(base, calls):
        result = repo.shim(*change, at=at, do=do, under=[repo.keyring.parent])
        if do in ("ENOSPC", "short"):
            # The one keyring file is either of the two states, and the status says which.
            assert result.returncode in (STORAGE, 0), f"{at}: {result}"
            assert result.returncode == 0 or "No space left on device" in result.stderr
        else:
            assert result.returncode == KILLED
        versions = repo.run("key", "status", "--json").json["results"]
        assert versions[0]["state"] in ("enabled", "disabled", "pendingDeletion")
        if versions[0]["state"] == "pendingDeletion":
            repo.run("key", "cancel-deletion", 1)
        repo.run("key", "enable", 1)
        repo.run(*change)
        if change[1] != "rotate":
            assert repo.run("key", "status", "--json").json["results"][0]["state"] != "enabled"
            if change[1] == "schedule-deletion":
                repo.run("key", "cancel-deletion", 1)
            repo.run("key", "enable", 1)
        repo.assert_restores(repo.trees)
        trees = {**repo.trees, repo.backup(): read_tree(repo.source)}
        repo.assert_restores(trees)
        names = {path.name for path in repo.keyring.parent.iterdir()}
        assert names == {"keyring.json", "keyring.json.previous", "keyring.json.lock"}


@pytest.mark.parametrize("do", ["kill", "kill-after", "ENOSPC", "short"])
def test_a_restore_that_fails_at_every_change_leaves_no_target(base, do):
    base.source.joinpath("deep", "random").unlink()  # fewer changes, more trials
    base.trees[base.backup()] = read_tree(base.source)
    place = base.directory / "place"
    place.mkdir()
    calls = changing(base, "restore", "latest", "--to", place / "db", under=[place])
    assert calls > 10
    for at in range(1, calls + 1):
        result = base.shim("restore", "latest", "--to", place / "db", at=at, do=do, under=[place])
        if do in ("ENOSPC", "short"):
            assert result.returncode in (STORAGE, 0), f"{at}: {result}"
            names = {path.name for path in place.iterdir()}
            if result.returncode == 0:
                assert names == {"db"}
            else:
                assert "No space left on device" in result.stderr, f"{at}: {result}"
                assert names == set() or names == {"db"}, f"{at} {result.log[at - 1]}"
        else:
            assert result.returncode == KILLED
        # The target is not there, or whole: its name comes last.
        if (place / "db").exists():
            assert read_tree(place / "db") == read_tree(base.source), at
            shutil.rmtree(place / "db")
        base.restore("latest", to=place / "db")
        assert read_tree(place / "db") == read_tree(base.source)
        assert {path.name for path in place.iterdir()} == {"db"}
        shutil.rmtree(place / "db")


@pytest.mark.parametrize("do", ["kill", "ENOSPC"])
def test_a_delta_restore_that_fails_says_that_the_target_is_incomplete(base, do):
    base.trees[base.backup()] = read_tree(base.source)
    first, last = base.trees
    place = base.directory / "place"
    place.mkdir()
    base.restore(first, to=place / "db")
    calls = changing(base, "restore", "latest", "--delta", "--yes", "--to", place / "db", under=[place])
    for at in range(1, calls + 1):
        base.restore(first, "--delta", "--yes", to=place / "db")
        result = base.shim("restore", last, "--delta", "--yes", "--to", place / "db", at=at, do=do,
                           under=[place])
        mark = place / "db.sealpoint-incomplete"
        whole = read_tree(place / "db") in (base.trees[first], base.trees[last])
        assert whole or mark.exists(), f"{at} {result.log[at - 1]}"
        if do == "ENOSPC" and result.returncode != 0:
            assert result.returncode == STORAGE, f"{at}: {result}"
            assert "is not complete: run the same command again before using it" in \
                result.stderr or "is complete, but may not survive" in result.stderr or \
                read_tree(place / "db") == base.trees[first]
        base.restore(last, "--delta", "--yes", to=place / "db")
        assert read_tree(place / "db") == base.trees[last]
        assert {path.name for path in place.iterdir()} == {"db"}


@pytest.mark.parametrize("do", ["kill", "kill-after", "ENOSPC"])
def test_an_init_that_fails_at_every_change_is_completed_by_the_next(quick, do):
    under = [quick.repository, quick.state, quick.keyring.parent]

    def start_anew():
        for directory in under:
            shutil.rmtree(directory)
        quick.keyring.parent.mkdir()

    start_anew()
    calls = shim.count(quick.command("init"), under, env=quick.env(), stdin="")
    for at in range(1, calls + 1):
        start_anew()
        result = shim.run(quick.command("init"), under, at=at, do=do, env=quick.env(), stdin="")
        if do == "ENOSPC":
            assert result.returncode in (STORAGE, 0), f"{at}: {result}"
        else:
            assert result.returncode == KILLED
        again = quick.run("init", expect=None)
        assert again.status == 0 or "is already a repository" in again.err, f"{at}: {again}"
        quick.backup()
        quick.restore()
        assert read_tree(quick.target) == read_tree(quick.source)
        quick.run("verify", "--decrypt")
        quick.assert_tidy()
        shutil.rmtree(quick.target)

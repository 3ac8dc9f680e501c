"""Whoever can write to the store is found out: every byte of every stored object and record
flipped, cut, swapped with a sibling, an old one put back, one deleted, another repository's under
our name. Every such repository is refused with status 6 and the target stays as it was."""

import concurrent.futures
import hashlib
import itertools
import os
import shutil

import pytest

from conftest import CORRUPT, SOAK, Sealpoint, read_tree


@pytest.fixture
def tiny(fast):
    """A repository so small that all of its bytes can be tried."""
    made = Sealpoint(fast / "tiny", unencrypted=True)
    made.directory.mkdir()
    made.init()
    made.source.mkdir()
    (made.source / "a").write_text("twenty bytes of data")
    made.trees = {made.backup(): read_tree(made.source)}
    return made


def flipped(at, content):
    """One bit; which one, the place decides."""
    return content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1:]


def in_parallel(repo, jobs, check):
    """check(a copy of `repo`, job) for all jobs, on all processors."""
    jobs = list(jobs)
    workers = min(os.cpu_count(), 4)

    def work(number):
        twin = repo.copy(repo.directory.parent / f"copy-{number}")
        for job in jobs[number::workers]:
            check(twin, job)

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work, number) for number in range(workers)]:
            done.result()


def state_of(repo):
    return {path.name: path.read_bytes() for path in repo.state_directory().rglob("*")
            if path.is_file()}


def is_refused(repo, name, content, *command):
    """With that content under that name the command ends with status 6; then all is as before."""
    path = repo.repository / name
    before, state = path.read_bytes(), state_of(repo)
    path.write_bytes(content)
    done = repo.run(*command, expect=None)
    assert done.status == CORRUPT, f"{name}: {command}: {done}"
    assert done.err.startswith("sealpoint: ")
    assert not list(repo.directory.glob("restored*"))
    assert state_of(repo) == state
    path.write_bytes(before)
    return done


def every_change(repo, step):
    """(name, place) of all bytes; of those whose change signed digests find, each `step`th."""
    for name, content in repo.stored().items():
        for at in range(0, len(content), 1 if name.startswith("data/") else step):
            yield name, at


def test_any_flipped_byte_is_found_without_a_key(tiny):
    def check(repo, job):
        name, at = job
        content = (repo.repository / name).read_bytes()
        is_refused(repo, name, flipped(at, content), "verify", "--read-data")

    # One digest is over all of a record or manifest: a third of their bytes, but in a soak.
    in_parallel(tiny, every_change(tiny, 1 if SOAK else 3), check)
    tiny.run("verify", "--decrypt")
    tiny.assert_restores(tiny.trees)


def test_a_restore_refuses_every_flipped_byte_of_data_and_manifest(tiny):
    def check(repo, job):
        name, at = job
        content = (repo.repository / name).read_bytes()
        is_refused(repo, name, flipped(at, content), "restore", "latest", "--to", repo.target)

    # Records it has verified once are kept with the state and not read again.
    in_parallel(tiny, (job for job in every_change(tiny, 5) if not job[0].startswith("ledger/")),
                check)
    tiny.assert_restores(tiny.trees)


def test_a_new_machine_refuses_every_flipped_byte_of_a_record(tiny):
    fingerprint = fingerprint_of(tiny)

    def check(repo, job):
        name, at = job
        content = (repo.repository / name).read_bytes()
        state = repo.directory / "new-machine"
        path = repo.repository / name
        path.write_bytes(flipped(at, content))
        done = repo.run("restore", "latest", "--to", repo.target, "--state-dir", state,
                        "--fingerprint", fingerprint, expect=None)
        assert done.status == CORRUPT, f"{name} {at}: {done}"
        assert not list(repo.directory.glob("restored*"))
        path.write_bytes(content)
        shutil.rmtree(state, ignore_errors=True)  # a wrong fingerprint makes none

    in_parallel(tiny, (job for job in every_change(tiny, 5) if job[0].startswith("ledger/")),
                check)


def fingerprint_of(repo):
    """As init printed it: the digest of the first record."""
    return hashlib.sha256(repo.records()[0].read_bytes().split(b"\n")[0]).hexdigest()


def test_every_file_cut_or_made_longer_is_found(quick_two):
    repo = quick_two
    for name, content in repo.stored().items():
        size = len(content)
        cuts = {0, 1, 2, 95, 96, 169, 170, 171, size // 2, size - 17, size - 2, size - 1}
        for cut in sorted(cut for cut in cuts if 0 <= cut < size):
            is_refused(repo, name, content[:cut], "verify")
        is_refused(repo, name, content + b"\n", "verify")
        is_refused(repo, name, content + content, "verify")
        (repo.repository / name).write_bytes(content[:size // 2])
        restores_or_refuses(repo)
        (repo.repository / name).write_bytes(content)
    repo.assert_restores(repo.trees)


def restores_or_refuses(repo):
    """Each snapshot restores to exactly what it was, or is refused with status 6."""
    refused = 0
    for which, tree in repo.trees.items():
        done = repo.restore(which, expect=None)
        assert done.status in (0, CORRUPT), done
        if done.status == 0:
            assert read_tree(repo.target) == tree
            shutil.rmtree(repo.target)
        else:
            refused += 1
        assert not list(repo.directory.glob("restored*"))
    return refused


def siblings(repo):
    """Pairs of stored files of the same kind."""
    names = sorted(repo.stored())
    return [(a, b) for a, b in itertools.combinations(names, 2)
            if a.split("/")[0] == b.split("/")[0]]


def test_files_swapped_with_a_sibling_are_found(quick_two):
    repo = quick_two
    stored = repo.stored()
    for a, b in siblings(repo):
        (repo.repository / a).write_bytes(stored[b])
        (repo.repository / b).write_bytes(stored[a])
        done = repo.run("verify", "--read-data", expect=CORRUPT)
        assert done.err.startswith("sealpoint: ")
        refused = restores_or_refuses(repo)
        assert refused > 0 or a.startswith("ledger/")
        (repo.repository / a).write_bytes(stored[a])
        (repo.repository / b).write_bytes(stored[b])
    repo.assert_restores(repo.trees)


def test_packs_of_the_same_size_swapped_are_found_by_presence_of_mind(quick):
    """Two packs of equal size pass the cheap checks; the sealed header gives them away."""
    repo = quick
    shutil.rmtree(repo.source)
    repo.source.mkdir()
    repo.trees = {}
    for number in range(2):
        (repo.source / "a").write_bytes(os.urandom(1000))
        repo.trees[repo.backup("--full")] = read_tree(repo.source)
    packs = [repo.object_path(repo.manifest(which)["objects"][0]["id"]) for which in repo.trees]
    one, other = (pack.read_bytes() for pack in packs)
    assert len(one) == len(other)
    packs[0].write_bytes(other)
    packs[1].write_bytes(one)
    repo.run("verify")  # sizes and presence are right
    assert repo.run("verify", "--read-data", expect=CORRUPT).err.count("SHA-256") == 2
    repo.run("verify", "--decrypt", expect=CORRUPT)
    assert restores_or_refuses(repo) == 2


def test_each_deleted_file_is_found_and_named(quick_two):
    repo = quick_two
    for name, content in repo.stored().items():
        (repo.repository / name).unlink()
        done = repo.run("verify", expect=CORRUPT)
        # Of a missing record what follows is named: it has no ground any more.
        assert name in done.err or name.startswith("ledger/") and (
            name.split("/")[1] in done.err or "its genesis record is missing" in done.err
            or "the enrolment is missing" in done.err)
        restores_or_refuses(repo)
        (repo.repository / name).write_bytes(content)
    repo.assert_restores(repo.trees)


def test_a_missing_object_refuses_those_snapshots_only_that_need_it(quick_two):
    repo = quick_two
    first, second = repo.trees
    needed = [{entry["id"] for entry in repo.manifest(which)["objects"]} for which in repo.trees]
    new = min(needed[1] - needed[0])  # one for each worker that found something
    repo.object_path(new).unlink()
    done = repo.restore(second, expect=CORRUPT)
    assert f"object data/{new[:2]}/{new}: it is missing from the repository" in done.err
    repo.assert_restores({first: repo.trees[first]})


def replace_tree(directory, files):
    shutil.rmtree(directory)
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)


COMMANDS = (["verify"], ["snapshots"], ["show", "latest"], ["ls", "latest"], ["key", "rewrap"])


def test_an_old_state_of_the_repository_put_back_is_found(quick):
    repo = quick
    repo.trees = {repo.backup(): read_tree(repo.source)}
    old = repo.stored()
    (repo.source / "new").write_text("new")
    repo.trees[repo.backup()] = read_tree(repo.source)
    new = repo.stored()
    replace_tree(repo.repository, old)
    for command in (*COMMANDS, ["backup", repo.source], ["restore", "latest", "--to", repo.target]):
        done = repo.run(*command, expect=CORRUPT)
        assert "rolled back" in done.err or "missing" in done.err, done.err
    assert repo.stored() == old
    assert not repo.target.exists()
    replace_tree(repo.repository, new)
    repo.assert_restores(repo.trees)


def test_an_old_record_put_back_under_the_newest_name_is_found(quick_two):
    repo = quick_two
    records = repo.records()
    newest = records[-1].read_bytes()
    for record in records[:-1]:
        records[-1].write_bytes(record.read_bytes())
        repo.run("verify", expect=CORRUPT)
    records[-1].write_bytes(newest)
    # A copy of a record under a name that is not taken yet is no record either.
    for number in (len(records), len(records) + 7):
        extra = records[-1].with_name(f"{number:016x}.json")
        extra.write_bytes(newest)
        for command in COMMANDS:
            repo.run(*command, expect=CORRUPT)
        extra.unlink()
    repo.assert_restores(repo.trees)


@pytest.fixture
def other(quick_two):
    """Another repository, of the same source, as large as the first."""
    directory = quick_two.directory / "other"
    directory.mkdir()
    made = Sealpoint(directory, unencrypted=True)
    made.init()
    shutil.copytree(quick_two.source, made.source, symlinks=True)
    made.backup()
    return made


def test_objects_of_another_repository_under_our_names_are_found(quick_two, other):
    repo = quick_two
    theirs = other.stored()
    for name, content in repo.stored().items():
        kind = name.split("/")[0]
        for their_name in (their for their in theirs if their.split("/")[0] == kind):
            if kind == "ledger" and name.split("/")[2] != their_name.split("/")[2]:
                continue
            is_refused(repo, name, theirs[their_name], "verify", "--read-data")
    repo.assert_restores(repo.trees)


def test_another_repository_in_the_place_of_ours_is_found(quick_two, other):
    repo = quick_two
    ours = repo.stored()
    replace_tree(repo.repository, other.stored())
    for command in (*COMMANDS, ["backup", repo.source], ["restore", "latest", "--to", repo.target]):
        done = repo.run(*command, expect=CORRUPT)
        assert fingerprint_of(other) in done.err, done.err
    assert not repo.target.exists()
    assert repo.stored() == other.stored()
    # A machine that sees it for the first time takes its word only when it is told to.
    new = ["--state-dir", repo.directory / "new-machine"]
    done = repo.run("snapshots", *new, "--fingerprint", "00" * 32, expect=CORRUPT)
    assert "fingerprint" in done.err
    done = repo.run("snapshots", *new, "--trust-new")
    assert f"its fingerprint is {fingerprint_of(other)}" in done.err
    replace_tree(repo.repository, ours)
    repo.assert_restores(repo.trees)


def test_a_flipped_keyring_is_refused(tiny):
    path = tiny.keyring
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(flipped(at, content))
        done = tiny.run("restore", "latest", "--to", tiny.target, expect=None)
        assert done.status == CORRUPT, f"{at}: {done}"
        assert str(path) in done.err
        assert not list(tiny.directory.glob("restored*"))
    path.write_bytes(content)
    tiny.assert_restores(tiny.trees)


def test_a_damaged_state_never_makes_a_wrong_snapshot(tiny):
    """What the disk did to caches and trust is noticed, or costs time, but never data."""
    state = tiny.state_directory()
    for path in sorted(path for path in state.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for at in range(0, len(content), 1 + len(content) // 10):
            path.write_bytes(flipped(at, content))
            twin = tiny.copy(tiny.directory.parent / "twin")
            done = twin.run("backup", twin.source, expect=None)
            assert done.status in (0, CORRUPT, 1, 2, 7), f"{path} {at}: {done}"
            path.write_bytes(content)
            twin.forget()
            twin.run("verify", "--decrypt")
            for which in twin.ids():
                twin.restore(which)
                assert read_tree(twin.target) == read_tree(twin.source)
                shutil.rmtree(twin.target)
            shutil.rmtree(twin.directory)

"""Who may write: root apart from writers, roles, requests, revocations, and what the thief of a
writer's key tries with it."""

import hashlib
import json
import shutil
import time

import pytest

from conftest import CORRUPT, FAILED, KEY_INVALID, KEY_UNREACHABLE, USAGE, Sealpoint, read_tree
from reader import Reader

FAR = "2099-01-01T00:00:00.000Z"


def both_refuse(repo, *why):
    """The program, here and on a machine that sees it for the first time, and the Python reader."""
    for command in (["snapshots"], ["verify"], ["snapshots", "--trust-new", "--state-dir", repo.directory / "new"]):
        done = repo.run(*command, expect=CORRUPT)
        for part in why:
            assert part in done.err, done.err
    assert Reader(repo.repository, repo.keyring).status() == CORRUPT


def name_of(repo, path):
    return str(path.relative_to(repo.repository))


# --- init ---


def test_init_makes_two_keys_and_says_to_move_roots_away(fast):
    repo = Sealpoint(fast)
    done = repo.init()
    root = repo.state_directory() / "root-key.json"
    assert f"move {root} away from this machine" in done.err and "unencrypted" not in done.err
    assert root.stat().st_mode & 0o7777 == 0o600
    said = json.loads(root.read_text())
    assert said["type"] == "root-key" and said["protection"]["kdf"] == "hkdf"
    genesis, enrolment = repo.payloads()
    assert genesis["rootKey"] == said["publicKey"] != enrolment["publicKey"]
    assert enrolment["roles"] == ["backup", "retention", "keys"]
    assert genesis["algorithms"] == enrolment["algorithms"] == ["ed25519"]
    # Nothing daily needs it.
    root.rename(repo.directory / "usb-root-key.json")
    repo.source.mkdir()
    (repo.source / "a").write_text("something\n")
    repo.backup()
    repo.run("key", "rotate")
    repo.run("key", "rewrap")
    assert all(p["writerId"] != genesis["writerId"] for p in repo.payloads()[2:])


def test_without_a_passphrase_the_root_key_lies_bare_and_that_is_said(fast):
    repo = Sealpoint(fast, unencrypted=True)
    done = repo.init()
    root = repo.state_directory() / "root-key.json"
    assert f"the root key {root} is unencrypted" in done.err
    assert json.loads(root.read_text())["protection"] == {"kdf": "none"}


def test_root_can_have_a_passphrase_of_its_own(fast):
    repo = Sealpoint(fast)
    own = fast / "root-passphrase"
    own.write_text("another four words\n")
    own.chmod(0o600)
    repo.keyring.parent.mkdir()
    repo.passphrase.write_text("four words make one\n")
    repo.run("init", "--root-passphrase-file", own)
    repo.second()
    request = repo.directory / "request.json"
    done = repo.run("writer", "enrol", request, expect=KEY_INVALID)
    assert "the passphrase does not open it" in done.err and "--root-passphrase-file" in done.err
    repo.run("writer", "enrol", request, "--root-passphrase-file", own)


def test_a_passphrase_from_a_descriptor_makes_both(fast):
    repo = Sealpoint(fast)
    repo.keyring.parent.mkdir()
    repo.extra_env = {"SEALPOINT_PASSPHRASE_FILE": "fd:0"}
    repo.run("init", stdin=b"read only once\n")
    repo.second()
    repo.run("writer", "enrol", repo.directory / "request.json", stdin=b"read only once\n")


def test_an_interrupted_init_goes_on_with_the_same_root(fast):
    repo = Sealpoint(fast)
    repo.init()
    genesis, enrolment = repo.records()
    fingerprint = repo.fingerprint()
    root = (repo.state_directory() / "root-key.json").read_bytes()
    enrolment.unlink()
    for name in ("trust.json", "records.jsonl"):
        (repo.state_directory() / name).unlink()
    repo.run("init")
    assert repo.fingerprint() == fingerprint
    assert (repo.state_directory() / "root-key.json").read_bytes() == root
    assert len(repo.records()) == 2 and genesis.exists()


# --- a second machine ---


def test_a_second_machine_gets_a_writer_of_its_own(quick_two):
    repo = quick_two
    trees = dict(repo.trees)
    other = repo.second()
    done = other.run("backup", other.source, expect=USAGE)
    assert "no signing key" in done.err and "`sealpoint writer request`" in done.err
    request = repo.directory / "request.json"
    asked = json.loads(request.read_text().splitlines()[0])
    done = repo.run("writer", "enrol", request)
    assert done.out == f"writer {asked['writerId']} is enrolled with the roles: backup\n"
    (repo.source / "a.txt").write_text("from the second machine\n")
    trees[other.backup()] = read_tree(repo.source)
    (repo.source / "a.txt").write_text("and back on the first\n")
    trees[repo.backup()] = read_tree(repo.source)
    (repo.source / "a.txt").write_text("once more on the second\n")
    trees[other.backup()] = read_tree(repo.source)
    assert repo.ids() == other.ids() == list(trees)
    for machine in (repo, other):
        machine.assert_restores(trees)
        machine.run("verify", "--decrypt")
    assert Reader(repo.repository, repo.keyring).status() == 0
    rows = repo.run("writer", "list", "--json").json
    assert rows["format"] == 1 and rows["totalCount"] == 2
    first, second = rows["results"]
    assert first["roles"] == ["backup", "retention", "keys"] and first["thisMachine"]
    assert second["roles"] == ["backup"] and second["writerId"] == asked["writerId"]
    assert second["head"]["seq"] == 1 and not second["thisMachine"]
    # What its role does not say it cannot do.
    other.run("key", "rotate")
    done = other.run("key", "rewrap", expect=FAILED)
    assert "may sign rewrap records" in done.err


def test_each_machine_compares_with_its_own_snapshots(quick):
    repo = quick
    other = repo.second("backup")
    first, theirs = repo.backup(), other.backup()
    assert repo.show(theirs)["parent"] is None  # files of another machine only look the same
    assert repo.show(repo.backup())["parent"] == first
    assert repo.show(other.backup())["parent"] == theirs


def test_checkpoints_by_several_writers_agree(quick):
    repo = quick
    other = repo.second("backup", "retention")
    for _ in range(17):
        for machine in (repo, other):
            machine.run("key", "disable", "1", "--yes")
            machine.run("key", "enable", "1")
    writers = {p["writerId"] for p in repo.payloads() if p["type"] == "checkpoint"}
    assert writers  # whoever came first past the 8th
    for machine in (repo, other):
        machine.backup()
        machine.run("verify", "--read-data")
    assert Reader(repo.repository, repo.keyring).status() == 0


def test_a_request_for_another_repository_or_with_another_key_is_refused(fast):
    (fast / "a").mkdir(), (fast / "b").mkdir()
    repo, strange = Sealpoint(fast / "a", True), Sealpoint(fast / "b", True)
    repo.init(), strange.init()
    strange.second()
    theirs = strange.directory / "request.json"
    done = repo.run("writer", "enrol", theirs, expect=USAGE)
    assert "it is for another repository" in done.err
    repo.second()
    request = repo.directory / "request.json"
    line, signature = request.read_text().splitlines()
    changed = json.loads(line)
    changed["createdAt"] = FAR
    request.write_text(json.dumps(changed) + "\n" + signature + "\n")
    done = repo.run("writer", "enrol", request, expect=CORRUPT)
    assert "the signature does not fit" in done.err
    assert len(repo.records()) == 2


def test_another_repositorys_root_enrols_nobody(fast):
    (fast / "a").mkdir(), (fast / "b").mkdir()
    repo, strange = Sealpoint(fast / "a", True), Sealpoint(fast / "b", True)
    repo.init(), strange.init()
    repo.second()
    key = strange.state_directory() / "root-key.json"
    done = repo.run("writer", "enrol", repo.directory / "request.json", "--root-key", key,
                    expect=USAGE)
    assert "and the repository's root is " in done.err
    done = repo.run("writer", "enrol", repo.directory / "request.json", "--root-key", "none",
                    expect=5)
    assert "give the root key that init made with --root-key FILE" in done.err


@pytest.mark.parametrize("content", [None, "", "{}", "no request\n", '{"type":"root-key"}\n'])
def test_what_is_no_request_is_told(quick, content):
    repo = quick
    path = repo.keyring if content is None else repo.directory / "request.json"
    if content is not None:
        path.write_text(content)
    done = repo.run("writer", "enrol", path, expect=USAGE)
    assert f"sealpoint: {path} is no request of `sealpoint writer request`: " in done.err
    done = repo.run("writer", "enrol", "none.json", expect=5)
    assert "sealpoint: reading none.json: No such file" in done.err


def test_what_is_no_root_key_is_told(fast):
    repo = Sealpoint(fast)
    repo.init()
    repo.second()
    enrol = ["writer", "enrol", repo.directory / "request.json"]
    done = repo.run(*enrol, "--root-key", repo.keyring, expect=USAGE)
    assert f"sealpoint: {repo.keyring} is not a root key (init makes root-key.json): " in done.err
    done = repo.run(*enrol, "--root-key", "none.json", expect=5)
    assert "sealpoint: reading none.json: No such file" in done.err
    # Its passphrase is not the keyring's: the hint names the option for it.
    repo.extra_env = {"SEALPOINT_PASSPHRASE_FILE": ""}
    for options in ([], ["--no-passphrase"]):
        done = repo.run(*enrol, *options, expect=KEY_UNREACHABLE, before=["setsid", "-w"])
        assert "--root-passphrase-file" in done.err and " --passphrase-file" not in done.err


# --- a stolen key ---


@pytest.mark.parametrize("created", ["now", FAR])
def test_a_stolen_key_ends_no_snapshot_that_has_not_expired(quick_two, created):
    """By its own time and by the reader's clock: the thief signs any time that he likes."""
    repo = quick_two
    stolen = repo.signing_key()
    when = {} if created == "now" else {"createdAt": created}
    path = stolen.put(repo.repository, stolen.next_payload(
        repo.repository, "tombstone", subject=repo.ids()[0], reason="expired", **when))
    both_refuse(repo, name_of(repo, path), "only root may sign that")


def test_a_stolen_key_ends_nothing_that_never_expires(quick):
    repo = quick
    kept = repo.backup("--retain", "never")
    stolen = repo.signing_key()
    path = stolen.put(repo.repository, stolen.next_payload(
        repo.repository, "tombstone", subject=kept, reason="expired", createdAt=FAR))
    both_refuse(repo, name_of(repo, path), f"it ends {kept}, which never expires")


def test_what_has_expired_is_ended_by_a_writer(quick):
    repo = quick
    gone, kept = repo.backup("--retain", "1s"), repo.backup()
    time.sleep(1.1)
    key = repo.signing_key()
    key.put(repo.repository, key.next_payload(
        repo.repository, "tombstone", subject=gone, reason="expired"))
    assert repo.ids() == [kept]
    assert Reader(repo.repository, repo.keyring).status() == 0


def bundle_of(stolen, repo, records, heads):
    """A checkpoint of these records, signed with the stolen key."""
    raw = b"".join(path.read_bytes() for path in records)
    ids = b"".join(hashlib.sha256(path.read_bytes().split(b"\n")[0]).digest() for path in records)
    payload = stolen.next_payload(repo.repository, "checkpoint")
    name = f"checkpoints/{stolen.writer}/{payload['seq']:016x}.jsonl"
    payload.update(heads=heads, expiresAt=None,
                   liveSet={"count": len(records), "sha256": hashlib.sha256(ids).hexdigest()},
                   bundle={"name": name, "size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()})
    (repo.repository / name).parent.mkdir(parents=True, exist_ok=True)
    (repo.repository / name).write_bytes(raw)
    return stolen.put(repo.repository, payload)


def heads_of(repo):
    heads = []
    for chain in sorted((repo.repository / "ledger").iterdir()):
        last = sorted(chain.iterdir())[-1]
        line = last.read_bytes().split(b"\n")[0]
        heads.append({"writerId": chain.name, "seq": json.loads(line)["seq"],
                      "recordId": hashlib.sha256(line).hexdigest()})
    return heads


def test_a_checkpoint_that_leaves_out_what_is_live_is_an_alarm(quick_two):
    repo = quick_two
    stolen, victim = repo.signing_key(), repo.records()[2]
    rest = [path for path in repo.records() if path != victim]
    path = bundle_of(stolen, repo, rest, heads_of(repo))
    both_refuse(repo, name_of(repo, path), "it leaves out what is live")
    # With the record gone, too, a new reader cannot know; whoever has seen it does.
    victim.unlink()
    done = repo.run("snapshots", expect=CORRUPT)
    assert name_of(repo, victim) in done.err
    assert "it was seen before, nothing has ended it, and now it is gone" in done.err
    repo.run("verify", expect=CORRUPT)
    repo.run("restore", "latest", "--to", repo.target, expect=CORRUPT)


def test_a_checkpoint_that_names_an_end_that_never_was_is_an_alarm(quick_two):
    """Believed, it would push another machine's chain out of reach, and cover what it never saw."""
    repo = quick_two
    repo.second("backup").backup()
    stolen = repo.signing_key()
    heads = heads_of(repo)
    (theirs,) = [h for h in heads if h["writerId"] != stolen.writer and h["seq"] == 0]
    theirs.update(seq=1000, recordId="00" * 32)
    bundle_of(stolen, repo, repo.records(), heads)
    both_refuse(repo, f"ledger/{theirs['writerId']}/00000000000003e8.json: it is missing, and was "
                      "here when a checkpoint was made")


def test_a_tombstone_and_a_checkpoint_together_hide_nothing_that_was_seen(quick_two):
    """The subject is gone, so its date cannot be read in the store any more."""
    repo = quick_two
    stolen, victim = repo.signing_key(), repo.records()[2]
    path = stolen.put(repo.repository, stolen.next_payload(
        repo.repository, "tombstone", subject=repo.ids()[0], reason="expired"))
    bundle_of(stolen, repo, [p for p in repo.records() if p != victim], heads_of(repo))
    victim.unlink()
    done = repo.run("snapshots", expect=CORRUPT)
    assert name_of(repo, path) in done.err and "only root may sign that" in done.err


@pytest.mark.parametrize("kind", ["drill", "snapshot"])
def test_a_record_replaced_below_a_hole_is_an_alarm_for_who_has_seen_it(quick, kind):
    """What has expired is deleted by right; behind that hole, no "prev" tells what was before it."""
    repo = quick
    repo.backup("--retain", "never")
    (repo.source / "a.txt").write_text("expires\n")
    expired = repo.backup("--retain", "1s", "--full")
    (repo.source / "a.txt").write_text("stays\n")
    repo.backup("--full")
    time.sleep(1.1)
    stolen = repo.signing_key()
    first, hole = sorted((repo.repository / "ledger" / stolen.writer).iterdir())[:2]
    stolen.put(repo.repository, stolen.next_payload(
        repo.repository, "tombstone", subject=expired, reason="expired"))
    auditor = Sealpoint(repo.directory, unencrypted=repo.unencrypted)  # who only ever verifies
    auditor.state = repo.directory / "state-auditor"
    auditor.run("verify", "--fingerprint", repo.fingerprint())
    was = json.loads(first.read_bytes().split(b"\n")[0])
    common = ("format", "repositoryId", "writerId", "seq", "prev", "createdAt")
    forged = {name: was[name] for name in common} if kind == "drill" else dict(was)
    forged.update({"type": "drill"} if kind == "drill" else {"expiresAt": was["createdAt"]})
    stolen.put(repo.repository, forged)
    bundle_of(stolen, repo, [path for path in repo.records() if path != hole], heads_of(repo))
    hole.unlink()
    for machine, *command in ((repo, "snapshots"), (repo, "verify"), (repo, "status"),
                              (repo, "backup", repo.source), (auditor, "verify")):
        done = machine.run(*command, expect=CORRUPT)
        assert (f"{name_of(repo, first)}: another record was seen here before: it was replaced, "
                "and its writer may have been taken over") in done.err


def test_a_stolen_key_cannot_erase_its_own_revocation(quick_two):
    repo = quick_two
    stolen = repo.signing_key()
    mine = next(w for w in repo.run("writer", "list", "--json").json["results"] if w["thisMachine"])
    repo.run("writer", "revoke", mine["writerId"], "--yes")
    revocation = repo.records()[-1]
    assert json.loads(revocation.read_text().splitlines()[0])["lastRecordId"]
    done = repo.run("backup", repo.source, expect=USAGE)
    assert "was revoked: it can verify and restore, but not back up" in done.err
    # Refused while it stands there ...
    later = stolen.put(repo.repository, stolen.next_payload(
        repo.repository, "keyState", verdict="VALID"))
    both_refuse(repo, name_of(repo, later), "its writer had been revoked by then")
    later.unlink()
    # ... and not forgotten because a checkpoint by the same key covers it.
    path = bundle_of(stolen, repo, repo.records(), heads_of(repo))
    revocation.unlink()
    done = repo.run("snapshots", "--trust-new", "--state-dir", repo.directory / "new", expect=CORRUPT)
    assert name_of(repo, revocation) in done.err
    path.unlink()


def test_a_chain_forked_below_its_revocation_is_refused(quick_two):
    """The thief writes the past anew, with the numbers that the revocation lets count."""
    repo = quick_two
    stolen = repo.signing_key()
    first, last = repo.records()[2:]
    repo.run("writer", "revoke", stolen.writer, "--yes")
    shutil.copytree(repo.repository, repo.directory / "kept")
    forged = json.loads(first.read_text().splitlines()[0])
    forged["description"] = "not what it was"
    first.unlink()
    stolen.put(repo.repository, forged)
    new = ["--trust-new", "--state-dir", repo.directory / "new"]
    done = repo.run("snapshots", *new, expect=CORRUPT)
    assert name_of(repo, last) in done.err and "one of them was replaced" in done.err
    second = json.loads(last.read_text().splitlines()[0])
    last.unlink()
    path = stolen.put(repo.repository, {**second, **{
        key: stolen.next_payload(repo.repository, "snapshot")[key] for key in ("prev", "seq")}})
    done = repo.run("snapshots", *new, expect=CORRUPT)
    assert name_of(repo, path) in done.err and "the chain was forked" in done.err
    assert Reader(repo.repository, repo.keyring).status() == CORRUPT


def test_after_a_theft_the_last_good_record_is_named(quick_two):
    repo = quick_two
    stolen = repo.signing_key()
    forged = stolen.put(repo.repository, stolen.next_payload(
        repo.repository, "keyState", verdict="INVALID"))
    done = repo.run("writer", "revoke", stolen.writer, "--last", 1, "--yes")
    assert f"{name_of(repo, forged)} and what follows it" in done.err
    done = repo.run("snapshots", expect=CORRUPT)
    assert name_of(repo, forged) in done.err
    assert "look at it, then remove it" in done.err
    forged.unlink()
    assert len(repo.ids()) == 2  # though this machine has seen what was taken back
    assert Reader(repo.repository, repo.keyring).status() == 0


def test_an_edited_second_line_is_refused(quick_two):
    """It is covered by no digest, and jq reads it as readily as the first."""
    repo = quick_two
    record = repo.records()[-1]
    line, signatures = record.read_bytes().splitlines()
    for edited in (signatures[:-1] + b',"masterKey":{"keyVersion":"9"}}',
                   b'{"masterKey":null,' + signatures[1:],
                   signatures.replace(b":", b": ", 1), signatures[:-1] + b" }",
                   signatures.replace(b"]}", b',{"alg":"none"}]}')):
        record.write_bytes(line + b"\n" + edited + b"\n")
        both_refuse(repo, name_of(repo, record))
    record.write_bytes(line + b"\n" + signatures + b"\n")
    repo.run("verify")


def test_another_root_cannot_take_over_a_repositorys_id(fast):
    """Genuine envelopes in a ledger of one's own: their context has the id of the true root."""
    (fast / "a").mkdir(), (fast / "b").mkdir()
    repo, false = Sealpoint(fast / "a", True), Sealpoint(fast / "b", True)
    repo.init(), false.init()
    true = repo.payloads()[0]
    root = false.signing_key("root-key.json")
    for path, payload in zip(false.records(), false.payloads()):
        payload["repositoryId"] = true["repositoryId"]
        if payload["type"] == "genesis":
            payload["nonce"] = true["nonce"]
        else:
                    payload["prev"] = hashlib.sha256(
                false.records()[0].read_bytes().split(b"\n")[0]).hexdigest()
        path.unlink()
        root.put(false.repository, payload)
    done = false.run("snapshots", "--trust-new", "--state-dir", fast / "new", expect=CORRUPT)
    assert "its repositoryId is not the one of its root key" in done.err
    assert Reader(false.repository, false.keyring).status() == CORRUPT

"""What an auditor without keys does: the report of a verify, a machine and a user of his own."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import (ATTENTION, CORRUPT, FAILED, KEY_UNREACHABLE, ROOT, SEALPOINT, STORAGE, make,
                      pattern)

GROUP = 48151  # nobody's


def report(repo, *args, **options):
    path = repo.directory / "report.json"
    done = repo.run("verify", "--report", path, *args, **options)
    return done, json.loads(path.read_text())


def test_a_plain_verify_says_that_it_looked_at_presence_and_sizes_only(quick_two):
    repo = quick_two
    ends = {(): "no damage; presence and sizes only\n",
            ("--read-data",): "no damage; all stored bytes were read\n",
            ("--read-data", "--sample", "50%"): "no damage; a sample was read\n",
            ("--decrypt",): "no damage; all blocks were read and compared\n"}
    for args, end in ends.items():
        assert repo.run("verify", *args).out.endswith(end)


def test_the_report_says_what_was_verified_when_and_how_deep(quick_two):
    repo = quick_two
    done, found = report(repo)
    assert done.out.endswith("presence and sizes only\n")
    assert (found["format"], found["verdict"], found["depth"]) == (1, "sound", "presence")
    assert found["version"] in repo.run("version").out
    assert found["verifiedAt"] > repo.snapshots()[-1]["createdAt"]
    assert found["fingerprint"] == repo.fingerprint()
    assert found["complete"] is True and found["samplePercent"] == 100
    assert found["damage"] == [] and found["deleted"] == []
    assert [(of["id"], of["recordId"], of["verdict"]) for of in found["snapshots"]] == [
        (of["id"], of["recordId"], "sound") for of in repo.snapshots()]
    ends = {path.parent.name: int(path.stem, 16) for path in repo.records()}
    assert {head["writerId"]: head["seq"] for head in found["heads"]} == ends
    assert report(repo, "--read-data", "--sample", "7%")[1]["samplePercent"] == 7
    assert report(repo, "--decrypt")[1]["depth"] == "decrypt"
    assert oct((repo.directory / "report.json").stat().st_mode & 0o777) == "0o600"


def test_there_is_one_form_of_report(quick_two):
    """What is printed and what is kept are the same, and either is what --heads compares with."""
    repo = quick_two
    done, kept = report(repo, "--json")
    assert done.json == kept
    printed = repo.directory / "printed.json"
    printed.write_text(done.out)
    for earlier in (printed, repo.directory / "report.json"):
        repo.run("verify", "--state-dir", repo.directory / f"new-{earlier.stem}", "--heads", earlier)
    # One file for both: it is read before it is written.
    path = repo.directory / "report.json"
    repo.backup()
    repo.run("verify", "--heads", path, "--report", path)
    assert len(json.loads(path.read_text())["snapshots"]) == 3


def test_damage_names_the_snapshots_that_it_touches(quick_two):
    repo = quick_two
    first, second = repo.ids()
    shared = repo.object_path(repo.manifest(first)["objects"][0]["id"])
    assert shared.name in [of["id"] for of in repo.manifest(second)["objects"]]
    content = shared.read_bytes()
    shared.unlink()
    name = str(shared.relative_to(repo.repository))
    done, found = report(repo, expect=CORRUPT)
    assert f"\ndamaged: {name}, of {first}, {second}\n" in done.out
    (damage,) = found["damage"]
    assert (damage["name"], damage["verdict"]) == (name, "damaged")
    assert "is missing" in damage["reason"] and damage["snapshots"] == [first, second]
    assert [of["verdict"] for of in found["snapshots"]] == ["damaged"] * 2
    assert found["verdict"] == "damaged"
    shared.write_bytes(content)
    # What is the first one's alone touches it alone; its manifest is its end.
    lost = repo.repository / "manifests" / f"{first}.json"
    lost.write_bytes(lost.read_bytes()[:-1])
    done, found = report(repo, "--read-data", expect=CORRUPT)
    assert f"\ndamaged: manifests/{first}.json, of {first}\n" in done.out
    assert [of["verdict"] for of in found["snapshots"]] == ["lost", "sound"]
    assert [of["snapshots"] for of in found["damage"]] == [[first]]


def test_of_many_snapshots_the_first_are_named_and_the_report_has_all(quick):
    repo = quick
    ids = [repo.backup() for _ in range(10)]
    shared = repo.object_path(repo.manifest(ids[0])["objects"][0]["id"])
    shared.unlink()
    done, found = report(repo, expect=CORRUPT)
    assert f", {ids[7]} and 2 more\n" in done.out and ids[8] not in done.out.split("\ndamaged: 10")[0]
    assert found["damage"][0]["snapshots"] == ids


def test_what_no_key_opened_is_not_called_sound(quick_two):
    repo = quick_two
    repo.keyring.unlink()
    pathlib.Path(f"{repo.keyring}.previous").unlink(missing_ok=True)
    _, found = report(repo, "--decrypt", expect=KEY_UNREACHABLE)
    assert found["verdict"] == "notDecrypted"
    assert [of["verdict"] for of in found["snapshots"]] == ["notDecrypted"] * 2


def test_a_report_that_cannot_be_written_leaves_the_older_one_and_is_a_failure(quick_two):
    repo = quick_two
    place = repo.directory / "reports"
    place.mkdir()
    done = repo.run("verify", "--report", place, expect=None)
    assert done.status not in (0, ATTENTION) and f"writing the report {place}" in done.err
    done = repo.run("verify", "--report", place / "none" / "report.json", expect=FAILED)
    assert "writing the report" in done.err
    kept = place / "report.json"
    kept.write_text("an older one")
    shutil.rmtree(repo.repository / "ledger")
    assert repo.run("verify", "--report", kept, expect=None).status != 0
    assert kept.read_text() == "an older one"


@pytest.fixture
def shared(fast):
    """A repository whose directory a group may read, and the program where it may be run."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    fast.chmod(0o711)
    repository = fast / "repository"
    repository.mkdir()
    os.chown(repository, 0, GROUP)
    repository.chmod(0o2750)
    repo = make(fast, unencrypted=True)
    repo.backup()
    (repo.source / "new").write_bytes(pattern(30_000, 7))
    repo.backup()
    repo.run("key", "rotate")
    repo.run("key", "rewrap")
    return repo


def as_auditor(repo, *args, groups=str(GROUP), program=None):
    home = repo.directory / "auditor"
    if not home.exists():
        home.mkdir()
        os.chown(home, 65534, 65534)
    copy = repo.directory / "sealpoint"
    if not copy.exists():
        shutil.copy(SEALPOINT, copy)
        copy.chmod(0o755)
    return subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", f"--groups={groups}", program or copy,
         *map(str, args)],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "SEALPOINT_REPOSITORY": str(repo.repository)},
        cwd=home, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)


def test_an_auditor_of_the_group_verifies_all_and_writes_nothing(shared):
    repo = shared
    before = repo.stored()
    pinned = ["--fingerprint", repo.fingerprint()]
    for args in (["verify", "--read-data", "--report", "report.json", *pinned], ["snapshots"],
                 ["verify", "--heads", "report.json"], ["status"]):
        done = as_auditor(repo, *args)
        assert done.returncode == 0, done.stderr
    found = json.loads((repo.directory / "auditor" / "report.json").read_text())
    assert [of["verdict"] for of in found["snapshots"]] == ["sound"] * 2
    assert repo.stored() == before
    for path in repo.repository.rglob("*"):
        if path.name != "tmp":
            of = path.stat()
            assert (of.st_gid, of.st_mode & 0o777) == (GROUP, 0o750 if path.is_dir() else 0o640)


def blocks_of_the_page():
    """The shell blocks of docs/AUDIT.md: (what stands behind ```sh, text)."""
    page = (ROOT / "docs" / "AUDIT.md").read_text()
    return [(kind.strip(), text) for kind, text in re.findall(r"^```sh(.*)\n((?:.*\n)*?)```$", page, re.M)]


def test_the_page_for_auditors_says_what_happens(fast):
    """Every command of docs/AUDIT.md, as the auditor types it: before and after a deletion, a
    rotation and a rewrap."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    fast.chmod(0o711)
    repo = make(fast, unencrypted=True)
    ids = [repo.backup(), repo.backup()]
    blocks = blocks_of_the_page()
    assert [kind for kind, _ in blocks] == ["operator"] + [""] * 7
    texts = [text.replace("/srv/backup", str(repo.repository)).replace("auditors", str(GROUP))
             .replace("FINGERPRINT", repo.fingerprint()) for _, text in blocks]
    subprocess.run(["sh", "-ec", texts[0]], check=True, timeout=60)

    def visit(*parts):
        script = f"PATH={repo.directory}:$PATH\n" + "\necho ====\n".join(parts)
        done = as_auditor(repo, "-euo", "pipefail", "-c", script, program="bash")
        assert done.returncode == 0, done.stderr
        return done.stdout.split("====\n")

    looked, said = visit(texts[1], texts[2])
    assert "no damage; all stored bytes were read" in looked and ids[1] in looked
    assert '"verdict": "sound"' in said and f"{ids[0]}\t" in said and said.endswith("[]\n")

    root = repo.signing_key("root-key.json")
    root.put(repo.repository, root.next_payload(repo.repository, "tombstone", subject=ids[0],
                                                reason="no longer wanted")).chmod(0o640)
    repo.run("key", "rotate")
    repo.run("key", "rewrap")
    later, depths, record, digests, rewrapped = visit(*texts[3:])
    assert f'"subject": "{ids[0]}"' in later and '< ' in later
    assert "presence and sizes only" in depths and "a sample was read" in depths
    assert f'"id": "{ids[1]}"' in record and '"keyVersion": "1"' in record
    assert "null,\n" not in record.split("}\n{")[-1].replace('"prev": null', "")
    of_line, named, of_manifest, signed = digests.splitlines()
    assert of_line.split()[0] == named and of_manifest.split()[0] == signed
    versions = [json.loads(line) for line in rewrapped.splitlines()]
    assert [key["keyVersion"] for key in versions[:2]] == ["1", "2"]
    assert [(of["type"], of["masterKey"], of["replaces"]) for of in versions[2:]] == [
        ("snapshot", "1", None), ("rewrap", "2", "1")]


def test_others_than_the_group_see_nothing(shared):
    done = as_auditor(shared, "verify", "--fingerprint", shared.fingerprint(), groups="65534")
    assert done.returncode == STORAGE and done.stdout == ""
    assert f"{shared.repository} cannot be reached: Permission denied" in done.stderr

"""What people meet every day: a quiet job, a job that says how it is doing, hints that help, lists
that say when and who."""

import re
import signal
import subprocess
import time

import pytest

from conftest import CORRUPT, KEY_INVALID, USAGE, make, pattern, read_tree

NOTHING = ""
STRANGE = ["s3://bucket/path", "s3:host/bucket", "sftp:host:/srv", "gs:bucket:/", "rclone:x:y",
           "https://host/x", "file:///srv/backup", "azure:container:/", "unknown://x"]


def test_quiet_prints_nothing_when_all_goes_well(quick):
    repo = quick
    repo.run("writer", "list")
    for command in (["backup", repo.source], ["verify"], ["verify", "--read-data"],
                    ["verify", "--decrypt"], ["restore", "latest", "--to", repo.target, "--dry-run"],
                    ["restore", "latest", "--to", repo.target], ["key", "check"], ["key", "rotate"],
                    ["key", "rewrap", "--dry-run"], ["key", "rewrap"]):
        done = repo.run(*command, "--quiet")
        assert (done.out, done.err) == (NOTHING, NOTHING), command
    # What was asked for comes all the same.
    assert repo.ids()[0] in repo.run("snapshots", "--quiet").out
    assert repo.run("backup", repo.source, "--quiet", "--json").json["id"] == repo.ids()[-1]
    assert repo.run("cat", "latest", "a.txt", "--quiet").out == (repo.source / "a.txt").read_text()


def test_quiet_says_all_when_it_does_not_go_well(quick_two):
    repo = quick_two
    repo.objects()[0].unlink()
    done = repo.run("verify", "--quiet", expect=CORRUPT)
    assert "\ndamaged: " in done.out and "missing" in done.err
    repo.run("key", "disable", 1, "--yes")
    done = repo.run("key", "check", "--quiet", expect=KEY_INVALID)
    assert "INVALID" in done.out


def test_a_summary_says_how_long_it_took_and_how_fast(quick):
    repo = quick
    pace = r", in \d+\.\d s, \d+(\.\d)? [KMG]?i?B/s\n"
    assert re.search(pace, repo.run("backup", repo.source).out)
    assert re.search(pace, repo.restore().out)
    assert re.search(r"\nverified in \d+\.\d s, \S+ [KMG]?i?B/s\n", repo.run("verify", "--read-data").out)
    assert re.search(r"\nverified in \d+\.\d s\n", repo.run("verify").out)
    for command in (["backup", repo.source], ["verify"],
                    ["restore", "latest", "--to", repo.directory / "again"]):
        assert 0 <= repo.run(*command, "--json").json["elapsedMs"] < 60_000


def test_a_signal_asks_how_far_it_is(quick):
    """It comes while a stream is read, which has no end yet; also when nothing else is to be said."""
    child = quick.start("backup", "-", "--quiet", stdin=subprocess.PIPE)
    child.stdin.write("x" * 5_000_000)
    child.stdin.flush()
    deadline = time.monotonic() + 60
    line = ""
    while "MiB" not in line and time.monotonic() < deadline:
        time.sleep(0.1)
        child.send_signal(signal.SIGUSR1)
        line = child.stderr.readline()
    assert re.match(r"sealpoint: backup: [2-4]\.\d MiB, 0 files", line), line
    child.stdin.close()
    assert child.wait(60) == 0
    # Where nothing is counted it does not end the program.
    child = quick.start("cat", "latest", "stream")
    first = child.stdout.read(1)
    child.send_signal(signal.SIGUSR1)
    assert len(first + child.stdout.read()) == 5_000_000 and child.wait(60) == 0


@pytest.mark.parametrize("where", STRANGE)
def test_a_store_that_there_is_not_is_refused(quick, where):
    repo = quick
    before = sorted(repo.directory.rglob("*"))
    for command in (["init"], ["snapshots"], ["backup", repo.source]):
        done = repo.run(*command, "--repository", where, expect=USAGE, cwd=repo.directory)
        assert done.err.startswith(
            f"sealpoint: {where}: this release keeps a repository in a directory only; "
            "object stores are not there yet\n")
        assert "init" not in done.err
    config = repo.directory / "sealpoint.yaml"
    config.write_text(f"repository: {where}\n")
    env = {name: value for name, value in repo.env().items() if name != "SEALPOINT_REPOSITORY"}
    done = subprocess.run(repo.command("snapshots", "--config", config), env=env, check=False,
                          capture_output=True, text=True)
    assert done.returncode == USAGE and done.stderr.startswith(f"sealpoint: {where}: this release")
    config.unlink()
    assert sorted(repo.directory.rglob("*")) == before


def test_a_directory_that_looks_like_another_store_is_named_as_a_path(quick):
    repo = quick
    repo.run("init", "--repository", "./s3:b", cwd=repo.directory)
    assert (repo.directory / "s3:b" / "ledger").is_dir()


def test_a_fingerprint_is_taken_in_any_case(quick_two):
    repo = quick_two
    upper = repo.fingerprint().upper()
    new = ["--state-dir", repo.directory / "new"]
    repo.run("snapshots", "--fingerprint", upper, *new)
    repo.extra_env["SEALPOINT_FINGERPRINT"] = upper
    repo.run("verify")
    done = repo.run("snapshots", "--fingerprint", "ab" * 32, expect=CORRUPT)
    assert f"its fingerprint is {repo.fingerprint()}, and not {'ab' * 32}" in done.err


def test_how_long_a_snapshot_is_kept(quick):
    repo = quick
    for wrong, why in {"7": "has no unit", "0d": "is no time at all: say never for no end",
                       "5m": "may be minutes or months: say min or mo", "soon": "is not a duration"}.items():
        done = repo.run("backup", repo.source, "--retain", wrong, expect=USAGE)
        assert f'--retain: "{wrong}" {why}' in done.err
    repo.extra_env["SEALPOINT_RETAIN"] = "2mo"
    repo.backup()
    repo.backup("--retain", "never")
    first, _ = repo.snapshots()
    day = 86400
    parsed = [time.mktime(time.strptime(first[name][:19], "%Y-%m-%dT%H:%M:%S"))
              for name in ("createdAt", "expiresAt")]
    assert abs(parsed[1] - parsed[0] - 62 * day) < 10
    head, *rows = repo.run("snapshots").out.splitlines()
    assert head.split("  ")[2].strip() == "EXPIRES (UTC)" or "EXPIRES (UTC)" in head
    assert first["expiresAt"][:19].replace("T", " ") in rows[0] and "  never  " in rows[1]
    config = repo.directory / "sealpoint.yaml"
    config.write_text("retain: 3y\n")
    del repo.extra_env["SEALPOINT_RETAIN"]
    repo.backup("--config", config)
    assert int(repo.snapshots()[-1]["expiresAt"][:4]) - int(repo.snapshots()[-1]["createdAt"][:4]) == 3
    config.write_text("retain: 7\n")
    done = repo.run("backup", repo.source, "--config", config, expect=USAGE)
    assert 'line 1: retain: "7" has no unit' in done.err


def test_lists_say_who_wrote_what_where_several_do(quick_two):
    repo = quick_two
    assert "WRITER" not in repo.run("snapshots").out
    other = repo.second("backup")
    theirs = other.backup()
    for command in (["snapshots"], ["key", "impact", "1"]):
        head, *rows = repo.run(*command).out.splitlines()
        assert " WRITER " in head
        writers = {of["id"]: of.get("writerId") for of in repo.snapshots()}
        assert len(set(writers.values())) == 2 and theirs in writers
        for row in rows:
            assert f"  {writers[row.split()[0]]}" in row
    assert f"\nwriter         {writers[theirs]}\n" in repo.run("show", theirs).out


@pytest.fixture
def escrowed(fast):
    """Two master keys, and a snapshot that both open."""
    repo = make(fast, unencrypted=True)
    escrow = repo.directory / "escrow" / "keyring.json"
    escrow.parent.mkdir()
    config = repo.directory / "sealpoint.yaml"
    config.write_text(f"masterKey:\n  - {{provider: file, path: {repo.keyring}}}\n"
                      f"  - {{provider: file, path: {escrow}}}\n")
    repo.extra_env = {"SEALPOINT_CONFIG": str(config)}
    repo.run("key", "create", "--key", 1)
    repo.backup()
    repo.escrow = escrow
    return repo


HINT = "\n  `--envelope 1` opens it by another master key\n"


@pytest.mark.parametrize("how", ["disabled", "gone"])
def test_the_escrow_is_named_when_it_would_open(escrowed, how):
    repo = escrowed
    reading = (["restore", "latest", "--to", repo.target], ["ls", "latest"], ["cat", "latest", "a.txt"],
               ["export", "latest"], ["verify", "--decrypt"], ["ls", "latest", "--json"])
    if how == "disabled":
        repo.run("key", "disable", 1, "--yes")
    else:
        repo.keyring.unlink()
        repo.keyring.with_name("keyring.json.previous").unlink(missing_ok=True)
    for command in reading:
        done = repo.run(*command, expect=None)
        assert done.status in (3, 4) and HINT in done.err, command
        repo.run(*command, "--envelope", "1")
    assert read_tree(repo.target) == read_tree(repo.source)
    # One that does not open is not named.
    repo.run("key", "disable", 1, "--key", 1, "--yes", expect=None)
    for command in reading[1:]:
        assert "--envelope 1" not in repo.run(*command, expect=None).err, command


def test_one_key_has_no_escrow(quick_two):
    quick_two.run("key", "disable", 1, "--yes")
    assert "--envelope 1" not in quick_two.run("ls", "latest", expect=KEY_INVALID).err

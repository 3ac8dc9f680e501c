"""The command line as scripts and people meet it: JSON of every listing, standard output apart
from standard error, statuses, help, configuration file and environment."""

import json
import os
import signal
import subprocess

import pytest

import shim
from conftest import KEY_UNREACHABLE, NOT_FOUND, SEALPOINT, USAGE, Sealpoint, pattern, read_tree


def test_every_json_is_one_document_of_format_1(quick_two):
    repo = quick_two
    lists = (["snapshots"], ["show", "latest"], ["ls", "latest"], ["ls", "latest", "deep"],
             ["key", "status"], ["key", "check"], ["key", "impact", "1"])
    for command in lists:
        done = repo.run(*command, "--json")
        assert done.err == "", command
        assert done.json["format"] == 1, command
        assert done.json["totalCount"] == len(done.json["results"]) > 0, command
        assert list(done.json) == ["format", "totalCount", "results"], command
    singles = (["verify"], ["verify", "--read-data"], ["verify", "--decrypt"], ["backup", "source"],
               ["restore", "latest", "--to", "restored"], ["key", "rewrap", "--dry-run"],
               ["key", "rotate"], ["key", "disable", "1", "--yes"], ["key", "enable", "1"],
               ["key", "schedule-deletion", "1", "--yes"], ["key", "cancel-deletion", "1"])
    for command in singles:
        done = repo.run(*command, "--json", cwd=repo.directory)
        assert done.json["format"] == 1, command
    config = repo.run("config", "--json")
    assert config.json["format"] == 1
    assert config.json["totalCount"] == len(config.json["results"])


def test_json_of_a_failure_is_no_output_and_a_word_on_standard_error(quick_two):
    done = quick_two.run("show", "ffffffff", "--json", expect=NOT_FOUND)
    assert done.out == "" and done.err.startswith("sealpoint: ")


def test_the_recorded_key_version_is_read_with_head_and_jq(quick_two):
    repo = quick_two
    shown = subprocess.run(f"head -1 '{repo.records()[2]}' | jq .masterKey", shell=True,
                           capture_output=True, check=True)
    key = json.loads(shown.stdout)
    assert key["provider"] == "file" and key["keyVersion"] == "1"
    assert key == repo.snapshots()[0]["masterKey"]


def test_descriptions_and_expiry_are_kept(quick):
    repo = quick
    repo.backup("--description", "before the upgrade – ümlaut", "--retain", "2w")
    repo.backup("--retain", "never")
    first, second = repo.snapshots()
    assert first["description"] == "before the upgrade – ümlaut"
    assert first["expiresAt"] > first["createdAt"] and second["expiresAt"] is None
    assert "before the upgrade – ümlaut" in repo.run("snapshots").out
    assert second["description"] is None


def test_a_snapshot_is_named_by_the_first_digits_that_are_its_own(quick_two):
    repo = quick_two
    for which in repo.ids():
        assert repo.show(which[:20])["id"] == which
    assert repo.show("latest")["id"] == repo.ids()[-1]
    assert repo.run("show", "6", expect=None).status in (USAGE, NOT_FOUND)
    repo.run("show", "not hex", expect=None)


@pytest.mark.parametrize("command", [
    ["restore"], ["restore", "latest"], ["nonsense"], ["backup", "a", "b"],
    ["restore", "latest", "--to", "x", "--nonsense"], ["verify", "--sample", "5%"],
    ["backup", "--chain-length"], ["key"], ["key", "nonsense"], ["backup", "--workers", "x"],
    ["verify", "--sample", "0%"], ["verify", "--read-data", "--sample", "101%"]])
def test_wrong_usage_is_status_2_and_explains_itself(quick_two, command):
    done = quick_two.run(*command, expect=USAGE, cwd=quick_two.directory)
    assert done.out == ""
    assert done.err.startswith("sealpoint: ")


def test_a_repository_that_is_not_there_is_not_found(quick):
    repo = quick
    empty = repo.directory / "empty"
    empty.mkdir()
    for place in (repo.directory / "nowhere", empty):
        for command in (["snapshots"], ["verify"], ["restore", "latest", "--to", repo.target]):
            done = repo.run(*command, "--repository", place, expect=NOT_FOUND)
            assert done.err.endswith("\n  is its disk mounted, and is that the path?\n")
        backup = ["backup", repo.source, "--repository", place]
        done = repo.run(*backup, expect=NOT_FOUND)
        assert "is its disk mounted? `sealpoint init` creates a new repository, once" in done.err
        # Who says which one it must be has one.
        done = repo.run(*backup, "--fingerprint", repo.fingerprint(), "--state-dir",
                        repo.directory / "new", expect=NOT_FOUND)
        assert "init" not in done.err and "is its disk mounted, and" in done.err
    assert not (repo.directory / "nowhere").exists()
    assert list(empty.iterdir()) == []


def test_init_does_not_touch_what_is_there(quick_two):
    repo = quick_two
    before, keyring = repo.stored(), repo.keyring.read_bytes()
    done = repo.run("init", expect=1)
    assert "is already a repository" in done.err
    assert repo.stored() == before and repo.keyring.read_bytes() == keyring
    repo.assert_restores(repo.trees)


def test_restore_of_a_repository_without_snapshots_says_so(quick):
    done = quick.restore("latest", expect=NOT_FOUND)
    assert done.err and not quick.target.exists()


def test_everything_can_come_from_a_configuration_file(quick):
    repo = quick
    config = repo.directory / "sealpoint.yaml"
    config.write_text(f"repository: {repo.repository}\nsource: {repo.source}\n"
                      f"stateDir: {repo.state}\nchain:\n  length: 1\n"
                      f"masterKey:\n  - provider: file\n    path: {repo.keyring}\n")
    env = {name: value for name, value in repo.env().items() if not name.startswith("SEALPOINT_")}
    for _ in range(3):
        subprocess.run([SEALPOINT, "backup", "--any-directory", "--config", config,
                        "--no-passphrase"], env=env,
                       check=True, capture_output=True, stdin=subprocess.DEVNULL)
    assert [snapshot["chain"]["position"] for snapshot in repo.snapshots()] == [0, 1, 0]
    shown = subprocess.run([SEALPOINT, "config", "--json", "--config", config], env=env, check=True,
                           capture_output=True, text=True).stdout
    assert str(repo.source) in shown
    config.write_text("repositry: /nowhere\n")
    done = subprocess.run([SEALPOINT, "snapshots", "--config", config], env=env, check=False,
                          capture_output=True, text=True)
    assert done.returncode == USAGE
    assert done.stderr == (f'sealpoint: configuration {config}: line 1: unknown key "repositry"\n'
                           "  did you mean repository?\n")
    config.write_text("masterKey:\n  - provider: file\n  - provider: file\n    passphrasefile: a\n")
    done = subprocess.run([SEALPOINT, "snapshots", "--config", config], env=env, check=False,
                          capture_output=True, text=True)
    assert f'{config}: line 4: unknown key "masterKey[1].passphrasefile"' in done.stderr


def test_a_second_master_key_opens_what_the_first_does_not(quick):
    repo = quick
    escrow = repo.directory / "escrow"
    escrow.mkdir()
    config = repo.directory / "sealpoint.yaml"
    config.write_text(f"masterKey:\n  - provider: file\n    path: {repo.keyring}\n"
                      f"  - provider: file\n    path: {escrow / 'keyring.json'}\n")
    repo.extra_env = {"SEALPOINT_CONFIG": str(config)}
    # A keyring of its own for the escrow, made with a throw-away repository.
    repo.run("init", "--repository", repo.directory / "other")
    env = repo.env()
    env.pop("SEALPOINT_KEYRING")
    subprocess.run(repo.command("backup", repo.source), env=env, check=True, capture_output=True,
                   stdin=subprocess.DEVNULL)
    repo.run("key", "disable", 1, "--yes")
    done = repo.restore("latest", expect=3)
    assert "version 1 is disabled" in done.err
    repo.restore("latest", "--envelope", "1")
    assert read_tree(repo.target) == read_tree(repo.source)
    repo.run("verify", "--decrypt", "--envelope", "1")


def test_an_escrow_added_later_opens_what_is_sealed_from_then_on(quick):
    repo = quick
    repo.backup()
    escrow = repo.directory / "escrow" / "keyring.json"
    escrow.parent.mkdir()
    config = repo.directory / "sealpoint.yaml"
    keys = (f"masterKey:\n  - {{provider: file, path: {repo.keyring}}}\n"
            f"  - {{provider: file, path: {escrow}}}\n")
    config.write_text(keys)
    repo.extra_env = {"SEALPOINT_CONFIG": str(config)}
    before = repo.keyring.read_bytes()
    done = repo.run("key", "create", expect=1)
    assert f"keyring {repo.keyring} already exists" in done.err
    assert "it is not overwritten" in done.err
    done = repo.run("key", "create", "--key", 2, expect=USAGE)
    assert "--key 2: 2 master keys are configured, counted from 0" in done.err
    done = repo.run("key", "create", "--key", 1)
    assert done.out.startswith(f"keyring      {escrow}\nmaster key   file:")
    assert f"keep a copy of {escrow} away from this machine" in done.err
    made = escrow.read_bytes()
    repo.run("key", "create", "--key", 1, expect=1)
    assert (repo.keyring.read_bytes(), escrow.read_bytes()) == (before, made)
    assert "base (the configured master keys changed)" in repo.run("backup", repo.source).out
    (repo.source / "a.txt").write_text("changed\n")
    assert ": incremental, " in repo.run("backup", repo.source).out
    repo.keyring.rename(repo.directory / "lost.json")
    # The older snapshot, of the same version of the first key, lacks that envelope; this one not.
    said = repo.run("verify", "--decrypt", "--envelope", "1", "--json", expect=USAGE).json
    assert said["notDecrypted"] == 1 and said["bytes"] > 0 and said["damaged"] == 0
    repo.restore("latest", "--envelope", "1")
    assert read_tree(repo.target) == read_tree(repo.source)
    # And taken out of the configuration again.
    (repo.directory / "lost.json").rename(repo.keyring)
    config.write_text("".join(keys.splitlines(keepends=True)[:2]))
    assert "base (the configured master keys changed)" in repo.run("backup", repo.source).out


def test_key_create_needs_no_repository_and_can_say_it_as_json(tmp_path):
    repo = Sealpoint(tmp_path, unencrypted=True)
    repo.keyring = tmp_path / "keyring.json"
    repo.repository = tmp_path / "repository"
    done = repo.run("key", "create", "--json")
    assert done.json["keyring"] == str(repo.keyring)
    assert done.json["masterKey"]["keyVersion"] == "1"
    assert repo.keyring.stat().st_mode & 0o777 == 0o600
    assert "is beside the repository" in done.err
    assert "are unencrypted" in done.err
    assert not repo.repository.exists()


def test_help_names_every_command_and_needs_nothing(tmp_path):
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run([SEALPOINT, "help"], env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for command in ("init", "backup", "restore", "verify", "snapshots", "key rotate", "export"):
        assert command in done.stdout
        short = subprocess.run([SEALPOINT, *command.split(), "--help"], env=env,
                               capture_output=True, text=True, check=True)
        assert command in short.stdout
    done = subprocess.run([SEALPOINT, "help", "--man"], env=env, capture_output=True, text=True,
                          check=True)
    assert "schedule-deletion" in done.stdout.replace("\\-", "-")
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run([SEALPOINT, "help", "--completion", shell], env=env, check=True,
                              capture_output=True, text=True)
        assert f"{shell} completion for sealpoint" in done.stdout


def test_interrupting_a_backup_leaves_nothing_and_says_so(quick_two):
    repo = quick_two
    (repo.source / "large").write_bytes(pattern(4_000_000, 9))
    repo.trees[repo.backup()] = read_tree(repo.source)
    before = repo.stored()
    with shim.stopped(repo.command("backup", repo.source, "--full"), [repo.repository], 1,
                      only=["write"], env=repo.env()) as process:
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130, process.err
    assert process.err.startswith("sealpoint: ")
    assert set(repo.stored()) == set(before)
    repo.assert_restores(repo.trees)
    partial = repo.target.with_name("restored.sealpoint-partial")
    with shim.stopped(repo.command("restore", "latest", "--to", repo.target), [partial], 1,
                      only=["pwrite"], env=repo.env()) as process:
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 130, process.err
    assert not list(repo.directory.glob("restored*"))


def test_results_that_cannot_be_written_are_a_failure(quick_two):
    repo = quick_two
    with open("/dev/full", "wb") as full:
        done = subprocess.run(repo.command("snapshots"), env=repo.env(), stdout=full,
                              stderr=subprocess.PIPE, check=False)
    assert done.returncode not in (0, None)
    assert b"writing to standard output: No space left on device" in done.stderr
    for command in (["backup", repo.source], ["restore", "latest", "--to", repo.target]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(repo.command(*command), env=repo.env(), stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        assert done.returncode == 9
        assert b"result could not be written" in done.stderr
    assert len(repo.snapshots()) == 3 and repo.target.is_dir()


def test_a_running_server_is_not_supported_yet(quick):
    done = quick.run("backup", "mongodb://localhost", expect=USAGE)
    assert "not supported yet: give its dbpath" in done.err


def test_into_one_pipe_the_result_comes_before_what_is_said_of_it(quick_two):
    repo = quick_two
    done = repo.start("status", stderr=subprocess.STDOUT)
    said, _ = done.communicate()
    assert done.returncode == 0
    assert said.index("newest snapshot") < said.index("the root key still lies in")
    repo.objects()[0].unlink()
    done = repo.start("verify", stderr=subprocess.STDOUT)
    said, _ = done.communicate()
    assert said.index("damaged or missing (each") > said.index(" read (")


def test_verify_counts_samples_and_names_all_damage(quick_two):
    repo = quick_two
    done = repo.run("verify", "--read-data", "--json").json
    assert [of["verdict"] for of in done["snapshots"]] == ["sound"] * 2 and done["damaged"] == 0
    assert done["objects"] == len(repo.objects())
    assert done["readObjects"] == done["objects"]
    assert repo.run("verify", "--json").json["readObjects"] == 0
    assert repo.run("verify", "--decrypt", "--json").json["readObjects"] == len(repo.objects())
    away = repo.keyring.rename(repo.keyring.with_suffix(".away"))
    done = repo.run("verify", "--decrypt", expect=KEY_UNREACHABLE)
    assert ", 0 objects read (0 B): 2 of the snapshots not decrypted, " in done.out
    away.rename(repo.keyring)
    done = repo.run("verify", "--read-data", "--sample", "50%")
    count = len(repo.objects())
    assert f"{count} objects, {(count + 1) // 2} object" in done.out and " read (" in done.out
    for path in repo.objects()[:2]:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = repo.run("verify", "--read-data", "--json", expect=6)
    assert done.json["damaged"] == 2
    for path in repo.objects()[:2]:
        assert path.name in done.err
    # One snapshot at a time: what does not need them is well.
    statuses = {repo.run("verify", "--read-data", which, expect=None).status for which in repo.trees}
    assert 6 in statuses

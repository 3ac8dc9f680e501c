"""The command line as scripts and people meet it: what goes to which stream, the forms of JSON,
where settings come from, and results that cannot be delivered."""

import json
import os
import re
import subprocess

import pytest

from conftest import FAILED, KEY_UNREACHABLE, NOT_FOUND, STORAGE, USAGE, Sealpoint

SNAPSHOT = {"id", "status", "snapshotType", "frequencyType", "createdAt", "expiresAt",
            "description", "replicaSetName", "mongodVersion", "masterKey", "effectiveMasterKey",
            "parent", "chain", "totals", "manifest", "recordId"}


def shell(repo, text):
    """A line of shell where "$@" is the binary; gives its status and both streams."""
    done = subprocess.run(["bash", "-o", "pipefail", "-c", text, "bash", *repo.command()],
                          env=repo.env(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def assert_list(done, members):
    """Atlas's form of a list; every item has at least these members."""
    found = done.json
    assert found["format"] == 1 and found["totalCount"] == len(found["results"])
    assert set(found) == {"format", "totalCount", "results"}
    for item in found["results"]:
        assert members <= set(item)
    return found["results"]


def test_every_list_has_the_same_form(quick_two):
    repo = quick_two
    snapshots = assert_list(repo.run("snapshots", "--json"), SNAPSHOT)
    assert [item["chain"]["position"] for item in snapshots] == [0, 1]
    assert snapshots[0]["status"] == "completed" and snapshots[0]["snapshotType"] == "onDemand"
    assert assert_list(repo.run("show", "latest", "--json"), SNAPSHOT) == snapshots[1:]
    files = assert_list(repo.run("ls", "latest", "--json"), {"path", "type", "mode", "size"})
    assert {"a.txt", "deep/er/zeros"} <= {item["path"] for item in files}
    assert_list(repo.run("key", "status", "--json"), {"keyVersion", "state", "active"})
    assert_list(repo.run("key", "check", "--json"), {"masterKey", "verdict", "reason"})
    impact = assert_list(repo.run("key", "impact", "1", "--json"), SNAPSHOT | {"otherEnvelope"})
    assert [item["id"] for item in impact] == repo.ids()
    assert_list(repo.run("config", "--json"), {"name", "value", "origin"})


def test_single_results_are_one_object(quick):
    repo = quick
    taken = repo.run("backup", repo.source, "--json", "--description", "a \"b\"").json
    assert SNAPSHOT | {"format", "attention"} == set(taken) and taken["description"] == 'a "b"'
    assert repo.run("verify", "--json").json["damaged"] == 0
    assert repo.restore("latest", "--json").json["id"] == taken["id"]
    assert repo.run("key", "rotate", "--json").json["masterKey"]["keyVersion"] == "2"
    assert repo.run("key", "rewrap", "--json").json["rewrapped"] == 1
    assert repo.run("key", "disable", "1", "--yes", "--json").json["state"] == "disabled"
    assert repo.run("version", "--json").json["format"] == 1


def test_quiet_leaves_only_the_id(quick):
    done = quick.run("backup", quick.source, "--quiet")
    assert re.fullmatch(r"[0-9a-f]{24}\n", done.out) and done.err == ""


def test_init_says_what_to_keep_and_never_twice(fast):
    repo = Sealpoint(fast)
    repo.source.mkdir()
    done = repo.init()
    fingerprint = re.search(r"^fingerprint  ([0-9a-f]{64})$", done.out, re.M).group(1)
    assert f"repository   {repo.repository}\n" in done.out
    assert f"keyring      {repo.keyring} (made now)\n" in done.out
    assert f"keep a copy of {repo.keyring} away from this machine" in done.err
    before, keys = repo.stored(), repo.keyring.read_bytes()
    assert f"{repo.repository} is a repository already" in repo.run("init", expect=FAILED).err
    assert repo.stored() == before and repo.keyring.read_bytes() == keys
    assert repo.run("snapshots").err == "sealpoint: no snapshot has been taken yet\n"
    repo.run("snapshots", "--fingerprint", fingerprint)


@pytest.mark.parametrize("place, word", [("keyring.json", "beside"),
                                         ("repository/keyring.json", "inside")])
def test_a_keyring_with_the_repository_is_said_loudly(fast, place, word):
    repo = Sealpoint(fast, bare=True)
    repo.keyring = fast / place
    repo.keyring.parent.mkdir(exist_ok=True)
    said = repo.run("init", "--quiet").err
    assert f"warning: the keyring {repo.keyring} lies {word} the repository" in said
    assert f"warning: the keys in {repo.keyring} lie bare" in said


def test_the_first_contact_is_said_loudly_and_only_then(quick_two):
    repo = quick_two
    repo.forget()
    assert "warning: first contact with this repository" in repo.run("snapshots", "--quiet").err
    assert repo.run("snapshots").err == ""


def test_settings_come_from_four_places(quick, tmp_path):
    repo = quick
    config = tmp_path / "sealpoint.yaml"
    config.write_text(f"source: {repo.source}\nworkers: 1\nchain: {{length: 3}}\n")
    repo.extra_env = {"SEALPOINT_CONFIG": str(config), "SEALPOINT_WORKERS": "2"}
    rows = {row["name"]: (row["value"], row["origin"])
            for row in repo.run("config", "--json").json["results"]}
    assert rows["source"] == (str(repo.source), "configuration file")
    assert rows["workers"] == ("2", "environment")
    assert rows["chain-length"] == ("3", "configuration file")
    assert rows["chain-age"] == ("7d", "default")
    assert rows["json"] == ("true", "option")
    assert len(repo.run("backup", "--quiet").out) == 25  # the source is the configured one


def test_a_broken_configuration_is_named_and_does_not_hide_the_help(quick, tmp_path):
    config = tmp_path / "sealpoint.yaml"
    config.write_text("repository: /a\nmasterkey: []\n")
    quick.extra_env = {"SEALPOINT_CONFIG": str(config)}
    assert quick.run("snapshots", expect=USAGE).err == (
        f"sealpoint: configuration {config}: line 2: unknown key \"masterkey\"\n"
        "  did you mean masterKey?\n")
    assert "Usage: sealpoint" in quick.run("help").out
    assert "Usage: sealpoint backup" in quick.run("backup", "--help").out


def test_usage_errors_go_to_standard_error(quick):
    done = quick.run("bakcup", expect=USAGE)
    assert done.out == ""
    assert done.err == 'sealpoint: unknown command "bakcup"\n  did you mean backup?\n'
    assert quick.run("backup", expect=USAGE).err.startswith("sealpoint: nothing to back up")
    assert "--sample needs" in quick.run("verify", "--sample", "5%", expect=USAGE).err
    assert quick.run("show", "latest", expect=NOT_FOUND).out == ""


def test_a_result_that_nobody_gets_is_a_failure(quick_two):
    repo = quick_two
    if os.access("/dev/full", os.W_OK):
        status, _, err = shell(repo, '"$@" snapshots >/dev/full')
        assert status == STORAGE
        assert err == "sealpoint: writing to standard output: No space left on device\n"
    status, _, err = shell(repo, '"$@" snapshots >&-')
    assert (status, err) == (FAILED,
                             "sealpoint: writing to standard output: Bad file descriptor\n")
    # A reader that went away: status 1 and a message, not death by SIGPIPE.
    status, _, err = shell(repo, '{ sleep 0.2; "$@" ls latest; } | false; exit ${PIPESTATUS[0]}')
    assert (status, err) == (FAILED, "sealpoint: writing to standard output: Broken pipe\n")


def test_descriptors_that_were_closed_are_not_given_to_stored_files(quick):
    status, _, _ = shell(quick, f'"$@" backup {quick.source} <&- >&- 2>&-')
    assert status == FAILED  # its result went nowhere …
    quick.run("verify", "--decrypt")  # … but the snapshot is whole
    assert len(quick.ids()) == 1
    quick.assert_tidy()


def test_names_from_outside_cannot_steer_the_terminal(quick):
    (quick.source / "esc\x1b[2Jape").write_text("x")
    quick.backup("--description", "red")
    listed = quick.run("ls", "latest").out
    assert "\x1b" not in listed and "esc\\x1b[2Jape" in listed
    item = next(item for item in quick.run("ls", "latest", "--json").json["results"]
                if "pathBase64" in item)
    assert item["path"] == "esc\\x1b[2Jape"


def test_an_export_does_not_go_to_a_terminal(quick_two):
    done = subprocess.run(["script", "-qec", " ".join(quick_two.command("export", "latest")),
                           "/dev/null"], env=quick_two.env(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == USAGE
    assert "standard output is a terminal, and a tar is no text" in done.stdout


def test_without_terminal_and_passphrase_the_key_is_unreachable(repo):
    repo.backup()
    repo.extra_env = {"SEALPOINT_PASSPHRASE_FILE": ""}
    done = subprocess.run(["setsid", "-w", *repo.command("ls", "latest")], env=repo.env(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == KEY_UNREACHABLE
    assert "there is no terminal\n  give --passphrase-file FILE (or fd:N)\n" in done.stderr
    assert len(repo.run("snapshots", "--json").json["results"]) == 1  # that needs no key


def test_a_passphrase_can_come_by_a_descriptor(repo):
    repo.backup()
    status, out, _ = shell(repo, f'"$@" ls latest --json --passphrase-file fd:7 7<{repo.passphrase}')
    assert status == 0 and json.loads(out)["totalCount"] > 3

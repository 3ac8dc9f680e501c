"""A database that is too large to be there: tests/tools/vast makes its base."""

import json
import subprocess

from conftest import TOOLS, Sealpoint

FILES = 100
FILE_LEN = 10 * 2**30
PACKS = 2000


def make_vast(directory):
    """1 TB in 100 files, all of them holes, and the base that would have been taken of it."""
    repo = Sealpoint(directory, unencrypted=True)
    repo.source.mkdir()
    for i in range(FILES):
        with open(repo.source / f"file-{i:03}", "wb") as file:
            file.truncate(FILE_LEN)
    (repo.source / "nothing").write_bytes(b"")
    repo.init()
    tool = subprocess.run(
        [TOOLS / "vast", repo.repository, repo.state_directory(), repo.keyring, repo.source,
         str(PACKS)], capture_output=True, check=True)
    return repo, json.loads(tool.stdout)


def measured(repo, directory, *args):
    result = directory / "measured"
    subprocess.run([TOOLS / "measure", result, directory, *repo.command(*args)],
                   env=repo.env(), check=True, capture_output=True)
    return json.loads(result.read_text())


def test_nothing_changed_costs_the_index_and_little_memory(tmp_path):
    repo, made = make_vast(tmp_path)
    assert made["bytes"] == FILES * FILE_LEN
    assert made["index"] < made["bytes"] * 0.0002
    cost = measured(repo, tmp_path, "backup", repo.source)
    assert cost["rss"] < 64 * 1024
    assert cost["user"] + cost["sys"] < 10
    shown = repo.show()
    assert shown["parent"] is not None and shown["totals"]["newBytes"] == 0
    assert shown["totals"]["bytes"] == FILES * FILE_LEN
    assert shown["totals"]["storedBytes"] < 100_000_000
    for args in (["ls", "latest", "file-050"], ["cat", "latest", "nothing"]):
        assert measured(repo, tmp_path, *args)["rss"] < 32 * 1024
    assert repo.run("verify", "--json").json["objects"] == PACKS + 2

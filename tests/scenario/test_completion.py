"""Completion as it happens in bash, zsh and fish: the stub of each asks the hidden command
`sealpoint __complete`, which must offer what fits and leave no trace."""

import fcntl
import os
import pathlib
import pty
import re
import signal
import subprocess
import termios
import time

import pytest

import shim
from conftest import SEALPOINT

BASH, ZSH, FISH = "/bin/bash", "/usr/bin/zsh", "/usr/bin/fish"


def complete(repo, *words, **options):
    """What the binary answers for these words, the last one being typed."""
    done = subprocess.run([SEALPOINT, "__complete", *map(str, words)], env=repo.env(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                          check=False, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def offered(repo, *words):
    """The words it offers, without what they mean."""
    answer = complete(repo, *words)
    assert answer[0] == "words"
    return [line.split("\t")[0] for line in answer[1:]]


def stub(repo, shell):
    path = repo.directory / f"stub.{shell}"
    path.write_bytes(subprocess.run([SEALPOINT, "help", "--completion", shell], check=True,
                                    capture_output=True).stdout)
    return path


def shell_env(repo):
    path = f"{pathlib.Path(SEALPOINT).parent}:{os.environ['PATH']}"
    return {**repo.env(), "PATH": path, "TERM": "xterm", "LC_ALL": "C.UTF-8"}


# --- the answers ---


def test_the_answer_comes_from_the_table(quick):
    repo = quick
    first = offered(repo, "")
    assert {"init", "backup", "key", "help", "version"} <= set(first) and "rotate" not in first
    assert first.count("key") == 1
    assert offered(repo, "ke") == ["key"] and offered(repo, "key", "ro") == ["rotate"]
    assert offered(repo, "--repository", "/x", "re") == ["restore"]
    assert offered(repo, "restore", "latest", "--de") == ["--delta"]
    assert offered(repo, "backup", "--de") == ["--description"]
    assert offered(repo, "--de") == []
    assert offered(repo, "snapshots", "")[0].startswith("--")
    assert offered(repo, "help", "--completion", "") == ["bash", "zsh", "fish"]
    assert offered(repo, "help", "--completion=z") == ["--completion=zsh"]
    assert offered(repo, "help", "key", "ro") == ["rotate"]
    assert offered(repo, "help", "resto") == ["restore"]
    assert offered(repo, "help", "key", "rotate", "k") == []


def test_options_are_offered_once_unless_they_can_be_repeated(quick):
    repo = quick
    assert "--quiet" in offered(repo, "restore", "latest", "--")
    again = offered(repo, "restore", "latest", "-q", "--only", "a", "--dry-run", "--")
    assert "--only" in again and "--quiet" not in again and "--dry-run" not in again
    assert offered(repo, "restore", "--", "--") == []


def test_names_are_left_to_the_shell(quick):
    repo = quick
    for words in (["--config", ""], ["--config=/e"], ["-p", "x"], ["backup", "-k", ""]):
        assert complete(repo, *words) == ["files"], words
    for words in (["--repository", ""], ["restore", "latest", "--to=x"], ["backup", ""]):
        assert complete(repo, *words) == ["directories"], words
    # In a snapshot, or nobody's to know: the names that lie around here would be wrong.
    for words in (["ls", "latest", ""], ["restore", "latest", "--only", ""],
                  ["backup", "--retain", ""]):
        assert complete(repo, *words) == ["words"], words


def test_snapshots_are_offered_newest_first_with_what_they_are(quick):
    repo = quick
    repo.backup("--description", "before the 'upgrade': $(x) ümlaut" + 100 * "!")
    repo.backup()
    ids = repo.ids()
    answer = complete(repo, "restore", "")
    assert answer[0] == "words" and answer[1].startswith("latest\t")
    assert [line.split("\t")[0] for line in answer[2:]] == ids[::-1]
    created = repo.snapshots()[0]["createdAt"].replace("T", " ")[:19]
    meaning = answer[3].split("\t", 1)[1]
    assert meaning.startswith(f"{created} before the 'upgrade': $(x) ümlaut!!")
    assert len(meaning.encode()) == 99
    assert offered(repo, "restore", ids[0]) == [ids[0]]
    assert offered(repo, "verify", ids[0], "latest", "") == [ids[1]]
    assert offered(repo, "restore", "latest", "--to", "x", "")[0].startswith("--")
    # A setting on the line counts as it does when the command runs.
    assert offered(repo, "--repository", repo.directory / "none", "restore", "") == ["latest"]
    assert offered(repo, f"--state-dir={repo.directory / 'none'}", "restore", "") == ["latest"]


def test_key_versions_are_offered_with_their_states(repo):
    repo.run("key", "rotate")
    repo.run("key", "disable", "1", "--yes")
    env = repo.env()
    del env["SEALPOINT_PASSPHRASE_FILE"]
    done = subprocess.run([SEALPOINT, "__complete", "key", "enable", ""], env=env, check=True,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.stdout == \
        "words\n2\tenabled, active (not verified)\n1\tdisabled (not verified)\n"
    assert done.stderr == ""
    assert offered(repo, "key", "impact", "--key", "5", "") == []


# --- no trace, no word, no waiting ---


EVERYTHING = (["restore", ""], ["key", "disable", ""], ["verify", "latest", ""], [""],
              ["--config", ""], ["key", ""], ["backup", "--", ""])


def test_completion_changes_nothing(quick_two):
    repo = quick_two
    other = repo.copy(repo.directory / "other")
    other.backup()  # of which this machine's cache does not know
    for path in sorted((other.repository / "ledger").rglob("*.json")):
        twin = repo.repository / path.relative_to(other.repository)
        if not twin.exists():
            twin.write_bytes(path.read_bytes())
    for words in EVERYTHING:
        assert shim.count([SEALPOINT, "__complete", *words], [repo.directory], env=repo.env()) == 0
    assert set(offered(repo, "restore", "")) == {"latest", *repo.trees}
    repo.run("snapshots")
    assert len(offered(repo, "restore", "")) == 4


def test_a_machine_that_has_not_seen_the_repository_does_not_begin_to(quick_two):
    repo = quick_two
    repo.forget()
    assert shim.count([SEALPOINT, "__complete", "restore", ""], [repo.directory], env=repo.env()) == 0
    assert offered(repo, "restore", "") == ["latest"]
    assert not repo.state_directory().exists()
    # Nor does it believe a cache that others can write.
    repo.run("snapshots")
    assert len(offered(repo, "restore", "")) == 3
    (repo.state_directory() / "records.jsonl").chmod(0o666)
    assert offered(repo, "restore", "") == ["latest"]
    (repo.state_directory() / "records.jsonl").chmod(0o600)
    (repo.state_directory() / "trust.json").unlink()
    assert offered(repo, "restore", "") == ["latest"]


def test_what_goes_wrong_is_not_said(quick_two):
    repo = quick_two
    broken = repo.directory / "broken.yaml"
    broken.write_text("repository: [\n")
    assert offered(repo, "--config", broken, "restore", "") == ["latest"]
    assert offered(repo, "--workers", "x", "restore", "") == ["latest"]
    repo.keyring.write_text("nonsense")
    assert offered(repo, "key", "disable", "") == []
    for words in (["restore", "--nonsense", ""], ["nonsense", ""], ["--json", "--json", ""]):
        assert complete(repo, *words) == []
    assert complete(repo)[0] == "words"


def test_completion_gives_up_rather_than_hang(quick):
    end, full = os.pipe()
    os.set_blocking(full, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(full, bytes(4096))
    os.set_blocking(full, True)
    with subprocess.Popen([SEALPOINT, "__complete", ""], env=quick.env(), stdout=full) as process:
        try:
            assert process.wait(timeout=20) == -signal.SIGALRM
        finally:
            process.kill()
    os.close(full)
    os.close(end)


def test_the_command_is_hidden(quick):
    for command in (["help"], ["help", "--man"], ["help", "help"]):
        assert "__complete" not in quick.run(*command).out
    assert "__complete" not in "".join(complete(quick, ""))
    assert complete(quick, "__") == ["words"]


# --- the shells ---


def bash_offers(repo, *words):
    """COMPREPLY of the stub for a command line as readline splits it."""
    script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sealpoint; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run([BASH, "--norc", "-c", script, "bash", stub(repo, "bash"), *words],
                          env=shell_env(repo), capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_bash_gets_the_words_of_the_stub(quick_two):
    repo = quick_two
    assert bash_offers(repo, "sealpoint", "ke") == ["key"]
    assert bash_offers(repo, "sealpoint", "key", "ro") == ["rotate"]
    assert bash_offers(repo, "sealpoint", "restore", "") == ["latest", *repo.ids()[::-1]]
    assert bash_offers(repo, "sealpoint", "help", "--completion", "=", "z") == ["zsh"]
    assert bash_offers(repo, "sealpoint", "help", "--completion", "=") == ["bash", "zsh", "fish"]
    assert bash_offers(repo, "sealpoint", "--passphrase-file", "fd", ":", "3", "key", "ro") == [
        "rotate"]
    assert bash_offers(repo, "sealpoint", "--repository", "=", str(repo.directory / "none"),
                       "restore", "") == ["latest"]
    moved = repo.directory / "a directory"
    moved.mkdir()
    repo.repository.rename(moved / "r")
    repo.run("snapshots", "--repository", moved / "r")
    assert len(bash_offers(repo, "sealpoint", "-r", f'"{moved}/r"', "restore", "")) == 3
    assert len(bash_offers(repo, "sealpoint", "-r", r"~/a\ directory/r", "restore", "")) == 3


class Terminal:
    """A shell that a person sits before. Its line is told by a key that the start-up binds."""

    def __init__(self, repo, command, start_up):
        self.report = repo.directory / "line"
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (50, 200))

        def take_terminal():
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        env=shell_env(repo), cwd=repo.directory,
                                        start_new_session=True, preexec_fn=take_terminal)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.screen = ""
        self.type("\n")
        for line in start_up:
            self.type(line + "\n")
        self.line("")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def read(self):
        try:
            self.screen += os.read(self.master, 65536).decode("utf-8", "replace")
        except (BlockingIOError, OSError):
            time.sleep(0.01)

    def line(self, keys):
        """Type that, and say what stands in the line then; the line is wiped."""
        self.report.unlink(missing_ok=True)
        self.screen = ""
        self.type(keys + "\x18r")
        end = time.monotonic() + 30
        while not self.report.exists() or not self.report.read_text().endswith("\n"):
            assert time.monotonic() < end, self.screen
            self.read()
        self.read()
        self.type("\x15")
        return self.report.read_text()[:-1]

    def shown(self, keys):
        """What the screen shows after these keys, without what steers it."""
        self.line(keys)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.screen)


def bash(repo):
    return Terminal(repo, [BASH, "--norc", "--noprofile", "-i"], [
        "bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'",
        "say() { printf '%s\\n' \"$READLINE_LINE\" >line; }; bind -x '\"\\C-xr\": say'",
        f". {stub(repo, 'bash')}"])


def zsh(repo):
    return Terminal(repo, [ZSH, "-f", "-i"], [
        "unset zle_bracketed_paste; autoload -Uz compinit && compinit -u -d dump",
        "say() { print -r -- \"$BUFFER\" >line }; zle -N say; bindkey -e; bindkey '^Xr' say",
        f". {stub(repo, 'zsh')}"])


@pytest.fixture(params=[bash, zsh], ids=["bash", "zsh"])
def shell(request, quick_two):
    repo = quick_two
    (repo.directory / "some dir").mkdir()
    (repo.directory / "some file.yaml").write_text("")
    repo.backup("--description", "the third: it's it")
    repo.backup("--description", "the fourth")
    with request.param(repo) as terminal:
        terminal.repo = repo
        yield terminal


def test_a_terminal_completes_commands_options_and_names(shell):
    assert shell.line("sealpoint ke\t") == "sealpoint key "
    assert shell.line("sealpoint key ro\t") == "sealpoint key rotate "
    assert shell.line("sealpoint restore lat\t--del\t") == "sealpoint restore latest --delta "
    assert shell.line("sealpoint help --completion=z\t").rstrip() == (
        "sealpoint help --completion=zsh")
    assert shell.line("sealpoint --config some\\ f\t") == "sealpoint --config some\\ file.yaml "
    assert shell.line("sealpoint --config=some\\ f\t").rstrip() == (
        "sealpoint --config=some\\ file.yaml")
    assert shell.line("sealpoint restore latest --to som\t") == (
        "sealpoint restore latest --to some\\ dir/")
    assert shell.line("sealpoint restore latest --to=som\t") == (
        "sealpoint restore latest --to=some\\ dir/")
    assert shell.line("sealpoint ls latest so\t").rstrip() == "sealpoint ls latest so"
    assert shell.line("sealpoint ke\tdis\t1 -y\t") == "sealpoint key disable 1 -y"


def test_a_terminal_lists_snapshots(shell):
    ids = shell.repo.ids()
    assert shell.line(f"sealpoint show {ids[0]}\t").rstrip() == f"sealpoint show {ids[0]}"
    screen = shell.shown("sealpoint show \t")
    for which in ["latest", *ids]:
        assert which in screen
    if shell.process.args[0] == ZSH:
        assert "the newest snapshot" in screen
        assert shell.repo.snapshots()[0]["createdAt"].replace("T", " ")[:19] in screen
        assert re.search(f"{ids[2]} +-- [-0-9 :]+ the third: it's it", screen)
        places = [screen.index(which) for which in ["latest", *ids[::-1]]]
        assert places == sorted(places)


@pytest.mark.parametrize("start", [bash, zsh])
def test_a_terminal_is_not_asked_for_a_passphrase(repo, start):
    repo.extra_env = {"SEALPOINT_PASSPHRASE_FILE": ""}
    with start(repo) as terminal:
        assert terminal.line("sealpoint key disable \t") == "sealpoint key disable 1 "
        assert "assphrase" not in terminal.screen


def fish_offers(repo, line):
    script = f"source {stub(repo, 'fish')}; complete -C {line!r}"
    done = subprocess.run([FISH, "--no-config", "-c", script], env=shell_env(repo), check=True,
                          cwd=repo.directory, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_fish_completes(quick_two):
    repo = quick_two
    (repo.directory / "some dir").mkdir()
    (repo.directory / "some file.yaml").write_text("")
    assert fish_offers(repo, "sealpoint ke")[0].startswith("key\tstatus, check, create")
    assert fish_offers(repo, "sealpoint key ro") == [
        "rotate\tmake a new master-key version the active one"]
    snapshots = fish_offers(repo, "sealpoint restore ")
    assert [line.split("\t")[0] for line in snapshots] == ["latest", *repo.ids()[::-1]]
    assert fish_offers(repo, "sealpoint help --completion=z") == ["--completion=zsh"]
    assert [line.split("\t")[0] for line in fish_offers(repo, "sealpoint restore latest --del")] == [
        "--delta"]
    assert fish_offers(repo, "sealpoint --config some") == ["some dir/", "some file.yaml"]
    assert fish_offers(repo, "sealpoint restore latest --to some") == ["some dir/"]
    assert fish_offers(repo, "sealpoint restore latest --to=some") == ["--to=some dir/"]
    assert fish_offers(repo, "sealpoint ls latest some") == []
    named = f"sealpoint -r '{repo.directory}/none' restore "
    assert [line.split("\t")[0] for line in fish_offers(repo, named)] == ["latest"]

"""Run a command on a disk that fails, or kill it, at the Nth change: see tests/tools/faultshim.c.

    calls = shim.count([SEALPOINT, "backup", source], under=[repository])
    for at in shim.points(calls):
        result = shim.run([SEALPOINT, "backup", source], under=[repository], at=at, do="kill")
        ...
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
import signal
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).parent.parent.parent
SOURCES = [ROOT / "tests" / "tools" / name for name in ("faultshim.c", "power.c")]
AT_THE_END = 10**9  # no run makes so many calls: the power fails when the process has ended


@functools.lru_cache(maxsize=None)
def library():
    """The shim as `make tools` built it; else built now, in $BUILD or a temporary directory."""
    built = pathlib.Path(os.environ.get("SEALPOINT_TOOLS", "/nowhere")) / "faultshim.so"
    if built.exists():
        return str(built)
    directory = os.environ.get("BUILD")
    if directory is None:
        keep = tempfile.TemporaryDirectory(prefix="sealpoint-shim-")
        library.keep = keep  # removed when Python ends
        directory = keep.name
    out = pathlib.Path(directory) / "faultshim.so"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-O2", "-D_GNU_SOURCE", "-fPIC", "-shared",
         f"-I{ROOT}", "-o", str(out), *map(str, SOURCES), "-pthread"],
        check=True)
    return str(out)


@dataclasses.dataclass
class Result:
    returncode: int  # -9 after a kill
    stdout: str
    stderr: str
    calls: int  # that were counted, the failing one among them
    log: list  # of (number, name, path)


def environment(under, at=0, do=None, only=None, sticky=False, env=None, seed=0):
    """What a command is told by: see run()."""
    full = dict(os.environ if env is None else env)
    full.update(LD_PRELOAD=library(), FAULT_UNDER=":".join(str(path) for path in under))
    # A binary built with the address sanitizer wants to be the first library.
    full["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + full.get("ASAN_OPTIONS", "")
    if at:
        full.update(FAULT_AT=str(at), FAULT_DO=do)
    if only:
        full["FAULT_ONLY"] = ",".join(only)
    if sticky:
        full["FAULT_STICKY"] = "1"
    if seed:
        full["FAULT_SEED"] = str(seed)
    return full


def run(command, under, at=0, do=None, only=None, sticky=False, env=None, cwd=None, stdin=None,
        timeout=120, seed=0):
    """Run `command`; the counted call number `at` below the directories `under` behaves as `do` says.

    only: kinds or names of calls that count ("link", "write", "fdatasync", ...); None: all.
    seed: of a power loss, which of the names that were not synced are lost; 0: all.
    """
    with tempfile.TemporaryDirectory(prefix="sealpoint-shim-") as directory:
        count_file = os.path.join(directory, "count")
        log_file = os.path.join(directory, "log")
        full = environment(under, at, do, only, sticky, env, seed)
        full.update(FAULT_COUNT_FILE=count_file, FAULT_LOG=log_file)
        done = subprocess.run([str(part) for part in command], env=full, cwd=cwd, input=stdin,
                              capture_output=True, timeout=timeout,
                              text=not isinstance(stdin, bytes))
        with open(count_file, encoding="ascii") as file:
            calls = int(file.read() or 0)
        with open(log_file, encoding="utf-8", errors="surrogateescape") as file:
            log = [(int(number), name, path) for number, name, path in
                   (line.rstrip("\n").split(" ", 2) for line in file)]
    return Result(done.returncode, done.stdout, done.stderr, calls, log)


def count(command, under, only=None, **options):
    """How many calls the undisturbed command makes; it must succeed."""
    result = run(command, under, only=only, **options)
    assert result.returncode == 0, result.stderr
    return result.calls


def points(calls, most=None):
    """1 to `calls`; of more than `most` so many, evenly spread, with the first and the last."""
    if most is None or calls <= most:
        return list(range(1, calls + 1))
    return sorted({1 + round(i * (calls - 1) / (most - 1)) for i in range(most)})


@contextlib.contextmanager
def stopped(command, under, at, only=None, env=None, cwd=None):
    """A running `command` that stands still at that call; it goes on when the block ends.

        with shim.stopped([SEALPOINT, "backup", source], [repository], at=3) as process:
            ...  # what somebody else does meanwhile
        assert process.returncode == 0, process.err
    """
    process = subprocess.Popen([str(part) for part in command],
                               env=environment(under, at, "stop", only, env=env), cwd=cwd,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        seen = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert seen.si_code == os.CLD_STOPPED, process.communicate()
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
        process.out, process.err = process.communicate(timeout=120)

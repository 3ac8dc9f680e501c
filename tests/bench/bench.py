"""Time sealpoint beside other programs, or weigh it: bench.py BUILD SCRATCH speed|memory

Each round: a fresh copy of the same database; all programs take a base of it; it is updated; all take
an incremental, then one of nothing changed; all restore and verify. Within a phase the programs
take turns, another one first in each round. Before each measured command what it will
read is read once (so all find the page cache alike) and the file system is synced;
the time ends with another sync. Prints Markdown; everything measured goes to BUILD/bench.json.
"""

import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

import programs

SIZE_MB = int(os.environ.get("SIZE_MB", "2000"))
UPDATES = int(os.environ.get("UPDATES", "35000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
ROW_NAMES = {
    "base": "base",
    "incremental": "incremental",
    "unchanged": "nothing changed",
    "restore": "restore",
    "verify": "verify all data, no key",
    "decrypt": "verify all data, decrypting",
}


class Bench:
    def __init__(self, build, scratch):
        self.build, self.scratch = pathlib.Path(build), pathlib.Path(scratch)
        self.tools = self.build / "tests/tools"
        self.environment = dict(os.environ)
        # Ours first: a sealpoint that is installed is another one.
        self.environment["PATH"] = f"{self.build}:{self.tools}:{os.environ['PATH']}"
        os.environ["PATH"] = self.environment["PATH"]
        self.results = []

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def make_database(self, size_mb):
        given = os.environ.get("BENCH_DATABASE")
        if given:
            return pathlib.Path(given)
        pristine = self.scratch / "pristine"
        self.say(f"making a database of {size_mb} MB")
        subprocess.run(["wtmake", "create", pristine, str(size_mb)], check=True)
        return pristine

    def warm(self, *directories):
        for directory in directories:
            subprocess.run(["sh", "-c", 'find "$1" -type f -exec cat {} + >/dev/null', "sh", directory],
                           check=True)  # fmt: skip

    def measure(self, program, phase, command, *reads):
        """Run `command`; what it cost is kept and returned."""
        self.warm(*reads)
        result, log = self.scratch / "result.json", self.scratch / "log"
        with open(log, "wb") as output:
            done = subprocess.run(
                [self.tools / "measure", result, self.scratch, *command],
                env={**self.environment, **program.env}, cwd=self.scratch,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)  # fmt: skip
        if done.returncode != 0:
            sys.exit(f"bench: {program.name}, {phase}: status {done.returncode}\n"
                     f"{' '.join(map(str, command))}\n{log.read_text(errors='replace')[-3000:]}")  # fmt: skip
        cost = json.loads(result.read_text())
        self.say(f"  {program.name:13} {phase:12} {cost['wall']:8.2f} s"
                 f" {cost['user'] + cost['sys']:8.2f} s cpu {cost['rss'] / 1024:8.1f} MiB")  # fmt: skip
        return cost

    def keep(self, number, program, phase, cost, **more):
        self.results.append({"round": number, "program": program.name, "phase": phase, **cost, **more})

    # ---- speed ----

    def take_turns(self, number, members):
        shift = number % len(members)
        return members[shift:] + members[:shift]

    def backups(self, number, members, source, phase):
        for program in self.take_turns(number, members):
            command = getattr(program, phase)()
            if command is not None:
                cost = self.measure(program, phase, command, source)
                self.keep(number, program, phase, cost, stored=program.stored())

    def restores(self, number, members, source):
        for program in self.take_turns(number, members):
            to = self.scratch / "restored"
            to.mkdir()
            cost = self.measure(program, "restore", program.restore(to), program.repository)
            # tar has no incremental: what it restores is the database as it was at the base.
            if program.remembers:
                self.compare(program, source, to)
            self.keep(number, program, "restore", cost)
            shutil.rmtree(to)

    def compare(self, program, source, to):
        """A restore that is fast and wrong must not count."""
        wanted = {f.name: f for f in source.rglob("*.wt")}
        found = {f.name: f for f in to.rglob("*.wt")}
        for name, file in wanted.items():
            same = name in found and subprocess.run(["cmp", "-s", file, found[name]], check=False)
            if not same or same.returncode != 0:
                sys.exit(f"bench: {program.name} restored another {name}")

    def verifies(self, number, members, phase):
        for program in self.take_turns(number, members):
            command = getattr(program, phase)()
            if command is not None:
                self.keep(number, program, phase,
                          self.measure(program, phase, command, program.repository))  # fmt: skip

    def round(self, number, classes, pristine):
        self.say(f"round {number + 1} of {ROUNDS}")
        source = self.scratch / "data/db"
        source.parent.mkdir()
        subprocess.run(["cp", "-a", pristine, source], check=True)
        members = [cls(self.scratch / f"p{i}", source) for i, cls in enumerate(classes)]
        for program in members:
            program.set_up(self.environment)
        self.backups(number, members, source, "base")
        subprocess.run(["wtmake", "update", source, str(UPDATES)], check=True)
        self.backups(number, members, source, "incremental")
        self.backups(number, members, source, "unchanged")
        self.restores(number, members, source)
        self.verifies(number, members, "verify")
        self.verifies(number, members, "decrypt")
        for program in members:
            shutil.rmtree(program.directory)
        shutil.rmtree(source.parent)

    def speed(self):
        wanted = os.environ.get("PEERS")
        classes = []
        for cls in programs.ALL:
            named = cls is programs.Sealpoint or wanted is None or cls.name in wanted.split()
            if named and cls.missing():
                self.say(f"{cls.name} is left out: {', '.join(cls.missing())} is not installed")
            elif named:
                classes.append(cls)
        pristine = self.make_database(SIZE_MB)
        for number in range(ROUNDS):
            self.round(number, classes, pristine)
        self.write("speed", classes, pristine)
        self.print_speed(classes, pristine)

    # ---- memory ----

    def memory_of(self, size_mb):
        """Peak memory of each command on a database of that size."""
        source = self.make_database(size_mb)
        program = programs.Sealpoint(self.scratch / "ours", source)
        program.set_up(self.environment)
        out = {}

        def run(name, *command):
            out[name] = self.measure(program, name, ["sealpoint", *map(str, command)])["rss"]

        run("backup, base", "backup", source)
        subprocess.run(["wtmake", "update", source, str(size_mb * 17)], check=True)
        run("backup, incremental", "backup", source)
        run("backup, nothing changed", "backup", source)
        run("snapshots", "snapshots")
        run("verify", "verify")
        run("verify --read-data", "verify", "--read-data")
        run("verify --decrypt", "verify", "--decrypt")
        run("restore", "restore", "latest", "--to", self.scratch / "restored")
        run("ls", "ls", "latest")
        run("export", "export", "latest")
        run("key rotate", "key", "rotate")
        run("key rewrap", "key", "rewrap")
        for directory in (source, program.directory, self.scratch / "restored"):
            shutil.rmtree(directory)
        return out

    def memory(self):
        small = int(os.environ.get("SIZE_MB", "200"))
        one, ten = self.memory_of(small), self.memory_of(10 * small)
        self.results = {"one": one, "ten": ten, "size_mb": small}
        self.write("memory", [programs.Sealpoint], None)
        print(f"Peak resident memory, MiB, of a database of {small} and {10 * small} MB.\n")
        print("| command | 1× | 10× |\n|---|---|---|")
        for name in one:
            print(f"| {name} | {one[name] / 1024:.1f} | {ten[name] / 1024:.1f} |")

    # ---- what is printed and kept ----

    def machine(self):
        def said(*command):
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

        model = [line.split(":")[1].strip() for line in said("lscpu").splitlines()
                 if line.startswith("Model name")]  # fmt: skip
        with open("/proc/meminfo", encoding="ascii") as file:
            memory = int(file.readline().split()[1]) / 1024 / 1024
        return {
            "processor": model[0] if model else platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(memory, 1),
            "kernel": platform.release(),
            "file_system": said("findmnt", "-n", "-o", "FSTYPE", "-T", str(self.scratch)),
        }

    def versions(self, classes):
        out = {}
        for cls in classes:
            program = cls("/nowhere", "/nowhere")
            done = subprocess.run(program.version(), capture_output=True, text=True, check=False)
            said = (done.stdout or done.stderr).strip().split("\n")[0]
            out[cls.name] = said if cls.name in said else f"{cls.name} {said}"
        return out

    def write(self, mode, classes, pristine):
        size = sum(f.stat().st_size for f in pristine.rglob("*") if f.is_file()) if pristine else 0
        name = "bench.json" if mode == "speed" else "bench-memory.json"
        (self.build / name).write_text(json.dumps({
            "machine": self.machine(), "versions": self.versions(classes), "size_mb": SIZE_MB,
            "source_bytes": size, "updates": UPDATES, "rounds": ROUNDS, "results": self.results,
        }, indent=1) + "\n")  # fmt: skip

    def median(self, program, phase, value):
        got = [value(r) for r in self.results
               if r["program"] == program and r["phase"] == phase]  # fmt: skip
        return statistics.median(got) if got else None

    def row(self, name, values, form):
        """A value for each program, and sealpoint's as a part of restic's."""
        cells = ["—" if v is None else form.format(v) for v in values.values()]
        ours, restic = values.get("sealpoint"), values.get("restic")
        ratio = f"{ours / restic:.2f}" if ours is not None and restic else "—"
        print(f"| {name} | " + " | ".join(cells) + f" | {ratio} |")

    def table(self, title, classes, rows):
        names = [cls.name.replace("|", "\\|") for cls in classes]
        print(f"\n{title}\n")
        print("| | " + " | ".join(names) + " | sealpoint / restic |")
        print("|---" * (len(names) + 2) + "|")
        for name, phase, value, form in rows:
            self.row(name, {cls.name: self.median(cls.name, phase, value) for cls in classes}, form)

    def print_speed(self, classes, pristine):
        size = sum(f.stat().st_size for f in pristine.rglob("*") if f.is_file())
        m = self.machine()
        print(f"{m['processor']}, {m['cores']} cores, {m['memory_gib']} GiB, Linux {m['kernel']},"
              f" {m['file_system']}; {'; '.join(self.versions(classes).values())}.")  # fmt: skip
        print(f"A WiredTiger database of {size / 1e6:.0f} MB, {UPDATES} scattered updates and"
              f" inserts; medians of {ROUNDS} interleaved rounds.")  # fmt: skip
        self.table("Seconds until durable:", classes, [
            (ROW_NAMES[p], p, lambda r: r["wall"], "{:.2f}") for p in programs.PHASES])  # fmt: skip
        self.table("Processor seconds (user and system):", classes, [
            (ROW_NAMES[p], p, lambda r: r["user"] + r["sys"], "{:.2f}") for p in programs.PHASES])  # fmt: skip
        self.table("Peak memory, MiB (the largest process):", classes, [
            (ROW_NAMES[p], p, lambda r: r["rss"] / 1024, "{:.0f}") for p in programs.PHASES])  # fmt: skip
        self.table("Stored, MB:", classes, [
            ("after the base", "base", lambda r: r["stored"] / 1e6, "{:.0f}"),
            ("after the incremental", "incremental", lambda r: r["stored"] / 1e6, "{:.0f}")])  # fmt: skip


def main():
    build, scratch, mode = sys.argv[1:]
    bench = Bench(build, scratch)
    bench.speed() if mode == "speed" else bench.memory()


if __name__ == "__main__":
    main()

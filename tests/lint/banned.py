#!/usr/bin/python3
"""What must not stand in the code: calls with a safer sister, and this project's past mistakes.

    banned.py [ROOT]

A row of RULES: what is looked for in C (comments and texts blanked out), why, where it is allowed.
A row of MARKS is looked for in every text file as it stands.
"""

import fnmatch
import pathlib
import re
import sys


def calls(*names):
    """A call of one of the names: not a member, not a part of a longer name, not its definition."""
    return r"(?<![\w.>])(?:" + "|".join(names) + r")\s*\("


ANY_TEST = "tests/*"
RULES = [
    (calls("strcat", "stpcpy", "strncpy", "strncat", "sprintf", "vsprintf", "gets"),
     "no bound or a silent cut: use snprintf, mem_text or struct buf", []),
    (calls("strcpy"), "no bound: use snprintf, mem_text or struct buf", [ANY_TEST]),
    (calls("strtok", "strtok_r"), "changes its input: walk with strchr or strcspn", []),
    (calls("atoi", "atol", "atoll", "atof", "strtol", "strtoll", "strtoul", "strtoull", "strtod",
           "sscanf", "fscanf", "scanf", "strtoumax", "strtoimax"),
     "numbers in text are read by core/base/text only",
     ["core/base/text.c", "core/base/clock.c", ANY_TEST]),
    (calls("alloca"), "a length from outside on the stack", []),
    (calls("system", "popen", "execlp", "execvp"), "no shell and no search of PATH",
     ["tests/tools/measure.c"]),
    (calls("malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup", "asprintf",
           "vasprintf"),
     "the heap belongs to core/base/mem, so that a test can let it fail (mem_free frees all)",
     ["core/base/mem.c", "core/base/secret.c", ANY_TEST]),
    (calls("printf", "fprintf", "vprintf", "vfprintf", "puts", "fputs", "putchar", "putc", "fputc",
           "perror", "fwrite", "dprintf"),
     "only cli prints: return an error, or log_say", ["cli/*", ANY_TEST]),
    (calls("exit", "_exit", "_Exit", "quick_exit"), "only cli exits", ["cli/*", ANY_TEST]),
    (calls("getenv", "secure_getenv"), "only cli reads the environment", ["cli/*", ANY_TEST]),
    (calls("rand", "srand", "random", "srandom", "rand_r", "drand48"),
     "not random: core/base/rand", []),
    (calls("gmtime", "localtime", "ctime", "asctime", "readdir_r", "getpwnam", "getgrnam"),
     "one static buffer for all threads: use the _r sister", []),
    (calls("signal"), "behaves differently by system: use sigaction", []),
    (calls("mktemp", "tmpnam", "tempnam"), "the name can be taken before it is opened", []),
    (calls("access"), "what it says is past: open, and see",
     ["cli/*", "snapshot/restore/restore_target.c", ANY_TEST]),
    (calls("lseek"), "threads share the position: pread and pwrite",
     ["snapshot/source/tar_meta.c", ANY_TEST]),  # where the holes are
    (r"(?<!\w)memcmp\s*\([^;{]*?\b(?:mac|hmac|tag|kek|secret|passphrase|password|data_key)\b",
     "takes longer the more is right: CRYPTO_memcmp", [ANY_TEST]),
    (r"(?<!\w)memset\s*\([^;,]*(?:secret|passphrase|key_bytes)",
     "the compiler may drop it: OPENSSL_cleanse, or struct secret", [ANY_TEST]),
    (r"(?<!\w)assert\s*\([^;]*?(?:\+\+|--|(?<![=!<>])=(?!=))",
     "an assert must not do anything: the result first, then the assert", []),
    (r"\btypedef\s+(?:struct|union)\b", "no typedef for structs", []),
    (r"\bvoid\s*\*\s*\w+\s*=\s*\([a-z_ ]+\*\)", "void pointers convert themselves", []),
    (r"O_CREAT(?![^;]*O_CLOEXEC)", "a child must not inherit it: O_CLOEXEC", [ANY_TEST]),
]  # fmt: skip

SHELLS = ["*.sh", "Makefile", ".ci/*", "*.yml"]
MARKS = [
    (r"\b(?:TODO|FIXME|XXX|HACK)\b", "a promise to nobody: do it, or say why not", ["*"]),
    (r"\|\|\s*(?:true|:)(?:\s|$)", "hides every failure: say which one is expected", SHELLS),
    (r"NOLINT(?!\w*\([\w.,-]+\))", "name the check: NOLINT(check)", ["*.c", "*.h"]),
    (r"[ \t]+$", "blanks at the end of a line", ["*.c", "*.h", "*.py", "*.sh", "Makefile"]),
]
# The lint names what it looks for, and its self-test has to do it.
MARKS_NOT_IN = ["tests/lint/*", "LICENSE", "tests/fuzz/corpus/*", "tests/golden/*"]
TEXT = ["*.c", "*.h", "*.py", "*.sh", "*.md", "Makefile", ".ci/*", "*.yml"]
IGNORED = re.compile(r"^(build|\.git/|.*__pycache__)")

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    """The same lines without the words; an #include keeps its shape."""
    return re.sub(r"[^\n]", " ", match.group(0))


def code_of(text):
    return TOKEN.sub(blank, text)


def matches(path, globs):
    return any(fnmatch.fnmatch(path, glob) for glob in globs)


def find(path, text, pattern, why):
    for match in re.finditer(pattern, text, re.M):
        line = text.count("\n", 0, match.start()) + 1
        yield f"{path}:{line}: {match.group(0).strip()[:60]}: {why}"


def check_file(path, text):
    wrong = []
    if path.endswith((".c", ".h")):
        code = code_of(text)
        for pattern, why, where in RULES:
            if not matches(path, where):
                wrong += find(path, code, pattern, why)
    for pattern, why, where in MARKS:
        if matches(path, where) and not matches(path, MARKS_NOT_IN):
            wrong += find(path, text, pattern, why)
    return wrong


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    wrong = []
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        if file.is_file() and not IGNORED.match(path) and matches(path, TEXT):
            wrong += check_file(path, file.read_text(encoding="utf-8"))
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

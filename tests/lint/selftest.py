#!/usr/bin/python3
"""A lint that cannot fail is a defect: each one is fed what it must refuse, and clean code.

A sample is put into a small tree that is clean by itself; the lint named must then fail and say the
words. Every rule of banned.py must be hit by one of its samples.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import banned  # noqa: E402  (it lies beside this file)

CLEAN = {
    "core/base/thing.h": "/* A thing. */\n#ifndef CORE_BASE_THING_H\n#define CORE_BASE_THING_H\n\n"
                         "int thing(int a);\n\n#endif\n",
    "core/base/thing.c": '#include "core/base/thing.h"\n\n/* free(it), sprintf */\n'
                         'int thing(int a)\n{\n    return a + 1; // exit(1)\n}\n',
    "snapshot/read/view.h": "/* A view. */\n#ifndef SNAPSHOT_READ_VIEW_H\n#define SNAPSHOT_READ_VIEW_H\n\n"
                            "struct view {\n    int at;\n};\n\n#endif\n",
    "snapshot/restore/tree.h": "/* A tree. */\n#ifndef SNAPSHOT_RESTORE_TREE_H\n#define SNAPSHOT_RESTORE_TREE_H\n\n"
                               "struct tree {\n    int at;\n};\n\n#endif\n",
    "core/ledger/line.h": "/* A line. */\n#ifndef CORE_LEDGER_LINE_H\n#define CORE_LEDGER_LINE_H\n\n"
                          "struct line {\n    int at;\n};\n\n#endif\n",
    "keyring/catalogue/list.c": '#include "core/ledger/line.h"\n\nstruct line line;\n',
    "cli/main.c": '#include <stdio.h>\n\n#include "core/base/thing.h"\n#include "snapshot/read/view.h"\n\n'
                  'int main(void)\n{\n    return printf("%d free(x)\\n", thing(1)) > 0 ? 0 : 1;\n}\n',
}  # fmt: skip

BAD_ROOMS = [
    ("core/base/low.c", '#include "snapshot/read/view.h"\n', "core/base must not know snapshot/read"),
    ("core/repository/up.c", '#include "snapshot/read/view.h"\n', "core/repository must not know snapshot/read"),
    ("oplog/side.c", '#include "snapshot/read/view.h"\n', "do not see each other"),
    ("keyring/wrap.c", '#include "core/ledger/line.h"\n', "keyring and core/ledger do not see each other"),
    ("snapshot/format/up.c", '#include "snapshot/read/view.h"\n', "must not know snapshot/read"),
    ("snapshot/browse/side.c", '#include "snapshot/restore/tree.h"\n', "do not see each other"),
    ("snapshot/hall.c", "int x;\n", "outside the rooms"),
    ("snapshot/restore/gone.c", '#include "snapshot/nothing.h"\n', "no path from the root"),
    ("core/base/thing.c", '#include <stdio.h>\n#include "core/base/thing.h"\n', "must be the first"),
    ("snapshot/backup/crypt.c", "#include <openssl/evp.h>\n", "<openssl/evp.h> belongs to"),
    ("keyring/pack.c", "#include <zstd.h>\n", "<zstd.h> belongs to"),
    ("snapshot/backup/files.c", "#include <archive.h>\n", "<archive.h> belongs to"),
    ("core/ledger/x.c", "#include <json-c/json.h>\n", "belongs to core/base/jdoc.c"),
    ("cli/y.c", "#include <yaml.h>\n", "belongs to cli/config"),
    ("cli/z.c", "#include <ncurses.h>\n", "is in no table"),
    ("extra/new.c", "int x;\n", "outside the rooms"),
]

# One line for each rule of banned.RULES, in its order; several where a rule has several shapes.
BAD_CALLS = [
    "strcat(a, b);", "strcpy(a, b);", "strtok(a, b);", "n = atoi(a);", "p = alloca(9);", "system(a);", "free(a);",
    'printf("x");', "exit(1);", "p = getenv(a);", "n = rand();", "p = gmtime(&t);",
    "signal(2, f);", "mktemp(a);", "if (access(a, 0))", "lseek(fd, 0, 0);",
    "if (memcmp(got, mac, 32) == 0)", "memset(secret, 0, 32);", "assert(n++ < 3);",
    "typedef struct x x;", "void *p = (void *)q;", "fd = open(a, O_CREAT | O_WRONLY, 0600);",
    "assert((n = 3));",
]  # fmt: skip
ALLOWED_CALLS = [
    "x->free(a);", "mem_free(a);", "assert(a == b && c <= d);", "v.exit(1);", "thread_exit(1);",
    "fd = open(a, O_CREAT | O_CLOEXEC);", "memcmp(name, tagline, 3);",
]  # fmt: skip
BAD_MARKS = [
    ("core/base/a.c", "/* TODO: later */\n", "a promise to nobody"),
    ("x.sh", "rm x || true\n", "hides every failure"),
    ("core/base/b.c", "int x; // NOLINT\n", "name the check"),
    ("core/base/c.c", "int x; \n", "blanks at the end"),
]
BAD_HEADERS = [
    ("core/base/g.h", "/* g */\n#ifndef G_H\n#define G_H\n#endif\n", "must be CORE_BASE_G_H"),
    ("core/base/g.h", "#ifndef CORE_BASE_G_H\n#define CORE_BASE_G_H\n#endif\n", "must begin with"),
    ("core/base/g.h", "/* g */\n#ifndef CORE_BASE_G_H\n#define CORE_BASE_G_H\nsize_t n(void);\n"
                      "#endif\n", "does not compile alone with clang"),
]  # fmt: skip
BAD_FORMAT = [("core/base/f.c", "int  x ;\n", "should be clang-formatted")]
LONG = "".join(f"    a += {i};\n" for i in range(80))
BAD_TIDY = [
    ("core/base/t.c", "int t(int a);\nint t(int a)\n{\n" + LONG + "    return a;\n}\n",
     "readability-function-size"),
    ("core/base/t.c", "int t(const int *a);\nint t(const int *a)\n{\n    a = 0;\n    return *a;\n}\n",
     "clang-analyzer-core.NullDereference"),
    ("core/base/t.c", "#include <string.h>\nint t(const char *a);\nint t(const char *a)\n{\n"
                      "    return strcmp(a, \"x\") == -1;\n}\n", "bugprone-suspicious-string-compare"),
]  # fmt: skip

failed = []


def plant(root, extra=None):
    for name, text in {**CLEAN, **(extra or {})}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for name in (".clang-format", ".clang-tidy"):
        shutil.copy(HERE.parent.parent / name, root / name)
    for name in ("tests/lint/model.h", "core/base/err.h"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE.parent.parent / name, root / name)


def run(lint, extra=None):
    with tempfile.TemporaryDirectory() as directory:
        plant(pathlib.Path(directory), extra)
        done = subprocess.run([HERE / lint, directory], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def expect_clean(lint):
    status, said = run(lint)
    if status != 0:
        failed.append(f"{lint} refuses clean code: {said}")


def expect_bad(lint, samples):
    for path, text, words in samples:
        status, said = run(lint, {path: text})
        if status == 0 or words not in said:
            failed.append(f"{lint} let pass, or said not {words!r}: {path}: {text[:60]!r}: {said}")


def check_calls():
    hit = set()
    for line in BAD_CALLS:
        rows = [i for i, rule in enumerate(banned.RULES) if re.search(rule[0], line)]
        if not rows:
            failed.append(f"banned.py lets pass {line}")
        hit.update(rows)
    for i in sorted(set(range(len(banned.RULES))) - hit):
        failed.append(f"no sample for this rule of banned.py: {banned.RULES[i][1]}")
    for line in ALLOWED_CALLS:
        for rule in banned.RULES:
            if re.search(rule[0], line):
                failed.append(f"banned.py refuses {line}: {rule[1]}")
    expect_bad("banned.py", [("core/base/d.c", "void f(void) { free(x); }\n", "core/base/d.c:1:")])


def main():
    for lint in ("rooms.py", "banned.py", "headers.sh", "format.sh", "tidy.sh"):
        expect_clean(lint)
    expect_bad("rooms.py", BAD_ROOMS)
    check_calls()
    expect_bad("banned.py", BAD_MARKS)
    expect_bad("headers.sh", BAD_HEADERS)
    expect_bad("format.sh", BAD_FORMAT)
    expect_bad("tidy.sh", BAD_TIDY)
    print("\n".join(failed), end="\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""mutants.py and mutate.py find each kind of mutant, change the right place, and keep the table true.

A sample is compiled with all its mutants; with each of them alive it must answer as it says below.
"""

import os
import pathlib
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import mutants  # noqa: E402  (they lie beside this file)
import mutate  # noqa: E402

SAMPLE = r"""
#include <stdio.h>
#include "core/base/err.h"
#define UNSEEN(x) if (x) return 1; /* of the preprocessor, in one line */
/* if (a && b) FAIL(ERR_CORRUPT, "no"); */

struct box {
    int len, max;
};
static const struct box empty = {.len = 0, .max = 4};

static enum err check(int a, int b)
{
    enum err rc = ERR_OK;

    if (a > 9 || (b == '}' && a == 3)) /* a brace ')' in a text "if (" */
        FAIL(ERR_CORRUPT, "if (%d && %d) {", a, b);
    if (b == 5)
        return err_set(ERR_USAGE, "five");
out:
    return rc;
}

static int is_small(struct box x, int plus)
{
    for (int i = 0; i < 1 && plus > 100; i++)
        x.len = 0;
    return x.len + plus < x.max && plus != 1;
}

static enum err look(int key)
{
    if (key == 1)
        return ERR_OK;
    else if (key == 2) {
        int unused = key;

        (void)unused;
        return ERR_EXISTS;
    }
    return ERR_BUSY;
}

static void put(int *to, int value)
{
    *to = value;
}

static enum err
run(int a, int b)
{
    int sum = 0;
    enum err rc;

    TRY(check(a, b));
    put(&sum, a);
    (void)look(a); /* a cast, not a statement */
    if (sum != a)
        TRY(check(5, 5));
out:
    if (rc != ERR_OK)
        err_note("x");
    return rc;
}

int main(void)
{
    static const int in[][2] = {{1, 1}, {9, 1}, {10, 1}, {3, '}'}, {3, 2}, {4, '}'}, {1, 5}};

    for (unsigned i = 0; i < sizeof in / sizeof *in; i++)
        printf("%d", check(in[i][0], in[i][1]) != ERR_OK);
    printf(" %d%d%d %d%d%d", is_small(empty, 0), is_small(empty, 1), is_small(empty, 4), look(1) == ERR_OK,
           look(2) == ERR_EXISTS, look(3) == ERR_BUSY);
    return printf(" %d%d\n", run(1, 1), run(10, 1)) < 0;
}
"""

UNBROKEN = "0011001 100 111 06"
# What the sample answers with each of its mutants.
ANSWERS = {
    "check drop-operand 1": "0001001 100 111 00",
    "check drop-operand 2": "0010001 100 111 06",
    "check drop-operand 3": "0011101 100 111 06",
    "check drop-operand 4": "0011011 100 111 06",
    "check boundary": "0111001 100 111 06",
    "check if-never": "0011000 100 111 06",
    "is_small drop-operand 1": "0011001 101 111 06",
    "is_small drop-operand 2": "0011001 110 111 06",
    "look if-always": "0011001 100 100 06",
    "look if-never": "0011001 100 101 06",
    "run drop-call 1": "0011001 100 111 00",
    "run drop-statement": "0011001 100 111 26",
    "run ignore-failure 1": "0011001 100 111 00",
    "main drop-statement 1": "100 111 06",
    "main drop-statement 2": "0011001 06",
    # Alive, they change nothing: what they break is never reached.
    "run drop-call 2": UNBROKEN,
    "run ignore-failure 2": UNBROKEN,
}


def names_of(found):
    return [mutant.name.removeprefix("sample.c ") for mutant in found]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample's mutants, and its binary."""
    directory = tmp_path_factory.mktemp("mutants")
    file = mutate.File("sample.c", SAMPLE)
    for number, mutant in enumerate(file.mutants, 1):
        mutant.number = number
    (directory / "sample.c").write_text('#include "tests/tools/mutant.h"\n' + file.mutated())
    sources = [directory / "sample.c", ROOT / "tests/tools/mutant.c", ROOT / "core/base/err.c"]
    subprocess.run(
        ["cc", "-D_GNU_SOURCE", "-std=c11", "-w", "-I", ROOT, "-o", directory / "sample", *sources], check=True
    )
    return file.mutants, directory / "sample"


def answer(binary, **env):
    return subprocess.run(binary, env=os.environ | env, capture_output=True, text=True, check=True).stdout.strip()


def test_every_kind_is_found_where_it_is(sample):
    found, _ = sample
    assert sorted(names_of(found)) == sorted(ANSWERS)
    assert {mutant.kind for mutant in found} == set(mutate.KINDS)


def test_a_mutant_breaks_its_place_and_no_other(sample):
    found, binary = sample
    assert answer(binary) == UNBROKEN
    answers = {name: answer(binary, MUTANT=str(m.number)) for name, m in zip(names_of(found), found)}
    assert answers == ANSWERS


def test_what_no_test_reaches_is_known(sample, tmp_path):
    found, binary = sample
    reached = tmp_path / "reached"
    reached.write_bytes(bytes(len(found) + 1))
    answer(binary, MUTANT_REACHED=str(reached))
    seen = reached.read_bytes()
    unseen = {name for name, mutant in zip(names_of(found), found) if not seen[mutant.number]}
    assert unseen == {"run drop-call 2", "run ignore-failure 2"}


def test_a_name_outlives_another_layout():
    again = SAMPLE.replace("(a > 9 || (", "(a\n > 9 ||\n\n /* && */ (").replace("{\n    *to", "{ *to")
    assert names_of(mutate.File("sample.c", again).mutants) == names_of(mutate.File("sample.c", SAMPLE).mutants)


@pytest.mark.parametrize(
    "row, wrong",
    [
        ("sample.c look if-never: it is only a sample", None),
        ("sample.c check drop-operand 2: it is only a sample", None),
        ("sample.c check drop-operand *: it is only a sample", None),
        ("sample.c look if-never", "no reason given"),
        ("sample.c look if-never: ", "no reason given"),
        ("sample.c gone if-never: it was here once", "there is no such mutant"),
        ("sample.c look boundary: it was here once", "there is no such mutant"),
        ("sample.c check drop-operand 5: it was here once", "there is no such mutant"),
        ("sample.c check drop-operand: which of the four?", "there is no such mutant"),
        ("sample.c look if-never: one\nsample.c look if-never: two", "excepted already"),
        ("sample.c check drop-operand *: one\nsample.c check drop-operand 1: two", "excepted already"),
    ],
)
def test_a_row_names_a_mutant_and_gives_a_reason(row, wrong):
    table = mutants.Table("# a comment\n\n" + row, mutate.File("sample.c", SAMPLE).mutants)
    if wrong is None:
        assert table.wrong == []
    else:
        assert len(table.wrong) == 1 and wrong in table.wrong[0]


def report(row, killed, capsys):
    """What is said of the mutants of look(), when those in `killed` were."""
    found = [m for m in mutate.File("sample.c", SAMPLE).mutants if m.function == "look"]
    for mutant in found:
        mutant.is_reached = True
    killers = {mutant: "test_look" if mutant.kind in killed else None for mutant in found}
    return mutants.report(killers, mutants.Table(row, found)), capsys.readouterr().out


def test_a_survivor_is_named(capsys):
    good, said = report("", ["if-always"], capsys)
    assert not good
    assert "survived: sample.c look if-never" in said


def test_an_excepted_survivor_is_counted_only(capsys):
    good, said = report("sample.c look if-never: a reason", ["if-always"], capsys)
    assert good
    assert "sample.c: 2 mutants, 1 killed, 1 excepted, 0 survived" in said


def test_a_row_whose_mutant_is_killed_is_out_of_date(capsys):
    good, said = report("sample.c look if-never: a reason", ["if-always", "if-never"], capsys)
    assert not good
    assert "mutants.txt:1: sample.c look if-never: out of date, test_look kills it" in said


def test_every_row_of_the_table_names_a_mutant_of_this_tree():
    every = [mutant for file in mutants.find_files(ROOT) for mutant in file.mutants]
    assert mutants.Table(mutants.TABLE.read_text(), every).wrong == []


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", __file__]))

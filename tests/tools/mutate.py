"""Find what can be broken in a C file, and write it broken.

A mutant has a name, not a text: its file, its function, its kind and, where a function has several of
a kind, the number among them. All mutants of a file are written into one source that asks
tests/tools/mutant.h which of them lives; so everything is compiled once.

It is a tokenizer and not a compiler: it knows braces, `if`, && and ||, and the words of the error
model (core/base/err.h).
"""

import re

KINDS = {
    "if-never": "an `if` that refuses, or returns another value than success, never does",
    "if-always": "an `if` that lets through (`return ERR_OK`) always does",
    "drop-operand": "one operand of && or || counts no more, in such an `if` and in what is returned",
    "boundary": "< becomes <=, > becomes >=, and back, in an `if` that refuses",
    "drop-call": "a TRY is left out",
    "drop-statement": "a plain call is left out, but for one that frees, closes, locks or adds to a message",
    "ignore-failure": "the failure of a call counts as success: a TRY, or an `if` that passes it on",
}
# Not asked for by default: most calls fail for want of memory alone, or the next step fails then, too.
BY_DEFAULT = [kind for kind in KINDS if kind != "ignore-failure"]

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<hash>\#(?:\\\n|/\*.*?\*/|[^\n])*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\.?\d(?:[eEpP][+-]|[\w.])*)
      | (?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|[<>=!]=|&&|\|\||[-+*/%&|^]=|.)""",
    re.VERBOSE | re.DOTALL,
)
WORD = re.compile(r"[A-Za-z_]\w*")
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
# What ends an operand of && and ||, and an operand of < and >, at its own level.
ENDS_OPERAND = {"?", ":", ",", ";", "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "return"}
ENDS_SIDE = ENDS_OPERAND | {"&&", "||", "==", "!=", "&", "|", "^"}
# Calls that no unit test can miss: what was allocated, locked, or said.
UNMISSED = re.compile(r"\w*(free|clear|close|closedir|lock|destroy|init|va_start|va_end)|(err|log)_\w+|assert")
KEYWORDS = {"while", "for", "if", "switch", "return", "TRY", "FAIL", "FAIL_SYS"}
RECORDS = {"FAIL", "FAIL_SYS", "err_set", "err_sys"}
BOUNDARIES = {"<", "<=", ">", ">="}


class Token:
    def __init__(self, text, start, line):
        self.text, self.start, self.end, self.line = text, start, start + len(text), line
        self.mate = None  # of a bracket: the index of the other one

    def __repr__(self):
        return self.text


def tokens_of(text):
    found, line, starts = [], 1, []
    for match in TOKEN.finditer(text):
        if match.lastgroup not in ("skip", "hash"):
            token = Token(match.group(), match.start(), line)
            if token.text in OPEN:
                starts.append(len(found))
            elif token.text in CLOSE:
                token.mate = starts.pop()
                found[token.mate].mate = len(found)
            found.append(token)
        line += match.group().count("\n")
    return found


class Mutant:
    def __init__(self, path, function, kind, token, text):
        self.path, self.function, self.kind = path, function, kind
        self.line, self.text = token.line, text
        self.n = self.of = 0  # the how-manieth of its kind in the function, and of how many
        self.number = -1  # in the run; one that is not in it never lives

    @property
    def name(self):
        return f"{self.path} {self.function} {self.kind}" + (f" {self.n}" if self.of > 1 else "")

    @property
    def name_of_all(self):
        """The name of all of its kind in the function."""
        return f"{self.path} {self.function} {self.kind}" + (" *" if self.of > 1 else "")

    def __str__(self):
        return f"{self.name}  (line {self.line}: {self.text})"


class File:
    """The mutants of one file, and where they go."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.tokens = tokens_of(text)
        self.mutants, self.edits = [], []
        for function, start, end in self.functions():
            self.function = function
            first = len(self.mutants)
            self.look(start, end)
            self.number(self.mutants[first:])

    def functions(self):
        """Name and braces of each function: a brace at the top level that follows a parameter list."""
        t, i = self.tokens, 0
        while i < len(t):
            if t[i].text == "{" and t[i - 1].text == ")":
                yield t[t[i - 1].mate - 1].text, i, t[i].mate
            i = t[i].mate + 1 if t[i].text in OPEN else i + 1

    def look(self, start, end):
        t = self.tokens
        for i in range(start, end):
            if t[i].text == "if":
                self.look_at_if(i + 1)
            elif t[i].text == "return":
                self.look_at_operands(i + 1, self.end_of_statement(i))
            elif t[i].text == "TRY":
                self.look_at_try(i)
            elif WORD.fullmatch(t[i].text) and t[i + 1].text == "(" and self.starts_statement(i):
                self.look_at_statement(i)

    @staticmethod
    def number(mutants):
        for kind in KINDS:
            same = sorted((m for m in mutants if m.kind == kind), key=lambda m: m.at)
            for n, mutant in enumerate(same, 1):
                mutant.n, mutant.of = n, len(same)

    # ---- what there is ----

    def end_of_statement(self, i):
        t = self.tokens
        while t[i].text != ";" and t[i].text not in CLOSE:
            i = t[i].mate + 1 if t[i].text in OPEN else i + 1
        return i

    def what_it_does(self, opening):
        """The kind of an `if` by its body: "refuses", "passes on" a failure, "lets through", or None."""
        t = self.tokens
        closing = t[opening].mate
        first = closing + 1
        end = t[first].mate if t[first].text == "{" else self.end_of_statement(first)
        body = [token.text for token in t[first:end]]
        while t[first].text == "{" or (t[first].text != "}" and self.end_of_statement(first) + 1 < end):
            first = first + 1 if t[first].text == "{" else self.end_of_statement(first) + 1
        last = [token.text for token in t[first:end] if token.text not in (";", "}")]
        calls = any(t[i].text == "(" and WORD.match(t[i - 1].text) for i in range(opening + 1, closing))
        asks = [token.text for token in t[opening + 1 : closing]]
        if {"FAIL_SYS", "err_sys"} & set(body) or ("ERR_FAILED" in body and (calls or asks[-1] == "NULL")):
            return "passes on"
        if RECORDS & set(body) and (last[0] in ("return", "goto", "rc") or last[0] in RECORDS):
            return "refuses"
        if last in (["return", "rc"], ["goto", "out"]) and "rc" in asks:
            return "passes on"
        if last == ["return", "ERR_OK"]:
            return "lets through"
        if last[0] == "return" and last not in (["return"], ["return", "rc"]):
            return "refuses"
        return None

    def look_at_if(self, opening):
        closing = self.tokens[opening].mate
        first, last = opening + 1, closing - 1
        does = self.what_it_does(opening)
        if does == "passes on":
            m = self.add("ignore-failure", first, last)
            self.wrap(first, last, "((", f") && !mutant_lives({m}))")
        elif does is not None:
            self.look_at_operands(first, closing)
        if does == "lets through" and not self.has_top(first, closing, "&&"):
            m = self.add("if-always", first, last)
            self.wrap(first, last, "((", f") || mutant_lives({m}))")
        if does == "refuses":
            if not self.has_top(first, closing, "||"):  # else each operand is one of its own
                m = self.add("if-never", first, last)
                self.wrap(first, last, "((", f") && !mutant_lives({m}))")
            self.look_at_boundaries(first, closing)

    def has_top(self, first, end, sign):
        t, i = self.tokens, first
        while i < end:
            if t[i].text == sign:
                return True
            i = t[i].mate + 1 if t[i].text in OPEN else i + 1
        return False

    def pieces(self, first, end, at):
        """The spans between the tokens of `at` on the top level of first…end, and what is in brackets."""
        t, i, start = self.tokens, first, first
        while i < end:
            if t[i].text in at:
                yield start, i
                start = i + 1
            i = t[i].mate + 1 if t[i].text in OPEN else i + 1
        yield start, end

    def brackets(self, first, end):
        t, i = self.tokens, first
        while i < end:
            if t[i].text in OPEN:
                yield i + 1, t[i].mate
                i = t[i].mate
            i += 1

    def look_at_operands(self, first, end):
        for start, stop in self.pieces(first, end, ENDS_OPERAND):
            ors = list(self.pieces(start, stop, {"||"}))
            for a, b in ors:
                if len(ors) > 1:
                    m = self.add("drop-operand", a, b - 1)
                    self.wrap(a, b - 1, "((", f") && !mutant_lives({m}))")
                ands = list(self.pieces(a, b, {"&&"}))
                for c, d in ands if len(ands) > 1 else ():
                    m = self.add("drop-operand", c, d - 1)
                    self.wrap(c, d - 1, "((", f") || mutant_lives({m}))")
        for start, stop in self.brackets(first, end):
            self.look_at_operands(start, stop)

    def look_at_boundaries(self, first, end):
        t = self.tokens
        for a, b in self.pieces(first, end, ENDS_SIDE):
            signs = [i for i in range(a, b) if t[i].text in BOUNDARIES and self.on_top(a, i)]
            if len(signs) == 1 and a < signs[0] < b - 1 and t[b - 1].text != "0":  # < 0: a failed call
                i = signs[0]
                m = self.add("boundary", a, b - 1)
                self.wrap(a, i - 1, f"MUTANT_BOUNDARY({m}, {t[i].text}, (", "), ")
                self.edits.append((t[i].start, t[i].end, None, ""))
                self.wrap(i + 1, b - 1, "(", "))")
        for start, stop in self.brackets(first, end):
            self.look_at_boundaries(start, stop)

    def on_top(self, first, at):
        t, i = self.tokens, first
        while i < at:
            i = t[i].mate + 1 if t[i].text in OPEN else i + 1
        return i == at

    def look_at_try(self, i):
        t = self.tokens
        first, last = i + 2, t[i + 1].mate - 1
        m = self.add("ignore-failure", first, last)
        self.wrap(first, last, f"(enum err)mutant_ignores({m}, (int)(", "))")
        if first == last:  # TRY(rc) only passes it on
            return
        m = self.add("drop-call", first, last)
        self.wrap(i, last + 2, f"{{ if (mutant_lives({m})) rc = ERR_OK; else ", " }")

    def starts_statement(self, i):
        t = self.tokens
        before = t[i - 1]
        if before.text == ")":  # not that of a cast
            before = t[before.mate - 1]
            return before.text in ("if", "for", "while")
        return before.text in ("{", "}", ";", "else")

    def look_at_statement(self, i):
        t = self.tokens
        end = t[i + 1].mate + 1
        name = t[i].text
        if t[end].text == ";" and name not in KEYWORDS and not UNMISSED.fullmatch(name):
            m = self.add("drop-statement", i, end - 1)
            self.wrap(i, end, f"{{ if (!mutant_lives({m})) ", " }")

    # ---- what is written ----

    def add(self, kind, first, last):
        t = self.tokens
        text = " ".join(self.text[t[first].start : t[last].end].split())
        mutant = Mutant(self.path, self.function, kind, t[first], text)
        mutant.at = t[first].start, -t[last].end
        self.mutants.append(mutant)
        return f"@{len(self.mutants) - 1}@"

    def wrap(self, first, last, before, after):
        self.edits.append((self.tokens[first].start, self.tokens[last].end, before, after))

    def mutated(self):
        """The text with all its mutants, which must have their numbers."""
        pieces = []
        for order, (start, end, before, after) in enumerate(self.edits):
            if before is None:
                pieces.append(((start, 2, 0, 0), start, end, ""))
                continue
            # At one place: what ends there, the inner first, then what starts there, the outer first.
            pieces.append(((start, 1, -end, order), start, start, before))
            pieces.append(((end, 0, -start, -order), end, end, after))
        out, at = [], 0
        for _, start, end, new in sorted(pieces):
            out += [self.text[at:start], new]
            at = end
        out.append(self.text[at:])
        number = lambda match: str(self.mutants[int(match.group(1))].number)  # noqa: E731
        return re.sub(r"@(\d+)@", number, "".join(out))

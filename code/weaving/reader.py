"""Pweave's noweb reader, made strict: every chunk knows its line, and nothing malformed passes.

Two rules hold for the text between \\begin{document} and \\end{document}:

* A percent sign is written \\%. A bare one may only begin a line (the line is a comment, and
  inline code in it does not run) or end it, but not after a number or a blank: there it was meant
  to be printed. Anywhere else it would delete the rest of the line.
* A result is computed, not typed. A decimal number (0.734, .5) or a percentage (37\\,\\%, 37
  percent) is an error in prose, formulas and captions, unless it is an input, written
  \\given{0.734}; a length (0.5em); the number of a section, table, version or the like (Section
  3.5, Python 3.11, arXiv:1706.03762); or is part of an address, citation, label or listing.
"""

import ast
import difflib
import importlib.machinery
import importlib.util
import itertools
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from weaving.problems import BuildFailed, Problem


def _pweave_reader():
    """Pweave's reader alone: the whole package would import its Jupyter backend, 64 packages."""
    folder = importlib.util.find_spec("pweave").submodule_search_locations
    spec = importlib.machinery.PathFinder.find_spec("readers", folder)
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings(action="ignore"):  # invalid escapes in its source
        spec.loader.exec_module(module)
    return module.PwebReader


PwebReader = _pweave_reader()

OPTIONS = {"name": str, "echo": bool, "fig": bool, "caption": str, "alt": str, "label": str}
OPTIONS |= {"depends": list}
OF_FIGURES = {"caption", "alt", "label"}
DEFAULTS = {"echo": False, "fig": False}

CODE_BEGIN = re.compile(PwebReader.code_begin)
LIKE_CODE_BEGIN = re.compile(r"<<|\s*<<.*>>\s*=")
ODD_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
VALUE = "\ufffc"  # stands for an inline expression where the text around it is examined

BEGIN = r"\begin{document}"
NO_COMMENT = r"^(?![ \t]*%)"
END = re.compile(NO_COMMENT + r".*?\\end\s*\{document\}", re.MULTILINE)
LOST = re.compile(NO_COMMENT + r"[ \t]*\S", re.MULTILINE)
MISPLACED = [
    (re.compile(NO_COMMENT + r".*?\\begin\{(listing|printed)\}", re.MULTILINE),
     "{} is for what a program made; type Verbatim, or a chunk"),
    (re.compile(NO_COMMENT + r".*\\(?:input|include)\s*\{([^}]*\.texw)\}", re.MULTILINE),
     r"\input prints {} as it stands, no chunk of it runs; move its text here"),
]  # fmt: skip

# From left to right: a comment line, an escaped character, an inline expression, a part of one.
SCAN = re.compile(
    r"^[ \t]*%(?!>)[^\n]*|\\[\\%]|<%=(?P<code>.*?)%>|(?P<open><%[^\n]*)|(?P<close>%>)",
    re.DOTALL | re.MULTILINE,
)

# A line up to its bare %, which deletes what follows it or is lost at the end after one of these.
# A comment line has none, unless MORE follows it.
MORE = "\ufffd"
PERCENT = rf"(?m)^(?![ \t]*%[^{MORE}\n]*$)(?:\\.|[^\\%\n])*?(?:%(?=.*\S)|\\?(?:AFTER)%)"
NUMBER = rf"[\d{VALUE}$)]|{VALUE}\}}+"
IN_PREAMBLE = re.compile(PERCENT.replace("AFTER", r"(?!)"))
IN_COMPUTED = re.compile(PERCENT.replace("AFTER", NUMBER))
IN_TYPED = re.compile(PERCENT.replace("AFTER", rf"{NUMBER}|[ \t]"))
ARGUMENT = r"\s*\{(?:[^{}]|\{[^{}]*\})*\}"
# What TeX reads letter by letter, where it is not commented out.
RAW = re.compile(
    r"^[ \t]*%[^\n]*|\\[\\%]"
    r"|(?P<raw>\\begin\{(?P<name>listing|[vV]erbatim)\*?\}.*?\\end\{(?P=name)\*?\}"
    rf"|\\(?:url|nolinkurl|path|href){ARGUMENT}|\\verb\*?(?P<mark>[^\w\s*])[^\n]*?(?P=mark))",
    re.DOTALL | re.MULTILINE,
)

DECIMAL = r"(?:\d++\.\d++|\.\d++)(?!\.\d)"
UNIT = r"\s*(?:true)?(?:pt|mm|cm|em|ex|in|bp|mu)\b|\s*\\[a-zA-Z]*(?:width|height|size|skip|sep)\b"
TYPED_NUMBER = re.compile(
    rf"(?<![\w.]){DECIMAL}(?!{UNIT})|(?<![\w.])\d++(?:\s|~|\\,|\\ )*(?:\\%|per\s?cent\b)"
)
NUMBERED = """Section Chapter Part Appendix Table Figure Fig Equation Eq Exercise Question Theorem
Lemma Algorithm Listing Page Step version release Live arXiv PDF TeX Python NumPy SymPy Matplotlib
Pweave PyTorch JAX Pandoc Java Git Debian Ubuntu""".split()
PLACE = rf"(?:{DECIMAL}|\d++)"
NOT_RESULTS = re.compile(
    rf"^[ \t]*%[^\n]*|(?:\b(?:{'|'.join(NUMBERED)})s?\.?|§)(?:\s|~|:)*{PLACE}"
    rf"(?:(?:,| and| to|--)(?:\s|~)*{PLACE})*"
    r"|\\(?:given|[cC]ite\w*|label|\w*ref|doi|hypertarget|hyperlink|bibliography\w*|input"
    rf"|scalebox|color|includegraphics|linespread|arraystretch\}})(?:\[[^\]]*\])*{ARGUMENT}",
    re.MULTILINE | re.IGNORECASE,
)


def inline_expressions(text: str) -> Iterator[re.Match]:
    """The matches of <%= ... %> in the text, in order, those in comment lines left out."""
    return (match for match in SCAN.finditer(text) if match["code"] is not None)


def pieces(text: str, line: int, value: Callable) -> list[tuple[int, str, bool]]:
    """Text that begins on this line as pieces: (line, text, whether it was computed).

    value(code, line) is the text of an inline expression.
    """
    found, end = [], 0
    for match in inline_expressions(text):
        found.append((line, text[end : match.start()], False))
        line += text.count("\n", end, match.start())
        found.append((line, value(match["code"], line), True))
        line += match[0].count("\n")
        end = match.end()
    return [*found, (line, text[end:], False)]


def percent_that_deletes(text: str, within_a_line: bool = False) -> int | None:
    """Where a bare % deletes the rest of its line, or is lost after a number: the offset, or None.

    within_a_line: other text stands before the first line of this one and after its last.
    """
    if within_a_line:
        text = f"x{text}{MORE}"
    found = IN_COMPUTED.search(_without_raw(text))
    return found.end() - 1 - within_a_line if found else None


class StrictReader(PwebReader):
    """The chunks of a document, in `parsed`; BuildFailed lists all that is malformed.

    A chunk is a dictionary: "type" ("code" or "doc"), "content", "line" (of the content's first
    line, from 1) and, of code, "number" and "options". `StrictProcessor.run` adds the "result" of
    code and the "pieces" of text; later stages read nothing else of it.
    """

    def __init__(self, file):
        super().__init__(string=_text(file))
        self.source = file
        self.problems = []
        self.given = {}  # where a name or label is given first
        self.closings = set()  # the lines with @ that close a chunk

    def parse(self):
        self._check_lines()
        self.rawtext = ODD_CHARACTERS.sub(" ", self.rawtext)  # Pweave would begin new lines at some
        super().parse()
        line = 1
        for chunk in self.parsed:
            chunk["line"] = line
            line = chunk.get("start_line", 0) + 1  # Pweave's start_line is where the chunk ends
        self._check_text()
        if self.problems:
            raise BuildFailed(self.problems)

    def docstart(self, line):
        return self.lineNo in self.closings, True

    def getoptions(self, line):
        """The options of a chunk's opening line, read as literals (Pweave runs them with exec)."""
        text, options = CODE_BEGIN.match(line).group(1), {}
        try:
            options = _literals(text)
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
            message = getattr(error, "msg", None) or error
            self._problem(self.lineNo, f"malformed chunk options <<{text}>>=: {message}")
        else:
            for fault in _faults(options):
                self._problem(self.lineNo, fault)
            self._check_unique(options)
        name = {"name": f"chunk at line {self.lineNo}"}
        return name | DEFAULTS | options

    def _check_unique(self, options):
        for key in {"name", "label"} & set(options):
            first = self.given.setdefault((key, str(options[key])), self.lineNo)
            if first != self.lineNo:
                other = f"the other is at line {first}"
                self._problem(self.lineNo, f"two chunks have the {key} {options[key]!r}, {other}")

    def _check_lines(self):
        """Find chunks that are not closed, not opened, or empty (Pweave drops these)."""
        opened, filled, lines = 0, False, self.rawtext.split("\n")
        for number, line in enumerate(lines, 1):
            if odd := ODD_CHARACTERS.search(line):
                self._problem(number, f"control character {odd[0]!r}")
            if line.startswith("<<") or (not opened and LIKE_CODE_BEGIN.match(line)):
                if opened:
                    self._not_closed(opened, f" before the next one, at line {number}")
                if not CODE_BEGIN.match(line):
                    message = f'malformed chunk opening {line.strip()!r}, expected <<name="...">>='
                    self._problem(number, message)
                opened, filled = number, False
            elif line.strip() == "@" and not opened:
                self._problem(number, "a line with @ closes a chunk, but none is open")
            elif line.strip() == "@" and _closes(lines[opened : number - 1], lines[number:]):
                self.closings.add(number)
                if not filled:
                    self._problem(opened, "an empty chunk")
                opened = 0
            else:
                filled = filled or bool(line.strip())
        if opened:
            self._not_closed(opened)

    def _not_closed(self, line, before=""):
        self._problem(line, f"this chunk is not closed by a line with @{before}")

    def _check_text(self):
        text = self._prose()
        start = text.find(BEGIN) if BEGIN in text else len(text)
        before, body = text[:start], _from(text, start)
        self._check_percents(before, IN_PREAMBLE)
        self._check_percents(body, IN_TYPED)
        if end := END.search(body):
            after, body = _from(body, end.end()), body[: end.end()]
            if lost := LOST.search(after):
                message = r"text after \end{document} is not printed; move or delete it"
                self._problem(_line(after, lost.end()), message)
        elif BEGIN in text and not END.search(self.rawtext):
            self._problem(self.rawtext.count("\n") + 1, r"\end{document} is missing")
        self._check_numbers(body)
        for pattern, message in MISPLACED:
            for match in pattern.finditer(body):
                self._problem(_line(body, match.end()), message.format(match[1]))

    def _prose(self):
        """Text and captions, each on its line of the document; the lines of code are empty."""
        lines = [""] * self.rawtext.count("\n")
        for chunk in self.parsed:
            first, text = chunk["line"], chunk["content"]
            if chunk["type"] == "code":
                first, text = first - 1, str(chunk["options"].get("caption", ""))
            shown = self._without_inline(text, first).split("\n")
            lines[first - 1 : first - 1 + len(shown)] = shown
        return "\n".join(lines)

    def _without_inline(self, text, first_line):
        """The text with VALUE in the place of each <%= ... %>; reports what is not closed."""

        def blank(match):
            code, line = match["code"], first_line - 1 + _line(text, match.start())
            if match["open"]:
                self._problem(line, "<% without its %> (only <%= expression %> is known)")
            elif match["close"]:
                self._problem(line, "%> without its <%=")
            elif code is None:
                return match[0]
            elif "<%" in code:
                self._problem(line, "<%= without its %>")
            return VALUE + "\n" * match[0].count("\n")

        return SCAN.sub(blank, text)

    def _check_percents(self, text, percent):
        for match in percent.finditer(_without_raw(text)):
            lost = text[match.end() - 1 :].partition("\n")[0][:40]
            what = f"deletes the rest of its line, {lost!r}" if lost[1:].strip() else "is lost"
            message = f"a bare % {what}; write \\% (a comment stands on a line of its own)"
            self._problem(_line(text, match.end()), message)

    def _check_numbers(self, text):
        """Report the first typed number of each line."""
        prose, typed = NOT_RESULTS.sub(_fill, _without_raw(text)), {}
        for match in TYPED_NUMBER.finditer(prose):
            typed.setdefault(_line(prose, match.start()), " ".join(match[0].split()))
        for line, number in typed.items():
            advice = "compute it with <%= %>, or write \\given{...} if it is an input"
            self._problem(line, f"the number {number} is typed by hand; {advice}")

    def _problem(self, line, message):
        self.problems.append(Problem(self.source, line, message))


def _faults(options):
    """What is wrong with the options of a chunk."""
    for key, value in options.items():
        text = value if isinstance(value, str) else ""
        if key not in OPTIONS:
            near = difflib.get_close_matches(key, OPTIONS, 1)
            hint = f", did you mean {near[0]!r}?" if near else f"; there are {', '.join(OPTIONS)}"
            yield f"unknown chunk option {key!r}{hint}"
        elif type(value) is not OPTIONS[key] or value == "":
            yield f"chunk option {key}={value!r}: a {OPTIONS[key].__name__} is needed"
        elif key == "depends" and not all(isinstance(f, str) and "\0" not in f for f in value):
            yield f"chunk option depends={value!r}: a list of file names is needed"
        elif ODD_CHARACTERS.search(text) or re.search(r"[\t\n]", text):
            yield f'chunk option {key}={value!r} contains a control character; write {key}=r"..."'
        elif key == "label" and (odd := re.search(r"[^A-Za-z0-9_-]", value)):
            yield f"label {value!r} contains {odd[0]!r}; letters, digits, - and _ are allowed"
    name, of_figures = options.get("name"), sorted(OF_FIGURES & set(options))
    if "name" not in options:
        yield 'a chunk without a name; write <<name="What it does">>='
    if options.get("fig") and "label" not in options:
        yield f"figure chunk {name!r} has no label"
    if not options.get("fig") and of_figures:
        yield f"chunk {name!r} has {' and '.join(of_figures)}, but not fig=True"


def _closes(code, rest):
    """Whether an @ alone on a line, between these lines, closes the chunk.

    It can belong to the code (in a string, or as the product of matrices). That is so where the
    code does not parse without what follows, and another @ can close the chunk.
    """
    follows = itertools.takewhile(lambda line: not line.startswith("<<"), rest)
    return "@" not in map(str.strip, follows) or _parses("\n".join(code))


def _parses(code):
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _line(text, offset):
    """The number of the line that contains this offset."""
    return text.count("\n", 0, offset) + 1


def _from(text, offset):
    """The text from the offset on; the lines before it are empty."""
    return "\n" * text.count("\n", 0, offset) + text[offset:]


def _fill(match):
    return re.sub(r"[^\n]", VALUE, match[0])


def _without_raw(text):
    """The text, one and the same letter in the place of what TeX reads letter by letter.

    It must not be a blank: a % after it would look like the beginning of a comment line.
    """
    return RAW.sub(lambda match: _fill(match) if match["raw"] else match[0], text)


def _text(file):
    data = Path(file).read_bytes()
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte {data[error.start]:#x} is not UTF-8; save the file as UTF-8"
        raise BuildFailed([Problem(file, line, message)]) from None


def _literals(text):
    """key=value, ... as a dict; raises SyntaxError, ValueError or TypeError."""
    source = f"dict({text})"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "\s": the LaTeX in it needs r"..."
        call = ast.parse(source, mode="eval").body
    is_call = isinstance(call, ast.Call) and getattr(call.func, "id", "") == "dict"
    keys = [keyword.arg for keyword in call.keywords] if is_call and not call.args else [None]
    if None in keys or len(set(keys)) < len(keys):
        raise ValueError("options must be key=value pairs, each given once")
    return {keyword.arg: _literal(keyword, source) for keyword in call.keywords}


def _literal(keyword, source):
    try:
        return ast.literal_eval(keyword.value)
    except ValueError:
        given = f"{keyword.arg}={ast.get_source_segment(source, keyword.value)}"
        raise ValueError(f'{given} must be a literal: True, False, "text" or ["file"]') from None

"""Pweave's noweb reader, made strict: every chunk knows its line, and nothing malformed passes.

prose.py says what is wrong with the text between the chunks.
"""

import ast
import difflib
import importlib.machinery
import importlib.util
import itertools
import re
import warnings
from pathlib import Path

from weaving import prose
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
        """Text and captions, each at its line of the document; the lines of code are empty."""
        lines, found = [""] * self.rawtext.count("\n"), []
        for chunk in self.parsed:
            first, text = chunk["line"], chunk["content"]
            if chunk["type"] == "code":
                first, text = first - 1, str(chunk["options"].get("caption", ""))
            shown, not_closed = prose.without_inline(text, first)
            shown, found = shown.split("\n"), [*found, *not_closed]
            lines[first - 1 : first - 1 + len(shown)] = shown
        for line, message in [*found, *prose.faults("\n".join(lines), self.rawtext)]:
            self._problem(line, message)

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

"""Pweave's noweb reader, made strict: every chunk knows its line, and nothing malformed passes."""

import ast
import difflib
import re
import warnings
from pathlib import Path

from weaving import load_pweave
from weaving.problems import BuildFailed, Problem

PwebReader = load_pweave().readers.PwebReader

OPTIONS = {"name": str, "echo": bool, "fig": bool, "caption": str, "alt": str, "label": str}
OF_FIGURES = {"caption", "alt", "label"}
DEFAULTS = {"echo": False, "fig": False}

CODE_BEGIN = re.compile(PwebReader.code_begin)
LIKE_CODE_BEGIN = re.compile(r"<<|\s*<<.*>>\s*=")
INLINE = re.compile(r"<%=(.*?)%>", re.DOTALL)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")

# A decimal number or a percentage in the prose would not follow when its input changes. Lengths are not results.
TYPED_NUMBER = re.compile(r"(?<![\w.\\{=])\d+(?:\.\d+(?!\w|\.\d|\\(?!times|%)\w|\s*(?:pt|mm|cm|em|ex|in)\b)|\s*\\%)")
NOT_PROSE = re.compile(r"\\(?:given|url|href|cite\w*)\{[^}]*\}|(?<!\\)%.*")


class StrictReader(PwebReader):
    """Chunks with `line`, where their content starts; raises BuildFailed with all that is malformed."""

    def __init__(self, file):
        super().__init__(string=_text(file))
        self.source = file
        self.problems = []
        self.names, self.labels = {}, {}

    def parse(self):
        self._check_lines()
        super().parse()
        self._number_lines()
        self._check_chunks()
        if self.problems:
            raise BuildFailed(self.problems)

    def getoptions(self, line):
        """The options of a chunk's opening line, read as literals (Pweave runs them with exec)."""
        text = CODE_BEGIN.match(line).group(1)
        try:
            options = _literals(text)
        except (SyntaxError, ValueError, TypeError) as error:
            self._problem(self.lineNo, f"malformed chunk options <<{text}>>=: {getattr(error, 'msg', error)}")
            options = {}
        else:
            self._check_options(options)
        return {"name": f"chunk at line {self.lineNo}"} | DEFAULTS | options | {"option_string": text}

    def _check_options(self, options):
        for key, value in options.items():
            if key not in OPTIONS:
                near = difflib.get_close_matches(key, OPTIONS, 1)
                hint = f", did you mean {near[0]!r}?" if near else f"; there are {', '.join(OPTIONS)}"
                self._problem(self.lineNo, f"unknown chunk option {key!r}{hint}")
            elif type(value) is not OPTIONS[key] or value == "":
                self._problem(self.lineNo, f"chunk option {key}={value!r}: a {OPTIONS[key].__name__} is needed")
            elif isinstance(value, str) and (CONTROL.search(value) or "\t" in value or "\n" in value):
                self._problem(self.lineNo, f"chunk option {key}={value!r} holds a control character; write {key}=r\"...\"")
        if "name" not in options:
            self._problem(self.lineNo, "a chunk without a name")
        self._check_unique("name", options, self.names)
        self._check_unique("label", options, self.labels)
        self._check_figure(options)

    def _check_unique(self, key, options, seen):
        value = str(options.get(key, ""))
        if value in seen:
            self._problem(self.lineNo, f"two chunks have the {key} {value!r}, the other is at line {seen[value]}")
        if value:
            seen[value] = self.lineNo

    def _check_figure(self, options):
        name, given = options.get("name"), OF_FIGURES & set(options)
        if options.get("fig") and given != OF_FIGURES:
            self._problem(self.lineNo, f"figure chunk {name!r} has no {' and no '.join(sorted(OF_FIGURES - given))}")
        if not options.get("fig") and given:
            self._problem(self.lineNo, f"chunk {name!r} has {' and '.join(sorted(given))}, but not fig=True")
        if odd := re.search(r"[^A-Za-z0-9_-]", str(options.get("label", ""))):
            self._problem(self.lineNo, f"label {options['label']!r} holds {odd.group(0)!r}; letters, digits, - and _ are allowed")
        if odd := re.search(r"[\\{}%#$]", str(options.get("alt", ""))):
            self._problem(self.lineNo, f"the alt text holds {odd.group(0)!r}; it is read aloud: plain words are needed")

    def _check_lines(self):
        """Find chunks that are not closed, not opened, or empty (Pweave drops these)."""
        opened, filled = 0, False
        for number, line in enumerate(self.rawtext.split("\n"), 1):
            if odd := CONTROL.search(line):
                self._problem(number, f"control character {odd.group(0)!r}")
            if line.startswith("<<") or not opened and LIKE_CODE_BEGIN.match(line):
                if opened:
                    self._problem(opened, f"this chunk is not closed by a line with @ before the next one, at line {number}")
                if not CODE_BEGIN.match(line):
                    self._problem(number, f"malformed chunk opening {line.strip()!r}, <<name=\"...\">>= is needed")
                opened, filled = number, False
            elif line.strip() == "@":
                if not opened:
                    self._problem(number, "a line with @ closes a chunk, but none is open")
                elif not filled:
                    self._problem(opened, "an empty chunk")
                opened = 0
            else:
                filled = filled or bool(line.strip())
        if opened:
            self._problem(opened, "this chunk is not closed by a line with @")

    def _number_lines(self):
        line = 1
        for chunk in self.parsed:
            chunk["line"] = line
            if chunk["type"] == "doc":
                line += chunk["content"].count("\n") + 1  # and the chunk's opening line
            else:
                line = chunk["start_line"] + 1            # Pweave's start_line is where the chunk ends

    def _check_chunks(self):
        in_body = False
        for chunk in self.parsed:
            if chunk["type"] == "doc":
                texts = enumerate(self._without_inline(chunk["content"], chunk["line"]), chunk["line"])
            else:
                opening = chunk["line"] - 1
                texts = [(opening, line) for line in self._without_inline(str(chunk["options"].get("caption", "")), opening)]
            for number, line in texts:
                if in_body and (found := TYPED_NUMBER.search(NOT_PROSE.sub("", line))):
                    self._problem(number, f"the number {found.group(0)} is typed by hand; "
                                          "compute it with <%= %>, or say \\given{...} if it is an input")
                in_body = in_body or line.startswith(r"\begin{document}")

    def _without_inline(self, text, first_line):
        """The text's lines, nothing in the place of <%= ... %>; complains of what is not closed."""
        def blank(match):
            if "<%" in match.group(1):
                self._problem(first_line + text.count("\n", 0, match.start()), "<%= without its %>")
            return "\n" * match.group(0).count("\n")

        lines = INLINE.sub(blank, text).split("\n")
        for number, line in enumerate(lines, first_line):
            if "<%" in line:
                self._problem(number, "<% without its %> (only <%= expression %> is known)")
            elif "%>" in line:
                self._problem(number, "%> without its <%=")
        return lines

    def _problem(self, line, message):
        self.problems.append(Problem(self.source, line, message))


def _text(file):
    data = Path(file).read_bytes()
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BuildFailed([Problem(file, line, f"byte {data[error.start]:#x} is not UTF-8")]) from None


def _literals(text):
    """key=value, ... as a dict; raises SyntaxError, ValueError or TypeError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "\s": the LaTeX in it needs r"..."
        call = ast.parse(f"dict({text})", mode="eval").body
    if not isinstance(call, ast.Call) or call.args:
        raise ValueError("every option has the form key=value")
    keys = [keyword.arg for keyword in call.keywords]
    if None in keys or len(set(keys)) < len(keys):
        raise ValueError("every option has the form key=value, and comes once")
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}

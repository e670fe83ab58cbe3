"""Pweave's noweb reader, made strict: every chunk knows its line, and nothing malformed passes."""

import ast
import difflib
import re

from weaving import load_pweave
from weaving.problems import BuildFailed, Problem

PwebReader = load_pweave().readers.PwebReader

OPTIONS = {"name": str, "echo": bool, "fig": bool, "caption": str, "alt": str, "label": str}
CODE_BEGIN = re.compile(PwebReader.code_begin)
INLINE = re.compile(r"<%=(.*?)%>", re.DOTALL)


class StrictReader(PwebReader):
    """Chunks with `line`, where their content starts; raises BuildFailed with all that is malformed."""

    def __init__(self, file):
        try:
            super().__init__(string=open(file, encoding="utf-8").read())
        except UnicodeDecodeError as error:
            raise BuildFailed([Problem(file, 0, f"byte {error.start} is not UTF-8: {error.reason}")]) from None
        self.source = file
        self.problems = []
        self.names = {}

    def parse(self):
        self._check_fences()
        super().parse()
        line = 1
        for chunk in self.parsed:
            if chunk["type"] == "doc":
                chunk["line"] = line
                line += chunk["content"].count("\n") + 1  # and the chunk's opening line
                self._check_inline(chunk)
            else:
                chunk["line"] = line
                line = chunk["start_line"] + 1            # Pweave's start_line is where the chunk ends
        if self.problems:
            raise BuildFailed(self.problems)

    def getoptions(self, line):
        """The options of a chunk's opening line, read as literals (Pweave runs them with exec)."""
        text = CODE_BEGIN.match(line).group(1)
        try:
            call = ast.parse(f"dict({text})", mode="eval").body
            options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
            if call.args or None in options:
                raise ValueError("every option has the form key=value")
        except (SyntaxError, ValueError) as error:
            self._problem(self.lineNo, f"malformed chunk options <<{text}>>=: {getattr(error, 'msg', error)}")
            options = {}
        else:
            self._check_options(options)
        return {"name": f"chunk at line {self.lineNo}", "echo": False, "fig": False} | options | {"option_string": text}

    def _check_options(self, options):
        for key, value in options.items():
            if key not in OPTIONS:
                near = difflib.get_close_matches(key, OPTIONS, 1)
                hint = f", did you mean {near[0]!r}?" if near else f"; there are {', '.join(OPTIONS)}"
                self._problem(self.lineNo, f"unknown chunk option {key!r}{hint}")
            elif type(value) is not OPTIONS[key] or value == "":
                self._problem(self.lineNo, f"chunk option {key}={value!r}: a {OPTIONS[key].__name__} is needed")
        name = options.get("name")
        if not name:
            self._problem(self.lineNo, "a chunk without a name")
        elif name in self.names:
            self._problem(self.lineNo, f"two chunks are called {name!r}, the other at line {self.names[name]}")
        self.names[name] = self.lineNo
        needed = {"caption", "alt", "label"}
        if options.get("fig") and not needed <= set(options):
            self._problem(self.lineNo, f"figure chunk {name!r} has no {' and no '.join(sorted(needed - set(options)))}")
        if not options.get("fig") and needed & set(options):
            self._problem(self.lineNo, f"chunk {name!r} has {' and '.join(sorted(needed & set(options)))}, but not fig=True")

    def _check_fences(self):
        opened = 0
        previous = ""
        for number, line in enumerate(self.rawtext.splitlines(), 1):
            if line.startswith("<<"):
                if opened:
                    self._problem(opened, f"this chunk is not closed by a line with @ before the next one, at line {number}")
                if not CODE_BEGIN.match(line):
                    self._problem(number, f"malformed chunk opening {line.strip()!r}, <<name=\"...\">>= is needed")
                opened = number
            elif line.strip() == "@":
                if not opened:
                    self._problem(number, "a line with @ closes a chunk, but none is open")
                elif previous == opened:
                    self._problem(opened, "an empty chunk")
                opened = 0
            if line.strip() and line.strip() != "@":
                previous = number
        if opened:
            self._problem(opened, "this chunk is not closed by a line with @")

    def _check_inline(self, chunk):
        rest = INLINE.sub(lambda match: "\n" * match.group(0).count("\n"), chunk["content"])
        for offset, line in enumerate(rest.split("\n")):
            if "<%" in line:
                self._problem(chunk["line"] + offset, "<% without its %> (only <%= expression %> is known)")
            elif "%>" in line:
                self._problem(chunk["line"] + offset, "%> without its <%=")

    def _problem(self, line, message):
        self.problems.append(Problem(self.source, line, message))

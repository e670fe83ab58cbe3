"""Pweave's processor, running the code in this process: a fault stops the build at its line in the report."""

import ast
import contextlib
import io
import re
import traceback
import warnings
from pathlib import Path

from weaving import load_pweave
from weaving.latex import Tex
from weaving.problems import BuildFailed, Problem
from weaving.reader import INLINE

PwebProcessorBase = load_pweave().processors.base.PwebProcessorBase


class StrictProcessor(PwebProcessorBase):
    """Results are notebook-shaped: stream, text/latex and, for figures, the file's name.

    A chunk's last expression is its result: a latex.Tex, a Matplotlib figure (with fig=True) or None.
    An inline expression is a str of LaTeX, a latex.Tex or an int.
    """

    namespace = {}    # names every chunk knows
    replay = None     # results of an earlier run, in order, in the place of running anything
    progress = staticmethod(lambda number, total, name: None)

    def run(self):
        self.problems = []
        if self.replay is not None:
            self._replay()
            return
        self.scope = dict(self.namespace, __name__="report")
        code = [chunk for chunk in self.parsed if chunk["type"] == "code"]
        for chunk in self.parsed:
            if chunk["type"] == "code":
                self.progress(chunk["number"], len(code), chunk["options"]["name"])
            self._runcode(chunk)
        self.executed = self.parsed
        if self.problems:
            raise BuildFailed(self.problems)

    def _replay(self):
        for chunk, result in zip(self.parsed, self.replay, strict=True):
            if chunk["type"] == "doc":
                values = iter(result)
                chunk["pieces"] = _pieces(chunk["content"], chunk["line"], lambda code, line: next(values))
            else:
                chunk["result"] = result
        self.executed = self.parsed

    def _runcode(self, chunk):
        if chunk["type"] == "doc":
            chunk["pieces"] = self.loadinline(chunk["content"], chunk["line"])
        else:
            chunk["result"] = self.loadstring(chunk["content"].removeprefix("\n"), chunk)
        return chunk

    def loadstring(self, code, chunk=None):
        """Run a chunk; its results."""
        name, line = chunk["options"]["name"], chunk["line"]
        out = io.StringIO()
        with self._reported(line, f"chunk {name!r}"), contextlib.redirect_stdout(out):
            value = self._execute(code, line)
            return _stream(out.getvalue()) + self._shown(value, chunk)
        return []

    def loadinline(self, content, first_line=1):
        """Evaluate <%= ... %>; the text as pieces."""
        def value(code, line):
            with self._reported(line, f"<%={code}%>"):
                return _inline_text(self._execute(code.strip(), line))
            return ""
        return _pieces(content, first_line, value)

    def _execute(self, code, line):
        """Run code that starts at a line of the report; the value of its last expression, or None."""
        tree = ast.parse("\n" * (line - 1) + code, self.source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile(tree, self.source, "exec"), self.scope)
            if last is not None:
                return eval(compile(ast.Expression(last.value), self.source, "eval"), self.scope)

    def _shown(self, value, chunk):
        import matplotlib.pyplot as plt
        from matplotlib.figure import Figure
        options = chunk["options"]
        open_figures = len(plt.get_fignums())
        try:
            if options["fig"]:
                if not isinstance(value, Figure):
                    raise TypeError(f"a figure chunk ends with a Matplotlib figure, this one with {type(value).__name__}")
                return [{"output_type": "display_data", "data": {"application/pdf": self._save(value, options["label"])}}]
            if isinstance(value, Figure) or open_figures:
                raise TypeError(f"{max(open_figures, 1)} figure in a chunk without fig=True")
        finally:
            plt.close("all")
        if value is None:
            return []
        if not isinstance(value, Tex):
            raise TypeError(f"the chunk ends with a {type(value).__name__}; print it, or end with a latex.Tex, a figure or None")
        return [{"output_type": "execute_result", "data": {"text/latex": str(value)}}]

    def _save(self, figure, label):
        folder = Path(self.getFigDirectory())
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (re.sub(r"[^a-z0-9]+", "-", label.lower()) + ".pdf")
        figure.savefig(path, metadata={"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None})
        return path.as_posix()

    @contextlib.contextmanager
    def _reported(self, line, what):
        """Turn whatever the code raises into a Problem at its own line. KeyboardInterrupt passes."""
        try:
            yield
        except (Exception, SystemExit) as error:
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/weaving/" not in frame.filename]
            here = [frame.lineno for frame in frames if frame.filename == self.source]
            if isinstance(error, SyntaxError) and error.filename == self.source and error.lineno:
                here = [error.lineno]
            if isinstance(error, NameError) and self.problems:
                return  # most likely a name that the chunk which failed would have made
            shown = [*traceback.format_list(frames), *traceback.format_exception_only(error)]
            details = "".join(shown).replace(str(Path.cwd()) + "/", "")
            message = f"{what} raised {type(error).__name__}: {error}".splitlines()[0]
            self.problems.append(Problem(self.source, here[0] if here else line, message, _indent(details)))


def _pieces(content, line, value):
    """The text as pieces (line of the report, text, whether it was computed)."""
    pieces, end = [], 0
    for match in INLINE.finditer(content):
        pieces.append((line, content[end:match.start()], False))
        line += content.count("\n", end, match.start())
        pieces.append((line, value(match.group(1), line), True))
        line += match.group(0).count("\n")
        end = match.end()
    return pieces + [(line, content[end:], False)]


def _stream(text):
    return [{"output_type": "stream", "name": "stdout", "text": text}] if text else []


def _inline_text(value):
    if type(value) in (str, Tex, int):
        return str(value)
    raise TypeError(f"the value is a {type(value).__name__}; format it: a str of LaTeX or an int is needed")


def _indent(text):
    return "".join("    " + line for line in text.splitlines(keepends=True))

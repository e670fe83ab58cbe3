"""Pweave's processor, running the code in this process: a fault stops the build at its line in the report."""

import ast
import contextlib
import dis
import io
import linecache
import logging
import os
import re
import sys
import textwrap
import threading
import traceback
import warnings
from pathlib import Path

from weaving import load_pweave
from weaving.latex import Tex
from weaving.problems import BuildFailed, Problem
from weaving.reader import INLINE

PwebProcessorBase = load_pweave().processors.base.PwebProcessorBase

NO_DATES = {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}


class StrictProcessor(PwebProcessorBase):
    """Results are notebook-shaped: stream, text/latex and, for figures, the file's name.

    A chunk's last expression is its result: a latex.Tex, a Matplotlib figure (with fig=True) or None.
    An inline expression is a str of LaTeX, a latex.Tex or an int.
    """

    namespace = {}    # names every chunk knows
    replay = None     # results of an earlier run, in order, in the place of running anything
    progress = staticmethod(lambda number, total, name: None)

    def run(self):
        if self.replay is not None:
            self._replay()
        else:
            self._run_all()
        self.executed = self.parsed

    def _run_all(self):
        self.problems, self.unmade = [], set()
        self.scope = dict(self.namespace, __name__="report")
        linecache.checkcache()
        total = sum(chunk["type"] == "code" for chunk in self.parsed)
        for chunk in self.parsed:
            if chunk["type"] == "code":
                self.progress(chunk["number"], total, chunk["options"]["name"])
            self._runcode(chunk)
        if self.problems:
            raise BuildFailed(self.problems)

    def _replay(self):
        for chunk, result in zip(self.parsed, self.replay, strict=True):
            if chunk["type"] == "doc":
                values = iter(result)
                chunk["pieces"] = _pieces(chunk["content"], chunk["line"], lambda code, line: next(values))
            else:
                chunk["result"] = result

    def _runcode(self, chunk):
        if chunk["type"] == "doc":
            chunk["pieces"] = self.loadinline(chunk["content"], chunk["line"])
        else:
            chunk["result"] = self.loadstring(chunk["content"].removeprefix("\n"), chunk)
        return chunk

    def loadstring(self, code, chunk=None):
        """Run a chunk; its results."""
        out = io.StringIO()
        with self._reported(chunk["line"] - 1, f"chunk {chunk['options']['name']!r}", code), contextlib.redirect_stdout(out):
            value = self._execute(code, chunk["line"])
            return _stream(out.getvalue()) + self._shown(value, chunk)
        return []

    def loadinline(self, content, first_line=1):
        """Evaluate <%= ... %>; the text as pieces."""
        def value(code, line):
            with self._reported(line, f"<%={textwrap.shorten(code, 60)}%>", code):
                return _inline_text(self._evaluate(code, line))
            return ""
        return _pieces(content, first_line, value)

    def _execute(self, code, line):
        """Run code that starts at a line of the report; the value of its last expression, or None."""
        tree = ast.parse("\n" * (line - 1) + code, self.source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, self.source, "exec"), self.scope)
        if last is not None:
            return eval(compile(ast.Expression(last.value), self.source, "eval"), self.scope)

    def _evaluate(self, code, line):
        leading = len(code) - len(code.lstrip())
        line += code.count("\n", 0, leading)
        return eval(compile("\n" * (line - 1) + f"({code.strip()}\n)", self.source, "eval"), self.scope)

    def _shown(self, value, chunk):
        made = _close_figures(value)
        if chunk["options"]["fig"]:
            if not made or not hasattr(value, "savefig"):
                raise TypeError(f"a figure chunk ends with a Matplotlib figure, this one with {type(value).__name__}")
            if made > 1 or not value.axes:
                raise ValueError(f"one figure with axes is needed, this chunk made {made} with {len(value.axes)} axes")
            return [self._figure(value, chunk)]
        if made:
            raise TypeError(f"{made} figure in a chunk without fig=True")
        if value is None:
            return []
        if not isinstance(value, Tex):
            raise TypeError(f"the chunk ends with a {type(value).__name__}; print it, or end with a latex.Tex, a figure or None")
        return [{"output_type": "execute_result", "data": {"text/latex": _checked(value)}}]

    def _figure(self, figure, chunk):
        path = Path(self.getFigDirectory()) / (chunk["options"]["label"] + ".pdf")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata=NO_DATES)
        caption = "".join(text for _, text, _ in self.loadinline(chunk["options"]["caption"], chunk["line"] - 1))
        return {"output_type": "display_data", "data": {"application/pdf": path.as_posix()}, "metadata": {"caption": caption}}

    @contextlib.contextmanager
    def _reported(self, line, what, code):
        """Turn whatever the code raises, warns of or logs into a Problem at its own line. KeyboardInterrupt passes."""
        before = dict(self.scope)
        try:
            with warnings.catch_warnings(), _logging_raises(), _exit_raises():
                warnings.simplefilter("error")
                yield
        except (Exception, SystemExit) as error:
            follows = isinstance(error, NameError) and error.name in self.unmade
            self.unmade |= set(re.findall(r"\w+", code))  # names that the failed code may have been about to make
            for name in _assigned(code):  # an older value of such a name would mislead the code that follows
                if name in before and self.scope.get(name) is before[name]:
                    del self.scope[name]
            if not follows:
                self.problems.append(self._problem(error, line, what))

    def _problem(self, error, line, what):
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        if getattr(error, "in_the_input", False):  # the code is right, what it was given is not
            return Problem(self.source, line, str(error))
        here = [frame.lineno for frame in frames if frame.filename == self.source]
        if isinstance(error, SyntaxError) and error.filename == self.source:
            here, frames = [error.lineno], []
        details = "".join(traceback.format_list(frames) + traceback.format_exception_only(error))
        message = f"{what} raised {type(error).__name__}: {error}".splitlines()[0]
        return Problem(self.source, here[0] if here else line, message,
                       textwrap.indent(details.replace(str(Path.cwd()) + "/", ""), "    "))


def _assigned(code):
    """The names that a chunk or an expression gives a value to, at its top level."""
    with warnings.catch_warnings(action="ignore"):  # they were told of
        try:
            return {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_NAME"}
        except SyntaxError:
            return set()


def _close_figures(value):
    """Close what Matplotlib holds open; how many figures that and the value are."""
    if "matplotlib" not in sys.modules:
        return 0
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure
    made = max(len(plt.get_fignums()), int(isinstance(value, Figure)))
    plt.close("all")
    return made


class LoggedWarning(Warning):
    """A library said something through logging (Matplotlib does, of fonts)."""


class _Raises(logging.Handler):
    def emit(self, record):
        if threading.current_thread() is threading.main_thread():  # Matplotlib announces its font cache from another
            raise LoggedWarning(record.getMessage())


@contextlib.contextmanager
def _logging_raises():
    handler = _Raises(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


@contextlib.contextmanager
def _exit_raises():
    """os._exit would end the build at once, with a status that says all is well. Forked processes may end that way."""
    builder, real = os.getpid(), os._exit

    def _exit(status):
        if os.getpid() != builder:
            real(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = _exit
    try:
        yield
    finally:
        os._exit = real


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
    if found := re.search(r"\bat 0x[0-9a-f]+", text):
        raise ValueError(f"the output holds a memory address ({found.group(0)}): it would differ from run to run")
    return [{"output_type": "stream", "name": "stdout", "text": text}] if text else []


def _inline_text(value):
    if type(value) in (str, Tex, int):
        return _checked(str(value))
    raise TypeError(f"the value is a {type(value).__name__}; format it: a str of LaTeX or an int is needed")


def _checked(text):
    r"""LaTeX without control characters: "\beta" in quotes without an r is a backspace and "eta"."""
    if found := re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text):
        raise ValueError(f"the LaTeX holds the control character {found.group(0)!r}; is an r missing before its quotes?")
    return str(text)

"""Pweave's processor, running the code in this process: a fault stops the build at its line."""

import ast
import contextlib
import dis
import linecache
import mmap
import multiprocessing
import os
import random
import re
import sys
import tempfile
import textwrap
import threading
import traceback
import types
import warnings
from pathlib import Path

from weaving import figures, load_pweave, streams, texts
from weaving.inputs import Recorder, unrecorded
from weaving.latex import Tex
from weaving.problems import BuildFailed, Problem
from weaving.reader import SCAN
from weaving.streams import LATE, Output, Stdout, exit_raises, logging_raises, no_input
from weaving.texts import checked, inline_text, stream

PwebProcessorBase = load_pweave().processors.base.PwebProcessorBase

NO_DATES = {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}
SVG = {"svg.hashsalt": "report", "svg.fonttype": "path"}
BUILDER = (__file__, streams.__file__, texts.__file__)  # not shown in tracebacks


class StrictProcessor(PwebProcessorBase):
    """Results are notebook-shaped: stream, text/latex and, for figures, the names of their files.

    A chunk's last expression is its result: a latex.Tex, None or, with fig=True, a Matplotlib
    figure or an object with `figure`, `caption` and `alt`. What the chunk prints, or a process that
    it starts, is its output. An inline expression is a str of LaTeX, a latex.Tex or an int.

    The chunks are the module `__main__`, as in a script. Each begins in the document's folder, and
    ends when the threads that it has started have ended.
    """

    namespace: dict = {}  # noqa: RUF012 (names that every chunk knows)
    drawings: figures.Drawings
    replay: list | None = None  # results of an earlier run, used instead of running the chunks
    progress = staticmethod(lambda number, total, name: None)

    def run(self):
        if self.replay is not None:
            self._replay()
        else:
            self._run_all()
        self.executed = self.parsed

    def _run_all(self):
        self.problems, self.unmade, self.unheard, self.outputs = [], set(), [], []
        self.builder, self.stray = os.getpid(), mmap.mmap(-1, 8)  # which a forked process shares
        self.root = os.getcwd()
        linecache.checkcache()
        tempfile.gettempdir()  # writes files on its first call, which are nobody's inputs
        codes = [chunk for chunk in self.parsed if chunk["type"] == "code"]
        Stdout.refused = False
        _seed_generators()
        if any(chunk["options"]["fig"] for chunk in codes):
            Path(self.getFigDirectory()).mkdir(parents=True, exist_ok=True)
            figures.forget_old_fonts()
            import matplotlib.font_manager  # noqa: F401  its first import reads all fonts there are
        self.recorder, between = Recorder(), Output()
        with self._main_module(), self._unheard_errors(), no_input(), self.recorder, between:
            for chunk in self.parsed:
                if chunk["type"] == "code":
                    self.progress(chunk["number"], len(codes), chunk["options"]["name"])
                self._runcode(chunk)
            self.recorder.note_clocks_of_modules()
        self._report_fork()
        reported = any(LATE in problem.message for problem in self.problems)
        for output, line in [*self.outputs, (between, 0)]:
            late = output.close()
            if output is between:
                late = between.text or (Stdout.refused and not reported)
            if late:
                self.problems.append(Problem(self.source, line, LATE))
        if self.problems:
            raise BuildFailed(self.problems)

    def _replay(self):
        for chunk, result in zip(self.parsed, self.replay, strict=True):
            if chunk["type"] == "doc":
                values = iter(result)
                chunk["pieces"] = _pieces(chunk, lambda code, line, values=values: next(values))
            else:
                chunk["result"] = result

    def _runcode(self, chunk):
        if chunk["type"] == "doc":
            chunk["pieces"] = _pieces(chunk, self._value)
        else:
            chunk["result"] = self.loadstring(chunk["content"].removeprefix("\n"), chunk)
        return chunk

    def loadstring(self, code, chunk=None):
        """Run a chunk; its results."""
        options, line = chunk["options"], chunk["line"]
        self.recorder.place = (f"{self.source}:{line - 1}", "depends" in options)
        with self._reported(line - 1, f"chunk {options['name']!r}", code):
            self.recorder.depends(options.get("depends", []))
            with Output() as output:
                value = self._execute(code, line)
            self.outputs.append((output, line - 1))
            return stream(output.text) + self._shown(value, chunk)
        return []

    def _end_fork(self, line, error=None):
        """End a forked process that has come to its chunk's end: it would write the document."""
        if os.getpid() != self.builder:
            if not isinstance(error, SystemExit):
                self.stray[:] = line.to_bytes(8, "big")
            sys.stdout.flush()
            os._exit(1)

    def _report_fork(self):
        if line := int.from_bytes(self.stray[:], "big"):
            message = "a process that was forked went on past its chunk; end it with os._exit(0)"
            self.problems.append(Problem(self.source, line, message))
            self.stray[:] = bytes(8)

    def _value(self, code, line):
        """The text of an inline expression."""
        self.recorder.place = (f"{self.source}:{line}", False)
        with self._reported(line, f"<%={textwrap.shorten(code, 60)}%>", code):
            with Output() as output:
                value = self._evaluate(code, line)
            late = output.close()
            if output.text or late:
                raise TypeError(f"the expression prints {output.text[:40]!r}; a value is needed")
            if _close_figures(value):
                raise TypeError("the expression makes a figure; a chunk with fig=True is needed")
            return inline_text(value)
        return ""

    def _execute(self, code, line):
        """Run code that starts at this line; the value of its last expression, or None."""
        tree = ast.parse("\n" * (line - 1) + code, self.source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, self.source, "exec", dont_inherit=True), self.scope)
        if last is None:
            return None
        last = ast.Expression(last.value)
        return eval(compile(last, self.source, "eval", dont_inherit=True), self.scope)

    def _evaluate(self, code, line):
        line += code.count("\n", 0, len(code) - len(code.lstrip()))
        code = "\n" * (line - 1) + f"({code.strip()}\n)"
        return eval(compile(code, self.source, "eval"), self.scope)

    def _shown(self, value, chunk):
        drawn = value.figure if hasattr(value, "caption") and hasattr(value, "alt") else value
        made, given = _close_figures(drawn), type(value).__name__
        if chunk["options"]["fig"]:
            if not made or not hasattr(drawn, "savefig"):
                raise TypeError(
                    f"a figure chunk ends with a Matplotlib figure, this one with {given}"
                )
            if made > 1 or not drawn.axes:
                counts = f"{made} with {len(drawn.axes)} axes"
                raise ValueError(f"one figure with axes is needed, this chunk made {counts}")
            return [self._figure(drawn, value, chunk)]
        if made:
            raise TypeError(f"{made} figure in a chunk without fig=True")
        if value is None:
            return []
        if not isinstance(value, Tex):
            needed = "print it, or end with a latex.Tex, a figure or None"
            raise TypeError(f"the chunk ends with a value of type {given}; {needed}")
        return [{"output_type": "execute_result", "data": {"text/latex": checked(value)}}]

    def _figure(self, figure, value, chunk):
        options = chunk["options"]
        about = {key: options.get(key) or getattr(value, key, "") for key in ("caption", "alt")}
        for key, text in about.items():
            if not text:
                raise ValueError(f"the figure has no {key}: give {key}=... or return a drawing")
        if odd := re.search(r"[\\{}%#$]", about["alt"]):
            raise ValueError(f"the alt text holds {odd[0]!r}; it is read aloud: use plain words")
        if "caption" in options:
            typed = {"content": options["caption"], "line": chunk["line"] - 1}
            about["caption"] = "".join(text for _, text, _ in _pieces(typed, self._value))
        path = Path(self.getFigDirectory(), options["label"] + ".pdf")
        with unrecorded():
            self._draw(figure, path)
        self.recorder.note_written(path)
        metadata = {"caption": checked(about["caption"], within_a_line=True),
                    "alt": " ".join(about["alt"].split())}  # fmt: skip
        files = {"application/pdf": path, "image/svg+xml": path.with_suffix(".svg")}
        data = {kind: file.as_posix() for kind, file in files.items()}
        return {"output_type": "display_data", "data": data, "metadata": metadata}

    def _draw(self, figure, path):
        """Make the figure's files, unless they are there already."""
        import matplotlib

        key, drawing = self.drawings.key(figure), path.with_suffix(".svg")
        if not self.drawings.has(key, path):
            _check_edges(figure)
            figure.savefig(path, metadata=NO_DATES)
            drawing.unlink(missing_ok=True)  # of another figure
            self.drawings.note(key, path)
        if self.drawings.screen and not self.drawings.has(key, drawing):
            with matplotlib.rc_context(SVG):
                figure.savefig(drawing, metadata={"Date": None, "Creator": None})
            self.drawings.note(key, drawing)

    @contextlib.contextmanager
    def _main_module(self):
        """A real module holds the names: classes can be pickled, and pools find functions."""
        module = types.ModuleType("__main__")
        module.__file__ = self.source
        self.scope = vars(module)
        self.scope.update(self.namespace)
        before, sys.modules["__main__"] = sys.modules["__main__"], module
        multiprocessing.set_start_method("fork", force=True)  # others would import the document
        try:
            yield
        finally:
            sys.modules["__main__"] = before

    @contextlib.contextmanager
    def _unheard_errors(self):
        """Keep what is raised where nothing can catch it: in a thread or a destructor."""

        def keep(what):
            if what.exc_value is not None and not isinstance(what.exc_value, SystemExit):
                self.unheard.append(what.exc_value)

        before = threading.excepthook, sys.unraisablehook
        threading.excepthook = sys.unraisablehook = keep
        try:
            yield
        finally:
            threading.excepthook, sys.unraisablehook = before

    @contextlib.contextmanager
    def _reported(self, line, what, code):
        """Turn all that the code raises, warns of or logs into Problems; Ctrl-C passes."""
        before = dict(self.scope)
        try:
            with warnings.catch_warnings(), logging_raises(), exit_raises():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", ResourceWarning)
                yield
                self._end_fork(line)
        except BaseException as error:
            self._end_fork(line, error)
            if isinstance(error, KeyboardInterrupt):
                raise
            os.chdir(self.root)
            follows = isinstance(error, NameError) and error.name in self.unmade
            self.unmade |= set(
                re.findall(r"\w+", code)
            )  # names that it may have been about to make
            for name in _assigned(code):  # an older value would mislead the code that follows
                if name in before and self.scope.get(name) is before[name]:
                    del self.scope[name]
            if not follows:
                self.problems.append(self._problem(error, line, what))
        os.chdir(self.root)
        for error in self.unheard:
            self.problems.append(self._problem(error, line, f"a thread or destructor of {what}"))
        self.unheard.clear()
        self._report_fork()

    def _problem(self, error, line, what):
        if not getattr(error, "show_traceback", True):
            return Problem(self.source, line, str(error))
        trace = traceback.extract_tb(error.__traceback__)
        frames = [frame for frame in trace if frame.filename not in BUILDER]
        here = [frame.lineno for frame in frames if frame.filename == self.source]
        if isinstance(error, SyntaxError) and error.filename == self.source:
            here, frames = [error.lineno], []
        said = traceback.format_exception_only(error)
        details = "".join(traceback.format_list(frames) + said).replace(str(Path.cwd()) + "/", "")
        message = f"{what} raised {type(error).__name__}: {_said(error)}".splitlines()[0]
        place = here[0] if here else line
        return Problem(self.source, place, message, textwrap.indent(details, "    "))


def _seed_generators():
    """Whoever draws numbers without a seed gets the same at every build."""
    random.seed(0)
    with contextlib.suppress(ImportError):
        import numpy

        numpy.random.seed(0)


def _said(error):
    try:
        return str(error)
    except Exception:
        return "(its message cannot be printed)"


def _assigned(code):
    """The names that a chunk or an expression gives a value to, at its top level."""
    with warnings.catch_warnings(action="ignore"):  # the run has reported them
        try:
            steps = list(dis.get_instructions(code))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return set()
    return {step.argval for step in steps if step.opname == "STORE_NAME"}


def _close_figures(value):
    """Close what Matplotlib holds open; how many figures that and the value are."""
    made = 0
    if matplotlib := sys.modules.get("matplotlib.figure"):
        made = int(isinstance(value, matplotlib.Figure))
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        made = max(made, len(pyplot.get_fignums()))
        pyplot.close("all")
    return made


def _pieces(chunk, value):
    """The text as pieces (line of the document, text, whether it was computed)."""
    content, line, pieces, end = chunk["content"], chunk["line"], [], 0
    for match in SCAN.finditer(content):
        if match["code"] is not None:
            pieces.append((line, content[end : match.start()], False))
            line += content.count("\n", end, match.start())
            pieces.append((line, value(match["code"], line), True))
            line += match[0].count("\n")
            end = match.end()
    return [*pieces, (line, content[end:], False)]


def _check_edges(figure):
    """Raise ValueError if something in the figure lies outside its paper, where it is cut off."""
    figure.draw_without_rendering()  # which lays it out
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    beyond = {"left": -drawn.x0, "bottom": -drawn.y0, "right": drawn.x1 - width,
              "top": drawn.y1 - height}  # fmt: skip
    for side, inches in beyond.items():
        if inches > 1 / 36:  # what sticks out less cannot be seen
            raise ValueError(f"the figure is cut off: something sticks out {inches:.2f} inches "
                             f"at its {side}")  # fmt: skip

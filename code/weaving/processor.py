"""Pweave's processor, running the code in this process: a fault stops the build at its line."""

import ast
import contextlib
import dis
import io
import linecache
import logging
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

from weaving import figures, load_pweave
from weaving.inputs import Recorder, unrecorded
from weaving.latex import Tex
from weaving.problems import BuildFailed, Problem
from weaving.reader import SCAN, percent_that_deletes

PwebProcessorBase = load_pweave().processors.base.PwebProcessorBase

NO_DATES = {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}
SVG = {"svg.hashsalt": "report", "svg.fonttype": "path"}
LATE = "a thread or process printed after its chunk had ended; wait for it there (join, wait)"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
ADDRESS = re.compile(r"\bat 0x[0-9a-f]+")


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
        _Stdout.refused = False
        _seed_generators()
        if any(chunk["options"]["fig"] for chunk in codes):
            Path(self.getFigDirectory()).mkdir(parents=True, exist_ok=True)
            figures.forget_old_fonts()
            import matplotlib.font_manager  # noqa: F401  its first import reads all fonts there are
        self.recorder, between = Recorder(), _Output()
        with self._main_module(), self._unheard_errors(), _no_input(), self.recorder, between:
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
                late = between.text or (_Stdout.refused and not reported)
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
            with _Output() as output:
                value = self._execute(code, line)
            self.outputs.append((output, line - 1))
            return _stream(output.text) + self._shown(value, chunk)
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
            with _Output() as output:
                value = self._evaluate(code, line)
            late = output.close()
            if output.text or late:
                raise TypeError(f"the expression prints {output.text[:40]!r}; a value is needed")
            if _close_figures(value):
                raise TypeError("the expression makes a figure; a chunk with fig=True is needed")
            return _inline_text(value)
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
        return [{"output_type": "execute_result", "data": {"text/latex": _checked(value)}}]

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
        metadata = {"caption": _checked(about["caption"], within_a_line=True),
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
            with warnings.catch_warnings(), _logging_raises(), _exit_raises():
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
        if getattr(error, "in_the_input", False):  # the input is at fault: no traceback
            return Problem(self.source, line, str(error))
        trace = traceback.extract_tb(error.__traceback__)
        frames = [frame for frame in trace if frame.filename != __file__]
        here = [frame.lineno for frame in frames if frame.filename == self.source]
        if isinstance(error, SyntaxError) and error.filename == self.source:
            here, frames = [error.lineno], []
        said = traceback.format_exception_only(error)
        details = "".join(traceback.format_list(frames) + said).replace(str(Path.cwd()) + "/", "")
        message = f"{what} raised {type(error).__name__}: {_said(error)}".splitlines()[0]
        place = here[0] if here else line
        return Problem(self.source, place, message, textwrap.indent(details, "    "))


class _Output:
    """Use as a context; `text` is what this process and its children printed, and its threads."""

    def __enter__(self):
        sys.stdout.flush()
        self.threads = set(threading.enumerate())
        self.file, self.saved, self.stdout = tempfile.TemporaryFile(), os.dup(1), sys.stdout
        os.dup2(self.file.fileno(), 1)
        raw = open(1, "wb", buffering=0, closefd=False)
        sys.stdout = _Stdout(raw, "utf-8", write_through=True)
        self.ours = sys.stdout
        sys.stdout.strangers = self.threads - {threading.current_thread()}
        return self

    def __exit__(self, kind, error, trace):
        chunk = isinstance(self.stdout, _Stdout)  # or all of them, whose own fault it is not
        replaced = chunk and error is None and sys.stdout is not self.ours
        if error is None:
            _join(set(threading.enumerate()) - self.threads)
        sys.stdout = self.stdout
        os.dup2(self.saved, 1)
        os.close(self.saved)
        self.file.seek(0)
        data = self.file.read()
        self.size = len(data)
        if error is not None:
            self.file.close()
        else:
            self.text = data.decode("utf-8").replace("\r\n", "\n")
        if replaced:
            self.file.close()
            raise RuntimeError("sys.stdout is not what it was; use contextlib.redirect_stdout")

    def close(self):
        """How many bytes a process has printed since: they are lost."""
        with self.file:
            return os.fstat(self.file.fileno()).st_size - self.size


class _Stdout(io.TextIOWrapper):
    """Refuses what a thread of an earlier chunk prints; it would stand in the wrong place."""

    strangers = frozenset()
    refused = False

    def write(self, text):
        if threading.current_thread() in self.strangers:
            _Stdout.refused = True  # a pool keeps the exception to itself
            raise RuntimeError(LATE)
        return super().write(text)


def _join(threads):
    """Wait for threads. Those of an executor wait for work, and would not end."""
    executor = sys.modules.get("concurrent.futures.thread")
    waiting = getattr(executor, "_threads_queues", {})
    for thread in threads:
        if not thread.daemon and thread not in waiting:
            thread.join()


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


class LoggedWarning(Warning):
    """A library said something through logging (Matplotlib does, of fonts)."""


@contextlib.contextmanager
def _logging_raises():
    """Without a handler, in the presence of which logging.basicConfig would do nothing."""
    real = logging.Logger.callHandlers

    def raising(logger, record):
        ancestor = logger
        while ancestor.propagate and ancestor.parent:
            ancestor = ancestor.parent
        serious = record.levelno >= logging.WARNING and ancestor is logging.root
        if serious and threading.current_thread() is threading.main_thread():
            raise LoggedWarning(record.getMessage())
        if not serious or logger.hasHandlers():  # else Matplotlib's thread speaks of its fonts
            real(logger, record)

    logging.Logger.callHandlers = raising
    try:
        yield
    finally:
        logging.Logger.callHandlers = real


@contextlib.contextmanager
def _no_input():
    """Nobody answers a build: input() raises EOFError, and a child reads nothing."""
    saved, stdin = os.dup(0), sys.stdin
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
        sys.stdin = nothing
        try:
            yield
        finally:
            sys.stdin = stdin
            os.dup2(saved, 0)
            os.close(saved)


@contextlib.contextmanager
def _exit_raises():
    """os._exit in this process would end the build with a status that says all is well."""
    builder, real = os.getpid(), os._exit

    def _exit(status):
        if os.getpid() != builder:  # a forked process may end that way
            real(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = _exit
    try:
        yield
    finally:
        os._exit = real


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


def _stream(text):
    _check_addresses(text, "output")
    text = text.expandtabs()
    if found := CONTROL.search(text):
        raise ValueError(
            f"the output holds the control character {found[0]!r}; a page cannot show it"
        )
    return [{"output_type": "stream", "name": "stdout", "text": text}] if text else []


def _check_addresses(text, what):
    if found := ADDRESS.search(text):
        raise ValueError(f"the {what} holds a memory address, {found[0]}; it differs in each run")


def _inline_text(value):
    if type(value) not in (str, Tex, int):
        given = type(value).__name__
        raise TypeError(f"the value is a {given}; format it: a str of LaTeX or an int is needed")
    _check_addresses(str(value), "value")
    return _checked(str(value), within_a_line=True)


def _checked(text, within_a_line=False):
    r"""LaTeX without a bare % and control characters ("\beta" without an r is a backspace)."""
    if found := CONTROL.search(text):
        hint = "is an r missing before its quotes?"
        raise ValueError(f"the LaTeX holds the control character {found[0]!r}; {hint}")
    if found := re.search(r"\\(?:end\s*\{document\}|endinput\b)", text):
        raise ValueError(f"the LaTeX holds {found[0]}, which would end the document")
    if (offset := percent_that_deletes(text, within_a_line)) is not None:
        near = text[max(offset - 20, 0) : offset + 20]
        raise ValueError(f"the LaTeX holds a bare % ({near!r}), which deletes text; write \\%")
    return str(text)

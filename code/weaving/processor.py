"""Runs the chunks in this process, as Pweave does not: a fault stops the build at its line."""

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

from weaving import figures, streams, values
from weaving.inputs import pause_recording
from weaving.latex import Tex
from weaving.problems import BuildFailed, Problem
from weaving.prose import pieces
from weaving.streams import LATE, CapturedOutput, LateOutput, Stdout, swapped
from weaving.values import inline_text, stream_results, valid_latex

# Not shown in tracebacks.
BUILDER = (__file__, figures.__file__, streams.__file__, values.__file__)


class StrictProcessor:
    """Runs the chunks of a document.

    A chunk's last expression is its result: a latex.Tex, None or, with fig=True, a Matplotlib
    figure or an object with `figure`, `caption` and `alt`. What the chunk prints, or a process that
    it starts, is its output. An inline expression is a str of LaTeX, a latex.Tex or an int.

    The chunks are the module `__main__`, as in a script. Each begins in the document's folder, and
    ends when the threads that it has started have ended.
    """

    def __init__(self, chunks, source, *, cache, recorder, names, progress, finished):
        """chunks: of the document `source`, as StrictReader returns them.

        cache: the FigureCache of the document. recorder: a Recorder of what the chunks read.
        names: {name: value} that every chunk knows. progress(stage, detail): called at each chunk.
        finished(chunk, files_changed): called after each chunk, unless there are faults.
        """
        self.chunks, self.source = chunks, source
        self.cache, self.recorder, self.names = cache, recorder, names
        self.progress, self.finished = progress, finished
        self.problems, self.outputs, self.late_output_reported = [], [], False
        self.undefined_names = set()  # that chunks which failed may have been about to define
        self.uncaught = []  # exceptions from threads and destructors
        self.builder, self.root = os.getpid(), os.getcwd()
        self.runaway_fork_line = mmap.mmap(-1, 8)  # which a forked process shares

    def run(self) -> list[dict]:
        """The chunks, each with its `result`, text with its `pieces`, both as JSON.

        A result is a list of {"printed": text}, {"latex": text} and, for a figure, the fields of
        document.Figure. Raises BuildFailed with every fault of every chunk.
        """
        linecache.checkcache()
        tempfile.gettempdir()  # writes files on its first call, which are nobody's inputs
        codes = [chunk for chunk in self.chunks if chunk["type"] == "code"]
        Stdout.refused = False
        _seed_generators()
        if any(chunk["options"]["fig"] for chunk in codes):
            self.cache.folder.mkdir(parents=True, exist_ok=True)
            figures.forget_old_fonts()
            import matplotlib.font_manager  # noqa: F401  its first import reads all fonts there are
        between = CapturedOutput()
        with self._main_module(), self._keep_uncaught(), streams.no_input(), self.recorder, between:
            for chunk in self.chunks:
                if chunk["type"] == "code":
                    count = f"{chunk['number']} of {len(codes)}"
                    self.progress("chunk", f"{count}: {chunk['options']['name']}")
                    chunk["result"] = self._run_chunk(chunk)
                else:
                    chunk["pieces"] = pieces(chunk["content"], chunk["line"], self._value)
                if not self.problems:
                    with pause_recording():
                        self.finished(chunk, self.recorder.files_changed)
            self.recorder.note_modules()
        self._report_fork()
        between.close()
        late = [line for output, line in self.outputs if output.close()]
        if between.text or (Stdout.refused and not self.late_output_reported):
            late.append(0)
        self.problems += [Problem(self.source, line, LATE) for line in late]
        if self.problems:
            raise BuildFailed(self.problems)
        return self.chunks

    def _run_chunk(self, chunk):
        code, options, line = chunk["content"].removeprefix("\n"), chunk["options"], chunk["line"]
        self.recorder.place = (f"{self.source}:{line - 1}", "depends" in options)
        with self._report_faults(line - 1, f"chunk {options['name']!r}", code):
            self.recorder.note_declared(options.get("depends", []))
            with CapturedOutput() as output:
                value = self._execute(code, line)
            self.outputs.append((output, line - 1))
            return stream_results(output.text) + self._results(value, options, line - 1)
        return []

    def _end_fork(self, line, error=None):
        """End a forked process that has come to its chunk's end: it would write the document."""
        if os.getpid() != self.builder:
            if not isinstance(error, SystemExit):
                self.runaway_fork_line[:] = line.to_bytes(8, "big")
            sys.stdout.flush()
            os._exit(1)

    def _report_fork(self):
        if line := int.from_bytes(self.runaway_fork_line[:], "big"):
            message = "a forked child ran past the end of its chunk; end it with os._exit(0)"
            self.problems.append(Problem(self.source, line, message))
            self.runaway_fork_line[:] = bytes(8)

    def _value(self, code, line):
        """The text of an inline expression."""
        self.recorder.place = (f"{self.source}:{line}", False)
        with self._report_faults(line, f"<%={textwrap.shorten(code, 60)}%>", code):
            with CapturedOutput() as output:
                value = self._evaluate(code, line)
            late = output.close()
            if output.text or late:
                raise TypeError(f"the expression prints {output.text[:40]!r}; a value is needed")
            if figures.close(value):
                raise TypeError("the expression makes a figure; a chunk with fig=True is needed")
            return inline_text(value)
        return ""

    def _execute(self, code, line):
        """Run code that starts at this line; the value of its last expression, or None."""
        tree = ast.parse("\n" * (line - 1) + code, self.source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, self.source, "exec"), self.scope)
        if last is None:
            return None
        last = ast.Expression(last.value)
        return eval(compile(last, self.source, "eval"), self.scope)

    def _evaluate(self, code, line):
        line += code.count("\n", 0, len(code) - len(code.lstrip()))
        code = "\n" * (line - 1) + f"({code.strip()}\n)"
        return eval(compile(code, self.source, "eval"), self.scope)

    def _results(self, value, options, line):
        """The results of a chunk that ends with this value."""
        if options["fig"]:
            return [self._figure(value, options, line)]
        if made := figures.close(value):
            raise TypeError(f"{made} figure in a chunk without fig=True")
        if value is None:
            return []
        if not isinstance(value, Tex):
            given, needed = type(value).__name__, "print it, or end with a latex.Tex or None"
            raise TypeError(f"the chunk ends with a value of type {given}; {needed}")
        return [{"latex": valid_latex(value)}]

    def _figure(self, value, options, line):
        def evaluate(caption):
            return "".join(text for _, text, _ in pieces(caption, line, self._value))

        result = figures.result(value, options, self.cache, evaluate)
        self.recorder.note_written(Path(result["pdf"]))
        return result

    @contextlib.contextmanager
    def _main_module(self):
        """A real module holds the names: classes can be pickled, and pools find functions."""
        module = types.ModuleType("__main__")
        module.__file__ = self.source
        self.scope = vars(module)
        self.scope.update(self.names)
        before, sys.modules["__main__"] = sys.modules["__main__"], module
        multiprocessing.set_start_method("fork", force=True)  # others would import the document
        try:
            yield
        finally:
            sys.modules["__main__"] = before

    @contextlib.contextmanager
    def _keep_uncaught(self):
        """Keep what is raised where nothing can catch it: in a thread or a destructor."""

        def keep(what):
            if what.exc_value is not None and not isinstance(what.exc_value, SystemExit):
                self.uncaught.append(what.exc_value)

        with swapped(threading, "excepthook", keep), swapped(sys, "unraisablehook", keep):
            yield

    @contextlib.contextmanager
    def _report_faults(self, line, what, code):
        """Turn all that the code raises, warns of or logs into Problems; Ctrl-C passes."""
        before = dict(self.scope)
        try:
            with warnings.catch_warnings(), streams.logging_raises(), streams.exit_raises():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", ResourceWarning)
                yield
                self._end_fork(line)
        except BaseException as error:
            self._end_fork(line, error)
            if isinstance(error, KeyboardInterrupt):
                raise
            os.chdir(self.root)
            follows = isinstance(error, NameError) and error.name in self.undefined_names
            self.undefined_names |= set(re.findall(r"\w+", code))
            for name in _assigned_names(code):  # an older value would mislead the code that follows
                if name in before and self.scope.get(name) is before[name]:
                    del self.scope[name]
            if not follows:
                self._report(error, line, what)
        os.chdir(self.root)
        for error in self.uncaught:
            self._report(error, line, f"a thread or destructor of {what}")
        self.uncaught.clear()
        self._report_fork()

    def _report(self, error, line, what):
        """Note what was raised as a Problem, at the line of the document that the trace leads to.

        Without a trace if the exception says `show_traceback = False`: then no code is at fault.
        """
        self.late_output_reported |= isinstance(error, LateOutput)
        if not getattr(error, "show_traceback", True):
            self.problems.append(Problem(self.source, line, str(error)))
            return
        trace = traceback.extract_tb(error.__traceback__)
        frames = [frame for frame in trace if frame.filename not in BUILDER]
        here = [frame.lineno for frame in frames if frame.filename == self.source]
        if isinstance(error, SyntaxError) and error.filename == self.source:
            here, frames = [error.lineno], []
        lines = traceback.format_list(frames) + traceback.format_exception_only(error)
        details = "".join(lines).replace(str(Path.cwd()) + "/", "")
        message = f"{what} raised {type(error).__name__}: {_message(error)}".splitlines()[0]
        place = here[0] if here else line
        self.problems.append(Problem(self.source, place, message, textwrap.indent(details, "    ")))


def _seed_generators():
    """Seed the global generators, so that unseeded draws are reproducible."""
    random.seed(0)
    with contextlib.suppress(ImportError):
        import numpy

        numpy.random.seed(0)


def _message(error):
    try:
        return str(error)
    except Exception:
        return "(its message cannot be printed)"


def _assigned_names(code):
    """The names that a chunk or an expression gives a value to, at its top level."""
    with warnings.catch_warnings(action="ignore"):  # the run has reported them
        try:
            steps = list(dis.get_instructions(code))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return set()
    return {step.argval for step in steps if step.opname == "STORE_NAME"}

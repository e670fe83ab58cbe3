"""Pweave's processor, running the code in this process: a fault stops the build at its line of the document."""

import ast
import contextlib
import dis
import io
import linecache
import logging
import multiprocessing
import os
import re
import sys
import tempfile
import textwrap
import threading
import traceback
import types
import warnings
from pathlib import Path

from weaving import load_pweave
from weaving.inputs import Recorder
from weaving.latex import Tex
from weaving.problems import BuildFailed, Problem
from weaving.reader import SCAN, percent_that_deletes

PwebProcessorBase = load_pweave().processors.base.PwebProcessorBase

NO_DATES = {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}
NO_DATE_IN_SVG = {"Date": None, "Creator": None}
INVALID = (SyntaxError, ValueError, RecursionError, MemoryError)  # what compiling bad code raises


class StrictProcessor(PwebProcessorBase):
    """Results are notebook-shaped: stream, text/latex and, for figures, the names of their files.

    A chunk's last expression is its result: a latex.Tex, None or, with fig=True, a Matplotlib figure
    or an object with `figure`, `caption` and `alt`. What the chunk prints, by itself or by a process
    that it starts, is its output. An inline expression is a str of LaTeX, a latex.Tex or an int.

    The chunks are the module `__main__`, as in a script. Each begins in the document's folder, and
    ends when the threads that it has started have ended.
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
        self.problems, self.unmade, self.unheard = [], set(), []
        self.root = os.getcwd()
        linecache.checkcache()
        total = sum(chunk["type"] == "code" for chunk in self.parsed)
        figures = {chunk["options"]["label"] for chunk in self.parsed if chunk["type"] == "code" and chunk["options"]["fig"]}
        if figures:
            Path(self.getFigDirectory()).mkdir(parents=True, exist_ok=True)
        with self._main_module() as module, self._unheard_errors(), Recorder() as self.recorder:
            self.scope = vars(module)
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
        options = chunk["options"]
        self.recorder.place = (chunk["line"] - 1, "depends" in options)
        with self._reported(chunk["line"] - 1, f"chunk {options['name']!r}", code):
            self.recorder.depends(options.get("depends", []))
            with _Output() as output:
                value = self._execute(code, chunk["line"])
            return _stream(output.text) + self._shown(value, chunk)
        return []

    def loadinline(self, content, first_line=1):
        """Evaluate <%= ... %>; the text as pieces."""
        def value(code, line):
            self.recorder.place = (line, False)
            with self._reported(line, f"<%={textwrap.shorten(code, 60)}%>", code):
                with _Output() as output:
                    value = self._evaluate(code, line)
                if output.text:
                    raise TypeError(f"the expression prints {output.text[:40]!r}; a value is needed")
                if _close_figures(value):
                    raise TypeError("the expression makes a figure; a chunk with fig=True is needed")
                return _inline_text(value)
            return ""
        return _pieces(content, first_line, value)

    def _execute(self, code, line):
        """Run code that starts at a line of the document; the value of its last expression, or None."""
        tree = ast.parse("\n" * (line - 1) + code, self.source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, self.source, "exec", dont_inherit=True), self.scope)
        if last is not None:
            expression = ast.Expression(last.value)
            return eval(compile(expression, self.source, "eval", dont_inherit=True), self.scope)

    def _evaluate(self, code, line):
        leading = len(code) - len(code.lstrip())
        line += code.count("\n", 0, leading)
        return eval(compile("\n" * (line - 1) + f"({code.strip()}\n)", self.source, "eval"), self.scope)

    def _shown(self, value, chunk):
        drawn = value.figure if hasattr(value, "caption") and hasattr(value, "alt") else value
        made = _close_figures(drawn)
        if chunk["options"]["fig"]:
            if not made or not hasattr(drawn, "savefig"):
                raise TypeError("a figure chunk ends with a Matplotlib figure or a drawing, "
                                f"this one with {type(value).__name__}")
            if made > 1 or not drawn.axes:
                raise ValueError(f"one figure with axes is needed, this chunk made {made} with {len(drawn.axes)} axes")
            return [self._figure(drawn, value, chunk)]
        if made:
            raise TypeError(f"{made} figure in a chunk without fig=True")
        if value is None:
            return []
        if not isinstance(value, Tex):
            raise TypeError(f"the chunk ends with a {type(value).__name__}; "
                            "print it, or end with a latex.Tex, a figure or None")
        return [{"output_type": "execute_result", "data": {"text/latex": _checked(value)}}]

    def _figure(self, figure, value, chunk):
        import matplotlib
        options = chunk["options"]
        caption, alt = (options.get(key) or getattr(value, key, "") for key in ("caption", "alt"))
        for key, text in [("caption", caption), ("alt", alt)]:
            if not text:
                raise ValueError(f"the figure has no {key}; give {key}=\"...\" or end with a drawing that has one")
        if odd := re.search(r"[\\{}%#$]", alt):
            raise ValueError(f"the alt text holds {odd.group(0)!r}; it is read aloud: plain words are needed")
        path = Path(self.getFigDirectory()) / (options["label"] + ".pdf")
        figure.savefig(path, metadata=NO_DATES)
        with matplotlib.rc_context({"svg.hashsalt": "report", "svg.fonttype": "path"}):
            figure.savefig(path.with_suffix(".svg"), metadata=NO_DATE_IN_SVG)
        if "caption" in options:
            caption = "".join(text for _, text, _ in self.loadinline(caption, chunk["line"] - 1))
        files = {"application/pdf": path.as_posix(), "image/svg+xml": path.with_suffix(".svg").as_posix()}
        return {"output_type": "display_data", "data": files,
                "metadata": {"caption": _checked(caption, within_a_line=True), "alt": " ".join(alt.split())}}

    @contextlib.contextmanager
    def _main_module(self):
        """The chunks' names are those of a real module, so that classes can be pickled and functions sent to a pool."""
        module = types.ModuleType("__main__")
        module.__file__ = self.source
        vars(module).update(self.namespace)
        before, sys.modules["__main__"] = sys.modules["__main__"], module
        multiprocessing.set_start_method("fork", force=True)  # other ways would run the document anew
        try:
            yield module
        finally:
            sys.modules["__main__"] = before

    @contextlib.contextmanager
    def _unheard_errors(self):
        """Keep what is raised where nothing can catch it: in a thread, or as an object is deleted."""
        before = threading.excepthook, sys.unraisablehook
        threading.excepthook = sys.unraisablehook = lambda what: self.unheard.append(what.exc_value)
        try:
            yield
        finally:
            threading.excepthook, sys.unraisablehook = before

    @contextlib.contextmanager
    def _reported(self, line, what, code):
        """Turn whatever the code raises, warns of or logs into a Problem at its own line. KeyboardInterrupt passes."""
        before, threads = dict(self.scope), set(threading.enumerate())
        try:
            with warnings.catch_warnings(), _logging_raises(), _exit_raises():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", ResourceWarning)
                yield
                _join(set(threading.enumerate()) - threads)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            os.chdir(self.root)
            follows = isinstance(error, NameError) and error.name in self.unmade
            self.unmade |= set(re.findall(r"\w+", code))  # names that the failed code may have been about to make
            for name in _assigned(code):  # an older value of such a name would mislead the code that follows
                if name in before and self.scope.get(name) is before[name]:
                    del self.scope[name]
            if not follows:
                self.problems.append(self._problem(error, line, what))
        os.chdir(self.root)
        self.problems += [self._problem(error, line, f"a thread of {what}") for error in self.unheard
                          if error is not None and not isinstance(error, SystemExit)]
        self.unheard.clear()

    def _problem(self, error, line, what):
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        if getattr(error, "in_the_input", False):  # the code is right, what it was given is not
            return Problem(self.source, line, str(error))
        here = [frame.lineno for frame in frames if frame.filename == self.source]
        if isinstance(error, SyntaxError) and error.filename == self.source:
            here, frames = [error.lineno], []
        details = "".join(traceback.format_list(frames) + traceback.format_exception_only(error))
        message = f"{what} raised {type(error).__name__}: {_said(error)}".splitlines()[0]
        return Problem(self.source, here[0] if here else line, message,
                       textwrap.indent(details.replace(str(Path.cwd()) + "/", ""), "    "))


class _Output:
    """Use as a context; then `text` is what was printed to file descriptor 1, by Python or by another process."""

    def __enter__(self):
        sys.stdout.flush()
        self.file, self.saved, self.stdout = tempfile.TemporaryFile(), os.dup(1), sys.stdout
        os.dup2(self.file.fileno(), 1)
        sys.stdout = io.TextIOWrapper(open(1, "wb", buffering=0, closefd=False), "utf-8", write_through=True)
        return self

    def __exit__(self, kind, error, trace):
        sys.stdout = self.stdout
        os.dup2(self.saved, 1)
        os.close(self.saved)
        with self.file:
            self.file.seek(0)
            data = self.file.read()
        if error is None:
            self.text = data.decode("utf-8").replace("\r\n", "\n")


def _join(threads):
    """Wait for threads. Those of an executor wait for work, and would not end."""
    executor = sys.modules.get("concurrent.futures.thread")
    waiting = getattr(executor, "_threads_queues", {})
    for thread in threads:
        if not thread.daemon and thread not in waiting:
            thread.join()


def _said(error):
    try:
        return str(error)
    except Exception:
        return "(its message cannot be printed)"


def _assigned(code):
    """The names that a chunk or an expression gives a value to, at its top level."""
    with warnings.catch_warnings(action="ignore"):  # they were told of
        try:
            return {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_NAME"}
        except INVALID:
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
    """The text as pieces (line of the document, text, whether it was computed)."""
    pieces, end = [], 0
    for match in SCAN.finditer(content):
        if match["code"] is None:
            continue
        pieces.append((line, content[end:match.start()], False))
        line += content.count("\n", end, match.start())
        pieces.append((line, value(match["code"], line), True))
        line += match.group(0).count("\n")
        end = match.end()
    return pieces + [(line, content[end:], False)]


def _stream(text):
    if found := re.search(r"\bat 0x[0-9a-f]+", text):
        raise ValueError(f"the output holds a memory address ({found.group(0)}): it would differ from run to run")
    if found := re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        raise ValueError(f"the output holds the control character {found.group(0)!r}, which no page can show")
    return [{"output_type": "stream", "name": "stdout", "text": text.expandtabs()}] if text else []


def _inline_text(value):
    if type(value) in (str, Tex, int):
        return _checked(str(value), within_a_line=True)
    raise TypeError(f"the value is a {type(value).__name__}; format it: a str of LaTeX or an int is needed")


def _checked(text, within_a_line=False):
    r"""LaTeX without control characters: "\beta" in quotes without an r is a backspace and "eta"; and without a bare %."""
    if found := re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text):
        raise ValueError(f"the LaTeX holds the control character {found.group(0)!r}; is an r missing before its quotes?")
    if (offset := percent_that_deletes(text, within_a_line)) is not None:
        raise ValueError(f"the LaTeX holds a bare % ({text[max(offset - 20, 0):offset + 20]!r}), "
                         "which would delete what follows on its line; write \\% in its place")
    return str(text)

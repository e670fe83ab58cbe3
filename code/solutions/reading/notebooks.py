"""Run a notebook or a .py file, in a process of its own, and take the arrays of a case from it.

They are taken as soon as all of them exist. What comes after that is run, too, but only to see
whether it changes the arrays; if it does, the user is asked which are meant.
"""

import ast
import contextlib
import faulthandler
import inspect
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from solutions.reading import cells, recognise
from solutions.reading.cells import ELSEWHERE, EXECUTING, Part
from solutions.reading.recognise import SAVE, CaseError, SideUnknown, describe, role_of
from solutions.wording import listed

MAX_SECONDS = 120  # for one run
MAX_SECONDS_LATER = 20  # of these, for what comes after the arrays
START = """import json, sys
sys.path.insert(0, sys.argv[1])
from solutions.reading import notebooks
notebooks.execute(*json.loads(sys.argv[2]))"""
HARMLESS_MAGICS = {"matplotlib", "load_ext", "autoreload", "config", "pip", "conda"}


def run(path: Path, names: dict[str, str], side: str, until: int) -> tuple[dict, tuple[str, ...]]:
    """The fields of a Case and the sentences about them, from two runs that must agree.

    until: the part after which they are taken; 0: the first after which all are there.
    Raises: CaseError if the file fails, takes too long, gives other numbers the second time, or
    changes the arrays later.
    """
    parts = cells.read(path)
    if until > parts[-1].number:
        raise CaseError(f"UNTIL must be at most {parts[-1].number}, got {until}")
    last, taken, later = _in_a_process(parts, path.resolve(), names, side, until)
    at = parts[last]
    _, again, _ = _in_a_process(parts, path.resolve(), names, side, at.number)
    for name, value in taken["fields"].items():
        if value != again["fields"][name]:
            raise CaseError(
                f"{name} must be the same in every run, got other numbers the second "
                f"time; set the seed (np.random.seed(0)) or save the arrays: {SAVE}"
            )
    changes, failed = _read_later(parts[last + 1 :], later, {*taken["names"], ELSEWHERE})
    if changes:
        raise CaseError(
            f"the arrays are all there after {at.place}, but {listed(changes, most=4)}; say "
            f"which are meant: make pdf CASE=... UNTIL={at.number} (or {max(changes.values())})"
        )
    # Read again what the notebook read, so that the Recorder of the build sees it in this process.
    for file in filter(os.path.isfile, taken["opened"]):
        open(file, "rb").close()
    for folder in filter(os.path.isdir, taken["listed"]):
        os.listdir(folder)
    for name in taken["variables"]:
        os.environ.get(name) if name else list(os.environ)
    notes = [f"The arrays are those after {at.place}.", *taken["notes"]]
    counts = [part.count for part in parts[: last + 1] if isinstance(part.count, int)]
    if counts != sorted(counts):
        notes.append("In Jupyter, its cells were last run out of order.")
    if failed:
        places = listed(failed, most=4)
        notes.append(f"Later code that failed or was not run does not assign them: {places}.")
    return taken["fields"], tuple(notes)


def _read_later(parts, reports, names):
    """What changes the arrays, {in words: number of the part}, and where code did not run."""
    changes, failed = {}, []
    for part, report in zip(parts, reports):
        for source in report["failed"]:
            if assigned := cells.assigned_names(source) & names:
                text = f"{part.place}, which did not run, assigns {listed(sorted(assigned))}"
                changes[text] = part.number
        if report["failed"]:
            failed.append(part.place)
        if report["changed"]:
            changes[f"{part.place} changes {listed(report['changed'])}"] = part.number
    return changes, failed


def _in_a_process(parts, path, *arguments):
    """The number of the part that completed the arrays, its report, and those of all later parts.

    `execute` runs in a process that has no terminal and no windows. A later part that did not come
    to its end is reported as failed. Raises: CaseError.
    """
    code = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", START, code, json.dumps([str(path), *arguments, MAX_SECONDS_LATER])],
        cwd=path.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        written, _ = process.communicate(timeout=MAX_SECONDS)
        end = f"ended with exit status {process.returncode}"
    except subprocess.TimeoutExpired:
        _kill(process.pid)
        written, end = process.communicate()[0], f"did not finish within {MAX_SECONDS} s"
    finally:
        _kill(process.pid)
    reports = [json.loads(line) for line in written.splitlines(True) if line.endswith(b"\n")]
    if reports and "error" in reports[-1]:
        raise CaseError(reports[-1]["error"])
    last = next((i for i, report in enumerate(reports) if "fields" in report), None)
    if last is None:
        running = parts[min(len(reports), len(parts) - 1)]
        raise CaseError(
            f"{running.place} must run to its end, but the process {end}; "
            f"save the arrays in the notebook instead: {SAVE}"
        )
    cut_short = [{"failed": [part.source], "changed": []} for part in parts[len(reports) :]]
    return last, reports[last], reports[last + 1 :] + cut_short


def _kill(group):
    """End a process and what it started, if it is not all over already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def execute(path: str, names: dict[str, str], side: str, until: int, seconds_later: int):
    """Run the file in this process; write a report of each part to standard output, as JSON.

    It is {} until the arrays are there; then come their "fields" and "notes", and the "names",
    "opened" files, "listed" folders and "variables" that they depend on. Without `until`, what
    comes after may have `seconds_later` seconds, and is reported by "failed" (sources) and
    "changed" (names of arrays).
    After {"error": message} there is nothing more. The notebook itself has no standard output.
    """
    signal.alarm(2 * MAX_SECONDS)  # should the process that waits for this one be killed
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.environ["MPLBACKEND"], sys.dont_write_bytecode = "Agg", True
    for module in [name for name in sys.modules if name.split(".")[0] == "solutions"]:
        del sys.modules[module]  # the file may have a module of this name beside it
    sys.path[0], sys.argv = str(Path(path).parent), [path]
    main = sys.modules["__main__"] = ModuleType("__main__")

    process = os.getpid()

    def write(report):
        if os.getpid() != process:  # a fork, which is to end with the cell that made it
            os._exit(0)
        print(json.dumps(report, default=np.ndarray.tolist), file=out, flush=True)

    file = _File(Path(path), names, side, main.__dict__)
    later = () if until else file.watch(seconds_later, nowhere)
    try:
        for report in itertools.chain(file.take(until), later, file.not_run()):
            write(report)
    except CaseError as error:
        write({"error": str(error)})
    finally:
        _kill(0)  # threads and processes of the notebook may never end


def _noting_inputs():
    """Sets that fill from now on: files opened to read, folders listed, variables looked up.

    A variable called "" stands for the list of all names.
    """
    files, folders, variables = set(), set(), set()

    class Environment(type(os.environ)):
        def __getitem__(self, name):
            variables.add(str(name))
            return super().__getitem__(name)

        def __iter__(self):
            variables.add("")
            return super().__iter__()

    def note(event, arguments):
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            file = os.path.abspath(os.fsdecode(arguments[0]))
            is_written = (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
            if not is_written and not file.startswith((sys.prefix, sys.base_prefix)):
                files.add(file)
        elif event in ("os.listdir", "os.scandir") and not isinstance(arguments[0], int):
            importing = "importlib._bootstrap" in sys._getframe(1).f_code.co_filename
            folder = os.path.abspath(os.fsdecode(arguments[0] or "."))
            if not importing and not folder.startswith((sys.prefix, sys.base_prefix)):
                folders.add(folder)

    os.environ.__class__ = Environment
    sys.addaudithook(note)
    return files, folders, variables


class _File:
    """A notebook or .py file that is run part by part in a namespace."""

    def __init__(self, path, names, side, namespace):
        self.names, self.side, self.namespace = names, side, namespace
        self.skipped, self.absent = [], set()
        self.fields, self.parts = None, iter(cells.read(path))
        shell = _Shell(namespace, self.skipped)
        namespace.update(__file__=str(path), display=print, get_ipython=lambda: shell)
        self.opened, self.listed, self.variables = _noting_inputs()

    def take(self, until):
        """Run until the arrays are there, or until part number `until`. Raises: CaseError."""
        problem = CaseError(f"X, W_q, W_k and W_v must be computed in its code, or saved: {SAVE}")
        for part in self.parts:
            for statement, error in _run(part, self.namespace):
                if excuse := self._excuse(part, statement, error):
                    self.skipped.append(excuse)
                else:
                    start = f"{part.place} must run, got {describe(error)};"
                    raise CaseError(" ".join([start, *self.skipped, str(problem)]))
            if part.number >= until:
                try:
                    yield self._take_arrays()
                    return
                except CaseError as error:  # not all is there yet, or not in its final shape
                    if until or isinstance(error, SideUnknown):
                        raise
                    problem = error
            yield {}
        raise CaseError(" ".join([str(problem), *self.skipped]))

    def _take_arrays(self):
        self.fields, notes = self._arrange()
        names = recognise.resolve(_candidates(self.namespace), self.names).values()
        return dict(
            fields=self.fields,
            notes=[*self.skipped, *notes],
            names=["W_o", *(name.split(".")[0] for name in names)],
            opened=sorted(self.opened),
            listed=sorted(self.listed),
            variables=sorted(self.variables),
        )

    def watch(self, limit, nowhere):
        """Run the rest within `limit` seconds, and report what fails or changes the arrays."""
        faulthandler.dump_traceback_later(limit, exit=True, file=nowhere)
        problem = None
        for part in self.parts:
            failed = []
            for statement, error in _run(part, self.namespace):
                if isinstance(error, SystemExit):
                    yield dict(failed=failed, changed=[])
                    return
                failed.append(ast.unparse(statement) if statement else part.source)
            before, before_that = self.fields, problem
            try:
                self.fields, problem = self._arrange()[0], None
                changed = [
                    name
                    for name in before
                    if name != "heads" and not np.array_equal(self.fields[name], before[name])
                ]
            except CaseError as error:
                problem = str(error).split(";")[0]
                changed = [] if problem == before_that else [f"them ({problem})"]
            yield dict(failed=failed, changed=changed)

    def not_run(self):
        """Nothing fails or changes in parts that were not to be run."""
        return (dict(failed=[], changed=[]) for _ in self.parts)

    def _arrange(self):
        found = _candidates(self.namespace)
        fields, notes = recognise.arrange(found, self.names, self.side, is_file=False)
        H, D = fields["heads"], fields["X"].shape[1]
        if H is not None and (H == 1 or D % H):
            notes += (f"H = {H} in the file is not used.",)
            fields["heads"] = None
        return fields, notes

    def _excuse(self, part, statement, error):
        """The sentence about a failure on which the arrays cannot depend, or None."""
        if statement is None:
            assigned = cells.assigned_names(part.source)
            if not any(role_of(name) or name in self.names.values() for name in assigned):
                what = f"is not Python ({describe(error)}); it was skipped."
                return f"{part.place.capitalize()} {what}"
        elif isinstance(error, ModuleNotFoundError) and isinstance(
            statement, (ast.Import, ast.ImportFrom)
        ):
            self.absent |= cells.assigned_names(ast.unparse(statement))
            return f"The module {error.name} is not installed; its import was skipped."
        elif isinstance(statement, ast.Expr) and getattr(error, "name", None) in self.absent:
            return f"{ast.unparse(statement)[:60]} was skipped."
        return None


class _Shell:
    """What get_ipython() returns: it follows %run and %time, and notes what it skips."""

    def __init__(self, namespace, skipped):
        self.namespace, self.skipped = namespace, skipped

    def run_line_magic(self, name, line, *_):
        if name == "run":
            line = Path(line.split()[0]).read_text("utf-8")
        if name == "run" or name in EXECUTING:
            for _, error in _run(Part(0, f"%{name}", line), self.namespace):
                raise error
        elif name not in HARMLESS_MAGICS:
            self.skipped.append(f"%{name} {line} was skipped.")

    def run_cell_magic(self, name, _, body):
        self.run_line_magic(name, body)

    def getoutput(self, command):
        if command.split()[0] not in HARMLESS_MAGICS:
            self.skipped.append(f"!{command} was skipped.")
        return []

    system = getoutput


def _run(part, namespace):
    """Execute a part; yield (statement, exception) for what fails, (None, ...) if all of it."""
    try:
        statements = ast.parse(cells.as_python(part.source)).body
    except (SyntaxError, ValueError) as error:
        yield None, error
        return
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    for statement in statements:
        try:
            tree = ast.Module([statement], [])
            code = compile(tree, part.place, "exec", flags, dont_inherit=True)
            awaitable = eval(code, namespace)
            if code.co_flags & inspect.CO_COROUTINE:
                import asyncio  # here, since it takes a quarter of the time to import all

                asyncio.run(awaitable)
        except BaseException as error:  # whatever it raises, SystemExit too
            yield statement, error


def _candidates(namespace):
    """What may be an array of the case or a number of heads, by name."""
    found = {}
    for name, value in _flat(namespace).items():
        role = role_of(name)
        if name.startswith("_") or isinstance(value, type):
            continue
        try:
            if role == "heads":
                if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
                    found[name] = int(value)
            elif isinstance(value, (list, tuple)) or hasattr(value, "__array__"):
                array = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
                if array.ndim >= 2 or role == "bias":
                    found[name] = array
        except Exception:  # rows of different lengths, or an object that refuses conversion
            continue
    return found


def _flat(namespace):
    """Replace each dictionary by its entries, named NAME.KEY."""
    values = {}
    for name, value in namespace.items():
        inner = value if isinstance(value, dict) else {}
        values |= {f"{name}.{key}": value[key] for key in inner} or {name: value}
    return values

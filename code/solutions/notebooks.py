"""Run a notebook or a .py file, in a process of its own, until the arrays of a case are there."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

from solutions.exports import BIASES, SAVE, VARIANTS, CaseError, SideUnknown, arrange, simple

TIME_LIMIT = 120  # seconds for one run
START = """import json, sys
sys.path.insert(0, sys.argv[1])
from solutions import notebooks
notebooks.execute(*json.loads(sys.argv[2]))"""


def run(path: Path, names: dict[str, str], side: str | None) -> tuple[dict, tuple[str, ...]]:
    """The fields of a Case and the sentences about them, from two runs that must agree.

    Files that the notebook reads are opened here, too, so that a build takes note of them.
    Raises: CaseError if the file fails, takes too long, or gives other numbers the second time.
    """
    report, again = (_in_a_process(path, names, side) for _ in range(2))
    for name, value in report["fields"].items():
        if value != again["fields"][name]:
            raise CaseError(
                f"{name} must be the same in every run, got other numbers the second "
                f"time; set the seed (np.random.seed(0)) or save the arrays: {SAVE}"
            )
    for file in [path, *map(Path, report["opened"])]:
        if file.is_file():
            file.open("rb").close()
    return report["fields"], tuple(report["notes"])


def execute(path: str, names: dict[str, str], side: str | None) -> None:
    """Run the file in this process; write what happens to standard output, one JSON per line.

    First {"place"} before each cell, at last {"fields", "notes", "opened"} or {"error"}. The
    notebook itself has no standard output.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.environ["MPLBACKEND"], sys.dont_write_bytecode = "Agg", True
    for module in [name for name in sys.modules if name.split(".")[0] == "solutions"]:
        del sys.modules[module]  # the file may have a module of this name beside it
    sys.path[0], sys.argv = str(Path(path).parent), [path]
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__dict__.update(__file__=path, display=print)

    def report(**content):
        print(json.dumps(content), file=out, flush=True)

    try:
        report(**_until_the_arrays_are_there(Path(path), names, side, main.__dict__, report))
    except CaseError as error:
        report(error=str(error))
    os._exit(0)  # threads of the notebook may never end


def _until_the_arrays_are_there(path, names, side, namespace, report):
    """{"fields", "notes", "opened"} after the first cell with which the case is complete."""
    opened, skipped = set(), []
    problem = CaseError("X, W_q, W_k and W_v must be computed in its code")

    def note(event, arguments):
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            file = os.path.abspath(os.fsdecode(arguments[0]))
            if file.startswith(str(path.parent)):
                opened.add(file)

    sys.addaudithook(note)
    for place, source in cells(path):
        report(place=place)
        try:
            _run(source, namespace, place, skipped)
        except BaseException as error:  # whatever it raises, SystemExit too
            raise CaseError(
                f"{place} must run, got {type(error).__name__}: {error}; {problem}"
            ) from None
        try:
            fields, notes = arrange(_candidates(namespace), names, side, None)
        except SideUnknown:
            raise
        except CaseError as error:  # not all is there yet, or not in its final shape
            problem = error
            continue
        notes = [f"The file was run as far as {place}.", *skipped, *notes]
        D = fields["X"].shape[1]
        if fields["heads"] and D % fields["heads"]:
            notes.append(f"H = {fields['heads']} in the file does not divide D = {D}: not used.")
            fields["heads"] = None
        plain = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in fields.items()
        }
        return {"fields": plain, "notes": notes, "opened": sorted(opened)}
    raise CaseError(" ".join([str(problem), *skipped]))


def cells(path: Path) -> Iterator[tuple[str, str]]:
    """(place, source) of each cell of a notebook or of a .py file.

    A .py file without "# %%" is cut where a blank line stands between two statements, so that
    the run can end before the arrays are changed again. Raises: CaseError.
    """
    try:
        text = path.read_text("utf-8-sig")
        if path.suffix.lower() == ".ipynb":
            notebook = json.loads(text)
            parts = notebook.get("cells") or notebook["worksheets"][0]["cells"]
            sources = [
                part.get("source", part.get("input", ""))
                for part in parts
                if part["cell_type"] == "code"
            ]
            sources = ["".join(source) for source in sources]
        elif re.search(r"^# ?%%", text, re.MULTILINE):
            sources = re.split(r"^# ?%%.*$", text, flags=re.MULTILINE)
        else:
            yield from _paragraphs(text)
            return
    except Exception as error:  # any JSON may stand in a file of this name, any bytes too
        raise CaseError(
            f"must be a notebook or Python, got {type(error).__name__}: {error}"
        ) from None
    for number, source in enumerate(sources, 1):
        yield f"code cell {number} of {len(sources)}", source


def _paragraphs(text):
    statements, begin = ast.parse(text).body, 0
    lines = text.splitlines()
    for i, statement in enumerate(statements, 1):
        end = statement.end_lineno
        if i == len(statements) or any(
            not line.strip() for line in lines[end : statements[i].lineno - 1]
        ):
            yield f"line {end} of {len(lines)}", "\n" * begin + "\n".join(lines[begin:end])
            begin = end


def _run(source, namespace, place, skipped):
    """Execute a cell. What is not Python and what cannot be imported is passed over, and noted."""
    if re.match(r"\s*%%(?!time|capture)", source):
        return
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        plain = re.sub(r"^([ \t]*)[%!?].*$", r"\1pass", source, flags=re.MULTILINE)
        try:
            statements = ast.parse(plain).body
        except SyntaxError as error:
            skipped.append(f"{place.capitalize()} is not Python ({error.msg}); it was passed over.")
            return
    for statement in statements:
        try:
            code = compile(ast.Module([statement], []), place, "exec", dont_inherit=True)
            exec(code, namespace)
        except ModuleNotFoundError as error:
            if not isinstance(statement, (ast.Import, ast.ImportFrom)):
                raise
            skipped.append(f"The module {error.name} is not installed; its import was passed over.")


def _candidates(namespace):
    """What may be an array of the case or a number of heads, by name."""
    found = {}
    for name, value in namespace.items():
        role = VARIANTS.get(simple(name))
        if name.startswith("_") or isinstance(value, type):
            continue
        if role == "heads":
            if isinstance(value, int) and not isinstance(value, bool):
                found[name] = value
            continue
        if hasattr(value, "detach"):  # a tensor of PyTorch
            value = value.detach()
        if isinstance(value, (list, tuple)) or hasattr(value, "__array__"):
            try:
                array = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
            except Exception:  # rows of different lengths, or a type of its own
                continue
            if array.ndim >= 2 or simple(name) in BIASES:
                found[name] = array
    return found


def _in_a_process(path, names, side):
    """The last line that `execute` wrote, in a process that has no terminal and no windows."""
    arguments = [
        str(Path(__file__).resolve().parents[1]),
        json.dumps([str(path.resolve()), names, side]),
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", START, *arguments],
        cwd=path.resolve().parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        written = process.communicate(timeout=TIME_LIMIT)[0]
        end = f"exit status {process.returncode}"
    except subprocess.TimeoutExpired:
        _kill(process)
        written, end = process.communicate()[0], f"no end within {TIME_LIMIT} s"
    finally:
        _kill(process)
    whole_lines = written.decode("utf-8").rpartition("\n")[0].splitlines()
    report = json.loads(whole_lines[-1]) if whole_lines else {"place": "the start"}
    if "place" in report:
        raise CaseError(
            f"{report['place']} must come to its end, got {end}; "
            f"save the arrays in the notebook instead: {SAVE}"
        )
    if "error" in report:
        raise CaseError(report["error"])
    return report


def _kill(process):
    """End the process and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):  # Windows; all over already
        process.kill()

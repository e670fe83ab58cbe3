"""Run a notebook or a .py file, in a process of its own, until the arrays of a case are there."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
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

    Raises: CaseError if the file fails, takes too long, or gives other numbers the second time.
    """
    (fields, notes), (again, _) = (_in_a_process(path, names, side) for _ in range(2))
    for name, value in fields.items():
        if not np.array_equal(value, again.get(name)):
            raise CaseError(f"{name} must be the same in every run, got other numbers the second "
                            f"time; set the seed (np.random.seed(0)) or save the arrays: {SAVE}")
    return fields, notes


def execute(path: str, folder: str, names: dict[str, str], side: str | None) -> None:
    """Run the file; write the fields and sentences, or the error, into the folder."""
    for module in [name for name in sys.modules if name.split(".")[0] == "solutions"]:
        del sys.modules[module]  # the file may have a module of this name beside it
    sys.path[0], sys.argv = str(Path(path).parent), [path]
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__dict__.update(__file__=path, display=print)
    skipped, problem = [], CaseError("there is no code in it")
    try:
        for place, source in cells(Path(path)):
            _report(folder, place=place)
            try:
                _run(source, main.__dict__, place, skipped)
            except BaseException as error:  # whatever it raises, SystemExit too
                raise CaseError(f"{place} must run, got {type(error).__name__}: {error}; "
                                f"{problem}") from None
            found = _candidates(main.__dict__)
            try:
                fields, notes = arrange(found, names, side, None)
            except SideUnknown:
                raise
            except CaseError as error:  # not all is there yet, or not in its final shape
                problem = error
            else:
                notes = (f"The file was run as far as {place}.", *skipped, *notes)
                _save(folder, fields, notes)
                return
        raise CaseError(" ".join([str(problem), *skipped]))
    except CaseError as error:
        _report(folder, error=str(error))


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
            sources = [part.get("source", part.get("input", "")) for part in parts
                       if part["cell_type"] == "code"]
            sources = ["".join(source) for source in sources]
        elif re.search(r"^# ?%%", text, re.MULTILINE):
            sources = re.split(r"^# ?%%.*$", text, flags=re.MULTILINE)
        else:
            yield from _paragraphs(text)
            return
    except Exception as error:  # any JSON may stand in a file of this name, any bytes too
        raise CaseError(f"must be a notebook or Python, got {type(error).__name__}: "
                        f"{error}") from None
    for number, source in enumerate(sources, 1):
        yield f"code cell {number} of {len(sources)}", source


def _paragraphs(text):
    statements, begin = ast.parse(text).body, 0
    lines = text.splitlines()
    for i, statement in enumerate(statements, 1):
        end = statement.end_lineno
        if i == len(statements) or any(not line.strip() for line in
                                       lines[end:statements[i].lineno - 1]):
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
    """What `execute` wrote. The process has no terminal and no windows, and hashes as every run."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("PYTHONPATH", "PYTHONOPTIMIZE")}
    environment |= {"MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(Path(__file__).resolve().parents[1]),
                     json.dumps([str(path.resolve()), folder, names, side])]
        with open(Path(folder, "stderr"), "wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-c", START, *arguments], cwd=path.resolve().parent,
                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=stderr, start_new_session=True)
        try:
            status = process.wait(TIME_LIMIT)
            said = Path(folder, "stderr").read_text("utf-8", "replace").split()
            end = f"exit status {status} ({' '.join(said)[-100:] or 'no message'})"
        except subprocess.TimeoutExpired:
            end = f"no end within {TIME_LIMIT} s"
        finally:
            _kill(process)
        report = _read_report(folder)
        if "error" in report:
            raise CaseError(report["error"])
        if "notes" not in report:
            raise CaseError(f"{report['place']} must come to its end, got {end}; "
                            f"save the arrays in the notebook instead: {SAVE}")
        with np.load(Path(folder, "fields.npz"), allow_pickle=False) as arrays:
            return report["fields"] | dict(arrays), tuple(report["notes"])


def _kill(process):
    """End the process and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):  # Windows; all over already
        process.kill()
    process.wait()


def _save(folder, fields, notes):
    arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
    D = arrays["X"].shape[1]
    plain = {name: value for name, value in fields.items() if name not in arrays}
    if plain.get("heads") and D % plain["heads"]:
        notes = (*notes, f"H = {plain['heads']} in the file does not divide D = {D}: not used.")
        plain["heads"] = None
    np.savez(Path(folder, "fields.npz"), **arrays)
    _report(folder, fields=plain, notes=notes)


def _report(folder, **content):
    """Write the report so that it is there as a whole or not at all."""
    new = Path(folder, "report.new")
    new.write_text(json.dumps(content), "utf-8")
    new.replace(Path(folder, "report.json"))


def _read_report(folder):
    path = Path(folder, "report.json")
    return json.loads(path.read_text("utf-8")) if path.exists() else {"place": "The start"}

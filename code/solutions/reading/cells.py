"""The code of a notebook or .py file in parts, and what can be told from it without running it."""

import ast
import json
import re
import tokenize
from pathlib import Path
from typing import NamedTuple

from solutions.reading.recognise import CaseError, describe

EXECUTING = ("time", "capture", "prun")  # magics that run what follows them
ELSEWHERE = "names that cannot be determined"


class Part(NamedTuple):
    """A code cell of a notebook, or the lines of a .py file up to a blank one."""

    number: int  # of the cell, or of the last line
    place: str  # the same in words
    source: str
    count: int | None = None  # of the cell, when it was last run in Jupyter


def read(path: Path) -> list[Part]:
    """The parts of a notebook or of a .py file. Raises: CaseError."""
    try:
        if path.suffix.lower() == ".ipynb":
            cells = json.loads(path.read_text("utf-8-sig"))["cells"]
            cells = [cell for cell in cells if cell["cell_type"] == "code"]
            parts = [Part(i, f"code cell {i} of {len(cells)}", "".join(cell["source"]),
                          cell.get("execution_count"))
                     for i, cell in enumerate(cells, 1)]  # fmt: skip
        else:
            with tokenize.open(path) as file:
                parts = list(_paragraphs(as_python(file.read())))
    except Exception as error:  # any JSON may stand in a file of this name, any bytes too
        what = describe(error)
        raise CaseError(f"must be a notebook (format 4) or Python, got {what}") from None
    if not parts:
        raise CaseError("must contain code that computes X, W_q, W_k and W_v, got no code")
    return parts


def _paragraphs(text):
    """Cut where a blank line stands between two statements."""
    statements, begin = ast.parse(text).body, 0
    lines = text.rstrip().split("\n")
    for statement, following in zip(statements, [*statements[1:], None]):
        end = statement.end_lineno
        if not following or "" in map(str.strip, lines[end : following.lineno - 1]):
            source = "\n" * begin + "\n".join(lines[begin:end])
            yield Part(end, f"line {end} of {len(lines)}", source)
            begin = end


def as_python(source):
    """The source with magics, shell escapes and `?` help requests as calls of get_ipython()."""
    if m := re.match(r"\s*%(%(\w+).*)", source):
        skipped = f"get_ipython().run_line_magic({m[1]!r}, '')"
        source = source[m.end() :] if m[2] in EXECUTING else skipped
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        begin = r"^([ \t]*(?:\w[\w, ]*=\s*)?)"  # as in files = !ls
        for pattern, python in (
            (r"(?:\?.*|[\w.]+\?+)$", lambda m: "pass"),
            (rf"%(?:{'|'.join(EXECUTING)}) +(.*)$", lambda m: m[2]),
            (r"%(\w+) *(.*)$", lambda m: f"get_ipython().run_line_magic({m[2]!r}, {m[3]!r})"),
            (r"!((?:.*\\\n)*.*)$", lambda m: f"get_ipython().getoutput({m[2]!r})"),
        ):
            source = re.sub(
                begin + pattern,
                lambda m, python=python: m[1] + python(m) + "\n" * m[0].count("\n"),
                source,
                flags=re.MULTILINE,
            )
    return source


def assigned_names(source):
    """The names that a source assigns, in whole or in part, outside functions; or ELSEWHERE."""
    if re.search(r"^%run |run_\w+\('run'|run_cell_magic|\bexec\(|import \*", source, re.MULTILINE):
        return {ELSEWHERE}
    try:
        statements = ast.parse(as_python(source)).body
    except (SyntaxError, ValueError):  # more of them rather than fewer
        return set(re.findall(r"^\s*(\w+).*=", source, re.MULTILINE))
    names = set()
    for statement in statements:
        for node in () if isinstance(statement, ast.FunctionDef) else ast.walk(statement):
            if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
                names |= {re.match(r"\w*", ast.unparse(node))[0]}
            elif isinstance(node, ast.alias):
                names |= {node.asname or node.name.split(".")[0]}
    return names

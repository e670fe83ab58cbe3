"""make notebook: report.ipynb, the document as a Jupyter notebook that has been run.

Its text is the document's tree as Markdown. Its code cells are the document's chunks, in order; a
kernel runs them, and what they show there is what the notebook contains.
"""

import ast
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from weaving import document, markdown, tree
from weaving.command import command_line, run_and_report
from weaving.document import Chunk, Figure
from weaving.execution import build_lock, execute
from weaving.files import replace
from weaving.pandoc import Tree, classes, walk
from weaving.problems import BuildFailed, Problem
from weaving.prose import inline_expressions
from weaving.target import Target

# nbformat, nbclient and jupyter_client are imported where they are used: they are installed by the
# first `make notebook`, and the tests import this module without them.
CALL = re.compile(r"""(\w+)(?:\.\w+)+\(\s*r?["']""")  # of a method, with a string
NOTE = (
    "This is {source} as a notebook, made and run by `make notebook`. It runs again from top to "
    "bottom where `code/` and `bib/` lie beside it, with NumPy, Matplotlib, SymPy and Pygments; "
    "Pandoc (`pypandoc`) typesets its tables."
)
SETUP = """\
import sys

sys.path.insert(0, "code")
{variables}
%config InlineBackend.figure_formats = ["retina"]
%matplotlib inline"""
HIDDEN = {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def main() -> int:
    (target,) = command_line(__doc__)
    return run_and_report(f"{target.name}.ipynb", lambda say: f"{make(target, say)} cells")


def make(target: Target, say: Callable) -> int:
    """Write the notebook; the number of its cells. Raises BuildFailed if a cell fails."""
    import nbformat

    with build_lock(say):
        executed = execute(target, say)
        say("convert")
        parts = document.read(executed)
        chunks = [part for part in parts if isinstance(part, Chunk)]
        blocks = tree.read(parts, target.source, chunks=True)
        notebook = assemble(blocks, chunks, expressions_before(executed), target)
        run(notebook, chunks, target.source, say)
        nbformat.validate(notebook)
        replace(Path(f"{target.name}.ipynb"), (nbformat.writes(notebook) + "\n").encode())
    return len(notebook.cells)


def assemble(blocks: Tree, chunks: list[Chunk], expressions: dict[int, list[str]], target: Target):
    """The notebook, not yet run: text and code in the order of the document."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    anchors = markdown.heading_anchors(blocks)
    by_number = {str(chunk.number): chunk for chunk in chunks}
    opening = f"# {tree.title_of(blocks, target.name)}\n\n{NOTE.format(source=target.source)}"
    cells = [new_markdown_cell(opening, id="title")]

    def add_text(text: Tree, number: str) -> None:
        if source := markdown.write(text, anchors):
            cells.append(new_markdown_cell(source, id=f"text-{number}"))

    def add_code(id: str, code: str, hidden: bool = True) -> None:
        cells.append(new_code_cell(code, id=id, metadata=HIDDEN if hidden else {}))

    variables = [f"{name} = {value!r}" for name, value in target.variables.items()]
    add_code("set-up", SETUP.format(variables="\n".join(variables)))
    text, number = [], "0"
    for block in blocks:
        for div in walk(block, "Div"):
            if "chunk" not in classes(div):
                continue
            add_text(text, number)
            text, number = [], div["c"][0][0]
            chunk = by_number[number]
            if expressions[chunk.number]:
                listed = "".join(f"    {each},\n" for each in expressions[chunk.number])
                code = f"# What the text so far has asked for\nin_the_text = [\n{listed}]"
                add_code(f"asked-{number}", code)
            add_code(f"chunk-{number}", f"# {chunk.name}\n{chunk.code}", hidden=not chunk.echo)
        text.append(block)
    add_text(text, number)
    return new_notebook(cells=cells, metadata={"title": target.name, "kernelspec": KERNEL})


def expressions_before(executed: list[dict]) -> dict[int, list[str]]:
    """{chunk number: the inline expressions before it that its cell has to evaluate first}

    They change what the chunk reads: each calls a method, with a string, of an object that an
    earlier chunk has assigned, as in ledger.formula("four-terms").
    """
    assigned: set[str] = set()
    pending: list[str] = []
    before = {}
    for chunk in executed:
        if chunk["type"] == "doc":
            pending += [match["code"].strip() for match in inline_expressions(chunk["content"])]
            continue
        nodes = ast.walk(ast.parse(chunk["content"]))
        names = [each for each in nodes if isinstance(each, ast.Name)]
        read = assigned & {name.id for name in names}
        before[chunk["number"]] = [code for code in pending if read & {*CALL.findall(code)}]
        pending = [code for code in pending if not read & {*CALL.findall(code)}]
        assigned |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return before


def run(notebook, chunks: list[Chunk], source: str, say: Callable) -> None:
    """Run all cells in a new kernel, which knows only this folder.

    Raises BuildFailed at the first cell that fails.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    by_id = {f"chunk-{chunk.number}": chunk for chunk in chunks}
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    started = []

    def on_start(cell, cell_index):
        if cell in codes:
            started.append(cell)
            say("cell", f"{len(started)} of {len(codes)}")

    options = {"timeout": None, "record_timing": False, "coalesce_streams": True}
    try:
        with _kernel() as kernel:
            client = NotebookClient(notebook, km=kernel, on_cell_start=on_start, **options)
            client.shutdown_kernel = "immediate"
            client.execute(cleanup_kc=True)
    except (CellExecutionError, DeadKernelError) as error:
        chunk = by_id.get(started[-1].id) if started else None
        line, name = (chunk.line - 1, chunk.name) if chunk else (0, "set-up")
        died = isinstance(error, DeadKernelError)
        what = "ended its kernel" if died else f"raised {error.ename}: {error.evalue}"
        problem = Problem(source, line, f"run in the notebook, chunk {name!r} {what}")
        raise BuildFailed([problem]) from None
    for cell in codes:
        _describe(cell, by_id.get(cell.id))


@contextlib.contextmanager
def _kernel() -> Iterator:
    """A kernel that ignores the user's settings and listens on Unix sockets, not on ports."""
    import jupyter_client
    import matplotlib.font_manager  # noqa: F401  its first import announces that it builds a cache

    with tempfile.TemporaryDirectory() as folder:
        for name in ["JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"]:
            os.environ[name] = os.path.join(folder, name)
            os.mkdir(os.environ[name])
        packages = Path(jupyter_client.__file__).parents[1]
        os.environ["JUPYTER_PATH"] = str(packages / "share" / "jupyter")
        socket = os.path.join(folder, "kernel")
        yield jupyter_client.AsyncKernelManager(kernel_name="python3", transport="ipc", ip=socket)


def _describe(cell, chunk: Chunk | None) -> None:
    """Give its figure the alt text, and remove from its outputs what differs from run to run."""
    for output in cell.outputs:
        if "image/png" in output.get("data", {}):
            alt = next((part.alt for part in chunk.shown if isinstance(part, Figure)), "")
            output.data["text/plain"] = "a figure"
            output.metadata.setdefault("image/png", {})["alt"] = alt
        elif "text/markdown" in output.get("data", {}):
            output.data["text/plain"] = "typeset"


if __name__ == "__main__":
    sys.exit(main())

"""make notebook: report.ipynb, the document as a Jupyter notebook that has been run.

Its text is the document's tree as Markdown. Its code cells are the document's chunks, in order; a
kernel runs them, and what they show there is what the notebook holds.
"""

import ast
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from weaving import document, tree
from weaving.document import Chunk, Figure
from weaving.files import replace
from weaving.problems import BuildFailed, Problem
from weaving.tree import Node, Tree, attributes, classes, inlines, kind, node, text_of, words

MARKDOWN = "gfm-tex_math_gfm+tex_math_dollars"
FORMULA = re.compile(r"\\begin\{alignat\*\}.*?\\end\{alignat\*\}", re.DOTALL)
CALL = re.compile(r"""(\w+)(?:\.\w+)+\(\s*r?["']""")  # of a method, with a text
NOTE = (
    "This is {source} as a notebook, made and run by `make notebook`. It runs again from top to "
    "bottom where `code/` and `bib/` lie beside it, with NumPy, Matplotlib, SymPy and Pygments; "
    "Pandoc (`pypandoc`) typesets its tables."
)
SETUP = """\
import sys

sys.path.insert(0, "code")
case_file = {case_file!r}
%config InlineBackend.figure_formats = ["retina"]
%matplotlib inline"""
HIDDEN = {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def main() -> int:
    from weaving.command import command_line, run_and_report

    (target,) = command_line(__doc__)
    return run_and_report(f"{target.name}.ipynb", lambda say: f"{make(target, say)} cells")


def make(target, say: Callable) -> int:
    """Write the notebook; the number of its cells. Raises BuildFailed if a cell fails."""
    import nbformat

    from weaving.build import build_lock, execute

    with build_lock(say):
        executed = execute(target, say)
        say("convert")
        parts = document.read(executed)
        chunks = [part for part in parts if isinstance(part, Chunk)]
        blocks = tree.read(parts, target.source, chunks=True)
        notebook = assemble(blocks, chunks, asked_before(executed), target)
        run(notebook, chunks, target.source, say)
        nbformat.validate(notebook)
        replace(Path(f"{target.name}.ipynb"), (nbformat.writes(notebook) + "\n").encode())
    return len(notebook.cells)


def assemble(blocks: Tree, chunks: list[Chunk], asked: dict[int, list[str]], target):
    """The notebook, not yet run: text and code in the order of the document."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    headings, by_number = _headings(blocks), {str(chunk.number): chunk for chunk in chunks}
    opening = f"# {tree.title_of(blocks, target.name)}\n\n{NOTE.format(source=target.source)}"
    cells = [new_markdown_cell(opening, id="title")]

    def add_text(text: Tree, number: str) -> None:
        if source := markdown(text, headings):
            cells.append(new_markdown_cell(source, id=f"text-{number}"))

    def add_code(id: str, code: str, hidden: bool = True) -> None:
        cells.append(new_code_cell(code, id=id, metadata=HIDDEN if hidden else {}))

    add_code("set-up", SETUP.format(case_file=target.case_file))
    text, number = [], "0"
    for block in blocks:
        for div in tree.walk(block, "Div"):
            if "chunk" not in classes(div):
                continue
            add_text(text, number)
            text, number = [], div["c"][0][0]
            chunk = by_number[number]
            if expressions := asked[chunk.number]:
                listed = "".join(f"    {each},\n" for each in expressions)
                code = f"# What the text so far has asked for\nin_the_text = [\n{listed}]"
                add_code(f"asked-{number}", code)
            add_code(f"chunk-{number}", f"# {chunk.name}\n{chunk.code}", hidden=not chunk.echo)
        text.append(block)
    add_text(text, number)
    return new_notebook(cells=cells, metadata={"title": target.name, "kernelspec": KERNEL})


def asked_before(executed: list[dict]) -> dict[int, list[str]]:
    """{chunk number: inline expressions of the text before it that changed what the chunk reads}

    These call a method, with a text, of what a chunk has assigned: ledger.formula("four-terms").
    """
    from weaving.reader import inline_expressions

    assigned: set[str] = set()
    pending: list[str] = []
    asked = {}
    for chunk in executed:
        if chunk["type"] == "doc":
            pending += [match["code"].strip() for match in inline_expressions(chunk["content"])]
            continue
        nodes = ast.walk(ast.parse(chunk["content"]))
        names = [each for each in nodes if isinstance(each, ast.Name)]
        read = assigned & {name.id for name in names}
        asked[chunk["number"]] = [code for code in pending if read & {*CALL.findall(code)}]
        pending = [code for code in pending if not read & {*CALL.findall(code)}]
        assigned |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return asked


def markdown(blocks: Tree, headings: dict[str, str]) -> str:
    """Blocks as Markdown; headings are the places, as Jupyter names them, that links lead to."""
    rules = {**RULES, "Link": lambda link: _link(link, headings)}
    return tree.written(tree.mapped(blocks, rules), MARKDOWN).strip()


def typeset(latex: str) -> str:
    """Markup that a chunk shows as Markdown; without Pandoc its displayed formulas, or itself."""
    try:
        import pypandoc  # noqa: F401
    except ImportError:
        formulas = [f"$${tree.plain_math(formula)}$$" for formula in FORMULA.findall(latex)]
        return "\n\n".join(formulas) or f"```latex\n{latex}\n```"
    parts = document.read([{"type": "doc", "pieces": [(1, latex, True)]}])
    return markdown(tree.read(parts, "the cell"), {})


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


# --- what Markdown shows of each kind of node: no divisions and spans, which would be HTML ---


def _span(old: Node) -> Node | Tree:
    content = old["c"][1]
    if "ticks" in classes(old):
        return node("Superscript", [words("\u2713" + text_of(content))])
    if "number" in classes(old):
        return [*content, words(".")]
    return [] if {"title", "word"} & set(classes(old)) else content


def _div(old: Node) -> Node | Tree:
    names, content = set(classes(old)), old["c"][1]
    if "checkedformula" in names:
        formula = next(tree.walk(content, "Math"))["c"]
        ticks = text_of(content).strip()
        return node("Para", [node("Math", formula[0], rf"{formula[1]} \tag{{{ticks}}}")])
    if "chunk" in names:  # its cell shows the rest
        return [block for block in content if "is caption" in block]
    if names & tree.BOXES:
        return node("BlockQuote", content)
    return [] if "contents" in names else content


def _table(old: Node) -> Node | Tree:
    cells = [cell for body in old["c"][4] for row in body[3] for cell in row[1]]
    if any(cell[3] > 1 or len(cell[4]) > 1 or any(tree.walk(cell, "LineBreak")) for cell in cells):
        old = tree.mapped([old], {"Math": _formula_in_html})[0]  # Markdown has no such table
    if not old["c"][1][1]:
        return old
    return [_caption(old), node("Table", old["c"][0], [None, []], *old["c"][2:])]


def _caption(old: Node) -> Node:
    return {**node("Para", inlines(old["c"][1][1])), "is caption": True}


def _formula_in_html(old: Node) -> Node:
    formula = old["c"][1].replace("<", r"\lt ").replace(">", r"\gt ")
    return node("RawInline", "html", f"${formula}$")


def _note(old: Node) -> Tree:
    return [words(" ("), *inlines(old["c"]), words(")")]


def _header(old: Node) -> Node:
    return node("Header", old["c"][0], attributes(), old["c"][2])


def _code_block(old: Node) -> Node | Tree:
    (_, names, pairs), code = old["c"]
    file = dict(pairs).get("file")
    block = node("CodeBlock", attributes(*names), code)
    return [node("Para", [node("Code", attributes(), file)]), block] if file else block


def _link(old: Node, headings: dict[str, str]) -> Node | Tree:
    _, content, (target, _) = old["c"]
    if not target.startswith("#"):
        return old
    place = headings.get(target.removeprefix("#"))
    return node("Link", attributes(), content, [f"#{place}", ""]) if place else content


def _paragraph(old: Node) -> Node | Tree:
    """Without an empty one, and with formulas side by side as one: $a$$b$ would begin a display."""
    made: Tree = []
    for each in old["c"]:
        last = made[-1] if made else None
        if kind(each) == kind(last) == "Math" and each["c"][0] == last["c"][0]:
            made[-1] = node("Math", each["c"][0], f"{last['c'][1]} {each['c'][1]}")
        else:
            made.append(each)
    return {**old, "c": made} if made else []


RULES: tree.Rules = {
    "Span": _span, "Div": _div, "Figure": _caption, "Table": _table, "Note": _note,
    "Header": _header, "CodeBlock": _code_block, "Para": _paragraph, "Plain": _paragraph,
}  # fmt: skip


def _headings(blocks: Tree) -> dict[str, str]:
    """The places of the headings, as Jupyter names them, by their labels."""
    places = {}
    for header in tree.walk(blocks, "Header"):
        shown = text_of(tree.mapped(header["c"][2], RULES)).replace(" ", "-")
        places[header["c"][1][0]] = shown.replace("(", "%28").replace(")", "%29")
    return places


if __name__ == "__main__":
    sys.exit(main())

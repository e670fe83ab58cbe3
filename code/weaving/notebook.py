"""make notebook: report.ipynb, the document as a Jupyter notebook that has been run.

Its text is the document's tree as Markdown. Its code cells are all of the document's chunks, in order; a
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
from weaving.tree import Node, Tree, classes, kind, text_of, words

MARKDOWN = "gfm-tex_math_gfm+tex_math_dollars"
BOXES = {"answerbox", "theorembox", "totrybox"}
NOTE = ("This is {source} as a notebook, made and run by `make notebook`. It runs again from top to bottom where `code/` and "
        "`bib/` lie beside it, with NumPy, Matplotlib, SymPy and Pygments; Pandoc (`pypandoc`) typesets its tables.")
FORMULA = re.compile(r"\\begin\{alignat\*\}.*?\\end\{alignat\*\}", re.DOTALL)
SETUP = """\
import sys

sys.path.insert(0, "code")
case_file = {case_file!r}
%config InlineBackend.figure_formats = ["retina"]
%matplotlib inline"""


def main() -> int:
    from weaving.__main__ import command_line, finish
    (target,) = command_line(__doc__)
    return finish(f"{target.name}.ipynb", lambda say: f"{make(target, say)} cells")


def make(target, say: Callable) -> int:
    """Write the notebook; the number of its cells. Raises BuildFailed if a cell does."""
    import nbformat

    from weaving.build import build_lock, execute
    from weaving.provenance import provenance
    Path("build").mkdir(exist_ok=True)
    with build_lock(say):
        executed = execute(target, say)
        say("convert")
        parts = document.read(executed)
        blocks = tree.read(parts, target.source, provenance().macros().partition("\\input")[0], chunks=True)
        notebook = assemble(blocks, document.chunks(parts), needed(executed), target)
        run(notebook, document.chunks(parts), target.source, say)
        nbformat.validate(notebook)
        replace(Path(f"{target.name}.ipynb"), (nbformat.writes(notebook) + "\n").encode())
    return len(notebook.cells)


def assemble(blocks: Tree, chunks: list[Chunk], asked: dict[int, list[str]], target):
    """The notebook, not yet run: text and code in the order of the document."""
    from nbformat import v4
    headings, by_number = _headings(blocks), {str(chunk.number): chunk for chunk in chunks}
    title = next((text_of(node) for node in tree.walk(blocks) if "title" in classes(node)), target.name)
    note = NOTE.format(source=target.source)
    cells = [v4.new_markdown_cell(f"# {title}\n\n{note}", id="title"),
             v4.new_code_cell(SETUP.format(case_file=target.case_file), id="set-up", metadata=_hidden())]
    text: Tree = []

    def end_text() -> None:
        if source := markdown(text, headings):
            cells.append(v4.new_markdown_cell(source, id=cells[-1].id.replace("chunk", "text")))
        text.clear()

    for block in blocks:
        for node in tree.walk(block):
            if "chunk" in classes(node):
                end_text()
                chunk = by_number[node["c"][0][0]]
                if expressions := asked.get(chunk.number):
                    code = "# What the text so far has asked for\nin_the_text = [\n" + "".join(f"    {each},\n" for each in expressions) + "]"
                    cells.append(v4.new_code_cell(code, id=f"asked-{chunk.number}", metadata=_hidden()))
                cells.append(v4.new_code_cell(f"# {chunk.name}\n{chunk.code}", id=f"chunk-{chunk.number}",
                                              metadata={} if chunk.echo else _hidden()))
        text.append(block)
    end_text()
    return v4.new_notebook(cells=cells, metadata={"title": target.name, "kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}})


def needed(executed: list[dict]) -> dict[int, list[str]]:
    """For each chunk by its number, the expressions of the text before it that changed an object that it reads.

    Such an expression calls a name that a chunk has given a value to, or a method of it, with a text in quotes:
    ledger.formula("four-terms").
    """
    from weaving.reader import inline_expressions
    made: set[str] = set()
    pending: list[tuple[str, set[str]]] = []
    found = {}
    for chunk in executed:
        if chunk["type"] == "doc":
            codes = [match["code"].strip() for match in inline_expressions(chunk["content"])]
            pending += [(code, _called(code)) for code in codes]
            continue
        code = ast.parse(chunk["content"])
        read = {node.id for node in ast.walk(code) if isinstance(node, ast.Name)}
        found[chunk["number"]] = [text for text, names in pending if names & made & read]
        pending = [(text, names) for text, names in pending if not names & made & read]
        made |= {name.id for node in code.body if isinstance(node, ast.Assign)
                 for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


def markdown(blocks: Tree, headings: dict[str, str]) -> str:
    """Blocks as Markdown; links to labels become links to the headings as notebooks name them."""
    shown = tree.mapped(blocks, lambda node: _shown(node, headings))
    return tree.to_text(shown, MARKDOWN).strip()


def typeset(latex: str) -> str:
    """Markup that a chunk shows, as Markdown; where Pandoc is not installed, its displayed formulas or the markup."""
    try:
        import pypandoc  # noqa: F401
    except ImportError:
        formulas = FORMULA.findall(latex)
        return "\n\n".join(f"$${tree.plain_math(formula)}$$" for formula in formulas) or f"```latex\n{latex}\n```"
    parts = document.read([{"type": "doc", "pieces": [(1, latex, True)]}])
    return markdown(tree.read(parts, "the cell"), {})


def run(notebook, chunks: list[Chunk], source: str, say: Callable) -> None:
    """Run all cells in a new kernel that knows only this folder. Raises BuildFailed at the first that raises."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    by_id = {f"chunk-{chunk.number}": chunk for chunk in chunks}
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    running = []

    def started(cell, cell_index):
        if cell in codes:
            running.append(cell)
            say("cell", f"{len(running)} of {len(codes)}")

    try:
        with _kernel() as kernel:
            NotebookClient(notebook, km=kernel, timeout=None, record_timing=False, coalesce_streams=True,
                           on_cell_start=started, shutdown_kernel="immediate").execute(cleanup_kc=True)
    except (CellExecutionError, DeadKernelError) as error:
        chunk = by_id.get(running[-1].id) if running else None
        what = f"raised {error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else "ended its kernel"
        line, name = (chunk.line - 1, chunk.name) if chunk else (0, "set-up")
        raise BuildFailed([Problem(source, line, f"run in the notebook, chunk {name!r} {what}")]) from None
    for cell in codes:
        _describe(cell, by_id.get(cell.id))


@contextlib.contextmanager
def _kernel() -> Iterator:
    """A kernel without anybody's settings, whose sockets are files."""
    import jupyter_client
    import matplotlib.font_manager  # noqa: F401  builds the font cache, which would announce itself in the first cell
    with tempfile.TemporaryDirectory() as folder:
        for name in ["JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"]:
            os.environ[name] = os.path.join(folder, name)
            os.mkdir(os.environ[name])
        os.environ["JUPYTER_PATH"] = str(Path(jupyter_client.__file__).parents[1] / "share" / "jupyter")
        yield jupyter_client.AsyncKernelManager(kernel_name="python3", transport="ipc", ip=os.path.join(folder, "kernel"))


def _describe(cell, chunk: Chunk | None) -> None:
    """Give its figure the alt text, and remove from its outputs what would differ in another run."""
    for output in cell.outputs:
        if "image/png" in output.get("data", {}):
            alt = next((part.alt for part in chunk.shown if isinstance(part, Figure)), "")
            output.data["text/plain"] = "a figure"
            output.metadata.setdefault("image/png", {})["alt"] = alt
        elif "text/markdown" in output.get("data", {}):
            output.data["text/plain"] = "typeset"


def _shown(node: Node, headings: dict[str, str]) -> Node | Tree:
    """One node as Markdown can show it: no divisions and spans, which would be HTML."""
    what, names = kind(node), classes(node)
    if what == "Span":
        content = node["c"][1]
        if "ticks" in names:
            return {"t": "Superscript", "c": [words("\u2713" + text_of(content))]}
        return [*content, words(".")] if "number" in names else [] if {"title", "word"} & set(names) else content
    if what == "Div":
        content = node["c"][1]
        if "checkedformula" in names:
            formula = next(each for each in tree.walk(content) if kind(each) == "Math")
            formula["c"][1] += rf" \tag{{{text_of(content).strip()}}}"
            return {"t": "Para", "c": [formula]}
        if "chunk" in names:  # its cell shows the rest
            return [block for block in content if _is_caption(block)]
        return [{"t": "BlockQuote", "c": content}] if BOXES & set(names) else [] if "contents" in names else content
    if what == "Table" and any(cell[3] > 1 for body in node["c"][4] for row in body[3] for cell in row[1]):
        node = tree.mapped([node], _raw_formula)[0]  # Markdown holds such a table as HTML, its formulas as they are
    if what in ("Figure", "Table") and node["c"][1][1]:
        caption = [{"t": "Para", "c": [span for block in node["c"][1][1] for span in block["c"]], "caption": True}]
        return caption if what == "Figure" else [*caption, {"t": "Table", "c": [node["c"][0], [None, []], *node["c"][2:]]}]
    if what == "Note":
        return [{"t": "Space"}, words("("), *[inline for block in node["c"] for inline in block["c"]], words(")")]
    if what == "Header":
        return {"t": "Header", "c": [node["c"][0], ["", [], []], node["c"][2]]}
    if what == "CodeBlock":
        file = dict(node["c"][0][2]).get("file", "")
        code = {"t": "CodeBlock", "c": [["", node["c"][0][1][:1], []], node["c"][1]]}
        return [{"t": "Para", "c": [{"t": "Code", "c": [["", [], []], file]}]}, code] if file else code
    if what == "Link" and node["c"][2][0].startswith("#"):
        place = headings.get(node["c"][2][0][1:])
        return tree.link(node["c"][1], f"#{place}") if place else node["c"][1]
    if what in ("Para", "Plain"):
        return {**node, "c": _side_by_side(node["c"])} if node["c"] else []
    return node


def _raw_formula(node: Node) -> Node:
    if kind(node) != "Math":
        return node
    return tree.raw("html", f"${node['c'][1]}$".replace("<", r"\lt ").replace(">", r"\gt "), inline=True)


def _is_caption(block: Node) -> bool:
    return bool(block.get("caption"))


def _side_by_side(inlines: Tree) -> Tree:
    """Two formulas without a space between them as one: $a$$b$ would begin a display."""
    joined: Tree = []
    for node in inlines:
        if kind(node) == "Math" and joined and kind(joined[-1]) == "Math" and node["c"][0] == joined[-1]["c"][0]:
            joined[-1] = {"t": "Math", "c": [node["c"][0], joined[-1]["c"][1] + " " + node["c"][1]]}
        else:
            joined.append(node)
    return joined


def _headings(blocks: Tree) -> dict[str, str]:
    """The places of the headings, as Jupyter names them, by their labels."""
    places = {}
    for node in tree.walk(blocks):
        if kind(node) == "Header":
            shown = tree.mapped([node], lambda each: _shown(each, {}))[0]["c"][2]
            places[node["c"][1][0]] = text_of(shown).replace(" ", "-").replace("(", "%28").replace(")", "%29")
    return places


def _called(code: str) -> set[str]:
    """The names of which an expression makes a call with a text in quotes."""
    names = set()
    for call in ast.walk(ast.parse(f"({code.strip()}\n)", mode="eval")):
        if isinstance(call, ast.Call) and any(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in call.args):
            base = call.func
            while isinstance(base, ast.Attribute):
                base = base.value
            names |= {base.id} if isinstance(base, ast.Name) else set()
    return names


def _hidden() -> dict:
    return {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}


if __name__ == "__main__":
    sys.exit(main())

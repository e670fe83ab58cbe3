"""python -m weaving.notebook [--case FILE]: report.ipynb, the report as a Jupyter notebook that has been run.

Its text is the report's, converted by pandoc, with the numbers of the weave. Its code cells are all of the report's chunks,
in order; a kernel runs them, and what they show there is what the notebook holds. What Jupyter itself cannot show, it is
told by latex.Tex. build/report.pdf and report.pdf are not touched.
"""

import argparse
import contextlib
import os
import re
import sys
import tempfile
from pathlib import Path

from weaving import markdown
from weaving.__main__ import ENVIRONMENT, finish, progress
from weaving.build import REPORT, alone, execute
from weaving.files import replace
from weaving.problems import BuildFailed, Problem
from weaving.provenance import provenance

NOTEBOOK = Path("report.ipynb")

CELL = re.compile(r"^CELL(\d+)LLEC$", re.MULTILINE)
TITLE = re.compile(r"\{\\fontsize[^\n]*\\bfseries (.*?)\\par\}")
FLOAT = re.compile(r"\\begin\{(table|figure)\}(?:\[\w+\])?(.*?)\\end\{\1\}", re.DOTALL)
REFERENCE = re.compile(r"\\[cC]ref\{([^}]*)\}")
HEADING = re.compile(r"^# .*$", re.MULTILINE)
EFFECT = re.compile(r'\b(?:mark|statement)\("[\w-]+"\)')  # what the text asks for, and the ledger's table counts
NOTE = ("This is the report as a notebook, made and run by `make notebook`. It runs again from top to bottom where `code/` and "
        "`bib/` lie beside it, with NumPy, Matplotlib, SymPy and Pygments; Pandoc (`pypandoc`) typesets its tables.")
SETUP = """\
import sys

sys.path.insert(0, "code")
case_file = {case_file!r}
%config InlineBackend.figure_formats = ["retina"]
%matplotlib inline"""


def main():
    parser = argparse.ArgumentParser(prog="python -m weaving.notebook", description="Make report.ipynb from report.texw.")
    parser.add_argument("--case", default="", metavar="FILE", help="the numbers, .json or .npz (default: the stand-in)")
    case_file = parser.parse_args().case
    os.environ.update(ENVIRONMENT)
    return finish("report.ipynb", lambda say: f"{make(case_file, say)} cells")


def make(case_file, say):
    """Write report.ipynb; the number of its cells. Raises BuildFailed if a cell does."""
    Path("build").mkdir(exist_ok=True)
    with alone(say):
        executed = execute(case_file, say)
        say("convert")
        notebook = assemble(executed, case_file)
        run(notebook, executed, say)
        replace(NOTEBOOK, written(notebook).encode())
    return len(notebook.cells)


def assemble(executed, case_file):
    """The notebook, not yet run: text and code in the order of the report."""
    from nbformat import v4
    chunks = {chunk["number"]: chunk for chunk in executed if chunk["type"] == "code"}
    text = markdown.markdown(latex_with_places(executed), bibliography=True)
    first, *rest = CELL.split(text)
    title = HEADING.search(text).group(0)
    cells = [v4.new_markdown_cell(f"{title}\n\n{NOTE}", id="title"),
             v4.new_code_cell(SETUP.format(case_file=case_file), id="set-up", metadata=_hidden())]
    if first.strip():
        cells.append(v4.new_markdown_cell(first.strip(), id="text-0"))
    asked = effects(executed)
    for number, after in zip(map(int, rest[::2]), rest[1::2]):
        chunk = chunks[number]
        if asked[number] and "marks." in chunk["content"]:
            cells.append(v4.new_code_cell(f"# The text so far makes these claims, and prints these statements\nin_the_text = [\n{asked[number]}]",
                                          id=f"text-so-far-{number}", metadata=_hidden()))
        code = f"# {chunk['options']['name']}\n{chunk['content'].strip(chr(10))}"
        cells.append(v4.new_code_cell(code, id=f"chunk-{number}",
                                      metadata={} if chunk["options"]["echo"] else _hidden()))
        after = after.replace(title, "", 1).strip()
        if after:
            cells.append(v4.new_markdown_cell(after, id=f"text-{number}"))
    return v4.new_notebook(cells=cells, metadata={"title": "report", "kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}})


def latex_with_places(executed):
    """The report's LaTeX with a line CELL7LLEC where chunk 7 stands, and figures and tables numbered."""
    pieces, numbers = [provenance().macros().partition("\\input")[0]], {}
    for chunk in executed:
        if chunk["type"] == "doc":
            pieces += [text for _, text, _ in chunk["pieces"]]
            continue
        pieces.append(f"\n\nCELL{chunk['number']}LLEC\n\n")
        if chunk["options"]["fig"]:
            label = f"fig:{chunk['options']['label']}"
            numbers[label] = f"Figure {1 + sum(name.startswith('fig:') for name in numbers)}"
            pieces.append(f"\\floatcaption{{{numbers[label]}}}{{{chunk['result'][0]['metadata']['caption']}}}\n\n")
    text = "".join(pieces)
    text = text[:text.find(r"\documentclass")] + text[text.index(r"\begin{document}"):]
    text = text.replace(r"\bibliography{", "\n\n\\section{References}\n\n\\bibliography{")
    text = TITLE.sub(r"\\section{\1}\\label{title}", FLOAT.sub(lambda match: _float(match, numbers), text))
    return REFERENCE.sub(lambda match: " and ".join(_number(label, numbers) for label in match.group(1).split(",")), text)


def effects(executed):
    """For each chunk, the calls in the text since the last chunk that saw them: marks and statements, one to a line."""
    asked, pending = {}, []
    for chunk in executed:
        if chunk["type"] == "doc":
            pending += EFFECT.findall(chunk["content"])
            continue
        asked[chunk["number"]] = "".join(f"    {call},\n" for call in pending)
        if "marks." in chunk["content"]:
            pending = []
    return asked


def run(notebook, executed, say):
    """Run all cells in a new kernel, which knows nothing but this folder. Raises BuildFailed at the first that raises."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    chunks = {f"chunk-{chunk['number']}": chunk for chunk in executed if chunk["type"] == "code"}
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    running = []

    def started(cell, cell_index):
        if cell in codes:
            running.append(cell)
            say("cell", f"{len(running)} of {len(codes)}")

    try:
        with _kernel() as kernel:
            NotebookClient(notebook, km=kernel, timeout=None, record_timing=False, coalesce_streams=True, on_cell_start=started,
                           shutdown_kernel="immediate").execute(cleanup_kc=True)
    except (CellExecutionError, DeadKernelError) as error:
        chunk = chunks.get(running[-1].id) if running else None
        what = f"raised {error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else "ended its kernel"
        line, name = (chunk["line"] - 1, chunk["options"]["name"]) if chunk else (0, "set-up")
        raise BuildFailed([Problem(REPORT, line, f"run in the notebook, chunk {name!r} {what}")]) from None
    for cell in codes:
        _describe(cell, chunks.get(cell.id))


@contextlib.contextmanager
def _kernel():
    """A kernel that has nobody's settings, and sockets that are files."""
    import jupyter_client
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update({name: os.path.join(folder, name) for name in ["JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"]})
        os.environ["JUPYTER_PATH"] = str(Path(jupyter_client.__file__).parents[1] / "share" / "jupyter")
        for name in ["JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"]:
            os.mkdir(os.environ[name])
        yield jupyter_client.AsyncKernelManager(kernel_name="python3", transport="ipc", ip=os.path.join(folder, "kernel"))


def written(notebook):
    import nbformat
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _describe(cell, chunk):
    """Give its figure the alt text, and take from its outputs what is different in the next run."""
    for output in cell.outputs:
        if "image/png" in output.get("data", {}):
            output.data["text/plain"] = "a figure"
            output.metadata["image/png"] = {**output.metadata.get("image/png", {}), "alt": chunk["options"]["alt"]}
        elif "text/markdown" in output.get("data", {}):
            output.data["text/plain"] = "typeset"


def _hidden():
    return {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}


def _float(match, numbers):
    """A float stands where it is written; its caption and label become text with a number."""
    body = match.group(2)
    label = re.search(r"\\label\{([^}]*)\}", body)
    kind = match.group(1).capitalize()
    number = f"{kind} {1 + sum(value.startswith(kind) for value in numbers.values())}"
    if label:
        numbers[label.group(1)] = number
        body = body.replace(label.group(0), "")
    return body.replace(r"\caption{", rf"\floatcaption{{{number}}}{{")


def _number(label, numbers):
    if label.strip() not in numbers:
        raise BuildFailed([Problem(REPORT, 0, f"the notebook can number figures and tables only, not {label.strip()!r}")])
    return numbers[label.strip()].replace(" ", "~")


if __name__ == "__main__":
    sys.exit(main())

"""make notebook: the report as a notebook that has been run, and that runs again where Jupyter is and Pandoc is not."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from weaving import markdown

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "build" / "notebook-packages"
OLD = b"the last good notebook"
needs_packages = pytest.mark.skipif(not PACKAGES.exists(), reason="sh code/setup.sh notebook was not run")

REPORT = r"""% a comment
\documentclass{article}
\begin{document}
<<name="Read the case">>=
from weaving import latex
from pathlib import Path
class Marks:
    seen = []
    def mark(self, name):
        self.seen.append(name)
        return f"\\claimmark{{{len(self.seen)}}}"
marks = Marks()
mark = marks.mark
number = 7
@
{\fontsize{27}{32}\selectfont\bfseries A title\par}
Text <%= number %> of \citet{book}: $\vec{x}\T\norm{y}$<%= mark("first-claim") %> in \cref{fig:line} and \cref{tab:one}; see \hyperref[ex:a]{there}.
\[ \begin{pmatrix*}[r]
1 & 2 \\
3 & 4
\end{pmatrix*} \]
\exercise{Exercise 1}{Lines (a)}\label{ex:a}
\begin{answer}
Yes: $H = {}$<%= "$3$" %>.
\end{answer}
\begin{claimbox}[All is well]
So it is.
\end{claimbox}
<<name="Draw", fig=True, caption="A line of <%= number %> points.", alt="A line.", label="line">>=
from matplotlib.figure import Figure
figure = Figure(figsize=(2, 1))
figure.subplots().plot([1, 3, 2])
figure
@
\begin{table}[tb]
\caption{Some numbers.}\label{tab:one}
<<name="Tabulate">>=
latex.table(["a", "b"], [["$1$", r"\textbf{x}"], ["2", r"\multicolumn{1}{@{\hspace{2pt}}p{3mm}@{}}{$c < \abs{d}$}"]], r"l>{\raggedright}p{3cm}")
@
\end{table}
<<name="Print", echo=True>>=
print("printed", number)
@
<<name="Count">>=
import numpy as np
latex.Tex("Of " + ", ".join(marks.seen) + "." + latex.displayed([("X", np.array([[1.5, -2.0]]))], 1))
@
<%= latex.code_listing("def f(x_1):\n    return {'a': x_1} # ~^\\", 1) %>
\exercise{}{Odds}
\bibliography{references}
\end{document}
"""
BIB = "@book{book,\n  title = {A Title},\n  author = {Ada B. Cee},\n  publisher = {P},\n  year = {2024},\n}\n"


class Project:
    def __init__(self, folder, report=REPORT):
        self.folder, self.notebook = folder, folder / "report.ipynb"
        shutil.copytree(ROOT / "code" / "weaving", folder / "code" / "weaving", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "bib").mkdir()
        for name, text in {"bib/references.bib": BIB, "requirements.txt": "", "PROVENANCE": "0123456 1700000000\n",
                           "report.pdf": "old", "report.texw": report}.items():
            (folder / name).write_text(text, encoding="utf-8")
        self.notebook.write_bytes(OLD)

    def make(self):
        """Exit status and all that was said."""
        return run(["-m", "weaving.notebook"], self.folder, ["code", PACKAGES])

    def cells(self):
        return {cell["id"]: cell for cell in json.loads(self.notebook.read_text(encoding="utf-8"))["cells"]}


def run(words, folder, path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")
    return done.returncode, done.stdout + done.stderr


def text(cell):
    return "".join(cell["source"])


def shown(cell, kind="text/markdown"):
    (output,) = cell["outputs"]
    return "".join(output["data"][kind])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small report's notebook."""
    project = Project(tmp_path_factory.mktemp("small"))
    status, said = project.make()
    assert status == 0 and re.fullmatch(r"report\.ipynb: 11 cells, [\d.]+ s\n", said), said
    assert (project.folder / "report.pdf").read_text() == "old"
    return project


@needs_packages
def test_text_and_code_stand_in_the_order_of_the_report(made):
    cells = made.cells()
    assert list(cells) == ["title", "set-up", "chunk-1", "text-1", "chunk-2", "text-2", "chunk-3", "chunk-4", "text-so-far-5",
                           "chunk-5", "text-5"]
    assert text(cells["chunk-4"]) == '# Print\nprint("printed", number)'
    assert "hide-input" not in cells["chunk-4"]["metadata"].get("tags", []) and "hide-input" in cells["chunk-5"]["metadata"]["tags"]
    assert cells["chunk-4"]["outputs"][0]["text"] == ["printed 7\n"]
    assert [cell["execution_count"] for cell in cells.values() if cell["cell_type"] == "code"] == [1, 2, 3, 4, 5, 6, 7]


@needs_packages
def test_the_text_is_markdown_that_needs_no_macros(made):
    cells = made.cells()
    assert text(cells["title"]).startswith("# A title\n")
    assert text(cells["text-1"]).replace("\u00a0", " ") == (
        r"Text 7 of Cee (2024): $\mathbf{x}^{\mathsf{T}}\lVert y\rVert$<sup>✓1</sup> in Figure 1 and Table 1; "
        r"see [there](#Exercise-1.-Lines-%28a%29). $$\left(\begin{array}{rr} 1 & 2 \\ 3 & 4 \end{array}\right)$$"
        "\n\n## Exercise 1. Lines (a)\n\n> **Answer.** Yes: $H = {} 3$.\n\n> **All is well.** So it is.")
    assert text(cells["text-2"]) == "**Figure 1.** A line of 7 points.\n\n**Table 1.** Some numbers."
    after = text(cells["text-5"])
    assert "``` python\ndef f(x_1):\n    return {'a': x_1} # ~^\\\n```" in after
    assert "## Odds" in after and "## References\n\nCee, Ada B. 2024. *A Title*. P." in after
    assert not re.search(r"CELL|LLEC|<div|<span", "".join(map(text, cells.values())))


@needs_packages
def test_what_the_cells_show(made):
    cells = made.cells()
    (figure,) = cells["chunk-2"]["outputs"]
    assert figure["metadata"]["image/png"]["alt"] == "A line." and figure["data"]["image/png"].startswith("iVBOR")
    table = shown(cells["chunk-3"])
    assert "$1$" in table and "**x**" in table and re.search(r"\$c (<|\\lt )\s*\\lvert d\\rvert\$", table), table
    counted = shown(cells["chunk-5"])  # the mark in the text was made before it was counted
    assert counted == r"Of first-claim. $$\begin{aligned} X &= \left(\begin{array}{rr} \phantom{-}1.5 & -2.0 \end{array}\right) \end{aligned}$$"


@needs_packages
def test_a_second_notebook_has_the_same_bytes_and_a_fault_leaves_it(made):
    first = made.notebook.read_bytes()
    report = made.folder / "report.texw"
    faults = {"raise ValueError('hm')": "raised ValueError: hm", "import os; os._exit(0)": "ended its kernel"}
    for fault, words in faults.items():
        report.write_text(REPORT.replace("number = 7\n", f"number = 7\nif 'ipykernel' in __import__('sys').modules: {fault}\n"))
        status, said = made.make()
        assert status == 1 and said == (f"report.texw:4: run in the notebook, chunk 'Read the case' {words}\n\n"
                                        "1 problem; report.ipynb is left as it was\n")
        assert made.notebook.read_bytes() == first
    report.write_text(REPORT.replace(r"\cref{tab:one}", r"\cref{ex:a}"))
    assert "can number figures and tables only, not 'ex:a'" in made.make()[1] and made.notebook.read_bytes() == first
    report.write_text(REPORT.replace("number = 7", "number = 1 / 0"))
    assert "report.texw:14: chunk 'Read the case' raised ZeroDivisionError" in made.make()[1]
    report.write_text(REPORT)
    made.notebook.unlink()
    assert made.make()[0] == 0 and made.notebook.read_bytes() == first


# ---- the report itself, in a Jupyter without Pandoc

RUN_AGAIN = """
import nbclient, nbformat, sys
notebook = nbformat.read("report.ipynb", 4)
for cell in notebook.cells:
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
nbclient.NotebookClient(notebook, timeout=None, kernel_name="python3").execute()
nbformat.write(notebook, "again.ipynb")
"""


@needs_packages
def test_the_report_as_a_notebook_runs_from_top_to_bottom_in_a_stock_jupyter(tmp_path):
    folder = tmp_path / "the report's ä"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(
        ".git", ".venv*", "notebook-packages*", "mutants*", "__pycache__", "tests", ".hypothesis", "matplotlib"))
    status, said = run(["-m", "weaving.notebook"], folder, ["code", PACKAGES])
    assert status == 0, said
    cells = json.loads((folder / "report.ipynb").read_text(encoding="utf-8"))["cells"]
    chunks = re.findall(r'^<<name="(.*?)".*>>=$', (ROOT / "report.texw").read_text(encoding="utf-8"), re.MULTILINE)
    assert [text(cell).split("\n")[0] for cell in cells if cell["id"].startswith("chunk")] == [f"# {name}" for name in chunks]
    prose = "\n".join(text(cell) for cell in cells if cell["cell_type"] == "markdown")
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    typeset = "\n".join("".join(output["data"]["text/markdown"]) for output in outputs if "text/markdown" in output["data"])
    left = re.findall(r"\\(?:vec|mat|T|norm|abs|cite\w*|[cC]ref|PY\w*|begin\{(?:tabular|pmatrix\*)\})(?![A-Za-z])|CELL\d|\?\]", prose + typeset)
    assert not left and prose.count("**Answer.**") == (ROOT / "report.texw").read_text(encoding="utf-8").count(r"\begin{answer}")
    assert all(output["metadata"]["image/png"]["alt"] for output in outputs if "image/png" in output["data"])

    shutil.rmtree(folder / "build")
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "pypandoc.py").write_text("raise ImportError('not installed here')\n")
    (tmp_path / "again.py").write_text(RUN_AGAIN)
    status, said = run([str(tmp_path / "again.py")], folder, [tmp_path / "without", PACKAGES])
    assert status == 0, said
    again = json.loads((folder / "again.ipynb").read_text(encoding="utf-8"))["cells"]
    for before, after in zip(cells, again, strict=True):
        assert [list(o.get("data", [])) for o in before.get("outputs", [])] == [list(o.get("data", [])) for o in after.get("outputs", [])]
    matrices = next(cell for cell in again if "Print outputs and weights" in text(cell))
    assert shown(matrices).startswith("$$\\begin{aligned} \\mathbf{Y}\\,(H = 1) &= \\left(")


# ---- without Pandoc

def test_without_pandoc_formulas_are_shown_and_the_rest_as_it_is():
    tex = "\\paragraph{One.}{\\small\n\\begin{alignat*}{1}\na &= \\fitted{\\begin{pmatrix*}[r]\n1 & 2\n\\end{pmatrix*}}\n\\end{alignat*}}"
    assert markdown.without_pandoc(tex) == \
        "**One.**\n\n$$\\begin{aligned} a &= {\\left(\\begin{array}{rr} 1 & 2 \\end{array}\\right)} \\end{aligned}$$"
    assert markdown.without_pandoc("\\begin{tabular}{l}a\\end{tabular}") == "```latex\n\\begin{tabular}{l}a\\end{tabular}\n```"


def test_the_macros_of_formulas_are_those_of_the_style():
    macros = markdown.house_macros()
    assert r"\renewcommand{\vec}[1]{\mathbf{#1}}" in macros and r"\DeclareMathOperator{\Var}{Var}" in macros
    assert r"\newcommand{\norm}[1]{\lVert #1\rVert}" in macros

"""make notebook and make html, of a small document and of the report itself."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from packages import PACKAGES, needs_packages
from test_build import GOOD, Project

from weaving import latex, markdown, notebook, tree

pytestmark = [pytest.mark.slow, needs_packages]

ROOT = Path(__file__).resolve().parents[1]
SOURCE = (ROOT / "report.texw").read_text(encoding="utf-8")

REPORT = r"""% a comment with \foo
\documentclass{article}
\begin{document}
<<name="Read the case">>=
from weaving import latex
class Ledger:
    def __init__(self):
        self.seen = []
    def formula(self, name):
        self.seen.append(name)
        return rf"\checked{{{len(self.seen)}}}{{x = {len(self.seen)}}}"
ledger = Ledger()
number = 7
@
\reporttitle{A title}{A subtitle}{}{A course}
Text <%= number %> of \citet{book}: $\vec{x}\T\norm{y}$ in
\cref{fig:line} and \cref{tab:one}; see \hyperref[ex:a]{there}.
<%= ledger.formula("first-claim") %>
\exercise{Exercise 1}{Lines (a)}\label{ex:a}
\begin{answer}
Yes, a \term{word}{its meaning}: $H = {}$<%= "$3$" %>.
\end{answer}
\begin{theorem}[All is well]
So it is.
\end{theorem}
<<name="Draw", fig=True, caption="A line of <%= number %> points.", alt="A line.", label="line">>=
from matplotlib.figure import Figure
figure = Figure(figsize=(2, 1), layout="constrained")
figure.subplots().plot([1, 3, 2])
figure
@
\begin{table}[tb]
\caption{Some numbers.}\label{tab:one}
<<name="Tabulate">>=
latex.table(["a", "b"], [["$1$", r"\textbf{x}"], ["2", r"$c < \abs{d}$"]], "ll")
@
\end{table}
<<name="Print", echo=True>>=
print("printed", number)
@
<<name="Count">>=
import numpy as np
shown = latex.displayed([("X", np.array([[1.5, -2.0]]))], 1)
latex.Tex("Of " + ", ".join(ledger.seen) + "." + shown)
@
<%= latex.code_listing("def f(x_1):\n    return {'a': x_1} # ~^\\", 1) %>
\exercise{}{Odds}
\claimrow{1}
\bibliography{references}
\end{document}
"""


def run(folder, path, *words):
    """Exit status and all that was said."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    options = {"cwd": folder, "env": environment, "encoding": "utf-8", "timeout": 600}
    done = subprocess.run([sys.executable, *words], capture_output=True, **options)
    return done.returncode, done.stdout + done.stderr


CASE = ("--case", "a case.npz", "--side", "right")  # which the small document does not read


def make(folder, what="notebook", case=CASE):
    return run(folder, ["code", PACKAGES], "-m", f"weaving.{what}", *case)


def cells_of(notebook):
    import nbformat

    return nbformat.read(notebook, 4).cells


def data_of(cells):
    """For each output its data, and what is said about them."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [(output.get("data", {}), output.get("metadata")) for output in outputs]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small document's folder, with its notebook."""
    project = Project(tmp_path_factory.mktemp("small"), REPORT)
    status, said = make(project.folder)
    assert status == 0 and said.startswith("report.ipynb: 12 cells, "), said
    assert project.pdf.read_bytes() == GOOD
    return project.folder


@pytest.fixture(scope="module")
def cells(folder):
    return {cell["id"]: cell for cell in cells_of(folder / "report.ipynb")}


def test_text_and_code_stand_in_the_order_of_the_document(cells):
    order = "title set-up chunk-1 text-1 chunk-2 text-2 chunk-3 text-3 chunk-4 asked-5 chunk-5"
    assert list(cells) == [*order.split(), "text-5"]
    assert cells["chunk-4"].source == '# Print\nprint("printed", number)'
    code = {name: cell for name, cell in cells.items() if cell["cell_type"] == "code"}
    shown = [name for name, cell in code.items() if "hide-input" not in str(cell["metadata"])]
    assert shown == ["chunk-4"]
    assert cells["chunk-4"]["outputs"][0]["text"] == "printed 7\n"
    counts = [cell["execution_count"] for cell in code.values()]
    assert counts == list(range(1, len(counts) + 1))


def test_it_reads_the_case_as_it_was_read_when_it_was_made(cells):
    assert "case_file = 'a case.npz'\ncase_options = {'side': 'right'}\n" in cells["set-up"].source


def test_the_text_is_markdown(cells):
    texts = [cell.source for cell in cells.values() if cell["cell_type"] == "markdown"]
    markdown = "\n\n".join(texts).replace("\u00a0", " ")
    assert markdown.startswith("# A title\n") and "A subtitle\n\nA course" in markdown
    assert (
        r"Text 7 of Cee (2024): $\mathbf{x}^{\mathsf{T}}\lVert y\rVert$ in "
        r"Figure 1 and Table 1; see "
        r"[there](#Exercise-1.-Lines-%28a%29)."
        "\n\n"
        r"$$x = 1 \tag{✓1}$$"
        "\n\n## Exercise 1. Lines (a)\n\n"
        r"> **Answer.** Yes, a *word* (its meaning): $H = {} 3$."
        "\n\n> **All is well.** So it is."
    ) in markdown
    assert "**Figure 1.** A line of 7 points." in markdown
    assert "**Table 1.** Some numbers." in markdown
    assert "``` python\ndef f(x_1):\n    return {'a': x_1} # ~^\\\n```" in markdown
    assert markdown.endswith("## Odds\n\n1\n\n## References\n\nCee, Ada B. 2024. *A Title*. P.")
    assert not re.search(f"{tree.PLACE}|<div|<span", markdown)


def test_what_the_cells_show(cells):
    (figure,) = cells["chunk-2"]["outputs"]
    assert figure["metadata"]["image/png"]["alt"] == "A line."
    assert figure["data"]["image/png"].startswith("iVBOR")
    table = cells["chunk-3"].outputs[0].data["text/markdown"]
    assert "$1$" in table and "**x**" in table
    assert cells["asked-5"].source.endswith(
        'in_the_text = [\n    ledger.formula("first-claim"),\n]'
    )
    matrix = r"\left[\begin{array}{rr} \phantom{-}1.5 & -2.0 \end{array}\right]"
    formula = rf"$$\begin{{aligned}} X &= {matrix} \end{{aligned}}$$"
    assert cells["chunk-5"].outputs[0].data["text/markdown"] == f"Of first-claim.\n\n{formula}"


def test_a_second_notebook_has_the_same_bytes_and_a_fault_leaves_it(folder):
    report, notebook = folder / "report.texw", folder / "report.ipynb"
    first = notebook.read_bytes()
    faults = {
        "raise ValueError('hm')": "ValueError: hm",
        "import os; os._exit(0)": "ended its kernel",
    }
    for fault, words in faults.items():
        in_jupyter = f"number = 7\nif 'ipykernel' in __import__('sys').modules: {fault}\n"
        report.write_text(REPORT.replace("number = 7\n", in_jupyter))
        status, said = make(folder)
        found = re.match(rf"report\.texw:4: .*'Read the case'.*{re.escape(words)}\n", said)
        assert status == 1 and found, said
        assert notebook.read_bytes() == first
    report.write_text(REPORT.replace(r"\exercise{}{Odds}", r"\exercize{}{Odds}"))
    for what in ("notebook", "html"):
        status, said = make(folder, what)
        assert status == 1 and re.match(r"report\.texw:47: .*\\exercize", said), said
    report.write_text(REPORT)
    notebook.unlink()
    assert make(folder)[0] == 0 and notebook.read_bytes() == first


def test_html_from_the_command(folder):
    status, said = make(folder, "html")
    assert status == 0 and said.startswith("report.html: "), said
    page = (folder / "report.html").read_text(encoding="utf-8")
    for part in ["<h1>A title</h1>", 'id="tick:1"', "<img", "A Title"]:
        assert page.count(part) == 1, part
    make(folder, "html")
    assert (folder / "report.html").read_text(encoding="utf-8") == page


def test_what_the_text_has_asked_for_is_asked_for_again():
    def chunk(number, code):
        return {"type": "code", "number": number, "content": code}

    def text(content):
        return {"type": "doc", "content": content}

    executed = [
        chunk(1, "ledger = make()\nimport latex"),
        text("<%= ledger.formula('a') %> <%= latex.f('b') %> <%= ledger.count(1) %>"),
        chunk(3, "print(1)"),
        text("% <%= ledger.formula('c') %>\n<%= ledger.formula('d') %>"),
        chunk(5, "ledger.table()"),
        chunk(6, "ledger.table()"),
    ]
    asked = notebook.expressions_before(executed)
    assert asked == {1: [], 3: [], 5: ["ledger.formula('a')", "ledger.formula('d')"], 6: []}


# ---- the report itself, in a Jupyter without Pandoc


def test_the_report_as_a_notebook_runs_from_top_to_bottom_in_a_stock_jupyter(tmp_path):
    folder = tmp_path / "the report's ä"
    folder.mkdir()
    for name in ("code", "bib"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "report.texw").write_text(SOURCE, encoding="utf-8")
    status, said = make(folder, case=())
    assert status == 0, said
    cells = cells_of(folder / "report.ipynb")
    chunks = re.findall(r'^<<name="(.*?)".*>>=$', SOURCE, re.MULTILINE)
    names = [cell.source.split("\n")[0] for cell in cells if cell["id"].startswith("chunk")]
    assert names == [f"# {name}" for name in chunks]
    prose = "\n".join(cell.source for cell in cells if cell["cell_type"] == "markdown")
    typeset = "\n".join(data.get("text/markdown", "") for data, _ in data_of(cells))
    macro = r"\\(?:vec|mat|T|norm|abs|cite\w*|[cC]ref|begin\{(?:tabular|bmatrix\*)\})(?![A-Za-z])"
    assert not re.findall(rf"{macro}|{tree.PLACE}", prose + typeset)
    assert prose.count("**Answer.**") == SOURCE.count(r"\begin{answer}")
    figures = [about["image/png"] for data, about in data_of(cells) if "image/png" in data]
    assert figures and all(about["alt"] for about in figures)

    shutil.rmtree(folder / "build")
    (tmp_path / "pypandoc.py").write_text("raise ImportError('not installed here')\n")
    jupyter = ["-c", "from nbclient.cli import main; main()", "report.ipynb", "--output=again"]
    status, said = run(folder, [tmp_path, PACKAGES], *jupyter)
    assert status == 0, said
    again = data_of(cells_of(folder / "again.ipynb"))
    assert [list(data) for data, _ in again] == [list(data) for data, _ in data_of(cells)]


def test_without_pandoc_formulas_are_shown_and_the_rest_as_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "pypandoc", None)
    matrix = r"\left[\begin{array}{rr} 1 & 2 \end{array}\right]"
    shown = markdown.typeset(latex.displayed([("a", np.array([[1.0, 2.0]]))], 0))
    assert shown == rf"$$\begin{{aligned}} a &= {matrix} \end{{aligned}}$$"
    assert markdown.typeset("\\emph{a}") == "```latex\n\\emph{a}\n```"


@pytest.mark.parametrize(
    "row", [r"\par $\frac{1}{2}<x$\par b & c", r"\multicolumn{2}{l}{$\frac{1}{2}<x$}"]
)
def test_formulas_of_tables_that_markdown_cannot_hold_stay_formulas(row):
    shown = markdown.typeset(rf"\begin{{tabular}}{{ll}}a & b \\ {row} \\ \end{{tabular}}")
    assert "<table>" in shown and r"$\frac{1}{2}\lt x$" in shown

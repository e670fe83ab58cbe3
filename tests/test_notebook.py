"""make notebook and make html, of a small document and of the report itself."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from packages import PACKAGES, needs_packages

from weaving import latex, notebook

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
OLD = b"the last good notebook"

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
BIB = "@book{book, title={A Title}, author={Ada B. Cee}, publisher={P}, year={2024}}\n"


class Project:
    """A folder with a document, a bibliography and the weave."""

    def __init__(self, folder):
        self.folder, self.notebook = folder, folder / "report.ipynb"
        shutil.copytree(
            ROOT / "code" / "weaving",
            folder / "code" / "weaving",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (folder / "bib").mkdir()
        for name, text in {
            "bib/references.bib": BIB,
            "requirements.txt": "",
            "PROVENANCE": "0123456 1700000000\n",
            "report.pdf": "old",
            "report.texw": REPORT,
        }.items():
            (folder / name).write_text(text, encoding="utf-8")
        self.notebook.write_bytes(OLD)

    def make(self, what="notebook"):
        """Exit status and all that was said."""
        return run(["-m", f"weaving.{what}"], self.folder, ["code", PACKAGES])

    def cells(self):
        return {
            cell["id"]: cell
            for cell in json.loads(self.notebook.read_text(encoding="utf-8"))["cells"]
        }


def run(words, folder, path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )
    return done.returncode, done.stdout + done.stderr


def text(cell):
    return "".join(cell["source"])


def shown(cell, kind="text/markdown"):
    (output,) = cell["outputs"]
    return "".join(output["data"][kind])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small document's notebook."""
    project = Project(tmp_path_factory.mktemp("small"))
    status, said = project.make()
    assert status == 0 and re.fullmatch(r"report\.ipynb: 12 cells, [\d.]+ s\n", said), said
    assert (project.folder / "report.pdf").read_text() == "old"
    return project


@needs_packages
def test_text_and_code_stand_in_the_order_of_the_document(made):
    cells = made.cells()
    assert list(cells) == [
        "title",
        "set-up",
        "chunk-1",
        "text-1",
        "chunk-2",
        "text-2",
        "chunk-3",
        "text-3",
        "chunk-4",
        "asked-5",
        "chunk-5",
        "text-5",
    ]
    assert text(cells["chunk-4"]) == '# Print\nprint("printed", number)'
    hidden = {
        name for name, cell in cells.items() if "hide-input" in cell["metadata"].get("tags", [])
    }
    assert hidden == {name for name, cell in cells.items() if cell["cell_type"] == "code"} - {
        "chunk-4"
    }
    assert cells["chunk-4"]["outputs"][0]["text"] == ["printed 7\n"]
    counts = [cell["execution_count"] for cell in cells.values() if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))


@needs_packages
def test_the_text_is_markdown(made):
    markdown = "\n\n".join(
        text(cell) for cell in made.cells().values() if cell["cell_type"] == "markdown"
    ).replace("\u00a0", " ")
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
    assert (
        "**Figure 1.** A line of 7 points." in markdown and "**Table 1.** Some numbers." in markdown
    )
    assert "``` python\ndef f(x_1):\n    return {'a': x_1} # ~^\\\n```" in markdown
    assert markdown.endswith("## Odds\n\n1\n\n## References\n\nCee, Ada B. 2024. *A Title*. P.")
    assert not re.search(r"PART \d|<div|<span", markdown)


@needs_packages
def test_what_the_cells_show(made):
    cells = made.cells()
    (figure,) = cells["chunk-2"]["outputs"]
    assert figure["metadata"]["image/png"]["alt"] == "A line." and figure["data"][
        "image/png"
    ].startswith("iVBOR")
    table = shown(cells["chunk-3"])
    assert "$1$" in table and "**x**" in table
    assert text(cells["asked-5"]).endswith('in_the_text = [\n    ledger.formula("first-claim"),\n]')
    assert (
        shown(cells["chunk-5"]) == "Of first-claim.\n\n"
        r"$$\begin{aligned} X &= \left[\begin{array}{rr} \phantom{-}1.5 & -2.0 "
        r"\end{array}\right] \end{aligned}$$"
    )


@needs_packages
def test_a_second_notebook_has_the_same_bytes_and_a_fault_leaves_it(made):
    first = made.notebook.read_bytes()
    report = made.folder / "report.texw"
    faults = {
        "raise ValueError('hm')": "ValueError: hm",
        "import os; os._exit(0)": "ended its kernel",
    }
    for fault, words in faults.items():
        report.write_text(
            REPORT.replace(
                "number = 7\n",
                f"number = 7\nif 'ipykernel' in __import__('sys').modules: {fault}\n",
            )
        )
        status, said = made.make()
        assert status == 1 and re.match(
            rf"report\.texw:4: .*'Read the case'.*{re.escape(words)}\n", said
        ), said
        assert made.notebook.read_bytes() == first
    report.write_text(REPORT.replace(r"\exercise{}{Odds}", r"\exercize{}{Odds}"))
    for what in ("notebook", "html"):
        status, said = made.make(what)
        assert status == 1 and re.match(r"report\.texw:47: .*\\exercize", said), said
    report.write_text(REPORT)
    made.notebook.unlink()
    assert made.make()[0] == 0 and made.notebook.read_bytes() == first


@needs_packages
def test_html_from_the_command(made):
    status, said = made.make("html")
    assert status == 0 and said.startswith("report.html: "), said
    page = (made.folder / "report.html").read_text(encoding="utf-8")
    assert (
        "<h1>A title</h1>" in page
        and 'id="tick:1"' in page
        and page.count("<svg") == 1
        and "A Title" in page
    )
    made.make("html")
    assert (made.folder / "report.html").read_text(encoding="utf-8") == page


def test_what_the_text_has_asked_for_is_asked_for_again():
    def chunk(number, code):
        return {"type": "code", "number": number, "content": code}

    executed = [
        chunk(1, "ledger = make()\nimport latex"),
        {
            "type": "doc",
            "content": "<%= ledger.formula('a') %> <%= latex.f('b') %> <%= ledger.count(1) %>",
        },
        chunk(3, "print(1)"),
        {"type": "doc", "content": "% <%= ledger.formula('c') %>\n<%= ledger.formula('d') %>"},
        chunk(5, "ledger.table()"),
        chunk(6, "ledger.table()"),
    ]
    asked = notebook.asked_before(executed)
    assert {number: codes for number, codes in asked.items() if codes} == {
        5: ["ledger.formula('a')", "ledger.formula('d')"]
    }


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
    shutil.copytree(
        ROOT,
        folder,
        ignore=shutil.ignore_patterns(
            ".git",
            ".venv*",
            "notebook-packages*",
            "mutants*",
            "__pycache__",
            "tests",
            ".hypothesis",
            "matplotlib",
        ),
    )
    status, said = run(["-m", "weaving.notebook"], folder, ["code", PACKAGES])
    assert status == 0, said
    cells = json.loads((folder / "report.ipynb").read_text(encoding="utf-8"))["cells"]
    chunks = re.findall(
        r'^<<name="(.*?)".*>>=$', (ROOT / "report.texw").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [text(cell).split("\n")[0] for cell in cells if cell["id"].startswith("chunk")] == [
        f"# {name}" for name in chunks
    ]
    prose = "\n".join(text(cell) for cell in cells if cell["cell_type"] == "markdown")
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    typeset = "\n".join("".join(data.get("text/markdown", "")) for data in outputs)
    left = re.findall(
        r"\\(?:vec|mat|T|norm|abs|cite\w*|[cC]ref|begin\{(?:tabular|bmatrix\*)\})(?![A-Za-z])"
        r"|PART \d",
        prose + typeset,
    )
    assert not left and prose.count("**Answer.**") == (ROOT / "report.texw").read_text(
        encoding="utf-8"
    ).count(r"\begin{answer}")
    figures = [
        o for cell in cells for o in cell.get("outputs", []) if "image/png" in o.get("data", {})
    ]
    assert figures and all(output["metadata"]["image/png"]["alt"] for output in figures)

    shutil.rmtree(folder / "build")
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "pypandoc.py").write_text("raise ImportError('not installed here')\n")
    (tmp_path / "again.py").write_text(RUN_AGAIN)
    status, said = run([str(tmp_path / "again.py")], folder, [tmp_path / "without", PACKAGES])
    assert status == 0, said
    again = json.loads((folder / "again.ipynb").read_text(encoding="utf-8"))["cells"]
    for before, after in zip(cells, again, strict=True):
        assert [list(o.get("data", [])) for o in before.get("outputs", [])] == [
            list(o.get("data", [])) for o in after.get("outputs", [])
        ]


def test_without_pandoc_formulas_are_shown_and_the_rest_as_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "pypandoc", None)
    assert notebook.typeset(latex.displayed([("a", np.array([[1.0, 2.0]]))], 0)) == (
        r"$$\begin{aligned} a &= \left[\begin{array}{rr} 1 & 2 \end{array}\right] \end{aligned}$$"
    )
    assert notebook.typeset("\\emph{a}") == "```latex\n\\emph{a}\n```"


@needs_packages
@pytest.mark.parametrize(
    "row", [r"\par $\frac{1}{2}<x$\par b & c", r"\multicolumn{2}{l}{$\frac{1}{2}<x$}"]
)
def test_formulas_of_tables_that_markdown_cannot_hold_stay_formulas(row):
    shown = notebook.typeset(rf"\begin{{tabular}}{{ll}}a & b \\ {row} \\ \end{{tabular}}")
    assert "<table>" in shown and r"$\frac{1}{2}\lt x$" in shown

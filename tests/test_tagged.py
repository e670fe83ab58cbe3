"""make pdf TAGGED=1: what a screen reader is told, or which LaTeX is needed for it."""

import re
import sys

import pytest
from pypdf import PdfReader
from test_build import Project

pytestmark = pytest.mark.slow

REPORT = r"""\input{metadata}
\documentclass[10pt,a4paper]{article}
\usepackage{house}
\input{provenance}
\input{listings}
\begin{document}
\reporttitle{A title}{a subtitle}{an author}{a course, a date}
\reportcontents
\exercise{Exercise 1}{On sets}\label{ex:1}
\question{Why?}
\begin{answer}
Because of \term{order}{what a set does not have}, see \cref{ex:1} and \citet{book}:
\checked{1}{\left(\vec{x}\right)\T \vec{y} = \begin{pmatrix*}[r] 1 & \phantom{-}2 \end{pmatrix*}}
\end{answer}
\begin{itemize}
\item It holds for $N > 1$.\aside{An aside.}
\item \checked{2}{a = b}
\end{itemize}
\begin{theorem}[A theorem] Two things. \end{theorem}
\begin{proof} Of both. \end{proof}
<<name="Draw", fig=True, caption="The $y$ of a line.", alt="It rises.", label="line">>=
from matplotlib.figure import Figure
figure = Figure(figsize=(2, 1), layout="constrained")
figure.subplots().plot([1, 2])
figure
@
\begin{table}[htb]\caption{Two heads.}
\begin{tabular}{ll} \toprule & \multicolumn{1}{l}{above} \\ name & below \\ \midrule one & 1 \\
two & 2 \\ \bottomrule \end{tabular}
\end{table}
<<name="Print", echo=True>>=
print({1: 2})
@
\begin{matrices}\begin{alignat*}{1} \mat{A} &= 1 \end{alignat*}\end{matrices}
\begin{checks}
\begin{longtable}{r>{\raggedright\arraybackslash}p{90mm}}
\toprule & claim \\ \midrule \endhead
\claimrow{1} & $\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}$, a matrix \\
\claimrow{2} & $a = b$ \\ \bottomrule
\end{longtable}
\end{checks}
\bibliographystyle{plainnat}
\bibliography{references}
\end{document}
"""


def test_a_screen_reader_is_told_what_is_what_or_the_latex_it_needs_is_named(tmp_path):
    project = Project(tmp_path, REPORT)
    untagged = project.builds()
    status, said = project.build(sys.executable, "-m", "weaving", "--tagged")
    log = (project.folder / "build" / "report.log").read_text(errors="replace")
    latex = re.search(r"LaTeX2e <([\d-]+)>", log)[1]
    if latex < "2025-11-01":
        assert status == 1 and "2025-11-01" in said and latex in said and "TAGGED" in said
    else:
        assert status == 0, said
        assert_the_tree_tells_what_is_what(PdfReader(project.pdf))
        tagged = project.pdf.read_bytes()
        assert project.builds() == untagged != tagged
        status, said = project.build(sys.executable, "-m", "weaving", "--tagged")
        assert status == 0 and project.pdf.read_bytes() == tagged, said
    assert project.builds() == untagged


def assert_the_tree_tells_what_is_what(pdf):
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en-GB"
    assert b"<pdfuaid:part>2<" in root["/Metadata"].get_data()
    elements = list(below(root["/StructTreeRoot"]))
    kinds = [element["/S"].strip("/") for element in elements]
    for kind, count in {
        "Title": 1,
        "TOC": 1,
        "section": 2,  # with the references
        "itemize": 1,
        "Aside": 2,
        "Figure": 1,
        "Table": 2,
        "TH": 4 + 2 + 2 + 2,  # in heads of two rows and of one, and the first column below
        "verbatim": 2,
    }.items():
        assert kinds.count(kind) == count, (kind, kinds)
    entry = elements[kinds.index("TOCI")]
    assert entry["/T"] == "Exercise 1 On sets"
    told = {
        kind: [str(each["/Alt"]) for each, its in zip(elements, kinds) if its == kind]
        for kind in ["Figure", "Formula"]
    }
    assert told["Figure"] == ["It rises."]
    for formula in [
        r"(\mathbf {x})^{\mathsf {T}}\mathbf {y} = \begin {pmatrix*}[r] 1 & 2 \end {pmatrix*}",
        "N > 1",
        "a = b",
        "y",
    ]:
        assert formula in told["Formula"], told["Formula"]
    assert not any("tick" in formula for formula in told["Formula"])


def below(element):
    """The structure elements under this one, in reading order."""
    children = element.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        child = child.get_object()
        if hasattr(child, "get") and "/S" in child:
            yield child
            yield from below(child)

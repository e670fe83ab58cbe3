"""house.sty and margin.sty: every macro in one document, and where the notes end up."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
PREAMBLE = r"""\input{metadata}
\documentclass[10pt,a4paper]{article}
\usepackage{house}
\begin{document}
"""
VOCABULARY = r"""
\reporttitle{A title}{a subtitle}{A \& B\_c}{a course, a date}
\reportcontents
\exercise{Exercise 1}{On sets}\label{ex:1}
\subexercise{1 (a)}{On order}\label{ex:1a}
\question{Why?}
\begin{answer}
Because of \term{order}{what a set does not have}.
\checked{1,2}{\begin{aligned} & -x = \vec{y}\T\mat{M} \\ & \quad = 1 \end{aligned}}
\end{answer}
See \cref{ex:1a} of \cref{ex:1}, \cref{fig:one} and \cref{tab:one}.\aside{An aside.}
\begin{itemize}
\item \checked{3}{a = b}
\end{itemize}
\begin{theorem}[A theorem] $a = b$. \end{theorem}
\begin{proof} Let $a = b$. \end{proof}
\begin{remark} Some words. \end{remark}
\begin{totry}
\begin{enumerate} \item What if? \end{enumerate}
\end{totry}
\begin{figure}[htb]\sidefigure{\rule{80mm}{9mm}}{%
\caption{Narrow, with more words than stand in a line of the margin.}\label{fig:one}}\end{figure}
\begin{figure}[htb]\sidefigure{\rule{150mm}{9mm}}{\caption{Wide.}}\end{figure}
\begin{table}[htb]\caption{A table.}\label{tab:one}
\begin{tabular}{ll} \rule{140mm}{1pt} & wide \end{tabular}\end{table}
\begin{Verbatim}[numbers=left]
print('straight') # a line that reaches into the margin, as the documents' listings may
\end{Verbatim}
\[ \fitted{\softmax\E\Var\norm{x}\abs{x}\R} \]
\exercise{}{Checks}
\begin{wide}
\begin{longtable}{rl} \claimrow{1} & one \\ \claimrow{2} & \\ \claimrow{3} & \end{longtable}
\end{wide}
"""


FOUR_LINES = r"\\ 2 \\ 3 \\ 4"
NOTES = rf"""
Text\aside{{notea {FOUR_LINES}}}\aside{{noteb {FOUR_LINES}}}\aside{{notec {FOUR_LINES}}}.
\par\rule{{0pt}}{{200mm}}\par More\aside{{lastd {FOUR_LINES}}}.
\clearpage \rule{{0pt}}{{60mm}}Text\aside{{alone {FOUR_LINES}}}.
\clearpage \rule{{0pt}}{{60mm}}Text\aside{{above {FOUR_LINES}}}.
\begin{{wide}}\rule{{170mm}}{{40mm}}\end{{wide}}
\clearpage Text\aside{{\rule{{1pt}}{{140mm}}}}\aside{{\rule{{1pt}}{{140mm}}}}.
\clearpage \begin{{answer}}\rule{{1pt}}{{255mm}}\end{{answer}}
"""


def typeset(folder, text):
    """The PDF of LaTeX text, and what the last run's log complains of."""
    if not shutil.which("latexmk"):
        pytest.skip("TeX is not here")
    (folder / "page.tex").write_text(PREAMBLE + text + r"\end{document}", encoding="utf-8")
    styles = {"TEXINPUTS": f"{ROOT / 'code/weaving'}:", "max_print_line": "10000"}
    command = ["latexmk", "-norc", "-pdf", "-silent", "-interaction=nonstopmode", "page.tex"]
    subprocess.run(command, cwd=folder, env=os.environ | styles, capture_output=True, timeout=300)
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    complaints = re.findall("^(?:!|Overfull|.*Warning).*$", log, re.MULTILINE)
    return PdfReader(folder / "page.pdf"), complaints


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    return typeset(tmp_path_factory.mktemp("notes"), NOTES)


def heights(page, words):
    """{word: its height on the page, in points}, for those that stand in the margin."""
    found = {}

    def visit(text, _, matrix, *__):
        for word in words:
            if word in text and matrix[4] > 400:
                found[word] = matrix[5]

    page.extract_text(visitor_text=visit)
    return found


def test_every_macro_of_the_documents(tmp_path):
    pdf, complaints = typeset(tmp_path, VOCABULARY)
    assert complaints == []
    assert pdf.metadata["/Author"] == "A & B_c"
    text = "\n".join(page.extract_text() for page in pdf.pages)
    caption = next(line for line in text.splitlines() if "Narrow" in line)
    assert "margin" not in caption  # it goes on in the next line
    assert "print('straight')" in text.replace(" (", "(")
    links = [a.get_object()["/A"]["/D"] for page in pdf.pages for a in page.get("/Annots", [])]
    assert {f"row:{n}" for n in "123"} | {f"mark:{n}" for n in "123"} <= set(links)


def test_notes_do_not_overlap_and_stay_on_the_page(notes):
    at = heights(notes[0].pages[0], ["notea", "noteb", "notec", "lastd"])
    height = 4 * 10.4  # of four lines
    assert at["notea"] - at["noteb"] > height and at["noteb"] - at["notec"] > height
    assert at["lastd"] - height > 40


def test_notes_keep_clear_of_wide_text(notes):
    alone, above = (heights(page, ["alone", "above"]) for page in notes[0].pages[1:3])
    assert above["above"] > alone["alone"] + 5


def test_what_does_not_fit_is_reported(notes):
    margin, box = notes[1]
    assert "page 4 is too full by" in margin and "Overfull \\vbox" in box

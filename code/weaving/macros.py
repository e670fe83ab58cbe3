r"""The markup of the documents, and what each macro means outside the PDF.

house.sty says what a macro means on paper, MEANING what it means to notebook and HTML, and
mathematics.tex serves all three. \classed{name}{text} marks text and an environment marks blocks
for tree.py to find.
"""

from pathlib import Path

MEANING = r"""
\newcommand{\classed}[2]{\textcolor{#1}{#2}}
\newcommand{\reporttitle}[4]{\begin{front}
\classed{title}{#1}

\classed{subtitle}{#2}

\classed{subtitle}{#3}

\classed{subtitle}{#4}
\end{front}}
\newcommand{\reportcontents}{\begin{contents}\end{contents}}
\newcommand{\exercise}[2]{\section{\classed{number}{#1} #2}}
\newcommand{\subexercise}[2]{\subsection{\classed{number}{#1} #2}}
\renewcommand{\paragraph}[1]{\par\textbf{#1} }
\newcommand{\question}[1]{\begin{asked}\emph{#1}\end{asked}}
\newenvironment{answer}{\begin{answerbox}\textbf{Answer.} }{\end{answerbox}}
\newenvironment{theorem}[1][Theorem]{\begin{theorembox}\textbf{#1.} }{\end{theorembox}}
\newenvironment{remark}{\par\textbf{Remark.} }{\par}
\newenvironment{totry}{\begin{totrybox}\textbf{Questions to try}

}{\end{totrybox}}
\newenvironment{wide}{}{}
\newenvironment{checks}{}{}
\newenvironment{matrices}{\begin{matrixbox}}{\end{matrixbox}}
\newcommand{\term}[2]{\emph{#1}\footnote{\classed{word}{\emph{#1}: }#2}}
\newcommand{\aside}[1]{\footnote{#1}}
\newcommand{\checked}[2]{\begin{checkedformula}\[#2\]\classed{ticks}{#1}\end{checkedformula}}
\newcommand{\tick}[1]{\classed{ticks}{#1}}
\newcommand{\claimrow}[1]{\classed{row}{#1}}
\newcommand{\given}[1]{#1}
\newcommand{\addlinespace}[1][]{}
\newcommand{\fitted}[1]{#1}
\newcommand{\sidefigure}[2]{#1 #2}
\newcommand{\texorpdfstring}[2]{#1}
\newcommand{\Citet}{\citet}
\newcommand{\enspace}{\ }
"""

# Layout means nothing outside the PDF; macros by the number of their arguments.
LAYOUT = {
    0: "onnewpage selectfont nopagebreak LTright arraybackslash allowbreak".split(),
    1: "Needspace thispagestyle hypersetup bibliographystyle".split(),
    2: ["fontsize"],
}

# What Pandoc skips, in silence or with an entry in its log, although nothing is lost.
IGNORED = set(
    r"\small \footnotesize \normalsize \large \raggedright \centering \bgroup \egroup \clearpage "
    r"\newpage \pagebreak \par \noindent \bfseries \itshape \multicolumn \vspace \hspace".split()
)


def definitions() -> str:
    """What Pandoc reads before a document."""
    mathematics = Path(__file__).with_name("mathematics.tex").read_text(encoding="utf-8")
    layout = [
        rf"\newcommand{{\{name}}}[{count}]{{}}" for count, names in LAYOUT.items() for name in names
    ]
    return mathematics + MEANING + "\n".join(layout) + "\n"

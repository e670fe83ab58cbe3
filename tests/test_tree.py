"""The tree for notebook and HTML: what is understood, what is refused, numbers, references."""

import re
from pathlib import Path

import pytest
from packages import needs_packages

from weaving import macros, tree
from weaving.document import Chunk, Figure, Listing, Output, Text
from weaving.pandoc import classes, text_of, walk
from weaving.problems import BuildFailed

pytestmark = needs_packages
FIGURE = Figure(9, "figures/a.pdf", "figures/a.svg", "A caption with $x$.", "A line.", "a")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bib").mkdir()
    Path("bib/references.bib").write_text(
        "@book{book, title={A Title}, author={Cee, Ada}, publisher={P}, year={2024}}\n"
    )


def read(latex, *parts, **options):
    return tree.read([Text(1, latex), *parts], "report.texw", **options)


def problems(latex, *parts):
    with pytest.raises(BuildFailed) as failed:
        read(latex, *parts)
    return [(problem.line, problem.message) for problem in failed.value.problems]


def formulas(blocks):
    return [node["c"][1] for node in walk(blocks, "Math")]


def test_headings_have_numbers_and_references_say_them():
    blocks = read(
        r"\exercise{Exercise 1}{Lines}\label{ex:1} See \cref{ex:a} and \cref{sec:b}."
        "\n"
        r"\subexercise{1 (a)}{More}\label{ex:a} \exercise{}{Odds}\label{sec:b}"
    )
    headings = [(node["c"][0], node["c"][1][0], text_of(node)) for node in walk(blocks, "Header")]
    assert headings == [
        (2, "ex:1", "Exercise 1 Lines"),
        (3, "ex:a", "1 (a) More"),
        (2, "sec:b", "Odds"),
    ]
    assert text_of(blocks[1]) == "See 1 (a) and Odds."


def test_figures_and_tables_are_counted_in_the_order_of_the_text():
    table = (
        r"\begin{table}[tb]\sidefigure{\begin{tabular}{@{}l>{\raggedright}p{3cm}@{}}\toprule "
        r"a & b \\ \midrule 1 & \multicolumn{1}{@{\hspace{2pt}}p{3mm}@{}}{$c$} \\* "
        r"\cmidrule(lr){1-2} "
        r"\bottomrule\end{tabular}}{\caption{Numbers.}\label{tab:one}}\end{table}"
    )
    references = Text(2, "\nSee \\cref{fig:a}, \\Cref{tab:one}, \\cref{fig:a,tab:one}.")
    blocks = read(table + "\n", FIGURE, references)
    captions = [text_of(node["c"][1]) for node in walk(blocks, "Figure", "Table")]
    assert "*" not in text_of(blocks)
    assert captions == ["Table\u00a01. Numbers.", "Figure\u00a01. A caption with ."]
    assert text_of(blocks[-1]) == "See Figure\u00a01, Table\u00a01, Figure\u00a01 and Table\u00a01."
    assert formulas(blocks) == ["c", "x"]
    (image,) = walk(blocks, "Image")
    assert text_of(image["c"][1]) == "A line." and image["c"][2][0] == "figures/a.svg"


def test_boxes_notes_and_ticks():
    blocks = read(
        r"\reporttitle{T}{S}{}{C}\question{Why?}\begin{answer}Yes.\checked{1,2}{a = b}\end{answer}"
        r"\begin{theorem}[All] So. \claimrow{3}\end{theorem}"
        r"\begin{totry}\begin{enumerate}\item x\end{enumerate}\end{totry}"
        r"A \term{word}{what it is $z$}\aside{note}\tick{4}.\begin{proof}P.\end{proof}"
    )
    boxes = [name for node in walk(blocks, "Div") for name in classes(node)]
    assert boxes == "front asked answerbox checkedformula theorembox totrybox".split()
    tags = {name: text_of(node) for node in walk(blocks, "Span") for name in classes(node)}
    assert (tags["ticks"], tags["row"], tags["word"]) == ("4", "3", "word: ")
    notes = [text_of(node["c"]) for node in walk(blocks, "Note")]
    assert notes == ["word: what it is ", "note"]
    assert "a = b" in formulas(blocks) and "Proof. P." in text_of(blocks)


def test_formulas_are_latex_that_needs_no_macros():
    blocks = read(
        "$\\vec{x}\\T\\norm{y} \\in \\R$ $\\Var \\abs{z}$ "
        r"$\begin{bsmallmatrix}1 & 2\end{bsmallmatrix}$ "
        "\\[ \\begin{bmatrix*}[r]\n1 & 2 \\\\\n3 & 4\n\\end{bmatrix*} \\]"
        r"\begin{gather*} a \\ b \end{gather*}"
        r"\begin{alignat*}{2} a &= \fitted{b} & \qquad c &= d\end{alignat*}"
    )
    assert formulas(blocks) == [
        r"\mathbf{x}^{\mathsf{T}}\lVert y\rVert \in \mathbb{R}",
        r"\mathop{\mathrm{Var}}\lvert z\rvert",
        r"\left[\begin{smallmatrix}1 & 2\end{smallmatrix}\right]",
        r"\left[\begin{array}{rr} 1 & 2 \\ 3 & 4 \end{array}\right]",
        r"\begin{gathered} a \\ b \end{gathered}",
        r"\begin{aligned} a &= b & \qquad c &= d \end{aligned}",
    ]


def test_listings_and_output_keep_every_character():
    code = 'f(x_1)\n    """{x} ^ ~ \\\\ $5 & 100 % #1."""\n\n    x_1  # \\end{verbatim}'
    listed, output = Listing(3, code, 17, "code/a.py"), Output(3, "{'a': 1}\n")
    chunk = Chunk(3, 7, "Draw", "x", True, (listed, Text(3, "\n", True), output))
    blocks = read("Before\n", chunk, chunks=True)
    (div,) = [node for node in blocks if "chunk" in classes(node)]
    listing, output = [node["c"] for node in walk(div, "CodeBlock")]
    assert div["c"][0][0] == "7" and listing[1] == code
    assert dict(listing[0][2]) == {"startFrom": "17", "file": "code/a.py"}
    assert output[1] == "{'a': 1}" and output[0][1] == ["output"]


@pytest.mark.parametrize(
    "latex, parts, text",
    [
        (r"\begin{theorem}So.\end{theorem} On", [], "Theorem. So. On"),
        (r"\begin{remark}Yes.\end{remark}", [], "Remark. Yes."),
        ("One\n", [Chunk(2, 1, "silent", "x", False, ()), Text(4, "two.")], "One two."),
        ("% One \\foo <%= 1 %>\nTwo", [], "Two"),
        ("\\input{x}\n\\begin{document}\nText\n\\end{document}\nAfter", [], "Text"),
    ],
)
def test_the_text_is_read(latex, parts, text):
    assert " ".join(text_of(block).strip() for block in read(latex, *parts)) == text


def test_citations_are_resolved_and_listed():
    blocks = read(r"\citet{book} \citep{book}\bibliographystyle{plainnat}\bibliography{references}")
    assert text_of(blocks).startswith("Cee (2024) (Cee 2024)References")
    assert "A Title" in text_of(blocks)


@pytest.mark.parametrize(
    "latex, line, words",
    [
        ("One\n\ntwo \\foo{three}", 3, r"\foo"),
        ("\\begin{document}\n\\begin{strange}x\\end{strange}", 2, "strange"),
        ("One\n\\citep{nobody}", 2, "nobody"),
        ("See \\cref{fig:none}", 1, "fig:none"),
        ("One\n\\begin{answer}", 2, "Pandoc"),
    ],
)
def test_what_is_not_understood_is_named_with_its_line(latex, line, words):
    found = problems(latex)
    assert any(words in message for _, message in found), found
    assert line in [number for number, _ in found], found


def test_the_line_is_that_of_the_source_behind_computed_text():
    ((line, message),) = problems("One ", Text(1, "a\n\nb", True), Text(8, "\n\\foo"))
    assert line == 9 and r"\foo" in message


def test_paper_and_screen_know_the_same_macros_with_the_same_arguments():
    folder = Path(macros.__file__).parent
    style = "".join((folder / name).read_text() for name in ["house.sty", "margin.sty"])
    defined = r"\\(?:re)?new(?:command\{\\|environment\{)(\w+)\}((?:\[[^]]*\])*)"
    screen, paper = (dict(re.findall(defined, text)) for text in (macros.MEANING, style))
    of_latex = set("texorpdfstring addlinespace multicols Citet enspace paragraph".split())
    ours = set(screen) - of_latex - {"classed"}
    assert len(ours) > 15
    assert {name: paper.get(name) for name in ours} == {name: screen[name] for name in ours}

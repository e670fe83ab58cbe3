"""The document's parts, and the LaTeX written from them with its map back to the source."""

import re
from pathlib import Path

import pytest

from weaving import document, latex, pdf
from weaving.document import Chunk, Figure, Listing, Output, Text

OPTIONS = {"name": "Draw", "echo": True}
FILES = {"pdf": "figures/line.pdf", "svg": "figures/line.svg"}
FIGURE = {**FILES, "caption": "One \\emph{line}.", "alt": "A line.", "label": "line"}
RESULT = {"latex": "$a$\n$b$"}
L = re.compile(r"\bl(\d+)\b")  # l3: what is typed in line 3
STREAM = {"printed": "{'a': 1}\n"}


def doc(*pieces):
    return {"type": "doc", "pieces": pieces}


def code(line, content, *result, **options):
    about = {"type": "code", "line": line, "number": 2, "options": OPTIONS | options}
    return about | {"content": content, "result": result}


def test_parts_keep_the_order_and_the_lines_of_the_source():
    listing = latex.code_listing("a = 1", 7, "code/a.py")
    text = doc((1, "One ", False), (2, listing, True), (2, "", False))
    assert document.read([text]) == [
        Text(1, "One "),
        Text(2, "", True),
        Listing(2, "a = 1", 7, "code/a.py"),
        Text(2, "", True),
        Text(2, ""),
    ]
    (chunk,) = document.read([code(5, "\n\nx = 1\n", STREAM, RESULT, FIGURE)])
    newline = Text(5, "\n", True)
    files = ("figures/line.pdf", "figures/line.svg")
    shown = [
        Listing(5, "x = 1", 6),
        Output(5, "{'a': 1}\n"),
        Text(5, "$a$\n$b$", True),
        Figure(5, *files, "One \\emph{line}.", "A line.", "line"),
    ]
    assert (chunk.line, chunk.number, chunk.name, chunk.code) == (5, 2, "Draw", "x = 1")
    assert list(chunk.shown) == [part for each in shown for part in (each, newline)]
    silent = [code(9, "y = 1", echo=False)]
    assert document.read(silent) == [Chunk(9, 2, "Draw", "y = 1", False, ())]


def test_each_line_of_the_latex_knows_its_line_of_the_source():
    parts = document.read(
        [
            doc((3, "first l3\nthen l4 ", False), (4, "at\nl4", True), (4, " l4\nl5\n", False)),
            code(7, "a = 'l7'", STREAM),
            doc((9, "l9\n", False)),
            code(11, "b", FIGURE, echo=False),
            doc((13, "l13", False)),
        ]
    )
    tex, lines = pdf.write(parts)
    tex = tex.split("\n")
    found = {(n, line) for text, line in zip(tex, lines, strict=True) for n in L.findall(text)}
    assert found == {(str(n), n) for n in (3, 4, 5, 7, 9, 13)}
    figure = next(k for k, text in enumerate(tex) if "includegraphics[alt={A line.}]" in text)
    assert lines[figure] == 11


def test_a_chunk_that_shows_nothing_makes_no_paragraph():
    silent = code(3, "x = 1", echo=False)
    tex, _ = pdf.write(document.read([doc((1, "a\n", False)), silent, doc((4, "b", False))]))
    assert tex == "a\n%\nb"


def test_listings_and_output_are_escaped_and_numbered():
    output = Output(1, "{'a': 1} \\alpha $x_1^2$ % # & ~ \"q\" <b>\n\n  indented ``\n")
    tex, _ = pdf.write([output, Listing(1, "x = '{}'", 41, "code/a_b.py")])
    for part in [
        r"\PYZob{}\PYZsq{}a\PYZsq{}: 1\PYZcb{} \PYZbs{}alpha ",
        r"\PYZdl{}x\PYZus{}1\PYZca{}2\PYZdl{} \PYZpc{}",
        "\n\n  indented ``\n",
        "firstnumber=41",
        r"\listingname{code/a\_b.py}",
    ]:
        assert part in tex, part
    assert r"\def\PYZsq{\textquotesingle}" in pdf.preamble()


def test_source_shows_a_function_with_its_file_and_line():
    _, listing, _ = document.read([doc((1, latex.source(latex.bold), True))])
    assert listing.file == "code/weaving/latex.py"
    text = Path(latex.__file__).read_text(encoding="utf-8").split("\n")
    assert text[listing.first - 1 : listing.first + 1] == listing.code.split("\n")[:2]
    with pytest.raises(ValueError, match="listing"):
        latex.code_listing(r"'\end{listing}'", 1)


@pytest.mark.parametrize(
    "lines, flows", [(pdf.MAX_UNBROKEN_LINES, False), (pdf.MAX_UNBROKEN_LINES + 1, True)]
)
def test_a_listing_longer_than_a_page_flows(lines, flows):
    tex, _ = pdf.write([Listing(1, "\n".join(["x = 1"] * lines), 1)])
    assert ("samepage=false" in tex) == flows

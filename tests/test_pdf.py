"""The document's parts, and the LaTeX written from them with its map back to the source."""

import re
from pathlib import Path

import pytest

from weaving import document, latex, pdf
from weaving.document import Chunk, Figure, Listing, Output, Text

OPTIONS = {"name": "Draw", "echo": True, "label": "line"}
FIGURE = {
    "output_type": "display_data",
    "data": {"application/pdf": "figures/line.pdf", "image/svg+xml": "figures/line.svg"},
    "metadata": {"caption": "One \\emph{line}.", "alt": "A line."},
}
RESULT = {"output_type": "execute_result", "data": {"text/latex": "$a$\n$b$"}}
STREAM = {"output_type": "stream", "name": "stdout", "text": "{'a': 1}\n"}


def doc(*pieces):
    return {"type": "doc", "pieces": pieces}


def code(line, content, *result, **options):
    return {
        "type": "code",
        "line": line,
        "number": 2,
        "content": content,
        "result": result,
        "options": OPTIONS | options,
    }


def test_parts_keep_the_order_and_the_lines_of_the_source():
    listing = latex.code_listing("a = 1", 7, "code/a.py")
    parts = document.read(
        [
            doc((1, "One ", False), (2, listing, True), (2, "", False)),
            code(5, "\n\nx = 1\n", STREAM, RESULT, FIGURE),
            code(9, "y = 1", echo=False),
        ]
    )
    newline = Text(5, "\n", True)
    assert parts == [
        Text(1, "One "),
        Text(2, "", True),
        Listing(2, "a = 1", 7, "code/a.py"),
        Text(2, "", True),
        Text(2, ""),
        Chunk(
            5,
            2,
            "Draw",
            "x = 1",
            True,
            (
                Listing(5, "x = 1", 6),
                newline,
                Output(5, "{'a': 1}\n"),
                newline,
                Text(5, "$a$\n$b$", True),
                newline,
                Figure(
                    5,
                    "figures/line.pdf",
                    "figures/line.svg",
                    "One \\emph{line}.",
                    "A line.",
                    "line",
                ),
                newline,
            ),
        ),
        Chunk(9, 2, "Draw", "y = 1", False, ()),
    ]


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
    assert len(tex) == len(lines)
    seen = {
        int(number)
        for text, line in zip(tex, lines)
        for number in re.findall(r"\bl(\d+)\b", text)
        if line == int(number)
    }
    assert seen == {3, 4, 5, 7, 9, 13}
    figure = next(k for k, text in enumerate(tex) if "includegraphics[alt={A line.}]" in text)
    assert lines[figure] == 11


def test_a_chunk_that_shows_nothing_makes_no_paragraph():
    tex, _ = pdf.write(
        document.read([doc((1, "a\n", False)), code(3, "x = 1", echo=False), doc((4, "b", False))])
    )
    assert tex == "a\n%\nb"


def test_listings_and_output_are_escaped_and_numbered():
    tex, _ = pdf.write(
        [
            Output(1, "{'a': 1} \\alpha $x_1^2$ % # & ~ \"q\" <b>\n\n  indented ``\n"),
            Listing(1, "x = '{}'", 41, "code/a_b.py"),
        ]
    )
    assert (
        r"\PYZob{}\PYZsq{}a\PYZsq{}: 1\PYZcb{} \PYZbs{}alpha "
        r"\PYZdl{}x\PYZus{}1\PYZca{}2\PYZdl{} \PYZpc{}" in tex
    )
    assert (
        "\n\n  indented ``\n" in tex
        and "firstnumber=41" in tex
        and r"\listingname{code/a\_b.py}" in tex
    )
    assert r"\def\PYZsq{\textquotesingle}" in pdf.styles()


def test_source_shows_a_function_with_its_file_and_line():
    (listing,) = [
        part
        for part in document.read([doc((1, latex.source(latex.bold), True))])
        if isinstance(part, Listing)
    ]
    assert listing.file == "code/weaving/latex.py"
    text = Path(latex.__file__).read_text(encoding="utf-8").split("\n")
    assert text[listing.first - 1 : listing.first + 1] == listing.code.split("\n")[:2]
    with pytest.raises(ValueError, match="listing"):
        latex.code_listing(r"'\end{listing}'", 1)


@pytest.mark.parametrize("lines, flows", [(pdf.WHOLE, False), (pdf.WHOLE + 1, True)])
def test_a_listing_longer_than_a_page_flows(lines, flows):
    tex, _ = pdf.write([Listing(1, "\n".join(["x = 1"] * lines), 1)])
    assert ("samepage=false" in tex) == flows

"""The executed document as one list of parts, from which PDF, notebook and HTML are written.

Text is in the documents' own markup (macros.py); everything that a program made is a part of its own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LISTING = re.compile(r"\\begin\{listing\}\{(.*?)\}\{(\d+)\}\n(.*?)\n\\end\{listing\}", re.DOTALL)


@dataclass(frozen=True)
class Text:
    """Markup. Typed text counts its own lines; computed text stands on one line of the source."""

    line: int
    latex: str
    computed: bool = False


@dataclass(frozen=True)
class Chunk:
    """Where a chunk was run; shows nothing itself. `silent` if nothing that it shows follows."""

    line: int
    number: int
    name: str
    code: str
    echo: bool
    silent: bool


@dataclass(frozen=True)
class Listing:
    """Python code, numbered from `first`; `file` is empty for code of the document."""

    line: int
    code: str
    first: int
    file: str = ""


@dataclass(frozen=True)
class Output:
    """What a chunk printed."""

    line: int
    text: str


@dataclass(frozen=True)
class Figure:
    """A figure's file for paper and for the screen, its caption as markup, its alt text as plain words."""

    line: int
    pdf: str
    svg: str
    caption: str
    alt: str
    label: str


Part = Text | Chunk | Listing | Output | Figure


def read(executed: list[dict]) -> list[Part]:
    """The parts of the chunks that processor.py has executed, in order."""
    return [part for chunk in executed for part in _parts(chunk) if getattr(part, "latex", True)]


def chunks(parts: list[Part]) -> dict[int, Chunk]:
    """The chunks by their numbers."""
    return {part.number: part for part in parts if isinstance(part, Chunk)}


def _parts(chunk: dict) -> Iterator[Part]:
    if chunk["type"] == "doc":
        for line, latex, computed in chunk["pieces"]:
            yield from _with_listings(line, latex) if computed else [Text(line, latex)]
        return
    line, options, code = chunk["line"], chunk["options"], chunk["content"].removeprefix("\n")
    shown = [part for result in chunk["result"] for part in _result(line, options, result)]
    if options["echo"]:
        blank = len(code) - len(code.lstrip("\n"))
        shown[:0] = [Listing(line, code.strip("\n"), line + blank), Text(line, "\n", True)]
    yield Chunk(line, chunk["number"], options["name"], code.strip("\n"), options["echo"], silent=not shown)
    yield from shown


def _result(line: int, options: dict, result: dict) -> Iterator[Part]:
    data = result.get("data", {})
    if result["output_type"] == "stream":
        yield Output(line, result["text"])
    elif result["output_type"] == "display_data":
        figure = result["metadata"]
        yield Figure(line, data["application/pdf"], data.get("image/svg+xml", ""), figure["caption"],
                     figure.get("alt") or options["alt"], options["label"])
    else:
        yield from _with_listings(line, data["text/latex"])
    yield Text(line, "\n", True)


def _with_listings(line: int, latex: str) -> Iterator[Part]:
    """Computed markup, the listings in it as parts of their own."""
    end = 0
    for match in LISTING.finditer(latex):
        yield Text(line, latex[end:match.start()], True)
        yield Listing(line, match[3], int(match[2]), match[1])
        end = match.end()
    yield Text(line, latex[end:], True)

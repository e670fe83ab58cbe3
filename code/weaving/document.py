"""The executed document as one list of parts, from which PDF, notebook and HTML are written.

Text is in the documents' own markup (macros.py); what a program made is a part of its own. tree.py
reads the text further, into headings, paragraphs, formulas and so on, for notebook and HTML.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

# As latex.code_listing writes it; prose.MISPLACED forbids it in a .texw.
LISTING = re.compile(r"\\begin\{listing\}\{(.*?)\}\{(\d+)\}\n(.*?)\n\\end\{listing\}", re.DOTALL)


@dataclass(frozen=True)
class Text:
    """Markup. Typed text spans its own source lines; computed text belongs to a single one."""

    line: int
    latex: str
    computed: bool = False


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
    """A figure for paper and for the screen, its caption as markup, its alt text in plain words."""

    line: int
    pdf: str
    svg: str
    caption: str
    alt: str
    label: str


@dataclass(frozen=True)
class Chunk:
    """A chunk of code and what is shown of it: its listing, if it is echoed, and its results."""

    line: int
    number: int
    name: str
    code: str
    echo: bool
    shown: tuple["Part", ...]


Part = Text | Listing | Output | Figure | Chunk


def read(executed: list[dict]) -> list[Part]:
    """The parts of the chunks that processor.py has executed, in order."""
    parts = []
    for chunk in executed:
        if chunk["type"] == "code":
            parts.append(_chunk(chunk))
            continue
        for line, latex, computed in chunk["pieces"]:
            parts += _split_listings(line, latex) if computed else [Text(line, latex)]
    return parts


def render_parts(parts: list[Part], write: Callable[[Part], str]) -> tuple[str, list[int]]:
    """The text that `write` makes of the parts, and for each line of it the source's line."""
    texts, lines = [], [1]
    for part in parts:
        text = write(part)
        if not text:
            continue
        if not texts or texts[-1].endswith("\n"):  # otherwise it continues an earlier part's line
            lines[-1] = part.line
        step = 1 if isinstance(part, Text) and not part.computed else 0
        lines += [part.line + k * step for k in range(1, text.count("\n") + 1)]
        texts.append(text)
    return "".join(texts), lines


def _chunk(chunk: dict) -> Chunk:
    line, content = chunk["line"], chunk["content"].removeprefix("\n")
    code, name, echo = content.strip("\n"), chunk["options"]["name"], chunk["options"]["echo"]
    blank = len(content) - len(content.lstrip("\n"))
    shown = [[Listing(line, code, line + blank)]] if echo else []
    shown += [_result(line, result) for result in chunk["result"]]
    on_lines = tuple(part for parts in shown for part in [*parts, Text(line, "\n", True)])
    return Chunk(line, chunk["number"], name, code, echo, on_lines)


def _result(line: int, result: dict) -> list[Part]:
    if "printed" in result:
        return [Output(line, result["printed"])]
    return _split_listings(line, result["latex"]) if "latex" in result else [Figure(line, **result)]


def _split_listings(line: int, latex: str) -> list[Part]:
    """Computed markup, each listing in it as a part of its own."""
    parts, end = [], 0
    for match in LISTING.finditer(latex):
        file, first, code = match.groups()
        text = Text(line, latex[end : match.start()], True)
        parts += [text, Listing(line, code, int(first), file)]
        end = match.end()
    return [*parts, Text(line, latex[end:], True)]

r"""The document as a tree of headings, paragraphs, formulas and so on, for notebook and HTML.

Pandoc reads the markup, whose macros are those of macros.py. Here captions and headings get their
numbers, \cref gets its words, and listings, outputs and figures return to their places.
"""

import json
import re
from collections.abc import Callable, Iterator

from weaving import bibtex, macros, pandoc
from weaving.document import Chunk, Figure, Listing, Output, Part, Text, render_parts
from weaving.pandoc import Node, Rules, Tree, attributes, classes, kind, node, string, text_of, walk
from weaving.problems import BuildFailed, Problem
from weaving.provenance import provenance

CITATIONS = [
    "--citeproc",
    "--metadata=link-citations=true",
    "--metadata=reference-section-title=References",
]
BOXES = {"answerbox", "theorembox", "totrybox"}
BLOCKS = BOXES | {"front", "contents", "asked", "checkedformula", "matrixbox", "chunk"}
TAGS = {"title", "subtitle", "number", "ticks", "row", "word"}

PLACE = "\ufdd0"  # Unicode reserves it for programs: no document contains it
GROUP = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"  # braces, three deep
COLUMNS = re.compile(rf"(\\begin\{{(?:tabular|longtable)\}}|\\multicolumn\{{\d+\}})({GROUP})")
RULE = re.compile(r"\\cmidrule(?:\([lr]*\))?\{[\d-]*\}")
MATRIX = re.compile(r"\\begin\{bmatrix\*\}\[r\]\n?(.*?)\n?\\end\{bmatrix\*\}", re.DOTALL)
FORMULAS = [  # what only LaTeX's packages know: what MathJax and Pandoc know
    (r"\\begin\{bsmallmatrix\}", r"\\left[\\begin{smallmatrix}"),
    (r"\\end\{bsmallmatrix\}", r"\\end{smallmatrix}\\right]"),
    (r"\\(begin|end)\{(?:multline|gather)\*?\}", r"\\\1{gathered}"),
    (r"\\(begin|end)\{align(?:at)?\*?\}(?:\s*\{\d+\})?", r"\\\1{aligned}"),
    (r"\\([bB]igg?)m\b", r"\\\1"),
    (r"\\label\{[^{}]*\}|\\fitted\b", ""),
    (r"\s+", " "),
]


def read(parts: list[Part], source: str, chunks: bool = False) -> Tree:
    """The blocks of the document; source is its name in messages.

    With chunks=True each chunk is a Div of class `chunk`, whose id is the chunk's number.
    Raises BuildFailed with everything that Pandoc does not understand, each at its line.
    """
    placed: list[Part] = []
    latex, lines = render_parts(parts, lambda part: _markup(part, placed, chunks))
    preamble, begin, body = latex.partition("\\begin{document}\n")
    if not begin:
        preamble, body = "", latex
    before = macros.definitions() + provenance().macros()
    offset = before.count("\n") - (preamble + begin).count("\n")
    entries = [f"--bibliography={path}" for path in bibtex.bibliographies(latex) if path.exists()]
    markup = before + body.partition("\\end{document}")[0]
    text, log = pandoc.run(markup, "--from=latex", "--to=json", *CITATIONS, *entries)

    def line_of(number: int) -> int:
        return lines[min(number - offset, len(lines)) - 1]

    def place_of(words: str) -> int:
        return next((lines[k] for k, line in enumerate(latex.split("\n")) if words in line), 0)

    blocks = pandoc.transform(json.loads(text)["blocks"], _normalisation_rules(placed))
    numbers = _numbers(blocks)
    found = [*_problems_in_log(log, line_of, place_of)]
    referred_to = {label for link in walk(blocks, "Link") for label in _labels(link)}
    for label in referred_to - set(numbers):
        message = f"notebook and HTML have no number for the label {label!r}"
        found.append((place_of(label), message))
    if found:
        raise BuildFailed([Problem(source, *each) for each in found])
    return pandoc.transform(blocks, {"Link": lambda link: _reference(link, numbers)})


def plain_math(formula: str) -> str:
    """A formula on one line in the LaTeX that MathJax and Pandoc know."""

    def array(match: re.Match) -> str:
        columns = "r" * (match[1].split("\n")[0].count("&") + 1)
        return f"\\left[\\begin{{array}}{{{columns}}}\n{match[1]}\n\\end{{array}}\\right]"

    formula = MATRIX.sub(array, formula)
    for pattern, replacement in FORMULAS:
        formula = re.sub(pattern, replacement, formula)
    return formula.strip()


def title_of(blocks: Tree, otherwise: str) -> str:
    titles = (text_of(span) for span in walk(blocks, "Span") if "title" in classes(span))
    return next(titles, otherwise)


def _markup(part: Part, placed: list[Part], chunks: bool) -> str:
    """A part as Pandoc is to read it: all but markup becomes a numbered placeholder."""
    match part:
        case Text(latex=latex):
            return COLUMNS.sub(_plain_columns, RULE.sub("", latex)).replace("\\\\*", "\\\\")
        case Chunk(shown=shown):
            inside = "".join(_markup(each, placed, chunks) for each in shown)
            if not chunks:
                return inside or "%\n"
            return f"\n\\begin{{chunk}}\n{_place(part, placed)}\n{inside}\n\\end{{chunk}}\n"
        case Figure(caption=caption, label=label):
            caption = f"\\caption{{{caption}}}\\label{{fig:{label}}}"
            return f"\\begin{{figure}}\n{_place(part, placed)}\n{caption}\n\\end{{figure}}"
    return _place(part, placed)


def _place(part: Part, placed: list[Part]) -> str:
    placed.append(part)
    return f"\\begin{{verbatim}}\n{PLACE}{len(placed) - 1}\n\\end{{verbatim}}"


def _plain_columns(match: re.Match) -> str:
    """A table's columns as letters alone; with anything else Pandoc loses cells."""
    letters = re.sub(f"[@>]{GROUP}", "", match[2][1:-1])
    return f"{match[1]}{{{re.sub(f'p{GROUP}', 'l', letters)}}}"


def _problems_in_log(log: list[dict], line_of: Callable, place_of: Callable) -> Iterator[tuple]:
    """(line, message) of each entry of Pandoc's log that means a loss."""
    for entry in log:
        pretty = entry["pretty"].splitlines()[0]
        if entry["type"] == "SkippedContent":
            name = re.match(r"\\(?:begin|end)\{([\w*]+)\}|\\\w+|.*", entry["contents"])
            if name[1] not in BLOCKS and name[0].strip() not in {"", *macros.IGNORED}:
                message = f"notebook and HTML do not know {name[0]}"
                yield line_of(entry["line"]), f"{message}; define it in code/weaving/macros.py"
        elif missing := re.search(r"citation (\S+) not found", pretty):
            yield place_of(missing[1]), f"the bibliography has no entry {missing[1]!r}"
        elif entry["verbosity"] != "INFO":
            number = entry.get("line") or next(iter(re.findall(r"line (\d+)", entry["pretty"])), 0)
            yield line_of(int(number)) if number else 0, f"Pandoc: {pretty}"


def _normalisation_rules(placed: list[Part]) -> Rules:
    """Applied first: parts return to their places, tags become classes, other wrappers go."""

    def block(old: Node) -> Node:
        match = re.fullmatch(rf"{PLACE}(\d+)", old["c"][1])
        return _block_of(placed[int(match[1])]) if match else old

    return {
        "Span": _normalise_span, "Div": _normalise_div, "Header": _normalise_header,
        "Math": lambda old: node("Math", old["c"][0], plain_math(old["c"][1])),
        "CodeBlock": block,
    }  # fmt: skip


def _block_of(part: Part) -> Node:
    match part:
        case Listing():
            about = attributes("python", startFrom=str(part.first), file=part.file)
            return node("CodeBlock", about, part.code)
        case Output():
            return node("CodeBlock", attributes("output"), part.text.rstrip("\n"))
        case Chunk():
            return node("Plain", [string(str(part.number))])
    image = node("Image", attributes(), [string(part.alt)], [part.svg, ""])
    return node("Plain", [image])


def _normalise_span(old: Node) -> Node | Tree:
    (id, names, pairs), content = old["c"]
    style = dict(pairs).get("style", "").removeprefix("color: ")
    if style in TAGS:
        return node("Span", attributes(style), content) if content else []
    return old if id or any(name.startswith("csl") for name in names) else content


def _normalise_div(old: Node) -> Node | Tree:
    (id, names, _), content = old["c"]
    if "chunk" in names:
        return node("Div", attributes("chunk", id=text_of(content[:1])), content[1:])
    known = [name for name in names if name in BLOCKS | {"references"} or name.startswith("csl")]
    return node("Div", attributes(*known, id=id), content) if known or id else content


def _normalise_header(old: Node) -> Node:
    level, (id, *_), content = old["c"]
    if content and kind(content[0]) == "Space":  # an empty number
        content = content[1:]
    return node("Header", level + 1, attributes(id=id), content)


def _numbers(blocks: Tree) -> dict[str, str]:
    """What a reference to each label says; numbers the captions on the way."""
    numbers, counts, label = {}, {"Figure": 0, "Table": 0}, ""
    for each in walk(blocks, "Header", "Div", *counts):
        if kind(each) == "Header":
            number = [text_of(span) for span in each["c"][2] if "number" in classes(span)]
            numbers[each["c"][1][0]] = number[0] if number else text_of(each["c"][2])
        elif kind(each) == "Div":  # Pandoc gives a table's label to a Div around it
            label = each["c"][0][0]
        elif caption := each["c"][1][1]:
            counts[kind(each)] += 1
            name = f"{kind(each)}\u00a0{counts[kind(each)]}"
            numbers[each["c"][0][0] or label] = name
            caption[0]["c"][:0] = [node("Strong", [string(f"{name}.")]), {"t": "Space"}]
            label = ""
    return numbers


def _labels(link: Node) -> list[str]:
    labels = dict(link["c"][0][2]).get("reference", "")
    return [label.strip() for label in labels.split(",") if label.strip()]


def _reference(old: Node, numbers: dict[str, str]) -> Node | Tree:
    r"""A \cref as a link for each of its labels; any other link as it is."""
    if not (labels := _labels(old)):
        return old
    made = []
    for place, label in enumerate(labels, 1):
        made.append(node("Link", attributes(), [string(numbers[label])], [f"#{label}", ""]))
        made.append(string({len(labels): "", len(labels) - 1: " and "}.get(place, ", ")))
    return made

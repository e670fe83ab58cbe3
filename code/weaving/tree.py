r"""The document as a tree of headings, paragraphs, formulas and so on, for notebook and HTML.

Pandoc reads the markup, whose macros are those of macros.py. The nodes are Pandoc's, as Python's
dictionaries {"t": kind, "c": content}. Here captions and headings get their numbers, \cref gets its
words, and listings, outputs and figures come back to their places. A writer changes the tree by a
table of rules, a function for each kind of node, and has Pandoc write the result.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from weaving import macros
from weaving.document import Chunk, Figure, Listing, Output, Part, Text, joined
from weaving.problems import BuildFailed, Problem
from weaving.provenance import provenance

BIBLIOGRAPHY = Path("bib/references.bib")
CITATIONS = [
    "--citeproc",
    f"--bibliography={BIBLIOGRAPHY}",
    "--metadata=link-citations=true",
    "--metadata=reference-section-title=References",
]
BOXES = {"answerbox", "theorembox", "totrybox"}
BLOCKS = BOXES | {"front", "contents", "asked", "checkedformula", "matrixbox", "chunk"}
TAGS = {"title", "subtitle", "number", "ticks", "row", "word"}

PLACE = "\ufdd0"  # Unicode reserves it for programs: no document holds it
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

Node = dict
Tree = list[Node]
Rules = dict[str, Callable[[Node], Node | Tree]]


def read(parts: list[Part], source: str, chunks: bool = False) -> Tree:
    """The blocks of the document; source is its name in messages.

    With chunks=True a chunk stands in a Div of class `chunk` that has its number as id.
    Raises BuildFailed with everything that is not understood, each at its line.
    """
    placed: list[Part] = []
    latex, lines = joined(parts, lambda part: _markup(part, placed, chunks))
    preamble, begin, body = latex.partition("\\begin{document}\n")
    if not begin:
        preamble, body = "", latex
    before = macros.definitions() + provenance().macros()
    offset = before.count("\n") - (preamble + begin).count("\n")
    options = ["--from=latex", "--to=json", *CITATIONS * BIBLIOGRAPHY.exists()]
    text, said = _pandoc(before + body.partition("\\end{document}")[0], *options)

    def line_of(number: int) -> int:
        return lines[min(number - offset, len(lines)) - 1]

    def place_of(words: str) -> int:
        return next((lines[k] for k, line in enumerate(latex.split("\n")) if words in line), 0)

    blocks = mapped(json.loads(text)["blocks"], _normalising_rules(placed))
    numbers = _numbers(blocks)
    found = [*_not_understood(said, line_of, place_of)]
    referred_to = {label for link in walk(blocks, "Link") for label in _labels(link)}
    for label in referred_to - set(numbers):
        message = f"notebook and HTML have no number for the label {label!r}"
        found.append((place_of(label), message))
    if found:
        raise BuildFailed([Problem(source, *each) for each in found])
    return mapped(blocks, {"Link": lambda link: _reference(link, numbers)})


def written(blocks: Tree, format: str, *options: str) -> str:
    """The blocks in another format. Raises BuildFailed with formulas that Pandoc cannot convert."""
    document = json.dumps({"pandoc-api-version": [1, 23], "meta": {}, "blocks": blocks})
    text, said = _pandoc(document, "--from=json", f"--to={format}", "--wrap=none", *options)
    lost = [entry["pretty"] for entry in said if entry["type"] == "CouldNotConvertTeXMath"]
    if lost:
        raise BuildFailed([Problem(format, 0, f"Pandoc: {message}") for message in lost])
    return text


def mapped(tree: object, rules: Rules) -> object:
    """The tree with rules[kind](node), a node or a list, for each node; inner ones first."""
    if isinstance(tree, list):
        made = []
        for each in tree:
            new = mapped(each, rules)
            made += new if isinstance(new, list) and isinstance(each, dict) else [new]
        return made
    if isinstance(tree, dict):
        tree = {key: mapped(value, rules) for key, value in tree.items()}
        return rules[kind(tree)](tree) if kind(tree) in rules else tree
    return tree


def walk(tree: object, *kinds: str) -> Iterator[Node]:
    """The nodes of these kinds, in the order of the text."""
    if isinstance(tree, dict):
        if kind(tree) in kinds:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            yield from walk(each, *kinds)


def plain_math(formula: str) -> str:
    """A formula on one line in the LaTeX that MathJax and Pandoc know."""

    def array(match: re.Match) -> str:
        columns = "r" * (match[1].split("\n")[0].count("&") + 1)
        return f"\\left[\\begin{{array}}{{{columns}}}\n{match[1]}\n\\end{{array}}\\right]"

    formula = MATRIX.sub(array, formula)
    for pattern, replacement in FORMULAS:
        formula = re.sub(pattern, replacement, formula)
    return formula.strip()


def kind(node: object) -> str:
    return node.get("t", "") if isinstance(node, dict) else ""


def classes(node: Node) -> list[str]:
    """The classes of a Div or Span; any other node has none."""
    return node["c"][0][1] if kind(node) in ("Div", "Span") else []


def text_of(tree: object) -> str:
    """The words of a tree, without formulas and notes."""
    if isinstance(tree, list):
        return "".join(map(text_of, tree))
    if kind(tree) == "Str":
        return tree["c"]
    if kind(tree) == "Code":
        return tree["c"][1]
    if kind(tree) in ("Space", "SoftBreak", "LineBreak"):
        return " "
    return text_of(tree.get("c", "")) if kind(tree) not in ("", "Math", "Note") else ""


def inlines(blocks: Tree) -> Tree:
    """What stands in the paragraphs of a caption or a note."""
    return [inline for block in blocks for inline in block["c"]]


def title_of(blocks: Tree, otherwise: str) -> str:
    titles = (text_of(span) for span in walk(blocks, "Span") if "title" in classes(span))
    return next(titles, otherwise)


def node(kind: str, *content: object) -> Node:
    return {"t": kind, "c": content[0] if len(content) == 1 else list(content)}


def words(text: str) -> Node:
    return node("Str", text)


def attributes(*classes: str, id: str = "", **pairs: str) -> list:
    return [id, list(classes), [[name.replace("_", "-"), value] for name, value in pairs.items()]]


def _markup(part: Part, placed: list[Part], chunks: bool) -> str:
    """A part as Pandoc is to read it; what is not markup becomes a numbered place."""
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


def _pandoc(text: str, *options: str) -> tuple[str, list[dict]]:
    """Pandoc's output, and the entries of its log."""
    import pypandoc

    with tempfile.NamedTemporaryFile(suffix=".json") as log:
        command = [pypandoc.get_pandoc_path(), f"--log={log.name}", *options]
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8")
        said = json.loads(Path(log.name).read_text(encoding="utf-8") or "[]")
    if done.returncode:
        said.append({"type": "Failure", "verbosity": "ERROR", "pretty": done.stderr.strip()})
    return done.stdout or '{"blocks": []}', said


def _not_understood(said: list[dict], line_of: Callable, place_of: Callable) -> Iterator[tuple]:
    """(line, message) of each thing in Pandoc's log by which something would be lost."""
    for entry in said:
        pretty = entry["pretty"].splitlines()[0]
        if entry["type"] == "SkippedContent":
            name = re.match(r"\\(?:begin|end)\{([\w*]+)\}|\\\w+|.*", entry["contents"])
            if name[1] not in BLOCKS and name[0].strip() not in {"", *macros.PASSED_OVER}:
                message = f"notebook and HTML do not know {name[0]} (code/weaving/macros.py)"
                yield line_of(entry["line"]), message
        elif missing := re.search(r"citation (\S+) not found", pretty):
            yield place_of(missing[1]), f"no entry {missing[1]!r} in {BIBLIOGRAPHY}"
        elif entry["verbosity"] != "INFO":
            number = entry.get("line") or next(iter(re.findall(r"line (\d+)", entry["pretty"])), 0)
            yield line_of(int(number)) if number else 0, f"Pandoc: {pretty}"


def _normalising_rules(placed: list[Part]) -> Rules:
    """What is done to Pandoc's tree before anything else.

    Parts return to their places, tags become classes, unknown wrappers are replaced by their
    content.
    """

    def block(old: Node) -> Node:
        match = re.fullmatch(rf"{PLACE}(\d+)", old["c"][1])
        return _block_of(placed[int(match[1])]) if match else old

    return {
        "Span": _normalised_span, "Div": _normalised_div, "Header": _normalised_header,
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
            return node("Plain", [words(str(part.number))])
    image = node("Image", attributes(), [words(part.alt)], [part.svg, ""])
    return node("Plain", [image])


def _normalised_span(old: Node) -> Node | Tree:
    (id, names, pairs), content = old["c"]
    style = dict(pairs).get("style", "").removeprefix("color: ")
    if style in TAGS:
        return node("Span", attributes(style), content) if content else []
    return old if id or any(name.startswith("csl") for name in names) else content


def _normalised_div(old: Node) -> Node | Tree:
    (id, names, _), content = old["c"]
    if "chunk" in names:
        return node("Div", attributes("chunk", id=text_of(content[:1])), content[1:])
    known = [name for name in names if name in BLOCKS | {"references"} or name.startswith("csl")]
    return node("Div", attributes(*known, id=id), content) if known or id else content


def _normalised_header(old: Node) -> Node:
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
            caption[0]["c"][:0] = [node("Strong", [words(f"{name}.")]), {"t": "Space"}]
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
        made.append(node("Link", attributes(), [words(numbers[label])], [f"#{label}", ""]))
        made.append(words({len(labels): "", len(labels) - 1: " and "}.get(place, ", ")))
    return made

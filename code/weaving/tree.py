"""The document's parts as a tree of headings, paragraphs, formulas and so on, for notebook and HTML.

Pandoc reads the markup, whose macros are those of macros.py. The nodes are Pandoc's, as Python's dictionaries:
{"t": kind, "c": content}. Here they get numbers, references get their text, and listings, outputs and figures
come back to their places. What Pandoc does not understand is a problem at its line of the source.
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

BIBLIOGRAPHY = Path("bib/references.bib")
API = [1, 23]  # of Pandoc's nodes
BLOCKS = {"front", "contents", "asked", "answerbox", "theorembox", "totrybox", "checkedformula", "matrixbox", "chunk"}
TAGS = {"title", "subtitle", "number", "ticks", "row", "word"}

COMMENT = re.compile(r"^[ \t]*%.*$", re.MULTILINE)
GROUP = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"  # braces, three deep
COLUMNS = re.compile(rf"(\\begin\{{(?:tabular|longtable)\}}|\\multicolumn\{{\d+\}})({GROUP})")
RULE = re.compile(r"\\cmidrule(?:\([lr]*\))?\{[\d-]*\}")
MATRIX = re.compile(r"\\begin\{pmatrix\*\}\[r\]\n?(.*?)\n?\\end\{pmatrix\*\}", re.DOTALL)
GATHERED = re.compile(r"\\(begin|end)\{(?:multline|gather)\*?\}")
ALIGNED = re.compile(r"\\(begin|end)\{align(?:at)?\*?\}(?:\s*\{\d+\})?")

Node = dict
Tree = list[Node]


def read(parts: list[Part], source: str, preamble: str = "", chunks: bool = False) -> Tree:
    """The blocks of the document.

    Parameters: source, the document's name for messages; preamble, LaTeX definitions; chunks, whether a chunk
    stands in a Div of class `chunk` with its number as id. Raises BuildFailed with all that is not understood.
    """
    placed: list[Part] = []
    latex, lines = joined(parts, lambda part: _markup(part, placed, chunks))
    before = macros.definitions() + preamble
    start = latex.find("\\begin{document}\n")
    body = latex if start < 0 else "\n" * latex.count("\n", 0, start + 17) + latex[start + 17:]
    body = body.partition("\\end{document}")[0]
    blocks, said = _pandoc(before + body)
    offset = before.count("\n")
    if problems := list(_problems(said, source, lambda line: lines[min(line - offset, len(lines)) - 1])):
        raise BuildFailed(problems)
    blocks = mapped(blocks, lambda node: _in_place(node, placed))
    numbers = _numbers(blocks)
    return mapped(blocks, lambda node: _referring(node, numbers, source))


def to_text(blocks: Tree, format: str, *options: str) -> str:
    """What Pandoc writes of the blocks. Raises BuildFailed with what it cannot write."""
    document = json.dumps({"pandoc-api-version": API, "meta": {}, "blocks": blocks})
    text, said = _run(document, "--from=json", f"--to={format}", "--wrap=none", *options)
    if lost := [entry["pretty"] for entry in said if entry["type"] == "CouldNotConvertTeXMath"]:
        raise BuildFailed([Problem(format, 0, f"Pandoc: {message}") for message in lost])
    return text


def plain_math(formula: str) -> str:
    """A formula in the LaTeX that MathJax and Pandoc know, on one line."""
    def array(match: re.Match) -> str:
        columns = match[1].split("\n")[0].count("&") + 1
        return f"\\left(\\begin{{array}}{{{'r' * columns}}}\n{match[1]}\n\\end{{array}}\\right)"

    formula = formula.replace(r"\begin{psmallmatrix}", r"\left(\begin{smallmatrix}")
    formula = formula.replace(r"\end{psmallmatrix}", r"\end{smallmatrix}\right)")
    formula = GATHERED.sub(r"\\\1{gathered}", MATRIX.sub(array, formula))
    formula = re.sub(r"\\([bB]igg?)m\b", r"\\\1", formula)
    formula = re.sub(r"\\(label|setlength|renewcommand|abovedisplay\w*)(\{[^{}]*\})+", "", formula)
    return " ".join(ALIGNED.sub(r"\\\1{aligned}", formula).replace(r"\fitted", "").split())


def text_of(node: Node | list | str) -> str:
    """The words of a node, without formulas."""
    if isinstance(node, list):
        return "".join(map(text_of, node))
    if isinstance(node, dict):
        kind = node.get("t")
        return " " if kind in ("Space", "SoftBreak", "LineBreak") else node["c"] if kind == "Str" else \
            "" if kind in ("Math", "Note") else text_of(node.get("c", ""))
    return ""


def classes(node: Node) -> list[str]:
    """The classes of a Div or Span; of any other node none."""
    return node["c"][0][1] if kind(node) in ("Div", "Span") else []


def kind(node: object) -> str:
    return node.get("t", "") if isinstance(node, dict) else ""


def div(content: Tree, *names: str, id: str = "", **attributes: str) -> Node:
    return {"t": "Div", "c": [[id, list(names), _pairs(attributes)], content]}


def span(content: Tree, *names: str, id: str = "", **attributes: str) -> Node:
    return {"t": "Span", "c": [[id, list(names), _pairs(attributes)], content]}


def words(text: str) -> Node:
    return {"t": "Str", "c": text}


def link(content: Tree, target: str, id: str = "", **attributes: str) -> Node:
    return {"t": "Link", "c": [[id, [], _pairs(attributes)], content, [target, ""]]}


def raw(format: str, text: str, inline: bool = False) -> Node:
    return {"t": "RawInline" if inline else "RawBlock", "c": [format, text]}


def walk(node: object) -> Iterator[Node]:
    """All nodes in the order of the text."""
    if isinstance(node, dict):
        if "t" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from walk(each)


def _pairs(attributes: dict[str, str]) -> list[list[str]]:
    return [[name.replace("_", "-"), value] for name, value in attributes.items()]


def mapped(node: object, change: Callable[[Node], Node | Tree]) -> object:
    """The tree with change(node), a node or several, for each node; its contents are changed first."""
    if isinstance(node, list):
        made = []
        for each in node:
            new = mapped(each, change)
            made += new if isinstance(new, list) and isinstance(each, dict) else [new]
        return made
    if isinstance(node, dict):
        node = {key: mapped(value, change) for key, value in node.items()}
        return change(node) if "t" in node else node
    return node


def _markup(part: Part, placed: list[Part], chunks: bool) -> str:
    """A part as Pandoc is to read it: what is no markup as a numbered place."""
    if isinstance(part, Text):
        text = COMMENT.sub("%", part.latex) if not part.computed else part.latex
        return COLUMNS.sub(_plain_columns, RULE.sub("", text)).replace("\\\\*", "\\\\")
    if isinstance(part, Chunk):
        shown = "".join(_markup(each, placed, chunks) for each in part.shown)
        return f"\n\\begin{{chunk}}\n{_place(part, placed)}\n{shown}\n\\end{{chunk}}\n" if chunks else shown or "%\n"
    if isinstance(part, Figure):
        return (f"\\begin{{figure}}\n{_place(part, placed)}\n\\caption{{{part.caption}}}"
                f"\\label{{fig:{part.label}}}\n\\end{{figure}}")
    return _place(part, placed)


def _place(part: Part, placed: list[Part]) -> str:
    placed.append(part)
    return f"\\begin{{verbatim}}\nPART {len(placed) - 1}\n\\end{{verbatim}}"


def _plain_columns(match: re.Match) -> str:
    """A table's columns as letters alone; with anything else Pandoc loses cells."""
    letters = re.sub(f"[@>]{GROUP}", "", match[2][1:-1])
    return f"{match[1]}{{{re.sub(f'p{GROUP}', 'l', letters)}}}"


def _pandoc(latex: str) -> tuple[Tree, list[dict]]:
    cite = ["--citeproc", f"--bibliography={BIBLIOGRAPHY}", "--metadata=link-citations=true",
            "--metadata=reference-section-title=References"] if BIBLIOGRAPHY.exists() else []
    text, said = _run(latex, "--from=latex", "--to=json", *cite)
    return json.loads(text)["blocks"], said


def _run(text: str, *options: str) -> tuple[str, list[dict]]:
    """Pandoc's output, and what it says of its work."""
    import pypandoc
    with tempfile.NamedTemporaryFile(suffix=".json") as log:
        done = subprocess.run([pypandoc.get_pandoc_path(), f"--log={log.name}", *options], input=text,
                              capture_output=True, encoding="utf-8")
        said = json.loads(Path(log.name).read_text(encoding="utf-8") or "[]")
    if done.returncode:
        said.append({"type": "Failure", "verbosity": "ERROR", "pretty": done.stderr.strip()})
    return done.stdout or '{"blocks": []}', said


def _problems(said: list[dict], source: str, line_of: Callable[[int], int]) -> Iterator[Problem]:
    for entry in said:
        line = line_of(entry["line"]) if "line" in entry else 0
        if entry["type"] == "SkippedContent":
            name = re.match(r"\\(?:begin|end)\{(\w+\*?)\}|\\\w+|.*", entry["contents"])
            if (name[1] or "") not in BLOCKS | {"document"} and name[0].strip() not in macros.PASSED_OVER and name[0]:
                yield Problem(source, line, f"notebook and HTML do not know {name[0]} (code/weaving/macros.py lists what they know)")
        elif entry["verbosity"] != "INFO":
            found = re.search(r"line (\d+)", entry["pretty"])
            yield Problem(source, line or (line_of(int(found[1])) if found else 0), f"Pandoc: {entry['pretty']}".splitlines()[0])


def _in_place(node: Node, placed: list[Part]) -> Node | list[Node]:
    """One node made regular: parts in their places, tags as classes, unknown boxes opened."""
    if kind(node) == "CodeBlock" and (match := re.fullmatch(r"PART (\d+)", node["c"][1])):
        return _part(placed[int(match[1])])
    if kind(node) == "Span":
        (id, names, attributes), content = node["c"]
        style = dict(attributes).get("style", "").removeprefix("color: ")
        if style in TAGS:
            return span(content, style) if content else []
        return node if id or "csl" in " ".join(names) else content
    if kind(node) == "Div":
        (id, names, _), content = node["c"]
        known = [name for name in names if name in BLOCKS or "csl" in name or name == "references"]
        if "chunk" in known:
            return div(content[1:], "chunk", id=text_of(content[:1]))
        return div(content, *known, id=id) if known or id else content
    if kind(node) == "Math":
        return {"t": "Math", "c": [node["c"][0], plain_math(node["c"][1])]}
    if kind(node) == "Header":
        level, (id, *_), content = node["c"]
        while content and kind(content[0]) == "Space":
            content = content[1:]
        return {"t": "Header", "c": [level + 1, [id, [], []], content]}
    return node


def _part(part: Part) -> Node:
    if isinstance(part, Listing):
        return {"t": "CodeBlock", "c": [["", ["python", "numberLines"], [["startFrom", str(part.first)], ["file", part.file]]], part.code]}
    if isinstance(part, Output):
        return {"t": "CodeBlock", "c": [["", ["output"], []], part.text.rstrip("\n")]}
    if isinstance(part, Chunk):
        return {"t": "Plain", "c": [words(str(part.number))]}
    image = {"t": "Image", "c": [["", [], []], [words(part.alt)], [part.svg or part.pdf, ""]]}
    return {"t": "Plain", "c": [image]}


def _numbers(blocks: Tree) -> dict[str, str]:
    """What a reference to each label says; writes the numbers into the captions on the way."""
    numbers, counts = {}, {"Figure": 0, "Table": 0}
    label = ""
    for node in walk(blocks):
        if kind(node) == "Header":
            number = next((each for each in node["c"][2] if "number" in classes(each)), None)
            numbers[node["c"][1][0]] = text_of(number) if number else text_of(node["c"][2])
        elif kind(node) == "Div":
            label = node["c"][0][0]
        elif kind(node) in counts and node["c"][1][1]:
            counts[kind(node)] += 1
            name = f"{kind(node)}\u00a0{counts[kind(node)]}"
            numbers[node["c"][0][0] or label] = name
            label = ""
            caption = node["c"][1][1][0]["c"]
            caption[:0] = [{"t": "Strong", "c": [words(name + ".")]}, {"t": "Space"}]
    return numbers


def _referring(node: Node, numbers: dict[str, str], source: str) -> Node | Tree:
    """A \\cref with its text."""
    if kind(node) == "Link" and "reference" in (about := dict(node["c"][0][2])):
        labels = [label.strip() for label in about["reference"].split(",")]
        made: list[Node] = []
        for k, label in enumerate(labels):
            if label not in numbers:
                raise BuildFailed([Problem(source, 0, f"notebook and HTML have no number for the label {label!r}")])
            made += [words(", " if 0 < k < len(labels) - 1 else " and ")] * (k > 0) + [link([words(numbers[label])], f"#{label}")]
        return made
    return node

"""Running Pandoc, and transforming its trees.

A node is a dictionary {"t": kind, "c": content}, as in Pandoc's JSON; a tree is a list of nodes. A
writer transforms a tree by rules, a function for each kind of node, and renders the result.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from weaving.problems import BuildFailed, Problem

Node = dict
Tree = list[Node]
Rules = dict[str, Callable[[Node], Node | Tree]]


def run(text: str, *options: str) -> tuple[str, list[dict]]:
    """Pandoc's output for this input, and the entries of its log."""
    import pypandoc  # not installed where only PDFs are made

    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [pypandoc.get_pandoc_path(), f"--log={file.name}", *options]
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8")
        log = json.loads(Path(file.name).read_text(encoding="utf-8") or "[]")
    if done.returncode:
        log.append({"type": "Failure", "verbosity": "ERROR", "pretty": done.stderr.strip()})
    return done.stdout or '{"blocks": []}', log


def render(blocks: Tree, format: str, *options: str) -> str:
    """The blocks in another format. Raises BuildFailed with formulas that Pandoc cannot convert."""
    document = json.dumps({"pandoc-api-version": [1, 23], "meta": {}, "blocks": blocks})
    text, log = run(document, "--from=json", f"--to={format}", "--wrap=none", *options)
    lost = [entry["pretty"] for entry in log if entry["type"] == "CouldNotConvertTeXMath"]
    if lost:
        raise BuildFailed([Problem(format, 0, f"Pandoc: {message}") for message in lost])
    return text


def transform(tree: object, rules: Rules) -> object:
    """The tree with rules[kind](node), a node or a list, for each node; inner ones first."""
    if isinstance(tree, list):
        made = []
        for each in tree:
            new = transform(each, rules)
            made += new if isinstance(new, list) and isinstance(each, dict) else [new]
        return made
    if isinstance(tree, dict):
        tree = {key: transform(value, rules) for key, value in tree.items()}
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
    """The content of the paragraphs of a caption or a note."""
    return [inline for block in blocks for inline in block["c"]]


def node(kind: str, *content: object) -> Node:
    return {"t": kind, "c": content[0] if len(content) == 1 else list(content)}


def string(text: str) -> Node:
    return node("Str", text)


def attributes(*classes: str, id: str = "", **pairs: str) -> list:
    return [id, list(classes), [[name.replace("_", "-"), value] for name, value in pairs.items()]]

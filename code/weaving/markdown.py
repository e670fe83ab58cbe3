"""The document's tree as Markdown, for a notebook.

make notebook writes the text with it. In a notebook that is run, also by a reader without Pandoc,
`latex.Tex` shows a chunk's result with it, so nothing here imports the build or Jupyter.
"""

import re

from weaving import document, pandoc, tree
from weaving.pandoc import Node, Rules, Tree, attributes, classes, kind, node, string, text_of

FORMAT = "gfm-tex_math_gfm+tex_math_dollars"
FORMULA = re.compile(r"\\begin\{alignat\*\}.*?\\end\{alignat\*\}", re.DOTALL)


def write(blocks: Tree, anchors: dict[str, str]) -> str:
    """Blocks as Markdown; anchors: what `heading_anchors` gives for the whole document."""
    rules = {**RULES, "Link": lambda link: _link(link, anchors)}
    return pandoc.render(pandoc.transform(blocks, rules), FORMAT).strip()


def typeset(latex: str) -> str:
    """A chunk's markup as Markdown; without Pandoc its displayed formulas, or the LaTeX itself."""
    try:  # a reader of the notebook need not have it
        import pypandoc  # noqa: F401
    except ImportError:
        formulas = [f"$${tree.plain_math(formula)}$$" for formula in FORMULA.findall(latex)]
        return "\n\n".join(formulas) or f"```latex\n{latex}\n```"
    parts = document.read([{"type": "doc", "pieces": [(1, latex, True)]}])
    return write(tree.read(parts, "the cell"), {})


def heading_anchors(blocks: Tree) -> dict[str, str]:
    """{label of a heading: the anchor that Jupyter gives it}."""
    anchors = {}
    for header in pandoc.walk(blocks, "Header"):
        shown = text_of(pandoc.transform(header["c"][2], RULES)).replace(" ", "-")
        anchors[header["c"][1][0]] = shown.replace("(", "%28").replace(")", "%29")
    return anchors


# --- each kind of node in Markdown: no Divs and Spans, which would become HTML ---


def _span(old: Node) -> Node | Tree:
    content = old["c"][1]
    if "ticks" in classes(old):
        return node("Superscript", [string("\u2713" + text_of(content))])
    if "number" in classes(old):
        return [*content, string(".")]
    return [] if {"title", "word"} & set(classes(old)) else content


def _div(old: Node) -> Node | Tree:
    names, content = set(classes(old)), old["c"][1]
    if "checkedformula" in names:
        formula = next(pandoc.walk(content, "Math"))["c"]
        ticks = text_of(content).strip()
        return node("Para", [node("Math", formula[0], rf"{formula[1]} \tag{{{ticks}}}")])
    if "chunk" in names:  # its cell shows the rest
        return [block for block in content if "is caption" in block]
    if names & tree.BOXES:
        return node("BlockQuote", content)
    return [] if "contents" in names else content


def _table(old: Node) -> Node | Tree:
    cells = [cell for body in old["c"][4] for row in body[3] for cell in row[1]]
    if any(
        cell[3] > 1 or len(cell[4]) > 1 or any(pandoc.walk(cell, "LineBreak")) for cell in cells
    ):
        old = pandoc.transform([old], {"Math": _formula_in_html})[0]  # Markdown has no such table
    if not old["c"][1][1]:
        return old
    return [_caption(old), node("Table", old["c"][0], [None, []], *old["c"][2:])]


def _caption(old: Node) -> Node:
    return {**node("Para", pandoc.inlines(old["c"][1][1])), "is caption": True}


def _formula_in_html(old: Node) -> Node:
    formula = old["c"][1].replace("<", r"\lt ").replace(">", r"\gt ")
    return node("RawInline", "html", f"${formula}$")


def _note(old: Node) -> Tree:
    return [string(" ("), *pandoc.inlines(old["c"]), string(")")]


def _header(old: Node) -> Node:
    return node("Header", old["c"][0], attributes(), old["c"][2])


def _code_block(old: Node) -> Node | Tree:
    (_, names, pairs), code = old["c"]
    file = dict(pairs).get("file")
    block = node("CodeBlock", attributes(*names), code)
    return [node("Para", [node("Code", attributes(), file)]), block] if file else block


def _link(old: Node, anchors: dict[str, str]) -> Node | Tree:
    _, content, (target, _) = old["c"]
    if not target.startswith("#"):
        return old
    anchor = anchors.get(target.removeprefix("#"))
    return node("Link", attributes(), content, [f"#{anchor}", ""]) if anchor else content


def _paragraph(old: Node) -> Node | Tree:
    """Drop an empty one, and merge adjacent formulas: $a$$b$ would begin a display."""
    made: Tree = []
    for each in old["c"]:
        last = made[-1] if made else None
        if kind(each) == kind(last) == "Math" and each["c"][0] == last["c"][0]:
            made[-1] = node("Math", each["c"][0], f"{last['c'][1]} {each['c'][1]}")
        else:
            made.append(each)
    return {**old, "c": made} if made else []


RULES: Rules = {
    "Span": _span, "Div": _div, "Figure": _caption, "Table": _table, "Note": _note,
    "Header": _header, "CodeBlock": _code_block, "Para": _paragraph, "Plain": _paragraph,
}  # fmt: skip

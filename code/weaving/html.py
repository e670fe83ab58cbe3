"""make html: report.html, one self-contained page for the browser.

Pandoc writes it from the document's tree, with formulas as MathML and figures as SVG; page.css says
how it looks.
"""

import base64
import re
import sys
from collections import Counter
from collections.abc import Callable
from html import escape
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer

from weaving import document, pandoc, tree
from weaving.command import command_line, run_and_report
from weaving.execution import build_lock, execute
from weaving.files import replace
from weaving.pandoc import Node, Rules, Tree, attributes, classes, kind, node, string, text_of
from weaving.problems import BuildFailed, Problem
from weaving.target import Target

MAX_UNSCROLLED = 45  # characters of LaTeX; a longer formula may be wider than a telephone
CLOSING = re.compile(r"[.,;:!?)\]\u2019\u201d]+")
LATEX = re.compile(r'<annotation encoding="application/x-tex">.*?</annotation>', re.DOTALL)
BOLD_ITALIC = re.compile('bold-italic">([\U0001d468-\U0001d49b])')
APPLIED = r"<mo>(?:&#8289;|\u2061)</mo></mrow>(?!<mo[^>]*>[(\[{]|</mrow>|</msu)"
FUNCTION = r'<mi mathvariant="normal">(?:log|ln|exp|sin|cos)</mi>'
NAME = rf"(?:(?<=mo>)|(?<=mrow>)){FUNCTION}(?=<m(?:i|n|su|fr))"
OPERATOR = re.compile(f"({APPLIED}|{NAME})")
PAGE = """<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


def main() -> int:
    (target,) = command_line(__doc__)
    return run_and_report(f"{target.name}.html", lambda say: make(target, say))


def make(target: Target, say: Callable) -> str:
    """Write the page; its size in words. Raises BuildFailed with what cannot be shown."""
    with build_lock(say):
        parts = document.read(execute(target, say, screen=True))
        say("convert")
        data = page(tree.read(parts, target.source), target.source).encode()
        replace(Path(f"{target.name}.html"), data)
    return f"{len(data) / 1e6:.1f} MB"


def page(blocks: Tree, source: str) -> str:
    """The tree as HTML; source is the document's name in messages.

    Raises BuildFailed with formulas that have no MathML, links that lead nowhere, ids used twice.
    """
    rules = {**RULES, "Div": lambda old: _div(old, blocks)}
    shown = pandoc.transform(blocks, rules)
    body = _mathml(pandoc.render(shown, "html5", "--mathml", "--no-highlight"))
    links = set(re.findall(r'href="#([^"]*)"', body))
    ids = Counter(re.findall(r'\bid="([^"]*)"', body))
    wrong = [f"in HTML a link leads to #{id}, which does not exist" for id in links - set(ids)]
    wrong += [f"in HTML {count} places have the id {id}" for id, count in ids.items() if count > 1]
    if wrong:
        raise BuildFailed([Problem(source, 0, message) for message in wrong])
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return PAGE.format(title=escape(tree.title_of(blocks, source)), style=style, body=body)


def _mathml(body: str) -> str:
    """Pandoc's formulas without LaTeX, with upright bold letters and a space after operators."""
    body = BOLD_ITALIC.sub(lambda bold: f'bold">{chr(ord(bold[1]) - 0x68)}', LATEX.sub("", body))
    return OPERATOR.sub(r'\1<mspace width="0.167em"></mspace>', body)


# --- each kind of node on the page ---


def _scroll_box(content: Tree, name: str, label: str, box: str = "Span") -> Node:
    """A box that scrolls on its own, also with the keyboard, if its content is too wide."""
    about = attributes("scroll", name, role="group", tabindex="0", aria_label=label)
    return node(box, about, content)


def _formula(old: Node) -> Node:
    if old["c"][0]["t"] == "DisplayMath":
        return _scroll_box([old], "formula", "Formula")
    return _scroll_box([old], "long", "Formula") if len(old["c"][1]) > MAX_UNSCROLLED else old


def _image(old: Node) -> Node:
    _, alt, (file, _) = old["c"]
    data = base64.b64encode(Path(file).read_bytes()).decode()
    image = node("Image", attributes(), alt, [f"data:image/svg+xml;base64,{data}", ""])
    return _scroll_box([image], "drawing", "Figure")


def _table(old: Node) -> Node:
    return _scroll_box([old], "table", text_of(old["c"][1]) or "Table", "Div")


def _note(old: Node) -> Node:
    return node("Span", attributes("aside", role="note"), pandoc.inlines(old["c"]))


def _code(old: Node) -> Node:
    (_, names, pairs), code = old["c"]
    options, python = dict(pairs), "python" in names
    lexer = PythonLexer(stripnl=False) if python else TextLexer(stripnl=False)
    text = highlight(code, lexer, HtmlFormatter(nowrap=True)).rstrip("\n")
    if python:
        numbered = enumerate(text.split("\n"), int(options["startFrom"]))
        lines = [f'<span class="line" data-line="{k}">{line}</span>' for k, line in numbered]
        text = "\n".join(lines)
    file = escape(options.get("file", ""))
    label = f"Listing {file}".strip() if python else "Output" if "output" in names else "Text"
    heading = f'<p class="file">{file}</p>\n' if file else ""
    box = f'<pre class="scroll" role="group" tabindex="0" aria-label="{label}">'
    return node("RawBlock", "html", f"{heading}{box}<code>{text}</code></pre>")


def _span(old: Node) -> Node:
    names, text = classes(old), text_of(old)
    if "ticks" in names:
        ticks = re.findall(r"\d+", text)
        links = [_link("tick", tick, "row", "Check ", "\u2713\u2009") for tick in ticks]
        return node("Span", attributes("ticks"), links)
    if "row" in names:
        return _link("row", text, "tick", "To formula ")
    if "title" in names:
        return node("RawInline", "html", f"<h1>{escape(text)}</h1>")
    return old


def _link(place: str, number: str, target: str, label: str, sign: str = "") -> Node:
    """The number of a claim, beside its formula or in its row, as a link to the other place."""
    about = attributes(id=f"{place}:{number}", aria_label=label + number)
    return node("Link", about, [string(sign + number)], [f"#{target}:{number}", ""])


def _div(old: Node, blocks: Tree) -> Node | Tree:
    if "contents" in classes(old):
        return _contents(blocks)
    if "front" in classes(old):
        title, *rest = old["c"][1]
        return [node("Plain", title["c"]), node("Div", attributes("subtitle"), rest)]
    return old


def _contents(blocks: Tree) -> Tree:
    """The headings as a list of links, in two levels."""
    entries: list[Tree] = []
    for header in pandoc.walk(blocks, "Header"):
        level, (id, *_), content = header["c"]
        shown = [each for each in content if kind(each) != "Note"]
        entry = [node("Plain", [node("Link", attributes(), shown, [f"#{id}", ""])])]
        if level == 2 or not entries:
            entries.append(entry)
        elif len(entries[-1]) == 1:
            entries[-1].append(node("BulletList", [entry]))
        else:
            entries[-1][1]["c"].append(entry)
    nav = node("RawBlock", "html", '<nav aria-label="Contents">')
    return [nav, node("BulletList", entries), node("RawBlock", "html", "</nav>")]


def _paragraph(old: Node) -> Node:
    """No line ends between a formula and the punctuation that follows it."""
    made: Tree = []
    for each in old["c"]:
        after_formula = kind(each) == "Str" and made and kind(made[-1]) == "Math"
        if after_formula and (mark := CLOSING.match(each["c"])):
            made[-1] = node("Span", attributes("whole"), [made[-1], string(mark[0])])
            each = string(each["c"][mark.end() :])
        made.append(each)
    return {**old, "c": made}


RULES: Rules = {
    "Math": _formula, "Image": _image, "Table": _table, "Note": _note, "CodeBlock": _code,
    "Span": _span, "Para": _paragraph, "Plain": _paragraph,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

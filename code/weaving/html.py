"""make html: report.html, one self-contained page for the browser.

Written from the document's tree, by Pandoc, with formulas as MathML and figures as SVG; page.css says how it looks.
"""

import re
import sys
from html import escape
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer

from weaving import document, tree
from weaving.files import replace
from weaving.problems import BuildFailed, Problem
from weaving.tree import Node, Tree, classes, div, kind, link, raw, span, text_of, words

LONG = 45  # characters of a formula's LaTeX from which on it may be wider than a telephone
CLOSING = re.compile(r"[.,;:!?)\]\u2019\u201d]+")
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
    from weaving.__main__ import command_line, finish
    (target,) = command_line(__doc__)
    file = Path(f"{target.name}.html")

    def make(say):
        text = written(target, say)
        replace(file, text.encode())
        return f"{len(text.encode()) / 1e6:.1f} MB"
    return finish(file.name, make)


def written(target, say) -> str:
    """The page. Raises BuildFailed with what cannot be shown and with links that lead nowhere."""
    from weaving.build import build_lock, execute
    from weaving.provenance import provenance
    with build_lock(say):
        parts = document.read(execute(target, say))
        say("convert")
        return page(tree.read(parts, target.source, provenance().macros().partition("\\input")[0]), target.source)


def page(blocks: Tree, source: str) -> str:
    """The tree as HTML; `source` is the document's name in messages."""
    title = next((text_of(node) for node in tree.walk(blocks) if "title" in classes(node)), source)
    contents = _contents(blocks)
    shown = tree.mapped(blocks, lambda node: _shown(node, contents))
    body = _mathml(tree.to_text(shown, "html5", "--mathml", "--no-highlight"))
    links, ids = re.findall(r'href="#([^"]*)"', body), re.findall(r'\bid="([^"]*)"', body)
    problems = [Problem(source, 0, f"in HTML a link leads to #{name}, which is not there") for name in sorted(set(links) - set(ids))]
    problems += [Problem(source, 0, f"in HTML two places have the id {name}") for name in sorted(set(ids)) if ids.count(name) > 1]
    if problems:
        raise BuildFailed(problems)
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return PAGE.format(title=escape(title), style=style, body=body)


def _shown(node: Node, contents: Tree) -> Node | Tree:
    """One node as the page shows it."""
    names, what = classes(node), kind(node)
    if what == "Math":
        return _formula(node)
    if what == "CodeBlock":
        return _listing(*node["c"])
    if what == "Image":
        _, alt, (file, _) = node["c"]
        return _scrolling([raw("html", drawing(Path(file), text_of(alt)), inline=True)], "drawing", label="Figure", inline=True)
    if what == "Table":
        caption = text_of(node["c"][1]) or "Table"
        return _scrolling([node], "table", label=caption)
    if what == "Note":
        content = [inline for block in node["c"] for inline in block["c"]]
        return span(content, "aside", role="note")
    if what in ("Para", "Plain"):
        return {"t": what, "c": _unbroken(node["c"])}
    if "ticks" in names:
        numbers = text_of(node).replace(" ", "").split(",")
        return span([link([words(f"\u2713\u2009{n}")], f"#row:{n}", id=f"tick:{n}", aria_label=f"Check {n}") for n in numbers], "ticks")
    if "row" in names:
        n = text_of(node)
        return link([words(n)], f"#tick:{n}", id=f"row:{n}", aria_label=f"To formula {n}")
    if "contents" in names:
        return contents
    if "title" in names:
        return raw("html", f"<h1>{escape(text_of(node))}</h1>", inline=True)
    if "front" in names:
        title, *rest = node["c"][1]
        return [{"t": "Plain", "c": title["c"]}, div(rest, "subtitle")]
    return node


def _contents(blocks: Tree) -> Tree:
    """The headings as a list of links."""
    entries = []
    for node in tree.walk(blocks):
        if kind(node) == "Header":
            level, (id, *_), content = node["c"]
            entry = [{"t": "Plain", "c": [link([each for each in content if kind(each) != "Note"], f"#{id}")]}]
            if level > 2 and entries:
                if len(entries[-1]) == 1:
                    entries[-1].append({"t": "BulletList", "c": []})
                entries[-1][1]["c"].append(entry)
            else:
                entries.append(entry)
    return [raw("html", '<nav aria-label="Contents">'), {"t": "BulletList", "c": entries}, raw("html", "</nav>")]


def _unbroken(inlines: Tree) -> Tree:
    """No line ends between a formula and the punctuation that follows it."""
    made: Tree = []
    for node in inlines:
        mark = CLOSING.match(node["c"]) if kind(node) == "Str" and made and kind(made[-1]) == "Math" else None
        if mark:
            made[-1] = span([made[-1], words(mark[0])], "whole")
            node = words(node["c"][mark.end():])
        made.append(node)
    return made


def _mathml(body: str) -> str:
    """Pandoc's formulas without its LaTeX, with upright bold letters and with a space after the name of an operator."""
    body = re.sub(r'<annotation encoding="application/x-tex">.*?</annotation>', "", body, flags=re.DOTALL)
    body = re.sub('bold-italic">([\U0001D468-\U0001D49B])', lambda bold: f'bold">{chr(ord(bold[1]) - 0x68)}', body)
    space = '<mspace width="0.167em"></mspace>'
    return re.sub(r"(<mo>(?:&#8289;|\u2061)</mo></mrow>)(?!<mo[^>]*>[(\[{]|</mrow>|</msu)", rf"\1{space}", body)


def _formula(node: Node) -> Node:
    display = node["c"][0]["t"] == "DisplayMath"
    if display or len(node["c"][1]) > LONG:
        return _scrolling([node], "formula" if display else "long", label="Formula", inline=True)
    return node


def _scrolling(content: Tree, *names: str, label: str, inline: bool = False) -> Node:
    """A box that scrolls by itself where its content is wider than the page, with the keyboard, too."""
    make = span if inline else div
    return make(content, "scroll", *names, role="group", tabindex="0", aria_label=label)


def _listing(about: list, code: str) -> Tree:
    attributes = dict(about[2])
    lexer = PythonLexer(stripnl=False) if "python" in about[1] else TextLexer(stripnl=False)
    lines = highlight(code, lexer, HtmlFormatter(nowrap=True)).rstrip("\n").split("\n")
    if first := int(attributes.get("startFrom", 0)):
        lines = [f'<span class="line" data-line="{first + k}">{line}</span>' for k, line in enumerate(lines)]
    file = attributes.get("file", "")
    label = f"Listing of {file}" if file else "Listing" if first else "Output"
    heading = f'<p class="file">{escape(file)}</p>\n' * bool(file)
    body = "\n".join(lines)
    return raw("html", f'{heading}<pre class="scroll" role="group" tabindex="0" aria-label="{escape(label)}"><code>{body}</code></pre>')


def drawing(file: Path, alt: str) -> str:
    """The figure's SVG for use within HTML; its ids are its own."""
    text = file.read_text(encoding="utf-8")
    text = text[text.index("<svg"):].replace("xlink:href", "href")
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->| xmlns(?::\w+)?=\"[^\"]*\"", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{file.stem}-", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)


if __name__ == "__main__":
    sys.exit(main())

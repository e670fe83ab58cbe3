"""The report's LaTeX as the Markdown of notebooks, by pandoc; formulas stay LaTeX, with our own macros written out."""

import json
import re
from pathlib import Path

HOUSE = Path(__file__).with_name("house.sty")
BIBLIOGRAPHY = Path("bib/references.bib")
MARKDOWN = "gfm-tex_math_gfm+tex_math_dollars"
LEDGER = "app:ledger"  # where a mark leads
BOXED = "boxed"

# What house.sty does for a page, for pandoc to read in its place.
MACROS = r"""
\newcommand{\fitted}[1]{#1}
\newcommand{\fittedtext}[1]{#1}
\newcommand{\texorpdfstring}[2]{#2}
\newcommand{\exercise}[2]{\section{#1. #2}}
\newcommand{\subexercise}[2]{\subsection{#1. #2}}
\renewcommand{\paragraph}[1]{\par\textbf{#1} }
\newcommand{\claimmark}[1]{\textsuperscript{\hyperref[""" + LEDGER + r"""]{✓#1}}}
\renewcommand{\enspace}{\ }
\newcommand{\Citet}{\citet}
\newcommand{\claimrow}[1]{#1}
\newcommand{\listingname}[1]{\par\texttt{#1}\par}
\newcommand{\floatcaption}[2]{\par\textbf{#1.} #2\par}
\newenvironment{answer}{\begin{boxed}\textbf{Answer.} }{\end{boxed}}
\newenvironment{claimbox}[1][]{\begin{boxed}\textbf{#1.} }{\end{boxed}}
\newcommand{\aside}[1]{ (#1)}
\newenvironment{wide}{}{}
\newcommand{\sidefigure}[2]{#1 #2}
\newcommand{\wideformula}[1]{\[#1\]}
\newcommand{\onpage}[1]{ · }
\newenvironment{remark}[1][]{\par\textbf{Remark (#1).} }{\par}
"""

LISTING = re.compile(r"\\begin\{Verbatim\}\[([^\n]*)\]\n(.*?)\n\\end\{Verbatim\}", re.DOTALL)
TOKEN = re.compile(r"\\PY\{[^{}]*\}\{([^{}]*)\}")
ESCAPED = {"bs": "\\", "us": "_", "ob": "{", "cb": "}", "ca": "^", "am": "&", "lt": "<", "gt": ">", "sh": "#", "pc": "%",
           "dl": "$", "hy": "-", "sq": "'", "dq": '"', "ti": "~", "at": "@", "lb": "[", "rb": "]"}
PRIVATE = 0xe000  # letters that no listing holds
ESCAPE = re.compile(r"\\PYZ(\w\w)\{\}")
GROUP = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"  # braces, three deep
COLUMNS = re.compile(rf"(\\begin\{{(?:tabular|longtable)\}}|\\multicolumn\{{\d+\}})({GROUP})")
MATRIX = re.compile(r"\\begin\{pmatrix\*\}\[r\]\n(.*?)\n\\end\{pmatrix\*\}", re.DOTALL)
GATHERED = re.compile(r"\\(begin|end)\{(?:multline|gather)\*?\}")
ALIGNED = re.compile(r"\\(begin|end)\{alignat\*\}(?:\s*\{\d+\})?")


def markdown(tex, bibliography=False):
    """LaTeX as Markdown; with bibliography, what it cites is listed at its end. Needs pypandoc."""
    return written(blocks(tex, bibliography))


def blocks(tex, bibliography=False):
    """LaTeX as pandoc's blocks: citations resolved, boxes as quotations, links to headings as notebooks name them."""
    import pypandoc
    options = ["--citeproc", f"--bibliography={BIBLIOGRAPHY}"] if BIBLIOGRAPHY.exists() else []
    options += [] if bibliography else ["--metadata=suppress-bibliography=true"]
    text = LISTING.sub(_verbatim, house_macros() + MACROS + COLUMNS.sub(_plain_columns, tex))
    document = json.loads(pypandoc.convert_text(text, "json", format="latex", extra_args=options))
    headings = {}
    walked = _walked(document["blocks"], headings)
    return _aimed(walked, headings)


def written(blocks):
    """Pandoc's blocks as Markdown."""
    import pypandoc
    document = json.dumps({"pandoc-api-version": [1, 23], "meta": {}, "blocks": blocks})
    return pypandoc.convert_text(document, MARKDOWN, format="json", extra_args=["--wrap=none"]).strip()


def house_macros():
    """The macros of formulas, as house.sty defines them."""
    text = HOUSE.read_text(encoding="utf-8")
    section = text[text.index("% --- mathematics"):text.index("% --- links")]
    macros = re.findall(r"^\\(?:renewcommand|newcommand|DeclareMathOperator)\{.*$", section, re.MULTILINE)
    pairs = re.findall(r"^\\DeclarePairedDelimiter(\{.*?\})\{(.*?)\}\{(.*?)\}$", section, re.MULTILINE)
    macros += [rf"\newcommand{name}[1]{{{left} #1{right}}}" for name, left, right in pairs]
    return "\n".join(macro for macro in macros if r"\fitted" not in macro and r"\wideformula" not in macro)


def without_pandoc(tex):
    """What can be shown where pandoc is not installed: formulas as formulas, the rest as it is."""
    formulas = re.findall(r"\\paragraph\{(.*?)\}\{|(\\begin\{alignat\*\}.*?\\end\{alignat\*\})", tex, re.DOTALL)
    if not formulas:
        return f"```latex\n{tex}\n```"
    return "\n\n".join(f"**{title}**" if title else f"$${plain_math(formula)}$$" for title, formula in formulas)


def plain_math(formula):
    """A formula without what only LaTeX's packages know."""
    def array(match):
        columns = match.group(1).split("\n")[0].count("&") + 1
        return f"\\left(\\begin{{array}}{{{'r' * columns}}}\n{match.group(1)}\n\\end{{array}}\\right)"

    formula = ALIGNED.sub(r"\\\1{aligned}", GATHERED.sub(r"\\\1{gathered}", MATRIX.sub(array, formula))).replace(r"\fitted", "")
    return " ".join(formula.split())  # one line: in a quotation each line would begin with >


def _verbatim(match):
    """A listing that Pygments coloured, as it was before."""
    names = list(ESCAPED)
    marked = ESCAPE.sub(lambda escape: chr(PRIVATE + names.index(escape.group(1))), match.group(2))  # braces among them
    code = re.sub("[\ue000-\ue0ff]", lambda mark: ESCAPED[names[ord(mark.group(0)) - PRIVATE]], TOKEN.sub(r"\1", marked))
    language = "[language=Python]" if "numbers=left" in match.group(1) else ""
    return f"\\begin{{lstlisting}}{language}\n{code}\n\\end{{lstlisting}}"


def _plain_columns(match):
    """The columns of a table by their letters alone; pandoc loses cells over some of the rest."""
    letters = re.sub(f"[@>]{GROUP}", "", match.group(2)[1:-1])
    return f"{match.group(1)}{{{re.sub(f'p{GROUP}', 'l', letters)}}}"


def _walked(node, headings):
    """The same without divisions and spans, which Markdown would show as HTML; notes each heading's label and place."""
    if isinstance(node, list):
        return _joined([new for old in node for new in _replaced(old, headings)])
    if isinstance(node, dict):
        return {key: _walked(value, headings) for key, value in node.items()}
    return node


def _replaced(node, headings):
    kind = node.get("t") if isinstance(node, dict) else None
    if kind in ("Div", "Span"):
        (_, classes, _), content = node["c"]
        inside = _walked(content, headings)
        return [{"t": "BlockQuote", "c": inside}] if BOXED in classes else inside
    if kind == "Table" and _has_wide_cells(node):
        return [_with_raw_math(_walked(node, headings))]
    if kind == "Math":
        return [{"t": "Math", "c": [node["c"][0], plain_math(node["c"][1])]}]
    if kind == "Header":
        level, (label, *_), content = node["c"]
        content = _walked(content, headings)
        if content and content[0].get("c") == ".":  # a heading without a number
            content = content[2:]
        headings[label] = _plain(content).replace(" ", "-")
        return [{"t": "Header", "c": [level + (label != "title"), ["", [], []], content]}]
    return [_walked(node, headings)]


def _has_wide_cells(table):
    return any(cell[3] > 1 for body in table["c"][4] for row in body[3] for cell in row[1])


def _with_raw_math(node):
    """A table that Markdown can only hold as HTML, in which pandoc would set formulas without TeX."""
    if _is(node, "Math"):
        formula = plain_math(node["c"][1]).replace("<", r"\lt ").replace(">", r"\gt ")
        return {"t": "RawInline", "c": ["html", f"${formula}$"]}
    if isinstance(node, dict):
        return {key: _with_raw_math(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_raw_math(each) for each in node]
    return node


def _joined(nodes):
    """Two formulas side by side as one: $a$$b$ would begin a display."""
    joined = []
    for node in nodes:
        if _inline_math(node) and joined and _inline_math(joined[-1]):
            joined[-1] = {"t": "Math", "c": [node["c"][0], joined[-1]["c"][1] + " " + node["c"][1]]}
        else:
            joined.append(node)
    return joined


def _inline_math(node):
    return _is(node, "Math") and node["c"][0]["t"] == "InlineMath"


def _aimed(node, headings):
    """The same with links to labels as links to the headings that have them; to anything else a notebook has none."""
    if isinstance(node, list):
        return [new for old in node for new in (_aimed_link(old, headings) if _is(old, "Link") else [_aimed(old, headings)])]
    if isinstance(node, dict):
        return {key: _aimed(value, headings) for key, value in node.items()}
    return node


def _aimed_link(link, headings):
    _, text, (target, title) = link["c"]
    place = headings.get(target.removeprefix("#"))
    if target.startswith("#") and place is None:
        return text
    target = target if place is None else "#" + place.replace("(", "%28").replace(")", "%29")
    return [{"t": "Link", "c": [["", [], []], text, [target, title]]}]


def _is(node, kind):
    return isinstance(node, dict) and node.get("t") == kind


def _plain(inlines):
    """The text that a heading shows."""
    return "".join(" " if each["t"] in ("Space", "SoftBreak") else
                   each["c"] if each["t"] == "Str" else
                   _plain(each["c"][-1] if isinstance(each["c"][-1], list) else each["c"]) if isinstance(each.get("c"), list) else ""
                   for each in inlines if not each["t"] == "Math")

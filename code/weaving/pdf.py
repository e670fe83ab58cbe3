"""The document as LaTeX for the PDF, and for each line of the LaTeX its line of the source."""

import functools
from typing import ClassVar

from pygments import highlight
from pygments.formatters import LatexFormatter
from pygments.lexer import Lexer
from pygments.lexers import PythonLexer, TextLexer
from pygments.style import Style
from pygments.token import Comment, Keyword, Operator, String

from weaving.document import Chunk, Figure, Listing, Output, Part, Text, render_parts
from weaving.latex import escape

PYTHON, PLAIN = PythonLexer(stripnl=False), TextLexer()
MAX_UNBROKEN_LINES = 45  # a longer listing or output flows over pages


class Quiet(Style):
    """Colours only, with a contrast of at least 4.5:1; italic and bold would break the columns."""

    styles: ClassVar = {
        Keyword: "#1B4F72",
        Operator.Word: "#1B4F72",
        String: "#7A3300",
        String.Doc: "#5A6270",
        Comment: "#5A6270",
    }


def write(parts: list[Part]) -> tuple[str, list[int]]:
    """The LaTeX, and for each of its lines the line of the source that made it."""
    return render_parts(parts, _latex)


def figures(parts: list[Part]) -> list[str]:
    """The files of the figures among the parts."""
    shown = [each for part in parts if isinstance(part, Chunk) for each in part.shown]
    return [each.pdf for each in shown if isinstance(each, Figure)]


def preamble() -> str:
    """What a document loads with \\input{listings}: the colours of code, and overflow.sty."""
    straight_quote = "\\def\\PYZsq{\\textquotesingle}\n"  # a curly quote would break pasted code
    colours = LatexFormatter(style=Quiet).get_style_defs()
    return f"{colours}{straight_quote}\\RequirePackage{{overflow}}\n"


def _latex(part: Part) -> str:
    match part:
        case Text():
            return part.latex
        case Chunk():
            return "".join(map(_latex, part.shown)) or "%\n"
        case Listing():
            lines = part.code.count("\n") + 3  # the name stays with what must stand on one page
            room = f"\\Needspace{{{10.1 * min(lines, MAX_UNBROKEN_LINES):.0f}pt}}"
            heading = f"{room}\\listingname{{{escape(part.file)}}}\n" if part.file else ""
            numbered = f"numbers=left,firstnumber={part.first}," if part.file else ""
            options = numbered + "formatcom=\\listing"
            return heading + _coloured(part.code, PYTHON, options)
        case Output():
            rule = "frame=leftline,framerule=0.8pt,rulecolor=\\color{rulegrey},framesep=2mm"
            return _coloured(part.text, PLAIN, "formatcom=\\printed," + rule)
        case Figure():
            return (
                f"\\begin{{figure}}[htb]\n\\sidefigure\n"
                f"{{\\includegraphics[alt={{{part.alt}}}]{{{part.pdf}}}}}\n"
                f"{{\\caption{{{part.caption}}}\\label{{fig:{part.label}}}}}\n\\end{{figure}}"
            )


@functools.cache  # each part is written twice, for LaTeX at once and with the line map at the end
def _coloured(code: str, lexer: Lexer, options: str) -> str:
    if code.count("\n") >= MAX_UNBROKEN_LINES:
        options += ",samepage=false"
    return highlight(code, lexer, LatexFormatter(style=Quiet, verboptions=options)).rstrip("\n")

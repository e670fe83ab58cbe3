"""The woven LaTeX to XHTML with MathML by LaTeXML, and the figures to SVG by Poppler."""

import os
import re
import shutil
import subprocess
from html import escape
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer

from weaving.html import fonts
from weaving.problems import BuildFailed, Problem

PROGRAMS = {"latexmlc": "latexml", "pdftocairo": "poppler-utils"}  # the program: Debian's package
PAGE = "report.html"
HERE = Path(__file__).parent
VERBATIM = re.compile(r"\\begin\{Verbatim\}(?:\[(.*?)\])?\n(.*?)\n\\end\{Verbatim\}", re.DOTALL)
GRAPHICS = re.compile(r"\\includegraphics\[alt=\{(.*?)\}\]\{(.*?)\}")
LETTERS = {"bs": "\\", "us": "_", "ob": "{", "cb": "}", "ca": "^", "am": "&", "lt": "<", "gt": ">", "sh": "#", "pc": "%",
           "dl": "$", "hy": "-", "sq": "'", "dq": '"', "ti": "~"}  # Pygments' names for what TeX would take for its own

# Said by every run, and true of no fault in the report: (its words, why it is harmless).
HARMLESS = [
    ("Use of uninitialized value", "of LaTeXML's own Perl, at every operator that is declared"),
    ("not_parsed", "the formula is set as it stands; only its meaning for a computer is not known"),
]


def missing():
    """One message that says what to install; empty if all is there."""
    lacking = {program: package for program, package in PROGRAMS.items() if not shutil.which(program)}
    lacking |= {file: package for _, file, package, _ in fonts.FACES if not fonts.find(file)}
    if not lacking:
        return ""
    return (f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} needed. Type\n"
            f"    sudo apt-get install --no-install-recommends {' '.join(dict.fromkeys(lacking.values()))}")


def prepared(tex, provenance, bibliography):
    """The woven LaTeX for LaTeXML, and as XML what page.py puts into its places: the listings and figures, in order."""
    places = []

    def taken(made):
        def place(match):
            places.append(made(*match.groups()))
            return rf"\htmlplace{{{len(places) - 1}}}"
        return place

    tex = re.sub(r"\\DocumentMetadata\{.*?\}\n|\\input\{listings\}\n|\\hypersetup\{pdftitle.*\n", "", tex)
    tex = tex.replace("\\input{provenance}\n", "".join(re.findall(r"^\\newcommand.*\n", provenance, re.MULTILINE)))
    tex = tex.replace("\\ \\mat", "\\quad\\mat")  # LaTeXML drops the smaller space, and [A B] would read as a product
    tex = VERBATIM.sub(taken(listing), tex)
    tex = GRAPHICS.sub(taken(drawing), tex)
    return re.sub(r"\\bibliography\{.*?\}", lambda match: bibliography, tex), places


def listing(options, latex):
    """Pygments' LaTeX as HTML, its lines numbered as in the file."""
    first = re.search(r"firstnumber=(\d+)", options or "")
    lexer = PythonLexer(stripnl=False) if first else TextLexer()
    lines = highlight(plain(latex), lexer, HtmlFormatter(nowrap=True)).rstrip("\n").split("\n")
    if first:
        lines = [f'<span class="line" data-line="{number}">{line}</span>'
                 for number, line in enumerate(lines, int(first.group(1)))]
    return '<pre class="scroll"><code>' + "\n".join(lines) + "</code></pre>"


def plain(latex):
    """The code in Pygments' LaTeX."""
    code = re.sub(r"\\PY\{[^{}]*\}\{((?:[^{}]|\{\})*)\}", r"\1", latex)
    return re.sub(r"\\PYZ([a-z]+)\{\}", lambda match: LETTERS[match.group(1)], code)


def drawing(alt, figure):
    """The figure, a PDF, as SVG; letters are outlines, and its ids are its own."""
    done = subprocess.run(["pdftocairo", "-svg", figure, "-"], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        raise BuildFailed([Problem(figure, 0, f"pdftocairo: {done.stderr.decode('utf-8', 'replace').strip()}")])
    text = re.sub(r"<\?.*?\?>", "", done.stdout.decode()).replace("xlink:href", "href")
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{Path(figure).stem}-", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)


def mathematics(style):
    """The part of house.sty that defines its mathematics."""
    return re.search(r"^% --- mathematics -+\n(.*?)^% --- ", style, re.MULTILINE | re.DOTALL).group(1)


def latexml(tex, folder):
    """Run LaTeXML on the text; its XHTML. Raises BuildFailed with all it complains of."""
    folder.mkdir(parents=True, exist_ok=True)
    out, log = folder / "converted.xhtml", folder / "converted.log"
    out.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    (folder / "converted.tex").write_text(tex, encoding="utf-8")
    style = (HERE.parent / "house.sty").read_text(encoding="utf-8")
    (folder / "mathematics.tex").write_text(mathematics(style), encoding="utf-8")
    command = ["latexmlc", "--format=xhtml", "--stylesheet=LaTeXML-html5.xsl", "--nocomments", "--nodefaultresources",
               "--timeout=900", f"--path={HERE}", f"--path={folder}", f"--destination={out}", f"--log={log}",
               str(folder / "converted.tex")]
    done = subprocess.run(command, env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = done.stdout.decode("utf-8", "replace")
    problems = complaints(log.read_text(encoding="utf-8", errors="replace") if log.exists() else said)
    if not problems and (done.returncode or not out.exists()):
        problems = [Problem(PAGE, 0, f"latexmlc stopped with status {done.returncode}", said[-2000:])]
    if problems:
        raise BuildFailed(problems)
    return out.read_text(encoding="utf-8")


def complaints(log):
    """The errors and warnings in LaTeXML's log that are not harmless."""
    found = re.findall(r"^((?:Error|Fatal|Warning):.*(?:\n\t.*)?)", log, re.MULTILINE)
    return [Problem(PAGE, 0, f"LaTeXML: {message.splitlines()[0]}", "\n".join(message.splitlines()[1:]))
            for message in found if not any(words in message for words, _ in HARMLESS)]

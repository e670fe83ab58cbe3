"""python -m weaving.html: report.html from build/report.tex, which make pdf leaves there."""

import re
import sys
import time
from pathlib import Path

from weaving.build import BUILD, JOB
from weaving.files import replace
from weaving.html import convert
from weaving.html.page import page
from weaving.problems import BuildFailed, Problem


def main():
    start = time.perf_counter()
    if message := convert.missing():
        return give_up(message)
    try:
        text = make()
        replace(Path(convert.PAGE), text.encode())
    except BuildFailed as failed:
        return give_up(failed)
    except OSError as error:
        return give_up(f"{error.filename or convert.PAGE}: {error.strerror or error}")
    except KeyboardInterrupt:
        return give_up("interrupted")
    print(f"{convert.PAGE}: {len(text.encode()) / 1e6:.1f} MB, {time.perf_counter() - start:.0f} s")
    return 0


def make():
    """The page. Raises BuildFailed with what the converters complain of or have lost."""
    tex = JOB.with_suffix(".tex").read_text(encoding="utf-8")
    ready, places = convert.prepared(tex, (BUILD / "provenance.tex").read_text(encoding="utf-8"),
                                     JOB.with_suffix(".bbl").read_text(encoding="utf-8"))
    text = page(convert.latexml(ready, BUILD / "html"), places, title(tex))
    if problems := lost(tex, text):
        raise BuildFailed(problems)
    return text


def title(tex):
    return re.search(r"pdftitle=\{+(.*?)\}", tex).group(1)


# What the LaTeX and the page must have equally many of.
COUNTED = [
    ("claim marks", r"\\claimmark\{", 'class="mark"'),
    ("rows of the ledger", r"\\claimrow\{", 'class="row"'),
    ("matrices", r"\\begin\{(?:[pb]?matrix\*?|array|multline\*?)\}|\\substack\{", "<mtable"),
    ("listings", r"\\begin\{Verbatim\}", "<pre"),
    ("figures", r"\\includegraphics", "<svg"),
    ("answers", r"\\begin\{answer\}", 'class="answer"'),
    ("headings", r"\\(?:sub)?exercise\{", r"<h[23]\b(?!>References)"),
    ("side notes", r"\\aside\{", 'role="note"'),
    ("tables", r"\\begin\{(?:tabular|longtable)\}", "<table"),
]


def lost(tex, text):
    """LaTeXML drops what it does not understand, and does not always say so: count."""
    problems = []
    for what, there, here in COUNTED:
        wanted, found = len(re.findall(there, tex)), len(re.findall(here, text))
        if wanted != found:
            problems.append(Problem(convert.PAGE, 0, f"the LaTeX has {wanted} {what}, the page {found}"))
    links, ids = set(re.findall(r'href="#([^"]*)"', text)), set(re.findall(r'\bid="([^"]*)"', text))
    return problems + [Problem(convert.PAGE, 0, f"a link to #{link} leads nowhere") for link in sorted(links - ids)]


def give_up(message):
    print(f"html: {message}\n{convert.PAGE} is left as it was", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

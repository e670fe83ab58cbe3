"""Faults of a document that TeX does not report."""

import os
import re
from pathlib import Path

from weaving.files import text_or_empty
from weaving.problems import Problem

CODE = re.compile(r"<<.*>>=|(?!\s*%).*<%=")
PAPER = re.compile(r"^overflow: paper (\d+),(\d+)$", re.MULTILINE)  # in the log, in scaled points
WORD_END = re.compile(rb"^x(\d+),(\d+):(-?\d+),(-?\d+)$", re.MULTILINE)  # in SyncTeX's data
# Inside these SyncTeX's places are not where the text is printed.
TURNED = re.compile(r"\\(?:rotatebox|scalebox|resizebox|begin\{(?:sideways|landscape|tikz|adjust))")
POINT = 65536  # scaled points


def code_outside_document(names: list[str]) -> list[Problem]:
    """Code in the files with these names that LaTeX reads itself: it would be printed, not run."""
    message = "code runs in a .texw only; move this text there"
    return [Problem(name, number, message)
            for name in names if name.endswith(".tex") and not os.path.isabs(name)
            for number, line in enumerate(text_or_empty(Path(name)).splitlines(), 1)
            if CODE.match(line)]  # fmt: skip


def text_off_page(stem: Path, source: str, lines: list[int]) -> list[Problem]:
    r"""Words that end beyond the paper, which TeX does not report (\rlap, \hspace, \vspace)."""
    paper = PAPER.search(text_or_empty(stem.with_suffix(".log")))
    if not paper or TURNED.search(text_or_empty(stem.with_suffix(".tex"))):
        return []
    width, height = map(int, paper.groups())
    data = stem.with_suffix(".synctex").read_bytes()
    own = re.search(rb"^Input:(\d+):.*" + re.escape(f"{stem.name}.tex".encode()) + b"$", data, re.M)
    found = set()
    for match in WORD_END.finditer(data):
        across, down = int(match[3]), int(match[4])
        if not (-POINT < across < width + POINT and -POINT < down < height + POINT):
            in_document = own and match[1] == own[1]
            found.add(lines[min(int(match[2]), len(lines)) - 1] if in_document else 0)
    message = "text here runs off the page"
    return [Problem(source, line, message) for line in sorted(found)]

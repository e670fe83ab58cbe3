"""Faults of a document that neither LaTeX nor BibTeX reports."""

import os
import re
from pathlib import Path

from weaving.files import text_or_empty
from weaving.problems import Problem
from weaving.texlog import aux_of, find_bib

CODE = re.compile(r"<<.*>>=|(?!\s*%).*<%=")
PAPER = re.compile(r"^overflow: paper (\d+),(\d+)$", re.MULTILINE)  # in the log, in scaled points
WORD_END = re.compile(rb"^x(\d+),(\d+):(-?\d+),(-?\d+)$", re.MULTILINE)  # in SyncTeX's data
# Inside these SyncTeX's places are not where the text is printed.
TURNED = re.compile(r"\\(?:rotatebox|scalebox|resizebox|begin\{(?:sideways|landscape|tikz|adjust))")
POINT = 65536  # scaled points
CITATION = re.compile(r"\\[cC]ite\w*\*?\s*(?:\[[^]]*\]\s*)*\{([^}]+)\}")
ENTRY = re.compile(r"@(?!string|comment|preamble)\w+\{([^,]+),", re.IGNORECASE)
CROSSREF = re.compile(r"\bcrossref\s*=\s*[{\"]([^}\"]+)", re.IGNORECASE)


def code_outside_document(names: list[str]) -> list[Problem]:
    """Code in the files with these names that LaTeX reads itself: it would be printed, not run."""
    message = "code runs in a .texw only; move this text there"
    return [Problem(name, number, message)
            for name in names if name.endswith(".tex") and not os.path.isabs(name)
            for number, line in enumerate(text_or_empty(Path(name)).splitlines(), 1)
            if CODE.match(line)]  # fmt: skip


def text_off_page(job: Path, source: str, lines: list[int]) -> list[Problem]:
    r"""Words that end beyond the paper, of which TeX says nothing (\rlap, \hspace, \vspace)."""
    paper = PAPER.search(text_or_empty(job.with_suffix(".log")))
    if not paper or TURNED.search(text_or_empty(job.with_suffix(".tex"))):
        return []
    width, height = map(int, paper.groups())
    data = job.with_suffix(".synctex").read_bytes()
    own = re.search(rb"^Input:(\d+):.*" + re.escape(f"{job.name}.tex".encode()) + b"$", data, re.M)
    found = set()
    for match in WORD_END.finditer(data):
        across, down = int(match[3]), int(match[4])
        if not (-POINT < across < width + POINT and -POINT < down < height + POINT):
            in_document = own and match[1] == own[1]
            found.add(lines[min(int(match[2]), len(lines)) - 1] if in_document else 0)
    message = "text here runs off the page"
    return [Problem(source, line, message) for line in sorted(found)]


def uncited_entries(job: Path) -> list[Problem]:
    """Entries of the bibliography that no document of the folder cites."""
    aux = aux_of(job)
    lists = re.findall(r"\\citation\{([^}]*)\}", aux)
    for path in Path().glob("*.texw"):
        if path.stem != job.name:
            lists += CITATION.findall(text_or_empty(path))
    names = ",".join(re.findall(r"\\bibdata\{([^}]*)\}", aux)).split(",")
    bibs = [find_bib(name.removesuffix(".bib") + ".bib") for name in names]
    lists += [key for bib in bibs for key in CROSSREF.findall(text_or_empty(bib))]
    cited = {key.strip().lower() for keys in lists for key in keys.split(",")}  # as BibTeX does
    problems = []
    for bib in bibs:
        for number, line in enumerate(text_or_empty(bib).splitlines(), 1):
            entry = ENTRY.match(line)
            if entry and not {entry[1].strip().lower(), "*"} & cited:
                problems.append(Problem(str(bib), number, f"{entry[1]} is never cited"))
    return problems

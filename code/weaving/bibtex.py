"""BibTeX: its run before LaTeX, what it reports, and the entries that nobody cites."""

import contextlib
import re
import subprocess
from pathlib import Path

from weaving.files import text_or_empty
from weaving.problems import Problem
from weaving.project import BIB

BIBLIOGRAPHY_COMMAND = re.compile(r"\\(bibliography(?:style)?)\{([^}]+)\}")
CITATION = re.compile(r"\\[cC]ite\w*\*?\s*(?:\[[^]]*\]\s*)*\{([^}]+)\}")
ENTRY = re.compile(r"@(?!string|comment|preamble)\w+\{([^,]+),", re.IGNORECASE)
CROSSREF = re.compile(r"\bcrossref\s*=\s*[{\"]([^}\"]+)", re.IGNORECASE)
BIBTEX = re.compile(r"^(?:Warning--|I couldn't|I found no|Repeated entry|A bad cross|Sorry).*$"
                    r"|^[^\s-].*---line \d+ of file .*$", re.MULTILINE)  # fmt: skip


def make_references(stem: Path, text: str, environment: dict[str, str]) -> None:
    """Run BibTeX before the first pass of LaTeX, which saves a pass: the references are there.

    text: of the document; environment: that TeX runs in. What is missed or wrong here, later passes
    correct.
    """
    aux = stem.with_suffix(".aux")
    needed = {"bibliography": "bibdata", "bibliographystyle": "bibstyle"}
    lines = [rf"\{needed[what]}{{{name}}}" for what, name in BIBLIOGRAPHY_COMMAND.findall(text)]
    if len(lines) < len(needed):
        return
    lines += [rf"\citation{{{keys}}}" for keys in CITATION.findall(text)]
    aux.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with contextlib.suppress(OSError):  # latexmk says that BibTeX is missing
        command = ["bibtex", "-terse", str(stem)]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL)
    aux.unlink()


def aux_of(stem: Path) -> str:
    r"""What LaTeX has written of citations and labels, also for files that it \include-s."""
    aux = text_or_empty(stem.with_suffix(".aux"))
    parts = re.findall(r"^\\@input\{(.*)\}", aux, re.MULTILINE)
    return aux + "".join(text_or_empty(stem.parent / part) for part in parts)


def problems(stem: Path) -> list[Problem]:
    """What BibTeX reports; LaTeX itself says which citations are undefined, and where."""
    found = []
    if r"\bibdata" not in aux_of(stem):  # it was run before the bibliography was taken away
        return found
    log = re.sub(r"\n(?=--line|refers to)", " ", text_or_empty(stem.with_suffix(".blg")))
    for message in BIBTEX.findall(log):
        if match := re.match(r"(.*?)-+line (\d+) of file (\S+)$", message):
            what = match[1].removeprefix("Warning--").strip()
            found.append(Problem(str(_find(match[3])), int(match[2]), f"BibTeX: {what}"))
        elif "database entry for" not in message:
            found.append(Problem(str(BIB), 0, f"BibTeX: {message.removeprefix('Warning--')}"))
    return found


def bibliographies(text: str) -> list[Path]:
    """The files that a document's \\bibliography names."""
    named = [names for what, names in BIBLIOGRAPHY_COMMAND.findall(text) if what == "bibliography"]
    return _bibliographies(named)


def _bibliographies(lists):
    names = [name.strip().removesuffix(".bib") for name in ",".join(lists).split(",")]
    return [_find(f"{name}.bib") for name in names if name]


def _find(name):
    """Where BibTeX finds a file: in bib/, or as it is named."""
    return next((path for path in (BIB / name, Path(name)) if path.is_file()), Path(name))


def uncited_entries(stem: Path) -> list[Problem]:
    """Entries of the bibliography that no document of the folder cites."""
    aux = aux_of(stem)
    lists = re.findall(r"\\citation\{([^}]*)\}", aux)
    for path in Path().glob("*.texw"):
        if path.stem != stem.name:
            lists += CITATION.findall(text_or_empty(path))
    bibs = _bibliographies(re.findall(r"\\bibdata\{([^}]*)\}", aux))
    lists += [key for bib in bibs for key in CROSSREF.findall(text_or_empty(bib))]
    cited = {key.strip().lower() for keys in lists for key in keys.split(",")}  # as BibTeX does
    problems = []
    for bib in bibs:
        for number, line in enumerate(text_or_empty(bib).splitlines(), 1):
            entry = ENTRY.match(line)
            if entry and not {entry[1].strip().lower(), "*"} & cited:
                problems.append(Problem(str(bib), number, f"{entry[1]} is never cited"))
    return problems

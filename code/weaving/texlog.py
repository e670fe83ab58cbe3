"""Every fault and warning of LaTeX's and BibTeX's logs as a Problem at its line of the document."""

import itertools
import os
import re
from dataclasses import replace
from pathlib import Path

from weaving.files import text_or_empty
from weaving.problems import Problem

ERROR = re.compile(r"^(?:\./)?([^\s:]+\.\w+):(\d+): (.+)$")
SAID = [  # (a message that is not an ERROR, what it says); `line` is one of the LaTeX
    (r"![! ]*(?P<words>.+)", "{words}"),
    (r"\s*\(\\end occurred inside a group", "a group is not closed at the end"),
    (r"\s*\(\\end occurred when (?P<words>\\\w+) on line (?P<line>\d+)", r"{words} has no \fi"),
    (r"### (.*) group \(level \d+\) entered at line (?P<line>\d+) \((?P<words>.*)\)",
     "the group opened here, {words}, is not closed"),
    # from one point on: what sticks out less cannot be seen
    (r"Overfull \\hbox \((?P<points>[1-9][\d.]*)pt too wide\)(.*? at lines? (?P<line>\d+))?",
     r"Overfull \hbox: the line sticks out by {points}pt"),
    (r"Overfull \\vbox \((?P<points>[1-9][\d.]*)pt too high\)(.*? at lines? (?P<line>\d+))?",
     r"Overfull \vbox: page {page} is too full by {points}pt"),
    (r"(?P<words>Missing character: .+)", "{words}"),
    (r"(LaTeX|Package|Class|Module)\b.*?[Ww]arning( \(\w+\))?: (?P<words>.+)", "{words}"),
    (r".*?pdfTeX warning( \(\w+\))?: (?P<words>.+)", "{words}"),
]  # fmt: skip
CONTINUED = re.compile(r"^(?:(\([\w@-]+\))| {10}) {2,}(.*)$")
INPUT_LINE = re.compile(r" ?on input line (?P<line>\d+)\.?")
PAGE = re.compile(r"(?:^|[ )\]}])\[(\d+)")
INDENTED = re.compile(r" {4,}\S")
ADVICE = re.compile(r"(?!.*\(That makes).*\S")
BIBTEX = re.compile(r"^(?:Warning--|I couldn't|I found no|Repeated entry|A bad cross|Sorry).*$"
                    r"|^[^\s-].*---line \d+ of file .*$", re.MULTILINE)  # fmt: skip

CROSSREF = re.compile(r"\bcrossref\s*=\s*[{\"]([^}\"]+)", re.IGNORECASE)

# Warnings that report no fault in the document, or one that is reported elsewhere with its line.
HARMLESS_WARNINGS = [
    "Label(s) may have changed",  # latexmk runs again until they settle
    "Rerun to",
    "There were undefined",  # each one has its own warning
    "Some font shapes were not available",
    "multiply-defined",  # each one has its own warning
    "Marginpar on page",  # two marks beside one line: the second moves down
]

# What to do, where LaTeX does not say so: (pattern of its message, remedy).
REMEDIES = [
    (r"Unicode character|Missing character",
     "the fonts lack this letter: write it in Latin letters or as a LaTeX command"),
    (r"no legal \\end found", "\\end{document} is missing, or something before it is not closed"),
    (r"File `.*\.(sty|cls)' not found", "install the package, or take the line away"),
    (r"Overfull \\hbox|sticks out",
     "shorten it, break it into lines, or let it use the margin, \\begin{wide}"),
    (r"Overfull \\vbox", "something is higher than the page: split it or let it break"),
    (r"while scanning use of", "an argument's closing brace is missing, or a % hides it"),
]  # fmt: skip


def problems(job: Path, source: str, lines: list[int], complete: bool) -> list[Problem]:
    """Everything that the logs of `job` report; complete: whether LaTeX finished."""
    log, aux, tex = (text_or_empty(job.with_suffix(suffix)) for suffix in (".log", ".aux", ".tex"))
    found = read_log(log, source, lines, f"{job}.tex")
    found = drop_consequences([_with_line(each, lines, tex) for each in found], aux, complete)
    twice = labels_twice(tex, source, lines)  # LaTeX does not say where
    placed = tuple(f"Label `{each.message.split()[1]}' multiply" for each in twice)
    found = [each for each in found if not each.message.startswith(placed)]
    found += bibtex_problems(job) + twice
    return found + (never_cited(job) if complete else [])


def read_log(log: str, source: str, lines: list[int], tex: str) -> list[Problem]:
    """The Problems that a LaTeX log reports, at the document's lines."""
    problems, page = [], 1
    for message, details, inside in _messages(log, tex.removesuffix(".tex")):
        for shipped in PAGE.findall(message):
            page = int(shipped) + 1
        harmless = any(words in message for words in HARMLESS_WARNINGS)
        found = not harmless and _problem(message, [] if inside else lines, source, tex, page)
        if found:
            place, line, text = found
            remedy = next((advice for kind, advice in REMEDIES if re.search(kind, text)), "")
            text = f"{text.rstrip('.')}; {remedy}" if remedy else text
            problems.append(Problem(place, line, text, details))
    return problems


def _problem(message, lines, source, tex, page):
    """(file, line, text) of a message that reports a fault, else None."""

    def at(number):
        return lines[min(int(number), len(lines)) - 1] if number and int(number) and lines else 0

    if match := ERROR.match(message):
        file, number, text = match.groups()
        if Path(file) == Path(tex):
            text = INPUT_LINE.sub(lambda found: f" at line {at(found[1])}", text)
            return source, at(number), text
        if os.path.isabs(file):
            return source, 0, f"{text} (in {file}:{number})"
        return file, int(number), text
    for pattern, said in SAID:
        if match := re.match(pattern, message):
            place = INPUT_LINE.search(message) or match
            words = INPUT_LINE.sub("", said.format(page=page, **match.groupdict()))
            return source, at(place.groupdict().get("line")), words
    return None


def drop_consequences(problems: list[Problem], aux: str, complete: bool) -> list[Problem]:
    """Remove fatal-error notices and references that another run would resolve."""

    def known_by_now(message):
        undefined = re.match(r"(?:Reference|Citation) `(.*?)' on page", message)
        defined = undefined and re.search(
            rf"\\(newlabel|bibcite)\{{{re.escape(undefined[1])}}}", aux
        )
        return undefined and (defined or not complete)

    follows = re.compile("Emergency stop|.*Fatal error occurred|a group is not closed at")
    causes = [problem for problem in problems if not follows.match(problem.message)]
    return [found for found in causes or problems if not known_by_now(found.message)] or problems


def labels_twice(tex: str, source: str, lines: list[int]) -> list[Problem]:
    """Labels that the text gives twice."""
    places: dict[str, list[int]] = {}
    for line, text in zip(lines, tex.splitlines()):
        for label in re.findall(r"\\label\{([^{}]*)\}", re.sub(r"(?<!\\)%.*", "", text)):
            places.setdefault(label, []).append(line)
    return [Problem(source, found[1], f"label {label} is there already, at line {found[0]}")
            for label, found in places.items() if len(found) > 1]  # fmt: skip


def aux_of(job: Path) -> str:
    r"""What LaTeX has written of citations and labels, also for files that it \include-s."""
    aux = text_or_empty(job.with_suffix(".aux"))
    parts = re.findall(r"^\\@input\{(.*)\}", aux, re.MULTILINE)
    return aux + "".join(text_or_empty(job.parent / part) for part in parts)


def bibtex_problems(job: Path) -> list[Problem]:
    """What BibTeX complains of; LaTeX itself says which citations are undefined, and where."""
    problems = []
    if r"\bibdata" not in aux_of(job):  # it was run before the bibliography was taken away
        return problems
    said = re.sub(r"\n(?=--line|refers to)", " ", text_or_empty(job.with_suffix(".blg")))
    for message in BIBTEX.findall(said):
        if match := re.match(r"(.*?)-+line (\d+) of file (\S+)$", message):
            what = match[1].removeprefix("Warning--").strip()
            problems.append(Problem(str(_bib(match[3])), int(match[2]), f"BibTeX: {what}"))
        elif "database entry for" not in message:
            problems.append(Problem("bib", 0, f"BibTeX: {message.removeprefix('Warning--')}"))
    return problems


def never_cited(job: Path) -> list[Problem]:
    """Entries of the bibliography that no document of the folder cites."""
    aux = aux_of(job)
    lists = re.findall(r"\\citation\{([^}]*)\}", aux)
    for path in Path().glob("*.texw"):
        if path.stem != job.name:
            lists += re.findall(r"\\[cC]ite\w*[^{]*\{([^}]*)\}", text_or_empty(path))
    names = ",".join(re.findall(r"\\bibdata\{([^}]*)\}", aux)).split(",")
    bibs = [_bib(name.removesuffix(".bib") + ".bib") for name in names]
    lists += [key for bib in bibs for key in CROSSREF.findall(text_or_empty(bib))]
    cited = {key.strip().lower() for keys in lists for key in keys.split(",")}  # as BibTeX does
    problems = []
    for bib in bibs:
        for number, line in enumerate(text_or_empty(bib).splitlines(), 1):
            entry = re.match(r"@(?!string|comment|preamble)\w+\{([^,]+),", line, re.IGNORECASE)
            if entry and not {entry[1].strip().lower(), "*"} & cited:
                problems.append(Problem(str(bib), number, f"{entry[1]} is never cited"))
    return problems


def _bib(name):
    """Where BibTeX finds a file: in bib/, or as it is named."""
    return next((path for path in (Path("bib", name), Path(name)) if path.is_file()), Path(name))


def _with_line(problem, lines, tex):
    """The problem at the line that asks for a missing package, which LaTeX does not give."""
    package = re.match(r"LaTeX Error: File `(.*)\.(?:sty|cls)' not found", problem.message)
    if problem.line or not package:
        return problem
    asking = (line for line, text in zip(lines, tex.splitlines()) if package[1] in text)
    return replace(problem, line=next(asking, 0))


def _messages(log, job):
    """What the log says: [message with its continuations, LaTeX's explanation, inside].

    inside: it was said of the table of contents or the like, whose lines are not the document's.
    """
    messages, inside, lines = [], False, log.splitlines()
    enters = re.compile(rf"\((?:\./)?{re.escape(job)}\.(?:aux|bbl|toc|out)(?!.*\))")
    for number, line in enumerate(lines, 1):
        inside = bool(enters.search(line)) or (inside and not line.startswith(")"))
        more = messages and CONTINUED.match(line)
        if more and (more[1] or messages[-1][0].startswith("LaTeX Warning")):
            messages[-1][0] += " " + more[2]
        elif ERROR.match(line) or line.startswith("!"):
            rest = itertools.takewhile(INDENTED.match, lines[number:])
            message = " ".join([line, *map(str.strip, rest)])
            messages.append([message, _explanation(lines[number:]), inside])
        else:
            messages.append([line, "", inside])
    return messages


def _explanation(lines):
    """What LaTeX shows after an error: the place, and its advice."""
    for number, line in enumerate(lines[:30]):
        if line.startswith("!") or ERROR.match(line):
            break
        if found := re.match(r"l\.\d+ ", line):
            place = [line[found.end() :].rstrip() for line in lines[number : number + 2]]
            advice = map(str.strip, itertools.takewhile(ADVICE.match, lines[number + 2 :]))
            return "\n".join("    " + text for text in [*place, *advice] if text)
    return ""

"""Each error and warning in LaTeX's log as a Problem at its line of the document."""

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from weaving.files import text_or_empty
from weaving.problems import Problem

ERROR = re.compile(r"^(?:\./)?([^\s:]+\.\w+):(\d+): (.+)$")
MESSAGES = [  # (pattern, text of the problem), of all but ERROR; `line` is a line of the LaTeX
    (r"![! ]*(?P<words>.+)", "{words}"),
    (r"\s*\(\\end occurred inside a group", "a group is not closed at the end"),
    (r"\s*\(\\end occurred when (?P<words>\\\w+) on line (?P<line>\d+)", r"{words} has no \fi"),
    (r"### (.*) group \(level \d+\) entered at line (?P<line>\d+) \((?P<words>.*)\)",
     "the group opened here, {words}, is not closed"),
    # from one point on: a smaller overflow cannot be seen
    (r"Overfull \\hbox \((?P<points>[1-9][\d.]*)pt too wide\)(.*? at lines? (?P<line>\d+))?",
     r"Overfull \hbox: the line overflows by {points}pt"),
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
UNDEFINED = re.compile(r"Warning: (?:Reference|Citation) `(.*?)' on page")
FOLLOW_ON = re.compile(r"(?:[! ]+|\S+:\d+: ).*(?:Emergency stop|Fatal error occurred)"
                         r"|\s*\(\\end occurred inside a group")  # fmt: skip
COMMENT = re.compile(r"(?<!\\)%.*")
LABEL = re.compile(r"\\label\{([^{}]*)\}")
MISSING_PACKAGE = re.compile(r".*LaTeX Error: File `(.*)\.(?:sty|cls)' not found")

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
    (r"File `.*\.(sty|cls)' not found", "install the package, or remove the line"),
    (r"Overfull \\hbox|overflows the page",
     "shorten it, break it into lines, or let it use the margin, \\begin{wide}"),
    (r"Overfull \\vbox", "something is higher than the page: split it or let it break"),
    (r"while scanning use of", "an argument's closing brace is missing, or a % hides it"),
]  # fmt: skip


@dataclass
class Message:
    """A message of LaTeX's log in one line, and what LaTeX explains below it.

    in_generated_file: it is about the .aux, .bbl, .toc or .out, so its line is not the document's.
    """

    text: str
    explanation: str = ""
    in_generated_file: bool = False


@dataclass(frozen=True)
class Fault:
    """A message in which LaTeX reports a fault, and the Problem made of it."""

    message: str
    problem: Problem


def problems(stem: Path, source: str, lines: list[int], complete: bool) -> list[Problem]:
    """Everything that the log of `stem` reports; complete: whether LaTeX finished."""
    log, aux, tex = (text_or_empty(stem.with_suffix(suffix)) for suffix in (".log", ".aux", ".tex"))
    faults = drop_follow_on_errors(read_log(log, source, lines, f"{stem}.tex"), aux, complete)
    twice = _duplicate_labels(tex, source, lines)
    known = tuple(f"LaTeX Warning: Label `{label}' multiply" for label in twice)
    faults = [fault for fault in faults if not fault.message.startswith(known)]
    found = [_with_line(fault, lines, tex) for fault in faults]
    return [*found, *twice.values()]


def read_log(log: str, source: str, lines: list[int], tex: str) -> list[Fault]:
    """The faults that a LaTeX log reports, at the document's lines; tex: the LaTeX file's name."""
    faults, page = [], 1
    for message in _messages(log, tex.removesuffix(".tex")):
        for shipped in PAGE.findall(message.text):
            page = int(shipped) + 1
        harmless = any(words in message.text for words in HARMLESS_WARNINGS)
        line_map = [] if message.in_generated_file else lines
        found = not harmless and _problem(message.text, line_map, source, tex, page)
        if found:
            place, line, text = found
            remedy = next((advice for kind, advice in REMEDIES if re.search(kind, text)), "")
            text = f"{text.rstrip('.')}; {remedy}" if remedy else text
            faults.append(Fault(message.text, Problem(place, line, text, message.explanation)))
    return faults


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
    for pattern, text in MESSAGES:
        if match := re.match(pattern, message):
            place = INPUT_LINE.search(message) or match
            text = INPUT_LINE.sub("", text.format(page=page, **match.groupdict()))
            return source, at(place.groupdict().get("line")), text
    return None


def drop_follow_on_errors(faults: list[Fault], aux: str, complete: bool) -> list[Fault]:
    """Leave out what follows from another fault, and references that another run would resolve."""

    def resolved(fault):
        if undefined := UNDEFINED.search(fault.message):
            name = re.escape(undefined[1])
            return not complete or re.search(rf"\\(newlabel|bibcite)\{{{name}}}", aux)
        return False

    causes = [fault for fault in faults if not FOLLOW_ON.match(fault.message)]
    return [fault for fault in causes or faults if not resolved(fault)] or faults


def _duplicate_labels(tex, source, lines):
    """{label: the Problem} of labels defined twice, at the second place; LaTeX gives no line."""
    places = {}
    for line, text in zip(lines, tex.splitlines()):
        for label in LABEL.findall(COMMENT.sub("", text)):
            places.setdefault(label, []).append(line)
    return {label: Problem(source, found[1], f"label {label} is already defined at line {found[0]}")
            for label, found in places.items() if len(found) > 1}  # fmt: skip


def _with_line(fault, lines, tex):
    """The fault's Problem; LaTeX does not give the line that asks for a missing package."""
    package = MISSING_PACKAGE.match(fault.message)
    if fault.problem.line or not package:
        return fault.problem
    asking = (line for line, text in zip(lines, tex.splitlines()) if package[1] in text)
    return fault.problem._replace(line=next(asking, 0))


def _messages(log, stem):
    messages, generated, lines = [], False, log.splitlines()
    enters = re.compile(rf"\((?:\./)?{re.escape(stem)}\.(?:aux|bbl|toc|out)(?!.*\))")
    for number, line in enumerate(lines, 1):
        generated = bool(enters.search(line)) or (generated and not line.startswith(")"))
        more = messages and CONTINUED.match(line)
        if more and (more[1] or messages[-1].text.startswith("LaTeX Warning")):
            messages[-1].text += " " + more[2]
        elif ERROR.match(line) or line.startswith("!"):
            rest = itertools.takewhile(INDENTED.match, lines[number:])
            text = " ".join([line, *map(str.strip, rest)])
            messages.append(Message(text, _explanation(lines[number:]), generated))
        else:
            messages.append(Message(line, "", generated))
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

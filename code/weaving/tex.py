"""LaTeX to PDF with latexmk; every fault and warning of the log becomes a Problem at its line of the report."""

import gzip
import os
import re
import subprocess
from pathlib import Path

from weaving.problems import BuildFailed, Problem

LEFTOVERS = ["aux", "bbl", "blg", "fdb_latexmk", "fls", "log", "out", "toc", "pdf", "synctex.gz"]
OVERFULL = 1.0  # points; what sticks out less cannot be seen

ERROR = re.compile(r"^(?:\./)?(\S+?\.\w+):(\d+): (.+)$")
WARNING = re.compile(r"^(?:LaTeX|Package|Class|pdfTeX|Module)\b.*?[Ww]arning(?: \(\w+\))?: (.+)$")
INPUT_LINE = re.compile(r" ?on input line (\d+)\.?")
OVERFULL_BOX = re.compile(r"^Overfull \\([hv])box \(([\d.]+)pt too (?:wide|high)\)(?:.*? at lines? (\d+))?")
MISSING_CHARACTER = re.compile(r"^Missing character: (.+)$")
OUTPUT = re.compile(r"^Output written on .*?\((\d+) pages?, (\d+) bytes\)", re.MULTILINE)

# Said by every run, and true of no fault in the report: (its text, why it is harmless).
HARMLESS = [
    ("Label(s) may have changed", "latexmk runs again until they settle"),
    ("Rerun to get", "latexmk runs again until they settle"),
    ("There were undefined", "each one has its own warning"),
    ("There were multiply-defined labels", "each one has its own warning"),
]


def typeset(job, source, lines, epoch):
    """Run latexmk on `job`.tex, and read its log.

    Parameters: job, the path without suffix; source, the report's name; lines, the line map; epoch, the document's date
    in seconds. Returns the number of pages. Raises BuildFailed with all that LaTeX, BibTeX or the log complains of.
    """
    running = job.with_suffix(".running")
    if running.exists():  # killed in the middle: its .aux may be cut off
        for suffix in LEFTOVERS:
            job.with_suffix("." + suffix).unlink(missing_ok=True)
    running.touch()
    command = ["latexmk", "-norc", "-pdf", "-silent", "-interaction=nonstopmode", "-file-line-error", "-synctex=1",
               f"-outdir={job.parent}", f"{job}.tex"]
    done = subprocess.run(command, env=_environment(job.parent, epoch), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    running.unlink()
    log = job.with_suffix(".log")
    problems = read_log(log.read_text(errors="replace") if log.exists() else "", source, lines, str(job) + ".tex")
    problems += unused_or_odd_references(job, source)
    if done.returncode and not problems:
        problems = [Problem(source, 0, f"latexmk stopped with status {done.returncode}", (done.stdout + done.stderr)[-2000:])]
    if problems:
        raise BuildFailed(problems)
    return complete_pages(job)


def read_log(log, source, lines, tex):
    """The Problems a LaTeX log tells of, at the report's lines."""
    def at(number):
        return lines[min(number, len(lines)) - 1] if number and lines else 0

    problems = []
    for message in _whole_messages(log):
        if match := ERROR.match(message):
            file, number, text = match.groups()
            own = Path(file) == Path(tex)
            problems.append(Problem(source, at(int(number)) if own else 0, text if own else f"{text} (in {file}:{number})"))
        elif message.startswith("! "):
            problems.append(Problem(source, 0, message[2:]))
        elif match := OVERFULL_BOX.match(message):
            kind, points, number = match.groups()
            if float(points) > OVERFULL:
                what = "line sticks out" if kind == "h" else "page is too full"
                problems.append(Problem(source, at(int(number or 0)), f"Overfull \\{kind}box: the {what} by {points}pt"))
        elif match := MISSING_CHARACTER.match(message):
            problems.append(Problem(source, 0, "Missing character: " + match.group(1)))
        elif (match := WARNING.match(message)) and not any(text in message for text, _ in HARMLESS):
            number = INPUT_LINE.search(message)
            problems.append(Problem(source, at(int(number.group(1)) if number else 0), INPUT_LINE.sub("", match.group(1))))
    return problems


def unused_or_odd_references(job, source):
    """Entries of the bibliography that nothing cites, and what BibTeX warns of."""
    problems = []
    blg = job.with_suffix(".blg")
    if blg.exists():
        text = blg.read_text(errors="replace")
        odd = re.findall(r"^(?:Warning--|I couldn't|I found no).*$", text, re.MULTILINE)
        problems += [Problem(source, 0, "BibTeX: " + warning) for warning in odd if "database entry for" not in warning]
    aux = job.with_suffix(".aux")
    if aux.exists():
        text = aux.read_text(errors="replace")
        cited = {key for keys in re.findall(r"\\citation\{([^}]*)\}", text) for key in keys.split(",")}
        for name in re.findall(r"\\bibdata\{([^}]*)\}", text):
            bib = Path("bib") / (name + ".bib")
            for number, line in enumerate(bib.read_text(encoding="utf-8").splitlines(), 1):
                entry = re.match(r"@\w+\{([^,]+),", line)
                if entry and entry.group(1) not in cited:
                    problems.append(Problem(str(bib), number, f"{entry.group(1)} is never cited"))
    return problems


def complete_pages(job):
    """The page count, if the PDF on the disk is the whole of what the log says was written."""
    log, pdf = job.with_suffix(".log"), job.with_suffix(".pdf")
    written = OUTPUT.search(log.read_text(errors="replace"))
    size = pdf.stat().st_size if pdf.exists() else 0
    if not written or int(written.group(2)) != size:
        raise BuildFailed([Problem(str(pdf), 0, f"{size} bytes on the disk, {written.group(2) if written else 0} were written")])
    return int(written.group(1))


def synctex_to_report(job, source, lines):
    """The SyncTeX data with the report in the place of the LaTeX made from it; its bytes."""
    text = gzip.decompress(job.with_suffix(".synctex.gz").read_bytes()).decode("utf-8", "surrogateescape")
    own = re.search(rf"^Input:(\d+):(.*{re.escape(job.name)}\.tex)$", text, re.MULTILINE)
    if not own:
        return gzip.compress(text.encode("utf-8", "surrogateescape"), mtime=0)
    tag, path = own.groups()
    text = text.replace(f"Input:{tag}:{path}\n", f"Input:{tag}:{Path(source).resolve()}\n")
    place = re.compile(rf"^([\[(hvxkg$]){tag},(\d+)", re.MULTILINE)
    text = place.sub(lambda m: f"{m.group(1)}{tag},{lines[min(int(m.group(2)), len(lines)) - 1]}", text)
    return gzip.compress(text.encode("utf-8", "surrogateescape"), mtime=0)


def _whole_messages(log):
    """The log's lines, a message's continuations joined to it."""
    messages = []
    for line in log.splitlines():
        if messages and (more := re.match(r"^\([\w@-]+\) {2,}(.*)$", line)):
            messages[-1] += " " + more.group(1)
        else:
            messages.append(line)
    return messages


def _environment(build, epoch):
    """Nothing personal, no clock, no locale: what TeX writes depends on the sources alone."""
    own = {"SOURCE_DATE_EPOCH": str(epoch), "FORCE_SOURCE_DATE": "1", "TZ": "UTC", "LC_ALL": "C", "max_print_line": "10000",
           "TEXINPUTS": f"{Path('code/weaving')}:{build}:", "BIBINPUTS": "bib:", "openout_any": "a",
           "TEXMFHOME": str(build / "texmf"), "TEXMFVAR": str(build / "texmf"), "TEXMFCONFIG": str(build / "texmf")}
    return {**os.environ, **own}

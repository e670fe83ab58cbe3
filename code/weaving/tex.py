"""LaTeX to PDF with latexmk; every fault and warning of the log becomes a Problem at its line of the report."""

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

from weaving.files import digest
from weaving.problems import BuildFailed, Problem

LEFTOVERS = ["aux", "bbl", "blg", "fdb_latexmk", "fls", "log", "out", "toc", "pdf", "synctex.gz", "synctex(busy)"]
OVERFULL = 1.0  # points; what sticks out less cannot be seen

ERROR = re.compile(r"^(?:\./)?([^\s:]+\.\w+):(\d+): (.+)$")
WARNING = re.compile(r"^(?:LaTeX|Package|Class|Module)\b.*?[Ww]arning(?: \(\w+\))?: (.+)$|.*?pdfTeX warning(?: \(\w+\))?: (.+)$")
CONTINUED = re.compile(r"^(?:(\([\w@-]+\))| {10}) {2,}(.*)$")
INPUT_LINE = re.compile(r" ?on input line (\d+)\.?")
OVERFULL_BOX = re.compile(r"^Overfull \\([hv])box \(([\d.]+)pt too (?:wide|high)\)(?:.*? at lines? (\d+))?")
MISSING_CHARACTER = re.compile(r"^(Missing character: .+)$")
OUTPUT = re.compile(r"^Output written on .*?\((\d+) pages?, (\d+) bytes\)", re.MULTILINE)
BIBTEX = re.compile(r"^(?:Warning--|I couldn't|I found no|Repeated entry|I was expecting|Illegal|Sorry).*$", re.MULTILINE)

# Said by every run, and true of no fault in the report: (its text, why it is harmless).
HARMLESS = [
    ("Label(s) may have changed", "latexmk runs again until they settle"),
    ("Rerun to", "latexmk runs again until they settle"),
    ("There were undefined", "each one has its own warning"),
    ("There were multiply-defined labels", "each one has its own warning"),
    ("Some font shapes were not available", "each one has its own warning"),
    ("Marginpar on page", "two marks beside one line: the second moves down"),
]


def typeset(job, source, lines, epoch, lock=None):
    """Run latexmk on `job`.tex, and read its log.

    Parameters: job, the path without suffix; source, the report's name; lines, the line map; epoch, the document's date
    in seconds; lock, a file that TeX holds open while it runs. Returns the number of pages. Raises BuildFailed with all
    that LaTeX, BibTeX or the log complains of.
    """
    whole = job.with_suffix(".whole")  # the hashes of what a run left that came to its end; anything else may be cut off
    if _read(whole) != _state(job):
        for suffix in LEFTOVERS:
            job.with_suffix("." + suffix).unlink(missing_ok=True)
    whole.unlink(missing_ok=True)
    status, output = _latexmk(job, epoch, lock)
    log = _read(job.with_suffix(".log"))
    pages = _complete_pages(job, log)
    if pages:
        whole.write_text(_state(job), encoding="utf-8")
    problems = _with_places(read_log(log, source, lines, f"{job}.tex"), job, source, lines)
    problems = _settled(problems, _read(job.with_suffix(".aux")), pages) + bibtex_problems(job)
    problems += labels_twice(_read(job.with_suffix(".tex")), source, lines)
    if pages:
        problems += never_cited(job)
    if not problems and (status or not pages):
        problems = [Problem(source, 0, f"latexmk stopped with status {status}", output[-2000:])]
    free = shutil.disk_usage(job.parent).free // 1000
    if not pages and free < 2000:  # what else is said then only follows
        problems = [Problem(str(job.parent), 0, f"the disk is full: {free} kB are left")]
    if problems:
        raise BuildFailed(problems)
    return pages


def _state(job):
    return "".join(f"{suffix} {digest(job.with_suffix('.' + suffix))}\n" for suffix in LEFTOVERS)


def _latexmk(job, epoch, lock):
    command = ["latexmk", "-norc", "-pdf", "-f", "-silent", "-interaction=nonstopmode", "-file-line-error", "-synctex=1",
               "-e", "no strict 'vars'; $filetime_slop = 1e10",  # a clock that is ahead of the file system's is no fault of the report
               f"-outdir={job.parent}", f"{job}.tex"]
    done = subprocess.run(command, env=_environment(job.parent, epoch), pass_fds=[lock.fileno()] if lock else [],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def read_log(log, source, lines, tex):
    """The Problems a LaTeX log tells of, at the report's lines."""
    problems = []
    for message, context, inside in _messages(log, tex.removesuffix(".tex")):
        def at(number):
            return lines[min(int(number), len(lines)) - 1] if number and int(number) and lines and not inside else 0

        if match := ERROR.match(message):
            file, number, text = match.groups()
            own = Path(file) == Path(tex)
            problems.append(Problem(source, at(number) if own else 0, text if own else f"{text} (in {file}:{number})", context))
        elif message.startswith("!"):
            problems.append(Problem(source, 0, message.lstrip("! "), context))
        elif match := OVERFULL_BOX.match(message):
            kind, points, number = match.groups()
            if float(points) > OVERFULL:
                what = "line sticks out" if kind == "h" else "page is too full"
                problems.append(Problem(source, at(number), f"Overfull \\{kind}box: the {what} by {points}pt"))
        elif match := MISSING_CHARACTER.match(message):
            problems.append(Problem(source, 0, match.group(1)))
        elif (match := WARNING.match(message)) and not any(text in message for text, _ in HARMLESS):
            number = INPUT_LINE.search(message)
            text = match.group(1) or match.group(2)
            problems.append(Problem(source, at(number and number.group(1)), INPUT_LINE.sub("", text)))
    return problems


def _settled(problems, aux, pages):
    """Without what only follows: TeX giving up, and references that one more run would know (after an error there is none)."""
    def known_by_now(message):
        undefined = re.match(r"(Reference|Citation) `(.*?)' on page", message)
        return undefined and (not pages or any(f"\\{macro}{{{undefined.group(2)}}}" in aux for macro in ["newlabel", "bibcite"]))
    follows = re.compile("Emergency stop|.*Fatal error occurred")
    causes = [problem for problem in problems if not follows.match(problem.message)]
    return [problem for problem in causes or problems if not known_by_now(problem.message)] or problems


def _with_places(problems, job, source, lines):
    """LaTeX does not say where a label is that is there twice, or what asked for a missing package: find it."""
    text = _read(job.with_suffix(".tex")).splitlines()

    def found(words):
        return [lines[k] for k, line in enumerate(text) if words in line]

    placed = []
    for problem in problems:
        label = re.match(r"Label `(.*)' multiply defined", problem.message)
        package = re.match(r"LaTeX Error: File `(.*)\.(?:sty|cls)' not found", problem.message)
        if label and len(places := found(f"\\label{{{label.group(1)}}}")) > 1:
            placed.append(Problem(source, places[1], f"label {label.group(1)} is there already, at line {places[0]}"))
        elif package and not problem.line and (places := found(package.group(1))):
            placed.append(Problem(source, places[0], problem.message))
        elif not (label and label.group(1).endswith("@cref")):
            placed.append(problem)
    return placed


def labels_twice(tex, source, lines):
    """Labels that the text gives twice. LaTeX says so only in a second run, which it may not come to after an error."""
    places = {}
    for line, text in zip(lines, tex.splitlines()):
        for label in re.findall(r"\\label\{([^{}]*)\}", re.sub(r"(?<!\\)%.*", "", text)):
            places.setdefault(label, []).append(line)
    return [Problem(source, found[1], f"label {label} is there already, at line {found[0]}")
            for label, found in places.items() if len(found) > 1]


def bibtex_problems(job):
    """What BibTeX complains of; LaTeX itself says which citations are undefined, and where."""
    found = BIBTEX.findall(_read(job.with_suffix(".blg")))
    place = re.compile(r"^(.*?)-+line (\d+) of file (\S+)$")
    problems = []
    for message in found:
        if "database entry for" in message:
            continue
        if match := place.match(message):
            problems.append(Problem(match.group(3), int(match.group(2)), f"BibTeX: {match.group(1)}"))
        else:
            problems.append(Problem("bib", 0, f"BibTeX: {message.removeprefix('Warning--')}"))
    return problems


def never_cited(job):
    """Entries of the bibliography that nothing cites."""
    aux = _read(job.with_suffix(".aux"))
    cited = {key.strip() for keys in re.findall(r"\\citation\{([^}]*)\}", aux) for key in keys.split(",")}
    problems = []
    for name in re.findall(r"\\bibdata\{([^}]*)\}", aux):
        bib = Path("bib", name + ".bib")
        for number, line in enumerate(_read(bib).splitlines(), 1):
            entry = re.match(r"@(?!string|comment|preamble)\w+\{([^,]+),", line, re.IGNORECASE)
            if entry and entry.group(1).strip() not in cited and "*" not in cited:
                problems.append(Problem(str(bib), number, f"{entry.group(1)} is never cited"))
    return problems


def synctex_to_report(job, source, lines):
    """The SyncTeX data with the report in the place of the LaTeX made from it; its bytes."""
    text = gzip.decompress(job.with_suffix(".synctex.gz").read_bytes())
    own = re.search(rb"^Input:(\d+):(.*" + re.escape(f"{job.name}.tex".encode()) + rb")$", text, re.MULTILINE)
    if own:
        tag = own.group(1)
        report = b"Input:" + tag + b":" + os.fsencode(Path(source).resolve())
        place = re.compile(rb"(?<=^[\[(hvxkg$r]" + tag + rb",)\d+", re.MULTILINE)
        number = {b"%d" % k: b"%d" % line for k, line in enumerate([lines[0], *lines])}
        last = b"%d" % lines[-1]
        text = place.sub(lambda match: number.get(match.group(0), last), text.replace(own.group(0), report))
    return gzip.compress(text, compresslevel=4, mtime=0)  # a fifth of the time, and hardly longer


def _complete_pages(job, log):
    """The page count; 0 unless the PDF on the disk is the whole of what the log says was written."""
    pdf = job.with_suffix(".pdf")
    written = OUTPUT.search(log)
    if not written or not pdf.exists() or pdf.stat().st_size != int(written.group(2)):
        return 0
    return int(written.group(1))


def _messages(log, job):
    """The log's lines, each with its continuations joined to it, what TeX shows of the place of an error, and whether it was
    said of the table of contents or the like, whose lines are not the report's."""
    messages, inside = [], False
    enters = re.compile(rf"\((?:\./)?{re.escape(job)}\.(?:aux|bbl|toc|out)(?!.*\))")
    for line in log.splitlines():
        inside = bool(enters.search(line)) or inside and not line.startswith(")")
        if messages and (more := CONTINUED.match(line)) and (more.group(1) or messages[-1][0].startswith("LaTeX Warning")):
            messages[-1][0] += " " + more.group(2)
        elif (place := re.match(r"^l\.\d+ (.*)", line)) and (error := _last_error(messages)):
            error[1] = "    " + place.group(1)
        else:
            messages.append([line, "", inside])
    return messages


def _last_error(messages):
    return next((message for message in reversed(messages[-20:]) if ERROR.match(message[0]) or message[0].startswith("!")), None)


def _read(path):
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _environment(build, epoch):
    """Nothing personal, no clock, no locale: what TeX writes depends on the sources alone."""
    own = {"SOURCE_DATE_EPOCH": str(epoch), "FORCE_SOURCE_DATE": "1", "TZ": "UTC", "LC_ALL": "C", "max_print_line": "10000",
           "TEXINPUTS": f"{Path('code/weaving')}:{build}:", "BIBINPUTS": "bib:", "MKTEXPK": "0", "MKTEXTFM": "0",
           "TEXMFHOME": str(build / "texmf"), "TEXMFVAR": str(build / "texmf"), "TEXMFCONFIG": str(build / "texmf")}
    return {**os.environ, **own}

"""LaTeX to PDF with latexmk; every fault and warning of the log becomes a Problem at its line of the document."""

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
OVERFULL_BOX = re.compile(r"^Overfull \\([hv])box \((\d+(?:\.\d+)?)pt too (?:wide|high)\)(?:.*? at lines? (\d+))?")
MISSING_CHARACTER = re.compile(r"^(Missing character: .+)$")
UNCLOSED = re.compile(r"^\s*\(\\end occurred (inside a group|when (\\\w+) on line (\d+) was incomplete)")
OPENED = re.compile(r"^### (.*) group \(level \d+\) entered at line (\d+) \((.*)\)")
OUTPUT = re.compile(r"^Output written on .*?\((\d+) pages?, (\d+) bytes\)", re.MULTILINE)
BIBTEX = re.compile(r"^(?:Warning--|I couldn't|I found no|Repeated entry|I was expecting|Illegal|Sorry).*$", re.MULTILINE)
READ = re.compile(r'^  "(.+?)" [\d.]+ -?\d+ \w* "', re.MULTILINE)  # in latexmk's list of what its programs read
CHATTER = re.compile(r"^(?:See the .* for explanation|Type  H <return>|\s*\.\.\.\s*$|This error message was generated)")

# Said by every run, and true of no fault in the document: (its text, why it is harmless).
HARMLESS = [
    ("Label(s) may have changed", "latexmk runs again until they settle"),
    ("Rerun to", "latexmk runs again until they settle"),
    ("There were undefined", "each one has its own warning"),
    ("There were multiply-defined labels", "each one has its own warning"),
    ("Some font shapes were not available", "each one has its own warning"),
    ("Marginpar on page", "two marks beside one line: the second moves down"),
]

# What helps, where LaTeX does not say so: (its message, the way out).
REMEDIES = [
    (r"Unicode character|Missing character", "the fonts lack this letter: write it in Latin letters or as a LaTeX command"),
    (r"no legal \\end found", "\\end{document} is missing, or something before it is not closed"),
    (r"File `.*\.(sty|cls)' not found", "install the package (make names the command), or take the line away"),
    (r"Overfull \\hbox|sticks out", "shorten it, break it into lines, or let it use the margin, \\begin{wide}"),
    (r"Overfull \\vbox", "a page holds something higher than itself: split it or let it break"),
    (r"while scanning use of", "an argument's closing brace is missing, or a % hides it"),
]

# TeX does not complain of a line of a listing or a figure that is wider than the page: measure them.
MEASURE = r"""\makeatletter
\newsavebox{\weavingbox}
\newcommand{\weavingwidth}{\ifdefined\pagewidth\pagewidth\else\textwidth\fi}
\newcommand{\weavingmeasured}[2]{\sbox{\weavingbox}{#2}\ifdim\wd\weavingbox>\dimexpr#1+1pt\relax
  \PackageWarning{weaving}{The page is exceeded by \the\dimexpr\wd\weavingbox-#1\relax: a figure or a line of a listing sticks out}\fi
  \usebox{\weavingbox}}
\@ifpackageloaded{fancyvrb}{\renewcommand{\FancyVerbFormatLine}[1]{\weavingmeasured{\weavingwidth}{#1}}}{}
\@ifpackageloaded{graphicx}{\let\weavinggraphics\Ginclude@graphics
  \renewcommand{\Ginclude@graphics}[1]{\leavevmode
    \weavingmeasured{\weavingwidth}{\weavinggraphics{#1}}}}{}
\makeatother
"""


def typeset(job, source, lines, epoch, lock=None):
    """Run latexmk on `job`.tex, and read its log.

    Parameters: job, the path without suffix; source, the document's name; lines, the line map; epoch,
    the document's date in seconds; lock, a file that TeX holds open while it runs. Returns the number
    of pages. Raises BuildFailed with all that LaTeX, BibTeX or the log complains of.
    """
    whole = job.with_suffix(".whole")  # digests of the last completed run's files; a mismatch means they may be truncated
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
    problems = drop_consequences(problems, _read(job.with_suffix(".aux")), pages) + bibtex_problems(job)
    problems += labels_twice(_read(job.with_suffix(".tex")), source, lines)
    if pages:
        problems += never_cited(job) + unwoven(job)
    if not problems and (status or not pages):
        problems = [Problem(source, 0, f"latexmk stopped with status {status}", output[-2000:])]
    free = shutil.disk_usage(job.parent).free // 1000
    if not pages and free < 2000:  # what else is said then only follows
        problems = [Problem(str(job.parent), 0, f"the disk is full: {free} kB are left")]
    if problems:
        raise BuildFailed(problems)
    return pages


def inputs(job):
    """The files that LaTeX and BibTeX read in their last runs, without those in build/."""
    names = set(READ.findall(_read(job.with_suffix(".fdb_latexmk"))))
    return sorted(name for name in names if job.parent not in Path(name).parents and Path(name).is_file())


def _state(job):
    own = [Path(name) for name in inputs(job) if Path.cwd() in Path.cwd().joinpath(name).parents]
    files = [*(job.with_suffix("." + suffix) for suffix in LEFTOVERS), *own]
    return "".join(f"{path} {digest(path)}\n" for path in files)


def _latexmk(job, epoch, lock):
    command = ["latexmk", "-norc", "-pdf", "-f", "-silent", "-interaction=nonstopmode", "-file-line-error", "-synctex=1",
               "-e", "no strict 'vars'; $filetime_slop = 1e10",  # a clock that is ahead of the file system's is no fault of the report
               f"-outdir={job.parent}", f"{job}.tex"]
    done = subprocess.run(command, env=_environment(job.parent, epoch), pass_fds=[lock.fileno()] if lock else [],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def read_log(log, source, lines, tex):
    """The Problems a LaTeX log tells of, at the document's lines."""
    problems, page = [], 1
    for message, details, inside in _messages(log, tex.removesuffix(".tex")):
        def at(number):
            return lines[min(int(number), len(lines)) - 1] if number and int(number) and lines and not inside else 0

        def told(line, text, place=source):
            remedy = next((remedy for pattern, remedy in REMEDIES if re.search(pattern, text)), "")
            text = f"{text.rstrip('.')}; {remedy}" if remedy else text
            problems.append(Problem(place, line, text, details))

        for shipped in re.findall(r"(?:^|[ )\]}])\[(\d+)", message):
            page = int(shipped) + 1
        if match := ERROR.match(message):
            file, number, text = match.groups()
            if Path(file) == Path(tex):
                told(at(number), INPUT_LINE.sub(lambda found: f" at line {at(found.group(1))}", text))
            elif os.path.isabs(file):
                told(0, f"{text} (in {file}:{number})")
            else:
                told(int(number), text, file)
        elif message.startswith("!"):
            told(0, message.lstrip("! "))
        elif match := UNCLOSED.match(message):
            told(at(match.group(3)), f"{match.group(2)} has no \\fi" if match.group(2) else
                 "a group is not closed when the document ends")
        elif match := OPENED.match(message):
            told(at(match.group(2)), f"the group opened here, {match.group(3)}, is not closed")
        elif match := OVERFULL_BOX.match(message):
            kind, points, number = match.groups()
            if float(points) > OVERFULL:
                what = "the line sticks out" if kind == "h" else f"page {page} is too full"
                told(at(number), f"Overfull \\{kind}box: {what} by {points}pt")
        elif match := MISSING_CHARACTER.match(message):
            told(0, match.group(1))
        elif (match := WARNING.match(message)) and not any(text in message for text, _ in HARMLESS):
            number = INPUT_LINE.search(message)
            told(at(number and number.group(1)), INPUT_LINE.sub("", match.group(1) or match.group(2)))
    return problems


def drop_consequences(problems, aux, pages):
    """Without TeX giving up, and without references that another run would resolve (after an error there is none)."""
    def known_by_now(message):
        undefined = re.match(r"(Reference|Citation) `(.*?)' on page", message)
        return undefined and (not pages or any(f"\\{macro}{{{undefined.group(2)}}}" in aux for macro in ["newlabel", "bibcite"]))
    follows = re.compile("Emergency stop|.*Fatal error occurred|a group is not closed when")
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


def unwoven(job):
    """Chunks and inline code in files that LaTeX reads by itself: it prints them, and runs nothing."""
    problems = []
    for path in map(Path, inputs(job)):
        if path.suffix == ".tex" and not path.is_absolute():
            for number, line in enumerate(_read(path).splitlines(), 1):
                if re.match(r"<<.*>>=|(?!\s*%).*<%=", line):
                    problems.append(Problem(str(path), number, "code runs in a .texw only; move this text there"))
    return problems


def never_cited(job):
    """Entries of the bibliography that no document of the folder cites."""
    aux = _read(job.with_suffix(".aux"))
    cited = {key.strip() for keys in re.findall(r"\\citation\{([^}]*)\}", aux) for key in keys.split(",")}
    others = [_read(path) for path in Path().glob("*.texw") if path.stem != job.name]
    cited |= {key.strip() for text in others for keys in re.findall(r"\\[cC]ite\w*[^{]*\{([^}]*)\}", text)
              for key in keys.split(",")}
    problems = []
    for name in re.findall(r"\\bibdata\{([^}]*)\}", aux):
        bib = Path("bib", name + ".bib")
        for number, line in enumerate(_read(bib).splitlines(), 1):
            entry = re.match(r"@(?!string|comment|preamble)\w+\{([^,]+),", line, re.IGNORECASE)
            if entry and entry.group(1).strip() not in cited and "*" not in cited:
                problems.append(Problem(str(bib), number, f"{entry.group(1)} is never cited"))
    return problems


def synctex_to_source(job, source, lines):
    """The SyncTeX data with the document in the place of the LaTeX made from it; its bytes."""
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
    """What the log says: [message with its continuations, what LaTeX explains of an error, inside].

    inside: it was said of the table of contents or the like, whose lines are not the document's.
    """
    messages, inside, lines, number = [], False, log.splitlines(), 0
    enters = re.compile(rf"\((?:\./)?{re.escape(job)}\.(?:aux|bbl|toc|out)(?!.*\))")
    while number < len(lines):
        line = lines[number]
        number += 1
        inside = bool(enters.search(line)) or inside and not line.startswith(")")
        if messages and (more := CONTINUED.match(line)) and (more.group(1) or messages[-1][0].startswith("LaTeX Warning")):
            messages[-1][0] += " " + more.group(2)
        elif ERROR.match(line) or line.startswith("!"):
            more, details, number = _explanation(lines, number)
            messages.append([" ".join([line, *more]), "\n".join("    " + detail for detail in details), inside])
        else:
            messages.append([line, "", inside])
    return messages


def _explanation(lines, number):
    """What follows an error at lines[number]: the rest of its message, where it is and what LaTeX advises, the next line."""
    first = number
    while number < len(lines) and re.match(r" {4,}\S", lines[number]):
        number += 1
    more, after = [line.strip() for line in lines[first:number]], number
    for place in range(after, min(after + 30, len(lines))):
        if lines[place].startswith("!") or ERROR.match(lines[place]):
            break
        if found := re.match(r"l\.\d+ ", lines[place]):
            shown = [line[found.end():].rstrip() for line in lines[place:place + 2]]
            end = next((k for k in range(place + 2, len(lines))
                        if not lines[k].strip() or lines[k].startswith("(That makes")), len(lines))
            advice = [line.strip() for line in lines[place + 2:end] if not CHATTER.match(line)]
            return more, [*filter(str.strip, shown), *advice], end
    return more, [], after


def _read(path):
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _environment(build, epoch):
    """Nothing personal, no clock, no locale: what TeX writes depends on the sources alone."""
    own = {"SOURCE_DATE_EPOCH": str(epoch), "FORCE_SOURCE_DATE": "1", "TZ": "UTC", "LC_ALL": "C", "max_print_line": "10000",
           "TEXINPUTS": f"{Path('code/weaving')}:{build}:", "BIBINPUTS": "bib:", "MKTEXPK": "0", "MKTEXTFM": "0",
           "TEXMFHOME": str(build / "texmf"), "TEXMFVAR": str(build / "texmf"), "TEXMFCONFIG": str(build / "texmf")}
    return {**os.environ, **own}

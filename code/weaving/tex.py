"""LaTeX to PDF with latexmk, in an environment of its own."""

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import IO, NamedTuple

from weaving import bibtex, states, texlog, unreported
from weaving.files import text_or_empty
from weaving.problems import BuildFailed, Problem
from weaving.project import BIB, BUILDER, names_for_tex

JOB_SUFFIXES = """.aux .bbl .blg .fdb_latexmk .fls .lof .log .lot .out .toc .pdf .synctex
.synctex(busy)""".split()
# -synctex=-1: not compressed, since it is changed below.
LATEX_OPTIONS = """-interaction=nonstopmode -file-line-error -synctex=-1 -recorder
-no-parse-first-line""".split()
GRAPHICS = {".pdf", ".png", ".jpg", ".jpeg"}  # nothing that LaTeX writes depends on them
OUTPUT = re.compile(r"^Output written on .*?\((\d+) pages?, (\d+) bytes\)", re.MULTILINE)
RULE = re.compile(r'^\["', re.MULTILINE)  # in latexmk's database
READ = re.compile(r'^  "(.+?)" [\d.]+ -?\d+ \w* "', re.MULTILINE)

HEADING = re.compile(  # sub or nothing, number, title with braces in it, two deep
    r"^\\(sub|)exercise\{([^{}]*)\}\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}", re.MULTILINE
)
INCLUDED_FROM = re.compile(r"\\include\{(\w[^{}]*)/[^/{}]+\}")


class Job(NamedTuple):
    """A document and how it is typeset.

    stem: the path of all that TeX writes, without suffix; source: the document's name; epoch: its
    date in seconds since 1970; lock: a file that TeX keeps open while it runs.
    """

    stem: Path
    source: str
    epoch: int
    lock: IO | None = None


def prepare(job: Job) -> None:
    """Remove what an interrupted run has left, and give LaTeX's first pass references and contents.

    Its pages are then as they will be, so that the second pass is the last.
    """
    if text_or_empty(completion_record(job.stem)) != _digests(job.stem):
        for suffix in JOB_SUFFIXES:
            job.stem.with_suffix(suffix).unlink(missing_ok=True)
    if not job.stem.with_suffix(".aux").exists():
        text = text_or_empty(Path(job.source))
        bibtex.make_references(job.stem, text, environment(job))
        if r"\reportcontents" in text:
            job.stem.with_suffix(".toc").write_text(_contents(text), encoding="utf-8")


def typeset(job: Job, lines: list[int], first_pass=None) -> int:
    """The PDF of `job`, with latexmk if one pass is not enough; the number of its pages.

    lines: the line map; first_pass: a FirstPass that has been given the whole document.
    Raises BuildFailed with everything that the logs report, or bibtex.py and unreported.py find.
    """
    stem, source, folder = job.stem, job.source, job.stem.parent
    for chapters in INCLUDED_FROM.findall(text_or_empty(stem.with_suffix(".tex"))):
        (folder / chapters).mkdir(parents=True, exist_ok=True)  # for the chapter's .aux
    status, output = 0, ""
    if not (first_pass and first_pass.was_last()):
        log, database = stem.with_suffix(".log"), stem.with_suffix(".fdb_latexmk")
        database.unlink(missing_ok=True)  # it is of an earlier run
        if not complete_pages(stem):
            log.unlink(missing_ok=True)
        # From a complete log latexmk knows which files the first pass wrote. It compares dates in
        # whole seconds, and its own pass may end in the same one.
        for name in filter(os.path.isfile, recorded(stem, "OUTPUT")):
            os.utime(name, (job.epoch, job.epoch))
        status, output = _latexmk(job)
        if not database.exists():  # it has not come as far as to run LaTeX
            log.unlink(missing_ok=True)
    pages = complete_pages(stem)
    if pages:
        completion_record(stem).write_text(_digests(stem), encoding="utf-8")
    problems = texlog.problems(stem, source, lines, complete=pages > 0) + bibtex.problems(stem)
    if pages:
        problems += bibtex.uncited_entries(stem) + unreported.text_off_page(stem, source, lines)
        problems += unreported.code_outside_document(files_read(stem))
    if not problems and (status or not pages):
        problems = [Problem(source, 0, f"latexmk stopped with status {status}", output[-2000:])]
    free = shutil.disk_usage(folder).free // 1000
    if not pages and free < 2000:  # the other problems then follow from this one
        problems = [Problem(str(folder), 0, f"the disk is full: {free} kB are left")]
    if problems:
        raise BuildFailed(problems)
    return pages


def completion_record(stem: Path) -> Path:
    """What the last complete run read and wrote; if that differs now, LaTeX starts from scratch."""
    return stem.with_suffix(".whole")


def files_read(stem: Path) -> list[str]:
    """The files that LaTeX and BibTeX read for this document, without those in build/."""
    rules = RULE.split(text_or_empty(stem.with_suffix(".fdb_latexmk")))
    others = "".join(rule for rule in rules if not rule.startswith("pdflatex"))
    names = {*recorded(stem, "INPUT"), *map(os.path.normpath, READ.findall(others))}
    made = str(stem.parent) + os.sep
    return sorted(name for name in names if not name.startswith(made) and os.path.isfile(name))


def recorded(stem: Path, kind: str) -> list[str]:
    """The files that the last pass of LaTeX opened as "INPUT" or "OUTPUT", each time it did."""
    names = re.findall(rf"^{kind} (.+)$", text_or_empty(stem.with_suffix(".fls")), re.MULTILINE)
    return [os.path.normpath(name) for name in names]


def latex_command(stem: Path) -> list[str]:
    """One pass of LaTeX, as latexmk runs it."""
    return ["pdflatex", *LATEX_OPTIONS, f"-output-directory={stem.parent}", f"{stem}.tex"]


def synctex_to_source(job: Job, lines: list[int]) -> bytes:
    """The SyncTeX data with the document in the place of the LaTeX made from it."""
    text = job.stem.with_suffix(".synctex").read_bytes()
    name = re.escape(f"{job.stem.name}.tex".encode())
    if own := re.search(rb"^Input:(\d+):(.*" + name + rb")$", text, re.MULTILINE):
        tag = own[1]
        entry = b"Input:" + tag + b":" + os.fsencode(Path(job.source).resolve())
        place = re.compile(rb"(?<=^[\[(hvxkg$r]" + tag + rb",)\d+", re.MULTILINE)
        number = {b"%d" % k: b"%d" % line for k, line in enumerate([lines[0], *lines])}
        last = b"%d" % lines[-1]
        text = place.sub(lambda match: number.get(match[0], last), text.replace(own[0], entry))
    return gzip.compress(text, compresslevel=1, mtime=0)  # a tenth of the time, a quarter longer


def _contents(text):
    """The contents of the document with this text, as long as they will be: all is on page 10."""
    titles = [
        (sub, number and number + r"\quad ", title) for sub, number, title in HEADING.findall(text)
    ]
    if r"\bibliography{" in text:
        titles.append(("", "", r"\refname"))
    return "".join(
        rf"\contentsline {{{sub}section}}{{{number}{title}}}{{10}}{{}}%" + "\n"
        for sub, number, title in titles
    )


def _digests(stem):
    own = [str(stem.with_suffix(suffix)) for suffix in JOB_SUFFIXES]
    read = [name for name in files_read(stem) if Path(name).suffix not in GRAPHICS]
    return json.dumps([states.of_files([*own, *read]), names_for_tex()])


def _latexmk(job):
    command = ["latexmk", "-norc", "-pdf", "-f", "-silent", *LATEX_OPTIONS,
               f"-outdir={job.stem.parent}",
               "-e", "no strict 'vars'; $filetime_slop = 1e10",  # file clocks may disagree
               f"{job.stem}.tex"]  # fmt: skip
    done = subprocess.run(command, env=environment(job), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          pass_fds=[job.lock.fileno()] if job.lock else [])  # fmt: skip
    return done.returncode, done.stdout.decode("utf-8", "replace")


def complete_pages(stem: Path) -> int:
    """The page count; 0 unless the PDF is as long as the log says."""
    pdf, written = stem.with_suffix(".pdf"), OUTPUT.search(text_or_empty(stem.with_suffix(".log")))
    complete = written and pdf.exists() and pdf.stat().st_size == int(written[2])
    return int(written[1]) if complete else 0


def environment(job: Job) -> dict[str, str]:
    """Nothing personal, no clock, no locale: what TeX writes depends on the sources alone."""
    build = job.stem.parent
    own = {"SOURCE_DATE_EPOCH": str(job.epoch), "FORCE_SOURCE_DATE": "1", "TZ": "UTC",
           "LC_ALL": "C", "TEXINPUTS": f"{BUILDER}:{build}:", "BIBINPUTS": f"{BIB}:",
           "max_print_line": "10000", "MKTEXPK": "0", "MKTEXTFM": "0"}  # fmt: skip
    trees = dict.fromkeys(["TEXMFHOME", "TEXMFVAR", "TEXMFCONFIG"], str(build / "texmf"))
    return {**os.environ, **own, **trees}

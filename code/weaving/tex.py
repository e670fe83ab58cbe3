"""LaTeX to PDF with latexmk, in an environment of its own."""

import contextlib
import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from weaving import texlog, unreported
from weaving.files import states, text_or_empty
from weaving.problems import BuildFailed, Problem
from weaving.project import names_for_tex

JOB_SUFFIXES = """.aux .bbl .blg .fdb_latexmk .fls .lof .log .lot .out .toc .pdf .synctex
.synctex(busy)""".split()
# -synctex=-1: not compressed, since it is changed below.
LATEX_OPTIONS = """-interaction=nonstopmode -file-line-error -synctex=-1 -recorder
-no-parse-first-line""".split()
GRAPHICS = {".pdf", ".png", ".jpg", ".jpeg"}  # nothing that LaTeX writes depends on them
OUTPUT = re.compile(r"^Output written on .*?\((\d+) pages?, (\d+) bytes\)", re.MULTILINE)
RULE = re.compile(r'^\["', re.MULTILINE)  # in latexmk's database
READ = re.compile(r'^  "(.+?)" [\d.]+ -?\d+ \w* "', re.MULTILINE)

INCLUDED_FROM = re.compile(r"\\include\{(\w[^{}]*)/[^/{}]+\}")
BIBLIOGRAPHY_COMMAND = re.compile(r"\\(bibliography(?:style)?)\{([^}]+)\}")


def prepare(job: Path, source: str, epoch: int) -> None:
    """Make ready for the first pass of LaTeX; the arguments are those of `typeset`."""
    if text_or_empty(completion_record(job)) != _digests(job):
        for suffix in JOB_SUFFIXES:
            job.with_suffix(suffix).unlink(missing_ok=True)
    if not job.with_suffix(".aux").exists():
        _make_references(job, text_or_empty(Path(source)), epoch)


def typeset(first, job: Path, source: str, lines: list[int], epoch: int, lock=None) -> int:
    """The PDF of `job`.tex, with latexmk if one pass is not enough; the number of its pages.

    first: the FirstPass, or None; job: the path without suffix; source: the document's name; lines:
    the line map; epoch: the document's date in seconds since 1970; lock: a file that TeX keeps open
    while it runs. Raises BuildFailed with everything that the logs or unreported.py find.
    """
    for folder in INCLUDED_FROM.findall(text_or_empty(job.with_suffix(".tex"))):
        (job.parent / folder).mkdir(parents=True, exist_ok=True)  # for the chapter's .aux
    status, output = 0, ""
    if not (first and first.was_last()):
        for suffix in (".log", ".fdb_latexmk"):  # both are of an earlier pass
            job.with_suffix(suffix).unlink(missing_ok=True)
        status, output = _latexmk(job, epoch, lock)
    pages = complete_pages(job)
    if pages:
        completion_record(job).write_text(_digests(job), encoding="utf-8")
    problems = texlog.problems(job, source, lines, complete=pages > 0)
    if pages:
        problems += unreported.uncited_entries(job) + unreported.text_off_page(job, source, lines)
        problems += unreported.code_outside_document(files_read(job))
    if not problems and (status or not pages):
        problems = [Problem(source, 0, f"latexmk stopped with status {status}", output[-2000:])]
    free = shutil.disk_usage(job.parent).free // 1000
    if not pages and free < 2000:  # the other problems then follow from this one
        problems = [Problem(str(job.parent), 0, f"the disk is full: {free} kB are left")]
    if problems:
        raise BuildFailed(problems)
    return pages


def completion_record(job: Path) -> Path:
    """What the last complete run read and wrote; if that differs now, LaTeX begins from clean."""
    return job.with_suffix(".whole")


def files_read(job: Path) -> list[str]:
    """The files that LaTeX and BibTeX read for this document, without those in build/."""
    rules = RULE.split(text_or_empty(job.with_suffix(".fdb_latexmk")))
    others = "".join(rule for rule in rules if not rule.startswith("pdflatex"))
    names = {*recorded(job, "INPUT"), *map(os.path.normpath, READ.findall(others))}
    made = str(job.parent) + os.sep
    return sorted(name for name in names if not name.startswith(made) and os.path.isfile(name))


def recorded(job: Path, kind: str) -> list[str]:
    """The files that the last pass of LaTeX opened as "INPUT" or "OUTPUT", each time it did."""
    names = re.findall(rf"^{kind} (.+)$", text_or_empty(job.with_suffix(".fls")), re.MULTILINE)
    return [os.path.normpath(name) for name in names]


def latex_command(job: Path) -> list[str]:
    """One pass of LaTeX, as latexmk runs it."""
    return ["pdflatex", *LATEX_OPTIONS, f"-output-directory={job.parent}", f"{job}.tex"]


def synctex_to_source(job: Path, source: str, lines: list[int]) -> bytes:
    """The SyncTeX data with the document in the place of the LaTeX made from it."""
    text = job.with_suffix(".synctex").read_bytes()
    name = re.escape(f"{job.name}.tex".encode())
    if own := re.search(rb"^Input:(\d+):(.*" + name + rb")$", text, re.MULTILINE):
        tag = own[1]
        entry = b"Input:" + tag + b":" + os.fsencode(Path(source).resolve())
        place = re.compile(rb"(?<=^[\[(hvxkg$r]" + tag + rb",)\d+", re.MULTILINE)
        number = {b"%d" % k: b"%d" % line for k, line in enumerate([lines[0], *lines])}
        last = b"%d" % lines[-1]
        text = place.sub(lambda match: number.get(match[0], last), text.replace(own[0], entry))
    return gzip.compress(text, compresslevel=1, mtime=0)  # a tenth of the time, a quarter longer


def _digests(job):
    own = [str(job.with_suffix(suffix)) for suffix in JOB_SUFFIXES]
    read = [name for name in files_read(job) if Path(name).suffix not in GRAPHICS]
    return json.dumps([states([*own, *read]), names_for_tex()])


def _make_references(job, text, epoch):
    """Run BibTeX before the first pass of LaTeX, which saves a pass: the references are there.

    text: of the document. Later passes correct anything missed or wrong here.
    """
    aux = job.with_suffix(".aux")
    needed = {"bibliography": "bibdata", "bibliographystyle": "bibstyle"}
    lines = [rf"\{needed[what]}{{{name}}}" for what, name in BIBLIOGRAPHY_COMMAND.findall(text)]
    if len(lines) < len(needed):
        return
    lines += [rf"\citation{{{keys}}}" for keys in unreported.CITATION.findall(text)]
    aux.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with contextlib.suppress(OSError):  # latexmk says that BibTeX is missing
        command = ["bibtex", "-terse", str(job)]
        subprocess.run(command, env=environment(job.parent, epoch), stdout=subprocess.DEVNULL)
    aux.unlink()


def _latexmk(job, epoch, lock):
    command = ["latexmk", "-norc", "-pdf", "-f", "-silent", *LATEX_OPTIONS,
               f"-outdir={job.parent}",
               "-e", "no strict 'vars'; $filetime_slop = 1e10",  # clocks may differ
               f"{job}.tex"]  # fmt: skip
    done = subprocess.run(command, env=environment(job.parent, epoch), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          pass_fds=[lock.fileno()] if lock else [])  # fmt: skip
    return done.returncode, done.stdout.decode("utf-8", "replace")


def complete_pages(job: Path) -> int:
    """The page count; 0 unless the PDF is as long as the log says."""
    pdf, written = job.with_suffix(".pdf"), OUTPUT.search(text_or_empty(job.with_suffix(".log")))
    complete = written and pdf.exists() and pdf.stat().st_size == int(written[2])
    return int(written[1]) if complete else 0


def environment(build, epoch):
    """Nothing personal, no clock, no locale: what TeX writes depends on the sources alone."""
    own = {"SOURCE_DATE_EPOCH": str(epoch), "FORCE_SOURCE_DATE": "1", "TZ": "UTC", "LC_ALL": "C",
           "TEXINPUTS": f"{Path('code/weaving')}:{build}:", "BIBINPUTS": "bib:",
           "max_print_line": "10000", "MKTEXPK": "0", "MKTEXTFM": "0"}  # fmt: skip
    trees = dict.fromkeys(["TEXMFHOME", "TEXMFVAR", "TEXMFCONFIG"], str(build / "texmf"))
    return {**os.environ, **own, **trees}

"""LaTeX to PDF with latexmk, in an environment of its own."""

import contextlib
import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

from weaving import texlog, unreported
from weaving.files import digest, in_project, text_or_empty
from weaving.problems import BuildFailed, Problem
from weaving.project import names_for_tex

JOB_SUFFIXES = """.aux .bbl .blg .fdb_latexmk .fls .lof .log .lot .out .toc .pdf .synctex.gz
.synctex(busy)""".split()
GRAPHICS = {".pdf", ".png", ".jpg", ".jpeg"}  # nothing that LaTeX writes depends on them
OUTPUT = re.compile(r"^Output written on .*?\((\d+) pages?, (\d+) bytes\)", re.MULTILINE)
READ = re.compile(r'^  "(.+?)" [\d.]+ -?\d+ \w* "', re.MULTILINE)  # a file in latexmk's database

INCLUDED_FROM = re.compile(r"\\include\{(\w[^{}]*)/[^/{}]+\}")
BIBLIOGRAPHY_COMMAND = re.compile(r"\\(bibliography(?:style)?)\{([^}]+)\}")


def typeset(job: Path, source: str, lines: list[int], epoch: int, lock=None) -> int:
    """Run latexmk on `job`.tex, and read its log; the number of pages.

    job: the path without suffix; source: the document's name; lines: the line map; epoch: the
    document's date in seconds since 1970; lock: a file that TeX keeps open while it runs. Raises
    BuildFailed with everything that the logs or the checks of unreported.py find.
    """
    # Digests of the last completed run's files; a mismatch means that they may be truncated.
    completion_record = job.with_suffix(".whole")
    if text_or_empty(completion_record) != _digests(job):
        for suffix in JOB_SUFFIXES:
            job.with_suffix(suffix).unlink(missing_ok=True)
    completion_record.unlink(missing_ok=True)
    for folder in INCLUDED_FROM.findall(text_or_empty(job.with_suffix(".tex"))):
        (job.parent / folder).mkdir(parents=True, exist_ok=True)  # for the chapter's .aux
    if not job.with_suffix(".aux").exists():
        _make_references(job, epoch)
    status, output = _latexmk(job, epoch, lock)
    pages = _complete_pages(job)
    if pages:
        completion_record.write_text(_digests(job), encoding="utf-8")
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


def files_read(job: Path) -> list[str]:
    """The files that LaTeX and BibTeX read for this document, without those in build/."""
    database = text_or_empty(job.with_suffix(".fdb_latexmk"))
    names = {os.path.normpath(name) for name in READ.findall(database)}
    made = str(job.parent) + os.sep
    return sorted(name for name in names if not name.startswith(made) and os.path.isfile(name))


def synctex_to_source(job: Path, source: str, lines: list[int]) -> bytes:
    """The SyncTeX data with the document in the place of the LaTeX made from it."""
    text = gzip.decompress(job.with_suffix(".synctex.gz").read_bytes())
    name = re.escape(f"{job.name}.tex".encode())
    if own := re.search(rb"^Input:(\d+):(.*" + name + rb")$", text, re.MULTILINE):
        tag = own[1]
        entry = b"Input:" + tag + b":" + os.fsencode(Path(source).resolve())
        place = re.compile(rb"(?<=^[\[(hvxkg$r]" + tag + rb",)\d+", re.MULTILINE)
        number = {b"%d" % k: b"%d" % line for k, line in enumerate([lines[0], *lines])}
        last = b"%d" % lines[-1]
        text = place.sub(lambda match: number.get(match[0], last), text.replace(own[0], entry))
    return gzip.compress(text, compresslevel=4, mtime=0)  # a fifth of the time, hardly longer


def _digests(job):
    own = [name for name in files_read(job) if in_project(name)
           and Path(name).suffix not in GRAPHICS]  # fmt: skip
    files = [*(job.with_suffix(suffix) for suffix in JOB_SUFFIXES), *map(Path, own)]
    return "".join(f"{path} {digest(path)}\n" for path in files) + "\n".join(names_for_tex())


def _make_references(job, epoch):
    """Run BibTeX before the first pass of LaTeX, which saves a pass: the references are there.

    Later passes correct anything missed or wrong here.
    """
    text, aux = text_or_empty(job.with_suffix(".tex")), job.with_suffix(".aux")
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
    command = ["latexmk", "-norc", "-pdf", "-f", "-silent", "-interaction=nonstopmode",
               "-file-line-error", "-synctex=1", f"-outdir={job.parent}",
               "-e", "no strict 'vars'; $filetime_slop = 1e10",  # clocks may differ
               f"{job}.tex"]  # fmt: skip
    done = subprocess.run(command, env=environment(job.parent, epoch), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          pass_fds=[lock.fileno()] if lock else [])  # fmt: skip
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _complete_pages(job):
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

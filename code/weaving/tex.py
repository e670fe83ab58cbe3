"""LaTeX to PDF with latexmk, in an environment of its own."""

import contextlib
import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

from weaving import texlog
from weaving.files import digest, text_or_empty
from weaving.problems import BuildFailed, Problem
from weaving.project import names_for_tex

JOB_SUFFIXES = """.aux .bbl .blg .fdb_latexmk .fls .lof .log .lot .out .toc .pdf .synctex.gz
.synctex(busy)""".split()
GRAPHICS = {".pdf", ".png", ".jpg", ".jpeg"}  # nothing that LaTeX writes depends on them
OUTPUT = re.compile(r"^Output written on .*?\((\d+) pages?, (\d+) bytes\)", re.MULTILINE)
READ = re.compile(r'^  "(.+?)" [\d.]+ -?\d+ \w* "', re.MULTILINE)  # a file in latexmk's database

CITATION = re.compile(r"\\cite[pt]?\*?(?:\[[^]]*\])*\{([^}]+)\}")
INCLUDED_FROM = re.compile(r"\\include\{(\w[^{}]*)/[^/{}]+\}")
BIBLIOGRAPHY_COMMAND = re.compile(r"\\(bibliography(?:style)?)\{([^}]+)\}")

PAPER = re.compile(r"^weaving: paper (\d+),(\d+)$", re.MULTILINE)  # scaled points
WORD_END = re.compile(rb"^x(\d+),(\d+):(-?\d+),(-?\d+)$", re.MULTILINE)  # in SyncTeX's data
# Inside these SyncTeX's places are not where the text is printed.
TURNED = re.compile(r"\\(?:rotatebox|scalebox|resizebox|begin\{(?:sideways|landscape|tikz|adjust))")

# TeX does not complain of a figure or a line of a listing that is wider than the page: measure.
MEASURE = r"""\makeatletter
\AtBeginDocument{\wlog{weaving: paper \number\paperwidth,\number\paperheight}}
\newsavebox{\weavingbox}
\newcommand{\weavingwidth}{\ifdefined\pagewidth\pagewidth\else\textwidth\fi}
\newcommand{\weavingmeasured}[1]{\sbox{\weavingbox}{#1}%
  \ifdim\wd\weavingbox>\dimexpr\weavingwidth+1pt\relax
    \PackageWarning{weaving}{A figure or a line of a listing sticks out of the page
      by \the\dimexpr\wd\weavingbox-\weavingwidth\relax}\fi
  \usebox{\weavingbox}}
\@ifpackageloaded{fancyvrb}{\renewcommand{\FancyVerbFormatLine}[1]{\weavingmeasured{#1}}}{}
\@ifpackageloaded{graphicx}{\let\weavinggraphics\Ginclude@graphics
  \renewcommand{\Ginclude@graphics}[1]{\leavevmode\weavingmeasured{\weavinggraphics{#1}}}}{}
\makeatother
"""


def typeset(job: Path, source: str, lines: list[int], epoch: int, lock=None) -> int:
    """Run latexmk on `job`.tex, and read its log; the number of pages.

    Parameters: job, the path without suffix; source, the document's name; lines, the line map;
    epoch, the document's date in seconds; lock, a file that TeX holds open while it runs. Raises
    BuildFailed with all that LaTeX, BibTeX or the log complains of.
    """
    # Digests of the last completed run's files; a mismatch means that they may be truncated.
    completion_record = job.with_suffix(".whole")
    if text_or_empty(completion_record) != _state(job):
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
        completion_record.write_text(_state(job), encoding="utf-8")
    problems = texlog.problems(job, source, lines, complete=pages > 0)
    if pages:
        problems += unwoven(job) + off_the_page(job, source, lines)
    if not problems and (status or not pages):
        problems = [Problem(source, 0, f"latexmk stopped with status {status}", output[-2000:])]
    free = shutil.disk_usage(job.parent).free // 1000
    if not pages and free < 2000:  # the other problems then follow from this one
        problems = [Problem(str(job.parent), 0, f"the disk is full: {free} kB are left")]
    if problems:
        raise BuildFailed(problems)
    return pages


def inputs(job: Path) -> list[str]:
    """The files that LaTeX and BibTeX read in their last runs, without those in build/."""
    names = map(Path, set(READ.findall(text_or_empty(job.with_suffix(".fdb_latexmk")))))
    return sorted(str(name) for name in names if job.parent not in name.parents and name.is_file())


def unwoven(job: Path) -> list[Problem]:
    """Code in files that LaTeX reads by itself: it would be printed, not run."""
    message = "code runs in a .texw only; move this text there"
    code = re.compile(r"<<.*>>=|(?!\s*%).*<%=")
    files = [name for name in inputs(job) if name.endswith(".tex") and not os.path.isabs(name)]
    return [Problem(name, number, message) for name in files
            for number, line in enumerate(text_or_empty(Path(name)).splitlines(), 1)
            if code.match(line)]  # fmt: skip


def off_the_page(job: Path, source: str, lines: list[int]) -> list[Problem]:
    r"""Words that end beyond the paper, of which TeX says nothing (\rlap, \hspace, \vspace)."""
    paper = PAPER.search(text_or_empty(job.with_suffix(".log")))
    if not paper or TURNED.search(text_or_empty(job.with_suffix(".tex"))):
        return []
    width, height = map(int, paper.groups())
    data, slack = gzip.decompress(job.with_suffix(".synctex.gz").read_bytes()), 65536  # one point
    own = re.search(rb"^Input:(\d+):.*" + re.escape(f"{job.name}.tex".encode()) + b"$", data, re.M)
    lost = set()
    for match in WORD_END.finditer(data):
        across, down = int(match[3]), int(match[4])
        if not (-slack < across < width + slack and -slack < down < height + slack):
            typed = own and match[1] == own[1]
            lost.add(lines[min(int(match[2]), len(lines)) - 1] if typed else 0)
    message = "text here lies beyond the edge of the paper, where it is lost"
    return [Problem(source, line, message) for line in sorted(lost)]


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


def _state(job):
    own = [name for name in inputs(job) if Path.cwd() in Path.cwd().joinpath(name).parents
           and Path(name).suffix not in GRAPHICS]  # fmt: skip
    files = [*(job.with_suffix(suffix) for suffix in JOB_SUFFIXES), *map(Path, own)]
    return "".join(f"{path} {digest(path)}\n" for path in files) + "\n".join(names_for_tex())


def _make_references(job, epoch):
    """Run BibTeX before LaTeX has said what is cited: with the references there, a pass is saved.

    Later passes correct anything missed or wrong here.
    """
    text, aux = text_or_empty(job.with_suffix(".tex")), job.with_suffix(".aux")
    asked = {"bibliography": "bibdata", "bibliographystyle": "bibstyle"}
    lines = [rf"\{asked[what]}{{{name}}}" for what, name in BIBLIOGRAPHY_COMMAND.findall(text)]
    if len(lines) < len(asked):
        return
    lines += [rf"\citation{{{keys}}}" for keys in CITATION.findall(text)]
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

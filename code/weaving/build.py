"""The whole build: weave what changed, typeset, and only then replace report.pdf."""

import contextlib
import fcntl
import hashlib
import json
import platform
from pathlib import Path

from weaving import results
from weaving.files import digest, replace, update
from weaving.provenance import provenance

REPORT = "report.texw"
BUILD = Path("build")
JOB = BUILD / "report"
MADE = BUILD / "made.json"  # what report.pdf was made from, and its own digest
OUTPUTS = [Path("report.pdf"), Path("report.synctex.gz")]
SOURCES = [REPORT, "requirements.txt", "code/**/*.py", "code/**/*.json", "code/**/*.npz", "code/**/*.csv", "code/**/*.tex",
           "code/**/*.sty", "bib/*.bib"]
TEX_FILES = BUILD / "tex.ok"  # where the set-up found what the report loads, a line for each file


def build(case_file, say):
    """Make report.pdf; the number of its pages. Raises BuildFailed, leaving the old report.pdf as it was."""
    from weaving import tex
    BUILD.mkdir(exist_ok=True)
    with alone(say) as lock:
        made_from = sources(case_file)  # as they are now: what is edited from here on makes the next build
        say("weave")
        lines = weave(case_file, say)
        say("typeset")
        pages = tex.typeset(JOB, REPORT, lines, provenance().epoch, lock)
        replace(Path("report.synctex.gz"), tex.synctex_to_report(JOB, REPORT, lines))
        replace(Path("report.pdf"), JOB.with_suffix(".pdf").read_bytes())
        files = {**results.files_kept(), **{str(path): digest(path) for path in OUTPUTS}}
        replace(MADE, json.dumps({"sources": made_from, "files": files}).encode())
    return pages


def is_up_to_date(case_file):
    """Whether report.pdf is what a build would make, by the content of all that it depends on; dates say nothing."""
    with contextlib.suppress(*results.UNREADABLE):
        made = json.loads(MADE.read_text(encoding="utf-8"))
        return made["sources"] == sources(case_file) and results.unchanged(made["files"])
    return False


def sources(case_file):
    """A hash of the sources, the case, the commit, Python, and the size and date of each file of TeX."""
    made_from = provenance()
    parts = [platform.python_version(), made_from.archived(), made_from.changed, case_file]
    named = {path for pattern in SOURCES for path in Path().glob(pattern)} | ({Path(case_file)} if case_file else set())
    parts += [[path.as_posix(), digest(path)] for path in sorted(named)]
    listed = TEX_FILES.read_text(encoding="utf-8").splitlines()[1:] if TEX_FILES.exists() else []
    parts += [[path, status.st_size, status.st_mtime_ns] for path in listed for status in [Path(path).stat()]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def weave(case_file, say=lambda *stage: None):
    """report.texw to build/report.tex and figures/; the line map."""
    return _write(execute(case_file, say))


def execute(case_file, say):
    """The chunks with their results. They run only if something that they can depend on changed."""
    from weaving.reader import StrictReader
    reader = StrictReader(REPORT)
    reader.parse()
    key = results.key(reader.parsed, case_file)
    kept = results.recall(key)
    executed = _run(reader, case_file, kept, say)
    if kept is None:
        results.keep(key, executed)
    return executed


def _run(reader, case_file, kept, say):
    from weaving.processor import StrictProcessor
    if kept is None:
        results.fresh_start()
    processor = StrictProcessor(reader.getparsed(), None, REPORT, False, "figures", ".")
    processor.namespace = {"case_file": case_file}
    processor.progress = lambda number, total, name: say("chunk", f"{number} of {total}: {name}")
    processor.replay = kept
    processor.run()
    return processor.executed


def _write(executed):
    from weaving import document, pdf
    tex, lines = pdf.write(document.read(executed))
    update(BUILD / "provenance.tex", provenance().macros().encode())
    update(BUILD / "listings.tex", pdf.styles().encode())
    update(JOB.with_suffix(".tex"), tex.encode())
    return lines


@contextlib.contextmanager
def alone(say):
    """One build at a time in this folder; a second one waits. The lock goes when its process and TeX's have ended."""
    with open(BUILD / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("wait", "another build is running in this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock

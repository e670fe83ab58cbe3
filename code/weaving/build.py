"""The whole build: weave what changed, typeset, and only then replace report.pdf."""

import contextlib
import fcntl
from pathlib import Path

from weaving import results
from weaving.files import replace, update
from weaving.provenance import provenance

REPORT = "report.texw"
BUILD = Path("build")
JOB = BUILD / "report"


def build(case_file, say):
    """Make report.pdf; the number of its pages. Raises BuildFailed, leaving the old report.pdf as it was."""
    from weaving import tex
    BUILD.mkdir(exist_ok=True)
    with alone(say) as lock:
        say("weave")
        lines = weave(case_file, say)
        say("typeset")
        pages = tex.typeset(JOB, REPORT, lines, provenance().epoch, lock)
        replace(Path("report.synctex.gz"), tex.synctex_to_report(JOB, REPORT, lines))
        replace(Path("report.pdf"), JOB.with_suffix(".pdf").read_bytes())
    return pages


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
    from weaving.formatter import MappedFormatter
    from weaving.latex import styles
    formatter = MappedFormatter(executed, source=REPORT)
    formatter.format()
    update(BUILD / "provenance.tex", provenance().macros().encode())
    update(BUILD / "listings.tex", styles().encode())
    update(JOB.with_suffix(".tex"), formatter.formatted.encode())
    return formatter.lines


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

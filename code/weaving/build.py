"""The whole build: weave what changed, typeset, and only then replace the PDF.

Modules are imported where they are used, so that to see that nothing changed takes few of them.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from weaving import inputs, project
from weaving.files import digest, read_json, replace, states, update
from weaving.problems import BuildFailed, Problem
from weaving.provenance import provenance

BUILD = Path("build")


def ignore(*_):
    """A callback that does nothing."""


class Target(NamedTuple):
    """One document, NAME.texw, and the file with the numbers of its case; without one, "".

    tagged: whether to write a tagged (accessible) PDF, see tagged.sty.
    """

    name: str = "report"
    case_file: str = ""
    tagged: bool = False

    @classmethod
    def named(cls, name: str, case_file: str) -> "Target":
        """The document of this name, with or without .texw. Raises BuildFailed if there is none."""
        target = cls(name.removesuffix(".texw"), case_file)
        if not Path(target.source).is_file():
            there = ", ".join(sorted(path.stem for path in Path().glob("*.texw"))) or "none"
            message = f"there is no such document in this folder; there are: {there}"
            raise BuildFailed([Problem(target.source, 0, message)])
        return target

    @property
    def source(self):
        return f"{self.name}.texw"

    @property
    def job(self):
        return BUILD / (f"{self.name}-tagged" if self.tagged else self.name)

    @property
    def pdf(self):
        return Path(f"{self.name}.pdf")

    @property
    def synctex(self):
        return Path(f"{self.name}.synctex.gz")

    def cache(self, kind: str) -> Path:
        """The file of the chunks' "results", of the "figures", or of what "build" was made from."""
        return BUILD / f"{self.name}.{kind}.json"


def build(target: Target, progress: Callable) -> int:
    """Make the PDF; the number of its pages. Raises BuildFailed, leaving the old PDF as it was.

    progress(stage, detail="") is called when a stage begins.
    """
    from weaving import tex
    from weaving.first_pass import FirstPass

    with build_lock(progress) as lock:
        key = _inputs_key(target)  # taken first, so that later edits trigger another build
        progress("weave")
        first = None
        if os.getpid() != 1:  # which inherits LaTeX: a chunk that waits for all children would hang
            first = FirstPass(target.job, target.source, provenance().epoch, lock)
        try:
            lines = weave(target, progress, first.write if first else ignore)
        except BaseException:
            if first:
                first.cancel()
            raise
        progress("typeset")
        pages = tex.typeset(first, target.job, target.source, lines, provenance().epoch, lock)
        replace(target.pdf, target.job.with_suffix(".pdf").read_bytes())
        replace(target.synctex, tex.synctex_to_source(target.job, target.source, lines))
        _write_build_record(target, key)
    return pages


def is_up_to_date(target: Target) -> bool:
    """Whether the PDF is what a build would make, by the content of all that it depends on."""
    record = read_json(target.cache("build"), "key", "recorded", "tex")
    return (
        record.get("key") == _inputs_key(target)
        and record["tex"] == states(record["tex"])
        and inputs.first_change(record["recorded"]) is None
    )


def weave(target: Target, progress: Callable = ignore, write: Callable = ignore) -> list[int]:
    """NAME.texw to build/NAME.tex and figures/; the line map.

    write(text, figures, files_changed): called with each part of the LaTeX once it is there, the
    names of the figures in it, and whether a chunk may have changed other files by then.
    """
    from weaving import document, pdf

    def write_chunk(chunk, files_changed=False):
        parts = document.read([chunk])
        write(pdf.write(parts)[0], pdf.figures(parts), files_changed)

    update(BUILD / "provenance.tex", provenance().macros().encode())
    update(BUILD / "listings.tex", pdf.preamble().encode())
    mark = r"\def\tagged{}" if target.tagged else ""  # on line 1: the others keep their numbers
    write(mark)
    text, lines = pdf.write(document.read(execute(target, progress, write_chunk)))
    replace(target.job.with_suffix(".tex"), (mark + text).encode())
    return lines


def execute(
    target: Target, progress: Callable = ignore, finished: Callable = ignore, screen: bool = False
) -> list[dict]:
    """The chunks with their results. They run only if something that they depend on changed.

    finished(chunk, files_changed): called with each chunk once it has its results, and whether the
    chunks may have changed files. screen: whether the figures are drawn as SVG, too.
    """
    from weaving import results
    from weaving.reader import StrictReader

    reader = StrictReader(target.source)
    reader.parse()
    key = results.key(reader.parsed, target.case_file)
    cached = results.load(target.cache("results"), key, screen)
    if cached is not None:
        chunks = results.replay(reader.parsed, cached)
        for chunk in chunks:
            finished(chunk)
        return chunks
    project.forget_bytecode()
    target.cache("results").unlink(missing_ok=True)
    target.cache("build").unlink(missing_ok=True)
    executed, recorder = _run(target, reader.parsed, progress, finished, screen)
    for place, what in sorted(recorder.untracked):
        print(f"{place}: note: {what}", file=sys.stderr)
    if not recorder.untracked:
        results.save(target.cache("results"), key, executed, recorder.snapshot())
    return executed


def _run(target, chunks, progress, finished, screen):
    from weaving.figures import FigureCache
    from weaving.processor import StrictProcessor

    cache = FigureCache(target.cache("figures"), Path("figures", target.name), screen)
    recorder, names = inputs.Recorder(), {"case_file": target.case_file}
    processor = StrictProcessor(
        chunks, target.source, cache=cache, recorder=recorder, names=names, progress=progress,
        finished=finished,
    )  # fmt: skip
    try:
        return processor.run(), recorder
    finally:
        cache.write()


@contextlib.contextmanager
def build_lock(progress: Callable):
    """One build at a time in this folder; held until its process and TeX's have ended."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("wait", "another build is running in this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def _inputs_key(target):
    """A hash of the document, the case's name, the commit, and all the Recorder does not track."""
    parts = [project.fingerprint(), target.case_file, provenance(), digest(Path(target.source))]
    parts += [project.names_for_tex(), target.tagged]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write_build_record(target, key):
    from weaving import results, tex

    recorded = results.recorded_inputs(target.cache("results"))
    if recorded is None:
        return  # the chunks run at every build
    recorded["file"] = project.modules() | recorded["file"]  # as they were when they were read
    recorded["file"] |= {str(path): digest(path) for path in (target.pdf, target.synctex)}
    record = {"key": key, "recorded": recorded, "tex": states(tex.files_read(target.job))}
    replace(target.cache("build"), json.dumps(record).encode())

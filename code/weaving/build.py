"""The whole build: weave what changed, typeset, and only then replace the PDF."""

import contextlib
import fcntl
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from weaving import inputs, results
from weaving.files import digest, names_for_tex, replace, update
from weaving.problems import BuildFailed, Problem
from weaving.provenance import provenance

BUILD = Path("build")


@dataclass(frozen=True)
class Target:
    """One document, NAME.texw, and the file with the numbers of its case ("": the placeholder).

    tagged: whether a screen reader is told what is a heading, a formula, a table; see tagged.sty.
    """

    name: str = "report"
    case_file: str = ""
    tagged: bool = False

    @property
    def source(self):
        return f"{self.name}.texw"

    @property
    def job(self):
        return BUILD / (self.name + "-tagged" * self.tagged)

    @property
    def pdf(self):
        return Path(f"{self.name}.pdf")

    @property
    def synctex(self):
        return Path(f"{self.name}.synctex.gz")

    @property
    def results(self):
        return BUILD / f"{self.name}.results.json"

    @property
    def figures(self):
        return BUILD / f"{self.name}.figures.json"

    @property
    def build_record(self):
        """Path of the record of what the PDF was built from."""
        return BUILD / f"{self.name}.made.json"


def build(target: Target, say: Callable) -> int:
    """Make the PDF; the number of its pages. Raises BuildFailed, leaving the old PDF as it was."""
    from weaving import tex

    with build_lock(say) as lock:
        made_from = _made_from(target)  # taken first, so that later edits trigger another build
        say("weave")
        lines = weave(target, say)
        say("typeset")
        pages = tex.typeset(target.job, target.source, lines, provenance().epoch, lock)
        replace(target.synctex, tex.synctex_to_source(target.job, target.source, lines))
        replace(target.pdf, target.job.with_suffix(".pdf").read_bytes())
        _write_build_record(target, made_from)
    return pages


def is_up_to_date(target: Target) -> bool:
    """Whether the PDF is what a build would make, by the content of all that it depends on."""
    with contextlib.suppress(*results.UNREADABLE):
        record = json.loads(target.build_record.read_text(encoding="utf-8"))
        same = record["from"] == _made_from(target) and record["tex"] == _tex_state(record["tex"])
        return same and inputs.changed(record["recorded"]) is None
    return False


def weave(target: Target, say: Callable = lambda *stage: None) -> list[int]:
    """NAME.texw to build/NAME.tex and figures/; the line map."""
    from weaving import document, pdf

    tex, lines = pdf.write(document.read(execute(target, say)))
    update(BUILD / "provenance.tex", provenance().macros().encode())
    update(BUILD / "listings.tex", pdf.preamble().encode())
    mark = r"\def\tagged{}" * target.tagged  # on the first line: the others keep their numbers
    update(target.job.with_suffix(".tex"), (mark + tex).encode())
    return lines


def execute(target: Target, say: Callable = lambda *stage: None, screen=False) -> list[dict]:
    """The chunks with their results. They run only if something that they depend on changed.

    screen: whether the figures are drawn as SVG, too.
    """
    from weaving.figures import Drawings
    from weaving.processor import StrictProcessor
    from weaving.reader import StrictReader

    reader = StrictReader(target.source)
    reader.parse()
    key = results.key(reader.parsed, target.case_file)
    folder = f"figures/{target.name}"
    processor = StrictProcessor(reader.getparsed(), None, target.source, False, folder, ".")
    processor.namespace = {"case_file": target.case_file}
    processor.progress = lambda number, total, name: say("chunk", f"{number} of {total}: {name}")
    processor.replay = results.recall(target.results, key)
    if processor.replay is not None and not (screen and _without_svg(processor.replay)):
        processor.run()
        return processor.executed
    inputs.forget_bytecode()
    target.results.unlink(missing_ok=True)
    target.build_record.unlink(missing_ok=True)
    processor.replay = None
    processor.drawings = Drawings(target.figures, screen)
    try:
        processor.run()
    finally:
        processor.drawings.write()
    unfollowed = sorted(processor.recorder.unfollowed)
    for place, what in unfollowed:
        print(f"{place}: note: {what}", file=sys.stderr)
    if not unfollowed:
        results.keep(target.results, key, processor.executed, processor.recorder.recorded())
    return processor.executed


@contextlib.contextmanager
def build_lock(say: Callable):
    """One build at a time in this folder; held until its process and TeX's have ended."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("wait", "another build is running in this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def _without_svg(replay):
    """Whether a figure has not been drawn for the screen."""
    data = [result.get("data", {}) for chunk in replay for result in chunk
            if isinstance(result, dict)]  # fmt: skip
    return any(not Path(files["image/svg+xml"]).is_file() for files in data
               if "image/svg+xml" in files)  # fmt: skip


def target_named(name: str, case_file: str) -> Target:
    """The document of this name, with or without .texw. Raises BuildFailed if there is none."""
    target = Target(name.removesuffix(".texw"), case_file)
    if not Path(target.source).is_file():
        there = ", ".join(sorted(path.stem for path in Path().glob("*.texw"))) or "none"
        message = f"there is no such document in this folder; there are: {there}"
        raise BuildFailed([Problem(target.source, 0, message)])
    return target


def _made_from(target):
    """A hash of the document, the case's name, the commit, and all the Recorder does not track."""
    commit = provenance()
    parts = [inputs.signature(), target.case_file, commit.archived(), commit.changed]
    parts += [digest(Path(target.source)), names_for_tex(), target.tagged]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write_build_record(target, made_from):
    from weaving import tex

    if not target.results.exists():
        return  # the chunks run at every build
    recorded = json.loads(target.results.read_text(encoding="utf-8"))["recorded"]
    recorded["file"] = inputs.modules() | recorded["file"]  # as they were when they were read
    recorded["file"] |= {str(path): digest(path) for path in (target.pdf, target.synctex)}
    record = {
        "from": made_from,
        "recorded": recorded,
        "tex": _tex_state(tex.files_read(target.job)),
    }
    replace(target.build_record, json.dumps(record).encode())


def _tex_state(names):
    """For each file that TeX read: the project's digest, or the installation's size and date."""

    def state(path):
        if Path.cwd() in Path.cwd().joinpath(path).parents:
            return digest(path)
        return [path.stat().st_size, path.stat().st_mtime_ns]

    return {name: state(Path(name)) for name in names}

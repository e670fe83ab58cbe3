"""The whole build: weave what changed, typeset, and only then replace the PDF."""

import contextlib
import fcntl
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from weaving import inputs, results
from weaving.files import digest, replace, update
from weaving.problems import BuildFailed, Problem
from weaving.provenance import provenance

BUILD = Path("build")


@dataclass(frozen=True)
class Target:
    """One document, NAME.texw, and the file with the numbers of its case ("": the placeholder)."""

    name: str = "report"
    case_file: str = ""

    @property
    def source(self):
        return f"{self.name}.texw"

    @property
    def job(self):
        return BUILD / self.name

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
    def made(self):
        """What the PDF was made from, and its own digest."""
        return BUILD / f"{self.name}.made.json"


def build(target, say):
    """Make the PDF; the number of its pages. Raises BuildFailed, leaving the old PDF as it was."""
    from weaving import tex

    BUILD.mkdir(exist_ok=True)
    with build_lock(say) as lock:
        made_from = _made_from(
            target
        )  # as it is now: what is edited from here on makes the next build
        say("weave")
        executed = execute(target, say)
        lines = _write(target, executed)
        say("typeset")
        pages = tex.typeset(target.job, target.source, lines, provenance().epoch, lock)
        replace(target.synctex, tex.synctex_to_source(target.job, target.source, lines))
        replace(target.pdf, target.job.with_suffix(".pdf").read_bytes())
        _note_made(target, made_from)
    return pages


def is_up_to_date(target):
    """Whether the PDF is what a build would make, by the content of all that it depends on; dates say nothing."""
    with contextlib.suppress(*results.UNREADABLE):
        made = json.loads(target.made.read_text(encoding="utf-8"))
        return (
            made["from"] == _made_from(target)
            and inputs.changed(made["recorded"]) is None
            and made["tex"] == _tex_state(made["tex"])
        )
    return False


def _made_from(target):
    """A hash of the document, the case's name, the commit, and what `inputs.signature` stands for."""
    commit = provenance()
    parts = [
        inputs.signature(),
        target.case_file,
        commit.archived(),
        commit.changed,
        digest(Path(target.source)),
        sorted(path.name for path in Path().iterdir() if path.suffix in TEX_SUFFIXES),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


TEX_SUFFIXES = {".tex", ".sty", ".cls", ".cfg", ".def", ".fd", ".clo", ".bib", ".bst"}


def _note_made(target, made_from):
    from weaving import tex

    if not target.results.exists():
        return  # a chunk runs at every build
    recorded = json.loads(target.results.read_text(encoding="utf-8"))["recorded"]
    recorded["file"] |= inputs.modules()  # also of those that ran after the chunks
    recorded["file"] |= {str(path): digest(path) for path in (target.pdf, target.synctex)}
    made = {"from": made_from, "recorded": recorded, "tex": _tex_state(tex.inputs(target.job))}
    replace(target.made, json.dumps(made).encode())


def _tex_state(paths):
    """For each file that TeX read: of the project its digest, of the installation its size and date."""
    here = Path.cwd()
    return {
        path: digest(Path(path))
        if here in Path(here, path).parents
        else [Path(path).stat().st_size, Path(path).stat().st_mtime_ns]
        for path in paths
    }


def weave(target, say=lambda *stage: None):
    """NAME.texw to build/NAME.tex and figures/; the line map."""
    return _write(target, execute(target, say))


def execute(target, say=lambda *stage: None):
    """The chunks with their results. They run only if something that they depend on changed."""
    from weaving.reader import StrictReader

    reader = StrictReader(target.source)
    reader.parse()
    key = results.key(reader.parsed, target.case_file)
    kept, recorded = results.recall(target.results, key)
    if kept is None:
        inputs.forget_bytecode()
        target.results.unlink(missing_ok=True)
        target.made.unlink(missing_ok=True)
    processor = _run(target, reader, kept, say)
    if kept is None and not processor.recorder.unfollowed:
        results.keep(target.results, key, processor.executed, processor.recorder.recorded())
    elif kept is None:
        for line, what in sorted(processor.recorder.unfollowed):
            print(
                f"{target.source}:{line}: note: {what} cannot be followed, so the chunks run at every build; "
                "name the files it reads, depends=[...] in the chunk's options",
                file=sys.stderr,
            )
    return processor.executed


def _run(target, reader, kept, say):
    from weaving.processor import StrictProcessor

    processor = StrictProcessor(
        reader.getparsed(), None, target.source, False, f"figures/{target.name}", "."
    )
    processor.namespace = {"case_file": target.case_file}
    processor.progress = lambda number, total, name: say("chunk", f"{number} of {total}: {name}")
    processor.replay = kept
    processor.run()
    return processor


def _write(target, executed):
    from weaving import document, pdf
    from weaving.tex import MEASURE

    tex, lines = pdf.write(document.read(executed))
    update(BUILD / "provenance.tex", provenance().macros().encode())
    update(BUILD / "listings.tex", (pdf.styles() + MEASURE).encode())
    update(target.job.with_suffix(".tex"), tex.encode())
    return lines


@contextlib.contextmanager
def build_lock(say):
    """One build at a time in this folder; a second one waits. The lock goes when its process and TeX's have ended."""
    with open(BUILD / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("wait", "another build is running in this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def target_named(name, case_file):
    """The Target of a document's name, with or without .texw. Raises BuildFailed if there is no such document."""
    target = Target(name.removesuffix(".texw"), case_file)
    if not Path(target.source).is_file():
        there = ", ".join(sorted(path.stem for path in Path().glob("*.texw"))) or "none"
        raise BuildFailed(
            [
                Problem(
                    target.source,
                    0,
                    f"there is no such document in this folder; there are: {there}",
                )
            ]
        )
    return target

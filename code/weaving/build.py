"""The whole build: weave what changed, typeset, and only then replace the PDF.

Modules are imported where they are used, so that to see that nothing changed takes few of them.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from weaving import project, states
from weaving.execution import build_lock, execute, ignore
from weaving.files import digest, read_json, replace, update
from weaving.provenance import provenance
from weaving.target import Target


def build(target: Target, progress: Callable) -> int:
    """Make the PDF; the number of its pages. Raises BuildFailed, leaving the old PDF as it was.

    progress(stage, detail="") is called when a stage begins.
    """
    from weaving import tex
    from weaving.first_pass import FirstPass

    with build_lock(progress) as lock:
        key = _inputs_key(target)  # taken first, so that later edits trigger another build
        progress("weave")
        job = tex.Job(target.stem, target.source, provenance().epoch, lock)
        tex.prepare(job)
        first = None
        if os.getpid() != 1:  # which inherits LaTeX: a chunk that waits for all children would hang
            first = FirstPass(job)
        try:
            lines = weave(target, progress, first.write if first else ignore)
        except BaseException:
            if first:
                first.cancel()
            raise
        progress("typeset")
        pages = tex.typeset(job, lines, first)
        replace(target.pdf, target.stem.with_suffix(".pdf").read_bytes())
        replace(target.synctex, tex.synctex_to_source(job, lines))
        _write_build_record(target, key)
    return pages


def is_up_to_date(target: Target) -> bool:
    """Whether the PDF is what a build would make, by the content of all that it depends on."""
    record = read_json(target.cache("build"), "key", "recorded", "tex")
    return (
        record.get("key") == _inputs_key(target)
        and record["tex"] == states.of_files(record["tex"])
        and states.first_change(record["recorded"]) is None
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

    update(project.BUILD / "provenance.tex", provenance().macros().encode())
    update(project.BUILD / "listings.tex", pdf.preamble().encode())
    mark = r"\def\tagged{}" if target.tagged else ""  # on line 1: the others keep their numbers
    write(mark)
    text, lines = pdf.write(document.read(execute(target, progress, write_chunk)))
    replace(target.stem.with_suffix(".tex"), (mark + text).encode())
    return lines


def _inputs_key(target):
    """A hash of the document, the case's name, the commit, and all the Recorder does not track."""
    parts = [project.fingerprint(), target.variables, provenance(), digest(Path(target.source))]
    parts += [project.names_for_tex(), target.tagged]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write_build_record(target, key):
    from weaving import results, tex

    recorded = results.recorded_inputs(target.cache("results"))
    if recorded is None:
        return  # the chunks run at every build
    recorded["file"] = project.modules() | recorded["file"]  # as they were when they were read
    recorded["file"] |= {str(path): digest(path) for path in (target.pdf, target.synctex)}
    record = {"key": key, "recorded": recorded, "tex": states.of_files(tex.files_read(target.stem))}
    replace(target.cache("build"), json.dumps(record).encode())

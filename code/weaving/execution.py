"""The results of a document's chunks, from which PDF, HTML and notebook are written.

Modules are imported where they are used, so that to see that nothing changed takes few of them.
"""

import contextlib
import fcntl
import sys
from collections.abc import Callable

from weaving import project
from weaving.project import BUILD, FIGURES
from weaving.target import Target


def ignore(*_):
    """A no-op callback."""


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
    key = results.key(reader.parsed, target.variables)
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
    from weaving.inputs import Recorder
    from weaving.processor import StrictProcessor

    cache = FigureCache(target.cache("figures"), FIGURES / target.name, screen)
    recorder = Recorder()
    processor = StrictProcessor(
        chunks, target.source, cache=cache, recorder=recorder, names=target.variables,
        progress=progress, finished=finished,
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

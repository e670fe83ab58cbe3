"""Build again whenever a file that the document can depend on changes."""

import contextlib
import importlib
import os
import sys
import time
import traceback
from pathlib import Path

from weaving import results
from weaving.command import build_and_report
from weaving.files import digest
from weaving.project import BUILDER, FIGURES, NOT_INPUTS, outputs
from weaving.target import Target

PACKAGES = ("matplotlib.figure", "matplotlib.backends.backend_pdf", "numpy", "sympy",
            "weaving.processor", "weaving.reader", "weaving.pdf", "weaving.tex")  # fmt: skip


def watch(target: Target) -> int:
    """Build at every save until Ctrl-C, each time in a copy of this process.

    The copy imports the project's modules anew; the installed packages, which take a second to
    import, are there already. After a change of the builder itself the process starts again.
    """
    built, known, parent = {}, {}, os.getppid()
    for package in PACKAGES:
        importlib.import_module(package)
    try:
        while os.getppid() == parent:  # make has not been ended
            now = _digests(target, known)
            changed = {name for name, _ in now.items() ^ built.items()}
            ours = [name for name in changed if Path(name).is_relative_to(BUILDER)]
            if built and ours and all(map(_compiles, ours)):
                os.execv(sys.executable, [sys.executable, "-m", "weaving", *sys.argv[1:]])
            if changed:
                built = now
                print("building", flush=True)
                _build(target)
                print(time.strftime("%H:%M:%S"), "waiting for a change; Ctrl-C ends", flush=True)
            time.sleep(0.3)
    except KeyboardInterrupt:
        pass
    return 0


def _compiles(name):
    """Whether the builder could start again with this file; in the middle of an edit it cannot."""
    try:
        return not name.endswith(".py") or compile(Path(name).read_bytes(), name, "exec")
    except (SyntaxError, ValueError, OSError) as error:
        print(f"{name}: {error}", flush=True)
        return False


def _build(target):
    if child := os.fork():
        try:
            os.waitpid(child, 0)
        except KeyboardInterrupt:  # the child receives it as well and cleans up
            os.waitpid(child, 0)
            raise
        return
    try:
        build_and_report(target)
    except BaseException:
        traceback.print_exc()
    finally:  # never fall back into the parent's loop
        sys.stdout.flush()
        os._exit(0)


def _digests(target, known):
    """The digest of each file; an editor that saves by renaming leaves a moment without it."""
    state = {}
    printed = [os.fstat(stream) for stream in (1, 2)]  # perhaps a file of the folder
    for path in [*_project_files(), *_recorded_files(target)]:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            if any(os.path.samestat(status, stream) for stream in printed):
                continue
            key = (str(path), status.st_mtime_ns, status.st_size)
            if key not in known:
                known[key] = digest(Path(path))
            state[str(path)] = known[key]
    return state


def _project_files():
    """All files of the folder but hidden ones and what a build makes."""
    for folder, folders, files in os.walk("."):
        left_out = (*NOT_INPUTS, FIGURES.name)
        folders[:] = [name for name in folders if name not in left_out and name[0] != "."]
        made = outputs(files) if folder == "." else ()
        yield from (
            os.path.join(folder, name) for name in files if name[0] != "." and name not in made
        )


def _recorded_files(target):
    """What the last build read outside the folder."""
    recorded = results.recorded_inputs(target.cache("results")) or {}
    names = recorded.get("file", {}) | recorded.get("stat", {})
    return [path for path in names if os.path.isabs(path)]

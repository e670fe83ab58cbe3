"""Build again whenever a file that the document can depend on changes."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from weaving import results
from weaving.build import Target
from weaving.files import digest
from weaving.inputs import OWN


def watch(target: Target) -> int:
    """Build at every save until Ctrl-C, in new processes, since modules may have changed."""
    built, digests = None, {}
    try:
        while True:
            now = _state(target, digests)
            if now != built:
                built = now
                print("building", flush=True)
                subprocess.run(
                    [sys.executable, "-m", "weaving", target.name, "--case", target.case_file]
                )
                print(time.strftime("%H:%M:%S"), "waiting for a change; Ctrl-C ends", flush=True)
            time.sleep(0.3)
    except KeyboardInterrupt:
        return 0


def _state(target, digests):
    """The digest of each file; an editor that saves by renaming leaves a moment without it."""
    state = {}
    for path in [*_project_files(target), *_recorded_files(target)]:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            key = (str(path), status.st_mtime_ns, status.st_size)
            if key not in digests:
                digests[key] = digest(Path(path))
            state[str(path)] = digests[key]
    return state


def _project_files(target):
    """All files of the folder but hidden ones and what a build makes."""
    for folder, folders, files in os.walk("."):
        folders[:] = [name for name in folders if name not in (*OWN, "figures") and name[0] != "."]
        yield from (
            os.path.join(folder, name)
            for name in files
            if name[0] != "."
            and (folder != "." or name not in (str(target.pdf), str(target.synctex)))
        )


def _recorded_files(target):
    """What the last build read outside the folder."""
    with contextlib.suppress(*results.UNREADABLE):
        recorded = json.loads(target.results.read_text(encoding="utf-8"))["recorded"]
        return [path for path in recorded["file"] | recorded["asked"] if os.path.isabs(path)]
    return []

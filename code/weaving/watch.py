"""Build again whenever a source changes."""

import subprocess
import sys
import time
from pathlib import Path

SOURCES = ["report.texw", "requirements.txt", "code/**/*.py", "code/**/*.json", "code/**/*.sty", "bib/*.bib"]


def watch(case_file):
    """Build at every save until Ctrl-C. Each build is a new process: code/ may have changed."""
    built = None
    try:
        while True:
            now = _state(case_file)
            if now != built:
                built = now
                print("building", flush=True)
                subprocess.run([sys.executable, "-m", "weaving", "--case", case_file])
                print(time.strftime("%H:%M:%S"), "waiting for a change; Ctrl-C ends", flush=True)
            time.sleep(0.3)
    except KeyboardInterrupt:
        return 0


def _state(case_file):
    """Each source's time and size. An editor that saves by renaming leaves a moment without the file."""
    files = {path for pattern in [*SOURCES, *([case_file] if case_file else [])] for path in _found(pattern)}
    state = {}
    for path in files:
        try:
            state[path] = (path.stat().st_mtime_ns, path.stat().st_size)
        except FileNotFoundError:
            pass
    return state


def _found(pattern):
    return Path().glob(pattern) if "*" in pattern else [Path(pattern)]

"""What a report was made from and with."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# In an unpacked archive, the commit and its date in seconds. In a clone this is the unexpanded
# $Format$ placeholder (see .gitattributes).
ARCHIVED = Path("PROVENANCE")
PACKAGES = ["Pweave", "NumPy", "SymPy", "Matplotlib"]


class Provenance(NamedTuple):
    """The commit, its date in seconds since 1970, and whether files differ from it."""

    commit: str
    epoch: int
    changed: bool = False

    def macros(self) -> str:
        """As LaTeX: \\commit, \\versions and \\reportdate."""
        import importlib.metadata  # slow to import, and not needed to see that nothing changed

        day = time.gmtime(self.epoch)
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
        macros = {
            "commit": f"\\texttt{{{self.commit}}}{' with changes' if self.changed else ''}",
            "versions": versions,
            "reportdate": f"{day.tm_mday} {time.strftime('%B %Y', day)}",
        }
        return "".join(f"\\newcommand{{\\{name}}}{{{text}}}\n" for name, text in macros.items())


def from_archive() -> Provenance | None:
    """From ARCHIVED, if this folder is an unpacked archive."""
    text = ARCHIVED.read_text(encoding="utf-8") if ARCHIVED.exists() else "$Format$"
    if text.startswith("$Format"):
        return None
    commit, epoch = text.split()
    return Provenance(commit[:12], int(epoch))


def provenance() -> Provenance:
    """From ARCHIVED, else from Git; else the commit is `unknown`, of 1 January 1970."""
    if archive := from_archive():
        return archive
    log = _git("log", "-1", "--no-show-signature", "--format=%H %ct")
    status = _git("status", "--porcelain", "--untracked-files=no")  # beside the other
    commit, epoch = (log() or "unknown 0").split()
    return Provenance(commit[:12], int(epoch), changed=bool(status()))


def _git(*words: str) -> Callable[[], str]:
    """Start Git; a function that returns its output, empty if it fails or is not installed."""
    # another user's clone is as good as one's own, and looking must not lock it
    command = ["git", "--no-optional-locks", "-c", "safe.directory=*", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "encoding": "utf-8"}
    try:
        process = subprocess.Popen(command, **pipes)
    except FileNotFoundError:
        return str
    return lambda: process.communicate()[0].strip()

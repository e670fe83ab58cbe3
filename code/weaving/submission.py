"""make submission: submission.tar.gz, made from the last commit and nothing else.

--tagged is passed to the build.

It contains what Git tracks, PROVENANCE (the commit and its date), with which `make pdf` builds the
same bytes there, report.pdf, and latex/: the plain LaTeX with its figures, for readers without
Python.
"""

import argparse
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from weaving.command import run_and_report
from weaving.files import replace
from weaving.problems import BuildFailed, Problem
from weaving.project import BUILD, BUILDER, FIGURES
from weaving.provenance import from_archive, provenance
from weaving.settings import restart_without_user_settings
from weaving.target import Target

NAME = "submission"
ARCHIVE = Path(f"{NAME}.tar.gz")
REPORT = Target()


def main() -> int:
    restart_without_user_settings()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tagged", action="store_true")
    tagged = parser.parse_args().tagged
    return run_and_report(str(ARCHIVE), lambda progress: make(tagged))


def make(tagged: bool) -> str:
    """Write the archive; its size in words. Raises BuildFailed if the commit cannot be built."""
    made_from = provenance()
    if from_archive() or made_from.commit == "unknown":
        raise _refusal("it is made from a Git commit, and this folder is not a clone")
    if made_from.changed:
        raise _refusal("files differ from the last commit: commit them first")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, NAME)
        export(folder)
        build(folder, tagged)
        data = pack(folder, made_from.epoch)
    replace(ARCHIVE, data)
    return f"{len(data) / 1e6:.1f} MB"


def export(folder: Path) -> None:
    """All that Git tracks, as committed; Git fills in PROVENANCE (see .gitattributes)."""
    folder.mkdir()
    command = ["git", "-c", "safe.directory=*", "archive", "HEAD"]
    tar = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-xf", "-", "-C", folder], check=True, input=tar)


def build(folder: Path, tagged: bool) -> None:
    """Build the report there, as a reader of the archive would; keep the PDF and its LaTeX."""
    command = [sys.executable, "-m", "weaving", REPORT.name]
    if tagged:
        command.append("--tagged")
    environment = {**os.environ, "PYTHONPATH": "code"}
    if subprocess.run(command, cwd=folder, env=environment).returncode:
        raise _refusal("the last commit does not build, see above")
    latex = folder / "latex"
    latex.mkdir()
    for place, suffix in [(BUILDER, "tex"), (BUILDER, "sty"), (BUILD, "tex"), (BUILD, "bbl")]:
        for path in folder.glob(f"{place}/*.{suffix}"):
            shutil.copy(path, latex)
    shutil.copytree(folder / FIGURES, latex / FIGURES, ignore=shutil.ignore_patterns("*.svg"))
    for made in [BUILD, FIGURES]:
        shutil.rmtree(folder / made)
    (folder / REPORT.synctex).unlink()


def pack(folder: Path, epoch: int) -> bytes:
    """The files as .tar.gz: sorted, without owners, dated as the commit; always the same bytes."""

    def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime = 0, 0, "", "", epoch
        entry.mode = 0o755 if entry.mode & 0o100 else 0o644
        return None if "__pycache__" in entry.name else entry

    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(folder, NAME, filter=anonymous)
    return gzip.compress(tar.getvalue(), mtime=0)


def _refusal(message: str) -> BuildFailed:
    return BuildFailed([Problem(NAME, 0, message)])


if __name__ == "__main__":
    sys.exit(main())

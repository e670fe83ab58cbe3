"""make submission: submission.tar.gz, made from the last commit and nothing else.

Flags are passed on to the build: --tagged.

It holds what Git tracks, PROVENANCE (the commit and its date), with which `make pdf` builds the
same bytes there, report.pdf, and latex/: the plain LaTeX with its figures, for readers without
Python.
"""

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from weaving.build import Target
from weaving.command import finish
from weaving.files import replace
from weaving.problems import BuildFailed, Problem
from weaving.provenance import ARCHIVED, Provenance, provenance, unpacked

NAME = "submission"
ARCHIVE = Path(f"{NAME}.tar.gz")
REPORT = Target()


def main() -> int:
    return finish(str(ARCHIVE), lambda say: make(sys.argv[1:]))


def make(flags: list[str]) -> str:
    """Write the archive; its size in words. Raises BuildFailed if the commit cannot be built."""
    made_from = provenance()
    if unpacked() or made_from.commit == "unknown":
        raise _refused("it is made from a Git commit, and this folder is not a clone")
    if made_from.changed:
        raise _refused("files differ from the last commit: commit them first")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, NAME)
        export(folder, made_from)
        build(folder, flags)
        data = packed(folder, made_from.epoch)
    replace(ARCHIVE, data)
    return f"{len(data) / 1e6:.1f} MB"


def export(folder: Path, made_from: Provenance) -> None:
    """All that Git tracks, as committed."""
    command = ["git", "-c", "safe.directory=*", "archive", "HEAD"]
    tar = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as files:
        # Python 3.11.2 of Debian 12 has no filters yet; later ones warn if none is set.
        files.extraction_filter = getattr(tarfile, "data_filter", None)
        files.extractall(folder)
    (folder / ARCHIVED).write_text(made_from.archived(), encoding="utf-8")


def build(folder: Path, flags: list[str]) -> None:
    """Build the report there, as a reader of the archive would; keep the PDF and its LaTeX."""
    command = [sys.executable, "-m", "weaving", REPORT.name, *flags]
    environment = {**os.environ, "PYTHONPATH": "code"}
    if subprocess.run(command, cwd=folder, env=environment).returncode:
        raise _refused("the last commit does not build, see above")
    latex = folder / "latex"
    latex.mkdir()
    for pattern in ["code/weaving/*.tex", "code/weaving/*.sty", "build/*.tex", "build/*.bbl"]:
        for path in folder.glob(pattern):
            shutil.copy(path, latex)
    shutil.copytree(folder / "figures", latex / "figures", ignore=shutil.ignore_patterns("*.svg"))
    for made in ["build", "figures"]:
        shutil.rmtree(folder / made)
    (folder / REPORT.synctex).unlink()


def packed(folder: Path, epoch: int) -> bytes:
    """The files as .tar.gz: sorted, without owners, dated as the commit; always the same bytes."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if "__pycache__" not in path.parts:
                entry = tarfile.TarInfo(f"{NAME}/{path.relative_to(folder).as_posix()}")
                entry.size, entry.mtime = path.stat().st_size, epoch
                entry.mode = 0o755 if os.access(path, os.X_OK) else 0o644
                archive.addfile(entry, io.BytesIO(path.read_bytes()))
    return gzip.compress(tar.getvalue(), mtime=0)


def _refused(message: str) -> BuildFailed:
    return BuildFailed([Problem(NAME, 0, message)])


if __name__ == "__main__":
    sys.exit(main())

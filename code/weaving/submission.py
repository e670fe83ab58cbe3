"""python -m weaving.submission: submission.tar.gz, what a course wants, made from the last commit and nothing else.

    submission/            all that Git tracks, and PROVENANCE (its commit and date): `make pdf` builds the same report.pdf there
      report.pdf
      latex/report.tex     plain LaTeX with its figures and bibliography: `pdflatex report` three times, without Python
      SHA256SUMS           `sha256sum -c SHA256SUMS` checks them all
"""

import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from weaving.files import replace
from weaving.problems import BuildFailed, Problem
from weaving.provenance import ARCHIVED, provenance
from weaving.tex import OUTPUT

NAME = "submission"
PLAIN_LATEX = ["build/report.tex", "build/report.bbl", "build/provenance.tex", "build/listings.tex",
               "code/weaving/house.sty", "code/weaving/glyphs.tex"]


def main():
    try:
        size = make(Path(NAME + ".tar.gz"))
    except BuildFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    print(f"{NAME}.tar.gz: {size / 1e6:.1f} MB")
    return 0


def make(archive):
    """Write the archive; its size. Raises BuildFailed if the tree is not clean or anything in it does not build."""
    made_from = provenance()
    if ARCHIVED.exists() or made_from.commit == "unknown":
        raise BuildFailed([Problem(NAME, 0, "it is made from a Git commit, and this folder is not a clone")])
    if made_from.changed:
        raise BuildFailed([Problem(NAME, 0, "files differ from the last commit; commit them first (git status names them)")])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, NAME)
        export(folder, made_from)
        build(folder)
        copy_plain_latex(folder)
        keep = [path for path in files_of(folder) if path.parts[0] not in ("build", "figures")]
        sums = "".join(f"{hashlib.sha256((folder / path).read_bytes()).hexdigest()}  {path.as_posix()}\n" for path in keep)
        (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
        data = packed(folder, sorted([*keep, Path("SHA256SUMS")]), made_from.epoch)
    replace(archive, data)
    return len(data)


def export(folder, made_from):
    """All that Git tracks, as committed."""
    tar = subprocess.run(["git", "-c", "safe.directory=*", "archive", "HEAD"], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as files:
        files.extractall(folder, filter="data")
    (folder / ARCHIVED).write_text(made_from.archived(), encoding="utf-8")


def build(folder):
    """Build the report there, as who unpacks the archive will."""
    done = subprocess.run([sys.executable, "-m", "weaving"], cwd=folder, env={**os.environ, "PYTHONPATH": "code"})
    if done.returncode:
        raise BuildFailed([Problem(NAME, 0, "the last commit does not build, see above")])
    (folder / "report.synctex.gz").unlink()


def copy_plain_latex(folder):
    """The LaTeX made from the report, and proof that it gives as many pages without Python."""
    latex = folder / "latex"
    latex.mkdir()
    for file in PLAIN_LATEX:
        shutil.copy(folder / file, latex)
    (latex / "figures").mkdir()
    for figure in re.findall(r"\{(figures/[^{}]+\.pdf)\}", (latex / "report.tex").read_text(encoding="utf-8")):
        shutil.copy(folder / figure, latex / figure)
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(latex, Path(scratch, "latex"))
        for _ in range(3):
            subprocess.run(["pdflatex", "-interaction=nonstopmode", "report"], cwd=copy, stdout=subprocess.DEVNULL,
                           env={**os.environ, "max_print_line": "10000"})
        pages = pages_of(copy / "report.log")
    if not pages or pages != pages_of(folder / "build/report.log"):
        raise BuildFailed([Problem(NAME, 0, f"the plain LaTeX gives {pages} pages, the report has another number")])


def pages_of(log):
    written = OUTPUT.search(log.read_text(encoding="utf-8", errors="replace"))
    return int(written.group(1)) if written else 0


def files_of(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def packed(folder, paths, epoch):
    """The files as .tar.gz: in order, of nobody, of the commit's date, so that the same commit gives the same bytes."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in paths:
            data = (folder / path).read_bytes()
            entry = tarfile.TarInfo(f"{NAME}/{path.as_posix()}")
            entry.size, entry.mtime = len(data), epoch
            entry.mode = 0o755 if os.access(folder / path, os.X_OK) else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(tar.getvalue(), mtime=0)


if __name__ == "__main__":
    sys.exit(main())

"""The state of the project: the names of its files, what builds write there, what is imported."""

import contextlib
import functools
import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from weaving.files import digest

BUILD, FIGURES, BIB, BUILDER = map(Path, ("build", "figures", "bib", "code/weaving"))
NOT_INPUTS = (BUILD.name, ".git", ".venv", "__pycache__")  # folders never treated as inputs
_FOLDERS = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
INSTALLED = tuple({path + os.sep for path in [*_FOLDERS, *map(os.path.realpath, _FOLDERS)]})
VOLATILE_PATHS = ("/proc/", "/sys/", "/dev/")
CODE = (".py", ".so")
MOST_SECONDS_TO_COMPILE = 2
OUTPUT_SUFFIXES = (".pdf", ".html", ".ipynb", ".synctex.gz")


def recorded_name(path, root: str) -> str | None:
    """The name by which a file is recorded, relative in the project's folder, or None."""
    return _recorded_name(os.path.abspath(os.fsdecode(path)), root)


@functools.cache
def _recorded_name(path, root):
    if os.path.basename(os.path.dirname(path)) == "__pycache__" and path.endswith(".pyc"):
        with contextlib.suppress(ValueError, NotImplementedError):
            path = importlib.util.source_from_cache(path)
    if path.startswith(INSTALLED + VOLATILE_PATHS):
        return None
    inside = path == root or path.startswith(root + os.sep)
    name = os.path.relpath(path, root) if inside else path
    return None if name.split(os.sep)[0] in NOT_INPUTS else name


def modules() -> dict[str, str]:
    """The files of the modules that are imported now, with their digests."""
    root = os.getcwd()
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    named = {recorded_name(file, root) for file in files if file.endswith(CODE)}
    return {name: digest(Path(name)) for name in sorted(named - {None})}


def outputs(names: Iterable[str]) -> set[str]:
    """What builds write beside the documents that are among these names of a folder."""
    documents = [name.removesuffix(".texw") for name in names if name.endswith(".texw")]
    return {document + suffix for document in documents for suffix in OUTPUT_SUFFIXES}


def names_for_tex() -> list[str]:
    """What LaTeX finds by its name in the project: a new file can take the place of another."""
    kinds = {".tex", ".sty", ".cls", ".cfg", ".def", ".fd", ".clo", ".bib", ".bst"}
    folders = [Path(), BIB, BUILDER]
    found = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return sorted(path.as_posix() for path in found if path.suffix in kinds)


def fingerprint() -> list:
    """Of all that is not recorded: Python, the installed packages, and the TeX that is found."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    packages = {name for folder in folders for name in os.listdir(folder)
                if name.endswith((".dist-info", ".egg-link", ".pth"))}  # fmt: skip
    programs = [shutil.which("latexmk"), shutil.which("pdflatex")]
    return [sys.version, sorted(packages), *programs]


def forget_bytecode() -> None:
    """Remove bytecode that may be of an older source: Python compares size and whole seconds."""
    folders = [path for path in Path().iterdir() if path.is_dir() and path.name[0] != "."
               and path.name not in NOT_INPUTS]  # fmt: skip
    caches = [cache for folder in folders for cache in folder.rglob("__pycache__")]
    for path in [path for cache in [Path("__pycache__"), *caches] for path in cache.glob("*.pyc")]:
        if not _is_of_its_source(path):
            path.unlink(missing_ok=True)


def _is_of_its_source(bytecode):
    """Whether it was written well after the last change of its source, by the files' own clock."""
    with contextlib.suppress(OSError, ValueError, NotImplementedError):
        source = importlib.util.source_from_cache(bytecode)
        return os.stat(source).st_ctime + MOST_SECONDS_TO_COMPILE < bytecode.stat().st_mtime
    return False

"""The states of what a build reads: a result is stale if one of them has changed since."""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from weaving.files import digest
from weaving.project import CODE, FIGURES, NOT_INPUTS, outputs


def first_change(recorded: dict[str, dict]) -> str | None:
    """The name of something recorded that is no longer as it was, or None."""
    return next((name for kind, states in recorded.items() for name, was in states.items()
                 if kind not in BY_KIND or BY_KIND[kind](name) != was), None)  # fmt: skip


def of_files(names: Iterable[str]) -> dict[str, str | list[int] | None]:
    """The digest of each file in the current folder; of others, which are TeX's, size and date.

    None if it is gone.
    """

    def state(name):
        if os.path.abspath(name).startswith(os.getcwd() + os.sep):
            return digest(Path(name))
        with contextlib.suppress(OSError):
            status = os.stat(name)
            return [status.st_size, status.st_mtime_ns]
        return None

    return {name: state(name) for name in names}


def _stat(path):
    """What asking about a path can tell: where a link leads, kind, permissions, a file's size."""
    link, mode, size = None, None, None
    with contextlib.suppress(OSError):
        link = os.readlink(path) if os.path.islink(path) else None
        mode = os.stat(path).st_mode
        size = None if os.path.isdir(path) else os.path.getsize(path)
    return [link, mode, size]


def _mtime(path):
    """What `_stat` returns, and a file's modification time."""
    return [_stat(path), os.path.isfile(path) and os.stat(path).st_mtime_ns]


def _listing(folder):
    with contextlib.suppress(OSError):
        return _hash("\n".join(names_in(folder)))


def names_in(folder: str) -> list[str]:
    """The names in a folder, without what a build makes."""
    names = sorted(os.listdir(folder))
    left_out = {*NOT_INPUTS}
    if made := outputs(names):  # the project's folder
        left_out |= {*made, FIGURES.name}
    return [name for name in names if name not in left_out
            and not (name[0] == "." and name.endswith(".part"))]  # fmt: skip


def _importable(folder):
    """A hash of the names that can be imported from a folder."""
    with contextlib.suppress(OSError):
        packages = (name for name in sorted(os.listdir(folder)) if name.endswith(CODE)
                    or os.path.exists(os.path.join(folder, name, "__init__.py")))  # fmt: skip
        return _hash("\n".join(packages))


def variable(name, environment):
    """A hash of a variable's value; for "", of the names of all."""
    return _hash(environment.get(name) if name else " ".join(sorted(environment)))


def _hash(text):
    return text if text is None else hashlib.sha256(os.fsencode(text)).hexdigest()


BY_KIND = {
    "file": lambda name: digest(Path(name)),
    "stat": _stat,
    "mtime": _mtime,
    "folder": _listing,
    "importable": _importable,
    "variable": lambda name: variable(name, os.environ),
}

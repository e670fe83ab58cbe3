"""Atomic file writes, digests, and reading what may be missing or damaged."""

import contextlib
import hashlib
import json
import os
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """Put data at path in one step: a reader sees the old file or the new one, never half of it."""
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def update(path: Path, data: bytes) -> None:
    """Replace only what differs: latexmk and a viewer then see no change where there is none."""
    if digest(path) != hashlib.sha256(data).hexdigest():
        replace(path, data)


def digest(path: Path) -> str | None:
    """The file's SHA-256; None if there is none that can be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    except OSError:
        return None


def read_json(path: Path, *names: str) -> dict:
    """The object in a JSON file; empty if it cannot be read, or lacks one of these names."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and found.keys() >= set(names):
            return found
    return {}


def text_or_empty(path: Path) -> str:
    """The file's text, however damaged; empty if there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

"""The results of the chunks, kept until anything they can depend on changes."""

import contextlib
import functools
import hashlib
import json
import platform
import shutil
import sys
from pathlib import Path

from weaving.files import digest, replace

KEPT = Path("build/results.json")
INPUTS = {".py", ".json", ".npz", ".csv"}  # what of code/ a result can depend on
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)  # what reading a damaged JSON file raises
NOT_INPUTS = {"build", "figures", ".venv", ".git", "__pycache__"}

_opened = set()  # the paths of all files opened since fresh_start


def key(chunks, case_file):
    """A hash of everything a result can depend on: the report's code, all of code/, the case, the versions."""
    from weaving.reader import INLINE
    parts = [platform.python_version()]
    for chunk in chunks:
        if chunk["type"] == "code":
            parts.append([chunk["content"], chunk["options"]["option_string"]])
        else:
            parts.append(INLINE.findall(chunk["content"]))
    files = sorted(path for path in Path("code").rglob("*") if path.suffix in INPUTS and path.is_file())
    for path in [*files, Path("requirements.txt"), *([Path(case_file)] if case_file else [])]:
        parts.append([path.as_posix(), digest(path)])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def recall(key):
    """The results kept under this key, if their figures and all the files they were made from are unchanged; else None."""
    with contextlib.suppress(*UNREADABLE):
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
        if kept["key"] == key and unchanged(kept["files"]):
            return kept["results"]
    return None


def unchanged(files):
    """Whether the files have the content they had: path and digest of each."""
    return all(digest(Path(file)) == was for file, was in files.items())


def files_kept():
    """The figures and all the files that the kept results were made from, with their digests."""
    return json.loads(KEPT.read_text(encoding="utf-8"))["files"]


def keep(key, executed):
    """Keep the results of chunks that have just run, after `watch_files`."""
    results = [chunk["result"] if chunk["type"] == "code" else [text for _, text, computed in chunk["pieces"] if computed]
               for chunk in executed]
    figures = {output["data"]["application/pdf"] for chunk in executed if chunk["type"] == "code"
               for output in chunk["result"] if output["output_type"] == "display_data"}
    files = {file: digest(Path(file)) for file in sorted(figures | _inputs_opened())}
    replace(KEPT, json.dumps({"key": key, "files": files, "results": results}).encode())


def fresh_start():
    """Note each file that is opened from now on, and forget the bytecode (Python may not see a quick change in it)."""
    for folder in Path("code").rglob("__pycache__"):
        shutil.rmtree(folder, ignore_errors=True)
    _note_opened_files()
    _opened.clear()


@functools.cache  # a hook cannot be taken away
def _note_opened_files():
    sys.addaudithook(_note)


def _note(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        _opened.add(arguments[0])


def _inputs_opened():
    """The files in this folder that were opened, by their relative path."""
    here = Path.cwd()
    paths = [Path(here, path) for path in _opened]
    own = [path.relative_to(here) for path in paths if path.is_relative_to(here)]
    return {path.as_posix() for path in own if not NOT_INPUTS & set(path.parts) and path.is_file()}

"""The results of the chunks, cached until anything they depend on changes.

The file has the key of the run, what was recorded during it and, for each chunk, its results or,
for text, the values of its inline expressions.
"""

import hashlib
import json
from pathlib import Path

from weaving import project, states
from weaving.files import read_json, replace
from weaving.prose import inline_expressions, pieces

FIELDS = ("key", "recorded", "results")


def key(chunks: list[dict], variables: dict) -> str:
    """A hash of the code that runs, the variables it finds defined and `project.fingerprint`."""
    parts = [project.fingerprint(), variables]
    for chunk in chunks:
        if chunk["type"] == "code":
            parts.append([chunk["content"], chunk["options"]])
        else:
            parts.append([match["code"] for match in inline_expressions(chunk["content"])])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def load(path: Path, key: str, screen: bool = False) -> list | None:
    """The results saved under this key, if what they were made from is unchanged; else None.

    screen: whether the figures must be there as SVG, too.
    """
    cached = read_json(path, *FIELDS)
    if cached.get("key") != key or states.first_change(cached["recorded"]) is not None:
        return None
    return None if screen and not _has_drawings(cached["results"]) else cached["results"]


def replay(chunks: list[dict], cached: list) -> list[dict]:
    """The chunks with their cached results, as if they had run."""
    for chunk, result in zip(chunks, cached, strict=True):
        if chunk["type"] == "code":
            chunk["result"] = result
        else:
            values = iter(result)
            chunk["pieces"] = pieces(chunk["content"], chunk["line"], lambda *_, v=values: next(v))
    return chunks


def recorded_inputs(path: Path) -> dict[str, dict] | None:
    """What was recorded while the results in this file were made; None if there are none."""
    return read_json(path, *FIELDS).get("recorded")


def save(path: Path, key: str, executed: list[dict], recorded: dict) -> None:
    """Cache the results of chunks that have just run, and what was recorded while they did."""
    results = [
        chunk["result"]
        if chunk["type"] == "code"
        else [text for _, text, computed in chunk["pieces"] if computed]
        for chunk in executed
    ]
    replace(path, json.dumps({"key": key, "recorded": recorded, "results": results}).encode())


def _has_drawings(results):
    shown = [each for chunk in results for each in chunk if isinstance(each, dict)]
    return all(Path(each["svg"]).is_file() for each in shown if "svg" in each)

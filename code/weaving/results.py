"""The results of the chunks, kept until anything they depend on changes.

The file has the key of the run, what was recorded during it and, for each chunk, its results or,
for text, the values of its inline expressions.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from weaving import inputs, project
from weaving.files import read_json, replace
from weaving.reader import SCAN, inline_expressions

FIELDS = ("key", "recorded", "results")


def key(chunks: list[dict], case_file: str) -> str:
    """A hash of the code that runs and of what `project.signature` stands for."""
    parts = [project.signature(), case_file]
    for chunk in chunks:
        if chunk["type"] == "code":
            parts.append([chunk["content"], chunk["options"]["option_string"]])
        else:
            parts.append([match["code"] for match in inline_expressions(chunk["content"])])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def recall(path: Path, key: str, screen: bool = False) -> list | None:
    """The results kept under this key, if what they were made from is unchanged; else None.

    screen: whether the figures must be there as SVG, too.
    """
    kept = read_json(path, *FIELDS)
    if kept.get("key") != key or inputs.first_change(kept["recorded"]) is not None:
        return None
    return None if screen and not _has_drawings(kept["results"]) else kept["results"]


def replay(chunks: list[dict], kept: list) -> list[dict]:
    """The chunks with the results that were kept of them, as if they had run."""
    for chunk, result in zip(chunks, kept, strict=True):
        if chunk["type"] == "code":
            chunk["result"] = result
        else:
            values = iter(result)
            chunk["pieces"] = pieces(
                chunk["content"], chunk["line"], lambda code, line, values=values: next(values)
            )
    return chunks


def recorded(path: Path) -> dict[str, dict] | None:
    """What was recorded while the results in this file were made; None if there are none."""
    return read_json(path, *FIELDS).get("recorded")


def keep(path: Path, key: str, executed: list[dict], recorded: dict) -> None:
    """Keep the results of chunks that have just run, and what was recorded while they did."""
    results = [
        chunk["result"]
        if chunk["type"] == "code"
        else [text for _, text, computed in chunk["pieces"] if computed]
        for chunk in executed
    ]
    replace(path, json.dumps({"key": key, "recorded": recorded, "results": results}).encode())


def pieces(text: str, line: int, value: Callable) -> list[tuple[int, str, bool]]:
    """Text that begins on this line as pieces: (line, text, whether it was computed).

    value(code, line) is the text of an inline expression.
    """
    found, end = [], 0
    for match in SCAN.finditer(text):
        if match["code"] is not None:
            found.append((line, text[end : match.start()], False))
            line += text.count("\n", end, match.start())
            found.append((line, value(match["code"], line), True))
            line += match[0].count("\n")
            end = match.end()
    return [*found, (line, text[end:], False)]


def _has_drawings(results):
    data = [result.get("data", {}) for chunk in results for result in chunk
            if isinstance(result, dict)]  # fmt: skip
    return all(Path(files["image/svg+xml"]).is_file() for files in data
               if "image/svg+xml" in files)  # fmt: skip

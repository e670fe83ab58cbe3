"""The results of the chunks, kept until anything they depend on changes."""

import contextlib
import hashlib
import json
from pathlib import Path

from weaving import inputs
from weaving.files import replace

UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)  # what reading a damaged JSON file raises


def key(chunks: list[dict], case_file: str) -> str:
    """A hash of the code that runs and of what `inputs.signature` stands for."""
    from weaving.reader import inline_expressions

    parts = [inputs.signature(), case_file]
    for chunk in chunks:
        if chunk["type"] == "code":
            parts.append([chunk["content"], chunk["options"]["option_string"]])
        else:
            parts.append([match["code"] for match in inline_expressions(chunk["content"])])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def recall(path: Path, key: str) -> list | None:
    """The results kept under this key, if what they were made from is unchanged; else None."""
    with contextlib.suppress(*UNREADABLE):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] == key and inputs.changed(kept["recorded"]) is None:
            return kept["results"]
    return None


def keep(path: Path, key: str, executed: list[dict], recorded: dict) -> None:
    """Keep the results of chunks that have just run, and what was recorded while they did."""
    results = [
        chunk["result"]
        if chunk["type"] == "code"
        else [text for _, text, computed in chunk["pieces"] if computed]
        for chunk in executed
    ]
    replace(path, json.dumps({"key": key, "recorded": recorded, "results": results}).encode())

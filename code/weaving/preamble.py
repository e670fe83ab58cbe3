r"""The preamble, cached as a TeX format: with it, a pass begins where the text begins.

A format is TeX's memory, dumped to a file; TeX's own packages come in one. This one is dumped anew
when anything that was read for it changes. A preamble that cannot be cached is read in each pass,
as usual: one in which TeX reports something, that writes files, or that goes on in the text.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from weaving import texlog
from weaving.files import read_json, replace, states, text_or_empty
from weaving.project import names_for_tex

SKIP = r"\csname skippreamble\endcsname "  # begins the LaTeX; nothing, unless a format is loaded
DUMP = r"\long\def\skippreamble#1\begin#2{\begin{#2}}\dump"
BEGIN = r"\begin{document}"
TOKEN = re.compile(r"\\begin(?![a-zA-Z])(?:\{document\})?|\\[^a-zA-Z]|%.*|[{}]")
FILE = re.compile(r"^(INPUT|OUTPUT) (.+)$", re.MULTILINE)  # in TeX's list of files
FIELDS = ("key", "files", "format")


def cached_format(job: Path, environment: dict[str, str]) -> str:
    """The name of the format with the preamble of `job`.tex, or ""; environment: that of TeX."""
    latex = text_or_empty(job.with_suffix(".tex"))
    text = before_document(latex) if latex.startswith(SKIP) else None
    if text is None or not shutil.which("pdflatex"):  # latexmk says that it is missing
        return ""
    folder = _folder(job)
    key = [text, environment["SOURCE_DATE_EPOCH"], names_for_tex()]
    cached = read_json(folder / "record.json", *FIELDS)
    if cached.get("key") != key or any(cached[part] != states(cached[part]) for part in FIELDS[1:]):
        cached = _dump(text, folder, job.name, environment)
        replace(folder / "record.json", json.dumps({"key": key, **cached}).encode())
    return next(iter(cached["format"]), "")


def files_read(job: Path) -> list[str]:
    """The files from which the format was made, if there is one."""
    cached = read_json(_folder(job) / "record.json", *FIELDS)
    return list(cached["files"]) if cached.get("format") else []


def before_document(text: str) -> str | None:
    r"""What precedes \begin{document}; None where TeX may find another place first."""
    depth = 0
    for match in TOKEN.finditer(text):
        if match[0].startswith(r"\begin") and not depth:
            return text[: match.start()] if match[0] == BEGIN else None
        depth += {"{": 1, "}": -1}.get(match[0], 0)
    return None


def _dump(text, folder, name, environment):
    """Make the format; {"files": the states of what was read, "format": that of the format}."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    source = folder / f"{name}.tex"
    source.write_text(text + DUMP, encoding="utf-8")
    command = ["pdflatex", "-ini", "-recorder", "-interaction=nonstopmode", "-file-line-error",
               f"-output-directory={folder}", "&pdflatex", str(source)]  # fmt: skip
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    used = FILE.findall(text_or_empty(source.with_suffix(".fls")))
    made = {file for kind, file in used if kind == "OUTPUT"}
    form, log = source.with_suffix(".fmt"), source.with_suffix(".log")
    faults = texlog.read_log(text_or_empty(log), "", [], "")
    fits = not (done.returncode or faults or made - {str(form), str(log)})
    read = {file for kind, file in used if kind == "INPUT"} - {str(source)}
    read.add(os.path.realpath(shutil.which("pdflatex") or ""))  # which loads no other's format
    return {"files": states(sorted(read)), "format": states([str(form)] if fits else [])}


def _folder(job):
    return job.with_suffix(".preamble")

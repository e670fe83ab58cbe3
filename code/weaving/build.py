"""The whole build: weave what changed, typeset, and only then replace report.pdf."""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from weaving import latex
from weaving.problems import BuildFailed, Problem

REPORT = "report.texw"
BUILD = Path("build")
JOB = BUILD / "report"
ARCHIVED = Path("PROVENANCE")  # in an unpacked archive: the commit it was made from and its date


def build(case_file, say):
    """Make report.pdf; raises BuildFailed, leaving the old one as it was."""
    BUILD.mkdir(exist_ok=True)
    with _alone(say):
        say("weave")
        lines = weave(case_file, say)
        from weaving import tex
        say("typeset")
        pages = tex.typeset(JOB, REPORT, lines, provenance()["epoch"])
        replace(Path("report.synctex.gz"), tex.synctex_to_report(JOB, REPORT, lines))
        replace(Path("report.pdf"), JOB.with_suffix(".pdf").read_bytes())
    return pages


def weave(case_file, say=lambda *stage: None):
    """report.texw to build/report.tex and figures/; the line map. Chunks run only if something they can depend on changed."""
    from weaving.reader import StrictReader
    reader = StrictReader(REPORT)
    reader.parse()
    check_typed_numbers(reader.parsed)
    key = _key(reader.parsed, case_file)
    kept = _kept(key)
    executed = _run(reader, case_file, kept, say)
    if kept is None:
        _keep(key, executed)
    return _write(executed)


def _run(reader, case_file, kept, say):
    from weaving.processor import StrictProcessor
    processor = StrictProcessor(reader.getparsed(), None, REPORT, False, "figures", ".")
    processor.namespace = {"case_file": case_file}
    processor.progress = lambda number, total, name: say("chunk", f"{number} of {total}: {name}")
    processor.replay = kept
    processor.run()
    return processor.executed


def _write(executed):
    from weaving.formatter import MappedFormatter
    formatter = MappedFormatter(executed, source=REPORT)
    formatter.format()
    facts = provenance()
    macros = "".join(f"\\newcommand{{\\{name}}}{{{value}}}\n" for name, value in facts["macros"].items())
    _update(BUILD / "provenance.tex", macros)
    _update(BUILD / "listings.tex", latex.styles())
    _update(JOB.with_suffix(".tex"), formatter.formatted)
    return formatter.lines


def provenance():
    """The commit and date the report is made from, and the versions it is made with."""
    import importlib.metadata as metadata
    if ARCHIVED.exists():
        commit, epoch, changed = ARCHIVED.read_text().split() + [""]
    else:
        git = lambda *words: subprocess.run(["git", *words], capture_output=True, text=True).stdout.strip()
        commit, epoch = (git("log", "-1", "--format=%h %ct") or "none 0").split()
        changed = git("status", "--porcelain", "--untracked-files=no") and " with changes"
    day = time.gmtime(int(epoch))
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ["Pweave", "NumPy", "SymPy", "Matplotlib"])
    date = f"{day.tm_mday} {['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'][day.tm_mon - 1]} {day.tm_year}"
    return {"epoch": int(epoch), "macros": {"commit": f"\\texttt{{{commit}}}{changed}", "versions": versions, "reportdate": date}}


def check_typed_numbers(chunks):
    """Fail on a decimal number typed into the prose: it would not follow when its input changes."""
    import re
    number = re.compile(r"(?<![\w.\\{=])\d+\.\d+(?![\w.]|\\|\s*(?:pt|mm|cm|em|ex|in)\b)")
    given = re.compile(r"<%=.*?%>|\\(?:given|url|href|cite\w*)\{[^}]*\}|(?<!\\)%.*", re.DOTALL)
    problems, body = [], False
    for chunk in chunks:
        if chunk["type"] != "doc":
            continue
        for offset, line in enumerate(re.sub(r"<%=.*?%>", lambda m: "\n" * m.group(0).count("\n"), chunk["content"], flags=re.DOTALL).split("\n")):
            found = number.search(given.sub("", line)) if body else None
            if found:
                problems.append(Problem(REPORT, chunk["line"] + offset, f"the number {found.group(0)} is typed by hand; "
                                        "compute it with <%= %>, or say \\given{...} if it is an input"))
            body = body or line.startswith(r"\begin{document}")
    if problems:
        raise BuildFailed(problems)


def replace(path, data):
    """Put data at path in one step: a reader sees the old file or the new one, never half of it."""
    part = path.with_name(f".{path.name}.part")
    with open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _update(path, text):
    """Write only what differs, so that latexmk sees no change where there is none."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        replace(path, text.encode("utf-8"))


def _key(chunks, case_file):
    """A hash of everything a result can depend on: the report's code, all of code/, the case, the versions."""
    from weaving.reader import INLINE
    digest = hashlib.sha256(f"{platform.python_version()}\n".encode())
    for chunk in chunks:
        code = [chunk["content"], chunk["options"]["option_string"]] if chunk["type"] == "code" else INLINE.findall(chunk["content"])
        digest.update(json.dumps([chunk["type"], code]).encode())
    files = [path for path in sorted(Path("code").rglob("*")) if path.is_file() and path.suffix in (".py", ".json", ".npz", ".csv")]
    for path in [*files, Path("requirements.txt"), *([Path(case_file)] if case_file else [])]:
        digest.update(f"{path}\n".encode() + (path.read_bytes() if path.exists() else b"missing"))
    return digest.hexdigest()


def _kept(key):
    """The results of the last run, if it had the same key and its figures are still there."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        kept = json.loads((BUILD / "results.json").read_text(encoding="utf-8"))
        if kept["key"] == key and all(_hash(Path(file)) == digest for file, digest in kept["figures"].items()):
            return kept["results"]
    return None


def _keep(key, executed):
    results = [chunk["result"] if chunk["type"] == "code" else [text for _, text, inline in chunk["pieces"] if inline] for chunk in executed]
    figures = [output["data"]["application/pdf"] for chunk in executed if chunk["type"] == "code" for output in chunk["result"]
               if "application/pdf" in output.get("data", {})]
    data = {"key": key, "figures": {file: _hash(Path(file)) for file in figures}, "results": results}
    replace(BUILD / "results.json", json.dumps(data).encode())


def _hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def _alone(say):
    """One build at a time in this folder; a second one waits. The lock goes when its process does."""
    with open(BUILD / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("wait", "another build is running in this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield

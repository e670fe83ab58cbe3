"""Build the report in as many circumstances as this machine offers; every report.pdf must have the same bytes.

    python -m weaving.reproduce [PYTHON ...]     with these other Pythons too; each gets its own packages, which takes minutes
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from weaving.provenance import provenance

NOT_SOURCES = shutil.ignore_patterns(".git", ".venv*", "build", "figures", "__pycache__", "report.pdf", "report.ipynb", "*.tar.gz", "mutants")


@dataclass
class Circumstance:
    """A way to build: variables of the environment (None takes one away), files dated 2033, ..."""

    name: str
    folder: str = "plain"
    environment: dict = field(default_factory=dict)
    umask: int = 0o022
    user: str | None = None
    python: str = sys.executable
    later: bool = False


CIRCUMSTANCES = [
    Circumstance("a plain folder", environment={"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}),
    Circumstance("a folder with spaces, quotes and ä, and other settings", "Lauri's \"report\" ä $x",
                 {"LC_ALL": "C", "TZ": "Asia/Kolkata", "PYTHONHASHSEED": "1", "HOME": None, "PYTHONUTF8": "0"}, umask=0o077),
    Circumstance("a locale that is not UTF-8",
                 environment={"LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0", "PYTHONHASHSEED": "2"}),
    Circumstance("files from the future", later=True, environment={"TZ": "America/New_York", "PYTHONHASHSEED": "3"}),
    Circumstance("another user, without a home", user="nobody", environment={"HOME": "/nonexistent", "PYTHONHASHSEED": "4"}),
]


def main():
    circumstances = [*CIRCUMSTANCES, *(Circumstance(python, python=python) for python in sys.argv[1:])]
    hashes = set()
    for circumstance in circumstances:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
            os.chmod(folder, 0o755)
            outcome = hash_of_build(circumstance, Path(folder, circumstance.folder))
        print(f"{outcome:64}  {circumstance.name}", flush=True)
        hashes.add(outcome)
    hashes = {outcome for outcome in hashes if not outcome.startswith("not possible")}
    same = len(hashes) == 1 and "failed" not in hashes
    print("the same bytes in all of them" if same else "they differ")
    return 0 if same else 1


def hash_of_build(circumstance, folder):
    """The SHA-256 of the report.pdf built in a copy of this folder, `failed`, or `not possible: ...`."""
    if circumstance.user and os.getuid() != 0:
        return "not possible: only root can be another user"
    copy_sources(folder, circumstance)
    command = [sys.executable]
    if circumstance.python != sys.executable:
        made = run(["sh", "code/setup.sh", "venv"], folder, circumstance, PYTHON=circumstance.python)
        if made.returncode:
            return "not possible: " + made.stderr.strip().splitlines()[-1]
        command = [".venv/bin/python"]
    try:
        done = run([*command, "-m", "weaving"], folder, circumstance)
    except PermissionError:
        return f"not possible: {circumstance.user} may not run this Python"
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return "failed"
    return hashlib.sha256((folder / "report.pdf").read_bytes()).hexdigest()


def copy_sources(folder, circumstance):
    shutil.copytree(".", folder, ignore=NOT_SOURCES)
    (folder / "PROVENANCE").write_text(provenance().archived(), encoding="utf-8")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        if circumstance.later:
            os.utime(path, (2e9, 2e9))
        if circumstance.user:
            entry = pwd.getpwnam(circumstance.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)


def run(command, folder, circumstance, **more):
    environment = {**os.environ, **circumstance.environment, "PYTHONPATH": "code", **more}
    environment = {name: value for name, value in environment.items() if value is not None}
    other = {}
    if circumstance.user:
        other = {"user": circumstance.user, "group": pwd.getpwnam(circumstance.user).pw_gid, "extra_groups": []}
    return subprocess.run(command, cwd=folder, env=environment, umask=circumstance.umask, **other, capture_output=True, text=True,
                          encoding="utf-8", errors="replace")


if __name__ == "__main__":
    sys.exit(main())

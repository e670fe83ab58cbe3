"""What a run of the chunks reads, recorded as it is read, so that no result is stale.

Recorded are files opened, looked for and not found, or asked about; folders listed; variables of
the environment; modules imported. `project.fingerprint` covers Python and the installed packages.
A process or a network connection cannot be tracked: a chunk that starts one names what it reads,
depends=["data.db", "folder"] ([] if nothing). If one does not, every chunk runs at every build; so
also if a chunk, or a module of the project, asks for the date or for numbers that differ each time.
A chunk whose files are opened by C code (HDF5, for one) must name them.
"""

import contextlib
import functools
import importlib
import os
import sys
import threading
from pathlib import Path

from weaving import states
from weaving.files import digest
from weaving.nondeterminism import CONSEQUENCE, nondeterministic_calls
from weaving.project import modules, recorded_name

UNTRACKED = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty",
              "socket.connect", "socket.getaddrinfo"}  # fmt: skip
CHANGES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
           "os.chmod", "os.utime"}  # fmt: skip
# Programs that answer from the installation, which `project.fingerprint` covers.
INSTALLATION_QUERIES = {"kpsewhich", "fc-list", "ldconfig", "uname"}
TIME_FIELDS = {f"st_{what}time{unit}" for what in "mca" for unit in ("", "_ns")}
WRITING = os.O_WRONLY | os.O_RDWR


class Recorder:
    """Use as a context, then call `snapshot`.

    Set `place`, ("FILE:LINE", whether it says what it depends on), before each chunk. `untracked`
    has the undeclared subprocesses, connections and clock reads, as (place, message).
    `files_changed` says whether files were changed or processes started, which may change some.
    """

    def __init__(self):
        self.root = os.getcwd()
        self.noted = {kind: {} for kind in states.BY_KIND}
        self.written, self.untracked = set(), set()
        self.place, self.files_changed = ("", False), False

    def __enter__(self):
        global _recorder
        _install_hook()
        importlib.invalidate_caches()  # else what the importer has listed before is not seen
        self.noted["file"] |= modules()  # the builder's own, as they are now
        self._environment = dict(os.environ)
        self._environ = os.environ  # a chunk may give the name to something else
        self._before = os.stat, os.lstat, os.access, os.readlink
        os.environ.__class__ = _Environment
        os.stat, os.lstat, os.access, os.readlink = map(self._noting, self._before)
        _recorder = self
        return self

    def __exit__(self, *_):
        global _recorder
        _recorder = None
        os.environ = self._environ  # noqa: B003 (the same object as before)
        os.environ.__class__ = _Environment.__base__
        os.stat, os.lstat, os.access, os.readlink = self._before
        os.environ.clear()  # what a chunk has set is not for TeX
        os.environ.update(self._environment)

    def snapshot(self) -> dict[str, dict]:
        """All of it, kind -> {name: state}, as JSON; see `first_change`."""
        written = {name: digest(Path(self.root, name)) for name in sorted(self.written)}
        others = {kind: {name: state for name, state in self.noted[kind].items()
                         if name not in written} for kind in ("stat", "mtime")}  # fmt: skip
        return self.noted | others | {"file": modules() | self.noted["file"] | written}

    def note_written(self, path: Path) -> None:
        """Note a file that the run writes, or would write if an earlier one had not."""
        if name := recorded_name(path, self.root):
            self.written.add(name)

    def note_declared(self, names: list[str]) -> None:
        """Note the files and folders that a chunk depends on. Raises FileNotFoundError."""
        for name in names:
            if not os.path.exists(name):
                raise FileNotFoundError(f"depends names {name!r}, which does not exist")
            for path in [Path(name), *Path(name).rglob("*")]:  # which lists the folders
                self._note(path, "file")

    def note_open(self, path, mode, flags, importing=False):
        if (set(mode) & set("wax+")) if isinstance(mode, str) else (flags or 0) & WRITING:
            self.files_changed |= not importing
            self.note_written(path)
        else:
            self._note(path, "file")

    def note_folder(self, path, importing):
        self._note(path, "importable" if importing else "folder")

    def note_scan(self, path):
        """Note the names in a folder, and what scanning tells besides: kinds, sizes, dates."""
        self._note(path, "folder")
        folder = os.fsdecode(path)
        for name in states.names_in(folder) if recorded_name(folder, self.root) else ():
            if not name.endswith(".texw"):
                self._note(os.path.join(folder, name), "mtime")

    def _note(self, path, kind):
        name = recorded_name(path, self.root)
        if name and name not in self.noted[kind]:
            self.noted[kind][name] = states.BY_KIND[kind](os.path.join(self.root, name))

    def note_variable(self, name):
        """Note a variable that was looked up or, for "", that all names were listed."""
        self.noted["variable"].setdefault(name, states.variable(name, self._environment))

    def note_untracked(self, event, arguments):
        place, declared = self.place
        started = str(arguments[0] or "") if event == "subprocess.Popen" else ""
        program = os.path.basename(started)
        self.files_changed |= program not in INSTALLATION_QUERIES
        if not declared and program not in INSTALLATION_QUERIES:
            started = f"{event} {program}".strip()
            remedy = "name what it reads in the options of its chunk, depends=[...]"
            self.untracked.add((place, f"{started} cannot be tracked, {CONSEQUENCE}; {remedy}"))

    def note_code(self, code, filename, importing):
        """Note each call whose result differs from run to run, in a chunk or what it runs."""
        filename = os.fsdecode(filename or "<string>")
        parsed_only = filename[0] == "<" and filename != "<string>"
        ours = not parsed_only and recorded_name(filename, self.root)
        place, declared = self.place
        if code and ours and not importing and not declared:
            remedy = "fix the date or the seed, or give the chunk depends=[]"
            calls = nondeterministic_calls(code)
            self.untracked |= {(place, f"{what}; {remedy}") for _, what in calls}

    def note_modules(self):
        """Do the same for the project's modules, other than the builder's own."""
        own = [name for name in modules() if name.endswith(".py") and not os.path.isabs(name)]
        for name in own:
            if Path(self.root, name).parent != Path(__file__).parent:
                code = Path(self.root, name).read_text(encoding="utf-8", errors="replace")
                self.untracked |= {(f"{name}:{line}", f"{what}; fix the date or the seed")
                                    for line, what in nondeterministic_calls(code)}  # fmt: skip

    def _noting(self, stat):
        @functools.wraps(stat)
        def noting(path, *arguments, **keywords):
            tracked = not isinstance(path, int) and keywords.get("dir_fd") is None
            if _recorder is self and not _busy.on and tracked:
                kind = "mtime" if _caller_reads_mtime() else "stat"
                with pause_recording():
                    self._note(path, kind)
            return stat(path, *arguments, **keywords)

        return noting


# ---- how it is recorded

_recorder = None


class _Busy(threading.local):
    on = False


_busy = _Busy()


@contextlib.contextmanager
def pause_recording():
    """Suspend recording while the builder reads its own files."""
    before, _busy.on = _busy.on, True
    try:
        yield
    finally:
        _busy.on = before


@functools.cache  # an audit hook cannot be removed
def _install_hook():
    sys.addaudithook(_hook)


def _hook(event, arguments):
    if _recorder is None or _busy.on or event not in _HEARD:
        return
    importing = "importlib._bootstrap" in sys._getframe(1).f_code.co_filename
    with pause_recording(), contextlib.suppress(OSError, ValueError):
        if event in UNTRACKED:
            _recorder.note_untracked(event, arguments)
        elif event in CHANGES:
            _recorder.files_changed |= not importing  # which writes bytecode
        elif isinstance(arguments[0], str | bytes | os.PathLike | None):
            _NOTED[event](_recorder, importing, *arguments)


_NOTED = {
    "open": lambda recorder, importing, path, mode, flags: recorder.note_open(
        path or "", mode, flags, importing
    ),
    "sqlite3.connect": lambda recorder, _, path: recorder.note_open(path, "r+", 0),
    "compile": lambda recorder, importing, code, name: recorder.note_code(code, name, importing),
    "os.listdir": lambda recorder, importing, path: recorder.note_folder(path or ".", importing),
    "os.scandir": lambda recorder, _, path: recorder.note_scan(path or "."),
}
_HEARD = {*UNTRACKED, *CHANGES, *_NOTED}


class _Environment(type(os.environ)):
    """os.environ, noting what is looked up in it."""

    def __getitem__(self, name):
        if _recorder is not None and not _busy.on and isinstance(name, str):
            _recorder.note_variable(name)
        return super().__getitem__(name)

    def __iter__(self):
        if _recorder is not None and not _busy.on:
            _recorder.note_variable("")
        return super().__iter__()


def _caller_reads_mtime():
    """Whether the code that called os.stat, or anything that called that, names a date of files."""
    caller = sys._getframe(2)
    while caller:
        if not TIME_FIELDS.isdisjoint(caller.f_code.co_names):
            return True
        caller = caller.f_back
    return False

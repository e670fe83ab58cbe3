"""What a run of the chunks reads, recorded as it is read, so that nothing is "up to date" because nobody looked.

Recorded: files opened, looked for and not found, or asked about; folders listed; variables of the
environment; modules imported. Not recorded, because `signature` stands for it: Python's own files
and the installed packages. A process or a network connection cannot be followed: a chunk that
starts one names what it reads, depends=["data.db"] ([] if nothing), or runs at every build.
What C code opens by itself (HDF5, for one) needs depends, too.
"""

import contextlib
import functools
import hashlib
import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
import threading
from pathlib import Path

from weaving.files import digest

OWN = ("build", ".git", ".venv", "__pycache__")  # in the project's folder: made by the build, or no input of it
INSTALLED = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
UNSTEADY = ("/proc/", "/sys/", "/dev/")
UNFOLLOWED = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty",
              "socket.connect", "socket.getaddrinfo"}
HARMLESS = {"kpsewhich", "fc-list", "ldconfig", "uname"}  # what they answer belongs to the installation
WRITING = os.O_WRONLY | os.O_RDWR


class Recorder:
    """Use as a context; then `recorded()`.

    `unfollowed` holds (line, what) for each process or connection of a chunk that does not say
    what it depends on. Set `place`, (line, declared), before each chunk runs.
    """

    def __init__(self):
        self.root = os.getcwd()
        self.read, self.asked, self.listed, self.importable = {}, {}, {}, {}
        self.variables, self.written, self.unfollowed = {}, set(), set()
        self.place = (0, False)

    def __enter__(self):
        global _recorder
        _install_hook()
        self._environment = dict(os.environ)
        self._class, os.environ.__class__ = os.environ.__class__, _Environment
        self._stat, self._lstat = os.stat, os.lstat
        os.stat, os.lstat = self._noting(os.stat), self._noting(os.lstat)
        _recorder = self
        return self

    def __exit__(self, *_):
        global _recorder
        _recorder = None
        os.environ.__class__ = self._class
        os.stat, os.lstat = self._stat, self._lstat

    def recorded(self):
        """All of it as JSON: kind -> {name: state}; `changed` compares it with what is there now."""
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if file and file.endswith(".py") and (name := self._name(file)):
                self.read.setdefault(name, digest(Path(self.root, name)))
        outputs = {name: digest(Path(self.root, name)) for name in sorted(self.written)}
        asked = {name: state for name, state in self.asked.items() if name not in self.written}
        return {"file": self.read | outputs, "asked": asked, "folder": self.listed,
                "importable": self.importable, "variable": self.variables}

    def depends(self, names):
        """Note files that a chunk says it depends on; raises FileNotFoundError."""
        for name in names:
            if not os.path.exists(name):
                raise FileNotFoundError(f"depends names {name!r}, which does not exist")
            self.note_open(name, "r", 0)

    def note_open(self, path, mode, flags):
        if name := self._name(path):
            if (set(mode) & set("wax+")) if isinstance(mode, str) else (flags or 0) & WRITING:
                self.written.add(name)
            elif name not in self.read:
                self.read[name] = digest(Path(self.root, name))

    def note_folder(self, path):
        if name := self._name(path):
            importing = "importlib._bootstrap" in sys._getframe(3).f_code.co_filename
            noted, state = (self.importable, _importable) if importing else (self.listed, _listing)
            noted.setdefault(name, state(os.path.join(self.root, name)))

    def note_variable(self, name):
        self.variables.setdefault(name, _hash(self._environment.get(name)))

    def note_unfollowed(self, event, arguments):
        line, declared = self.place
        program = os.path.basename(str(arguments[0] or "")) if event == "subprocess.Popen" else ""
        if not declared and program not in HARMLESS:
            self.unfollowed.add((line, f"{event} {program}".strip()))

    def _noting(self, stat):
        @functools.wraps(stat)
        def noting(path, *arguments, **keywords):
            if _recorder is self and not _busy.on and not isinstance(path, int) and not keywords.get("dir_fd"):
                with _unrecorded():
                    if name := self._name(path):
                        self.asked.setdefault(name, _state(path))
            return stat(path, *arguments, **keywords)
        return noting

    def _name(self, path):
        """The path under which a file is recorded, relative in the project's folder; None if it is not."""
        path = os.path.abspath(os.fsdecode(path))
        if os.path.basename(os.path.dirname(path)) == "__pycache__" and path.endswith(".pyc"):
            with contextlib.suppress(ValueError, NotImplementedError):
                path = importlib.util.source_from_cache(path)
        if path.startswith(INSTALLED) or path.startswith(UNSTEADY) or "\0" in path:
            return None
        inside = path == self.root or path.startswith(self.root + os.sep)
        name = os.path.relpath(path, self.root) if inside else path
        return None if name.split(os.sep)[0] in OWN else name


def changed(recorded):
    """The name of something recorded that is no longer as it was, or None."""
    now = {"file": lambda name: digest(Path(name)), "asked": _state, "folder": _listing,
           "importable": _importable, "variable": lambda name: _hash(os.environ.get(name))}
    return next((name for kind, states in recorded.items() for name, was in states.items()
                 if now[kind](name) != was), None)


def signature():
    """What stands for all that is not recorded: Python, its installed packages, and the TeX that is found."""
    packages = {name for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
                for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-link", ".pth"))}
    return [platform.python_version(), sorted(packages), shutil.which("latexmk"), shutil.which("pdflatex")]


def forget_bytecode():
    """Remove the project's bytecode: Python does not see a change of a file within a second that keeps its size."""
    for folder in [Path(), *(path for path in Path().iterdir() if path.is_dir() and path.name[0] != ".")]:
        if folder.name not in OWN:
            for cache in folder.rglob("__pycache__") if folder.name else folder.glob("__pycache__"):
                shutil.rmtree(cache, ignore_errors=True)


# ---- how it is recorded

_recorder = None


class _Busy(threading.local):
    on = False


_busy = _Busy()


@contextlib.contextmanager
def _unrecorded():
    _busy.on = True
    try:
        yield
    finally:
        _busy.on = False


@functools.cache  # a hook cannot be taken away again
def _install_hook():
    sys.addaudithook(_hook)


def _hook(event, arguments):
    if _recorder is None or _busy.on or not (event in UNFOLLOWED or event in _NOTED):
        return
    with _unrecorded(), contextlib.suppress(OSError, ValueError):
        if event in UNFOLLOWED:
            _recorder.note_unfollowed(event, arguments)
        elif isinstance(arguments[0], (str, bytes, os.PathLike)) or arguments[0] is None:
            _NOTED[event](_recorder, *arguments)


_NOTED = {
    "open": lambda recorder, path, mode, flags: recorder.note_open(path, mode, flags),
    "sqlite3.connect": lambda recorder, path: recorder.note_open(path, "r+", 0),
    "os.listdir": lambda recorder, path: recorder.note_folder(path or "."),
    "os.scandir": lambda recorder, path: recorder.note_folder(path or "."),
}


class _Environment(type(os.environ)):
    """os.environ, noting what is looked up in it."""

    def __getitem__(self, name):
        if _recorder is not None and isinstance(name, str):
            _recorder.note_variable(name)
        return super().__getitem__(name)


def _state(path):
    """What asking about a path can tell: its kind, and the size of a file."""
    if os.path.isdir(path):
        return "folder"
    return os.path.getsize(path) if os.path.isfile(path) else None


def _listing(folder):
    """A hash of the names in a folder, without what a build makes."""
    try:
        names = sorted(name for name in os.listdir(folder) if name[0] != ".")
    except OSError:
        return None
    if any(name.endswith(".texw") for name in names):
        documents = tuple(name.removesuffix("texw") for name in names if name.endswith(".texw"))
        names = [name for name in names if name not in (*OWN, "figures")
                 and (name.endswith(".texw") or not name.startswith(documents))]
    return _hash("\n".join(name for name in names if name not in OWN))


def _importable(folder):
    """A hash of the names that can be imported from a folder."""
    with contextlib.suppress(OSError):
        return _hash("\n".join(sorted(name for name in os.listdir(folder) if name.endswith((".py", ".so"))
                                      or os.path.exists(os.path.join(folder, name, "__init__.py")))))


def _hash(text):
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

"""What a run of the chunks reads, recorded as it is read, so that no result is stale.

Recorded are files opened, looked for and not found, or asked about; folders listed; variables of
the environment; modules imported. `signature` stands for Python and the installed packages. A
process or a network connection cannot be followed: a chunk that starts one names what it reads,
depends=["data.db", "folder"] ([] if nothing), or runs at every build. So does a chunk that asks for
the date or for numbers that nobody can repeat; and one whose files are opened by C code (HDF5, for
one) must name them.
"""

import contextlib
import functools
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import sys
import sysconfig
import threading
from pathlib import Path

from weaving.files import digest

OWN = ("build", ".git", ".venv", "__pycache__")  # what the build makes, and what is no input of it
_FOLDERS = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
INSTALLED = tuple({path + os.sep for path in [*_FOLDERS, *map(os.path.realpath, _FOLDERS)]})
UNSTEADY = ("/proc/", "/sys/", "/dev/")
UNFOLLOWED = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty",
              "socket.connect", "socket.getaddrinfo"}  # fmt: skip
HARMLESS = {"kpsewhich", "fc-list", "ldconfig", "uname"}  # they answer from the installation
CLOCK = re.compile(
    r"\b(?:today|now|utcnow|localtime|gmtime|ctime|time_ns|uuid1|uuid4|urandom|token_hex|token_bytes"
    r"|token_urlsafe|SystemRandom|getpid)\s*\(|\btime\.(?:time|strftime)\s*\(|datetime64\(.now"
    r"|\b(?:default_rng|RandomState|Random|seed)\(\s*(?:None\s*)?(?=\))"
)
CODE = (".py", ".so")
WRITING = os.O_WRONLY | os.O_RDWR


class Recorder:
    """Use as a context, then call `recorded`.

    Set `place`, (line, whether it says what it depends on), before each chunk; `unfollowed` then
    holds (line, what) for each process and connection that nobody declared.
    """

    def __init__(self):
        self.root = os.getcwd()
        self.read, self.asked, self.listed, self.importable = {}, {}, {}, {}
        self.variables, self.written, self.unfollowed = {}, set(), set()
        self.place = (0, False)

    def __enter__(self):
        global _recorder
        _install_hook()
        importlib.invalidate_caches()  # else what the importer has listed before is not seen
        self.read |= modules()  # the builder's own, as they are now
        self._environment = dict(os.environ)
        self._before = os.environ.__class__, os.stat, os.lstat, os.access
        os.environ.__class__ = _Environment
        os.stat, os.lstat, os.access = map(self._noting, self._before[1:])
        _recorder = self
        return self

    def __exit__(self, *_):
        global _recorder
        _recorder = None
        os.environ.__class__, os.stat, os.lstat, os.access = self._before
        os.environ.clear()  # what a chunk has set is not for TeX
        os.environ.update(self._environment)

    def recorded(self) -> dict[str, dict]:
        """All of it, kind -> {name: state}, as JSON; `changed` compares it with what is there."""
        outputs = {name: digest(Path(self.root, name)) for name in sorted(self.written)}
        asked = {name: state for name, state in self.asked.items() if name not in self.written}
        return {"file": modules() | self.read | outputs, "asked": asked, "folder": self.listed,
                "importable": self.importable, "variable": self.variables}  # fmt: skip

    def note_written(self, path: Path) -> None:
        """Note an output of the run that an earlier one has made."""
        self.written.add(recorded_name(path, self.root))

    def depends(self, names: list[str]) -> None:
        """Note the files and folders that a chunk depends on. Raises FileNotFoundError."""
        for name in names:
            if not os.path.exists(name):
                raise FileNotFoundError(f"depends names {name!r}, which does not exist")
            for path in [Path(name), *Path(name).rglob("*")]:  # which lists the folders
                self.note_open(path, "r", 0)

    def note_open(self, path, mode, flags):
        if name := recorded_name(path, self.root):
            if (set(mode) & set("wax+")) if isinstance(mode, str) else (flags or 0) & WRITING:
                self.written.add(name)
            elif name not in self.read:
                self.read[name] = digest(Path(self.root, name))

    def note_folder(self, path):
        if name := recorded_name(path, self.root):
            importing = "importlib._bootstrap" in sys._getframe(3).f_code.co_filename
            noted, state = (self.importable, _importable) if importing else (self.listed, _listing)
            noted.setdefault(name, state(os.path.join(self.root, name)))

    def note_variable(self, name):
        """Note a variable that was looked up, or, for None, that all names were listed."""
        if name is None:
            self.variables.setdefault("", _hash(" ".join(sorted(self._environment))))
        else:
            self.variables.setdefault(name, _hash(self._environment.get(name)))

    def note_unfollowed(self, event, arguments):
        line, declared = self.place
        started = str(arguments[0] or "") if event == "subprocess.Popen" else ""
        program = os.path.basename(started)
        if not declared and program not in HARMLESS:
            self.unfollowed.add((line, f"{event} {program}".strip()))

    def note_clock(self, code):
        """Note that the code asks for something that is different each time, if it does."""
        line, declared = self.place
        if not declared and (found := CLOCK.search(code)):
            self.unfollowed.add((line, f"{found[0].rstrip('( ')}, which differs each time,"))

    def _noting(self, stat):
        @functools.wraps(stat)
        def noting(path, *arguments, **keywords):
            followed = not isinstance(path, int) and keywords.get("dir_fd") is None
            if _recorder is self and not _busy.on and followed:
                with unrecorded():
                    if name := recorded_name(path, self.root):
                        self.asked.setdefault(name, _asked(os.path.join(self.root, name)))
            return stat(path, *arguments, **keywords)

        return noting


def recorded_name(path, root: str) -> str | None:
    """The name by which a file is recorded, relative in the project's folder, or None."""
    path = os.path.abspath(os.fsdecode(path))
    if os.path.basename(os.path.dirname(path)) == "__pycache__" and path.endswith(".pyc"):
        with contextlib.suppress(ValueError, NotImplementedError):
            path = importlib.util.source_from_cache(path)
    if path.startswith(INSTALLED + UNSTEADY):
        return None
    inside = path == root or path.startswith(root + os.sep)
    name = os.path.relpath(path, root) if inside else path
    return None if name.split(os.sep)[0] in OWN else name


def modules() -> dict[str, str]:
    """The files of the modules that are imported now, with their digests."""
    root = os.getcwd()
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    named = {recorded_name(file, root) for file in files if file.endswith(CODE)}
    return {name: digest(Path(name)) for name in sorted(named - {None})}


def changed(recorded: dict[str, dict]) -> str | None:
    """The name of something recorded that is no longer as it was, or None."""
    return next((name for kind, states in recorded.items() for name, was in states.items()
                 if _STATES[kind](name) != was), None)  # fmt: skip


def signature() -> list:
    """What stands for all that is not recorded: Python, its packages, and the TeX that is found."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    packages = {name for folder in folders for name in os.listdir(folder)
                if name.endswith((".dist-info", ".egg-link", ".pth"))}  # fmt: skip
    programs = [shutil.which("latexmk"), shutil.which("pdflatex")]
    return [platform.python_version(), sorted(packages), *programs]


def forget_bytecode() -> None:
    """Remove the project's bytecode, in which Python misses a quick change of the same size."""
    shutil.rmtree("__pycache__", ignore_errors=True)
    for folder in Path().iterdir():
        if folder.is_dir() and folder.name[0] != "." and folder.name not in OWN:
            for cache in folder.rglob("__pycache__"):
                shutil.rmtree(cache, ignore_errors=True)


# ---- how it is recorded

_recorder = None


class _Busy(threading.local):
    on = False


_busy = _Busy()


@contextlib.contextmanager
def unrecorded():
    """What the builder itself reads is no input of the document."""
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
    with unrecorded(), contextlib.suppress(OSError, ValueError):
        if event in UNFOLLOWED:
            _recorder.note_unfollowed(event, arguments)
        elif isinstance(arguments[0], str | bytes | os.PathLike | None):
            _NOTED[event](_recorder, *arguments)


_NOTED = {
    "open": lambda recorder, path, mode, flags: recorder.note_open(path or "", mode, flags),
    "sqlite3.connect": lambda recorder, path: recorder.note_open(path, "r+", 0),
    "os.listdir": lambda recorder, path: recorder.note_folder(path or "."),
    "os.scandir": lambda recorder, path: recorder.note_folder(path or "."),
}


class _Environment(type(os.environ)):
    """os.environ, noting what is looked up in it."""

    def __getitem__(self, name):
        if _recorder is not None and not _busy.on and isinstance(name, str):
            _recorder.note_variable(name)
        return super().__getitem__(name)

    def __iter__(self):
        if _recorder is not None and not _busy.on:
            _recorder.note_variable(None)
        return super().__iter__()


def _asked(path):
    """What asking about a path can tell: its kind, and the size of a file."""
    if os.path.isdir(path):
        return "folder"
    return os.path.getsize(path) if os.path.isfile(path) else None


def _listing(folder):
    """A hash of the names in a folder, without what a build makes."""
    try:
        names = sorted(
            name
            for name in os.listdir(folder)
            if name not in OWN and not (name[0] == "." and name.endswith(".part"))
        )
    except OSError:
        return None
    made = tuple(name.removesuffix("texw") for name in names if name.endswith(".texw"))
    if made:  # the project's folder
        written = (".pdf", ".html", ".ipynb", ".synctex.gz")
        outputs = {name + suffix.removeprefix(".") for name in made for suffix in written}
        names = [name for name in names if name != "figures" and name not in outputs]
    return _hash("\n".join(names))


def _importable(folder):
    """A hash of the names that can be imported from a folder."""
    with contextlib.suppress(OSError):
        packages = (name for name in sorted(os.listdir(folder)) if name.endswith((".py", ".so"))
                    or os.path.exists(os.path.join(folder, name, "__init__.py")))  # fmt: skip
        return _hash("\n".join(packages))


def _hash(text):
    return text if text is None else hashlib.sha256(os.fsencode(text)).hexdigest()


_STATES = {
    "file": lambda name: digest(Path(name)),
    "asked": _asked,
    "folder": _listing,
    "importable": _importable,
    "variable": lambda name: _hash(os.environ.get(name) if name else " ".join(sorted(os.environ))),
}

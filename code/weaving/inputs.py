"""What a run of the chunks reads, recorded as it is read, so that no result is stale.

Recorded are files opened, looked for and not found, or asked about; folders listed; variables of
the environment; modules imported. `signature` stands for Python and the installed packages. A
process or a network connection cannot be followed: a chunk that starts one names what it reads,
depends=["data.db", "folder"] ([] if nothing), or runs at every build. So does a chunk, or a module
of the project, that asks for the date or for numbers that nobody can repeat. A chunk whose files
are opened by C code (HDF5, for one) must name them.
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
from collections.abc import Iterable
from pathlib import Path

from weaving.clocks import RUNS, unsteady_calls
from weaving.files import digest

NOT_INPUTS = ("build", ".git", ".venv", "__pycache__")  # folders never treated as inputs
_FOLDERS = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
INSTALLED = tuple({path + os.sep for path in [*_FOLDERS, *map(os.path.realpath, _FOLDERS)]})
VOLATILE_PATHS = ("/proc/", "/sys/", "/dev/")
UNFOLLOWED = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty",
              "socket.connect", "socket.getaddrinfo"}  # fmt: skip
# Programs that answer from the installation, for which `signature` stands.
INSTALLATION_QUERIES = {"kpsewhich", "fc-list", "ldconfig", "uname"}
CODE = (".py", ".so")
OUTPUT_SUFFIXES = (".pdf", ".html", ".ipynb", ".synctex.gz")
DATES = {f"st_{what}time{unit}" for what in "mca" for unit in ("", "_ns")}
WRITING = os.O_WRONLY | os.O_RDWR


class Recorder:
    """Use as a context, then call `recorded`.

    Set `place`, ("FILE:LINE", whether it says what it depends on), before each chunk; `unfollowed`
    then holds (place, what) for each process, connection and clock that nobody declared.
    """

    def __init__(self):
        self.root = os.getcwd()
        self.read, self.asked, self.dated = {}, {}, {}
        self.listed, self.importable = {}, {}
        self.variables, self.written, self.unfollowed = {}, set(), set()
        self.place = ("", False)

    def __enter__(self):
        global _recorder
        _install_hook()
        importlib.invalidate_caches()  # else what the importer has listed before is not seen
        self.read |= modules()  # the builder's own, as they are now
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

    def recorded(self) -> dict[str, dict]:
        """All of it, kind -> {name: state}, as JSON; `changed` compares it with what is there."""
        outputs = {name: digest(Path(self.root, name)) for name in sorted(self.written)}
        asked, dated = ({name: state for name, state in noted.items() if name not in self.written}
                        for noted in (self.asked, self.dated))  # fmt: skip
        return {
            "file": modules() | self.read | outputs,
            "asked": asked,
            "dated": dated,
            "folder": self.listed,
            "importable": self.importable,
            "variable": self.variables,
        }

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
        importing = "importlib._bootstrap" in sys._getframe(3).f_code.co_filename
        noted, state = (self.importable, _importable) if importing else (self.listed, _listing)
        self._note_names(path, noted, state)

    def note_scan(self, path):
        """Note the names in a folder, and what scanning tells besides: kinds, sizes, dates."""
        self._note_names(path, self.listed, _listing)
        folder = os.fsdecode(path)
        for name in _names(folder) if recorded_name(folder, self.root) else ():
            if not name.endswith(".texw"):
                self._note_names(os.path.join(folder, name), self.dated, _dated)

    def _note_names(self, path, noted, state):
        if name := recorded_name(path, self.root):
            noted.setdefault(name, state(os.path.join(self.root, name)))

    def note_variable(self, name):
        """Note a variable that was looked up, or, for None, that all names were listed."""
        if name is None:
            self.variables.setdefault("", _hash(" ".join(sorted(self._environment))))
        else:
            self.variables.setdefault(name, _hash(self._environment.get(name)))

    def note_unfollowed(self, event, arguments):
        place, declared = self.place
        started = str(arguments[0] or "") if event == "subprocess.Popen" else ""
        program = os.path.basename(started)
        if not declared and program not in INSTALLATION_QUERIES:
            started = f"{event} {program}".strip()
            remedy = "name what it reads in the options of its chunk, depends=[...]"
            self.unfollowed.add((place, f"{started} cannot be followed, {RUNS}; {remedy}"))

    def note_clock(self, code, filename):
        """Note each call whose result differs from run to run, in a chunk or what it runs."""
        importing = "importlib._bootstrap" in sys._getframe(3).f_code.co_filename
        filename = os.fsdecode(filename or "<string>")
        parsed_only = filename[0] == "<" and filename != "<string>"
        ours = not parsed_only and recorded_name(filename, self.root)
        place, declared = self.place
        if code and ours and not importing and not declared:
            remedy = "fix the date or the seed, or give the chunk depends=[]"
            self.unfollowed |= {(place, f"{what}; {remedy}") for _, what in unsteady_calls(code)}

    def note_clocks_of_modules(self):
        """Do the same for the project's modules, other than the builder's own."""
        own = [name for name in modules() if name.endswith(".py") and not os.path.isabs(name)]
        for name in own:
            if Path(self.root, name).parent != Path(__file__).parent:
                code = Path(self.root, name).read_text(encoding="utf-8", errors="replace")
                self.unfollowed |= {(f"{name}:{line}", f"{what}; fix the date or the seed")
                                    for line, what in unsteady_calls(code)}  # fmt: skip

    def _noting(self, stat):
        @functools.wraps(stat)
        def noting(path, *arguments, **keywords):
            followed = not isinstance(path, int) and keywords.get("dir_fd") is None
            if _recorder is self and not _busy.on and followed:
                noted, state = (self.dated, _dated) if _wants_date() else (self.asked, _asked)
                with unrecorded():
                    if name := recorded_name(path, self.root):
                        noted.setdefault(name, state(os.path.join(self.root, name)))
            return stat(path, *arguments, **keywords)

        return noting


def recorded_name(path, root: str) -> str | None:
    """The name by which a file is recorded, relative in the project's folder, or None."""
    return _recorded_name(os.path.abspath(os.fsdecode(path)), root)


@functools.cache
def _recorded_name(path, root):
    if os.path.basename(os.path.dirname(path)) == "__pycache__" and path.endswith(".pyc"):
        with contextlib.suppress(ValueError, NotImplementedError):
            path = importlib.util.source_from_cache(path)
    if path.startswith(INSTALLED + VOLATILE_PATHS):
        return None
    inside = path == root or path.startswith(root + os.sep)
    name = os.path.relpath(path, root) if inside else path
    return None if name.split(os.sep)[0] in NOT_INPUTS else name


def modules() -> dict[str, str]:
    """The files of the modules that are imported now, with their digests."""
    root = os.getcwd()
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    named = {recorded_name(file, root) for file in files if file.endswith(CODE)}
    return {name: digest(Path(name)) for name in sorted(named - {None})}


def outputs(names: Iterable[str]) -> set[str]:
    """What builds write beside the documents that are among these names of a folder."""
    documents = [name.removesuffix(".texw") for name in names if name.endswith(".texw")]
    return {document + suffix for document in documents for suffix in OUTPUT_SUFFIXES}


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
        if folder.is_dir() and folder.name[0] != "." and folder.name not in NOT_INPUTS:
            for cache in folder.rglob("__pycache__"):
                shutil.rmtree(cache, ignore_errors=True)


# ---- how it is recorded

_recorder = None


class _Busy(threading.local):
    on = False


_busy = _Busy()


@contextlib.contextmanager
def unrecorded():
    """Suspend recording while the builder reads its own files."""
    before, _busy.on = _busy.on, True
    try:
        yield
    finally:
        _busy.on = before


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
    "compile": lambda recorder, code, filename: recorder.note_clock(code, filename),
    "os.listdir": lambda recorder, path: recorder.note_folder(path or "."),
    "os.scandir": lambda recorder, path: recorder.note_scan(path or "."),
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
    """What asking about a path can tell: where a link leads, kind, permissions, a file's size."""
    link, mode, size = None, None, None
    with contextlib.suppress(OSError):
        link = os.readlink(path) if os.path.islink(path) else None
        mode = os.stat(path).st_mode
        size = None if os.path.isdir(path) else os.path.getsize(path)
    return [link, mode, size]


def _wants_date():
    """Whether the code that called os.stat, or anything that called that, speaks of dates."""
    caller = sys._getframe(2)
    while caller:
        if not DATES.isdisjoint(caller.f_code.co_names):
            return True
        caller = caller.f_back
    return False


def _dated(path):
    """What `_asked` returns, and a file's modification time."""
    return [_asked(path), os.path.isfile(path) and os.stat(path).st_mtime_ns]


def _listing(folder):
    """A hash of the names in a folder, without what a build makes."""
    with contextlib.suppress(OSError):
        return _hash("\n".join(_names(folder)))


def _names(folder):
    names = [
        name
        for name in sorted(os.listdir(folder))
        if name not in NOT_INPUTS and not (name[0] == "." and name.endswith(".part"))
    ]
    if made := outputs(names):  # the project's folder
        names = [name for name in names if name not in made | {"figures"}]
    return names


def _importable(folder):
    """A hash of the names that can be imported from a folder."""
    with contextlib.suppress(OSError):
        packages = (name for name in sorted(os.listdir(folder)) if name.endswith(CODE)
                    or os.path.exists(os.path.join(folder, name, "__init__.py")))  # fmt: skip
        return _hash("\n".join(packages))


def _hash(text):
    return text if text is None else hashlib.sha256(os.fsencode(text)).hexdigest()


_STATES = {
    "file": lambda name: digest(Path(name)),
    "asked": _asked,
    "dated": _dated,
    "folder": _listing,
    "importable": _importable,
    "variable": lambda name: _hash(os.environ.get(name) if name else " ".join(sorted(os.environ))),
}

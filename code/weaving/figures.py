"""Figures that need not be drawn again, kept by all that drawing them depends on.

A figure is drawn again if any of these has changed: the chunk's code, what its names stand for,
the code and the data of the modules that it can reach, the settings of Matplotlib and NumPy, the
environment, or a file that it or anything before it has read. It is kept only if its chunk gives no
name a value and leaves all of that as it was, and the random generators.
"""

import ast
import builtins
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import pickle
import random
import sys
import warnings
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

from weaving import inputs
from weaving.files import digest, replace, text_of

IMPORTING = {"__import__", "import_module"}
HIDDEN = {"exec", "eval", "globals", "locals", "vars"} | IMPORTING


class KeptFigures:
    """The figures in a file, by label. `state` comes before drawing, `recall` or `keep` after it.

    screen: whether figures are wanted as SVG, too.
    """

    def __init__(self, path: Path, screen: bool):
        self.path, self.screen, self.figures = path, screen, {}
        with contextlib.suppress(OSError, ValueError):
            self.figures = json.loads(path.read_text(encoding="utf-8"))

    def write(self) -> None:
        replace(self.path, json.dumps(self.figures).encode())

    def recall(self, label: str, key: str | None, recorder: inputs.Recorder) -> list | None:
        """The chunk's results, if the figure is there and nothing has changed; else None."""
        with contextlib.suppress(KeyError, TypeError, AttributeError, ValueError):
            kept = self.figures[label]
            drawn = kept["results"][-1]["data"]["image/svg+xml"]
            whole = os.path.isfile(drawn) or not self.screen
            if key == kept["key"] and whole and inputs.changed(kept["recorded"]) is None:
                recorder.restore(kept["recorded"], kept["written"])
                return kept["results"]
        return None

    def keep(self, label: str, key: str, results: list, recorded: dict, written: list) -> None:
        made = {name: digest(Path(name)) for name in written}
        recorded = {**recorded, "file": recorded["file"] | made}
        self.figures[label] = {"key": key, "results": results, "recorded": recorded,
                               "written": written}  # fmt: skip


def state(codes: list[str], scope: dict) -> str | None:
    """A hash of all that the codes can see, or None if that cannot be told."""
    unreadable = (SyntaxError, ValueError, RecursionError, MemoryError)
    with warnings.catch_warnings(action="ignore"), contextlib.suppress(_Unknown, *unreadable):
        own, uses = _own_modules(), _Uses(scope)
        for code in codes:
            uses.visit(ast.parse(code.strip()))
        data = _pickled(uses.values)
        named = {name for name in own if name.encode() in data}  # the classes of the values
        reached = _reached(uses.modules | named, own)
        contents = [_contents(sys.modules[name]) for name in reached
                    if name in sys.modules and not _within(name, "weaving")]  # fmt: skip
        seen = [codes, data, reached, contents, _settings()]
        return hashlib.sha256(_pickled(seen)).hexdigest()
    return None


def generators() -> str:
    """A hash of the random generators' states: who reads them also changes them."""
    numpy = sys.modules.get("numpy")
    states = [random.getstate(), numpy and numpy.random.get_state()]
    return hashlib.sha256(_pickled(states)).hexdigest()


class _Unknown(Exception):
    """Something is in sight that cannot be compared."""


class _Uses(ast.NodeVisitor):
    """Collects the names of the modules that code mentions, and the other values by name."""

    def __init__(self, scope):
        self.scope, self.modules, self.values = scope, set(), {}

    def visit_Attribute(self, node):
        chain, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            chain, base = [base.attr, *chain], base.value
        value = self.scope.get(base.id) if isinstance(base, ast.Name) else None
        if not isinstance(value, ModuleType):
            self.generic_visit(node)
            return
        for name in chain:  # the module that is meant, not all that lie beside it in its package
            inner = getattr(value, name, None)
            if not isinstance(inner, ModuleType):
                break
            value = inner
        self.modules.add(value.__name__)

    def visit_Name(self, node):
        if node.id in HIDDEN:
            raise _Unknown(node.id)
        value = self.scope.get(node.id)
        if isinstance(value, ModuleType):
            self.modules |= {name for name in sys.modules if _within(name, value.__name__)}
        elif node.id in self.scope:
            self.values[node.id] = value


def _within(name, package):
    return name == package or name.startswith(package + ".")


class _Pickler(pickle.Pickler):
    """Writes modules and classes by name, functions by their place and the values they hold."""

    def reducer_override(self, thing):
        if isinstance(thing, ModuleType):
            return str, (thing.__name__,)
        nameless = vars(builtins).get(getattr(thing, "__name__", "")) is not thing
        if isinstance(thing, type) and thing.__module__ == "builtins" and nameless:
            return str, (thing.__name__,)  # types.FunctionType and the like
        if isinstance(thing, FunctionType):
            place = thing.__module__, thing.__qualname__, thing.__code__.co_firstlineno
            cells = [cell.cell_contents for cell in thing.__closure__ or ()]
            held = [thing.__defaults__, thing.__kwdefaults__, cells, vars(thing)]
            return list, ([*place, *held],)
        return NotImplemented


def _pickled(value):
    data = io.BytesIO()
    try:
        _Pickler(data).dump(value)
    except Exception as error:
        raise _Unknown from error
    if b"__main__" in data.getvalue():  # code of the document itself
        raise _Unknown
    return data.getvalue()


def _own_modules():
    """The imported modules that are not installed: the project's."""
    root = os.getcwd()
    files = {name: getattr(module, "__file__", None) for name, module in [*sys.modules.items()]}
    return {name: file for name, file in files.items()
            if file and name[:2] != "__" and inputs.recorded_name(file, root)}  # fmt: skip


def _reached(names, own):
    """{module: digest} of the project's modules among these, and of all that these import."""
    reached, waiting = {}, sorted(names)
    while waiting:
        name = waiting.pop()
        file = own.get(name) or _not_yet_imported(name, own)
        if file and name not in reached:
            reached[name] = digest(Path(file))
            if _within(name, "weaving"):  # its own state changes with every chunk
                waiting += [other for other in own if _within(other, "weaving")]
                continue
            package = name if file.endswith("__init__.py") else name.rpartition(".")[0]
            waiting += [package, *_imported(text_of(Path(file)), package, own)]
    return dict(sorted(reached.items()))


def _not_yet_imported(name, own):
    """The file of a submodule of the project's that a function would import; None if none."""
    package, _, last = name.rpartition(".")
    if package in own:
        file = os.path.join(os.path.dirname(own[package]), f"{last}.py")
        return file if os.path.isfile(file) else None
    return None


@cache
def _parsed(source):
    """The imports in the code of a module, wherever they stand, and what may hide others."""
    return [node for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Import | ast.ImportFrom)
            or {getattr(node, "id", ""), getattr(node, "attr", "")} & IMPORTING]  # fmt: skip


def _imported(source, package, own):
    """The names of the modules that a module's code imports."""
    for node in _parsed(source):
        if isinstance(node, ast.Import):
            tops = {alias.name.partition(".")[0] for alias in node.names}
            yield from (name for name in own for top in tops if _within(name, top))
        elif isinstance(node, ast.Name | ast.Attribute):
            yield from own
        else:
            dotted = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(dotted, package)
            yield from (module, *(f"{module}.{alias.name}" for alias in node.names))


def _contents(thing):
    """What the names in a module stand for, and those in its classes."""
    kept = {name: value for name, value in vars(thing).items() if name[:2] != "__"}
    if isinstance(thing, type):
        return _pickled({name: value for name, value in kept.items()
                         if not hasattr(value, "__get__")})  # fmt: skip
    classes = [value for value in kept.values()
               if isinstance(value, type) and value.__module__ == thing.__name__]  # fmt: skip
    return _pickled(kept), [_contents(value) for value in classes]


def _settings():
    """The state that belongs to no name."""
    settings = []
    if numpy := sys.modules.get("numpy"):
        settings += [numpy.get_printoptions(), numpy.geterr()]
    if matplotlib := sys.modules.get("matplotlib"):
        settings.append(sorted(matplotlib.rcParams.items(), key=str))
    return settings

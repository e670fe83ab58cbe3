"""What becomes of a chunk's figure: it is checked, and drawn unless its files are current.

A chunk that makes a figure runs like any other. What is cached is the slow half, the files that
Matplotlib makes of the figure: they are made again unless the figure is the same to the last bit as
when they were made, and with it the settings, colours and fonts that Matplotlib draws with.
"""

import contextlib
import functools
import hashlib
import io
import json
import os
import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path

from weaving import project
from weaving.files import digest, read_json, replace
from weaving.inputs import pause_recording
from weaving.values import valid_latex

FONTS = """/usr/share/fonts /usr/local/share/fonts ~/.fonts ~/.local/share/fonts /Library/Fonts
/System/Library/Fonts ~/Library/Fonts /opt/local/share/fonts""".split()
NO_DATES = {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}
SVG = {"svg.hashsalt": "report", "svg.fonttype": "path"}
MAX_OVERFLOW = 1 / 36  # inches; less cannot be seen


class FigureCache:
    """The files made by earlier runs, {name: [key of the figure, digest of the file]}, in a file.

    folder: where they are. screen: whether figures are wanted as SVG, too.
    """

    def __init__(self, path: Path, folder: Path, screen: bool):
        self.path, self.folder, self.screen, self.made = path, folder, screen, read_json(path)
        self._version = functools.cache(_version)  # each font is looked up once in a build

    def write(self) -> None:
        replace(self.path, json.dumps(self.made).encode())

    def draw(self, figure, path: Path) -> None:
        """Make the figure's PDF at this path, and its SVG beside it, unless they are current.

        Raises ValueError if part of the figure lies outside its paper.
        """
        import matplotlib

        figure_key, drawing = key(figure, self._version), path.with_suffix(".svg")
        if not self.is_current(figure_key, path):
            _check_edges(figure)
            figure.savefig(path, metadata=NO_DATES)
            drawing.unlink(missing_ok=True)  # of another figure
            self.store(figure_key, path)
        if self.screen and not self.is_current(figure_key, drawing):
            with matplotlib.rc_context(SVG):
                figure.savefig(drawing, metadata={"Date": None, "Creator": None})
            self.store(figure_key, drawing)

    def is_current(self, key: str | None, path: Path) -> bool:
        """Whether the file is there, as it was made of the figure with this key."""
        return key is not None and self.made.get(str(path)) == [key, digest(path)]

    def store(self, key: str | None, path: Path) -> None:
        self.made[str(path)] = [key, digest(path)]


def result(value, options: dict, cache: FigureCache, evaluate: Callable) -> dict:
    """The result of a chunk with fig=True that ends with this value, a figure or a drawing.

    evaluate(caption) is a typed caption with the values of its expressions. Raises TypeError or
    ValueError if the value is not a figure, is cut off, or lacks a plain alt text or a caption.
    """
    figure = _only_figure(value)
    about = {name: options.get(name) or getattr(value, name, "") for name in ("caption", "alt")}
    for name, text in about.items():
        if not text:
            raise ValueError(f"the figure has no {name}: give {name}=... or return a drawing")
    if odd := re.search(r"[\\{}%#$]", about["alt"]):
        raise ValueError(f"the alt text contains {odd[0]!r}; it is read aloud: use plain words")
    caption = evaluate(about["caption"]) if "caption" in options else about["caption"]
    path = cache.folder / f"{options['label']}.pdf"
    with pause_recording():
        cache.draw(figure, path)
    return {
        "pdf": path.as_posix(),
        "svg": path.with_suffix(".svg").as_posix(),
        "caption": valid_latex(caption, within_a_line=True),
        "alt": " ".join(about["alt"].split()),
        "label": options["label"],
    }


def close(value) -> int:
    """Close the figures that Matplotlib keeps open; how many they and the value's figure are."""
    made = 0
    if matplotlib := sys.modules.get("matplotlib.figure"):
        made = int(isinstance(_figure_of(value), matplotlib.Figure))
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        made = max(made, len(pyplot.get_fignums()))
        pyplot.close("all")
    return made


def _figure_of(value):
    return value.figure if hasattr(value, "caption") and hasattr(value, "alt") else value


def _only_figure(value):
    figure, made = _figure_of(value), close(value)
    if not made or not hasattr(figure, "savefig"):
        given = type(value).__name__
        raise TypeError(f"a chunk with fig=True must end with a Matplotlib figure, got {given}")
    if made > 1 or not figure.axes:
        counts = f"{made} with {len(figure.axes)} axes"
        raise ValueError(f"one figure with axes is needed, this chunk made {counts}")
    return figure


def _check_edges(figure):
    """Raise ValueError if something in the figure lies outside its paper, where it is cut off."""
    figure.draw_without_rendering()  # which lays it out
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    beyond = {"left": -drawn.x0, "bottom": -drawn.y0, "right": drawn.x1 - width,
              "top": drawn.y1 - height}  # fmt: skip
    for side, inches in beyond.items():
        if inches > MAX_OVERFLOW:
            message = f"the figure is cut off: it overflows its {side} edge by {inches:.2f} inches"
            raise ValueError(f"{message}; make room there")


def forget_old_fonts() -> None:
    """Remove Matplotlib's list of fonts, cached for ever, if fonts have come or gone since."""
    lists = Path(os.environ.get("MPLCONFIGDIR", "")).glob("fontlist-*.json")
    changed = max((os.stat(folder).st_mtime for place in FONTS
                   for folder, _, _ in os.walk(os.path.expanduser(place))), default=0)  # fmt: skip
    for path in lists:
        if path.stat().st_mtime <= changed:
            path.unlink(missing_ok=True)


def _version(path):
    with contextlib.suppress(OSError):
        status = os.stat(path)
        return status.st_size, status.st_mtime_ns


def key(figure, version: Callable = _version) -> str | None:
    """A hash of the figure and of what it is drawn with; fonts count by size and modification time.

    None if it cannot be pickled or refers to the document's own code.
    """
    import matplotlib.colors
    from matplotlib.font_manager import fontManager

    settings = sorted(matplotlib.rcParams.items(), key=str)
    colours = sorted(matplotlib.colors.get_named_colors_mapping().items())
    names = {font.fname for font in fontManager.ttflist}
    fonts = [(name, version(name)) for name in sorted(names)]
    around = repr([settings, colours, fonts, project.fingerprint()])
    data = io.BytesIO()
    try:
        _Pickler(data, protocol=4).dump(figure)
    except Exception:  # whatever keeps an object from being pickled
        return None
    if b"__main__" in data.getvalue():
        return None
    sources = project.modules() if _mentions_own_code(data.getvalue()) else {}
    return hashlib.sha256(data.getvalue() + f"{around} {sources}".encode()).hexdigest()


class _Pickler(pickle.Pickler):
    def reducer_override(self, thing):
        transforms = sys.modules["matplotlib.transforms"]
        if not isinstance(thing, transforms.TransformNode):
            return NotImplemented
        made = thing.__reduce_ex__(4)  # drop _parents: it is keyed by memory address
        state = {name: value for name, value in made[2].items() if name != "_parents"}
        return (*made[:2], state, *made[3:])


def _mentions_own_code(data):
    """Whether the figure is drawn by a class or function of the project's."""
    root, modules = os.getcwd(), [*sys.modules.items()]
    own = [name for name, module in modules if (file := getattr(module, "__file__", None))
           and not file.startswith(project.INSTALLED)  # nearly all of them
           and project.recorded_name(file, root)]  # fmt: skip
    strings = (b"\x8c" + bytes([len(name)]) + name.encode() for name in own)  # in pickle
    return any(string in data for string in strings)

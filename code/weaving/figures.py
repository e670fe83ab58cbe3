"""Drawings that need not be made again.

A chunk that makes a figure runs like any other. What is kept is the slow half, the files that
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
import sys
from collections.abc import Callable
from pathlib import Path

from weaving import inputs, results
from weaving.files import digest, replace

FONTS = """/usr/share/fonts /usr/local/share/fonts ~/.fonts ~/.local/share/fonts /Library/Fonts
/System/Library/Fonts ~/Library/Fonts /opt/local/share/fonts""".split()


class Drawings:
    """The files made by earlier runs, {name: (key of the figure, digest of the file)}, in a file.

    screen: whether figures are wanted as SVG, too.
    """

    def __init__(self, path: Path, screen: bool):
        self.path, self.screen, self.made = path, screen, {}
        self._version = functools.cache(_version)  # each font is looked up once in a build
        with contextlib.suppress(*results.UNREADABLE):
            self.made = dict(json.loads(path.read_text(encoding="utf-8")))

    def write(self) -> None:
        replace(self.path, json.dumps(self.made).encode())

    def key(self, figure) -> str | None:
        """See `key`."""
        return key(figure, self._version)

    def has(self, key: str | None, path: Path) -> bool:
        """Whether the file is there, as it was made of the figure with this key."""
        return key is not None and self.made.get(str(path)) == [key, digest(path)]

    def note(self, key: str | None, path: Path) -> None:
        self.made[str(path)] = [key, digest(path)]


def forget_old_fonts() -> None:
    """Remove Matplotlib's list of fonts, kept for ever, if fonts have come or gone since."""
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
    """A hash of the figure and of what it is drawn with, of which fonts are told by their version.

    None if it cannot be pickled or refers to the document's own code.
    """
    import matplotlib.colors
    from matplotlib.font_manager import fontManager

    settings = sorted(matplotlib.rcParams.items(), key=str)
    colours = sorted(matplotlib.colors.get_named_colors_mapping().items())
    names = {font.fname for font in fontManager.ttflist}
    fonts = [(name, version(name)) for name in sorted(names)]
    around = repr([settings, colours, fonts, inputs.signature()])
    data = io.BytesIO()
    try:
        _Pickler(data, protocol=4).dump(figure)
    except Exception:  # whatever keeps an object from being pickled
        return None
    if b"__main__" in data.getvalue():
        return None
    sources = inputs.modules() if _mentions_own_code(data.getvalue()) else {}
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
           and inputs.recorded_name(file, root)]  # fmt: skip
    strings = (b"\x8c" + bytes([len(name)]) + name.encode() for name in own)  # in pickle
    return any(string in data for string in strings)

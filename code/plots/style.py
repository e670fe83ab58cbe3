"""What all figures share: palette, widths of the page, the document's typeface, `Drawing`."""

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import matplotlib.style
from matplotlib import font_manager
from matplotlib.figure import Figure  # not pyplot, which keeps each figure open

# The one palette: house.sty and the HTML page have the same colours, and a test compares them.
# Blue, rust and green are queries, keys and values. Elsewhere blue is what a figure is about, and
# the rest is grey. Nothing is said by colour alone: shapes, hatching or words say the same.
PALETTE = {
    "accent": "#1B4F72",
    "second": "#A04000",
    "third": "#2E6B3F",
    "rulegrey": "#6B7280",
    "paper": "#F5F7F9",
    "ink": "#1A1A1A",
}
BLUE, RUST, GREEN, GREY, PAPER, INK = PALETTE.values()

# The widths of house.sty, in inches. A caption stands beside a figure as wide as the text, and
# below one that takes the margin too.
TEXT_WIDTH, PAGE_WIDTH = 117.5 / 25.4, 170 / 25.4
MAX_HEIGHT = 8.0  # inches: what a page has room for beside a caption
SMALL = 8  # points: the smallest text in a figure

FILES = [f"texgyrepagella-{cut}.otf" for cut in ("regular", "italic", "bold", "bolditalic")]


@dataclass(frozen=True)
class Drawing:
    """A figure of final size, its caption in LaTeX, and in plain words what it shows."""

    figure: Figure
    caption: str
    alt: str

    def _repr_png_(self) -> tuple[bytes, dict]:
        """What a notebook shows, at twice the dots of the screen; its size and alternative text."""
        png = io.BytesIO()
        self.figure.savefig(png, format="png", dpi=192, metadata={"Software": None})
        width, height = (round(96 * inches) for inches in self.figure.get_size_inches())
        return png.getvalue(), {"width": width, "height": height, "alt": self.alt}


def figure(width: float = TEXT_WIDTH, height: float = 2.4, **subplots):
    """A figure of final size in inches, and its axes; keywords go to Figure.subplots."""
    fig = Figure(figsize=(width, height))
    return fig, fig.subplots(**subplots)


def place(ax, left: float, bottom: float, width: float, height: float) -> None:
    """Put the axes at a place given in inches from the figure's lower left corner."""
    across, up = ax.figure.get_size_inches()
    ax.set_position((left / across, bottom / up, width / across, height / up))


def _use_style():
    for file in _font_files():
        font_manager.fontManager.addfont(file)
    matplotlib.style.use(Path(__file__).with_name("house.mplstyle"))
    for part in ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"):
        matplotlib.rcParams[part] = INK
    for part in ("axes.edgecolor", "xtick.color", "ytick.color"):
        matplotlib.rcParams[part] = GREY


def _font_files():
    """The face's files, from the TeX installation or else from the system's fonts."""
    found = []
    if shutil.which("kpsewhich"):
        run = subprocess.run(["kpsewhich", *FILES], capture_output=True, text=True)
        found = run.stdout.splitlines()
    if len(found) < len(FILES):
        found += font_manager.findSystemFonts()
    known = {Path(file).name: file for file in found}
    missing = [file for file in FILES if file not in known]
    if missing:
        raise FileNotFoundError(
            f"the figures need the font files {', '.join(missing)}: install fonts-texgyre (Debian)"
        )
    return [known[file] for file in FILES]


_use_style()

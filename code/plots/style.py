"""What all figures share: the palette, the widths of the page, the document's face, and `Drawing`."""

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.figure import Figure

# The one palette. house.sty and the HTML page use the same colours by the same names; a test compares them.
PALETTE = {"accent": "#1B4F72", "second": "#A04000", "third": "#2E6B3F", "rulegrey": "#6B7280",
           "paper": "#F5F7F9", "ink": "#1A1A1A"}
BLUE, RUST, GREEN, GREY, PAPER, INK = PALETTE.values()

# The widths of house.sty, in inches. A caption stands beside a figure as wide as the text, and
# below one that takes the margin too.
TEXT_WIDTH, PAGE_WIDTH, MARGIN_WIDTH = (mm / 25.4 for mm in (117.5, 170, 46.5))
TALLEST = 8.0  # inches: what a page has room for beside a caption
SMALL = 8      # points: the smallest text in a figure

FACE = "TeX Gyre Pagella"
FILES = [f"texgyrepagella-{cut}.otf" for cut in ("regular", "italic", "bold", "bolditalic")]


@dataclass(frozen=True)
class Drawing:
    """A figure of final size, its caption in LaTeX, and in plain words what a blind reader needs."""

    figure: Figure
    caption: str
    alt: str


def figure(width: float = TEXT_WIDTH, height: float = 2.4, **subplots):
    """A figure of final size in inches, and its axes; keywords go to plt.subplots.

    Raises: FileNotFoundError if the document's face is not installed.
    """
    _use_style()
    return plt.subplots(figsize=(width, height), **subplots)


def place(ax, left: float, bottom: float, width: float, height: float) -> None:
    """Put the axes at a place given in inches from the figure's lower left corner."""
    across, up = ax.figure.get_size_inches()
    ax.set_position((left / across, bottom / up, width / across, height / up))


@cache
def _use_style():
    for file in _font_files():
        font_manager.fontManager.addfont(file)
    faces = {"rm": FACE, "it": f"{FACE}:italic", "bf": f"{FACE}:bold", "cal": f"{FACE}:italic",
             "tt": FACE, "sf": FACE, "bfit": f"{FACE}:bold:italic", "fallback": "cm", "fontset": "custom"}
    plt.rcParams.update({f"mathtext.{role}": face for role, face in faces.items()} | {
        "font.family": FACE, "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9,
        "xtick.labelsize": SMALL, "ytick.labelsize": SMALL,
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GREY,
        "xtick.color": GREY, "ytick.color": GREY, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
        "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
        "lines.linewidth": 1.2, "axes.spines.top": False, "axes.spines.right": False,
        "hatch.linewidth": 0.6, "savefig.dpi": 300, "pdf.fonttype": 3,
    })


def _font_files():
    """The face's files, from the TeX installation or else from the system's fonts."""
    found = []
    if shutil.which("kpsewhich"):
        found = subprocess.run(["kpsewhich", *FILES], capture_output=True, text=True).stdout.splitlines()
    if len(found) < len(FILES):
        found += font_manager.findSystemFonts()
    known = {Path(file).name: file for file in found}
    missing = [file for file in FILES if file not in known]
    if missing:
        raise FileNotFoundError(f"the figures' font files {', '.join(missing)} are not installed "
                                "(Debian: fonts-texgyre)")
    return [known[file] for file in FILES]

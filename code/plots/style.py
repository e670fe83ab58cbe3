"""One style for all figures: the document's text face, final size, quiet axes."""

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

BLUE, RUST, GREY, INK = "#1B4F72", "#A04000", "#6B7280", "#1A1A1A"
TEXT_WIDTH = 4.63  # inches: 117.6 mm, the width of the text; a caption stands beside such a figure, in the margin
PAGE_WIDTH = 6.69  # inches: 170 mm, text and margin; a caption stands below

FACE = "TeX Gyre Pagella"
FILES = ["texgyrepagella-regular.otf", "texgyrepagella-italic.otf", "texgyrepagella-bold.otf", "texgyrepagella-bolditalic.otf"]


@dataclass
class Drawing:
    """A figure with what is said of it: the caption is LaTeX, the alternative text is plain."""

    figure: Figure
    caption: str
    alt: str


def figure(width=TEXT_WIDTH, height=2.4, **subplots):
    """A figure of final size in inches and its axes; keywords go to plt.subplots."""
    _use_style()
    return plt.subplots(figsize=(width, height), layout="constrained", **subplots)


@cache
def _use_style():
    for file in _font_files():
        font_manager.fontManager.addfont(file)
    plt.rcParams.update({
        "font.family": FACE, "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9,
        "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8, "legend.frameon": False,
        "mathtext.fontset": "custom", "mathtext.rm": FACE, "mathtext.it": f"{FACE}:italic", "mathtext.bf": f"{FACE}:bold",
        "mathtext.cal": f"{FACE}:italic", "mathtext.tt": FACE, "mathtext.sf": FACE, "mathtext.bfit": f"{FACE}:bold:italic",
        "mathtext.fallback": "cm",
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GREY, "xtick.color": GREY, "ytick.color": GREY,
        "xtick.labelcolor": INK, "ytick.labelcolor": INK,
        "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "lines.linewidth": 1.2,
        "axes.spines.top": False, "axes.spines.right": False,
        "axes.prop_cycle": plt.cycler(color=[BLUE, RUST, GREY]),
        "pdf.fonttype": 3,
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
        raise FileNotFoundError(f"the figures' font files {', '.join(missing)} are not installed (Debian: fonts-texgyre)")
    return [known[file] for file in FILES]

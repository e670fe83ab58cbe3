"""The parts of drawings measured in inches: boxes, arrows, words, and matrices as cells."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import FancyBboxPatch

from plots.style import GREY, INK, SMALL, figure

LINE = 0.16  # inches from one line of small text to the next
SHADES = LinearSegmentedColormap.from_list("white to ink", ["#FFFFFF", INK])
SHADES(0)  # fills its table, so that drawing does not change it


def canvas(width: float, height: float):
    """A figure and its only axes, which are in inches from the lower left corner."""
    fig, ax = figure(width, height)
    ax.set_position((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    return fig, ax


def words(ax, x: float, y: float, text: str, **style) -> None:
    """Small text around a point."""
    usual = {"ha": "center", "va": "center_baseline", "fontsize": SMALL, "linespacing": 1.3}
    ax.text(x, y, text, **usual | style)


def label(ax, text: str, point, offset, **style) -> None:
    """Small text at a distance `offset` in points from a point of the data."""
    usual = {"va": "center_baseline", "fontsize": SMALL}
    ax.annotate(text, point, offset, textcoords="offset points", **usual | style)


def tint(colour: str, strength: float = 0.16):
    """The colour mixed with white, to stand behind text."""
    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))


def box(
    ax, x, y, width, height, text="", colour=GREY, fill="white", corner=0.0, look=None, **style
) -> None:
    """A rectangle around the point (x, y) with text in it, all in inches.

    corner: radius of the corners; rounded boxes are operations, the others matrices.
    look: further properties of the rectangle; style: those of the text.
    """
    shape = f"round,pad=0,rounding_size={corner}" if corner else "square,pad=0"
    look = {"edgecolor": colour, "facecolor": fill, "linewidth": 0.8} | (look or {})
    start = (x - width / 2, y - height / 2)
    ax.add_patch(FancyBboxPatch(start, width, height, boxstyle=shape, **look))
    if text:
        words(ax, x, y, text, **style)


def arrow(ax, *points, colour: str = GREY) -> None:
    """An arrow through the points, its head at the last."""
    *way, last = points
    ax.plot(*zip(*way, strict=True), color=colour, linewidth=0.8, zorder=0, solid_capstyle="butt")
    head = {"arrowstyle": "-|>", "color": colour, "linewidth": 0.8, "mutation_scale": 7}
    ax.annotate("", last, way[-1], zorder=0, arrowprops=head | {"shrinkA": 0, "shrinkB": 0})


def cells(ax, left: float, top: float, values, side: float, darkest: float) -> None:
    """A matrix (rows, columns) as shaded squares; (left, top) is its upper left corner.

    Zero is white, and an absolute value of `darkest` is dark; a minus marks a negative entry.
    """
    rows, columns = values.shape
    shades = np.abs(values) / (darkest or 1)
    xs, ys = left + side * np.arange(columns + 1), top - side * np.arange(rows + 1)
    grid = {"edgecolors": "#D3D8DE", "linewidth": 0.5} if side > 0.1 else {}
    many = values.size > 2500
    ax.pcolormesh(xs, ys, shades, cmap=SHADES, vmin=0, vmax=1, zorder=1, rasterized=many, **grid)
    middle = (xs[0] + xs[-1]) / 2, (ys[0] + ys[-1]) / 2
    box(ax, *middle, columns * side, rows * side, fill="none", look={"linewidth": 0.6})
    for i, j in zip(*np.nonzero(values < 0), strict=True):
        ink = "white" if shades[i, j] > 0.57 else "black"  # whichever has the higher contrast
        words(ax, xs[j] + side / 2, ys[i] - side / 2, "−", color=ink)

"""The parts of drawings measured in inches: boxes, arrows, words, and matrices as cells with numbers."""

import math

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import FancyBboxPatch, Rectangle

from plots.style import BLUE, GREY, INK, SMALL, figure

SHADES = LinearSegmentedColormap.from_list("white to blue", ["#FFFFFF", BLUE])
LINE = 0.16  # inches from one line of small text to the next


def canvas(width: float, height: float):
    """A figure whose only axes count in inches from its lower left corner."""
    fig, ax = figure(width, height)
    ax.set_position((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    return fig, ax


def words(ax, x: float, y: float, text: str, **style) -> None:
    """Small text around a point."""
    ax.text(x, y, text, **dict(ha="center", va="center_baseline", fontsize=SMALL) | style)


def tint(colour: str, strength: float = 0.16):
    """The colour thinned with white, to stand behind text."""
    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))


def box(ax, x: float, y: float, width: float, height: float, text: str = "", colour: str = GREY,
        fill="white", zorder: float = 1, **style) -> None:
    """A rectangle around the point (x, y), with text inside."""
    corner = (x - width / 2, y - height / 2)
    ax.add_patch(Rectangle(corner, width, height, facecolor=fill, edgecolor=colour, linewidth=0.8,
                           zorder=zorder))
    if text:
        words(ax, x, y, text, **style)


def rounded(ax, x: float, y: float, width: float, height: float, text: str = "", colour: str = GREY,
            fill="white", **style) -> None:
    """A box with round corners: an operation, where a plain box is a matrix."""
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, facecolor=fill,
                                boxstyle="round,pad=0,rounding_size=0.06", edgecolor=colour, linewidth=0.8))
    words(ax, x, y, text, **dict(color=colour) | style)


def arrow(ax, *points, colour: str = GREY) -> None:
    """An arrow through the points, its head at the last."""
    *way, last = points
    ax.plot(*zip(*way), color=colour, linewidth=0.8, zorder=0, solid_capstyle="butt")
    ax.annotate("", last, way[-1], zorder=0, arrowprops=dict(
        arrowstyle="-|>", color=colour, linewidth=0.8, mutation_scale=7, shrinkA=0, shrinkB=0))


def ink(shade: float) -> str:
    """The colour of a number on a shade between 0 and 1, whichever has the higher contrast."""
    return "white" if shade > 0.72 else INK


def cells(ax, left: float, top: float, values, size: tuple[float, float], ends: tuple[float, float],
          texts=None) -> None:
    """A matrix as shaded cells of this width and height, white at the lower end of the scale; (left, top) is its corner.

    With `texts`, an array of its shape, each cell holds one.
    """
    values, (width, height), (low, high) = np.asarray(values, dtype=float), size, ends
    span = (high - low) or 1
    rows, columns = values.shape
    grid = dict(edgecolors="#D3D8DE", linewidth=0.5) if min(size) > 0.1 else {}
    ax.pcolormesh(left + width * np.arange(columns + 1), top - height * np.arange(rows + 1), (values - low) / span,
                  cmap=SHADES, vmin=0, vmax=1, zorder=1, rasterized=values.size > 2500, **grid)
    ax.add_patch(Rectangle((left, top - rows * height), columns * width, rows * height, facecolor="none",
                           edgecolor=GREY, linewidth=0.6))
    for (i, j), text in np.ndenumerate(np.empty((0, 0)) if texts is None else texts):
        words(ax, left + (j + 0.5) * width, top - (i + 0.5) * height, text, color=ink((values[i, j] - low) / span))


def numerals(values, decimals: int | None = None) -> tuple[np.ndarray, int]:
    """The numbers as text of equal decimals, and the power of ten taken out of them (mostly 0).

    Without `decimals` the largest number keeps three digits, at most two of them decimals.
    """
    values = np.asarray(values, dtype=float)
    largest = float(np.abs(values).max(initial=0))
    size = math.floor(math.log10(largest)) if largest > 0 else 0
    power = 0 if decimals is not None or -2 < size < 4 else size
    decimals = max(0, min(2, 2 - size + power)) if decimals is None else decimals
    if power:  # in two steps, as 10**-power may exceed all floats
        values = values / 10.0**(power // 2) / 10.0**(power - power // 2)
    texts = [f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−") for value in values.flat]
    return np.array(texts, dtype=object).reshape(values.shape), power  # + 0.0 turns -0.0 into 0.0


def vector(values) -> str:
    """A short vector as text: (1, −0.5)."""
    return f"({', '.join(f'{round(float(value), 2) + 0.0:g}' for value in values)})".replace("-", "−")


def text_width(text: str, points: float = SMALL) -> float:
    """The width of a number in inches: the face's digits are half an em wide."""
    return sum({".": 0.25, "−": 0.61}.get(sign, 0.5) for sign in text) * points / 72

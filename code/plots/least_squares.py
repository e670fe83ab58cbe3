"""Exercise 3: the regression lines in the Gaussian's ellipse, and the variances of four estimators of c."""

import numpy as np
from matplotlib.transforms import offset_copy

from plots.style import BLUE, GREY, INK, RUST, figure

EDGE = 2.0                                             # the ellipse is the level curve at two standard deviations
CUTS = np.array([-1.5, -0.9, -0.3, 0.3, 0.9, 1.5])     # where chords are drawn
STYLES = {
    "mean product": (GREY, (0, (1, 1.2)), "^"),
    "least squares": (BLUE, "-", "o"),
    "correlation": (RUST, (0, (5, 2)), "s"),
    "maximum likelihood": (INK, (0, (6, 1.5, 1, 1.5)), "D"),
}


def regressions(c):
    """One ellipse twice: the midpoints of its vertical chords lie on E[y | x], those of its horizontal ones on E[x | y].

    Parameters: c, 0 < c < 1.
    Returns: a Matplotlib figure.
    """
    fig, axes = figure(height=1.8, ncols=2, sharex=True, sharey=True)
    angle = np.linspace(0, 2 * np.pi, 241)
    ellipse = EDGE * np.stack([np.cos(angle), c * np.cos(angle) + np.sqrt(1 - c**2) * np.sin(angle)])  # (2, 241)
    axis = EDGE * np.sqrt((1 + c) / 2) * np.array([[-1, 1], [-1, 1]])
    reach = np.sqrt((1 - c**2) * (EDGE**2 - CUTS**2))  # half the chord at x = cut, whose middle is c x
    line = 1.2 * EDGE * np.array([[-1, 1], [-c, c]])
    for ax, swap in zip(axes, (False, True)):
        turned = lambda points: points[::-1] if swap else points
        ax.plot(*ellipse, color=GREY, linewidth=1)
        ax.plot(*axis, color=GREY, linewidth=0.9, linestyle=(0, (5, 3)))
        for cut, half in zip(CUTS, reach):
            ax.plot(*turned([[cut, cut], [c * cut - half, c * cut + half]]), color=RUST, linewidth=0.6)
        ax.plot(*turned(line), color=BLUE, linewidth=1.6)
        ax.plot(*turned([CUTS, c * CUTS]), "o", color=RUST, markersize=3)
        ax.set(aspect="equal", xticks=[-2, 0, 2], yticks=[-2, 0, 2], xlim=(-2.5, 2.5), ylim=(-2.5, 2.5))
        ax.set_xlabel("$x$", labelpad=1)
    axes[0].set_ylabel("$y$", rotation=0, labelpad=2, va="center")
    _note(axes[0], line[:, 1], (6, 0), r"$\mathrm{E}[y\,|\,x] = cx$", BLUE)
    _note(axes[1], line[::-1, 1], (6, 0), r"$\mathrm{E}[x\,|\,y] = cy$", BLUE)
    _note(axes[0], axis[:, 1], (9, 8), "major axis $y = x$", GREY)
    axes[1].text(1.06, 0.1, f"$c = {c:g}$", transform=axes[1].transAxes)
    for ax, hidden in zip(axes, "yx"):
        ax.text(0.06, 0.97, f"${hidden}$ hidden", transform=ax.transAxes, va="top")
    return fig


def variances(c, limits, dots, simulated):
    """N times the variance of each estimator over c: lines from the theory, dots from a simulation.

    Parameters: c (M,), limits {name: (M,)}, dots (K,), simulated {name: (K,)}, with the names of STYLES.
    Returns: a Matplotlib figure.
    """
    fig, ax = figure(height=2.3)
    for name, (color, dashes, marker) in STYLES.items():
        ax.plot(c, limits[name], color=color, linestyle=dashes)
        ax.plot(dots, simulated[name], marker, color=color, markersize=3.2, markerfacecolor="white", markeredgewidth=0.8)
    ax.set(xlim=(-0.02, 1.0), ylim=(0, 2.05), yticks=[0, 0.5, 1, 1.5, 2])
    ax.set_xlabel("$c$", labelpad=1)
    ax.set_ylabel(r"$N\,\times$ variance")
    for name, (start, end, side, text) in {"mean product": (0.3, 0.58, 1, "mean of the products"),
                                           "least squares": (0.67, 0.83, 1, "least squares"),
                                           "correlation": (0.64, 0.76, 1, "correlation"),
                                           "maximum likelihood": (0.2, 0.6, -1, "maximum likelihood = bound")}.items():
        _along(ax, c, limits[name], start, end, side, text, STYLES[name][0])
    return fig


def _along(ax, x, y, start, end, side, text, color):
    """Text along a curve from x = start to end, above (side 1) or below (-1) all of the curve there."""
    before, after = np.interp([start, end], x, y)
    slope, middle = (after - before) / (end - start), (start + end) / 2
    level = side * np.max((side * (y - slope * (x - middle)))[(x >= start) & (x <= end)])
    clear = offset_copy(ax.transData, ax.figure, 0, 5.5 * side, units="points")
    ax.text(middle, level, text, color=color, fontsize=8, ha="center", va="baseline" if side > 0 else "top", transform=clear,
            rotation=np.degrees(np.arctan(slope)), rotation_mode="anchor", transform_rotates_text=True)


def _note(ax, point, offset, text, color):
    """Text beside a point, in the colour of what it names."""
    ax.annotate(text, point, offset, textcoords="offset points", color=color, va="center", annotation_clip=False)

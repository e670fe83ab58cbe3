"""Exercise 3: the two regression lines in the Gaussian's ellipse, and the variances of four estimators."""

import numpy as np
from matplotlib.transforms import offset_copy

from plots.shapes import words
from plots.style import BLUE, GREY, INK, RUST, SMALL, TEXT_WIDTH, Drawing, figure, place

EDGE = 2.0                                             # the ellipse is at two standard deviations
CUTS = np.array([-1.5, -0.9, -0.3, 0.3, 0.9, 1.5])     # where chords are drawn


def regressions(c: float) -> Drawing:
    """The ellipse twice: the middles of its vertical chords lie on y = cx, of the horizontal ones on x = cy.

    Raises: ValueError unless -1 < c < 1.
    """
    if not -1 < c < 1:
        raise ValueError(f"c must be between -1 and 1, both excluded, for an ellipse, got {c}")
    fig, axes = figure(height=2.5, ncols=2)
    angle = np.linspace(0, 2 * np.pi, 241)
    ellipse = EDGE * np.stack([np.cos(angle), c * np.cos(angle) + np.sqrt(1 - c**2) * np.sin(angle)])
    sign = 1 if c >= 0 else -1
    long_axis = 1.25 * np.array([[-EDGE, EDGE], [-sign * EDGE, sign * EDGE]])
    reach = np.sqrt((1 - c**2) * (EDGE**2 - CUTS**2))  # half the chord at x = cut, whose middle is c x
    line = 1.25 * EDGE * np.array([[-1, 1], [-c, c]])
    slopes = f"slope $c$ = {_number(c)}", f"drawn with slope $1/c$ = {_number(1 / c)}" if c else "drawn upright"
    for ax, left, swap, title, slope in zip(axes, (0.42, 2.62), (False, True), ("yx", "xy"), slopes):
        place(ax, left, 0.52, 1.6, 1.6)
        guessed, given = title
        _write(fig, left, 2.4, f"guess ${guessed}$ from ${given}$", INK, fontweight="bold")
        _write(fig, left, 2.23, f"${guessed} = c{given}$, {slope}", BLUE)

        def draw(points, *style, **more):
            ax.plot(*(points[::-1] if swap else points), *style, **more)

        draw(ellipse, color=GREY, linewidth=1)
        if c:
            draw(long_axis, color=GREY, linewidth=0.9, linestyle=(0, (5, 3)))
        for cut, half in zip(CUTS, reach):
            draw(np.array([[cut, cut], [c * cut - half, c * cut + half]]), color=RUST, linewidth=0.6)
        draw(line, color=BLUE, linewidth=1.6)
        draw(np.array([CUTS, c * CUTS]), "o", color=RUST, markersize=3)
        ax.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2], xlim=(-2.5, 2.5), ylim=(-2.5, 2.5))
        ax.set_xlabel("$x$", labelpad=1)
        ax.set_ylabel("$y$", rotation=0, labelpad=2, va="center")
    if c:
        _write(fig, 0.42, 0.1, f"dashed: the long axis of the ellipse, slope {sign}".replace("-", "−"), GREY)
    return Drawing(
        fig, r"The ellipse at two standard deviations, twice. The best guess of $y$ at a given $x$ is the middle of "
        r"the vertical chord there, the best guess of $x$ the middle of the horizontal one. Both lines have the "
        r"coefficient $c$, and neither is the long axis.",
        "Two plots of one tilted ellipse with its long axis dashed. Left: six vertical chords, their middles on a line "
        f"flatter than the axis, y equals c x, slope {_number(c)}. Right: six horizontal chords, their middles on a "
        "line steeper than the axis, x equals c y.")


def _number(value):
    return f"{value:.3g}".replace("-", "−")


def _write(fig, left, bottom, text, colour, **style):
    """Text at a place given in inches."""
    width, height = fig.get_size_inches()
    fig.text(left / width, bottom / height, text, color=colour, fontsize=SMALL, va="center_baseline", **style)

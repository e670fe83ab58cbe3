"""Exercise 3: the two regression lines in the Gaussian's ellipse."""

import numpy as np

from plots.style import BLUE, GREY, INK, SMALL, Drawing, figure, place

EDGE = 2.0  # standard deviations of x: where the contour ends
CUTS = np.array([-1.5, -0.9, -0.3, 0.3, 0.9, 1.5])  # where chords are drawn
LEFTS, SIDE = (0.42, 2.62), 1.6  # inches: of the two panels


def regressions(c: float) -> Drawing:
    """A contour, drawn twice: its vertical chords have their middles on y = cx, others on x = cy.

    Raises: ValueError unless -1 < c < 1.
    """
    if not -1 < c < 1:
        raise ValueError(f"c must be between -1 and 1, both excluded, for an ellipse, got {c}")
    fig, axes = figure(height=2.5, ncols=2)
    steep = rf"drawn with slope $1/c$ = {_number(1 / c)}" if c else "drawn upright"
    texts = (("y", "x", f"slope $c$ = {_number(c)}"), ("x", "y", steep))
    for ax, left, (guessed, given, slope) in zip(axes, LEFTS, texts, strict=True):
        place(ax, left, 0.52, SIDE, SIDE)
        _ellipse(ax, c, turned=given == "y")
        _write(fig, left, 2.4, f"guess ${guessed}$ from ${given}$", INK, fontweight="bold")
        _write(fig, left, 2.23, f"${guessed} = c{given}$, {slope}", BLUE)
    sign = "1" if c > 0 else "−1"
    if c:
        _write(fig, LEFTS[0], 0.1, f"dashed: the long axis of the ellipse, slope {sign}", GREY)
    caption = (
        rf"A contour of the density of $(x, y)$ for $c = {c:.3g}$, drawn twice. The best guess of "
        "$y$ at a given $x$ is the middle of the vertical chord there. The best guess of $x$ at a "
        "given $y$ is the middle of the horizontal chord. Both lines have the coefficient $c$, and "
        "neither is the long axis."
    )
    alt = (
        "Two plots of one ellipse. Left: six vertical chords, their middles on the line y equals "
        f"c x, of slope {_number(c)}. Right: six horizontal chords, their middles on the line x "
        "equals c y, which is steeper. The dashed long axis lies between the two directions."
    )
    return Drawing(fig, caption, alt)


def _ellipse(ax, c, turned):
    """The ellipse, its long axis, vertical chords and the line of their middles.

    turned: exchange x and y in all of them.
    """

    def draw(x, y, *style, **more):
        ax.plot(*((y, x) if turned else (x, y)), *style, **more)

    angle = np.linspace(0, 2 * np.pi, 241)
    upright = np.sqrt(1 - c**2)
    x = EDGE * np.cos(angle)
    draw(x, c * x + EDGE * upright * np.sin(angle), color=GREY, linewidth=1)
    ends = np.array([-2.5, 2.5])
    if c:
        draw(ends, np.sign(c) * ends, color=GREY, linewidth=0.9, linestyle=(0, (5, 3)))
    for cut in CUTS:
        half = upright * np.sqrt(EDGE**2 - cut**2)
        draw([cut, cut], [c * cut - half, c * cut + half], color=GREY, linewidth=0.6)
    draw(ends, c * ends, color=BLUE, linewidth=1.6)
    draw(CUTS, c * CUTS, "o", color=INK, markersize=3.5)
    ax.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2], xlim=ends, ylim=ends)
    ax.set_xlabel("$x$", labelpad=1)
    ax.set_ylabel("$y$", rotation=0, labelpad=2, va="center")


def _number(value):
    return f"{value:.3g}".replace("-", "−")


def _write(fig, left, bottom, text, colour, **style):
    """Text at a place given in inches."""
    width, height = fig.get_size_inches()
    style = {"color": colour, "fontsize": SMALL, "va": "center_baseline"} | style
    fig.text(left / width, bottom / height, text, **style)

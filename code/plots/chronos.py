"""The figures of Exercise 2."""

import numpy as np
from matplotlib.patches import Rectangle

from plots.style import BLUE, GREY, INK, PAGE_WIDTH, RUST, Drawing, figure
from solutions import chronos


def tokeniser(x: np.ndarray) -> Drawing:
    """A series x (N,) of about 20 values, and below each what the tokeniser makes of it."""
    tokens, scale = chronos.tokenize(x)
    back = chronos.detokenize(tokens, scale)
    limit = chronos.LIMIT * scale
    clipped = np.abs(x) > limit
    fig, (bars, rows) = figure(PAGE_WIDTH, 1.8, nrows=2, sharex=True, height_ratios=[1, 1])
    bars.bar(range(len(x)), x, 0.35, color=BLUE)
    bars.axhline(limit, color=RUST, linestyle="--", linewidth=0.8)
    words = f"{chronos.LIMIT} scales = {limit:.4g}"
    bars.text(-0.5, limit, words, color=RUST, fontsize=8, va="bottom")
    for n in np.flatnonzero(clipped):
        words = f"{x[n]:.4g} comes back\nas {back[n]:.4g}"
        bars.text(n + 0.35, 0.95 * back[n], words, color=RUST, fontsize=8, va="top")
    bars.set(ylabel="value", xticks=[], ylim=(min(0, x.min()), 1.15 * max(x.max(), limit)))
    bars.spines["bottom"].set_visible(False)
    lines = {"value": [f"{value:.4g}" for value in x],
             "over scale": [f"{value:.2f}" for value in x / scale],
             "token": [str(token) for token in tokens],
             "back again": [f"{value:.2f}" for value in back]}
    for row, (name, cells) in enumerate(lines.items()):
        rows.text(-0.6, -row, name, ha="right", va="center", fontsize=8)
        for n, cell in enumerate(cells):
            colour = RUST if clipped[n] else INK
            rows.text(n, -row, cell, ha="center", va="center", fontsize=8, color=colour)
    rows.set(xlim=(-0.6, len(x) - 0.4), ylim=(0.5 - len(lines), 0.5))
    rows.axis("off")
    worst = np.abs(back - x)[~clipped].max(initial=0)
    caption = (
        rf"The tokeniser on {len(x)} values of ours, with the released code's bins. The scale is "
        rf"the mean absolute value, {scale:.4g}. A value that fits comes back with an error of at "
        rf"most half a bin, here {chronos.BIN_WIDTH * scale / 2:.3f} (the largest is {worst:.3f}), "
        rf"and one beyond {chronos.LIMIT} scales as {chronos.LIMIT} scales.")
    alt = (
        f"A bar for each of {len(x)} values; most are small, and the largest is {x.max():.4g}. "
        f"A dashed line marks {limit:.4g}. Below each bar stand the value, the value over the "
        f"scale, its token and the value that comes back: {back.max():.4g} for the largest.")
    return Drawing(fig, caption, alt)


BOX, GAP, MIDDLE = 0.98, 0.44, 0.88  # inches: a box's width, the gap after it, its middle's height
LEFTS = [0.02 + k * (BOX + GAP) for k in range(5)]


def way() -> Drawing:
    """The model's way from a series to a forecast, with the article's numbers; sketched curves."""
    quoted = {name: number.value for name, number in chronos.QUOTED.items()}
    fig, ax = figure(PAGE_WIDTH, 1.6)
    ax.set(xlim=(0, PAGE_WIDTH), ylim=(0, 1.6))
    ax.set_position([0, 0, 1, 1])
    ax.axis("off")
    time = np.linspace(0, 1, 60)
    past = 2 + np.sin(15 * time)
    smallest, *_, largest = (size.published // 10**6 for size in chronos.SIZES.values())
    titles = [f"series, up to\n{quoted['context']} values",
              f"a token a value,\n{chronos.VOCABULARY} kinds",
              "T5: encoder\nand decoder", "distribution of\nthe next token",
              f"{quoted['paths']} paths of up\nto {quoted['horizon']} values"]
    inside = [None, "\n".join(map(str, chronos.tokenize(past)[0][:9:3])) + "\n…",
              f"{len(chronos.SIZES)} sizes,\n{smallest}M to {largest}M\nparameters", None, None]
    for left, title, words in zip(LEFTS, titles, inside):
        corner = (left, MIDDLE - 0.36)
        ax.add_patch(Rectangle(corner, BOX, 0.72, fill=False, edgecolor=GREY, linewidth=0.8))
        _text(ax, left + BOX / 2, MIDDLE + 0.42, title, va="bottom")
        _text(ax, left + BOX / 2, MIDDLE, words or "", color=BLUE)
    _curve(ax, LEFTS[0], past, BLUE)
    for slope in (-0.6, -0.3, 0, 0.3, 0.6):
        _curve(ax, LEFTS[4], 2 + np.sin(15 * (time + 1)) + slope * time, RUST)
    k = np.arange(11)
    heights = 0.55 * np.exp(-((k - 4) ** 2) / 6) + 0.25 * np.exp(-((k - 8) ** 2) / 2)
    ax.bar(LEFTS[3] + 0.16 + 0.066 * k, heights, 0.05, MIDDLE - 0.3, color=BLUE)
    steps = ["scale,\nbin", "encode", "softmax", "draw,\nunscale"]
    for left, words in zip(LEFTS, steps):
        _arrow(ax, (left + BOX + 0.03, MIDDLE), (left + BOX + GAP - 0.03, MIDDLE))
        _text(ax, left + BOX + GAP / 2, MIDDLE + 0.05, words, va="bottom")
    right, left, low = LEFTS[3] + BOX / 2, LEFTS[2] + BOX / 2, 0.24
    ax.plot([right, right, left], [MIDDLE - 0.4, low, low], color=GREY, linewidth=0.8)
    _arrow(ax, (left, low), (left, MIDDLE - 0.4))
    _text(ax, (left + right) / 2, low - 0.04, "the decoder reads the drawn token", va="top")
    caption = (
        r"From a series to a forecast. The numbers are the article's (Sections 5.2 and 5.4); the "
        r"curves are sketches. Training stops at the distribution: cross-entropy compares it with "
        r"the token that really came next.")
    alt = (
        "Five boxes from left to right, joined by arrows: a series of up to "
        f"{quoted['context']} values; its tokens; T5, with encoder and decoder; a distribution of "
        f"the next token; {quoted['paths']} paths that continue the series. A further arrow leads "
        "from the distribution back to T5.")
    return Drawing(fig, caption, alt)


def _text(ax, x, y, words, va="center", color=INK):
    ax.text(x, y, words, ha="center", va=va, color=color, fontsize=8, linespacing=1.05)


def _curve(ax, left, y, color):
    """A curve y, between 0 and 4, across the box at `left`."""
    x = np.linspace(left + 0.08, left + BOX - 0.08, len(y))
    ax.plot(x, MIDDLE + 0.18 * (y - 2), color=color, linewidth=0.8)


def _arrow(ax, start, end):
    arrow = {"arrowstyle": "-|>", "color": GREY, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=arrow)

"""The figures of Exercise 2, measured in inches."""

import numpy as np

from plots.shapes import LINE, arrow, box, canvas, words
from plots.style import BLUE, INK, PAGE_WIDTH, RUST, Drawing
from solutions import chronos


def tokeniser(x: np.ndarray) -> Drawing:
    """A series x (N,) of about 20 values, none negative, and what the tokeniser makes of each."""
    tokens, scale = chronos.tokenize(x)
    back = chronos.detokenize(tokens, scale)
    limit = chronos.LIMIT * scale
    clipped = np.abs(x) > limit
    label, floor = 0.75, 0.78  # the width of the rows' names, the height of the bars' feet
    step = (PAGE_WIDTH - label) / len(x)
    middles = label + step * (np.arange(len(x)) + 0.5)
    unit = 0.78 / max(x.max(), limit)
    fig, ax = canvas(PAGE_WIDTH, 1.7)
    ax.bar(middles, unit * x, 0.1, floor, color=BLUE)
    ax.plot([label, PAGE_WIDTH], [floor + unit * limit] * 2, "--", color=RUST, linewidth=0.8)
    aside = dict(color=RUST, ha="left")
    words(ax, label, floor + unit * limit - 0.12, f"{chronos.LIMIT} scales = {limit:.4g}", **aside)
    for n in np.flatnonzero(clipped):
        aside_bar = middles[n] + 0.11, floor + unit * limit - 0.12
        words(ax, *aside_bar, f"{x[n]:.4g} comes back as {back[n]:.4g}", **aside)
    rows = {
        "value": [f"{value:.4g}" for value in x],
        "over scale": [f"{value:.2f}" for value in x / scale],
        "token": [str(token) for token in tokens],
        "back again": [f"{value:.2f}" for value in back],
    }
    for row, (name, cells) in enumerate(rows.items()):
        y = floor - 0.14 - LINE * row
        words(ax, label - 0.08, y, name, ha="right")
        for middle, cell, is_clipped in zip(middles, cells, clipped):
            words(ax, middle, y, cell, color=RUST if is_clipped else INK)
    worst = np.abs(back - x)[~clipped].max(initial=0)
    caption = (
        rf"The tokeniser on {len(x)} values of ours, with the released code's bins. The scale is "
        rf"the mean absolute value, {scale:.4g}. A value that fits comes back with an error of at "
        rf"most half a bin, here {chronos.BIN_WIDTH * scale / 2:.3f} (the largest is {worst:.3f}), "
        rf"and one beyond {chronos.LIMIT} scales as {chronos.LIMIT} scales."
    )
    alt = (
        f"A bar for each of {len(x)} values; most are small, and the largest is {x.max():.4g}. "
        f"A dashed line marks {limit:.4g}. Below each bar stand the value, the value over the "
        f"scale, its token and the value that comes back: {back.max():.4g} for the largest."
    )
    return Drawing(fig, caption, alt)


WIDTH, HEIGHT, GAP, MIDDLE = 0.98, 0.72, 0.44, 0.88  # of a box, between boxes, and their middle


def way() -> Drawing:
    """The model's way from a series to a forecast, with the article's numbers; sketched curves."""
    quoted = {name: number.value for name, number in chronos.QUOTED.items()}
    smallest, *_, largest = (size.published // 10**6 for size in chronos.SIZES.values())
    time = np.linspace(0, 1, 60)
    past = 2 + np.sin(15 * time)
    first_tokens = "\n".join(map(str, chronos.tokenize(past)[0][:9:3]))
    steps = [
        (f"series, up to\n{quoted['context']} values", "", "scale,\nbin"),
        (f"a token a value,\n{chronos.VOCABULARY} kinds", f"{first_tokens}\n…", "encode"),
        (
            "T5: encoder\nand decoder",
            f"{len(chronos.SIZES)} sizes,\n{smallest}M to {largest}M\nparameters",
            "softmax",
        ),
        ("distribution of\nthe next token", "", "draw,\nunscale"),
        (f"{quoted['paths']} paths of up\nto {quoted['horizon']} values", "", ""),
    ]
    fig, ax = canvas(PAGE_WIDTH, 1.6)
    middles = 0.5 * WIDTH + 0.02 + (WIDTH + GAP) * np.arange(len(steps))
    for x, (title, inside, step) in zip(middles, steps):
        box(ax, x, MIDDLE, WIDTH, HEIGHT, inside, color=BLUE, va="center")
        words(ax, x, MIDDLE + 0.42, title, va="bottom")
        if step:
            end = x + WIDTH / 2 + GAP
            arrow(ax, (end - GAP + 0.03, MIDDLE), (end - 0.03, MIDDLE))
            words(ax, end - GAP / 2, MIDDLE + 0.06, step, va="bottom")
    _curve(ax, middles[0], past, BLUE)
    for slope in (-0.6, -0.3, 0, 0.3, 0.6):
        _curve(ax, middles[4], 2 + np.sin(15 * (time + 1)) + slope * time, RUST)
    k = np.arange(11)
    chances = 0.55 * np.exp(-((k - 4) ** 2) / 6) + 0.25 * np.exp(-((k - 8) ** 2) / 2)
    ax.bar(middles[3] + 0.066 * (k - 5), chances, 0.05, MIDDLE - 0.3, color=BLUE)
    foot, low = MIDDLE - HEIGHT / 2 - 0.03, 0.24
    arrow(ax, (middles[3], foot), (middles[3], low), (middles[2], low), (middles[2], foot))
    words(ax, middles[2:4].mean(), low - 0.11, "the decoder reads the drawn token")
    caption = (
        r"From a series to a forecast. The sizes are the article's (Sections 5.2 and 5.4), the "
        r"tokens and curves are ours. Training stops at the distribution: cross-entropy compares "
        r"it with the token that really came next."
    )
    alt = (
        "Five boxes from left to right, joined by arrows: a series of up to "
        f"{quoted['context']} values; its tokens; T5, with encoder and decoder; a distribution of "
        f"the next token; {quoted['paths']} paths that continue the series. A further arrow leads "
        "from the distribution back to T5."
    )
    return Drawing(fig, caption, alt)


def _curve(ax, middle: float, y: np.ndarray, colour: str) -> None:
    """A curve y, between 0 and 4, across the box at `middle`."""
    x = np.linspace(-0.41, 0.41, len(y))
    ax.plot(middle + x, MIDDLE + 0.18 * (y - 2), color=colour, linewidth=0.8)

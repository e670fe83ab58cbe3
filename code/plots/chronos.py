"""The figures of Exercise 2, measured in inches."""

import numpy as np

from plots.shapes import LINE, arrow, box, canvas, tint, words
from plots.style import BLUE, GREY, PAGE_WIDTH, Drawing
from solutions import chronos


def tokeniser(x: np.ndarray) -> Drawing:
    """A series x (N,) of about 20 nonnegative values, and what the tokeniser makes of each."""
    tokens, scale = chronos.tokenize(x)
    back = chronos.detokenize(tokens, scale)
    clipped = x > chronos.LIMIT * scale
    rows = {
        "value": [f"{value:.4g}" for value in x],
        "divided by scale": [f"{value:.2f}" for value in x / scale],
        "token": [str(token) for token in tokens],
        "value returned": [f"{value:.2f}" for value in back],
    }
    label, foot, top = 1.05, 0.05, 0.72  # inches: the rows' names, and below and above the rows
    step = (PAGE_WIDTH - label) / len(x)
    fig, ax = canvas(PAGE_WIDTH, foot + LINE * len(rows) + top)
    for row, (name, entries) in enumerate(rows.items()):
        y = foot + LINE * (len(rows) - row - 0.5)
        words(ax, label - 0.08, y, name, ha="right")
        for n, entry in enumerate(entries):
            look = {"color": BLUE, "fontweight": "bold"} if clipped[n] else {}
            words(ax, label + step * (n + 0.5), y, entry, **look)
    _ruler(ax, label, foot + LINE * len(rows) + 0.36, x, back, scale)
    worst = np.abs(back - x)[~clipped].max(initial=0)
    steps = tokens[0] - chronos.FIRST_BIN - len(chronos.CENTRES) // 2  # from zero, the middle one
    caption = (
        rf"The tokeniser on {len(x)} made-up values, with the released code's bins (the picture "
        "shows those from zero on). The scale is the mean absolute value, "
        rf"{scale:.4g}. Divided by it, the first value is {x[0] / scale:.4f}; the nearest centre, "
        rf"number {steps} above zero (token {tokens[0] - steps} + {steps} = {tokens[0]}), is "
        rf"{back[0] / scale:.4f}, so {back[0]:.2f} is returned. "
        rf"A value within {chronos.LIMIT} scales returns "
        "with an error of at most half a bin times the scale, "
        rf"{chronos.BIN_WIDTH * scale / 2:.3f} (largest error here: {worst:.3f}). A value "
        rf"beyond them returns as {chronos.LIMIT} or $-{chronos.LIMIT}$ scales."
    )
    alt = (
        f"An axis of values divided by the scale. The bins end at {chronos.LIMIT}; an arrow leads "
        f"a value that lies beyond back to this end. Below it a table of {len(x)} values, each "
        f"with the value divided by the scale, its token and the value returned: {back.max():.4g} "
        f"for the largest, {x.max():.4g}."
    )
    return Drawing(fig, caption, alt)


def _ruler(ax, left, y, x, back, scale):
    """The axis of scaled values: a bar for the bins, an arrow back for each value beyond them."""
    start, limit, scaled = left + 0.12, chronos.LIMIT, x / scale
    unit = (PAGE_WIDTH - start - 0.2) / max(scaled.max(), 1.2 * limit)
    end = start + unit * limit
    box(ax, (start + end) / 2, y, end - start, 0.12, fill=tint(GREY, 0.25))
    words(ax, left - 0.08, y, "divided by scale", ha="right")
    words(ax, (start + end) / 2, y + 0.2, f"the bins end at {limit} scales")
    for tick in range(0, limit + 1, 5):
        words(ax, start + unit * tick, y - 0.17, str(tick))
    ax.plot(start + unit * scaled, np.full(len(scaled), y), "o", color=BLUE, markersize=4)
    for n in np.flatnonzero(scaled > limit):
        arrow(ax, (start + unit * scaled[n], y), (end, y), colour=BLUE)
        returned = f"{x[n]:.4g} returns as {back[n]:.4g}"
        bold = {"color": BLUE, "fontweight": "bold", "ha": "right"}
        words(ax, PAGE_WIDTH - 0.03, y + 0.2, returned, **bold)


# Inches: width and height of a box, the gap between two, and the height of their middle.
WIDTH, HEIGHT, GAP, MIDDLE = 0.98, 0.72, 0.44, 0.88
TIME = np.linspace(0, 1, 60)  # of the made-up series, and again of the forecast that follows it
PAST = 2 + np.sin(15 * TIME)


def pipeline() -> Drawing:
    """From a series to a forecast, with the article's numbers and made-up curves."""
    quoted, steps = chronos.QUOTED, _steps()
    fig, ax = canvas(PAGE_WIDTH, 1.6)
    middles = 0.5 * WIDTH + 0.02 + (WIDTH + GAP) * np.arange(len(steps))
    for x, (title, inside, step) in zip(middles, steps):
        box(ax, x, MIDDLE, WIDTH, HEIGHT, inside, va="center")
        words(ax, x, MIDDLE + 0.42, title, va="bottom")
        if step:
            end = x + WIDTH / 2 + GAP
            arrow(ax, (end - GAP + 0.03, MIDDLE), (end - 0.03, MIDDLE))
            words(ax, end - GAP / 2, MIDDLE + 0.06, step, va="bottom")
    series, _, model, distribution, paths = middles
    _curve(ax, series, PAST, GREY)
    _distribution(ax, distribution)
    for slope in (-0.6, -0.3, 0, 0.3, 0.6):
        _curve(ax, paths, 2 + np.sin(15 * (TIME + 1)) + slope * TIME, BLUE)
    foot, low = MIDDLE - HEIGHT / 2 - 0.03, 0.24
    arrow(ax, (distribution, foot), (distribution, low), (model, low), (model, foot))
    words(ax, (model + distribution) / 2, low - 0.11, "the decoder reads the drawn token")
    caption = (
        r"From a series to a forecast. The sizes are the article's (Sections 5.2 and 5.4); the "
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


def _steps():
    """Of each box: what stands above it, in it, and on the arrow to the next."""
    quoted = chronos.QUOTED
    smallest, *_, largest = (size.published // 10**6 for size in chronos.SIZES.values())
    first_tokens = "\n".join(map(str, chronos.tokenize(PAST)[0][:9:3]))
    sizes = f"{len(chronos.SIZES)} sizes, {smallest} to\n{largest} million\nparameters"
    tokens = f"one token per value,\n{chronos.VOCABULARY} kinds"
    return [
        (f"series, up to\n{quoted['context']} values", "", "scale,\nbin"),
        (tokens, f"{first_tokens}\n…", "to the\nencoder"),
        ("T5: encoder\nand decoder", sizes, "softmax"),
        ("distribution of\nthe next token", "", "draw,\n× scale"),
        (f"{quoted['paths']} paths of up\nto {quoted['horizon']} values", "", ""),
    ]


def _distribution(ax, middle):
    """A bar for the probability of each of some tokens, in the box at `middle`."""
    k = np.arange(11)
    chances = 0.55 * np.exp(-((k - 4) ** 2) / 6) + 0.25 * np.exp(-((k - 8) ** 2) / 2)
    ax.bar(middle + 0.066 * (k - 5), chances, 0.05, MIDDLE - 0.3, color=BLUE)


def _curve(ax, middle: float, y: np.ndarray, colour: str) -> None:
    """A curve y, between 0 and 4, across the box at `middle`."""
    x = np.linspace(-0.41, 0.41, len(y))
    ax.plot(middle + x, MIDDLE + 0.18 * (y - 2), color=colour, linewidth=0.8)

"""Attention in one page, and CA 1: the way from X to Y, the weights, and a swap of two inputs."""

import math
import re

import numpy as np
from matplotlib.patches import Rectangle

from plots.shapes import arrow, box, canvas, cells, number, tint, vector, words
from plots.style import BLUE, GREEN, GREY, INK, PAGE_WIDTH, PAPER, RUST, TALLEST, Drawing

QUERY, KEY, VALUE = BLUE, RUST, GREEN
BOX = 0.24  # inches: the height of a box with a line of text
ROUND = {"corner": 0.06}

# Attention in one page ----------------------------------------------------------------------------


def one_page(X, q, k, v, scores, weights, output) -> Drawing:
    """One query's way through attention, for two tokens, with the numbers written in.

    Parameters: X (2, D), q and k (2, d), v and output (2, d_v), scores and weights (2, 2), with
    a row for each query. Raises: ValueError if the scores are not q k^T / sqrt(d).
    """
    if not np.allclose(scores, q @ k.T / q.shape[1] ** 0.5):
        raise ValueError(f"scores must be q k^T / sqrt(d), got {scores.tolist()}")
    fig, ax = canvas(PAGE_WIDTH, 2.6)
    at = {"x": 0.45, "q": 1.62, "s": 2.82, "soft": 3.42, "a": 4.04, "av": 5.02, "y": 6.12}
    wide = {"x": 0.78, "q": 0.96, "s": 0.76, "soft": 0.22, "a": 0.74, "av": 1.1, "y": 1.02}
    middle = 1.24

    def put(column, y, text, colour, strength=0.16):
        box(ax, at[column], y, wide[column], BOX, text, colour, tint(colour, strength))

    def way(start, y, end, y_end, colour=GREY):
        ends = at[start] + wide[start] / 2, at[end] - wide[end] / 2
        arrow(ax, (ends[0], y), (ends[1], y_end), colour=colour)

    _headings(ax, at)
    for n, side in ((1, 1), (2, -1)):
        key, token, value = (middle + side * up for up in (0.4, 0.6, 0.8))
        edge, j = side * BOX / 2, n - 1
        put("x", token, rf"$\mathbf{{x}}_{n}$ = {vector(X[j])}", GREY)
        put("q", key, rf"$\mathbf{{k}}_{n}$ = {vector(k[j])}", KEY)
        put("q", value, rf"$\mathbf{{v}}_{n}$ = {vector(v[j])}", VALUE)
        put("s", key, f"$s_{{1{n}}}$ = {number(scores[0, j])}", GREY, 0.08)
        put("a", key, f"$a_{{1{n}}}$ = {number(weights[0, j])}", BLUE, 0.5 * weights[0, j])
        weighted = vector(weights[0, j] * v[j])
        put("av", value, rf"$a_{{1{n}}}\mathbf{{v}}_{n}$ = {weighted}", VALUE)
        for end in (value, key, middle)[: 4 - n]:
            way("x", token, "q", end)
        way("q", key, "s", key, KEY)
        way("q", value, "av", value, VALUE)
        way("s", key, "soft", key)
        way("soft", key, "a", key)
        right = {name: at[name] + wide[name] / 2 for name in at}
        arrow(ax, (right["q"], middle), (at["s"], middle), (at["s"], key - edge), colour=QUERY)
        arrow(ax, (right["a"], key), (at["av"], key), (at["av"], value - edge))
        corner = at["y"], value
        arrow(ax, (right["av"], value), corner, (at["y"], middle + edge), colour=VALUE)
    put("q", middle, rf"$\mathbf{{q}}_1$ = {vector(q[0])}", QUERY)
    put("y", middle, rf"$\mathbf{{y}}_1$ = {vector(output[0])}", VALUE)
    softmax = {"rotation": 90, "color": GREY}
    box(ax, at["soft"], middle, wide["soft"], 0.8 + BOX, "softmax", **ROUND, **softmax)
    second = (
        rf"Query 2 asks the same keys: $\mathbf{{q}}_2$ = {vector(q[1])}, scores "
        rf"{vector(scores[1])}, weights {vector(weights[1])}, output "
        rf"$\mathbf{{y}}_2$ = {vector(output[1])}."
    )
    words(ax, 0.06, 0.12, second, ha="left")
    caption = (
        "Attention for the query of token 1. The query meets each key in a score; the softmax "
        "turns the scores into weights; the values join after it and are averaged with them."
    )
    alt = (
        "A data flow from left to right. Two inputs give one query, two keys and two values. The "
        f"query meets each key: the scores are {vector(scores[0])}. The softmax makes them the "
        f"weights {vector(weights[0])}. Each weight multiplies its value, and the sum is the "
        f"output {vector(output[0])}."
    )
    return Drawing(fig, caption, alt)


def _headings(ax, at):
    """The name of each step in bold, and in the line below what it does."""
    headings = {
        "x": ("inputs", r"$\mathbf{x}_j$"),
        "q": (
            "query, keys, values",
            r"$\mathbf{W}_q\mathbf{x}_1,\ \mathbf{W}_k\mathbf{x}_j,\ \mathbf{W}_v\mathbf{x}_j$",
        ),
        "s": ("scores", r"$\mathbf{q}_1^{\mathsf{T}}\mathbf{k}_j\,/\,$√$d$"),
        "a": ("weights", "positive, sum 1"),
        "av": ("weighted values", r"$a_{1j}\mathbf{v}_j$"),
        "y": ("output", "their sum"),
    }
    for column, (title, detail) in headings.items():
        words(ax, at[column], 2.52, title, fontweight="bold")
        words(ax, at[column], 2.36, detail, color=GREY)


# The way from X to Y ------------------------------------------------------------------------------

MOST_SLICES = 8  # of a matrix: the slices of more heads are too thin, so the first alone is marked


def flow(N: int, D: int, H: int) -> Drawing:
    """From X (N, D) to Y (N, D) by H heads: plain boxes are matrices, round ones operations.

    Raises: ValueError if H does not divide D.
    """
    if D % H:
        raise ValueError(f"H must divide D = {D}, got H = {H}")
    fig, ax = canvas(PAGE_WIDTH, 2.62)
    tokens, pair, part = f"{N} × {D}", f"{N} × {N}", f"{N} × {D // H}"
    h = "h" if H > 1 else "1"
    top, middle, low, scores = 2.0, 1.23, 0.4, 1.57
    rows = {"Q": (top, QUERY), "K": (middle, KEY), "V": (low, VALUE)}
    _cards(ax, min(H, 3))
    title = f"head $h$ of {H}" if H > 1 else "the only head"
    words(ax, 4.78, 2.3, title, ha="right", color=GREY)
    _matrix(ax, 0.3, middle, 0.42, "X", tokens)
    for name, (y, colour) in rows.items():
        _multiply(ax, 0.95, y, f"W_{name.lower()}", colour)
        _matrix(ax, 1.67, y, 0.52, name, tokens, colour, H)
        _matrix(ax, 2.49, y, 0.22, f"{name}_{h}", part, colour)
        for start, end in (((0.51, middle), 0.7), ((1.2, y), 1.41), ((1.93, y), 2.38)):
            arrow(ax, start, (end, y), colour=colour)
    arrow(ax, (2.6, top), (3.04, top), (3.04, scores + 0.17), colour=QUERY)
    arrow(ax, (2.6, middle), (3.04, middle), (3.04, scores - 0.17), colour=KEY)
    product = rf"$\mathbf{{Q}}_{h}\mathbf{{K}}_{h}^\mathsf{{T}}\,/\,$√$d_h$"
    words(ax, 3.12, top + 0.05, product, ha="left")
    _matrix(ax, 3.04, scores, 0.34, f"S_{h}", pair, INK, aside=0.06)
    _matrix(ax, 4.2, scores, 0.34, f"A_{h}", pair, INK, aside=0.06)
    _operation(ax, 3.64, scores, 0.56, "softmax")
    _operation(ax, 4.2, low, 0.3, "×")
    for start, end in (((3.21, scores), (3.36, scores)), ((3.92, scores), (4.03, scores))):
        arrow(ax, start, end)
    arrow(ax, (4.2, scores - 0.17), (4.2, low + BOX / 2))
    _matrix(ax, 4.61, low, 0.22, f"Y_{h}", part, VALUE)
    _matrix(ax, 5.44, low, 0.52, r"[Y_1 \cdots Y_H]" if H > 1 else "Y_1", tokens, VALUE, H)
    _multiply(ax, 6.18, low, "W_o", GREY)
    for start, end in ((2.6, 4.05), (4.35, 4.5), (4.72, 5.18), (5.7, 5.93)):
        arrow(ax, (start, low), (end, low), colour=VALUE)
    arrow(ax, (6.18, low + BOX / 2), (6.18, 0.9))
    _matrix(ax, 6.18, middle, 0.42, "Y", tokens)
    caption = (
        rf"Multi-head self-attention with the shapes of $N = {N}$, $D = {D}$, $H = {H}$. Each "
        r"head takes $d_h = D/H$ columns of $\mat{Q}$, $\mat{K}$ and $\mat{V}$. Queries and keys "
        r"meet in the scores; the values join only after the softmax."
    )
    alt = (
        f"A data flow from left to right. The inputs X, {tokens}, are multiplied by three weight "
        f"matrices, which gives Q, K and V. Each of {H} heads takes {D // H} columns of each; its "
        f"queries and keys give scores, {pair}, a softmax makes them weights, and these multiply "
        "its values. The outputs of all heads, side by side, times the output weights give Y."
    )
    return Drawing(fig, caption, alt)


def _matrix(ax, x, y, width, name, shape, colour=GREY, slices=1, aside=None):
    """A matrix, its first slice dark; its name above and its shape below, or aside of arrows."""
    tall, left = 0.34, x - width / 2
    box(ax, x, y, width, tall, "", colour, tint(colour, 0.12))
    if slices > 1:
        band = width / slices
        box(ax, left + band / 2, y, band, tall, "", colour, tint(colour, 0.4))
        for n in range(2, slices if slices <= MOST_SLICES else 0):
            ax.vlines(left + n * band, y - tall / 2, y + tall / 2, color=colour, linewidth=0.5)
    place = {"ha": "left"} if aside else {}
    bold = re.sub("[A-Z](?!])", r"\\mathbf{\g<0>}", name)
    words(ax, x + (aside or 0), y + tall / 2 + 0.1, f"${bold}$", **place)
    words(ax, x + (aside or 0), y - tall / 2 - 0.1, shape, **place)


def _operation(ax, x, y, width, text, colour=GREY):
    box(ax, x, y, width, BOX, text, colour, **ROUND, color=colour)


def _multiply(ax, x, y, weights, colour):
    text = rf"$\times\,\mathbf{{{weights[0]}}}{weights[1:]}^{{\mathsf{{T}}}}$"
    _operation(ax, x, y, 0.5, text, colour)


def _cards(ax, n):
    """A stack of n cards; of those behind the first only the upper and the right edge are seen."""
    left, bottom, width, height, shift = 2.11, 0.02, 2.76, 2.4, 0.06
    box(ax, left + width / 2, bottom + height / 2, width, height, fill=PAPER, look={"zorder": -1})
    for back in shift * np.arange(1, n):
        xs = left + back + np.array([0, 0, width, width, width - shift])
        ys = bottom + back + np.array([height - shift, height, height, 0, 0])
        ax.plot(xs, ys, color=GREY, linewidth=0.8, zorder=-1)


# The weights --------------------------------------------------------------------------------------

LEFT, FOOT, TITLE, GAP = 0.42, 0.42, 0.26, 0.2  # inches, around heat maps and between two
DIGITS = (0.25, 0.19)  # inches: a cell with its number
MOST_DIGITS = 12  # with more tokens than this the shades stand alone
MOST_HEADS = 64  # what a page has room for
LABEL = 0.14  # inches: what a label of one line needs


def weights_one_head(A) -> Drawing:
    """The weights (N, N) of a single head."""
    return _heat_maps(A[None], ["one head"], "the single head")


def weights_heads(A) -> Drawing:
    """The weights (H, N, N) of several heads, a map for each and all on one scale."""
    whose = f"the {len(A)} heads" if len(A) > 1 else "the only head"
    if len(A) > MOST_HEADS:
        whose = f"the first {MOST_HEADS} of {len(A)} heads"
    drawn = A[:MOST_HEADS]
    return _heat_maps(drawn, [f"head {h}" for h in range(1, len(drawn) + 1)], whose)


def _heat_maps(A, titles, whose):
    n, N = A.shape[:2]
    darkest = 1 if A.max() > 0.5 else A.max()  # one scale for one head and for several
    columns, size = _grid(n, N)
    wide, tall = N * size[0], N * size[1]
    pitch = max(wide, 0.45) + GAP
    height = math.ceil(n / columns) * (tall + TITLE) + FOOT
    fig, ax = canvas(LEFT + columns * pitch - GAP + 0.04, height)
    for panel, (weights, title) in enumerate(zip(A, titles, strict=True)):
        row, column = divmod(panel, columns)
        left, top = LEFT + column * pitch, height - TITLE - row * (tall + TITLE)
        cells(ax, left, top, weights, size, (0, darkest), digits=size == DIGITS)
        words(ax, left + wide / 2, top + 0.1, title, fontsize=9)
        if column == 0:
            words(ax, 0.09, top - tall / 2, "query $i$", rotation=90, va="center")
            for k in _labelled(N, size[1]):
                words(ax, left - 0.05, top - (k + 0.5) * size[1], str(k + 1), ha="right")
        if panel + columns >= n:
            words(ax, left + wide / 2, top - tall - 0.27, "key $j$")
            for k in _labelled(N, size[0]):
                words(ax, left + (k + 0.5) * size[0], top - tall - 0.1, str(k + 1))
    caption = (
        f"The weights of {whose}, from white for zero to the darkest, {darkest:.2f}. Each row "
        "belongs to one query and adds up to one."
    )
    alt = (
        f"Heat maps of the attention weights of {whose}, with {N} queries downwards and {N} keys "
        f"to the right. The largest weight is {A.max():.2f}."
    )
    return Drawing(fig, caption, alt)


def _grid(n, N):
    """How many maps make a row, and the size of a cell: DIGITS, or as large as the page allows."""
    room = PAGE_WIDTH - LEFT - 0.04 + GAP

    def fits(columns, tall):
        return math.ceil(n / columns) * (N * tall + TITLE) + FOOT <= TALLEST

    most = min(n, int(room / (N * DIGITS[0] + GAP)))
    if N <= MOST_DIGITS and most and fits(most, DIGITS[1]):
        return math.ceil(n / math.ceil(n / most)), DIGITS  # as few as make no more rows
    sides = {columns: min(room / columns - GAP, 2.8) / N for columns in range(min(n, 3), n + 1)}
    columns = next(columns for columns, side in sides.items() if fits(columns, side))
    return columns, (sides[columns], sides[columns])


def _labelled(n, size):
    """Which of n rows or columns of this size have their number beside them."""
    return range(0, n, 1 if size >= LABEL else math.ceil(3 * LABEL / size))


# A swap of the first two inputs -------------------------------------------------------------------

CELL = 0.155  # inches
TOKENS, COLUMNS, HEADS = 5, 6, 3  # drawn at most: a larger case shows the same
BETWEEN, APART = 0.16, 0.5  # inches: between two matrices, and between one head and several


def swap(before, after) -> Drawing:
    """Outputs and weights before and after inputs 1 and 2 change places, for one head and several.

    Parameters: before and after, {H: (Y (N, D), A (H, N, N))}; the smallest and the largest H are
    drawn, and of larger arrays the first rows, columns and heads.
    """
    groups = {H: _panels(before[H], after[H]) for H in sorted({min(before), max(before)})}
    n = len(groups[min(before)][0][1])
    tall = n * CELL
    orders = [*range(1, n + 1)], [2, 1, *range(3, n + 1)][-n:]
    tops = 2 * tall + 0.62, tall + 0.22
    panels = [panel for group in groups.values() for panel in group]
    wide = sum(values.shape[1] * CELL + BETWEEN for _, values, _ in panels)
    width = 0.44 + wide + (len(groups) - 1) * (APART - BETWEEN) - BETWEEN
    fig, ax = canvas(max(width, 1), 2 * tall + 1.06)
    for top, when in zip(tops, ("before", "after"), strict=True):
        words(ax, 0.09, top - tall / 2, when, rotation=90, va="center", fontweight="bold")
    left = 0.4
    for H, group in groups.items():
        title = "one head" if H == 1 else f"{H} heads"
        bold = {"ha": "left", "fontsize": 9, "fontweight": "bold"}
        words(ax, left, 2 * tall + 0.96, title, **bold)
        for top, order in zip(tops, orders, strict=True):
            _name_tokens(ax, order, [(left - 0.08, top - (k + 0.5) * CELL) for k in range(n)])
        for name, *pair in group:
            across, weights = pair[0].shape[1] * CELL, "A" in name
            words(ax, left + across / 2, tops[0] + 0.11, name, fontsize=9)
            ends = 0 if weights else np.min(pair), np.max(pair)
            for top, order, values in zip(tops, orders, pair, strict=True):
                cells(ax, left, top, values, (CELL, CELL), ends)
                _frames(ax, left, top, order, across, tall, weights)
                if weights:
                    places = [(left + (k + 0.5) * CELL, top - tall - 0.11) for k in range(n)]
                    _name_tokens(ax, order, places)
            left += across + BETWEEN
        left += APART - BETWEEN
    caption = (
        r"Outputs $\mat{Y}$ and weights before and after inputs 1 and 2 change places; darker is "
        "larger. Solid frames mark the row, and in the weights the column, of token 1; dashed "
        "frames those of token 2." + _shown(before)
    )
    alt = (
        "Shaded matrices of outputs and weights, above before the swap and below after it. In the "
        "outputs the first two rows have changed places; in the weights the first two rows and the "
        "first two columns. All else is where it was."
    )
    if n == 1:
        caption = alt = "Outputs and weights of a single input: there is nothing to swap."
    return Drawing(fig, caption, alt)


def _panels(before, after):
    """Name, before and after of what is drawn of Y and of each head's weights."""
    H = len(before[1])
    names = [r"$\mathbf{A}$"] if H == 1 else [rf"$\mathbf{{A}}_{h}$" for h in range(1, H + 1)]
    Ys = (Y[:TOKENS, :COLUMNS] for Y, _ in (before, after))
    As = (A[:HEADS, :TOKENS, :TOKENS] for _, A in (before, after))
    return [(r"$\mathbf{Y}$", *Ys), *zip(names, *As, strict=False)]


def _shown(results):
    """Which part of a large case is drawn."""
    N, D = results[min(results)][0].shape
    sizes = {"tokens": (N, TOKENS), "columns": (D, COLUMNS), "heads": (max(results), HEADS)}
    parts = [f"{most} of {n} {what}" for what, (n, most) in sizes.items() if n > most]
    return f" Shown are {', '.join(parts)}." if parts else ""


def _name_tokens(ax, order, places):
    """The tokens in their places; those that move are bold."""
    for token, point in zip(order, places, strict=True):
        moves = token < 3 and len(order) > 1
        style = {"color": RUST, "fontweight": "bold"} if moves else {}
        words(ax, *point, str(token), **style)


def _frames(ax, left, top, order, wide, tall, weights):
    """Frames around the row, and in weights the column, of token 1 (solid) and token 2 (dashed)."""
    d = 0.012  # how far a frame stands over
    for k, token in enumerate(order[:2] if len(order) > 1 else ()):
        line = "-" if token == 1 else (0, (2.5, 1.2))
        style = {"fill": False, "edgecolor": RUST, "linewidth": 1, "linestyle": line}
        row = (left - d, top - (k + 1) * CELL + d), wide + 2 * d, CELL - 2 * d
        column = (left + k * CELL + d, top - tall - d), CELL - 2 * d, tall + 2 * d
        for frame in (row, column)[: 1 + weights]:
            ax.add_patch(Rectangle(*frame, **style))

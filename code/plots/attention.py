"""Attention in brief, and CA 1: the path from X to Y, the weights, and a swap of two inputs."""

import math
import re

import numpy as np
from matplotlib.patches import Rectangle

from plots.shapes import arrow, box, canvas, cells, tint, words
from plots.style import BLUE, GREEN, GREY, INK, MAX_HEIGHT, PAGE_WIDTH, PAPER, RUST, Drawing
from solutions.wording import listed, short, spell_out, vector

QUERY, KEY, VALUE = BLUE, RUST, GREEN
BOX = 0.24  # inches: height of a box with one line of text
ROUND = {"corner": 0.06}

# Attention in brief -------------------------------------------------------------------------------

# Inches: the middle and the width of the boxes of each step, and the height of the query's row.
STEPS = {
    "x": (0.45, 0.78),
    "q": (1.62, 0.96),
    "s": (2.82, 0.76),
    "soft": (3.42, 0.22),
    "a": (4.04, 0.74),
    "av": (5.02, 1.1),
    "y": (6.12, 1.02),
}
QUERY_ROW = 1.0


def in_brief(X, Q, K, V, scores, A, Y) -> Drawing:
    """Attention for the query of the first of two tokens, step by step and in numbers.

    X: (2, D), Q and K: (2, d), V and Y: (2, d_v), scores and weights A: (2, 2), with a row for each
    token.
    """
    fig, ax = canvas(PAGE_WIDTH, 2.38)
    _headings(ax)
    for n, side in ((1, 1), (2, -1)):
        j = n - 1
        _boxes_of_token(ax, n, side, X[j], K[j], V[j], scores[0, j], A[0, j])
        _arrows_of_token(ax, n, side)
    _step(ax, "q", QUERY_ROW, rf"$\mathbf{{q}}_1$ = {vector(Q[0])}", QUERY)
    _step(ax, "y", QUERY_ROW, rf"$\mathbf{{y}}_1$ = {vector(Y[0])}", VALUE)
    (x, width), style = STEPS["soft"], {"rotation": 90, "color": GREY}
    box(ax, x, QUERY_ROW, width, 0.8 + BOX, "softmax", **ROUND, **style)
    darker = "darker =\nlarger weight"
    words(ax, STEPS["a"][0], QUERY_ROW, darker, va="center", color=GREY)
    caption = (
        "Attention for the query of token 1. Each score compares the query with one key. The "
        "softmax turns the scores into weights, and the average of the values with these weights "
        rf"is the output. Query 2, $\vec{{q}}_2 = {vector(Q[1])}$, asks the same keys: the scores "
        rf"are ${vector(scores[1])}$, the weights ${vector(A[1], '{:.3f}'.format)}$, the output "
        rf"$\vec{{y}}_2 = {vector(Y[1])}$."
    )
    alt = (
        "A data flow from left to right. Two inputs give one query, two keys and two values. The "
        f"query is compared with each key: the scores are {vector(scores[0])}. The softmax makes "
        f"them the weights {vector(A[0])}. Each weight multiplies its value, and the sum is the "
        f"output {vector(Y[0])}."
    )
    return Drawing(fig, caption, alt)


def _headings(ax):
    """The name of each step in bold, and what it does in the line below."""
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
    for step, (title, detail) in headings.items():
        words(ax, STEPS[step][0], 2.29, title, fontweight="bold")
        words(ax, STEPS[step][0], 2.13, detail, color=GREY)


def _boxes_of_token(ax, n, side, x, k, v, score, weight):
    """Token n, above the query's row (side 1) or below it (-1)."""
    key, token, value = _rows_of_token(side)
    _step(ax, "x", token, rf"$\mathbf{{x}}_{n}$ = {vector(x)}", GREY)
    _step(ax, "q", key, rf"$\mathbf{{k}}_{n}$ = {vector(k)}", KEY)
    _step(ax, "q", value, rf"$\mathbf{{v}}_{n}$ = {vector(v)}", VALUE)
    _step(ax, "s", key, f"$s_{{1{n}}}$ = {short(score)}", GREY, 0.08)
    _step(ax, "a", key, f"$a_{{1{n}}}$ = {short(weight)}", INK, 0.5 * weight)
    _step(ax, "av", value, rf"$a_{{1{n}}}\mathbf{{v}}_{n}$ = {vector(weight * v)}", VALUE)


def _arrows_of_token(ax, n, side):
    """From the token's input to the output; only token 1 makes a query."""
    key, token, value = _rows_of_token(side)
    edge = side * BOX / 2
    for end in (value, key, QUERY_ROW) if n == 1 else (value, key):
        _connect(ax, "x", token, "q", end)
    _connect(ax, "q", key, "s", key, KEY)
    _connect(ax, "q", value, "av", value, VALUE)
    _connect(ax, "s", key, "soft", key)
    _connect(ax, "soft", key, "a", key)
    _bend(ax, "q", QUERY_ROW, "s", key - edge, QUERY)
    _bend(ax, "a", key, "av", value - edge)
    _bend(ax, "av", value, "y", QUERY_ROW + edge, VALUE)


def _rows_of_token(side):
    """The heights of a token's key, of its input and of its value."""
    return [QUERY_ROW + side * up for up in (0.4, 0.6, 0.8)]


def _step(ax, step, y, text, colour, strength=0.16):
    x, width = STEPS[step]
    box(ax, x, y, width, BOX, text.replace("-", "−"), colour, tint(colour, strength))


def _connect(ax, start, y, end, y_end, colour=GREY):
    """An arrow from the right edge of one step's box to the left edge of another's."""
    (x, width), (x_end, width_end) = STEPS[start], STEPS[end]
    arrow(ax, (x + width / 2, y), (x_end - width_end / 2, y_end), colour=colour)


def _bend(ax, start, y, end, y_end, colour=GREY):
    """An arrow from the right edge of one step's box, which turns above or below another's."""
    (x, width), (corner, _) = STEPS[start], STEPS[end]
    arrow(ax, (x + width / 2, y), (corner, y), (corner, y_end), colour=colour)


# The path from X to Y -----------------------------------------------------------------------------

MAX_SLICES = 8  # the slices of more heads would be too thin: only the first is marked
TOP, MIDDLE, LOW, SCORES = 2.0, 1.23, 0.4, 1.57  # inches: the rows of Q, K (and X), V and S


def flow(N: int, D: int, H: int) -> Drawing:
    """From X (N, D) to Y (N, D) by H heads: plain boxes are matrices, round ones operations.

    Raises: ValueError if H does not divide D.
    """
    if D % H:
        raise ValueError(f"H must divide D = {D}, got H = {H}")
    fig, ax = canvas(PAGE_WIDTH, 2.62)
    _cards(ax, min(H, 3))
    title = f"head $h$ of {H}" if H > 1 else "the only head"
    words(ax, 4.78, 2.3, title, ha="right")
    _projections(ax, N, D, H)
    _weights_of_head(ax, N, H)
    _outputs(ax, N, D, H)
    caption = (
        rf"Multi-head self-attention with the shapes of $N = {N}$, $D = {D}$, $H = {H}$. Each "
        r"head takes $d_h = D/H$ columns of $\mat{Q}$, $\mat{K}$ and $\mat{V}$ (dark: the first "
        "head's). The scores compare queries with keys; the values are used after the softmax."
    )
    alt = (
        f"A data flow from left to right. The inputs X, {N} × {D}, are multiplied by three weight "
        f"matrices, which gives Q, K and V. Each of {H} heads takes {D // H} columns of each; its "
        f"queries and keys give scores, {N} × {N}, a softmax makes them weights, and these "
        "multiply its values. The outputs of all heads, side by side, times the output weights "
        "give Y."
    )
    return Drawing(fig, caption, alt)


def _projections(ax, N, D, H):
    """From X to Q, K and V, and to the columns of each that a head takes."""
    _matrix(ax, 0.3, MIDDLE, 0.42, "X", f"{N} × {D}")
    for name, y, colour in (("Q", TOP, QUERY), ("K", MIDDLE, KEY), ("V", LOW, VALUE)):
        _multiply(ax, 0.95, y, f"W_{name.lower()}", colour)
        _matrix(ax, 1.67, y, 0.52, name, f"{N} × {D}", colour, H)
        _matrix(ax, 2.49, y, 0.22, f"{name}_{_index(H)}", f"{N} × {D // H}", colour)
        arrow(ax, (0.51, MIDDLE), (0.7, y), colour=colour)
        arrow(ax, (1.2, y), (1.41, y), colour=colour)
        arrow(ax, (1.93, y), (2.38, y), colour=colour)


def _weights_of_head(ax, N, H):
    """From the queries and keys of a head to its scores and its weights."""
    h = _index(H)
    arrow(ax, (2.6, TOP), (3.04, TOP), (3.04, SCORES + 0.17), colour=QUERY)
    arrow(ax, (2.6, MIDDLE), (3.04, MIDDLE), (3.04, SCORES - 0.17), colour=KEY)
    product = rf"$\mathbf{{Q}}_{h}\mathbf{{K}}_{h}^\mathsf{{T}}\,/\,$√$d_h$"
    words(ax, 3.12, TOP + 0.05, product, ha="left")
    _matrix(ax, 3.04, SCORES, 0.34, f"S_{h}", f"{N} × {N}", INK, aside=0.06)
    _matrix(ax, 4.2, SCORES, 0.34, f"A_{h}", f"{N} × {N}", INK, aside=0.06)
    _operation(ax, 3.64, SCORES, 0.56, "softmax")
    arrow(ax, (3.21, SCORES), (3.36, SCORES))
    arrow(ax, (3.92, SCORES), (4.03, SCORES))


def _outputs(ax, N, D, H):
    """From the weights and values of a head to its outputs, and from those of all heads to Y."""
    _operation(ax, 4.2, LOW, 0.3, "×")
    arrow(ax, (4.2, SCORES - 0.17), (4.2, LOW + BOX / 2))
    _matrix(ax, 4.61, LOW, 0.22, f"Y_{_index(H)}", f"{N} × {D // H}", VALUE)
    joined = r"[Y_1 \cdots Y_H]" if H > 1 else "Y_1"
    _matrix(ax, 5.44, LOW, 0.52, joined, f"{N} × {D}", VALUE, H)
    _multiply(ax, 6.18, LOW, "W_o", GREY)
    for start, end in ((2.6, 4.05), (4.35, 4.5), (4.72, 5.18), (5.7, 5.93)):
        arrow(ax, (start, LOW), (end, LOW), colour=VALUE)
    arrow(ax, (6.18, LOW + BOX / 2), (6.18, 0.9))
    _matrix(ax, 6.18, MIDDLE, 0.42, "Y", f"{N} × {D}")


def _index(H):
    """The index of the head that is drawn: any one of several, or the only one."""
    return "h" if H > 1 else "1"


def _matrix(ax, x, y, width, name, shape, colour=GREY, slices=1, aside=None):
    """A matrix, its first slice dark, its name above and its shape below.

    aside: inches by which name and shape are moved to the right, away from an arrow.
    """
    tall, left = 0.34, x - width / 2
    box(ax, x, y, width, tall, "", colour, tint(colour, 0.12))
    if slices > 1:
        band = width / slices
        box(ax, left + band / 2, y, band, tall, "", colour, tint(colour, 0.4))
        for n in range(2, slices if slices <= MAX_SLICES else 0):
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
    """A stack of n cards, one for each head; of those behind, two edges are visible."""
    left, bottom, width, height, shift = 2.11, 0.02, 2.76, 2.4, 0.06
    box(ax, left + width / 2, bottom + height / 2, width, height, fill=PAPER, look={"zorder": -1})
    for back in shift * np.arange(1, n):
        xs = left + back + np.array([0, 0, width, width, width - shift])
        ys = bottom + back + np.array([height - shift, height, height, 0, 0])
        ax.plot(xs, ys, color=GREY, linewidth=0.8, zorder=-1)


# The weights --------------------------------------------------------------------------------------

# All in inches. Space left of the maps, below, above each, between two, and for the scale.
LEFT, FOOT, TITLE, GAP, SCALE = 0.42, 0.42, 0.26, 0.2, 0.42
MAX_CELL, MAX_MAP = 0.22, 2.4  # sides of a cell and of a map
MIN_MAP = 1.1  # a map is smaller only where the page has no room for this
LABEL = 0.14  # height of a label
MAX_HEADS = 64  # that fit on a page


def weights_one_head(A) -> Drawing:
    """The weights (N, N) of a single head."""
    i, j = np.unravel_index(A.argmax(), A.shape)
    remark = f"Query {i + 1} comes closest to selecting one key: key {j + 1} has {A[i, j]:.2f}."
    return _heat_maps(A[None], ["one head"], "the single head", remark)


def weights_heads(A, query=None) -> Drawing:
    """The weights (H, N, N) of several heads, with one scale; at most MAX_HEADS of them.

    query: the query that the text follows, from 0; it is framed.
    """
    H = len(A)
    drawn = A[:MAX_HEADS]
    titles = [f"head {h}" for h in range(1, len(drawn) + 1)]
    heads = "the only head" if H == 1 else f"the {spell_out(H)} heads"
    if H > MAX_HEADS:
        heads = f"the first {MAX_HEADS} of {H} heads"
    if query is None:
        return _heat_maps(drawn, titles, heads, "")
    remark = f"The text follows query {query + 1} (framed)"
    keys = A[:, query].argmax(axis=1) + 1
    if H <= 4 and len({*keys}) > 1:
        places = [f"key {key} in head {h}" for h, key in enumerate(keys, 1)]
        remark += f": its largest weight is for {listed(places)}"
    return _heat_maps(drawn, titles, heads, f"{remark}.", framed=query)


def darkest(A) -> float:
    """The weight that heat maps show in the darkest shade: 1, unless all weights are small."""
    return 1 if A.max() > 0.5 else A.max()


def _heat_maps(A, titles, heads, remark, framed=None):
    """A heat map for each of the weights A (n, N, N), in rows; `remark` ends caption and alt."""
    n, N = A.shape[:2]
    columns, side = _grid(n, N)
    wide = N * side
    pitch = max(wide, 0.45) + GAP
    right, height = LEFT + columns * pitch - GAP, _height(n, columns, wide)
    fig, ax = canvas(right + SCALE, height)
    for panel, (weights, title) in enumerate(zip(A, titles, strict=True)):
        row, column = divmod(panel, columns)
        left, top = LEFT + column * pitch, height - TITLE - row * (wide + TITLE)
        cells(ax, left, top, weights, side, darkest(A))
        words(ax, left + wide / 2, top + 0.1, title, fontsize=9)
        if framed is not None:
            _frame(ax, left, top - framed * side, wide, side)
        if column == 0:
            style = {"rotation": 90, "va": "center", "color": QUERY}
            words(ax, 0.09, top - wide / 2, "query $i$", **style)
            for k in _ticks(N, side):
                words(ax, left - 0.07, top - (k + 0.5) * side, str(k + 1), ha="right")
        if panel + columns >= n:
            words(ax, left + wide / 2, top - wide - 0.27, "key $j$", color=KEY)
            for k in _ticks(N, side):
                words(ax, left + (k + 0.5) * side, top - wide - 0.1, str(k + 1))
    _scale(ax, right + 0.11, height - TITLE, wide, darkest(A))
    caption = f"The weights of {heads}, a row for each query. Darker is larger. {remark}"
    alt = (
        f"Heat maps of the attention weights of {heads}, with {N} queries downwards and {N} keys "
        f"to the right. The largest weight is {A.max():.2f}. {remark}"
    )
    return Drawing(fig, caption.strip(), alt.strip())


def _grid(n, N):
    """How many of n maps of N x N cells stand in a row, and the side of a cell."""
    room = PAGE_WIDTH - LEFT - SCALE + GAP
    most = min(n, int(room / (min(N * MAX_CELL, MIN_MAP) + GAP)))
    fewest = math.ceil(n / math.ceil(n / most))  # as few as make no more rows
    widths = {k: min(room / k - GAP, N * MAX_CELL, MAX_MAP) for k in range(fewest, n + 1)}
    columns = next(k for k, wide in widths.items() if _height(n, k, wide) <= MAX_HEIGHT)
    return columns, widths[columns] / N


def _height(n, columns, wide):
    """Of the figure, in inches."""
    return math.ceil(n / columns) * (wide + TITLE) + FOOT


def _ticks(n, side):
    """Which of n rows or columns, each `side` inches wide, are numbered."""
    return range(0, n, 1 if side >= LABEL else math.ceil(3 * LABEL / side))


def _scale(ax, left, top, tall, most):
    """A bar of shades, with the largest weight and zero at its ends."""
    steps = np.linspace(1, 0, max(2, round(tall / 0.08)))[:, None]
    side = tall / len(steps)
    cells(ax, left, top, steps, side, 1)
    words(ax, left + side / 2, top + 0.1, f"{most:.2g}")
    words(ax, left + side / 2, top - tall - 0.1, "0")


def _frame(ax, left, top, wide, tall):
    """A frame just outside some rows or columns of a matrix."""
    d = 0.015  # inches
    corner = left - d, top - tall - d
    style = {"fill": False, "edgecolor": BLUE, "linewidth": 1.3}
    ax.add_patch(Rectangle(corner, wide + 2 * d, tall + 2 * d, **style))


# A swap of the first two inputs -------------------------------------------------------------------

CELL = 0.2  # inches: side of a cell
MAX_TOKENS, MAX_COLUMNS = 5, 6  # that are drawn; more would show nothing new
BETWEEN = 0.55  # inches: between before and after, and between outputs and weights


def swap(before, after) -> Drawing:
    """Outputs and weights of one head before and after inputs 1 and 2 change places.

    before and after: {H: (Y (N, D), A (H, N, N))}; the smallest H is drawn, and of larger arrays
    the first rows and columns.
    """
    (Y, A), (Y_after, A_after) = before[min(before)], after[min(after)]
    n, columns = min(len(Y), MAX_TOKENS), min(Y.shape[1], MAX_COLUMNS)
    outputs = [values[:n, :columns] for values in (Y, Y_after)]
    weights = [values[0, :n, :n] for values in (A, A_after)]
    left = 0.35
    fig, ax = canvas(left + 2 * (columns + n) * CELL + 3 * BETWEEN + 0.2, n * CELL + 0.26 + 0.22)
    _before_and_after(ax, "Y", outputs, left, np.abs(outputs).max())
    _before_and_after(ax, "A", weights, left + 2 * (columns * CELL + BETWEEN), darkest(A))
    if n == 1:
        caption = "Outputs and weights of a single input: there is nothing to swap."
        return Drawing(fig, caption, caption)
    caption = (
        "One head before and after inputs 1 and 2 change places; the numbers name the tokens. In "
        r"the outputs $\mat{Y}$, rows 1 and 2 change places. In the weights $\mat{A}$, rows 1 and "
        "2 change places, and so do columns 1 and 2. Darker is further from zero; a minus marks a "
        "negative output."
        + (" Several heads behave in the same way." if len(before) > 1 else "")
        + _shown(Y)
    )
    alt = (
        "Shaded matrices of outputs and weights, before the swap and after it. In the outputs the "
        "first two rows have changed places; in the weights the first two rows and the first two "
        "columns. All else is where it was."
    )
    return Drawing(fig, caption, alt)


def _before_and_after(ax, name, pair, left, most):
    """Y or A before the swap and after it, and lines from each token's row to its new one.

    most: the absolute value that is shown in the darkest shade.
    """
    n, columns = pair[0].shape
    top, wide = n * CELL + 0.22, columns * CELL
    swapped = [2, 1, *range(3, n + 1)][-n:]
    right = left + wide + BETWEEN
    _panel(ax, name, "before", pair[0], range(1, n + 1), left, most)
    _panel(ax, name, "after", pair[1], swapped, right, most)
    _links(ax, left + wide + 0.05, right - 0.17, top, swapped)


def _panel(ax, name, when, values, order, left, most):
    """A matrix, its title and the tokens of its rows, those of the first two inputs framed."""
    n, columns = values.shape
    tall, wide = n * CELL, columns * CELL
    top = tall + 0.22
    cells(ax, left, top, values, CELL, most)
    words(ax, left + wide / 2, top + 0.13, rf"$\mathbf{{{name}}}$ {when}", fontsize=9)
    _name_tokens(ax, order, [(left - 0.1, top - (k + 0.5) * CELL) for k in range(n)])
    if name == "A":
        _name_tokens(ax, order, [(left + (k + 0.5) * CELL, top - tall - 0.11) for k in range(n)])
    if n > 1:
        _frame(ax, left, top, wide, 2 * CELL)
    if n > 1 and name == "A":
        _frame(ax, left, top, 2 * CELL, tall)


def _shown(Y):
    """Which part of a large case is drawn."""
    sizes = zip(Y.shape, (MAX_TOKENS, MAX_COLUMNS), ("tokens", "columns"), strict=True)
    parts = [f"{most} of {n} {what}" for n, most, what in sizes if n > most]
    return f" Shown are {' and '.join(parts)}." if parts else ""


def _name_tokens(ax, order, places):
    """Number the tokens; those that move are bold."""
    for token, point in zip(order, places, strict=True):
        moves = token < 3 and len(order) > 1
        style = {"color": BLUE, "fontweight": "bold"} if moves else {}
        words(ax, *point, str(token), **style)


def _links(ax, start, end, top, order):
    """Lines from each token's row before to its row after."""
    for place, token in enumerate(order):
        ys = [top - (k + 0.5) * CELL for k in (token - 1, place)]
        moves = ys[0] != ys[1]
        style = {"color": BLUE, "linewidth": 1.3} if moves else {"color": GREY, "linewidth": 0.6}
        ax.plot([start, end], ys, **style)

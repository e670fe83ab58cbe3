"""Attention in brief, and CA 1: the path from X to Y, the weights, and a swap of two inputs."""

import math
import re

import numpy as np
from matplotlib.patches import Rectangle

from plots.shapes import arrow, box, canvas, cells, number, tint, vector, words
from plots.style import BLUE, GREEN, GREY, INK, PAGE_WIDTH, PAPER, RUST, TALLEST, Drawing
from solutions.attention import scaled_dot_product_attention

QUERY, KEY, VALUE = BLUE, RUST, GREEN
BOX = 0.24  # inches: height of a box with one line of text
ROUND = {"corner": 0.06}

# Attention in brief -------------------------------------------------------------------------------


def one_page(X, q, k, v) -> Drawing:
    """Attention for the query of the first of two tokens, step by step and in numbers.

    Parameters: X (2, D), q and k (2, d), v (2, d_v), with a row for each token.
    """
    scores = q @ k.T / q.shape[1] ** 0.5  # (2, 2), a row for each query, as of the weights
    output, weights = scaled_dot_product_attention(q, k, v)
    fig, ax = canvas(PAGE_WIDTH, 2.38)
    at = {"x": 0.45, "q": 1.62, "s": 2.82, "soft": 3.42, "a": 4.04, "av": 5.02, "y": 6.12}
    wide = {"x": 0.78, "q": 0.96, "s": 0.76, "soft": 0.22, "a": 0.74, "av": 1.1, "y": 1.02}
    middle = 1.0

    def place_box(column, y, text, colour, strength=0.16):
        box(ax, at[column], y, wide[column], BOX, text, colour, tint(colour, strength))

    def connect(start, y, end, y_end, colour=GREY):
        ends = at[start] + wide[start] / 2, at[end] - wide[end] / 2
        arrow(ax, (ends[0], y), (ends[1], y_end), colour=colour)

    _headings(ax, at)
    for n, side in ((1, 1), (2, -1)):
        key, token, value = (middle + side * up for up in (0.4, 0.6, 0.8))
        edge, j = side * BOX / 2, n - 1
        place_box("x", token, rf"$\mathbf{{x}}_{n}$ = {vector(X[j])}", GREY)
        place_box("q", key, rf"$\mathbf{{k}}_{n}$ = {vector(k[j])}", KEY)
        place_box("q", value, rf"$\mathbf{{v}}_{n}$ = {vector(v[j])}", VALUE)
        place_box("s", key, f"$s_{{1{n}}}$ = {number(scores[0, j])}", GREY, 0.08)
        place_box("a", key, f"$a_{{1{n}}}$ = {number(weights[0, j])}", INK, 0.5 * weights[0, j])
        weighted = vector(weights[0, j] * v[j])
        place_box("av", value, rf"$a_{{1{n}}}\mathbf{{v}}_{n}$ = {weighted}", VALUE)
        for end in (value, key, middle)[: 4 - n]:
            connect("x", token, "q", end)
        connect("q", key, "s", key, KEY)
        connect("q", value, "av", value, VALUE)
        connect("s", key, "soft", key)
        connect("soft", key, "a", key)
        right = {name: at[name] + wide[name] / 2 for name in at}
        arrow(ax, (right["q"], middle), (at["s"], middle), (at["s"], key - edge), colour=QUERY)
        arrow(ax, (right["a"], key), (at["av"], key), (at["av"], value - edge))
        corner = at["y"], value
        arrow(ax, (right["av"], value), corner, (at["y"], middle + edge), colour=VALUE)
    place_box("q", middle, rf"$\mathbf{{q}}_1$ = {vector(q[0])}", QUERY)
    place_box("y", middle, rf"$\mathbf{{y}}_1$ = {vector(output[0])}", VALUE)
    softmax = {"rotation": 90, "color": GREY}
    box(ax, at["soft"], middle, wide["soft"], 0.8 + BOX, "softmax", **ROUND, **softmax)
    words(ax, at["a"], middle, "darker =\nlarger weight", va="center", color=GREY)
    second = [vector(row[1]).replace("−", "-") for row in (q, scores, output)]
    caption = (
        "Attention for the query of token 1. The query meets each key in a score. The softmax "
        "turns the scores into weights. The values join only then, and their weighted average is "
        rf"the output. Query 2, $\vec{{q}}_2 = {second[0]}$, asks the same keys: the scores are "
        rf"${second[1]}$, the weights $({weights[1, 0]:.3f}, {weights[1, 1]:.3f})$, the output "
        rf"$\vec{{y}}_2 = {second[2]}$."
    )
    alt = (
        "A data flow from left to right. Two inputs give one query, two keys and two values. The "
        f"query meets each key: the scores are {vector(scores[0])}. The softmax makes them the "
        f"weights {vector(weights[0])}. Each weight multiplies its value, and the sum is the "
        f"output {vector(output[0])}."
    )
    return Drawing(fig, caption, alt)


def _headings(ax, at):
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
    for column, (title, detail) in headings.items():
        words(ax, at[column], 2.29, title, fontweight="bold")
        words(ax, at[column], 2.13, detail, color=GREY)


# The path from X to Y -----------------------------------------------------------------------------

MOST_SLICES = 8  # the slices of more heads would be too thin: only the first is marked


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
    words(ax, 4.78, 2.3, title, ha="right")
    _matrix(ax, 0.3, middle, 0.42, "X", tokens)
    for name, (y, colour) in rows.items():
        _multiply(ax, 0.95, y, f"W_{name.lower()}", colour)
        _matrix(ax, 1.67, y, 0.52, name, tokens, colour, H)
        _matrix(ax, 2.49, y, 0.22, f"{name}_{h}", part, colour)
        arrow(ax, (0.51, middle), (0.7, y), colour=colour)
        arrow(ax, (1.2, y), (1.41, y), colour=colour)
        arrow(ax, (1.93, y), (2.38, y), colour=colour)
    arrow(ax, (2.6, top), (3.04, top), (3.04, scores + 0.17), colour=QUERY)
    arrow(ax, (2.6, middle), (3.04, middle), (3.04, scores - 0.17), colour=KEY)
    product = rf"$\mathbf{{Q}}_{h}\mathbf{{K}}_{h}^\mathsf{{T}}\,/\,$√$d_h$"
    words(ax, 3.12, top + 0.05, product, ha="left")
    _matrix(ax, 3.04, scores, 0.34, f"S_{h}", pair, INK, aside=0.06)
    _matrix(ax, 4.2, scores, 0.34, f"A_{h}", pair, INK, aside=0.06)
    _operation(ax, 3.64, scores, 0.56, "softmax")
    _operation(ax, 4.2, low, 0.3, "×")
    arrow(ax, (3.21, scores), (3.36, scores))
    arrow(ax, (3.92, scores), (4.03, scores))
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
        r"head takes $d_h = D/H$ columns of $\mat{Q}$, $\mat{K}$ and $\mat{V}$ (dark: the first "
        "head's). Queries and keys meet in the scores. The values join only after the softmax."
    )
    alt = (
        f"A data flow from left to right. The inputs X, {tokens}, are multiplied by three weight "
        f"matrices, which gives Q, K and V. Each of {H} heads takes {D // H} columns of each; its "
        f"queries and keys give scores, {pair}, a softmax makes them weights, and these multiply "
        "its values. The outputs of all heads, side by side, times the output weights give Y."
    )
    return Drawing(fig, caption, alt)


def _matrix(ax, x, y, width, name, shape, colour=GREY, slices=1, aside=None):
    """A matrix, its first slice dark, its name above and its shape below.

    aside: inches by which name and shape are moved to the right, away from an arrow.
    """
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
CELL, WIDEST = 0.22, 2.4  # largest side of a cell and of a map
LEAST = 1.1  # a map is smaller only where the page has no room for this
LABEL = 0.14  # height of a label
MOST_HEADS = 64  # that fit on a page


def weights_one_head(A) -> Drawing:
    """The weights (N, N) of a single head."""
    i, j = np.unravel_index(A.argmax(), A.shape)
    remark = f"Query {i + 1} comes closest to selecting one key: key {j + 1} has {A[i, j]:.2f}."
    return _heat_maps(A[None], ["one head"], "the single head", remark)


def weights_heads(A, query=None) -> Drawing:
    """The weights (H, N, N) of several heads, with one scale; at most MOST_HEADS of them.

    query: the query that the text follows, from 0; it is framed.
    """
    H = len(A)
    drawn = A[:MOST_HEADS]
    titles = [f"head {h}" for h in range(1, len(drawn) + 1)]
    heads = "the only head" if H == 1 else f"the {H} heads"
    if H > MOST_HEADS:
        heads = f"the first {MOST_HEADS} of {H} heads"
    if query is None:
        return _heat_maps(drawn, titles, heads, "")
    remark = f"The text follows query {query + 1} (framed)"
    keys = A[:, query].argmax(axis=1) + 1
    if H <= 4 and len({*keys}) > 1:
        *others, last = (f"key {key} in head {h}" for h, key in enumerate(keys, 1))
        remark += f": its largest weight is for {', '.join(others)} and {last}"
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
            for k in _labelled(N, side):
                words(ax, left - 0.07, top - (k + 0.5) * side, str(k + 1), ha="right")
        if panel + columns >= n:
            words(ax, left + wide / 2, top - wide - 0.27, "key $j$", color=KEY)
            for k in _labelled(N, side):
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
    most = min(n, int(room / (min(N * CELL, LEAST) + GAP)))
    fewest = math.ceil(n / math.ceil(n / most))  # as few as make no more rows
    widths = {k: min(room / k - GAP, N * CELL, WIDEST) for k in range(fewest, n + 1)}
    columns = next(k for k, wide in widths.items() if _height(n, k, wide) <= TALLEST)
    return columns, widths[columns] / N


def _height(n, columns, wide):
    """Of the figure, in inches."""
    return math.ceil(n / columns) * (wide + TITLE) + FOOT


def _labelled(n, side):
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

SMALLER = 0.2  # inches: side of a cell
TOKENS, COLUMNS = 5, 6  # drawn at most; more would show nothing new
LINKS, APART = 0.55, 0.55  # inches: between before and after, and between outputs and weights


def swap(before, after) -> Drawing:
    """Outputs and weights of one head before and after inputs 1 and 2 change places.

    Parameters: before and after, {H: (Y (N, D), A (H, N, N))}; the smallest H is drawn, and of
    larger arrays the first rows and columns.
    """
    (Y, A), (Y_after, A_after) = before[min(before)], after[min(after)]
    n, columns = min(len(Y), TOKENS), min(Y.shape[1], COLUMNS)
    outputs = [outputs[:n, :columns] for outputs in (Y, Y_after)]
    weights = [weights[0, :n, :n] for weights in (A, A_after)]
    orders = [*range(1, n + 1)], [2, 1, *range(3, n + 1)][-n:]
    tall = n * SMALLER
    width = 0.35 + 2 * (columns + n) * SMALLER + 2 * LINKS + APART + 0.2
    fig, ax = canvas(width, tall + 0.26 + 0.22)
    left, top = 0.35, tall + 0.22
    for name, pair, most in (("Y", outputs, np.abs(outputs).max()), ("A", weights, darkest(A))):
        across = pair[0].shape[1] * SMALLER
        for values, order, when in zip(pair, orders, ("before", "after"), strict=True):
            cells(ax, left, top, values, SMALLER, most)
            title = rf"$\mathbf{{{name}}}$ {when}"
            words(ax, left + across / 2, top + 0.13, title, fontsize=9)
            _name_tokens(ax, order, [(left - 0.1, top - (k + 0.5) * SMALLER) for k in range(n)])
            if name == "A":
                below = [(left + (k + 0.5) * SMALLER, top - tall - 0.11) for k in range(n)]
                _name_tokens(ax, order, below)
            if n > 1:
                _frame(ax, left, top, across, 2 * SMALLER)
            if n > 1 and name == "A":
                _frame(ax, left, top, 2 * SMALLER, tall)
            left += across + LINKS
        _links(ax, left - across - 2 * LINKS + 0.05, left - across - LINKS - 0.17, top, orders[1])
        left += APART - LINKS
    if n == 1:
        caption = "Outputs and weights of a single input: there is nothing to swap."
        return Drawing(fig, caption, caption)
    caption = (
        "One head before and after inputs 1 and 2 change places; the numbers name the tokens. In "
        r"the outputs $\mat{Y}$, only rows 1 and 2 change places. In the weights $\mat{A}$, so do "
        "columns 1 and 2. Darker is further from zero; a minus marks a negative output."
        + (" Several heads behave in the same way." if len(before) > 1 else "")
        + _shown(Y)
    )
    alt = (
        "Shaded matrices of outputs and weights, before the swap and after it. In the outputs the "
        "first two rows have changed places; in the weights the first two rows and the first two "
        "columns. All else is where it was."
    )
    return Drawing(fig, caption, alt)


def _shown(Y):
    """Which part of a large case is drawn."""
    sizes = zip(Y.shape, (TOKENS, COLUMNS), ("tokens", "columns"), strict=True)
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
        ys = [top - (k + 0.5) * SMALLER for k in (token - 1, place)]
        moves = ys[0] != ys[1]
        style = {"color": BLUE, "linewidth": 1.3} if moves else {"color": GREY, "linewidth": 0.6}
        ax.plot([start, end], ys, **style)

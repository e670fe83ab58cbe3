"""Attention in one page, and Computer assignment 1: the way from X to Y, the weights, and a swap of two inputs."""

import re

import numpy as np
from matplotlib.patches import Rectangle

from plots.shapes import LINE, arrow, box, canvas, cells, numerals, rounded, tint, vector, words
from plots.style import BLUE, GREEN, GREY, INK, MARGIN_WIDTH, PAGE_WIDTH, PAPER, RUST, TALLEST, TEXT_WIDTH, Drawing

QUERY, KEY, VALUE = BLUE, RUST, GREEN


# Attention in one page --------------------------------------------------------------------------------------------


def one_page(X, q, k, v, scores, weights, output) -> Drawing:
    """One query's way through attention, for two tokens, with the numbers written in.

    Parameters: X (2, D), q and k (2, d), v and output (2, d_v), scores and weights (2, 2); row i of
    scores, weights and output belongs to query i.
    Raises: ValueError if the scores are neither q k^T nor q k^T / sqrt(d).
    """
    fig, ax = canvas(PAGE_WIDTH, 2.6)
    middle, (near, far) = 1.24, (0.4, 0.8)
    at = {"x": 0.45, "q": 1.62, "s": 2.82, "softmax": 3.42, "a": 4.04, "av": 5.02, "y": 6.12}
    wide = {"x": 0.78, "q": 0.96, "s": 0.76, "softmax": 0.22, "a": 0.74, "av": 1.1, "y": 1.02}
    left, right = ({name: x + side * wide[name] / 2 for name, x in at.items()} for side in (-1, 1))
    _headings(ax, at, 2.52, {
        "x": ("inputs", r"$\mathbf{x}_j$"), "q": ("query, keys, values", r"$\mathbf{W}_q\mathbf{x}_1,\ \mathbf{W}_k\mathbf{x}_j,\ \mathbf{W}_v\mathbf{x}_j$"),
        "s": ("scores", _score_formula(q, k, scores)), "a": ("weights", "positive, sum 1"),
        "av": ("weighted values", r"$a_{1j}\mathbf{v}_j$"), "y": ("output", "their sum")})
    score, weight = numerals(scores[0])[0], numerals(weights[0], 2)[0]
    for j, up in enumerate((1, -1)):
        key, value, token = middle + up * near, middle + up * far, middle + up * (near + far) / 2
        n = j + 1

        def put(name, y, symbol, numbers, colour, strength=0.16):
            box(ax, at[name], y, wide[name], 0.24, f"${symbol}$ = {numbers}", colour, tint(colour, strength))

        put("x", token, rf"\mathbf{{x}}_{n}", vector(X[j]), GREY)
        put("q", key, rf"\mathbf{{k}}_{n}", vector(k[j]), KEY)
        put("q", value, rf"\mathbf{{v}}_{n}", vector(v[j]), VALUE)
        put("s", key, f"s_{{1{n}}}", score[j], GREY, 0.08)
        put("a", key, f"a_{{1{n}}}", weight[j], BLUE, 0.5 * weights[0][j])
        put("av", value, rf"a_{{1{n}}}\mathbf{{v}}_{n}", vector(weights[0][j] * v[j]), VALUE)
        for end in (value, key, *[middle] * (j == 0)):
            arrow(ax, (right["x"], token), (left["q"], end))
        arrow(ax, (right["q"], key), (left["s"], key), colour=KEY)
        arrow(ax, (right["q"], middle), (at["s"], middle), (at["s"], key - 0.12 * up), colour=QUERY)
        arrow(ax, (right["q"], value), (left["av"], value), colour=VALUE)
        arrow(ax, (right["s"], key), (left["softmax"], key))
        arrow(ax, (right["softmax"], key), (left["a"], key))
        arrow(ax, (right["a"], key), (at["av"], key), (at["av"], value - 0.12 * up))
        arrow(ax, (right["av"], value), (at["y"], value), (at["y"], middle + 0.12 * up), colour=VALUE)
    box(ax, at["q"], middle, wide["q"], 0.24, rf"$\mathbf{{q}}_1$ = {vector(q[0])}", QUERY, tint(QUERY))
    box(ax, at["y"], middle, wide["y"], 0.24, rf"$\mathbf{{y}}_1$ = {vector(output[0])}", VALUE, tint(VALUE))
    rounded(ax, at["softmax"], middle, wide["softmax"], 2 * near + 0.24, "softmax", rotation=90)
    second = [", ".join(texts) for texts in (numerals(scores[1])[0], numerals(weights[1], 2)[0])]
    words(ax, 0.06, 0.12, rf"Query 2 asks the same keys: $\mathbf{{q}}_2$ = {vector(q[1])}, scores {second[0]}, "
          rf"weights {second[1]}, output $\mathbf{{y}}_2$ = {vector(output[1])}.", ha="left")
    return Drawing(
        fig, r"Attention for the query of token 1. The query meets each key in a score; the softmax turns the "
        r"scores into weights; the weights average the values. The values take no part before the softmax.",
        f"A data flow from left to right. Two inputs give one query, two keys and two values. The query meets "
        f"each key: the scores are {score[0]} and {score[1]}. The softmax makes them the weights {weight[0]} and "
        f"{weight[1]}. Each weight multiplies its value, and the sum is the output {vector(output[0])}.")


def _score_formula(q, k, scores):
    """What the scores are of q and k."""
    products = np.asarray(q) @ np.asarray(k).T
    for formula, expected in ((r"$\mathbf{q}_1^{\mathsf{T}}\mathbf{k}_j$", products),
                              (r"$\mathbf{q}_1^{\mathsf{T}}\mathbf{k}_j\,/\,$√$d$", products / np.shape(q)[1]**0.5)):
        if np.allclose(scores, expected):
            return formula
    raise ValueError(f"scores must be q k^T or q k^T / sqrt(d) = {(products / np.shape(q)[1]**0.5).tolist()}, "
                     f"got {np.asarray(scores).tolist()}")


def _headings(ax, at, top, headings):
    """The name of each step in bold, and what it does in the line below."""
    for name, (title, detail) in headings.items():
        words(ax, at[name], top, title, fontweight="bold")
        words(ax, at[name], top - LINE, detail, color=GREY)


# The way from X to Y ----------------------------------------------------------------------------------------------

MOST_SLICES = 8  # of a matrix: the slices of more heads are too thin, so the first alone is marked


def flow(N: int, D: int, H: int) -> Drawing:
    """From X (N, D) to Y (N, D) through H heads: plain boxes are matrices, round ones operations.

    Raises: ValueError if H does not divide D.
    """
    if D % H:
        raise ValueError(f"H must divide D = {D}, got H = {H}")
    fig, ax = canvas(PAGE_WIDTH, 2.62)
    tokens, pair, part = f"{N} × {D}", f"{N} × {N}", f"{N} × {D // H}"
    h = "h" if H > 1 else "1"
    rows = {"q": (2.0, QUERY), "k": (1.23, KEY), "v": (0.4, VALUE)}
    bottom, scores = rows["v"][0], 1.57
    _cards(ax, 2.11, 0.02, 2.76, 2.4, min(H, 3))
    words(ax, 4.78, 2.3, f"head $h$ of {H}" if H > 1 else "the only head", ha="right", color=GREY)
    _matrix(ax, 0.3, rows["k"][0], 0.42, "X", tokens, GREY)
    for name, (y, colour) in rows.items():
        _matrix(ax, 1.67, y, 0.52, name.upper(), tokens, colour, H)
        _matrix(ax, 2.49, y, 0.22, rf"{name.upper()}_{h}", part, colour, 1, 0.4)
        _multiply(ax, 0.95, y, rf"W_{name}", colour)
        arrow(ax, (0.51, rows["k"][0]), (0.7, y), colour=colour)
        arrow(ax, (1.2, y), (1.41, y), colour=colour)
        arrow(ax, (1.93, y), (2.38, y), colour=colour)
    for name, side in (("q", 1), ("k", -1)):
        y, colour = rows[name]
        arrow(ax, (2.6, y), (3.04, y), (3.04, scores + side * 0.17), colour=colour)
    words(ax, 3.12, rows["q"][0] + 0.05, rf"$\mathbf{{Q}}_{h}\mathbf{{K}}_{h}^\mathsf{{T}}\,/\,$√$d_h$", ha="left")
    for x, name in ((3.04, "S"), (4.2, "A")):
        _matrix(ax, x, scores, 0.34, rf"{name}_{h}", pair, INK, aside=True)
    arrow(ax, (3.21, scores), (3.36, scores))
    rounded(ax, 3.64, scores, 0.56, 0.24, "softmax")
    arrow(ax, (3.92, scores), (4.03, scores))
    arrow(ax, (4.2, scores - 0.17), (4.2, bottom + 0.12))
    arrow(ax, (2.6, bottom), (4.05, bottom), colour=VALUE)
    rounded(ax, 4.2, bottom, 0.3, 0.24, "×")
    arrow(ax, (4.35, bottom), (4.5, bottom), colour=VALUE)
    _matrix(ax, 4.61, bottom, 0.22, rf"Y_{h}", part, VALUE, 1, 0.4)
    arrow(ax, (4.72, bottom), (5.18, bottom), colour=VALUE)
    _matrix(ax, 5.44, bottom, 0.52, r"[Y_1 \cdots Y_H]" if H > 1 else "Y_1", tokens, VALUE, H)
    arrow(ax, (5.7, bottom), (5.93, bottom), colour=VALUE)
    _multiply(ax, 6.18, bottom, "W_o", GREY)
    arrow(ax, (6.18, bottom + 0.12), (6.18, 0.9))
    _matrix(ax, 6.18, 1.23, 0.42, "Y", tokens, GREY)
    return Drawing(
        fig, rf"Multi-head self-attention with the shapes of $N = {N}$, $D = {D}$, $H = {H}$. The weight matrices "
        r"multiply the inputs; each head takes $d_h = D/H$ columns of $\mat{Q}$, $\mat{K}$ and $\mat{V}$. Queries "
        r"and keys meet in the scores; the values join only after the softmax.",
        f"A data flow from left to right. The inputs X, {N} by {D}, are multiplied by three weight matrices, which "
        f"gives Q, K and V. Each of {H} heads takes {D // H} columns of each, multiplies its queries with its keys "
        f"to scores, {N} by {N}, turns them into weights with a softmax, and multiplies the weights with its "
        "values. The heads' outputs stand side by side and are multiplied by the output weights, which gives Y.")


def _matrix(ax, x, y, width, name, shape, colour, slices=1, strength=0.12, aside=False):
    """A matrix with its name above and its shape below, or both beside its arrows; the first slice is darker."""
    tall = 0.34
    box(ax, x, y, width, tall, colour=colour, fill=tint(colour, strength))
    if slices > 1:
        band = width / slices
        box(ax, x - width / 2 + band / 2, y, band, tall, colour=colour, fill=tint(colour, 0.4))
        for n in range(2, slices if slices <= MOST_SLICES else 0):
            ax.plot([x - width / 2 + n * band] * 2, [y - tall / 2, y + tall / 2], color=colour, linewidth=0.5)
    place = dict(ha="left") if aside else {}
    start = x + 0.06 if aside else x
    words(ax, start, y + tall / 2 + 0.1, "$" + re.sub("[A-Z](?!])", r"\\mathbf{\g<0>}", name) + "$", **place)
    words(ax, start, y - tall / 2 - 0.1, shape, **place)


def _cards(ax, left, bottom, width, height, n):
    """A stack of n cards; of those behind the first only the upper and the right edge are seen."""
    box(ax, left + width / 2, bottom + height / 2, width, height, fill=PAPER, zorder=-1)
    for back in 0.06 * np.arange(1, n):
        xs = left + back + width * np.array([0, 0, 1, 1, 1]) - [0, 0, 0, 0, 0.06]
        ys = bottom + back + height * np.array([1, 1, 1, 0, 0]) - [0.06, 0, 0, 0, 0]
        ax.plot(xs, ys, color=GREY, linewidth=0.8, zorder=-1)


def _multiply(ax, x, y, weights, colour):
    rounded(ax, x, y, 0.5, 0.24, rf"$\times\,\mathbf{{{weights[0]}}}{weights[1:]}^{{\mathsf{{T}}}}$", colour)


# The weights ------------------------------------------------------------------------------------------------------

LEFT, FOOT, TITLE, GAP = 0.42, 0.42, 0.26, 0.2  # beside, below and above a heat map, and between two
DIGITS = (0.25, 0.19)                            # the cell of a weight with its number
MOST_DIGITS = 12                                 # with more tokens than this the shades stand alone


def weights_one_head(A) -> Drawing:
    """The weights (N, N) of a single head."""
    return _heat_maps(np.asarray(A)[None], ["one head"], "the single head")


def weights_heads(A) -> Drawing:
    """The weights (H, N, N) of several heads, one map for each, on one scale."""
    return _heat_maps(np.asarray(A), [f"head {h}" for h in range(1, len(A) + 1)], f"the {len(A)} heads")


def _heat_maps(A, titles, whose):
    n, N = A.shape[:2]
    columns, size, digits = _grid(n, N)
    rows, wide, tall = -(-n // columns), N * size[0], N * size[1]
    pitch = max(wide, 0.45) + GAP
    width = LEFT + columns * pitch - GAP + 0.04
    fig, ax = canvas(width, rows * (tall + TITLE) + FOOT + (0 if digits else 0.2))
    top = float(A.max())
    for panel, (weights, title) in enumerate(zip(A, titles)):
        row, column = divmod(panel, columns)
        left, upper = LEFT + column * pitch, ax.get_ylim()[1] - TITLE - row * (tall + TITLE)
        cells(ax, left, upper, weights, size, (0, top), numerals(weights, 2)[0] if digits else None)
        words(ax, left + wide / 2, upper + 0.1, title, fontsize=9)
        for k in _named(N, size[1]) if column == 0 else ():
            words(ax, left - 0.05, upper - (k + 0.5) * size[1], str(k + 1), ha="right")
        for k in _named(N, size[0]) if panel + columns >= n else ():
            words(ax, left + (k + 0.5) * size[0], upper - tall - 0.1, str(k + 1))
        if column == 0:
            words(ax, 0.09, upper - tall / 2, "query $i$", rotation=90, va="center")
        if panel + columns >= n:
            words(ax, left + wide / 2, upper - tall - 0.27, "key $j$")
    if not digits:
        _scale(ax, width, top)
    shown = "with its number" if digits else "darker for more"
    return Drawing(
        fig, rf"The weights of {whose}, {shown}. Each row belongs to one query and adds up to one.",
        f"Heat maps of the attention weights of {whose}, {N} queries downwards and {N} keys to the right; "
        f"the largest weight is {top:.2f}.")


def _grid(n, N):
    """Maps in a row, the size of a cell, and whether numbers fit into it and all maps onto the page."""
    def rows(columns):
        return -(-n // columns)

    room = PAGE_WIDTH - LEFT - 0.04 + GAP
    columns = min(n, int(room / (N * DIGITS[0] + GAP)))
    columns = columns and -(-n // rows(columns))  # as few as make no more rows
    if N <= MOST_DIGITS and columns and rows(columns) * (N * DIGITS[1] + TITLE) + FOOT <= TALLEST:
        return columns, DIGITS, True
    for columns in range(min(n, 3), n + 1):
        side = min(room / columns - GAP, 2.8) / N
        if rows(columns) * (N * side + TITLE) + FOOT + 0.2 <= TALLEST:
            break
    return columns, (side, side), False


def _named(N, size):
    """Which of N rows or columns of this size have their number beside them."""
    step = max(1, int(np.ceil(0.14 / size)))
    return range(N) if step == 1 else range(0, N, max(step, N // 4)) if N * size > 0.5 else range(1)


def _scale(ax, width, top):
    """The scale of the shades, in the lower right corner."""
    words(ax, width - 1.3, 0.12, "weight 0", ha="right")
    cells(ax, width - 1.24, 0.17, np.linspace(0, 1, 40)[None], (0.02, 0.1), (0, 1))
    words(ax, width - 0.38, 0.12, f"{top:.2f}", ha="left")


def one_query(single, heads, query: int) -> Drawing:
    """One query's weights as bars, in each head and in the single head with the same matrices.

    Parameters: single (N, N), heads (H, N, N), query counted from 0.
    """
    H, N = heads.shape[:2]
    row = min(0.5, (TALLEST - 0.42) / (H + 1))
    left, slot = 0.72, (TEXT_WIDTH - 0.76) / N
    digits = slot > 0.48 and row > 0.4
    tall = row - (0.22 if digits else 0.06)
    fig, ax = canvas(TEXT_WIDTH, row * (H + 1) + 0.42)
    names = [*(f"head {h}" for h in range(1, H + 1)), "one head"]
    for n, (name, weights) in enumerate(zip(names, [*heads[:, query], single[query]])):
        floor = 0.36 + (H - n) * row + 0.02
        colour = RUST if name == "one head" else BLUE
        if n % _named_step(row) == 0 or name == "one head":
            words(ax, left - 0.08, floor + 0.06, name, ha="right", color=colour)
        ax.plot([left, TEXT_WIDTH - 0.02], [floor, floor], color=GREY, linewidth=0.6, zorder=0)
        for j, weight in enumerate(weights):
            middle = left + (j + 0.5) * slot
            ax.add_patch(Rectangle((middle - 0.3 * slot, floor), 0.6 * slot, tall * weight, facecolor=tint(colour, 0.6),
                                   edgecolor=colour, linewidth=0.6 if slot > 0.1 else 0))
            if digits:
                words(ax, middle, floor + tall * weight + 0.08, _weight(weight))
    for j in _named(N, slot):
        words(ax, left + (j + 0.5) * slot, 0.27, str(j + 1))
    words(ax, left + N * slot / 2, 0.09, "key $j$")
    return Drawing(
        fig, rf"The weights of query {query + 1} in each of {H} heads and in the single head. The single head has "
        rf"the product of the heads' weights to the power $1/\sqrt{{{H}}}$, scaled to add up to one, so a key that "
        "one head rejects gets hardly any weight, whatever the others say.",
        f"Bars for {N} keys in {H + 1} rows, one for each head and the last for the single head. "
        + " ".join(f"{name}: largest weight {max(weights):.2f} at key {int(np.argmax(weights)) + 1}."
                   for name, weights in zip(names, [*heads[:, query], single[query]])))


def _named_step(row):
    return max(1, int(np.ceil(0.15 / row)))


def _weight(weight):
    """Three decimals, or one digit and a power of ten where these would show nothing."""
    if weight >= 0.0005 or weight == 0:
        return f"{weight:.3f}" if weight else "0"
    digit, power = f"{weight:.0e}".split("e")
    return rf"${digit}\cdot 10^{{{int(power)}}}$"


# A swap of the first two inputs -----------------------------------------------------------------------------------

CELL, SHOWN_TOKENS, SHOWN_COLUMNS, SHOWN_HEADS = 0.155, 5, 6, 3


def swap(before, after) -> Drawing:
    """Outputs and weights before and after inputs 1 and 2 change places, for the fewest and for the most heads.

    Parameters: before and after, {H: (Y (N, D), A (H, N, N))}. Of larger arrays the first rows, columns
    and heads are drawn.
    """
    N, D = next(iter(before.values()))[0].shape
    drawn = sorted({min(before), max(before)})
    n, tall = min(N, SHOWN_TOKENS), min(N, SHOWN_TOKENS) * CELL
    groups = {H: [_outputs_and_weights(pairs[H], n) for pairs in (before, after)] for H in drawn}
    panels = sum(len(group[0]) for group in groups.values())
    cells_wide = sum(part.shape[1] for group in groups.values() for _, part in group[0])
    width = 0.4 + cells_wide * CELL + (panels - 1) * 0.16 + (len(drawn) - 1) * 0.34 + 0.04
    fig, ax = canvas(max(width, 1), 2 * tall + 1.06)
    orders = [1, 2, *range(3, n + 1)][:n], [2, 1, *range(3, n + 1)][-n:]
    tops = 2 * tall + 0.62, tall + 0.22
    for top, when in zip(tops, ("before", "after")):
        words(ax, 0.09, top - tall / 2, when, rotation=90, va="center", fontweight="bold")
    left = 0.4
    for H, group in groups.items():
        words(ax, left, 2 * tall + 0.96, "one head" if H == 1 else f"{H} heads", ha="left", fontsize=9, fontweight="bold")
        for top, order in zip(tops, orders):
            _name_tokens(ax, order, [(left - 0.08, top - (k + 0.5) * CELL) for k in range(n)])
        for number, ((name, first), (_, second)) in enumerate(zip(*group)):
            wide = first.shape[1] * CELL
            ends = min(first.min(), second.min()) if number == 0 else 0, max(first.max(), second.max())
            words(ax, left + wide / 2, tops[0] + 0.11, name, fontsize=9)
            for top, order, values in zip(tops, orders, (first, second)):
                cells(ax, left, top, values, (CELL, CELL), ends)
                _frames(ax, left, top, order, wide, tall, columns_too=number > 0)
                if number > 0:
                    _name_tokens(ax, order, [(left + (k + 0.5) * CELL, top - tall - 0.11) for k in range(n)])
            left += wide + 0.16
        left += 0.34
    shown = f"the first {n} of {N} tokens" if n < N else f"all {N} tokens" if N > 1 else "the only token"
    return Drawing(
        fig, r"Outputs $\mat{Y}$ and weights before and after inputs 1 and 2 change places (darker is larger). "
        "Token 1 has the solid frame and token 2 the dashed one: its row of the outputs, its row and its column of "
        f"the weights go where the token goes. Drawn are {shown}"
        + (f", the first {SHOWN_COLUMNS} columns of the outputs" if D > SHOWN_COLUMNS else "")
        + (f" and the first {SHOWN_HEADS} heads" if drawn[-1] > SHOWN_HEADS else "") + ".",
        "Shaded matrices of outputs and weights, above before the swap and below after it, for "
        + " and for ".join("one head" if H == 1 else f"{H} heads" for H in drawn)
        + ". In the outputs the first two rows have changed places; in the weights the first two rows and the first "
        "two columns. All other cells are where they were.")


def _outputs_and_weights(result, n):
    """The corner that is drawn of Y and of each head's weights, with names."""
    Y, A = result
    names = [r"$\mathbf{A}$"] if len(A) == 1 else [rf"$\mathbf{{A}}_{h + 1}$" for h in range(len(A))]
    return [(r"$\mathbf{Y}$", np.asarray(Y)[:n, :SHOWN_COLUMNS]),
            *((name, np.asarray(A_h)[:n, :n]) for name, A_h in zip(names, A[:SHOWN_HEADS]))]


def _name_tokens(ax, order, places):
    """The tokens in their places; those that move are bold."""
    for token, point in zip(order, places):
        moves = token < 3 and len(order) > 1
        words(ax, *point, str(token), color=RUST if moves else INK, fontweight="bold" if moves else None)


def _frames(ax, left, top, order, wide, tall, columns_too):
    """A frame around the row, and the column, of token 1 (solid) and of token 2 (dashed)."""
    inset = 0.012
    for k, token in enumerate(order[:2] if len(order) > 1 else ()):
        style = dict(facecolor="none", edgecolor=RUST, linewidth=1, linestyle="-" if token == 1 else (0, (2.5, 1.2)))
        ax.add_patch(Rectangle((left - inset, top - (k + 1) * CELL + inset), wide + 2 * inset, CELL - 2 * inset, **style))
        if columns_too:
            ax.add_patch(Rectangle((left + k * CELL + inset, top - tall - inset), CELL - 2 * inset, tall + 2 * inset, **style))


# Splitting Q into heads -------------------------------------------------------------------------------------------


def input_splitting() -> Drawing:
    """Q (2, 4) cut into two heads by reshape and transpose, and what reshaping straight to (H, N, d_h) gives."""
    N, H, d_h = 2, 2, 2
    Q = np.array([[f"{n}{'abcd'[m]}" for m in range(H * d_h)] for n in range(1, N + 1)], dtype=object)
    fig, ax = canvas(MARGIN_WIDTH, 2.16)
    _labelled(ax, 0.42, 1.9, Q, "")
    words(ax, 0.04, 2.06, r"$\mathbf{Q}$: tokens 1 and 2, entries a to d", ha="left")
    for top, name, heads in ((1.13, "(N, H, d), then transposed:", Q.reshape(N, H, d_h).swapaxes(0, 1)),
                             (0.39, "(H, N, d) at once: wrong", Q.reshape(H, N, d_h))):
        words(ax, 0.04, top + 0.26, name, ha="left")
        for h, head in enumerate(heads):
            _labelled(ax, 0.18 + h * 0.86, top, head, f"head {h + 1}")
    return Drawing(
        fig, r"Cut into two heads, each head must have two entries of \emph{every} token. Reshaped at once, "
        "head 1 has all of token 1.",
        "Q has the rows 1a 1b 1c 1d and 2a 2b 2c 2d. Reshaped and transposed, head 1 is 1a 1b, 2a 2b and head 2 is "
        "1c 1d, 2c 2d. Reshaped at once, head 1 is 1a 1b, 1c 1d, all of token 1.")


def _labelled(ax, left, top, names, title):
    """A matrix of names, the rows of token 2 tinted."""
    for (i, j), name in np.ndenumerate(names):
        box(ax, left + (j + 0.5) * 0.25, top - (i + 0.5) * 0.17, 0.25, 0.17, name, GREY,
            tint(BLUE, 0.3) if name[0] == "2" else "white")
    words(ax, left + 0.25, top + 0.1, title, color=GREY)

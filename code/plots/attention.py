"""Attention in one page, and Computer assignment 1: the way from X to Y, the weights, and a swap of two inputs."""

import re

import numpy as np

from plots.shapes import LINE, arrow, box, canvas, numerals, rounded, tint, vector, words
from plots.style import BLUE, GREEN, GREY, INK, PAGE_WIDTH, PAPER, RUST, Drawing

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

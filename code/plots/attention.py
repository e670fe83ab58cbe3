"""Computer assignment 1: the way from X to Y, the attention weights, and what a swap of two inputs moves. Lengths in inches."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from plots.style import BLUE, GREY, INK, PAGE_WIDTH, RUST, figure

SHADES = LinearSegmentedColormap.from_list("white to blue", ["#FFFFFF", BLUE])
SMALL = 8          # points
DIGITS = 7.5       # points, of a number in a cell
TALLEST = 8.2      # what a page has room for beside a caption
MOST_CELLS = 12    # with more rows than these the shades alone are drawn


# The way from X to Y ------------------------------------------------------------------------------------------------------

FLOW_HEIGHT, MIDDLE, LANES_TOP, LANES_BOTTOM = 2.25, 1.03, 2.02, 0.18
FULL = 0.66                                                                # the width of a matrix with D columns
X_AT, WEIGHTS_AT, LANES_AT, SCORES_AT, HEADS_AT, JOINED_AT, Y_AT = 0.35, 1.33, 2.6, 3.82, 4.72, 5.5, 6.34   # middles
APART = 0.36                                                               # from Q to K and from K to V


def flow(case, n_heads):
    """A row of boxes for each head, from X (N, D) to Y (N, D). Of more than four heads the first two and the last are drawn."""
    N, D = case.X.shape
    fig, ax = _canvas(PAGE_WIDTH, FLOW_HEIGHT)
    tall = FULL * min(max(N / D, 0.6), 1.2)
    lanes = _lanes(n_heads)
    _matrix(ax, X_AT, MIDDLE, FULL, tall, r"$\mathbf{X}$", ["#FFFFFF"])
    _weights(ax, n_heads)
    for head, y in lanes:
        _lane(ax, head, y, tall, n_heads, (LANES_TOP - LANES_BOTTOM) / len(lanes))
    joined = r"$[\mathbf{Y}_1 \cdots \mathbf{Y}_H]$" if n_heads > 1 else r"$\mathbf{Y}_1$"
    _matrix(ax, JOINED_AT, MIDDLE, FULL, tall, joined, [_shade(h, n_heads) for h in range(n_heads)])
    _matrix(ax, Y_AT, MIDDLE, FULL, tall, r"$\mathbf{Y}$", ["#FFFFFF"])
    _arrow(ax, (X_AT + FULL / 2 + 0.03, MIDDLE), (WEIGHTS_AT - 0.3, MIDDLE))
    _arrow(ax, (JOINED_AT + FULL / 2 + 0.02, MIDDLE), (Y_AT - FULL / 2 - 0.02, MIDDLE))
    width = D // n_heads
    for x, operation, shape in [
            (X_AT, "inputs", f"{N} × {D}"), (WEIGHTS_AT, "rows to heads", f"{D} × {D} each"),
            (LANES_AT, "project", f"{N} × {width} each"),
            (SCORES_AT, r"softmax$(\mathbf{Q}\mathbf{K}^\mathsf{T}/$√$d_h)$", f"{N} × {N}"),
            (HEADS_AT, r"times $\mathbf{V}$", f"{N} × {width}"), (JOINED_AT, "concatenate", f"{N} × {D}"),
            (Y_AT, r"times $\mathbf{W}_o^\mathsf{T}$", f"{N} × {D}")]:
        ax.text(x, FLOW_HEIGHT - 0.08, operation, ha="center", va="center", fontsize=SMALL, color=GREY)
        ax.text(x, 0.075, shape, ha="center", va="center", fontsize=SMALL)
    return fig


def _canvas(width, height):
    """A figure whose one axes counts in inches from the lower left corner."""
    fig, ax = figure(width, height)
    fig.set_layout_engine("none")
    ax.set_position((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    return fig, ax


def _lanes(n_heads):
    """(head, height) of the rows drawn, from the top; None in the place of the heads left out."""
    heads = list(range(n_heads)) if n_heads <= 4 else [0, 1, None, n_heads - 1]
    step = (LANES_TOP - LANES_BOTTOM) / len(heads)
    return [(head, LANES_TOP - step * (row + 0.5)) for row, head in enumerate(heads)]


def _lane(ax, head, y, tall, n_heads, room):
    """One head: Q_h, K_h and V_h, then A_h, then Y_h."""
    if head is None:
        for x in (LANES_AT, SCORES_AT, HEADS_AT):
            ax.text(x, y, "⋮", ha="center", va="center", color=GREY)
        return
    scale = min(1, (room - 0.22) / tall)
    wide, tall, colour, y = max(min(FULL * scale / n_heads, 0.26), 0.08), tall * scale, [_shade(head, n_heads)], y - 0.07
    for name, offset in (("Q", -APART), ("K", 0), ("V", APART)):
        _matrix(ax, LANES_AT + offset, y, wide, tall, rf"$\mathbf{{{name}}}_{{{head + 1}}}$", colour)
    _matrix(ax, SCORES_AT, y, tall, tall, rf"$\mathbf{{A}}_{{{head + 1}}}$", colour)
    _matrix(ax, HEADS_AT, y, wide, tall, rf"$\mathbf{{Y}}_{{{head + 1}}}$", colour)
    _arrow(ax, (WEIGHTS_AT + 0.25, MIDDLE), (LANES_AT - APART - wide / 2 - 0.05, y))
    _arrow(ax, (LANES_AT + APART + wide / 2 + 0.05, y), (SCORES_AT - tall / 2 - 0.05, y))
    _arrow(ax, (SCORES_AT + tall / 2 + 0.05, y), (HEADS_AT - wide / 2 - 0.05, y))
    _arrow(ax, (HEADS_AT + wide / 2 + 0.05, y), (JOINED_AT - FULL / 2 - 0.03, MIDDLE))


def _weights(ax, n_heads):
    """W_q, W_k and W_v, one below the other, their rows in the shades of the heads."""
    side, step = 0.4, 0.61
    for name, y in (("q", MIDDLE + step), ("k", MIDDLE), ("v", MIDDLE - step)):
        for head in range(n_heads):
            top = y + side / 2 - head * side / n_heads
            ax.add_patch(Rectangle((WEIGHTS_AT - side / 2, top - side / n_heads), side, side / n_heads,
                                   facecolor=_shade(head, n_heads)))
        _matrix(ax, WEIGHTS_AT, y, side, side, rf"$\mathbf{{W}}_{name}$", ["none"])


def _matrix(ax, x, y, width, height, name, columns):
    """A box with its name above, in one colour or in bands from left to right."""
    left, bottom, band = x - width / 2, y - height / 2, width / len(columns)
    for n, colour in enumerate(columns):
        ax.add_patch(Rectangle((left + n * band, bottom), band, height, facecolor=colour))
    ax.add_patch(Rectangle((left, bottom), width, height, facecolor="none", edgecolor=INK, linewidth=0.7))
    ax.text(x, y + height / 2 + 0.085, name, ha="center", va="center", fontsize=8.5)


def _shade(head, n_heads):
    return SHADES(0.18 + 0.6 * head / max(n_heads - 1, 1))


def _arrow(ax, start, end, colour=GREY, **style):
    ax.annotate("", end, start, zorder=0,
                arrowprops=dict(arrowstyle="-|>", color=colour, lw=0.8, mutation_scale=7, shrinkA=0, shrinkB=0) | style)


# Attention weights --------------------------------------------------------------------------------------------------------

AXIS, TITLE, TICKS, BETWEEN, BAR = 0.35, 0.22, 0.32, 0.14, 0.5  # left of a row, above a panel, below the last, between, the bar


def heat_maps(weights):
    """{H: A (H, N, N)} as one panel for each head on one scale; the numbers are written in where they fit."""
    panels = [(H, head, A) for H, heads in weights.items() for head, A in enumerate(heads)]
    N = panels[0][2].shape[0]
    columns, wide, tall, digits = _grid(len(panels), N)
    rows, bar = -(-len(panels) // columns), 0 if digits else BAR
    width = AXIS + columns * (N * wide + BETWEEN) - BETWEEN + 0.02 + bar
    height = rows * (N * tall + TITLE) + TICKS
    fig, axes = figure(width, height, nrows=rows, ncols=columns, squeeze=False)
    fig.set_layout_engine("none")
    top = max(float(A.max()) for *_, A in panels)
    for n, ax in enumerate(axes.flat):
        row, column = divmod(n, columns)
        left, bottom = AXIS + column * (N * wide + BETWEEN), height - (row + 1) * (N * tall + TITLE)
        ax.set_position((left / width, bottom / height, N * wide / width, N * tall / height))
        ax.set_visible(n < len(panels))
        if n < len(panels):
            H, head, A = panels[n]
            image = ax.imshow(A, cmap=SHADES, vmin=0, vmax=top, aspect="auto")
            ax.set_title(_panel_title(H, head, N * wide), pad=3)
            _name_axes(ax, N, wide, tall, first=column == 0, last=n + columns >= len(panels))
            if digits:
                _write_in(ax, A, top)
    if not digits:
        cax = fig.add_axes(((width - bar + 0.1) / width, TICKS / height, 0.09 / width, min(N * tall, 1.6) / height))
        fig.colorbar(image, cax=cax).outline.set_visible(False)
    return fig


def _grid(n, N):
    """Panels in a row, width and height of a cell, and whether numbers fit into it and all onto the page."""
    room = PAGE_WIDTH - AXIS - 0.02

    def fit(most, room):
        columns = -(-n // -(-n // most))  # as few as make no more rows
        return columns, min((room - (columns - 1) * BETWEEN) / columns / N, 0.45), TALLEST / -(-n // columns) - TITLE - 0.05

    for most in (4, 3, 2, 1):
        columns, wide, tallest = fit(most, room)
        if N <= MOST_CELLS and wide >= 0.198 and tallest >= 0.15 * N:
            return columns, wide, min(0.2, tallest / N), True
    for most in range(4, n + 4):
        columns, wide, tallest = fit(most, room - BAR)
        if tallest >= 0.8 * N * wide:
            break
    return columns, wide, min(wide, tallest / N), False


def _panel_title(H, head, width):
    if H == 1:
        return "$H = 1$"
    return f"$H = {H}$, head {head + 1}" if width > 0.85 else f"{head + 1} of {H}"


def _name_axes(ax, N, wide, tall, first, last):
    """The numbers of queries at the first panel of a row, those of keys at the last of a column."""
    keys, queries = np.arange(0, N, _step(wide)), np.arange(0, N, _step(tall))
    ax.set_xticks(keys, keys + 1 if last else [])
    ax.set_yticks(queries, queries + 1 if first else [])
    ax.tick_params(length=0, pad=2, labelsize=SMALL)
    ax.spines[:].set(visible=True, color=GREY, linewidth=0.5)
    if first:
        ax.set_ylabel("query $i$", labelpad=2)
    if last:
        ax.set_xlabel("key $j$", labelpad=1)


def _step(cell):
    """Every how many cells, of this side, there is room for a label."""
    return int(np.ceil(0.15 / cell))


def _write_in(ax, A, top):
    for (i, j), value in np.ndenumerate(A):
        ax.text(j, i, f"{value:.2f}", ha="center", va="center_baseline", fontsize=DIGITS, color=_ink(value / top))


def _ink(shade):
    """The colour of a number that stands on a shade between 0 and 1."""
    return "white" if shade > 0.72 else INK  # whichever has the higher contrast, 4.2 to 1 at least


# A swap of the first two inputs ---------------------------------------------------------------------------------------------

EDGE, PAIR, MIDST, SEAM = 0.2, 0.32, 0.5, 0.055   # outside; from before to after; from Y to A; around what moves
FOOT, HEAD = 0.2, 0.24                           # below the maps, for the names of the keys, and above, for the titles


def swap(before, after):
    """Outputs and weights (Y, A) before and after. What belongs to the tokens that change places stands apart and is framed."""
    N, D = before[0].shape
    tokens = {"before": [*range(1, N + 1)], "after": [2, 1, *range(3, N + 1)]}
    cell, tall, decimals = _cells(before, after)
    rows = _borders(N, tall, apart=True)
    borders = {"Y": _borders(D, cell["Y"], apart=False), "A": _borders(N, cell["A"], apart=True)}
    width = 2 * (EDGE + PAIR + borders["Y"][-1][1] + borders["A"][-1][1]) + MIDST
    top = FOOT + rows[-1][1]
    fig, ax = _canvas(width, top + HEAD)
    x = EDGE
    for name, *pair in zip("YA", before, after):
        across, low, high = borders[name][-1][1], min(map(np.min, pair)) if name == "Y" else 0, max(map(np.max, pair))
        for values, when in zip(pair, tokens):
            _map(ax, x, top, values, (values - low) / ((high - low) or 1), borders[name], rows, decimals and decimals[name])
            _frames(ax, x, top, tokens[when], borders[name], rows, columns_too=name == "A")
            ax.text(x + across / 2, top + HEAD - 0.085, rf"$\mathbf{{{name}}}$ {when}", ha="center", va="center")
            outside = x - 0.09 if when == "before" else x + across + 0.09
            _name_tokens(ax, tokens[when], [(outside, top - sum(row) / 2) for row in rows], tall)
            if name == "A":
                _name_tokens(ax, tokens[when], [(x + sum(column) / 2, FOOT - 0.1) for column in borders["A"]], cell["A"])
            x += across + (PAIR if when == "before" else MIDST)
        end = x - MIDST - across - 0.03
        start = end - PAIR + 0.06
        for token, other in ((0, 1), (1, 0)):
            _arrow(ax, (start, top - sum(rows[token]) / 2), (end, top - sum(rows[other]) / 2), RUST,
                   linestyle=_line_of_token(token + 1))
    return fig


def _cells(before, after):
    """Widths of the cells of Y and of A, their height, the decimals of the numbers in them (None where there is no room)."""
    N, D = before[0].shape
    room = PAGE_WIDTH - 2 * (EDGE + PAIR + 2 * SEAM) - MIDST
    decimals = {"Y": 1 if np.abs(before[0]).max() >= 1 else 2, "A": 2}
    number = {name: max(_width_of(_number(value, decimals[name])) for values in pair for value in values.flat)
              for name, *pair in zip("YA", before, after)}
    margin = (room / 2 - D * number["Y"] - N * number["A"]) / (D + N)
    if N <= MOST_CELLS and margin >= 0.02:
        return {name: width + min(margin, 0.2) for name, width in number.items()}, 0.19, decimals
    cell = min(room / 2 / (N + D), 0.4)
    return {"Y": cell, "A": cell}, min(0.19, max(cell, 0.1), 2.4 / N), None


def _number(value, decimals):
    return f"{round(value, decimals) + 0.0:.{decimals}f}"  # + 0.0 turns -0.0 into 0.0


def _width_of(number):
    """In inches, as set in a cell: the face's digits are half an em wide."""
    return sum({".": 0.25, "-": 0.61}.get(sign, 0.5) for sign in number) * DIGITS / 72


def _borders(n, size, apart):
    """(start, end) of n rows or columns; the first two stand apart from each other and from the rest."""
    shift = [SEAM * min(k, 2) if apart else 0 for k in range(n)]
    return [(k * size + moved, (k + 1) * size + moved) for k, moved in enumerate(shift)]


def _map(ax, x, top, values, shades, columns, rows, decimals):
    """The cells of a matrix whose upper left corner is at (x, top)."""
    small = min(rows[0][1], columns[0][1]) < 0.12
    for (i, j), value in np.ndenumerate(values):
        (left, right), (above, below) = columns[j], rows[i]
        ax.add_patch(Rectangle((x + left, top - below), right - left, below - above, facecolor=SHADES(shades[i, j]),
                               edgecolor=SHADES(shades[i, j]) if small else "#D3D8DE", linewidth=0.3 if small else 0.5))
        if decimals:
            ax.text(x + (left + right) / 2, top - (above + below) / 2, _number(value, decimals).replace("-", "−"),
                    fontsize=DIGITS, ha="center", va="center_baseline", color=_ink(shades[i, j]))


def _frames(ax, x, top, tokens, columns, rows, columns_too):
    """A frame around the row, and the column, of token 1 and of token 2."""
    width, height, pad = columns[-1][1], rows[-1][1], 0.014
    for place in (0, 1):
        style = dict(facecolor="none", edgecolor=RUST, linewidth=1, linestyle=_line_of_token(tokens[place]))
        above, below = rows[place]
        ax.add_patch(Rectangle((x - pad, top - below - pad), width + 2 * pad, below - above + 2 * pad, **style))
        if columns_too:
            left, right = columns[place]
            ax.add_patch(Rectangle((x + left - pad, top - height - pad), right - left + 2 * pad, height + 2 * pad, **style))


def _name_tokens(ax, tokens, places, size):
    """The tokens in their places: the first two, and as many others as there is room for."""
    step = _step(size)
    for n in [0, 1, *range(1 + step, len(tokens), step)]:
        moved = n < 2
        ax.text(*places[n], tokens[n], ha="center", va="center_baseline", fontsize=SMALL, color=RUST if moved else INK,
                fontweight="bold" if moved else None)


def _line_of_token(token):
    return "-" if token == 1 else (0, (2.5, 1.2))

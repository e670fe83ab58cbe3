"""Computer assignment 1: the way from X to Y, the attention weights, and what a swap of two inputs moves."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import ConnectionPatch, Rectangle

from plots.style import BLUE, GREY, INK, RUST, TEXT_WIDTH, figure

SHADES = LinearSegmentedColormap.from_list("white to blue", ["#FFFFFF", BLUE])
SMALL = 7      # points
TALLEST = 8.2  # inches: what a page has room for beside a caption


# The way from X to Y ------------------------------------------------------------------------------------------------------

FLOW_HEIGHT, MIDDLE, LANES_TOP, LANES_BOTTOM = 2.2, 1.09, 1.93, 0.25   # inches
FULL = 0.52                                                            # the width of a matrix with D columns
X_AT, WEIGHTS_AT, LANES_AT, SCORES_AT, HEADS_AT, JOINED_AT, Y_AT = 0.31, 1.05, 2.0, 2.92, 3.6, 4.3, 5.08   # middles


def flow(case, n_heads):
    """A row of boxes for each head, from X (N, D) to Y (N, D). Of more than four heads the first two and the last are drawn."""
    N, D = case.X.shape
    fig, ax = figure(TEXT_WIDTH, FLOW_HEIGHT)
    ax.set(xlim=(0, TEXT_WIDTH), ylim=(0, FLOW_HEIGHT), aspect="equal")
    ax.axis("off")
    tall = FULL * min(max(N / D, 0.6), 1.2)
    lanes = _lanes(n_heads)
    _matrix(ax, X_AT, MIDDLE, FULL, tall, r"$\mathbf{X}$", f"{N} × {D}", ["#FFFFFF"])
    _weights(ax, D, n_heads)
    for head, y in lanes:
        _lane(ax, head, y, tall, n_heads, (LANES_TOP - LANES_BOTTOM) / len(lanes))
    _matrix(ax, JOINED_AT, MIDDLE, FULL, tall, r"$[\mathbf{Y}_1 \cdots \mathbf{Y}_H]$" if n_heads > 1 else r"$\mathbf{Y}_1$",
            f"{N} × {D}", [_shade(h, n_heads) for h in range(n_heads)])
    _matrix(ax, Y_AT, MIDDLE, FULL, tall, r"$\mathbf{Y}$", f"{N} × {D}", ["#FFFFFF"])
    _arrow(ax, (X_AT + FULL / 2, MIDDLE), (WEIGHTS_AT - 0.26, MIDDLE))
    _arrow(ax, (JOINED_AT + FULL / 2, MIDDLE), (Y_AT - FULL / 2, MIDDLE))
    width = D // n_heads
    for x, operation, shape in [
            (WEIGHTS_AT, "rows to heads", f"{D} × {D} each"), (LANES_AT, "project", f"{N} × {width} each"),
            (SCORES_AT, r"softmax$(\cdot\,/$√$d_h)$", f"{N} × {N}"), (HEADS_AT, r"times $\mathbf{V}$", f"{N} × {width}"),
            (JOINED_AT, "concatenate", ""), (Y_AT, r"times $\mathbf{W}_o^\mathsf{T}$", "")]:
        ax.text(x, FLOW_HEIGHT - 0.08, operation, ha="center", va="center", fontsize=SMALL, color=GREY)
        ax.text(x, 0.08, shape, ha="center", va="center", fontsize=SMALL, color=GREY)
    return fig


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
    scale = min(1, (room - 0.2) / tall)
    wide, tall, colour, y = max(min(FULL * scale / n_heads, 0.24), 0.07), tall * scale, [_shade(head, n_heads)], y - 0.06
    for name, offset in (("Q", -0.3), ("K", 0), ("V", 0.3)):
        _matrix(ax, LANES_AT + offset, y, wide, tall, rf"$\mathbf{{{name}}}_{{{head + 1}}}$", "", colour)
    _matrix(ax, SCORES_AT, y, tall, tall, rf"$\mathbf{{A}}_{{{head + 1}}}$", "", ["#FFFFFF"], colour[0])
    _matrix(ax, HEADS_AT, y, wide, tall, rf"$\mathbf{{Y}}_{{{head + 1}}}$", "", colour)
    _arrow(ax, (WEIGHTS_AT + 0.24, MIDDLE), (LANES_AT - 0.32 - wide / 2, y))
    _arrow(ax, (LANES_AT + 0.32 + wide / 2, y), (SCORES_AT - tall / 2 - 0.02, y))
    _arrow(ax, (SCORES_AT + tall / 2 + 0.02, y), (HEADS_AT - wide / 2 - 0.02, y))
    _arrow(ax, (HEADS_AT + wide / 2 + 0.02, y), (JOINED_AT - FULL / 2 - 0.02, MIDDLE))


def _weights(ax, D, n_heads):
    """W_q, W_k and W_v, one below the other, their rows in the shades of the heads."""
    side, step = 0.38, 0.56
    for name, y in (("q", MIDDLE + step - 0.05), ("k", MIDDLE - 0.05), ("v", MIDDLE - step - 0.05)):
        for head in range(n_heads):
            top = y + side / 2 - head * side / n_heads
            ax.add_patch(Rectangle((WEIGHTS_AT - side / 2, top - side / n_heads), side, side / n_heads,
                                   facecolor=_shade(head, n_heads)))
        _matrix(ax, WEIGHTS_AT, y, side, side, rf"$\mathbf{{W}}_{name}$", "", ["none"])


def _matrix(ax, x, y, width, height, name, shape, columns, edge=INK):
    """A box with its name above and its shape below, in one colour or in bands from left to right."""
    left, bottom, band = x - width / 2, y - height / 2, width / len(columns)
    for n, colour in enumerate(columns):
        ax.add_patch(Rectangle((left + n * band, bottom), band, height, facecolor=colour))
    ax.add_patch(Rectangle((left, bottom), width, height, facecolor="none", edgecolor=edge,
                           linewidth=0.7 if edge == INK else 1.4))
    ax.text(x, y + height / 2 + 0.075, name, ha="center", va="center", fontsize=8)
    ax.text(x, y - height / 2 - 0.085, shape, ha="center", va="center", fontsize=SMALL, color=GREY)


def _shade(head, n_heads):
    return SHADES(0.18 + 0.6 * head / max(n_heads - 1, 1))


def _arrow(ax, start, end):
    ax.annotate("", end, start, zorder=0,
                arrowprops=dict(arrowstyle="-|>", color=GREY, lw=0.7, mutation_scale=6, shrinkA=0, shrinkB=0))


# Attention weights --------------------------------------------------------------------------------------------------------

def heat_maps(weights):
    """{H: A (H, N, N)} as one panel for each head on one scale; the numbers are written in up to N = 12."""
    panels = [(_panel_title(H, head), A) for H, heads in weights.items() for head, A in enumerate(heads)]
    N = panels[0][1].shape[0]
    columns = min(3 if 8 < N <= 12 else 4, len(panels))
    rows = -(-len(panels) // columns)
    side = min((TEXT_WIDTH - 0.45) / max(columns, 3), TALLEST / rows - 0.32)
    fig, axes = figure(0.45 + columns * side, rows * (side + 0.32) + 0.1, nrows=rows, ncols=columns, squeeze=False,
                       sharex=True, sharey=True)
    top = max(float(A.max()) for _, A in panels)
    for ax in axes.flat[len(panels):]:
        ax.set_visible(False)
    for ax, (title, A) in zip(axes.flat, panels):
        image = _heat(ax, A, 0, top)
        at = np.arange(0, N, _step(side / N))
        ax.set_xticks(at, at + 1)
        ax.set_yticks(at, at + 1)
        ax.set_title(title, pad=3)
        if N <= 12:
            _write_in(ax, A, top, min(7, 72 * (side - 0.15) / N * 0.36))
    for ax in axes[:, 0]:
        ax.set_ylabel("query $i$", labelpad=2)
    for n, ax in enumerate(axes.flat[:len(panels)]):
        if n + columns >= len(panels):
            ax.set_xlabel("key $j$", labelpad=2)
            ax.tick_params(labelbottom=True)
    if N > 12:
        fig.colorbar(image, ax=axes, shrink=0.8, pad=0.02).outline.set_visible(False)
    return fig


def _panel_title(H, head):
    return "$H = 1$" if H == 1 else f"$H = {H}$, head {head + 1}"


def _heat(ax, values, low, high):
    image = ax.imshow(values, cmap=SHADES, vmin=low, vmax=high)
    ax.tick_params(length=0, pad=2, labelsize=SMALL)
    ax.spines[:].set(visible=True, color=GREY, linewidth=0.5)
    return image


def _step(cell):
    """Every how many cells, of a side in inches, there is room for a label."""
    return int(np.ceil(0.15 / cell))


def _write_in(ax, A, top, size):
    for (i, j), value in np.ndenumerate(A):
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=size, color="white" if value > 0.55 * top else INK)


# A swap of the first two inputs ---------------------------------------------------------------------------------------------

def swap(before, after):
    """Outputs and weights (Y, A) before and after; the tokens that change places are outlined, and joined between the panels."""
    N, D = before[0].shape
    cell = min((TEXT_WIDTH - 1.1) / (2 * N + 2 * D), 0.24)
    fig, axes = figure(TEXT_WIDTH, N * cell + 0.5, ncols=4, width_ratios=[D, D, N, N])
    swapped = [2, 1, *range(3, N + 1)]
    for name, left, right, pair in zip(("Y", "A"), (axes[0], axes[2]), (axes[1], axes[3]), zip(before, after)):
        low, high = (min(map(np.min, pair)), max(map(np.max, pair)))
        right.yaxis.tick_right()
        for ax, values, tokens, title in ((left, pair[0], range(1, N + 1), "before"), (right, pair[1], swapped, "after")):
            _heat(ax, values, low if name == "Y" else 0, high)
            ax.set_title(rf"$\mathbf{{{name}}}$ {title}", pad=3)
            _name_tokens(ax.yaxis, tokens, cell)
            if name == "A":
                _name_tokens(ax.xaxis, tokens, cell)
            else:
                ax.set_xticks([])
            _outline(ax, values.shape, tokens, columns=name == "A")
        for row in (0, 1):
            fig.add_artist(ConnectionPatch((1, 1 - (row + 0.5) / N), (0, 1 - (1.5 - row) / N), "axes fraction", "axes fraction",
                                           axesA=left, axesB=right, color=RUST, linewidth=1, linestyle=_line_of_token(row + 1)))
    return fig


def _name_tokens(axis, tokens, cell):
    """The tokens in their places: the first two, and as many others as there is room for."""
    step = _step(cell)
    at = [0, 1, *range(1 + step, len(tokens), step)]
    axis.set_ticks(at, [tokens[n] for n in at])
    for label in axis.get_ticklabels()[:2]:
        label.set(color=RUST, fontweight="bold")


def _outline(ax, shape, tokens, columns):
    """A frame around the row, and the column, of token 1 and of token 2."""
    for place in (0, 1):
        style = dict(facecolor="none", edgecolor=RUST, linewidth=1, linestyle=_line_of_token(tokens[place]), clip_on=False)
        ax.add_patch(Rectangle((-0.5, place - 0.5), shape[1], 1, **style))
        if columns:
            ax.add_patch(Rectangle((place - 0.5, -0.5), 1, shape[0], **style))


def _line_of_token(token):
    return "-" if token == 1 else (0, (2.5, 1.2))

"""The figures of Exercise 1 and of its part in the supplement."""

import numpy as np
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from plots.shapes import box, canvas, label, words
from plots.style import BLUE, GREY, INK, TEXT_WIDTH, Drawing, figure, place

HATCH = "#9AA1AB"  # light, so that the names stand out
HATCHES = {"xx": "---", "xp": "|||", "px": "xxx", "pp": "..."}  # of the blocks of concatenation


def four_terms() -> Drawing:
    """The scores' four terms as blocks: addition repeats one matrix, concatenation has four."""
    fig, ax = canvas(TEXT_WIDTH, 1.7)
    shared = dict.fromkeys(HATCHES, (r"$\mathbf{M}$", "///"))
    own = {pair: (rf"$\mathbf{{M}}^{{{pair}}}$", hatch) for pair, hatch in HATCHES.items()}
    _blocks(ax, 0.3, [0.9, 0.9], [0.5, 0.5], shared, "addition: one matrix, four times")
    _blocks(ax, 2.62, [1.12, 0.8], [0.58, 0.42], own, "concatenation: four matrices")
    caption = (
        r"The four terms of a score, each a product of a row, a block and a column. With addition, "
        r"all four contain the same matrix $\mat{M} = \mat{W}_q\T \mat{W}_k$. With concatenation, "
        "each has a block of its own."
    )
    alt = (
        "Two block matrices, content and embedding of the query as rows, those of the key as "
        "columns. Left, addition: all four blocks are M and look the same. Right, concatenation: "
        "four blocks that look different, M xx, M xp, M px and M pp."
    )
    return Drawing(fig, caption, alt)


def _blocks(ax, left, widths, heights, blocks, title):
    """2 x 2 blocks {pair: (name, hatch)}, rows for the query, columns for the key."""
    gap = 0.05
    xs = [left + widths[0] / 2, left + widths[0] + gap + widths[1] / 2]
    ys = [1.17 - heights[0] / 2, 1.17 - heights[0] - gap - heights[1] / 2]
    for pair, (name, hatch) in blocks.items():
        i, j = map("xp".index, pair)
        box(ax, xs[j], ys[i], widths[j], heights[i], look={"hatch": hatch, "edgecolor": HATCH})
        box(ax, xs[j], ys[i], widths[j], heights[i], colour=INK, fill="none")
        box(ax, xs[j], ys[i], 0.44, 0.26, name, fontsize=10, look={"linewidth": 0})
    for k, (letter, kind) in enumerate({"x": "content", "p": "embedding"}.items()):
        words(ax, left - 0.13, ys[k], rf"$\mathbf{{{letter}}}_i^{{\mathsf{{T}}}}$")
        words(ax, xs[k], 1.28, rf"{kind} $\mathbf{{{letter}}}_j$")
    words(ax, left, 1.57, title, ha="left", fontsize=9, fontweight="bold")


def similarity(one_hot, sinusoidal) -> Drawing:
    """Inner product of two positional vectors by their distance |s - t|, scaled to 1 at 0.

    one_hot and sinusoidal: (N, any width), a vector for each position from 0 on.
    """
    N = len(one_hot)
    flat, wave = (P @ P[0] / (P[0] @ P[0]) for P in (one_hot, sinusoidal))
    last, high, low = max(N - 1, 0.5), wave[N // 3 :].max(), min(wave.min(), 0)
    size = 3 if N <= 60 else 1.5
    fig, ax = figure(height=1.85)
    place(ax, 0.45, 0.4, TEXT_WIDTH - 0.5, 1.37)
    ax.plot(wave, "o-", color=BLUE, markersize=size, linewidth=1)
    hollow = {"markersize": 1.8 * size, "markerfacecolor": "none", "markeredgewidth": 0.8}
    ax.plot(flat, "s", color=GREY, **hollow, clip_on=False)  # around the dot at distance 0
    ax.set(xlim=(-0.015 * last, 1.03 * last), ylim=(low - 0.32, 1.3))
    ax.set_yticks([0, 0.5, 1])
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.set_xlabel("distance $|s - t|$ in positions", labelpad=1)
    ax.set_ylabel("inner product", labelpad=3)
    near = "sinusoidal: near positions are more alike"
    words(ax, last, high + 0.15, near, ha="right", color=BLUE)
    unlike = "one-hot: all different positions are equally unlike"
    words(ax, last, low - 0.18, unlike, ha="right", color=GREY)
    caption = (
        r"The inner product $\vec{p}_s\T\vec{p}_t$ as a function of the distance between the "
        "positions, scaled to $1$ at distance $0$. Sinusoidal vectors (dots) of near positions are "
        "more alike. With one-hot vectors (squares) a neighbour is as unlike as any other position."
    )
    alt = (
        f"Inner product over distance, up to {N - 1} positions. One-hot: 1 at distance 0 and 0 at "
        "all others. Sinusoidal: it falls from 1 as the distance grows, though not steadily."
    )
    return Drawing(fig, caption, alt)


def geometry(simplex, cosines) -> Drawing:
    """Two orthogonal vectors, the simplex (3, 2), and the density of {dimension: cosines (M,)}."""
    fig, (pair, triple, crowd) = figure(height=1.5, ncols=3)
    for ax, left, width in ((pair, 0.03, 1.22), (triple, 1.43, 1.22)):
        place(ax, left, 0.03, width, width)
    place(crowd, 2.8, 0.4, 1.78, 0.88)
    _arrows(pair, np.eye(2), "two vectors: cosine $0$")
    _arrows(triple, simplex, "three: cosine $-1/2$")
    bins = np.linspace(-1, 1, 81)
    for colour, line, dim in zip((GREY, INK, BLUE), (":", "--", "-"), sorted(cosines), strict=True):
        density, _ = np.histogram(cosines[dim], bins, density=True)
        crowd.stairs(density, bins, color=colour, linestyle=line, linewidth=1.2)
        flank = np.searchsorted(bins, 1.2 / np.sqrt(dim))  # 1.2 standard deviations off
        point = bins[flank], density[flank - 1]
        label(crowd, f"$D = {dim}$", point, (4, 4), va="baseline", color=colour)
    crowd.set(xlabel="cosine of two random directions", yticks=[], xlim=(-1, 1))
    crowd.set_xticks([-1, -0.5, 0, 0.5, 1], ["$-1$", "$-0.5$", "0", "0.5", "1"])
    crowd.set_title("density", loc="left", pad=4)
    crowd.spines["left"].set_visible(False)
    caption = (
        "Two orthogonal vectors in the plane; three, none of them closer to another than in the "
        "simplex; the density of the cosine of two random directions."
    )
    alt = (
        "Left: two perpendicular unit vectors in a circle. Middle: three unit vectors at 120 "
        "degrees. Right: densities of the cosine of two random directions in "
        f"{', '.join(map(str, sorted(cosines)))} dimensions, narrower the larger the dimension."
    )
    return Drawing(fig, caption, alt)


def _arrows(ax, vectors, title):
    """Unit vectors from the centre of their circle, each with its name on its right."""
    head = {"arrowstyle": "-|>,head_width=0.22,head_length=0.5", "color": BLUE, "linewidth": 1.3}
    for k, (x, y) in enumerate(vectors, 1):
        ax.annotate("", (x, y), (0, 0), arrowprops=head | {"shrinkA": 0, "shrinkB": 0})
        name, style = rf"$\mathbf{{p}}_{k}$", {"va": "center", "fontsize": 9}
        words(ax, 0.68 * x + 0.2 * y, 0.68 * y - 0.2 * x, name, **style)
    circle = {"fill": False, "edgecolor": GREY, "linewidth": 0.6, "linestyle": (0, (3, 2))}
    ax.add_patch(Circle((0, 0), 1, **circle))
    ax.set(xlim=(-1.02, 1.02), ylim=(-1.02, 1.02))
    ax.set_title(title, pad=4)
    ax.axis("off")

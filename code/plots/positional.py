"""The figures of Exercise 1 and of its part in the supplement."""

import numpy as np
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator

from plots.shapes import canvas, tint, words
from plots.style import BLUE, GREEN, GREY, RUST, SMALL, TEXT_WIDTH, Drawing, figure, place

STRIPS = {"xx": (BLUE, "////"), "xp": (RUST, "||||"), "px": (GREEN, "----"), "pp": (GREY, "....")}


def four_terms() -> Drawing:
    """The scores' four terms as blocks of one matrix: addition repeats one block, concatenation has four."""
    fig, ax = canvas(TEXT_WIDTH, 1.62)
    addition = {pair: (r"$\mathbf{M}$", *STRIPS["xx"]) for pair in STRIPS}
    own = {pair: (rf"$\mathbf{{M}}^{{{pair}}}$", *strip) for pair, strip in STRIPS.items()}
    _block_matrix(ax, 0.3, [0.9, 0.9], [0.5, 0.5], addition, "addition: one matrix, four times")
    _block_matrix(ax, 2.6, [1.12, 0.8], [0.58, 0.42], own, "concatenation: four matrices")
    return Drawing(
        fig, r"The score of $i$ and $j$ is a row of blocks times a block matrix times a column. With addition "
        r"all four blocks are the same $\mat{M} = \mat{W}_q\T \mat{W}_k$; with concatenation each pair has "
        r"a block of its own. Equal strips mark equal matrices.",
        "Two block matrices with content and position of the query as rows, those of the key as columns. "
        "Left, addition: all four blocks are labelled M and look the same. Right, concatenation: four "
        "blocks that look different, labelled M xx, M xp, M px and M pp.")


def _block_matrix(ax, left, widths, heights, blocks, title):
    """2 x 2 blocks {pair: (name, colour, hatch)}, rows for the query, columns for the key."""
    top, gap, strip = 1.17, 0.05, 0.11
    kinds = {"x": "content", "p": "position"}
    xs, ys = (left, left + widths[0] + gap), (top - heights[0], top - sum(heights) - gap)
    for (row, column), (name, colour, hatch) in ((tuple(pair), block) for pair, block in blocks.items()):
        i, j = "xp".index(row), "xp".index(column)
        ax.add_patch(Rectangle((xs[j], ys[i]), widths[j], heights[i], facecolor=tint(colour), edgecolor=colour))
        ax.add_patch(Rectangle((xs[j], ys[i]), strip, heights[i], facecolor="white", edgecolor=colour, hatch=hatch))
        words(ax, xs[j] + (widths[j] + strip) / 2, ys[i] + heights[i] / 2, name, fontsize=10)
    for k, (letter, kind) in enumerate(kinds.items()):
        words(ax, left - 0.13, ys[k] + heights[k] / 2, rf"$\mathbf{{{letter}}}_i^{{\mathsf{{T}}}}$")
        words(ax, xs[k] + widths[k] / 2, top + 0.1, rf"{kind} $\mathbf{{{letter}}}_j$")
    words(ax, left, 1.5, title, ha="left", fontsize=9, fontweight="bold")


def similarity(one_hot, sinusoidal) -> Drawing:
    """Inner product of two positional vectors by their distance |s - t|, scaled to 1 at distance 0.

    Parameters: one_hot and sinusoidal (N, any width), one vector for each position from 0 on.
    """
    N = len(one_hot)
    fig, ax = figure(height=1.75)
    place(ax, 0.45, 0.4, TEXT_WIDTH - 0.5, 1.27)
    flat, wave = (P @ P[0] / (P[0] @ P[0]) for P in (np.asarray(one_hot), np.asarray(sinusoidal)))
    low, high, last = min(wave.min(), 0), wave[N // 3:].max(), max(N - 1, 0.5)
    size = 3 if N <= 60 else 1.5
    ax.plot(wave, "o-", color=BLUE, markersize=size, linewidth=1)
    ax.vlines(0, 0, 1, color=RUST, linewidth=0.8)
    ax.plot(flat, "s", color=RUST, markersize=size, markeredgewidth=0, clip_on=False)
    ax.set(xlim=(-0.015 * last, 1.03 * last), ylim=(low - 0.06, 1.3), yticks=[0, 0.5, 1])
    ax.set_xlabel("distance $|s - t|$ in positions", labelpad=1)
    ax.set_ylabel("inner product", labelpad=3)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    words(ax, last, high + 0.15, "sinusoidal: near positions are more alike", ha="right", color=BLUE)
    words(ax, last, 0.15, "one-hot: all other positions are equally unlike", ha="right", color=RUST)
    return Drawing(
        fig, r"The inner product $\vec{p}_s\T\vec{p}_t$ by the distance of the two positions, scaled to $1$ at "
        r"distance $0$. With one-hot vectors the neighbour is as unlike as any other position.",
        f"Inner product over distance, from 0 to {N - 1} positions. One-hot: 1 at distance 0 and 0 at all others. "
        "Sinusoidal: it falls from 1 as the distance grows, though not steadily.")


def geometry(simplex, cosines) -> Drawing:
    """Two orthogonal vectors, the simplex (3, 2), and histograms of random cosines {dimension: (pairs,)}."""
    fig, (pair, triple, crowd) = figure(height=1.5, ncols=3)
    place(pair, 0.03, 0.03, 1.22, 1.22)
    place(triple, 1.43, 0.03, 1.22, 1.22)
    place(crowd, 2.8, 0.4, 1.78, 1.07)
    _arrows(pair, np.eye(2), "$N = D = 2$: cosine $0$")
    _arrows(triple, simplex, "$N = D + 1 = 3$: $-1/2$")
    bins = np.linspace(-1, 1, 81)
    for colour, style, (dim, values) in zip((GREY, RUST, BLUE), (":", "--", "-"), sorted(cosines.items())):
        density, _ = np.histogram(values, bins, density=True)
        crowd.stairs(density, bins, color=colour, linestyle=style, linewidth=1.2)
        flank = np.searchsorted(bins, 1.2 / np.sqrt(dim))  # 1.2 standard deviations from the middle
        crowd.annotate(f"$D = {dim}$", (bins[flank], density[flank - 1]), (4, 4), textcoords="offset points",
                       color=colour, fontsize=SMALL)
    crowd.set(xlabel="cosine of two random directions", yticks=[], xlim=(-1, 1))
    crowd.set_xticks([-1, -0.5, 0, 0.5, 1], ["$-1$", "$-0.5$", "0", "0.5", "1"])
    crowd.spines["left"].set_visible(False)
    dims = ", ".join(map(str, sorted(cosines)))
    return Drawing(
        fig, "Two orthogonal vectors in the plane; three, where no two can be further apart than in the simplex; "
        "the density of the cosine of two random directions.",
        "Left: two perpendicular unit vectors in a circle. Middle: three unit vectors at 120 degrees. Right: "
        f"the distribution of the cosine of two random directions in {dims} dimensions, centred at zero and "
        "narrower the larger the dimension.")


def _arrows(ax, vectors, title):
    """Unit vectors from the middle of their circle; the name of each stands to the right of its arrow."""
    for k, vector in enumerate(vectors, 1):
        ax.annotate("", vector, (0, 0), arrowprops=dict(
            arrowstyle="-|>,head_width=0.22,head_length=0.5", color=BLUE, linewidth=1.3, shrinkA=0, shrinkB=0))
        name = 0.68 * vector + 0.2 * np.array([vector[1], -vector[0]])
        words(ax, *name, rf"$\mathbf{{p}}_{k}$", va="center", fontsize=9)
    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=GREY, linewidth=0.6, linestyle=(0, (3, 2))))
    ax.set(xlim=(-1.02, 1.02), ylim=(-1.02, 1.02))
    ax.set_title(title, pad=4)
    ax.axis("off")

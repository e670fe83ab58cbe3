"""The figures of Exercise 1."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Circle, Rectangle

from plots.style import BLUE, GREY, RUST, figure

SHADES = LinearSegmentedColormap.from_list("shades", ["white", BLUE])


def four_terms():
    """The inner product as the blocks of one matrix: query side down, key side across."""
    fig, (addition, concatenation) = figure(height=1.7, ncols=2)
    shared = [[r"$\mathbf{M}$"] * 2] * 2
    own = [[rf"$\mathbf{{W}}_q^{{{row}\,\mathsf{{T}}}}\mathbf{{W}}_k^{{{column}}}$" for column in "xp"] for row in "xp"]
    one = r"addition: one $\mathbf{M} = \mathbf{W}_q^{\mathsf{T}}\mathbf{W}_k$"
    _block_matrix(addition, [1.3, 1.3], shared, [[0.25, 0.25], [0.25, 0.25]], one)
    _block_matrix(concatenation, [1.6, 1.0], own, [[0.25, 0.0], [0.12, 0.45]], "concatenation: four matrices")
    return fig


def _block_matrix(ax, sides, matrices, shades, title):
    """A 2 x 2 block matrix; the shade tells which blocks are the same matrix."""
    names = [["content–content", "content–position"], ["position–content", "position–position"]]
    edges = np.concatenate([[0], np.cumsum(sides)])
    stretch = 1.5                                    # a block is drawn that much wider than tall
    for i in range(2):
        for j in range(2):
            x, y, wide, tall = stretch * edges[j], edges[i], stretch * sides[j], sides[i]
            ax.add_patch(Rectangle((x, y), wide, tall, facecolor=SHADES(shades[i][j]), edgecolor=BLUE, linewidth=0.8))
            ax.text(x + wide / 2, y + tall / 2 - 0.14, matrices[i][j], ha="center", va="center")
            ax.text(x + wide / 2, y + tall / 2 + 0.24, names[i][j], ha="center", va="center", fontsize=7)
    for k, letter in enumerate("xp"):
        middle = edges[k] + sides[k] / 2
        ax.text(-0.15, middle, rf"$\mathbf{{{letter}}}_i^{{\mathsf{{T}}}}$", ha="right", va="center")
        ax.text(stretch * middle, edges[-1] + 0.1, rf"$\mathbf{{{letter}}}_j$", ha="center", va="top")
    ax.set_title(title)
    ax.set(xlim=(-0.6, stretch * edges[-1] + 0.05), ylim=(edges[-1] + 0.5, -0.05))
    ax.axis("off")


def geometry(simplex, cosines):
    """Two orthogonal vectors, the simplex (3, 2), and histograms of the cosines {dimension: (pairs,)}."""
    fig, (pair, triple, crowd) = figure(height=1.5, ncols=3, width_ratios=[1, 1, 1.9])
    _arrows(pair, np.eye(2), ["$\\mathbf{p}_1$", "$\\mathbf{p}_2$"], "$N = D = 2$: cosine 0")
    _arrows(triple, simplex, ["$\\mathbf{p}_1$", "$\\mathbf{p}_2$", "$\\mathbf{p}_3$"], "$N = D + 1$: cosines $-1/2$")
    bins = np.linspace(-1, 1, 81)
    for colour, style, (dim, values) in zip((GREY, RUST, BLUE), (":", "--", "-"), sorted(cosines.items())):
        density, _ = np.histogram(values, bins, density=True)
        crowd.stairs(density, bins, color=colour, linestyle=style, linewidth=1.1)
        side = bins[:-1] > 1 / np.sqrt(dim)
        crowd.annotate(f"$D = {dim}$", (bins[:-1][side][0], density[side][0]), (4, 2), textcoords="offset points", color=colour)
    crowd.set(xlabel="cosine of two random directions", yticks=[], xticks=[-1, -0.5, 0, 0.5, 1], xlim=(-1, 1))
    crowd.spines["left"].set_visible(False)
    return fig


def _arrows(ax, vectors, names, title):
    for vector, name in zip(vectors, names):
        ax.annotate("", vector, (0, 0), arrowprops=dict(arrowstyle="-|>", color=BLUE, linewidth=1.2, shrinkA=0, shrinkB=0))
        ax.text(*(1.25 * vector), name, ha="center", va="center")
    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=GREY, linewidth=0.5, linestyle=(0, (2, 2))))
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal")
    ax.set_title(title)
    ax.axis("off")


def similarity(one_hot, sinusoidal):
    """p_s^T p_t as maps, and over the shift t - s; both embeddings (N, ...), scaled to length 1."""
    fig, (left, middle, right) = figure(height=1.7, ncols=3, width_ratios=[1, 1, 1.5])
    n, half = len(one_hot), len(one_hot) // 2
    grams = [P @ P.T / (P[0] @ P[0]) for P in (one_hot, sinusoidal)]
    for ax, gram, name in zip((left, middle), grams, ("one-hot", "sinusoidal")):
        ax.imshow(gram, cmap=SHADES, vmin=0, vmax=1)
        ax.set(title=name, xlabel="$t$", xticks=[0, n - 1], yticks=[0, n - 1])
    left.set_ylabel("$s$")
    shifts = np.arange(n) - half
    right.plot(shifts, grams[1][half], ".-", color=BLUE, markersize=3)
    right.plot(shifts, grams[0][half], "s-", color=RUST, markersize=2.2, linewidth=0.8)
    right.text(shifts[-1], grams[1][half, half + n // 6:].max() + 0.04, "sinusoidal", color=BLUE, ha="right", va="bottom")
    right.text(shifts[-1], 0.04, "one-hot", color=RUST, ha="right", va="bottom")
    right.set(xlabel="shift $t - s$", yticks=[0, 0.5, 1], ylim=(-0.04, 1.06))
    right.set_title(r"$\mathbf{p}_s^{\mathsf{T}}\mathbf{p}_t\,/\,\|\mathbf{p}\|^2$")
    return fig

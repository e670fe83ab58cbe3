"""The figures of Exercise 1."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Circle, Rectangle

from plots.style import BLUE, GREY, RUST, TEXT_WIDTH, figure

SHADES = LinearSegmentedColormap.from_list("shades", ["white", BLUE])


def four_terms():
    """The inner product as the blocks of one matrix: query side down, key side across."""
    height = 1.53
    fig, ax = figure(height=height)
    _place(ax, 0, 0, TEXT_WIDTH, height)
    ax.set(xlim=(0, TEXT_WIDTH), ylim=(height, 0))   # inches, downwards
    ax.axis("off")
    one = r"addition: one $\mathbf{M} = \mathbf{W}_q^{\mathsf{T}}\mathbf{W}_k$"
    four = r"concatenation: four $\mathbf{M}^{ab} = (\mathbf{W}_q^a)^{\mathsf{T}}\mathbf{W}_k^b$"
    shared = [[r"$\mathbf{M}$"] * 2] * 2
    own = [[rf"$\mathbf{{M}}^{{{row}{column}}}$" for column in "xp"] for row in "xp"]
    _block_matrix(ax, 0.25, [0.97, 0.97], [0.52, 0.52], 0, shared, [[0.28, 0.28], [0.28, 0.28]], one)
    _block_matrix(ax, 2.43, [1.16, 0.97], [0.58, 0.42], 0.05, own, [[0.28, 0.04], [0.14, 0.46]], four)
    return fig


def _block_matrix(ax, left, widths, heights, gap, matrices, shades, title):
    """A 2 x 2 block matrix, in inches; the shade tells which blocks are the same matrix."""
    names = [["content–content", "content–position"], ["position–content", "position–position"]]
    xs, ys = [left, left + widths[0] + gap], [0.26, 0.26 + heights[0] + gap]
    for i in range(2):
        for j in range(2):
            ax.add_patch(Rectangle((xs[j], ys[i]), widths[j], heights[i], edgecolor=BLUE, linewidth=0.7,
                                   facecolor=SHADES(shades[i][j])))
            x, y = xs[j] + widths[j] / 2, ys[i] + heights[i] / 2
            ax.text(x, y - 0.01, matrices[i][j], ha="center", va="bottom")
            ax.text(x, y + 0.03, names[i][j], ha="center", va="top", fontsize=8)
    for k, letter in enumerate("xp"):
        ax.text(left - 0.06, ys[k] + heights[k] / 2, rf"$\mathbf{{{letter}}}_i^{{\mathsf{{T}}}}$", ha="right", va="center")
        ax.text(xs[k] + widths[k] / 2, ys[1] + heights[1] + 0.05, rf"$\mathbf{{{letter}}}_j$", ha="center", va="top")
    ax.text(left, 0.16, title)


def geometry(simplex, cosines):
    """Two orthogonal vectors, the simplex (3, 2), and histograms of the cosines {dimension: (pairs,)}."""
    fig, (pair, triple, crowd) = figure(height=1.5, ncols=3)
    _place(pair, 0.03, 0.03, 1.22, 1.22)
    _place(triple, 1.43, 0.03, 1.22, 1.22)
    _place(crowd, 2.8, 0.4, 1.78, 1.07)
    _arrows(pair, np.eye(2), "$N = D = 2$: cosine $0$")
    _arrows(triple, simplex, "$N = D + 1 = 3$: $-1/2$")
    bins = np.linspace(-1, 1, 81)
    for colour, style, (dim, values) in zip((GREY, RUST, BLUE), (":", "--", "-"), sorted(cosines.items())):
        density, _ = np.histogram(values, bins, density=True)
        crowd.stairs(density, bins, color=colour, linestyle=style, linewidth=1.2)
        flank = np.searchsorted(bins, 1.2 / np.sqrt(dim))  # 1.2 standard deviations from the middle
        crowd.annotate(f"$D = {dim}$", (bins[flank], density[flank - 1]), (4, 4), textcoords="offset points", color=colour,
                       fontsize=8)
    crowd.set(xlabel="cosine of two random directions", yticks=[], xlim=(-1, 1))
    crowd.set_xticks([-1, -0.5, 0, 0.5, 1], ["$-1$", "$-0.5$", "0", "0.5", "1"])
    crowd.spines["left"].set_visible(False)
    return fig


def _arrows(ax, vectors, title):
    """Unit vectors from the middle of their circle; the name of each stands to the right of its arrow."""
    for k, vector in enumerate(vectors, 1):
        ax.annotate("", vector, (0, 0), arrowprops=dict(arrowstyle="-|>,head_width=0.22,head_length=0.5", color=BLUE,
                                                        linewidth=1.3, shrinkA=0, shrinkB=0))
        ax.text(*(0.68 * vector + 0.2 * np.array([vector[1], -vector[0]])), rf"$\mathbf{{p}}_{k}$", ha="center", va="center")
    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=GREY, linewidth=0.6, linestyle=(0, (3, 2))))
    ax.set(xlim=(-1.02, 1.02), ylim=(-1.02, 1.02))
    ax.set_title(title, pad=4)
    ax.axis("off")


def similarity(one_hot, sinusoidal):
    """p_s^T p_t as maps, and over the shift t - s; both embeddings (N, ...), scaled to length 1."""
    fig, (left, middle, right) = figure(height=1.52, ncols=3)
    _place(left, 0.4, 0.36, 0.97, 0.97)
    _place(middle, 1.52, 0.36, 0.97, 0.97)
    _place(right, 2.88, 0.36, 1.71, 0.97)
    n, half = len(one_hot), len(one_hot) // 2
    grams = [P @ P.T / (P[0] @ P[0]) for P in (one_hot, sinusoidal)]
    for ax, gram, name in zip((left, middle), grams, ("one-hot", "sinusoidal")):
        ax.imshow(gram, cmap=SHADES, vmin=0, vmax=1)
        ax.spines[:].set_visible(True)
        ax.set_xlabel("$t$", labelpad=1)
        ax.set(xticks=[0, half, n - 1], yticks=[0, half, n - 1])
        ax.set_title(name, pad=4)
    left.set_ylabel("$s$", rotation=0, labelpad=5, va="center")
    middle.set_yticklabels([])
    shifts = np.arange(n) - half
    right.plot(shifts, grams[1][half], ".-", color=BLUE, markersize=3.5, linewidth=1)
    right.vlines(0, 0, 1, color=RUST, linewidth=0.8)
    right.plot(shifts, grams[0][half], "s", color=RUST, markersize=2.4, markeredgewidth=0)
    right.text(shifts[-1], grams[1][half].min() - 0.05, "sinusoidal", color=BLUE, ha="right", va="top")
    right.text(shifts[-1], 0.06, "one-hot", color=RUST, ha="right", va="bottom")
    right.set_xlabel("shift $t - s$", labelpad=1)
    right.set(yticks=[0, 0.5, 1], ylim=(-0.04, 1.06))
    right.set_title(f"row $s = {half}$", pad=4)
    return fig


def _place(ax, left, bottom, width, height):
    """Axes at a place given in inches, which no layout engine moves."""
    across, up = ax.figure.get_size_inches()
    ax.set_position([left / across, bottom / up, width / across, height / up])

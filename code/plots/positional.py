"""The figures of Exercise 1 and of its part in the supplement."""

import numpy as np
from matplotlib.patches import Circle, Rectangle

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



"""Appendix B: time and memory of attention over the length of the input, and the roofline, as measured."""

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator

from plots.style import BLUE, GREY, INK, RUST, figure

STYLES = {"plain": (RUST, "s", (0, (5, 2))), "jax": (GREY, "^", (0, (1, 1.2))), "torch": (INK, "D", (0, (6, 1.5, 1, 1.5))), "ours": (BLUE, "o", "-")}
NAMES = {"plain": "the function of (a)", "jax": "JAX", "torch": "PyTorch", "ours": "in blocks"}


def scaling(seconds, limit, held, output):
    """Two panels over N, both axes logarithmic: the time of a call, and the memory that it holds beside inputs and output.

    Parameters: seconds and held {name: {N: value}}, names as in STYLES, limit {N: seconds}, output {N: bytes of the output}.
    Returns: a Matplotlib figure.
    """
    fig, (left, right) = figure(height=2.5, ncols=2)
    for ax, curves, thin in ((left, seconds, limit), (right, held, output)):
        for name, (color, marker, dashes) in STYLES.items():
            ax.plot(*_points(curves[name]), marker, linestyle=dashes, color=color, markersize=3.2, markerfacecolor="white",
                    markeredgewidth=0.8, label=NAMES[name])
        ax.plot(*_points(thin), color=GREY, linewidth=0.8, label="limit")
        ax.set(xscale="log", yscale="log", xlabel="$N$", xlim=(0.8 * min(limit), 1.25 * max(limit)), xticks=list(limit))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda N, _: f"{N:.0f}"))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_locator(NullLocator())
        ax.tick_params(axis="x", labelsize=7)
    left.yaxis.set_major_formatter(FuncFormatter(_time))
    right.set_yticks([2**k for k in range(20, 40, 2) if 2**k < 2 * right.get_ylim()[1]], minor=False)
    right.yaxis.set_major_formatter(FuncFormatter(_size))
    left.set_title("time of a call", loc="left")
    right.set_title("memory beside inputs and output", loc="left")
    left.set_ylim(bottom=min(limit.values()) / 6)  # room for the legend
    left.legend(loc="lower right", borderaxespad=0, handlelength=2.8, labelspacing=0.2)
    middle = list(output)[len(output) // 2]
    right.annotate("the output itself", (middle, output[middle]), (-4, 3), textcoords="offset points", color=GREY, ha="right", va="bottom")
    return fig


def roofline(flops, bandwidth, with_exp, points):
    """Operations a second over operations a byte, both axes logarithmic, under the roofs of memory, products and exponentials.

    Parameters: flops (a second), bandwidth (bytes a second), with_exp (operations of the products a second if each weight also takes an
    exponential), points {name: {N: (operations a byte, operations a second)}}.
    Returns: a Matplotlib figure.
    """
    fig, ax = figure(width=4.0, height=2.2)
    x = np.geomspace(0.3, 2000, 200)
    lowest = min(bandwidth * x[0], *(rate for found in points.values() for _, rate in found.values()))
    ax.plot(x, np.minimum(bandwidth * x, flops), color=INK, linewidth=1)
    ax.plot(x[bandwidth * x > with_exp], np.full_like(x, with_exp)[bandwidth * x > with_exp], color=GREY, linestyle=(0, (4, 2)), linewidth=0.9)
    for name, found in points.items():
        color, marker, _ = STYLES[name]
        ax.plot(*np.transpose(list(found.values())), marker, color=color, markersize=3.6, markerfacecolor="white", markeredgewidth=0.9)
    ax.set(xscale="log", yscale="log", xlabel="operations of the products for each byte that moves", xlim=(x[0], x[-1]), ylim=(0.7 * lowest, 1.8 * flops))
    ax.set_title("operations a second", loc="left")
    ax.set_yticks([1e10, 3e10, 1e11, 3e11])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v / 1e9:g} G"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ridge = flops / bandwidth
    ax.text(x[-1], 1.08 * flops, "large matrix products", ha="right", va="bottom")
    ax.text(1.15 * ridge, 0.92 * with_exp, "with exponentials", color=GREY, va="top", fontsize=8)
    ax.text(1.25 * x[0], 2 * bandwidth, "copying\nmemory", va="center", linespacing=1.1)
    for name, found in points.items():
        right = max(found.values())
        ax.annotate(NAMES[name], right, (6, -1), textcoords="offset points", color=STYLES[name][0], va="center")
    return fig


def _points(curve):
    return list(curve), list(curve.values())


def _time(seconds, _):
    return f"{seconds:g} s" if seconds >= 1 else f"{1e3 * seconds:g} ms"


def _size(size, _):
    return f"{size / 2**30:g} GiB" if size >= 2**30 else f"{size / 2**20:g} MiB"

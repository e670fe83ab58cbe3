"""Appendix B: time and memory of attention over the length of the input, and the roofline, as measured. Lengths in inches."""

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator

from plots.style import BLUE, GREY, INK, PAGE_WIDTH, RUST, TEXT_WIDTH, figure

STYLES = {"plain": (RUST, "s", (0, (5, 2))), "jax": (GREY, "^", (0, (1, 1.2))),
          "torch": (INK, "D", (0, (6, 1.5, 1, 1.5))), "ours": (BLUE, "o", "-")}
NAMES = {"plain": "the function of (a)", "jax": "JAX", "torch": "PyTorch", "ours": "in blocks"}
SMALL = 8      # points
LINE = 0.135   # from one label to the next
HOLLOW = dict(markersize=3.7, markerfacecolor="white", markeredgewidth=0.9)


# Time and memory --------------------------------------------------------------------------------------------------------

HEIGHT, FLOOR, TALL = 2.3, 0.4, 1.68               # of the figure; below a panel; of a panel
PANELS, WIDE = (0.52, 3.86), 2.12                  # the panels' left edges, their width; the labels stand on the right of each


def scaling(seconds, limit, held, output):
    """Two panels over N, both axes logarithmic: the time of a call, and the memory that it holds beside inputs and output.

    Parameters: seconds and held {name: {N: value}}, names as in STYLES, limit {N: seconds}, output {N: bytes of the output}.
    Returns: a Matplotlib figure.
    """
    fig, (left, right) = figure(PAGE_WIDTH, HEIGHT, ncols=2)
    fig.set_layout_engine("none")
    for ax, x, curves, thin in zip((left, right), PANELS, (seconds, held), (limit, output)):
        ax.set_position((x / PAGE_WIDTH, FLOOR / HEIGHT, WIDE / PAGE_WIDTH, TALL / HEIGHT))
        for name, (color, marker, dashes) in STYLES.items():
            ax.plot(*_points(curves[name]), marker, linestyle=dashes, color=color, **HOLLOW)
        ax.plot(*_points(thin), color=GREY, linewidth=0.8)
        ax.set(xscale="log", yscale="log", xlim=(0.82 * min(limit), 1.1 * max(limit)), xticks=list(limit))
        ax.set_xlabel("$N$", labelpad=1)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda N, _: _whole(N)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_locator(NullLocator())
    left.set_yticks(_within(left.get_ylim(), [10.0**k for k in range(-6, 6)]))
    left.yaxis.set_major_formatter(FuncFormatter(_time))
    right.set_yticks(_within(right.get_ylim(), [2**k for k in range(20, 50, 2)]))
    right.yaxis.set_major_formatter(FuncFormatter(_size))
    for ax, curves, thin, name, title in ((left, seconds, limit, "limit", "time of a call"),
                                          (right, held, output, "the output", "memory beside inputs and output")):
        ax.set_title(title, loc="left", pad=5)
        _name_curves(ax, curves, thin, name)
    return fig


def _name_curves(ax, curves, thin, name_of_thin):
    """Each curve's name at its end: on the right of the panel, or on the left of an end that comes before."""
    longest, low, high = max(thin), *np.log(ax.get_ylim())
    reach = [name for name in curves if max(curves[name]) == longest]
    ends = [curves[name][longest] for name in reach] + [thin[longest]]
    heights = TALL * (np.log(ends) - low) / (high - low)
    for name, value, height in zip([*reach, None], ends, _apart(heights)):
        color, marker, _ = STYLES.get(name, (GREY, None, None))
        place = (1 + 0.13 / WIDE, height / TALL)
        ax.annotate("", (longest, value), place, "data", "axes fraction", zorder=0,
                    arrowprops=dict(arrowstyle="-", color=color, lw=0.5, shrinkA=0, shrinkB=2.5))
        if marker:
            ax.scatter(*place, HOLLOW["markersize"]**2, marker=marker, transform=ax.transAxes, clip_on=False, facecolor="white",
                       edgecolor=color, linewidth=HOLLOW["markeredgewidth"])
        ax.text(place[0] + (0.07 if marker else 0.03) / WIDE, place[1], NAMES.get(name, name_of_thin), transform=ax.transAxes,
                ha="left", va="center_baseline", fontsize=SMALL, color=color)
    for name in [name for name in curves if name not in reach]:
        end = max(curves[name])
        ax.annotate(NAMES[name], (end, curves[name][end]), (-6, 3), textcoords="offset points", ha="right", va="center_baseline",
                    fontsize=SMALL, color=STYLES[name][0])


def _apart(heights, gap=LINE):
    """The heights of labels, moved as little as it takes that none covers another; in the order given."""
    heights, order = np.array(heights, float), np.argsort(heights, kind="stable")
    for _ in range(200):
        for low, high in zip(order, order[1:]):
            missing = gap - (heights[high] - heights[low])
            if missing > 0:
                heights[[low, high]] += -missing / 2, missing / 2
    return heights


# The roofline -----------------------------------------------------------------------------------------------------------

ROOF_HEIGHT, ROOF_FLOOR, ROOF_TALL, ROOF_LEFT, ROOF_WIDE = 2.15, 0.4, 1.52, 0.5, 4.07


def roofline(flops, bandwidth, with_exp, points):
    """Operations a second over operations a byte, both axes logarithmic, under the roofs of memory, products and exponentials.

    Parameters: flops (a second), bandwidth (bytes a second), with_exp (operations of the products a second if each weight
    also takes an exponential), points {name: {N: (operations a byte, operations a second)}}.
    Returns: a Matplotlib figure.
    """
    fig, ax = figure(TEXT_WIDTH, ROOF_HEIGHT)
    fig.set_layout_engine("none")
    ax.set_position((ROOF_LEFT / TEXT_WIDTH, ROOF_FLOOR / ROOF_HEIGHT, ROOF_WIDE / TEXT_WIDTH, ROOF_TALL / ROOF_HEIGHT))
    ridge = flops / bandwidth
    found = np.array([point for named in points.values() for point in named.values()])
    (left, lowest), (right, _) = found.min(axis=0), found.max(axis=0)
    start, end = min(left, ridge) / 3, 1.8 * max(right, ridge)
    ax.set(xscale="log", yscale="log", xlim=(start, end), ylim=(0.8 * min(lowest, bandwidth * start), 1.35 * flops))
    ax.plot([start, ridge, end], [bandwidth * start, flops, flops], color=INK, linewidth=1.2)
    ax.plot([with_exp / bandwidth, end], [with_exp, with_exp], color=GREY, linestyle=(0, (4, 2)), linewidth=1)
    for name, named in points.items():
        color, marker, _ = STYLES[name]
        ax.plot(*np.transpose(list(named.values())), marker, color=color, **HOLLOW)
        _name_points(ax, NAMES[name], named, color)
    ax.set_xlabel("operations of the products for each byte that moves", labelpad=1)
    ax.set_title("operations a second", loc="left", pad=4)
    rounded = [first * 10.0**power for power in range(-3, 16) for first in (1, 2, 5)]
    ax.set_xticks(_within(ax.get_xlim(), rounded))
    ax.set_yticks(_within(ax.get_ylim(), rounded))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: _rate(v)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_locator(NullLocator())
    bottom, top = ax.get_ylim()
    angle = np.arctan2(ROOF_TALL / np.log(top / bottom), ROOF_WIDE / np.log(end / start))  # of the sloping roof on paper
    middle = np.sqrt(start * ridge)
    ax.annotate("memory", (middle, bandwidth * middle), (-4 * np.sin(angle), 4 * np.cos(angle)), textcoords="offset points",
                rotation=np.degrees(angle), rotation_mode="anchor", ha="center", va="bottom", fontsize=SMALL)
    ax.annotate(f"large matrix products: {_rate(flops)}", (end, flops), (0, 3), textcoords="offset points",
                ha="right", va="bottom", fontsize=SMALL)
    ax.annotate(f"with an exponential for each weight: {_rate(with_exp)}", (1.15 * ridge, with_exp), (0, -4),
                textcoords="offset points", color=GREY, va="top", fontsize=SMALL)
    return fig


def _name_points(ax, name, named, color):
    """The name beside the first point, and N beside the first and the last."""
    (first, start), (last, end) = list(named.items())[0], list(named.items())[-1]
    side, shift = ("left", (6, 0)) if np.isclose(start[0], end[0]) else ("center", (0, -10))  # points one below the other
    for text, point, side, shift in ((f"{name}, $N$ = {_whole(first)}", start, side, shift), (_whole(last), end, "left", (6, 0))):
        ax.annotate(text, point, shift, textcoords="offset points", color=color, ha=side, va="center_baseline", fontsize=SMALL)


def _within(ends, numbers):
    return [number for number in numbers if ends[0] <= number <= ends[1]]


def _points(curve):
    return list(curve), list(curve.values())


def _whole(number):
    """With a thin space between the thousands, as in the text."""
    return f"{number:,.0f}".replace(",", "\N{THIN SPACE}")


def _time(seconds, _):
    return f"{seconds:g} s" if seconds >= 1 else f"{1e3 * seconds:g} ms"


def _size(size, _):
    return f"{size / 2**30:g} GiB" if size >= 2**30 else f"{size / 2**20:g} MiB"


def _rate(rate):
    return f"{rate / 1e9:.3g} G"

"""The supplement's attention for long inputs: time and memory by length, and the roofline."""

from functools import partial

import numpy as np
from matplotlib.ticker import NullLocator

from plots.shapes import label
from plots.style import BLUE, GREY, INK, PAGE_WIDTH, SMALL, TEXT_WIDTH, Drawing, figure, place

STYLES = {
    "plain": ("CA 1 (a)", INK, "s", (0, (5, 2))),
    "jax": ("JAX", GREY, "^", (0, (1, 1.2))),
    "torch": ("PyTorch", GREY, "D", (0, (6, 1.5, 1, 1.5))),
    "ours": ("in blocks", BLUE, "o", "-"),
}
HOLLOW = {"markersize": 3.7, "markerfacecolor": "white", "markeredgewidth": 0.9}
TALL, WIDE, LINE = 1.68, 2.06, 0.14  # inches: a panel, and from one label to the next


def scaling(seconds, limit, held, output) -> Drawing:
    """The time of a call and the memory it holds, over N, all axes logarithmic.

    seconds and held: {name: {N: value}} with names of STYLES; limit: {N: seconds}; output:
    {N: bytes}.
    """
    fig, (left, right) = figure(PAGE_WIDTH, 2.3, ncols=2)
    place(left, 0.52, 0.4, WIDE, TALL)
    place(right, 3.86, 0.4, WIDE, TALL)
    left.set_title("time of a call", loc="left", pad=5)
    right.set_title("memory beside inputs and output", loc="left", pad=5)
    _curves(left, seconds, limit, "limit", _time, [10.0**k for k in range(-6, 6)])
    _curves(right, held, output, "the output", _size, [2.0**k for k in range(20, 50, 2)])
    caption = (
        "Time of a call, and memory held beside inputs and output, single precision. The limit is "
        "the time of the two products and one exponential a weight, at the rates that the machine "
        "reaches on each alone."
    )
    alt = (
        "Two panels over the number of inputs, with logarithmic axes. Left, time: "
        f"{_ends(seconds, _time)}. Right, memory: {_ends(held, _size)}."
    )
    return Drawing(fig, caption, alt)


def _curves(ax, curves, thin, name_of_thin, formatted, ticks):
    """The named curves and a thin one, each with its name at its end."""
    longest, ends = max(thin), {name_of_thin: (max(thin), thin[max(thin)], GREY)}
    ax.set(xscale="log", yscale="log", xlim=(0.82 * min(thin), 1.1 * longest))
    ax.plot(list(thin), list(thin.values()), color=GREY, linewidth=0.8)
    for which, curve in curves.items():
        name, colour, marker, dashes = STYLES[which]
        ax.plot(list(curve), list(curve.values()), marker, ls=dashes, color=colour, **HOLLOW)
        ends[name] = max(curve), curve[max(curve)], colour
    _ticks(ax.xaxis, list(thin), _whole)
    _ticks(ax.yaxis, _within(ax.get_ylim(), ticks), formatted)
    ax.set_xlabel("inputs $N$", labelpad=1)
    low, high = np.log(ax.get_ylim())
    beside = {name: TALL * (np.log(y) - low) / (high - low) for name, (x, y, _) in ends.items()}
    beside = _apart({name: y for name, y in beside.items() if ends[name][0] == longest})
    for name, (x, y, colour) in ends.items():
        if x < longest:
            label(ax, name, (x, y), (-6, 3), color=colour, ha="right")
            continue
        line = {"arrowstyle": "-", "color": colour, "lw": 0.5, "relpos": (0, 0.5)}
        line |= {"shrinkA": 2, "shrinkB": 2.5}
        spot = {"xytext": (1 + 0.13 / WIDE, beside[name] / TALL), "textcoords": "axes fraction"}
        style = {"color": colour, "fontsize": SMALL, "va": "center_baseline"}
        ax.annotate(name, (x, y), **spot, **style, arrowprops=line)


def _apart(heights):
    """{name: height} moved just enough that no labels overlap."""
    names, heights = zip(*sorted(heights.items(), key=lambda item: item[1]), strict=True)
    heights = np.array(heights)
    for _ in range(200):
        for n, missing in enumerate(np.maximum(0, LINE - np.diff(heights))):
            heights[n : n + 2] += -missing / 2, missing / 2
    return dict(zip(names, heights, strict=True))


def roofline(flops, bandwidth, with_exp, points) -> Drawing:
    """Operations a second over operations a byte, under roofs of memory, products, exponentials.

    flops: a second; bandwidth: bytes a second; with_exp: operations of the products a second if
    each weight takes an exponential too; points: {name: {N: (operations a byte, operations a
    second)}} with names of STYLES.
    """
    fig, ax = figure(TEXT_WIDTH, 2.15)
    place(ax, 0.5, 0.4, TEXT_WIDTH - 0.56, 1.52)
    ridge = flops / bandwidth
    start, end, low = _edges(ridge, bandwidth, points)
    ax.set(xscale="log", yscale="log", xlim=(start, end), ylim=(low, 1.35 * flops))
    ax.plot([start, ridge, end], [bandwidth * start, flops, flops], color=INK)
    ax.hlines(with_exp, with_exp / bandwidth, end, GREY, (0, (4, 2)), linewidth=1)
    for which, named in points.items():
        _marks(ax, STYLES[which], named)
    ax.set_xlabel("operations of the products for each byte that moves", labelpad=1)
    ax.set_title("operations a second (G: $10^9$)", loc="left", pad=4)
    rounded = [first * 10.0**power for power in range(-3, 16) for first in (1, 2, 5)]
    _ticks(ax.xaxis, _within((start, end), rounded), "{:g}".format)
    _ticks(ax.yaxis, _within(ax.get_ylim(), rounded), _rate)
    top = f"large matrix products: {_rate(flops)}"
    label(ax, top, (end, flops), (0, 3), ha="right", va="bottom")
    dashed = f"with an exponential for each weight: {_rate(with_exp)}"
    label(ax, dashed, (1.15 * ridge, with_exp), (0, -4), color=GREY, va="top")
    middle = np.sqrt(start * ridge)
    label(ax, "memory", (middle, bandwidth * middle), (8, -4), va="top")
    caption = (
        "Vertical: arithmetic operations of the two matrix products in a second. Horizontal: "
        "operations for each byte that is moved to or from memory (counted, not measured). Each "
        "mark is one $N$, in single precision. No program can be above the lines, of which those "
        "for memory and products are measured; the dashed one follows from the rates of products "
        "and exponentials."
    )
    longest = {STYLES[which][0]: named[max(named)] for which, named in points.items()}
    alt = (
        "Logarithmic axes. A roof rises and then is flat at "
        f"{_rate(flops)} operations a second. At the longest input: "
        + ", ".join(f"{name} {_rate(reached)}" for name, (_, reached) in longest.items())
    )
    return Drawing(fig, caption, alt + ".")


def _edges(ridge, bandwidth, points):
    """Left, right and lower end of the axes: all points and the foot of the roof are inside."""
    found = np.array([point for named in points.values() for point in named.values()])
    (left, lowest), (right, _) = found.min(axis=0), found.max(axis=0)
    start = min(left, ridge) / 3
    return start, 1.8 * max(right, ridge), 0.8 * min(lowest, bandwidth * start)


def _marks(ax, style, named):
    """A mark for each N, the first and the last with a label; named: {N: point}."""
    name, colour, marker, _ = style
    ax.plot(*np.transpose(list(named.values())), marker, color=colour, **HOLLOW)
    first, last = min(named), max(named)
    upright = np.isclose(named[first][0], named[last][0])  # points one below the other
    side, shift = ("left", (6, 0)) if upright else ("center", (0, -10))
    label(ax, f"{name}, $N$ = {_whole(first)}", named[first], shift, color=colour, ha=side)
    if last > first:
        label(ax, _whole(last), named[last], (6, 0), color=colour)


def _ends(curves, formatted):
    ends = {STYLES[name][0]: (curve[max(curve)], max(curve)) for name, curve in curves.items()}
    return ", ".join(f"{name} {formatted(value)} for N = {N}" for name, (value, N) in ends.items())


def _ticks(axis, values, formatted):
    axis.set_ticks(values, [formatted(value) for value in values])
    axis.set_minor_locator(NullLocator())


def _within(ends, numbers):
    return [number for number in numbers if ends[0] <= number <= ends[1]]


def _whole(number):
    """A whole number with a thin space between the thousands."""
    return f"{number:,.0f}".replace(",", "\N{THIN SPACE}")


def _with_unit(value, units):
    size, unit = next((pair for pair in units if value >= pair[0]), units[-1])
    return f"{value / size:.3g} {unit}"


_time = partial(_with_unit, units=((1, "s"), (1e-3, "ms"), (1e-6, "µs")))
_size = partial(_with_unit, units=((2**30, "GiB"), (2**20, "MiB")))
_rate = partial(_with_unit, units=((1e9, "G"),))

"""The figures that depend on the case: whatever its sizes, their text can be read and shows the numbers it should."""

import re
from pathlib import Path

import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from benchmarks import measurements
from plots import attention as plot
from plots import memory, style
from solutions import cases
from solutions.attention import multi_head_self_attention

SIZES = [(2, 1, 1), (3, 8, 2), (3, 8, 4), (5, 6, 1), (5, 6, 3), (6, 12, 2), (8, 8, 8), (10, 6, 3),
         (11, 6, 3), (14, 15, 3), (30, 4, 2), (4, 64, 64)]


def test_the_figures_are_as_wide_as_the_page():
    """What house.sty says in millimetres, style.py says in inches; a wider figure would lose its place beside its caption."""
    house = (Path(style.__file__).parents[1] / "weaving/house.sty").read_text()
    of = {name: float(mm) / 25.4 for name, mm in re.findall(r"(textwidth|marginparwidth|marginparsep)=([\d.]+)mm", house)}
    assert style.TEXT_WIDTH == pytest.approx(of["textwidth"], abs=0.01)
    assert style.PAGE_WIDTH == pytest.approx(sum(of.values()), abs=0.01)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def results(N, D, H):
    """A case, and (Y, A) for one head and for H heads, before and after the swap of the first two inputs."""
    rng = np.random.default_rng(3)
    W = {name: rng.standard_normal((D, D)) / D**0.5 for name in ("W_q", "W_k", "W_v")}
    case = cases.Case(X=3 * rng.standard_normal((N, D)), **W, heads=tuple({1: 0, H: 0}))
    weights, swap = (case.W_q, case.W_k, case.W_v, case.W_o), [1, 0, *range(2, N)]
    return case, *({h: multi_head_self_attention(X, *weights, h) for h in case.heads} for X in (case.X, case.X[swap]))


def drawn_texts(fig):
    fig.canvas.draw()
    return [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip() and _shown(text)]


def _shown(text):
    return text.axes is None or text.axes.get_visible()


def check(fig, smallest=7.5):
    """No text is small, cut off, or covered by another."""
    texts = drawn_texts(fig)
    width, height = fig.canvas.get_width_height()
    assert fig.get_size_inches()[0] <= style.PAGE_WIDTH + 1e-9
    boxes = [text.get_window_extent().padded(-0.5) for text in texts]
    for n, (text, box) in enumerate(zip(texts, boxes)):
        assert text.get_fontsize() >= smallest, text
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, text
        for other, second in zip(texts[:n], boxes):
            assert not box.overlaps(second) or text.get_rotation() % 90 or other.get_rotation() % 90, (text, other)
    return texts


@pytest.mark.parametrize("N, D, H", SIZES)
def test_the_way_from_X_to_Y(N, D, H):
    case, *_ = results(N, D, H)
    texts = [text.get_text() for text in check(plot.flow(case, H), smallest=8)]
    assert texts.count(f"{N} × {D}") >= 3 and f"{N} × {N}" in texts and f"{N} × {D // H} each" in texts
    assert rf"$\mathbf{{A}}_{{{H}}}$" in texts


@pytest.mark.parametrize("N, D, H", SIZES)
def test_heat_maps(N, D, H):
    _, before, _ = results(N, D, H)
    weights = {h: A for h, (_, A) in before.items()}
    fig = plot.heat_maps(weights)
    check(fig)
    panels = [A for heads in weights.values() for A in heads]
    written = [ax for ax in fig.axes if ax.texts]
    assert len(written) in (0, len(panels)) and (written or N > 12 or H > 12)
    for ax, A in zip(fig.axes, panels):
        np.testing.assert_array_equal(ax.images[0].get_array(), A)
    for ax, A in zip(written, panels):
        assert [text.get_text() for text in ax.texts] == [f"{a:.2f}" for a in A.flat]
        assert [text.get_position() for text in ax.texts[:2]] == [(0, 0), (1, 0)]


@pytest.mark.parametrize("N, D, H", SIZES)
def test_the_swap_fits(N, D, H):
    _, before, after = results(N, D, H)
    check(plot.swap(*((Y, A[0]) for Y, A in (before[1], after[1]))))


def test_the_swap_shows_what_moves():
    """Numbers are read off the picture, row by row: Y, then A, before and after."""
    _, before, after = results(4, 3, 1)
    pairs = [(Y, A[0]) for Y, A in (before[1], after[1])]
    texts = plot.swap(*pairs).axes[0].texts
    rows = {}
    for text in texts:
        if "." in text.get_text():
            x, y = text.get_position()
            rows.setdefault(round(-y, 6), []).append((x, float(text.get_text().replace("−", "-"))))
    read = np.array([[value for _, value in sorted(row)] for _, row in sorted(rows.items())])
    expected = np.hstack([matrix for name in zip(*pairs) for matrix in name])
    np.testing.assert_allclose(read[:, :6], expected[:, :6], atol=0.0501)
    np.testing.assert_allclose(read[:, 6:], expected[:, 6:], atol=0.00501)
    assert np.array_equal(read[[1, 0, 2, 3], :3], read[:, 3:6]) and not np.array_equal(read[:, :3], read[:, 3:6])
    assert np.array_equal(read[[1, 0, 2, 3]][:, [7, 6, 8, 9]], read[:, 10:])


def test_the_frames_and_names_follow_the_tokens():
    """Token 1 has the solid frame, before and after: of Y the row, of A the row and the column."""
    _, before, after = results(4, 3, 1)
    ax = plot.swap(*((Y, A[0]) for Y, A in (before[1], after[1]))).axes[0]
    names = [int(text.get_text()) for text in ax.texts if text.get_fontweight() == "bold"]
    solid = [frame.get_linestyle() == "-" for frame in ax.patches
             if isinstance(frame, Rectangle) and matplotlib.colors.same_color(frame.get_edgecolor(), style.RUST)]
    assert names == [1, 2, 2, 1] + [1, 2] * 2 + [2, 1] * 2
    assert solid == [True, False, False, True] + [True] * 2 + [False] * 4 + [True] * 2


def test_a_number_never_is_minus_zero():
    assert plot._number(-0.04, 1) == "0.0" and plot._number(-0.06, 1) == "-0.1"


def test_the_measurements():
    measured = measurements.read()
    seconds, held = ({name: values(name) for name in memory.STYLES} for values in (
        lambda name: measurements.seconds(measured, "float32", name), lambda name: measurements.held(measured, name)))
    sizes = list(seconds["ours"])
    texts = [text.get_text() for text in check(memory.scaling(
        seconds, {N: measurements.limit(measured, "float32", N) for N in sizes}, held, {N: 2048 * N for N in sizes}), smallest=8)]
    assert all(texts.count(name) == 2 for name in memory.NAMES.values()) and texts.count("16\N{THIN SPACE}384") == 2
    texts = [text.get_text() for text in check(memory.roofline(2e11, 5e10, 1.8e11, {
        "plain": {512: (5.3, 6e10), 4096: (5.3, 1.6e10)}, "ours": {512: (85, 1.2e11), 16384: (187, 1.5e11)}}), smallest=8)]
    assert {"memory", "in blocks, $N$ = 512", "the function of (a), $N$ = 512", "16\N{THIN SPACE}384"} <= {*texts}

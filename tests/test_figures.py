"""Figures, for cases of any size: readable text, and the right numbers."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawings import faults, texts
from matplotlib.colors import same_color
from matplotlib.patches import Rectangle

from plots import attention, least_squares, memory, positional, shapes, style
from solutions.attention import multi_head_self_attention, scaled_dot_product_attention
from solutions.positional import one_hot, random_cosines, simplex, sinusoidal

pytestmark = pytest.mark.slow

SIZES = [(1, 1, 1), (2, 4, 2), (5, 6, 3), (7, 6, 2), (13, 4, 2), (200, 8, 4), (4, 64, 64)]
HOUSE = (Path(style.__file__).parents[1] / "weaving/house.sty").read_text()


def checked(drawing, width=style.PAGE_WIDTH):
    """The texts of a drawing; fails if they, its caption or its alt text are unreadable."""
    assert faults(drawing.figure, width) == []
    assert drawing.caption and drawing.alt and not set(drawing.alt) & set("\\{}$%&#_^~\n")
    assert drawing.caption.count("$") % 2 == 0
    return texts(drawing.figure)


def results(N, D, H, scale=1.0):
    """{H: (Y, A)} for one head and for H, before and after the swap of the first two inputs."""
    X, *weights = (np.random.default_rng(3).standard_normal((n, D)) for n in (N, D, D, D))
    order = [1, 0, *range(2, N)] if N > 1 else [0]
    inputs = scale * X, scale * X[order]
    return [
        {h: multi_head_self_attention(Z, *weights, np.eye(D), h) for h in {1, H}} for Z in inputs
    ]


def frames_of(drawing):
    return [patch for patch in drawing.figure.axes[0].patches if isinstance(patch, Rectangle)]


# The house ----------------------------------------------------------------------------------------


def test_widths_are_those_of_the_page():
    found = re.findall(r"(textwidth|marginparwidth|marginparsep)=([\d.]+)mm", HOUSE)
    widths = {name: float(mm) / 25.4 for name, mm in found}
    assert widths["textwidth"] == pytest.approx(style.TEXT_WIDTH)
    assert sum(widths.values()) == pytest.approx(style.PAGE_WIDTH)


def test_the_palette_is_that_of_the_house_style_and_of_the_html_page():
    house = dict(re.findall(r"\\definecolor\{(\w+)\}\{HTML\}\{(\w+)\}", HOUSE))
    sheet = (Path(style.__file__).parents[1] / "weaving/page.css").read_text()
    page = dict(re.findall(r"--(\w+): #(\w+)", re.search(r":root \{(.*?)\}", sheet, re.DOTALL)[1]))
    shared = style.PALETTE.keys() & house.keys()
    assert shared >= {"accent", "second", "rulegrey", "paper"}
    for colours, names in ((house, shared), (page, ("accent", "second"))):
        for name in names:
            assert same_color(f"#{colours[name]}", style.PALETTE[name]), name


def test_figures_do_without_pyplot():
    modules = "plots.attention, plots.chronos, plots.least_squares, plots.memory, plots.positional"
    code = f"import sys, {modules}\nassert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(style.__file__).parents[1])


@pytest.mark.parametrize(
    "about, fault",
    [
        ({"color": "#888888"}, "contrast 3.5"),
        ({"color": "white"}, "contrast 1.0"),
        ({"fontsize": 7}, "7.0 pt"),
        ({"x": 0.05}, "leaves the figure"),
        ({"y": 0.42}, "touches a line"),
    ],
)
def test_unreadable_text_is_found(about, fault):
    fig, ax = shapes.canvas(2, 1)
    ax.plot([0, 2], [0.4, 0.4], color="black")
    ax.plot([0, 2], [0.6, 0.6], color="black")
    shapes.box(ax, 1, 0.6, 0.5, 0.2, "hidden", look={"linewidth": 0, "zorder": 2.5})
    assert faults(fig, 2) == []
    fig, ax = shapes.canvas(2, 1)
    ax.plot([0, 2], [0.4, 0.4], color="black")
    shapes.words(ax, **{"x": 1, "y": 0.8, "text": "words"} | about)
    assert [found for found in faults(fig, 2) if fault in found]


# Attention ----------------------------------------------------------------------------------------


def test_in_brief_shows_its_numbers():
    q, k, v = np.array([[[2, 0], [0, 1]], [[1, 0], [-0.5, 1]], [[2, 0], [0, 4]]], float)
    Y, A = scaled_dot_product_attention(q, k, v)
    found = checked(attention.in_brief(np.eye(2), q, k, v, q @ k.T / 2**0.5, A, Y))
    assert "$s_{12}$ = −0.71" in found and f"$a_{{11}}$ = {A[0, 0]:.2f}" in found
    assert rf"$\mathbf{{y}}_1$ = ({Y[0, 0]:.2f}, {Y[0, 1]:.2f})" in found


@pytest.mark.parametrize("N, D, H", [*SIZES, (5, 6, 1), (200, 512, 8)])
def test_flow_shows_the_shapes(N, D, H):
    found = checked(attention.flow(N, D, H))
    assert found.count(f"{N} × {N}") >= 2 and found.count(f"{N} × {D // H}") >= 4
    assert found.count(f"{N} × {D}") >= 6


def test_flow_needs_a_number_of_heads_that_divides_D():
    with pytest.raises(ValueError, match="6.*4"):
        attention.flow(5, 6, 4)


@pytest.mark.parametrize("N, D, H", SIZES)
def test_heat_maps(N, D, H):
    before, _ = results(N, D, H, 0.2)
    even = np.full((H, N, N), 1 / N)
    for drawing, A in (
        (attention.weights_heads(even), even),
        (attention.weights_one_head(before[1][1][0]), before[1][1]),
        (attention.weights_heads(before[H][1], N - 1), before[H][1]),
    ):
        found = checked(drawing)
        *meshes, scale = drawing.figure.axes[0].collections
        assert len(meshes) == len(A) and scale.get_array().max() == 1
        darkest = 1 if A.max() > 0.5 else A.max()  # the same shades for one head and for several
        for mesh, A_h in zip(meshes, A, strict=False):
            np.testing.assert_allclose(mesh.get_array(), A_h / darkest)
        assert f"{darkest:.2g}" in found and "0" in found


def test_the_query_that_the_text_follows_is_framed():
    A = np.full((2, 4, 4), 0.25)
    assert not frames_of(attention.weights_heads(A))
    A[0, 2], A[1, 2] = [0, 0, 0, 1], [1, 0, 0, 0]
    drawing = attention.weights_heads(A, query=2)
    checked(drawing)
    assert "query 3 (framed)" in drawing.caption and "query 3" in drawing.alt
    assert "key 4 in head 1 and key 1 in head 2" in drawing.caption
    frames, meshes = frames_of(drawing), drawing.figure.axes[0].collections
    for frame, mesh in zip(frames, meshes[:2], strict=True):
        ys = np.unique(mesh.get_coordinates()[..., 1])[::-1]
        assert frame.get_y() < ys[3] < ys[2] < frame.get_y() + frame.get_height() < ys[1]


@pytest.mark.parametrize("N, D, H", [*SIZES, (5, 6, 1), (14, 6, 3)])
@pytest.mark.parametrize("scale", [0, 1e-6, 1, 1e6])
def test_swap_of_any_size(N, D, H, scale):
    drawing = attention.swap(*results(N, D, H, scale))
    checked(drawing)
    assert (f"5 of {N} tokens" in drawing.caption) == (N > 5)
    assert ("nothing to swap" in drawing.alt) == (N == 1)
    assert ("Several heads" in drawing.caption) == (H > 1 and N > 1)


def test_swap_shows_what_moves():
    """Shades before and after, the signs of Y, frames of two rows or columns, crossing lines."""
    before, after = results(4, 6, 3, 0.2)
    drawing = attention.swap(before, after)
    ax = drawing.figure.axes[0]
    Y, Y_after, A, A_after = (mesh.get_array() for mesh in ax.collections)
    order = [1, 0, 2, 3]
    np.testing.assert_allclose(Y, np.abs(before[1][0]) / np.abs(before[1][0]).max())
    np.testing.assert_allclose(A, before[1][1][0] / attention.darkest(before[1][1]))
    np.testing.assert_allclose(Y[order], Y_after, atol=1e-12)
    np.testing.assert_allclose(A[order][:, order], A_after, atol=1e-12)
    assert texts(drawing.figure).count("−") == 2 * (before[1][0] < 0).sum()
    sizes = [(frame.get_width(), frame.get_height()) for frame in frames_of(drawing)]
    assert [tall > wide for wide, tall in sizes] == [False, False, False, True, False, True]
    tall = [2 * attention.CELL] * 3 + [4 * attention.CELL]
    np.testing.assert_allclose([size[1] for size in sizes[:4]], tall, atol=0.04)
    steps = [np.ptp(line.get_ydata()) for line in ax.lines]
    np.testing.assert_allclose(steps, 2 * [attention.CELL, attention.CELL, 0, 0])


def test_heads_that_fit_on_a_page_are_drawn():
    drawing = attention.weights_heads(np.full((100, 3, 3), 1 / 3))
    assert "head 64" in checked(drawing) and "64 of 100" in drawing.caption


# Exercises 1 and 3 --------------------------------------------------------------------------------


def test_four_terms():
    drawing = positional.four_terms()
    assert checked(drawing, style.TEXT_WIDTH).count(r"$\mathbf{M}$") == 4
    hatches = [patch.get_hatch() for patch in drawing.figure.axes[0].patches if patch.get_hatch()]
    assert len(set(hatches[:4])) == 1 and len(set(hatches[3:])) == 5


@pytest.mark.parametrize("N", [1, 2, 33, 200])
def test_similarity_by_distance(N):
    P, Q = one_hot(N), sinusoidal(N, 8)
    drawing = positional.similarity(P, Q)
    checked(drawing, style.TEXT_WIDTH)
    wave, flat = drawing.figure.axes[0].lines
    shifted = [Q[t] @ Q[t + distance] / 4 for distance in range(N) for t in [N - 1 - distance]]
    np.testing.assert_allclose(wave.get_ydata(), shifted, atol=1e-12)
    np.testing.assert_array_equal(flat.get_ydata(), np.arange(N) == 0)


def test_geometry_has_the_given_vectors_and_densities():
    cosines = {dim: random_cosines(dim, 20_000) for dim in (4, 32, 256)}
    drawing = positional.geometry(simplex(2), cosines)
    checked(drawing, style.TEXT_WIDTH)
    *circles, densities = drawing.figure.axes
    for ax, vectors in zip(circles, (np.eye(2), simplex(2)), strict=True):
        ends = [text.xy for text in ax.texts if not text.get_text()]
        np.testing.assert_array_equal(ends, vectors)
    for steps, dim in zip(densities.patches, cosines, strict=True):
        heights, edges, _ = steps.get_data()
        middles = (edges[1:] + edges[:-1]) / 2
        assert np.diff(edges) @ heights == pytest.approx(1)
        assert np.diff(edges) * middles**2 @ heights == pytest.approx(1 / dim, rel=0.05)


@pytest.mark.parametrize("c", [0.6, 0.99, 0.1, 0, -0.7])
def test_regression_lines_join_the_middles_of_chords(c):
    drawing = least_squares.regressions(c)
    checked(drawing, style.TEXT_WIDTH)
    for ax, guessed in zip(drawing.figure.axes, (1, 0), strict=True):
        points = [np.array(line.get_xydata()) for line in ax.lines]
        chords = [line for line in points[1:-2] if np.ptp(line[:, 1 - guessed]) == 0]
        middles = points[-1]
        np.testing.assert_allclose(np.mean(chords, axis=1), middles, atol=1e-12)
        np.testing.assert_allclose(middles[:, guessed], c * middles[:, 1 - guessed])
        for x, y in np.vstack([points[0], *chords]):
            assert x**2 - 2 * c * x * y + y**2 == pytest.approx(4 * (1 - c**2))


@pytest.mark.parametrize("c", [-1, 1, 1.5, np.nan])
def test_regressions_need_an_ellipse(c):
    with pytest.raises(ValueError, match=str(c)):
        least_squares.regressions(c)


# The supplement -----------------------------------------------------------------------------------


def test_scaling():
    sizes = [512, 2048, 16384]
    curves = {
        name: {N: 1e-9 * 4 ** (4 - n) * N**2 for N in sizes[: 3 - (name == "plain")]}
        for n, name in enumerate(memory.STYLES)
    }
    held = {name: dict.fromkeys(sizes, 2**20 * 1.3**n) for n, name in enumerate(memory.STYLES)}
    thin = {N: 1e-9 * N**2 for N in sizes}
    drawing = memory.scaling(curves, thin, held, {N: 2048 * N for N in sizes})
    found = checked(drawing)
    assert all(found.count(name) == 2 for name, *_ in memory.STYLES.values())
    assert found.count("16\N{THIN SPACE}384") == 2


def test_roofline():
    plain, ours = {512: (5.3, 6e10), 4096: (5.3, 1.6e10)}, {512: (85, 1.2e11), 16384: (187, 1.5e11)}
    drawing = memory.roofline(2e11, 5e10, 1.8e11, {"plain": plain, "ours": ours})
    found = checked(drawing, style.TEXT_WIDTH)
    assert {"memory", "in blocks, $N$ = 512", "16\N{THIN SPACE}384"} <= {*found}
    assert "150 G" in drawing.alt

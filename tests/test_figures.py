"""Figures, whatever the sizes of the case: their text can be read, and it shows the numbers it should."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from drawings import faults, texts
from plots import attention, positional, style
from solutions.attention import scaled_dot_product_attention

SIZES = [(1, 1, 1), (2, 1, 1), (3, 8, 4), (5, 6, 1), (5, 6, 3), (8, 8, 8), (14, 15, 3), (200, 64, 64)]
HOUSE = (Path(style.__file__).parents[1] / "weaving/house.sty").read_text()


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def checked(drawing, width=style.PAGE_WIDTH):
    """The drawing's texts, after a look for what a reader would object to."""
    assert not faults(drawing.figure, width)
    assert drawing.caption and not set(drawing.alt) & set("\\{}$%&#_^~\n")
    return texts(drawing.figure)


def test_the_widths_are_those_of_the_page():
    widths = {name: float(mm) / 25.4
              for name, mm in re.findall(r"(textwidth|marginparwidth|marginparsep)=([\d.]+)mm", HOUSE)}
    assert style.TEXT_WIDTH == pytest.approx(widths["textwidth"])
    assert style.MARGIN_WIDTH == pytest.approx(widths["marginparwidth"])
    assert style.PAGE_WIDTH == pytest.approx(sum(widths.values()))


def test_the_page_has_the_colours_of_the_palette():
    page = dict(re.findall(r"\\definecolor\{(\w+)\}\{HTML\}\{(\w+)\}", HOUSE))
    shared = style.PALETTE.keys() & page.keys()
    assert shared >= {"accent", "second", "rulegrey", "paper"}
    assert {name: "#" + page[name] for name in shared} == {name: style.PALETTE[name] for name in shared}


@pytest.mark.parametrize("scale", [1, 2**-0.5])
def test_one_page_shows_its_numbers(scale):
    X, q, k, v = np.array([[[1, 0], [0, 1]], [[2, 0], [0, 1]], [[1, 0], [-0.5, 1]], [[2, 0], [0, 4]]], float)
    scores = scale * q @ k.T
    A = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    found = " ".join(checked(attention.one_page(X, q, k, v, scores, A, A @ v)))
    assert f"= {scores[0, 0]:.2f}" in found and f"= {A[0, 1]:.2f}" in found and "(−0.5, 1)" in found
    assert ("√" in found) == (scale != 1)


def test_one_page_refuses_scores_that_are_none():
    one = np.eye(2)
    with pytest.raises(ValueError, match="3.0"):
        attention.one_page(one, one, one, one, 3 * one, one, one)


def test_one_page_agrees_with_the_solution():
    q, k, v = np.random.default_rng(1).integers(-2, 3, (3, 2, 2)).astype(float)
    Y, A = scaled_dot_product_attention(q, k, v)
    checked(attention.one_page(q, q, k, v, q @ k.T / 2**0.5, A, Y))


def test_the_four_terms():
    found = checked(positional.four_terms(), style.TEXT_WIDTH)
    assert found.count(r"$\mathbf{M}$") == 4 and r"$\mathbf{M}^{px}$" in found


@pytest.mark.parametrize("N, D, H", SIZES)
def test_the_way_from_X_to_Y(N, D, H):
    found = checked(attention.flow(N, D, H))
    assert found.count(f"{N} × {N}") >= 2 and found.count(f"{N} × {D // H}") >= 4
    assert found.count(f"{N} × {D}") >= 6


def test_the_way_from_X_to_Y_needs_heads_of_one_width():
    with pytest.raises(ValueError, match="6.*4"):
        attention.flow(5, 6, 4)

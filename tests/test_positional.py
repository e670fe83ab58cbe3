"""Exercise 1: embeddings against their definitions, by loops where the code uses arrays."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solutions import positional


@pytest.mark.parametrize("dim", [1, 2, 3, 8, 50])
def test_the_simplex_has_unit_vectors_at_equal_distances(dim):
    G = positional.simplex(dim) @ positional.simplex(dim).T
    np.testing.assert_allclose(G, (1 + 1 / dim) * np.eye(dim + 1) - 1 / dim, atol=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 7])
def test_the_simplex_reaches_the_welch_bound(dim):
    assert positional.welch_bound(dim + 1, dim) == pytest.approx(1 / dim)


def test_the_icosahedron_reaches_the_welch_bound():
    golden = (1 + 5**0.5) / 2
    axes = np.array(
        [
            [0, 1, golden],
            [0, 1, -golden],
            [1, golden, 0],
            [1, -golden, 0],
            [golden, 0, 1],
            [-golden, 0, 1],
        ]
    )
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    largest = np.abs(axes @ axes.T - np.eye(6)).max()
    assert largest == pytest.approx(positional.welch_bound(6, 3))


@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 10**6))
def test_no_unit_vectors_beat_the_welch_bound(n, dim, seed):
    P = np.random.default_rng(seed).standard_normal((n, dim))
    P /= np.linalg.norm(P, axis=1, keepdims=True)
    assert np.abs(P @ P.T - np.eye(n)).max() >= positional.welch_bound(n, dim) - 1e-12


@pytest.mark.parametrize("dim", [4, 64])
def test_random_cosines_have_mean_zero_and_variance_one_over_dim(dim):
    cosines = positional.random_cosines(dim, 20_000)
    assert cosines.mean() == pytest.approx(0, abs=0.02) and cosines.var() == pytest.approx(
        1 / dim, rel=0.05
    )


def test_one_hot_embeddings():
    assert positional.one_hot(3).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_sinusoids_against_the_formula():
    P = positional.sinusoidal(20, 8)
    for t in range(20):
        for m in range(4):
            angle = t / 10_000 ** (2 * m / 8)
            assert P[t, 2 * m : 2 * m + 2] == pytest.approx([math.sin(angle), math.cos(angle)])


def test_inner_products_of_sinusoids_depend_on_the_distance_alone():
    G = positional.sinusoidal(12, 6) @ positional.sinusoidal(12, 6).T
    for k in range(12):
        diagonal = np.diag(G, k)
        assert diagonal == pytest.approx(np.full(12 - k, diagonal[0]))


@pytest.mark.parametrize(
    "call, numbers",
    [
        (lambda: positional.simplex(0), "0"),
        (lambda: positional.welch_bound(0, 3), "0"),
        (lambda: positional.sinusoidal(4, 5), "5"),
        (lambda: positional.sinusoidal(4, 0), "0"),
    ],
)
def test_impossible_sizes_are_refused(call, numbers):
    with pytest.raises(ValueError, match=numbers):
        call()

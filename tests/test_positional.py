"""Exercise 1: embeddings against their definitions, by loops where the code uses arrays."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solutions import positional


@pytest.mark.parametrize("dim", [1, 2, 3, 8, 50])
def test_simplex_has_unit_vectors_at_equal_distances(dim):
    G = positional.simplex(dim) @ positional.simplex(dim).T
    np.testing.assert_allclose(G, (1 + 1 / dim) * np.eye(dim + 1) - 1 / dim, atol=1e-12)


@pytest.mark.parametrize(
    "n, dim, bound",
    [(2, 1, 1), (3, 2, 1 / 2), (8, 7, 1 / 7), (6, 3, 5**-0.5), (3, 3, 0)],
    ids=["simplex in 1-D", "triangle", "simplex in 7-D", "icosahedron's axes", "orthogonal"],
)
def test_welch_bound_where_it_is_reached(n, dim, bound):
    assert positional.welch_bound(n, dim) == pytest.approx(bound)


@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 10**6))
def test_no_unit_vectors_beat_the_welch_bound(n, dim, seed):
    P = np.random.default_rng(seed).standard_normal((n, dim))
    P /= np.linalg.norm(P, axis=1, keepdims=True)
    assert np.abs(P @ P.T - np.eye(n)).max() >= positional.welch_bound(n, dim) - 1e-12


@pytest.mark.parametrize("dim", [4, 64])
def test_random_cosines_have_mean_zero_and_variance_one_over_dim(dim):
    cosines = positional.random_cosines(dim, 20_000)
    assert cosines.mean() == pytest.approx(0, abs=0.02)
    assert cosines.var() == pytest.approx(1 / dim, rel=0.05)


def test_the_largest_cosine_grows_with_the_number_of_directions():
    two, many = (positional.largest_cosine(n, 400, seed=0) for n in (2, 100))
    assert 0 < two < many < 0.3


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
def test_sizes_below_one_and_odd_widths_are_refused(call, numbers):
    with pytest.raises(ValueError, match=numbers):
        call()

"""The toy Particle Transformer of code/solutions once more: the tagger by loops over tokens, its random inputs draw by draw."""

from itertools import permutations
from math import erf, exp, sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from solutions.particle_transformer import (biased_attention, gelu, largest_changes, pair_bias, pair_features, tagger, toy_jet,
                                            toy_weights)

N, D, H, C = 4, 6, 2, 4


@pytest.fixture
def jet():
    rng = np.random.default_rng(8)
    X, p = toy_jet(rng, N)
    W = toy_weights(rng)
    return X, p, W, pair_bias(p, W["pair"]), rng.standard_normal((N, D))


def attend(tokens, keys, U, W):
    """Each token's heads, joined: token by token, key by key."""
    rows = []
    for i, token in enumerate(tokens):
        row = []
        for h in range(H):
            q, K, V = W[0][h] @ token, [W[1][h] @ key for key in keys], [W[2][h] @ key for key in keys]
            weights = [exp(q @ k / sqrt(len(q)) + U[h][i][j]) for j, k in enumerate(K)]
            row.extend(sum(a * v for a, v in zip(weights, V)) / sum(weights))
        rows.append(np.array(row))
    return rows


def gelu_of(v):
    return np.array([x * (1 + erf(x / sqrt(2))) / 2 for x in v])


def by_loops(X, U, W, positions):
    tokens = [W["embed"] @ x + b for x, b in zip(X, positions)]
    tokens = [z + y for z, y in zip(tokens, attend(tokens, tokens, U, W["block"]))]
    tokens = [z + W["down"] @ gelu_of(W["up"] @ z) for z in tokens]
    c = W["class"][0]
    c = c + attend([c], [c, *tokens], np.zeros((H, 1, N + 1)), W["class block"])[0]
    return W["head"] @ c


def test_the_tagger_is_its_loops(jet):
    X, p, W, U, B = jet
    assert_allclose(tagger(X, U, W, B), by_loops(X, U, W, B), rtol=1e-12)
    assert_allclose(tagger(X, U, W), by_loops(X, U, W, np.zeros((N, D))), rtol=1e-12)


def test_the_largest_changes_are_those_over_all_orders():
    rng = np.random.default_rng(6)
    X, p = toy_jet(rng, 3)
    W = toy_weights(rng)
    U, B = pair_bias(p, W["pair"]), rng.standard_normal((3, 6))
    orders = [list(order) for order in permutations(range(3))]
    largest = lambda after, before: max(np.abs(logits - before).max() for logits in after)
    found = largest_changes(N=3, seed=6)
    assert found["left in place"] == largest([tagger(X[order], U, W) for order in orders], tagger(X, U, W))
    moved = [pair_bias(p[order], W["pair"]) for order in orders]
    assert found["moved along"] == largest([tagger(X[o], u, W) for o, u in zip(orders, moved)], tagger(X, U, W))
    assert found["positions"] == largest([tagger(X[o], u, W, B) for o, u in zip(orders, moved)], tagger(X, U, W, B))
    assert largest_changes() == largest_changes(N=5, seed=2022)


def test_the_random_weights_have_rows_of_expected_length_one():
    drawn, W = np.random.default_rng(9), toy_weights(np.random.default_rng(9))
    shapes = {"embed": (D, 3), "pair": (H, 4), "block": (3, H, D // H, D), "up": (4 * D, D), "down": (D, 4 * D),
              "class": (1, D), "class block": (3, H, D // H, D), "head": (C, D)}
    assert list(W) == list(shapes)
    for name, shape in shapes.items():
        assert_allclose(W[name], drawn.standard_normal(shape) / sqrt(shape[-1]), rtol=1e-15, err_msg=name)


def test_the_random_jet_is_made_of_particles_on_their_mass_shell():
    drawn, (X, p) = np.random.default_rng(10), toy_jet(np.random.default_rng(10), N)
    p_T, eta, phi, mass = drawn.uniform(1, 50, N), drawn.normal(0, 0.3, N), drawn.normal(0, 0.3, N), drawn.uniform(0.1, 1, N)
    assert_allclose(np.hypot(p[:, 0], p[:, 1]), p_T, rtol=1e-14)
    assert_allclose(np.arctan2(p[:, 1], p[:, 0]), phi, rtol=1e-12)
    assert_allclose(np.arcsinh(p[:, 2] / p_T), eta, rtol=1e-12)
    assert_allclose(p[:, 3] ** 2 - (p[:, :3] ** 2).sum(axis=1), mass ** 2, rtol=0, atol=1e-11)
    assert_array_equal(X, drawn.standard_normal((N, 3)))


def test_a_particle_needs_more_energy_than_momentum_along_the_beam():
    with pytest.raises(ValueError, match=r"particle 1 has E = 2.0, more than \|p_z\| = 2.0 is needed"):
        pair_features([[1.0, 0, 0, 2], [0, 0, 2.0, 2], [0, 1.0, 0, 2]])


def test_a_batch_of_biases_is_named_by_its_last_two_axes():
    with pytest.raises(ValueError, match=r"U is \(2, 5\) in its last two axes, Q and K need \(2, 3\)"):
        biased_attention(np.ones((7, 2, 4)), np.ones((7, 3, 4)), np.ones((7, 3, 4)), np.ones((7, 2, 5)))


def test_gelu_of_nothing_is_nothing():
    assert gelu(np.zeros((0, 3))).shape == (0, 3)

"""The symbols in the claims mean what the NumPy functions compute: each definition in numbers, at small sizes.

A claim such as equivariance also holds for other functions than attention: its check alone cannot see a slip in the definition.
"""

from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sympy import Indexed, Product, Sum, exp

from proofs import attention as claims
from proofs.attention import D, H, M, N, h, j, p, s, same
from proofs.ledger import CLAIMS, verify
from solutions import attention, least_squares, positional

rng = np.random.default_rng(21)


def number(e, sizes, **tables):
    """The value of e: sizes filled in, sums written out, x[i, j] read from the table x with indices from 1."""
    e = e.subs(sizes).doit()
    entry = lambda part: tables[str(part.base)][tuple(int(index) - 1 for index in part.indices)]
    return float(e.xreplace({part: entry(part) for part in e.atoms(Indexed)}))


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_the_weight_and_the_output_are_those_of_self_attention(order):
    X, W_q, W_k, W_v = (rng.standard_normal(shape) for shape in [(3, 2), (4, 2), (4, 2), (1, 2)])
    Y, A = attention.self_attention(X[[token - 1 for token in order]], W_q, W_k, W_v)
    tables = dict(x=X, W=W_q.T @ W_k / sqrt(4), w=W_v[0])
    placed = {p(place): token for place, token in enumerate(order, 1)}
    fill = lambda e: number(e.subs({N: 3, D: 2}).doit().xreplace(placed), {}, **tables)
    for i in range(3):
        assert_allclose([fill(claims.weight(i + 1, j + 1, p)) for j in range(3)], A[i], rtol=1e-12)
        assert_allclose(fill(claims.output(i + 1, p)), Y[i, 0], rtol=1e-12)


def test_the_shifted_weight_and_the_softmax_are_the_softmax():
    S = rng.standard_normal((2, 3, 4))
    for k in range(4):
        shifted = number(claims.shifted(s[j] + 5).subs(j, k + 1), {M: 4}, s=S[0, 0])
        assert_allclose(shifted, attention.softmax(S[0, 0])[k], rtol=1e-12)
        assert_allclose(number(claims.softmax(2, 3, k + 1), {M: 4}, s=S), attention.softmax(S)[1, 2, k], rtol=1e-12)


def test_the_logits_are_scaled_dot_products():
    """q[h, i, r] and k[h, i, r] for 2 heads of 3 entries: one head's logits, and those of the single head over all 6."""
    q, k = rng.standard_normal((2, 2, 4, 3))
    for i in range(4):
        for j in range(4):
            single = sum(q[n, i] @ k[n, j] for n in range(2)) / sqrt(6)
            assert_allclose(number(claims.scaled_logit(i + 1, j + 1), {H: 2, claims.d_h: 3}, q=q, k=k), single, rtol=1e-12)
            for n in range(2):
                logit = number(claims.scaled_logit(n + 1, i + 1, j + 1), {claims.d_h: 3}, q=q, k=k)
                assert_allclose(logit, q[n, i] @ k[n, j] / sqrt(3), rtol=1e-12)


def test_a_state_is_the_sums_of_a_block():
    Z, V = rng.standard_normal((2, 2, 3))
    m, l, o = claims.state(2, 3, 0.5)
    assert m == 0.5
    assert_allclose(number(l, {}, z=Z), np.exp(Z[1] - 0.5).sum(), rtol=1e-12)
    assert_allclose(number(o, {}, z=Z, v=V), np.exp(Z[1] - 0.5) @ V[1], rtol=1e-12)


def test_the_jacobian_is_shown_as_it_is_written():
    assert CLAIMS["softmax-jacobian"].statement.latex().endswith(r"= {a}_{i} \left(\delta_{i j} - {a}_{j}\right)")


def test_a_product_is_settled_wherever_it_stands():
    heads = Product(exp(s[h]), (h, 1, H))
    assert same(1 / (1 + heads), 1 / (1 + exp(Sum(s[h], (h, 1, H)))))


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.exercise == "attention"])
def test_the_claims_of_attention_hold_and_reject_their_twins(name):
    assert verify(CLAIMS[name]).problems == ()


def test_samples_are_drawn_as_their_formula_says():
    x, y = least_squares.sample(0.6, 5, np.random.default_rng(3))
    again = np.random.default_rng(3)
    assert_allclose(x, again.standard_normal(5), rtol=1e-15)
    assert_allclose(y, 0.6 * x + 0.8 * again.standard_normal(5), rtol=1e-14)


def test_two_dimensions_have_one_frequency():
    assert positional.frequencies(2) == [1.0]


def test_random_embeddings_are_the_same_on_every_run():
    assert np.array_equal(positional.random_cosines(4, 3), positional.random_cosines(4, 3))
    assert np.array_equal(positional.orthogonal_embeddings(3, 4), positional.orthogonal_embeddings(3, 4))


def test_a_constant_row_among_others_has_no_slope_with_intercept():
    with pytest.raises(ValueError, match="^all 3 values of x are equal,"):
        least_squares.slope_with_intercept([[1.0, 1, 1], [1, 2, 3]], [[1.0, 2, 3], [1, 2, 4]])


def test_small_types_are_worked_on_as_float64():
    x, y = np.array([100, 90, 7]), np.array([60, 70, -8])
    for name, estimator in least_squares.ESTIMATORS.items():  # 100^2, 90^2, 60^2 and 70^2 do not fit into an int8
        assert estimator(x.astype(np.int8), y.astype(np.int8)) == estimator(x, y), name
    assert least_squares.slope(x, y) == (x @ y) / (x @ x)
    c = np.float16(0.3)
    for of_c, of_float in zip(*(least_squares.sample(value, 4, np.random.default_rng(1)) for value in (c, float(c)))):
        assert np.array_equal(of_c, of_float)

"""Scores and weights in logarithms; the product of the heads' weights is the single head's."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from solutions import heads
from solutions.attention import multi_head_self_attention
from solutions.cases import Case, placeholder

X, *W = (np.random.default_rng(6).standard_normal((n, 12)) for n in (4, 12, 12, 12))
CASE = Case(X, *W, heads=(1, 2, 3, 12))
CASES = [placeholder(), CASE, replace(CASE, X=100 * X), replace(CASE, X=1e-9 * X)]


@pytest.mark.parametrize("H", CASE.heads)
def test_scores_are_those_of_the_rows_of_each_head(H):
    d, S = 12 // H, heads.scores(CASE, H)
    assert S.shape == (H, 4, 4)
    for h, i, j in np.ndindex(S.shape):
        rows = range(h * d, (h + 1) * d)
        products = ((CASE.W_q[r] @ X[i]) * (CASE.W_k[r] @ X[j]) for r in rows)
        assert S[h, i, j] == pytest.approx(sum(products) / d**0.5, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("row", [[1e14, 1e14], [1, 2], [-800, 0, 1], [5e4, -5e4], [-1e300, 1e300]])
def test_the_logarithm_of_the_softmax(row):
    with mpmath.workdps(50):
        total = mpmath.fsum(mpmath.exp(mpmath.mpf(s) - max(row)) for s in row)
        wanted = [float(mpmath.mpf(s) - max(row) - mpmath.log(total)) for s in row]
    np.testing.assert_allclose(heads.log_softmax(np.array([row], float))[0], wanted, rtol=1e-14)


@pytest.mark.parametrize("case", CASES)
def test_log_weights_are_the_logarithms_of_the_weights(case):
    for H in case.heads:
        _, A = multi_head_self_attention(case.X, *case.weights, H)
        np.testing.assert_allclose(np.exp(heads.log_weights(case, H)), A, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("case", CASES)
def test_pooled_weights_are_those_of_a_single_head(case):
    _, A = multi_head_self_attention(case.X, *case.weights, 1)
    for H in case.heads:
        np.testing.assert_allclose(heads.pooled_weights(case, H), A[0], atol=1e-9)
        products = heads.log_products(case, H)
        np.testing.assert_allclose(
            np.diff(products), np.diff(heads.log_weights(case, 1)[0]), rtol=1e-9, atol=1e-9
        )

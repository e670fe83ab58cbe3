"""The sums behind the claims of code/proofs/attention.py: what `settle` may rewrite and what it must leave alone."""

import math
from itertools import permutations

import numpy as np
import pytest
from sympy import Add, KroneckerDelta, MatAdd, Product, S, Sum, Tuple, exp, log, sqrt

from proofs import attention as claims
from proofs.attention import H, M, N, h, i, j, k, p, s, same, settle, v, w, x
from proofs.ledger import CLAIMS, Equation
from solutions.attention import scaled_dot_product_attention

E_IJ, E_SUM = exp(s[i, j]), exp(Sum(s[h], (h, 1, H)))


@pytest.mark.parametrize("left, right", [
    pytest.param(Sum(exp(s[i]), (i, 1, M)), Sum(exp(s[k]), (k, 1, M)), id="the name of a bound index"),
    pytest.param(Sum(x[i] + 3 * w[j], (i, 1, M)), Sum(x[k], (k, 1, M)) + 3 * M * w[j], id="linearity"),
    pytest.param(Sum(w[j], (i, 2, M)), (M - 1) * w[j], id="a constant"),
    pytest.param(Sum(Sum(E_IJ, (j, 1, M)) * v[i], (i, 1, N)), Sum(v[k] * Sum(exp(s[k, h]), (h, 1, M)), (k, 1, N)), id="nested"),
    pytest.param(Sum(w[k] * KroneckerDelta(i, j) * x[i], (i, 1, M)), w[k] * x[j], id="delta"),
    pytest.param(Sum(x[p(i)] * w[p(i)], (i, 1, N)), Sum(x[j] * w[j], (j, 1, N)), id="permuted"),
    pytest.param(Product(exp(s[h]), (h, 1, H)), exp(Sum(s[h], (h, 1, H))), id="a product of exponentials"),
    pytest.param(1 / (1 + E_SUM) - 1 / (1 - E_SUM), 2 * E_SUM / (E_SUM ** 2 - 1), id="quotients of an exponential"),
])
def test_equal_sums(left, right):
    assert same(left, right)


@pytest.mark.parametrize("left, right", [
    pytest.param(Sum(exp(s[i]), (i, 1, M)), Sum(exp(s[i]), (i, 1, N)), id="another range"),
    pytest.param(Sum(exp(s[i]), (i, 1, M)), Sum(exp(s[i]), (i, 2, M)), id="another beginning"),
    pytest.param(Sum(E_IJ, (j, 1, M)), Sum(E_IJ, (i, 1, M)), id="another index"),
    pytest.param(Sum(exp(Sum(s[i, j], (j, 1, M))), (i, 1, M)),
                 Sum(exp(Sum(s[i, j], (i, 1, M))), (j, 1, M)), id="rows for columns"),
    pytest.param(Sum(exp(Sum(s[i, j, k], (j, 1, M), (k, 1, M))), (i, 1, M)),
                 Sum(exp(Sum(s[i, j, i], (j, 1, M))) * M, (i, 1, M)), id="a captured index"),
    pytest.param(Sum(x[i] * w[i], (i, 1, M)), Sum(x[i], (i, 1, M)) * Sum(w[i], (i, 1, M)), id="a sum of products"),
    pytest.param(Sum(KroneckerDelta(i, j) * x[i], (i, 1, M)), x[i], id="the wrong end of a delta"),
    pytest.param(Sum(exp(KroneckerDelta(i, j)) * x[i], (i, 1, M)), S.Exp1 * x[j], id="a delta that is no factor"),
    pytest.param(Sum(x[p(i)], (i, 1, M)), Sum(x[i], (i, 1, M)), id="permuted over another range"),
    pytest.param(Sum(x[p(i)] * w[i], (i, 1, N)), Sum(x[i] * w[i], (i, 1, N)), id="half permuted"),
    pytest.param(Sum(x[p(i)], (i, 2, N)), Sum(x[i], (i, 2, N)), id="permuted over a part"),
    pytest.param(Sum(x[p(p(i))] * w[p(i)], (i, 1, N)), Sum(x[i] * w[i], (i, 1, N)), id="permuted twice and once"),
    pytest.param(Product(exp(s[h]) + 1, (h, 1, H)), exp(Sum(s[h], (h, 1, H))) + 1, id="a product of sums"),
])
def test_different_sums(left, right):
    assert not same(left, right)


def test_settled_sums_have_their_value():
    """settle against plain arithmetic, sizes and entries chosen."""
    sizes = {M: 3, N: 2, H: 2}
    values = {(n, m): 0.3 * n - 0.7 * m + 0.2 * n * m for n in range(1, 4) for m in range(1, 4)}
    for e in [Sum(exp(s[i, j] + s[j, i]) / Sum(exp(s[i, k]), (k, 1, M)), (j, 1, M), (i, 1, N)),
              Sum(exp(Sum(s[i, j] * s[k, j], (j, 1, M))) / Sum(exp(Sum(s[i, j], (i, 1, N))), (j, 1, M)), (i, 1, M), (k, 1, N)),
              Product(Sum(exp(s[h, j]), (j, 1, M)) ** (1 / sqrt(H)), (h, 1, H)),
              Sum(KroneckerDelta(i, j) * s[i, j] * log(exp(s[i, j])), (i, 1, M), (j, 1, M))]:
        plain, settled = (value(form, sizes, values) for form in (e, settle(e)))
        assert math.isclose(plain, settled, rel_tol=1e-12), (e, plain, settled)


def value(e, sizes, values):
    e = e.subs(sizes).doit()
    return float(e.subs({s[index]: entry for index, entry in values.items()}))


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items()
                                  if claim.exercise == "attention" and isinstance(claim.statement, Equation)])
def test_no_term_can_be_left_out(name):
    left, right = CLAIMS[name].statement.left, CLAIMS[name].statement.right
    shorter = [Equation(left, rest) for rest in without_one(right)] + [Equation(rest, right) for rest in without_one(left)]
    for statement in shorter:
        assert CLAIMS[name].check(statement) is False, statement.latex()


def without_one(e):
    if isinstance(e, (Add, MatAdd, Tuple)):
        return [e.func(*(term for term in e.args if term is not left_out)) for left_out in e.args]
    return []


@pytest.mark.parametrize("name, wrong", [("weights-are-equivariant", claims.a_moved[j, i]),
                                         ("attention-is-equivariant", claims.y[i])])
def test_the_moved_tokens_are_read(name, wrong):
    assert CLAIMS[name].check(Equation(wrong, CLAIMS[name].statement.right)) is False


def test_each_law_of_merging_is_needed():
    check, (_, _, laws) = CLAIMS["merging-is-order-free"].check, CLAIMS["merging-is-order-free"].statement.value
    for law in laws:
        assert check(claims.merging([other for other in laws if other != law])) is False


def test_each_wrong_merge_goes_wrong_as_its_name_says():
    low, high = Tuple(1, 2, 3), Tuple(3, 5, 7)  # m, l, o
    m, l, o = claims.merge(low, high)
    assert m == 3
    assert claims.merge_forgetting_outputs(low, high) == (m, l, 3 + 7)
    assert claims.merge_forgetting_outputs(high, low) == claims.merge(high, low)  # goes unnoticed unless the maximum rises
    assert claims.merge_forgetting_sums(low, high) == (m, 2 + 5, o)
    for wrong, reference in [(claims.merge_at_the_first, 1), (claims.merge_at_the_mean, 2)]:
        at, *sums = wrong(low, high)
        assert at == reference and same(sums[0], l * exp(m - at)) and same(sums[1], o * exp(m - at))


def test_a_state_with_a_part_missing_is_no_state():
    with pytest.raises(ValueError):
        claims.same_states((h, i, j), (h, i))


def test_the_small_case_is_always_the_same_and_no_two_sizes_can_be_mistaken():
    X, W_q, W_k, W_v, W_o = claims.small_case()
    assert len({*X.shape, len(W_q), len(W_v), len(W_o)}) == 5 and len(W_q) == len(W_k)
    assert all(map(np.array_equal, claims.small_case(), (X, W_q, W_k, W_v, W_o)))


def test_statements_in_words_name_what_is_checked():
    assert claims.permuted().latex() == (r"$\mat{Y}(\mat{\Pi}\mat{X}) = \mat{\Pi}\mat{Y}$, "
                                         r"$\mat{A}_h(\mat{\Pi}\mat{X}) = \mat{\Pi}\mat{A}_h\mat{\Pi}\T$")
    assert claims.merging().latex() == (r"merging states $(m, l, \vec{o})$ is commutative, associative, with the neutral state "
                                        r"$(-\infty, 0, 0)$")


def test_merging_in_numbers():
    """The symbolic merge, on blocks of unequal length in every order, against attention over all keys at once."""
    rng = np.random.default_rng(11)
    q, K, V = rng.standard_normal((1, 3)), rng.standard_normal((6, 3)), rng.standard_normal((6, 1))
    blocks = [state(q, K[part], V[part]) for part in (slice(0, 1), slice(1, 3), slice(3, 6))]
    Y, _ = scaled_dot_product_attention(q, K, V)
    for first, second, third in permutations(blocks):
        _, l, o = claims.merge(claims.merge(first, second), third)
        assert math.isclose(o / l, Y[0, 0], rel_tol=1e-13)


def state(q, K, V):
    S = (q @ K.T / math.sqrt(q.shape[1]))[0]
    E = np.exp(S - S.max())
    return float(S.max()), float(E.sum()), float(E @ V[:, 0])

"""Agreement up to rounding, and what outputs, weights and orders of the inputs are held to."""

from dataclasses import replace

import numpy as np
import pytest

from solutions import rounding
from solutions.attention import multi_head_self_attention
from solutions.cases import Case, placeholder
from solutions.rounding import agree_to_rounding

ORDERS = [[1, 0, 2, 3, 4, 5, 6], [3, 6, 0, 1, 5, 2, 4]]


@pytest.mark.parametrize("size", [1e-300, 1e-13, 1.0, 1e8, 1e300])
def test_agreement_to_rounding_is_relative(size):
    a = size * np.array([[1.0, -0.5], [1e-9, 0]])
    assert agree_to_rounding(a, a * (1 + 4e-16)) and agree_to_rounding(a, a + 4e-16 * size)
    assert not any(agree_to_rounding(a, other) for other in (a * (1 + 1e-12), -a, 0 * a))
    assert agree_to_rounding(a, a + 1e-10 * size, scale=1e5 * size)


def test_agreement_to_rounding_at_the_edges():
    assert agree_to_rounding(np.zeros(3), np.zeros(3)) and agree_to_rounding([], [])
    assert not agree_to_rounding([0.0], [1e-300]) and agree_to_rounding([5e-324], [1e-323])
    assert not agree_to_rounding([np.nan], [np.nan]) and not agree_to_rounding([np.inf], [1.0])
    assert not agree_to_rounding([1.7e308], [-1.7e308])
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        agree_to_rounding(np.ones(2), np.ones(3))


def case_of(scale=1.0):
    """Seven inputs, one head and two, a W_o that is not the identity."""
    X, *W = (np.random.default_rng(4).standard_normal((n, 6)) for n in (7, 6, 6, 6, 6))
    return Case(scale * X, *W, heads=(1, 2))


@pytest.mark.parametrize("case", [placeholder(), case_of(), case_of(30)])
def test_no_output_exceeds_the_largest_and_its_scale_grows_with_the_scores(case):
    largest = rounding.largest_output(case)
    for H in case.heads:
        Y, _ = multi_head_self_attention(case.X, *case.weights, H)
        assert np.abs(Y).max() <= largest
    scores = case.X @ case.W_q.T @ case.W_k @ case.X.T / 6**0.5
    assert rounding.largest_score(case) >= np.abs(scores).max() * (1 - 1e-14)
    assert rounding.output_scale(case) == largest * max(1, rounding.largest_score(case))


def test_the_largest_output_is_reached():
    """A token that all attend to, whose value W_o adds up."""
    X = np.array([[1.0, 0.0], [1.0, 0.0]])
    case = Case(X, np.eye(2), np.eye(2), np.array([[3.0, 0], [3.0, 0]]), np.ones((2, 2)))
    Y, _ = multi_head_self_attention(X, *case.weights, 1)
    assert rounding.largest_output(case) == Y.max() == 6


@pytest.mark.parametrize("H", [1, 2])
@pytest.mark.parametrize("scale", [1e-150, 1.0, 30.0])
def test_outputs_and_weights_move_with_the_inputs_up_to_rounding(H, scale):
    case = case_of(scale)
    results = multi_head_self_attention(case.X, *case.weights, H)
    for order in ORDERS:
        assert rounding.order_deviation(case, results, H, order) <= rounding.max_deviation(case)


@pytest.mark.parametrize("order", ORDERS)
def test_what_does_not_move_with_the_inputs_is_not_taken_for_rounding(order):
    case = case_of()
    Y, A = multi_head_self_attention(case.X, *case.weights, 2)
    for wrong in ((Y[::-1], A), (Y, A.swapaxes(1, 2)), (Y * (1 + 1e-9), A), (Y, A[::-1])):
        assert rounding.order_deviation(case, wrong, 2, order) > rounding.max_deviation(case)


def test_the_deviation_is_relative_to_the_largest_entries():
    case = replace(case_of(), X=np.zeros((7, 6)))
    Y, A = multi_head_self_attention(case.X, *case.weights, 1)
    assert rounding.order_deviation(case, (Y, A), 1, ORDERS[0]) == 0
    A = A.copy()
    A[0, 0, 0] += A.max()  # one entry as far off as it is large, hence half of the largest
    assert rounding.order_deviation(case, (Y, A), 1, ORDERS[0]) == pytest.approx(0.5)

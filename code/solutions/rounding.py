"""Computer assignment 1 (c) and (d): which differences between results rounding alone explains."""

from collections.abc import Sequence

import numpy as np

from solutions.attention import multi_head_self_attention
from solutions.cases import Case
from solutions.heads import scores

EPS = float(np.finfo(float).eps)


def agree_to_rounding(a: np.ndarray, b: np.ndarray, scale: float | None = None) -> bool:
    """Whether a and b, of one shape, agree up to rounding, relative to the scale of both.

    scale: the magnitude of the numbers that they were computed from, where it is larger than
    their own, such as output_scale. NaN agrees with nothing. Raises: ValueError for two shapes.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"b must have the shape {a.shape} of a, got {b.shape}")
    if np.array_equal(a, b):
        return True
    largest = max(np.abs(a).max(), np.abs(b).max(), scale or 0.0)
    roundings = 64 + max(a.shape, default=1)
    tolerance = roundings * max(EPS * largest, np.finfo(float).smallest_subnormal)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(largest) and (np.abs(a - b) <= tolerance).all())


def largest_score(case: Case) -> float:
    """The largest score in absolute value, of one head and of several."""
    return max(float(np.abs(scores(case, H)).max()) for H in case.heads)


def largest_output(case: Case) -> float:
    """What no entry of an output can exceed: max |V| times the largest row sum of |W_o|, or 1."""
    return float(np.abs(case.X @ case.W_v.T).max() * max(1, np.abs(case.W_o).sum(axis=1).max()))


def output_scale(case: Case) -> float:
    """The magnitude that the rounding of the outputs is relative to."""
    return largest_output(case) * max(1.0, largest_score(case))


def max_deviation(case: Case) -> float:
    """The largest deviation that rounding explains, of a weight, or relative to largest_output."""
    return (256 + case.X.size) * EPS * max(1.0, largest_score(case))


def order_deviation(case: Case, results: tuple, n_heads: int, order: Sequence[int]) -> float:
    """How far outputs and weights are from moving along when the inputs are put in an order.

    results: (Y, A) of H heads on the case as it is. Returns: the larger of the deviations of Y, as
    a fraction of largest_output, and of A, as a fraction of the largest weight.
    """
    Y, A = results
    Y_moved, A_moved = multi_head_self_attention(case.X[order], *case.weights, n_heads)
    of_Y = np.abs(Y_moved - Y[order]).max() / (largest_output(case) or 1)
    of_A = np.abs(A_moved - A[:, order][:, :, order]).max() / A.max()
    return float(max(of_Y, of_A))

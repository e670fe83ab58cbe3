"""Attention by loops over single numbers, and how far rounding may take a result from it.

The loops follow the formula index by index and share nothing with code/solutions. They run in the
arithmetic of their numbers: Python floats, or mpmath's with as many digits as wanted.
"""

import math

import mpmath
import numpy as np


def attention(Q, K, V, exp=math.exp, sqrt=math.sqrt):
    """Rows of Y and of A, for lists of rows Q (N, d), K (M, d), V (M, d_v)."""
    Y, A = [], []
    for q in Q:
        weights = [exp(_dot(q, k) / sqrt(len(q))) for k in K]
        a = [w / sum(weights) for w in weights]
        A.append(a)
        Y.append([sum(a[j] * V[j][c] for j in range(len(V))) for c in range(len(V[0]))])
    return Y, A


def multi_head(X, W_q, W_k, W_v, W_o, H, exp=math.exp, sqrt=math.sqrt):
    """Rows of Y, and for each head the rows of A; head h owns the h-th len(W) / H rows of W."""
    heads, A = [], []
    for h in range(H):
        projected = []
        for W in (W_q, W_k, W_v):
            d = len(W) // H
            projected.append([[_dot(W[h * d + r], x) for r in range(d)] for x in X])
        Y_h, A_h = attention(*projected, exp=exp, sqrt=sqrt)
        heads.append(Y_h)
        A.append(A_h)
    joined = [[y for h in range(H) for y in heads[h][i]] for i in range(len(X))]
    return [[_dot(row, y) for row in W_o] for y in joined], A


def exact(function, *arrays):
    """The loops in 50 digits, on the very numbers the arrays hold, rounded once at the end."""
    digits = [
        [[mpmath.mpf(float(x)) for x in row] for row in a] if isinstance(a, np.ndarray) else a
        for a in arrays
    ]
    with mpmath.workdps(50):
        results = function(*digits, exp=mpmath.exp, sqrt=mpmath.sqrt)
        return tuple(np.array(result, dtype=float) for result in results)


def rounding_bounds(Q, K, V, dtype):
    """Bounds (N, d_v) and (N, M) for the errors of Y and A computed in `dtype`; Q, K, V are 2-D.

    Let u be the unit roundoff and g(n) = n u / (1 - n u): a result of n roundings is off by a
    factor of at most 1 + g(n), in whatever order a sum is taken. Each underflow adds at most
    `tiny`, the smallest normal number.

    1. Scores. A dot product of length d is off by g(d) |q|.|k|; sqrt(d) and the division add two
       roundings:  delta_ij = g(d + 2) |q_i|.|k_j| / sqrt(d) + d tiny.
    2. Shift. The maximum subtracted is one number for the whole row and cancels; the subtraction
       rounds once:  shift_ij = u (|s_ij - max s_i| + 2 max delta_i).
       So each exponent is off by at most Delta_i = max_j (delta_ij + shift_ij).
    3. Weights. exp turns the error Delta of the exponent into a factor e^(+-Delta) and is itself
       off by at most 4 units in the last place (as NumPy states), a factor 1 +- 8 u. The
       denominator, a sum of M such terms, is off by the same factors and by 1 + g(M - 1); the
       division rounds once. Together
           |a' - a| <= rho a,  rho = e^(2 Delta) (1 + 8u) / (1 - 8u) (1 + g(M + 1)) - 1.
       The denominator is at least 1, so the M + 1 exponentials that may underflow add
       (M + 1) tiny, doubled to be safe.
    4. Outputs. |y' - y| <= sum |a' - a| |v| + g(M) sum a' |v|, with a' <= (1 + rho) a.
    """
    d, M = K.shape[1], K.shape[0]
    Q, K, V = (np.asarray(a, dtype=np.float64) for a in (Q, K, V))
    u, tiny = float(np.finfo(dtype).eps) / 2, float(np.finfo(dtype).tiny)

    def g(n):
        return n * u / (1 - n * u)

    S = Q @ K.T / math.sqrt(d)
    delta = g(d + 2) * np.abs(Q) @ np.abs(K).T / math.sqrt(d) + d * tiny
    shift = u * (S.max(axis=1, keepdims=True) - S + 2 * delta.max(axis=1, keepdims=True))
    Delta = (delta + shift).max(axis=1, keepdims=True)  # (N, 1)
    rho = np.exp(2 * Delta) * (1 + 8 * u) / (1 - 8 * u) * (1 + g(M + 1)) - 1
    A = np.exp(S - S.max(axis=1, keepdims=True))
    A /= A.sum(axis=1, keepdims=True)
    lost = 2 * (M + 1) * tiny
    spread = np.abs(V)
    bound_Y = (
        (rho + g(M) * (1 + rho)) * (A @ spread) + M * tiny + lost * (1 + g(M)) * spread.sum(axis=0)
    )
    return bound_Y, rho * A + lost


def _dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))

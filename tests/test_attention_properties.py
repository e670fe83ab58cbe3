"""What must hold for all inputs, tried on many drawn by Hypothesis."""

import math

import numpy as np
import oracle
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from solutions.attention import (
    multi_head_self_attention,
    scaled_dot_product_attention,
    self_attention,
    softmax,
)

U = np.finfo(np.float64).eps / 2
SIZES = st.integers(1, 5)
SEVERAL = st.integers(2, 5)
FEW = st.integers(1, 3)
CLOSE = dict(rtol=0, atol=1e-10)  # entries up to 4, values up to 100, scores to 2000 +- 1e-12


def matrices(*shape):
    """Entries k / 8192 in [-4, 4), exact in float32 as their products are not; bytes are fast."""
    size = 2 * math.prod(shape)
    return st.binary(min_size=size, max_size=size).map(
        lambda b: np.frombuffer(b, "<i2").reshape(shape) / 8192
    )


@st.composite
def queries_keys_values(draw, M=SIZES):
    N, M, d_k, d_v = draw(SIZES), draw(M), draw(SIZES), draw(SIZES)
    return draw(matrices(N, d_k)), draw(matrices(M, d_k)), draw(matrices(M, d_v))


@st.composite
def heads(draw, N=SEVERAL):
    """X, W_q, W_k, W_v, W_o, H with sizes that differ wherever they may."""
    N, D, D_out, H, d_k, d_v = draw(N), draw(SIZES), draw(SIZES), draw(FEW), draw(FEW), draw(FEW)
    shapes = [(N, D), (H * d_k, D), (H * d_k, D), (H * d_v, D), (D_out, H * d_v)]
    return *(draw(matrices(*shape)) for shape in shapes), H


@given(st.data(), SIZES, SIZES)
def test_rows_of_weights_sum_to_one(data, N, M):
    """Each weight is off by one rounding of the division, all by the M - 1 of their sum."""
    scores = arrays(np.float64, (N, M), elements=st.floats(-1e4, 1e4) | st.just(-math.inf))
    A = softmax(np.column_stack([data.draw(scores), np.zeros(N)]))
    assert (A >= 0).all()
    for row in A:
        assert abs(math.fsum(row) - 1) <= (M + 1) * U / (1 - (M + 1) * U)


@given(queries_keys_values(), st.data())
def test_outputs_lie_in_the_hull_of_the_values(QKV, data):
    """In no direction w does an output reach further than the furthest value (30 roundings)."""
    Q, K, V = QKV
    Y, A = scaled_dot_product_attention(Q, K, V)
    for w in [*np.eye(V.shape[1]), data.draw(matrices(V.shape[1]))]:
        for side in (w, -w):
            room = 30 * U * np.abs(V).max() * np.abs(w).sum()
            assert (Y @ side <= (V @ side).max() + room).all()


@given(st.data(), SIZES, SIZES)
def test_shift_of_a_row_of_scores_changes_nothing(data, N, M):
    """Multiples of 1/16 have exact sums, so every bit must agree."""
    whole = st.integers(-16000, 16000)
    S, shift = (
        data.draw(arrays(np.int64, shape, elements=whole)) / 16 for shape in [(N, M), (N, 1)]
    )
    assert_array_equal(softmax(S + shift), softmax(S))


@given(heads(), st.data())
def test_permuted_inputs_give_permuted_outputs(arguments, data):
    X, *weights = arguments
    order = data.draw(st.permutations(range(len(X))))
    Y, A = multi_head_self_attention(X, *weights)
    Y_permuted, A_permuted = multi_head_self_attention(X[order], *weights)
    assert_allclose(Y_permuted, Y[order], **CLOSE)
    assert_allclose(A_permuted, A[:, order][:, :, order], **CLOSE)


@given(queries_keys_values(M=SEVERAL), st.data())
def test_order_of_keys_does_not_matter_and_that_of_queries_carries_over(QKV, data):
    Q, K, V = QKV
    Y, A = scaled_dot_product_attention(Q, K, V)
    queries, keys = (data.draw(st.permutations(range(len(a)))) for a in (Q, K))
    Y_permuted, A_permuted = scaled_dot_product_attention(Q[queries], K[keys], V[keys])
    assert_allclose(Y_permuted, Y[queries], **CLOSE)
    assert_allclose(A_permuted, A[queries][:, keys], **CLOSE)


@given(heads())
def test_one_head_is_self_attention(arguments):
    X, W_q, W_k, W_v, W_o, _ = arguments
    Y, A = self_attention(X, W_q, W_k, W_v)
    Y_head, A_head = multi_head_self_attention(X, W_q, W_k, W_v, W_o, 1)
    assert A_head.shape == (1, len(X), len(X))
    assert_array_equal(A_head[0], A)
    assert_allclose(Y_head, Y @ W_o.T, **CLOSE)


@given(heads())
def test_heads_are_independent(arguments):
    """Head h alone, on its own rows, gives the h-th weights and the h-th columns of the output."""
    X, W_q, W_k, W_v, _, H = arguments
    Y, A = multi_head_self_attention(X, W_q, W_k, W_v, np.eye(len(W_v)), H)
    d_k, d_v = len(W_q) // H, len(W_v) // H
    for h in range(H):
        keys, values = slice(h * d_k, (h + 1) * d_k), slice(h * d_v, (h + 1) * d_v)
        Y_h, A_h = self_attention(X, W_q[keys], W_k[keys], W_v[values])
        assert_allclose(A[h], A_h, **CLOSE)
        assert_allclose(Y[:, values], Y_h, **CLOSE)


@given(heads(), st.data(), SEVERAL)
def test_batch_axes_are_a_loop(arguments, data, B):
    X, *weights = arguments
    batch = data.draw(matrices(B, 1, *X.shape)) + X  # (B, 1, N, D)
    Y, A = multi_head_self_attention(batch, *weights)
    assert Y.shape == (B, 1, len(X), len(weights[3]))
    assert A.shape == (B, 1, weights[4], len(X), len(X))
    for b in range(B):
        for got, want in zip((Y[b, 0], A[b, 0]), multi_head_self_attention(batch[b, 0], *weights)):
            assert_allclose(got, want, rtol=0, atol=1e-9)


def test_rounding_bound_is_small_and_can_be_exceeded():
    """Queries rounded to float16 leave the bound, so it does say something."""
    rng = np.random.default_rng(5)
    Q, K, V = (rng.standard_normal(s).astype(np.float32) for s in [(4, 3), (5, 3), (5, 2)])
    bounds = oracle.rounding_bounds(Q, K, V, np.float32)
    coarse = scaled_dot_product_attention(Q.astype(np.float16).astype(np.float32), K, V)
    for got, want, bound in zip(coarse, oracle.exact(oracle.attention, Q, K, V), bounds):
        assert bound.max() < 1e-5
        assert (np.abs(got - want) > bound).any()

"""What must hold for all inputs, tried on many drawn by Hypothesis."""

import math

import numpy as np
import oracle
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from solutions.attention import multi_head_self_attention, scaled_dot_product_attention, softmax

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
def heads(draw):
    """X, W_q, W_k, W_v, W_o, H with sizes that differ wherever they may."""
    N, D, D_out, H, d_k, d_v = (
        draw(SEVERAL),
        draw(SIZES),
        draw(SIZES),
        draw(FEW),
        draw(FEW),
        draw(FEW),
    )
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


@given(st.data(), SIZES, SIZES)
def test_shift_of_a_row_of_scores_changes_nothing(data, N, M):
    """Multiples of 1/16 have exact sums, so every bit must agree."""
    whole = st.integers(-16000, 16000)
    S, shift = (
        data.draw(arrays(np.int64, shape, elements=whole)) / 16 for shape in [(N, M), (N, 1)]
    )
    assert_array_equal(softmax(S + shift), softmax(S))


@given(heads())
def test_any_sizes_against_50_digits(arguments):
    """So one head is self-attention, heads are independent, and outputs are averages of values."""
    exact = oracle.exact(oracle.multi_head, *arguments)
    for got, want in zip(multi_head_self_attention(*arguments), exact):
        assert_allclose(got, want, **CLOSE)


@given(heads(), st.data())
def test_permuted_inputs_give_permuted_outputs(arguments, data):
    X, *weights = arguments
    order = data.draw(st.permutations(range(len(X))))
    Y, A = multi_head_self_attention(X, *weights)
    Y_permuted, A_permuted = multi_head_self_attention(X[order], *weights)
    assert_allclose(Y_permuted, Y[order], **CLOSE)
    assert_allclose(A_permuted, A[:, order][:, :, order], **CLOSE)


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

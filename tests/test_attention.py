"""The attention functions: against results from elsewhere, by hand, at the edges of floating point, and with bad arguments."""

import re
from math import e, log, sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import comparisons
import oracle
from solutions import attention
from solutions.attention import multi_head_self_attention, real_arrays, scaled_dot_product_attention, self_attention, softmax


@pytest.mark.parametrize("compare", comparisons.ALL, ids=lambda compare: compare.__name__)
def test_the_same_as(compare):
    compare(attention)


# By hand

def test_softmax_of_logarithms_is_a_division():
    assert_allclose(softmax([[0, log(3)], [log(2), log(6)]]), [[0.25, 0.75], [0.25, 0.75]], rtol=1e-15)


def test_attention_worked_out_by_hand():
    """One query, two keys, d_k = 4: the logits are 2 / 2 = 1 and 0, so the weights are e / (e + 1) and 1 / (e + 1)."""
    Y, A = scaled_dot_product_attention([[1, 1, 0, 0]], [[1, 1, 5, 0], [0, 0, 0, 7]], [[10, 0, 3], [0, 20, 3]])
    assert_allclose(A, [[e / (e + 1), 1 / (e + 1)]], rtol=1e-15)
    assert_allclose(Y, [[10 * e / (e + 1), 20 / (e + 1), 3]], rtol=1e-15)


def test_heads_own_runs_of_rows():
    """W_v = diag(1 ... 6) and equal weights: head h gives the mean of its own two coordinates, joined in order."""
    X = np.array([[1.0, 2, 3, 4, 5, 6], [3.0, 4, 5, 6, 7, 8]])
    zero = np.zeros((6, 6))
    Y, A = multi_head_self_attention(X, zero, zero, np.diag([1.0, 2, 3, 4, 5, 6]), np.eye(6)[::-1], 3)
    assert_array_equal(A, np.full((3, 2, 2), 0.5))
    assert_array_equal(Y, np.tile([7.0 * 6, 6 * 5, 5 * 4, 4 * 3, 3 * 2, 2 * 1], (2, 1)))


# Huge, infinite and missing logits

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_huge_logits(size, dtype):
    A = softmax(np.array([[size, -size, size], [-size, -size, -size], [0, size, -size]], dtype))
    assert_array_equal(A, [[0.5, 0, 0.5], [1 / dtype(3)] * 3, [0, 1, 0]])
    Q, K = np.array([[size / 10]], dtype), np.array([[10], [-10]], dtype)
    Y, A = scaled_dot_product_attention(np.vstack([Q, -Q]), K, np.array([[3, 4], [5, 6]], dtype))
    assert_array_equal(A, [[1, 0], [0, 1]])
    assert_array_equal(Y, [[3, 4], [5, 6]])


def test_a_logit_of_minus_infinity_gets_no_weight():
    assert_array_equal(softmax([[-np.inf, 2.0, 2.0]]), [[0, 0.5, 0.5]])


@pytest.mark.parametrize("row", [[0, np.nan], [0, np.inf], [-np.inf, -np.inf], [np.inf, np.nan]])
def test_a_row_without_a_finite_maximum_is_refused(row):
    S = np.zeros((2, 3, 2))
    S[1, 2] = row
    with pytest.raises(ValueError, match=re.escape(f"row (1, 2) of the logits has the maximum {np.max(row)}, a finite one")):
        softmax(S)


def test_a_bad_input_is_refused_and_not_spread():
    good = np.eye(2)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"row \(0,\) of the logits"), np.errstate(invalid="ignore"):
            scaled_dot_product_attention([[bad, 1.0], [1.0, 1.0]], good, good)
        with pytest.raises(ValueError, match=r"row \(0,\) of the logits"), np.errstate(invalid="ignore"):
            multi_head_self_attention([[1.0, 2.0], [bad, 1.0]], good, good, good, good, 2)
    with pytest.raises(ValueError, match="maximum inf"), np.errstate(over="ignore"):
        scaled_dot_product_attention([[1e200]], [[1e200]], [[1.0]])  # the logit overflows


# Types, layouts and batch axes

def test_the_type_is_kept_or_becomes_float64():
    def types(dtype, other=None):
        arrays = [np.ones((2, 2), dtype)] * 4 + [np.ones((2, 2), other or dtype)]
        results = [softmax(arrays[0]), *scaled_dot_product_attention(*arrays[2:]), *self_attention(*arrays[:4]),
                   *multi_head_self_attention(*arrays, 2)]
        return {result.dtype for result in results[1 if other else 0:]}
    assert types(np.float32) == {np.dtype(np.float32)}
    for dtype in (np.float64, np.float16, np.longdouble, bool, np.int32, np.uint8):
        assert types(dtype) == {np.dtype(np.float64)}, dtype
    mixed = [np.ones((2, 2), dtype) for dtype in (np.float32, np.float64, np.float32)]
    assert scaled_dot_product_attention(*mixed)[0].dtype == np.float64


def test_integers_are_not_rounded():
    X = np.array([[1, 2], [3, 5]])
    W = np.array([[1, 0], [1, 1]])
    assert_array_equal(self_attention(X, W, W, W)[0], self_attention(X.astype(float), *[W.astype(float)] * 3)[0])


def test_integers_of_8_bits_do_not_overflow():
    assert_array_equal(softmax(np.array([100, -100], np.int8)), softmax([100.0, -100.0]))


def test_an_array_of_the_right_type_is_not_copied():
    X = np.ones((2, 3), np.float32)
    assert real_arrays(X=X)[0] is X


def test_lists_are_arrays_too():
    assert_array_equal(softmax([1, 2, 4]), softmax(np.array([1.0, 2, 4])))


def test_read_only_and_strided_inputs():
    rng = np.random.default_rng(11)
    X, W_q, W_k, W_v, W_o = arrays = [rng.standard_normal(s) for s in [(5, 6), (6, 6), (6, 6), (6, 6), (6, 6)]]
    wanted = multi_head_self_attention(*arrays, 3)
    strided = []
    for array in arrays:
        wide = np.full((2 * len(array), 3 * array.shape[1]), np.nan)
        wide[::-2, 1::3] = array
        view = wide[::-2, 1::3]
        view.setflags(write=False)
        strided.append(view)
    for got, want in zip(multi_head_self_attention(*strided, 3), wanted):
        assert_allclose(got, want, rtol=0, atol=1e-14)
    columns_first = multi_head_self_attention(*[np.asfortranarray(a) for a in arrays], 3)
    assert_allclose(columns_first[0], wanted[0], rtol=0, atol=1e-14)


def test_arguments_are_left_as_they_were_and_results_are_new():
    rng = np.random.default_rng(12)
    arrays = [rng.standard_normal(s) for s in [(3, 4)] + [(4, 4)] * 4]
    before = [a.copy() for a in arrays]
    results = [softmax(arrays[0]), *self_attention(*arrays[:4]), *multi_head_self_attention(*arrays, 2)]
    for array, copy in zip(arrays, before):
        assert_array_equal(array, copy)
        assert not any(np.shares_memory(array, result) for result in results)


def test_batch_axes_of_every_kind():
    rng = np.random.default_rng(13)
    Q, K, V = rng.standard_normal((2, 1, 3, 4)), rng.standard_normal((5, 6, 4)), rng.standard_normal((6, 2))
    Y, A = scaled_dot_product_attention(Q, K, V)
    assert Y.shape == (2, 5, 3, 2) and A.shape == (2, 5, 3, 6)
    for i in range(2):
        for j in range(5):
            for got, want in zip((Y[i, j], A[i, j]), oracle.attention(Q[i, 0].tolist(), K[j].tolist(), V.tolist())):
                assert_allclose(got, want, rtol=0, atol=1e-14)


def test_one_input_attends_to_itself():
    X, W_v = np.array([[1.0, 2, 3]]), np.arange(9.0).reshape(3, 3)
    Y, A = multi_head_self_attention(X, W_v, W_v + 1, W_v, np.eye(3), 3)
    assert_array_equal(A, np.ones((3, 1, 1)))
    assert_array_equal(Y, X @ W_v.T)


def test_no_queries_give_no_outputs():
    Y, A = scaled_dot_product_attention(np.ones((0, 4)), np.ones((3, 4)), np.ones((3, 2)))
    assert Y.shape == (0, 2) and A.shape == (0, 3)


# Accuracy

@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 4.0])
def test_the_error_stays_within_what_rounding_explains(scale, dtype):
    rng = np.random.default_rng(14)
    for N, M, d_k, d_v in [(3, 4, 5, 2), (2, 7, 3, 3), (4, 2, 1, 4)]:
        Q, K, V = (rng.standard_normal(s).astype(dtype) for s in [(N, d_k), (M, d_k), (M, d_v)])
        Q, K = dtype(scale) * Q, dtype(scale) * K
        results = scaled_dot_product_attention(Q, K, V)
        for got, exact, bound in zip(results, oracle.exact(oracle.attention, Q, K, V), oracle.rounding_bounds(Q, K, V, dtype)):
            assert (np.abs(got.astype(float) - exact) <= bound).all()


# Bad arguments

def ones(*shape):
    return np.ones(shape)


W = ones(6, 6)
BAD_SHAPES = {
    "a number": (softmax, [3.0], "softmax needs at least 1 logit per row, S is ()"),
    "an empty row": (softmax, [ones(2, 0)], "softmax needs at least 1 logit per row, S is (2, 0)"),
    "Q a vector": (scaled_dot_product_attention, [ones(4), ones(3, 4), ones(3, 2)], "Q has 1 axes, at least 2 are needed"),
    "K a number": (scaled_dot_product_attention, [ones(2, 4), 5, ones(3, 2)], "K has 0 axes, at least 2 are needed"),
    "V a vector": (scaled_dot_product_attention, [ones(2, 4), ones(3, 4), ones(3)], "V has 1 axes, at least 2 are needed"),
    "keys too long": (scaled_dot_product_attention, [ones(2, 4), ones(3, 5), ones(3, 2)], "Q has 4 columns, K has 5"),
    "keys too long, in a batch": (scaled_dot_product_attention, [ones(7, 2, 4), ones(7, 3, 5), ones(7, 3, 2)],
                                  "Q has 4 columns, K has 5"),
    "a value too few": (scaled_dot_product_attention, [ones(2, 4), ones(3, 4), ones(2, 2)], "K has 3 rows, V has 2"),
    "no columns": (scaled_dot_product_attention, [ones(2, 0), ones(3, 0), ones(3, 2)],
                   "Q and K have 0 columns, at least 1 is needed"),
    "no columns, in a batch": (scaled_dot_product_attention, [ones(7, 2, 0), ones(7, 3, 0), ones(7, 3, 2)],
                               "Q and K have 0 columns, at least 1 is needed"),
    "no keys": (scaled_dot_product_attention, [ones(2, 4), ones(0, 4), ones(0, 2)], "S is (2, 0)"),
    "X a vector": (self_attention, [ones(6), W, W, W], "X has 1 axes, at least 2 are needed"),
    "W_q a stack": (self_attention, [ones(5, 6), ones(2, 6, 6), W, W], "W_q has 3 axes, 2 are needed"),
    "W_k a vector": (self_attention, [ones(5, 6), W, ones(6), W], "W_k has 1 axes, 2 are needed"),
    "W_q transposed": (self_attention, [ones(5, 6), ones(6, 4), ones(4, 6), W], "W_q has 4 columns, X has 6"),
    "W_q too narrow for a batch": (self_attention, [ones(7, 5, 6), ones(6, 4), W, W], "W_q has 4 columns, X has 6"),
    "W_k too wide": (self_attention, [ones(5, 6), W, ones(6, 7), W], "W_k has 7 columns, X has 6"),
    "W_v too narrow": (self_attention, [ones(5, 6), W, W, ones(6, 5)], "W_v has 5 columns, X has 6"),
    "queries longer than keys": (self_attention, [ones(5, 6), ones(4, 6), ones(3, 6), W], "W_q has 4 rows, W_k has 3"),
    "multi-head, W_v too narrow": (multi_head_self_attention, [ones(5, 6), W, W, ones(6, 5), W, 3], "W_v has 5 columns, X has 6"),
    "4 heads of 6 rows": (multi_head_self_attention, [ones(5, 6), W, W, W, W, 4], "W_q has 6 rows, not a multiple of 4 heads"),
    "W_v alone not divisible": (multi_head_self_attention, [ones(5, 6), W, W, ones(7, 6), ones(6, 7), 3],
                                "W_v has 7 rows, not a multiple of 3 heads"),
    "W_k alone not divisible": (multi_head_self_attention, [ones(5, 6), W, ones(7, 6), W, W, 3], "W_q has 6 rows, W_k has 7"),
    "no heads": (multi_head_self_attention, [ones(5, 6), W, W, W, W, 0],
                 "n_heads is 0, a whole number from 1 on is needed"),
    "half heads": (multi_head_self_attention, [ones(5, 6), W, W, W, W, 1.5],
                   "n_heads is 1.5, a whole number from 1 on is needed"),
    "W_o a vector": (multi_head_self_attention, [ones(5, 6), W, W, W, ones(6), 3], "W_o has 1 axes, 2 are needed"),
    "W_o too narrow": (multi_head_self_attention, [ones(5, 6), W, W, W, ones(6, 5), 3], "W_o has 5 columns, W_v has 6 rows"),
}


@pytest.mark.parametrize("function, arguments, message", list(BAD_SHAPES.values()), ids=BAD_SHAPES)
def test_a_bad_shape_is_named_with_both_numbers(function, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message) + "$"):
        function(*arguments)


@pytest.mark.parametrize("bad", [[["1", "2"], ["3", "4"]], [[1j, 2], [3, 4]], [[None, 2], [3, 4]], [["2024-04-18"] * 2] * 2])
@pytest.mark.parametrize("position, name", list(enumerate(["X", "W_q", "W_k", "W_v", "W_o"])))
def test_what_is_not_real_is_named_with_its_dtype(position, name, bad):
    array = np.array(bad, "datetime64[D]") if bad[0][0] == "2024-04-18" else np.array(bad)
    arguments = [np.eye(2)] * 5
    arguments[position] = array
    with pytest.raises(TypeError, match=re.escape(f"{name} has dtype {array.dtype}, real numbers are needed")):
        multi_head_self_attention(*arguments, 2)
    if position < 4:
        with pytest.raises(TypeError, match=f"{name} has dtype"):
            self_attention(*arguments[:4])


def test_numbers_of_heads_may_come_from_numpy():
    assert_array_equal(multi_head_self_attention(W, W, W, W, W, np.int64(3))[1], multi_head_self_attention(W, W, W, W, W, 3)[1])


def test_the_scale_belongs_to_one_head():
    """With H heads of d_h rows the root is that of d_h: one head of the first d_h rows alone gives the same weights."""
    rng = np.random.default_rng(15)
    X, W_q, W_k, W_v = (rng.standard_normal(s) for s in [(5, 6), (6, 6), (6, 6), (6, 6)])
    _, A = multi_head_self_attention(X, W_q, W_k, W_v, np.eye(6), 3)
    for h in range(3):
        q, k = X @ W_q[2 * h:2 * h + 2].T, X @ W_k[2 * h:2 * h + 2].T
        assert_allclose(A[h], softmax(q @ k.T / sqrt(2)), rtol=1e-13)

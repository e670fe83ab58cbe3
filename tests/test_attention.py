"""The attention functions: vectors from outside, by hand, extreme numbers, and bad arguments."""

import ast
import re
import subprocess
import sys
from math import e, log
from pathlib import Path

import comparisons
import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from solutions import attention
from solutions.attention import (
    multi_head_self_attention,
    scaled_dot_product_attention,
    self_attention,
    softmax,
)
from solutions.checks import shapes

SOURCE = Path(attention.__file__)


@pytest.mark.parametrize("compare", comparisons.ALL, ids=lambda compare: compare.__name__)
def test_comparison(compare):
    compare(attention)


# The listing


def test_listing_runs_as_it_is_printed(tmp_path):
    """Pasted into a file elsewhere, with the house's code on the path."""
    (tmp_path / "pasted.py").write_text(SOURCE.read_text() + "print(softmax([0, 0]))\n")
    done = subprocess.run(
        [sys.executable, "pasted.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(SOURCE.parents[1])},
    )
    assert done.stdout == "[0.5 0.5]\n", done.stderr


def test_listing_runs_without_its_checks():
    """NumPy alone is enough: the decorators and their import may be dropped."""
    tree = ast.parse(SOURCE.read_text())
    tree.body = [part for part in tree.body if getattr(part, "module", "") != "solutions.checks"]
    for part in tree.body:
        if isinstance(part, ast.FunctionDef):
            part.decorator_list = []
    alone = {}
    exec(compile(tree, "alone", "exec"), alone)
    X, *W = np.random.default_rng(1).standard_normal((5, 6, 6))
    for ours, theirs in zip(
        multi_head_self_attention(X, *W, 3), alone["multi_head_self_attention"](X, *W, 3)
    ):
        assert_array_equal(ours, theirs)


def test_listing_fits_its_page():
    lines = SOURCE.read_text().splitlines()
    assert len(lines) <= 45 and max(map(len, lines)) <= 96


# By hand


def test_softmax_of_logarithms_is_a_division():
    A = softmax([[0, log(3)], [log(2), log(6)]])
    assert_allclose(A, [[0.25, 0.75], [0.25, 0.75]], rtol=1e-15)


def test_attention_by_hand():
    """One query, two keys, d = 4: the scores are 2 / 2 = 1 and 0."""
    K, V = [[1, 1, 5, 0], [0, 0, 0, 7]], [[10, 0, 3], [0, 20, 3]]
    Y, A = scaled_dot_product_attention([[1, 1, 0, 0]], K, V)
    assert_allclose(A, [[e / (e + 1), 1 / (e + 1)]], rtol=1e-15)
    assert_allclose(Y, [[10 * e / (e + 1), 20 / (e + 1), 3]], rtol=1e-15)


def test_heads_use_consecutive_rows():
    """W_v = diag(1 ... 6) and equal weights: each head gives the mean of two coordinates."""
    X, zero = np.array([[1.0, 2, 3, 4, 5, 6], [3.0, 4, 5, 6, 7, 8]]), np.zeros((6, 6))
    W_v, W_o = np.diag([1.0, 2, 3, 4, 5, 6]), np.eye(6)[::-1]
    Y, A = multi_head_self_attention(X, zero, zero, W_v, W_o, 3)
    assert_array_equal(A, np.full((3, 2, 2), 0.5))
    assert_array_equal(Y, np.tile([7.0 * 6, 6 * 5, 5 * 4, 4 * 3, 3 * 2, 2 * 1], (2, 1)))


# Huge, infinite and missing scores


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_huge_scores(size, dtype):
    S = np.array([[size, -size, size], [-size, -size, -size], [0, size, -size]], dtype)
    assert_array_equal(softmax(S), [[0.5, 0, 0.5], [1 / dtype(3)] * 3, [0, 1, 0]])
    Q, K = np.array([[size / 10]], dtype), np.array([[10], [-10]], dtype)
    V = np.array([[3, 4], [5, 6]], dtype)
    Y, A = scaled_dot_product_attention(np.vstack([Q, -Q]), K, V)
    assert_array_equal(A, [[1, 0], [0, 1]])
    assert_array_equal(Y, V)


def test_score_of_minus_infinity_gets_no_weight():
    assert_array_equal(softmax([[-np.inf, 2.0, 2.0]]), [[0, 0.5, 0.5]])


@pytest.mark.parametrize("row", [[0, np.nan], [0, np.inf], [-np.inf] * 2, [np.inf, np.nan]])
def test_row_without_a_finite_maximum_is_named(row):
    S = np.zeros((2, 3, 2))
    S[1, 2] = row
    with pytest.raises(ValueError, match=rf"\(1, 2\).*{np.max(row)}"):
        softmax(S)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_inputs_that_are_not_finite_are_refused():
    W = np.eye(2)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"\(0,\)"):
            scaled_dot_product_attention([[bad, 1.0], [1.0, 1.0]], W, W)
        with pytest.raises(ValueError, match=r"\(0,\)"):
            multi_head_self_attention([[1.0, 2.0], [bad, 1.0]], W, W, W, W, 2)
    with pytest.raises(ValueError, match="inf"):
        scaled_dot_product_attention([[1e200]], [[1e200]], [[1.0]])  # the score overflows


# Types, layouts and batch axes


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.float16, np.longdouble, bool, np.int32, np.uint8]
)
def test_float32_is_kept_and_other_types_become_float64(dtype):
    arrays = [np.ones((2, 2), dtype)] * 5
    results = [
        softmax(arrays[0]),
        *scaled_dot_product_attention(*arrays[:3]),
        *self_attention(*arrays[:4]),
        *multi_head_self_attention(*arrays, 2),
    ]
    expected = np.float32 if dtype == np.float32 else np.float64
    assert {result.dtype for result in results} == {np.dtype(expected)}
    mixed = scaled_dot_product_attention(*arrays[:2], np.ones((2, 2)))
    assert mixed[0].dtype == np.float64


def test_integers_neither_round_nor_overflow():
    assert_array_equal(softmax(np.array([100, -100], np.int8)), softmax([100.0, -100.0]))
    X, W = np.array([[1, 2], [3, 5]]), np.array([[1, 0], [1, 1]])
    for got, want in zip(self_attention(X, W, W, W), self_attention(X / 1, W / 1, W / 1, W / 1)):
        assert_array_equal(got, want)


def test_array_of_the_right_type_is_not_copied():
    X = np.ones((2, 3), np.float32)
    assert shapes(X="N D")(lambda X: X)(X) is X


def test_any_layout_gives_the_same_and_arguments_are_unchanged():
    arrays = list(np.random.default_rng(11).standard_normal((5, 6, 6)))
    wanted, strided = multi_head_self_attention(*arrays, 3), []
    for array in arrays:
        wide = np.full((12, 18), np.nan)
        wide[::-2, 1::3] = array
        strided.append(wide[::-2, 1::3])
    for layout in (strided, [np.asfortranarray(a) for a in arrays], [a.tolist() for a in arrays]):
        before = [np.copy(a) for a in layout]
        for a in layout:
            if isinstance(a, np.ndarray):
                a.setflags(write=False)
        got = multi_head_self_attention(*layout, 3)
        for a, b in zip([*got, *layout], [*wanted, *before]):
            assert_allclose(a, b, rtol=0, atol=1e-13)
        assert not any(np.shares_memory(a, result) for a in layout for result in got)


def test_batch_axes_are_broadcast():
    rng = np.random.default_rng(13)
    Q, K, V = (rng.standard_normal(s) for s in [(2, 1, 3, 4), (5, 6, 4), (6, 2)])
    Y, A = scaled_dot_product_attention(Q, K, V)
    assert Y.shape == (2, 5, 3, 2) and A.shape == (2, 5, 3, 6)
    for i in range(2):
        for j in range(5):
            wanted = oracle.attention(Q[i, 0].tolist(), K[j].tolist(), V.tolist())
            for got, want in zip((Y[i, j], A[i, j]), wanted):
                assert_allclose(got, want, rtol=0, atol=1e-14)


def test_one_input_attends_to_itself():
    X, W_v = np.array([[1.0, 2, 3]]), np.arange(9.0).reshape(3, 3)
    Y, A = multi_head_self_attention(X, W_v, W_v + 1, W_v, np.eye(3), np.int64(3))
    assert_array_equal(A, np.ones((3, 1, 1)))
    assert_array_equal(Y, X @ W_v.T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 4.0])
def test_error_is_within_the_rounding_bound(scale, dtype):
    rng = np.random.default_rng(14)
    for N, M, d, d_v in [(3, 4, 5, 2), (2, 7, 3, 3), (4, 2, 1, 4)]:
        Q, K, V = (rng.standard_normal(s).astype(dtype) for s in [(N, d), (M, d), (M, d_v)])
        Q, K = dtype(scale) * Q, dtype(scale) * K
        exact = oracle.exact(oracle.attention, Q, K, V)
        bounds = oracle.rounding_bounds(Q, K, V, dtype)
        for got, want, bound in zip(scaled_dot_product_attention(Q, K, V), exact, bounds):
            assert (np.abs(got.astype(float) - want) <= bound).all()


# Bad arguments: the array, what was expected and what was given


def ones(*shape):
    return np.ones(shape)


X, W = ones(5, 6), ones(6, 6)
BAD_SHAPES = [
    (softmax, [3.0], "S .*0-D"),
    (softmax, [ones(2, 0)], "S .*N_k = 0"),
    (scaled_dot_product_attention, [ones(4), ones(3, 4), ones(3, 2)], "Q .*1-D"),
    (scaled_dot_product_attention, [ones(2, 4), 5, ones(3, 2)], "K .*0-D"),
    (scaled_dot_product_attention, [ones(2, 4), ones(3, 4), ones(3)], "V .*1-D"),
    (scaled_dot_product_attention, [ones(2, 4), ones(3, 5), ones(3, 2)], "K .*4 as in Q.* 5"),
    (scaled_dot_product_attention, [ones(7, 2, 4), ones(7, 3, 5), ones(3, 2)], "K .*4 .* 5"),
    (scaled_dot_product_attention, [ones(2, 4), ones(3, 4), ones(2, 2)], "V .*3 as in K.* 2"),
    (scaled_dot_product_attention, [ones(2, 0), ones(3, 0), ones(3, 2)], "Q .*d = 0"),
    (scaled_dot_product_attention, [ones(2, 4), ones(0, 4), ones(0, 2)], "K .*N_k = 0"),
    (self_attention, [ones(6), W, W, W], "X .*1-D"),
    (self_attention, [X, ones(2, 6, 6), W, W], "W_q .*3-D"),
    (self_attention, [X, W, ones(6), W], "W_k .*1-D"),
    (self_attention, [X, ones(6, 4), W, W], "W_q .*6 as in X.* 4"),
    (self_attention, [X, W, ones(6, 7), W], "W_k .*6 as in X.* 7"),
    (self_attention, [X, ones(4, 6), ones(3, 6), W], "W_k .*4 as in W_q.* 3"),
    (multi_head_self_attention, [X, W, W, ones(6, 5), W, 3], "W_v .*6 as in X.* 5"),
    (multi_head_self_attention, [X, W, W, W, W, 4], "W_q .*n_heads = 4.* 6"),
    (multi_head_self_attention, [X, W, W, ones(7, 6), ones(6, 7), 3], "W_v .*n_heads = 3.* 7"),
    (multi_head_self_attention, [X, W, ones(7, 6), W, W, 3], "W_k .*6 as in W_q.* 7"),
    (multi_head_self_attention, [X, W, W, W, W, 0], "n_heads .*0"),
    (multi_head_self_attention, [X, W, W, W, W, 1.5], "n_heads .*1.5"),
    (multi_head_self_attention, [X, W, W, W, W, True], "n_heads .*True"),
    (multi_head_self_attention, [X, W, W, W, ones(6), 3], "W_o .*1-D"),
    (multi_head_self_attention, [X, W, W, W, ones(6, 5), 3], "W_o .*6 as in W_v.* 5"),
]


@pytest.mark.parametrize("function, arguments, pattern", BAD_SHAPES)
def test_bad_shapes_are_named_with_both_numbers(function, arguments, pattern):
    with pytest.raises(ValueError, match="^" + pattern + r"\b"):
        function(*arguments)


@pytest.mark.parametrize(
    "bad",
    [
        [["1"]],
        [[1j]],
        [[None]],
        np.array([["2024-04-18"]], "M8[D]"),
        np.ma.masked_array([[1.0]], [[True]]),
    ],
)
@pytest.mark.parametrize("position, name", list(enumerate(["X", "W_q", "W_k", "W_v", "W_o"])))
def test_arrays_that_are_not_real_or_are_masked_are_named(position, name, bad):
    arguments = [np.eye(1)] * 5
    arguments[position] = bad
    given = "masked" if isinstance(bad, np.ma.MaskedArray) else re.escape(str(np.array(bad).dtype))
    with pytest.raises(TypeError, match=f"^{name} .*{given}"):
        multi_head_self_attention(*arguments, 1)

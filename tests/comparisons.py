"""What the attention functions are compared with; each comparison takes their module.

`test_attention.py` runs them on the module as it stands, `test_breakage.py` on broken copies.
"""

import json
from math import sqrt
from pathlib import Path

import numpy as np
import oracle
from numpy.testing import assert_allclose

from solutions import cases

DATA = Path(__file__).with_name("data")


def with_loops(attention):
    """The loops of oracle.py; in the first sizes wrong splits and transposes still fit."""
    rng = np.random.default_rng(7)
    for N, D, rows, value_rows, D_out, H in [
        (4, 6, 6, 6, 6, 1),
        (5, 6, 6, 6, 6, 3),
        (5, 6, 6, 6, 6, 2),
        (2, 6, 6, 6, 6, 6),
        (3, 5, 4, 6, 7, 2),
        (4, 3, 9, 6, 2, 3),
    ]:
        shapes = [(N, D), (rows, D), (rows, D), (value_rows, D), (D_out, value_rows)]
        X, *W, W_o = (rng.standard_normal(shape) for shape in shapes)
        loops = oracle.multi_head(*(a.tolist() for a in (X, *W, W_o)), H)
        _close(*attention.multi_head_self_attention(X, *W, W_o, H), *loops)
        arguments = (a.tolist() for a in (X, *W, np.eye(value_rows)))
        Y_loops, (A_loops,) = oracle.multi_head(*arguments, 1)
        _close(*attention.self_attention(X, *W), Y_loops, A_loops)
    for N, M, d_k, d_v in [(4, 4, 4, 4), (3, 5, 4, 2), (1, 4, 2, 3), (3, 1, 2, 2), (2, 3, 1, 1)]:
        Q, K, V = (rng.standard_normal(s) for s in [(N, d_k), (M, d_k), (M, d_v)])
        loops = oracle.attention(Q.tolist(), K.tolist(), V.tolist())
        _close(*attention.scaled_dot_product_attention(Q, K, V), *loops)


def with_50_digits(attention):
    """The placeholder with one head and three, its W_o and another; ten times the error seen."""
    case = cases.placeholder()
    W_o = np.arange(36).reshape(6, 6) / 8 - 2.0
    for H in (1, 3):
        for W in (case.W_o, W_o):
            arguments = (case.X, case.W_q, case.W_k, case.W_v, W, H)
            Y, A = attention.multi_head_self_attention(*arguments)
            Y_exact, A_exact = oracle.exact(oracle.multi_head, *arguments)
            assert_allclose(A, A_exact, rtol=0, atol=4e-15)
            assert_allclose(Y, Y_exact, rtol=0, atol=2e-14)


def with_notebook_12_1(attention):
    """Prince's notebook 12.1: biases are weights of a constant 1; sqrt(d) undoes the scale."""
    D, N = 4, 3
    inputs, weights = np.random.RandomState(3), np.random.RandomState(0)
    X = np.hstack([inputs.normal(size=(N, D)), np.ones((N, 1))])
    W_q, W_k, W_v = _with_biases(weights, D, D)
    Y, A = attention.self_attention(X, sqrt(D) * W_q, W_k, W_v)
    assert_allclose(Y, _truth("12.1 outputs"), rtol=0, atol=0.5e-8 + 1e-12)


def with_notebook_12_2(attention):
    """Prince's notebook 12.2: two heads with biases, scaled, a full W_o; inputs are columns."""
    D, N, H = 8, 6, 2
    inputs, weights = np.random.RandomState(3), np.random.RandomState(0)
    X = np.hstack([inputs.normal(size=(D, N)).T, np.ones((N, 1))])
    heads = [_with_biases(weights, D // H, D) for _ in range(H)]
    W_q, W_k, W_v = (np.vstack(blocks) for blocks in zip(*heads))
    W_o = weights.normal(size=(D, D))
    Y, A = attention.multi_head_self_attention(X, W_q, W_k, W_v, W_o, H)
    assert_allclose(Y.T, _truth("12.2 outputs"), rtol=0, atol=0.5e-3 + 1e-12)


def with_onnx_attention(attention):
    """ONNX node vectors with the heads on an axis of their own."""
    for name in ("attention_4d", "attention_4d_diff_heads_sizes"):
        Q, K, V, Y = _onnx(name, "Q K V Y")
        _same_float32(attention.scaled_dot_product_attention(Q, K, V)[0], Y)
    Q, K, V, Y = _onnx("attention_4d_scaled", "Q K V Y")
    Q = np.float32(0.01 * sqrt(8)) * Q
    _same_float32(attention.scaled_dot_product_attention(Q, K, V)[0], Y)
    Q, K, V, Y = _onnx("attention_4d_gqa", "Q K V Y")  # query heads 3g to 3g + 2 use key head g
    Q, K, V = Q.reshape(2, 3, 3, 4, 8), K[:, :, None], V[:, :, None]
    grouped = attention.scaled_dot_product_attention(Q, K, V)[0]
    _same_float32(grouped.reshape(2, 9, 4, 8), Y)
    Q, K, V, mask, Y, A = _onnx(
        "attention_4d_with_qk_matmul_softmax", "Q K V attn_mask Y qk_matmul_output"
    )
    d, (N, M) = 8, mask.shape  # q.k + mask_ij is the inner product of [q; mask_i] and [k; e_j]
    Q = np.concatenate([Q / sqrt(d), np.broadcast_to(mask, (2, 3, N, M))], axis=-1) * sqrt(d + M)
    K = np.concatenate([K, np.broadcast_to(np.eye(M), (2, 3, M, M))], axis=-1)
    got = attention.scaled_dot_product_attention(Q.astype(np.float32), K.astype(np.float32), V)
    _same_float32(got[0], Y)
    _same_float32(got[1], A)


def with_onnx_heads(attention):
    """ONNX node vectors with the heads side by side: rows [q; k; v] of X, each W picks its part.

    The vectors have fewer queries than keys: zeros are added, and their outputs left out.
    """
    H = 3
    for kind in ["", "_diff_heads_sizes", "_transpose_verification"]:
        Q, K, V, Y = _onnx(f"attention_3d{kind}", "Q K V Y")
        N, M = Q.shape[1], K.shape[1]
        X = np.concatenate([np.pad(Q, [(0, 0), (0, M - N), (0, 0)]), K, V], axis=-1)
        select = np.eye(X.shape[-1], dtype=np.float32)
        W_q, W_k, W_v = np.split(select, [Q.shape[-1], Q.shape[-1] + K.shape[-1]])
        W_o = np.eye(V.shape[-1], dtype=np.float32)
        got, A = attention.multi_head_self_attention(X, W_q, W_k, W_v, W_o, H)
        assert A.shape == (len(Q), H, M, M)
        _same_float32(got[:, :N], Y)


def with_onnx_softmax(attention):
    """ONNX node vectors of the softmax alone."""
    for name, axis in [("example", -1), ("large_number", -1), ("axis_1", 1), ("axis_2", 2)]:
        x, y = _onnx(f"softmax_{name}", "x y")
        _same_float32(attention.softmax(x.swapaxes(axis, -1)).swapaxes(axis, -1), y)


ALL = [
    with_loops,
    with_50_digits,
    with_notebook_12_1,
    with_notebook_12_2,
    with_onnx_attention,
    with_onnx_heads,
    with_onnx_softmax,
]


def _close(Y, A, Y_loops, A_loops):
    assert_allclose(A, A_loops, rtol=0, atol=1e-13)
    assert_allclose(Y, Y_loops, rtol=0, atol=1e-12)


def _with_biases(weights, rows, D):
    """Three matrices [W, b], drawn in the order of the notebooks: matrices first, then biases."""
    matrices = [weights.normal(size=(rows, D)) for _ in range(3)]
    return [np.hstack([W, weights.normal(size=(rows, 1))]) for W in matrices]


def _truth(key):
    return json.loads((DATA / "udl_notebooks.json").read_text())[key]


def _onnx(name, tensors):
    with np.load(DATA / "onnx_attention.npz") as vectors:
        return [vectors[f"{name}.{tensor}"] for tensor in tensors.split()]


def _same_float32(got, wanted):
    """All values lie in [0, 3.1]; float32 computations of them differ by a few units of 2.4e-7."""
    assert got.dtype == np.float32, got.dtype
    assert_allclose(got, wanted, rtol=0, atol=2e-6)

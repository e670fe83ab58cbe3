"""Computer assignment 1: self-attention and multi-head self-attention in NumPy.

    X    (..., N, D)    inputs, one per row
    W_q  (d_k, D)       query weights:  q_i = W_q x_i, so Q = X W_q^T; W_k and W_v likewise
    Q    (..., N, d_k)  queries
    K    (..., M, d_k)  keys
    V    (..., M, d_v)  values
    A    (..., N, M)    attention weights; each row sums to 1
    Y    (..., N, d_v)  outputs
"""

import math

import numpy as np


def softmax(S):
    """Softmax over the last axis.

    Subtracting the row's maximum changes nothing (the factor cancels) and keeps exp from overflowing.

    Parameters: S (..., M), real; -inf is allowed and gets weight 0.
    Returns: (..., M), each row nonnegative with sum 1.
    Raises: ValueError if a row is empty or has no finite maximum (NaN, inf, or -inf throughout).
    Source: Bishop and Bishop (2024), section 12.1.
    """
    (S,) = _real_arrays(S=S)
    if S.ndim == 0 or S.shape[-1] == 0:
        raise ValueError(f"softmax needs at least one logit per row, S has shape {S.shape}")
    top = S.max(axis=-1, keepdims=True)  # (..., 1)
    if not np.isfinite(top).all():
        row = tuple(int(i) for i in np.argwhere(~np.isfinite(top))[0][:-1])
        raise ValueError(f"row {row} of the logits has the maximum {top[row][0]}, a finite one is needed")
    E = np.exp(S - top)
    return E / E.sum(axis=-1, keepdims=True)


def scaled_dot_product_attention(Q, K, V):
    """Y = A V with A = softmax(Q K^T / sqrt(d_k)).

    Parameters: Q (..., N, d_k), K (..., M, d_k), V (..., M, d_v); float32 and float64 are kept, integers become float64.
    Returns: Y (..., N, d_v) and A (..., N, M).
    Raises: ValueError if the shapes do not fit or a logit is not finite; TypeError if an array is not real.
    Source: Vaswani et al. (2017), equation 1.
    """
    Q, K, V = _real_arrays(Q=Q, K=K, V=V)
    check_attention_shapes(Q, K, V)
    d_k = Q.shape[-1]
    S = Q @ K.swapaxes(-1, -2) / math.sqrt(d_k)  # (..., N, M)
    A = softmax(S)                               # (..., N, M)
    return A @ V, A


def self_attention(X, W_q, W_k, W_v):
    """One head: queries, keys and values are all computed from X.

    Parameters: X (..., N, D), W_q and W_k (d_k, D), W_v (d_v, D).
    Returns: Y (..., N, d_v) and A (..., N, N).
    Raises: ValueError if the shapes do not fit; TypeError if an array is not real.
    Source: Bishop and Bishop (2024), section 12.1.
    """
    X, W_q, W_k, W_v = _real_arrays(X=X, W_q=W_q, W_k=W_k, W_v=W_v)
    _check_weights(X, W_q=W_q, W_k=W_k, W_v=W_v)
    Q = X @ W_q.T  # (..., N, d_k)
    K = X @ W_k.T  # (..., N, d_k)
    V = X @ W_v.T  # (..., N, d_v)
    return scaled_dot_product_attention(Q, K, V)


def multi_head_self_attention(X, W_q, W_k, W_v, W_o, n_heads):
    """Each head attends with its own rows of W_q, W_k and W_v; W_o mixes the concatenated outputs.

    Head h uses the rows h d_h ... (h+1) d_h - 1, with d_h = (number of rows) / n_heads.

    Parameters: X (..., N, D), W_q and W_k (H d_k, D), W_v (H d_v, D), W_o (D_out, H d_v), n_heads = H.
    Returns: Y (..., N, D_out) and A (..., H, N, N), one matrix of weights per head.
    Raises: ValueError if the shapes do not fit or n_heads does not divide the rows; TypeError if an array is not real.
    Source: Vaswani et al. (2017), section 3.2.2; Bishop and Bishop (2024), section 12.1.
    """
    X, W_q, W_k, W_v, W_o = _real_arrays(X=X, W_q=W_q, W_k=W_k, W_v=W_v, W_o=W_o)
    _check_weights(X, W_q=W_q, W_k=W_k, W_v=W_v)
    _check_heads(n_heads, W_o, W_q=W_q, W_k=W_k, W_v=W_v)
    blocks = zip(*(np.split(W, n_heads) for W in (W_q, W_k, W_v)))   # H triples of (d_h, D)
    Ys, As = zip(*(self_attention(X, *block) for block in blocks))
    return np.concatenate(Ys, axis=-1) @ W_o.T, np.stack(As, axis=-3)


def _real_arrays(**named):
    """The arguments as arrays of one common floating type; integers and booleans become float64."""
    arrays = {name: np.asarray(value) for name, value in named.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} has dtype {array.dtype}, real numbers are needed")
    common = np.result_type(*arrays.values())
    if common not in (np.float32, np.float64):
        common = np.dtype(np.float64)
    return [array.astype(common, copy=False) for array in arrays.values()]


def check_attention_shapes(Q, K, V):
    """Raise ValueError, naming both numbers, unless Q (..., N, d_k), K (..., M, d_k) and V (..., M, d_v) fit together."""
    for name, array in dict(Q=Q, K=K, V=V).items():
        if array.ndim < 2:
            raise ValueError(f"{name} has {array.ndim} axes, at least 2 are needed")
    if Q.shape[-1] != K.shape[-1]:
        raise ValueError(f"Q has {Q.shape[-1]} columns, K has {K.shape[-1]}")
    if K.shape[-2] != V.shape[-2]:
        raise ValueError(f"K has {K.shape[-2]} rows, V has {V.shape[-2]}")
    if Q.shape[-1] == 0:
        raise ValueError("Q and K have 0 columns, at least 1 is needed")


def _check_weights(X, **weights):
    if X.ndim < 2:
        raise ValueError(f"X has {X.ndim} axes, at least 2 are needed")
    for name, W in weights.items():
        if W.ndim != 2:
            raise ValueError(f"{name} has {W.ndim} axes, 2 are needed")
        if W.shape[1] != X.shape[-1]:
            raise ValueError(f"{name} has {W.shape[1]} columns, X has {X.shape[-1]}")
    if weights["W_q"].shape[0] != weights["W_k"].shape[0]:
        raise ValueError(f"W_q has {weights['W_q'].shape[0]} rows, W_k has {weights['W_k'].shape[0]}")


def _check_heads(n_heads, W_o, **weights):
    if not isinstance(n_heads, (int, np.integer)) or n_heads < 1:
        raise ValueError(f"n_heads is {n_heads}, a whole number of at least 1 is needed")
    for name, W in weights.items():
        if W.shape[0] % n_heads:
            raise ValueError(f"{name} has {W.shape[0]} rows, not a multiple of {n_heads} heads")
    if W_o.ndim != 2:
        raise ValueError(f"W_o has {W_o.ndim} axes, 2 are needed")
    if W_o.shape[1] != weights["W_v"].shape[0]:
        raise ValueError(f"W_o has {W_o.shape[1]} columns, W_v has {weights['W_v'].shape[0]} rows")

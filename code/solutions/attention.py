"""Computer assignment 1: self-attention and multi-head self-attention in NumPy.

    X    (..., N, D)    inputs, one per row
    W_q  (d_k, D)       query weights: q_i = W_q x_i, so Q = X W_q^T; W_k, W_v likewise
    Q    (..., N, d_k)  queries
    K    (..., M, d_k)  keys
    V    (..., M, d_v)  values
    A    (..., N, M)    attention weights; each row sums to 1
    Y    (..., N, d_v)  outputs
"""

import math

import numpy as np


def softmax(S):
    """Softmax over the last axis of S (..., M): nonnegative, with rows of sum 1.

    Taking away a row's maximum changes nothing, since the factor cancels, and keeps
    exp from overflowing. A logit of -inf gets the weight 0.
    Raises: ValueError if a row is empty or its maximum is not finite; TypeError if
    S is not real. Source: Bishop and Bishop (2024), section 12.1.
    """
    (S,) = real_arrays(S=S)
    if S.ndim == 0 or S.shape[-1] == 0:
        raise ValueError(f"softmax needs at least 1 logit per row, S is {S.shape}")
    top = S.max(axis=-1, keepdims=True)  # (..., 1)
    check_finite_rows(top)
    E = np.exp(S - top)
    return E / E.sum(axis=-1, keepdims=True)


def scaled_dot_product_attention(Q, K, V):
    """Y = A V with A = softmax(Q K^T / sqrt(d_k)).

    From Q (..., N, d_k), K (..., M, d_k), V (..., M, d_v) to Y (..., N, d_v) and
    A (..., N, M). float32 and float64 are kept, integers become float64.
    Raises: ValueError if the shapes do not fit or a row of logits has no finite
    maximum; TypeError if an array is not real. Source: Vaswani et al. (2017), eq. 1.
    """
    Q, K, V = real_arrays(Q=Q, K=K, V=V)
    check_attention_shapes(Q, K, V)
    d_k = Q.shape[-1]
    S = Q @ K.swapaxes(-1, -2) / math.sqrt(d_k)  # (..., N, M)
    A = softmax(S)                               # (..., N, M)
    return A @ V, A


def self_attention(X, W_q, W_k, W_v):
    """One head: queries, keys and values are all computed from X.

    From X (..., N, D), W_q and W_k (d_k, D), W_v (d_v, D) to Y (..., N, d_v) and
    A (..., N, N). Raises: as above. Source: Bishop and Bishop (2024), section 12.1.
    """
    X, W_q, W_k, W_v = real_arrays(X=X, W_q=W_q, W_k=W_k, W_v=W_v)
    check_weights(X, W_q, W_k, W_v)
    Q = X @ W_q.T  # (..., N, d_k)
    K = X @ W_k.T  # (..., N, d_k)
    V = X @ W_v.T  # (..., N, d_v)
    return scaled_dot_product_attention(Q, K, V)


def multi_head_self_attention(X, W_q, W_k, W_v, W_o, n_heads):
    """Each head attends with its own rows of W_q, W_k, W_v; W_o mixes the outputs.

    Head h uses the rows h d_h ... (h + 1) d_h - 1, with d_h = rows / H, H = n_heads.
    From X (..., N, D), W_q and W_k (H d_k, D), W_v (H d_v, D), W_o (D_out, H d_v)
    to Y (..., N, D_out) and A (..., H, N, N). Raises: as above; ValueError also if
    n_heads does not divide the rows. Source: Vaswani et al. (2017), section 3.2.2.
    """
    X, W_q, W_k, W_v, W_o = real_arrays(X=X, W_q=W_q, W_k=W_k, W_v=W_v, W_o=W_o)
    check_weights(X, W_q, W_k, W_v)
    check_heads(n_heads, W_q, W_k, W_v, W_o)
    heads = zip(*(np.split(W, n_heads) for W in (W_q, W_k, W_v)))  # H x 3 x (d_h, D)
    Ys, As = zip(*(self_attention(X, *head) for head in heads))
    return np.concatenate(Ys, axis=-1) @ W_o.T, np.stack(As, axis=-3)


def real_arrays(**named):
    """The arrays in one common floating type; integers and booleans become float64.

    Raises: TypeError, naming the array and its dtype, if one is not real.
    """
    arrays = {name: np.asarray(value) for name, value in named.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} has dtype {array.dtype}, real numbers are needed")
    common = np.result_type(*arrays.values())
    if common not in (np.float32, np.float64):
        common = np.dtype(np.float64)
    return [array.astype(common, copy=False) for array in arrays.values()]


def check_finite_rows(top):
    """Raise ValueError at the first row whose largest logit (..., 1) is not finite."""
    if not np.isfinite(top).all():
        row = tuple(int(i) for i in np.argwhere(~np.isfinite(top))[0][:-1])
        raise ValueError(f"row {row} of the logits has the maximum {top[row][0]}, "
                         "a finite one is needed")


def check_attention_shapes(Q, K, V):
    """Raise ValueError unless Q (..., N, d_k), K (..., M, d_k), V (..., M, d_v) fit."""
    for name, array in dict(Q=Q, K=K, V=V).items():
        if array.ndim < 2:
            raise ValueError(f"{name} has {array.ndim} axes, at least 2 are needed")
    if Q.shape[-1] != K.shape[-1]:
        raise ValueError(f"Q has {Q.shape[-1]} columns, K has {K.shape[-1]}")
    if K.shape[-2] != V.shape[-2]:
        raise ValueError(f"K has {K.shape[-2]} rows, V has {V.shape[-2]}")
    if Q.shape[-1] == 0:
        raise ValueError("Q and K have 0 columns, at least 1 is needed")


def check_weights(X, W_q, W_k, W_v):
    """Raise ValueError unless the weights (d, D) act on the rows of X (..., N, D)."""
    if X.ndim < 2:
        raise ValueError(f"X has {X.ndim} axes, at least 2 are needed")
    for name, W in dict(W_q=W_q, W_k=W_k, W_v=W_v).items():
        if W.ndim != 2:
            raise ValueError(f"{name} has {W.ndim} axes, 2 are needed")
        if W.shape[1] != X.shape[-1]:
            raise ValueError(f"{name} has {W.shape[1]} columns, X has {X.shape[-1]}")
    if len(W_q) != len(W_k):
        raise ValueError(f"W_q has {len(W_q)} rows, W_k has {len(W_k)}")


def check_heads(n_heads, W_q, W_k, W_v, W_o):
    """Raise ValueError unless n_heads divides the rows and W_o takes the outputs."""
    if not isinstance(n_heads, (int, np.integer)) or n_heads < 1:
        raise ValueError(f"n_heads is {n_heads}, a whole number from 1 on is needed")
    for name, W in dict(W_q=W_q, W_k=W_k, W_v=W_v).items():
        if len(W) % n_heads:
            raise ValueError(f"{name} has {len(W)} rows, "
                             f"not a multiple of {n_heads} heads")
    if W_o.ndim != 2:
        raise ValueError(f"W_o has {W_o.ndim} axes, 2 are needed")
    if W_o.shape[1] != len(W_v):
        raise ValueError(f"W_o has {W_o.shape[1]} columns, W_v has {len(W_v)} rows")

"""Computer assignment 1: self-attention and multi-head self-attention in NumPy."""

import numpy as np

from solutions.checks import no_undefined_row, shapes  # the lines with @ only check


@shapes(S="... N_k")
@no_undefined_row
def softmax(S):
    """The softmax of every row of the scores S: nonnegative weights with sum 1."""
    E = np.exp(S - S.max(axis=-1, keepdims=True))  # (..., N_k), without overflow
    return E / E.sum(axis=-1, keepdims=True)


@shapes(Q="... N d", K="... N_k d", V="... N_k d_v")
def scaled_dot_product_attention(Q, K, V):
    """Outputs Y (..., N, d_v), weights A (..., N, N_k): Vaswani et al. 2017, eq. 1."""
    d = Q.shape[-1]
    S = Q @ K.swapaxes(-1, -2) / d**0.5  # (..., N, N_k)
    A = softmax(S)  # (..., N, N_k)
    return A @ V, A


@shapes(X="... N D", W_q="d D", W_k="d D", W_v="d_v D")
def self_attention(X, W_q, W_k, W_v):
    """One head: q_i = W_q x_i, k_i = W_k x_i, v_i = W_v x_i for each row x_i of X."""
    Q = X @ W_q.T  # (..., N, d)
    K = X @ W_k.T  # (..., N, d)
    V = X @ W_v.T  # (..., N, d_v)
    return scaled_dot_product_attention(Q, K, V)


@shapes(X="... N D", W_q="H*d_h D", W_k="H*d_h D", W_v="H*d_v D", W_o="D_o H*d_v", n_heads="H")
def multi_head_self_attention(X, W_q, W_k, W_v, W_o, n_heads):
    """Every head has rows of its own in W_q, W_k and W_v; W_o mixes their outputs."""
    W_q, W_k, W_v = (np.split(W, n_heads) for W in (W_q, W_k, W_v))  # H matrices each
    outputs, weights = [], []
    for h in range(n_heads):
        Y, A = self_attention(X, W_q[h], W_k[h], W_v[h])  # (..., N, d_v), (..., N, N)
        outputs.append(Y)
        weights.append(A)
    Y = np.concatenate(outputs, axis=-1) @ W_o.T  # (..., N, D_o)
    return Y, np.stack(weights, axis=-3)  # A: (..., H, N, N)

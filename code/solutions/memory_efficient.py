"""Computer assignment 1, for long inputs: the same attention without storing all weights.

Each block of queries meets the keys block by block, so that a worker never holds more
weights at a time than fit into the cache of its core.

    E  (keys, n)  scores of the block, then its weights e^(s - m), one column per query
    m  (n,)       largest score so far
    l  (n,)       sum of the weights so far
    o  (n, d_v)   sum of the values so far, times their weights: y = o / l
"""

import math

import numpy as np

from solutions import workers
from solutions.attention import scaled_dot_product_attention
from solutions.checks import check_maxima, shapes

MAX_QUERIES = 384  # in a block
BLOCK_BYTES = 3 * 2**18  # for the weights of a block: three quarters of a MiB
MAX_PLAIN_WEIGHTS = 128 * 128  # in a head: up to here the plain function is used


@shapes(Q="... N d", K="... N_k d", V="... N_k d_v")
def memory_efficient_attention(Q, K, V):
    """Y = softmax(Q K^T / sqrt(d)) V, without ever holding all N x N_k weights.

    Arguments, errors: as for scaled_dot_product_attention. Returns: Y (..., N, d_v).
    Sources: Milakov and Gimelshein (2018), Rabe and Staats (2021), Dao et al. (2022).
    """
    batch = np.broadcast_shapes(Q.shape[:-2], K.shape[:-2], V.shape[:-2])
    heads, N, N_k = math.prod(batch), Q.shape[-2], K.shape[-2]
    if N * N_k <= MAX_PLAIN_WEIGHTS or heads * N * N_k * Q.itemsize <= BLOCK_BYTES:
        return scaled_dot_product_attention(Q, K, V)[0]
    Q, K, V = (np.broadcast_to(a, batch + a.shape[-2:]) for a in (Q, K, V))
    Y = np.empty(batch + (N, V.shape[-1]), Q.dtype)
    maxima = np.zeros(batch + (N,), Q.dtype)  # of the rows that needed their maximum
    n = queries_in_a_block(heads, N)

    def work(blocks):
        workspace = np.empty(BLOCK_BYTES // Q.itemsize, Q.dtype)
        with np.errstate(all="ignore"):
            for head, i in blocks:
                rows = slice(i, i + n)
                y = without_maximum(Q[head][rows], K[head], V[head], workspace)
                if y is None:
                    y, maxima[head][rows] = with_maximum(Q[head][rows], K[head], V[head], workspace)
                Y[head][rows] = y

    workers.run(work, [(head, i) for head in np.ndindex(batch) for i in range(0, N, n)])
    check_maxima(maxima)
    return Y


def queries_in_a_block(heads, N):
    """At most MAX_QUERIES; the blocks of a head have one size, and there are 16 or more in all."""
    return math.ceil(N / max(math.ceil(N / MAX_QUERIES), math.ceil(16 / heads)))


def with_maximum(Q, K, V, workspace):
    """y (n, d_v), m (n,) for n queries; each block rescales l and o to the new m."""
    value_scale = 2.0 ** -math.ceil(math.log2(len(K)))  # keeps o finite where y is
    m, l, o = np.finfo(V.dtype).min, 0, 0  # the lowest number for -inf
    for K_j, V_j, ones, E_j in key_blocks(K, V, len(Q), workspace):
        np.matmul(K_j, Q.T, out=E_j)  # (keys, n)
        E_j /= math.sqrt(Q.shape[-1])
        new_m = np.maximum(m, E_j.max(axis=0))
        E_j -= new_m
        np.exp(E_j, out=E_j)
        rescale = np.exp(m - new_m)  # (n,)
        l = rescale * l + ones @ E_j
        o = rescale[:, None] * o + E_j.T @ (value_scale * V_j)
        m = new_m
    return o / l[:, None] / value_scale, np.where(l == 0, -np.inf, m)


def without_maximum(Q, K, V, workspace):
    """y (n, d_v) for n queries with m = 0 throughout, or None where that is not safe.

    It is safe if nothing overflows and each l is at least 1, for then no product underflows
    that would not in A V. With log2(e) in the scale the weight is 2^s: exp2 is faster than exp.
    """
    Q_T = Q.T * (math.log2(math.e) / math.sqrt(Q.shape[-1]))
    l, o = 0, 0
    for K_j, V_j, ones, E_j in key_blocks(K, V, len(Q), workspace):
        np.matmul(K_j, Q_T, out=E_j)  # (keys, n)
        np.exp2(E_j, out=E_j)
        l = l + ones @ E_j
        o = o + E_j.T @ V_j  # (n, d_v)
        if not (l.min() >= 1 and l.max() < np.inf):
            return None
    return o / l[:, None] if np.isfinite(o).all() else None


def key_blocks(K, V, n, workspace):
    """Blocks of keys and values whose weights fit the workspace; ones to sum the weights."""
    E = workspace[: len(workspace) // n * n].reshape(-1, n)
    ones = np.ones(len(E), V.dtype)
    for j in range(0, len(K), len(E)):
        K_j, V_j = K[j : j + len(E)], V[j : j + len(E)]
        yield K_j, V_j, ones[: len(K_j)], E[: len(K_j)]

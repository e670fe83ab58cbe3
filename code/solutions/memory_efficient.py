"""Computer assignment 1, for long inputs: the same attention in little memory.

Each block of queries meets the keys block by block, so that a worker holds no more
weights at a time than fit into the cache of a core.

    E  (keys, n)  the block's logits, then its weights e^(s - m), a column a query
    m  (n,)       the largest logit so far
    l  (n,)       the sum of the weights so far
    o  (n, d_v)   the values so far, summed with these weights: y = o / l
"""

import math

import numpy as np

from solutions import workers
from solutions.attention import scaled_dot_product_attention
from solutions.checks import check_maxima, shapes

QUERIES = 384       # in a block, at most
BLOCK = 3 * 2**18   # bytes for the weights of a block: three quarters of a MiB
SMALL = 128 * 128   # no more weights than this in a head: the plain function


@shapes(Q="... N d", K="... M d", V="... M d_v")
def memory_efficient_attention(Q, K, V):
    """Y = softmax(Q K^T / sqrt(d_k)) V without ever holding the (N, M) weights.

    Parameters and errors: those of scaled_dot_product_attention.
    Returns: Y (..., N, d_v).
    Source: Milakov and Gimelshein (2018), Rabe and Staats (2021), Dao et al. (2022).
    """
    batch = np.broadcast_shapes(Q.shape[:-2], K.shape[:-2], V.shape[:-2])
    heads, N, M = math.prod(batch), Q.shape[-2], K.shape[-2]
    if N * M <= SMALL or heads * N * M * Q.itemsize <= BLOCK:
        return scaled_dot_product_attention(Q, K, V)[0]
    Q, K, V = (np.broadcast_to(a, batch + a.shape[-2:]) for a in (Q, K, V))
    Y = np.empty(batch + (N, V.shape[-1]), Q.dtype)
    top = np.zeros(batch + (N, 1), Q.dtype)  # largest logits, where they were needed
    n = queries_in_a_block(heads, N)

    def work(blocks):
        room = np.empty(BLOCK // Q.itemsize, Q.dtype)
        with np.errstate(all="ignore"):
            for head, i in blocks:
                rows = slice(i, i + n)
                y = without_maximum(Q[head][rows], K[head], V[head], room)
                if y is None:
                    y, m = with_maximum(Q[head][rows], K[head], V[head], room)
                    top[head][rows, 0] = m
                Y[head][rows] = y

    workers.run(work, [(head, i) for head in np.ndindex(batch) for i in range(0, N, n)])
    check_maxima(top[..., 0])
    return Y


def queries_in_a_block(heads, N):
    """At most QUERIES; the blocks of a head are of one size, and 16 or more in all."""
    return math.ceil(N / max(math.ceil(N / QUERIES), math.ceil(16 / heads)))


def with_maximum(Q, K, V, room):
    """y (n, d_v) and m (n,) for n queries; each block moves (m, l, o) to the new m."""
    share = 2.0 ** -math.ceil(math.log2(len(K)))  # of V: o is finite where y is
    m, l, o = np.finfo(V.dtype).min, 0, 0         # the lowest number stands for -inf
    for K_j, V_j, ones, E_j in key_blocks(K, V, len(Q), room):
        np.matmul(K_j, Q.T, out=E_j)              # (keys, n)
        E_j /= math.sqrt(Q.shape[-1])
        above = np.maximum(m, E_j.max(axis=0))
        E_j -= above
        np.exp(E_j, out=E_j)
        fade = np.exp(m - above)                  # (n,)
        l = fade * l + ones @ E_j
        o = fade[:, None] * o + E_j.T @ (share * V_j)
        m = above
    return o / l[:, None] / share, np.where(l == 0, -np.inf, m)


def without_maximum(Q, K, V, room):
    """y (n, d_v) for n queries with m = 0 throughout, or None where that is not safe.

    Safe: nothing overflows, and each l is at least 1, so that no product underflows
    that would not in A V. With log2(e) in the scale 2^s is the weight: exp2 beats exp.
    """
    Q_T = Q.T * (math.log2(math.e) / math.sqrt(Q.shape[-1]))
    l, o = 0, 0
    for K_j, V_j, ones, E_j in key_blocks(K, V, len(Q), room):
        np.matmul(K_j, Q_T, out=E_j)              # (keys, n)
        np.exp2(E_j, out=E_j)
        l = l + ones @ E_j
        o = o + E_j.T @ V_j                       # (n, d_v)
        if not (l.min() >= 1 and l.max() < np.inf):
            return None
    return o / l[:, None] if np.isfinite(o).all() else None


def key_blocks(K, V, n, room):
    """As many keys and values at a time as fit; ones to sum the weights with."""
    E = room[:len(room) // n * n].reshape(-1, n)
    ones = np.ones(len(E), V.dtype)
    for j in range(0, len(K), len(E)):
        K_j, V_j = K[j:j + len(E)], V[j:j + len(E)]
        yield K_j, V_j, ones[:len(K_j)], E[:len(K_j)]

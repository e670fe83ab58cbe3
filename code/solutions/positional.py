"""Exercise 1: positional embeddings, and the inner product under addition and concatenation.

    X        (N, D)   contents, one per row
    P        (N, E)   positional embeddings, one per row; addition needs E = D
    W_q      (d, D)   query weights: q_i = W_q x_i; W_k likewise
    W_q^x, W_q^p      the blocks of concatenation's W_q (d, D + E) that act on content and on position
"""

import math

import numpy as np


def orthogonal_embeddings(n, dim):
    """n orthonormal vectors of R^dim: the first n rows of an orthogonal matrix.

    Returns: P (n, dim) with P P^T = I.
    Raises: ValueError if n > dim, for then there are none.
    """
    if not 1 <= n <= dim:
        raise ValueError(f"{n} nonzero orthogonal vectors in {dim} dimensions: at least 1 and at most {dim} exist")
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((dim, dim)))
    return Q[:n]


def simplex(dim):
    """dim + 1 unit vectors of R^dim whose cosines are all -1/dim, the corners of a regular simplex.

    The rows of the Helmert matrix are orthonormal and orthogonal to the vector of ones; its columns are the corners.

    Returns: P (dim + 1, dim).
    Raises: ValueError if dim < 1.
    """
    if dim < 1:
        raise ValueError(f"a simplex in {dim} dimensions: at least 1 is needed")
    k = np.arange(1, dim + 1)[:, None]                               # (dim, 1)
    columns = np.arange(dim + 1)
    helmert = np.where(columns < k, 1.0, 0.0) - k * (columns == k)   # (dim, dim + 1)
    helmert /= np.sqrt(k * (k + 1))
    return math.sqrt((dim + 1) / dim) * helmert.T


def welch_bound(n, dim):
    """A lower bound on the largest |cosine| among n vectors of R^dim, attained by the simplex; 0 if n <= dim.

    Raises: ValueError if n or dim is less than 1.
    Source: Welch (1974), for real vectors.
    """
    if n < 1 or dim < 1:
        raise ValueError(f"{n} vectors in {dim} dimensions: at least 1 of each is needed")
    return math.sqrt((n - dim) / (dim * (n - 1))) if n > dim else 0.0


def random_cosines(dim, pairs):
    """The cosines between pairs of random directions of R^dim.

    Returns: (pairs,).
    """
    p, q = np.random.default_rng(0).standard_normal((2, pairs, dim))
    return (p * q).sum(axis=1) / np.linalg.norm(p, axis=1) / np.linalg.norm(q, axis=1)


def one_hot(n):
    """The n one-hot embeddings of R^n: P = I (n, n)."""
    return np.eye(n)


def frequencies(dim):
    """omega_m = 10000^(-2m / dim) for m = 0 ... dim/2 - 1.

    Returns: (dim / 2,).
    Raises: ValueError if dim is odd or less than 2.
    Source: Vaswani et al. (2017), section 3.5.
    """
    if dim < 2 or dim % 2:
        raise ValueError(f"sinusoidal embeddings in {dim} dimensions: an even number of at least 2 is needed")
    return 10000.0 ** (-np.arange(0, dim, 2) / dim)


def sinusoidal(n, dim):
    """p_t = (sin omega_0 t, cos omega_0 t, sin omega_1 t, cos omega_1 t, ...) for t = 0 ... n - 1.

    Returns: P (n, dim).
    Raises: ValueError if dim is odd or less than 2.
    Source: Vaswani et al. (2017), section 3.5.
    """
    angles = np.arange(n)[:, None] * frequencies(dim)                # (n, dim / 2)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(n, dim)


def logits(Z, W_q, W_k):
    """(W_q z_i)^T (W_k z_j) for all i, j.

    Parameters: Z (N, D), W_q and W_k (d, D).
    Returns: (N, N).
    Raises: ValueError if the shapes do not fit.
    """
    _check_weights(Z.shape[1], "the tokens have", W_q, W_k)
    return (Z @ W_q.T) @ (Z @ W_k.T).T


def addition_terms(X, P, W_q, W_k):
    """The four terms of the logits of x_i + p_i: content-content, content-position, position-content, position-position.

    Parameters: X (N, D), P (N, D), W_q and W_k (d, D).
    Returns: (4, N, N); their sum is logits(X + P, W_q, W_k).
    Raises: ValueError if the shapes do not fit.
    """
    _check_rows(X, P)
    if P.shape[1] != X.shape[1]:
        raise ValueError(f"P has {P.shape[1]} columns, X has {X.shape[1]}: only vectors of one length can be added")
    _check_weights(X.shape[1], "X has", W_q, W_k)
    M = W_q.T @ W_k                                                  # (D, D), shared
    return np.stack([A @ M @ B.T for A in (X, P) for B in (X, P)])


def concatenation_terms(X, P, W_q, W_k):
    """The four terms of the logits of [x_i; p_i], in the order of addition_terms, each with its own block of W_q^T W_k.

    Parameters: X (N, D), P (N, E), W_q and W_k (d, D + E).
    Returns: (4, N, N); their sum is logits of the concatenated vectors.
    Raises: ValueError if the shapes do not fit.
    """
    _check_rows(X, P)
    D = X.shape[1]
    _check_weights(D + P.shape[1], "X and P together have", W_q, W_k)
    M = W_q.T @ W_k                                                  # (D + E, D + E)
    return np.stack([X @ M[:D, :D] @ X.T, X @ M[:D, D:] @ P.T, P @ M[D:, :D] @ X.T, P @ M[D:, D:] @ P.T])


def _check_rows(X, P):
    if len(X) != len(P):
        raise ValueError(f"X has {len(X)} rows, P has {len(P)}")


def _check_weights(columns, who, W_q, W_k):
    for name, W in dict(W_q=W_q, W_k=W_k).items():
        if W.shape[1] != columns:
            raise ValueError(f"{name} has {W.shape[1]} columns, {who} {columns}")
    if W_q.shape[0] != W_k.shape[0]:
        raise ValueError(f"W_q has {W_q.shape[0]} rows, W_k has {W_k.shape[0]}")

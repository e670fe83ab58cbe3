"""Exercise 1: positional embeddings, one to a row; positions count from 0."""

import math

import numpy as np


def simplex(dim: int) -> np.ndarray:
    """dim + 1 unit vectors of R^dim with the inner products -1/dim: the corners of a simplex.

    They are the columns of the Helmert matrix, whose rows are orthonormal and add up to zero.
    Returns: (dim + 1, dim).
    Raises: ValueError if dim < 1.
    """
    _at_least_1(dim=dim)
    k = np.arange(1, dim + 1)[:, None]  # (dim, 1)
    columns = np.arange(dim + 1)
    helmert = np.where(columns < k, 1.0, 0.0) - k * (columns == k)  # (dim, dim + 1)
    helmert /= np.sqrt(k * (k + 1))
    return math.sqrt((dim + 1) / dim) * helmert.T


def welch_bound(n: int, dim: int) -> float:
    """What the largest |p_i . p_j| of n unit vectors of R^dim cannot be below; 0 if n <= dim.

    Raises: ValueError if n or dim is less than 1.
    Source: Welch (1974), for real vectors.
    """
    _at_least_1(n=n, dim=dim)
    return math.sqrt((n - dim) / (dim * (n - 1))) if n > dim else 0.0


def random_cosines(dim: int, pairs: int) -> np.ndarray:
    """The cosines between pairs of random directions of R^dim, (pairs,)."""
    p, q = np.random.default_rng(0).standard_normal((2, pairs, dim))
    return (p * q).sum(axis=1) / np.linalg.norm(p, axis=1) / np.linalg.norm(q, axis=1)


def largest_cosine(n: int, dim: int, seed: int) -> float:
    """The largest absolute cosine between any two of n random directions of R^dim."""
    P = np.random.default_rng(seed).standard_normal((n, dim))
    P /= np.linalg.norm(P, axis=1, keepdims=True)
    return float(np.abs(P @ P.T - np.eye(n)).max())


def one_hot(n: int) -> np.ndarray:
    """The one-hot embeddings of n positions, (n, n)."""
    return np.eye(n)


def sinusoidal(n: int, dim: int) -> np.ndarray:
    """p_t = (sin omega_1 t, cos omega_1 t, sin omega_2 t, ...) for t = 0 ... n - 1, (n, dim).

    The frequencies are omega_m = 10000^(-2(m - 1) / dim) for m = 1 ... dim / 2.
    Raises: ValueError if dim is odd or less than 2.
    Source: Vaswani et al. (2017), section 3.5.
    """
    if dim < 2 or dim % 2:
        raise ValueError(
            f"dim must be even and at least 2, got {dim}: sine and cosine come in pairs"
        )
    frequencies = 10000.0 ** (-np.arange(0, dim, 2) / dim)  # (dim / 2,)
    angles = np.arange(n)[:, None] * frequencies  # (n, dim / 2)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(n, dim)


def _at_least_1(**sizes):
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")

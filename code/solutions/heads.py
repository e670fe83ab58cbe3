"""Computer assignment 1 (c): the weights of one head from those of several, in logarithms.

The single head's scores are the sum of the heads' scores divided by sqrt(H), so its weights are the
product of theirs to the power 1 / sqrt(H), divided by the sum over all keys.
"""

import numpy as np

from solutions.attention import softmax
from solutions.cases import Case


def scores(case: Case, n_heads: int) -> np.ndarray:
    """The scores of each of H heads, (H, N, N)."""
    heads = zip(np.split(case.W_q, n_heads), np.split(case.W_k, n_heads))
    products = [(case.X @ W_q.T) @ (case.X @ W_k.T).T for W_q, W_k in heads]
    return np.stack(products) / (len(case.W_q) // n_heads) ** 0.5


def log_softmax(S: np.ndarray) -> np.ndarray:
    """The logarithm of the softmax of every row, also where the softmax itself underflows."""
    S = S - S.max(axis=-1, keepdims=True)
    return S - np.log(np.exp(S).sum(axis=-1, keepdims=True))


def log_weights(case: Case, n_heads: int) -> np.ndarray:
    """The logarithms of the weights of each of H heads, (H, N, N)."""
    return log_softmax(scores(case, n_heads))


def log_products(case: Case, n_heads: int) -> np.ndarray:
    """The logarithms of the products over H heads of the weights to the power 1 / sqrt(H), (N, N).

    Their softmax is what a single head has as its weights.
    """
    return log_weights(case, n_heads).sum(axis=0) / n_heads**0.5


def pooled_weights(case: Case, n_heads: int) -> np.ndarray:
    """The products over H heads, divided by their sum over all keys: one head's weights, (N, N)."""
    return softmax(log_products(case, n_heads))

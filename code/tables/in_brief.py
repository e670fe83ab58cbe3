"""Attention in brief: two tokens whose attention is computed by hand, as LaTeX."""

import numpy as np

from solutions.attention import self_attention
from solutions.wording import short
from weaving import latex


class Example:
    """Two tokens and one head, in numbers small enough to follow with a pencil."""

    def __init__(self):
        self.X = np.array([[1.0, 0.0], [0.0, 2.0]])  # (2, 2), a row for each token
        self.W_q = np.array([[1.0, 1.0], [0.0, 1.0]])
        self.W_k = np.array([[1.0, 0.0], [0.0, 1.0]])
        self.W_v = np.array([[2.0, 0.0], [0.0, 1.0]])
        self.Q, self.K, self.V = (self.X @ W.T for W in (self.W_q, self.W_k, self.W_v))
        self.products = self.Q @ self.K.T
        self.scores = self.products / 2**0.5
        self.exponentials = np.exp(self.scores)
        self.Y, self.A = self_attention(self.X, self.W_q, self.W_k, self.W_v)

    def matrices(self):
        named = ("W_q", self.W_q), ("W_k", self.W_k), ("W_v", self.W_v)
        return r", \qquad ".join(f"{latex.bold(name)} = {_small_matrix(W)}" for name, W in named)


def _small_matrix(W):
    rows = r" \\ ".join(" & ".join(map(short, row)) for row in W)
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"

"""Attention in brief: two tokens whose attention is computed by hand, as LaTeX."""

import numpy as np

from solutions.attention import self_attention
from solutions.wording import short, vector
from weaving import latex


class Example:
    """Two tokens and one head, in numbers small enough to follow with a pencil.

    Tokens are counted from 1; results are rounded only when they are printed.
    """

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

    def arrays(self):
        """What the figure draws."""
        return {"X": self.X, "q": self.Q, "k": self.K, "v": self.V}

    def matrices(self):
        named = ("W_q", self.W_q), ("W_k", self.W_k), ("W_v", self.W_v)
        return r", \qquad ".join(f"{latex.bold(name)} = {_small_matrix(W)}" for name, W in named)

    def x(self, i):
        return vector(self.X[i - 1])

    def q(self, i):
        return vector(self.Q[i - 1])

    def k(self, i):
        return vector(self.K[i - 1])

    def v(self, i):
        return vector(self.V[i - 1])

    def y(self, i):
        return vector(self.Y[i - 1])

    def product(self, i, j):
        return short(self.products[i - 1, j - 1])

    def score(self, i, j):
        return short(self.scores[i - 1, j - 1])

    def exponential(self, i, j):
        return short(self.exponentials[i - 1, j - 1])

    def total(self, i):
        return short(self.exponentials[i - 1].sum())

    def weight(self, i, j, digits=2):
        return f"{self.A[i - 1, j - 1]:.{digits}f}"


def _small_matrix(W):
    rows = r" \\ ".join(" & ".join(map(short, row)) for row in W)
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"
